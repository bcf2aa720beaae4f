/*
 * Room for a guest. Where Domain-0 began with all of the host's memory it gives up what a guest needs, as it does for xl: by
 * autoballoon= of xl.conf, else unless Xen was told dom0_mem=. It is left with what it lives on, which xl does not look at.
 */
#include <errno.h>
#include <fcntl.h>
#include <libxlutil.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"

#define XL_CONF "/etc/xen/xl.conf"
#define KEPT_KIB (256ull << 10)   /* of Domain-0's memory */
#define UNUSED_KIB (128ull << 10) /* and of that, what none of its processes has */
#define STEP_MSEC 200

bool xen_room_given(const char *autoballoon, const char *xen_says)
{
	static const char *const on[] = { "on", "1", NULL }, *const off[] = { "off", "0", NULL };
	const char *at = xen_says;

	if (autoballoon && word_is(autoballoon, on))
		return true;
	if (autoballoon && word_is(autoballoon, off))
		return false;
	while ((at = strstr(at, "dom0_mem=")) && at != xen_says && at[-1] != ' ')
		at++;
	return !at;
}

void xen_room_open(struct backend *b)
{
	const libxl_version_info *v = libxl_get_version_info(b->query);
	XLU_Config *c = access(XL_CONF, R_OK) ? NULL : xlu_cfg_init(stderr, XL_CONF);
	const char *word = NULL;

	if (c && xlu_cfg_readfile(c, XL_CONF) == 0 && xlu_cfg_get_string(c, "autoballoon", &word, 1))
		word = NULL;
	b->gives = xen_room_given(word, v && v->commandline ? v->commandline : "");
	if (c)
		xlu_cfg_destroy(c);
}

static uint64_t unused_kib(void)
{
	struct buf b = { 0 };
	const char *at;
	uint64_t kib = 0;

	if (file_slurp(AT_FDCWD, "/proc/meminfo", 65536, &b, NULL) == 0 && b.p && (at = strstr(b.p, "MemAvailable:")))
		kib = strtoull(at + strlen("MemAvailable:"), NULL, 10);
	buf_free(&b);
	return kib;
}

uint64_t xen_room_kib(struct backend *b)
{
	uint64_t target = 0, unused, kib;

	if (!b->gives || libxl_get_memory_target(b->query, 0, &target) || target <= KEPT_KIB)
		return 0;
	unused = unused_kib();
	kib = unused > UNUSED_KIB ? unused - UNUSED_KIB : 0;
	return kib < target - KEPT_KIB ? kib : target - KEPT_KIB;
}

/* What Domain-0 was asked for and has not given up yet. */
static uint64_t coming_kib(struct backend *b, uint64_t target)
{
	libxl_dominfo info;
	uint64_t kib = 0;

	libxl_dominfo_init(&info);
	if (libxl_domain_info(b->query, &info, 0) == 0 && info.current_memkb > target)
		kib = info.current_memkb - target;
	libxl_dominfo_dispose(&info);
	return kib;
}

/* Whether there is room for all that is being built. ALONE: nobody else waits, whose end would make some. */
static int room_look(struct backend *b, libxl_ctx *ctx, uint64_t wanted, bool alone, struct err *e)
{
	uint64_t free = 0, target = 0, coming, spare = xen_room_kib(b), lacks;

	if (libxl_get_free_memory(ctx, &free) || libxl_get_memory_target(ctx, 0, &target))
		return fail(e, EREMOTEIO, "Xen does not say what memory is free");
	if (free >= wanted)
		return 0;
	lacks = wanted - free;
	coming = coming_kib(b, target);
	if (lacks <= coming)
		return -EAGAIN;
	lacks -= coming;
	if (lacks > spare)
		return alone ? fail(e, ENOMEM, "%llu MiB more would be needed, Domain-0 can give up %llu",
		                    (unsigned long long)(lacks >> 10), (unsigned long long)(spare >> 10))
		             : -EAGAIN;
	if (libxl_set_memory_target(ctx, 0, (int64_t)(target - lacks), 0, 1))
		return fail(e, ENOMEM, "Xen does not let Domain-0 give up %llu MiB", (unsigned long long)(lacks >> 10));
	return -EAGAIN;
}

int xen_room_take(struct backend *b, libxl_ctx *ctx, libxl_domain_config *c, uint64_t *kib, struct job *j,
                  struct err *e)
{
	uint64_t need = 0;
	int rc;

	*kib = 0;
	if (!b->gives)
		return 0;
	if (libxl_domain_need_memory(ctx, c, INVALID_DOMID, &need))
		return fail(e, EREMOTEIO, "Xen does not say what memory the guest needs");
	*kib = need;
	lock_acquire(&b->lock);
	b->wanted_kib += need;
	do {
		uint64_t wanted = b->wanted_kib;

		lock_release(&b->lock);
		rc = room_look(b, ctx, wanted, wanted == need, e);
		if (rc == -EAGAIN && job_check(j, e))
			rc = fail_in(e, "Domain-0 is to give up memory");
		lock_acquire(&b->lock);
		if (rc == -EAGAIN)
			cond_wait(&b->room, &b->lock, clock_msec() + STEP_MSEC);
	} while (rc == -EAGAIN);
	lock_release(&b->lock);
	return rc;
}

void xen_room_leave(struct backend *b, uint64_t kib)
{
	lock_acquire(&b->lock);
	b->wanted_kib -= kib;
	cond_broadcast(&b->room);
	lock_release(&b->lock);
}
