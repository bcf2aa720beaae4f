/* Opening and closing with everything under way, and the verbs of the host. */
#include <dirent.h>
#include <poll.h>

#include "access.h"
#include "tests/unit/model_world.h"

static char text[] = "memory=64\n";

static void test_fails_to_open(void **state)
{
	struct world w = world_make();

	(void)state;
	fake_fail("open", EREMOTEIO);
	assert_int_equal(world_try(&w, &fake_backend), -EREMOTEIO);
	fake_fail("adopt", EREMOTEIO);
	assert_int_equal(world_try(&w, &fake_backend), -EREMOTEIO);
	assert_null(w.model);
	world_open(&w, &fake_backend);
	world_end(&w);
}

static bool ready(struct domain *d, const struct wait *w) NEEDS(d->lock)
{
	return STATE_BIT(d->state) & w->states;
}

static atomic_int result;

static void done(struct wait *w, int r)
{
	(void)w;
	result = r;
}

static void start_later(void *arg)
{
	struct background *b = arg;

	background_run(b);
}

/* Jobs under way, a wait, queued work, a running, a held and a starting guest, one that is just gone. */
static void test_close(void **state)
{
	struct world w = world_make();
	struct wait wait = {
		.ready = ready, .done = done, .states = STATE_BIT(STATE_SAVED), .deadline = clock_msec() + 3600000
	};
	struct background start = { .world = &w, .command = "start", .fn = call_start }, pause = start;
	struct domain *d;

	(void)state;
	world_open(&w, &fake_backend);
	world_run(&w);
	for (int i = 0; i < 5; i++)
		world_define(&w, (const char *[]){ "a", "b", "c", "d", "e" }[i], text);
	for (int i = 0; i < 4; i++)
		assert_int_equal(world_start(&w, world_find(&w, (const char *[]){ "a", "b", "c", "d" }[i])), 0);
	domain_wait(world_find(&w, "a"), &wait);
	fake_block("start");
	fake_block("pause");
	fake_block("destroy");
	start.domain = world_find(&w, "e");
	pool_run(start_later, &start, false);
	pause.domain = world_find(&w, "b");
	pause.command = "pause";
	pause.fn = call_pause;
	pool_run(start_later, &pause, false);
	assert_true(fake_called("start e", 1) && fake_called("pause b", 1));
	fake_ended("c", END_REBOOT, true, "reboot");
	assert_true(fake_called("destroy c", 1));
	fake_console("d", "last words\n");
	fake_gone("d", END_CRASH, "panic");
	world_close(&w);
	assert_int_equal(start.rc, -ECANCELED);
	assert_int_equal(pause.rc, -ECANCELED);
	assert_int_equal(result, -ECANCELED);
	fake_reset();
	world_open(&w, &fake_backend);
	d = world_find(&w, "d");
	assert_true(text_has(&d->console, "last words"));
	assert_int_equal(d->state, STATE_CRASHED);
	assert_string_equal(d->reason, "panic");
	world_end(&w);
}

/* The monitor goes on telling while the model closes. */
static void *churn(void *arg)
{
	atomic_bool *stop = arg;

	while (!*stop)
		fake_memory("web1", (uint64_t)clock_msec() % 64 + 1);
	fake_gone("web1", END_POWEROFF, "poweroff");
	return NULL;
}

static void test_close_churning(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct world w = world_make();
		atomic_bool stop = false;
		pthread_t t;

		world_open(&w, &fake_backend);
		world_run(&w);
		assert_int_equal(world_start(&w, world_define(&w, "web1", text)), 0);
		assert_int_equal(pthread_create(&t, NULL, churn, &stop), 0);
		model_stop(w.model);
		pool_drain();
		stop = true;
		pthread_join(t, NULL);
		world_end(&w);
	}
}

/* With nothing to do no thread of the model wakes up. */
static unsigned long long switches(void)
{
	unsigned long long sum = 0, n;
	char line[128], path[320];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	FILE *f;

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		f = entry->d_name[0] == '.' || atoi(entry->d_name) == getpid() ? NULL : fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1)
				sum += n;
		if (f)
			fclose(f);
	}
	closedir(dir);
	return sum;
}

