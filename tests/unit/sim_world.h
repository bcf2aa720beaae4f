/*
 * For the tests of the simulator: a job, a sink that writes down what it is told, calls through the table of functions.
 * One test at a time; the model's lock protects what the sink and the threads of calls write.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/sim/sim.h"
#include "tests/unit/test.h"

#define HOUR 3600000

/* ---- a job ---- */

struct job {
	int fd;
	atomic_int stop;
	uint64_t deadline;
};

int job_cancel_fd(const struct job *j)
{
	return j->fd;
}

uint64_t job_deadline(const struct job *j)
{
	return j->deadline;
}

int job_check(const struct job *j, struct err *e)
{
	if (atomic_load(&j->stop))
		return fail(e, ECANCELED, "cancelled");
	return clock_msec() >= j->deadline ? fail(e, ETIMEDOUT, "no answer in time") : 0;
}

void job_progress(struct job *j, unsigned percent, uint64_t left_bytes, unsigned eta_seconds)
{
	(void)j, (void)percent, (void)left_bytes, (void)eta_seconds;
}

static inline struct job job_open(uint64_t msec)
{
	struct job j = { .fd = eventfd(0, EFD_CLOEXEC), .deadline = clock_msec() + msec };

	assert_true(j.fd >= 0);
	return j;
}

static inline void job_end(struct job *j)
{
	assert_int_equal(close(j->fd), 0);
}

/* ---- a sink ---- */

struct domain {
	char name[NAME_MAX_LEN + 1];
	struct guest *guest;
	struct domain *next;
};

struct model {
	struct lock lock;
	struct cond told;
	struct buf text;    /* a line for each call: "NAME what ..." */
	size_t seen;        /* expect() goes on from here */
	struct buf console; /* of all guests */
	struct domain *domains;
	unsigned appeared;
	const char *refuse; /* the name of a guest not to be taken */
	struct backend *backend;
};

static struct model model;

static inline void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline void tell(const char *fmt, ...)
{
	va_list ap;

	lock_acquire(&model.lock);
	va_start(ap, fmt);
	buf_vprintf(&model.text, fmt, ap);
	va_end(ap);
	buf_putc(&model.text, '\n');
	cond_broadcast(&model.told);
	lock_release(&model.lock);
}

static inline struct domain *domain_new(const char *name, struct guest *g)
{
	struct domain *d = x_alloc(sizeof(*d));

	memcpy(d->name, name, strlen(name));
	d->guest = g;
	lock_acquire(&model.lock);
	d->next = model.domains;
	model.domains = d;
	lock_release(&model.lock);
	return d;
}

static inline struct domain *on_appeared(struct model *m, const struct found *f, struct guest *g)
{
	struct domain *d;

	assert_ptr_equal(m, &model);
	assert_true(f->foreign && f->spec && f->id > 0);
	if (m->refuse && !strcmp(m->refuse, f->name))
		return NULL;
	d = domain_new(f->name, g);
	m->appeared++;
	tell("%s appeared %d %llu MiB", f->name, f->id, (unsigned long long)spec_memory(f->spec));
	return d;
}

static inline void on_state(struct domain *d, enum domain_state s, const char *reason)
{
	const char *name = s == STATE_RUNNING ? "running" : s == STATE_PAUSED ? "paused" : "unresponsive";

	assert_true(s == STATE_RUNNING || s == STATE_PAUSED || s == STATE_UNRESPONSIVE);
	tell("%s %s %s", d->name, name, reason);
}

static inline void on_ended(struct domain *d, enum end end, bool held, const char *reason)
{
	tell("%s ended %d %s %s", d->name, (int)end, held ? "held" : "lost", reason);
}

static inline void on_gone(struct domain *d, enum end end, const char *reason)
{
	tell("%s gone %d %s", d->name, (int)end, reason);
}

static inline void on_memory(struct domain *d, uint64_t mib)
{
	tell("%s memory %llu", d->name, (unsigned long long)mib);
}

static inline void on_vcpus(struct domain *d, unsigned online)
{
	tell("%s vcpus %u", d->name, online);
}

static inline void on_display(struct domain *d, const char *address)
{
	tell("%s display %s", d->name, address);
}

static inline void on_console(struct domain *d, const char *p, size_t n)
{
	(void)d;
	lock_acquire(&model.lock);
	buf_add(&model.console, p, n);
	cond_broadcast(&model.told);
	lock_release(&model.lock);
}

static inline void on_log(struct domain *d, const char *line)
{
	tell("%s log %s", d->name, line);
}

static inline void on_event(struct domain *d, const char *name, const char *detail)
{
	tell("%s event %s %s", d->name, name, detail);
}

static inline void on_sched(struct domain *d, const struct sched *s)
{
	tell("%s sched %u %u", d->name, s->weight, s->cap);
}

static const struct sink sink = {
	.model = &model,
	.appeared = on_appeared,
	.state = on_state,
	.ended = on_ended,
	.gone = on_gone,
	.memory = on_memory,
	.vcpus = on_vcpus,
	.display = on_display,
	.console = on_console,
	.log = on_log,
	.event = on_event,
	.sched = on_sched,
};

/* The next line told must be LINE. */
static inline void expect(const char *line)
{
	uint64_t end = clock_msec() + LIMIT;
	bool in_time = true;
	const char *p, *nl;
	char *got;

	lock_acquire(&model.lock);
	while (model.seen >= model.text.len && in_time)
		in_time = cond_wait(&model.told, &model.lock, end);
	p = in_time ? model.text.p + model.seen : "(nothing)\n";
	nl = strchr(p, '\n');
	got = x_strndup(p, (size_t)(nl - p));
	model.seen += in_time ? (size_t)(nl - p) + 1 : 0;
	lock_release(&model.lock);
	assert_string_equal(got, line);
	free(got);
}

