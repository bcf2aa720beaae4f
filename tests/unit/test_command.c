/* Lines that were written, carried out: order, failure, interrupts, waits, detaching, and how they end up in history. */
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

#include "fs/command.h"
#include "tests/unit/model_world.h"

static struct world world;
static struct model *model;
static struct domain *domain;

/* ---- verbs of the test ---- */

static atomic_int said, blocking;

static int verb_say(struct command *c, struct err *e)
{
	(void)e;
	said = said * 10 + atoi(c->argv[0]);
	return 0;
}

static int verb_fail(struct command *c, struct err *e)
{
	(void)c;
	return fail(e, ENOSPC, "it is full");
}

static int verb_mute(struct command *c, struct err *e)
{
	(void)c, (void)e;
	return -EREMOTEIO;
}

static int verb_dry(struct command *c, struct err *e)
{
	return c->job->dry ? 0 : fail(e, EIO, "%s was not dry", c->job->verb);
}

static int verb_block(struct command *c, struct err *e)
{
	struct pollfd p = { .fd = job_cancel_fd(c->job), .events = POLLIN };
	int ret;

	blocking++;
	poll(&p, 1, LIMIT);
	ret = job_check(c->job, e);
	blocking--;
	return ret;
}

static bool never(struct domain *d, const struct wait *w)
{
	(void)d, (void)w;
	return false;
}

static bool at_once(struct domain *d, const struct wait *w)
{
	(void)d, (void)w;
	return true;
}

static int verb_never(struct command *c, struct err *e)
{
	(void)e;
	c->wait.ready = never;
	c->wait.done = command_waited;
	blocking++;
	domain_wait(domain, &c->wait);
	return VERB_WAITS;
}

/* Waits three times, one after the other. */
static int after_thrice(struct command *c, int result, struct err *e)
{
	uintptr_t n = (uintptr_t)c->data + 1;

	if (result)
		return fail(e, -result, "the wait failed");
	c->data = (void *)n;
	if (n == 3)
		return 0;
	domain_wait(domain, &c->wait);
	return VERB_WAITS;
}

static int verb_thrice(struct command *c, struct err *e)
{
	(void)e;
	c->wait.ready = at_once;
	c->wait.done = command_waited;
	c->after = after_thrice;
	domain_wait(domain, &c->wait);
	return VERB_WAITS;
}

static const struct verb verbs[] = {
	{ .name = "say", .usage = "N", .min = 1, .max = 1, .run = verb_say, .doc = "x" },
	{ .name = "fail", .usage = "", .run = verb_fail, .doc = "x" },
	{ .name = "mute", .usage = "", .run = verb_mute, .doc = "x" },
	{ .name = "dry", .usage = "", .run = verb_dry, .doc = "x" },
	{ .name = "block", .usage = "", .run = verb_block, .doc = "x" },
	{ .name = "never", .usage = "", .run = verb_never, .doc = "x" },
	{ .name = "thrice", .usage = "", .run = verb_thrice, .doc = "x" },
	{ 0 },
};

static int set(struct job *j, const struct ref *r, char *line, struct err *e)
{
	(void)j, (void)r;
	if (strcmp(line, "bad") == 0)
		return fail(e, EINVAL, "bad is no value");
	said = said * 10 + (int)strlen(line);
	return 0;
}

static const struct node ctl = { .kind = KIND_CTL, .name = "ctl", .verbs = verbs };
static const struct node setting = { .kind = KIND_SETTING, .name = "notes", .set = set };

/* ---- running them ---- */

struct outcome {
	struct lock lock;
	struct cond changed;
	bool done;
	int result;
	char sentence[ERR_TEXT];
};

static void ended(void *arg, int result, const char *sentence)
{
	struct outcome *end = arg;

	lock_acquire(&end->lock);
	end->done = true;
	end->result = result;
	snprintf(end->sentence, sizeof(end->sentence), "%s", sentence);
	cond_broadcast(&end->changed);
	lock_release(&end->lock);
}

static struct commands *begin(struct outcome *end, const struct node *n, uid_t uid, const char *text)
{
	struct ref r = { .model = model, .node = n, .domain = domain };

	*end = (struct outcome){ 0 };
	lock_init(&end->lock);
	cond_init(&end->changed);
	return commands_run(&r, caller_new(uid, uid, NULL, 0, getpid()), text, strlen(text), ended, end);
}

static int finish(struct outcome *end)
{
	uint64_t limit = clock_msec() + LIMIT;

	lock_acquire(&end->lock);
	while (!end->done)
		assert_true(cond_wait(&end->changed, &end->lock, limit));
	lock_release(&end->lock);
	cond_destroy(&end->changed);
	lock_destroy(&end->lock);
	return end->result;
}

static void wait_until(atomic_int *what, int value)
{
	uint64_t limit = clock_msec() + LIMIT;

	while (*what != value) {
		assert_true(clock_msec() < limit);
		sched_yield();
	}
}

static void assert_history(const char *part)
{
	struct buf b = { 0 };

	text_copy(&domain->history, &b);
	if (!b.p || !strstr(b.p, part))
		print_error("'%s' is not in:\n%s", part, b.p ? b.p : "");
	assert_non_null(b.p);
	assert_non_null(strstr(b.p, part));
	buf_free(&b);
}

/* ---- tests ---- */

