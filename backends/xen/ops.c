#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* Xen's headers are written in GNU C, and look whether it is spoken. */
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"

static void xen_close(struct backend *b)
{
	if (!b)
		return;
	xen_monitor_free(b->monitor);
	b->monitor = NULL;
	/* Handles end with their backend, whoever still has one. */
	while (b->guests) {
		xen_console_saved(b->guests); /* it does next */
		atomic_store(&b->guests->refs, 1);
		xen_guest_unref(b->guests);
	}
	if (b->query)
		libxl_ctx_free(b->query);
	if (b->xc)
		xc_interface_close(b->xc);
	if (b->dirfd >= 0)
		close(b->dirfd);
	free(b->dir);
	cond_destroy(&b->room);
	lock_destroy(&b->lock);
	free(b);
}

static int read_boot_id(char out[64], struct err *e)
{
	struct buf id = { 0 };
	int rc = file_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 63, &id, e);

	if (!rc)
		snprintf(out, 64, "%.36s", id.p);
	buf_free(&id);
	return rc;
}

static int xen_open(const struct backend_config *c, const struct sink *sink, struct backend **ret, struct err *e)
{
	struct backend *b = x_alloc(sizeof(*b));
	int cpus, rc;

	b->sink = sink;
	b->dir = x_printf("%s/xen", c->run_dir);
	b->dirfd = -1;
	b->log = xen_log_quiet();
	lock_init(&b->lock);
	cond_init(&b->room);
	rc = read_boot_id(b->boot_id, e);
	if (!rc)
		rc = xen_ctx_open(b->log, &b->query, e);
	if (!rc) {
		b->xc = xc_interface_open(b->log, NULL, 0);
		rc = b->xc ? 0 : fail(e, errno, "Xen: %s", strerror(errno));
	}
	if (!rc) {
		cpus = libxl_get_max_cpus(b->query);
		rc = cpus > 0 ? 0 : fail(e, EREMOTEIO, "Xen does not say which CPUs the host has (error %d)", cpus);
	}
	if (!rc) {
		xen_room_open(b);
		b->cpus = (unsigned)cpus;
		rc = b->dirfd = dir_make(b->dir, 0700, e);
	}
	if (rc >= 0)
		rc = xen_monitor_new(b, &b->monitor, e);
	if (rc < 0) {
		xen_close(b);
		return rc;
	}
	*ret = b;
	return 0;
}

static int check(struct backend *b, const struct spec *s, struct err *e)
{
	(void)b;
	if (spec_maxvcpus(s) > XEN_VCPUS_MAX)
		return fail(e, EINVAL, "maxvcpus: at most %d", XEN_VCPUS_MAX);
	return xen_check(s, e);
}

const struct backend_ops xen_backend = {
	.name = "xen",
	.keys = xen_keys,
	.numbers = true,
	.pins_offline = true,
	.here = xen_here,
	.open = xen_open,
	.close = xen_close,
	.adopt = xen_adopt,
	.host = xen_host,
	.own = xen_own,
	.own_vcpus = xen_own_vcpus,
	.processors = xen_processors,
	.info = xen_info,
	.check = check,
	.start = xen_start,
	.destroy = xen_destroy,
	.shutdown = xen_shutdown,
	.reboot = xen_reboot,
	.reset = xen_reset,
	.pause = xen_pause,
	.unpause = xen_unpause,
	.trigger = xen_trigger,
	.sysrq = xen_sysrq,
	.set_memory = xen_set_memory,
	.set_maxmem = xen_set_maxmem,
	.set_vcpus = xen_set_vcpus,
	.pin = xen_pin,
	.pin_soft = xen_pin_soft,
	.set_sched = xen_set_sched,
	.dump_core = xen_dump_core,
	.rename = xen_rename,
	.disk_attach = xen_disk_attach,
	.disk_detach = xen_disk_detach,
	.disk_media = xen_disk_media,
	.vif_attach = xen_vif_attach,
	.vif_detach = xen_vif_detach,
	.counters = xen_counters,
	.disk_counters = xen_disk_counters,
	.vif_counters = xen_vif_counters,
	.vcpu_list = xen_vcpu_list,
	.console_write = xen_console_write,
	.forget = xen_guest_unref,
};
