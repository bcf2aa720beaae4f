#include "tests/unit/fake_qmp.h"

#define SHORT 100 /* ms; for what is never answered */

static const char hello[] = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

/* What comes about as we connect is told before the greeting. */
static const char early[] = "{\"event\": \"STOP\"}\r\n{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

static int ask(struct qmp *q, const char *command, json_t **ret, struct err *e)
{
	return qmp_call(q, command, NULL, NULL, 0, NULL, clock_msec() + LIMIT, ret, e);
}

static void test_answers(void **state)
{
	struct qmp *q = qmp_new(path);
	struct err e = { 0 };
	json_t *v = NULL;

	(void)state;
	begin(early);
	assert_int_equal(ask(q, "echo", &v, &e), 0);
	assert_int_equal(json_integer_value(json_object_get(v, "asked")), 2); /* after the greeting's */
	json_decref(v);
	assert_int_equal(ask(q, "slow", &v, &e), 0); /* byte by byte, an event before it */
	assert_int_equal(json_integer_value(json_array_get(v, 1)), INT64_MAX);
	json_decref(v);
	assert_int_equal(ask(q, "refuse", NULL, &e), -EREMOTEIO);
	assert_non_null(strstr(e.text, "no such disk"));
	assert_int_equal(ask(q, "refuse-badly", NULL, &e), -EREMOTEIO);
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	assert_int_equal(atomic_load(&connections), 1);
	end(q);
}

/* Each of these ends its connection; the next call has one of its own and gets its own answer. */
static void test_hostile(void **state)
{
	static const struct {
		const char *command;
		int rc;
	} cases[] = { { "garbage", -EREMOTEIO }, { "array", -EREMOTEIO }, { "deep", -EREMOTEIO },
		      { "endless", -EREMOTEIO }, { "wrong", -EREMOTEIO }, { "half", -ENOTCONN },
		      { "eof", -ENOTCONN } };
	struct qmp *q = qmp_new(path);

	(void)state;
	begin(hello);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		json_t *v = (json_t *)&e;

		print_message("%s\n", cases[i].command);
		assert_int_equal(ask(q, cases[i].command, &v, &e), cases[i].rc);
		assert_ptr_equal(v, &e);
		assert_true(e.text[0] != '\0');
		assert_int_equal(ask(q, "echo", NULL, &e), 0);
		assert_int_equal(atomic_load(&connections), (int)i + 2);
	}
	end(q);
}

static void test_timeout(void **state)
{
	struct qmp *q = qmp_new(path);
	uint64_t start = clock_msec();
	struct err e = { 0 };

	(void)state;
	begin(hello);
	assert_int_equal(qmp_call(q, "silent", NULL, NULL, 0, NULL, start + SHORT, NULL, &e), -ETIMEDOUT);
	assert_true(clock_msec() - start >= SHORT);
	assert_non_null(strstr(e.text, "may still happen"));
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	assert_int_equal(atomic_load(&connections), 2);
	end(q);
}

static void test_greeting(void **state)
{
	static const struct {
		const char *greeting;
		int rc;
	} cases[] = { { NULL, -ETIMEDOUT },
		      { "220 mail ready\r\n", -EREMOTEIO },
		      { "{\"return\": {}}\n", -EREMOTEIO },
		      { "{\"event\": \"STOP\"}\n", -ETIMEDOUT } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct qmp *q = qmp_new(path);
		struct err e = { 0 };
		uint64_t limit = cases[i].rc == -ETIMEDOUT ? SHORT : LIMIT;

		begin(cases[i].greeting);
		assert_int_equal(qmp_call(q, "echo", NULL, NULL, 0, NULL, clock_msec() + limit, NULL, &e), cases[i].rc);
		assert_int_equal(atomic_load(&asked), 0);
		end(q);
	}
}

static void test_nobody(void **state)
{
	struct qmp *q = qmp_new("/nonexistent/qmp");
	struct err e = { 0 };

	(void)state;
	assert_int_equal(ask(q, "echo", NULL, &e), -ENOTCONN);
	qmp_free(q);
	qmp_free(NULL);
}

struct caller {
	struct qmp *q;
	struct job *job;
	const char *command;
	int rc;
	struct err e;
};

static void *call(void *arg)
{
	struct caller *c = arg;

	c->rc = qmp_call(c->q, c->command, NULL, NULL, 0, c->job, clock_msec() + LIMIT, NULL, &c->e);
	return NULL;
}

