/*
 * libxl's configuration of a guest in the words that xl would have made it from, as far as it is told of here. They are laid
 * over each other one by one: what the language does not take, a path that begins where xl ran, is left out alone.
 */
#include <stdio.h>
#include <string.h>

#include "backends/xen/xen.h"

struct telling {
	struct spec *spec;
	struct buf *left;
};

/* What the language has no text for, control bytes and the like, is told as such: \n, \x01. */
static void quote(struct buf *b, const char *s)
{
	struct buf text = { 0 };

	buf_escape(&text, s, strlen(s));
	buf_putc(b, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, text.p[i]);
	}
	buf_putc(b, '"');
	buf_free(&text);
}

static void lay(struct telling *t, const char *word)
{
	struct spec *with = NULL;
	struct err e = { 0 };

	if (spec_override(t->spec, &word, 1, &with, &e)) {
		buf_printf(t->left, "left out here: %s\n", (char *)e.text);
		return;
	}
	spec_unref(t->spec);
	t->spec = with;
}

static void put(struct telling *t, const char *key, const char *value)
{
	struct buf word = { 0 };

	if (!value || !*value)
		return;
	buf_printf(&word, "%s=", key);
	quote(&word, value);
	lay(t, word.p);
	buf_free(&word);
}

static void put_item(struct telling *t, const char *key, const char *item)
{
	struct buf word = { 0 };

	buf_printf(&word, "%s+=[ ", key);
	quote(&word, item);
	buf_puts(&word, " ]");
	lay(t, word.p);
	buf_free(&word);
}

static void put_number(struct telling *t, const char *key, uint64_t n)
{
	char word[64];

	snprintf(word, sizeof(word), "%s=%llu", key, (unsigned long long)n);
	lay(t, word);
}

static const char *disk_format(libxl_disk_format f)
{
	switch (f) {
	case LIBXL_DISK_FORMAT_QCOW2:
		return "qcow2";
	case LIBXL_DISK_FORMAT_QCOW:
		return "qcow";
	case LIBXL_DISK_FORMAT_QED:
		return "qed";
	case LIBXL_DISK_FORMAT_VHD:
		return "vhd";
	default:
		return "raw";
	}
}

static const char *disk_backend(libxl_disk_backend k)
{
	return k == LIBXL_DISK_BACKEND_QDISK ? "qdisk" : k == LIBXL_DISK_BACKEND_TAP ? "tap" : NULL;
}

static void put_disk(struct telling *t, const libxl_device_disk *d)
{
	const char *backend = disk_backend(d->backend);
	struct buf b = { 0 };

	buf_printf(&b, "vdev=%s,format=%s,access=%s", d->vdev ? d->vdev : "xvda", disk_format(d->format),
	           d->readwrite ? "rw" : "ro");
	if (d->is_cdrom)
		buf_puts(&b, ",devtype=cdrom");
	if (backend)
		buf_printf(&b, ",backendtype=%s", backend);
	if (d->backend_domname)
		buf_printf(&b, ",backend=%s", d->backend_domname);
	if (d->script)
		buf_printf(&b, ",script=%s", d->script);
	if (d->pdev_path && *d->pdev_path)
		buf_printf(&b, ",target=%s", d->pdev_path); /* last: what follows is all its own */
	put_item(t, "disk", b.p);
	buf_free(&b);
}

static void put_nic(struct telling *t, const libxl_device_nic *n)
{
	char mac[MAC_TEXT];
	struct buf b = { 0 };

	buf_printf(&b, "mac=%s", mac_format(mac, n->mac));
	if (n->devid >= 0)
		buf_printf(&b, ",devid=%d", n->devid);
	if (n->bridge && *n->bridge)
		buf_printf(&b, ",bridge=%s", n->bridge);
	if (n->nictype == LIBXL_NIC_TYPE_VIF)
		buf_puts(&b, ",type=vif");
	if (n->nictype == LIBXL_NIC_TYPE_VIF_IOEMU && n->model && *n->model)
		buf_printf(&b, ",type=ioemu,model=%s", n->model);
	if (n->ifname && *n->ifname)
		buf_printf(&b, ",vifname=%s", n->ifname);
	if (n->ip && *n->ip)
		buf_printf(&b, ",ip=%s", n->ip);
	put_item(t, "vif", b.p);
	buf_free(&b);
}

/* libxl spells them with underscores, xl.cfg with hyphens. */
static void put_action(struct telling *t, const char *key, libxl_action_on_shutdown a)
{
	const char *s = libxl_action_on_shutdown_to_string(a);
	char word[32];

	snprintf(word, sizeof(word), "%s", s ? s : "");
	for (char *p = word; *p; p++)
		if (*p == '_')
			*p = '-';
	put(t, key, word);
}

/* libxl counts an HVM guest's video memory apart. */
static uint64_t memory(const libxl_domain_config *c)
{
	const libxl_domain_build_info *bi = &c->b_info;
	uint64_t kib = bi->target_memkb ? bi->target_memkb : bi->max_memkb;

	if (bi->target_memkb && c->c_info.type == LIBXL_DOMAIN_TYPE_HVM && bi->video_memkb != LIBXL_MEMKB_DEFAULT)
		kib += bi->video_memkb;
	return kib < bi->max_memkb ? kib : bi->max_memkb;
}

struct spec *xen_foreign_spec(const libxl_domain_config *c, struct buf *left)
{
	const libxl_domain_build_info *bi = &c->b_info;
	struct telling t = { .left = left };
	char uuid[UUID_TEXT];
	struct uuid u;
	int max = bi->max_vcpus > 0 ? bi->max_vcpus : 1, vcpus = libxl_bitmap_count_set(&bi->avail_vcpus);

	spec_parse("", 0, &t.spec, NULL, NULL);
	memcpy(u.b, c->c_info.uuid.uuid, sizeof(u.b));
	put(&t, "type", libxl_domain_type_to_string(c->c_info.type));
	put(&t, "uuid", uuid_format(uuid, &u));
	put_number(&t, "memory", memory(c) / 1024);
	if (bi->max_memkb / 1024 > memory(c) / 1024)
		put_number(&t, "maxmem", bi->max_memkb / 1024);
	put_number(&t, "maxvcpus", (uint64_t)max);
	put_number(&t, "vcpus", (uint64_t)(vcpus > 0 && vcpus <= max ? vcpus : max));
	put(&t, "kernel", bi->kernel);
	put(&t, "ramdisk", bi->ramdisk);
	put(&t, "cmdline", bi->cmdline);
	put(&t, "bootloader", bi->bootloader);
	for (int i = 0; i < c->num_disks; i++)
		put_disk(&t, &c->disks[i]);
	for (int i = 0; i < c->num_nics; i++)
		put_nic(&t, &c->nics[i]);
	put_action(&t, "on_poweroff", c->on_poweroff);
	put_action(&t, "on_reboot", c->on_reboot);
	put_action(&t, "on_crash", c->on_crash);
	return t.spec;
}
