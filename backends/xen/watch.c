/* What the monitor sees of a guest becomes what the model is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen.h"
#include "log.h"

/* By the reasons that Xen knows. */
static const struct {
	libxl_shutdown_reason reason;
	enum end end;
	const char *word;
} ends[] = {
	{ LIBXL_SHUTDOWN_REASON_POWEROFF, END_POWEROFF, "poweroff" },
	{ LIBXL_SHUTDOWN_REASON_REBOOT, END_REBOOT, "reboot" },
	{ LIBXL_SHUTDOWN_REASON_CRASH, END_CRASH, "crash" },
	{ LIBXL_SHUTDOWN_REASON_WATCHDOG, END_CRASH, "watchdog" },
	{ LIBXL_SHUTDOWN_REASON_SOFT_RESET, END_REBOOT, "soft-reset" },
};

static void set(struct guest *g, enum domain_state s, bool ended)
{
	lock_acquire(&g->lock);
	g->state = s;
	g->ended = ended;
	cond_broadcast(&g->changed);
	lock_release(&g->lock);
}

static void tell_state(struct guest *g, enum domain_state s)
{
	static const char *const words[2][2] = { { "unpaused", "paused" }, { "started", "started" } };
	const char *word = words[!g->told][s == STATE_PAUSED];

	if (g->told && g->state == s && !g->ended)
		return;
	if (!g->told && (g->foreign || g->adopted))
		word = g->foreign ? "found" : "adopted";
	g->told = true;
	g->b->sink->state(g->domain, s, word);
	set(g, s, false);
}

static void tell_end(struct guest *g, libxl_shutdown_reason reason)
{
	bool reboots;
	size_t i;

	if (g->ended)
		return;
	lock_acquire(&g->lock);
	reboots = g->record.reboot_wanted;
	lock_release(&g->lock);
	if (reason == LIBXL_SHUTDOWN_REASON_POWEROFF && reboots)
		reason = LIBXL_SHUTDOWN_REASON_REBOOT;
	for (i = 0; i < COUNT(ends) - 1 && ends[i].reason != reason; i++)
		;
	if (!g->told) /* it ran, though nobody saw it */
		tell_state(g, STATE_RUNNING);
	/* Whoever made a foreign guest decides what becomes of it. */
	g->b->sink->ended(g->domain, ends[i].end, !g->foreign, ends[i].word);
	set(g, g->state, true);
}

static void tell_facts(struct guest *g, const libxl_dominfo *info)
{
	uint64_t mib = (info->current_memkb + 512) / 1024;

	if (mib != g->mem_told) {
		g->mem_told = mib;
		g->b->sink->memory(g->domain, mib);
	}
	if (info->vcpu_online != g->vcpus_told) {
		g->vcpus_told = info->vcpu_online;
		g->b->sink->vcpus(g->domain, info->vcpu_online);
	}
	lock_acquire(&g->lock);
	g->actual_kib = info->current_memkb;
	g->online = info->vcpu_online;
	g->listed++;
	cond_broadcast(&g->changed);
	lock_release(&g->lock);
}

void xen_watch_log(struct guest *g)
{
	struct buf lines;
	char *line, *rest;

	lock_acquire(&g->lock);
	lines = g->log;
	g->log = (struct buf){ 0 };
	lock_release(&g->lock);
	rest = lines.p;
	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			g->b->sink->log(g->domain, line);
	buf_free(&lines);
}

void xen_watch_see(struct guest *g, const libxl_dominfo *info)
{
	if (!g->told) {
		g->type = xen_guest_type(g->b, info);
		if (!g->foreign && !g->adopted)
			g->b->sink->id(g->domain, g->id);
	}
	xen_watch_log(g);
	if (g->told && atomic_load(&g->destroying)) /* how it fades is of no interest */
		return;
	if (!info->shutdown)
		tell_facts(g, info);
	/* What suspends is being saved by another tool: it goes on, or it is destroyed. */
	if (info->shutdown && info->shutdown_reason != LIBXL_SHUTDOWN_REASON_SUSPEND)
		tell_end(g, info->shutdown_reason);
	else
		tell_state(g, info->paused || info->shutdown ? STATE_PAUSED : STATE_RUNNING);
	if (!info->shutdown)
		xen_watch_sched(g, info);
}

void xen_watch_gone(struct guest *g)
{
	xen_watch_log(g);
	if (!g->foreign)
		xen_record_end(g);
	g->b->sink->gone(g->domain, END_DESTROYED, atomic_load(&g->destroying) ? "destroyed" : "vanished");
	lock_acquire(&g->lock);
	g->gone = true;
	cond_broadcast(&g->changed);
	lock_release(&g->lock);
}

void xen_watch_target(struct guest *g, libxl_ctx *ctx)
{
	uint64_t kib;

	if (g->domain && libxl_get_memory_target(ctx, (uint32_t)g->id, &kib) == 0)
		g->b->sink->target(g->domain, (kib + xen_video_kib(g) + 512) / 1024);
}

/* In xenstore it is the plain one: Xen adds to its own, and lowers that with each target. */
void xen_watch_maximum(struct guest *g)
{
	uint64_t kib = xen_memory_kib(g->b, g->id, "static-max");

	if (g->domain && kib)
		g->b->sink->maximum(g->domain, kib / 1024);
}

/* What xl calls a guest of ours for as long as it moves it to another host: it is gone then, or has its name again. */
static bool is_moving(const struct guest *g, const char *name)
{
	static const char away[] = "--migratedaway";
	size_t n = strlen(name);

	return !g->foreign && n >= sizeof(away) && !strcmp(name + n - (sizeof(away) - 1), away);
}

/* Of ours the first name that is seen may be another than ours too: it got that while no daemon ran. */
void xen_watch_name(struct guest *g, libxl_ctx *ctx)
{
	char *name = libxl_domid_to_name(ctx, (uint32_t)g->id);
	bool ours, known;

	if (!name || is_moving(g, name)) {
		free(name);
		return;
	}
	lock_acquire(&g->lock);
	ours = !strcmp(g->called, name);
	if (!ours)
		snprintf(g->called, sizeof(g->called), "%.80s", name);
	lock_release(&g->lock);
	known = g->name ? !strcmp(g->name, name) : g->foreign;
	if (g->domain && !known && !ours)
		g->b->sink->renamed(g->domain, name);
	free(g->name);
	g->name = name;
}
