/* A guest that is ended to be started again is started again, whatever becomes of the daemon meanwhile. */
#include "hypervisor/model/store.h"
#include "tests/unit/model_world.h"

#define FILE_NAME "state/domains/web1/restart"

static char config[] = "memory=64\n", others[] = "memory=96\nvcpus=2\n";

/* The daemon's end cuts it short: the next one starts it. */
static void test_end(void **state)
{
	struct world w = world_make();

	(void)state;
	world_open(&w, &fake_backend);
	world_run(&w);
	assert_int_equal(world_start(&w, world_define(&w, "web1", config)), 0);
	fake_block("start");
	fake_ended("web1", END_REBOOT, true, "reboot");
	assert_true(fake_called("start web1", 2));
	assert_true(world_has(&w, FILE_NAME));
	world_close(&w);
	assert_true(world_has(&w, FILE_NAME));
	fake_reset();
	world_open(&w, &fake_backend);
	world_run(&w);
	pool_drain();
	assert_int_equal(fake_count("start web1"), 1);
	assert_true(domain_in(world_find(&w, "web1"), STATE_RUNNING));
	assert_false(world_has(&w, FILE_NAME));
	world_end(&w);
}

enum left { THIS_BOOT, PAUSED, EARLIER_BOOT, DAMAGED, RUNS };

static void leave(struct world *w, enum left left)
{
	char *text = x_printf("# %s %s\n%s", left == EARLIER_BOOT ? "1-2-3" : w->model->store->boot,
	                      left == PAUSED ? "paused" : "running", left == DAMAGED ? "memory = [\n" : others);

	world_write(w, FILE_NAME, text);
	free(text);
}

/* What a daemon left that was killed in between. */
static void test_killed(void **state)
{
	static const struct {
		enum left left;
		enum domain_state then;
		unsigned starts;
	} rows[] = {
		{ THIS_BOOT, STATE_RUNNING, 1 }, { PAUSED, STATE_PAUSED, 1 }, { EARLIER_BOOT, STATE_OFF, 0 },
		{ DAMAGED, STATE_OFF, 0 },       { RUNS, STATE_RUNNING, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w = world_make();
		struct domain *d;
		struct uuid u;

		world_open(&w, &fake_backend);
		d = world_define(&w, "web1", config);
		domain_lock(d);
		u = d->uuid;
		domain_unlock(d);
		leave(&w, rows[i].left);
		world_close(&w);
		if (rows[i].left == RUNS)
			fake_appear("web1", &u, 3, config, false);
		world_open(&w, &fake_backend);
		world_run(&w);
		d = world_find(&w, "web1");
		pool_drain();
		assert_true(domain_in(d, rows[i].then));
		assert_int_equal(fake_count("start web1"), rows[i].starts);
		domain_lock(d);
		if (rows[i].starts)
			assert_int_equal(spec_memory(d->live), 96);
		domain_unlock(d);
		assert_false(world_has(&w, FILE_NAME));
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
