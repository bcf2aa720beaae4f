/*
 * Devices that a guest gets or gives back while it runs. While that is under way the monitor does not look at its
 * devices: what xenstore has of them meanwhile is half of one state and half of another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xen/xen.h"
#include "log.h"
#include "testpoint.h"

#define OPEN_MSEC 30000
#define DETACH_TRIES 3 /* of ten seconds */

struct spec *xen_guest_spec(struct guest *g)
{
	struct spec *s;

	lock_acquire(&g->lock);
	s = spec_ref(g->spec);
	lock_release(&g->lock);
	return s;
}

/* ---- which ---- */

static const struct disk *disk_in(const struct spec *s, const struct disk *like)
{
	size_t n;
	const struct disk *disks = spec_disks(s, &n);

	for (size_t i = 0; i < n; i++)
		if (xen_disk_number(&disks[i]) == xen_disk_number(like))
			return &disks[i];
	return NULL;
}

static bool vif_in(const struct spec *s, unsigned index)
{
	size_t n;
	const struct vif *vifs = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++)
		if (vifs[i].index == index)
			return true;
	return false;
}

/* How many devices of A are not in B. */
static size_t lacking(const struct spec *a, const struct spec *b)
{
	size_t n, count = 0;
	const struct disk *disks = spec_disks(a, &n);
	const struct vif *vifs;

	for (size_t i = 0; i < n; i++)
		count += !disk_in(b, &disks[i]);
	vifs = spec_vifs(a, &n);
	for (size_t i = 0; i < n; i++)
		count += !vif_in(b, vifs[i].index);
	return count;
}

/* ---- one change ---- */

/* MORE devices come, LESS go: LIVE was made from what was in force, unless the monitor has just found something else. */
static int begin(struct guest *g, const struct spec *live, size_t more, size_t less, struct xen_call **c, struct err *e)
{
	int rc = xen_guest_alive(g, NULL, e);

	if (rc)
		return rc;
	lock_acquire(&g->lock);
	if (lacking(live, g->spec) != more || lacking(g->spec, live) != less)
		rc = fail(e, EBUSY, "another tool has just changed the guest's devices; look at them, and try again");
	else
		g->changing = true;
	lock_release(&g->lock);
	if (rc)
		return rc;
	rc = xen_call_begin(g->b, g, c, e);
	if (rc) {
		lock_acquire(&g->lock);
		g->changing = false;
		lock_release(&g->lock);
	}
	return rc;
}

/* A successor that finds the record older sees in xenstore what there is. */
static void record(struct guest *g)
{
	struct err late = { 0 };

	if (xen_record_live(g, &late))
		log_warn("%s", late.text);
}

static int end(struct guest *g, struct xen_call *c, const struct spec *live, int rc)
{
	struct spec *now = rc ? NULL : xen_device_spec(g, live), *was = NULL;

	xen_call_end(c);
	lock_acquire(&g->lock);
	if (now) {
		was = g->spec;
		g->spec = now;
	}
	g->changing = false;
	lock_release(&g->lock);
	spec_unref(was);
	if (now)
		record(g);
	atomic_store(&g->look, true);
	xen_monitor_kick(g->b->monitor);
	return rc;
}

bool xen_device_found(struct guest *g, const struct spec *from, const struct spec *live)
{
	bool still;

	lock_acquire(&g->lock);
	still = g->spec == from && !g->changing;
	if (still) {
		spec_unref(g->spec);
		g->spec = spec_ref(live);
	}
	lock_release(&g->lock);
	if (still)
		record(g);
	return still;
}

/* The loop device FD (-1: none) is what VDEV is on from now on; the one that it was on goes with its last user. */
static void loop_keep(struct guest *g, const char *vdev, int fd)
{
	size_t i;

	for (i = 0; i < g->nloops && strcmp(g->loops[i].vdev, vdev) != 0; i++)
		;
	if (i < g->nloops) {
		close(g->loops[i].fd);
		g->loops[i] = g->loops[--g->nloops];
	}
	if (fd < 0)
		return;
	g->loops = x_grow(g->loops, g->nloops + 1, sizeof(*g->loops));
	g->loops[g->nloops].fd = fd;
	snprintf(g->loops[g->nloops++].vdev, sizeof(g->loops->vdev), "%s", vdev);
}

