#include <errno.h>
#include <limits.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "tests/unit/test.h"

static void test_fail(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = ENOSPC;
	assert_int_equal(fail(&e, EBUSY, "web1: %s is under way", "save"), -EBUSY);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(e.code, EBUSY);
	assert_string_equal(e.text, "web1: save is under way");
	assert_int_equal(fail(NULL, EPERM, "nobody listens"), -EPERM);
	assert_int_equal(fail(&e, EIO, "again: %s", e.text), -EIO);
	assert_string_equal(e.text, "again: web1: save is under way");
	err_clear(&e);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.text, "");
	err_clear(NULL);
}

static void test_fail_in(void **state)
{
	struct err e = { 0 };

	(void)state;
	fail(&e, ENOENT, "no such file");
	assert_int_equal(fail_in(&e, "disk %d", 2), -ENOENT);
	assert_string_equal(e.text, "disk 2: no such file");
	assert_int_equal(fail_in(NULL, "x"), -EIO);
	err_clear(&e);
	assert_int_equal(fail_in(&e, "x"), -EIO); /* never 0 */
}

static void test_bytes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a\nb\tc\x7f", "a?b?c?" },
		{ "\x1b[31mred", "?[31mred" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc3", "?" },
		{ "\xff\xfe", "??" },
		{ "\xc2\x9b"
		  "31m",
		  "??31m" },          /* CSI as one character */
		{ "\xc0\xaf", "??" }, /* too long a form of / */
		{ "\xe0\x80\xaf", "???" },
		{ "\xed\xa0\x80", "???" },      /* half a surrogate pair */
		{ "\xf4\x90\x80\x80", "????" }, /* beyond the last character */
		{ "\xe2\x80\xa8", "???" },      /* a line's end in other words */
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		fail(&e, EINVAL, "%s", cases[i].in);
		assert_string_equal(e.text, cases[i].out);
	}
}

static void test_cut(void **state)
{
	char text[3 * ERR_TEXT];
	struct err e;
	size_t n;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'a', shift);
		for (n = shift; n + 2 < sizeof(text); n += 2)
			memcpy(text + n, "\xc3\xbc", 2);
		text[n] = '\0';
		fail(&e, EINVAL, "%s", text);
		n = strlen(e.text);
		assert_in_range(n, ERR_TEXT - 6, ERR_TEXT - 1);
		assert_string_equal(e.text + n - 3, "...");
		assert_memory_equal(e.text + n - 5, "\xc3\xbc", 2);
		assert_null(strchr(e.text, '?'));
		fail_in(&e, "%s", "prefix");
		assert_memory_equal(e.text, "prefix: ", 8);
		assert_null(strchr(e.text, '?'));
		assert_true(strlen(e.text) < ERR_TEXT);
	}
	memset(text, 'b', ERR_TEXT - 1);
	text[ERR_TEXT - 1] = '\0';
	fail(&e, EINVAL, "%s", text);
	assert_string_equal(e.text, text); /* what fits is whole */
	memset(text, '\x01', ERR_TEXT);
	text[ERR_TEXT] = '\0';
	fail(&e, EINVAL, "%s", text);
	assert_int_equal(strlen(e.text), ERR_TEXT - 1);
}

static void test_name(void **state)
{
	static const struct {
		int code;
		const char *name;
	} cases[] = {
		{ 0, "ok" },           { EBUSY, "EBUSY" },      { -EBUSY, "EBUSY" },    { EAGAIN, "EAGAIN" },
		{ 99999, "EUNKNOWN" }, { INT_MIN, "EUNKNOWN" }, { -99999, "EUNKNOWN" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(err_name(cases[i].code), cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail), cmocka_unit_test(test_fail_in), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_cut),  cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
