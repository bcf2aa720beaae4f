#include "config.h"
#include "hypervisor/config/parts.h"

static void texts_are_split(void **state)
{
	static const struct {
		const char *text, *want; /* key:value@offset| */
	} cases[] = {
		{ "", "" },
		{ "a=1", "a:1@0|" },
		{ " a = 1 , b,c =,", "a:1@1|-:b@9|c:@11|-:@15|" },
		{ "x=/a,b =c", "x:/a@0|b:c@5|" },
		{ "b,all= 1,2=3 ", "-:b@0|all:1,2=3@2|" },
		{ "/a=b", "-:/a=b@0|" },
		{ "=b", "-:=b@0|" },
		{ ",", "-:@0|-:@1|" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct parts p = { .text = cases[i].text, .all = "all", .arena = &a };
		struct part part;
		struct buf got = { 0 };

		while (parts_next(&p, &part))
			buf_printf(&got, "%s:%s@%zu|", part.key ? part.key : "-", part.value, part.at);
		assert_string_equal(got.p ? got.p : "", cases[i].want);
		buf_free(&got);
		arena_free(&a);
	}
}

static void truths(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = { { "0", 0 },  { "1", 1 }, { "2", 1 }, { "0x0", 0 }, { "True", 1 }, { "false", 0 }, { "yes", 1 },
		      { "no", 0 }, { "y", 1 }, { "n", 0 }, { "", -1 },   { "on", -1 },  { "-1", -1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool b = false;
		bool ok = bool_read(cases[i].text, &b);

		assert_int_equal(ok ? b : -1, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts_are_split), cmocka_unit_test(truths) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
