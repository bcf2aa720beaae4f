/*
 * What was changed of a guest's devices at run time, into its configuration: devices that were not touched stay as they are
 * written there, also those that the configuration says differently by now.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/disk_spec.h"
#include "hypervisor/config/edit.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vif_spec.h"
#include "hypervisor/model/internal.h"

/* A disk or an interface, as a spec has it, and where the text has it. */
struct item {
	const struct disk *disk; /* NULL: it is an interface */
	const struct vif *vif;
	size_t place; /* in the text, from which its number follows when it says none */
	bool changed;
};

struct items {
	struct item *list;
	size_t n;
};

struct commit {
	enum key list, also; /* also: the key that adds to the list */
	const struct spec *before, *live;
};

static struct items items_of(const struct spec *s, enum key list, size_t more)
{
	size_t ndisks, nvifs;
	const struct disk *disks = spec_disks(s, &ndisks);
	const struct vif *vifs = spec_vifs(s, &nvifs);
	struct items t = { .n = list == KEY_disk ? ndisks : nvifs };

	t.list = x_array(t.n + more, sizeof(*t.list));
	for (size_t i = 0; i < t.n; i++) {
		t.list[i].place = i;
		if (list == KEY_disk)
			t.list[i].disk = &disks[i];
		else
			t.list[i].vif = &vifs[i];
	}
	return t;
}

static bool is_same(const struct item *a, const struct item *b)
{
	return a->disk ? vdev_same(a->disk, b->disk) : a->vif->index == b->vif->index;
}

static struct item *find(const struct items *t, const struct item *like)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_same(&t->list[i], like))
			return &t->list[i];
	return NULL;
}

static void print(const struct item *item, unsigned place, struct buf *b)
{
	struct buf text = { 0 };

	if (item->disk)
		disk_spec_print(item->disk, &text);
	else
		vif_spec_print(item->vif, place, &text);
	print_quoted(b, text.p ? text.p : "", text.len);
	buf_free(&text);
}

static bool is_equal(const struct item *a, const struct item *b)
{
	struct buf x = { 0 }, y = { 0 };
	bool equal;

	print(a, 0, &x);
	print(b, 0, &y);
	equal = !strcmp(x.p, y.p);
	buf_free(&x);
	buf_free(&y);
	return equal;
}

/* An edit of the text in *B, which then is the text. */
static int edit_item(struct buf *b, enum key k, size_t index, const char *item, struct err *e)
{
	struct buf now = { 0 };
	int rc = config_edit_item(b->p ? b->p : "", b->len, k, index, item, &now, e);

	if (!rc) {
		buf_free(b);
		*b = now;
	} else {
		buf_free(&now);
	}
	return rc;
}

static int edit_key(struct buf *b, enum key k, const char *value, struct err *e)
{
	struct buf now = { 0 };
	int rc = config_edit(b->p ? b->p : "", b->len, k, value, &now, e);

	if (!rc) {
		buf_free(b);
		*b = now;
	} else {
		buf_free(&now);
	}
	return rc;
}

/* What went, from *T and from the text. */
static int take_out(const struct commit *c, struct items *t, bool whole, struct buf *text, struct err *e)
{
	struct items before = items_of(c->before, c->list, 0), live = items_of(c->live, c->list, 0);
	int rc = 0;

	for (size_t i = 0; !rc && i < before.n; i++) {
		struct item *was = &before.list[i], *at = find(t, was);
		size_t index = at ? (size_t)(at - t->list) : 0;

		if (!at || find(&live, was))
			continue;
		rc = whole ? 0 : edit_item(text, c->list, index, NULL, e);
		memmove(at, at + 1, (t->n - index - 1) * sizeof(*at));
		t->n--;
	}
	free(before.list);
	free(live.list);
	return rc;
}

/* What came or is another, into *T. */
static void put_in(const struct commit *c, struct items *t)
{
	struct items before = items_of(c->before, c->list, 0), live = items_of(c->live, c->list, 0);

	for (size_t i = 0; i < live.n; i++) {
		struct item *now = &live.list[i], *was = find(&before, now), *at = find(t, now);

		if (was && is_equal(was, now))
			continue;
		if (!at)
			at = &t->list[t->n++];
		*at = (struct item){ .disk = now->disk, .vif = now->vif, .place = SIZE_MAX, .changed = true };
	}
	free(before.list);
	free(live.list);
}

