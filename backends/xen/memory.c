#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/xen/xen.h"
#include "log.h"

#define SLACK_KIB 2048         /* what Xen and the guest count differently */
#define SETTLE_MSEC 400        /* a guest that far from its target that has moved no page since is where it will be */
#define BESIDE_KIB (16 * 1024) /* a guest that is further away has not got to its last target yet */

static bool is_down(const struct guest *g, uint64_t kib)
{
	return g->actual_kib <= kib + SLACK_KIB;
}

static bool is_up(const struct guest *g, uint64_t kib)
{
	return g->actual_kib + SLACK_KIB >= kib;
}

uint64_t xen_memory_kib(struct backend *b, int id, const char *key)
{
	char path[64], *value;
	uint64_t kib = 0;

	snprintf(path, sizeof(path), "/local/domain/%d/memory/%s", id, key);
	value = xs_read(xen_monitor_xs(b->monitor), XBT_NULL, path, NULL);
	if (value && parse_u64(value, UINT64_C(1) << 40, &kib, NULL))
		kib = 0;
	free(value);
	return kib;
}

uint64_t xen_video_kib(struct guest *g)
{
	return xen_memory_kib(g->b, g->id, "videoram");
}

/*
 * What the guest has beside what it was told to have, negative where it has less: that was so from the start, and stays. A Linux
 * in an HVM guest takes its video memory, which Xen counts, from a target that libxl took it from already.
 */
static int64_t beside(struct guest *g, uint64_t actual)
{
	int64_t video = (int64_t)xen_video_kib(g), more;
	uint64_t target = 0;

	if (libxl_get_memory_target(g->b->query, (uint32_t)g->id, &target))
		return 0;
	more = (int64_t)actual - (int64_t)target - video;
	return more < BESIDE_KIB && more > -video - SLACK_KIB ? more : 0;
}

/* Within the slack it may still be on its way. */
static void settle(struct guest *g, uint64_t kib)
{
	uint64_t before, until = clock_msec() + SETTLE_MSEC;

	lock_acquire(&g->lock);
	while (g->actual_kib != kib && !g->ended && !g->gone && clock_msec() < until) {
		before = g->actual_kib;
		cond_wait(&g->changed, &g->lock, until);
		if (g->actual_kib != before)
			until = clock_msec() + SETTLE_MSEC;
	}
	lock_release(&g->lock);
}

int xen_set_memory(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	struct err late = { 0 };
	uint64_t actual, kib, video;
	int64_t more;
	int rc = xen_guest_alive(g, NULL, e);

	if (rc)
		return rc;
	video = xen_video_kib(g);
	if (mib * 1024 < 2 * video) /* libxl takes it off, and does not look whether that much is there */
		return fail(e, EINVAL, "its display alone has %llu MiB: %llu is the least",
		            (unsigned long long)(video / 1024), (unsigned long long)((2 * video + 1023) / 1024));
	lock_acquire(&g->lock);
	actual = g->actual_kib;
	lock_release(&g->lock);
	more = beside(g, actual);
	kib = mib * 1024;
	kib = more < 0 && (uint64_t)-more > kib ? 0 : kib + (uint64_t)more;
	rc = xen_call_begin(g->b, g, &c, e);
	if (!rc)
		rc = xen_call_error(
			c, libxl_set_memory_target(xen_call_ctx(c), (uint32_t)g->id, (int64_t)(mib * 1024), 0, 1),
			"mem-set", e);
	xen_call_end(c);
	if (rc)
		return rc;
	lock_acquire(&g->lock);
	g->record.mem_target = mib;
	lock_release(&g->lock);
	if (xen_record_run(g, &late))
		log_warn("%s", late.text);
	xen_monitor_hurry(g->b->monitor, 1);
	rc = xen_guest_wait(g, actual > kib ? is_down : is_up, kib, j, e);
	if (!rc)
		settle(g, kib);
	xen_monitor_hurry(g->b->monitor, -1);
	lock_acquire(&g->lock);
	actual = g->actual_kib;
	lock_release(&g->lock);
	if (rc == -ETIMEDOUT)
		return fail(e, ETIMEDOUT, "the guest was told, and has %llu MiB; it may still get there",
		            (unsigned long long)(actual / 1024));
	return rc;
}
