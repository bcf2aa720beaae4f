/* Domains come, go and get other owners: on disk when these return. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"
#include "testpoint.h"

#define DOMAINS_USER 256

/* Also a file that is not in use, such as a link, is somebody's. */
int name_check_free(struct model *m, const char *name, struct err *e)
{
	struct domain *d = model_find(m, name);

	if (d) {
		domain_unref(d);
		return fail(e, EEXIST, "%s: there is a domain of this name already", name);
	}
	return folder_has(m, name) ? fail(e, EEXIST, "%s.cfg is in the configuration folder already", name) : 0;
}

/* What users define costs memory and disk of everybody's; root's own are not counted. */
static int check_share(struct model *m, uid_t owner, struct err *e)
{
	size_t owned = owner ? holders_count(&m->holders, HOLDS_OWNER, &owner, sizeof(owner)) : 0;

	if (owned >= DOMAINS_USER)
		return fail(e, EPERM, "you have %zu domains, and nobody but root may have more", owned);
	return 0;
}

/* Registered first: the folder's watcher then knows the file for what it is. The disk's lock is held. */
static int define(struct domain *d, const char *name, struct err *e)
{
	struct model *m = d->model;
	int rc = registry_add(d, e);

	if (rc)
		return rc;
	store_domain_remove(d); /* what an earlier domain of this name left */
	rc = store_domain_save(d, e);
	test_point("define-meta");
	if (!rc)
		rc = folder_write(m, name, "", 0, e);
	if (rc) {
		store_domain_remove(d);
		registry_del(d);
		return rc;
	}
	domain_lock(d);
	d->config_hash = hash_text("", 0);
	d->autostart = autostart_has(m, name);
	domain_touch(d);
	event_emit(d, "define", "%s", "");
	domain_unlock(d);
	return 0;
}

int domain_define(struct model *m, struct job *j, const char *name, struct domain **ret, struct err *e)
{
	struct domain *d;
	int rc = name_check(name, e);

	if (rc || j->dry)
		return rc;
	d = domain_new(m, name);
	d->owner = j->caller->user.uid;
	d->group = j->caller->user.gid;
	lock_acquire(&m->disk);
	rc = name_check_free(m, name, e);
	if (!rc)
		rc = check_share(m, j->caller->user.uid, e);
	if (!rc)
		rc = define(d, name, e);
	lock_release(&m->disk);
	if (!rc && ret)
		*ret = domain_ref(d);
	domain_unref(d);
	return rc;
}

/* The disk's lock is held. */
static int undefine(struct domain *d, struct err *e)
{
	struct model *m = d->model;
	char *name = domain_name(d);
	int rc = folder_remove(m, name, e);

	test_point("undefine-removed");
	if (!rc) {
		if (autostart_has(m, name))
			autostart_set(m, name, false, NULL);
		registry_del(d);
		store_domain_remove(d);
		domain_lock(d);
		event_emit(d, "undefine", "%s", "");
		domain_unlock(d);
	}
	free(name);
	return rc;
}

int domain_undefine(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	int rc;

	if (d->foreign)
		return fail(e, EPERM, "this domain was made by another tool; it leaves when it is off");
	rc = job_begin(j, e);
	if (rc)
		return rc;
	domain_lock(d);
	if (domain_on(d))
		rc = fail(e, EBUSY, "%s: the domain is %s; shutdown or destroy it first", d->name,
		          state_names[d->state]);
	domain_unlock(d);
	if (!rc && !j->dry) {
		lock_acquire(&d->model->disk);
		rc = undefine(d, e);
		lock_release(&d->model->disk);
	}
	job_end(j);
	return rc;
}

struct access {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

static struct access access_set(struct domain *d, struct access a)
{
	struct access old;

	domain_lock(d);
	old = (struct access){ d->owner, d->group, d->mode };
	d->owner = a.uid;
	d->group = a.gid;
	d->mode = a.mode;
	domain_touch(d);
	domain_unlock(d);
	return old;
}

int domain_set_owner(struct job *j, uid_t uid, gid_t gid, mode_t mode, unsigned what, struct err *e)
{
	struct domain *d = j->domain;
	const struct user *u = &j->caller->user;
	struct access a, old;
	int rc = 0;

	lock_acquire(&d->model->disk);
	domain_lock(d);
	a.uid = what & DOMAIN_SET_UID ? uid : d->owner;
	a.gid = what & DOMAIN_SET_GID ? gid : d->group;
	a.mode = what & DOMAIN_SET_MODE ? mode & 0777 : d->mode;
	if (u->uid && (u->uid != d->owner || a.uid != d->owner || (a.gid != d->group && !user_in_group(u, a.gid))))
		rc = fail(e, EPERM, "only root may give a domain away, and its owner to a group of his");
	domain_unlock(d);
	if (!rc && !j->dry) {
		old = access_set(d, a);
		rc = store_domain_save(d, e);
		if (rc) /* what cannot be kept does not hold */
			access_set(d, old);
	}
	lock_release(&d->model->disk);
	return rc;
}

/* Makes TEXT (taken over) the note or the tags; the one before. */
static char *note_set(struct domain *d, bool tags, char *text)
{
	char **field = tags ? &d->tags : &d->notes, *old;

	domain_lock(d);
	old = *field;
	*field = text;
	domain_touch(d);
	domain_unlock(d);
	return old;
}

int domain_set_note(struct job *j, bool tags, const char *text, size_t len, struct err *e)
{
	struct domain *d = j->domain;
	char *old;
	int rc;

	if (len > 4000)
		return fail(e, EINVAL, "at most 4000 bytes");
	if (j->dry)
		return 0;
	lock_acquire(&d->model->disk);
	old = note_set(d, tags, x_strndup(text, len));
	rc = store_domain_save(d, e);
	if (rc)
		old = note_set(d, tags, old);
	lock_release(&d->model->disk);
	free(old);
	return rc;
}

int domain_set_autostart(struct job *j, bool on, struct err *e)
{
	struct domain *d = j->domain;
	char *name;
	int rc;

	if (d->foreign)
		return fail(e, EPERM, "this domain was made by another tool: it has no file to start from");
	if (j->dry)
		return 0;
	lock_acquire(&d->model->disk);
	name = domain_name(d);
	rc = d->gone ? fail(e, ENOENT, "%s: there is no such domain any more", name)
	             : autostart_set(d->model, name, on, e);
	free(name);
	if (!rc) {
		domain_lock(d);
		d->autostart = on;
		domain_touch(d);
		domain_unlock(d);
	}
	lock_release(&d->model->disk);
	return rc;
}
