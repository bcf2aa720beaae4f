/*
 * on_poweroff, on_reboot, on_crash: what becomes of a guest that stopped executing by itself. Its memory is held until the
 * policy has decided; a guest that somebody else destroys or restarts meanwhile is left to him.
 */
#include <errno.h>
#include <stdio.h>

#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"
#include "testpoint.h"

#define POLICY_SECONDS 120

/* By enum end; xl's defaults. */
static const struct {
	enum key key;
	enum action otherwise;
} policies[] = {
	[END_POWEROFF] = { KEY_on_poweroff, ACTION_DESTROY },
	[END_REBOOT] = { KEY_on_reboot, ACTION_RESTART },
	[END_CRASH] = { KEY_on_crash, ACTION_DESTROY },
};

/* What of an action this daemon carries out, and what is said of the rest. */
static const struct {
	bool restarts;
	const char *lacks;
} deeds[ACTION_COUNT] = {
	[ACTION_RESTART] = { .restarts = true },
	[ACTION_RENAME_RESTART] = { .restarts = true, .lacks = "the guest that ended is not kept under another name" },
	[ACTION_COREDUMP_DESTROY] = { .lacks = "no core is written" },
	[ACTION_COREDUMP_RESTART] = { .restarts = true, .lacks = "no core is written" },
	[ACTION_SOFT_RESET] = { .restarts = true, .lacks = "the guest is restarted in full" },
};

static enum action policy_of(const struct domain *d) NEEDS(d->lock)
{
	return spec_action(d->live, policies[d->ended].key, policies[d->ended].otherwise);
}

static int release(struct domain *d, struct job *j, struct err *e)
{
	struct guest *g = guest_get(d, e);
	int rc;

	if (!g)
		return -e->code;
	rc = d->model->ops->destroy(g, j, e);
	guest_put(d);
	return rc;
}

/* What is in force, to start again. Memory that was taken at run time can be given back then too. */
static struct spec *renewed(struct domain *d) NEEDS(d->lock)
{
	struct spec *spec = d->live ? spec_ref(d->live) : NULL, *whole;
	struct err ignored;
	char max[24];

	if (!spec || !d->mem_max || spec_maxmem(spec) == d->mem_max)
		return spec;
	snprintf(max, sizeof(max), "%llu", (unsigned long long)d->mem_max);
	if (spec_with(spec, KEY_maxmem, max, &whole, &ignored))
		return spec;
	spec_unref(spec);
	return whole;
}

int domain_renew(struct domain *d, struct job *j, bool paused, struct err *e)
{
	struct spec *spec;
	int rc;

	domain_lock(d);
	spec = renewed(d);
	rc = spec ? 0 : fail(e, EHOSTDOWN, "the guest is gone already");
	d->restarting = !rc; /* an orphan does not leave for it */
	domain_unlock(d);
	if (!rc)
		restart_save(d, spec, paused);
	test_point("restart-saved");
	if (!rc)
		rc = release(d, j, e);
	test_point("restart-released");
	if (!rc)
		rc = domain_run(j, spec, paused, e);
	restart_end(d, rc);
	spec_unref(spec);
	return rc;
}

static int revive(struct domain *d, struct job *j, struct err *e)
{
	const struct backend_ops *ops = d->model->ops;
	struct guest *g;
	int rc;

	if (!ops->restart)
		return domain_renew(d, j, false, e);
	g = guest_get(d, e);
	if (!g)
		return -e->code;
	rc = ops->restart(g, j, e);
	guest_put(d);
	return rc;
}

static bool is_held(const struct domain *d) NEEDS(d->lock)
{
	return d->ended_held && d->live && d->guest && !d->guest_gone && d->ended < COUNT(policies);
}

/* The slot is J's. False: somebody else has seen to it while the slot was waited for. */
static bool act(struct domain *d, struct job *j, enum action action, int *rc, struct err *e)
{
	bool mine;

	domain_lock(d);
	mine = is_held(d) && !d->model->closing && policy_of(d) == action;
	domain_unlock(d);
	if (!mine)
		return false;
	if (deeds[action].lacks)
		domain_log(d, "%s: %s", j->command, deeds[action].lacks);
	*rc = deeds[action].restarts ? revive(d, j, e) : release(d, j, e);
	return true;
}

static void policy_job(void *arg)
{
	struct domain *d = arg;
	struct job *j = NULL;
	struct err e = { 0 };
	enum action action = ACTION_PRESERVE;
	char command[64];
	bool mine = true;
	int rc;

	domain_lock(d);
	if (is_held(d) && !d->model->closing) {
		action = policy_of(d);
		snprintf(command, sizeof(command), "%s=%s", key_table[policies[d->ended].key].name,
		         action_names[action]);
	}
	domain_unlock(d);
	if (action == ACTION_PRESERVE)
		goto out;
	j = job_new(&caller_self, d, command, POLICY_SECONDS);
	j->policy = true;
	rc = job_begin_ever(j, &e);
	if (!rc) {
		mine = act(d, j, action, &rc, &e);
		job_end(j);
	}
	if (mine)
		history_add(d->model, d, &caller_self, command, rc, rc ? e.text : "");
	if (mine && rc)
		log_error("%s: %s: %s", j->verb, err_name(rc), e.text);
out:
	job_free(j);
	domain_unref(d);
}

void policy_apply(struct domain *d)
{
	if (d->model->policies && !d->model->closing && is_held(d))
		pool_run(policy_job, domain_ref(d), true);
}

void policy_enable(struct model *m)
{
	struct domain *d;
	uint64_t after = 0;

	m->policies = true;
	while ((d = model_next(m, after))) {
		after = d->serial;
		domain_lock(d);
		policy_apply(d);
		domain_unlock(d);
		domain_unref(d);
	}
}
