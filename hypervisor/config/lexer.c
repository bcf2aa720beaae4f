#include "hypervisor/config/lexer.h"

#include <errno.h>
#include <string.h>

#include "buf.h"

static bool is_alpha(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

void lexer_init(struct lexer *l, const char *text, size_t len, struct arena *a)
{
	*l = (struct lexer){ .start = text, .p = text, .end = text + len, .line_start = text, .line = 1, .arena = a };
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) /* some editors put it before everything */
		l->p = l->line_start = text + 3;
}

static int digit_value(unsigned char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

bool number_read(const char *s, uint64_t *ret)
{
	unsigned base = 10;
	uint64_t v = 0;
	size_t n = strlen(s);

	while (n && (is_blank((unsigned char)s[0]) || s[0] == '\n'))
		s++, n--;
	while (n && (is_blank((unsigned char)s[n - 1]) || s[n - 1] == '\n'))
		n--;
	if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		base = 16, s += 2, n -= 2;
	else if (n > 1 && s[0] == '0')
		base = 8, s++, n--;
	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)digit_value((unsigned char)s[i]);

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return true;
}

static int wrong(const struct lexer *l, const char *at, struct err *e, const char *what)
{
	return fail(e, EINVAL, "%u:%zu: %s", l->line, (size_t)(at - l->line_start) + 1, what);
}

static void newline(struct lexer *l)
{
	l->line++;
	l->line_start = l->p;
}

/* \xHH and octal; *p is behind the backslash. -1: no such escape. */
static int escape_number(const char **p, const char *end)
{
	unsigned base = 8, max = 3, v = 0, n = 0;

	if (**p == 'x') {
		base = 16, max = 2;
		(*p)++;
	}
	for (; n < max && *p < end && (unsigned)digit_value((unsigned char)**p) < base; n++, (*p)++)
		v = v * base + (unsigned)digit_value((unsigned char)**p);
	return n == 0 || (base == 16 && n < 2) || v > 255 ? -1 : (int)v;
}

static int escape_char(const char **p, const char *end)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *f;

	if (*p >= end)
		return -1;
	if (**p == 'x' || is_digit((unsigned char)**p))
		return escape_number(p, end);
	f = **p ? strchr(from, **p) : NULL;
	if (!f)
		return -1;
	(*p)++;
	return (unsigned char)to[f - from];
}

/*
 * Text goes into lines, paths and messages to hypervisors: of the control bytes, only tab and newline are of any use
 * there.
 */
static bool is_text(int c)
{
	return c >= 0x20 ? c != 0x7f : c == '\t' || c == '\n';
}

static int string(struct lexer *l, struct token *t, struct err *e)
{
	const char *open = l->p, quote = *l->p;
	struct lexer at_open = *l;
	struct buf b = { 0 };
	int rc = -EINVAL;

	t->quote = l->end - l->p >= 3 && l->p[1] == quote && l->p[2] == quote ? 3 : 1;
	t->plain = true;
	l->p += t->quote;
	for (;;) {
		const char *at = l->p;
		int c;

		if (l->p >= l->end || (*l->p == '\n' && t->quote == 1)) {
			wrong(&at_open, open, e, "this string has no closing quote");
			goto out;
		}
		if (*l->p == quote && (t->quote == 1 || (l->end - l->p >= 3 && l->p[1] == quote && l->p[2] == quote)))
			break;
		c = (unsigned char)*l->p++;
		if (c == '\\') {
			t->plain = false;
			if (l->p < l->end && *l->p == '\n') { /* a line that goes on, as in Python */
				l->p++;
				newline(l);
				continue;
			}
			c = escape_char(&l->p, l->end);
			if (c < 0) {
				wrong(l, at, e, "the backslash begins nothing that is known; write two for one");
				goto out;
			}
		} else if (c == '\r' && l->p < l->end && *l->p == '\n') {
			continue;
		} else if (c == '\n') {
			t->plain = false;
			newline(l);
		}
		if (!is_text(c)) {
			wrong(l, at, e, "a control byte in a string");
			goto out;
		}
		buf_putc(&b, (char)c);
	}
	l->p += t->quote;
	t->kind = TOKEN_STRING;
	t->len = b.len;
	t->text = arena_strndup(l->arena, b.p ? b.p : "", b.len);
	rc = 0;
out:
	buf_free(&b);
	return rc;
}

