#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/test.h"

static void test_parse(void **state)
{
	static const struct {
		const char *line, *result; /* NULL: refused */
	} cases[] = {
		{ "{}", "{}" },
		{ "{\"a\": 18446744073709551615}", "{\"a\":9223372036854775807}" },
		{ "{\"a\": 9223372036854775807}", "{\"a\":9223372036854775807}" },
		{ "{\"a\": 9223372036854775808}", "{\"a\":9223372036854775807}" },
		{ "{\"a\": -9223372036854775807}", "{\"a\":-9223372036854775807}" },
		{ "{\"a\": 1234567890123456789012345678901234567890}", "{\"a\":9223372036854775807}" },
		{ "{\"a\": \"18446744073709551615\"}", "{\"a\":\"18446744073709551615\"}" },
		{ "{\"a\\\"{[\": 1}", "{\"a\\\"{[\":1}" },
		{ "{\"a\": [1, 22, 333]}", "{\"a\":[1,22,333]}" },
		{ "", NULL },
		{ "[]", NULL },
		{ "7", NULL },
		{ "{", NULL },
		{ "{\"a\":1,\"a\":2}", NULL },
		{ "{\"a\":\"\xff\"}", NULL },
		{ "{} {}", NULL },
		{ "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		json_t *v = qmp_parse(cases[i].line, strlen(cases[i].line), &e);
		char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

		print_message("%s\n", cases[i].line);
		if (cases[i].result)
			assert_string_equal(text, cases[i].result);
		else
			assert_true(!v && e.code == EREMOTEIO && e.text[0]);
		free(text);
		json_decref(v);
	}
	assert_null(qmp_parse("{}\0{}", 5, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
