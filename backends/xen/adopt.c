/*
 * What runs already when the daemon starts. A guest of ours goes by its record, whose number stands in xenstore too; one
 * that was not built in full has run no instruction and is ended, one that was about to run does, and one that was being
 * destroyed is destroyed. All others are foreign: the monitor tells of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"
#include "log.h"
#include "testpoint.h"

static char *word_of(struct backend *b, uint32_t id, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", id, key);
	return xs_read(xen_monitor_xs(b->monitor), XBT_NULL, path, NULL);
}

/* The mark comes and goes with all else in xenstore: later than a domain comes, and earlier than it goes. */
static bool is_run(struct backend *b, uint32_t id, const struct xen_record *r, const char *serial)
{
	char *mark = word_of(b, id, "domfs"), *name = word_of(b, id, "name");
	bool bare = r->phase == XEN_INTENT || r->phase == XEN_DESTROYING,
	     same = mark ? !strcmp(mark, serial) : bare && !name;

	free(mark);
	free(name);
	return same;
}

/* The id of the domain that is this run, -1: it is gone. */
static int find_domain(struct backend *b, const struct xen_record *r, const char *serial)
{
	int n = 0, id = -1;
	libxl_dominfo *list = libxl_list_domain(b->query, &n);

	for (int i = 0; list && i < n; i++)
		if (!list[i].dying && !memcmp(list[i].uuid.uuid, r->uuid.b, sizeof(r->uuid.b)) &&
		    is_run(b, list[i].domid, r, serial))
			id = (int)list[i].domid;
	libxl_dominfo_list_free(list, n);
	return id;
}

static void abandon(struct backend *b, const char *serial, const struct xen_record *r, int id)
{
	struct err e = { 0 };

	if (id >= 0 && xen_destroy_id(b, NULL, id, NULL, &e))
		log_error("%s: a guest that never ran, id %d, cannot be ended: %s", r->name, id, e.text);
	else
		xen_record_remove(b, serial);
}

/* One that has run was paused by somebody. */
static bool never_ran(struct backend *b, int id)
{
	libxl_dominfo info;
	bool never;

	libxl_dominfo_init(&info);
	never = libxl_domain_info(b->query, &info, (uint32_t)id) == 0 && info.paused && info.cpu_time == 0;
	libxl_dominfo_dispose(&info);
	return never;
}

/* What the daemon before was about to do. False: nothing is left of the guest. */
static bool go_on(struct guest *g, const struct xen_record *r, int id)
{
	struct err e = { 0 };

	if (id < 0)
		return false;
	if (r->phase == XEN_BUILT && never_ran(g->b, id) && xen_start_finish(g, NULL, &e))
		log_error("%s: it was to run, and is paused still: %s", r->name, e.text);
	if (r->phase != XEN_DESTROYING)
		return true;
	if (!xen_destroy_id(g->b, g, id, NULL, &e))
		return false;
	log_error("%s: it was being destroyed, and runs still: %s", r->name, e.text);
	atomic_store(&g->destroying, false);
	return true;
}

static void adopt_started(struct backend *b, int folder, const char *serial, const struct xen_record *r, int id)
{
	struct found f = {
		.name = r->name, .uuid = r->uuid, .id = r->id, .started = r->started, .mem_target = r->mem_target
	};
	struct spec *spec = NULL;
	struct guest *g;
	struct err e = { 0 };

	if (xen_record_config(folder, &spec, &e)) {
		log_error("%s/%s: %s; its configuration is taken for empty", b->dir, serial, e.text);
		spec_parse("", 0, &spec, NULL, NULL);
	}
	g = xen_guest_new(b, &r->uuid, spec);
	spec_unref(spec);
	g->record = *r;
	g->adopted = true;
	g->dirfd = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	snprintf(g->serial, sizeof(g->serial), "%s", serial);
	snprintf(g->called, sizeof(g->called), "%s", r->name);
	g->id = r->id;
	g->built = true;
	atomic_store(&g->destroying, r->phase == XEN_DESTROYING);
	f.spec = g->spec;
	g->domain = b->sink->appeared(b->sink->model, &f, g);
	if (!g->domain) {
		log_warn("%s: guest %s is refused and left alone", serial, r->name);
		xen_guest_unref(g); /* the monitor finds it foreign */
		return;
	}
	test_point("xen-appeared");
	xen_guest_list(g);
	xen_console_retell(g);
	if (!go_on(g, r, id))
		xen_watch_gone(g);
}

static void adopt_one(void *backend, const char *serial)
{
	struct backend *b = backend;
	int folder = openat(b->dirfd, serial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), id, rc;
	struct xen_record r = { 0 };
	struct err e = { 0 };

	if (folder < 0)
		return;
	rc = xen_record_load(folder, &r, &e);
	if (rc == -ENOENT || (!rc && strcmp(r.boot_id, b->boot_id) != 0)) {
		xen_record_remove(b, serial); /* nothing was begun, or nothing can be left of it */
	} else if (rc) {
		log_error("%s/%s: %s; it is left alone", b->dir, serial, e.text);
	} else {
		id = find_domain(b, &r, serial);
		if (id >= 0) /* another than it was when another tool has saved and restored it */
			r.id = id;
		if (r.phase == XEN_INTENT)
			abandon(b, serial, &r, id);
		else
			adopt_started(b, folder, serial, &r, id);
	}
	close(folder);
}

int xen_adopt(struct backend *b, struct err *e)
{
	int n = 0, rc;
	libxl_dominfo *list = libxl_list_domain(b->query, &n);

	if (!list) /* or all would be taken for gone */
		return fail(e, EIO, "Xen does not say which domains there are");
	libxl_dominfo_list_free(list, n);
	rc = dir_numbers(b->dirfd, adopt_one, b, e);
	if (rc)
		return fail_in(e, "%s", b->dir);
	xen_monitor_scan(b->monitor);
	return xen_monitor_start(b->monitor, e);
}
