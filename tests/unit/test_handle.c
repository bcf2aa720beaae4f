/* Open files: numbers, lines and their rest, answers, texts that are collected. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs/handle.h"
#include "tests/unit/test.h"

static unsigned shows;

static int show(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	(void)r, (void)reader, (void)e;
	buf_printf(b, "shown %u\n", ++shows);
	return 0;
}

static const struct node setting = { .kind = KIND_SETTING, .name = "mem", .show = show };
static const struct node staged = { .kind = KIND_STAGED, .name = "config", .show = show };

static struct handle *open_handle(struct handles *hs, const struct node *n, int flags, uid_t uid)
{
	struct ref r = { .node = n };
	struct handle *h = NULL;

	if (handle_open(hs, &r, caller_new(uid, uid, NULL, 0, 0), flags, &h))
		return NULL;
	h->writes = (flags & O_ACCMODE) != O_RDONLY;
	return h;
}

static const char *read_at(struct handle *h, uint64_t off, size_t n)
{
	static char text[4096];
	struct buf b = { 0 };
	struct err e = { 0 };

	assert_int_equal(handle_read(h, off, n, &b, &e), 0);
	assert_true(b.len < sizeof(text));
	memcpy(text, b.len ? b.p : "", b.len + 1);
	buf_free(&b);
	return text;
}

static void numbers_are_not_used_again(void **state)
{
	struct handles hs;
	struct handle *h;
	uint64_t fh;

	(void)state;
	handles_init(&hs);
	h = open_handle(&hs, &setting, O_RDONLY, 0);
	fh = h->fh;
	assert_ptr_equal(handle_get(&hs, fh), h);
	handle_put(h);
	handle_close(&hs, fh);
	assert_null(handle_get(&hs, fh));
	for (int i = 0; i < 200; i++) {
		h = open_handle(&hs, &setting, O_RDONLY, 0);
		assert_int_not_equal(h->fh, fh);
		handle_close(&hs, h->fh);
	}
	assert_null(handle_get(&hs, fh));
	assert_null(handle_get(&hs, UINT64_MAX));
	handles_free(&hs);
}

static void outlives_its_close(void **state)
{
	struct handles hs;
	struct handle *h;

	(void)state;
	handles_init(&hs);
	h = handle_ref(open_handle(&hs, &setting, O_RDONLY, 0));
	handle_close(&hs, h->fh);
	assert_memory_equal(read_at(h, 0, 5), "shown", 5);
	handle_put(h);
	handles_free(&hs);
}

static void a_user_has_so_many(void **state)
{
	struct handles hs;

	(void)state;
	handles_init(&hs);
	for (int i = 0; i < HANDLES_USER; i++)
		assert_non_null(open_handle(&hs, &setting, O_RDONLY, 1000));
	assert_null(open_handle(&hs, &setting, O_RDONLY, 1000));
	assert_non_null(open_handle(&hs, &setting, O_RDONLY, 1001));
	assert_non_null(open_handle(&hs, &setting, O_RDONLY, 0));
	handles_free(&hs);
}

/* Reading from the beginning shows the present; what follows belongs to that. */
static void one_instant(void **state)
{
	struct handles hs;
	struct handle *h;

	(void)state;
	handles_init(&hs);
	shows = 0;
	h = open_handle(&hs, &setting, O_RDONLY, 0);
	assert_string_equal(read_at(h, 0, 1), "s");
	assert_string_equal(read_at(h, 1, 100), "hown 1\n");
	assert_string_equal(read_at(h, 8, 100), "");
	assert_string_equal(read_at(h, 0, 100), "shown 2\n");
	handles_free(&hs);
}

static void lines(void **state)
{
	static const struct {
		const char *write, *whole;
	} cases[] = { { "pau", "" }, { "se\n", "pause\n" }, { "a\nb\nc", "a\nb\n" },
		      { "", "" },    { "\n", "c\n" },       { "last", "" } };
	struct handles hs;
	struct handle *h;
	struct buf b = { 0 };

	(void)state;
	handles_init(&hs);
	h = open_handle(&hs, &setting, O_WRONLY, 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_puts(&b, "");
		assert_int_equal(handle_lines(h, 1, cases[i].write, strlen(cases[i].write), &b), 0);
		assert_string_equal(b.p, cases[i].whole);
		buf_reset(&b);
	}
	/* Somebody else who has the descriptor too closes it, then the writer, then the writer again. */
	assert_false(handle_last_line(h, 2, &b));
	assert_true(handle_last_line(h, 1, &b));
	assert_string_equal(b.p, "last\n");
	assert_false(handle_last_line(h, 1, &b));
	buf_free(&b);
	handles_free(&hs);
}

static void long_lines(void **state)
{
	char *p = x_alloc(LINE_MAX_BYTES + 2);
	struct handles hs;
	struct handle *h;
	struct buf b = { 0 };

	(void)state;
	memset(p, 'x', LINE_MAX_BYTES + 1);
	p[LINE_MAX_BYTES] = '\n';
	handles_init(&hs);
	h = open_handle(&hs, &setting, O_WRONLY, 0);
	assert_int_equal(handle_lines(h, 1, p, LINE_MAX_BYTES + 1, &b), 0);
	assert_int_equal(b.len, LINE_MAX_BYTES + 1);
	buf_reset(&b);
	assert_int_equal(handle_lines(h, 1, p, LINE_MAX_BYTES, &b), 0);
	assert_int_equal(handle_lines(h, 1, "x", 1, &b), -EINVAL);
	assert_int_equal(b.len, 0);
	assert_false(handle_last_line(h, 1, &b)); /* nothing of it is left */
	buf_free(&b);
	handles_free(&hs);
	free(p);
}

