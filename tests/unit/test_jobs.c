/* The slot, the ways to end a job early, waits for a state, and the setter's legal steps. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/model_world.h"

static void test_slot(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	struct job *a = job_new(&caller_self, d, "save /x", 60), *b = job_new(&caller_self, d, "pause", 60);
	struct err e = { 0 };

	assert_string_equal(a->verb, "save");
	assert_int_equal(job_cancel(d, &caller_self, &e), -ENOENT);
	assert_int_equal(job_begin(a, &e), 0);
	assert_int_equal(job_begin(b, &e), -EBUSY);
	assert_non_null(strstr(e.text, "web1: save is under way since 2"));
	assert_non_null(strstr(e.text, "by domfs; cancel ends it"));
	job_end(b); /* it does not have it */
	assert_ptr_equal(d->job, a);
	job_progress(a, 50, 10, 3);
	assert_int_equal(a->percent, 50);
	assert_int_equal(job_cancel(d, &caller_self, &e), 0);
	assert_int_equal(poll(&(struct pollfd){ .fd = job_cancel_fd(a), .events = POLLIN }, 1, 0), 1);
	assert_int_equal(job_check(a, &e), -ECANCELED);
	assert_non_null(strstr(e.text, "cancelled by domfs"));
	job_stop(a, STOP_INTERRUPT, &caller_self); /* the first stop counts */
	assert_int_equal(job_check(a, &e), -ECANCELED);
	job_end(a);
	job_stop(b, STOP_INTERRUPT, &caller_self);
	assert_int_equal(job_check(b, &e), -EINTR);
	job_free(a);
	job_free(b);
	a = job_new(&caller_self, d, "x", 0);
	assert_int_equal(job_check(a, &e), -ETIMEDOUT);
	b = job_new(&caller_self, NULL, "reload", 5);
	job_progress(b, 1, 1, 1);
	job_stop(b, STOP_CANCEL, &caller_self);
	job_free(a);
	job_free(b);
}

static int begin_after(struct job *j, void *arg, struct err *e)
{
	struct job **ret = arg;
	int rc;

	*ret = j;
	rc = job_begin_after(j, e);
	job_end(j);
	return rc;
}

static void begin_later(struct domain *d, struct background *b, struct world *w, struct job **ret)
{
	background_begin(b, w, d, "later", begin_after, ret);
}

static void test_after(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	struct job *a = job_new(&caller_self, d, "save", 60), *later = NULL;
	struct background b;
	struct err e = { 0 };

	assert_int_equal(job_begin(a, &e), 0);
	begin_later(d, &b, w, &later);
	job_end(a);
	assert_int_equal(background_end(&b), 0);
	/* The domain goes while it is waited for. */
	assert_int_equal(job_begin(a, &e), 0);
	begin_later(d, &b, w, &later);
	domain_ref(d);
	registry_del(d);
	assert_int_equal(background_end(&b), -ENOENT);
	job_end(a);
	assert_int_equal(job_begin(a, &e), -ENOENT);
	domain_unref(d);
	job_free(a);
}

/* As if its time were over before it began. */
static int begin_ever(struct job *j, void *arg, struct err *e)
{
	atomic_bool *tried = arg;
	int rc;

	j->deadline = 0;
	rc = job_begin_after(j, e);
	assert_int_equal(rc, -ETIMEDOUT);
	atomic_store(tried, true);
	rc = job_begin_ever(j, e);
	if (!rc)
		assert_true(j->deadline > clock_msec());
	job_end(j);
	return rc;
}

static void test_ever(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	struct job *a = job_new(&caller_self, d, "save", 60);
	struct background b;
	struct err e = { 0 };
	atomic_bool tried = false;

	assert_int_equal(job_begin(a, &e), 0);
	background_begin(&b, w, d, "ever", begin_ever, &tried);
	while (!atomic_load(&tried))
		sched_yield();
	job_end(a);
	assert_int_equal(background_end(&b), 0);
	/* The daemon ends, and the slot is another's. */
	assert_int_equal(job_begin(a, &e), 0);
	w->model->closing = true;
	background_begin(&b, w, d, "ever", begin_ever, &tried);
	assert_int_equal(background_end(&b), -ETIMEDOUT);
	w->model->closing = false;
	job_end(a);
	job_free(a);
}

/* ---- waits ---- */

struct tracked {
	struct wait wait;
	struct lock lock;
	struct cond cond;
	bool done;
	int result;
};

static bool ready(struct domain *d, const struct wait *w) NEEDS(d->lock)
{
	return STATE_BIT(d->state) & w->states;
}

static void done(struct wait *w, int result)
{
	struct tracked *t = (struct tracked *)w;

	lock_acquire(&t->lock);
	t->done = true;
	t->result = result;
	cond_broadcast(&t->cond);
	lock_release(&t->lock);
}

static void begin(struct tracked *t, struct domain *d, unsigned states, uint64_t msec)
{
	*t = (struct tracked){
		.wait = { .ready = ready, .done = done, .states = states, .deadline = msec ? clock_msec() + msec : 0 }
	};
	lock_init(&t->lock);
	cond_init(&t->cond);
	domain_wait(d, &t->wait);
}

