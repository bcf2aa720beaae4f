/* libxl's configuration of a guest as the text that xl would have made it from, as far as it is told of here. */
#include <stdio.h>
#include <string.h>

#include "backends/xen/xen.h"

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

static void put(struct buf *b, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(b, "%s = ", key);
	quote(b, value);
	buf_putc(b, '\n');
}

static void put_number(struct buf *b, const char *key, uint64_t n)
{
	buf_printf(b, "%s = %llu\n", key, (unsigned long long)n);
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

static void put_disk(struct buf *b, const libxl_device_disk *d)
{
	const char *backend = disk_backend(d->backend);
	struct buf t = { 0 };

	buf_printf(&t, "vdev=%s,format=%s,access=%s", d->vdev ? d->vdev : "xvda", disk_format(d->format),
	           d->readwrite ? "rw" : "ro");
	if (d->is_cdrom)
		buf_puts(&t, ",devtype=cdrom");
	if (backend)
		buf_printf(&t, ",backendtype=%s", backend);
	if (d->backend_domname)
		buf_printf(&t, ",backend=%s", d->backend_domname);
	if (d->script)
		buf_printf(&t, ",script=%s", d->script);
	if (d->pdev_path && *d->pdev_path)
		buf_printf(&t, ",target=%s", d->pdev_path); /* last: what follows is all its own */
	quote(b, t.p);
	buf_free(&t);
}

static void put_nic(struct buf *b, const libxl_device_nic *n)
{
	char mac[MAC_TEXT];
	struct buf t = { 0 };

	buf_printf(&t, "mac=%s", mac_format(mac, n->mac));
	if (n->bridge && *n->bridge)
		buf_printf(&t, ",bridge=%s", n->bridge);
	if (n->nictype == LIBXL_NIC_TYPE_VIF)
		buf_puts(&t, ",type=vif");
	if (n->nictype == LIBXL_NIC_TYPE_VIF_IOEMU && n->model && *n->model)
		buf_printf(&t, ",type=ioemu,model=%s", n->model);
	if (n->ifname && *n->ifname)
		buf_printf(&t, ",vifname=%s", n->ifname);
	if (n->ip && *n->ip)
		buf_printf(&t, ",ip=%s", n->ip);
	quote(b, t.p);
	buf_free(&t);
}

static void put_devices(const libxl_domain_config *c, struct buf *b)
{
	if (c->num_disks > 0) {
		buf_puts(b, "disk = [");
		for (int i = 0; i < c->num_disks; i++) {
			buf_puts(b, i ? ", " : " ");
			put_disk(b, &c->disks[i]);
		}
		buf_puts(b, " ]\n");
	}
	if (c->num_nics > 0) {
		buf_puts(b, "vif = [");
		for (int i = 0; i < c->num_nics; i++) {
			buf_puts(b, i ? ", " : " ");
			put_nic(b, &c->nics[i]);
		}
		buf_puts(b, " ]\n");
	}
}

/* libxl spells them with underscores, xl.cfg with hyphens. */
static void put_action(struct buf *b, const char *key, libxl_action_on_shutdown a)
{
	const char *s = libxl_action_on_shutdown_to_string(a);
	char word[32];

	snprintf(word, sizeof(word), "%s", s ? s : "");
	for (char *p = word; *p; p++)
		if (*p == '_')
			*p = '-';
	put(b, key, word);
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

void xen_foreign_print(const libxl_domain_config *c, struct buf *b)
{
	const libxl_domain_build_info *bi = &c->b_info;
	char uuid[UUID_TEXT];
	struct uuid u;
	int max = bi->max_vcpus > 0 ? bi->max_vcpus : 1, vcpus = libxl_bitmap_count_set(&bi->avail_vcpus);

	memcpy(u.b, c->c_info.uuid.uuid, sizeof(u.b));
	put(b, "type", libxl_domain_type_to_string(c->c_info.type));
	put(b, "uuid", uuid_format(uuid, &u));
	put_number(b, "memory", memory(c) / 1024);
	if (bi->max_memkb / 1024 > memory(c) / 1024)
		put_number(b, "maxmem", bi->max_memkb / 1024);
	put_number(b, "vcpus", (uint64_t)(vcpus > 0 && vcpus <= max ? vcpus : max));
	put_number(b, "maxvcpus", (uint64_t)max);
	put(b, "kernel", bi->kernel);
	put(b, "ramdisk", bi->ramdisk);
	put(b, "cmdline", bi->cmdline);
	put(b, "bootloader", bi->bootloader);
	put_devices(c, b);
	put_action(b, "on_poweroff", c->on_poweroff);
	put_action(b, "on_reboot", c->on_reboot);
	put_action(b, "on_crash", c->on_crash);
}
