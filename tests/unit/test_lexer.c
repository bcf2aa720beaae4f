#include <stdio.h>

#include "config.h"
#include "hypervisor/config/lexer.h"

/* The kinds of all tokens as letters (w n s and the signs, / for a line's end), or the sentence. */
static void kinds(const char *text, char *out, size_t size)
{
	static const char letters[] = { [TOKEN_END] = 0,      [TOKEN_LINE] = '/',   [TOKEN_WORD] = 'w',
		                        [TOKEN_NUMBER] = 'n', [TOKEN_STRING] = 's', [TOKEN_SIGN] = 0 };
	struct arena a = { 0 };
	struct lexer l;
	struct token t;
	struct err e = { 0 };
	size_t n = 0;

	lexer_init(&l, text, strlen(text), &a);
	for (;;) {
		if (lexer_next(&l, &t, &e) < 0) {
			snprintf(out, size, "%.200s", e.text);
			break;
		}
		if (t.kind == TOKEN_END || n + 2 > size) {
			out[n] = '\0';
			break;
		}
		out[n++] = t.kind == TOKEN_SIGN ? t.sign : letters[t.kind];
	}
	arena_free(&a);
}

static void signs_and_words(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "a=1", "w=n" },
		{ "a.b=1", "w=n" },
		{ "\xef\xbb\xbf"
		  "a=1",
		  "w=n" },
		{ "a = 'x' # 'y\n", "w=s/" },
		{ "a=[1,\n# no\n 2 ,\r\n]\nb+=\"x\";", "w=[n,n,]/w+s;" },
		{ "a='''x\n'y''\n'''", "w=s" },
		{ "a=\"\"\"x\"y\"\"\"\nb", "w=s/w" },
		{ "a=-5", "w=n" },
		{ "a=''", "w=s" },
		{ "a='x", "1:3: this string has no closing quote" },
		{ "a=1\n b='x\n'", "2:4: this string has no closing quote" },
		{ "a='''x\n''", "1:3: this string has no closing quote" },
		{ "a='\\q'", "1:4: the backslash begins nothing that is known; write two for one" },
		{ "a='\\x1'", "1:4: the backslash begins nothing that is known; write two for one" },
		{ "a='\\x00'", "1:4: a control byte in a string" },
		{ "a='\x01'", "1:4: a control byte in a string" },
		{ "a='\x7f'", "1:4: a control byte in a string" },
		{ "a=12x", "1:3: \"12x\" is not a number; text needs quotes" },
		{ "a=1.5", "1:3: \"1.5\" is not a number; text needs quotes" },
		{ "a=089", "1:3: \"089\" is not a number; text needs quotes" },
		{ "a=99999999999999999999", "1:3: \"99999999999999999999\" is not a number; text needs quotes" },
		{ "a={", "1:3: only numbers, strings and lists are values here; Python's others are not" },
		{ "a=1 * 2", "1:5: a value stands alone here; Python's expressions are not understood" },
		{ "a=1 \\\n", "1:5: a line goes on only inside [ ]" },
		{ "a=\x80", "1:3: a byte 0x80 outside of strings" },
		{ "a=?", "1:3: '?' has no meaning here" },
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		kinds(cases[i].text, out, sizeof(out));
		assert_string_equal(out, cases[i].want);
	}
}

static void strings_are_read(void **state)
{
	static const struct {
		const char *text, *want;
		bool plain;
	} cases[] = {
		{ "'a b'", "a b", true },
		{ "\"it's\"", "it's", true },
		{ "'a\\'b\\\\'", "a'b\\", false },
		{ "'\\x41\\102\\t\\n'", "AB\t\n", false },
		{ "'''a\r\nb'''", "a\nb", false },
		{ "'a\\\nb'", "ab", false },
		{ "'\xc3\xa4\xff'", "\xc3\xa4\xff", true },
		{ "''", "", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct lexer l;
		struct token t;

		lexer_init(&l, cases[i].text, strlen(cases[i].text), &a);
		assert_int_equal(lexer_next(&l, &t, NULL), 0);
		assert_int_equal(t.kind, TOKEN_STRING);
		assert_string_equal(t.text, cases[i].want);
		assert_int_equal(t.len, strlen(cases[i].want));
		assert_int_equal(t.plain, cases[i].plain);
		assert_int_equal(t.end, strlen(cases[i].text));
		arena_free(&a);
	}
}

static void numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t want;
	} cases[] = {
		{ "0", true, 0 },
		{ "512", true, 512 },
		{ "0x1F", true, 31 },
		{ "010", true, 8 },
		{ " 7\n", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "0xffffffffffffffff", true, UINT64_MAX },
		{ "0x10000000000000000", false, 0 },
		{ "", false, 0 },
		{ " ", false, 0 },
		{ "0x", false, 0 },
		{ "08", false, 0 },
		{ "-1", false, 0 },
		{ "1 2", false, 0 },
		{ "+1", false, 0 },
		{ "512M", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t v = 77;

		assert_int_equal(number_read(cases[i].text, &v), cases[i].ok);
		assert_true(v == (cases[i].ok ? cases[i].want : 77));
	}
}

/* A NUL is a byte like others: what is behind it counts. */
static void nul_is_refused(void **state)
{
	struct spec *s = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(spec_parse("a=1\0b", 5, &s, NULL, &e), -22);
	assert_string_equal(e.text, "1:4: a byte 0x00 outside of strings");
	assert_int_equal(spec_parse("name='x\0'", 9, &s, NULL, &e), -22);
	assert_string_equal(e.text, "1:8: a control byte in a string");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_and_words),
		cmocka_unit_test(strings_are_read),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(nul_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
