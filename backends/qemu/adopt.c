/*
 * What runs already when the daemon starts. The lock of a folder says whether its QEMU lives, the record how far it came.
 * A guest that has run one instruction is never killed here; one that has not is not worth keeping.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "backends/qemu/guest.h"
#include "log.h"
#include "testpoint.h"

#define ANSWER_MSEC 2000 /* for all guests together */
#define KILL_MSEC 3000

/* It never ran: end it and forget it. */
static void abandon(struct backend *b, int folder, const char *name, const struct record *r)
{
	uint64_t deadline = clock_msec() + KILL_MSEC;
	struct err e;
	int lock;

	while ((lock = run_folder_lock(folder, &e)) == -EBUSY && clock_msec() < deadline) {
		int pidfd = process_find(r);

		if (pidfd < 0)
			pidfd = run_folder_holder(folder, r->uid);
		if (pidfd >= 0) {
			process_kill(pidfd, deadline, &e);
			close(pidfd);
		} else {
			poll(NULL, 0, 10); /* its launcher has not become QEMU yet */
		}
	}
	test_point("adopt-abandoned");
	if (lock == -EBUSY)
		log_error("%s/%s: a guest that never ran cannot be ended", b->dir, name);
	else
		run_folder_remove(b->dirfd, name);
	if (lock >= 0)
		close(lock);
}

/* The process of a started guest, by its record, or by the lock if that is wrong. */
static int find_process(int folder, const struct record *r)
{
	int pidfd = process_find(r);

	return pidfd >= 0 ? pidfd : run_folder_holder(folder, r->uid);
}

/* False: refused. */
static bool appear(struct guest *g)
{
	const struct record *r = &g->record;
	struct found f = { .name = r->name,
		           .uuid = r->uuid,
		           .id = r->id,
		           .spec = g->spec,
		           .started = r->started,
		           .mem_target = r->mem_target };

	g->domain = g->b->sink->appeared(g->b->sink->model, &f, g);
	return g->domain != NULL;
}

/* Its status is asked for, and all that is told once after it; nobody waits for the answers yet. */
static void take_over(struct guest *g, struct watch *w)
{
	unlinkat(g->dirfd, "destroyed", 0);
	guest_ask(g, ASK_STATUS ASK_MEMORY);
	if (args_vnc(g->spec))
		guest_ask(g, ASK_DISPLAY);
	/* Its last daemon may have died while a reset was let through. */
	if (!guest_reboots_in_place(g))
		guest_ask(g, ASK_REBOOT_HELD);
	w->asked = clock_msec();
	monitor_add(g->b->monitor, w);
}

/* As long as it runs, its user id and its memory are taken: the handle stays until the backend is closed. */
static void leave_alone(struct guest *g, bool runs)
{
	if (!runs)
		guest_unref(g);
}

/* *R is taken over. */
static void adopt_started(struct backend *b, int folder, const char *name, struct record *r, bool held)
{
	struct spec *spec = NULL;
	struct guest *g;
	struct watch *w;
	struct err e;

	if (run_folder_read_config(folder, &spec, &e) < 0) {
		log_error("%s/%s: %s; its configuration is taken for empty", b->dir, name, e.text);
		spec_parse("", 0, &spec, NULL, NULL);
	}
	g = guest_new(b, name, spec);
	spec_unref(spec);
	g->record = *r;
	*r = (struct record){ 0 };
	g->uid = g->record.uid;
	atomic_store(&g->reboot_wanted, g->record.reboot_wanted);
	if (held)
		g->pidfd = find_process(folder, &g->record);
	if (run_folder_open(g, &e) < 0 || (held && g->pidfd < 0)) {
		log_error("%s: guest %s runs, and its process cannot be found", g->dir, g->record.name);
		leave_alone(g, held);
		return;
	}
	if (!appear(g)) {
		log_warn("%s: guest %s is refused and left alone", g->dir, g->record.name);
		leave_alone(g, held);
		return;
	}
	test_point("adopt-appeared");
	w = watch_new(g);
	watch_replay(w, held);
	if (held) {
		take_over(g, w);
		return;
	}
	if (faccessat(g->dirfd, "destroyed", F_OK, 0) == 0)
		atomic_store(&g->destroying, true);
	watch_exited(w);
	watch_free(w);
}

/* Only a QEMU that was broken into lets go of its lock and lives: its id must not become another guest's. */
static bool is_alive(const struct record *r)
{
	int pidfd = process_find(r);
	bool alive = pidfd >= 0 && poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 0) == 0;

	if (pidfd >= 0)
		close(pidfd);
	return alive;
}

static void adopt_one(void *backend, const char *name)
{
	struct backend *b = backend;
	int folder = openat(b->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), lock, rc;
	struct record r = { 0 };
	struct err e;

	if (folder < 0)
		return;
	rc = record_load(folder, &r, &e);
	if (rc == -ENOENT || (rc == 0 && strcmp(r.boot_id, b->boot_id) != 0)) {
		run_folder_remove(b->dirfd, name); /* nothing was begun, or nothing can be left of it */
		goto out;
	}
	if (rc < 0) {
		log_error("%s/%s: %s; it is left alone", b->dir, name, e.text);
		goto out;
	}
	if (r.phase != PHASE_STARTED) {
		abandon(b, folder, name, &r);
		goto out;
	}
	lock = run_folder_lock(folder, &e);
	if (lock >= 0)
		close(lock);
	adopt_started(b, folder, name, &r, lock == -EBUSY || is_alive(&r));
out:
	record_free(&r);
	close(folder);
}

int guests_adopt(struct backend *b, struct err *e)
{
	int rc = dir_numbers(b->dirfd, adopt_one, b, e);

	if (rc)
		return fail_in(e, "%s", b->dir);
	test_point("adopt-asked");
	monitor_settle(b->monitor, clock_msec() + ANSWER_MSEC);
	test_point("adopt-told");
	return monitor_start(b->monitor, e);
}
