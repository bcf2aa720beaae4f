#include "sim.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

uint64_t sim_now(struct backend *s)
{
	return clock_msec() + s->skew;
}

void sim_advance(struct backend *s, uint64_t msec)
{
	lock_acquire(&s->lock);
	s->skew += msec;
	cond_broadcast(&s->wake);
	lock_release(&s->lock);
}

/* ---- timers ---- */

void sim_timer_arm(struct backend *s, struct timer *t, uint64_t due)
{
	struct timer *at;

	sim_timer_stop(s, t);
	t->due = due;
	/* From the end: what is armed now is mostly due last, also when 10,000 guests shut down at once. */
	for (at = s->timers.prev; at != &s->timers && at->due > due; at = at->prev)
		;
	t->prev = at;
	t->next = at->next;
	t->prev->next = t;
	t->next->prev = t;
	if (s->timers.next == t)
		cond_broadcast(&s->wake);
}

void sim_timer_stop(struct backend *s, struct timer *t)
{
	(void)s;
	if (!t->next)
		return;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->prev = t->next = NULL;
}

/* ---- the thread ---- */

static void *monitor_main(void *arg)
{
	struct backend *s = arg;

	lock_acquire(&s->lock);
	while (!s->closing) {
		struct timer *t = s->timers.next;
		bool any = t != &s->timers && t->due != SIM_NEVER;

		if (any && t->due <= sim_now(s)) {
			sim_timer_stop(s, t);
			t->fire(s, t);
		} else {
			cond_wait(&s->wake, &s->lock, any ? t->due - s->skew : 0);
		}
	}
	lock_release(&s->lock);
	return NULL;
}

int sim_monitor_start(struct backend *s, struct err *e)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&s->monitor, NULL, monitor_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return fail(e, ret, "cannot start the simulator's monitor thread: %s", strerror(ret));
	s->running = true;
	return 0;
}

void sim_monitor_stop(struct backend *s)
{
	if (!s->running)
		return;
	lock_acquire(&s->lock);
	s->closing = true;
	cond_broadcast(&s->wake);
	lock_release(&s->lock);
	pthread_join(s->monitor, NULL);
	s->running = false;
}

/* ---- requests ---- */

int sim_fault_hit(struct backend *s, enum verb v, const char *who, struct err *e)
{
	struct fault *f = &s->faults[v];

	if (!f->left)
		return 0;
	if (f->left != UINT64_MAX)
		f->left--;
	return fail(e, f->code, "%s: %s failed because the simulator was told fail=%s:%s", who, sim_verbs[v].name,
	            sim_verbs[v].name, err_name(f->code));
}

void sim_request_finish(struct backend *s, struct request *r, int ret)
{
	struct guest *g = r->guest;

	if (g->ballooning == r)
		g->ballooning = NULL;
	sim_timer_stop(s, &r->timer);
	r->ret = ret;
	r->done = true;
	(void)eventfd_write(r->fd, 1);
}

static void request_fire(struct backend *s, struct timer *t) NEEDS(s->lock)
{
	struct request *r = HOLDER(struct request, timer, t);
	const struct verb_info *v = &sim_verbs[r->verb];
	struct guest *g = r->guest;
	int ret;

	if (g->state == STATE_UNRESPONSIVE && !g->gone && r->verb != VERB_DESTROY) {
		sim_timer_arm(s, t, g->alarm.due);
		return;
	}
	r->busy = true;
	if (g->gone)
		ret = r->verb == VERB_DESTROY ? 0 : fail(&r->err, EHOSTDOWN, "%s: the guest is gone", g->name);
	else if (g->ended && !v->held)
		ret = fail(&r->err, EHOSTDOWN, "%s: the guest has ended; destroy releases its memory", g->name);
	else if (!(ret = sim_fault_hit(s, r->verb, g->name, &r->err)))
		ret = v->carry_out(s, r, &r->err);
	r->busy = false;
	if (ret != VERB_WAITS)
		sim_request_finish(s, r, ret);
}

