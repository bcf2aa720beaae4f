#include "hypervisor/config/parts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "hypervisor/config/lexer.h"
#include "units.h"

#define BLANKS " \t\n\r"

static bool is_key(const char *s, size_t n)
{
	if (n == 0 || !((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z')))
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") >= n;
}

static const char *trimmed(struct arena *a, const char *s, size_t n)
{
	while (n && strchr(BLANKS, s[0]))
		s++, n--;
	while (n && strchr(BLANKS, s[n - 1]))
		n--;
	return arena_strndup(a, s, n);
}

bool parts_next(struct parts *p, struct part *ret)
{
	const char *s, *eq;
	struct part part = { 0 };
	size_t n;

	if (p->at == SIZE_MAX || !p->text[0])
		return false;
	p->at += strspn(p->text + p->at, BLANKS);
	s = p->text + p->at;
	n = strcspn(s, ",");
	part.at = p->at;
	eq = memchr(s, '=', n);
	if (eq) {
		size_t key = (size_t)(eq - s);

		while (key && strchr(BLANKS, s[key - 1]))
			key--;
		if (is_key(s, key)) {
			part.key = arena_strndup(p->arena, s, key);
			if (p->all && !strcmp(part.key, p->all))
				n = strlen(s);
			part.value = trimmed(p->arena, eq + 1, n - (size_t)(eq + 1 - s));
		}
	}
	if (!part.key)
		part.value = trimmed(p->arena, s, n);
	p->at = s[n] ? p->at + n + 1 : SIZE_MAX;
	*ret = part;
	return true;
}

static const char *row_name(size_t i, const void *ctx)
{
	const struct part_row *rows = ctx;

	return rows[i].name;
}

int parts_apply(const struct part *p, const struct part_row *rows, size_t n, uint64_t *seen, void *obj, struct arena *a,
                struct err *e)
{
	const char *name = p->key ? p->key : p->value, *near;

	if (strpbrk(p->value, "\n\t"))
		return fail(e, EINVAL, "no line ends and tabs inside of a part");
	for (size_t i = 0; i < n; i++) {
		if (rows[i].flag != !p->key || strcmp(rows[i].name, name) != 0)
			continue;
		if (*seen >> i & 1)
			return fail(e, EINVAL, "%s is said twice", name);
		if (!p->key || p->value[0]) {
			*seen |= UINT64_C(1) << i;
			return rows[i].set(obj, p->key ? p->value : "", a, e);
		}
		return 0;
	}
	if (!p->key)
		return -ENOENT;
	near = nearest(name, n, row_name, rows);
	return near ? fail(e, EINVAL, "\"%s=\" is not known here; did you mean %s?", name, near)
	            : fail(e, EINVAL, "\"%s=\" is not known here", name);
}

bool bool_read(const char *s, bool *ret)
{
	static const char *const yes[] = { "true", "yes", "y" }, *const no[] = { "false", "no", "n" };
	uint64_t v;

	if (number_read(s, &v)) {
		*ret = v != 0;
		return true;
	}
	for (size_t i = 0; i < 3; i++) {
		bool is_yes = !strcasecmp(s, yes[i]);

		if (is_yes || !strcasecmp(s, no[i])) {
			*ret = is_yes;
			return true;
		}
	}
	return false;
}
