/*
 * Disks, interfaces and displays for libxl. It puts their texts into QEMU's options as they are, so that whatever a
 * tenant could put a comma into is refused here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "backends/xen/spec.h"

/* ---- disks ---- */

static bool is_host(const char *backend)
{
	return !backend || !strcmp(backend, "0") || !strcmp(backend, "Domain-0") || !strcmp(backend, "dom0");
}

enum xen_disk_way xen_disk_way(const struct disk *d)
{
	if (!d->source || d->format == FORMAT_EMPTY)
		return XEN_DISK_EMPTY;
	if (d->script || !is_host(d->backend))
		return XEN_DISK_SAID;
	return d->format == FORMAT_RAW ? XEN_DISK_BLOCK : XEN_DISK_QEMU;
}

static const libxl_disk_format formats[FORMAT_COUNT] = {
	[FORMAT_RAW] = LIBXL_DISK_FORMAT_RAW,   [FORMAT_QCOW2] = LIBXL_DISK_FORMAT_QCOW2,
	[FORMAT_QCOW] = LIBXL_DISK_FORMAT_QCOW, [FORMAT_QED] = LIBXL_DISK_FORMAT_QED,
	[FORMAT_VHD] = LIBXL_DISK_FORMAT_VHD,   [FORMAT_EMPTY] = LIBXL_DISK_FORMAT_EMPTY,
};

static int check_disk(const struct disk *d, const char *path, bool hvm, bool tenant, struct err *e)
{
	enum xen_disk_way way = xen_disk_way(d);

	if (way == XEN_DISK_EMPTY)
		return d->cdrom ? 0
		                : fail(e, EINVAL, "disk %s: no image is named, which only a cdrom drive can do without",
		                       d->vdev);
	if (formats[d->format] == LIBXL_DISK_FORMAT_UNKNOWN)
		return fail(e, EOPNOTSUPP, "disk %s: format %s; convert it to raw", d->vdev,
		            disk_format_names[d->format]);
	/* QEMU would follow whatever other file the image's owner writes into its header. */
	if (way == XEN_DISK_QEMU && tenant)
		return fail(e, EPERM, "disk %s: format %s is for domains of root; convert it to raw", d->vdev,
		            disk_format_names[d->format]);
	if (d->virtio)
		return fail(e, EOPNOTSUPP, "disk %s: specification=virtio; a PC has Xen's own disks", d->vdev);
	if (d->backendtype && !strcmp(d->backendtype, "tap"))
		return fail(e, EOPNOTSUPP, "disk %s: backendtype=tap; phy and qdisk are served", d->vdev);
	if (d->backendtype && !strcmp(d->backendtype, "phy") && way == XEN_DISK_QEMU)
		return fail(e, EINVAL, "disk %s: backendtype=phy serves raw disks alone", d->vdev);
	if (hvm && d->bus == BUS_IDE && d->readonly && !d->cdrom)
		return fail(e, EINVAL, "disk %s: a disk on IDE cannot be read-only; name it xvdX or sdX", d->vdev);
	if (way == XEN_DISK_SAID || (!path && !tenant))
		path = d->source;
	if (!path)
		return fail(e, EINVAL, "disk %s: it was not opened", d->vdev);
	if (strchr(path, ','))
		return fail(e, EINVAL, "disk %s: %s: a path without a comma is wanted", d->vdev, path);
	return 0;
}

/* libxl insists on its own choice for the cdroms of hvm domains. */
static libxl_disk_backend disk_backend(const struct disk *d, bool hvm)
{
	enum xen_disk_way way = xen_disk_way(d);

	if (d->cdrom && hvm)
		return LIBXL_DISK_BACKEND_UNKNOWN;
	if (d->backendtype && !strcmp(d->backendtype, "standalone"))
		return LIBXL_DISK_BACKEND_STANDALONE;
	if (way == XEN_DISK_QEMU || (d->backendtype && !strcmp(d->backendtype, "qdisk")))
		return LIBXL_DISK_BACKEND_QDISK;
	if (way == XEN_DISK_BLOCK || (d->backendtype && !strcmp(d->backendtype, "phy")))
		return LIBXL_DISK_BACKEND_PHY;
	return LIBXL_DISK_BACKEND_UNKNOWN;
}

