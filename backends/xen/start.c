/*
 * The start of a guest: its intent is on disk before Xen hears of it, that it was built before it runs its first
 * instruction. A successor of this daemon ends what was not built, lets run what was, and adopts what did.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen.h"
#include "log.h"
#include "testpoint.h"

static int check_taken(struct backend *b, const struct run *run, struct err *e)
{
	int n = 0, rc = 0;
	libxl_dominfo *list = libxl_list_domain(b->query, &n);
	uint32_t id;

	for (int i = 0; list && !rc && i < n; i++)
		if (!list[i].dying && !memcmp(list[i].uuid.uuid, run->uuid.b, sizeof(run->uuid.b)))
			rc = fail(e, EBUSY, "a guest with this uuid runs already, its id is %u", list[i].domid);
	libxl_dominfo_list_free(list, n);
	if (!rc && libxl_name_to_domid(b->query, run->name, &id) == 0)
		rc = fail(e, EEXIST, "another tool's guest is called %s, its id is %u", run->name, id);
	return rc;
}

/* Which run of ours it is stands in xenstore, where only the control domain writes. */
static void mark(libxl_domain_config *c, const char *serial)
{
	libxl_key_value_list l = x_array(3, sizeof(*l));

	l[0] = x_strdup("domfs");
	l[1] = x_strdup(serial);
	libxl_key_value_list_dispose(&c->c_info.xsdata);
	c->c_info.xsdata = l;
}

/* The device model ends without a word that libxl would pass on. */
static int say_why(const struct spec *s, int rc, struct err *e)
{
	const struct display *d = spec_display(s);
	struct err said = *e;

	if (rc == -EREMOTEIO && d->vnc && d->passwd && d->passwd[0])
		fail(e, EREMOTEIO,
		     "%s; a QEMU without DES takes no vncpasswd: without it the display is at a socket of root's",
		     said.text);
	return rc;
}

static int build(struct guest *g, const struct run *run, struct xen_opened *o, struct job *j, struct err *e)
{
	char *vnc = x_printf("%s/%s/vnc", g->b->dir, g->serial);
	struct xen_files files = {
		.kernel = o->kernel, .ramdisk = o->ramdisk, .disks = (const char *const *)o->disks, .vnc = vnc
	};
	libxl_domain_config c;
	struct xen_call *call = NULL;
	uint32_t id = INVALID_DOMID;
	uint64_t room = 0;
	struct err late = { 0 };
	int rc = xen_call_begin(g->b, g, &call, e);

	libxl_domain_config_init(&c);
	if (!rc)
		rc = xen_config(run, &files, &c, e);
	if (!rc)
		rc = xen_room_take(g->b, xen_call_ctx(call), &c, &room, j, e);
	if (!rc) {
		mark(&c, g->serial);
		rc = libxl_domain_create_new(xen_call_ctx(call), &c, &id, xen_call_how(call), NULL);
		rc = say_why(run->spec, xen_call_finish(call, rc, j, "start", e), e);
		if (rc && id != (uint32_t)INVALID_DOMID && libxl_domain_info(xen_call_ctx(call), NULL, id) == 0 &&
		    xen_destroy_id(g->b, g, (int)id, NULL, &late))
			log_error("%s: what is left of a start, id %u: %s", run->name, id, late.text);
		if (!rc)
			atomic_store(&g->id, (int)id);
	}
	xen_room_leave(g->b, room);
	libxl_domain_config_dispose(&c);
	xen_call_end(call);
	free(vnc);
	return rc;
}

static int record(struct guest *g, enum xen_phase phase, struct err *e)
{
	lock_acquire(&g->lock);
	g->record.phase = phase;
	g->record.id = g->id;
	lock_release(&g->lock);
	return xen_record_run(g, e);
}

int xen_start_finish(struct guest *g, struct job *j, struct err *e)
{
	struct err late = { 0 };
	struct xen_call *c = NULL;
	int rc = xen_call_begin(g->b, g, &c, e);

	if (!rc) {
		rc = libxl_domain_unpause(xen_call_ctx(c), (uint32_t)g->id, xen_call_how(c));
		rc = xen_call_finish(c, rc, j, "start", e);
	}
	xen_call_end(c);
	if (!rc && record(g, XEN_STARTED, &late)) /* a successor sees by its time whether it ran */
		log_warn("%s", late.text);
	return rc;
}

