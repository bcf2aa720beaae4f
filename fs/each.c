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

static bool next_device(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256],
                        bool (*name_of)(const struct ref *, char[256]))
{
	struct ref at = *r;

	at.device = (unsigned)*cookie + 1;
	if (!name_of(&at, name))
		return false;
	++*cookie;
	child->domain = domain_ref(r->domain);
	child->device = at.device;
	return true;
}

static bool find_device(const struct ref *r, const char *name, struct ref *child,
                        bool (*name_of)(const struct ref *, char[256]))
{
	struct ref at = *r;
	char each[256];

	for (at.device = 1; name_of(&at, each); at.device++) {
		if (strcmp(each, name) != 0)
			continue;
		child->domain = domain_ref(r->domain);
		child->device = at.device;
		return true;
	}
	return false;
}

bool next_disk(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	return next_device(r, cookie, child, name, disk_name);
}

bool find_disk(const struct ref *r, const char *name, struct ref *child)
{
	return find_device(r, name, child, disk_name);
}

bool next_vif(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	return next_device(r, cookie, child, name, vif_name);
}

bool find_vif(const struct ref *r, const char *name, struct ref *child)
{
	return find_device(r, name, child, vif_name);
}
