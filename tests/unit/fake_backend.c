#include "tests/unit/fake_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_options fake_options;

struct fake fake = { .lock = LOCK_INIT };

void fake_ready(void)
{
	if (!fake.ready)
		cond_init(&fake.changed);
	fake.ready = true;
	if (!fake.last)
		fake.last = &fake.first;
}

void fake_reset(void)
{
	lock_acquire(&fake.lock);
	fake_ready();
	buf_free(&fake.calls);
	memset(fake.fails, 0, sizeof(fake.fails));
	memset(fake.blocked, 0, sizeof(fake.blocked));
	lock_release(&fake.lock);
	fake_options = (struct fake_options){ 0 };
}

void fake_fail(const char *verb, int code)
{
	lock_acquire(&fake.lock);
	for (size_t i = 0; i < NAMES; i++) {
		if (!fake.fails[i].verb[0] || !strcmp(fake.fails[i].verb, verb)) {
			snprintf(fake.fails[i].verb, sizeof(fake.fails[i].verb), "%s", verb);
			fake.fails[i].code = code;
			break;
		}
	}
	lock_release(&fake.lock);
}

void fake_block(const char *verb)
{
	lock_acquire(&fake.lock);
	for (size_t i = 0; i < NAMES; i++) {
		if (!fake.blocked[i][0]) {
			snprintf(fake.blocked[i], sizeof(fake.blocked[i]), "%s", verb);
			break;
		}
	}
	lock_release(&fake.lock);
}

void fake_release(const char *verb)
{
	lock_acquire(&fake.lock);
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(fake.blocked[i], verb))
			fake.blocked[i][0] = '\0';
	cond_broadcast(&fake.changed);
	lock_release(&fake.lock);
}

bool fake_is_blocked(const char *verb) NEEDS(fake.lock)
{
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(fake.blocked[i], verb))
			return true;
	return false;
}

static unsigned count_calls(const char *line) NEEDS(fake.lock)
{
	size_t n = strlen(line);
	unsigned count = 0;

	for (const char *p = fake.calls.p; p && *p; p = strchr(p, '\n') + 1)
		count += !strncmp(p, line, n) && p[n] == '\n';
	return count;
}

unsigned fake_count(const char *line)
{
	unsigned n;

	lock_acquire(&fake.lock);
	n = count_calls(line);
	lock_release(&fake.lock);
	return n;
}

bool fake_called(const char *line, unsigned count)
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool was = true;

	lock_acquire(&fake.lock);
	while (was && count_calls(line) < count)
		was = cond_wait(&fake.changed, &fake.lock, deadline);
	lock_release(&fake.lock);
	return was;
}

/* ---- the thread that tells ---- */

void fake_tell_one(struct backend *b, struct tell *t)
{
	struct guest *g = t->guest;
	struct found f = { .name = g->name,
		           .uuid = g->uuid,
		           .id = g->id,
		           .spec = g->spec,
		           .foreign = g->foreign,
		           .started = fake_options.run.tv_sec ? fake_options.run : time_now() };

	switch (t->what) {
	case TELL_STATE:
		b->sink->state(g->domain, t->state, t->text);
		break;
	case TELL_ENDED:
		b->sink->ended(g->domain, t->end, t->held, t->text);
		break;
	case TELL_GONE:
		b->sink->gone(g->domain, t->end, t->text);
		break;
	case TELL_MEMORY:
		b->sink->memory(g->domain, t->mib);
		break;
	case TELL_MAXIMUM:
		b->sink->maximum(g->domain, t->mib);
		break;
	case TELL_RENAMED:
		b->sink->renamed(g->domain, t->text);
		break;
	case TELL_CONSOLE:
		b->sink->console(g->domain, t->text, strlen(t->text));
		break;
	case TELL_DEVICES:
		b->sink->devices(g->domain, t->live);
		break;
	case TELL_VCPUS:
		b->sink->vcpus(g->domain, (unsigned)t->mib);
		break;
	case TELL_SCHED:
		b->sink->sched(g->domain, &t->sched);
		break;
	case TELL_APPEARED:
		g->domain = b->sink->appeared(b->sink->model, &f, g);
		break;
	}
}

void *fake_monitor(void *arg)
{
	struct backend *b = arg;
	struct tell *t;

	lock_acquire(&fake.lock);
	while (fake.first || !fake.stop) {
		t = fake.first;
		if (!t) {
			cond_wait(&fake.changed, &fake.lock, 0);
			continue;
		}
		fake.first = t->next;
		if (!fake.first)
			fake.last = &fake.first;
		lock_release(&fake.lock);
		fake_tell_one(b, t);
		lock_acquire(&fake.lock);
		*t->done = true;
		free(t);
		cond_broadcast(&fake.changed);
	}
	lock_release(&fake.lock);
	return NULL;
}

