#include "fs/show_host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "fs/proc.h"
#include "fs/show_domain.h"

#define TREE_VERSION 1
#define HOST_UUID "00000000-0000-0000-0000-000000000000"

static uint64_t host_mib(void)
{
	struct sysinfo s;

	return sysinfo(&s) ? 0 : (uint64_t)s.totalram * s.mem_unit >> 20;
}

/* Whole seconds, so that it is the same each time. */
static struct timespec host_booted(void)
{
	struct timespec now = time_now();
	uint64_t since = now.tv_sec * 1000ull + (uint64_t)now.tv_nsec / 1000000 - clock_msec();

	return (struct timespec){ .tv_sec = (time_t)((since + 500) / 1000) };
}

static struct own host_own(const struct model *m)
{
	uint64_t mib = host_mib();
	struct own own = {
		.mib = mib, .max_mib = mib, .vcpus = (unsigned)get_nprocs(), .maxvcpus = (unsigned)get_nprocs_conf()
	};

	if (m->ops->own)
		m->ops->own(m->backend, &own);
	return own;
}

void host_facts_get(const struct model *m, struct domain_facts *f)
{
	struct own own = host_own(m);

	f->name = HOST_NAME;
	f->uuid = HOST_UUID;
	f->state = state_names[STATE_RUNNING];
	f->reason = "booted";
	f->since = f->started = host_booted();
	f->mem_mib = f->mem_actual_mib = own.mib;
	f->maxmem_mib = own.max_mib;
	f->vcpus = own.vcpus;
	f->maxvcpus = own.maxvcpus;
	f->autostart = f->on = true;
	f->config = "current";
	f->owner = f->group = "root";
}

static uint64_t host_memory_used(void)
{
	struct buf text = { 0 };
	char field[64];
	uint64_t total, left;

	proc_read("/proc/meminfo", &text);
	proc_field(text.p, "MemTotal", field, sizeof(field));
	total = strtoull(field, NULL, 10);
	proc_field(text.p, "MemAvailable", field, sizeof(field));
	left = strtoull(field, NULL, 10);
	buf_free(&text);
	return (total > left ? total - left : 0) << 10;
}

/* Of one CPU, between two samples that lie a second apart at least. */
static uint64_t host_percent(uint64_t usec)
{
	static struct {
		struct lock lock; /* a leaf */
		uint64_t usec, msec, percent;
	} last = { .lock = LOCK_INIT };
	uint64_t now = clock_msec(), percent;

	lock_acquire(&last.lock);
	if (!last.msec || now - last.msec >= 1000) {
		if (last.msec && usec > last.usec)
			last.percent = (usec - last.usec) / 10 / (now - last.msec);
		last.usec = usec;
		last.msec = now;
	}
	percent = last.percent;
	lock_release(&last.lock);
	return percent;
}

static uint64_t host_usec(void)
{
	struct buf stat = { 0 };
	int64_t usec;

	proc_read("/proc/stat", &stat);
	usec = proc_cpu_usec(stat.p, -1);
	buf_free(&stat);
	return usec > 0 ? (uint64_t)usec : 0;
}

void host_counters(const struct model *m, struct counters *ret)
{
	struct own own = host_own(m);

	memset(ret, 0, sizeof(*ret));
	ret->sampled = time_now();
	ret->uptime_seconds = clock_msec() / 1000;
	ret->cpu_usec = own.cpu_usec ? own.cpu_usec : host_usec();
	ret->cpu_percent = host_percent(ret->cpu_usec);
	ret->mem_used_bytes = host_memory_used();
	ret->mem_host_bytes = own.mib << 20;
}

/* Each of the host's CPUs as a VCPU on it. */
int host_vcpus(const struct model *m, struct vcpu *ret, unsigned max)
{
	unsigned n = (unsigned)get_nprocs_conf();
	struct buf stat = { 0 };

	if (m->ops->own_vcpus)
		return m->ops->own_vcpus(m->backend, ret, max);
	n = n < max ? n : max;
	proc_read("/proc/stat", &stat);
	for (unsigned i = 0; i < n; i++) {
		int64_t usec = proc_cpu_usec(stat.p, (int)i);

		ret[i] = (struct vcpu){ .id = i, .cpu = (int)i, .state = usec < 0 ? '-' : 'r' };
		ret[i].cpu_usec = usec < 0 ? 0 : (uint64_t)usec;
		cpus_add(&ret[i].affinity, i);
	}
	buf_free(&stat);
	return (int)n;
}

