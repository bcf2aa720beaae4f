#include "sim.h"

#include <errno.h>
#include <stdlib.h>

#define BALLOON_STEPS 4
#define MEMORY_UNSAID 128

static void down_fire(struct backend *s, struct timer *t) NEEDS(s->lock);
static void alarm_fire(struct backend *s, struct timer *t) NEEDS(s->lock);
static void balloon_fire(struct backend *s, struct timer *t) NEEDS(s->lock);

static const char *const end_words[] = {
	[END_POWEROFF] = "poweroff",   [END_REBOOT] = "reboot", [END_CRASH] = "crash",
	[END_DESTROYED] = "destroyed", [END_DIED] = "died",
};

struct guest *sim_guest_new(struct backend *s, const char *name, const struct uuid *u, int id, const struct spec *spec)
{
	struct guest *g = x_alloc(sizeof(*g));
	uint64_t mib = spec_memory(spec);

	g->sim = s;
	g->spec = spec_ref(spec);
	g->name = x_strdup(name);
	g->uuid = *u;
	g->id = id;
	g->state = STATE_PAUSED;
	g->actual = g->goal = mib ? mib : MEMORY_UNSAID;
	g->boots = 1;
	sim_tune_new(g);
	g->down.fire = down_fire;
	g->alarm.fire = alarm_fire;
	g->input.fire = sim_console_read;
	g->balloon.fire = balloon_fire;
	return g;
}

void sim_guest_free(struct guest *g)
{
	if (!g)
		return;
	spec_unref(g->spec);
	buf_free(&g->in);
	buf_free(&g->line);
	sim_tune_free(g);
	free(g->name);
	free(g);
}

static uint64_t held(const struct guest *g)
{
	return g->actual > g->goal ? g->actual : g->goal;
}

void sim_guest_insert(struct backend *s, struct guest *g)
{
	g->next = s->guests;
	if (g->next)
		g->next->prev = g;
	s->guests = g;
	s->used += held(g);
	if (g->id > s->last_id)
		s->last_id = g->id;
}

void sim_guest_remove(struct backend *s, struct guest *g)
{
	if (g->prev)
		g->prev->next = g->next;
	else
		s->guests = g->next;
	if (g->next)
		g->next->prev = g->prev;
	g->prev = g->next = NULL;
}

bool sim_guest_executing(const struct guest *g)
{
	return !g->gone && !g->ended && g->state == STATE_RUNNING;
}

/* ---- executing or not ---- */

uint64_t sim_guest_ran(struct backend *s, const struct guest *g)
{
	return g->ran + (sim_guest_executing(g) ? sim_now(s) - g->since : 0);
}

static void state_set(struct backend *s, struct guest *g, enum domain_state state) NEEDS(s->lock)
{
	g->ran = sim_guest_ran(s, g);
	g->since = sim_now(s);
	g->state = state;
}

static void arm_if(struct backend *s, struct timer *t, bool wanted) NEEDS(s->lock)
{
	if (wanted && !t->next)
		sim_timer_arm(s, t, sim_now(s));
}

void sim_guest_execute(struct backend *s, struct guest *g, const char *reason)
{
	if (sim_guest_executing(g))
		return;
	state_set(s, g, STATE_RUNNING);
	/* What came due meanwhile was left alone. */
	arm_if(s, &g->input, g->in.len);
	arm_if(s, &g->down, g->going_down);
	arm_if(s, &g->balloon, g->goal != g->actual);
	sim_tell_state(s, g, STATE_RUNNING, reason);
	if (g->announced != g->boots)
		sim_console_boot(s, g);
}

void sim_guest_pause(struct backend *s, struct guest *g, const char *reason)
{
	if (!sim_guest_executing(g))
		return;
	state_set(s, g, STATE_PAUSED);
	sim_tell_state(s, g, STATE_PAUSED, reason);
}

void sim_guest_hang(struct backend *s, struct guest *g, uint64_t msec)
{
	if (!sim_guest_executing(g))
		return;
	state_set(s, g, STATE_UNRESPONSIVE);
	sim_timer_arm(s, &g->alarm, msec == SIM_NEVER ? SIM_NEVER : sim_now(s) + msec);
	sim_tell_state(s, g, STATE_UNRESPONSIVE, "hang");
}