static int end(struct tracked *t)
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool in_time = true;

	lock_acquire(&t->lock);
	while (!t->done && in_time)
		in_time = cond_wait(&t->cond, &t->lock, deadline);
	lock_release(&t->lock);
	assert_true(in_time);
	pool_drain(); /* so that nobody is in done() any more */
	cond_destroy(&t->cond);
	lock_destroy(&t->lock);
	return t->result;
}

static void test_wait(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });
	struct tracked t, other;
	struct err e = { 0 };

	begin(&t, d, STATE_BIT(STATE_OFF), 0);
	assert_int_equal(end(&t), 0);
	begin(&t, d, STATE_BIT(STATE_RUNNING), 0);
	begin(&other, d, STATE_BIT(STATE_PAUSED), LIMIT);
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(end(&t), 0);
	assert_false(other.done);
	begin(&t, d, STATE_BIT(STATE_PAUSED), 1); /* sooner than the one whose time is looked at */
	assert_int_equal(end(&t), -ETIMEDOUT);
	assert_false(other.done);
	wait_stop(&other.wait, -EINTR);
	wait_stop(&other.wait, -ECANCELED); /* done already */
	assert_int_equal(end(&other), -EINTR);
	begin(&t, d, STATE_BIT(STATE_PAUSED), 1);
	assert_int_equal(end(&t), -ETIMEDOUT);
	/* `cancel` ends what is left of a verb, and only that. */
	begin(&t, d, STATE_BIT(STATE_PAUSED), 0);
	assert_int_equal(world_call(w, d, 0, "cancel", call_cancel, NULL), -ENOENT);
	t.wait.cancellable = true;
	assert_int_equal(world_call(w, d, 0, "cancel", call_cancel, NULL), 0);
	assert_int_equal(end(&t), -ECANCELED);
	begin(&t, d, STATE_BIT(STATE_SAVED), 0);
	domain_ref(d);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(world_call(w, d, 0, "undefine", call_undefine, NULL), 0);
	assert_int_equal(end(&t), -ENOENT);
	begin(&t, d, STATE_BIT(STATE_SAVED), 0);
	assert_int_equal(end(&t), -ENOENT);
	struct job *j = job_new(&caller_self, d, "wait", 60);

	assert_int_equal(domain_await(d, STATE_BIT(STATE_SAVED), j, &e), -ENOENT);
	job_free(j);
	domain_unref(d);
}

/* Many wait while states change under them: each is told once. */
static void test_many_waits(void **state)
{
	enum { MANY = 50 };
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });
	static struct tracked t[MANY];

	for (int i = 0; i < MANY; i++)
		begin(&t[i], d, STATE_BIT(i % 2 ? STATE_RUNNING : STATE_PAUSED), i % 3 ? 0 : LIMIT);
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(world_call(w, d, 0, "pause", call_pause, NULL), 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(end(&t[i]), 0);
}

static bool ready_booted(struct domain *d, const struct wait *w) NEEDS(d->lock)
{
	return d->boots != w->boots;
}

/* A second reset leaves state and reason as they are, and is a boot all the same. */
static void test_wait_boots(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });
	struct tracked t, late;

	assert_int_equal(world_start(w, d), 0);
	for (int i = 0; i < 2; i++) {
		begin(&late, d, STATE_BIT(STATE_PAUSED), LIMIT);
		t = (struct tracked){ .wait = { .ready = ready_booted, .done = done, .boots = d->boots } };
		lock_init(&t.lock);
		cond_init(&t.cond);
		domain_wait(d, &t.wait);
		fake_state("web1", STATE_RUNNING, "reset");
		assert_int_equal(end(&t), 0);
		assert_false(late.done);
		wait_stop(&late.wait, -EINTR);
		assert_int_equal(end(&late), -EINTR);
	}
}

/* ---- the setter ---- */

static void test_steps(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	unsigned long long generation;
	int status;
	pid_t pid;

	domain_lock(d);
	domain_set_state(d, STATE_STARTING, "start");
	generation = d->generation;
	domain_set_state(d, STATE_STARTING, "start"); /* nothing changed: nothing is told */
	assert_int_equal(d->generation, generation);
	domain_set_state(d, STATE_RUNNING, "started");
	assert_true(d->generation > generation);
	domain_set_state(d, STATE_PAUSED, "paused");
	domain_set_state(d, STATE_RUNNING, "unpaused");
	domain_set_state(d, STATE_UNRESPONSIVE, "running");
	domain_set_state(d, STATE_RUNNING, "again");
	domain_set_state(d, STATE_OFF, "a-reason-that-is-much-longer-than-a-reason-may-ever-be-in-the-status");
	assert_int_equal(strlen(d->reason), REASON_TEXT - 1);
	domain_unlock(d);
	assert_true(text_has(&d->events, " web1 start state=starting reason=start\n"));
	assert_true(text_has(&d->events, " web1 unpaused state=running reason=unpaused\n"));
	assert_true(text_has(&d->events, " web1 responsive state=running reason=again\n"));
	pid = fork();
	if (!pid) { /* an illegal step is a mistake that must not go on */
		int null = open("/dev/null", O_WRONLY);

		signal(SIGABRT, SIG_DFL);
		dup2(null, STDERR_FILENO);
		domain_lock(d);
		domain_set_state(d, STATE_PAUSED, "no");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_slot),       WORLD_TEST(test_after),      WORLD_TEST(test_ever),  WORLD_TEST(test_wait),
		WORLD_TEST(test_wait_boots), WORLD_TEST(test_many_waits), WORLD_TEST(test_steps),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