static void test_quiet(void **state)
{
	struct world w = world_make();
	bool quiet = false;

	(void)state;
#ifdef __SANITIZE_THREAD__
	world_end(&w);
	skip(); /* it has a thread of its own that wakes up */
#endif
	world_open(&w, &fake_backend);
	world_run(&w);
	assert_int_equal(world_start(&w, world_define(&w, "web1", text)), 0);
	pool_drain(); /* what idles in it would end after its time, which is no wake-up for nothing */
	/* Not a wait for anything: a time in which nothing may happen. What came before may need some of the first ones. */
	for (int i = 0; i < 5 && !quiet; i++) {
		unsigned long long before = switches();

		poll(NULL, 0, 1200);
		quiet = switches() == before;
	}
	assert_true(quiet);
	world_end(&w);
}

struct create {
	struct model *model;
	const char *file;
};

static int call_create(struct job *j, void *arg, struct err *e)
{
	struct create *c = arg;

	return model_create(c->model, j, c->file, NULL, 0, e);
}

static void test_create(void **state)
{
	struct world w = world_make();
	struct create c;
	struct domain *d;
	char *good, *bad;
	int rc;

	(void)state;
	world_open(&w, &fake_backend);
	world_write(&w, "web1.cfg", "memory=64\n");
	world_write(&w, "bad.cfg", "name='web2'\nmemory=64\nvif=['mac=1']\n");
	good = x_printf("%s/web1.cfg", w.path);
	bad = x_printf("%s/bad.cfg", w.path);
	c = (struct create){ w.model, good };
	rc = world_call(&w, NULL, 0, "create", call_create, &c);
	if (rc)
		print_error("%s\n", w.e.text);
	assert_int_equal(rc, 0);
	d = world_find(&w, "web1");
	assert_int_equal(d->state, STATE_RUNNING);
	assert_int_equal(world_call(&w, NULL, 0, "create", call_create, &c), -EEXIST);
	assert_int_equal(world_call(&w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(world_call(&w, NULL, 0, "create", call_create, &c), 0);
	c.file = bad;
	assert_int_equal(world_call(&w, NULL, 0, "create", call_create, &c), -EINVAL);
	assert_null(world_find(&w, "web2"));
	free(good);
	free(bad);
	world_end(&w);
}

static void remember(struct domain *d, void *arg)
{
	char *to = arg;

	snprintf(to + strlen(to), 2, "%s", d->name);
}

static int call_all(struct job *j, void *arg, struct err *e)
{
	struct create *c = arg;

	return model_shutdown_all(c->model, j, remember, (char *)c->file, e);
}

static void test_shutdown_all(void **state)
{
	struct world w = world_make();
	char order[16] = "";
	struct create c;

	(void)state;
	world_open(&w, &fake_backend);
	for (int i = 0; i < 4; i++)
		assert_int_equal(world_start(&w, world_define(&w, (const char *[]){ "a", "b", "c", "d" }[i], text)), 0);
	world_write(&w, "config/auto/1-a.cfg", "");
	world_write(&w, "config/auto/2-b.cfg", "");
	autostart_scan(w.model);
	c = (struct create){ w.model, order };
	fake_fail("shutdown", EREMOTEIO); /* the first, c */
	assert_int_equal(world_call(&w, NULL, 0, "shutdown-all", call_all, &c), -EREMOTEIO);
	assert_non_null(strstr(w.e.text, "as the test wants it"));
	assert_string_equal(order, "dba");
	/* Another user's are not his to stop. */
	order[0] = '\0';
	assert_int_equal(world_call(&w, NULL, 1000, "shutdown-all", call_all, &c), 0);
	assert_string_equal(order, "");
	world_end(&w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fails_to_open),  cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_churning), cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_create),         cmocka_unit_test(test_shutdown_all),
	};
	int code;

	if (access_helper(argc, argv, &code))
		return code;
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
