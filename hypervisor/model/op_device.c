/*
 * How a device of a guest that runs is changed, and its disks. What is to come is claimed before the backend is asked, so
 * that of two domains only one gets an image or a MAC; what has gone is given back when the guest has let go of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/disk_spec.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/op_device.h"
#include "hypervisor/model/operate.h"

int change_begin(struct change *c, struct job *j, bool can, struct err *e)
{
	struct domain *d = j->domain;

	*c = (struct change){ .job = j, .domain = d };
	c->guest = live_begin(j, can, e);
	if (!c->guest)
		return -e->code;
	domain_lock(d);
	d->changing = true;
	c->from = d->live ? spec_ref(d->live) : NULL;
	domain_unlock(d);
	return c->from ? 0 : fail(e, EHOSTDOWN, "the guest has ended");
}

int change_end(struct change *c, int rc)
{
	struct domain *d = c->domain;
	bool first = false;

	if (!c->guest)
		return rc;
	domain_lock(d);
	spec_unref(d->coming);
	d->coming = NULL;
	d->changing = false;
	if (!rc && c->live && !c->job->dry)
		first = devices_take(d, c->live);
	if (d->told)
		first |= devices_take(d, d->told);
	spec_unref(d->told);
	d->told = NULL;
	holders_update(d);
	domain_unlock(d);
	if (first)
		tune_save(d);
	live_end(c->job);
	spec_unref(c->from);
	spec_unref(c->live);
	spec_unref(c->only);
	return rc;
}

int change_claim(struct change *c, struct err *e)
{
	struct domain *d = c->domain;
	struct model *m = d->model;
	struct uuid uuid;
	int rc;

	domain_lock(d);
	uuid = d->uuid;
	domain_unlock(d);
	lock_acquire(&m->lock);
	rc = images_check(m, d, c->only, e);
	lock_acquire(&d->lock);
	if (!rc && !c->job->dry) {
		d->coming = spec_ref(c->live);
		holders_update(d);
	}
	lock_release(&d->lock);
	lock_release(&m->lock);
	/* Of two that claim one MAC at a time each sees the other's claim. */
	return rc ? rc : holders_check(d, c->only, &uuid, e);
}

int change_only(struct change *c, enum key list, const char *text, struct err *e)
{
	static const enum key kinds[] = { KEY_type, KEY_builder };
	struct buf words[3] = { { 0 } };
	const char *list_of[3];
	struct spec *empty = NULL, *only = NULL;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (spec_has(c->from, kinds[i]))
			buf_printf(&words[n++], "%s=%s", key_table[kinds[i]].name, spec_str(c->from, kinds[i], ""));
	buf_printf(&words[n], "%s=[ ", key_table[list].name);
	print_quoted(&words[n], text, strlen(text));
	buf_puts(&words[n++], " ]");
	for (size_t i = 0; i < n; i++)
		list_of[i] = words[i].p;
	rc = spec_parse("", 0, &empty, NULL, e);
	if (!rc)
		rc = spec_override(empty, list_of, n, &only, e);
	if (!rc)
		rc = spec_check_reach(only, c->job->caller->user.uid == 0, e);
	if (!rc)
		c->only = only;
	else
		spec_unref(only);
	spec_unref(empty);
	for (size_t i = 0; i < COUNT(words); i++)
		buf_free(&words[i]);
	return rc;
}

/* The caller, as whom the backend opens what is new. */
static const struct user *by(const struct job *j)
{
	return &j->caller->user;
}

/* ---- disks ---- */

static int disk_find(const struct spec *s, const char *vdev, size_t *ret, struct err *e)
{
	struct arena a = { 0 };
	struct disk like = { 0 };
	struct buf names = { 0 };
	size_t n;
	const struct disk *disks = spec_disks(s, &n);
	int rc = vdev_parse(vdev, &a, &like, e);

	for (size_t i = 0; !rc && i < n; i++) {
		buf_printf(&names, "%s%s", i ? ", " : "", disks[i].vdev);
		if (!vdev_same(&disks[i], &like))
			continue;
		*ret = i;
		goto out;
	}
	if (!rc)
		rc = n ? fail(e, ENOENT, "there is no disk %s; there is %s", vdev, names.p)
		       : fail(e, ENOENT, "there is no disk %s, and no other", vdev);
out:
	arena_free(&a);
	buf_free(&names);
	return rc;
}