static bool was_told(const struct guest *g, uint64_t unused)
{
	(void)unused;
	return g->state != STATE_STARTING || g->ended || g->gone;
}

static int make(struct guest *g, const struct run *run, struct job *j, struct err *e)
{
	struct xen_opened o = { .fds = { -1, -1 } };
	struct err late = { 0 };
	int rc = xen_record_folder(g, run->serial, e);

	if (!rc)
		rc = record(g, XEN_INTENT, e);
	xen_console_keep(g);
	test_point("xen-intent");
	if (!rc)
		rc = xen_files_open(run, j, &o, e);
	if (!rc)
		rc = job_check(j, e);
	if (!rc)
		rc = build(g, run, &o, j, e);
	test_point("xen-built");
	if (!rc) { /* the devices are the guest's for as long as it lives, whether it opens them now or later */
		g->loops = o.loops;
		g->nloops = o.nloops;
		o.loops = NULL;
		o.nloops = 0;
	}
	xen_files_close(&o);
	if (rc)
		return rc;
	rc = job_check(j, e);
	if (!rc)
		rc = record(g, run->paused ? XEN_STARTED : XEN_BUILT, e);
	test_point("xen-started");
	if (!rc && !run->paused)
		rc = xen_start_finish(g, j, e);
	test_point("xen-unpaused");
	if (rc && record(g, XEN_INTENT, &late)) /* a successor would let it run */
		log_error("%s: %s", run->name, late.text);
	if (rc && xen_destroy_id(g->b, g, g->id, NULL, &late))
		log_error("%s: what is left of a start, id %d: %s", run->name, (int)g->id, late.text);
	return rc;
}

int xen_start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e)
{
	struct err own = { 0 };
	struct guest *g;
	int rc;

	if (!e)
		e = &own;
	rc = xen_check(run->spec, e);
	if (!rc)
		rc = job_check(j, e);
	if (!rc)
		rc = check_taken(b, run, e);
	if (rc)
		return rc;
	g = xen_guest_new(b, &run->uuid, run->spec);
	g->domain = run->domain;
	snprintf(g->record.name, sizeof(g->record.name), "%s", run->name);
	snprintf(g->called, sizeof(g->called), "%s", run->name);
	g->record.uuid = run->uuid;
	g->record.serial = run->serial;
	g->record.started = run->started;
	snprintf(g->record.boot_id, sizeof(g->record.boot_id), "%s", b->boot_id);
	xen_guest_list(g); /* from here on its domain is not foreign */
	rc = make(g, run, j, e);
	if (rc) {
		xen_record_remove(b, g->serial);
		xen_guest_unref(g);
		return rc;
	}
	atomic_store(&g->built, true);
	xen_monitor_kick(b->monitor);
	/* It runs: from here on it is the monitor who says how that ends, and no cancelling undoes it. */
	if (xen_guest_wait(g, was_told, 0, NULL, NULL))
		log_debug("%s: ended as it began", run->name);
	*ret = g;
	return 0;
}

int xen_destroy_id(struct backend *b, struct guest *g, int id, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	int rc = xen_call_begin(b, g, &c, e);

	if (!rc) {
		rc = libxl_domain_destroy(xen_call_ctx(c), (uint32_t)id, xen_call_how(c));
		rc = xen_call_finish(c, rc, j, "destroy", e);
	}
	xen_call_end(c);
	return rc == -EHOSTDOWN ? 0 : rc;
}

int xen_destroy(struct guest *g, struct job *j, struct err *e)
{
	struct err late = { 0 };
	int rc;

	if (xen_guest_gone(g))
		return 0;
	atomic_store(&g->destroying, true);
	if (record(g, XEN_DESTROYING, &late)) /* a successor would not go on with it, no more */
		log_warn("%s", late.text);
	test_point("xen-destroy");
	rc = xen_destroy_id(g->b, g, g->id, j, e);
	if (rc) {
		atomic_store(&g->destroying, false);
		if (record(g, XEN_STARTED, &late)) /* or a successor would go on with it */
			log_error("%s", late.text);
	}
	xen_monitor_kick(g->b->monitor);
	return rc ? rc : xen_guest_wait(g, xen_guest_is_gone, 0, j, e);
}
