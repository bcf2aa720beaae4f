/* Which domains there are: by name, and by serial in the order of their making. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/model/internal.h"

struct domain *domain_new(struct model *m, const char *name)
{
	struct domain *d = x_alloc(sizeof(*d));
	struct err ignored = { 0 };

	lock_init(&d->lock);
	cond_init(&d->changed);
	d->model = m;
	d->refs = 1;
	d->name = x_strdup(name);
	d->uuid = uuid_random();
	d->mode = 0755;
	d->tags = x_strdup("");
	d->notes = x_strdup("");
	d->config = x_strdup("");
	d->config_hash = hash_text("", 0);
	spec_parse("", 0, &d->spec, NULL, &ignored);
	d->state = STATE_OFF;
	memcpy(d->reason, "defined", sizeof("defined"));
	d->since = time_now();
	d->id = -1;
	text_init(&d->console, TEXT_KEEP);
	text_init(&d->events, TEXT_KEEP);
	text_init(&d->history, TEXT_KEEP);
	text_init(&d->log, TEXT_KEEP);
	return d;
}

static void domain_free(struct domain *d)
{
	text_destroy(&d->console);
	text_destroy(&d->events);
	text_destroy(&d->history);
	text_destroy(&d->log);
	spec_unref(d->spec);
	spec_unref(d->live);
	spec_unref(d->unchanged);
	spec_unref(d->told);
	device_names_free(d);
	free(d->config);
	free(d->tags);
	free(d->notes);
	free(d->name);
	free(d->called);
	cond_destroy(&d->changed);
	lock_destroy(&d->lock);
	free(d);
}

struct domain *domain_ref(struct domain *d)
{
	d->refs++;
	return d;
}

void domain_unref(struct domain *d)
{
	if (d && !--d->refs)
		domain_free(d);
}

/* The place of the first serial above AFTER. */
static size_t place_after(const struct model *m, uint64_t after) NEEDS(m->lock)
{
	size_t low = 0, high = m->domains;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->by_serial[mid]->serial > after)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void place_add(struct model *m, struct domain *d) NEEDS(m->lock)
{
	size_t at = place_after(m, d->serial);

	if (m->domains == m->room) {
		m->room = m->room ? 2 * m->room : 16;
		m->by_serial = x_grow(m->by_serial, m->room, sizeof(*m->by_serial));
	}
	memmove(&m->by_serial[at + 1], &m->by_serial[at], (m->domains - at) * sizeof(*m->by_serial));
	m->by_serial[at] = d;
	m->domains++;
}

static bool serial_taken(const struct model *m, uint64_t serial) NEEDS(m->lock)
{
	size_t at = place_after(m, serial - 1);

	return at < m->domains && m->by_serial[at]->serial == serial;
}

/* Its own number, as its folder said, unless that folder is a copy of another's. */
static void serial_choose(struct domain *d)
{
	struct model *m = d->model;
	struct err ignored; /* is in the log: the number is new to this daemon at least */
	bool taken = true;

	while (taken) {
		if (!d->serial)
			store_serial(m->store, &d->serial, &ignored);
		lock_acquire(&m->lock);
		taken = serial_taken(m, d->serial);
		lock_release(&m->lock);
		if (taken)
			d->serial = 0;
	}
}

int registry_add(struct domain *d, struct err *e)
{
	struct model *m = d->model;
	int rc = 0;

	serial_choose(d);
	lock_acquire(&m->lock);
	if (table_get(&m->by_name, d->name)) {
		rc = fail(e, EEXIST, "%s: there is a domain of this name already", d->name);
	} else {
		table_put(&m->by_name, d->name, domain_ref(d));
		place_add(m, d);
		domain_lock(d);
		domain_touch(d);
		domain_unlock(d);
	}
	lock_release(&m->lock);
	return rc;
}

static bool may_leave(const struct domain *d) NEEDS(d->lock)
{
	return (d->foreign || d->orphan) && !domain_on(d) && !d->guest && !d->restarting;
}

static bool unregister(struct domain *d, bool leaving)
{
	struct model *m = d->model;
	size_t at;
	bool was;

	lock_acquire(&m->lock);
	domain_lock(d);
	was = !d->gone && (!leaving || may_leave(d));
	if (was) {
		d->gone = true;
		domain_touch(d);
		wait_check(d);
		table_del(&m->by_name, d->name);
		at = place_after(m, d->serial - 1);
		memmove(&m->by_serial[at], &m->by_serial[at + 1], (--m->domains - at) * sizeof(*m->by_serial));
	}
	domain_unlock(d);
	lock_release(&m->lock);
	if (was)
		domain_unref(d);
	return was;
}

void registry_del(struct domain *d)
{
	unregister(d, false);
}

bool registry_leave(struct domain *d)
{
	return unregister(d, true);
}

int registry_rename(struct domain *d, const char *name, struct err *e)
{
	struct model *m = d->model;
	char *old = NULL;
	int rc = 0;

	lock_acquire(&m->lock);
	domain_lock(d);
	if (d->gone) {
		rc = fail(e, ENOENT, "%s: there is no such domain any more", d->name);
	} else if (!strcmp(d->name, name)) {
		rc = fail(e, EEXIST, "%s: that is its name already", name);
	} else if (table_get(&m->by_name, name)) {
		rc = fail(e, EEXIST, "%s: there is a domain of this name already", name);
	} else {
		old = d->name;
		table_del(&m->by_name, old);
		d->name = x_strdup(name);
		table_put(&m->by_name, d->name, d);
		domain_touch(d);
	}
	domain_unlock(d);
	lock_release(&m->lock);
	free(old);
	return rc;
}

struct domain *model_find(struct model *m, const char *name)
{
	struct domain *d;

	lock_acquire(&m->lock);
	d = table_get(&m->by_name, name);
	if (d)
		domain_ref(d);
	lock_release(&m->lock);
	return d;
}

struct domain *model_next(struct model *m, uint64_t after)
{
	struct domain *d = NULL;
	size_t at;

	lock_acquire(&m->lock);
	at = place_after(m, after);
	if (at < m->domains)
		d = domain_ref(m->by_serial[at]);
	lock_release(&m->lock);
	return d;
}

struct domain *model_find_serial(struct model *m, uint64_t serial)
{
	struct domain *d = serial ? model_next(m, serial - 1) : NULL;

	if (d && d->serial != serial) {
		domain_unref(d);
		d = NULL;
	}
	return d;
}

struct domain *model_find_uuid(struct model *m, const struct uuid *u)
{
	struct domain *d = NULL;

	if (!holders_count(&m->holders, HOLDS_UUID, u, sizeof(*u)))
		return NULL;
	lock_acquire(&m->lock);
	for (size_t i = 0; i < m->domains && !d; i++) {
		struct domain *each = m->by_serial[i];

		lock_acquire(&each->lock);
		if (!memcmp(&each->uuid, u, sizeof(*u)))
			d = domain_ref(each);
		lock_release(&each->lock);
	}
	lock_release(&m->lock);
	return d;
}

char *domain_name(struct domain *d)
{
	char *name;

	lock_acquire(&d->lock);
	name = x_strdup(d->name);
	lock_release(&d->lock);
	return name;
}