static inline void expect_console(const char *text)
{
	uint64_t end = clock_msec() + LIMIT;
	bool found = false, in_time = true;

	lock_acquire(&model.lock);
	while (!(found = model.console.p && strstr(model.console.p, text)) && in_time)
		in_time = cond_wait(&model.told, &model.lock, end);
	if (!found)
		print_error("the consoles say: %s\n", model.console.p);
	buf_reset(&model.console);
	lock_release(&model.lock);
	assert_true(found);
}

static inline void expect_nothing(void)
{
	lock_acquire(&model.lock);
	if (model.seen != model.text.len)
		print_error("told: %s", model.text.p + model.seen);
	assert_int_equal(model.seen, model.text.len);
	lock_release(&model.lock);
}

/* ---- a backend ---- */

static const struct backend_ops *const ops = &sim_backend;

static inline void up(const char *options)
{
	struct backend_config c = { .options = options };
	struct err e;

	assert_int_equal(ops->open(&c, &sink, &model.backend, &e), 0);
	assert_int_equal(ops->adopt(model.backend, &e), 0);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	lock_init(&model.lock);
	cond_init(&model.told);
	return 0;
}

static inline int teardown(void **state)
{
	struct domain *next;

	(void)state;
	ops->close(model.backend);
	for (; model.domains; model.domains = next) {
		next = model.domains->next;
		free(model.domains);
	}
	buf_free(&model.text);
	buf_free(&model.console);
	cond_destroy(&model.told);
	lock_destroy(&model.lock);
	return 0;
}

static inline int start_with(const char *name, const char *text, bool paused, struct job *j, struct guest **ret,
                             struct err *e)
{
	struct run run = { .name = name, .uuid = uuid_random(), .id = 1000, .serial = 1, .paused = paused };
	struct spec *spec;
	int r;

	assert_int_equal(spec_parse(text, strlen(text), &spec, NULL, e), 0);
	run.spec = spec;
	run.domain = domain_new(name, NULL);
	r = ops->start(model.backend, &run, ret, j, e);
	spec_unref(spec);
	return r;
}

#define CONFIG "memory = 100\nmaxmem = 400\nvcpus = 2\nmaxvcpus = 3\n"

/* A guest "a" that runs. */
static inline struct guest *start(void)
{
	struct job j = job_open(LIMIT);
	struct guest *g = NULL;
	struct err e;

	assert_int_equal(start_with("a", CONFIG, false, &j, &g, &e), 0);
	job_end(&j);
	expect("a memory 100");
	expect("a vcpus 2");
	expect("a running started");
	expect_console("a booted 1\r\n");
	return g;
}

/* One call of the table that takes nothing more than the guest. */
static inline int call(int (*fn)(struct guest *, struct job *, struct err *), struct guest *g, struct err *e)
{
	struct job j = job_open(LIMIT);
	int r = fn(g, &j, e);

	job_end(&j);
	return r;
}

static inline int set_memory(struct guest *g, uint64_t mib, uint64_t msec, struct err *e)
{
	struct job j = job_open(msec);
	int r = ops->set_memory(g, mib, &j, e);

	job_end(&j);
	return r;
}

static inline int trigger(struct guest *g, const char *what, struct err *e)
{
	struct job j = job_open(LIMIT);
	int r = ops->trigger(g, what, &j, e);

	job_end(&j);
	return r;
}

static inline void type(struct guest *g, const char *text)
{
	struct err e;

	assert_int_equal(ops->console_write(g, text, strlen(text), &e), strlen(text));
}

static inline uint64_t host_free(void)
{
	struct host h;
	struct err e;

	assert_int_equal(ops->host(model.backend, &h, &e), 0);
	return h.free_mib;
}

/* A call on a thread of its own. */
struct call {
	pthread_t thread;
	int (*fn)(struct guest *, struct job *, struct err *);
	struct guest *guest; /* NULL: start */
	struct job job;
	int ret;
	struct err err;
	bool over; /* under the model's lock */
};

static inline void *call_main(void *arg)
{
	struct call *c = arg;

	if (c->fn)
		c->ret = c->fn(c->guest, &c->job, &c->err);
	else
		c->ret = start_with("a", CONFIG, false, &c->job, &c->guest, &c->err);
	lock_acquire(&model.lock);
	c->over = true;
	cond_broadcast(&model.told);
	lock_release(&model.lock);
	return NULL;
}

static inline void call_begin(struct call *c, int (*fn)(struct guest *, struct job *, struct err *), struct guest *g)
{
	*c = (struct call){ .fn = fn, .guest = g, .job = job_open(LIMIT) };
	assert_int_equal(pthread_create(&c->thread, NULL, call_main, c), 0);
}

static inline int call_end(struct call *c)
{
	pthread_join(c->thread, NULL);
	job_end(&c->job);
	return c->ret;
}

/* The same, while the clock runs at an hour every few milliseconds. */
static inline int call_end_fast(struct call *c)
{
	lock_acquire(&model.lock);
	while (!c->over) {
		lock_release(&model.lock);
		sim_advance(model.backend, HOUR);
		lock_acquire(&model.lock);
		if (!c->over)
			cond_wait(&model.told, &model.lock, clock_msec() + 5);
	}
	lock_release(&model.lock);
	return call_end(c);
}

#endif
