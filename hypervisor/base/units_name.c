#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define NEAR_MAX 64 /* longer words are not compared */

/* What stands in /vm beside the domains, and what may stand there one day. */
static const char *const reserved[] = {
	"Domain-0", "ctl",  "domains.json", "events",  "history",  "hosts", "images", "info",
	"jobs",     "list", "log",          "metrics", "networks", "pools", "tags",   "templates",
};

static bool is_name_byte(char c, bool first)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_')
		return true;
	return !first && ((c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-');
}

int name_check(const char *s, struct err *e)
{
	size_t n = strlen(s);

	if (n == 0)
		return fail(e, EINVAL, "a name is missing");
	if (n > NAME_MAX_LEN)
		return fail(e, EINVAL, "\"%.32s...\" is longer than a name may be, at most %d bytes", s, NAME_MAX_LEN);
	if (!is_name_byte(s[0], true))
		return fail(e, EINVAL, "\"%s\" is not a name: it begins with a letter or _", s);
	for (size_t i = 1; i < n; i++) {
		if (!is_name_byte(s[i], false))
			return fail(e, EINVAL, "\"%s\" is not a name: letters, digits and . _ - + only", s);
	}
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(s, reserved[i]) == 0)
			return fail(e, EINVAL, "\"%s\" is reserved, take another name", s);
	}
	return 0;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Insertions, deletions, changes and swaps of neighbours that lead from A to B; case does not count. */
static unsigned word_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][NEAR_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

const char *nearest(const char *s, size_t count, const char *(*name)(size_t i, const void *ctx), const void *ctx)
{
	size_t n = strnlen(s, NEAR_MAX + 1), len;
	unsigned limit = n < 6 ? 1 : (unsigned)(n / 3), best = limit + 1, d;
	const char *ret = NULL, *w;

	if (n < 2 || n > NEAR_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		w = name(i, ctx);
		len = w ? strnlen(w, NEAR_MAX + 1) : 0;
		if (len == 0 || len > NEAR_MAX || (len > n ? len - n : n - len) >= best)
			continue;
		d = word_distance(s, n, w, len);
		if (d < best && d < len) {
			best = d;
			ret = w;
		}
	}
	return ret;
}
