/*
 * The devices of a guest as QEMU's arguments; a part of args.c's work and as pure.
 *
 *   hda to hdd           the machine's own IDE controller, as in real Xen
 *   sda, sdb ...         virtio-scsi (xl emulates an LSI controller, whose driver cloud kernels lack)
 *   xvda, vda ...        virtio-blk; a cdrom there is on virtio-scsi, because virtio-blk has no medium to change
 *
 * An image is an open file: -add-fd puts the inherited descriptor into a set, the block node names the set.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/qemu/qemu.h"

#define IDE_DRIVES 4
#define SCSI_TARGETS 128 /* for sdX; the upper half of virtio-scsi's 256 is for cdroms of xvdX */
#define PCI_SLOTS 30     /* 32 less the host bridge and the PIIX3 */
#define MACHINE_SLOTS 2  /* balloon and pvpanic */

#define BOOT_DEVICES "cdn"

/* What boots before what: a number for each letter of boot= that there are devices for, counted up as they come. */
struct boot {
	const char *order; /* NULL: a kernel is given, and firmware boots nothing */
	int next[sizeof(BOOT_DEVICES)];
};

struct devices {
	struct args *a;
	const struct args_in *in;
	struct boot boot;
	unsigned slots;
	bool scsi;
};

static struct boot boot_order(const struct args_in *in)
{
	struct boot b = { .order = in->kernel_fd >= 0 ? NULL : spec_str(in->spec, KEY_boot, "cd") };

	for (size_t i = 0; i < sizeof(BOOT_DEVICES) - 1; i++) {
		const char *at = b.order ? strchr(b.order, BOOT_DEVICES[i]) : NULL;
		/* A hundred numbers for each place in the order keep them apart. */
		b.next[i] = at ? 1 + 100 * (int)(at - b.order) : -1;
	}
	return b;
}

/* Give O its place in the boot order, if KIND has one. */
static void boot_place(struct boot *b, char kind, json_t *o)
{
	int *next = &b->next[strchr(BOOT_DEVICES, kind) - BOOT_DEVICES];

	if (*next >= 0)
		json_object_set_new(o, "bootindex", json_integer((*next)++));
}

static int device(struct devices *d, json_t *o, struct err *e)
{
	return args_json(d->a, "-device", o, e);
}

static int pci_device(struct devices *d, json_t *o, struct err *e)
{
	if (++d->slots > PCI_SLOTS) {
		json_decref(o);
		return fail(e, EINVAL, "too many devices: the machine has %d slots for disks, interfaces and cards",
		            PCI_SLOTS);
	}
	return device(d, o, e);
}

/* ---- disks ---- */

/* The node "drive-X" on "file-X" on the descriptor set. */
static int add_nodes(struct devices *d, const struct arg_disk *disk, unsigned set, struct err *e)
{
	const struct disk *s = disk->disk;
	bool readonly = s->readonly || s->cdrom;
	const char *discard = s->discard == 0 ? "ignore" : "unmap";
	char name[32];
	json_t *file, *node;
	int rc;

	args_add(d->a, "-add-fd", x_printf("fd=%d,set=%u", disk->fd, set));
	snprintf(name, sizeof(name), "/dev/fdset/%u", set);
	file = json_pack("{s:s s:s+ s:s s:b s:s s:s}", "driver", disk->block ? "host_device" : "file", "node-name",
	                 "file-", s->vdev, "filename", name, "read-only", readonly, "discard", discard, "locking",
	                 "auto");
	rc = args_json(d->a, "-blockdev", file, e);
	if (rc)
		return rc;
	node = json_pack("{s:s s:s+ s:s+ s:b s:s}", "driver", disk->format == FORMAT_QCOW2 ? "qcow2" : "raw",
	                 "node-name", "drive-", s->vdev, "file", "file-", s->vdev, "read-only", readonly, "discard",
	                 discard);
	/* Said here, one that the header names is not looked for: its owner may change it after we read it. */
	if (node && disk->format == FORMAT_QCOW2)
		json_object_set_new(node, "backing", json_null());
	return args_json(d->a, "-blockdev", node, e);
}

static int add_scsi(struct devices *d, struct err *e)
{
	if (d->scsi)
		return 0;
	d->scsi = true;
	return pci_device(d, json_pack("{s:s s:s}", "driver", "virtio-scsi-pci", "id", "scsi0"), e);
}

