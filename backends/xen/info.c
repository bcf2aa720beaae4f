/* What `xl info` says of the host, with its keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"

static bool file_says(const char *path, const char *word)
{
	struct buf b = { 0 };
	bool says = file_slurp(AT_FDCWD, path, 4096, &b, NULL) == 0 && b.p && strstr(b.p, word);

	buf_free(&b);
	return says;
}

/* Also a guest of Xen has /sys/hypervisor; /proc/xen is mounted by the control domain's own init. */
bool xen_here(void)
{
	struct stat st;

	if (!file_says("/sys/hypervisor/type", "xen") && !file_says("/proc/xen/capabilities", "control_d"))
		return false;
	if (file_says("/proc/xen/capabilities", "control_d"))
		return true;
	return stat("/dev/xen/privcmd", &st) == 0 &&
	       file_says("/sys/hypervisor/uuid", "00000000-0000-0000-0000-000000000000");
}

static uint64_t pages_mib(struct backend *b, uint64_t pages)
{
	const libxl_version_info *v = libxl_get_version_info(b->query);

	return pages * (uint64_t)(v && v->pagesize > 0 ? v->pagesize : 4096) >> 20;
}

int xen_host(struct backend *b, struct host *ret, struct err *e)
{
	libxl_physinfo p;
	uint64_t free;
	int rc;

	libxl_physinfo_init(&p);
	rc = libxl_get_physinfo(b->query, &p);
	if (!rc) {
		free = p.free_pages + p.scrub_pages;
		*ret = (struct host){
			.total_mib = pages_mib(b, p.total_pages),
			.free_mib = pages_mib(b, free > p.outstanding_pages ? free - p.outstanding_pages : 0),
			.spare_mib = xen_room_kib(b) >> 10,
			.cpus = p.nr_cpus,
		};
	}
	libxl_physinfo_dispose(&p);
	return rc ? fail(e, EREMOTEIO, "Xen does not say what the host has (error %d)", rc) : 0;
}

/* There may be no limit, which is said as a very large one. */
static uint64_t own_max_mib(struct backend *b, const libxl_dominfo *info)
{
	uint64_t said = atomic_load(&b->own_max_kib), mib = (said ? said : info->max_memkb) / 1024;
	libxl_physinfo p;

	libxl_physinfo_init(&p);
	if (libxl_get_physinfo(b->query, &p) == 0 && mib > pages_mib(b, p.total_pages))
		mib = pages_mib(b, p.total_pages);
	libxl_physinfo_dispose(&p);
	return mib;
}

void xen_own(struct backend *b, struct own *ret)
{
	libxl_dominfo info;

	libxl_dominfo_init(&info);
	if (libxl_domain_info(b->query, &info, 0) == 0)
		*ret = (struct own){
			.mib = info.current_memkb / 1024,
			.max_mib = own_max_mib(b, &info),
			.cpu_usec = info.cpu_time / 1000,
			.vcpus = info.vcpu_online,
			.maxvcpus = info.vcpu_max_id + 1,
		};
	libxl_dominfo_dispose(&info);
}

void xen_processors(struct backend *b, struct processors *ret)
{
	libxl_physinfo p;

	libxl_physinfo_init(&p);
	if (libxl_get_physinfo(b->query, &p) == 0)
		*ret = (struct processors){
			.cpus = p.nr_cpus,
			.max_id = p.max_cpu_id,
			.nodes = p.nr_nodes,
			.cores_per_socket = p.cores_per_socket,
			.threads_per_core = p.threads_per_core,
			.khz = p.cpu_khz,
		};
	libxl_physinfo_dispose(&p);
}

static void put(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s ", key);
	if (value && *value)
		buf_escape(out, value, strlen(value));
	else
		buf_putc(out, '-');
	buf_putc(out, '\n');
}

static void put_number(struct buf *out, const char *key, uint64_t n)
{
	buf_printf(out, "%s %llu\n", key, (unsigned long long)n);
}