static void wait_asked(int n)
{
	uint64_t limit = clock_msec() + LIMIT;

	while (atomic_load(&asked) < n && clock_msec() < limit)
		poll(NULL, 0, 1);
	assert_true(atomic_load(&asked) >= n);
}

static void test_cancel(void **state)
{
	struct job job = { .cancel = eventfd(0, EFD_CLOEXEC), .deadline = UINT64_MAX };
	struct qmp *q = qmp_new(path);
	struct caller first = { .q = q, .command = "silent" }, second = { .q = q, .job = &job, .command = "echo" };
	pthread_t a, b;
	uint64_t one = 1;

	(void)state;
	begin(hello);
	pthread_create(&a, NULL, call, &first);
	wait_asked(2);
	pthread_create(&b, NULL, call, &second); /* waits for its turn */
	assert_int_equal(write(job.cancel, &one, sizeof(one)), sizeof(one));
	pthread_join(b, NULL);
	assert_int_equal(second.rc, -ECANCELED);
	qmp_shutdown(q);
	pthread_join(a, NULL);
	assert_int_equal(first.rc, -ENOTCONN);
	assert_int_equal(ask(q, "echo", NULL, &first.e), -ENOTCONN);
	close(job.cancel);
	end(q);
}

static void test_cancel_under_way(void **state)
{
	struct job job = { .cancel = eventfd(0, EFD_CLOEXEC), .deadline = UINT64_MAX };
	struct qmp *q = qmp_new(path);
	struct caller c = { .q = q, .job = &job, .command = "silent" };
	uint64_t one = 1;
	struct err e;
	pthread_t a;

	(void)state;
	begin(hello);
	pthread_create(&a, NULL, call, &c);
	wait_asked(2);
	assert_int_equal(write(job.cancel, &one, sizeof(one)), sizeof(one));
	pthread_join(a, NULL);
	assert_int_equal(c.rc, -ECANCELED);
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	assert_int_equal(atomic_load(&connections), 2);
	close(job.cancel);
	end(q);
}

static void *call_often(void *arg)
{
	struct caller *c = arg;

	for (unsigned i = 0; i < 50 && c->rc == 0; i++)
		c->rc = ask(c->q, i % 10 ? "echo" : "slow", NULL, &c->e);
	return NULL;
}

static void test_many(void **state)
{
	struct qmp *q = qmp_new(path);
	struct caller c[8] = { 0 };
	pthread_t t[COUNT(c)];

	(void)state;
	begin(hello);
	for (size_t i = 0; i < COUNT(c); i++) {
		c[i].q = q;
		pthread_create(&t[i], NULL, call_often, &c[i]);
	}
	for (size_t i = 0; i < COUNT(c); i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(c[i].rc, 0);
	}
	assert_int_equal(atomic_load(&asked), 1 + 50 * (int)COUNT(c));
	assert_int_equal(atomic_load(&connections), 1);
	end(q);
}

static void test_descriptor(void **state)
{
	struct qmp *q = qmp_new(path);
	int fd = eventfd(7, EFD_CLOEXEC), received;
	uint64_t n = 0;
	struct err e;

	(void)state;
	begin(hello);
	assert_int_equal(
		qmp_call(q, "fd", json_pack("{s:s}", "fdname", "x"), &fd, 1, NULL, clock_msec() + LIMIT, NULL, &e), 0);
	received = atomic_load(&got_fd);
	assert_true(received >= 0);
	assert_int_equal(read(received, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 7);
	close(received);
	close(fd);
	end(q);
}

static void test_idle(void **state)
{
	struct qmp *q = qmp_new(path);
	struct err e;

	(void)state;
	begin(hello);
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	qmp_idle(q, LIMIT);
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	assert_int_equal(atomic_load(&connections), 1);
	qmp_idle(q, 0);
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	assert_int_equal(atomic_load(&connections), 2);
	end(q);
}

static void test_long_path(void **state)
{
	char *deep = x_printf("%s/%0100d", dir, 0), *name = x_printf("%s/qmp", deep);
	struct qmp *q = qmp_new(name);
	struct err e;

	(void)state;
	assert_int_equal(mkdir(deep, 0700), 0);
	begin(hello);
	assert_int_equal(rename(path, name), 0);
	assert_int_equal(ask(q, "echo", NULL, &e), 0);
	end(q);
	unlink(name);
	rmdir(deep);
	free(deep);
	free(name);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	path = x_printf("%s/qmp", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	free(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),          cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_timeout),          cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_nobody),           cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_under_way), cmocka_unit_test(test_many),
		cmocka_unit_test(test_descriptor),       cmocka_unit_test(test_idle),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