void fake_tell(struct tell copy)
{
	struct tell *t = x_alloc(sizeof(*t));
	bool done = false;

	*t = copy;
	t->done = &done;
	lock_acquire(&fake.lock);
	*fake.last = t;
	fake.last = &t->next;
	cond_broadcast(&fake.changed);
	while (!done)
		cond_wait(&fake.changed, &fake.lock, 0);
	lock_release(&fake.lock);
}

static struct guest *find(const char *name)
{
	struct guest *g;

	lock_acquire(&fake.lock);
	for (g = fake.guests; g && (g->gone || strcmp(g->name, name)); g = g->next)
		;
	lock_release(&fake.lock);
	if (!g)
		abort(); /* the test is wrong */
	return g;
}

struct tell fake_tell_of(int what, struct guest *g, const char *text)
{
	struct tell t = { .what = what, .guest = g };

	snprintf(t.text, sizeof(t.text), "%s", text);
	return t;
}

void fake_state(const char *name, enum domain_state s, const char *reason)
{
	struct tell t = fake_tell_of(TELL_STATE, find(name), reason);

	t.state = s;
	fake_tell(t);
}

void fake_tell_ended(struct guest *g, enum end how, bool held, const char *reason)
{
	struct tell t = fake_tell_of(TELL_ENDED, g, reason);

	t.end = how;
	t.held = held;
	fake_tell(t);
}

void fake_ended(const char *name, enum end how, bool held, const char *reason)
{
	fake_tell_ended(find(name), how, held, reason);
}

void fake_tell_gone(struct guest *g, enum end how, const char *reason)
{
	struct tell t = fake_tell_of(TELL_GONE, g, reason);
	bool was;

	lock_acquire(&fake.lock);
	was = g->gone;
	g->gone = true;
	lock_release(&fake.lock);
	t.end = how;
	if (!was)
		fake_tell(t);
}

void fake_gone(const char *name, enum end how, const char *reason)
{
	fake_tell_gone(find(name), how, reason);
}

void fake_memory(const char *name, uint64_t mib)
{
	struct tell t = fake_tell_of(TELL_MEMORY, find(name), "");

	t.mib = mib;
	fake_tell(t);
}

void fake_maximum(const char *name, uint64_t mib)
{
	struct tell t = fake_tell_of(TELL_MAXIMUM, find(name), "");

	t.mib = mib;
	fake_tell(t);
}

void fake_renamed(const char *name, const char *to)
{
	fake_tell(fake_tell_of(TELL_RENAMED, find(name), to));
}

void fake_sched(const char *name, struct sched s)
{
	struct tell t = fake_tell_of(TELL_SCHED, find(name), "");

	t.sched = s;
	fake_tell(t);
}

void fake_console(const char *name, const char *text)
{
	fake_tell(fake_tell_of(TELL_CONSOLE, find(name), text));
}

void fake_devices(const char *name, const char *spec)
{
	struct tell t = fake_tell_of(TELL_DEVICES, find(name), "");

	if (spec_parse(spec, strlen(spec), &t.live, NULL, NULL))
		abort();
	fake_tell(t);
	spec_unref(t.live);
}

struct guest *fake_guest_new(const char *name, struct domain *d)
{
	struct guest *g = x_alloc(sizeof(*g));

	snprintf(g->name, sizeof(g->name), "%s", name);
	g->domain = d;
	lock_acquire(&fake.lock);
	g->next = fake.guests;
	fake.guests = g;
	lock_release(&fake.lock);
	return g;
}

void fake_guest_free(struct guest *g)
{
	spec_unref(g->spec);
	free(g);
}

struct domain *fake_appear(const char *name, const struct uuid *u, int id, const char *spec, bool foreign)
{
	struct guest *g;
	bool running;

	lock_acquire(&fake.lock);
	fake_ready();
	running = fake.backend.running;
	lock_release(&fake.lock);
	g = fake_guest_new(name, NULL);
	g->uuid = *u;
	g->id = id;
	g->foreign = foreign;
	if (spec && spec_parse(spec, strlen(spec), &g->spec, NULL, NULL))
		abort();
	if (!running)
		return NULL;
	g->told = true;
	fake_tell(fake_tell_of(TELL_APPEARED, g, ""));
	g->gone = !g->domain; /* refused: it is not told of again */
	return g->domain;
}

unsigned fake_guests(void)
{
	unsigned n = 0;

	lock_acquire(&fake.lock);
	for (struct guest *g = fake.guests; g; g = g->next)
		n++;
	lock_release(&fake.lock);
	return n;
}
