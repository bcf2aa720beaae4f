#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "hypervisor/config/build.h"
#include "hypervisor/config/keys.h"

/* Statements laid over each other: which key is meant, which value counts. */

#define NOTES_LIMIT 256 /* a longer list helps nobody */

void note(struct notes *notes, unsigned line, unsigned column, const char *fmt, ...)
{
	struct err clean; /* its sentences are one line without control bytes */
	struct buf text = { 0 };
	va_list ap;

	if (!notes || !line || notes->count > NOTES_LIMIT)
		return;
	if (notes->count++ == NOTES_LIMIT) {
		buf_printf(&notes->text, "%u:%u: there is more to say from here on\n", line, column);
		return;
	}
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	fail(&clean, EINVAL, "%s", text.p);
	buf_printf(&notes->text, "%u:%u: %s\n", line, column, clean.text);
	buf_free(&text);
}

void notes_free(struct notes *n)
{
	buf_free(&n->text);
	n->count = 0;
}

/* += : N behind OLD, which is what stays. */
static int append(struct node *old, struct node *n, struct err *e)
{
	if (old->kind == NODE_LIST && n->kind == NODE_LIST) {
		if (old->count + n->count > ITEMS_LIMIT)
			return fail(e, EINVAL, "a list has at most %d items", ITEMS_LIMIT);
		if (old->last)
			old->last->next = n->first;
		else
			old->first = n->first;
		old->last = n->last ? n->last : old->last;
		old->count += n->count;
		return 0;
	}
	if (old->kind == NODE_STRING && n->kind == NODE_STRING) { /* pieces, until join() */
		if (old->last)
			old->last->next = n;
		else
			old->first = n;
		old->last = n;
		old->len += n->len;
		old->plain = false;
		return 0;
	}
	return fail(e, EINVAL, "+= joins two strings or two lists");
}

/* A string and what += put behind it, as one. All at once: a text of many += is not copied again for each. */
static void join(struct arena *arena, struct node *n)
{
	struct buf text = { 0 };

	if (n->kind != NODE_STRING || !n->first)
		return;
	buf_puts(&text, n->text);
	for (const struct node *i = n->first; i; i = i->next)
		buf_add(&text, i->text, i->len);
	n->text = arena_strndup(arena, text.p, text.len);
	n->first = n->last = NULL;
	buf_free(&text);
}

/* A word without quotes, from outside of the language, is an item when it goes behind a list. */
static struct node *as_item(struct arena *arena, const struct node *n)
{
	struct node *list = arena_alloc(arena, sizeof(*list)), *item = arena_alloc(arena, sizeof(*item));

	*item = *n;
	item->next = NULL;
	*list = (struct node){ .kind = NODE_LIST, .first = item, .last = item, .count = 1 };
	return list;
}

static int unknown(const struct assign *a, struct notes *notes, struct err *e)
{
	const char *near;

	if (a->line && (!notes || notes->count > NOTES_LIMIT)) /* nobody listens, and looking takes long */
		return 0;
	near = key_nearest(a->name);
	if (!a->line)
		return near ? fail(e, EINVAL, "\"%s\" is not a known key; did you mean %s?", a->name, near)
		            : fail(e, EINVAL, "\"%s\" is not a known key", a->name);
	if (near)
		note(notes, a->line, a->column, "\"%s\" is not a known key and counts nothing; did you mean %s?",
		     a->name, near);
	else
		note(notes, a->line, a->column, "\"%s\" is not a known key and counts nothing", a->name);
	return 0;
}

static int lay(struct draft *d, struct arena *arena, const struct assign *a, struct notes *notes, struct err *e)
{
	struct node *n = a->value, **at;
	int k = key_find(a->name), rc;

	if (k < 0) {
		k = key_find_any_case(a->name);
		if (k < 0)
			return unknown(a, notes, e);
		note(notes, a->line, a->column, "%s is written %s here; keys are lower case", key_table[k].name,
		     a->name);
	}
	at = &d->keys[k];
	if (!a->plus || !*at) {
		if (*at)
			note(notes, a->line, a->column, "%s is said again; its value in line %u counts nothing",
			     key_table[k].name, (*at)->line);
		*at = n;
		return 0;
	}
	if (n->bare && (*at)->kind == NODE_LIST)
		n = as_item(arena, n);
	rc = append(*at, n, e);
	if (rc < 0)
		return n->line ? fail_in(e, "%u:%u: %s", n->line, n->column, key_table[k].name)
		               : fail_in(e, "%s", key_table[k].name);
	return 0;
}

int draft_lay(struct draft *d, struct arena *arena, const struct assign *a, struct notes *notes, struct err *e)
{
	int rc = 0;

	for (; rc == 0 && a; a = a->next)
		rc = lay(d, arena, a, notes, e);
	for (size_t k = 0; rc == 0 && k < KEY_COUNT; k++) {
		if (d->keys[k])
			join(arena, d->keys[k]);
	}
	return rc;
}
