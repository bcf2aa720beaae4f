/* What of a guest's processors and memory is changed while it runs, and its core. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "access.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"

#define WEIGHT_USUAL 256
#define SHARE_MAX 65535    /* the most that the schedulers count to */
#define DUMP_SECONDS 86400 /* a core is as long as the guest's memory */
#define FILE_MSEC 60000    /* for its folder to answer */

static bool is_on(struct domain *d)
{
	bool on;

	domain_lock(d);
	on = domain_on(d);
	domain_unlock(d);
	return on;
}

static const char *number(char out[24], uint64_t n)
{
	snprintf(out, 24, "%llu", (unsigned long long)n);
	return out;
}

void tune_save(struct domain *d)
{
	struct err e = { 0 };

	lock_acquire(&d->model->disk);
	if (store_domain_save(d, &e))
		log_warn("%s: what a commit would write is lost at the daemon's end: %s", d->name, e.text);
	lock_release(&d->model->disk);
}

/* ---- memory at most ---- */

static int check_maxmem(struct domain *d, uint64_t mib, struct err *e)
{
	uint64_t has;

	domain_lock(d);
	has = domain_on(d) ? d->mem_target : spec_memory(d->spec);
	domain_unlock(d);
	if (!mib || mib < has)
		return fail(e, EINVAL,
		            "%llu MiB is less than the %llu MiB that the guest shall have: mem-set less first",
		            (unsigned long long)mib, (unsigned long long)has);
	return 0;
}

void tune_maximum(struct domain *d, uint64_t mib)
{
	bool told = d->mem_max == mib;
	char value[24];

	d->mem_max = mib;
	d->tuned |= TUNED_MAXMEM;
	live_set(d, KEY_maxmem, number(value, mib));
	if (!told)
		event_emit(d, "mem", "max_mib=%s", value);
}

int domain_set_maxmem(struct job *j, uint64_t mib, struct err *e)
{
	struct domain *d = j->domain;
	const struct backend_ops *ops = d->model->ops;
	struct guest *g;
	char value[24];
	int rc = check_maxmem(d, mib, e);

	if (rc)
		return rc;
	if (!is_on(d))
		return config_change(j, KEY_maxmem, number(value, mib), e);
	g = live_begin(j, ops->set_maxmem, e);
	if (!g)
		return -e->code;
	rc = j->dry ? 0 : ops->set_maxmem(g, mib, j, e);
	domain_lock(d);
	if (!rc && !j->dry && domain_on(d))
		tune_maximum(d, mib);
	domain_unlock(d);
	if (!rc && !j->dry)
		tune_save(d);
	live_end(j);
	return rc;
}

/* ---- how many VCPUs ---- */

static int check_vcpus(struct domain *d, unsigned online, struct err *e)
{
	unsigned most = CPUS_MAX;

	domain_lock(d);
	if (domain_on(d))
		most = spec_maxvcpus(d->live);
	else if (spec_has(d->spec, KEY_maxvcpus))
		most = spec_maxvcpus(d->spec);
	domain_unlock(d);
	if (!online)
		return fail(e, EINVAL, "a guest needs one VCPU at least");
	if (online > most)
		return fail(e, EINVAL, "%u VCPUs are more than the guest can have, which is %u (maxvcpus)", online,
		            most);
	return 0;
}

/* As many as there can be stay as many, though fewer are online. */
static void vcpus_take(struct domain *d, unsigned online) NEEDS(d->lock)
{
	char value[24];

	if (!spec_has(d->live, KEY_maxvcpus))
		live_set(d, KEY_maxvcpus, number(value, spec_maxvcpus(d->live)));
	live_set(d, KEY_vcpus, number(value, online));
	d->tuned |= TUNED_VCPUS;
	event_emit(d, "vcpus", "target=%u", online);
}

int domain_set_vcpus(struct job *j, unsigned online, struct err *e)
{
	struct domain *d = j->domain;
	const struct backend_ops *ops = d->model->ops;
	struct guest *g;
	char value[24];
	int rc;

	if (is_on(d) && !ops->set_vcpus)
		return fail_missing(e, j->verb);
	rc = check_vcpus(d, online, e);
	if (rc)
		return rc;
	if (!is_on(d))
		return config_change(j, KEY_vcpus, number(value, online), e);
	g = live_begin(j, ops->set_vcpus, e);
	if (!g)
		return -e->code;
	rc = j->dry ? 0 : ops->set_vcpus(g, online, j, e);
	domain_lock(d);
	if (!rc && !j->dry && domain_on(d))
		vcpus_take(d, online);
	domain_unlock(d);
	if (!rc && !j->dry)
		tune_save(d);
	live_end(j);
	return rc;
}

/* ---- shares of the host's CPUs ---- */

struct sched spec_sched(const struct spec *s)
{
	return (struct sched){ .weight = (unsigned)spec_int(s, KEY_cpu_weight, WEIGHT_USUAL),
		               .cap = (unsigned)spec_cap(s) };
}

