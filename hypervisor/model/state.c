/* The one setter of a domain's state, and those who wait for one. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/model/internal.h"

#define ON (STATE_BIT(STATE_RUNNING) | STATE_BIT(STATE_PAUSED) | STATE_BIT(STATE_UNRESPONSIVE))
#define ENDS (STATE_BIT(STATE_STOPPING) | STATE_BIT(STATE_CRASHED) | STATE_BIT(STATE_OFF))

/* Where each state may lead, besides to itself. The states of saving and migrating have no way in yet. */
static const unsigned steps[STATE_COUNT] = {
	[STATE_OFF] = STATE_BIT(STATE_STARTING),
	[STATE_STARTING] = ON | ENDS,
	[STATE_RUNNING] = ON | ENDS,
	[STATE_PAUSED] = ON | ENDS,
	[STATE_UNRESPONSIVE] = ON | ENDS,
	[STATE_STOPPING] = ON | ENDS | STATE_BIT(STATE_STARTING),
	[STATE_CRASHED] = ON | ENDS | STATE_BIT(STATE_STARTING),
};

static const char *event_of(enum domain_state from, enum domain_state to)
{
	if (from == STATE_UNRESPONSIVE && (STATE_BIT(to) & ON))
		return "responsive";
	if (from == STATE_PAUSED && to == STATE_RUNNING)
		return "unpaused";
	return to == STATE_STARTING ? "start" : state_names[to];
}

bool domain_on(const struct domain *d)
{
	return d->live != NULL;
}

void domain_touch(struct domain *d)
{
	struct model *m = d->model;

	d->generation++;
	holders_update(d);
	cond_broadcast(&d->changed);
	lock_acquire(&m->follow);
	if (m->on_change)
		m->on_change(m->on_change_arg, d);
	lock_release(&m->follow);
}

void domain_lock(struct domain *d)
{
	lock_acquire(&d->lock);
}

void domain_unlock(struct domain *d)
{
	lock_release(&d->lock);
}

void domain_set_state(struct domain *d, enum domain_state s, const char *reason)
{
	enum domain_state from = d->state;

	assert(from == s || (steps[from] & STATE_BIT(s)));
	if (from == s && !strcmp(d->reason, reason))
		return;
	d->state = s;
	if (reason != d->reason)
		snprintf(d->reason, sizeof(d->reason), "%s", reason);
	d->since = time_now();
	domain_touch(d);
	event_state(d, event_of(from, s));
	wait_check(d);
}

int domain_await(struct domain *d, unsigned states, const struct job *j, struct err *e)
{
	int rc = 0;

	domain_lock(d);
	while (!(STATE_BIT(d->state) & states)) {
		rc = d->gone ? fail(e, ENOENT, "%s: there is no such domain any more", d->name) : job_check(j, e);
		if (rc)
			break;
		cond_wait(&d->changed, &d->lock, job_deadline(j));
	}
	domain_unlock(d);
	return rc;
}
