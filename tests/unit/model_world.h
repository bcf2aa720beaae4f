/*
 * For the tests of the model: a world is two folders, a model over them and the fake backend. Operations are called as the
 * daemon's fs/ does, with a job made for the call. Waiting is for texts and states, with a generous limit.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"
#include "tests/unit/fake_backend.h"
#include "tests/unit/test.h"

struct world {
	char *path, *config, *state, *run;
	struct model *model;
	struct err e; /* of the last operation */
};

static inline int world_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline struct world world_at(const char *path)
{
	return (struct world){ .path = x_strdup(path),
		               .config = x_printf("%s/config", path),
		               .state = x_printf("%s/state", path),
		               .run = x_printf("%s/run", path) };
}

static inline struct world world_make(void)
{
	char path[] = "/tmp/domfs-test-XXXXXX";

	assert_non_null(mkdtemp(path));
	fake_reset();
	return world_at(path);
}

static inline int world_try(struct world *w, const struct backend_ops *ops)
{
	struct model_config c = { .ops = ops,
		                  .config_dir = w->config,
		                  .state_dir = w->state,
		                  .backend = { .options = "", .run_dir = w->run, .state_dir = w->state } };

	err_clear(&w->e);
	return model_open(&c, &w->model, &w->e);
}

static inline void world_open(struct world *w, const struct backend_ops *ops)
{
	int rc = world_try(w, ops);

	if (rc)
		print_error("%s\n", w->e.text);
	assert_int_equal(rc, 0);
}

static inline void world_run(struct world *w)
{
	assert_int_equal(model_run(w->model, &w->e), 0);
}

static inline void world_close(struct world *w)
{
	model_close(w->model);
	w->model = NULL;
}

static inline void world_end(struct world *w)
{
	world_close(w);
	nftw(w->path, world_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w->path);
	free(w->config);
	free(w->state);
	free(w->run);
}

/* ---- a world of its own for a test, in *state ---- */

static inline int world_setup(void **state)
{
	static struct world w;

	w = world_make();
	world_open(&w, &fake_backend);
	*state = &w;
	return 0;
}

static inline int world_teardown(void **state)
{
	world_end(*state);
	return 0;
}

#define WORLD_TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

/* ---- files ---- */

