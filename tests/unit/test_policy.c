/* on_poweroff, on_reboot, on_crash: with and without a restart in place, before and after policies apply. */
#include "tests/unit/model_world.h"

struct row {
	const char *text;
	enum end end;
	enum domain_state becomes;
	const char *calls; /* with restart in place: the verb that is called, or NULL */
	bool restarts;
};

static const struct row rows[] = {
	{ "memory=64\n", END_POWEROFF, STATE_OFF, "destroy web1", false },
	{ "memory=64\n", END_REBOOT, STATE_RUNNING, "restart web1", true },
	{ "memory=64\n", END_CRASH, STATE_CRASHED, "destroy web1", false },
	{ "memory=64\non_poweroff='restart'\n", END_POWEROFF, STATE_RUNNING, "restart web1", true },
	{ "memory=64\non_reboot='destroy'\n", END_REBOOT, STATE_OFF, "destroy web1", false },
	{ "memory=64\non_crash='restart'\n", END_CRASH, STATE_RUNNING, "restart web1", true },
	{ "memory=64\non_crash='coredump-restart'\n", END_CRASH, STATE_RUNNING, "restart web1", true },
	{ "memory=64\non_crash='rename-restart'\n", END_CRASH, STATE_RUNNING, "restart web1", true },
	{ "memory=64\non_crash='coredump-destroy'\n", END_CRASH, STATE_CRASHED, "destroy web1", false },
	{ "memory=64\non_poweroff='preserve'\n", END_POWEROFF, STATE_STOPPING, NULL, false },
	{ "memory=64\non_crash='preserve'\n", END_CRASH, STATE_CRASHED, NULL, false },
	/* Nothing in the table: its memory is left to whoever looks at it. */
	{ "memory=64\n", END_DESTROYED, STATE_STOPPING, NULL, false },
	{ "memory=64\n", END_DIED, STATE_CRASHED, NULL, false },
};

static bool booted_twice(const struct domain *d)
{
	return d->boots == 2 && d->state == STATE_RUNNING && !d->job;
}

static bool is_off(const struct domain *d)
{
	return d->id < 0 && !d->guest;
}

static void check_row(const struct row *r, const struct backend_ops *ops)
{
	struct world w = world_make();
	struct domain *d;

	world_open(&w, ops);
	world_run(&w);
	d = world_define(&w, "web1", (char *)r->text);
	assert_int_equal(world_start(&w, d), 0);
	fake_ended("web1", r->end, true, "ended");
	if (r->restarts)
		assert_true(domain_until(d, booted_twice));
	else if (r->calls)
		assert_true(domain_until(d, is_off));
	world_call(&w, d, 0, "x", call_cancel, NULL);
	model_stop(w.model); /* whatever is queued has nothing more to do */
	pool_drain();
	domain_lock(d);
	assert_string_equal(state_names[d->state], state_names[r->becomes]);
	domain_unlock(d);
	if (!r->calls)
		assert_int_equal(fake_count("destroy web1") + fake_count("restart web1"), 0);
	else if (ops->restart)
		assert_int_equal(fake_count(r->calls), 1);
	else
		assert_int_equal(fake_count("destroy web1"), 1);
	world_end(&w);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		check_row(&rows[i], &fake_backend);
		check_row(&rows[i], &fake_restart_backend);
	}
}

/* An end that was told while policies did not apply yet is acted upon when they do. */
static void test_before_enabled(void **state)
{
	static char text[] = "memory=64\n";
	struct world w = world_make();
	struct domain *d;
	struct uuid u;

	(void)state;
	world_open(&w, &fake_restart_backend);
	d = world_define(&w, "web1", text);
	domain_lock(d);
	u = d->uuid;
	domain_unlock(d);
	world_close(&w);
	fake_options.end_at_adopt = true;
	fake_appear("web1", &u, 3, text, false);
	world_open(&w, &fake_restart_backend);
	d = world_find(&w, "web1");
	domain_lock(d);
	assert_int_equal(d->state, STATE_STOPPING);
	domain_unlock(d);
	pool_drain();
	assert_int_equal(fake_count("restart web1"), 0);
	world_run(&w);
	assert_true(fake_called("restart web1", 1));
	assert_true(domain_in(d, STATE_RUNNING));
	world_end(&w);
}

/* The user destroys what the policy is restarting: it stays destroyed. */
static void test_destroy_races(void **state)
{
	static char text[] = "memory=64\n";

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct world w = world_make();
		const struct backend_ops *ops = i % 2 ? &fake_backend : &fake_restart_backend;
		struct background destroy;
		struct domain *d;

		world_open(&w, ops);
		world_run(&w);
		d = world_define(&w, "web1", text);
		assert_int_equal(world_start(&w, d), 0);
		if (i < 2) {
			fake_block(i % 2 ? "start" : "restart");
			fake_ended("web1", END_REBOOT, true, "reboot");
			assert_true(fake_called(i % 2 ? "start web1" : "restart web1", i % 2 ? 2 : 1));
		} else {
			fake_ended("web1", END_REBOOT, true, "reboot");
		}
		background_begin(&destroy, &w, d, "destroy", call_destroy, NULL);
		background_end(&destroy);
		assert_true(destroy.rc == 0 || destroy.rc == -EHOSTDOWN);
		assert_true(domain_until(d, is_idle));
		pool_drain();
		domain_lock(d);
		if (destroy.rc == 0) {
			assert_int_equal(d->id, -1);
			assert_int_equal(d->state, STATE_OFF);
		}
		domain_unlock(d);
		world_end(&w);
	}
}

/* It has ended before start() gave the model a handle of it. */
static void test_ended_in_start(void **state)
{
	static char text[] = "memory=64\n";
	struct world w = world_make();
	struct domain *d;

	(void)state;
	fake_options.ended_in_start = true;
	world_open(&w, &fake_backend);
	world_run(&w);
	d = world_define(&w, "web1", text);
	assert_int_equal(world_start(&w, d), 0);
	assert_true(domain_until(d, is_off));
	assert_int_equal(fake_count("destroy web1"), 1);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_before_enabled),
		cmocka_unit_test(test_destroy_races),
		cmocka_unit_test(test_ended_in_start),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
