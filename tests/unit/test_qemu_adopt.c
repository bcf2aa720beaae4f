/* What a daemon makes of the guests that another one left. */
#include "tests/unit/qemu_world.h"

/* What a start leaves behind is handed from the one daemon to the other. */
static void leave(struct guest *g)
{
	guest_unref(g);
	assert_null(b.guests);
}

static void test_adopt_leftovers(void **state)
{
	static const int phases[] = { -1, PHASE_INTENT, PHASE_SPAWNED };

	(void)state;
	for (size_t i = 0; i < COUNT(phases); i++) {
		leave(guest_make(phases[i]));
		assert_int_equal(guests_adopt(&b, NULL), 0);
		expect("");
		assert_false(folder_there());
		finish(NULL);
		begin(NULL);
	}
}

static void test_adopt_other_boot(void **state)
{
	struct guest *g = guest_make(PHASE_STARTED);

	(void)state;
	snprintf(g->record.boot_id, sizeof(g->record.boot_id), "another");
	assert_int_equal(record_save(g->dirfd, &g->record, NULL), 0);
	leave(g);
	assert_int_equal(guests_adopt(&b, NULL), 0);
	expect("");
	assert_false(folder_there());
}

/* It holds the lock and has not run: the one that may be killed. */
static void test_adopt_unborn(void **state)
{
	static const enum phase phases[] = { PHASE_INTENT, PHASE_SPAWNED };

	(void)state;
	for (size_t i = 0; i < COUNT(phases); i++) {
		struct guest *g = guest_make((int)phases[i]);
		int status;

		guest_process(g);
		leave(g);
		assert_int_equal(guests_adopt(&b, NULL), 0);
		expect("");
		assert_false(folder_there());
		/* Whoever saw it die may have reaped it as well. */
		if (waitpid(child, &status, 0) == child)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		child = -1;
		finish(NULL);
		begin(NULL);
	}
}

static void test_adopt_dead(void **state)
{
	static const struct {
		const char *events, *told;
		bool destroyed;
	} cases[] = {
		{ RESUME, "appeared web 4 memory 99;log last words;gone 4 died;", false },
		{ "", "appeared web 4 memory 99;log last words;gone 4 died;", false },
		{ RESUME POWEROFF STOP, "appeared web 4 memory 99;log last words;gone 0 poweroff;", false },
		{ RESUME, "appeared web 4 memory 99;log last words;gone 3 destroyed;", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct guest *g = guest_make(PHASE_STARTED);

		events(g, cases[i].events);
		put(g, "stderr", "last words\n", 11);
		put(g, "ser.out", "bye", 3);
		if (cases[i].destroyed)
			close(openat(g->dirfd, "destroyed", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		leave(g);
		assert_int_equal(guests_adopt(&b, NULL), 0);
		expect(cases[i].told);
		expect_console(3, "bye");
		assert_false(folder_there());
		guest_unref(domain.guest);
		finish(NULL);
		begin(NULL);
	}
}

/* Answers the first question for its status, as QEMU would. */
struct answering {
	int ev_in, ev_out;
	const char *answer;
};

static void *answer(void *arg)
{
	struct answering *a = arg;
	struct pollfd p = { .fd = a->ev_in, .events = POLLIN };
	char in[512];

	if (poll(&p, 1, LIMIT) == 1 && read(a->ev_in, in, sizeof(in)) > 0)
		(void)!write(a->ev_out, a->answer, strlen(a->answer));
	return NULL;
}

static void test_adopt_living(void **state)
{
	static const struct {
		const char *events, *answer, *told;
	} cases[] = {
		{ RESUME, STATUS("running", "true"), "appeared web 4 memory 99;running started;" },
		{ RESUME STOP, STATUS("paused", "false"), "appeared web 4 memory 99;paused paused;" },
		{ RESUME STOP RESUME, STATUS("running", "true"), "appeared web 4 memory 99;running unpaused;" },
		{ RESUME POWEROFF STOP, STATUS("shutdown", "false"), "appeared web 4 memory 99;ended 0 1 poweroff;" },
		/* The events went on between the replay and the answer. */
		{ RESUME, STOP STATUS("paused", "false"), "appeared web 4 memory 99;paused paused;" },
		/* Its first instruction was still to come: it is sent on. */
		{ "", STATUS("prelaunch", "false") RESUME STATUS("running", "true"),
		  "appeared web 4 memory 99;running started;" },
		/* An answer to an earlier daemon is none. */
		{ RESUME STATUS("running", "true") STOP, STATUS("paused", "false"),
		  "appeared web 4 memory 99;paused paused;" },
		/* A hole where the beginning was. */
		{ "rest of a line\"}\n" RESUME, STATUS("running", "true"),
		  "appeared web 4 memory 99;running started;" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct guest *g = guest_make(PHASE_STARTED);
		struct answering a = { .answer = cases[i].answer };
		pthread_t t;

		guest_process(g);
		events(g, cases[i].events);
		put(g, "ser.out", "login: ", 7);
		put(g, "stderr", "told before\n", 12);
		a.ev_in = openat(g->dirfd, "ev.in", O_RDWR | O_CLOEXEC);
		a.ev_out = openat(g->dirfd, "ev.out", O_WRONLY | O_APPEND | O_CLOEXEC);
		leave(g);
		pthread_create(&t, NULL, answer, &a);
		assert_int_equal(guests_adopt(&b, NULL), 0);
		pthread_join(t, NULL);
		expect(cases[i].told);
		expect_console(7, "login: ");
		assert_true(folder_there());
		assert_int_equal(kill(child, 0), 0);
		close(a.ev_in);
		close(a.ev_out);
		finish(NULL);
		begin(NULL);
	}
}

static void test_adopt_hung(void **state)
{
	struct guest *g = guest_make(PHASE_STARTED);

	(void)state;
	guest_process(g);
	events(g, RESUME);
	leave(g);
	assert_int_equal(guests_adopt(&b, NULL), 0);
	expect("appeared web 4 memory 99;unresponsive running;");
	events(domain.guest, STATUS("running", "true"));
	expect("running responsive;");
	assert_int_equal(kill(child, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_adopt_leftovers), TEST(test_adopt_other_boot), TEST(test_adopt_unborn),
		TEST(test_adopt_dead),      TEST(test_adopt_living),     TEST(test_adopt_hung),
	};

	if (geteuid() != 0) {
		print_message("guests' folders belong to users of their own: this test needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
