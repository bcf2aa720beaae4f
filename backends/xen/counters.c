/* What Xen counts, and the kernel that serves a guest's devices. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"

#define SECTOR 512

/* 0 when there is no such file: a device that the kernel does not serve has no figures. */
static uint64_t read_figure(const char *path)
{
	struct buf b = { 0 };
	uint64_t n = 0;

	if (file_slurp(AT_FDCWD, path, 64, &b, NULL) == 0 && b.p)
		n = strtoull(b.p, NULL, 10);
	buf_free(&b);
	return n;
}

long xen_disk_number(const struct disk *d)
{
	unsigned p = d->partition;

	switch (d->bus) {
	case BUS_VIRTIO:
		if (d->index < 16 && p < 16)
			return 202 << 8 | (long)(d->index << 4 | p);
		return d->index < 1 << 20 && p < 256 ? 1 << 28 | (long)(d->index << 8 | p) : -1;
	case BUS_IDE:
		if (d->index >= 4 || p >= 64)
			return -1;
		return (d->index < 2 ? 3 : 22) << 8 | (long)((d->index & 1) << 6 | p);
	case BUS_SCSI:
		return d->index < 16 && p < 16 ? 8 << 8 | (long)(d->index << 4 | p) : -1;
	}
	return -1;
}

static uint64_t disk_figure(const struct guest *g, long number, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/vbd-%d-%ld/statistics/%s", (int)g->id, number, what);
	return read_figure(path);
}

static void add_disk(const struct guest *g, const struct disk *d, struct device_counters *c)
{
	long number = xen_disk_number(d);

	if (number < 0)
		return;
	c->read_bytes += disk_figure(g, number, "rd_sect") * SECTOR;
	c->write_bytes += disk_figure(g, number, "wr_sect") * SECTOR;
	c->read_ops += disk_figure(g, number, "rd_req");
	c->write_ops += disk_figure(g, number, "wr_req");
}

static uint64_t net_figure(const char *name, const char *suffix, const char *what)
{
	char path[160];

	if (!name || strchr(name, '/'))
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s%s/statistics/%s", name, suffix, what);
	return read_figure(path);
}

/* What the host sends is what the guest gets. An HVM guest without drivers uses the emulated card's interface. */
static void add_vif(const struct guest *g, const struct vif *v, struct device_counters *c)
{
	static const char *const suffixes[] = { "", "-emu" };
	char own[32];
	const char *name = v->vifname;

	snprintf(own, sizeof(own), "vif%d.%u", (int)g->id, v->index);
	if (!name)
		name = own;
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		c->rx_bytes += net_figure(name, suffixes[i], "tx_bytes");
		c->tx_bytes += net_figure(name, suffixes[i], "rx_bytes");
		c->rx_packets += net_figure(name, suffixes[i], "tx_packets");
		c->tx_packets += net_figure(name, suffixes[i], "rx_packets");
		c->rx_dropped += net_figure(name, suffixes[i], "tx_dropped");
		c->tx_dropped += net_figure(name, suffixes[i], "rx_dropped");
	}
}

