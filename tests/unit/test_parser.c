#include "config.h"
#include "hypervisor/config/parser.h"

static void statements_are_read(void **state)
{
	static const char text[] = "# c\na = 1; b += 'x'\n\n;c=[\n 'y', [2, True,],\n] # d\n";
	struct arena arena = { 0 };
	struct assign *a = NULL;
	const struct node *i;

	(void)state;
	assert_int_equal(parser_run(text, strlen(text), &arena, &a, NULL), 0);
	assert_string_equal(a->name, "a");
	assert_false(a->plus);
	assert_int_equal(a->line, 2);
	assert_int_equal(a->column, 1);
	assert_int_equal(a->value->kind, NODE_NUMBER);
	assert_string_equal(a->value->text, "1");
	a = a->next;
	assert_true(a->plus);
	assert_int_equal(a->column, 8);
	assert_memory_equal(text + a->begin, "b += 'x'", a->end - a->begin);
	a = a->next;
	assert_int_equal(a->value->kind, NODE_LIST);
	assert_int_equal(a->value->count, 2);
	i = a->value->first;
	assert_string_equal(i->text, "y");
	assert_int_equal(i->line, 5);
	assert_int_equal(i->column, 2);
	i = i->next;
	assert_int_equal(i->kind, NODE_LIST);
	assert_int_equal(i->count, 2);
	assert_int_equal(i->first->next->kind, NODE_WORD);
	assert_memory_equal(text + i->begin, "[2, True,]", i->end - i->begin);
	assert_null(a->next);
	arena_free(&arena);
}

static void nothing_is_nothing(void **state)
{
	static const char *const texts[] = { "", "\n", "# a = 1", ";;\n ; \t\r\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct arena arena = { 0 };
		struct assign *a = NULL;

		assert_int_equal(parser_run(texts[i], strlen(texts[i]), &arena, &a, NULL), 0);
		assert_null(a);
		arena_free(&arena);
	}
}

static void python_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "import os", "1:1: \"import\" is followed by neither = nor +=; Python's" },
		{ "def f(x):\n  return x", "1:1: \"def\" is followed" },
		{ "x = 1\nif x:\n", "2:1: \"if\" is followed" },
		{ "memory = 512 * 2", "1:14: a value stands alone here" },
		{ "memory = 512-2", "1:13: the line should end here" },
		{ "name = 'a' 'b'", "1:12: the line should end here" },
		{ "name = 'a' + 'b'", "1:12: a value stands alone here" },
		{ "name = \"a%d\" % 5", "1:14: a value stands alone here" },
		{ "name = str(5)", "1:8: text needs quotes: \"str\"" },
		{ "name = None", "1:8: text needs quotes: \"None\"" },
		{ "a = { 'x': 1 }", "1:5: only numbers, strings and lists" },
		{ "a = ('x', 1)", "1:5: only numbers, strings and lists" },
		{ "a = [ 'x' 'y' ]", "1:11: a comma or ] is missing" },
		{ "a = [ 'x' ; 'y' ]", "1:11: a comma or ] is missing" },
		{ "a = [ , ]", "1:7: a value is missing" },
		{ "a = [ 'x',, ]", "1:11: a value is missing" },
		{ "a = [ 'x', for", "1:12: text needs quotes: \"for\"" },
		{ "a = [ 'x'", "1:10: a comma or ] is missing" },
		{ "a = [ 'x',\n", "2:1: the text ends inside [ ]" },
		{ "a = ]", "1:5: a value is missing" },
		{ "a =", "1:4: a value is missing at the end of the text" },
		{ "a =\n5", "1:4: a value is missing at the end of the line" },
		{ "a == 5", "1:4: a value is missing" },
		{ "a", "1:1: \"a\" is followed" },
		{ "a b = 5", "1:1: \"a\" is followed" },
		{ "= 5", "1:1: a line begins with the name of a key" },
		{ "'a' = 5", "1:1: a line begins with the name of a key" },
		{ "a = 5 b = 6", "1:7: the line should end here" },
		{ "a = [[[[[[[[[1]]]]]]]]]", "1:13: lists inside of lists go no deeper than 8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		must_refuse(cases[i].text, cases[i].want);
}

static void sizes_are_bounded(void **state)
{
	struct buf text = { 0 };
	struct spec *s = NULL;
	struct err e = { 0 };

	(void)state;
	buf_puts(&text, "viridian = [");
	for (int i = 0; i < ITEMS_LIMIT; i++)
		buf_puts(&text, "'x',");
	buf_puts(&text, "'x']");
	assert_int_equal(spec_parse(text.p, text.len, &s, NULL, &e), -22);
	assert_string_equal(e.text, "1:4109: a list has at most 1024 items");
	buf_reset(&text);
	while (text.len < CONFIG_MAX)
		buf_puts(&text, "# sixteen bytes\n");
	assert_int_equal(spec_parse(text.p, text.len, &s, NULL, &e), 0);
	spec_unref(s);
	s = NULL;
	buf_putc(&text, '\n');
	assert_int_equal(spec_parse(text.p, text.len, &s, NULL, &e), -22);
	assert_string_equal(e.text, "1:1: a configuration has at most 1 MiB, this one has 1048577 bytes");
	assert_null(s);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_read),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(python_is_refused),
		cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