int xen_spec_disk(const struct disk *d, const char *path, bool hvm, bool tenant, libxl_device_disk *ret, struct err *e)
{
	enum xen_disk_way way = xen_disk_way(d);
	int rc = check_disk(d, path, hvm, tenant, e);

	if (rc)
		return rc;
	if (way != XEN_DISK_EMPTY)
		ret->pdev_path = x_strdup(way == XEN_DISK_SAID || !path ? d->source : path);
	ret->vdev = x_strdup(d->vdev);
	ret->format = way == XEN_DISK_EMPTY ? LIBXL_DISK_FORMAT_EMPTY : formats[d->format];
	ret->backend = disk_backend(d, hvm);
	ret->script = x_strdup(d->script);
	if (!is_host(d->backend))
		ret->backend_domname = x_strdup(d->backend);
	ret->is_cdrom = d->cdrom;
	ret->removable = d->cdrom;
	ret->readwrite = !d->readonly && !d->cdrom;
	ret->direct_io_safe = d->direct_io_safe;
	if (d->discard >= 0)
		libxl_defbool_set(&ret->discard_enable, d->discard);
	if (d->untrusted)
		libxl_defbool_set(&ret->trusted, false);
	return 0;
}

/* ---- interfaces ---- */

/* The cards that QEMU emulates, by xl's names. The others of QEMU's devices are not for everyone. */
static const struct {
	const char *model, *card;
} cards[] = {
	{ "rtl8139", "rtl8139" },
	{ "e1000", "e1000" },
	{ "e1000e", "e1000e" },
	{ "ne2k_pci", "ne2k_pci" },
	{ "pcnet", "pcnet" },
	{ "virtio", "virtio-net-pci" },
	{ "virtio-net", "virtio-net-pci" },
	{ "virtio-net-pci", "virtio-net-pci" },
};

static const char *card_of(const char *model)
{
	for (size_t i = 0; i < COUNT(cards); i++) {
		if (!strcmp(cards[i].model, model))
			return cards[i].card;
	}
	return NULL;
}

int xen_spec_vif(const struct vif *v, bool hvm, libxl_device_nic *ret, struct err *e)
{
	bool netfront = v->model && !strcmp(v->model, "netfront"), emulated = v->emulated && !netfront;

	if (emulated && !hvm)
		return fail(e, EOPNOTSUPP, "vif %u: type=ioemu; only hvm domains have emulated cards", v->index);
	if (v->model && emulated && !card_of(v->model))
		return fail(e, EOPNOTSUPP,
		            "vif %u: model %s; rtl8139, e1000, e1000e, ne2k_pci, pcnet and virtio are known", v->index,
		            v->model);
	if (v->rate_bytes > UINT64_MAX / v->rate_usec)
		return fail(e, EINVAL, "vif %u: rate: too large", v->index);
	ret->devid = (libxl_devid)v->index;
	ret->nictype = emulated ? LIBXL_NIC_TYPE_VIF_IOEMU : LIBXL_NIC_TYPE_VIF;
	if (v->has_mac)
		memcpy(ret->mac, v->mac, sizeof(v->mac));
	if (v->model && emulated)
		ret->model = x_strdup(card_of(v->model));
	ret->bridge = x_strdup(v->bridge);
	ret->ip = x_strdup(v->ip);
	ret->script = x_strdup(v->script);
	ret->ifname = x_strdup(v->vifname);
	ret->gatewaydev = x_strdup(v->gatewaydev);
	if (!is_host(v->backend))
		ret->backend_domname = x_strdup(v->backend);
	if (v->rate_bytes) {
		ret->rate_bytes_per_interval = v->rate_bytes * v->rate_usec / 1000000;
		ret->rate_interval_usecs = v->rate_usec;
	}
	if (v->mtu)
		ret->mtu = (int)v->mtu;
	if (v->untrusted)
		libxl_defbool_set(&ret->trusted, false);
	return 0;
}

