/*
 * One configuration read twice: by domfs and by Xen's own libxlutil, key by key, disk by disk, vif by vif. xl reads vifs by
 * itself; what it does with them is said again here, in a few lines. One thread.
 */
#ifndef TEST_XEN_COMPARE_H
#define TEST_XEN_COMPARE_H

#include <errno.h>
#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "tests/unit/config.h"

enum readers { NEITHER, DOMFS = 1, XEN = 2, BOTH = 3 };

struct compared {
	enum readers took;
	struct err domfs; /* why domfs did not take it */
	struct buf xen;   /* libxlutil's words */
	struct buf apart; /* a line for each thing that the two read in different ways */
};

static void compared_free(struct compared *c)
{
	buf_free(&c->xen);
	buf_free(&c->apart);
}

/* What libxlutil prints goes into C->xen, between report_open() and report_close(). */
static FILE *report_open(char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (!f)
		abort();
	return f;
}

static void report_close(FILE *f, char **text, struct buf *to)
{
	fclose(f);
	buf_puts(to, *text);
	free(*text);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void differ(struct compared *c, const char *what, const char *domfs, const char *xen)
{
	if (same(domfs, xen))
		return;
	domfs = domfs ? domfs : "(none)";
	xen = xen ? xen : "(none)";
	buf_printf(&c->apart, "%s: \"", what);
	buf_escape(&c->apart, domfs, strlen(domfs));
	buf_puts(&c->apart, "\", libxlutil \"");
	buf_escape(&c->apart, xen, strlen(xen));
	buf_puts(&c->apart, "\"\n");
}

static void differ_number(struct compared *c, const char *what, long long domfs, long long xen)
{
	if (domfs != xen)
		buf_printf(&c->apart, "%s: %lld, libxlutil %lld\n", what, domfs, xen);
}

/* ---- disks ---- */

static const libxl_disk_format xen_formats[FORMAT_COUNT] = {
	[FORMAT_RAW] = LIBXL_DISK_FORMAT_RAW,      [FORMAT_QCOW2] = LIBXL_DISK_FORMAT_QCOW2,
	[FORMAT_QCOW] = LIBXL_DISK_FORMAT_QCOW,    [FORMAT_QED] = LIBXL_DISK_FORMAT_QED,
	[FORMAT_VHD] = LIBXL_DISK_FORMAT_VHD,      [FORMAT_EMPTY] = LIBXL_DISK_FORMAT_EMPTY,
	[FORMAT_VHDX] = LIBXL_DISK_FORMAT_UNKNOWN,
};

static const char *not_empty(const char *s)
{
	return s && s[0] ? s : NULL;
}

static int compare_defbool(libxl_defbool b)
{
	return libxl_defbool_is_default(b) ? -1 : libxl_defbool_val(b);
}

static void compare_disk(struct compared *c, const struct disk *d, const libxl_device_disk *x)
{
	static const char *const backends[] = { NULL, "phy", "tap", "qdisk", "standalone" };
	libxl_disk_format format = x->format == LIBXL_DISK_FORMAT_UNKNOWN ? LIBXL_DISK_FORMAT_RAW : x->format;

	differ(c, "vdev", d->vdev, x->vdev);
	differ(c, "target", d->source, not_empty(x->pdev_path));
	differ(c, "format", libxl_disk_format_to_string(xen_formats[d->format]), libxl_disk_format_to_string(format));
	differ_number(c, "cdrom", d->cdrom, x->is_cdrom);
	differ_number(c, "readonly", d->readonly, !x->readwrite);
	differ(c, "script", d->script, not_empty(x->script));
	differ(c, "backend", d->backend, not_empty(x->backend_domname));
	differ(c, "backendtype", d->backendtype, backends[x->backend]);
	differ_number(c, "direct-io-safe", d->direct_io_safe, x->direct_io_safe);
	differ_number(c, "discard", d->discard, compare_defbool(x->discard_enable));
	differ_number(c, "untrusted", d->untrusted, compare_defbool(x->trusted) == 0);
	differ_number(c, "virtio", d->virtio, x->specification == LIBXL_DISK_SPECIFICATION_VIRTIO);
}

/* ---- vifs: as xl_parse.c takes them apart ---- */

static const char *xen_vif_part(const char *text, const char *name)
{
	static char value[4096];
	char *copy = x_strdup(text), *rest = copy, *part, *save = NULL;
	const char *found = NULL;
	size_t n = strlen(name);

	while ((part = strtok_r(rest, ",", &save)) != NULL) {
		rest = NULL;
		part += strspn(part, " ");
		if (strncmp(part, name, n) != 0 || part[n] != '=')
			continue;
		snprintf(value, sizeof(value), "%s", part + n + 1);
		found = value;
	}
	free(copy);
	return found;
}

static const char *xen_vif_type(const char *text)
{
	const char *type = xen_vif_part(text, "type");

	return same(type, "netfront") ? "vif" : type;
}

static bool xen_rate(XLU_Config *cfg, const char *rate, libxl_device_nic *ret)
{
	libxl_device_nic_init(ret);
	return !rate || xlu_vif_parse_rate(cfg, rate, ret) == 0;
}

static void compare_rate(struct compared *c, const struct vif *v, XLU_Config *cfg, const char *rate)
{
	libxl_device_nic nic;

	xen_rate(cfg, rate, &nic);
	differ_number(c, "rate's window", rate ? v->rate_usec : 0, nic.rate_interval_usecs);
	differ_number(c, "rate", (long long)(v->rate_bytes * v->rate_usec / 1000000),
	              (long long)nic.rate_bytes_per_interval);
	libxl_device_nic_dispose(&nic);
}

static void compare_vif(struct compared *c, const struct vif *v, unsigned index, XLU_Config *cfg, const char *text)
{
	const struct {
		const char *name, *value;
	} texts[] = { { "bridge", v->bridge }, { "ip", v->ip },           { "script", v->script },
		      { "model", v->model },   { "vifname", v->vifname }, { "backend", v->backend } };
	char mac[MAC_TEXT];
	const char *x = xen_vif_part(text, "mac");

	if (!x != !v->has_mac || (x && strcasecmp(x, mac_format(mac, v->mac)) != 0))
		differ(c, "mac", v->has_mac ? mac : NULL, x);
	for (size_t i = 0; i < COUNT(texts); i++)
		differ(c, texts[i].name, texts[i].value, xen_vif_part(text, texts[i].name));
	differ(c, "type", v->type, xen_vif_type(text));
	x = xen_vif_part(text, "gatewaydev");
	differ(c, "gatewaydev", v->gatewaydev, x ? x : xen_vif_part(text, "netdev"));
	x = xen_vif_part(text, "devid");
	differ_number(c, "devid", v->index, x ? strtol(x, NULL, 0) : (long)index);
	x = xen_vif_part(text, "mtu");
	differ_number(c, "mtu", v->mtu, x ? strtol(x, NULL, 0) : 0);
	compare_rate(c, v, cfg, xen_vif_part(text, "rate"));
}

/* ---- keys ---- */

/* The text of a list inside of a list, as domfs prints it when nothing in it needs an escape. */
static void nested_text(const XLU_Config *cfg, XLU_ConfigValue *v, struct buf *b)
{
	XLU_ConfigList *list = NULL;
	XLU_ConfigValue *item;
	char *text = NULL;

	if (xlu_cfg_value_type(v) == XLU_STRING) {
		xlu_cfg_value_get_string(cfg, v, &text, 1);
		buf_printf(b, "\"%s\"", text);
		return;
	}
	xlu_cfg_value_get_list(cfg, v, &list, 1);
	buf_puts(b, "[");
	for (int i = 0; (item = xlu_cfg_get_listitem2(list, i)) != NULL; i++) {
		buf_puts(b, i ? ", " : " ");
		nested_text(cfg, item, b);
	}
	buf_puts(b, " ]");
}

static void compare_items(struct compared *c, const struct spec *s, enum key k, const XLU_Config *cfg,
                          XLU_ConfigList *list)
{
	const char *const *items;
	size_t n = spec_list(s, k, &items), i = 0;
	XLU_ConfigValue *v;

	for (; (v = xlu_cfg_get_listitem2(list, (int)i)) != NULL; i++) {
		struct buf nested = { 0 };
		char *text = NULL;

		if (xlu_cfg_value_type(v) == XLU_LIST)
			nested_text(cfg, v, &nested);
		else
			xlu_cfg_value_get_string(cfg, v, &text, 1);
		differ(c, key_table[k].name, i < n ? items[i] : NULL, text ? text : nested.p);
		buf_free(&nested);
	}
	differ_number(c, key_table[k].name, (long long)n, (long long)i);
}

static void compare_disks(struct compared *c, const struct spec *s, XLU_Config *cfg, XLU_ConfigList *list)
{
	size_t n;
	const struct disk *disks = spec_disks(s, &n);
	bool cdrom = spec_has(s, KEY_cdrom); /* a key that xl does not know: it fills a drive, or adds one */
	const char *item;
	size_t i = 0;

	for (; (item = xlu_cfg_get_listitem(list, (int)i)) != NULL; i++) {
		libxl_device_disk x;

		libxl_device_disk_init(&x);
		if (xlu_disk_parse(cfg, 1, &item, &x) == 0 && i < n && !(cdrom && disks[i].cdrom))
			compare_disk(c, &disks[i], &x);
		libxl_device_disk_dispose(&x);
	}
	if (!cdrom)
		differ_number(c, "disks", (long long)n, (long long)i);
}

static void compare_vifs(struct compared *c, const struct spec *s, XLU_Config *cfg, XLU_ConfigList *list)
{
	size_t n;
	const struct vif *vifs = spec_vifs(s, &n);
	const char *item;
	size_t i = 0;

	for (; (item = xlu_cfg_get_listitem(list, (int)i)) != NULL; i++)
		if (i < n)
			compare_vif(c, &vifs[i], (unsigned)i, cfg, item);
	if (!spec_has(s, KEY_nics))
		differ_number(c, "vifs", (long long)n, (long long)i);
}

static void compare_text(struct compared *c, const struct spec *s, enum key k, const char *text)
{
	const char *own = spec_str(s, k, "");
	struct uuid u;
	char uuid[UUID_TEXT];

	if (k == KEY_uuid && parse_uuid(text, &u, NULL) == 0)
		text = uuid_format(uuid, &u);
	differ(c, key_table[k].name, own, text);
}

static void compare_atom(struct compared *c, const struct spec *s, enum key k, const XLU_Config *cfg, const char *text)
{
	const char *name = key_table[k].name;
	long number = 0;

	switch (key_table[k].type) {
	case TYPE_STRING:
		compare_text(c, s, k, text);
		break;
	case TYPE_INT:
	case TYPE_BOOL:
		if (xlu_cfg_get_long(cfg, name, &number, 0) != 0)
			buf_printf(&c->apart, "%s: libxlutil has no number for \"%s\"\n", name, text);
		else if (key_table[k].type == TYPE_INT)
			differ_number(c, name, (long long)spec_int(s, k, 0), number);
		else
			differ_number(c, name, spec_bool(s, k, false), number != 0);
		break;
	case TYPE_ACTION:
		differ(c, name, action_names[spec_action(s, k, ACTION_COUNT - 1)], text);
		break;
	case TYPE_LIST: /* one string is a list of one, or is split at blanks */
		if (k != KEY_bootloader_args)
			differ(c, name, spec_str(s, k, ""), text);
		break;
	case TYPE_CPUS:
		differ(c, name, spec_str(s, k, ""), text);
		break;
	}
}

static void compare_key(struct compared *c, const struct spec *s, enum key k, XLU_Config *cfg)
{
	const char *name = key_table[k].name, *text = NULL;
	XLU_ConfigList *list = NULL;
	int rc = xlu_cfg_get_list(cfg, name, &list, NULL, 1);

	if (rc == EINVAL)
		rc = xlu_cfg_get_string(cfg, name, &text, 1);
	if (rc == ESRCH) {
		if (spec_has(s, k))
			buf_printf(&c->apart, "%s: domfs alone has it\n", name);
		return;
	}
	if (!spec_has(s, k)) { /* an empty one counts as not said */
		if (list ? xlu_cfg_get_listitem2(list, 0) != NULL : text[0] != '\0')
			buf_printf(&c->apart, "%s: libxlutil alone has it\n", name);
		return;
	}
	if (!list)
		compare_atom(c, s, k, cfg, text);
	else if (k == KEY_disk)
		compare_disks(c, s, cfg, list);
	else if (k == KEY_vif)
		compare_vifs(c, s, cfg, list);
	else if (k != KEY_vfb) /* taken apart by xl, and kept as it is by domfs */
		compare_items(c, s, k, cfg, list);
}

/* Whether libxlutil takes all that it would be asked to take apart. */
static bool xen_takes(XLU_Config *cfg)
{
	XLU_ConfigList *list = NULL;
	const char *item;
	bool all = true;

	if (xlu_cfg_get_list(cfg, "disk", &list, NULL, 1) == 0) {
		for (int i = 0; (item = xlu_cfg_get_listitem(list, i)) != NULL; i++) {
			libxl_device_disk x;

			libxl_device_disk_init(&x);
			/* It ends the process at a newline, which no rule of its scanner takes. */
			all &= !strchr(item, '\n') && xlu_disk_parse(cfg, 1, &item, &x) == 0;
			libxl_device_disk_dispose(&x);
		}
	}
	if (xlu_cfg_get_list(cfg, "vif", &list, NULL, 1) == 0) {
		for (int i = 0; (item = xlu_cfg_get_listitem(list, i)) != NULL; i++) {
			libxl_device_nic x;

			all &= xen_rate(cfg, xen_vif_part(item, "rate"), &x);
			libxl_device_nic_dispose(&x);
		}
	}
	return all;
}

/* Free *RET with compared_free(). */
static void compare(const char *text, size_t len, struct compared *ret)
{
	struct compared c = { 0 };
	char *report = NULL;
	size_t report_len = 0;
	FILE *f = report_open(&report, &report_len);
	XLU_Config *cfg = xlu_cfg_init(f, "text");
	struct spec *s = NULL;

	if (spec_parse(text, len, &s, NULL, &c.domfs) == 0)
		c.took |= DOMFS;
	if (xlu_cfg_readdata(cfg, text, (int)len) == 0 && xen_takes(cfg))
		c.took |= XEN;
	for (unsigned k = 0; c.took == BOTH && k < KEY_COUNT; k++)
		compare_key(&c, s, (enum key)k, cfg);
	spec_unref(s);
	xlu_cfg_destroy(cfg);
	report_close(f, &report, &c.xen);
	*ret = c;
}

#endif
