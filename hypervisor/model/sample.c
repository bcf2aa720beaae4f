/* Counters: the backend's figures, at most a second old, and the rate between two of them. */
#include <errno.h>
#include <string.h>

#include "hypervisor/model/internal.h"

#define FRESH_MSEC 1000

/* cpu_percent is since the newest sample that is at least a second old, by the clock that nobody sets. */
static void sample_take(struct domain *d, struct counters *c, uint64_t now) NEEDS(d->lock)
{
	time_t began = d->started.tv_sec;

	if (began && c->sampled.tv_sec > began)
		c->uptime_seconds = (uint64_t)(c->sampled.tv_sec - began);
	if (d->sampled_msec && now - d->sampled_msec >= FRESH_MSEC) {
		d->before = d->counters;
		d->before_msec = d->sampled_msec;
	}
	if (d->before_msec && now > d->before_msec && c->cpu_usec >= d->before.cpu_usec)
		c->cpu_percent = (c->cpu_usec - d->before.cpu_usec) / 10 / (now - d->before_msec);
	d->counters = *c;
	d->sampled_msec = now;
}

static bool sample_due(struct domain *d)
{
	bool due;

	domain_lock(d);
	due = d->guest && !d->guest_gone && d->state != STATE_UNRESPONSIVE &&
	      (!d->sampled_msec || clock_msec() - d->sampled_msec >= FRESH_MSEC);
	domain_unlock(d);
	return due && d->model->ops->counters;
}

static void sample_ask(struct domain *d)
{
	struct counters c = { 0 };
	struct err ignored = { 0 };
	struct guest *g = guest_get(d, &ignored);
	uint64_t now = clock_msec();

	if (!g)
		return;
	c.sampled = time_now();
	if (!d->model->ops->counters(g, &c, &ignored)) {
		domain_lock(d);
		if (d->guest == g && domain_on(d))
			sample_take(d, &c, now);
		domain_unlock(d);
	}
	guest_put(d);
}

void domain_sample(struct domain *d, struct counters *ret)
{
	/* Of readers at the same time one asks, the others take what there is. */
	if (sample_due(d) && !atomic_exchange(&d->sampling, true)) {
		sample_ask(d);
		d->sampling = false;
	}
	domain_lock(d);
	*ret = d->counters;
	domain_unlock(d);
}
