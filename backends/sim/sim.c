#include "sim.h"

#include <errno.h>
#include <stdlib.h>

/* One default for all, and the few keys that the simulated hardware has. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct key_use keys[KEY_COUNT] = {
	[0 ... KEY_COUNT - 1] = { KEY_IDLE, "the simulator has no such hardware" },
	[KEY_name] = { KEY_HONOURED, NULL },
	[KEY_uuid] = { KEY_HONOURED, NULL },
	[KEY_type] = { KEY_HONOURED, NULL },
	[KEY_builder] = { KEY_HONOURED, NULL },
	[KEY_memory] = { KEY_HONOURED, NULL },
	[KEY_maxmem] = { KEY_HONOURED, NULL },
	[KEY_vcpus] = { KEY_HONOURED, NULL },
	[KEY_maxvcpus] = { KEY_HONOURED, NULL },
	[KEY_cpus] = { KEY_HONOURED, NULL },
	[KEY_cpus_soft] = { KEY_IDLE, "a simulated VCPU has no preference before it is given one" },
	[KEY_cpu_weight] = { KEY_HONOURED, NULL },
	[KEY_cap] = { KEY_HONOURED, NULL },
	[KEY_cpu_cap] = { KEY_HONOURED, NULL },
	[KEY_disk] = { KEY_HONOURED, NULL },
	[KEY_vif] = { KEY_HONOURED, NULL },
	[KEY_on_poweroff] = { KEY_HONOURED, NULL },
	[KEY_on_reboot] = { KEY_HONOURED, NULL },
	[KEY_on_crash] = { KEY_HONOURED, NULL },
	[KEY_description] = { KEY_HONOURED, NULL },
	[KEY_kernel] = { KEY_IDLE, "the simulator's guests boot without a kernel" },
	[KEY_ramdisk] = { KEY_IDLE, "the simulator's guests boot without a kernel" },
	[KEY_cmdline] = { KEY_IDLE, "the simulator's guests boot without a kernel" },
	[KEY_root] = { KEY_IDLE, "the simulator's guests boot without a kernel" },
	[KEY_extra] = { KEY_IDLE, "the simulator's guests boot without a kernel" },
	[KEY_pci] = { KEY_REFUSED, "the simulated host has no PCI devices to hand in" },
	[KEY_usbdev] = { KEY_REFUSED, "the simulated host has no USB devices to hand in" },
};
#pragma GCC diagnostic pop

static int sim_open(const struct backend_config *c, const struct sink *sink, struct backend **ret, struct err *e)
{
	struct backend *s = x_alloc(sizeof(*s));
	int r = sim_options_parse(c->options, &s->opt, s->faults, e);

	if (r) {
		free(s);
		return r;
	}
	lock_init(&s->lock);
	cond_init(&s->wake);
	s->sink = *sink;
	s->timers.prev = s->timers.next = &s->timers;
	*ret = s;
	return 0;
}

static void sim_close(struct backend *s)
{
	struct guest *g, *next;

	if (!s)
		return;
	sim_monitor_stop(s);
	for (g = s->guests; g; g = next) {
		next = g->next;
		sim_guest_free(g);
	}
	cond_destroy(&s->wake);
	lock_destroy(&s->lock);
	free(s);
}

static int sim_adopt(struct backend *s, struct err *e)
{
	int ret = sim_foreign_adopt(s, e);

	return ret ? ret : sim_monitor_start(s, e);
}

static void sim_info(struct backend *s, struct buf *b)
{
	(void)s;
	buf_puts(b, "hypervisor sim\naccel none\nvirt_caps pv pvh hvm\n");
}

static int sim_check(struct backend *s, const struct spec *spec, struct err *e)
{
	uint64_t mib = spec_memory(spec);
	unsigned vcpus = spec_maxvcpus(spec);
	int ret;

	lock_acquire(&s->lock);
	ret = sim_fault_hit(s, VERB_CHECK, "check", e);
	lock_release(&s->lock);
	if (ret)
		return ret;
	if (mib > s->opt.total)
		return fail(e, ENOMEM, "memory: %llu MiB is more than the host has, %llu MiB", (unsigned long long)mib,
		            (unsigned long long)s->opt.total);
	if (vcpus > CPUS_MAX)
		return fail(e, EINVAL, "maxvcpus: %u is more than a simulated guest can have, %d", vcpus, CPUS_MAX);
	return 0;
}

/* ---- changing calls ---- */

