/* What is changed while a guest runs: memory, triggers, the keyboard. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"

int fail_missing(struct err *e, const char *verb)
{
	return fail(e, EOPNOTSUPP, "%s: the hypervisor in use cannot do it", verb);
}

struct guest *live_begin(struct job *j, bool can, struct err *e)
{
	struct domain *d = j->domain;
	struct guest *g;

	if (!can) {
		fail_missing(e, j->verb);
		return NULL;
	}
	if (job_begin(j, e))
		return NULL;
	g = guest_get(d, e);
	if (!g)
		job_end(j);
	return g;
}

void live_end(struct job *j)
{
	guest_put(j->domain);
	job_end(j);
}

int domain_trigger(struct job *j, const char *what, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct guest *g;
	int rc;

	if (!strcmp(what, "reset"))
		return domain_reset(j, e);
	g = live_begin(j, ops->trigger, e);
	if (!g)
		return -e->code;
	rc = j->dry ? 0 : ops->trigger(g, what, j, e);
	live_end(j);
	return rc;
}

int domain_sysrq(struct job *j, char letter, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct guest *g = live_begin(j, ops->sysrq, e);
	int rc;

	if (!g)
		return -e->code;
	rc = j->dry ? 0 : ops->sysrq(g, letter, j, e);
	live_end(j);
	return rc;
}

void live_set(struct domain *d, enum key k, const char *value)
{
	struct spec *with;
	struct err ignored;

	if (d->live && !spec_with(d->live, k, value, &with, &ignored)) {
		spec_unref(d->live);
		d->live = with;
	}
	domain_touch(d);
}

void domain_retarget(struct domain *d, uint64_t mib)
{
	char value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)mib);
	d->mem_target = mib;
	d->tuned |= TUNED_MEMORY;
	live_set(d, KEY_memory, value);
}

static int check_memory(struct domain *d, uint64_t mib, struct err *e)
{
	uint64_t max;

	domain_lock(d);
	max = d->mem_max;
	domain_unlock(d);
	if (!mib)
		return fail(e, EINVAL, "a guest needs more than 0 MiB");
	if (max && mib > max)
		return fail(e, EINVAL, "%llu MiB is more than the guest's maximum of %llu MiB", (unsigned long long)mib,
		            (unsigned long long)max);
	return 0;
}

int domain_set_memory(struct job *j, uint64_t mib, struct err *e)
{
	struct domain *d = j->domain;
	const struct backend_ops *ops = d->model->ops;
	struct guest *g;
	bool on;
	int rc = check_memory(d, mib, e);

	domain_lock(d);
	on = domain_on(d);
	domain_unlock(d);
	if (rc)
		return rc;
	if (!on)
		return config_set_memory(j, mib, e);
	g = live_begin(j, ops->set_memory, e);
	if (!g)
		return -e->code;
	if (!j->dry) {
		rc = ops->set_memory(g, mib, j, e);
		domain_lock(d);
		if (!rc && domain_on(d) && d->mem_target != mib) { /* else it was told as another tool's doing */
			domain_retarget(d, mib);
			event_emit(d, "mem", "target_mib=%llu", (unsigned long long)mib);
		}
		domain_unlock(d);
	}
	live_end(j);
	return rc;
}

int domain_cancel(struct job *j, struct err *e)
{
	struct err none = { 0 };
	bool waits;
	int rc;

	if (j->dry)
		return 0;
	waits = wait_cancel(j->domain);
	rc = job_cancel(j->domain, j->caller, &none);
	return rc && !waits ? fail(e, -rc, "%s", none.text) : 0;
}

int domain_console_write(struct domain *d, const char *p, size_t n, struct err *e)
{
	const struct backend_ops *ops = d->model->ops;
	struct guest *g;
	int rc;

	if (!ops->console_write)
		return fail(e, EOPNOTSUPP, "the hypervisor in use gives no console");
	g = guest_get(d, e);
	if (!g)
		return -e->code;
	rc = ops->console_write(g, p, n, e);
	guest_put(d);
	return rc;
}