static void alarm_fire(struct backend *s, struct timer *t)
{
	sim_guest_execute(s, HOLDER(struct guest, alarm, t), "responsive");
}

void sim_guest_reset(struct backend *s, struct guest *g)
{
	g->boots++;
	g->going_down = false;
	sim_timer_stop(s, &g->down);
	buf_free(&g->in);
	buf_free(&g->line);
	sim_tell_state(s, g, g->state, "reset");
	if (sim_guest_executing(g))
		sim_console_boot(s, g);
}

/* ---- memory ---- */

void sim_guest_size(struct backend *s, struct guest *g, uint64_t actual, uint64_t goal)
{
	s->used -= held(g);
	g->actual = actual;
	g->goal = goal;
	s->used += held(g);
}

void sim_guest_balloon(struct backend *s, struct guest *g, uint64_t mib)
{
	sim_guest_size(s, g, g->actual, mib);
	g->steps = BALLOON_STEPS;
	sim_timer_arm(s, &g->balloon, sim_now(s));
}

static void balloon_fire(struct backend *s, struct timer *t)
{
	struct guest *g = HOLDER(struct guest, balloon, t);

	if (!sim_guest_executing(g))
		return;
	if (g->steps > 1) {
		int64_t way = (int64_t)(g->goal - g->actual) / (int64_t)g->steps--;

		sim_guest_size(s, g, g->actual + (uint64_t)way, g->goal);
		sim_timer_arm(s, t, sim_now(s) + s->opt.delay / BALLOON_STEPS);
	} else {
		sim_guest_size(s, g, g->goal, g->goal);
	}
	sim_tell_memory(s, g);
	/* Looked at again: while the lock was away the caller may have stopped waiting. */
	if (g->actual == g->goal && g->ballooning)
		sim_request_finish(s, g->ballooning, 0);
}

/* ---- ends ---- */

void sim_guest_shutdown(struct backend *s, struct guest *g, enum end end)
{
	if (end == END_REBOOT ? s->opt.ignore_reboot : s->opt.ignore_shutdown)
		return;
	g->going_down = true;
	g->down_end = end;
	sim_timer_arm(s, &g->down, sim_now(s) + s->opt.delay);
}

static void down_fire(struct backend *s, struct timer *t)
{
	struct guest *g = HOLDER(struct guest, down, t);

	if (sim_guest_executing(g))
		sim_guest_end(s, g, g->down_end, end_words[g->down_end]);
}

/* The guest does nothing of its own accord any more. */
static void guest_still(struct backend *s, struct guest *g) NEEDS(s->lock)
{
	struct request *r = g->ballooning;

	g->going_down = false;
	sim_timer_stop(s, &g->down);
	sim_timer_stop(s, &g->alarm);
	sim_timer_stop(s, &g->input);
	sim_timer_stop(s, &g->balloon);
	sim_guest_size(s, g, g->actual, g->actual);
	if (r)
		sim_request_finish(s, r,
		                   fail(&r->err, EHOSTDOWN, "%s: the guest ended before its memory was %llu MiB",
		                        g->name, (unsigned long long)r->number));
}

void sim_guest_end(struct backend *s, struct guest *g, enum end end, const char *reason)
{
	guest_still(s, g);
	g->ran = sim_guest_ran(s, g);
	g->ended = true;
	sim_tell_ended(s, g, end, true, reason);
}

void sim_guest_vanish(struct backend *s, struct guest *g, enum end end, const char *reason)
{
	bool refused = !g->domain;

	guest_still(s, g);
	g->ran = sim_guest_ran(s, g);
	g->gone = true;
	s->used -= held(g);
	if (s->churner == g)
		s->churner = NULL;
	if (g->state == STATE_UNRESPONSIVE)
		sim_requests_hurry(s, g);
	sim_tell_gone(s, g, end, reason);
	if (refused) {
		sim_guest_remove(s, g);
		sim_guest_free(g);
	}
}
