/* What the monitor makes of the files and processes of guests. */
#include "tests/unit/qemu_world.h"

/* A guest that the monitor watches. Its reference is the test's. */
static struct guest *watched(void)
{
	struct guest *g = guest_make(PHASE_STARTED);

	guest_process(g);
	g->pidfd = pidfd_open(child, 0);
	assert_int_equal(monitor_start(b.monitor, NULL), 0);
	monitor_add(b.monitor, watch_new(g));
	return g;
}

/* The next line that the monitor writes to QEMU. */
static void expect_question(struct guest *g, const char *text)
{
	struct pollfd p = { .fd = g->ev_in, .events = POLLIN };
	char in[512];
	ssize_t n;

	assert_int_equal(poll(&p, 1, LIMIT), 1);
	n = read(g->ev_in, in, sizeof(in) - 1);
	assert_true(n > 0);
	in[n] = '\0';
	assert_string_equal(in, text);
}

static void test_events(void **state)
{
	struct guest *g = watched();
	char *junk = x_alloc(100001);

	(void)state;
	events(g, "{\"timestamp\": {\"seconds\": 1, ");
	events(g, "\"microseconds\": 0}, \"event\": \"RESUME\"}\n");
	expect("running started;");
	memset(junk, 'x', 100000);
	junk[100000] = '\n';
	put(g, "ev.out", junk, 100001);
	events(g, "hello\n\n[]\n" STOP);
	expect("paused paused;");
	expect_question(g, ASK_STATUS); /* a STOP may have another reason */
	events(g, POWEROFF STOP);
	expect("ended 0 1 poweroff;");
	free(junk);
}

/* A stop that was asked for is no reason for haste: it is asked about, but not at once. */
static void test_pausing(void **state)
{
	struct guest *g = watched();
	struct pollfd p = { .fd = g->ev_in, .events = POLLIN };
	uint64_t before = clock_msec();
	int asked;

	(void)state;
	atomic_store(&g->pausing, true);
	events(g, STOP);
	expect("paused paused;");
	asked = poll(&p, 1, 0);
	if (clock_msec() - before < 500) /* not a machine that stood still */
		assert_int_equal(asked, 0);
	expect_question(g, ASK_STATUS);
}

static void test_console(void **state)
{
	enum { LARGE = 3 << 20, KEPT = 256 << 10 };
	struct guest *g = watched();
	char *much = x_alloc(LARGE);
	struct stat st;

	(void)state;
	put(g, "ser.out", "login: ", 7);
	expect_console(7, "login: ");
	memset(much, 'x', LARGE - 1);
	for (unsigned i = 0; i < 16; i++) { /* as fast as it is read: nothing is lost, and the file stays small */
		put(g, "ser.out", much, KEPT);
		expect_console(KEPT, "xxx");
	}
	assert_int_equal(fstatat(g->dirfd, "ser.out", &st, 0), 0);
	assert_int_equal(st.st_size, 7 + 16 * KEPT);
	assert_true(st.st_blocks * 512 < 2 << 20);
	free(much);
}

/* Too far behind: the newest is what people want to see. */
static void test_console_behind(void **state)
{
	enum { LARGE = 3 << 20, KEPT = 256 << 10 };
	struct guest *g = guest_make(PHASE_STARTED);
	char *much = x_alloc(LARGE);

	(void)state;
	memset(much, 'x', LARGE);
	put(g, "ser.out", much, LARGE);
	put(g, "ser.out", "$ ", 2);
	monitor_add(b.monitor, watch_new(g));
	monitor_settle(b.monitor, 0);
	expect_console(KEPT, "x$ ");
	free(much);
}

static void test_death(void **state)
{
	struct guest *g = watched();

	(void)state;
	put(g, "stderr", "qemu: \x1b[1m\n", 11);
	expect("log qemu: \\x1b[1m;");
	events(g, RESUME);
	expect("running started;");
	put(g, "stderr", "last words", 10);
	assert_int_equal(pidfd_send_signal(g->pidfd, SIGKILL, NULL, 0), 0);
	expect("log last words;log QEMU was killed by signal 9;gone 4 died;");
	assert_int_equal(guest_wait(g, guest_is_gone, 0, clock_msec() + LIMIT, NULL, NULL), 0);
	assert_false(folder_there());
	guest_unref(g);
	child = -1;
}

static void test_dropped(void **state)
{
	struct guest *g = watched();

	(void)state;
	events(g, RESUME);
	expect("running started;");
	monitor_drop(b.monitor, g);
	monitor_drop(b.monitor, g);
	events(g, STOP);
	assert_int_equal(pidfd_send_signal(g->pidfd, SIGKILL, NULL, 0), 0);
	monitor_free(b.monitor);
	b.monitor = monitor_new();
	expect("");
	assert_true(folder_there());
}

static void test_liveness(void **state)
{
	struct guest *g = watched();
	struct pollfd p = { .fd = g->ev_in, .events = POLLIN };
	uint64_t asked;

	(void)state;
	assert_int_equal(poll(&p, 1, 1500), 0); /* it does not run: nobody asks */
	events(g, RESUME);
	expect("running started;");
	expect_question(g, ASK_STATUS);
	events(g, STATUS("running", "true"));
	expect_question(g, ASK_STATUS);
	asked = clock_msec();
	expect("unresponsive running;");
	assert_true(clock_msec() - asked >= 2000);
	assert_int_equal(guest_wait(g, guest_is, STATE_UNRESPONSIVE, clock_msec() + LIMIT, NULL, NULL), 0);
	assert_int_equal(guest_alive(g, NULL, NULL), -ETIMEDOUT);
	assert_int_equal(poll(&p, 1, 0), 0); /* one question at a time */
	events(g, STATUS("running", "true"));
	expect("running responsive;");
	expect_question(g, ASK_STATUS);
	expect("unresponsive running;");
	events(g, POWEROFF);
	expect("ended 0 1 poweroff;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_events), TEST(test_pausing), TEST(test_console),  TEST(test_console_behind),
		TEST(test_death),  TEST(test_dropped), TEST(test_liveness),
	};

	if (geteuid() != 0) {
		print_message("guests' folders belong to users of their own: this test needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