void sim_requests_hurry(struct backend *s, const struct guest *g)
{
	struct timer *t, *next;

	for (t = s->timers.next; t != &s->timers; t = next) {
		next = t->next;
		if (t->fire == request_fire && HOLDER(struct request, timer, t)->guest == g)
			sim_timer_arm(s, t, sim_now(s));
	}
}

/* True when the call is over: R is done, or J stopped while it could still be withdrawn. */
static bool request_over(struct backend *s, struct request *r, struct job *j, bool *stopped, struct err *e)
{
	struct err why = { 0 };
	bool over = true;

	*stopped = job_check(j, &why) != 0;
	lock_acquire(&s->lock);
	if (r->done) {
		why = r->err;
	} else if (*stopped && !r->busy) {
		sim_timer_stop(s, &r->timer);
		if (r->guest->ballooning == r)
			r->guest->ballooning = NULL;
		r->ret = -why.code;
	} else {
		over = false;
	}
	if (over && r->ret && e)
		*e = why;
	lock_release(&s->lock);
	return over;
}

int sim_request_run(struct backend *s, struct request *r, struct job *j, struct err *e)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN, .fd = job_cancel_fd(j) } };
	/* A balloon takes its time by steps. */
	uint64_t delay = r->verb == VERB_SET_MEMORY ? s->opt.delay / 4 : s->opt.delay;
	bool stopped = false;

	p[0].fd = r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->fd < 0)
		return fail(e, errno, "cannot make an eventfd: %s", strerror(errno));
	r->timer.fire = request_fire;
	lock_acquire(&s->lock);
	sim_timer_arm(s, &r->timer, sim_now(s) + delay);
	lock_release(&s->lock);

	while (!request_over(s, r, j, &stopped, e)) {
		uint64_t now = clock_msec(), end = job_deadline(j);
		uint64_t left = end > now ? end - now : 0;

		/* Once stopped but busy, only the monitor's word counts, and it comes soon. */
		poll(p, stopped ? 1 : 2, stopped ? -1 : left > INT_MAX ? INT_MAX : (int)left);
	}
	close(r->fd);
	return r->ret;
}

/* ---- telling ---- */

void sim_tell_state(struct backend *s, struct guest *g, enum domain_state state, const char *reason)
{
	struct domain *d = g->domain;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.state(d, state, reason);
	lock_acquire(&s->lock);
}

void sim_tell_ended(struct backend *s, struct guest *g, enum end end, bool held, const char *reason)
{
	struct domain *d = g->domain;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.ended(d, end, held, reason);
	lock_acquire(&s->lock);
}

void sim_tell_gone(struct backend *s, struct guest *g, enum end end, const char *reason)
{
	struct domain *d = g->domain;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.gone(d, end, reason);
	lock_acquire(&s->lock);
}

void sim_tell_memory(struct backend *s, struct guest *g)
{
	struct domain *d = g->domain;
	uint64_t mib = g->actual;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.memory(d, mib);
	lock_acquire(&s->lock);
}

void sim_tell_vcpus(struct backend *s, struct guest *g)
{
	struct domain *d = g->domain;
	unsigned online = g->online;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.vcpus(d, online);
	lock_acquire(&s->lock);
}

void sim_tell_console(struct backend *s, struct guest *g, const char *p, size_t n)
{
	struct domain *d = g->domain;

	if (!d || !n)
		return;
	lock_release(&s->lock);
	s->sink.console(d, p, n);
	lock_acquire(&s->lock);
}

void sim_tell_log(struct backend *s, struct guest *g, const char *line)
{
	struct domain *d = g->domain;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.log(d, line);
	lock_acquire(&s->lock);
}

void sim_tell_event(struct backend *s, struct guest *g, const char *name, const char *detail)
{
	struct domain *d = g->domain;

	if (!d)
		return;
	lock_release(&s->lock);
	s->sink.event(d, name, detail);
	lock_acquire(&s->lock);
}
