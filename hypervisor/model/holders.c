#include "hypervisor/model/holders.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/model/internal.h"

void holders_init(struct holders *h)
{
	lock_init(&h->lock);
}

void holders_destroy(struct holders *h)
{
	for (size_t i = 0; i < HOLDING_COUNT; i++)
		table_free(&h->counts[i]);
	lock_destroy(&h->lock);
}

static size_t count_mac(const struct spec *s, const uint8_t mac[6])
{
	size_t n, times = 0;
	const struct vif *v = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++)
		times += !memcmp(v[i].mac, mac, sizeof(v[i].mac));
	return times;
}

/* How often one domain is counted for it. */
static size_t held_mac(const struct held *held, const uint8_t mac[6])
{
	size_t times = held->spec ? count_mac(held->spec, mac) : 0;

	return times || !held->spec || !held->live ? times : count_mac(held->live, mac);
}

static void count(struct holders *h, enum holding what, const void *key, size_t n, int by) NEEDS(h->lock)
{
	struct table *t = &h->counts[what];
	uintptr_t now = (uintptr_t)table_get_n(t, key, n) + (uintptr_t)by;

	if (now)
		table_put_n(t, key, n, (void *)now);
	else
		table_del_n(t, key, n);
}

static void count_all(struct holders *h, const struct held *held, int by) NEEDS(h->lock)
{
	const struct vif *vifs;
	const struct disk *disks;
	size_t n;

	count(h, HOLDS_UUID, &held->uuid, sizeof(held->uuid), by);
	count(h, HOLDS_OWNER, &held->owner, sizeof(held->owner), by);
	vifs = spec_vifs(held->spec, &n);
	for (size_t i = 0; i < n; i++)
		count(h, HOLDS_MAC, vifs[i].mac, sizeof(vifs[i].mac), by);
	if (!held->live)
		return;
	vifs = spec_vifs(held->live, &n);
	for (size_t i = 0; i < n; i++)
		if (!count_mac(held->spec, vifs[i].mac))
			count(h, HOLDS_MAC, vifs[i].mac, sizeof(vifs[i].mac), by);
	disks = spec_disks(held->live, &n);
	for (size_t i = 0; i < n; i++) {
		if (disks[i].source)
			count(h, HOLDS_IMAGE, disks[i].source, strlen(disks[i].source), by);
		if (disks[i].source && !disks[i].readonly)
			count(h, HOLDS_WRITES, disks[i].source, strlen(disks[i].source), by);
	}
}

static bool held_same(const struct held *a, const struct held *b)
{
	return a->spec == b->spec && a->live == b->live && !memcmp(&a->uuid, &b->uuid, sizeof(a->uuid)) &&
	       a->owner == b->owner && a->promised_mib == b->promised_mib;
}

static void held_change(struct domain *d, struct held now) NEEDS(d->lock)
{
	struct holders *h = &d->model->holders;
	struct held was = d->held;

	lock_acquire(&h->lock);
	if (now.spec)
		count_all(h, &now, 1);
	if (was.spec)
		count_all(h, &was, -1);
	h->promised_mib += now.promised_mib - was.promised_mib;
	lock_release(&h->lock);
	if (now.spec)
		now.spec = spec_ref(now.spec);
	if (now.live)
		now.live = spec_ref(now.live);
	d->held = now;
	spec_unref(was.spec);
	spec_unref(was.live);
}

void holders_update(struct domain *d)
{
	struct held now = { 0 };

	if (!d->gone) {
		now = (struct held){ .spec = d->spec, .live = d->live, .uuid = d->uuid, .owner = d->owner };
		if (d->live && d->coming)
			now.live = d->coming;
		now.promised_mib = d->live ? d->mem_target + GUEST_OVERHEAD_MIB : 0;
	}
	if (!held_same(&d->held, &now))
		held_change(d, now);
}

size_t holders_count(struct holders *h, enum holding what, const void *key, size_t n)
{
	uintptr_t count;

	lock_acquire(&h->lock);
	count = (uintptr_t)table_get_n(&h->counts[what], key, n);
	lock_release(&h->lock);
	return count;
}

uint64_t holders_promised(struct holders *h)
{
	uint64_t mib;

	lock_acquire(&h->lock);
	mib = h->promised_mib;
	lock_release(&h->lock);
	return mib;
}

static bool same_mac(const struct spec *a, const struct spec *b)
{
	size_t na, nb;
	const struct vif *va = spec_vifs(a, &na), *vb = spec_vifs(b, &nb);

	for (size_t i = 0; i < na; i++)
		for (size_t k = 0; k < nb; k++)
			if (!memcmp(va[i].mac, vb[k].mac, sizeof(va[i].mac)))
				return true;
	return false;
}

static bool has_mac_live(const struct spec *spec, const struct domain *other) NEEDS(other->lock)
{
	const struct spec *live = other->coming ? other->coming : other->live;

	return live && same_mac(spec, live);
}

/* Whether the uuid and the MACs are more often held than by D itself. */
static bool others_hold(struct domain *d, const struct spec *spec, const struct uuid *u)
{
	struct holders *h = &d->model->holders;
	const struct held *own = &d->held;
	size_t n;
	const struct vif *v = spec_vifs(spec, &n);
	bool others;

	domain_lock(d);
	others = holders_count(h, HOLDS_UUID, u, sizeof(*u)) > (own->spec && !memcmp(&own->uuid, u, sizeof(*u)));
	for (size_t i = 0; i < n && !others; i++)
		others = holders_count(h, HOLDS_MAC, v[i].mac, sizeof(v[i].mac)) > held_mac(own, v[i].mac);
	domain_unlock(d);
	return others;
}

int holders_check(struct domain *d, const struct spec *spec, const struct uuid *u, struct err *e)
{
	struct model *m = d->model;
	struct domain *other;
	uint64_t after = 0;
	int rc = 0;

	if (!others_hold(d, spec, u))
		return 0;
	while (!rc && (other = model_next(m, after))) {
		after = other->serial;
		domain_lock(other);
		if (other != d && !memcmp(&other->uuid, u, sizeof(*u)))
			rc = fail(e, EEXIST, "the domain %s has this uuid already", other->name);
		else if (other != d && (same_mac(spec, other->spec) || has_mac_live(spec, other)))
			rc = fail(e, EEXIST, "the domain %s has one of these MAC addresses already", other->name);
		domain_unlock(other);
		domain_unref(other);
	}
	return rc;
}
