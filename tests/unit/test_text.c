#include <stdatomic.h>
#include <string.h>

#include "hypervisor/model/text.h"
#include "units.h"
#include "tests/unit/test.h"

static void append(struct text *t, const char *s)
{
	text_append(t, s, strlen(s));
}

static void test_file(void **state)
{
	struct text t;
	char p[64];

	(void)state;
	text_init(&t, 16);
	append(&t, "one\ntwo\n");
	assert_int_equal(text_size(&t), 8);
	assert_int_equal(text_read(&t, 4, p, sizeof(p)), 4);
	assert_memory_equal(p, "two\n", 4);
	assert_int_equal(text_read(&t, 8, p, sizeof(p)), 0);
	assert_int_equal(text_read(&t, ~0ull, p, sizeof(p)), 0);
	text_destroy(&t);
}

/* The beginning is cut at a line, and not before readers' eyes. */
static void test_cut(void **state)
{
	struct text t;
	char p[512];
	size_t n;

	(void)state;
	text_init(&t, 16);
	text_open(&t);
	for (int i = 0; i < 12; i++)
		append(&t, "line 89\n");
	assert_int_equal(text_size(&t), 96);
	text_close(&t);
	n = text_read(&t, 0, p, sizeof(p));
	assert_true(n <= 16 && n);
	assert_memory_equal(p, "line 89\n", 8);
	/* A reader that never closes does not hold it for ever. */
	text_open(&t);
	for (int i = 0; i < 64; i++)
		append(&t, "line 89\n");
	assert_true(text_size(&t) <= 17 * 16);
	text_close(&t);
	text_destroy(&t);
}

static void test_stream(void **state)
{
	struct text_place at;
	struct text t;
	uint64_t lost = 0;
	char p[64];

	(void)state;
	text_init(&t, 16);
	append(&t, "before\n");
	text_end(&t, &at);
	assert_int_equal(text_next(&t, &at, p, sizeof(p), true, &lost), 0);
	append(&t, "abc\nde");
	assert_int_equal(text_next(&t, &at, p, sizeof(p), true, &lost), 4);
	assert_int_equal(text_next(&t, &at, p, sizeof(p), true, &lost), 0);
	assert_int_equal(text_next(&t, &at, p, sizeof(p), false, &lost), 2);
	append(&t, "f\n");
	assert_int_equal(text_next(&t, &at, p, 1, true, &lost), 1); /* a line that does not fit comes in pieces */
	assert_int_equal(text_next(&t, &at, p, sizeof(p), true, &lost), 1);
	assert_int_equal(lost, 0);
	for (int i = 0; i < 20; i++)
		append(&t, "line 89\n");
	for (size_t n, sum = 0;; sum += n) {
		n = text_next(&t, &at, p, sizeof(p), true, &lost);
		if (!n) {
			assert_int_equal(sum / 8 + lost, 20); /* read or counted as lost, nothing else */
			break;
		}
	}
	assert_true(lost > 0);
	text_destroy(&t);
}

struct count {
	struct text_watch watch;
	struct text *text;
	atomic_uint woken;
};

/* Reading in a wake would deadlock if the text's lock was held. */
static void wake(struct text_watch *w)
{
	struct count *c = (struct count *)w;

	text_size(c->text);
	c->woken++;
}

static void *append_many(void *arg)
{
	for (int i = 0; i < 2000; i++)
		append(arg, "x\n");
	return NULL;
}

static void test_watch(void **state)
{
	struct count a, b;
	pthread_t threads[2];
	struct text t;

	(void)state;
	text_init(&t, 64);
	a = b = (struct count){ .watch.wake = wake, .text = &t };
	text_watch(&t, &a.watch);
	append(&t, "1\n");
	append(&t, "");
	assert_int_equal(a.woken, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, &t), 0);
	for (int i = 0; i < 200; i++) {
		text_watch(&t, &b.watch);
		text_unwatch(&b.watch);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(a.woken, 4001);
	text_unwatch(&a.watch);
	text_unwatch(&a.watch);
	append(&t, "2\n");
	assert_int_equal(a.woken, 4001);
	text_destroy(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
