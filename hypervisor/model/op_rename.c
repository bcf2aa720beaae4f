/* A domain gets another name: by a verb, by mv in the configuration folder, or because another tool calls its guest so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/edit.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"
#include "testpoint.h"

#define NAME_SECONDS 60

/* The text with its name= changed, when it has one. */
static int renamed_text(struct domain *d, const char *name, struct buf *ret, struct err *e)
{
	struct buf text = { 0 };
	char value[NAME_MAX_LEN + 3];
	struct spec *said = NULL;
	int rc;

	domain_lock(d);
	buf_add(&text, d->config, d->config_len);
	domain_unlock(d);
	rc = spec_parse(text.p ? text.p : "", text.len, &said, NULL, e);
	snprintf(value, sizeof(value), "\"%s\"", name);
	if (!rc && spec_has(said, KEY_name))
		rc = config_edit(text.p, text.len, KEY_name, value, ret, e);
	else if (!rc)
		buf_add(ret, text.p, text.len);
	spec_unref(said);
	buf_free(&text);
	return rc;
}

/*
 * The order makes each step repeatable: the new file first, the old one last, so that a death between leaves both, and the
 * journal, which is written before, says which of the two to drop. Once the new file is there, the rename has happened:
 * what is left to do then and cannot be done is done by the next rename or daemon.
 */
static int rename_files(struct domain *d, const char *from, const char *to, const char *text, size_t n, struct err *e)
{
	struct model *m = d->model;
	struct err late = { 0 };
	int rc = store_rename_begin(m, from, to, text, n, e);

	test_point("rename-journal");
	if (!rc)
		rc = folder_write(m, to, text, n, e);
	test_point("rename-written");
	if (!rc && store_rename_finish(m, from, to, &late))
		log_error("the rename of %s to %s is not finished yet: %s", from, to, late.text);
	return rc;
}

/* The slot is J's and the disk's lock is held. */
static int rename_checked(struct domain *d, const char *to, const char *text, size_t n, struct err *e)
{
	char *from = domain_name(d);
	struct spec *spec = NULL;
	int rc = registry_rename(d, to, e);

	if (rc)
		goto out;
	rc = config_read(d, text, n, &spec, e);
	if (!rc)
		rc = rename_files(d, from, to, text, n, e);
	if (rc) {
		registry_rename(d, from, NULL);
		goto out;
	}
	store_valid_save(d, text, n, NULL);
	config_take(d, text, n, spec_ref(spec));
	domain_lock(d);
	event_emit(d, "rename", "from=%s", from);
	domain_unlock(d);
out:
	spec_unref(spec);
	free(from);
	return rc;
}

static int rename_guest(struct job *j, const char *name, struct err *e)
{
	struct domain *d = j->domain;
	const struct backend_ops *ops = d->model->ops;
	struct guest *g = ops->rename ? guest_get(d, NULL) : NULL;
	int rc;

	if (!g)
		return 0;
	rc = ops->rename(g, name, j, e);
	guest_put(d);
	return rc;
}

/* It has no files: its name is the hypervisor's to give. */
static int rename_foreign(struct job *j, const char *name, struct err *e)
{
	struct domain *d = j->domain;
	char *from = domain_name(d);
	int rc = name_check_free(d->model, name, e);

	if (!rc && !d->model->ops->rename)
		rc = fail_missing(e, j->verb);
	if (!rc && !j->dry)
		rc = registry_rename(d, name, e);
	if (!rc && !j->dry) {
		rc = rename_guest(j, name, e);
		if (rc)
			registry_rename(d, from, NULL);
	}
	if (!rc && !j->dry) {
		domain_lock(d);
		event_emit(d, "rename", "from=%s", from);
		domain_unlock(d);
	}
	free(from);
	return rc;
}

static int rename_slot(struct job *j, const char *name, struct err *e)
{
	struct domain *d = j->domain;
	struct buf text = { 0 };
	int rc = name_check_free(d->model, name, e);

	if (!rc)
		rc = config_check_file(d, e);
	if (!rc)
		rc = renamed_text(d, name, &text, e);
	if (!rc && !j->dry)
		rc = rename_checked(d, name, text.p ? text.p : "", text.len, e);
	buf_free(&text);
	return rc;
}

/* The slot is J's. */
static int rename_begun(struct job *j, const char *name, struct err *e)
{
	struct domain *d = j->domain;
	struct err late = { 0 };
	int rc;

	if (d->foreign)
		return rename_foreign(j, name, e);
	lock_acquire(&d->model->disk);
	rc = rename_slot(j, name, e);
	lock_release(&d->model->disk);
	/* The guest's process goes by its uuid: that it shows an old name is no reason to undo anything. */
	if (!rc && !j->dry && rename_guest(j, name, &late))
		domain_log(d, "rename: the hypervisor goes on with the old name: %s", late.text);
	return rc;
}

int domain_rename(struct job *j, const char *name, struct err *e)
{
	int rc = name_check(name, e);

	if (!rc)
		rc = job_begin(j, e);
	if (rc)
		return rc;
	rc = rename_begun(j, name, e);
	job_end(j);
	return rc;
}

/* The guest is called what the domain is. The slot is J's. */
static void tell_name(struct job *j)
{
	char *name = domain_name(j->domain);
	struct err e = { 0 };

	if (rename_guest(j, name, &e))
		domain_log(j->domain, "rename: the hypervisor goes on with the old name: %s", e.text);
	free(name);
}

void domain_tell_name(void *domain)
{
	struct domain *d = domain;
	struct job *j = job_new(&caller_self, d, "rename", NAME_SECONDS);
	struct err e = { 0 };

	if (!job_begin_ever(j, &e)) {
		tell_name(j);
		job_end(j);
	}
	job_free(j);
	domain_unref(d);
}

/* What the guest was called last, the caller's; NULL: the domain is called so, or another job has seen to it. */
static char *called_take(struct domain *d)
{
	char *name;

	domain_lock(d);
	name = d->called;
	d->called = NULL;
	if (name && !strcmp(name, d->name)) {
		free(name);
		name = NULL;
	}
	domain_unlock(d);
	return name;
}

static void follow_name(struct job *j, const char *name)
{
	struct domain *d = j->domain;
	char *command = x_printf("rename %s", name);
	struct err e = { 0 };
	int rc = name_check(name, &e);

	if (!rc)
		rc = rename_begun(j, name, &e);
	history_add(d->model, d, &caller_self, command, rc, rc ? e.text : "");
	if (rc) {
		domain_log(d, "another tool called the guest %s, which cannot be: %s; it gets its name back", name,
		           e.text);
		tell_name(j);
	}
	free(command);
}

void domain_follow_name(void *domain)
{
	struct domain *d = domain;
	struct job *j = job_new(&caller_self, d, "rename", NAME_SECONDS);
	char *name = NULL;
	struct err e = { 0 };
	int rc;

	j->policy = true;
	rc = job_begin_ever(j, &e); /* or the two names would differ */
	if (!rc) {
		name = called_take(d);
		if (name)
			follow_name(j, name);
		job_end(j);
	}
	free(name);
	job_free(j);
	domain_unref(d);
}
