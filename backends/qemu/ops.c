#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/guest.h"

static void backend_close(struct backend *b)
{
	if (!b)
		return;
	monitor_free(b->monitor);
	/* Handles end with their backend, whoever still has one. */
	while (b->guests) {
		atomic_store(&b->guests->refs, 1);
		guest_unref(b->guests);
	}
	if (b->dirfd >= 0)
		close(b->dirfd);
	free((char *)b->config.options);
	free((char *)b->config.run_dir);
	free((char *)b->config.state_dir);
	free((char *)b->config.qemu);
	free((char *)b->config.accel);
	free(b->qemu);
	free(b->dir);
	lock_destroy(&b->lock);
	free(b);
}

static int backend_open(const struct backend_config *c, const struct sink *sink, struct backend **ret, struct err *e)
{
	struct backend *b = x_alloc(sizeof(*b));
	int rc;

	b->sink = sink;
	b->config = *c;
	b->config.options = x_strdup(c->options);
	b->config.run_dir = x_strdup(c->run_dir);
	b->config.state_dir = x_strdup(c->state_dir);
	b->config.qemu = x_strdup(c->qemu);
	b->config.accel = x_strdup(c->accel);
	b->dir = x_printf("%s/qemu", c->run_dir);
	b->dirfd = -1;
	lock_init(&b->lock);
	b->monitor = monitor_new();
	rc = host_probe(&b->config, &b->qemu, &b->features, e);
	if (rc == 0 && host_boot_id(b->boot_id) < 0)
		rc = fail(e, EIO, "the host's boot id cannot be read");
	if (rc == 0 && mkdir(b->dir, 0711) < 0 && errno != EEXIST)
		rc = fail(e, errno, "%s: %s", b->dir, strerror(errno));
	if (rc == 0) {
		b->dirfd = open(b->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* QEMU's users pass through it; the umask may have taken that away. */
		if (b->dirfd < 0 || fchmod(b->dirfd, 0711) < 0)
			rc = fail(e, errno, "%s: %s", b->dir, strerror(errno));
	}
	if (rc < 0) {
		backend_close(b);
		return rc;
	}
	*ret = b;
	return 0;
}

static int backend_host(struct backend *b, struct host *ret, struct err *e)
{
	return host_memory(backend_promised_mib(b), ret, e);
}

static void backend_info(struct backend *b, struct buf *out)
{
	buf_printf(out, "hypervisor qemu\n");
	buf_printf(out, "hypervisor_version %s\n", b->features.version);
	buf_printf(out, "machine_type %s\n", b->features.machine_pc);
	buf_printf(out, "accel %s\n", b->features.kvm ? "kvm" : "tcg");
	buf_printf(out, "accel_reason %s\n", b->features.kvm_why);
	buf_printf(out, "virt_caps %s\n", b->features.kvm ? "hvm pv" : "pv hvm-emulated");
}

static int backend_check(struct backend *b, const struct spec *s, struct err *e)
{
	(void)b;
	if (spec_maxvcpus(s) > VCPUS_MAX)
		return fail(e, EINVAL, "maxvcpus: at most %d", VCPUS_MAX);
	return keys_check(s, e);
}

static int start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e)
{
	int rc = backend_check(b, run->spec, e);

	return rc < 0 ? rc : guest_start(b, run, ret, j, e);
}

static int powerdown(struct guest *g, bool reboot, struct job *j, struct err *e)
{
	enum domain_state state;
	int rc = guest_alive(g, &state, e);

	if (rc < 0)
		return rc;
	if (state != STATE_RUNNING)
		return fail(e, EINVAL, "the guest is paused and would not hear of it; unpause it first");
	/* On disk before the guest can power off: a successor must know what was meant. */
	rc = guest_set_reboot_wanted(g, reboot, e);
	if (rc < 0)
		return rc;
	rc = guest_call(g, "system_powerdown", NULL, j, 0, NULL, e);
	if (rc < 0 && reboot && rc != -ETIMEDOUT)
		guest_set_reboot_wanted(g, false, NULL);
	return rc;
}

static int shutdown_op(struct guest *g, struct job *j, struct err *e)
{
	return powerdown(g, false, j, e);
}

static int reboot_op(struct guest *g, struct job *j, struct err *e)
{
	return powerdown(g, true, j, e);
}

static int change_state(struct guest *g, const char *command, enum domain_state wanted, struct job *j, struct err *e)
{
	enum domain_state state;
	int rc = guest_alive(g, &state, e);

	if (rc < 0 || state == wanted)
		return rc;
	rc = guest_call(g, command, NULL, j, 0, NULL, e);
	return rc < 0 ? rc : guest_wait(g, guest_is, wanted, UINT64_MAX, j, e);
}

static int pause_op(struct guest *g, struct job *j, struct err *e)
{
	int rc;

	atomic_store(&g->pausing, true);
	rc = change_state(g, "stop", STATE_PAUSED, j, e);
	atomic_store(&g->pausing, false);
	return rc;
}

static int unpause_op(struct guest *g, struct job *j, struct err *e)
{
	return change_state(g, "cont", STATE_RUNNING, j, e);
}

static const struct {
	const char *name, *command;
	const char *why; /* there is no such command */
} triggers[] = {
	{ "nmi", "inject-nmi", NULL },
	{ "power", "system_powerdown", NULL },
	{ "s3resume", "system_wakeup", NULL },
	{ "init", NULL, "QEMU sends no INIT signal to a VCPU" },
	{ "sleep", NULL, "QEMU has no sleep button" },
};

static int trigger_op(struct guest *g, const char *what, struct job *j, struct err *e)
{
	int rc = guest_alive(g, NULL, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < COUNT(triggers); i++) {
		if (strcmp(triggers[i].name, what) != 0)
			continue;
		if (!triggers[i].command)
			return fail(e, EOPNOTSUPP, "trigger %s: %s", what, triggers[i].why);
		return guest_call(g, triggers[i].command, NULL, j, 0, NULL, e);
	}
	return fail(e, EINVAL, "trigger %s: nmi, init, power, sleep or s3resume is wanted", what);
}

static int rename_op(struct guest *g, const char *name, struct job *j, struct err *e)
{
	char before[sizeof(g->record.name)];
	int rc;

	(void)j;
	memcpy(before, g->record.name, sizeof(before));
	snprintf(g->record.name, sizeof(g->record.name), "%s", name);
	rc = record_save(g->dirfd, &g->record, e);
	if (rc < 0)
		memcpy(g->record.name, before, sizeof(before));
	return rc;
}

const struct backend_ops qemu_backend = {
	.name = "qemu",
	.keys = qemu_keys,
	.open = backend_open,
	.close = backend_close,
	.adopt = guests_adopt,
	.host = backend_host,
	.info = backend_info,
	.check = backend_check,
	.start = start,
	.destroy = guest_destroy,
	.restart = guest_restart,
	.shutdown = shutdown_op,
	.reboot = reboot_op,
	.reset = guest_reset,
	.pause = pause_op,
	.unpause = unpause_op,
	.trigger = trigger_op,
	.sysrq = console_sysrq,
	.set_memory = memory_set,
	.pin = cpu_pin,
	.rename = rename_op,
	.counters = counters_guest,
	.disk_counters = counters_disk,
	.vif_counters = counters_vif,
	.vcpu_list = cpu_list,
	.screen = screen_dump,
	.console_write = console_write,
	.forget = guest_unref,
};
