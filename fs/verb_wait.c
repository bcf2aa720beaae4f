#include "fs/verb_wait.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/command.h"
#include "hypervisor/model/operate.h"

#define DESTROY_SECONDS 60

int wait_options_parse(const struct command *c, bool force, struct wait_options *ret, struct err *e)
{
	struct wait_options o = { .seconds = WAIT_SECONDS };
	bool seconds = false;
	int rc;

	for (int i = 0; i < c->argc; i++) {
		const char *word = c->argv[i];

		if (!strcmp(word, "-w")) {
			o.wait = true;
		} else if (force && !strcmp(word, "-f")) {
			o.wait = o.force = true;
		} else if (isdigit((unsigned char)*word) && !seconds) {
			rc = parse_seconds(word, &o.seconds, e);
			if (rc)
				return rc;
			seconds = true;
		} else {
			return fail(e, EINVAL, "%s: '%s' is not understood: usage: %s %s", c->verb->name, word,
			            c->verb->name, c->verb->usage);
		}
	}
	if (seconds && !o.wait)
		return fail(e, EINVAL, "%s: seconds are for -w", c->verb->name);
	*ret = o;
	return 0;
}

static uint64_t deadline_in(unsigned seconds)
{
	return clock_msec() + seconds * UINT64_C(1000);
}

static unsigned domain_boots(struct domain *d)
{
	unsigned boots;

	lock_acquire(&d->lock);
	boots = d->boots;
	lock_release(&d->lock);
	return boots;
}

/* The guest that was asked is not executing any more: a policy may have started it again before anybody looked. */
static bool ready_down(struct domain *d, const struct wait *w) NEEDS(d->lock)
{
	return !domain_on(d) || d->boots != w->boots || (STATE_BIT(d->state) & w->states);
}

static bool ready_booted(struct domain *d, const struct wait *w) NEEDS(d->lock)
{
	return d->boots != w->boots && d->state == STATE_RUNNING;
}

static bool ready_state(struct domain *d, const struct wait *w) NEEDS(d->lock)
{
	return STATE_BIT(d->state) & w->states;
}

/* The model keeps W from here on; the command goes on when it is done, and must not be touched any more. */
static int wait_begin(struct command *c, struct domain *d, bool (*ready)(struct domain *, const struct wait *),
                      int (*after)(struct command *, int, struct err *))
{
	c->after = after;
	c->wait.ready = ready;
	c->wait.done = command_waited;
	domain_wait(d, &c->wait);
	return VERB_WAITS;
}

static int fail_stopped(const struct command *c, int result, const char *still, struct err *e)
{
	const char *name = c->verb->name;

	switch (result) {
	case 0:
		return 0;
	case -EINTR:
		return fail(e, EINTR, "%s: you stopped waiting; %s", name, still);
	case -ECANCELED:
		return fail(e, ECANCELED, "%s: cancelled; %s", name, still);
	case -ENOENT:
		return fail(e, ENOENT, "%s: the domain was removed meanwhile", name);
	case -EHOSTDOWN:
		return fail(e, EHOSTDOWN, "%s: the domain went off meanwhile: its log may say why", name);
	default:
		return fail(e, -result, "%s: waiting failed: %s", name, err_name(result));
	}
}

/* The time is over: 0 when D is down by now after all. */
static int domain_ignored(struct domain *d, struct err *e)
{
	bool on;

	domain_lock(d);
	on = domain_on(d);
	if (d->state == STATE_RUNNING || d->state == STATE_PAUSED)
		domain_set_state(d, d->state, "shutdown-ignored");
	domain_unlock(d);
	return on ? fail(e, ETIMEDOUT, "shutdown: the guest was asked and is still there: ask again, or destroy it")
	          : 0;
}

/* The command's own job has used up its time. */
static int destroy_instead(struct command *c, struct err *e)
{
	struct job *j = job_new(c->job->caller, c->ref.domain, "destroy", DESTROY_SECONDS);
	int rc = domain_destroy(j, e);

	job_free(j);
	return rc == -EHOSTDOWN ? 0 : rc;
}

static int after_shutdown(struct command *c, int result, struct err *e)
{
	if (result == -ETIMEDOUT)
		return domain_ignored(c->ref.domain, e);
	if (result == -EHOSTDOWN || result == -ENOENT)
		return 0;
	return fail_stopped(c, result, "the guest may go down yet", e);
}

static int after_shutdown_force(struct command *c, int result, struct err *e)
{
	return result == -ETIMEDOUT ? destroy_instead(c, e) : after_shutdown(c, result, e);
}

int verb_shutdown(struct command *c, struct err *e)
{
	struct domain *d = c->ref.domain;
	struct wait_options o = { 0 };
	int rc = wait_options_parse(c, true, &o, e);

	if (rc)
		return rc;
	c->wait.boots = domain_boots(d);
	rc = domain_shutdown(c->job, e);
	if (rc || !o.wait || c->job->dry)
		return rc;
	c->wait.states = STATE_BIT(STATE_CRASHED);
	c->wait.cancellable = true;
	c->wait.deadline = deadline_in(o.seconds);
	return wait_begin(c, d, ready_down, o.force ? after_shutdown_force : after_shutdown);
}

static int after_reboot(struct command *c, int result, struct err *e)
{
	if (result == -ETIMEDOUT)
		return fail(e, ETIMEDOUT,
		            "reboot: the guest was asked and has not come up again: look at console, or reset it");
	return fail_stopped(c, result, "the guest may reboot yet", e);
}

