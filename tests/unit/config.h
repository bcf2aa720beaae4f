/* What the tests of the configuration language share. */
#ifndef TEST_CONFIG_H
#define TEST_CONFIG_H

#include <string.h>

#include "spec.h"
#include "test.h"

/* cmocka's own is made of its fail(). */
#undef fail_msg
#define fail_msg(...) (print_error("ERROR: " __VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

/* TEXT parses; the caller's reference. */
static inline struct spec *must_parse(const char *text)
{
	struct spec *s = NULL;
	struct err e = { 0 };

	if (spec_parse(text, strlen(text), &s, NULL, &e) < 0)
		fail_msg("%s\n%s", e.text, text);
	return s;
}

/* TEXT is refused with a sentence that begins so; when it begins with '*', that contains the rest. */
static inline void must_refuse(const char *text, const char *sentence)
{
	struct spec *s = NULL;
	struct err e = { 0 };
	int rc = spec_parse(text, strlen(text), &s, NULL, &e);

	if (rc == 0)
		fail_msg("not refused: %.200s", text);
	assert_null(s);
	assert_int_equal(rc, -e.code);
	if (sentence[0] == '*' ? !strstr(e.text, sentence + 1) : strncmp(e.text, sentence, strlen(sentence)))
		fail_msg("%.200s\nis refused with: %s\ninstead of: %s", text, e.text, sentence);
}

#endif