static void answers(void **state)
{
	struct handles hs;
	struct handle *h;

	(void)state;
	handles_init(&hs);
	h = open_handle(&hs, &setting, O_RDWR, 0);
	handle_answer(h, -EBUSY, "it is busy");
	assert_string_equal(read_at(h, 6, 5), "it is"); /* where the write ended */
	assert_string_equal(read_at(h, 11, 100), " busy\n");
	assert_string_equal(read_at(h, 17, 100), "");
	assert_string_equal(read_at(h, 0, 100), "it is busy\n"); /* sought back */
	handle_answer(h, 0, "");
	assert_string_equal(read_at(h, 30, 100), "");
	handles_free(&hs);
}

static void collected(void **state)
{
	struct handles hs;
	struct handle *h;
	struct buf b = { 0 };

	(void)state;
	shows = 0;
	handles_init(&hs);
	h = open_handle(&hs, &staged, O_WRONLY | O_TRUNC, 0);
	assert_false(handle_staged(h, 1, &b));
	assert_int_equal(handle_stage(h, 1, 0, "one ", 4), 0);
	assert_int_equal(handle_stage(h, 1, 4, "two", 3), 0);
	assert_int_equal(handle_stage(h, 1, 2, "E", 1), 0);
	assert_false(handle_staged(h, 2, &b));
	assert_true(handle_staged(h, 1, &b));
	assert_string_equal(b.p, "onE two");
	assert_false(handle_staged(h, 1, &b));
	buf_reset(&b);

	h = open_handle(&hs, &staged, O_WRONLY | O_TRUNC, 0);
	assert_int_equal(handle_stage(h, 1, 0, "one ", 4), 0);
	assert_int_equal(handle_stage(h, 1, 9, "z", 1), -EINVAL);
	assert_int_equal(handle_stage(h, 1, UINT64_MAX, "z", 1), -EINVAL);
	assert_int_equal(handle_stage(h, 1, 4, "two", 3), -EINVAL); /* spoiled: half of a text is not what was meant */
	assert_false(handle_staged(h, 1, &b));

	h = open_handle(&hs, &staged, O_WRONLY | O_APPEND, 0);
	assert_int_equal(handle_stage(h, 1, 0, "more\n", 5), 0);
	assert_true(handle_staged(h, 1, &b));
	assert_string_equal(b.p, "shown 1\nmore\n");
	buf_reset(&b);

	h = open_handle(&hs, &staged, O_RDWR, 0);
	assert_int_equal(handle_stage(h, 1, 0, "S", 1), 0);
	assert_string_equal(read_at(h, 0, 100), "Shown 2\n");
	assert_int_equal(handle_stage_resize(h, 5), 0);
	assert_int_equal(handle_stage_resize(h, 6), -EINVAL);
	assert_true(handle_staged(h, 1, &b));
	assert_string_equal(b.p, "Shown");
	buf_free(&b);
	handles_free(&hs);
}

/* What is empty is never handed on, and not more than a mebibyte. */
static void collected_limits(void **state)
{
	struct handles hs;
	struct handle *h;
	struct buf b = { 0 };
	char *p = x_alloc(STAGED_MAX + 1);

	(void)state;
	handles_init(&hs);
	h = open_handle(&hs, &staged, O_WRONLY | O_TRUNC, 0);
	assert_int_equal(handle_stage(h, 1, 0, "", 0), 0);
	assert_false(handle_staged(h, 1, &b));
	assert_int_equal(handle_stage(h, 1, 0, p, STAGED_MAX), 0);
	assert_int_equal(handle_stage(h, 1, STAGED_MAX, p, 1), -EINVAL);
	buf_free(&b);
	handles_free(&hs);
	free(p);
}

/* What one's open files keep has a limit, which root has not. */
static void keeping_has_a_limit(void **state)
{
	static char text[STAGED_MAX];
	static uint64_t fh[HANDLES_BYTES / STAGED_MAX + 1];
	struct handles hs;
	struct handle *h;
	size_t n = sizeof(fh) / sizeof(*fh);

	(void)state;
	handles_init(&hs);
	memset(text, '#', sizeof(text));
	for (uid_t uid = 0; uid < 2; uid++) {
		for (size_t i = 0; i < n; i++) {
			h = open_handle(&hs, &staged, O_WRONLY | O_TRUNC, uid);
			fh[i] = h->fh;
			assert_int_equal(handle_stage(h, 1, 0, text, sizeof(text)), uid && i == n - 1 ? -ENOSPC : 0);
		}
		handle_close(&hs, fh[0]);
		h = open_handle(&hs, &staged, O_WRONLY | O_TRUNC, uid);
		assert_int_equal(handle_stage(h, 1, 0, text, sizeof(text)), 0);
		fh[0] = h->fh;
		for (size_t i = 0; i < n; i++)
			handle_close(&hs, fh[i]);
	}
	handles_free(&hs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_not_used_again),
		cmocka_unit_test(outlives_its_close),
		cmocka_unit_test(a_user_has_so_many),
		cmocka_unit_test(one_instant),
		cmocka_unit_test(lines),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(answers),
		cmocka_unit_test(collected),
		cmocka_unit_test(collected_limits),
		cmocka_unit_test(keeping_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
