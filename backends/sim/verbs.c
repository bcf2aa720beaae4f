#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int do_start(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_destroy(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_shutdown(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_reboot(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_reset(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_pause(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_unpause(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_trigger(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_sysrq(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_set_memory(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
static int do_rename(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);

const struct verb_info sim_verbs[VERB_COUNT] = {
	[VERB_START] = { "start", false, do_start },
	[VERB_DESTROY] = { "destroy", true, do_destroy },
	[VERB_SHUTDOWN] = { "shutdown", false, do_shutdown },
	[VERB_REBOOT] = { "reboot", false, do_reboot },
	[VERB_RESET] = { "reset", false, do_reset },
	[VERB_PAUSE] = { "pause", false, do_pause },
	[VERB_UNPAUSE] = { "unpause", false, do_unpause },
	[VERB_TRIGGER] = { "trigger", false, do_trigger },
	[VERB_SYSRQ] = { "sysrq", false, do_sysrq },
	[VERB_SET_MEMORY] = { "set_memory", false, do_set_memory },
	[VERB_SET_MAXMEM] = { "set_maxmem", false, sim_do_set_maxmem },
	[VERB_SET_VCPUS] = { "set_vcpus", false, sim_do_set_vcpus },
	[VERB_PIN] = { "pin", false, sim_do_pin },
	[VERB_PIN_SOFT] = { "pin_soft", false, sim_do_pin },
	[VERB_SET_SCHED] = { "set_sched", false, sim_do_set_sched },
	[VERB_DUMP_CORE] = { "dump_core", true, sim_do_dump_core },
	[VERB_RENAME] = { "rename", true, do_rename },
	[VERB_DISK_ATTACH] = { "disk_attach", false, sim_do_devices },
	[VERB_DISK_DETACH] = { "disk_detach", false, sim_do_devices },
	[VERB_DISK_MEDIA] = { "disk_media", false, sim_do_devices },
	[VERB_VIF_ATTACH] = { "vif_attach", false, sim_do_devices },
	[VERB_VIF_DETACH] = { "vif_detach", false, sim_do_devices },
	[VERB_ADOPT] = { "adopt", false, NULL },
	[VERB_HOST] = { "host", false, NULL },
	[VERB_CHECK] = { "check", false, NULL },
	[VERB_COUNTERS] = { "counters", false, NULL },
	[VERB_DISK_COUNTERS] = { "disk_counters", false, NULL },
	[VERB_VIF_COUNTERS] = { "vif_counters", false, NULL },
	[VERB_VCPU_LIST] = { "vcpu_list", false, NULL },
	[VERB_CONSOLE_WRITE] = { "console_write", false, NULL },
};

static int memory_find(struct backend *s, const char *who, uint64_t mib, struct err *e) NEEDS(s->lock)
{
	uint64_t rest = s->opt.total > s->used ? s->opt.total - s->used : 0;

	if (mib <= rest)
		return 0;
	return fail(e, ENOMEM, "%s: needs %llu MiB, the host has %llu MiB free; destroy or shrink other guests", who,
	            (unsigned long long)mib, (unsigned long long)rest);
}

static int do_start(struct backend *s, struct request *r, struct err *e)
{
	struct guest *g = r->guest;
	int ret;

	if ((ret = memory_find(s, g->name, g->actual, e)))
		return ret;
	sim_guest_insert(s, g);
	sim_tell_memory(s, g);
	sim_tell_vcpus(s, g);
	if (r->run->paused)
		sim_tell_state(s, g, STATE_PAUSED, "started");
	else
		sim_guest_execute(s, g, "started");
	return 0;
}

static int do_destroy(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_guest_vanish(s, r->guest, END_DESTROYED, "destroyed");
	return 0;
}

static int do_shutdown(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_guest_shutdown(s, r->guest, END_POWEROFF);
	return 0;
}

static int do_reboot(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_guest_shutdown(s, r->guest, END_REBOOT);
	return 0;
}

static int do_reset(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_guest_reset(s, r->guest);
	return 0;
}

static int do_pause(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_guest_pause(s, r->guest, "paused");
	return 0;
}

static int do_unpause(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_guest_execute(s, r->guest, "unpaused");
	return 0;
}

static int do_nmi(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock)
{
	(void)e;
	sim_console_printf(s, r->guest, "NMI\r\n");
	return 0;
}

static int do_trigger(struct backend *s, struct request *r, struct err *e)
{
	static const struct {
		const char *name;
		int (*carry_out)(struct backend *, struct request *, struct err *);
	} triggers[] = { { "nmi", do_nmi }, { "power", do_shutdown }, { "reset", do_reset } };

	for (size_t i = 0; i < COUNT(triggers); i++)
		if (!strcmp(r->word, triggers[i].name))
			return triggers[i].carry_out(s, r, e);
	return fail(e, EOPNOTSUPP, "%s: the simulator has no trigger %s; it has nmi, power and reset", r->guest->name,
	            r->word);
}

static int do_sysrq(struct backend *s, struct request *r, struct err *e)
{
	(void)e;
	sim_console_printf(s, r->guest, "sysrq: %c\r\n", r->letter);
	return 0;
}

static int do_set_memory(struct backend *s, struct request *r, struct err *e)
{
	struct guest *g = r->guest;
	uint64_t max = g->maxmem;
	int ret;

	if (g->ballooning)
		return fail(e, EBUSY, "%s: its memory is being changed to %llu MiB", g->name,
		            (unsigned long long)g->goal);
	if (!r->number)
		return fail(e, EINVAL, "%s: a guest without memory cannot be", g->name);
	if (max && r->number > max)
		return fail(e, EINVAL, "%s: %llu MiB is more than maxmem, %llu MiB", g->name,
		            (unsigned long long)r->number, (unsigned long long)max);
	if (r->number > g->actual && r->number > g->goal &&
	    (ret = memory_find(s, g->name, r->number - (g->actual > g->goal ? g->actual : g->goal), e)))
		return ret;
	if (r->number == g->actual && g->goal == g->actual)
		return 0;
	g->ballooning = r;
	sim_guest_balloon(s, g, r->number);
	return VERB_WAITS;
}

static int do_rename(struct backend *s, struct request *r, struct err *e)
{
	(void)s;
	(void)e;
	free(r->guest->name);
	r->guest->name = x_strdup(r->word);
	return 0;
}