static inline void world_write(struct world *w, const char *file, const char *text)
{
	char *path = x_printf("%s/%s", w->path, file);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

/* The text of FILE, the caller's; NULL when there is none. */
static inline char *world_read(struct world *w, const char *file)
{
	char *path = x_printf("%s/%s", w->path, file);
	struct buf b = { 0 };
	struct err e;
	int rc = file_slurp(AT_FDCWD, path, 8 << 20, &b, &e);

	free(path);
	if (rc) {
		buf_free(&b);
		return NULL;
	}
	return buf_steal(&b);
}

static inline bool world_has(struct world *w, const char *file)
{
	char *path = x_printf("%s/%s", w->path, file);
	struct stat st;
	bool has = !lstat(path, &st);

	free(path);
	return has;
}

static inline void world_move(struct world *w, const char *from, const char *to)
{
	char *a = x_printf("%s/%s", w->path, from), *b = x_printf("%s/%s", w->path, to);

	assert_int_equal(rename(a, b), 0);
	free(a);
	free(b);
}

static inline void world_unlink(struct world *w, const char *file)
{
	char *path = x_printf("%s/%s", w->path, file);

	assert_int_equal(unlink(path), 0);
	free(path);
}

/* ---- operations ---- */

static inline struct domain *world_find(struct world *w, const char *name)
{
	struct domain *d = model_find(w->model, name);

	domain_unref(d); /* the registry's is enough for a test */
	return d;
}

/* Run FN for domain D as UID with COMMAND's verb; rc, the sentence in w->e. */
static inline int world_call(struct world *w, struct domain *d, uid_t uid, const char *command,
                             int (*fn)(struct job *, void *, struct err *), void *arg)
{
	struct caller *c = caller_new(uid, uid, NULL, 0, 0);
	struct job *j = job_new(c, d, command, 60);
	int rc;

	err_clear(&w->e);
	rc = fn(j, arg, &w->e);
	job_free(j);
	caller_unref(c);
	return rc;
}

struct start_args {
	bool paused, dry;
	const char *const *words;
	size_t n;
};

static inline int call_start(struct job *j, void *arg, struct err *e)
{
	struct start_args *a = arg;

	j->dry = a && a->dry;
	return domain_start(j, a && a->paused, a ? a->words : NULL, a ? a->n : 0, e);
}

#define CALL(name, expression)                                                                                         \
	static inline int call_##name(struct job *j, void *arg, struct err *e)                                         \
	{                                                                                                              \
		(void)arg;                                                                                             \
		return expression;                                                                                     \
	}
CALL(destroy, domain_destroy(j, e))
CALL(pause, domain_pause(j, e))
CALL(unpause, domain_unpause(j, e))
CALL(shutdown, domain_shutdown(j, e))
CALL(reboot, domain_reboot(j, e))
CALL(reset, domain_reset(j, e))
CALL(undefine, domain_undefine(j, e))
CALL(rename, domain_rename(j, arg, e))
CALL(config, domain_set_config(j, arg, strlen(arg), e))
CALL(memory, domain_set_memory(j, *(uint64_t *)arg, e))
CALL(commit, domain_commit(j, e))
CALL(cancel, domain_cancel(j, e))
#undef CALL

static inline int world_start(struct world *w, struct domain *d)
{
	return world_call(w, d, 0, "start", call_start, NULL);
}

/* A domain of root's with this text. Borrowed. */
static inline struct domain *world_define(struct world *w, const char *name, char *text)
{
	struct caller *c = caller_new(0, 0, NULL, 0, 0);
	struct job *j = job_new(c, NULL, "define", 60);
	struct domain *d = NULL;
	int rc = domain_define(w->model, j, name, &d, &w->e);

	if (rc)
		print_error("%s\n", w->e.text);
	assert_int_equal(rc, 0);
	job_free(j);
	caller_unref(c);
	if (text) {
		rc = world_call(w, d, 0, "config", call_config, text);
		if (rc)
			print_error("%s\n", w->e.text);
		assert_int_equal(rc, 0);
	}
	domain_unref(d);
	return d;
}

/* The same on a thread of its own. */
struct background {
	pthread_t thread;
	struct world *world;
	struct domain *domain;
	const char *command;
	int (*fn)(struct job *, void *, struct err *);
	void *arg;
	int rc;
	struct err e;
};

static inline void *background_run(void *arg)
{
	struct background *b = arg;
	struct world w = *b->world;

	b->rc = world_call(&w, b->domain, 0, b->command, b->fn, b->arg);
	b->e = w.e;
	return NULL;
}

static inline void background_begin(struct background *b, struct world *w, struct domain *d, const char *command,
                                    int (*fn)(struct job *, void *, struct err *), void *arg)
{
	*b = (struct background){ .world = w, .domain = d, .command = command, .fn = fn, .arg = arg };
	assert_int_equal(pthread_create(&b->thread, NULL, background_run, b), 0);
}

static inline int background_end(struct background *b)
{
	pthread_join(b->thread, NULL);
	return b->rc;
}

/* ---- waiting ---- */

struct look {
	struct text_watch watch;
	struct lock lock;
	struct cond cond;
	unsigned woken;
};

static inline void look_wake(struct text_watch *watch)
{
	struct look *l = (struct look *)watch;

	lock_acquire(&l->lock);
	l->woken++;
	cond_broadcast(&l->cond);
	lock_release(&l->lock);
}

static inline bool text_has(struct text *t, const char *what)
{
	struct buf b = { 0 };
	bool has;

	text_copy(t, &b);
	has = b.p && strstr(b.p, what);
	buf_free(&b);
	return has;
}

/* Wait until the growing text T contains WHAT. */
static inline bool text_await(struct text *t, const char *what)
{
	struct look l = { .watch.wake = look_wake };
	uint64_t deadline = clock_msec() + LIMIT;
	bool has;

	lock_init(&l.lock);
	cond_init(&l.cond);
	text_watch(t, &l.watch);
	while (!(has = text_has(t, what))) {
		bool in_time = true;

		lock_acquire(&l.lock);
		while (!l.woken && in_time)
			in_time = cond_wait(&l.cond, &l.lock, deadline);
		l.woken = 0;
		lock_release(&l.lock);
		if (!in_time)
			break;
	}
	text_unwatch(&l.watch);
	cond_destroy(&l.cond);
	lock_destroy(&l.lock);
	return has;
}

/* Wait until CHECK(d, arg) holds, looked at whenever a fact of D changed. */
static inline bool domain_until(struct domain *d, bool (*check)(const struct domain *))
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool ok = true;

	domain_lock(d);
	while (!check(d) && ok)
		ok = cond_wait(&d->changed, &d->lock, deadline);
	domain_unlock(d);
	return ok;
}

static inline bool is_forgotten(const struct domain *d)
{
	return !d->guest;
}

static inline bool is_idle(const struct domain *d)
{
	return !d->job;
}

static inline bool is_gone(const struct domain *d)
{
	return d->gone;
}

static inline bool domain_in(struct domain *d, enum domain_state s)
{
	struct job *j = job_new(&caller_self, d, "wait", LIMIT / 1000);
	struct err e = { 0 };
	int rc = domain_await(d, STATE_BIT(s), j, &e);

	job_free(j);
	return !rc;
}

#endif
