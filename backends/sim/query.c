#include "sim.h"

#include <errno.h>
#include <string.h>

static int query_allowed(struct backend *s, struct guest *g, enum verb v, struct err *e) NEEDS(s->lock)
{
	if (g->gone)
		return fail(e, EHOSTDOWN, "%s: the guest is gone", g->name);
	if (g->state == STATE_UNRESPONSIVE)
		return fail(e, ETIMEDOUT, "%s: the guest does not answer", g->name);
	return sim_fault_hit(s, v, g->name, e);
}

int sim_query_host(struct backend *s, struct host *ret, struct err *e)
{
	int r;

	lock_acquire(&s->lock);
	r = sim_fault_hit(s, VERB_HOST, "host", e);
	if (!r) {
		ret->total_mib = s->opt.total;
		ret->free_mib = s->opt.total > s->used ? s->opt.total - s->used : 0;
		ret->cpus = SIM_CPUS;
	}
	lock_release(&s->lock);
	return r;
}

/* All figures follow from the milliseconds that the guest has executed: they grow and stand still with it. */

static struct device_counters disk_figures(uint64_t ran, unsigned disk)
{
	uint64_t t = ran / (disk + 1);

	return (struct device_counters){
		.read_bytes = t * 512,
		.write_bytes = t * 256,
		.read_ops = t / 8,
		.write_ops = t / 16,
	};
}

static struct device_counters vif_figures(uint64_t ran, unsigned vif)
{
	uint64_t t = ran / (vif + 1);

	return (struct device_counters){
		.rx_bytes = t * 100,
		.tx_bytes = t * 80,
		.rx_packets = t / 10,
		.tx_packets = t / 12,
		.rx_dropped = t / 10000,
	};
}

static uint64_t vcpu_usec(uint64_t ran, unsigned vcpu)
{
	return ran * 1000 / 20 / (vcpu + 1);
}

int sim_query_counters(struct guest *g, struct counters *ret, struct err *e)
{
	struct backend *s = g->sim;
	struct counters c = { 0 };
	unsigned most;
	uint64_t ran;
	size_t ndisks, nvifs;
	int r;

	lock_acquire(&s->lock);
	r = query_allowed(s, g, VERB_COUNTERS, e);
	ran = sim_guest_ran(s, g);
	most = g->most;
	c.mem_host_bytes = g->actual << 20;
	(void)spec_disks(g->spec, &ndisks);
	(void)spec_vifs(g->spec, &nvifs);
	lock_release(&s->lock);
	if (r)
		return r;

	c.sampled = time_now();
	c.mem_used_bytes = c.mem_host_bytes / 4 * 3;
	for (unsigned i = 0; i < most; i++)
		c.cpu_usec += vcpu_usec(ran, i);
	for (unsigned i = 0; i < ndisks; i++) {
		struct device_counters d = disk_figures(ran, i);

		c.disk_read_bytes += d.read_bytes;
		c.disk_write_bytes += d.write_bytes;
		c.disk_read_ops += d.read_ops;
		c.disk_write_ops += d.write_ops;
	}
	for (unsigned i = 0; i < nvifs; i++) {
		struct device_counters d = vif_figures(ran, i);

		c.net_rx_bytes += d.rx_bytes;
		c.net_tx_bytes += d.tx_bytes;
		c.net_rx_packets += d.rx_packets;
		c.net_tx_packets += d.tx_packets;
		c.net_rx_dropped += d.rx_dropped;
		c.net_tx_dropped += d.tx_dropped;
	}
	*ret = c;
	return 0;
}

int sim_query_disk(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e)
{
	struct backend *s = g->sim;
	size_t n;
	int r;

	lock_acquire(&s->lock);
	(void)spec_disks(g->spec, &n);
	r = query_allowed(s, g, VERB_DISK_COUNTERS, e);
	if (!r && disk >= n)
		r = fail(e, ENOENT, "%s: there is no disk %u, only %zu", g->name, disk, n);
	if (!r)
		*ret = disk_figures(sim_guest_ran(s, g), disk);
	lock_release(&s->lock);
	return r;
}

int sim_query_vif(struct guest *g, unsigned vif, struct device_counters *ret, struct err *e)
{
	struct backend *s = g->sim;
	size_t n;
	int r;

	lock_acquire(&s->lock);
	(void)spec_vifs(g->spec, &n);
	r = query_allowed(s, g, VERB_VIF_COUNTERS, e);
	if (!r && vif >= n)
		r = fail(e, ENOENT, "%s: there is no vif %u, only %zu", g->name, vif, n);
	if (!r)
		*ret = vif_figures(sim_guest_ran(s, g), vif);
	lock_release(&s->lock);
	return r;
}

/* The VCPUs are dealt out over the CPUs that they may run on. */
static int cpu_of(const struct guest *g, unsigned vcpu, const struct cpus *affinity)
{
	unsigned first = (unsigned)g->id + vcpu;

	for (unsigned i = 0; i < SIM_CPUS; i++)
		if (cpus_has(affinity, (first + i) % SIM_CPUS))
			return (int)((first + i) % SIM_CPUS);
	return -1;
}

int sim_query_vcpus(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
{
	unsigned online, n;
	struct backend *s = g->sim;
	uint64_t ran;
	int r;

	lock_acquire(&s->lock);
	n = spec_maxvcpus(g->spec);
	if (n > max)
		n = max;
	r = query_allowed(s, g, VERB_VCPU_LIST, e);
	ran = sim_guest_ran(s, g);
	online = g->online;
	for (unsigned i = 0; !r && i < n; i++) {
		ret[i].id = i;
		ret[i].affinity = sim_tune_hard(g, i);
		ret[i].soft = sim_tune_soft(g, i);
		ret[i].cpu = i < online ? cpu_of(g, i, &ret[i].affinity) : -1;
		ret[i].state = i >= online ? '-' : !sim_guest_executing(g) ? 'p' : i ? 'b' : 'r';
		ret[i].cpu_usec = i < online ? vcpu_usec(ran, i) : 0;
	}
	lock_release(&s->lock);
	return r ? r : (int)n;
}