/* D opened by BY, as libxl wants it in *ret, which libxl_device_disk_dispose() frees. */
static int open_disk(const struct disk *d, bool hvm, bool medium, const struct user *by, struct job *j,
                     libxl_device_disk *ret, int *loop, struct err *e)
{
	uint64_t deadline = clock_msec() + OPEN_MSEC;
	char *path = NULL;
	int rc;

	if (job_deadline(j) < deadline)
		deadline = job_deadline(j);
	libxl_device_disk_init(ret);
	rc = medium ? xen_file_medium(by, d, deadline, &path, loop, e)
	            : xen_file_disk(by, d, hvm && d->cdrom, deadline, &path, loop, e);
	if (!rc)
		rc = xen_spec_disk(d, path, hvm, by->uid != 0, ret, e);
	free(path);
	return rc;
}

/* ---- disks ---- */

static int add_disk(struct guest *g, struct xen_call *c, libxl_device_disk *disk, long number, struct job *j,
                    struct err *e)
{
	int rc = libxl_device_disk_add(xen_call_ctx(c), (uint32_t)g->id, disk, xen_call_how(c));

	rc = xen_call_finish(c, rc, j, "block-attach", e);
	test_point("xen-attached");
	if (!rc && xen_guest_runs(g))
		rc = xen_device_wait(g, "vbd", number, j, e);
	if (rc) { /* nothing of it stays */
		struct err late = { 0 };
		int undo = libxl_device_disk_destroy(xen_call_ctx(c), (uint32_t)g->id, disk, xen_call_how(c));

		if (xen_call_finish(c, undo, NULL, "block-attach", &late))
			log_debug("what is left of %s: %s", disk->vdev, late.text);
	}
	return rc;
}

int xen_disk_attach(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                    struct err *e)
{
	size_t n;
	const struct disk *d = &spec_disks(live, &n)[disk];
	long number = xen_disk_number(d);
	struct xen_call *c = NULL;
	libxl_device_disk xl;
	int loop = -1, rc;

	if (number < 0)
		return fail(e, EINVAL, "disk %s: Xen has no such place", d->vdev);
	rc = begin(g, live, 1, 0, &c, e);
	if (rc)
		return rc;
	rc = open_disk(d, spec_hvm(live), false, by, j, &xl, &loop, e);
	if (!rc)
		rc = add_disk(g, c, &xl, number, j, e);
	if (!rc)
		loop_keep(g, d->vdev, loop);
	else if (loop >= 0)
		close(loop);
	libxl_device_disk_dispose(&xl);
	return end(g, c, live, rc);
}

/* A guest that hears of it: paused it could not let go of anything. */
static int check_runs(struct guest *g, struct err *e)
{
	return xen_guest_runs(g) ? 0 : fail(e, EINVAL, "the guest is paused and cannot let go of it; unpause it first");
}

static int let_go(struct guest *g, struct xen_call *c, libxl_device_disk *disk, struct job *j, struct err *e)
{
	int rc = -ETIMEDOUT;

	for (int i = 0; rc == -ETIMEDOUT && i < DETACH_TRIES; i++) {
		rc = job_check(j, e);
		if (rc)
			return rc;
		rc = libxl_device_disk_safe_remove(xen_call_ctx(c), (uint32_t)g->id, disk, xen_call_how(c));
		rc = xen_call_finish(c, rc, j, "block-detach", e);
	}
	if (rc == -ETIMEDOUT)
		rc = fail(e, EBUSY,
		          "the guest does not let go of %s: is it in use there? It was asked to; when it has, "
		          "block-detach again ends it",
		          disk->vdev);
	return rc;
}

/* What no driver has taken is nobody's to let go of. */
static int remove_disk(struct guest *g, struct xen_call *c, libxl_device_disk *disk, long number, struct job *j,
                       struct err *e)
{
	int rc;

	if (xen_device_taken(g, "vbd", number)) {
		rc = check_runs(g, e);
		return rc ? rc : let_go(g, c, disk, j, e);
	}
	rc = libxl_device_disk_destroy(xen_call_ctx(c), (uint32_t)g->id, disk, xen_call_how(c));
	return xen_call_finish(c, rc, j, "block-detach", e);
}

