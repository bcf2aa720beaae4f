/* The start of a guest: what it needs is checked, promised to it, and the backend is asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"
#include "testpoint.h"

/* What a start is to be admitted with. */
struct claim {
	struct domain *domain;
	const struct spec *spec;
	struct host host;
	bool has_host;
};

/* An image may be open for writing once. */
static int check_images(const struct spec *spec, const struct domain *other, struct err *e) NEEDS(other->lock)
{
	const struct disk *mine, *his;
	size_t n, k;

	mine = spec_disks(spec, &n);
	his = spec_disks(other->coming ? other->coming : other->live, &k);
	for (size_t i = 0; i < n; i++)
		for (size_t o = 0; o < k; o++)
			if (mine[i].source && his[o].source && !strcmp(mine[i].source, his[o].source) &&
			    !(mine[i].readonly && his[o].readonly))
				return fail(e, EBUSY, "%s is in use by the domain %s", mine[i].source, other->name);
	return 0;
}

/*
 * FREE is what the backend would give at the moment. It knows nothing of a start that is just beginning elsewhere, so what
 * all domains were promised counts against the whole as well.
 */
static int check_memory(const struct claim *c, uint64_t promised, struct err *e)
{
	uint64_t need = spec_memory(c->spec) + GUEST_OVERHEAD_MIB, total = c->host.total_mib, left;
	uint64_t free = c->host.free_mib + c->host.spare_mib;

	if (!c->has_host)
		return 0;
	left = promised < total ? total - promised : 0;
	if (left > free)
		left = free;
	if (need > left)
		return fail(e, ENOMEM, "%s needs %llu MiB, %llu of the host's %llu MiB are free", c->domain->name,
		            (unsigned long long)need, (unsigned long long)left, (unsigned long long)total);
	return 0;
}

static bool images_free(struct holders *h, const struct spec *spec)
{
	size_t n;
	const struct disk *disks = spec_disks(spec, &n);
	bool free = true;

	for (size_t i = 0; i < n && free; i++)
		if (disks[i].source)
			free = !holders_count(h, disks[i].readonly ? HOLDS_WRITES : HOLDS_IMAGE, disks[i].source,
			                      strlen(disks[i].source));
	return free;
}

static uint64_t promised_to_others(struct model *m, struct domain *d)
{
	uint64_t promised;

	domain_lock(d);
	promised = holders_promised(&m->holders) - d->held.promised_mib;
	domain_unlock(d);
	return promised;
}

int images_check(struct model *m, struct domain *d, const struct spec *spec, struct err *e)
{
	size_t looked_at = images_free(&m->holders, spec) ? 0 : m->domains;
	int rc = 0;

	for (size_t i = 0; !rc && i < looked_at; i++) {
		struct domain *other = m->by_serial[i];

		if (other == d)
			continue;
		lock_acquire(&other->lock);
		if (other->live)
			rc = check_images(spec, other, e);
		lock_release(&other->lock);
	}
	return rc;
}

/* Against all other domains that are on. */
static int check_others(struct model *m, const struct claim *c, struct err *e) NEEDS(m->lock)
{
	int rc = images_check(m, c->domain, c->spec, e);

	return rc ? rc : check_memory(c, promised_to_others(m, c->domain), e);
}

static int claim_make(struct claim *c, struct domain *d, const struct spec *spec, struct err *e)
{
	const struct backend_ops *ops = d->model->ops;

	*c = (struct claim){ .domain = d, .spec = spec, .has_host = ops->host };
	return ops->host ? ops->host(d->model->backend, &c->host, e) : 0;
}

/* All that can be said before anything is done. */
static int check_start(struct domain *d, const struct spec *spec, struct err *e)
{
	struct model *m = d->model;
	struct claim c;
	bool root;
	int rc = 0;

	domain_lock(d);
	root = d->owner == 0;
	if (!spec_memory(spec))
		rc = fail(e, EINVAL, "%s: its configuration says no memory=; write one: cp %s.cfg .../%s/config",
		          d->name, d->name, d->name);
	domain_unlock(d);
	if (!rc)
		rc = spec_check_reach(spec, root, e);
	if (!rc && m->ops->check)
		rc = m->ops->check(m->backend, spec, e);
	if (!rc)
		rc = claim_make(&c, d, spec, e);
	if (rc)
		return rc;
	lock_acquire(&m->lock);
	rc = check_others(m, &c, e);
	lock_release(&m->lock);
	return rc;
}

static void log_idle_keys(struct domain *d, const struct spec *spec)
{
	const struct key_use *use = d->model->ops->keys;

	for (enum key k = 0; use && k < KEY_COUNT; k++)
		if (spec_has(spec, k) && use[k].means == KEY_IDLE)
			domain_log(d, "%s: %s", key_table[k].name, use[k].why);
}

/* The handle of the guest before is about to be forgotten: the backend knows one at a time. */
static int await_forgotten(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	int rc = 0;

	domain_lock(d);
	while (d->guest && d->guest_gone && !(rc = job_check(j, e)))
		cond_wait(&d->changed, &d->lock, j->deadline);
	domain_unlock(d);
	return rc;
}

static int check_off(const struct domain *d, struct err *e) NEEDS(d->lock)
{
	if (d->gone || ((d->orphan || d->foreign) && !d->restarting))
		return fail(e, ENOENT, "%s: its configuration is gone, and the domain with it", d->name);
	if (domain_on(d) || d->guest)
		return fail(e, EBUSY, "%s: the domain is %s already", d->name, state_names[d->state]);
	return 0;
}