int xen_counters(struct guest *g, struct counters *ret, struct err *e)
{
	struct counters c = { .sampled = time_now() };
	struct device_counters dev = { 0 };
	libxl_dominfo info;
	struct spec *spec;
	const struct disk *disks;
	const struct vif *vifs;
	size_t n;
	int rc;

	libxl_dominfo_init(&info);
	rc = libxl_domain_info(g->b->query, &info, (uint32_t)g->id);
	if (!rc && memcmp(info.uuid.uuid, g->uuid.b, sizeof(g->uuid.b)) != 0)
		rc = ERROR_DOMAIN_NOTFOUND;
	c.cpu_usec = info.cpu_time / 1000;
	c.mem_host_bytes = (uint64_t)info.current_memkb * 1024;
	libxl_dominfo_dispose(&info);
	if (rc)
		return fail(e, EHOSTDOWN, "the guest has ended");
	spec = xen_guest_spec(g);
	disks = spec_disks(spec, &n);
	for (size_t i = 0; i < n; i++)
		add_disk(g, &disks[i], &dev);
	vifs = spec_vifs(spec, &n);
	for (size_t i = 0; i < n; i++)
		add_vif(g, &vifs[i], &dev);
	spec_unref(spec);
	c.disk_read_bytes = dev.read_bytes;
	c.disk_write_bytes = dev.write_bytes;
	c.disk_read_ops = dev.read_ops;
	c.disk_write_ops = dev.write_ops;
	c.net_rx_bytes = dev.rx_bytes;
	c.net_tx_bytes = dev.tx_bytes;
	c.net_rx_packets = dev.rx_packets;
	c.net_tx_packets = dev.tx_packets;
	c.net_rx_dropped = dev.rx_dropped;
	c.net_tx_dropped = dev.tx_dropped;
	*ret = c;
	return 0;
}

int xen_disk_counters(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e)
{
	struct device_counters c = { 0 };
	struct spec *spec = xen_guest_spec(g);
	size_t n;
	const struct disk *disks = spec_disks(spec, &n);
	int rc = disk < n ? 0 : fail(e, EINVAL, "there is no disk %u", disk);

	if (!rc) {
		add_disk(g, &disks[disk], &c);
		*ret = c;
	}
	spec_unref(spec);
	return rc;
}

int xen_vif_counters(struct guest *g, unsigned vif, struct device_counters *ret, struct err *e)
{
	struct device_counters c = { 0 };
	struct spec *spec = xen_guest_spec(g);
	size_t n;
	const struct vif *vifs = spec_vifs(spec, &n);
	int rc = vif < n ? 0 : fail(e, EINVAL, "there is no network interface %u", vif);

	if (!rc) {
		add_vif(g, &vifs[vif], &c);
		*ret = c;
	}
	spec_unref(spec);
	return rc;
}

static struct cpus affinity(struct backend *b, const libxl_bitmap *map)
{
	struct cpus c = { { 0 } };
	unsigned n = 0;

	for (unsigned i = 0; i < b->cpus; i++) {
		if (libxl_bitmap_test(map, (int)i)) {
			cpus_add(&c, i);
			n++;
		}
	}
	if (n == b->cpus)
		memset(&c, 0xff, sizeof(c));
	return c;
}

static int list_vcpus(struct backend *b, uint32_t id, bool paused, struct vcpu *ret, unsigned max, struct err *e)
{
	int n = 0, cpus = 0, all;
	libxl_vcpuinfo *list = libxl_list_vcpu(b->query, id, &n, &cpus);

	if (!list)
		return fail(e, EHOSTDOWN, "the guest has ended");
	all = n;
	if ((unsigned)n > max)
		n = (int)max;
	for (int i = 0; i < n; i++) {
		const libxl_vcpuinfo *v = &list[i];

		ret[i] = (struct vcpu){
			.id = v->vcpuid,
			.cpu = v->online ? (int)v->cpu : -1,
			.state = !v->online   ? '-'
			         : paused     ? 'p'
			         : v->running ? 'r'
			                      : 'b',
			.cpu_usec = v->vcpu_time / 1000,
			.affinity = affinity(b, &v->cpumap),
			.soft = affinity(b, &v->cpumap_soft),
		};
	}
	libxl_vcpuinfo_list_free(list, all);
	return n;
}

int xen_vcpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
{
	bool paused;

	lock_acquire(&g->lock);
	paused = g->state == STATE_PAUSED;
	lock_release(&g->lock);
	return list_vcpus(g->b, (uint32_t)g->id, paused, ret, max, e);
}

int xen_own_vcpus(struct backend *b, struct vcpu *ret, unsigned max)
{
	return list_vcpus(b, 0, false, ret, max, NULL);
}