unsigned host_cpu_ids(const struct model *m)
{
	struct processors p = { .max_id = (unsigned)get_nprocs_conf() - 1 };

	if (m->ops->processors)
		m->ops->processors(m->backend, &p);
	return p.max_id + 1;
}

static void info_line(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s ", key);
	buf_escape(b, value, strlen(value));
	buf_puts(b, *value ? "\n" : "-\n");
}

/* What follows from names of the host alone, and what the backend says. Never waits. */
static void info_fixed(const struct model *m, struct buf *b)
{
	struct utsname u = { 0 };

	uname(&u);
	info_line(b, "host", u.nodename);
	info_line(b, "release", u.release);
	info_line(b, "version", u.version);
	info_line(b, "machine", u.machine);
	if (m->ops->info)
		m->ops->info(m->backend, b);
}

/* As the first of them says. */
static struct processors host_processors(void)
{
	struct processors p = { .cpus = (unsigned)get_nprocs(), .max_id = (unsigned)get_nprocs_conf() - 1 };
	struct buf text = { 0 };
	char cores[32], siblings[32], mhz[32], numa[64];
	unsigned long c, s;

	proc_read("/sys/devices/system/node/online", &text);
	snprintf(numa, sizeof(numa), "%.*s", (int)strcspn(text.p, "\n"), text.p);
	proc_read("/proc/cpuinfo", &text);
	proc_field(text.p, "cpu cores", cores, sizeof(cores));
	proc_field(text.p, "siblings", siblings, sizeof(siblings));
	proc_field(text.p, "cpu MHz", mhz, sizeof(mhz));
	buf_free(&text);
	c = strtoul(cores, NULL, 10);
	s = strtoul(siblings, NULL, 10);
	p.nodes = strchr(numa, '-') ? (unsigned)strtoul(strrchr(numa, '-') + 1, NULL, 10) + 1 : 1;
	p.cores_per_socket = c ? (unsigned)c : 1;
	p.threads_per_core = c && s > c ? (unsigned)(s / c) : 1;
	p.khz = (unsigned)(strtod(mhz, NULL) * 1000 + 0.5);
	return p;
}

static void info_processors(const struct model *m, struct buf *b)
{
	struct processors p = host_processors();

	if (m->ops->processors)
		m->ops->processors(m->backend, &p);
	buf_printf(b, "nr_cpus %u\nmax_cpu_id %u\nnr_nodes %u\ncores_per_socket %u\nthreads_per_core %u\n", p.cpus,
	           p.max_id, p.nodes, p.cores_per_socket, p.threads_per_core);
	if (p.khz)
		buf_printf(b, "cpu_mhz %u.%03u\n", p.khz / 1000, p.khz % 1000);
	else
		buf_puts(b, "cpu_mhz -\n");
}

int show_info(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct host host = { .total_mib = host_mib(), .cpus = (unsigned)get_nprocs() };
	struct err ignored = { 0 };

	(void)reader;
	(void)e;
	info_fixed(r->model, b);
	info_processors(r->model, b);
	if (r->model->ops->host && !r->model->ops->host(r->model->backend, &host, &ignored))
		buf_printf(b, "total_memory %" PRIu64 "\nfree_memory %" PRIu64 "\n", host.total_mib, host.free_mib);
	else
		buf_printf(b, "total_memory %" PRIu64 "\nfree_memory -\n", host.total_mib);
	buf_printf(b, "tree %d\n", TREE_VERSION);
	return 0;
}

size_t size_round(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

size_t size_info(const struct ref *r)
{
	static const char others[] = "nr_cpus max_cpu_id nr_nodes cores_per_socket threads_per_core cpu_mhz "
				     "total_memory free_memory tree 1";
	struct buf b = { 0 };
	size_t n;

	info_fixed(r->model, &b);
	n = b.len;
	buf_free(&b);
	return size_round(n + sizeof(others) + 9 * 20, 256);
}
