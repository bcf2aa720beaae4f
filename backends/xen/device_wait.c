/* Whether the two ends of a device have met: libxl waits for the host's end alone. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen.h"

#define PATIENCE_MSEC 20000 /* of a guest that has drivers for Xen */
#define GLANCE_MSEC 2000    /* of one that may have none */
#define NOT_THERE 0
#define INITIALISING 1
#define CONNECTED 4

struct ends {
	char back[160], front[96]; /* paths of their states */
};

static int read_state(struct xs_handle *xs, const char *path)
{
	char *text = xs_read(xs, XBT_NULL, path, NULL);
	int state = text ? atoi(text) : 0;

	free(text);
	return state;
}

static bool find_ends(struct xs_handle *xs, const struct guest *g, const char *kind, long number, struct ends *ret)
{
	char path[96], *back;

	snprintf(path, sizeof(path), "/libxl/%d/device/%s/%ld/backend", (int)g->id, kind, number);
	back = xs_read(xs, XBT_NULL, path, NULL);
	if (!back)
		return false;
	snprintf(ret->back, sizeof(ret->back), "%.140s/state", back);
	snprintf(ret->front, sizeof(ret->front), "/local/domain/%d/device/%s/%ld/state", (int)g->id, kind, number);
	free(back);
	return true;
}

/* Some other device of its has found its driver. */
static bool has_drivers(struct xs_handle *xs, const struct guest *g, const struct ends *but)
{
	static const char *const kinds[] = { "vbd", "vif" };
	char path[128];
	bool has = false;

	for (size_t k = 0; k < COUNT(kinds); k++) {
		unsigned n = 0;
		char **names;

		snprintf(path, sizeof(path), "/local/domain/%d/device/%s", (int)g->id, kinds[k]);
		names = xs_directory(xs, XBT_NULL, path, &n);
		for (unsigned i = 0; names && !has && i < n; i++) {
			snprintf(path, sizeof(path), "/local/domain/%d/device/%s/%.24s/state", (int)g->id, kinds[k],
			         names[i]);
			has = strcmp(path, but->front) != 0 && read_state(xs, path) == CONNECTED;
		}
		free(names);
	}
	return has;
}

/* Until something changes, the job is to stop, or UNTIL. */
static void await_change(struct xs_handle *xs, struct job *j, uint64_t until)
{
	struct pollfd p[2] = { { .fd = xs_fileno(xs), .events = POLLIN },
		               { .fd = job_cancel_fd(j), .events = POLLIN } };
	uint64_t now = clock_msec();
	char **w;

	if (now < until)
		poll(p, 2, (int)(until - now));
	while ((w = xs_check_watch(xs)))
		free(w);
}

int xen_device_wait(struct guest *g, const char *kind, long number, struct job *j, struct err *e)
{
	struct xs_handle *xs = xs_open(0);
	struct ends ends;
	uint64_t until;
	int rc = 0, state;

	if (!xs)
		return fail(e, EIO, "xenstore: %s", strerror(errno));
	if (!find_ends(xs, g, kind, number, &ends)) {
		rc = fail(e, EREMOTEIO, "another tool has just taken it away");
		goto out;
	}
	if (!xs_watch(xs, ends.back, "") || !xs_watch(xs, ends.front, ""))
		rc = fail(e, EIO, "xenstore: %s", strerror(errno));
	until = clock_msec() + (has_drivers(xs, g, &ends) ? PATIENCE_MSEC : GLANCE_MSEC);
	while (!rc && (state = read_state(xs, ends.back)) != CONNECTED) {
		if (state == NOT_THERE) {
			rc = fail(e, EREMOTEIO, "what was to serve it refused to; /var/log/xen/qemu-dm-* says why");
			break;
		}
		if (clock_msec() >= until) {
			/* One that has no driver for it (yet) finds it there when it has. */
			if (read_state(xs, ends.front) > INITIALISING)
				rc = fail(e, ETIMEDOUT, "the guest began to take it, and does not get on");
			break;
		}
		rc = job_check(j, e);
		if (!rc)
			await_change(xs, j, until);
	}
out:
	xs_close(xs);
	return rc;
}

bool xen_device_taken(struct guest *g, const char *kind, long number)
{
	struct xs_handle *xs = xs_open(0);
	struct ends ends;
	bool taken = true;

	if (!xs)
		return true;
	if (find_ends(xs, g, kind, number, &ends))
		taken = read_state(xs, ends.front) > INITIALISING;
	xs_close(xs);
	return taken;
}
