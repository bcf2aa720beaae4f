#include "fs/each.h"

#include <string.h>

#include "fs/dirname.h"
#include "fs/show_device.h"

bool next_domain(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	struct domain *d;
	bool named;

	while ((d = model_next(r->model, *cookie))) {
		*cookie = d->serial;
		lock_acquire(&d->lock);
		named = !d->gone && dirname_encode(d->name, name);
		lock_release(&d->lock);
		if (named) {
			child->domain = d;
			return true;
		}
		domain_unref(d);
	}
	return false;
}

bool find_domain(const struct ref *r, const char *name, struct ref *child)
{
	char true_name[DIRNAME_TEXT];

	if (!dirname_decode(name, true_name))
		return false;
	child->domain = model_find(r->model, true_name);
	return child->domain;
}

/* The cookie is a device's number, which means the same whatever comes and goes between two calls. */
static bool step(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256], enum device_kind kind,
                 bool (*name_of)(const struct ref *, char[256]))
{
	struct ref at = *r;

	at.device = (unsigned)*cookie;
	while (next_device(&at, kind)) {
		*cookie = at.device;
		if (!name_of(&at, name)) /* it has just gone */
			continue;
		child->domain = domain_ref(r->domain);
		child->device = at.device;
		return true;
	}
	return false;
}

static bool find(const struct ref *r, const char *name, struct ref *child, enum device_kind kind)
{
	child->device = device_find(r, kind, name);
	if (!child->device)
		return false;
	child->domain = domain_ref(r->domain);
	return true;
}

bool next_disk(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	return step(r, cookie, child, name, DEVICE_DISK, disk_name);
}

bool find_disk(const struct ref *r, const char *name, struct ref *child)
{
	return find(r, name, child, DEVICE_DISK);
}

bool there_disk(const struct ref *r)
{
	char name[256];

	return disk_name(r, name);
}

bool next_vif(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	return step(r, cookie, child, name, DEVICE_VIF, vif_name);
}

bool find_vif(const struct ref *r, const char *name, struct ref *child)
{
	return find(r, name, child, DEVICE_VIF);
}

bool there_vif(const struct ref *r)
{
	char name[256];

	return vif_name(r, name);
}