void tune_sched(struct domain *d, const struct sched *s)
{
	struct sched was = spec_sched(d->live);
	char value[24];

	if (was.weight == s->weight && was.cap == s->cap)
		return;
	if (was.weight != s->weight)
		live_set(d, KEY_cpu_weight, number(value, s->weight));
	if (was.cap != s->cap)
		live_set(d, KEY_cap, number(value, s->cap));
	d->tuned |= TUNED_SCHED;
	event_emit(d, "sched", "weight=%u cap=%u", s->weight, s->cap);
}

static int config_sched(struct job *j, int weight, int cap, struct err *e)
{
	char value[24];
	int rc = 0;

	if (weight >= 0)
		rc = config_change(j, KEY_cpu_weight, number(value, (uint64_t)weight), e);
	if (!rc && cap >= 0)
		rc = config_change(j, KEY_cap, number(value, (uint64_t)cap), e);
	return rc;
}

int domain_set_sched(struct job *j, int weight, int cap, struct err *e)
{
	struct domain *d = j->domain;
	const struct backend_ops *ops = d->model->ops;
	struct sched s = { 0 };
	struct guest *g;
	int rc;

	if (weight == 0 || weight > SHARE_MAX)
		return fail(e, EINVAL, "a weight is 1 to %d; %d is usual", SHARE_MAX, WEIGHT_USUAL);
	if (cap > SHARE_MAX)
		return fail(e, EINVAL, "a cap is percent of one CPU, %d at most; 0 is none", SHARE_MAX);
	if (!is_on(d))
		return config_sched(j, weight, cap, e);
	g = live_begin(j, ops->set_sched, e);
	if (!g)
		return -e->code;
	domain_lock(d);
	if (d->live)
		s = spec_sched(d->live);
	domain_unlock(d);
	s.weight = weight >= 0 ? (unsigned)weight : s.weight;
	s.cap = cap >= 0 ? (unsigned)cap : s.cap;
	rc = j->dry ? 0 : ops->set_sched(g, &s, j, e);
	domain_lock(d);
	if (!rc && !j->dry && domain_on(d))
		tune_sched(d, &s);
	domain_unlock(d);
	if (!rc && !j->dry)
		tune_save(d);
	live_end(j);
	return rc;
}

/* ---- where VCPUs run ---- */

static void pins_take(struct domain *d, bool soft)
{
	struct buf pins = { 0 };
	bool told = !config_pins(d, soft, &pins, NULL);

	domain_lock(d);
	if (domain_on(d)) {
		d->tuned |= soft ? TUNED_SOFT : TUNED_PINS;
		if (told)
			live_set(d, soft ? KEY_cpus_soft : KEY_cpus, pins.p);
	}
	domain_unlock(d);
	buf_free(&pins);
}

static int pin_one(struct guest *g, unsigned vcpu, const struct cpus *hard, const struct cpus *soft, struct job *j,
                   struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	int rc = hard ? ops->pin(g, vcpu, hard, j, e) : 0;

	return rc || !soft ? rc : ops->pin_soft(g, vcpu, soft, j, e);
}

int domain_pin(struct job *j, int vcpu, const struct cpus *hard, const struct cpus *soft, struct err *e)
{
	struct domain *d = j->domain;
	const struct backend_ops *ops = d->model->ops;
	struct guest *g = live_begin(j, (!hard || ops->pin) && (!soft || ops->pin_soft), e);
	unsigned first = vcpu < 0 ? 0 : (unsigned)vcpu, last, n;
	int rc = 0;

	if (!g)
		return -e->code;
	domain_lock(d);
	n = ops->pins_offline && d->live ? spec_maxvcpus(d->live) : d->vcpus;
	domain_unlock(d);
	last = vcpu < 0 ? n - 1 : first;
	if (last >= n)
		rc = fail(e, EINVAL, "there is no VCPU %u; the guest has %u, counted from 0", last, n);
	for (unsigned i = first; !rc && !j->dry && i <= last; i++)
		rc = pin_one(g, i, hard, soft, j, e);
	if (!rc && !j->dry) {
		if (hard)
			pins_take(d, false);
		if (soft)
			pins_take(d, true);
		domain_lock(d);
		domain_touch(d);
		event_emit(d, "vcpus", "pinned=%s", vcpu < 0 ? "all" : "one");
		domain_unlock(d);
		tune_save(d);
	}
	live_end(j);
	return rc;
}

/* ---- the core ---- */

static uint64_t soon(const struct job *j)
{
	uint64_t t = clock_msec() + FILE_MSEC;

	return t < j->deadline ? t : j->deadline;
}

int domain_dump_core(struct job *j, const char *path, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct guest *g = live_begin(j, ops->dump_core, e);
	int fd, rc;

	if (!g)
		return -e->code;
	j->deadline += DUMP_SECONDS * 1000ull;
	fd = access_create(&j->caller->user, path, soon(j), e);
	rc = fd < 0 ? fd : 0;
	if (!rc && !j->dry) {
		rc = ops->dump_core(g, fd, j, e);
		if (rc)
			fail_in(e, "%s", path);
		if (!rc)
			rc = job_check(j, e);
		if (!rc)
			rc = access_name(&j->caller->user, path, fd, soon(j), e);
	}
	if (fd >= 0)
		close(fd);
	live_end(j);
	return rc;
}
