/*
 * What xenstore has of a guest's devices against what is in force here: other tools give and take them as well. That a device
 * is there is said by libxl's own part of xenstore, which no guest writes; what it is, by the configuration that libxl keeps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen.h"
#include "log.h"

#define FADING_MSEC 1500 /* whoever destroys a guest pauses it and takes its devices first */
#define ODD_MSEC 10000   /* where a path begins that is not a full one is known when the other tool's script has run */

/* The numbers of one kind of device that are there. */
struct present {
	long *numbers;
	unsigned n;
};

struct look {
	struct guest *g;
	struct spec *now;  /* in force so far, then as it is found; a reference */
	struct spec *kept; /* what libxl keeps, a reference; NULL: it cannot be told */
	struct present disks, vifs;
};

static struct present list(struct xs_handle *xs, int id, const char *kind)
{
	struct present p = { 0 };
	char path[64], **names;
	unsigned n = 0;

	snprintf(path, sizeof(path), "/libxl/%d/device/%s", id, kind);
	names = xs_directory(xs, XBT_NULL, path, &n);
	p.numbers = x_array(n ? n : 1, sizeof(*p.numbers));
	for (unsigned i = 0; names && i < n; i++)
		p.numbers[p.n++] = strtol(names[i], NULL, 10);
	free(names);
	return p;
}

static bool has(const struct present *p, long number)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->numbers[i] == number)
			return true;
	return false;
}

static int disk_index(const struct spec *s, long number)
{
	size_t n;
	const struct disk *disks = spec_disks(s, &n);

	for (size_t i = 0; i < n; i++)
		if (xen_disk_number(&disks[i]) == number)
			return (int)i;
	return -1;
}

static int vif_index(const struct spec *s, long number)
{
	size_t n;
	const struct vif *vifs = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++)
		if (vifs[i].index == number)
			return (int)i;
	return -1;
}

static bool differs(const struct look *l, bool *went)
{
	size_t ndisks, nvifs;
	const struct disk *disks = spec_disks(l->now, &ndisks);
	const struct vif *vifs = spec_vifs(l->now, &nvifs);
	bool came = false;

	*went = false;
	for (size_t i = 0; i < ndisks; i++)
		*went |= !has(&l->disks, xen_disk_number(&disks[i]));
	for (size_t i = 0; i < nvifs; i++)
		*went |= !has(&l->vifs, (long)vifs[i].index);
	for (unsigned i = 0; i < l->disks.n; i++)
		came |= disk_index(l->now, l->disks.numbers[i]) < 0;
	for (unsigned i = 0; i < l->vifs.n; i++)
		came |= vif_index(l->now, l->vifs.numbers[i]) < 0;
	return came || *went;
}

/* ---- as it is found ---- */

static void set(struct look *l, enum key k, const char *value)
{
	struct spec *with = NULL;
	struct err e = { 0 };

	if (value || spec_has(l->now, k)) {
		if (spec_with(l->now, k, value, &with, &e)) {
			log_warn("the domain with id %d: what another tool gave it cannot be told: %s", (int)l->g->id,
			         e.text);
			return;
		}
		spec_unref(l->now);
		l->now = with;
	}
}

static void put(struct buf *list, const char *item, const char *more)
{
	buf_puts(list, list->len ? ", \"" : "[ \"");
	for (const char *p = item; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_putc(list, '\\');
		buf_putc(list, *p);
	}
	buf_printf(list, "%s\"", more);
}

static void copy_list(struct look *to, enum key k, enum key also, const struct spec *from)
{
	const char *const *items;
	size_t n = spec_list(from, k, &items);
	struct buf text = { 0 };

	for (size_t i = 0; i < n; i++)
		put(&text, items[i], "");
	buf_puts(&text, n ? " ]" : "[ ]");
	if (!spec_has(from, also))
		set(to, also, NULL);
	set(to, k, spec_has(from, k) ? text.p : NULL);
	buf_free(&text);
}

