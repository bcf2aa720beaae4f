/* Whether a configuration can be carried out, as far as that can be said without opening anything. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/qemu/qemu.h"

#define VCPUS_LIMIT 64
#define CHECK_DEVICES 256

/* Keys of which only some words can be done. */
static const struct key_words only[] = {
	{ KEY_firmware, (const char *const[]){ "", "bios", "seabios", NULL }, "the firmware is SeaBIOS" },
	{ KEY_bios, (const char *const[]){ "", "seabios", NULL }, "the firmware is SeaBIOS" },
	{ KEY_hdtype, (const char *const[]){ "", "ide", NULL }, "disks named hdX are on IDE; xvdX are faster" },
	{ KEY_serial, (const char *const[]){ "", "pty", "none", "null", "stdio", "vc", NULL },
	  "the serial port is the domain's console" },
};

static bool is_host(const char *backend)
{
	static const char *const names[] = { "0", "Domain-0", "dom0", NULL };

	return !backend || word_is(backend, names);
}

static int check_disk(const struct disk *d, struct err *e)
{
	if (d->partition)
		return fail(e, EOPNOTSUPP, "disk %s: a partition alone cannot be given; name the disk without a number",
		            d->vdev);
	if (d->script)
		return fail(e, EOPNOTSUPP, "disk %s: no script is run; name the file or block device itself", d->vdev);
	if (!is_host(d->backend))
		return fail(e, EOPNOTSUPP, "disk %s: guests do not serve devices to one another", d->vdev);
	if (!d->source && !d->cdrom)
		return fail(e, EINVAL, "disk %s: no image is named, which only a cdrom drive can do without", d->vdev);
	if (d->source && d->format != FORMAT_RAW && d->format != FORMAT_QCOW2)
		return fail(e, EOPNOTSUPP, "disk %s: format %s; convert it to raw or qcow2", d->vdev,
		            disk_format_names[d->format]);
	return 0;
}

static int check_vif(const struct vif *v, struct err *e)
{
	static const char *const scripts[] = { "vif-bridge", "/etc/xen/scripts/vif-bridge", NULL };

	if (v->script && !word_is(v->script, scripts))
		return fail(e, EOPNOTSUPP, "vif %u: no script is run; the interface is put on its bridge", v->index);
	if (!is_host(v->backend))
		return fail(e, EOPNOTSUPP, "vif %u: guests do not serve devices to one another", v->index);
	if (v->vifname)
		return fail(e, EOPNOTSUPP, "vif %u: vifname: interfaces of the host are named by domain id and number",
		            v->index);
	if (v->gatewaydev)
		return fail(e, EOPNOTSUPP, "vif %u: gatewaydev: only bridges are served", v->index);
	if (v->rate_bytes)
		return fail(e, EOPNOTSUPP, "vif %u: rate: traffic cannot be limited", v->index);
	return 0;
}

/* What args_build() would say, with descriptors that are not open. */
static int check_args(const struct spec *s, struct err *e)
{
	static const struct qemu_features features;
	static const struct record record = { .name = "check", .machine = "pc" };
	struct args_in in = { .features = &features,
		              .record = &record,
		              .spec = s,
		              .kernel_fd = 3,
		              .ramdisk_fd = -1,
		              .qmp_fd = 3,
		              .dir = "/" };
	const struct disk *disks = spec_disks(s, &in.ndisks);
	const struct vif *vifs = spec_vifs(s, &in.nnets);
	struct arg_disk d[CHECK_DEVICES];
	struct arg_net n[CHECK_DEVICES];
	char **argv;
	int rc;

	if (in.ndisks > CHECK_DEVICES || in.nnets > CHECK_DEVICES)
		return fail(e, EINVAL, "too many devices");
	for (size_t i = 0; i < in.ndisks; i++)
		d[i] = (struct arg_disk){ .disk = &disks[i],
			                  .format = disks[i].source ? disks[i].format : FORMAT_EMPTY,
			                  .fd = 3 };
	for (size_t i = 0; i < in.nnets; i++)
		n[i] = (struct arg_net){ .vif = &vifs[i], .tap_fd = -1 };
	in.disks = d;
	in.nets = n;
	rc = args_build("/", &in, &argv, e);
	if (!rc)
		args_free(argv);
	return rc;
}

int keys_check(const struct spec *s, struct err *e)
{
	size_t ndisks, nvifs;
	const struct disk *disks = spec_disks(s, &ndisks);
	const struct vif *vifs = spec_vifs(s, &nvifs);
	int rc = spec_check_uses(s, qemu_keys, only, COUNT(only), e);

	for (size_t i = 0; i < ndisks && !rc; i++)
		rc = check_disk(&disks[i], e);
	for (size_t i = 0; i < nvifs && !rc; i++)
		rc = check_vif(&vifs[i], e);
	if (!rc && spec_maxvcpus(s) > VCPUS_LIMIT)
		rc = fail(e, EOPNOTSUPP, "%s: at most %d", spec_has(s, KEY_maxvcpus) ? "maxvcpus" : "vcpus",
		          VCPUS_LIMIT);
	if (!rc && spec_display(s)->sdl)
		rc = fail(e, EOPNOTSUPP, "sdl: %s", qemu_keys[KEY_sdl].why);
	return rc ? rc : check_args(s, e);
}
