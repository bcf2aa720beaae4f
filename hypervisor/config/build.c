#include "hypervisor/config/build.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/config/keys.h"
#include "hypervisor/config/parts.h"
#include "hypervisor/config/spec_parts.h"

#define DROPPED 1 /* what convert() returns for a value that counts as not said */

/* Put the place of what is wrong and the name of the key before the sentence of b->e. */
static int placed(const struct build *b, enum key k)
{
	const struct node *n = b->where ? b->where : b->d->keys[k];

	if (!n->line)
		return fail_in(b->e, "%s", key_table[k].name);
	return fail_in(b->e, "%u:%zu: %s", n->line, n->column + (n->plain ? n->quote + b->at : 0), key_table[k].name);
}

static int text_wanted(const struct build *b, const struct node *n)
{
	if (n->kind == NODE_LIST)
		return fail(b->e, EINVAL, "one value is wanted, not a list");
	if (n->kind == NODE_WORD)
		return fail(b->e, EINVAL, "text is wanted, in quotes, not %s", n->text);
	return 0;
}

static int convert_string(struct build *b, enum key k, const struct node *n, struct value *v)
{
	int rc = text_wanted(b, n);

	if (rc < 0)
		return rc;
	if (!n->len && (key_rule(k)->text != TEXT_ANY || key_rule(k)->words)) {
		note(b->notes, n->line, n->column, "%s is empty and counts as not said", key_table[k].name);
		return DROPPED;
	}
	return key_text(k, &b->arena, n->text, &v->text, b->e);
}

static int convert_int(struct build *b, enum key k, const struct node *n, struct value *v)
{
	const struct key_rule *rule = key_rule(k);
	int rc = text_wanted(b, n);

	if (rc < 0)
		return rc;
	if (!number_read(n->text, &v->number))
		return fail(b->e, EINVAL, "\"%s\" is not a whole number", n->text);
	if (v->number < rule->min || (rule->max && v->number > rule->max))
		return fail(b->e, EINVAL, "%s is not from %llu to %llu", n->text, (unsigned long long)rule->min,
		            (unsigned long long)rule->max);
	return 0;
}

static int convert_bool(struct build *b, const struct node *n, struct value *v)
{
	bool on = false;

	if (n->kind == NODE_LIST)
		return fail(b->e, EINVAL, "0 or 1 is wanted, not a list");
	if (!bool_read(n->text, &on))
		return fail(b->e, EINVAL, "\"%s\" is neither 0 nor 1", n->text);
	v->number = on;
	return 0;
}

static int convert_action(struct build *b, const struct node *n, struct value *v)
{
	int rc = text_wanted(b, n);

	for (unsigned i = 0; rc == 0 && i < ACTION_COUNT; i++) {
		if (words_find(action_names[i], n->text, &b->arena)) {
			v->number = i;
			return 0;
		}
	}
	return rc ? rc
	          : fail(b->e, EINVAL,
	                 "\"%s\" is not an action: destroy, restart, rename-restart, preserve, "
	                 "coredump-destroy, coredump-restart or soft-reset",
	                 n->text);
}

static int cpus_check(struct build *b, const struct node *n)
{
	struct cpus c;
	char text[CPUS_TEXT];
	int rc = text_wanted(b, n);

	if (rc == 0)
		rc = parse_cpus(n->text, &c, b->e);
	if (rc == 0 && !cpus_format(text, &c)[0])
		rc = fail(b->e, EINVAL, "\"%s\" leaves no CPU", n->text);
	return rc;
}

static int convert_cpus(struct build *b, enum key k, const struct node *n, struct value *v)
{
	const struct node *item = n->kind == NODE_LIST ? n->first : n;
	const char **items;

	v->alone = n->kind != NODE_LIST;
	v->count = v->alone ? 1 : (uint32_t)n->count;
	if (!item || (v->alone && n->kind == NODE_STRING && !n->len)) {
		note(b->notes, n->line, n->column, "%s is empty and counts as not said", key_table[k].name);
		return DROPPED;
	}
	items = arena_alloc(&b->arena, v->count * sizeof(*items));
	for (size_t i = 0; i < v->count; i++, item = item->next) {
		b->where = item;
		if (cpus_check(b, item) < 0)
			return -EINVAL;
		items[i] = item_new(&b->arena, ITEM_STRING, item->text);
	}
	v->items = items;
	return 0;
}

/* The text of a nested list, in the language. */
static void nested_print(const struct node *n, struct buf *out)
{
	if (n->kind == NODE_STRING) {
		print_quoted(out, n->text, n->len);
	} else if (n->kind != NODE_LIST) {
		buf_puts(out, n->text);
	} else {
		buf_puts(out, "[");
		for (const struct node *i = n->first; i; i = i->next) {
			buf_puts(out, i == n->first ? " " : ", ");
			nested_print(i, out);
		}
		buf_puts(out, " ]");
	}
}

static int convert_item(struct build *b, enum key k, const struct node *n, const char **ret)
{
	struct buf text = { 0 };

	b->where = n;
	if (n->kind == NODE_WORD)
		return text_wanted(b, n);
	if (n->kind != NODE_LIST) {
		*ret = item_new(&b->arena, ITEM_STRING, n->text);
		return 0;
	}
	if (key_rule(k)->list != LIST_NESTED)
		return fail(b->e, EINVAL, "text is wanted in this list, not a list");
	nested_print(n, &text);
	*ret = item_new(&b->arena, ITEM_NESTED, text.p);
	buf_free(&text);
	return 0;
}

