/* Which domain has which directory, and whose view is out of date. */
#include "fs/view.h"

#include <stdlib.h>
#include <string.h>

#include "fs/dirname.h"
#include "fs/fuse.h"

static struct view *view_new(struct views *vs, struct domain *d) NEEDS(vs->lock)
{
	struct view *v = x_alloc(sizeof(*v));

	v->domain = domain_ref(d);
	table_put_n(&vs->by_serial, &d->serial, sizeof(d->serial), v);
	return v;
}

/* Their files live on, and are told that there is no view. */
static void watchers_leave(struct views *vs, struct view *v) NEEDS(vs->lock)
{
	struct watcher *w;

	(void)vs;
	while ((w = v->watchers)) {
		v->watchers = w->next;
		w->next = NULL;
		w->link = NULL;
		if (w->ph)
			fuse_pollhandle_destroy(w->ph);
		w->ph = NULL;
	}
}

static void view_free(struct views *vs, struct view *v)
{
	lock_acquire(&vs->lock);
	watchers_leave(vs, v);
	lock_release(&vs->lock);
	domain_unref(v->domain);
	free(v->name);
	free(v->alias);
	free(v->slots);
	free(v);
}

/* ---- dirty ---- */

/* A verb that has just begun mostly ends at once, and then its beginning, its effect and its end are one change. */
#define VERB_NSEC 1000000
#define VERB_MSEC 2
#define RETRY_MSEC 1000 /* for directories that could not be put right */

static void view_mark(struct views *vs, struct view *v, uint64_t due) NEEDS(vs->lock)
{
	if (!v->dirty) {
		v->dirty = true;
		v->seq = model_last_event(vs->model);
		v->due = due;
		v->next = NULL;
		*vs->last = v;
		vs->last = &v->next;
	}
	v->due = due < v->due ? due : v->due;
	vs->due = v->due < vs->due ? v->due : vs->due;
	if (vs->due < vs->wakes)
		cond_broadcast(&vs->work);
}

void view_dirty(struct views *vs, struct view *v)
{
	view_mark(vs, v, 0);
}

/* Its lock is held by who changes it. */
static bool goes_on(const struct domain *d)
{
	struct timespec now = time_now();

	return d->job &&
	       (now.tv_sec - d->job->since.tv_sec) * 1000000000 + now.tv_nsec - d->job->since.tv_nsec < VERB_NSEC;
}

/* D is locked. */
static void model_changed(void *arg, struct domain *d)
{
	struct views *vs = arg;
	struct view *v;

	lock_acquire(&vs->lock);
	v = table_get_n(&vs->by_serial, &d->serial, sizeof(d->serial));
	if (!v && !d->gone)
		v = view_new(vs, d);
	if (v) {
		view_mark(vs, v, goes_on(d) ? clock_msec() + VERB_MSEC : 0);
	} else { /* the last lines of one that is gone */
		vs->lines = true;
		cond_broadcast(&vs->work);
	}
	lock_release(&vs->lock);
}

struct view *views_take(struct views *vs, uint64_t now, uint64_t *seq)
{
	struct view *v = vs->dirty, *next, *first = NULL, **last = &first;

	vs->dirty = NULL;
	vs->last = &vs->dirty;
	vs->due = UINT64_MAX;
	for (; v; v = next) {
		next = v->next;
		if (v->due <= now) {
			v->dirty = false;
			v->taken = NULL;
			*last = v;
			last = &v->taken;
			continue;
		}
		v->next = NULL;
		*vs->last = v;
		vs->last = &v->next;
		vs->due = v->due < vs->due ? v->due : vs->due;
		*seq = v->seq < *seq ? v->seq : *seq;
	}
	return first;
}

void view_late(struct views *vs, struct view *v)
{
	if (v->late)
		return;
	v->late = true;
	v->later = vs->late;
	vs->late = v;
	if (vs->retry == UINT64_MAX)
		vs->retry = clock_msec() + RETRY_MSEC;
	if (vs->retry < vs->wakes)
		cond_broadcast(&vs->work);
}

void views_retry(struct views *vs)
{
	struct view *v;

	while ((v = vs->late)) {
		vs->late = v->later;
		v->late = false;
		view_dirty(vs, v);
	}
	vs->retry = UINT64_MAX;
}

static void view_in_time(struct views *vs, struct view *v) NEEDS(vs->lock)
{
	struct view **at = &vs->late;

	if (!v->late)
		return;
	while (*at != v)
		at = &(*at)->later;
	*at = v->later;
	v->late = false;
}

/* ---- lifetime ---- */

static void show_all(struct views *vs)
{
	struct domain *d;
	uint64_t serial = 0;
	char name[DIRNAME_TEXT];

	while ((d = model_next(vs->model, serial))) {
		serial = d->serial;
		lock_acquire(&d->lock);
		if (!dirname_encode(d->name, name))
			name[0] = '\0';
		lock_release(&d->lock);
		if (name[0])
			views_made(vs, name, d);
		domain_unref(d);
	}
}

void views_init(struct views *vs, struct model *m)
{
	*vs = (struct views){ .model = m, .due = UINT64_MAX, .retry = UINT64_MAX, .listed = m->started };
	vs->last = &vs->dirty;
	lock_init(&vs->lock);
	cond_init(&vs->work);
	cond_init(&vs->rendered);
	model_follow(m, model_changed, vs);
	show_all(vs);
}

