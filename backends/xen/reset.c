/*
 * Xen resets no machine: a guest of ours is destroyed and started again. Of another tool's only that one knows how it is made:
 * it is made to stop as if it had asked for a reboot itself, for the tool to start it again.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
/* Xen's headers are written in GNU C, and look whether it is spoken. */
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "backends/xen/xen.h"

static bool has_ended(const struct guest *g, uint64_t unused)
{
	(void)unused;
	return g->ended || g->gone;
}

int xen_reset(struct guest *g, struct job *j, struct err *e)
{
	struct spec *spec = xen_guest_spec(g);
	enum action then = spec_action(spec, KEY_on_reboot, ACTION_RESTART);
	int rc = xen_guest_alive(g, NULL, e);
	xc_interface *xc;

	spec_unref(spec);
	if (rc)
		return rc;
	if (!g->foreign)
		return fail(e, ERESTART, "Xen resets no guest");
	if (then != ACTION_RESTART && then != ACTION_RENAME_RESTART)
		return fail(e, EOPNOTSUPP,
		            "the tool that made this guest is the one to start it again, on_reboot=%s says no",
		            action_names[then]);
	xc = xc_interface_open(g->b->log, NULL, 0);
	if (!xc)
		return fail(e, errno, "reset: %s", strerror(errno));
	if (xc_domain_shutdown(xc, (uint32_t)g->id, SHUTDOWN_reboot))
		rc = fail(e, EREMOTEIO, "reset: Xen says: %s", strerror(errno));
	xc_interface_close(xc);
	xen_monitor_kick(g->b->monitor);
	return rc ? rc : xen_guest_wait(g, has_ended, 0, j, e);
}
