#include "spec.h"

#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/spec_parts.h"

struct spec *spec_ref(const struct spec *s)
{
	struct spec *own = (struct spec *)(uintptr_t)s; /* only the count is ever changed */

	atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
	return own;
}

void spec_unref(const struct spec *s)
{
	struct spec *own = (struct spec *)(uintptr_t)s;

	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	struct arena a = own->arena; /* the spec itself lies in it */

	arena_free(&a);
}

bool item_nested(const char *item)
{
	return item[-1] == ITEM_NESTED;
}

char *item_new(struct arena *a, char what, const char *text)
{
	return arena_join(a, (char[]){ what, '\0' }, text) + 1;
}

const struct value *spec_value(const struct spec *s, enum key k)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->values[mid].key == k)
			return &s->values[mid];
		if (s->values[mid].key < k)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

bool spec_has(const struct spec *s, enum key k)
{
	return spec_value(s, k) != NULL;
}

static uint64_t number(const struct spec *s, enum key k, enum key_type type, uint64_t otherwise)
{
	const struct value *v = key_table[k].type == type ? spec_value(s, k) : NULL;

	return v ? v->number : otherwise;
}

uint64_t spec_int(const struct spec *s, enum key k, uint64_t otherwise)
{
	return number(s, k, TYPE_INT, otherwise);
}

bool spec_bool(const struct spec *s, enum key k, bool otherwise)
{
	return number(s, k, TYPE_BOOL, otherwise) != 0;
}

enum action spec_action(const struct spec *s, enum key k, enum action otherwise)
{
	return (enum action)number(s, k, TYPE_ACTION, otherwise);
}

const char *spec_str(const struct spec *s, enum key k, const char *otherwise)
{
	const struct value *v = spec_value(s, k);

	if (!v)
		return otherwise;
	switch (key_table[k].type) {
	case TYPE_STRING:
		return v->text;
	case TYPE_LIST:
	case TYPE_CPUS:
		return v->count ? v->items[0] : otherwise;
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_ACTION:
		break;
	}
	return otherwise;
}

size_t spec_list(const struct spec *s, enum key k, const char *const **ret)
{
	const struct value *v = spec_value(s, k);

	if (!v || (key_table[k].type != TYPE_LIST && key_table[k].type != TYPE_CPUS)) {
		*ret = NULL;
		return 0;
	}
	*ret = v->items;
	return v->count;
}

const struct disk *spec_disks(const struct spec *s, size_t *n)
{
	*n = s->ndisks;
	return s->disks;
}

const struct vif *spec_vifs(const struct spec *s, size_t *n)
{
	*n = s->nvifs;
	return s->vifs;
}

const struct display *spec_display(const struct spec *s)
{
	return &s->display;
}

static bool same(const struct value *a, const struct value *b)
{
	if (a->key != b->key || a->count != b->count || a->alone != b->alone)
		return false;
	switch (key_table[a->key].type) {
	case TYPE_STRING:
		return !strcmp(a->text, b->text);
	case TYPE_LIST:
	case TYPE_CPUS:
		for (size_t i = 0; i < a->count; i++)
			if (strcmp(a->items[i], b->items[i]) != 0 ||
			    item_nested(a->items[i]) != item_nested(b->items[i]))
				return false;
		return true;
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_ACTION:
		break;
	}
	return a->number == b->number;
}

/* Everything else in a spec follows from its values. */
bool spec_equal(const struct spec *a, const struct spec *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same(&a->values[i], &b->values[i]))
			return false;
	return true;
}

static void diff_side(const struct value *v, struct buf *b)
{
	struct buf text = { 0 };
	const char *eq;

	if (!v) {
		buf_puts(b, "-");
		return;
	}
	print_value(v, false, &text);
	eq = strchr(text.p, '=');
	buf_puts(b, eq + 2);
	buf_free(&text);
}

/* Passwords are not shown: that they differ is. */
void spec_diff(const struct spec *live, const struct spec *config, struct buf *b)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		const struct value *l = spec_value(live, k), *c = spec_value(config, k);

		if ((!l && !c) || (l && c && same(l, c)))
			continue;
		buf_printf(b, "%s ", key_table[k].name);
		diff_side(l, b);
		buf_puts(b, " -> ");
		diff_side(c, b);
		buf_putc(b, '\n');
	}
}
