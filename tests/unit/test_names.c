#include "test.h"

#include <errno.h>
#include <string.h>

#include "fs/names.h"

static void finds(void **state)
{
	static const struct {
		const char *name;
		int code;
		uint32_t id;
	} cases[] = {
		{ "root", 0, 0 },
		{ "0", 0, 0 },
		{ "1000", 0, 1000 },
		{ "4294967294", 0, 4294967294 },
		{ "", -EINVAL, 7 },
		{ "-1", -EINVAL, 7 },
		{ "4294967295", -EINVAL, 7 },
		{ "no-such-name", -EINVAL, 7 },
		{ "1 2", -EINVAL, 7 },
		{ "../root", -EINVAL, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		uid_t uid = 7;
		gid_t gid = 7;

		assert_int_equal(names_find_user(cases[i].name, &uid, &e), cases[i].code);
		assert_int_equal(uid, cases[i].id);
		assert_int_equal(names_find_group(cases[i].name, &gid, &e), cases[i].code);
		assert_int_equal(gid, cases[i].id);
		assert_int_equal(!!*e.text, !!cases[i].code);
	}
}

/* The number until the name service has answered, then the name; a number for ever when there is none. */
static void cached(void **state)
{
	char out[USER_TEXT], first[USER_TEXT];
	uid_t daemon = 0;

	(void)state;
	assert_string_equal(names_user(NULL, 0, out), "root");
	assert_string_equal(names_group(NULL, 0, out), "root");
	assert_string_equal(names_user(NULL, 4000000001u, out), "4000000001");
	assert_int_equal(names_find_user("daemon", &daemon, NULL), 0);
	names_user(NULL, daemon, first);
	assert_true(strspn(first, "0123456789") == strlen(first));
	pool_drain();
	assert_string_equal(names_user(NULL, daemon, out), "daemon");
	assert_string_equal(names_user(NULL, 4000000001u, out), "4000000001");
	names_renew(NULL);
	assert_string_equal(names_user(NULL, daemon, out), "daemon");
	assert_string_equal(names_user(NULL, 4000000001u, out), "4000000001");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finds), cmocka_unit_test(cached) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