/* Interfaces that say no number are numbered by their places, so one that has moved says its number. */
static bool must_say(const struct item *item, size_t place)
{
	return item->changed || (item->vif && item->place != place && item->vif->index == item->place);
}

static int write_items(const struct commit *c, const struct items *t, struct buf *text, struct err *e)
{
	struct buf item = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < t->n; i++) {
		if (!must_say(&t->list[i], i))
			continue;
		buf_reset(&item);
		print(&t->list[i], (unsigned)i, &item);
		rc = edit_item(text, c->list, i, item.p, e);
	}
	buf_free(&item);
	return rc;
}

/* Where another key adds to the list, the list says it all from now on. */
static int write_whole(const struct commit *c, const struct items *t, struct buf *text, struct err *e)
{
	struct buf list = { 0 };
	int rc;

	for (size_t i = 0; i < t->n; i++) {
		buf_puts(&list, i ? ", " : "[ ");
		print(&t->list[i], (unsigned)i, &list);
	}
	buf_puts(&list, t->n ? " ]" : "[ ]");
	rc = edit_key(text, c->list, list.p, e);
	if (!rc)
		rc = edit_key(text, c->also, NULL, e);
	buf_free(&list);
	return rc;
}

static bool has_changed(const struct commit *c)
{
	struct items before = items_of(c->before, c->list, 0), live = items_of(c->live, c->list, 0);
	bool changed = before.n != live.n;

	for (size_t i = 0; !changed && i < live.n; i++)
		changed = !is_equal(&before.list[i], &live.list[i]);
	free(before.list);
	free(live.list);
	return changed;
}

/* The devices in force, in another order: *T gets theirs. */
static bool reorder(const struct commit *c, struct items *t)
{
	struct items live = items_of(c->live, c->list, 0), ordered = { .n = t->n };
	bool same = t->n == live.n, moved = false;

	ordered.list = x_array(t->n, sizeof(*t->list));
	for (size_t i = 0; same && i < t->n; i++) {
		struct item *at = find(t, &live.list[i]);

		same = at;
		if (!at)
			break;
		ordered.list[i] = *at;
		moved |= at != &t->list[i];
	}
	if (same && moved)
		memcpy(t->list, ordered.list, t->n * sizeof(*t->list));
	free(ordered.list);
	free(live.list);
	return same && moved;
}

static int edit(const char *text, size_t n, const struct spec *spec, void *arg, struct buf *ret, struct err *e)
{
	const struct commit *c = arg;
	size_t more = c->list == KEY_disk ? DISKS_LIMIT : VIFS_LIMIT;
	struct items t = items_of(spec, c->list, more);
	bool whole = spec_has(spec, c->also);
	int rc;

	buf_add(ret, text, n);
	rc = take_out(c, &t, whole, ret, e);
	if (!rc) {
		put_in(c, &t);
		whole |= reorder(c, &t);
		rc = whole ? write_whole(c, &t, ret, e) : write_items(c, &t, ret, e);
	}
	free(t.list);
	return rc;
}

int devices_commit(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	struct commit lists[] = { { .list = KEY_disk, .also = KEY_cdrom }, { .list = KEY_vif, .also = KEY_nics } };
	struct spec *before, *live;
	int rc = 0;

	domain_lock(d);
	before = d->live && d->unchanged ? spec_ref(d->unchanged) : NULL;
	live = before ? spec_ref(d->live) : NULL;
	domain_unlock(d);
	for (size_t i = 0; before && !rc && i < COUNT(lists); i++) {
		lists[i].before = before;
		lists[i].live = live;
		if (has_changed(&lists[i]))
			rc = config_rewrite(j, edit, &lists[i], e);
	}
	domain_lock(d);
	if (before && !rc && !j->dry && d->live == live) { /* else they were changed again meanwhile */
		spec_unref(d->unchanged);
		d->unchanged = NULL;
	}
	domain_unlock(d);
	spec_unref(before);
	spec_unref(live);
	return rc;
}
