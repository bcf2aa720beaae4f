/* Starting, stopping, and what meets on the way. */
#include "tests/unit/model_world.h"

static char web1[] = "memory=64\n";

static void assert_state(struct domain *d, enum domain_state s, const char *reason)
{
	domain_lock(d);
	assert_string_equal(state_names[d->state], state_names[s]);
	assert_string_equal(d->reason, reason);
	domain_unlock(d);
}

static void test_start_destroy(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);
	int id;

	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), -EHOSTDOWN);
	assert_int_equal(world_start(w, d), 0);
	assert_state(d, STATE_RUNNING, "started");
	domain_lock(d);
	id = d->id;
	assert_true(d->id >= 1 && d->started.tv_sec && d->boots == 1 && d->live && d->mem_target == 64);
	domain_unlock(d);
	assert_int_equal(world_start(w, d), -EBUSY);
	assert_int_equal(world_call(w, d, 0, "pause", call_pause, NULL), 0);
	assert_state(d, STATE_PAUSED, "paused");
	assert_int_equal(world_call(w, d, 0, "unpause", call_unpause, NULL), 0);
	assert_int_equal(world_call(w, d, 0, "shutdown", call_shutdown, NULL), 0);
	assert_state(d, STATE_RUNNING, "shutdown-requested");
	assert_int_equal(world_call(w, d, 0, "reset", call_reset, NULL), 0);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_state(d, STATE_OFF, "destroyed");
	assert_int_equal(world_call(w, d, 0, "pause", call_pause, NULL), -EHOSTDOWN);
	/* At once again: the start waits until the handle before is forgotten. */
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(fake_count("forget web1"), 1);
	domain_lock(d);
	assert_true(d->id > id);
	domain_unlock(d);
}

/* Where a machine cannot be reset in place it is another one, in the state that the one before was in. */
static void test_reset_by_start(void **state)
{
	static char destroys[] = "memory=64\non_reboot='destroy'\n";
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", destroys);
	int id;

	assert_int_equal(world_start(w, d), 0);
	domain_lock(d);
	id = d->id;
	domain_unlock(d);
	fake_fail("reset", ERESTART);
	assert_int_equal(world_call(w, d, 0, "reset", call_reset, NULL), 0);
	assert_state(d, STATE_RUNNING, "started");
	assert_int_equal(fake_count("destroy web1"), 1);
	domain_lock(d);
	assert_true(d->id > id && !d->restarting && !d->job);
	domain_unlock(d);
	assert_int_equal(world_call(w, d, 0, "pause", call_pause, NULL), 0);
	fake_fail("reset", ERESTART);
	assert_int_equal(world_call(w, d, 0, "reset", call_reset, NULL), 0);
	assert_state(d, STATE_PAUSED, "started");
	fake_fail("reset", ERESTART);
	fake_fail("start", EREMOTEIO);
	assert_int_equal(world_call(w, d, 0, "reset", call_reset, NULL), -EREMOTEIO);
	assert_state(d, STATE_OFF, "start-failed");
	assert_int_equal(fake_guests(), 0);
}

static void test_checks(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	struct start_args dry = { .dry = true };
	const char *words[] = { "memory=96" };
	struct start_args with = { .words = words, .n = 1 };

	assert_int_equal(world_start(w, d), -EINVAL);
	assert_non_null(strstr(w->e.text, "memory="));
	assert_int_equal(world_call(w, d, 0, "config", call_config, web1), 0);
	assert_int_equal(world_call(w, d, 0, "start", call_start, &dry), 0);
	assert_int_equal(fake_count("start web1"), 0);
	fake_fail("check", EOPNOTSUPP);
	assert_int_equal(world_start(w, d), -EOPNOTSUPP);
	/* One-time words are for the owner. */
	assert_int_equal(world_call(w, d, 1000, "start", call_start, &with), -EPERM);
	fake_fail("start", EREMOTEIO);
	assert_int_equal(world_start(w, d), -EREMOTEIO);
	assert_state(d, STATE_OFF, "start-failed");
	assert_int_equal(fake_guests(), 0);
	assert_int_equal(world_call(w, d, 0, "start", call_start, &with), 0);
	domain_lock(d);
	assert_int_equal(d->mem_target, 96);
	assert_true(domain_pending(d));
	domain_unlock(d);
}

static void test_memory_and_images(void **state)
{
	static char a[] = "memory=600\ndisk=['/x/a.img,raw,xvda,rw']\n",
		    b[] = "memory=64\ndisk=['/x/a.img,raw,xvda,rw']\n";
	static char big[] = "memory=600\n";
	struct world *w = *state;
	struct domain *one = world_define(w, "one", a), *two = world_define(w, "two", b),
		      *three = world_define(w, "three", big);
	struct background bg[2];
	int rc[2];

	fake_options.total_mib = 1000;
	assert_int_equal(world_start(w, one), 0);
	assert_int_equal(world_start(w, two), -EBUSY);
	assert_non_null(strstr(w->e.text, "in use by the domain one"));
	assert_int_equal(world_start(w, three), -ENOMEM);
	assert_non_null(strstr(w->e.text, "of the host's 1000 MiB"));
	assert_int_equal(world_call(w, one, 0, "destroy", call_destroy, NULL), 0);
	/* Two at once: what is left is promised to one of them only. */
	background_begin(&bg[0], w, one, "start", call_start, NULL);
	background_begin(&bg[1], w, three, "start", call_start, NULL);
	rc[0] = background_end(&bg[0]);
	rc[1] = background_end(&bg[1]);
	assert_true((rc[0] == 0) != (rc[1] == 0));
	assert_true(rc[0] == -ENOMEM || rc[1] == -ENOMEM);
}

