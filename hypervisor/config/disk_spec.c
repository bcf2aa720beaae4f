#include "hypervisor/config/disk_spec.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "hypervisor/config/parts.h"

const char *const disk_format_names[FORMAT_COUNT] = {
	[FORMAT_RAW] = "raw", [FORMAT_QCOW2] = "qcow2", [FORMAT_QCOW] = "qcow",   [FORMAT_QED] = "qed",
	[FORMAT_VHD] = "vhd", [FORMAT_VHDX] = "vhdx",   [FORMAT_EMPTY] = "empty",
};

/* A disk while it is read: what is said is apart from what it comes to. */
struct draft {
	struct disk d;
	bool has_format, has_access, has_target, has_disk, phy;
};

/* What is said by its place and again by its name. */
static int twice(struct err *e, const char *what)
{
	return fail(e, EINVAL, "%s is said twice", what);
}

static int set_format(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct draft *x = obj;

	(void)a;
	if (x->has_format)
		return twice(e, "format");
	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		if (!strcmp(value, disk_format_names[i])) {
			x->d.format = i;
			x->has_format = true;
			return 0;
		}
	}
	return fail(e, EINVAL, "\"%s\" is not a format: raw, qcow2, qcow, qed, vhd, vhdx or empty", value);
}

static int set_devtype(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct draft *x = obj;

	(void)a;
	if (strcmp(value, "cdrom") != 0 && strcmp(value, "disk") != 0)
		return fail(e, EINVAL, "\"%s\" is not a type of device: cdrom or disk", value);
	x->d.cdrom |= !strcmp(value, "cdrom");
	x->has_disk |= !strcmp(value, "disk");
	return x->d.cdrom && x->has_disk ? fail(e, EINVAL, "cdrom and disk exclude each other") : 0;
}

static int set_vdev(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct draft *x = obj;
	const char *colon = strchr(value, ':');
	int rc = 0;

	if (x->d.vdev)
		return twice(e, "vdev");
	if (colon) {
		if (strcmp(colon, ":cdrom") != 0 && strcmp(colon, ":disk") != 0)
			return fail(e, EINVAL, "\"%s\": behind the device's name stands :cdrom or :disk", value);
		value = arena_strndup(a, value, (size_t)(colon - value));
		rc = set_devtype(x, colon + 1, a, e);
	}
	return rc ? rc : vdev_parse(value, a, &x->d, e);
}

static int set_access(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct draft *x = obj;
	bool r = !strcmp(value, "r") || !strcmp(value, "ro");

	(void)a;
	if (x->has_access)
		return twice(e, "access");
	if (!r && strcmp(value, "w") != 0 && strcmp(value, "rw") != 0)
		return fail(e, EINVAL, "\"%s\" is not an access: r, ro, w or rw", value);
	x->d.readonly = r;
	x->has_access = true;
	return 0;
}

static int set_target(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct draft *x = obj;

	(void)a;
	if (x->has_target)
		return twice(e, "target");
	x->d.source = value;
	x->has_target = true;
	return 0;
}

static int set_cdrom(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	return set_devtype(obj, "cdrom", a, e);
}

static int set_script(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct draft *x = obj;

	(void)a;
	if (x->d.script)
		return twice(e, "script");
	x->d.script = value;
	return 0;
}

static int set_backend(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	(void)e;
	((struct draft *)obj)->d.backend = value;
	return 0;
}

static int set_backendtype(void *obj, const char *value, struct arena *a, struct err *e)
{
	static const char *const types[] = { "phy", "tap", "qdisk", "standalone" };

	(void)a;
	for (size_t i = 0; i < COUNT(types); i++) {
		if (!strcmp(value, types[i])) {
			((struct draft *)obj)->d.backendtype = types[i];
			return 0;
		}
	}
	return fail(e, EINVAL, "\"%s\" is not a type of backend: phy, tap, qdisk or standalone", value);
}

