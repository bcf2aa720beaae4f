#include "tests/unit/fake_backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "lock.h"

#define LIMIT 20000 /* ms; only a failing test waits so long */
#define NAMES 16

struct guest {
	struct guest *next;
	char name[NAME_MAX_LEN + 1];
	struct domain *domain;
	int id;
	struct uuid uuid;
	struct spec *spec;
	bool foreign, told, gone;
};

/* One thing to be told. */
struct tell {
	struct tell *next;
	enum { TELL_STATE, TELL_ENDED, TELL_GONE, TELL_MEMORY, TELL_CONSOLE, TELL_APPEARED } what;
	struct guest *guest;
	enum domain_state state;
	enum end end;
	bool held;
	uint64_t mib;
	char text[256];
	bool *done;
};

struct backend {
	const struct sink *sink;
	pthread_t thread;
	bool running;
};

struct fake_options fake_options;

static struct fake {
	struct lock lock;
	struct cond changed;
	bool ready;
	struct backend backend;
	struct buf calls;
	struct { char verb[16]; int code; } fails[NAMES];
	char blocked[NAMES][16];
	struct tell *first, **last;
	struct guest *guests;
	bool stop;
} fake = { .lock = LOCK_INIT };

static void fake_ready(void)
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

static bool is_blocked(const char *verb) NEEDS(fake.lock)
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

static void tell_one(struct backend *b, struct tell *t)
{
	struct guest *g = t->guest;
	struct found f = { .name = g->name, .uuid = g->uuid, .id = g->id, .spec = g->spec, .foreign = g->foreign,
		.started = time_now() };

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
	case TELL_CONSOLE:
		b->sink->console(g->domain, t->text, strlen(t->text));
		break;
	case TELL_APPEARED:
		g->domain = b->sink->appeared(b->sink->model, &f, g);
		break;
	}
}

static void *fake_monitor(void *arg)
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
		tell_one(b, t);
		lock_acquire(&fake.lock);
		*t->done = true;
		free(t);
		cond_broadcast(&fake.changed);
	}
	lock_release(&fake.lock);
	return NULL;
}

static void tell(struct tell copy)
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

static struct tell tell_of(int what, struct guest *g, const char *text)
{
	struct tell t = { .what = what, .guest = g };

	snprintf(t.text, sizeof(t.text), "%s", text);
	return t;
}

void fake_state(const char *name, enum domain_state s, const char *reason)
{
	struct tell t = tell_of(TELL_STATE, find(name), reason);

	t.state = s;
	tell(t);
}

static void tell_ended(struct guest *g, enum end how, bool held, const char *reason)
{
	struct tell t = tell_of(TELL_ENDED, g, reason);

	t.end = how;
	t.held = held;
	tell(t);
}

void fake_ended(const char *name, enum end how, bool held, const char *reason)
{
	tell_ended(find(name), how, held, reason);
}

static void tell_gone(struct guest *g, enum end how, const char *reason)
{
	struct tell t = tell_of(TELL_GONE, g, reason);
	bool was;

	lock_acquire(&fake.lock);
	was = g->gone;
	g->gone = true;
	lock_release(&fake.lock);
	t.end = how;
	if (!was)
		tell(t);
}

void fake_gone(const char *name, enum end how, const char *reason)
{
	tell_gone(find(name), how, reason);
}

void fake_memory(const char *name, uint64_t mib)
{
	struct tell t = tell_of(TELL_MEMORY, find(name), "");

	t.mib = mib;
	tell(t);
}

void fake_console(const char *name, const char *text)
{
	tell(tell_of(TELL_CONSOLE, find(name), text));
}

static struct guest *guest_new(const char *name, struct domain *d)
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

static void guest_free(struct guest *g)
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
	g = guest_new(name, NULL);
	g->uuid = *u;
	g->id = id;
	g->foreign = foreign;
	if (spec && spec_parse(spec, strlen(spec), &g->spec, NULL, NULL))
		abort();
	if (!running)
		return NULL;
	g->told = true;
	tell(tell_of(TELL_APPEARED, g, ""));
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