/* Destroy while a start is under way: the start undoes itself, destroy has done what it was asked. */
static void test_destroy_start(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);
	struct background start;

	fake_block("start");
	background_begin(&start, w, d, "start", call_start, NULL);
	assert_true(fake_called("start web1", 1));
	assert_int_equal(world_call(w, d, 0, "pause", call_pause, NULL), -EBUSY);
	assert_non_null(strstr(w->e.text, "start is under way since 2"));
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(background_end(&start), -ECANCELED);
	assert_state(d, STATE_OFF, "start-cancelled");
	fake_release("start");
	/* A start that did not notice is destroyed. */
	fake_options.leaks_to_start = true;
	fake_block("start");
	background_begin(&start, w, d, "start", call_start, NULL);
	assert_true(fake_called("start web1", 2));
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(background_end(&start), 0);
	assert_state(d, STATE_OFF, "destroyed");
	assert_true(domain_until(d, is_forgotten));
}

/* Another destroy neither cancels the first nor waits for it. */
static void test_destroy_twice(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);
	struct background one, two;

	assert_int_equal(world_start(w, d), 0);
	fake_block("destroy");
	background_begin(&one, w, d, "destroy", call_destroy, NULL);
	assert_true(fake_called("destroy web1", 1));
	background_begin(&two, w, d, "destroy", call_destroy, NULL);
	assert_true(fake_called("destroy web1", 2));
	assert_int_equal(fake_count("forget web1"), 0);
	fake_release("destroy");
	assert_int_equal(background_end(&one), 0);
	assert_int_equal(background_end(&two), 0);
	assert_true(domain_until(d, is_forgotten));
	assert_int_equal(fake_count("forget web1"), 1);
}

static bool has_job(const struct domain *d)
{
	return d->job;
}

/* What is under way on the handle holds it: neither forgotten nor started anew before that has returned. */
static void test_forget(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);
	struct background start;
	struct guest *g;
	struct err e;

	assert_int_equal(world_start(w, d), 0);
	g = guest_get(d, &e);
	assert_non_null(g);
	fake_gone("web1", END_DIED, "died");
	assert_state(d, STATE_CRASHED, "died");
	assert_null(guest_get(d, &e));
	background_begin(&start, w, d, "start", call_start, NULL);
	assert_true(domain_until(d, has_job));
	assert_int_equal(fake_count("forget web1"), 0);
	assert_int_equal(fake_count("start web1"), 1);
	guest_put(d);
	assert_int_equal(background_end(&start), 0);
	assert_int_equal(fake_count("forget web1"), 1);
	assert_int_equal(fake_count("start web1"), 2);
}

static void test_gone_in_start(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);

	fake_options.gone_in_start = true;
	assert_int_equal(world_start(w, d), 0);
	assert_state(d, STATE_CRASHED, "died");
	assert_true(domain_until(d, is_forgotten));
	assert_int_equal(fake_guests(), 0);
	fake_options.gone_in_start = false;
	assert_int_equal(world_start(w, d), 0);
	assert_state(d, STATE_RUNNING, "started");
}

static void test_adopt(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);
	struct uuid u, other = uuid_random();

	domain_lock(d);
	u = d->uuid;
	domain_unlock(d);
	world_close(w);
	fake_appear("web1", &u, 7, "memory=64\n", false);
	fake_appear("alien", &other, 9, "memory=32\n", true);
	world_open(w, &fake_backend);
	d = world_find(w, "web1");
	assert_state(d, STATE_RUNNING, "adopted");
	domain_lock(d);
	assert_int_equal(d->id, 7);
	domain_unlock(d);
	assert_null(fake_appear("web1", &u, 8, NULL, false)); /* two cannot be it */
	/* Ids go on above what was found. */
	fake_gone("web1", END_POWEROFF, "poweroff");
	assert_int_equal(world_start(w, d), 0);
	domain_lock(d);
	assert_true(d->id > 9);
	domain_unlock(d);
	d = world_find(w, "alien");
	domain_ref(d);
	assert_int_equal(world_call(w, d, 0, "config", call_config, web1), -EPERM);
	fake_gone("alien", END_DESTROYED, "destroyed");
	assert_true(domain_until(d, is_gone));
	assert_null(model_find(w->model, "alien"));
	domain_unref(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_start_destroy), WORLD_TEST(test_checks),        WORLD_TEST(test_memory_and_images),
		WORLD_TEST(test_destroy_start), WORLD_TEST(test_destroy_twice), WORLD_TEST(test_forget),
		WORLD_TEST(test_gone_in_start), WORLD_TEST(test_adopt),         WORLD_TEST(test_reset_by_start),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