struct spec *xen_device_spec(struct guest *g, const struct spec *live)
{
	struct look l = { .g = g, .now = xen_guest_spec(g) };

	copy_list(&l, KEY_disk, KEY_cdrom, live);
	copy_list(&l, KEY_vif, KEY_nics, live);
	return l.now;
}

/* The drive of cdrom= has the medium that it says, which libxl keeps as what it was opened by. */
static bool drive_stays(const struct look *l, const struct disk *disks, size_t n, long media)
{
	for (size_t i = 0; i < n; i++) {
		long number = xen_disk_number(&disks[i]);

		if (disks[i].cdrom && (number == media || !has(&l->disks, number)))
			return false;
	}
	return spec_has(l->now, KEY_cdrom);
}

/* Those that are still there as they are, a changed medium and what came as libxl keeps it. */
static void take_disks(struct look *l, long media)
{
	const char *const *items, *const *kept = NULL;
	size_t n = spec_list(l->now, KEY_disk, &items), nkept = l->kept ? spec_list(l->kept, KEY_disk, &kept) : 0, all;
	const struct disk *disks = spec_disks(l->now, &all);
	struct buf text = { 0 };
	bool drive = spec_has(l->now, KEY_cdrom), stays = drive_stays(l, disks, all, media);

	for (size_t i = 0; i < all; i++) {
		long number = xen_disk_number(&disks[i]);
		int at = l->kept ? disk_index(l->kept, number) : -1;

		if (!has(&l->disks, number))
			continue;
		if (!stays && (i >= n || (disks[i].cdrom && (drive || number == media))) && at >= 0 &&
		    (size_t)at < nkept)
			put(&text, kept[at], "");
		else if (i < n)
			put(&text, items[i], "");
	}
	for (unsigned i = 0; i < l->disks.n; i++) {
		int at = l->kept ? disk_index(l->kept, l->disks.numbers[i]) : -1;

		if (disk_index(l->now, l->disks.numbers[i]) < 0 && at >= 0 && (size_t)at < nkept)
			put(&text, kept[at], "");
	}
	buf_puts(&text, text.len ? " ]" : "[ ]");
	if (!stays)
		set(l, KEY_cdrom, NULL);
	set(l, KEY_disk, text.p);
	buf_free(&text);
}

/* One that says no number has that of its place, which may be another now. */
static void put_vif(struct buf *text, const char *item, const struct vif *v)
{
	char devid[24] = "";

	if (!strstr(item, "devid="))
		snprintf(devid, sizeof(devid), "%sdevid=%u", *item ? "," : "", v->index);
	put(text, item, devid);
}

static void take_vifs(struct look *l)
{
	const char *const *items, *const *kept = NULL;
	size_t n = spec_list(l->now, KEY_vif, &items), nkept = l->kept ? spec_list(l->kept, KEY_vif, &kept) : 0, all, k;
	const struct vif *vifs = spec_vifs(l->now, &all), *other = l->kept ? spec_vifs(l->kept, &k) : NULL;
	struct buf text = { 0 };

	for (size_t i = 0; i < all; i++)
		if (has(&l->vifs, (long)vifs[i].index))
			put_vif(&text, i < n ? items[i] : "", &vifs[i]);
	for (unsigned i = 0; i < l->vifs.n; i++) {
		int at = l->kept ? vif_index(l->kept, l->vifs.numbers[i]) : -1;

		if (vif_index(l->now, l->vifs.numbers[i]) < 0 && at >= 0 && (size_t)at < nkept)
			put_vif(&text, kept[at], &other[at]);
	}
	buf_puts(&text, text.len ? " ]" : "[ ]");
	set(l, KEY_nics, NULL);
	set(l, KEY_vif, text.p);
	buf_free(&text);
}

/* ---- media ---- */

static uint64_t hash_media(const struct disk *d)
{
	const char *source = d->source ? d->source : "";

	return hash_text(source, strlen(source)) | 1;
}

