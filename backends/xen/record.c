/*
 * RUN/xen/SERIAL: `run`, what a successor of this daemon must know about a guest, `config`, what is in force, `console`, what it
 * said (console.c), and `vnc`, the socket of a display that nobody chose a password for.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"

#define RECORD_MAX 65536

static const char *const phase_names[] = {
	[XEN_INTENT] = "intent",
	[XEN_BUILT] = "built",
	[XEN_STARTED] = "started",
	[XEN_DESTROYING] = "destroying",
};

int xen_record_save(int dirfd, const struct xen_record *r, struct err *e)
{
	char uuid[UUID_TEXT], *text;
	json_t *o = json_pack("{s:s s:s s:s s:i s:I s:s s:I s:I s:I s:b}", "phase", phase_names[r->phase], "name",
	                      r->name, "uuid", uuid_format(uuid, &r->uuid), "id", r->id, "serial",
	                      (json_int_t)r->serial, "boot_id", r->boot_id, "started_sec",
	                      (json_int_t)r->started.tv_sec, "started_nsec", (json_int_t)r->started.tv_nsec,
	                      "mem_target", (json_int_t)r->mem_target, "reboot_wanted", r->reboot_wanted);
	int rc;

	text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
	json_decref(o);
	if (!text)
		return fail(e, EINVAL, "record of the guest %s: a value is not UTF-8", r->name);
	rc = file_replace(dirfd, "run", text, strlen(text), 0600, e);
	free(text);
	return rc ? fail_in(e, "record of the guest %s", r->name) : 0;
}

static bool copy_text(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		return false;
	snprintf(to, size, "%s", from);
	return true;
}

static bool record_take(struct xen_record *r, json_t *o)
{
	const char *phase, *name, *uuid, *boot_id;
	json_int_t serial, sec, nsec, mem_target;
	int reboot_wanted = 0; /* an earlier daemon's has none */
	size_t p;

	if (json_unpack(o, "{s:s s:s s:s s:i s:I s:s s:I s:I s:I s?b}", "phase", &phase, "name", &name, "uuid", &uuid,
	                "id", &r->id, "serial", &serial, "boot_id", &boot_id, "started_sec", &sec, "started_nsec",
	                &nsec, "mem_target", &mem_target, "reboot_wanted", &reboot_wanted))
		return false;
	for (p = 0; p < COUNT(phase_names) && strcmp(phase, phase_names[p]) != 0; p++)
		;
	if (p == COUNT(phase_names) || serial < 0 || mem_target < 0 || nsec < 0 || nsec > 999999999 || r->id < -1 ||
	    !copy_text(r->name, sizeof(r->name), name) || !copy_text(r->boot_id, sizeof(r->boot_id), boot_id) ||
	    parse_uuid(uuid, &r->uuid, NULL))
		return false;
	r->phase = (enum xen_phase)p;
	r->serial = (uint64_t)serial;
	r->mem_target = (uint64_t)mem_target;
	r->reboot_wanted = reboot_wanted;
	r->started = (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = (long)nsec };
	return true;
}

int xen_record_load(int dirfd, struct xen_record *ret, struct err *e)
{
	struct xen_record r = { 0 };
	struct buf text = { 0 };
	json_error_t je;
	json_t *o;
	int rc = file_slurp(dirfd, "run", RECORD_MAX, &text, e);

	if (rc)
		return fail_in(e, "record of a guest");
	o = json_loadb(text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES, &je);
	if (!o)
		rc = fail(e, EINVAL, "record of a guest, line %d: %s", je.line, je.text);
	else if (!record_take(&r, o))
		rc = fail(e, EINVAL, "record of a guest: a value is missing or out of range");
	else
		*ret = r;
	json_decref(o);
	buf_free(&text);
	return rc;
}

int xen_record_folder(struct guest *g, uint64_t serial, struct err *e)
{
	snprintf(g->serial, sizeof(g->serial), "%llu", (unsigned long long)serial);
	if (mkdirat(g->b->dirfd, g->serial, 0700))
		return fail(e, errno, "%s/%s: %s", g->b->dir, g->serial, strerror(errno));
	g->dirfd = openat(g->b->dirfd, g->serial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->dirfd < 0)
		return fail(e, errno, "%s/%s: %s", g->b->dir, g->serial, strerror(errno));
	return xen_record_live(g, e);
}

/* One at a time, each with what is so once it has its turn: what is older never comes later. False behind xen_record_end(). */
static bool turn_begin(struct guest *g) NEEDS(g->lock)
{
	while (g->saving)
		cond_wait(&g->changed, &g->lock, 0);
	g->saving = !g->unrecorded;
	return g->saving;
}

static void turn_end(struct guest *g)
{
	lock_acquire(&g->lock);
	g->saving = false;
	cond_broadcast(&g->changed);
	lock_release(&g->lock);
}

int xen_record_run(struct guest *g, struct err *e)
{
	struct xen_record r;
	bool turn;
	int rc;

	if (g->dirfd < 0)
		return 0;
	lock_acquire(&g->lock);
	turn = turn_begin(g);
	r = g->record;
	lock_release(&g->lock);
	if (!turn)
		return 0;
	rc = xen_record_save(g->dirfd, &r, e);
	turn_end(g);
	return rc;
}

int xen_record_live(struct guest *g, struct err *e)
{
	struct buf text = { 0 };
	struct spec *s;
	bool turn;
	int rc;

	if (g->dirfd < 0)
		return 0;
	lock_acquire(&g->lock);
	turn = turn_begin(g);
	s = turn ? spec_ref(g->spec) : NULL;
	lock_release(&g->lock);
	if (!turn)
		return 0;
	spec_print(s, true, &text);
	rc = file_replace(g->dirfd, "config", text.p ? text.p : "", text.len, 0600, e);
	turn_end(g);
	spec_unref(s);
	buf_free(&text);
	return rc;
}

int xen_record_config(int dirfd, struct spec **ret, struct err *e)
{
	struct buf text = { 0 };
	int rc = file_slurp(dirfd, "config", CONFIG_MAX, &text, e);

	if (!rc)
		rc = spec_parse(text.p ? text.p : "", text.len, ret, NULL, e);
	buf_free(&text);
	return rc;
}

void xen_record_remove(struct backend *b, const char *serial)
{
	int fd = openat(b->dirfd, serial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	file_sweep(fd);
	unlinkat(fd, "run", 0);
	unlinkat(fd, "config", 0);
	unlinkat(fd, "console", 0);
	unlinkat(fd, "vnc", 0);
	close(fd);
	unlinkat(b->dirfd, serial, AT_REMOVEDIR);
}

void xen_record_end(struct guest *g)
{
	bool turn;

	lock_acquire(&g->lock);
	turn = turn_begin(g);
	g->unrecorded = true;
	lock_release(&g->lock);
	if (!turn)
		return;
	xen_record_remove(g->b, g->serial);
	turn_end(g);
}