static int set_direct(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	(void)e;
	((struct draft *)obj)->d.direct_io_safe = true;
	return 0;
}

static int choose_discard(struct draft *x, int on, struct err *e)
{
	if (x->d.discard >= 0)
		return fail(e, EINVAL, "discard and no-discard exclude each other");
	x->d.discard = on;
	return 0;
}

static int set_discard(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	return choose_discard(obj, 1, e);
}

static int set_no_discard(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	return choose_discard(obj, 0, e);
}

static int set_trusted(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	if (((struct draft *)obj)->d.untrusted)
		return fail(e, EINVAL, "trusted and untrusted exclude each other");
	return 0;
}

static int set_untrusted(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	(void)e;
	((struct draft *)obj)->d.untrusted = true;
	return 0;
}

static int set_specification(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	if (strcmp(value, "xen") != 0 && strcmp(value, "virtio") != 0)
		return fail(e, EINVAL, "\"%s\" is not a specification: xen or virtio", value);
	((struct draft *)obj)->d.virtio = !strcmp(value, "virtio");
	return 0;
}

static const struct part_row rows[] = {
	{ "target", set_target, false },
	{ "format", set_format, false },
	{ "vdev", set_vdev, false },
	{ "access", set_access, false },
	{ "devtype", set_devtype, false },
	{ "cdrom", set_cdrom, true },
	{ "script", set_script, false },
	{ "backend", set_backend, false },
	{ "backendtype", set_backendtype, false },
	{ "direct-io-safe", set_direct, true },
	{ "discard", set_discard, true },
	{ "no-discard", set_no_discard, true },
	{ "trusted", set_trusted, true },
	{ "untrusted", set_untrusted, true },
	{ "specification", set_specification, false },
};

/* What once told the tools which driver to use. Some are formats, some scripts, the rest means nothing any more. */
static const struct {
	const char *prefix, *format, *script;
} prefixes[] = {
	{ "file:", NULL, NULL },       { "phy:", NULL, NULL },          { "tap:", NULL, NULL },
	{ "tap2:", NULL, NULL },       { "tapdisk:", NULL, NULL },      { "aio:", NULL, NULL },
	{ "ioemu:", NULL, NULL },      { "raw:", "raw", NULL },         { "qcow:", "qcow", NULL },
	{ "qcow2:", "qcow2", NULL },   { "vhd:", "vhd", NULL },         { "iscsi:", NULL, "block-iscsi" },
	{ "nbd:", NULL, "block-nbd" }, { "enbd:", NULL, "block-enbd" }, { "drbd:", NULL, "block-drbd" },
};

/* Takes the prefixes off the positional target S. */
static int target_set(struct draft *x, const char *s, struct arena *a, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COUNT(prefixes); i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (strncmp(s, prefixes[i].prefix, n) != 0)
			continue;
		s += n;
		s += strspn(s, " \t");
		x->phy |= !strcmp(prefixes[i].prefix, "phy:");
		if (prefixes[i].format)
			rc = set_format(x, prefixes[i].format, a, e);
		if (rc == 0 && prefixes[i].script)
			rc = set_script(x, prefixes[i].script, a, e);
		i = (size_t)-1; /* another may follow */
	}
	if (rc == 0 && s[0])
		rc = set_target(x, s, a, e);
	return rc;
}

static bool looks_like_vdev(const char *s, struct arena *a)
{
	struct draft x = { .d = { .discard = -1 } };

	return set_vdev(&x, s, a, NULL) == 0;
}

/* A part without a key: the next of target, format, vdev, access that was not said. xend's syntax has no format. */
static int positional(struct draft *x, const char *s, unsigned *next, struct arena *a, struct err *e)
{
	switch ((*next)++) {
	case 0:
		if (x->has_target)
			return positional(x, s, next, a, e);
		return target_set(x, s, a, e);
	case 1:
		if (!s[0])
			return 0;
		if (x->has_format || looks_like_vdev(s, a))
			return positional(x, s, next, a, e);
		return set_format(x, s, a, e);
	case 2:
		if (x->d.vdev)
			return positional(x, s, next, a, e);
		return s[0] ? set_vdev(x, s, a, e) : 0;
	case 3:
		if (!s[0])
			return 0;
		if (x->has_access)
			break;
		return set_access(x, s, a, e);
	default:
		if (!s[0])
			return 0;
	}
	return fail(e, EINVAL, "\"%s\" is one part too many, or not known", s);
}

