#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/config/build.h"
#include "hypervisor/config/disk_spec.h"
#include "hypervisor/config/keys.h"
#include "hypervisor/config/parts.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vfb_spec.h"
#include "hypervisor/config/vif_spec.h"

/* The keys that describe devices: their items taken apart, none twice, and what xm's one-value keys add. */

static const char *item_of(struct build *b, struct buf *text)
{
	const char *item = item_new(&b->arena, ITEM_STRING, text->p ? text->p : "");

	buf_reset(text);
	return item;
}

/* The items of these lists are strings. */
static int item_text(struct build *b, const struct node *n)
{
	b->where = n;
	b->at = 0;
	if (n->kind != NODE_STRING)
		return fail(b->e, EINVAL, "a specification is a string, in quotes");
	return n->len <= PARTS_LIMIT ? 0 : fail(b->e, EINVAL, "a specification has at most %d bytes", PARTS_LIMIT);
}

/* About the item that is looked at. */
static void note_item(struct build *b, const char *what)
{
	const struct node *n = b->where;

	note(b->notes, n->line, n->column + (n->plain ? n->quote + (unsigned)b->at : 0), "%s", what);
	b->at = 0;
}

static int disk_twice(struct build *b, const struct disk *disks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (vdev_same(&disks[i], &disks[n]))
			return fail(b->e, EINVAL, "%s is there twice", disks[n].vdev);
	}
	return 0;
}

int build_disks(struct build *b, const struct node *n, const char **items)
{
	struct disk *disks = arena_alloc(&b->arena, n->count * sizeof(*disks));
	struct buf text = { 0 };
	size_t i = 0;
	int rc = 0;

	if (n->count > DISKS_LIMIT)
		return fail(b->e, EINVAL, "%zu disks are more than the %d that are possible", n->count, DISKS_LIMIT);
	for (const struct node *item = n->first; rc == 0 && item; item = item->next, i++) {
		rc = item_text(b, item);
		if (rc == 0)
			rc = disk_spec_parse(item->text, &b->arena, &disks[i], &b->at, b->e);
		if (rc == 0 && b->at != SIZE_MAX)
			note_item(b, "a cdrom is read-only, whatever its access says");
		if (rc == 0)
			b->at = 0;
		if (rc == 0)
			rc = disk_twice(b, disks, i);
		if (rc == 0) {
			disk_spec_print(&disks[i], &text);
			items[i] = item_of(b, &text);
		}
	}
	buf_free(&text);
	b->spec->disks = disks;
	b->spec->ndisks = (uint8_t)i;
	return rc;
}

static bool vdev_taken(const struct build *b, const struct disk *d)
{
	for (size_t i = 0; i < b->spec->ndisks; i++) {
		if (vdev_same(&b->spec->disks[i], d))
			return true;
	}
	return false;
}

/*
 * cdrom=PATH: in the first cdrom drive, else in a new one at hdc or, when that is taken, at the first place that is
 * free.
 */
int build_more_disks(struct build *b)
{
	static const char *const places[] = { "hdc", "hdd", "hdb", "hda" };
	const char *path = spec_str(b->spec, KEY_cdrom, NULL);
	struct disk *disks, *drive = NULL;

	if (!path)
		return 0;
	disks = arena_alloc(&b->arena, (b->spec->ndisks + 1u) * sizeof(*disks));
	for (size_t i = 0; i < b->spec->ndisks; i++) {
		disks[i] = b->spec->disks[i];
		if (disks[i].cdrom && !drive)
			drive = &disks[i];
	}
	if (!drive) {
		drive = &disks[b->spec->ndisks];
		*drive = (struct disk){ .cdrom = true, .readonly = true, .discard = -1 };
		for (size_t i = 0; i < COUNT(places) && (!drive->vdev || vdev_taken(b, drive)); i++)
			vdev_parse(places[i], &b->arena, drive, b->e);
		if (vdev_taken(b, drive) || b->spec->ndisks == DISKS_LIMIT)
			return fail(b->e, EINVAL, "no place is free for a cdrom drive (hda to hdd)");
		b->spec->ndisks++;
	}
	drive->source = path;
	drive->format = FORMAT_RAW;
	drive->script = NULL;
	b->spec->disks = disks;
	return 0;
}

static int vif_twice(struct build *b, const struct vif *vifs, size_t n)
{
	char mac[MAC_TEXT];

	for (size_t i = 0; i < n; i++) {
		if (vifs[i].has_mac && vifs[n].has_mac && !memcmp(vifs[i].mac, vifs[n].mac, 6))
			return fail(b->e, EINVAL, "the MAC address %s is there twice", mac_format(mac, vifs[n].mac));
		if (vifs[i].index == vifs[n].index)
			return fail(b->e, EINVAL, "two interfaces have the number %u", vifs[n].index);
	}
	return 0;
}