static void lines_in_order(void **state)
{
	static const struct {
		const char *text;
		int result, said;
		const char *sentence;
	} cases[] = {
		{ "", 0, 0, "" },
		{ "\n\n  \n", 0, 0, "" },
		{ "# say 1\nsay 2\n", 0, 2, "" },
		{ "say 1\nsay 2\nsay 3\n", 0, 123, "" },
		{ "say 1\nfail\nsay 2\n", -ENOSPC, 1, "it is full" },
		{ "mute\n", -EREMOTEIO, 0, "Remote I/O error" },
		{ "sya 1\n", -EINVAL, 0, NULL },
		{ "say\n", -EINVAL, 0, NULL },
		{ "say 'x\n", -EINVAL, 0, NULL },
		{ "-n dry\n", 0, 0, "" },
		{ "  -n\tdry\n", 0, 0, "" },
		{ "dry\n", -EIO, 0, "dry was not dry" },
		{ "thrice\nsay 4\n", 0, 4, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct outcome end;

		said = 0;
		begin(&end, &ctl, 0, cases[i].text);
		assert_int_equal(finish(&end), cases[i].result);
		assert_int_equal(said, cases[i].said);
		if (cases[i].sentence)
			assert_string_equal(end.sentence, cases[i].sentence);
		else
			assert_true(strlen(end.sentence) > 0);
	}
	assert_history(" ENOSPC 'fail' it is full\n");
	assert_history(" ok '-n dry'\n");
}

/* To a setting every line is a value, also one that looks like a comment or is empty. */
static void settings(void **state)
{
	struct outcome end;

	(void)state;
	said = 0;
	begin(&end, &setting, 0, "#1\n\nabc\n");
	assert_int_equal(finish(&end), 0);
	assert_int_equal(said, 203);
	begin(&end, &setting, 0, "bad\n");
	assert_int_equal(finish(&end), -EINVAL);
	assert_string_equal(end.sentence, "bad is no value");
	assert_history(" EINVAL 'notes bad' bad is no value\n");
}

static void interrupted(void **state)
{
	static const char *const texts[] = { "block\nsay 1\n", "never\nsay 1\n" };
	struct commands *c;
	struct outcome end;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		said = blocking = 0;
		c = begin(&end, &ctl, 0, texts[i]);
		wait_until(&blocking, 1);
		commands_interrupt(c);
		assert_int_equal(finish(&end), -EINTR);
		assert_int_equal(said, 0);
	}
}

/* At whatever moment it comes, it ends once, and with EINTR or not at all. */
static void interrupted_anywhere(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct commands *c;
		struct outcome end;

		said = 0;
		c = begin(&end, &ctl, 0, i % 2 ? "thrice\nnever\n" : "say 1\nblock\n");
		for (int spin = 0; spin < i * 20; spin++)
			atomic_fetch_add(&said, 0);
		commands_interrupt(c);
		assert_int_equal(finish(&end), -EINTR);
	}
}

static void detached(void **state)
{
	struct outcome end;

	(void)state;
	said = blocking = 0;
	begin(&end, &ctl, 0, "block &\nsay 5\n");
	assert_int_equal(finish(&end), 0);
	assert_int_equal(said, 5);
	wait_until(&blocking, 1);
	/* What is wrong with a line is said before it is let go. */
	begin(&end, &ctl, 0, "sya 1 &\n");
	assert_int_equal(finish(&end), -EINVAL);
	commands_stop_all();
	wait_until(&blocking, 0);
}

static void a_user_has_so_many(void **state)
{
	enum { MANY = 64 };
	static struct outcome ends[MANY];
	struct outcome end;

	(void)state;
	blocking = 0;
	for (int i = 0; i < MANY; i++)
		begin(&ends[i], &ctl, 1000, "block\n");
	begin(&end, &ctl, 1000, "say 1\n");
	assert_int_equal(finish(&end), -EBUSY);
	begin(&end, &ctl, 1001, "say 1\n");
	assert_int_equal(finish(&end), 0);
	begin(&end, &ctl, 0, "say 1\n");
	assert_int_equal(finish(&end), 0);
	wait_until(&blocking, MANY);
	commands_stop_all();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(finish(&ends[i]), -EINTR);
	begin(&end, &ctl, 1000, "say 1\n");
	assert_int_equal(finish(&end), 0);
}

static int call_fails(struct job *j, void *arg, struct err *e)
{
	(void)arg;
	return fail(e, EEXIST, "%s: there is one", j->verb);
}

static void other_hands(void **state)
{
	struct outcome end = { 0 };

	(void)state;
	lock_init(&end.lock);
	cond_init(&end.changed);
	commands_call(model, domain, caller_new(0, 0, NULL, 0, 0), "mkdir x", call_fails, &end, ended);
	assert_int_equal(finish(&end), -EEXIST);
	assert_string_equal(end.sentence, "mkdir: there is one");
	assert_history(" EEXIST 'mkdir x' mkdir: there is one\n");
}

/* ---- a model to run them in ---- */

static int setup(void **state)
{
	(void)state;
	world = world_make();
	world_open(&world, &sim_backend);
	model = world.model;
	domain = world_define(&world, "web1", NULL);
	domain_ref(domain);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	commands_stop_all();
	pool_drain();
	domain_unref(domain);
	world_end(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_in_order), cmocka_unit_test(settings),
		cmocka_unit_test(interrupted),    cmocka_unit_test(interrupted_anywhere),
		cmocka_unit_test(detached),       cmocka_unit_test(a_user_has_so_many),
		cmocka_unit_test(other_hands),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
