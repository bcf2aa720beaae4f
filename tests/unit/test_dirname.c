#include "test.h"

#include <string.h>

#include "buf.h"
#include "fs/dirname.h"

static void dirnames(void **state)
{
	static const struct {
		const char *name, *dir;
	} cases[] = {
		{ "web1", "web1" }, { "a.b_c-d+e", "a.b_c-d+e" }, { "a b", "a%20b" },       { ".x", "%2Ex" },
		{ "a/b", "a%2Fb" }, { "100%", "100%25" },         { "\xc3\xa4", "%C3%A4" }, { "a\n", "a%0A" },
	};
	static const char *const none[] = { "", ".x", "a%", "a%2", "a%2f", "a%41", "a b", "%zz", "a%00b" };
	char out[DIRNAME_TEXT], name[300];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(dirname_encode(cases[i].name, out));
		assert_string_equal(out, cases[i].dir);
		assert_true(dirname_decode(cases[i].dir, out));
		assert_string_equal(out, cases[i].name);
	}
	for (size_t i = 0; i < COUNT(none); i++)
		assert_false(dirname_decode(none[i], out));
	memset(name, 'a', sizeof(name));
	name[299] = '\0';
	assert_false(dirname_encode(name, out));
	assert_false(dirname_decode(name, out));
	memset(name, ' ', sizeof(name));
	name[90] = '\0';
	assert_false(dirname_encode(name, out));
	name[80] = '\0';
	assert_true(dirname_encode(name, out));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(dirnames) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