int verb_reboot(struct command *c, struct err *e)
{
	struct domain *d = c->ref.domain;
	struct wait_options o = { 0 };
	int rc = wait_options_parse(c, false, &o, e);

	if (rc)
		return rc;
	c->wait.boots = domain_boots(d);
	rc = domain_reboot(c->job, e);
	if (rc || !o.wait || c->job->dry)
		return rc;
	c->wait.cancellable = true;
	c->wait.deadline = deadline_in(o.seconds);
	return wait_begin(c, d, ready_booted, after_reboot);
}

static const char *state_name(size_t i, const void *ctx)
{
	(void)ctx;
	return state_names[i];
}

static int parse_state(const char *word, unsigned *states, struct err *e)
{
	const char *near;

	for (size_t i = 0; i < STATE_COUNT; i++) {
		if (!strcmp(word, state_names[i])) {
			*states |= STATE_BIT(i);
			return 0;
		}
	}
	near = nearest(word, STATE_COUNT, state_name, NULL);
	if (near)
		return fail(e, EINVAL, "wait: there is no state '%s': did you mean %s?", word, near);
	return fail(e, EINVAL, "wait: there is no state '%s': states are such as running, paused, off", word);
}

static int after_wait(struct command *c, int result, struct err *e)
{
	struct domain *d = c->ref.domain;
	enum domain_state now;

	if (result != -ETIMEDOUT)
		return fail_stopped(c, result, "nothing was changed", e);
	lock_acquire(&d->lock);
	now = d->state;
	lock_release(&d->lock);
	return fail(e, ETIMEDOUT, "wait: the time is over and the domain is %s", state_names[now]);
}

int verb_wait(struct command *c, struct err *e)
{
	unsigned states = 0, seconds = 0;
	int words = c->argc, rc;
	bool limit = words > 1 && isdigit((unsigned char)*c->argv[words - 1]);

	if (limit) {
		rc = parse_seconds(c->argv[--words], &seconds, e);
		if (rc)
			return rc;
	}
	for (int i = 0; i < words; i++) {
		rc = parse_state(c->argv[i], &states, e);
		if (rc)
			return rc;
	}
	if (c->job->dry)
		return 0;
	c->wait.states = states;
	c->wait.deadline = limit ? deadline_in(seconds) : 0;
	return wait_begin(c, c->ref.domain, ready_state, after_wait);
}

/* The domains that shutdown was delivered to, and which of them is waited for. */
struct rest {
	struct {
		struct domain *domain;
		unsigned boots;
	} * each;
	size_t count, next, room;
};

static void rest_add(struct domain *d, void *arg)
{
	struct rest *rest = arg;

	if (rest->count == rest->room) {
		rest->room = rest->room ? 2 * rest->room : 16;
		rest->each = x_grow(rest->each, rest->room, sizeof(*rest->each));
	}
	rest->each[rest->count].domain = domain_ref(d);
	rest->each[rest->count++].boots = domain_boots(d);
}

static void rest_free(struct rest *rest)
{
	for (size_t i = 0; i < rest->count; i++)
		domain_unref(rest->each[i].domain);
	free(rest->each);
	free(rest);
}

static int rest_fail(const struct rest *rest, struct err *e)
{
	struct buf names = { 0 };
	size_t left = 0;
	int rc;

	for (size_t i = rest->next; i < rest->count; i++) {
		struct domain *d = rest->each[i].domain;
		const struct wait as = { .boots = rest->each[i].boots, .states = STATE_BIT(STATE_CRASHED) };

		domain_lock(d);
		if (!ready_down(d, &as)) {
			if (d->state == STATE_RUNNING || d->state == STATE_PAUSED)
				domain_set_state(d, d->state, "shutdown-ignored");
			if (left++ < 8)
				buf_printf(&names, "%s%s", names.len ? ", " : "", d->name);
		}
		domain_unlock(d);
	}
	rc = fail(e, ETIMEDOUT, "shutdown-all: %zu still there (%s%s): ask again, or destroy them", left,
	          names.len ? names.p : "", left > 8 ? " ..." : "");
	buf_free(&names);
	return left ? rc : 0;
}

static int rest_next(struct command *c, int result, struct err *e)
{
	struct rest *rest = c->data;
	int rc;

	if (result == -EHOSTDOWN || result == -ENOENT)
		result = 0;
	if (!result && rest->next < rest->count) {
		c->wait.boots = rest->each[rest->next].boots;
		return wait_begin(c, rest->each[rest->next++].domain, ready_down, rest_next);
	}
	if (result == -ETIMEDOUT && rest->next)
		rest->next--;
	rc = result == -ETIMEDOUT ? rest_fail(rest, e) : fail_stopped(c, result, "the guests may go down yet", e);
	c->data = NULL;
	rest_free(rest);
	return rc;
}

int verb_shutdown_all(struct command *c, struct err *e)
{
	struct wait_options o = { 0 };
	struct rest *rest;
	int rc = wait_options_parse(c, false, &o, e);

	if (rc)
		return rc;
	rest = x_alloc(sizeof(*rest));
	rc = model_shutdown_all(c->ref.model, c->job, rest_add, rest, e);
	if (rc || !o.wait || c->job->dry) {
		rest_free(rest);
		return rc;
	}
	c->data = rest;
	c->wait.states = STATE_BIT(STATE_CRASHED);
	c->wait.deadline = deadline_in(o.seconds);
	return rest_next(c, 0, e);
}
