#include <errno.h>
#include <string.h>

#include "hypervisor/config/build.h"
#include "hypervisor/config/keys.h"

/* Making specs: from a text, and from a spec with something laid over it. */

/* The spec. It is printed one day and parsed again: that text, of LEN bytes as it is now, has to be short enough too. */
static int build(const struct draft *d, size_t len, struct spec **ret, struct notes *notes, struct err *e)
{
	struct spec *s = NULL;
	struct buf text = { 0 };
	int rc = draft_build(d, &s, notes, e);

	if (rc == 0 && len >= CONFIG_MAX / 4) {
		spec_print(s, true, &text);
		if (text.len > CONFIG_MAX)
			rc = fail(e, EINVAL, "1:1: the configuration has more than 1 MiB when it is written out");
		buf_free(&text);
	}
	if (rc == 0)
		*ret = s;
	else
		spec_unref(s);
	return rc;
}

int spec_parse(const char *text, size_t len, struct spec **ret, struct notes *notes, struct err *e)
{
	struct arena arena = { 0 };
	struct draft d = { 0 };
	struct assign *a = NULL;
	struct err own;
	int rc;

	if (!e)
		e = &own;
	rc = parser_run(text, len, &arena, &a, e);
	if (rc == 0)
		rc = draft_lay(&d, &arena, a, notes, e);
	if (rc == 0)
		rc = build(&d, len, ret, notes, e);
	arena_free(&arena);
	return rc;
}

static void unplace_node(struct node *n)
{
	n->line = 0;
	for (struct node *i = n->first; i; i = i->next)
		unplace_node(i);
}

/* The lines of a text that nobody sees are no help. */
static void unplace(struct assign *a)
{
	for (; a; a = a->next) {
		a->line = 0;
		unplace_node(a->value);
	}
}

static int draft_of(const struct spec *s, struct arena *arena, struct draft *ret, struct err *e)
{
	struct buf text = { 0 };
	struct assign *a = NULL;
	int rc;

	spec_print(s, true, &text);
	rc = parser_run(text.p ? text.p : "", text.len, arena, &a, e);
	unplace(a);
	if (rc == 0)
		rc = draft_lay(ret, arena, a, NULL, e);
	buf_free(&text);
	return rc;
}

static bool is_plain_text(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

/* "boot=d": what stands behind = is text, without quotes. */
static int word_bare(const char *word, struct arena *arena, struct assign **ret, struct err *e)
{
	const char *eq = strchr(word, '=');
	struct assign *a = arena_alloc(arena, sizeof(*a));
	struct node *n = arena_alloc(arena, sizeof(*n));
	size_t len = eq ? (size_t)(eq - word) : 0;

	if (len && word[len - 1] == '+') {
		a->plus = true;
		len--;
	}
	if (!eq || !len)
		return fail(e, EINVAL, "\"%s\" is not KEY=VALUE", word);
	if (!is_plain_text(word))
		return fail(e, EINVAL, "\"%s\": a control byte in a value", word);
	a->name = arena_strndup(arena, word, len);
	*n = (struct node){
		.kind = NODE_STRING, .bare = true, .text = arena_strdup(arena, eq + 1), .len = strlen(eq + 1)
	};
	a->value = n;
	*ret = a;
	return 0;
}

static int word_parse(const char *word, struct arena *arena, struct assign **ret, struct err *e)
{
	const char *eq = strchr(word, '='), *value = eq ? eq + 1 + strspn(eq + 1, " \t") : "";
	int rc = parser_run(word, strlen(word), arena, ret, e);

	if (rc == 0 && *ret) {
		unplace(*ret);
		for (struct assign *a = *ret; a; a = a->next)
			a->value->bare = a->value->kind != NODE_LIST; /* disk='...' is a list of one here */
		return 0;
	}
	if (*value && strchr("'\"[", *value)) /* it is meant to be in the language's syntax */
		return rc;
	return word_bare(word, arena, ret, e);
}

int spec_override(const struct spec *s, const char *const *words, size_t n, struct spec **ret, struct err *e)
{
	struct arena arena = { 0 };
	struct draft d = { 0 };
	struct err own;
	int rc;

	if (!e)
		e = &own;
	rc = draft_of(s, &arena, &d, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct assign *a = NULL;

		rc = word_parse(words[i], &arena, &a, e);
		if (rc == 0)
			rc = draft_lay(&d, &arena, a, NULL, e);
	}
	if (rc == 0)
		rc = build(&d, CONFIG_MAX, ret, NULL, e);
	arena_free(&arena);
	return rc;
}

int spec_with(const struct spec *s, enum key k, const char *value, struct spec **ret, struct err *e)
{
	struct arena arena = { 0 };
	struct draft d = { 0 };
	struct assign *a = NULL;
	struct buf text = { 0 };
	struct err own;
	int rc;

	if (!e)
		e = &own;
	rc = draft_of(s, &arena, &d, e);
	if (value) {
		buf_printf(&text, "%s=%s", key_table[k].name, value);
		if (rc == 0)
			rc = parser_run(text.p, text.len, &arena, &a, e);
		if (rc == 0 && (!a || a->next))
			rc = fail(e, EINVAL, "%s: one value is wanted", key_table[k].name);
		unplace(a);
	}
	d.keys[k] = NULL;
	if (rc == 0)
		rc = draft_lay(&d, &arena, a, NULL, e);
	if (rc == 0)
		rc = build(&d, CONFIG_MAX, ret, NULL, e);
	arena_free(&arena);
	buf_free(&text);
	return rc;
}
