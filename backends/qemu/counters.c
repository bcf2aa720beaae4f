#include <errno.h>
#include <string.h>

#include "backends/qemu/guest.h"

#define LIMIT_MSEC 100

static uint64_t figure(const json_t *stats, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(stats, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* "disk-xvda", or a path of objects with it in: "/machine/peripheral/disk-xvda/virtio-backend". */
static bool names_device(const char *qdev, const char *id)
{
	size_t n = strlen(id);

	for (const char *p = qdev; (p = strstr(p, id)); p++)
		if ((p == qdev || p[-1] == '/') && (p[n] == '\0' || p[n] == '/'))
			return true;
	return false;
}

static void add(struct device_counters *c, const json_t *row)
{
	const json_t *stats = json_object_get(row, "stats");

	c->read_bytes += figure(stats, "rd_bytes");
	c->write_bytes += figure(stats, "wr_bytes");
	c->read_ops += figure(stats, "rd_operations");
	c->write_ops += figure(stats, "wr_operations");
}

/* The counters of the disk, or of all disks when it is NULL. */
static int disks(struct guest *g, const struct disk *only, struct device_counters *ret, struct err *e)
{
	json_t *list = NULL;
	const json_t *row;
	char id[40] = "";
	size_t i;
	int rc = guest_call(g, "query-blockstats", NULL, NULL, LIMIT_MSEC, &list, e);

	if (rc < 0)
		return rc;
	if (only)
		args_disk_id(id, only);
	json_array_foreach(list, i, row)
	{
		const char *qdev = json_string_value(json_object_get(row, "qdev"));

		if (qdev && (!only || names_device(qdev, id)))
			add(ret, row);
	}
	json_decref(list);
	return 0;
}

static void vif_add(struct counters *sum, const struct device_counters *c)
{
	sum->net_rx_bytes += c->rx_bytes;
	sum->net_tx_bytes += c->tx_bytes;
	sum->net_rx_packets += c->rx_packets;
	sum->net_tx_packets += c->tx_packets;
	sum->net_rx_dropped += c->rx_dropped;
	sum->net_tx_dropped += c->tx_dropped;
}

int counters_guest(struct guest *g, struct counters *ret, struct err *e)
{
	struct counters c = { .sampled = time_now() };
	struct device_counters d = { 0 };
	size_t ndisks;
	int rc = guest_alive(g, NULL, NULL);

	if (rc < 0 && rc != -EINVAL) /* a guest that has ended still has its figures */
		return guest_alive(g, NULL, e);
	rc = cpu_learn(g, NULL, LIMIT_MSEC, e);
	if (rc == 0)
		rc = memory_used(g, LIMIT_MSEC, &c.mem_used_bytes, e);
	spec_disks(g->spec, &ndisks);
	if (rc == 0 && ndisks > 0)
		rc = disks(g, NULL, &d, e);
	if (rc < 0)
		return rc;
	c.cpu_usec = cpu_usec(g);
	c.mem_host_bytes = process_rss_bytes(g->record.pid);
	c.disk_read_bytes = d.read_bytes;
	c.disk_write_bytes = d.write_bytes;
	c.disk_read_ops = d.read_ops;
	c.disk_write_ops = d.write_ops;
	for (size_t i = 0; i < g->record.ntaps; i++) {
		struct device_counters v = { 0 };

		if (g->record.taps[i] && net_tap_counters(g->record.taps[i], &v, NULL) == 0)
			vif_add(&c, &v);
	}
	*ret = c;
	return 0;
}

int counters_disk(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e)
{
	struct device_counters c = { 0 };
	size_t n;
	const struct disk *all = spec_disks(g->spec, &n);
	int rc;

	if (disk >= n)
		return fail(e, ENOENT, "no such disk");
	rc = disks(g, &all[disk], &c, e);
	if (rc == 0)
		*ret = c;
	return rc;
}

int counters_vif(struct guest *g, unsigned vif, struct device_counters *ret, struct err *e)
{
	if (vif >= g->record.ntaps)
		return fail(e, ENOENT, "no such vif");
	if (!g->record.taps[vif]) {
		*ret = (struct device_counters){ 0 }; /* user networking counts nothing */
		return 0;
	}
	return net_tap_counters(g->record.taps[vif], ret, e);
}
