#include <string.h>

#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vfb_spec.h"

/* A spec in the language's own syntax, a line for each key, in the order of the table. */

void print_quoted(struct buf *b, const char *s, size_t len)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			buf_puts(b, "\\n");
		else if (s[i] == '\t')
			buf_puts(b, "\\t");
		else if (s[i] == '"' || s[i] == '\\')
			buf_add(b, (char[]){ '\\', s[i] }, 2);
		else
			buf_putc(b, s[i]);
	}
	buf_putc(b, '"');
}

static bool is_secret(enum key k)
{
	return k == KEY_vncpasswd || k == KEY_spicepasswd;
}

static void print_item(enum key k, const char *item, bool secrets, struct buf *b)
{
	struct arena a = { 0 };
	struct vfb vfb;
	size_t at;

	if (item_nested(item)) {
		buf_puts(b, item);
		return;
	}
	if (k == KEY_vfb && !secrets && vfb_spec_parse(item, &a, &vfb, &at, NULL) == 0)
		item = vfb.text;
	print_quoted(b, item, strlen(item));
	arena_free(&a);
}

static void print_items(const struct value *v, bool secrets, struct buf *b)
{
	if (v->alone) {
		print_item(v->key, v->items[0], secrets, b);
		return;
	}
	buf_putc(b, '[');
	for (size_t i = 0; i < v->count; i++) {
		buf_puts(b, i ? ", " : " ");
		print_item(v->key, v->items[i], secrets, b);
	}
	buf_puts(b, " ]");
}

void print_value(const struct value *v, bool secrets, struct buf *b)
{
	buf_printf(b, "%s = ", key_table[v->key].name);
	switch (key_table[v->key].type) {
	case TYPE_STRING:
		if (is_secret(v->key) && !secrets)
			buf_puts(b, "\"...\"");
		else
			print_quoted(b, v->text, strlen(v->text));
		break;
	case TYPE_INT:
	case TYPE_BOOL:
		buf_printf(b, "%llu", (unsigned long long)v->number);
		break;
	case TYPE_ACTION:
		buf_printf(b, "\"%s\"", action_names[v->number]);
		break;
	case TYPE_LIST:
	case TYPE_CPUS:
		print_items(v, secrets, b);
		break;
	}
}

void spec_print(const struct spec *s, bool secrets, struct buf *b)
{
	for (size_t i = 0; i < s->count; i++) {
		if (is_secret(s->values[i].key) && !secrets)
			continue;
		print_value(&s->values[i], secrets, b);
		buf_putc(b, '\n');
	}
}