/* The number of the drive that has another medium than when it was looked at last; -1: none. */
static long find_media(const struct look *l)
{
	struct guest *g = l->g;
	const struct disk *disks;
	long found = -1;
	bool ours;
	size_t n;

	if (!l->kept)
		return -1;
	ours = atomic_exchange(&g->media_ours, false);
	disks = spec_disks(l->kept, &n);
	for (size_t i = 0; i < n; i++) {
		long number = xen_disk_number(&disks[i]);
		struct xen_media *m = NULL;

		if (!disks[i].cdrom || number < 0)
			continue;
		for (size_t k = 0; k < COUNT(g->media) && !m; k++)
			if (!g->media[k].hash || g->media[k].number == number)
				m = &g->media[k];
		if (!m)
			continue;
		if (m->hash && m->hash != hash_media(&disks[i]) && !ours)
			found = number;
		*m = (struct xen_media){ number, hash_media(&disks[i]) };
	}
	return found;
}

/* ---- looking ---- */

/* Whoever destroys it takes its devices first: that is not told. True: look again later. */
static bool fades(struct guest *g, libxl_ctx *ctx, bool went)
{
	libxl_dominfo info;
	bool still;

	if (!went) {
		g->went = 0;
		return false;
	}
	libxl_dominfo_init(&info);
	still = libxl_domain_info(ctx, &info, (uint32_t)g->id) == 0 && !info.dying && !info.shutdown && !info.paused;
	libxl_dominfo_dispose(&info);
	if (!g->went)
		g->went = clock_msec();
	if (!still && clock_msec() - g->went < FADING_MSEC)
		return true;
	g->went = 0;
	return false;
}

/* Something is there that what libxl keeps does not tell of: perhaps not yet. */
static void look_odd(struct guest *g, bool odd, const struct buf *left)
{
	if (!odd || !g->odd)
		g->odd = odd ? clock_msec() : 0;
	if (odd && clock_msec() - g->odd < ODD_MSEC)
		atomic_store(&g->look, true);
	else
		xen_foreign_say(g, left);
}

static void look(struct look *l, libxl_ctx *ctx)
{
	struct guest *g = l->g;
	struct buf left = { 0 };
	struct spec *from = spec_ref(l->now);
	bool went, changed = differs(l, &went), drives = false;
	size_t n;
	const struct disk *disks = spec_disks(l->now, &n);
	long media = -1;

	for (size_t i = 0; i < n; i++)
		drives |= disks[i].cdrom;
	if (!changed)
		g->odd = 0;
	if (fades(g, ctx, went)) {
		atomic_store(&g->look, true);
	} else if (changed || drives) {
		l->kept = xen_foreign_kept(ctx, g, &left);
		media = find_media(l);
		if (changed || media >= 0) {
			take_disks(l, media);
			take_vifs(l);
		}
		look_odd(g, differs(l, &went), &left);
		buf_free(&left);
	}
	if (!spec_equal(from, l->now)) {
		if (xen_device_found(g, from, l->now))
			g->b->sink->devices(g->domain, l->now);
		else
			atomic_store(&g->look, true);
	}
	spec_unref(from);
}

void xen_device_look(struct guest *g, libxl_ctx *ctx, struct xs_handle *xs)
{
	struct look l = { .g = g };
	bool later;

	if (!g->domain || !g->told || atomic_load(&g->destroying))
		return;
	atomic_store(&g->look, false);
	lock_acquire(&g->lock);
	later = g->changing || g->ended || g->gone; /* who changes them has it looked at then */
	l.now = later ? NULL : spec_ref(g->spec);
	lock_release(&g->lock);
	if (later)
		return;
	l.disks = list(xs, g->id, "vbd");
	l.vifs = list(xs, g->id, "vif");
	look(&l, ctx);
	free(l.disks.numbers);
	free(l.vifs.numbers);
	spec_unref(l.now);
	spec_unref(l.kept);
}
