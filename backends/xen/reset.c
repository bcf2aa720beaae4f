/*
 * Xen resets no machine: a guest is made to stop as if it had asked for a reboot itself, and what is said for that
 * (on_reboot) starts it again, here or, for a foreign guest, in the tool that made it.
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
	enum action then = spec_action(g->spec, KEY_on_reboot, ACTION_RESTART);
	int rc = xen_guest_alive(g, NULL, e);
	xc_interface *xc;

	if (rc)
		return rc;
	if (then != ACTION_RESTART && then != ACTION_RENAME_RESTART)
		return fail(e, EOPNOTSUPP, "Xen resets no guest but by on_reboot, which is %s here",
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