static struct disk *disks_copy(const struct spec *s, size_t more, size_t *n)
{
	const struct disk *disks = spec_disks(s, n);
	struct disk *copy = x_array(*n + more, sizeof(*copy));

	if (*n)
		memcpy(copy, disks, *n * sizeof(*copy));
	return copy;
}

static int disk_add(struct change *c, struct err *e)
{
	size_t n, one, twice;
	const struct disk *disk = spec_disks(c->only, &one);
	struct err ignored = { 0 };
	struct disk *disks;
	int rc;

	if (one != 1)
		return fail(e, EINVAL, "one disk at a time");
	if (!disk_find(c->from, disk->vdev, &twice, &ignored))
		return fail(e, EEXIST, "the guest has a disk %s already", disk->vdev);
	disks = disks_copy(c->from, 1, &n);
	disks[n] = *disk;
	rc = spec_with_disks(c->from, disks, n + 1, &c->live, e);
	free(disks);
	return rc;
}

int domain_disk_attach(struct job *j, const char *spec, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct change c;
	size_t n;
	int rc = change_begin(&c, j, ops->disk_attach, e);

	if (!rc)
		rc = change_only(&c, KEY_disk, spec, e);
	if (!rc)
		rc = disk_add(&c, e);
	if (!rc)
		rc = change_claim(&c, e);
	if (!rc && !j->dry) {
		(void)spec_disks(c.live, &n);
		rc = ops->disk_attach(c.guest, c.live, (unsigned)n - 1, by(j), j, e);
	}
	return change_end(&c, rc);
}

int domain_disk_detach(struct job *j, const char *vdev, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct disk *disks, gone;
	struct change c;
	size_t i = 0, n;
	int rc = change_begin(&c, j, ops->disk_detach, e);

	if (!rc)
		rc = disk_find(c.from, vdev, &i, e);
	if (rc)
		return change_end(&c, rc);
	disks = disks_copy(c.from, 0, &n);
	gone = disks[i];
	memmove(disks + i, disks + i + 1, (n - i - 1) * sizeof(*disks));
	rc = spec_with_disks(c.from, disks, n - 1, &c.live, e);
	free(disks);
	if (!rc && !j->dry)
		rc = ops->disk_detach(c.guest, c.live, &gone, j, e);
	return change_end(&c, rc);
}

/* The drive I with FILE in it: its configuration, and one that has nothing but that. */
static int disk_put(struct change *c, size_t i, const char *file, struct err *e)
{
	size_t n;
	struct disk *disks = disks_copy(c->from, 0, &n), *drive = &disks[i];
	struct buf text = { 0 };
	int rc = 0;

	if (!drive->cdrom)
		rc = fail(e, EINVAL, "%s is no cdrom drive: block-detach and block-attach change a disk", drive->vdev);
	else if (drive->script || drive->backend)
		rc = fail(e, EOPNOTSUPP, "%s: its medium comes by a script or from another domain", drive->vdev);
	if (rc)
		goto out;
	drive->source = file;
	drive->format = file ? FORMAT_RAW : FORMAT_EMPTY;
	drive->backendtype = file ? drive->backendtype : NULL;
	disk_spec_print(drive, &text);
	rc = change_only(c, KEY_disk, text.p, e);
	if (!rc)
		rc = spec_with_disks(c->from, disks, n, &c->live, e);
out:
	free(disks);
	buf_free(&text);
	return rc;
}

int domain_disk_media(struct job *j, const char *vdev, const char *file, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct change c;
	size_t i = 0;
	int rc = change_begin(&c, j, ops->disk_media, e);

	if (!rc)
		rc = disk_find(c.from, vdev, &i, e);
	if (!rc)
		rc = disk_put(&c, i, file, e);
	if (!rc)
		rc = change_claim(&c, e);
	if (!rc && !j->dry)
		rc = ops->disk_media(c.guest, c.live, (unsigned)i, by(j), j, e);
	return change_end(&c, rc);
}
