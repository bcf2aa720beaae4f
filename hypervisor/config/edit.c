#include "hypervisor/config/edit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "hypervisor/config/parser.h"

struct edit {
	const char *text;
	size_t len, done; /* bytes of text that are in *out already */
	struct buf *out;
};

/* Copy up to BEGIN, put S in the place of the bytes up to END. */
static void replace(struct edit *x, size_t begin, size_t end, const char *s)
{
	buf_add(x->out, x->text + x->done, begin - x->done);
	buf_puts(x->out, s);
	x->done = end;
}

static void finish(struct edit *x)
{
	buf_add(x->out, x->text + x->done, x->len - x->done);
	x->done = x->len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Take a statement out, with the ';' behind it or, when nothing is left of it, the line. */
static void remove_statement(struct edit *x, const struct assign *a)
{
	size_t begin = a->begin, end = a->end;

	while (end < x->len && is_blank(x->text[end]))
		end++;
	while (begin > x->done && is_blank(x->text[begin - 1]))
		begin--;
	if (end < x->len && x->text[end] == ';') {
		begin = a->begin;
		end++;
		while (end < x->len && is_blank(x->text[end]))
			end++;
	} else if (begin > x->done && x->text[begin - 1] == ';') {
		begin--;
	} else if ((begin == 0 || x->text[begin - 1] == '\n') && (end == x->len || x->text[end] == '\n')) {
		end += end < x->len;
	} else {
		begin = a->begin;
		end = a->end;
	}
	replace(x, begin, end, "");
}

static bool is_key(const struct assign *a, enum key k)
{
	return !strcasecmp(a->name, key_table[k].name);
}

/* The assignment of K that counts: the last that is not +=, or the first of all. NULL: none. */
static struct assign *counting(struct assign *a, enum key k)
{
	struct assign *found = NULL;

	for (; a; a = a->next) {
		if (is_key(a, k) && (!found || !a->plus))
			found = a;
	}
	return found;
}

/* VALUE must be one value of the language and nothing more: it goes into a file of its owner's. */
static int value_check(enum key k, const char *value, struct arena *arena, struct err *e)
{
	struct buf text = { 0 };
	struct assign *a = NULL;
	int rc;

	buf_printf(&text, "%s=%s", key_table[k].name, value);
	rc = parser_run(text.p, text.len, arena, &a, e);
	if (rc == 0 && (!a || a->next || a->end != text.len))
		rc = fail(e, EINVAL, "%s: \"%s\" is not one value", key_table[k].name, value);
	buf_free(&text);
	return rc;
}

static void append_line(struct edit *x, enum key k, const char *open, const char *value, const char *close)
{
	finish(x);
	if (x->len && x->text[x->len - 1] != '\n')
		buf_putc(x->out, '\n');
	buf_printf(x->out, "%s = %s%s%s\n", key_table[k].name, open, value, close);
}

int config_edit(const char *text, size_t len, enum key k, const char *value, struct buf *ret, struct err *e)
{
	struct edit x = { .text = text, .len = len, .out = ret };
	struct arena arena = { 0 };
	struct assign *all = NULL, *first;
	int rc = parser_run(text, len, &arena, &all, e);

	if (rc == 0 && value)
		rc = value_check(k, value, &arena, e);
	if (rc < 0)
		goto out;
	first = counting(all, k);
	if (!first && value)
		append_line(&x, k, "", value, "");
	if (first && value)
		replace(&x, first->value->begin, first->value->end, value);
	for (struct assign *a = value ? (first ? first->next : NULL) : all; a; a = a->next) {
		if (is_key(a, k))
			remove_statement(&x, a);
	}
	finish(&x);
out:
	arena_free(&arena);
	return rc;
}

/* Take item N out of LIST, with one of the commas around it. */
static void remove_item(struct edit *x, const struct node *list, const struct node *n)
{
	const struct node *before = NULL;

	for (const struct node *i = list->first; i != n; i = i->next)
		before = i;
	if (n->next)
		replace(x, n->begin, n->next->begin, "");
	else if (before)
		replace(x, before->end, n->end, "");
	else
		replace(x, list->begin, list->end, "[ ]");
}

static void append_item(struct edit *x, const struct node *list, const char *item)
{
	if (list->kind != NODE_LIST) { /* one string alone becomes the list's first */
		replace(x, list->begin, list->begin, "[ ");
		replace(x, list->end, list->end, ", ");
		buf_printf(x->out, "%s ]", item);
	} else if (list->last) {
		replace(x, list->last->end, list->last->end, ", ");
		buf_puts(x->out, item);
	} else {
		replace(x, list->begin, list->end, "[ ");
		buf_printf(x->out, "%s ]", item);
	}
}

/*
 * The item INDEX of what A and the += behind it say; *list is where it is, or with NULL returned where it would be
 * appended.
 */
static const struct node *item_find(const struct assign *a, enum key k, size_t *index, const struct node **list)
{
	for (const struct assign *first = a; a; a = a->next) {
		const struct node *v = a->value;

		if (!is_key(a, k) || (a != first && !a->plus))
			continue;
		*list = v;
		if (v->kind != NODE_LIST && (*index)-- == 0)
			return v;
		for (const struct node *i = v->first; i; i = i->next)
			if ((*index)-- == 0)
				return i;
	}
	return NULL;
}

int config_edit_item(const char *text, size_t len, enum key k, size_t index, const char *item, struct buf *ret,
                     struct err *e)
{
	struct edit x = { .text = text, .len = len, .out = ret };
	const struct node *list = NULL, *n = NULL;
	struct arena arena = { 0 };
	struct assign *all = NULL;
	size_t left = index;
	int rc = parser_run(text, len, &arena, &all, e);

	if (rc == 0 && item)
		rc = value_check(k, item, &arena, e);
	if (rc < 0)
		goto out;
	n = item_find(counting(all, k), k, &left, &list);
	if (!n && (left || !item)) {
		rc = fail(e, ENOENT, "%s has no item %zu", key_table[k].name, index);
		goto out;
	}
	if (!n && !list)
		append_line(&x, k, "[ ", item, " ]");
	else if (!n)
		append_item(&x, list, item);
	else if (item)
		replace(&x, n->begin, n->end, item);
	else if (n == list)
		replace(&x, n->begin, n->end, "[ ]");
	else
		remove_item(&x, list, n);
	finish(&x);
out:
	arena_free(&arena);
	return rc;
}

bool config_find(const char *text, size_t len, enum key k, unsigned *line, unsigned *column)
{
	struct arena arena = { 0 };
	struct assign *all = NULL, *a = NULL;

	if (parser_run(text, len, &arena, &all, NULL) == 0)
		a = counting(all, k);
	if (a) {
		*line = a->value->line;
		*column = a->value->column;
	}
	arena_free(&arena);
	return a != NULL;
}