static int remove_nic(struct guest *g, struct xen_call *c, libxl_device_nic *nic, struct job *j, struct err *e)
{
	bool taken = xen_device_taken(g, "vif", nic->devid);
	int rc = taken ? check_runs(g, e) : 0;

	if (rc)
		return rc;
	rc = (taken ? libxl_device_nic_remove : libxl_device_nic_destroy)(xen_call_ctx(c), (uint32_t)g->id, nic,
	                                                                  xen_call_how(c));
	return xen_call_finish(c, rc, j, "network-detach", e);
}

int xen_disk_detach(struct guest *g, const struct spec *live, const struct disk *disk, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	libxl_device_disk xl;
	int rc = begin(g, live, 0, 1, &c, e);

	if (rc)
		return rc;
	libxl_device_disk_init(&xl);
	/* Else another tool was first. */
	if (libxl_vdev_to_device_disk(xen_call_ctx(c), (uint32_t)g->id, disk->vdev, &xl) == 0)
		rc = remove_disk(g, c, &xl, xen_disk_number(disk), j, e);
	if (!rc)
		loop_keep(g, disk->vdev, -1);
	libxl_device_disk_dispose(&xl);
	return end(g, c, live, rc);
}

int xen_disk_media(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                   struct err *e)
{
	size_t n;
	const struct disk *d = &spec_disks(live, &n)[disk];
	struct xen_call *c = NULL;
	libxl_device_disk xl;
	int loop = -1, rc;

	if (!spec_hvm(live))
		return fail(e, EOPNOTSUPP, "only an hvm guest has a drive whose medium can be changed");
	rc = begin(g, live, 0, 0, &c, e);
	if (rc)
		return rc;
	rc = open_disk(d, true, true, by, j, &xl, &loop, e);
	if (!rc) {
		rc = libxl_cdrom_insert(xen_call_ctx(c), (uint32_t)g->id, &xl, xen_call_how(c));
		rc = xen_call_finish(c, rc, j, d->source ? "cd-insert" : "cd-eject", e);
	}
	if (!rc)
		loop_keep(g, d->vdev, loop);
	else if (loop >= 0)
		close(loop);
	libxl_device_disk_dispose(&xl);
	if (!rc)
		atomic_store(&g->media_ours, true);
	return end(g, c, live, rc);
}

/* ---- interfaces ---- */

static int add_nic(struct guest *g, struct xen_call *c, libxl_device_nic *nic, unsigned index, struct job *j,
                   struct err *e)
{
	int rc = libxl_device_nic_add(xen_call_ctx(c), (uint32_t)g->id, nic, xen_call_how(c));

	rc = xen_call_finish(c, rc, j, "network-attach", e);
	if (!rc && xen_guest_runs(g))
		rc = xen_device_wait(g, "vif", (long)index, j, e);
	if (rc) {
		struct err late = { 0 };
		int undo = libxl_device_nic_destroy(xen_call_ctx(c), (uint32_t)g->id, nic, xen_call_how(c));

		if (xen_call_finish(c, undo, NULL, "network-attach", &late))
			log_debug("what is left of interface %u: %s", index, late.text);
	}
	return rc;
}

int xen_vif_attach(struct guest *g, const struct spec *live, unsigned vif, struct job *j, struct err *e)
{
	size_t n;
	const struct vif *v = &spec_vifs(live, &n)[vif];
	struct xen_call *c = NULL;
	libxl_device_nic xl;
	int rc = begin(g, live, 1, 0, &c, e);

	if (rc)
		return rc;
	libxl_device_nic_init(&xl);
	rc = xen_spec_vif(v, spec_hvm(live), &xl, e);
	if (!rc && xl.nictype == LIBXL_NIC_TYPE_VIF_IOEMU) /* QEMU plugs no card into a machine that runs */
		xl.nictype = LIBXL_NIC_TYPE_VIF;
	if (!rc)
		rc = add_nic(g, c, &xl, v->index, j, e);
	libxl_device_nic_dispose(&xl);
	return end(g, c, live, rc);
}

int xen_vif_detach(struct guest *g, const struct spec *live, const struct vif *vif, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	libxl_device_nic xl;
	int rc = begin(g, live, 0, 1, &c, e);

	if (rc)
		return rc;
	libxl_device_nic_init(&xl);
	if (libxl_devid_to_device_nic(xen_call_ctx(c), (uint32_t)g->id, (int)vif->index, &xl) == 0)
		rc = remove_nic(g, c, &xl, j, e);
	libxl_device_nic_dispose(&xl);
	return end(g, c, live, rc);
}
