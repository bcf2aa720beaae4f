#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "tests/unit/test.h"

static void test_add(void **state)
{
	struct buf b = { 0 };
	char *p;

	(void)state;
	buf_puts(&b, "");
	assert_string_equal(b.p, "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	buf_putc(&b, '!');
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 1);
	assert_int_equal(strlen(b.p), b.len);
	buf_drop(&b, b.len - 4);
	assert_string_equal(b.p, "99,!");
	buf_drop(&b, 99);
	assert_string_equal(b.p, "");
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.p, "a\0b\0", 4);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_non_null(b.p);
	buf_puts(&b, "kept");
	p = buf_steal(&b);
	assert_string_equal(p, "kept");
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
	free(p);
	p = buf_steal(&b);
	assert_string_equal(p, "");
	free(p);
	buf_drop(&b, 1);
	buf_reset(&b);
	buf_free(&b);
	buf_free(&b);
}

static void test_printf_exact(void **state)
{
	char text[300];

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) { /* every distance from the end of the room */
		struct buf b = { 0 };

		memset(text, 'x', n);
		text[n] = '\0';
		buf_printf(&b, "%s", text);
		buf_printf(&b, "%s", text);
		assert_int_equal(b.len, 2 * n);
		assert_int_equal(strlen(b.p), 2 * n);
		buf_free(&b);
	}
}

static void test_escape(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} cases[] = {
		{ "", 0, "" },
		{ "plain text", 10, "plain text" },
		{ "a\nb\tc", 5, "a\\nb\\tc" },
		{ "\r\x1b[2J", 5, "\\x0d\\x1b[2J" },
		{ "a\0b", 3, "a\\x00b" },
		{ "\xc3\xbc", 2, "\xc3\xbc" },
		{ "\xc3\xbc", 1, "\\xc3" },
		{ "\x9b", 1, "\\x9b" },
		{ "\x7f", 1, "\\x7f" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		buf_escape(&b, cases[i].in, cases[i].n);
		assert_string_equal(b.p, cases[i].out);
		buf_free(&b);
	}
}

static void test_read(void **state)
{
	static const struct {
		size_t size, max;
		int r;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, 10, 0 },
		{ 10, 10, 0 },
		{ 11, 10, -EFBIG },
		{ 1, 0, -EFBIG },
		{ 200000, 200000, 0 },
		{ 200001, 200000, -EFBIG },
		{ 65536, 1 << 20, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t want = cases[i].size < cases[i].max ? cases[i].size : cases[i].max;
		struct buf b = { 0 };
		char *p = x_array(cases[i].size + 1, 1);
		int fd = memfd_create("text", MFD_CLOEXEC);

		assert_true(fd >= 0);
		memset(p, 'z', cases[i].size);
		assert_int_equal(pwrite(fd, p, cases[i].size, 0), cases[i].size);
		buf_puts(&b, "before ");
		assert_int_equal(buf_read(&b, fd, cases[i].max), cases[i].r);
		assert_int_equal(b.len, 7 + want);
		assert_int_equal(strlen(b.p), b.len);
		buf_free(&b);
		free(p);
		close(fd);
	}
	{
		struct buf b = { 0 };

		assert_int_equal(buf_read(&b, -1, 10), -EBADF);
		assert_string_equal(b.p, "");
		buf_free(&b);
	}
}

static void test_alloc(void **state)
{
	uint32_t *a = x_array(1000, sizeof(*a));
	char *s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(a[i], 0);
	a = x_grow(a, 2000, sizeof(*a));
	a[1999] = 1;
	free(a);
	free(x_alloc(0));
	assert_null(x_strdup(NULL));
	assert_null(x_strndup(NULL, 4));
	s = x_strndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	s = x_strndup("ab", 30);
	assert_string_equal(s, "ab");
	free(s);
	s = x_printf("%s-%d", "a", 7);
	assert_string_equal(s, "a-7");
	free(s);
}

/* A size that does not fit ends the process; it does not wrap round. */
static void test_overflow(void **state)
{
	volatile size_t half = SIZE_MAX / 2 + 2;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDERR_FILENO);
		free(x_grow(NULL, half, 2));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),  cmocka_unit_test(test_printf_exact), cmocka_unit_test(test_escape),
		cmocka_unit_test(test_read), cmocka_unit_test(test_alloc),        cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