int build_vifs(struct build *b, const struct node *n, const char **items)
{
	struct vif *vifs = arena_alloc(&b->arena, n->count * sizeof(*vifs));
	bool hvm = spec_hvm(b->spec); /* type and builder come before in the table */
	struct buf text = { 0 };
	unsigned i = 0;
	int rc = 0;

	_Static_assert(KEY_type < KEY_vif && KEY_builder < KEY_vif, "vifs are judged by the domain's type");
	if (n->count > VIFS_LIMIT)
		return fail(b->e, EINVAL, "%zu interfaces are more than the %d that are possible", n->count,
		            VIFS_LIMIT);
	for (const struct node *item = n->first; rc == 0 && item; item = item->next, i++) {
		rc = item_text(b, item);
		if (rc == 0)
			rc = vif_spec_parse(item->text, i, hvm, &b->arena, &vifs[i], &b->at, b->e);
		if (rc == 0)
			rc = vif_twice(b, vifs, i);
		if (rc == 0) {
			vif_spec_print(&vifs[i], i, &text);
			items[i] = item_of(b, &text);
		}
	}
	buf_free(&text);
	b->spec->vifs = vifs;
	b->spec->nvifs = (uint8_t)i;
	return rc;
}

static bool index_taken(const struct vif *vifs, size_t n, unsigned index)
{
	for (size_t i = 0; i < n; i++) {
		if (vifs[i].index == index)
			return true;
	}
	return false;
}

/* nics=N: interfaces with all defaults until there are N. */
void build_more_vifs(struct build *b)
{
	unsigned wanted = (unsigned)spec_int(b->spec, KEY_nics, 0), n = b->spec->nvifs, index = 0;
	struct vif *vifs;
	size_t at;

	if (wanted <= n)
		return;
	vifs = arena_alloc(&b->arena, wanted * sizeof(*vifs));
	if (n)
		memcpy(vifs, b->spec->vifs, n * sizeof(*vifs));
	for (; n < wanted; n++) {
		while (index_taken(vifs, n, index))
			index++;
		vif_spec_parse("", index, spec_hvm(b->spec), &b->arena, &vifs[n], &at, b->e);
	}
	b->spec->vifs = vifs;
	b->spec->nvifs = (uint8_t)n;
}

int build_vfbs(struct build *b, const struct node *n, const char **items)
{
	size_t i = 0;
	int rc = 0;

	for (const struct node *item = n->first; rc == 0 && item; item = item->next, i++) {
		struct vfb v;

		rc = item_text(b, item);
		if (rc == 0)
			rc = vfb_spec_parse(item->text, &b->arena, &v, &b->at, b->e);
		if (rc < 0)
			break;
		items[i] = item_new(&b->arena, ITEM_STRING, item->text);
		if (i == 1)
			note_item(b, "only the first framebuffer is shown");
		if (!b->vfb) {
			b->vfb = arena_alloc(&b->arena, sizeof(v));
			*b->vfb = v;
		}
	}
	return rc;
}

/* Whether VNC is on when nothing says so: for a graphics card of an hvm domain. */
static bool vnc_default(const struct spec *s)
{
	const char *vga = spec_str(s, KEY_vga, "cirrus");

	return spec_hvm(s) && !spec_bool(s, KEY_nographic, false) && strcmp(vga, "none") != 0;
}

void build_display(struct build *b)
{
	const struct spec *s = b->spec;
	struct display *d = &b->spec->display;
	const char *text = spec_str(s, KEY_vnclisten, NULL);
	bool unused = b->vfb && b->vfb->unused;
	int number = -1;

	*d = b->vfb ? b->vfb->d : (struct display){ .number = -1 };
	d->vnc = spec_bool(s, KEY_vnc, d->vnc || vnc_default(s));
	d->sdl = spec_bool(s, KEY_sdl, d->sdl);
	d->opengl = spec_bool(s, KEY_opengl, d->opengl);
	d->passwd = spec_str(s, KEY_vncpasswd, d->passwd);
	d->keymap = spec_str(s, KEY_keymap, d->keymap);
	if (spec_has(s, KEY_vncdisplay))
		d->number = (int)spec_int(s, KEY_vncdisplay, 0);
	if (text && listen_split(text, &b->arena, &d->listen, &number, b->e) == 0 && number >= 0)
		d->number = number;
	if (spec_bool(s, KEY_vncunused, unused))
		d->number = -1;
}
