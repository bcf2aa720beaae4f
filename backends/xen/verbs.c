#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/xen/xen.h"
#include "log.h"

#define UNPAUSES 255 /* Xen counts pauses, in a byte */

typedef int operation(libxl_ctx *ctx, uint32_t id, const libxl_asyncop_how *how);

static int run(struct guest *g, operation *op, const char *what, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	int rc = xen_call_begin(g->b, g, &c, e);

	if (!rc)
		rc = xen_call_finish(c, op(xen_call_ctx(c), (uint32_t)g->id, xen_call_how(c)), j, what, e);
	xen_call_end(c);
	return rc;
}

static int trigger(struct guest *g, libxl_trigger t, const char *what, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	int rc = xen_call_begin(g->b, g, &c, e);

	if (!rc)
		rc = xen_call_finish(c, libxl_send_trigger(xen_call_ctx(c), (uint32_t)g->id, t, 0, xen_call_how(c)), j,
		                     what, e);
	xen_call_end(c);
	return rc;
}

/* On disk before the guest can power off: a successor must know what was meant. */
static int want_reboot(struct guest *g, bool wanted, struct err *e)
{
	bool before;
	int rc;

	lock_acquire(&g->lock);
	before = g->record.reboot_wanted;
	g->record.reboot_wanted = wanted;
	lock_release(&g->lock);
	rc = before == wanted ? 0 : xen_record_run(g, e);
	if (rc) {
		lock_acquire(&g->lock);
		g->record.reboot_wanted = before;
		lock_release(&g->lock);
	}
	return rc;
}

/* The button of an HVM guest, whose end is then a reboot. What a foreign one's is only the tool that made it says. */
static int press(struct guest *g, bool reboot, const char *what, struct job *j, struct err *e)
{
	int rc = want_reboot(g, reboot, e);

	if (!rc)
		rc = trigger(g, LIBXL_TRIGGER_POWER, what, j, e);
	if (rc && reboot && rc != -ETIMEDOUT)
		want_reboot(g, false, NULL);
	return rc;
}

static int ask(struct guest *g, bool reboot, struct job *j, struct err *e)
{
	const char *what = reboot ? "reboot" : "shutdown";
	enum domain_state state;
	int rc = xen_guest_alive(g, &state, e);

	if (rc)
		return rc;
	if (state != STATE_RUNNING)
		return fail(e, EINVAL, "the guest is paused and would not hear of it; unpause it first");
	if (!reboot) /* what was asked before counts no more */
		rc = want_reboot(g, false, e);
	if (!rc)
		rc = run(g, reboot ? libxl_domain_reboot : libxl_domain_shutdown, what, j, e);
	if (rc == -EOPNOTSUPP && g->type == LIBXL_DOMAIN_TYPE_HVM && !(reboot && g->foreign))
		rc = press(g, reboot, what, j, e);
	return rc;
}

int xen_shutdown(struct guest *g, struct job *j, struct err *e)
{
	return ask(g, false, j, e);
}

int xen_reboot(struct guest *g, struct job *j, struct err *e)
{
	return ask(g, true, j, e);
}

/* As Xen says, not as it was told last: other tools pause guests too. */
static int is_paused(struct guest *g, bool *ret, struct err *e)
{
	libxl_dominfo info;
	int rc = xen_guest_alive(g, NULL, e);

	if (rc)
		return rc;
	libxl_dominfo_init(&info);
	rc = libxl_domain_info(g->b->query, &info, (uint32_t)g->id);
	rc = rc ? fail(e, EHOSTDOWN, "the guest has ended") : 0;
	*ret = !rc && info.paused;
	libxl_dominfo_dispose(&info);
	return rc;
}

int xen_pause(struct guest *g, struct job *j, struct err *e)
{
	bool paused;
	int rc = is_paused(g, &paused, e);

	if (!rc && !paused)
		rc = run(g, libxl_domain_pause, "pause", j, e);
	xen_monitor_kick(g->b->monitor);
	return rc ? rc : xen_guest_wait(g, xen_guest_is, STATE_PAUSED, j, e);
}

int xen_unpause(struct guest *g, struct job *j, struct err *e)
{
	bool paused;
	int rc = is_paused(g, &paused, e);

	for (int i = 0; !rc && paused && i < UNPAUSES; i++) { /* others may have paused it as well */
		rc = run(g, libxl_domain_unpause, "unpause", j, e);
		if (!rc)
			rc = is_paused(g, &paused, e);
	}
	xen_monitor_kick(g->b->monitor);
	return rc ? rc : xen_guest_wait(g, xen_guest_is, STATE_RUNNING, j, e);
}

static const struct {
	const char *name;
	libxl_trigger trigger;
	bool hvm;        /* needs its virtual hardware */
	const char *why; /* there is no such trigger */
} triggers[] = {
	{ "nmi", LIBXL_TRIGGER_NMI, false, NULL },
	{ "power", LIBXL_TRIGGER_POWER, true, NULL },
	{ "sleep", LIBXL_TRIGGER_SLEEP, true, NULL },
	{ "s3resume", LIBXL_TRIGGER_S3RESUME, true, NULL },
	{ "init", LIBXL_TRIGGER_UNKNOWN, false, "Xen sends no INIT signal to a VCPU" },
};

int xen_trigger(struct guest *g, const char *what, struct job *j, struct err *e)
{
	int rc = xen_guest_alive(g, NULL, e);

	if (rc)
		return rc;
	for (size_t i = 0; i < COUNT(triggers); i++) {
		if (strcmp(triggers[i].name, what) != 0)
			continue;
		if (triggers[i].why)
			return fail(e, EOPNOTSUPP, "trigger %s: %s", what, triggers[i].why);
		if (triggers[i].hvm && g->type != LIBXL_DOMAIN_TYPE_HVM)
			return fail(e, EOPNOTSUPP, "trigger %s: only an HVM guest has such a button", what);
		return trigger(g, triggers[i].trigger, "trigger", j, e);
	}
	return fail(e, EINVAL, "trigger %s: nmi, init, power, sleep or s3resume is wanted", what);
}

/* For functions that libxl has no asynchronous form of; all of them are short. */
static int begin(struct guest *g, struct xen_call **c, struct err *e)
{
	int rc = xen_guest_alive(g, NULL, e);

	return rc ? rc : xen_call_begin(g->b, g, c, e);
}

int xen_sysrq(struct guest *g, char letter, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	int rc = begin(g, &c, e);

	(void)j;
	if (!rc)
		rc = xen_call_error(c, libxl_send_sysrq(xen_call_ctx(c), (uint32_t)g->id, letter), "sysrq", e);
	xen_call_end(c);
	return rc;
}

static void set_called(struct guest *g, const char *name)
{
	lock_acquire(&g->lock);
	snprintf(g->called, sizeof(g->called), "%s", name);
	snprintf(g->record.name, sizeof(g->record.name), "%s", name);
	lock_release(&g->lock);
}

int xen_rename(struct guest *g, const char *name, struct job *j, struct err *e)
{
	char before[NAME_MAX_LEN + 1];
	struct xen_call *c = NULL;
	int rc = begin(g, &c, e);

	(void)j;
	lock_acquire(&g->lock);
	snprintf(before, sizeof(before), "%s", g->record.name);
	lock_release(&g->lock);
	set_called(g, name);
	if (!rc)
		rc = xen_call_error(c, libxl_domain_rename(xen_call_ctx(c), (uint32_t)g->id, NULL, name), "rename", e);
	xen_call_end(c);
	if (!rc)
		rc = xen_record_run(g, e);
	if (rc)
		set_called(g, before);
	return rc;
}