static int number(struct lexer *l, struct token *t, struct err *e)
{
	const char *at = l->p++;
	uint64_t v;

	while (l->p < l->end && (is_alpha((unsigned char)*l->p) || is_digit((unsigned char)*l->p) || *l->p == '.'))
		l->p++;
	t->kind = TOKEN_NUMBER;
	t->len = (size_t)(l->p - at);
	t->text = arena_strndup(l->arena, at, t->len);
	t->plain = true;
	if (!number_read(t->text + (*at == '-'), &v))
		return fail(e, EINVAL, "%u:%zu: \"%.40s\" is not a number; text needs quotes", l->line,
		            (size_t)(at - l->line_start) + 1, t->text);
	return 0;
}

static int odd_sign(const struct lexer *l, struct err *e)
{
	unsigned char c = (unsigned char)*l->p;

	if (c == '{' || c == '(')
		return wrong(l, l->p, e, "only numbers, strings and lists are values here; Python's others are not");
	if (c == '\\')
		return wrong(l, l->p, e, "a line goes on only inside [ ]");
	if (c && strchr("+-*/%.<>!&|^~@:)}", c))
		return wrong(l, l->p, e, "a value stands alone here; Python's expressions are not understood");
	if (c < 0x20 || c >= 0x7f)
		return fail(e, EINVAL, "%u:%zu: a byte 0x%02x outside of strings", l->line,
		            (size_t)(l->p - l->line_start) + 1, c);
	return fail(e, EINVAL, "%u:%zu: '%c' has no meaning here", l->line, (size_t)(l->p - l->line_start) + 1, c);
}

static int token(struct lexer *l, struct token *t, struct err *e)
{
	unsigned char c = (unsigned char)*l->p;

	if (is_alpha(c)) {
		const char *at = l->p;

		while (l->p < l->end &&
		       (is_alpha((unsigned char)*l->p) || is_digit((unsigned char)*l->p) || *l->p == '.'))
			l->p++;
		t->kind = TOKEN_WORD;
		t->len = (size_t)(l->p - at);
		t->text = arena_strndup(l->arena, at, t->len);
		return 0;
	}
	if (is_digit(c) || (c == '-' && l->end - l->p > 1 && is_digit((unsigned char)l->p[1])))
		return number(l, t, e);
	if (c == '"' || c == '\'')
		return string(l, t, e);
	t->kind = TOKEN_SIGN;
	t->sign = (char)c;
	if (c == '+' && l->end - l->p > 1 && l->p[1] == '=') {
		l->p += 2;
		return 0;
	}
	if (!c || !strchr("=[],;", c))
		return odd_sign(l, e);
	l->brackets += c == '[';
	l->brackets -= c == ']' && l->brackets;
	l->p++;
	return 0;
}

int lexer_next(struct lexer *l, struct token *ret, struct err *e)
{
	struct token t = { 0 };
	int rc = 0;

	for (;;) {
		while (l->p < l->end && is_blank((unsigned char)*l->p))
			l->p++;
		if (l->p < l->end && *l->p == '#')
			while (l->p < l->end && *l->p != '\n')
				l->p++;
		if (l->p >= l->end || *l->p != '\n' || l->brackets == 0)
			break;
		l->p++;
		newline(l);
	}
	t.line = l->line;
	t.column = (unsigned)(l->p - l->line_start) + 1;
	t.begin = (size_t)(l->p - l->start);
	if (l->p >= l->end) {
		t.kind = TOKEN_END;
	} else if (*l->p == '\n') {
		t.kind = TOKEN_LINE;
		l->p++;
		newline(l);
	} else {
		rc = token(l, &t, e);
	}
	if (rc < 0)
		return rc;
	t.end = (size_t)(l->p - l->start);
	*ret = t;
	return 0;
}
