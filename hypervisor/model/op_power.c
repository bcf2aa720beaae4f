/* Stop, pause and what else is asked of a guest as a whole. */
#include <errno.h>

#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "testpoint.h"

#define RESET_SECONDS 300 /* of a reset that is a start */

/*
 * Destroy passes the one-job rule: what is under way is stopped (a start undoes itself) and waited for, then the slot is
 * held, so that no policy restarts what is being destroyed. Beside a destroy another one goes its way without the slot.
 */
static int destroy_begin(struct job *j, struct err *e)
{
	return job_make_way(j) ? job_begin_after(j, e) : 0;
}

int domain_destroy(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	struct err late = { 0 };
	struct guest *g;
	bool on;
	int rc;

	domain_lock(d);
	rc = domain_on(d) ? 0 : fail(e, EHOSTDOWN, "%s: the domain is off", d->name);
	domain_unlock(d);
	if (rc || j->dry)
		return rc;
	rc = destroy_begin(j, &late);
	test_point("model-destroy");
	g = rc && rc != -ETIMEDOUT ? NULL : guest_get(d, NULL);
	domain_lock(d);
	on = domain_on(d);
	domain_unlock(d);
	if (g) { /* also when what is under way does not end: destroy may come beside it */
		rc = d->model->ops->destroy(g, j, e);
		guest_put(d);
	} else if (!on) { /* the start that was stopped has undone itself, or the guest has ended */
		rc = 0;
	} else if (rc) {
		*e = late;
	} else { /* a destroy beside, of a start that has not ended yet */
		rc = fail(e, EBUSY, "%s: the domain is being destroyed already", d->name);
	}
	job_end(j);
	return rc;
}

typedef int operation(struct guest *, struct job *, struct err *);

/* One changing call of the backend on the guest, while it is in one of STATES. J has the domain's slot. */
static int change_within(struct job *j, unsigned states, operation *call, struct err *e)
{
	struct domain *d = j->domain;
	struct guest *g;
	int rc = 0;

	domain_lock(d);
	if (!(states & STATE_BIT(d->state)))
		rc = domain_on(d) ? fail(e, EINVAL, "%s: the domain is %s (%s); %s cannot be done", d->name,
		                         state_names[d->state], d->reason, j->verb)
		                  : fail(e, EHOSTDOWN, "%s: the domain is off; `start` brings it up", d->name);
	domain_unlock(d);
	if (!rc && !j->dry) {
		g = guest_get(d, e);
		rc = g ? call(g, j, e) : -e->code;
		if (g)
			guest_put(d);
	}
	return rc;
}

static int change(struct job *j, unsigned states, operation *call, struct err *e)
{
	int rc;

	if (!call)
		return fail_missing(e, j->verb);
	rc = job_begin(j, e);
	if (rc)
		return rc;
	rc = change_within(j, states, call, e);
	job_end(j);
	return rc;
}

#define RUNS (STATE_BIT(STATE_RUNNING) | STATE_BIT(STATE_PAUSED) | STATE_BIT(STATE_UNRESPONSIVE))

static int asked(struct job *j, int rc, const char *reason)
{
	if (!rc && !j->dry) {
		domain_lock(j->domain);
		if (j->domain->state == STATE_RUNNING)
			domain_set_state(j->domain, STATE_RUNNING, reason);
		domain_unlock(j->domain);
	}
	return rc;
}

int domain_shutdown(struct job *j, struct err *e)
{
	return asked(j, change(j, RUNS, j->domain->model->ops->shutdown, e), "shutdown-requested");
}

int domain_reboot(struct job *j, struct err *e)
{
	return asked(j, change(j, RUNS, j->domain->model->ops->reboot, e), "reboot-requested");
}

/* Whoever asked may stop waiting, but a machine whose button was pressed comes up again. */
static int reset_by_start(struct job *j, struct err *e)
{
	struct job *whole = job_new(j->caller, j->domain, j->command, RESET_SECONDS);
	bool paused;
	int rc;

	domain_lock(j->domain);
	paused = j->domain->state == STATE_PAUSED;
	domain_unlock(j->domain);
	rc = domain_renew(j->domain, whole, paused, e);
	job_free(whole);
	return rc;
}

int domain_reset(struct job *j, struct err *e)
{
	operation *call = j->domain->model->ops->reset;
	int rc;

	if (!call)
		return fail_missing(e, j->verb);
	rc = job_begin(j, e);
	if (rc)
		return rc;
	rc = change_within(j, RUNS, call, e);
	if (rc == -ERESTART)
		rc = reset_by_start(j, e);
	job_end(j);
	return rc;
}

int domain_pause(struct job *j, struct err *e)
{
	return change(j, RUNS, j->domain->model->ops->pause, e);
}

int domain_unpause(struct job *j, struct err *e)
{
	return change(j, RUNS, j->domain->model->ops->unpause, e);
}