void views_free(struct views *vs)
{
	size_t pos = 0;
	void *v;

	model_follow(vs->model, NULL, NULL);
	while (table_next(&vs->by_serial, &pos, NULL, &v))
		view_free(vs, v);
	table_free(&vs->by_serial);
	table_free(&vs->by_name);
	table_free(&vs->making);
	cond_destroy(&vs->work);
	cond_destroy(&vs->rendered);
	lock_destroy(&vs->lock);
}

static void name_clear(struct views *vs, struct view *v, char **name) NEEDS(vs->lock)
{
	if (*name && table_get(&vs->by_name, *name) == v)
		table_del(&vs->by_name, *name);
	free(*name);
	*name = NULL;
}

void view_nameless(struct views *vs, struct view *v)
{
	vs->names++;
	name_clear(vs, v, &v->alias);
	name_clear(vs, v, &v->name);
}

struct view *view_holder(struct views *vs, const struct view *v, const char *name)
{
	struct view *other = table_get(&vs->by_name, name);

	return other == v || (other && other->over) ? NULL : other;
}

void view_alias(struct views *vs, struct view *v, const char *name)
{
	struct view *other = name ? view_holder(vs, v, name) : NULL;

	name_clear(vs, v, &v->alias);
	if (!name || other || (v->name && !strcmp(v->name, name)))
		return;
	v->alias = x_strdup(name);
	table_put(&vs->by_name, name, v); /* one that is gone has it no longer: name_clear() looks whose it is */
}

void view_remove(struct views *vs, struct view *v)
{
	bool again;

	lock_acquire(&vs->lock);
	again = v->dirty; /* it is in the next round's list, which comes here again */
	if (!again) {
		view_in_time(vs, v);
		table_del_n(&vs->by_serial, &v->domain->serial, sizeof(v->domain->serial));
	}
	lock_release(&vs->lock);
	if (!again)
		view_free(vs, v);
}

/* ---- names ---- */

struct domain *views_find(struct views *vs, const char *name, bool helper)
{
	struct domain *d = NULL;
	struct view *v;
	bool gone;

	lock_acquire(&vs->lock);
	v = table_get(&vs->by_name, name);
	/* Under way from one name to the other: the helper finds the first, everybody else the second. */
	if (v && !(v->alias && !strcmp(helper ? v->alias : v->name, name)))
		d = domain_ref(v->domain);
	lock_release(&vs->lock);
	if (!d || helper)
		return d;
	lock_acquire(&d->lock);
	gone = d->gone;
	lock_release(&d->lock);
	if (gone)
		domain_unref(d);
	return gone ? NULL : d;
}

struct domain *views_find_serial(struct views *vs, uint64_t serial)
{
	struct domain *d = NULL;
	struct view *v;

	lock_acquire(&vs->lock);
	v = table_get_n(&vs->by_serial, &serial, sizeof(serial));
	if (v)
		d = domain_ref(v->domain);
	lock_release(&vs->lock);
	return d;
}

bool views_name(struct views *vs, const struct domain *d, char name[256])
{
	struct view *v;
	bool shown;

	lock_acquire(&vs->lock);
	v = table_get_n(&vs->by_serial, &d->serial, sizeof(d->serial));
	shown = v && v->name;
	if (shown)
		memcpy(name, v->name, strlen(v->name) + 1);
	lock_release(&vs->lock);
	return shown;
}

bool views_begin(struct views *vs, const char *name)
{
	bool free_now;

	lock_acquire(&vs->lock);
	free_now = !table_get(&vs->making, name);
	if (free_now)
		table_put(&vs->making, name, vs); /* anything that is no view */
	lock_release(&vs->lock);
	return free_now;
}

/* Whose directory it is may have changed again meanwhile, which nobody acted upon. */
void views_done(struct views *vs, const char *name)
{
	lock_acquire(&vs->lock);
	table_del(&vs->making, name);
	views_retry(vs);
	lock_release(&vs->lock);
}

void view_named(struct views *vs, struct view *v, const char *name)
{
	struct view *before = table_get(&vs->by_name, name);

	if (before && before != v)
		view_nameless(vs, before); /* one that is gone: the kernel made room for the new one */
	view_nameless(vs, v);
	v->name = x_strdup(name);
	table_put(&vs->by_name, name, v);
}

bool views_made(struct views *vs, const char *name, struct domain *d)
{
	struct view *v;
	bool made = false;

	lock_acquire(&vs->lock);
	v = d ? table_get_n(&vs->by_serial, &d->serial, sizeof(d->serial)) : table_get(&vs->making, name);
	if (!v && d)
		v = view_new(vs, d);
	made = v && (void *)v != vs && !v->name;
	if (made)
		view_named(vs, v, name);
	lock_release(&vs->lock);
	return made;
}

void views_moved(struct views *vs, const char *name)
{
	struct view *v;

	lock_acquire(&vs->lock);
	v = table_get(&vs->by_name, name);
	if (v && v->alias && !strcmp(v->alias, name)) {
		view_named(vs, v, name);
		vs->listing = true;
		view_dirty(vs, v);
	}
	lock_release(&vs->lock);
}

bool views_removed(struct views *vs, const char *name, bool herald)
{
	struct view *v;

	lock_acquire(&vs->lock);
	v = table_get(&vs->by_name, name);
	if (v && herald && !v->busy && !v->late)
		v = NULL;
	if (v) {
		view_nameless(vs, v);
		view_dirty(vs, v);
	}
	lock_release(&vs->lock);
	return v;
}

bool views_renamed(struct views *vs, const char *from, const char *to)
{
	struct view *v;

	lock_acquire(&vs->lock);
	v = table_get(&vs->by_name, from);
	if (v) {
		view_named(vs, v, to);
		view_dirty(vs, v);
	}
	lock_release(&vs->lock);
	return v;
}
