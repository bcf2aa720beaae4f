#include <string.h>

#include "hypervisor/config/spec_parts.h"

/* A spec is made with much that is left over; what is kept for the domain's life is a copy without it. */

static const char *text(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static void pack_values(struct spec *to, const struct spec *s)
{
	struct value *values = arena_alloc(&to->arena, s->count * sizeof(*values));

	for (size_t i = 0; i < s->count; i++) {
		struct value *v = &values[i];
		enum key_type type = key_table[s->values[i].key].type;
		const char **items;

		*v = s->values[i];
		if (type == TYPE_STRING)
			v->text = arena_strdup(&to->arena, v->text);
		if (type != TYPE_LIST && type != TYPE_CPUS)
			continue;
		items = arena_alloc(&to->arena, v->count * sizeof(*items));
		for (size_t j = 0; j < v->count; j++)
			items[j] = item_new(&to->arena, v->items[j][-1], v->items[j]);
		v->items = items;
	}
	to->values = values;
}

static void pack_devices(struct spec *to, const struct spec *s)
{
	struct arena *a = &to->arena;
	struct disk *disks = arena_alloc(a, s->ndisks * sizeof(*disks));
	struct vif *vifs = arena_alloc(a, s->nvifs * sizeof(*vifs));

	for (size_t i = 0; i < s->ndisks; i++) {
		struct disk *d = &disks[i];

		*d = s->disks[i];
		d->vdev = text(a, d->vdev);
		d->source = text(a, d->source);
		d->script = text(a, d->script);
		d->backend = text(a, d->backend);
		d->backendtype = text(a, d->backendtype);
	}
	for (size_t i = 0; i < s->nvifs; i++) {
		struct vif *v = &vifs[i];

		*v = s->vifs[i];
		v->type = text(a, v->type);
		v->model = text(a, v->model);
		v->bridge = text(a, v->bridge);
		v->ip = text(a, v->ip);
		v->script = text(a, v->script);
		v->vifname = text(a, v->vifname);
		v->gatewaydev = text(a, v->gatewaydev);
		v->backend = text(a, v->backend);
	}
	to->disks = disks;
	to->vifs = vifs;
}

struct spec *spec_pack(const struct spec *s)
{
	struct arena a = { 0 };
	struct spec *to = arena_alloc(&a, sizeof(*to));

	to->arena = a;
	atomic_init(&to->refs, 1);
	to->count = s->count;
	to->ndisks = s->ndisks;
	to->nvifs = s->nvifs;
	pack_values(to, s);
	pack_devices(to, s);
	to->display = s->display;
	to->display.listen = text(&to->arena, to->display.listen);
	to->display.passwd = text(&to->arena, to->display.passwd);
	to->display.keymap = text(&to->arena, to->display.keymap);
	return to;
}