/* ---- display ---- */

/* Without a password everybody on this host would be let in: a domain whose owner chose none lets nobody in but root. */
static int set_socket(const char *socket, libxl_vnc_info *ret, struct err *e)
{
	if (!socket || strchr(socket, ',') || strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail(e, EINVAL,
		            "vnc: without a password it is at a socket, and %s cannot be one; write vncpasswd=",
		            socket ? socket : "nothing");
	libxl_defbool_set(&ret->findunused, false);
	ret->listen = x_printf("unix:%s", socket);
	return 0;
}

int xen_spec_vnc(const struct display *d, const char *socket, libxl_vnc_info *ret, struct err *e)
{
	const char *listen = d->listen && d->listen[0] ? d->listen : "127.0.0.1";
	struct in6_addr addr;
	bool six = inet_pton(AF_INET6, listen, &addr) == 1;

	libxl_defbool_set(&ret->enable, d->vnc);
	if (!d->vnc)
		return 0;
	if (!six && strcmp(listen, "localhost") != 0 && inet_pton(AF_INET, listen, &addr) != 1)
		return fail(e, EINVAL, "vnclisten %s: an address in numbers is wanted", listen);
	if (!d->passwd || !d->passwd[0])
		return set_socket(socket, ret, e);
	libxl_defbool_set(&ret->findunused, d->number < 0);
	/* libxl takes a text with a colon for ADDRESS:DISPLAY. */
	if (six)
		ret->listen = x_printf("[%s]:%d", listen, d->number < 0 ? 0 : d->number);
	else
		ret->listen = x_strdup(listen);
	ret->display = six || d->number < 0 ? 0 : d->number;
	ret->passwd = x_strdup(d->passwd);
	return 0;
}

static int set_vfb(const struct display *d, const char *socket, libxl_domain_config *ret, struct err *e)
{
	libxl_device_vfb *vfb = x_alloc(sizeof(*vfb));
	libxl_device_vkb *vkb = x_alloc(sizeof(*vkb));

	libxl_device_vfb_init(vfb);
	libxl_device_vkb_init(vkb);
	ret->vfbs = vfb;
	ret->vkbs = vkb;
	ret->num_vfbs = ret->num_vkbs = 1;
	vfb->devid = vkb->devid = 0;
	vfb->keymap = x_strdup(d->keymap);
	libxl_defbool_set(&vfb->sdl.enable, d->sdl);
	libxl_defbool_set(&vfb->sdl.opengl, d->opengl);
	return xen_spec_vnc(d, socket, &vfb->vnc, e);
}

int xen_spec_devices(const struct run *run, const struct xen_files *files, libxl_domain_config *ret, struct err *e)
{
	const struct display *display = spec_display(run->spec);
	bool hvm = spec_hvm(run->spec), tenant = run->owner && run->owner->uid != 0;
	size_t ndisks, nvifs;
	const struct disk *disks = spec_disks(run->spec, &ndisks);
	const struct vif *vifs = spec_vifs(run->spec, &nvifs);
	int rc = 0;

	ret->disks = x_array(ndisks, sizeof(*ret->disks));
	ret->nics = x_array(nvifs, sizeof(*ret->nics));
	for (size_t i = 0; i < ndisks && !rc; i++) {
		libxl_device_disk_init(&ret->disks[i]);
		ret->num_disks = (int)i + 1;
		rc = xen_spec_disk(&disks[i], files->disks ? files->disks[i] : NULL, hvm, tenant, &ret->disks[i], e);
	}
	for (size_t i = 0; i < nvifs && !rc; i++) {
		libxl_device_nic_init(&ret->nics[i]);
		ret->num_nics = (int)i + 1;
		rc = xen_spec_vif(&vifs[i], hvm, &ret->nics[i], e);
	}
	if (!rc && !hvm && (display->vnc || display->sdl))
		rc = set_vfb(display, files->vnc, ret, e);
	return rc;
}
