/*
 * Disks and interfaces of a guest that runs. What is to come is claimed before the backend is asked, so that of two domains
 * only one gets an image or a MAC; what has gone is given back when the guest has let go of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/disk_spec.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vif_spec.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"

/* One change, in the job's slot. */
struct change {
	struct job *job;
	struct domain *domain;
	struct guest *guest;
	struct spec *from, *live; /* in force before, and once it is done; references */
	struct spec *only;        /* a reference: what is new of it; NULL: nothing */
};

static int change_begin(struct change *c, struct job *j, bool can, struct err *e)
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

/* RC is the backend's: what it has done is in force, and after it what another tool did. */
static int change_end(struct change *c, int rc)
{
	struct domain *d = c->domain;

	if (!c->guest)
		return rc;
	domain_lock(d);
	spec_unref(d->coming);
	d->coming = NULL;
	d->changing = false;
	if (!rc && c->live && !c->job->dry)
		devices_take(d, c->live);
	if (d->told)
		devices_take(d, d->told);
	spec_unref(d->told);
	d->told = NULL;
	holders_update(d);
	domain_unlock(d);
	live_end(c->job);
	spec_unref(c->from);
	spec_unref(c->live);
	spec_unref(c->only);
	return rc;
}

/* C->live is claimed, or what is in the way is said: in one step. */
static int change_claim(struct change *c, struct err *e)
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

/* A spec that has this one device. Who says it may reach no further by it than he could by a configuration of his own. */
static int only_device(struct job *j, const struct spec *in, enum key list, const char *text, struct spec **ret,
                       struct err *e)
{
	static const enum key kinds[] = { KEY_type, KEY_builder };
	struct buf words[3] = { { 0 } };
	const char *list_of[3];
	struct spec *empty = NULL, *only = NULL;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (spec_has(in, kinds[i]))
			buf_printf(&words[n++], "%s=%s", key_table[kinds[i]].name, spec_str(in, kinds[i], ""));
	buf_printf(&words[n], "%s=[ ", key_table[list].name);
	print_quoted(&words[n], text, strlen(text));
	buf_puts(&words[n++], " ]");
	for (size_t i = 0; i < n; i++)
		list_of[i] = words[i].p;
	rc = spec_parse("", 0, &empty, NULL, e);
	if (!rc)
		rc = spec_override(empty, list_of, n, &only, e);
	if (!rc)
		rc = spec_check_reach(only, j->caller->user.uid == 0, e);
	if (!rc)
		*ret = only;
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
		rc = only_device(j, c.from, KEY_disk, spec, &c.only, e);
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
	rc = only_device(c->job, c->from, KEY_disk, text.p, &c->only, e);
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

/* ---- interfaces ---- */

static bool number_taken(const struct vif *vifs, size_t n, unsigned index)
{
	for (size_t i = 0; i < n; i++)
		if (vifs[i].index == index)
			return true;
	return false;
}

static bool mac_taken(const struct vif *vifs, size_t n, const uint8_t mac[6])
{
	for (size_t i = 0; i < n; i++)
		if (vifs[i].has_mac && !memcmp(vifs[i].mac, mac, 6))
			return true;
	return false;
}

/* What was not said: the first number that is free, and a MAC. */
static void vif_complete(const struct domain *d, const struct vif *vifs, size_t n, struct vif *v)
{
	char mac[MAC_TEXT];

	while (number_taken(vifs, n, v->index))
		v->index++;
	for (unsigned i = v->index; !v->has_mac; i++) {
		config_mac(&d->uuid, i, mac);
		v->has_mac = !parse_mac(mac, v->mac, NULL) && !mac_taken(vifs, n, v->mac);
	}
}

/* Whether the text SPEC, which is right, says a number. */
static bool number_said(const char *spec)
{
	struct arena a = { 0 };
	struct vif v = { 0 };
	size_t at;
	bool said = !vif_spec_parse(spec, UINT_MAX, false, &a, &v, &at, NULL) && v.index != UINT_MAX;

	arena_free(&a);
	return said;
}

static int vif_add(struct change *c, const char *spec, struct err *e)
{
	size_t n, one;
	const struct vif *vifs = spec_vifs(c->from, &n);
	struct vif *all, *v;
	struct spec *whole = NULL;
	char mac[MAC_TEXT];
	int rc = 0;

	all = x_array(n + 1, sizeof(*all));
	if (n)
		memcpy(all, vifs, n * sizeof(*all));
	v = &all[n];
	*v = *spec_vifs(c->only, &one);
	if (number_said(spec) && number_taken(vifs, n, v->index))
		rc = fail(e, EEXIST, "the guest has an interface %u already", v->index);
	if (!rc && v->has_mac && mac_taken(vifs, n, v->mac))
		rc = fail(e, EEXIST, "the guest has an interface with the MAC address %s already",
		          mac_format(mac, v->mac));
	if (!rc) {
		domain_lock(c->domain);
		vif_complete(c->domain, vifs, n, v);
		domain_unlock(c->domain);
		rc = spec_with_vifs(c->only, v, 1, &whole, e);
	}
	if (!rc) {
		rc = spec_with_vifs(c->from, all, n + 1, &c->live, e);
		spec_unref(c->only);
		c->only = whole;
	}
	free(all);
	return rc;
}

int domain_vif_attach(struct job *j, const char *spec, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct change c;
	size_t n;
	int rc = change_begin(&c, j, ops->vif_attach, e);

	if (!rc)
		rc = only_device(j, c.from, KEY_vif, spec, &c.only, e);
	if (!rc)
		rc = vif_add(&c, spec, e);
	if (!rc)
		rc = change_claim(&c, e);
	if (!rc && !j->dry) {
		(void)spec_vifs(c.live, &n);
		rc = ops->vif_attach(c.guest, c.live, (unsigned)n - 1, j, e);
	}
	return change_end(&c, rc);
}

static int vif_find(const struct spec *s, const char *which, size_t *ret, struct err *e)
{
	size_t n;
	const struct vif *vifs = spec_vifs(s, &n);
	bool is_mac = strchr(which, ':');
	uint64_t number = 0;
	uint8_t mac[6];
	int rc = is_mac ? parse_mac(which, mac, e) : parse_u64(which, UINT32_MAX, &number, e);

	if (rc)
		return fail_in(e, "the interface is a number or a MAC address");
	for (size_t i = 0; i < n; i++) {
		if (is_mac ? !vifs[i].has_mac || memcmp(vifs[i].mac, mac, 6) != 0 : vifs[i].index != number)
			continue;
		*ret = i;
		return 0;
	}
	return fail(e, ENOENT, "there is no interface %s; there are %zu, see its directory vifs", which, n);
}

int domain_vif_detach(struct job *j, const char *which, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	const struct vif *vifs;
	struct vif *rest, gone;
	struct change c;
	size_t i = 0, n;
	int rc = change_begin(&c, j, ops->vif_detach, e);

	if (!rc)
		rc = vif_find(c.from, which, &i, e);
	if (rc)
		return change_end(&c, rc);
	vifs = spec_vifs(c.from, &n);
	gone = vifs[i];
	rest = x_array(n, sizeof(*rest));
	memcpy(rest, vifs, i * sizeof(*rest));
	memcpy(rest + i, vifs + i + 1, (n - i - 1) * sizeof(*rest));
	rc = spec_with_vifs(c.from, rest, n - 1, &c.live, e);
	free(rest);
	if (!rc && !j->dry)
		rc = ops->vif_detach(c.guest, c.live, &gone, j, e);
	return change_end(&c, rc);
}