static int finish(struct draft *x, struct arena *a, struct err *e)
{
	struct disk *d = &x->d;

	if (!d->vdev && d->cdrom && d->source && looks_like_vdev(d->source, a)) { /* 'hdc,cdrom': an empty drive */
		int rc = set_vdev(x, d->source, a, e);

		if (rc < 0)
			return rc;
		d->source = NULL;
	}
	if (!d->vdev)
		return fail(e, EINVAL, "the device's name in the guest is missing (vdev=xvda or so)");
	if (d->cdrom)
		d->readonly = true;
	if (!d->source && !d->cdrom)
		return fail(e, EINVAL, "%s: the image's path is missing; only a cdrom drive can be empty", d->vdev);
	if (d->format == FORMAT_EMPTY && d->source)
		return fail(e, EINVAL, "%s: the format is empty, yet there is an image", d->vdev);
	if (!d->source)
		d->format = FORMAT_EMPTY;
	if (d->source && !d->script && d->source[0] != '/') {
		if (!x->phy)
			return fail(e, EINVAL, "\"%s\" is not a full path; give it from / on", d->source);
		x->d.source = arena_join(a, "/dev/", d->source);
	}
	if (d->source && strlen(d->source) >= 4096)
		return fail(e, EINVAL, "a path has less than 4096 bytes");
	return 0;
}

int disk_spec_parse(const char *text, struct arena *a, struct disk *ret, size_t *at, struct err *e)
{
	struct draft x = { .d = { .discard = -1 } };
	struct parts parts = { .text = text, .all = "target", .arena = a };
	struct part p;
	uint64_t seen = 0;
	unsigned next = 0;
	size_t target_at = 0, access_at = SIZE_MAX;
	int rc = 0;

	while (rc == 0 && parts_next(&parts, &p)) {
		bool had_target = x.has_target, had_access = x.has_access;

		rc = parts_apply(&p, rows, COUNT(rows), &seen, &x, a, e);
		if (rc == -ENOENT)
			rc = positional(&x, p.value, &next, a, e);
		if (!had_target && x.has_target)
			target_at = p.at;
		if (!had_access && x.has_access && !x.d.readonly)
			access_at = p.at;
		if (rc < 0)
			*at = p.at;
	}
	if (rc == 0) {
		rc = finish(&x, a, e);
		if (rc < 0)
			*at = target_at;
	}
	if (rc == 0) {
		*ret = x.d;
		*at = x.d.cdrom ? access_at : SIZE_MAX;
	}
	return rc;
}

void disk_spec_print(const struct disk *d, struct buf *b)
{
	buf_printf(b, "format=%s,vdev=%s,access=%s", disk_format_names[d->format], d->vdev, d->readonly ? "ro" : "rw");
	if (d->cdrom)
		buf_puts(b, ",devtype=cdrom");
	if (d->backend)
		buf_printf(b, ",backend=%s", d->backend);
	if (d->backendtype)
		buf_printf(b, ",backendtype=%s", d->backendtype);
	if (d->script)
		buf_printf(b, ",script=%s", d->script);
	if (d->direct_io_safe)
		buf_puts(b, ",direct-io-safe");
	if (d->discard >= 0)
		buf_puts(b, d->discard ? ",discard" : ",no-discard");
	if (d->untrusted)
		buf_puts(b, ",untrusted");
	if (d->virtio)
		buf_puts(b, ",specification=virtio");
	if (d->source)
		buf_printf(b, ",target=%s", d->source);
}
