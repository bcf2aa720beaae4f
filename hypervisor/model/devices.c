/* The disks and interfaces in force: how they change, and who is told. */
#include <errno.h>
#include <string.h>

#include "hypervisor/config/disk_spec.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vif_spec.h"
#include "hypervisor/model/internal.h"

/* The key LIST of S as TEXT says it, and without ALSO, which adds to that list. */
static int set_list(const struct spec *s, enum key list, const char *text, enum key also, struct spec **ret,
                    struct err *e)
{
	struct spec *with = NULL, *without = NULL;
	int rc = spec_with(s, list, text, &with, e);

	if (!rc && spec_has(with, also)) {
		rc = spec_with(with, also, NULL, &without, e);
		spec_unref(with);
		with = without;
	}
	if (!rc)
		*ret = with;
	return rc;
}

int spec_with_disks(const struct spec *s, const struct disk *disks, size_t n, struct spec **ret, struct err *e)
{
	struct buf list = { 0 }, item = { 0 };
	int rc;

	for (size_t i = 0; i < n; i++) {
		buf_reset(&item);
		disk_spec_print(&disks[i], &item);
		buf_puts(&list, i ? ", " : "[ ");
		print_quoted(&list, item.p, item.len);
	}
	buf_puts(&list, n ? " ]" : "[ ]");
	rc = set_list(s, KEY_disk, n || spec_has(s, KEY_disk) ? list.p : NULL, KEY_cdrom, ret, e);
	buf_free(&list);
	buf_free(&item);
	return rc;
}

int spec_with_vifs(const struct spec *s, const struct vif *vifs, size_t n, struct spec **ret, struct err *e)
{
	struct buf list = { 0 }, item = { 0 };
	int rc;

	for (size_t i = 0; i < n; i++) {
		buf_reset(&item);
		vif_spec_print(&vifs[i], (unsigned)i, &item);
		buf_puts(&list, i ? ", " : "[ ");
		print_quoted(&list, item.p ? item.p : "", item.len);
	}
	buf_puts(&list, n ? " ]" : "[ ]");
	rc = set_list(s, KEY_vif, n || spec_has(s, KEY_vif) ? list.p : NULL, KEY_nics, ret, e);
	buf_free(&list);
	buf_free(&item);
	return rc;
}

int spec_print_devices(const struct spec *s, struct buf *ret, struct err *e)
{
	struct spec *empty = NULL, *disks = NULL, *both = NULL;
	size_t ndisks, nvifs;
	const struct disk *disk = spec_disks(s, &ndisks);
	const struct vif *vif = spec_vifs(s, &nvifs);
	int rc = spec_parse("", 0, &empty, NULL, e);

	if (!rc)
		rc = spec_with_disks(empty, disk, ndisks, &disks, e);
	if (!rc)
		rc = spec_with_vifs(disks, vif, nvifs, &both, e);
	if (!rc)
		spec_print(both, true, ret);
	spec_unref(empty);
	spec_unref(disks);
	spec_unref(both);
	return rc;
}

/* ---- events ---- */

static const struct disk *disk_of(const struct spec *s, const struct disk *like)
{
	size_t n;
	const struct disk *disks = spec_disks(s, &n);

	for (size_t i = 0; i < n; i++)
		if (vdev_same(&disks[i], like))
			return &disks[i];
	return NULL;
}

static const struct vif *vif_of(const struct spec *s, unsigned index)
{
	size_t n;
	const struct vif *vifs = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++)
		if (vifs[i].index == index)
			return &vifs[i];
	return NULL;
}

static void emit_disk(struct domain *d, const char *name, const struct disk *disk) NEEDS(d->lock)
{
	event_emit(d, name, "disk=%s%s%s", disk->vdev, disk->source ? " text=" : "", disk->source ? disk->source : "");
}

static void emit_vif(struct domain *d, const char *name, const struct vif *vif) NEEDS(d->lock)
{
	char mac[MAC_TEXT];

	event_emit(d, name, vif->has_mac ? "vif=%u mac=%s" : "vif=%u", vif->index, mac_format(mac, vif->mac));
}

static bool same_media(const struct disk *a, const struct disk *b)
{
	return a->source && b->source ? !strcmp(a->source, b->source) : a->source == b->source;
}

static bool same_mac(const struct vif *a, const struct vif *b)
{
	return !memcmp(a->mac, b->mac, sizeof(a->mac));
}

static void emit_disks(struct domain *d, const struct spec *from, const struct spec *to) NEEDS(d->lock)
{
	size_t n;
	const struct disk *disks = spec_disks(from, &n), *now;

	for (size_t i = 0; i < n; i++) {
		now = disk_of(to, &disks[i]);
		if (!now)
			event_emit(d, "disk-detach", "disk=%s", disks[i].vdev);
		else if (!same_media(&disks[i], now))
			emit_disk(d, "media", now);
	}
	disks = spec_disks(to, &n);
	for (size_t i = 0; i < n; i++)
		if (!disk_of(from, &disks[i]))
			emit_disk(d, "disk-attach", &disks[i]);
}

/* A number that came round with another MAC is another interface. */
static void emit_vifs(struct domain *d, const struct spec *from, const struct spec *to) NEEDS(d->lock)
{
	size_t n;
	const struct vif *vifs = spec_vifs(from, &n), *other;

	for (size_t i = 0; i < n; i++) {
		other = vif_of(to, vifs[i].index);
		if (!other || !same_mac(&vifs[i], other))
			emit_vif(d, "vif-detach", &vifs[i]);
	}
	vifs = spec_vifs(to, &n);
	for (size_t i = 0; i < n; i++) {
		other = vif_of(from, vifs[i].index);
		if (!other || !same_mac(&vifs[i], other))
			emit_vif(d, "vif-attach", &vifs[i]);
	}
}

void devices_found(struct domain *d)
{
	bool same = d->unchanged_of.tv_sec == d->started.tv_sec && d->unchanged_of.tv_nsec == d->started.tv_nsec;

	/* One whose record was lost has no devices as far as is known: a commit is not to take that for a change. */
	if (same && spec_memory(d->live))
		return;
	spec_unref(d->unchanged);
	d->unchanged = NULL;
}

bool devices_take(struct domain *d, const struct spec *live)
{
	struct spec *from = d->live, *disks = NULL, *with = NULL;
	size_t ndisks, nvifs;
	const struct disk *disk = spec_disks(live, &ndisks);
	const struct vif *vif = spec_vifs(live, &nvifs);
	struct err e = { 0 };
	bool first = false;

	if (!from)
		return false;
	/* All else that is in force may have changed since LIVE was made. */
	if (spec_with_disks(from, disk, ndisks, &disks, &e) || spec_with_vifs(disks, vif, nvifs, &with, &e)) {
		domain_log(d, "what it has of devices cannot be told: %s", e.text);
	} else if (!spec_equal(from, with)) {
		first = !d->unchanged;
		if (first) {
			d->unchanged = spec_ref(from);
			d->unchanged_of = d->started;
		}
		d->live = spec_ref(with);
		domain_touch(d);
		emit_disks(d, from, with);
		emit_vifs(d, from, with);
		spec_unref(from);
	}
	spec_unref(disks);
	spec_unref(with);
	return first;
}