/* ---- the table of functions ---- */

/* Write the call down; fail or block when the test wants it. */
static int enter(const char *verb, const char *name, const struct job *j, struct err *e)
{
	int rc = 0;

	lock_acquire(&fake.lock);
	buf_printf(&fake.calls, "%s %s\n", verb, name);
	cond_broadcast(&fake.changed);
	for (size_t i = 0; i < NAMES; i++) {
		if (fake.fails[i].code && !strcmp(fake.fails[i].verb, verb)) {
			rc = fail(e, fake.fails[i].code, "%s: as the test wants it", verb);
			fake.fails[i].code = 0;
		}
	}
	while (!rc && is_blocked(verb)) {
		rc = j ? job_check(j, e) : 0;
		if (!rc) /* a job's descriptor would have to be polled: looking is enough for a test */
			cond_wait(&fake.changed, &fake.lock, clock_msec() + 5);
	}
	lock_release(&fake.lock);
	return rc;
}

static int fake_open(const struct backend_config *c, const struct sink *sink, struct backend **ret, struct err *e)
{
	int rc;

	(void)c;
	lock_acquire(&fake.lock);
	fake_ready();
	lock_release(&fake.lock);
	rc = enter("open", "-", NULL, e);
	if (rc)
		return rc;
	fake.backend = (struct backend){ .sink = sink };
	*ret = &fake.backend;
	return 0;
}

static void fake_close(struct backend *b)
{
	struct guest *g, *next;

	lock_acquire(&fake.lock);
	fake.stop = true;
	cond_broadcast(&fake.changed);
	lock_release(&fake.lock);
	if (b->running)
		pthread_join(b->thread, NULL);
	b->running = fake.stop = false;
	for (g = fake.guests; g; g = next) {
		next = g->next;
		guest_free(g);
	}
	fake.guests = NULL;
}

static int fake_adopt(struct backend *b, struct err *e)
{
	int rc = enter("adopt", "-", NULL, e);

	for (struct guest *g = fake.guests; !rc && g; g = g->next) {
		struct tell t = tell_of(TELL_APPEARED, g, "");

		g->told = true;
		tell_one(b, &t);
		if (!g->domain)
			continue;
		b->sink->state(g->domain, STATE_RUNNING, "adopted");
		if (fake_options.end_at_adopt)
			b->sink->ended(g->domain, END_REBOOT, true, "reboot");
	}
	if (!rc && pthread_create(&b->thread, NULL, fake_monitor, b))
		return fail(e, EAGAIN, "no thread");
	lock_acquire(&fake.lock);
	b->running = !rc;
	lock_release(&fake.lock);
	return rc;
}

static int fake_host(struct backend *b, struct host *ret, struct err *e)
{
	uint64_t total = fake_options.total_mib ? fake_options.total_mib : 1 << 20;

	(void)b;
	*ret = (struct host){ .total_mib = total, .free_mib = total, .cpus = 4 };
	return enter("host", "-", NULL, e);
}

static int fake_check(struct backend *b, const struct spec *s, struct err *e)
{
	(void)b;
	(void)s;
	return enter("check", "-", NULL, e);
}

static int fake_start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e)
{
	int rc = enter("start", run->name, j, e);
	struct guest *g;
	struct tell t;

	(void)b;
	if (rc && !fake_options.leaks_to_start)
		return rc;
	g = guest_new(run->name, run->domain);
	g->id = run->id;
	g->uuid = run->uuid;
	t = tell_of(TELL_STATE, g, "started");
	t.state = run->paused ? STATE_PAUSED : STATE_RUNNING;
	tell(t);
	if (fake_options.gone_in_start)
		tell_gone(g, END_DIED, "died");
	if (fake_options.ended_in_start)
		tell_ended(g, END_POWEROFF, true, "poweroff");
	*ret = g;
	return 0;
}