static int sim_start(struct backend *s, const struct run *run, struct guest **ret, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_START, .run = run };
	int rc;

	if ((rc = sim_check(s, run->spec, e)))
		return rc;
	r.guest = sim_guest_new(s, run->name, &run->uuid, run->id, run->spec);
	r.guest->domain = run->domain;
	rc = sim_request_run(s, &r, j, e);
	if (rc)
		sim_guest_free(r.guest);
	else
		*ret = r.guest;
	return rc;
}

static int simple(struct guest *g, enum verb v, struct job *j, struct err *e)
{
	struct request r = { .verb = v, .guest = g };

	return sim_request_run(g->sim, &r, j, e);
}

static int sim_destroy(struct guest *g, struct job *j, struct err *e)
{
	return simple(g, VERB_DESTROY, j, e);
}

static int sim_shutdown(struct guest *g, struct job *j, struct err *e)
{
	return simple(g, VERB_SHUTDOWN, j, e);
}

static int sim_reboot(struct guest *g, struct job *j, struct err *e)
{
	return simple(g, VERB_REBOOT, j, e);
}

static int sim_reset(struct guest *g, struct job *j, struct err *e)
{
	return simple(g, VERB_RESET, j, e);
}

static int sim_pause(struct guest *g, struct job *j, struct err *e)
{
	return simple(g, VERB_PAUSE, j, e);
}

static int sim_unpause(struct guest *g, struct job *j, struct err *e)
{
	return simple(g, VERB_UNPAUSE, j, e);
}

static int sim_trigger(struct guest *g, const char *what, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_TRIGGER, .guest = g, .word = what };

	return sim_request_run(g->sim, &r, j, e);
}

static int sim_sysrq(struct guest *g, char letter, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_SYSRQ, .guest = g, .letter = letter };

	return sim_request_run(g->sim, &r, j, e);
}

static int sim_set_memory(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_SET_MEMORY, .guest = g, .number = mib };

	return sim_request_run(g->sim, &r, j, e);
}

static int sim_rename(struct guest *g, const char *name, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_RENAME, .guest = g, .word = name };

	return sim_request_run(g->sim, &r, j, e);
}

/* ---- the rest ---- */

static int sim_console_write(struct guest *g, const char *p, size_t n, struct err *e)
{
	struct backend *s = g->sim;
	size_t room;
	int ret;

	lock_acquire(&s->lock);
	if ((ret = sim_fault_hit(s, VERB_CONSOLE_WRITE, g->name, e)))
		goto out;
	if (g->gone || g->ended) {
		ret = fail(e, EHOSTDOWN, "%s: nobody reads the console, the guest has ended", g->name);
		goto out;
	}
	room = SIM_INPUT_MAX - g->in.len;
	if (!room) {
		ret = fail(e, EAGAIN, "%s: the guest does not read its console", g->name);
		goto out;
	}
	ret = (int)(n < room ? n : room);
	buf_add(&g->in, p, (size_t)ret);
	if (sim_guest_executing(g) && !g->input.next)
		sim_timer_arm(s, &g->input, sim_now(s));
out:
	lock_release(&s->lock);
	return ret;
}

static void sim_forget(struct guest *g)
{
	struct backend *s = g->sim;

	lock_acquire(&s->lock);
	sim_guest_remove(s, g);
	lock_release(&s->lock);
	sim_guest_free(g);
}

const struct backend_ops sim_backend = {
	.name = "sim",
	.keys = keys,
	.open = sim_open,
	.close = sim_close,
	.adopt = sim_adopt,
	.host = sim_query_host,
	.info = sim_info,
	.check = sim_check,
	.start = sim_start,
	.destroy = sim_destroy,
	.shutdown = sim_shutdown,
	.reboot = sim_reboot,
	.reset = sim_reset,
	.pause = sim_pause,
	.unpause = sim_unpause,
	.trigger = sim_trigger,
	.sysrq = sim_sysrq,
	.set_memory = sim_set_memory,
	.set_maxmem = sim_set_maxmem,
	.set_vcpus = sim_set_vcpus,
	.pin = sim_pin,
	.pin_soft = sim_pin_soft,
	.set_sched = sim_set_sched,
	.dump_core = sim_dump_core,
	.rename = sim_rename,
	.disk_attach = sim_disk_attach,
	.disk_detach = sim_disk_detach,
	.disk_media = sim_disk_media,
	.vif_attach = sim_vif_attach,
	.vif_detach = sim_vif_detach,
	.counters = sim_query_counters,
	.disk_counters = sim_query_disk,
	.vif_counters = sim_query_vif,
	.vcpu_list = sim_query_vcpus,
	.console_write = sim_console_write,
	.forget = sim_forget,
};