/* One string where a list is wanted: the list it stands for, NULL when the key does not take it. */
static const struct node *as_list(struct build *b, enum key k, const struct node *n)
{
	enum list_rule rule = key_rule(k)->list;
	struct node *list, *item, **tail;
	const char *p = n->text;

	if (n->kind == NODE_LIST)
		return n;
	if (n->kind == NODE_WORD || (!n->bare && rule != LIST_ALONE && rule != LIST_SPLIT))
		return NULL;
	list = arena_alloc(&b->arena, sizeof(*list));
	*list = (struct node){ .kind = NODE_LIST, .line = n->line, .column = n->column };
	tail = &list->first;
	for (;;) {
		size_t len = n->len;

		if (rule == LIST_SPLIT) {
			p += strspn(p, " \t\n");
			len = strcspn(p, " \t\n");
		}
		if (!len || list->count == ITEMS_LIMIT)
			break;
		item = arena_alloc(&b->arena, sizeof(*item));
		*item = *n;
		item->text = arena_strndup(&b->arena, p, len);
		item->len = len;
		item->next = NULL;
		*tail = item;
		tail = &item->next;
		list->count++;
		p += len;
		if (rule != LIST_SPLIT)
			break;
	}
	return list;
}

static int convert_list(struct build *b, enum key k, const struct node *said, struct value *v)
{
	const struct node *n = as_list(b, k, said);
	const char **items;
	size_t i = 0;
	int rc = 0;

	if (!n)
		return fail(b->e, EINVAL, "a list is wanted: %s = [ '...' ]", key_table[k].name);
	items = arena_alloc(&b->arena, n->count * sizeof(*items));
	v->count = (uint32_t)n->count;
	v->items = items;
	if (k == KEY_disk)
		return build_disks(b, n, items);
	if (k == KEY_vif)
		return build_vifs(b, n, items);
	if (k == KEY_vfb)
		return build_vfbs(b, n, items);
	for (const struct node *item = n->first; rc == 0 && item; item = item->next)
		rc = convert_item(b, k, item, &items[i++]);
	return rc;
}

static int convert(struct build *b, enum key k, const struct node *n, struct value *v)
{
	v->count = 1;
	switch (key_table[k].type) {
	case TYPE_STRING:
		return convert_string(b, k, n, v);
	case TYPE_INT:
		return convert_int(b, k, n, v);
	case TYPE_BOOL:
		return convert_bool(b, n, v);
	case TYPE_LIST:
		return convert_list(b, k, n, v);
	case TYPE_CPUS:
		return convert_cpus(b, k, n, v);
	case TYPE_ACTION:
		return convert_action(b, n, v);
	}
	return 0;
}

/* A key beside another that wins over it. */
static void note_beside(struct build *b, enum key loses, enum key wins)
{
	const struct node *n = b->d->keys[loses];

	if (spec_has(b->spec, loses) && spec_has(b->spec, wins))
		note(b->notes, n->line, n->column, "%s counts nothing beside %s", key_table[loses].name,
		     key_table[wins].name);
}

static int at_least(struct build *b, enum key more, enum key less, uint64_t otherwise)
{
	uint64_t m = spec_int(b->spec, more, UINT64_MAX), l = spec_int(b->spec, less, otherwise);

	if (m >= l)
		return 0;
	fail(b->e, EINVAL, "%llu is less than %s, which is %llu", (unsigned long long)m, key_table[less].name,
	     (unsigned long long)l);
	return placed(b, more);
}

static int check_together(struct build *b)
{
	int rc = at_least(b, KEY_maxmem, KEY_memory, 0);

	if (rc == 0)
		rc = at_least(b, KEY_maxvcpus, KEY_vcpus, 1);
	note_beside(b, KEY_builder, KEY_type);
	note_beside(b, KEY_root, KEY_cmdline);
	note_beside(b, KEY_extra, KEY_cmdline);
	note_beside(b, KEY_cpu, KEY_cpus);
	note_beside(b, KEY_cpu_cap, KEY_cap);
	note_beside(b, KEY_stdvga, KEY_vga);
	note_beside(b, KEY_altp2mhvm, KEY_altp2m);
	note_beside(b, KEY_bootargs, KEY_bootloader_args);
	if (spec_bool(b->spec, KEY_vncunused, false))
		note_beside(b, KEY_vncdisplay, KEY_vncunused);
	return rc;
}

int draft_build(const struct draft *d, struct spec **ret, struct notes *notes, struct err *e)
{
	struct build b = { .d = d, .notes = notes, .e = e };
	struct value *values = arena_alloc(&b.arena, KEY_COUNT * sizeof(*values));
	int rc = 0;

	b.spec = arena_alloc(&b.arena, sizeof(*b.spec));
	b.spec->values = values;
	for (unsigned k = 0; rc == 0 && k < KEY_COUNT; k++) {
		struct value *v = &values[b.spec->count];

		if (!d->keys[k])
			continue;
		*v = (struct value){ .key = (uint16_t)k };
		b.where = NULL;
		b.at = 0;
		rc = convert(&b, k, d->keys[k], v);
		if (rc == 0)
			b.spec->count++;
		else if (rc == DROPPED)
			rc = 0;
		else
			placed(&b, k);
	}
	b.where = NULL;
	b.at = 0;
	if (rc == 0)
		rc = check_together(&b);
	if (rc == 0 && build_more_disks(&b) < 0)
		rc = placed(&b, KEY_cdrom);
	if (rc == 0)
		build_more_vifs(&b);
	if (rc == 0)
		build_display(&b);
	if (rc == 0)
		*ret = spec_pack(b.spec);
	arena_free(&b.arena);
	return rc;
}