static int fake_destroy(struct guest *g, struct job *j, struct err *e)
{
	int rc = enter("destroy", g->name, j, e);

	if (!rc)
		tell_gone(g, END_DESTROYED, "destroyed");
	return rc;
}

/* A call that ends in a state. */
static int to_state(struct guest *g, const char *verb, enum domain_state s, const char *reason, struct job *j, struct err *e)
{
	struct tell t = tell_of(TELL_STATE, g, reason);
	int rc = enter(verb, g->name, j, e);

	t.state = s;
	if (!rc)
		tell(t);
	return rc;
}

static int fake_restart(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "restart", STATE_RUNNING, "restarted", j, e);
}

static int fake_pause(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "pause", STATE_PAUSED, "paused", j, e);
}

static int fake_unpause(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "unpause", STATE_RUNNING, "unpaused", j, e);
}

static int fake_reset_guest(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "reset", STATE_RUNNING, "reset", j, e);
}

static int fake_shutdown(struct guest *g, struct job *j, struct err *e)
{
	return enter("shutdown", g->name, j, e);
}

static int fake_reboot(struct guest *g, struct job *j, struct err *e)
{
	return enter("reboot", g->name, j, e);
}

static int fake_sysrq(struct guest *g, char letter, struct job *j, struct err *e)
{
	(void)letter;
	return enter("sysrq", g->name, j, e);
}

static int fake_set_memory(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	struct tell t = tell_of(TELL_MEMORY, g, "");
	int rc = enter("mem", g->name, j, e);

	t.mib = mib;
	if (!rc)
		tell(t);
	return rc;
}

static int fake_pin(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	(void)vcpu;
	(void)cpus;
	return enter("pin", g->name, j, e);
}

static int fake_rename(struct guest *g, const char *name, struct job *j, struct err *e)
{
	(void)g;
	return enter("rename", name, j, e);
}

static int fake_counters(struct guest *g, struct counters *ret, struct err *e)
{
	int rc = enter("counters", g->name, NULL, e);

	if (rc)
		return rc;
	lock_acquire(&fake.lock);
	ret->cpu_usec = fake_options.cpu_usec;
	fake_options.cpu_usec += fake_options.cpu_step;
	lock_release(&fake.lock);
	return 0;
}

static int fake_vcpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
{
	int rc = enter("vcpus", g->name, NULL, e);

	if (rc || !max)
		return rc;
	ret[0] = (struct vcpu){ .cpu = -1, .state = 'r' };
	cpus_add(&ret[0].affinity, 1);
	return 1;
}

static int fake_console_write(struct guest *g, const char *p, size_t n, struct err *e)
{
	int rc = enter("type", g->name, NULL, e);

	(void)p;
	return rc ? rc : (int)n;
}

static void fake_forget(struct guest *g)
{
	struct guest **at;

	enter("forget", g->name, NULL, NULL);
	lock_acquire(&fake.lock);
	for (at = &fake.guests; *at && *at != g; at = &(*at)->next)
		;
	if (!*at)
		abort(); /* forgotten twice */
	*at = g->next;
	lock_release(&fake.lock);
	guest_free(g);
}

#define OPS                                                                                                                \
	.name = "fake", .open = fake_open, .close = fake_close, .adopt = fake_adopt, .host = fake_host, .check = fake_check, \
	.start = fake_start, .destroy = fake_destroy, .shutdown = fake_shutdown, .reboot = fake_reboot,                    \
	.reset = fake_reset_guest, .pause = fake_pause, .unpause = fake_unpause, .sysrq = fake_sysrq,                      \
	.set_memory = fake_set_memory, .pin = fake_pin, .rename = fake_rename, .counters = fake_counters,                  \
	.vcpu_list = fake_vcpu_list, .console_write = fake_console_write, .forget = fake_forget

const struct backend_ops fake_backend = { OPS };
const struct backend_ops fake_restart_backend = { OPS, .restart = fake_restart };