static json_t *ide_device(const struct disk *s, struct err *e)
{
	if (s->index >= IDE_DRIVES) {
		fail(e, EINVAL, "disk %s: there are four IDE drives, hda to hdd", s->vdev);
		return NULL;
	}
	if (s->readonly && !s->cdrom) {
		fail(e, EINVAL, "disk %s: a disk on IDE cannot be read-only; name it xvdX or sdX", s->vdev);
		return NULL;
	}
	return json_pack("{s:s s:s s:i}", "driver", s->cdrom ? "ide-cd" : "ide-hd", "bus",
	                 s->index < 2 ? "ide.0" : "ide.1", "unit", (int)(s->index % 2));
}

static json_t *scsi_device(const struct disk *s, struct err *e)
{
	unsigned first = s->bus == BUS_SCSI ? 0 : SCSI_TARGETS;

	if (s->index >= SCSI_TARGETS) {
		fail(e, EINVAL, "disk %s: there are %d SCSI drives", s->vdev, SCSI_TARGETS);
		return NULL;
	}
	return json_pack("{s:s s:s s:i}", "driver", s->cdrom ? "scsi-cd" : "scsi-hd", "bus", "scsi0.0", "scsi-id",
	                 (int)(first + s->index));
}

static int add_disk(struct devices *d, const struct arg_disk *disk, unsigned set, struct err *e)
{
	const struct disk *s = disk->disk;
	bool pci = s->bus == BUS_VIRTIO && !s->cdrom, empty = disk->format == FORMAT_EMPTY;
	char id[40], drive[40];
	json_t *o;
	int rc = empty ? 0 : add_nodes(d, disk, set, e);

	if (!rc && !pci && s->bus != BUS_IDE)
		rc = add_scsi(d, e);
	if (rc)
		return rc;
	if (pci)
		o = json_pack("{s:s}", "driver", "virtio-blk-pci");
	else
		o = s->bus == BUS_IDE ? ide_device(s, e) : scsi_device(s, e);
	if (!o)
		return -EINVAL;
	args_disk_id(id, s);
	snprintf(drive, sizeof(drive), "drive-%s", s->vdev);
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "serial", json_string(s->vdev));
	if (!empty)
		json_object_set_new(o, "drive", json_string(drive));
	boot_place(&d->boot, s->cdrom ? 'd' : 'c', o);
	return pci ? pci_device(d, o, e) : device(d, o, e);
}

/* ---- network ---- */

static const struct {
	const char *model, *driver;
} nic_models[] = {
	{ "netfront", "virtio-net-pci" },       { "virtio", "virtio-net-pci" }, { "virtio-net", "virtio-net-pci" },
	{ "virtio-net-pci", "virtio-net-pci" }, { "e1000", "e1000" },           { "rtl8139", "rtl8139" },
};

static const char *nic_driver(const struct vif *v)
{
	const char *model = v->model ? v->model : v->emulated ? "rtl8139" : "virtio";

	for (size_t i = 0; i < COUNT(nic_models); i++) {
		if (strcmp(nic_models[i].model, model) == 0)
			return nic_models[i].driver;
	}
	return NULL;
}

static int add_nic(struct devices *d, const struct arg_net *n, struct err *e)
{
	const char *driver = nic_driver(n->vif);
	char id[40], net[40], fd[16], mac[MAC_TEXT];
	json_t *o;
	int rc;

	if (!driver)
		return fail(e, EOPNOTSUPP, "vif %u: model %s; virtio, e1000 and rtl8139 are known", n->vif->index,
		            n->vif->model);
	args_nic_id(id, n->vif->index);
	snprintf(net, sizeof(net), "net%u", n->vif->index);
	snprintf(fd, sizeof(fd), "%d", n->tap_fd);
	if (n->tap_fd >= 0)
		o = json_pack("{s:s s:s s:s s:b}", "type", "tap", "id", net, "fd", fd, "vhost", 0);
	else
		o = json_pack("{s:s s:s}", "type", "user", "id", net);
	rc = args_json(d->a, "-netdev", o, e);
	if (rc)
		return rc;
	o = json_pack("{s:s s:s s:s s:s}", "driver", driver, "id", id, "netdev", net, "mac", mac_format(mac, n->mac));
	/* The boot ROM costs seconds, and nobody asked for it. */
	if (o && !(d->boot.order && strchr(d->boot.order, 'n')))
		json_object_set_new(o, "romfile", json_string(""));
	if (o)
		boot_place(&d->boot, 'n', o);
	return pci_device(d, o, e);
}