/* The domain becomes `starting`, or what is in the way is said: in one step, so that of two only one gets what is left. */
static int begin_start(struct job *j, const struct run *run, struct spec *spec, struct err *e)
{
	struct domain *d = j->domain;
	struct model *m = d->model;
	struct claim c;
	int rc = claim_make(&c, d, spec, e);

	if (!rc)
		rc = await_forgotten(j, e);
	if (rc)
		return rc;
	lock_acquire(&m->lock);
	rc = check_others(m, &c, e);
	lock_acquire(&d->lock);
	if (!rc)
		rc = check_off(d, e);
	if (!rc) {
		domain_reset_facts(d);
		d->id = run->id;
		d->live = spec_ref(spec);
		d->mem_target = d->mem_actual = spec_memory(spec);
		d->mem_max = spec_maxmem(spec);
		d->started = d->unchanged_of = run->started;
		d->vcpus = spec_vcpus(spec);
		d->guest_gone = false;
		domain_set_state(d, STATE_STARTING, "start");
	}
	lock_release(&d->lock);
	lock_release(&m->lock);
	return rc;
}

static void undo_start(struct domain *d, const struct err *e)
{
	domain_lock(d);
	domain_reset_facts(d);
	d->ended_held = d->guest_gone = false;
	domain_set_state(d, STATE_OFF, e->code == EINTR || e->code == ECANCELED ? "start-cancelled" : "start-failed");
	domain_unlock(d);
	domain_log(d, "start: %s", e->text);
}

/* The backend's handle, if the guest is not gone again already. */
static void take_guest(struct domain *d, struct guest *g)
{
	bool gone;

	domain_lock(d);
	d->guest = g;
	gone = d->guest_gone;
	domain_touch(d);
	if (!gone)
		policy_apply(d); /* an end that was told before there was a handle */
	domain_unlock(d);
	if (gone)
		guest_forget(d);
}

/* A crash of long ago, and what was changed then, is not what a host that lost its power meanwhile is to tell. */
static void save_started(struct domain *d)
{
	struct err e = { 0 };

	lock_acquire(&d->model->disk);
	if (store_domain_save(d, &e))
		log_warn("%s", e.text);
	lock_release(&d->model->disk);
}

static int run_start(struct job *j, struct run *run, struct spec *spec, struct err *e)
{
	struct domain *d = j->domain;
	struct model *m = d->model;
	struct guest *g = NULL;
	bool old;
	int rc;

	domain_lock(d);
	old = d->state == STATE_CRASHED || d->tuned || d->unchanged;
	domain_unlock(d);
	rc = begin_start(j, run, spec, e);
	if (rc)
		return rc;
	if (old)
		save_started(d);
	log_idle_keys(d, spec);
	test_point("model-start");
	domain_ref(d); /* the cookie's */
	rc = m->ops->start(m->backend, run, &g, j, e);
	if (rc) {
		undo_start(d, e);
		domain_unref(d);
		return rc;
	}
	take_guest(d, g);
	return 0;
}

int domain_run(struct job *j, struct spec *spec, bool paused, struct err *e)
{
	struct domain *d = j->domain;
	struct user owner = { 0 };
	gid_t *groups = NULL;
	struct run run = {
		.domain = d, .spec = spec, .owner = &owner, .paused = paused, .started = time_now(), .id = -1
	};
	char *name;
	uid_t uid;
	int rc;

	domain_lock(d);
	uid = d->owner;
	run.uuid = d->uuid;
	run.name = name = x_strdup(d->name);
	domain_unlock(d);
	rc = access_user(uid, &owner, &groups, e);
	if (!rc)
		rc = store_serial(d->model->store, &run.serial, e);
	if (!rc && !d->model->ops->numbers)
		rc = run.id = store_id(d->model->store, e);
	if (rc >= 0)
		rc = run_start(j, &run, spec, e);
	free(groups);
	free(name);
	return rc;
}

/* The desired configuration with one-time words laid over it, which may reach no further than who wrote them. */
static int start_spec(struct job *j, const char *const *words, size_t n, struct spec **ret, struct err *e)
{
	struct domain *d = j->domain;
	struct spec *spec;
	uid_t caller = j->caller->user.uid;
	bool owner;
	int rc;

	domain_lock(d);
	spec = spec_ref(d->spec);
	owner = caller == 0 || caller == d->owner;
	domain_unlock(d);
	if (!n) {
		*ret = spec;
		return 0;
	}
	rc = owner ? 0 : fail(e, EPERM, "key=value is for the domain's owner: files are opened with his rights");
	if (!rc)
		rc = spec_override(spec, words, n, ret, e);
	spec_unref(spec);
	if (!rc && caller)
		rc = spec_check_reach(*ret, false, e);
	return rc;
}

int domain_start(struct job *j, bool paused, const char *const *words, size_t n, struct err *e)
{
	struct domain *d = j->domain;
	struct spec *spec = NULL;
	int rc = job_begin(j, e);

	if (rc)
		return rc;
	domain_lock(d);
	rc = d->guest && d->guest_gone ? 0 : check_off(d, e);
	domain_unlock(d);
	if (!rc)
		rc = start_spec(j, words, n, &spec, e);
	if (!rc)
		rc = check_start(d, spec, e);
	if (!rc && !j->dry)
		rc = domain_run(j, spec, paused, e);
	spec_unref(spec);
	job_end(j);
	return rc;
}
