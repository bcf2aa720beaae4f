#include <errno.h>
#include <poll.h>
#include <string.h>

#include "backends/qemu/guest.h"

#define POLL_MSEC 100
#define DRIVER_MSEC 5000 /* a guest that boots may yet load its driver */
#define STALL_MSEC 10000 /* without a change: it will not get there */
#define NEAR_MIB 1

static int sleep_or_cancel(struct job *j, struct err *e)
{
	struct pollfd p = { .fd = job_cancel_fd(j), .events = POLLIN };

	poll(&p, 1, POLL_MSEC);
	return job_check(j, e);
}

static bool driver_ready(const json_t *status)
{
	const json_t *words = json_object_get(json_object_get(status, "status"), "statuses"), *w;
	size_t i;

	json_array_foreach(words, i, w)
	{
		if (json_is_string(w) && strstr(json_string_value(w), "DRIVER_OK"))
			return true;
	}
	return false;
}

/* A guest without the driver ignores the request, and QEMU says nothing of it. */
static int await_driver(struct guest *g, struct job *j, struct err *e)
{
	uint64_t deadline = clock_msec() + DRIVER_MSEC;
	bool ready = false;
	int rc;

	do {
		json_t *status = NULL;

		rc = guest_call(g, "x-query-virtio-status",
		                json_pack("{s:s}", "path", "/machine/peripheral/balloon0/virtio-backend"), j, 0,
		                &status, e);
		if (rc ==
		    -EREMOTEIO) /* an older QEMU, or one that gave up the experiment: the guest's answer will tell */
			return 0;
		if (rc < 0)
			return rc;
		ready = driver_ready(status);
		json_decref(status);
	} while (!ready && clock_msec() < deadline && (rc = sleep_or_cancel(j, e)) == 0);
	if (rc < 0)
		return rc;
	if (!ready)
		return fail(e, ETIMEDOUT,
		            "the guest has no balloon driver, so its memory cannot be changed while it runs");
	return 0;
}

static int query(struct guest *g, struct job *j, uint64_t *bytes, struct err *e)
{
	json_t *v = NULL;
	int rc = guest_call(g, "query-balloon", NULL, j, 0, &v, e);

	if (rc < 0)
		return rc;
	*bytes = (uint64_t)json_integer_value(json_object_get(v, "actual"));
	json_decref(v);
	return 0;
}

static bool heard_again(const struct guest *g, uint64_t before)
{
	return g->heard != (unsigned)before;
}

/* A balloon's events are held back for up to a second; the answer to a question comes at once, and is told like them. */
static int told(struct guest *g, struct job *j, struct err *e)
{
	unsigned before;

	lock_acquire(&g->lock);
	before = g->heard;
	lock_release(&g->lock);
	if (guest_ask(g, ASK_MEMORY) < 0)
		return fail(e, ETIMEDOUT, "QEMU does not answer");
	return guest_wait(g, heard_again, before, UINT64_MAX, j, e);
}

static bool near(uint64_t bytes, uint64_t mib)
{
	uint64_t target = mib << 20;

	return (bytes > target ? bytes - target : target - bytes) <= (uint64_t)NEAR_MIB << 20;
}

int memory_set(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	uint64_t now = 0, before = UINT64_MAX, changed = clock_msec();
	enum domain_state state;
	int rc = guest_alive(g, &state, e);

	if (rc < 0)
		return rc;
	if (mib > spec_memory(g->spec))
		return fail(e, EINVAL, "the guest was started with %llu MiB and cannot get more while it runs",
		            (unsigned long long)spec_memory(g->spec));
	if (mib == 0)
		return fail(e, EINVAL, "a guest needs memory");
	if (state != STATE_RUNNING)
		return fail(e, EINVAL, "a paused guest cannot give or take memory; unpause it first");
	rc = await_driver(g, j, e);
	if (rc == 0)
		rc = guest_call(g, "balloon", json_pack("{s:I}", "value", (json_int_t)mib << 20), j, 0, NULL, e);
	while (rc == 0) {
		rc = query(g, j, &now, e);
		if (rc < 0 || near(now, mib))
			break;
		if (now != before) {
			before = now;
			changed = clock_msec();
		} else if (clock_msec() - changed >= STALL_MSEC) {
			rc = fail(e, ETIMEDOUT, "the guest stopped at %llu MiB", (unsigned long long)(now >> 20));
			break;
		}
		rc = sleep_or_cancel(j, e);
		if (rc == -ETIMEDOUT)
			rc = fail(e, ETIMEDOUT, "the guest got to %llu MiB in time", (unsigned long long)(now >> 20));
	}
	if (rc == 0) {
		g->record.mem_target = mib;
		rc = record_save(g->dirfd, &g->record, e);
	}
	return rc < 0 ? rc : told(g, j, e);
}

int memory_used(struct guest *g, uint64_t limit, uint64_t *ret, struct err *e)
{
	json_t *ask = json_pack("{s:s, s:s}", "path", "/machine/peripheral/balloon0", "property", "guest-stats"),
	       *v = NULL;
	const json_t *stats;
	json_int_t total, free_now;
	int rc = guest_call(g, "qom-get", ask, NULL, limit, &v, e);

	if (rc < 0)
		return rc;
	stats = json_object_get(v, "stats");
	total = json_integer_value(json_object_get(stats, "stat-total-memory"));
	free_now = json_integer_value(json_object_get(stats, "stat-available-memory"));
	/* INT64_MAX is "not said"; a guest may say anything. */
	*ret = total > 0 && total < INT64_MAX && free_now >= 0 && free_now <= total ? (uint64_t)(total - free_now) : 0;
	json_decref(v);
	return 0;
}