/* ---- display and USB ---- */

static int add_display(struct devices *d, struct err *e)
{
	const struct spec *s = d->in->spec;
	const char *vga = spec_str(s, KEY_vga, "stdvga");
	uint64_t mib = spec_int(s, KEY_videoram, 16);
	unsigned size = 1;
	json_t *o;

	/* A pv domain has a display when it asks for one, an hvm domain has one unless it refuses. */
	if (spec_bool(s, KEY_nographic, false) || strcmp(vga, "none") == 0 || (!spec_hvm(s) && !spec_display(s)->vnc))
		return 0;
	if (strcmp(vga, "stdvga") != 0 && strcmp(vga, "cirrus") != 0)
		return fail(e, EOPNOTSUPP, "vga %s: none, stdvga and cirrus are known", vga);
	while (size < mib && size < 256)
		size *= 2;
	o = json_pack("{s:s s:s}", "driver", strcmp(vga, "cirrus") == 0 ? "cirrus-vga" : "VGA", "id", "vga0");
	if (o && strcmp(vga, "stdvga") == 0)
		json_object_set_new(o, "vgamem_mb", json_integer(size));
	return pci_device(d, o, e);
}

static const struct {
	const char *name, *driver;
} usb_devices[] = {
	{ "tablet", "usb-tablet" },
	{ "mouse", "usb-mouse" },
	{ "keyboard", "usb-kbd" },
};

static int add_usb_device(struct devices *d, const char *name, size_t number, struct err *e)
{
	char id[40];

	for (size_t i = 0; i < COUNT(usb_devices); i++) {
		if (strcmp(usb_devices[i].name, name) != 0)
			continue;
		snprintf(id, sizeof(id), "usb-%zu", number);
		return device(d, json_pack("{s:s s:s s:s}", "driver", usb_devices[i].driver, "id", id, "bus", "usb.0"),
		              e);
	}
	return fail(e, EOPNOTSUPP, "usbdevice %s: tablet, mouse and keyboard are known", name);
}

static int add_usb(struct devices *d, struct err *e)
{
	static const char *const controllers[] = { "piix3-usb-uhci", "usb-ehci", "qemu-xhci" };
	const struct spec *s = d->in->spec;
	const char *const *names = NULL;
	/* Without a tablet a pointer seen by VNC never is where the guest's is. */
	static const char *const tablet[] = { "tablet" };
	size_t n = spec_list(s, KEY_usbdevice, &names);
	uint64_t version = spec_int(s, KEY_usbversion, 1);
	int rc;

	if (!n && !spec_has(s, KEY_usbdevice) && spec_hvm(s) && args_vnc(s)) {
		names = tablet;
		n = 1;
	}
	if (!n && !spec_bool(s, KEY_usb, false) && !spec_has(s, KEY_usbversion))
		return 0;
	if (version < 1 || version > COUNT(controllers))
		return fail(e, EINVAL, "usbversion: 1, 2 and 3 are known");
	rc = pci_device(d, json_pack("{s:s s:s}", "driver", controllers[version - 1], "id", "usb"), e);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_usb_device(d, names[i], i, e);
	return rc;
}

int args_devices(struct args *a, const struct args_in *in, struct err *e)
{
	struct devices d = { .a = a, .in = in, .boot = boot_order(in), .slots = MACHINE_SLOTS };
	int rc;

	rc = device(&d,
	            json_pack("{s:s s:s s:b s:b}", "driver", "virtio-balloon-pci", "id", "balloon0", "deflate-on-oom",
	                      1, "free-page-reporting", 1),
	            e);
	if (!rc)
		rc = device(&d, json_pack("{s:s s:s}", "driver", "pvpanic-pci", "id", "panic0"), e);
	if (!rc)
		rc = add_display(&d, e);
	if (!rc)
		rc = add_usb(&d, e);
	for (size_t i = 0; i < in->ndisks && !rc; i++)
		rc = add_disk(&d, &in->disks[i], (unsigned)i + 1, e);
	for (size_t i = 0; i < in->nnets && !rc; i++)
		rc = add_nic(&d, &in->nets[i], e);
	return rc;
}