static void put_caps(struct buf *out, const libxl_physinfo *p)
{
	const struct {
		bool has;
		const char *name;
	} caps[] = { { p->cap_pv, "pv" },
		     { p->cap_hvm, "hvm" },
		     { p->cap_hvm && p->cap_hvm_directio, "hvm_directio" },
		     { p->cap_pv && p->cap_hvm_directio, "pv_directio" },
		     { p->cap_hap, "hap" },
		     { p->cap_shadow, "shadow" },
		     { p->cap_iommu_hap_pt_share, "iommu_hap_pt_share" },
		     { p->cap_vmtrace, "vmtrace" },
		     { p->cap_vpmu, "vpmu" },
		     { p->cap_gnttab_v1, "gnttab-v1" },
		     { p->cap_gnttab_v2, "gnttab-v2" } };

	buf_puts(out, "virt_caps");
	for (size_t i = 0; i < COUNT(caps); i++)
		if (caps[i].has)
			buf_printf(out, " %s", caps[i].name);
	buf_putc(out, '\n');
}

/* In no pool of CPUs. */
static void put_free_cpus(struct backend *b, struct buf *out)
{
	libxl_bitmap free;

	libxl_bitmap_init(&free);
	if (libxl_get_freecpus(b->query, &free) == 0)
		put_number(out, "free_cpus", (uint64_t)libxl_bitmap_count_set(&free));
	libxl_bitmap_dispose(&free);
}

static void put_host(struct backend *b, struct buf *out)
{
	libxl_physinfo p;

	libxl_physinfo_init(&p);
	if (libxl_get_physinfo(b->query, &p) == 0) {
		put_caps(out, &p);
		buf_puts(out, "hw_caps ");
		for (int i = 0; i < 8; i++)
			buf_printf(out, "%s%08x", i ? ":" : "", p.hw_cap[i]);
		buf_putc(out, '\n');
		put_number(out, "sharing_freed_memory", pages_mib(b, p.sharing_freed_pages));
		put_number(out, "sharing_used_memory", pages_mib(b, p.sharing_used_frames));
		put_number(out, "outstanding_claims", pages_mib(b, p.outstanding_pages));
	}
	libxl_physinfo_dispose(&p);
	put_free_cpus(b, out);
}

void xen_info(struct backend *b, struct buf *out)
{
	const libxl_version_info *v = libxl_get_version_info(b->query);
	int scheduler = libxl_get_scheduler(b->query);

	buf_puts(out, "hypervisor xen\naccel xen\n");
	put_host(b, out);
	if (v) {
		char version[64];

		put_number(out, "xen_major", (uint64_t)v->xen_version_major);
		put_number(out, "xen_minor", (uint64_t)v->xen_version_minor);
		put(out, "xen_extra", v->xen_version_extra);
		snprintf(version, sizeof(version), "%d.%d%.32s", v->xen_version_major, v->xen_version_minor,
		         v->xen_version_extra);
		put(out, "xen_version", version);
		put(out, "xen_caps", v->capabilities);
	}
	put(out, "xen_scheduler", scheduler < 0 ? NULL : libxl_scheduler_to_string((libxl_scheduler)scheduler));
	if (v) {
		put_number(out, "xen_pagesize", (uint64_t)v->pagesize);
		buf_printf(out, "platform_params virt_start=0x%llx\n", (unsigned long long)v->virt_start);
		put(out, "xen_changeset", v->changeset);
		put(out, "xen_commandline", v->commandline);
		put(out, "cc_compiler", v->compiler);
		put(out, "cc_compile_by", v->compile_by);
		put(out, "cc_compile_domain", v->compile_domain);
		put(out, "cc_compile_date", v->compile_date);
		put(out, "build_id", v->build_id);
	}
	buf_puts(out, "xend_config_format 4\n");
}
