#include "config.h"
#include "hypervisor/config/edit.h"

static void values_change_and_nothing_else(void **state)
{
	static const struct {
		enum key key;
		const char *value, *text, *want;
	} cases[] = {
		{ KEY_memory, "512", "# m\nmemory = 128 # now\nname='a'", "# m\nmemory = 512 # now\nname='a'" },
		{ KEY_memory, "512", "Memory=128", "Memory=512" },
		{ KEY_memory, "512", "memory=1;memory=2 ;vcpus=1", "memory=1;memory=512 ;vcpus=1" },
		{ KEY_memory, "512", "", "memory = 512\n" },
		{ KEY_memory, "512", "name='a'", "name='a'\nmemory = 512\n" },
		{ KEY_memory, "512", "#memory = 5\n", "#memory = 5\nmemory = 512\n" },
		{ KEY_name, "'b'", "name = '''a\nc'''  # x\n", "name = 'b'  # x\n" },
		{ KEY_vif, "[ '' ]", "vif = [ # one\n 'mac=', # two\n]\nboot='c'\n", "vif = [ '' ]\nboot='c'\n" },
		{ KEY_vif, "[ '' ]", "vif=['a']\nvif+=['b']\nboot='c'", "vif=[ '' ]\nboot='c'" },
		{ KEY_vif, "[ '' ]", "vif=['a']; vif+=['b']; boot='c'", "vif=[ '' ]; boot='c'" },
		{ KEY_vif, "[ '' ]", "vif+=['a']", "vif+=[ '' ]" },
		{ KEY_memory, NULL, "a=1\nmemory=5\nb=1", "a=1\nb=1" },
		{ KEY_memory, NULL, "a=1\n memory=5 \nb=1", "a=1\nb=1" },
		{ KEY_memory, NULL, "a=1; memory=5; b=1", "a=1; b=1" },
		{ KEY_memory, NULL, "a=1; memory=5", "a=1" },
		{ KEY_memory, NULL, "memory=5 # c\nb=1", " # c\nb=1" },
		{ KEY_memory, NULL, "memory=5", "" },
		{ KEY_memory, NULL, "memory=5\nMEMORY=6\n", "" },
		{ KEY_memory, NULL, "b=1", "b=1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = { 0 };
		struct err e = { 0 };

		assert_int_equal(
			config_edit(cases[i].text, strlen(cases[i].text), cases[i].key, cases[i].value, &out, &e), 0);
		assert_string_equal(out.p ? out.p : "", cases[i].want);
		buf_free(&out);
	}
}

static void items_change_and_nothing_else(void **state)
{
	static const struct {
		size_t index;
		const char *item, *text, *want;
	} cases[] = {
		{ 0, "'m'", "vif = [ 'a', # x\n 'b', ]", "vif = [ 'm', # x\n 'b', ]" },
		{ 1, "'m'", "vif = [ 'a', # x\n 'b', ]", "vif = [ 'a', # x\n 'm', ]" },
		{ 2, "'m'", "vif = [ 'a', # x\n 'b', ]", "vif = [ 'a', # x\n 'b', 'm', ]" },
		{ 0, "'m'", "vif = [ ] # x", "vif = [ 'm' ] # x" },
		{ 0, "'m'", "boot='c'", "boot='c'\nvif = [ 'm' ]\n" },
		{ 1, "'m'", "vif=['old']\nvif=['a']\nvif+=['b','c']\n", "vif=['old']\nvif=['a']\nvif+=['m','c']\n" },
		{ 3, "'m'", "vif=['a']\nvif+=['b','c']\n", "vif=['a']\nvif+=['b','c', 'm']\n" },
		{ 0, NULL, "vif = [ 'a', 'b' ]", "vif = [ 'b' ]" },
		{ 1, NULL, "vif = [ 'a', 'b' ]", "vif = [ 'a' ]" },
		{ 0, NULL, "vif = [ 'a' ]", "vif = [ ]" },
		{ 1, NULL, "vif = [ 'a', 'b', 'c' ]", "vif = [ 'a', 'c' ]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = { 0 };
		struct err e = { 0 };

		assert_int_equal(config_edit_item(cases[i].text, strlen(cases[i].text), KEY_vif, cases[i].index,
		                                  cases[i].item, &out, &e),
		                 0);
		assert_string_equal(out.p, cases[i].want);
		buf_free(&out);
	}
}

static void one_string_becomes_a_list(void **state)
{
	static const char text[] = "serial = 'pty' # x";
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(config_edit_item(text, strlen(text), KEY_serial, 1, "'none'", &out, NULL), 0);
	assert_string_equal(out.p, "serial = [ 'pty', 'none' ] # x");
	buf_reset(&out);
	assert_int_equal(config_edit_item(text, strlen(text), KEY_serial, 0, NULL, &out, NULL), 0);
	assert_string_equal(out.p, "serial = [ ] # x");
	buf_free(&out);
}

static void wrong_edits_are_refused(void **state)
{
	static const char *const values[] = { "", "5\nname='x'", "5; name='x'", "5 6", "5 # x", "x", "'", "[", "5;" };
	struct buf out = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		assert_int_equal(config_edit("memory=1", 8, KEY_memory, values[i], &out, &e), -22);
		assert_int_equal(config_edit_item("vif=['']", 8, KEY_vif, 0, values[i], &out, &e), -22);
	}
	assert_int_equal(config_edit("memory=", 7, KEY_memory, "5", &out, &e), -22);
	assert_int_equal(config_edit_item("vif=['']", 8, KEY_vif, 2, "'x'", &out, &e), -2);
	assert_int_equal(config_edit_item("vif=['']", 8, KEY_vif, 1, NULL, &out, &e), -2);
	assert_int_equal(config_edit_item("", 0, KEY_vif, 0, NULL, &out, &e), -2);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void places_are_found(void **state)
{
	static const char text[] = "name='a'\n Name = 'b'";
	unsigned line = 0, column = 0;

	(void)state;
	assert_true(config_find(text, strlen(text), KEY_name, &line, &column));
	assert_int_equal(line, 2);
	assert_int_equal(column, 9);
	assert_false(config_find(text, strlen(text), KEY_memory, &line, &column));
	assert_false(config_find("name=", 5, KEY_name, &line, &column));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_change_and_nothing_else),
		cmocka_unit_test(items_change_and_nothing_else),
		cmocka_unit_test(one_string_becomes_a_list),
		cmocka_unit_test(wrong_edits_are_refused),
		cmocka_unit_test(places_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
