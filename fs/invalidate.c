#include "fs/invalidate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/dirname.h"

#define RETRY_MSEC 1000

struct after {
	struct after *next;
	bool names;
	void (*fn)(void *arg);
	void *arg;
};

static void after_call(struct after *list, bool names, struct after **rest)
{
	struct after *a, **last = rest;

	while ((a = list)) {
		list = a->next;
		if (a->names && !names) {
			a->next = NULL;
			*last = a;
			last = &a->next;
			continue;
		}
		a->fn(a->arg);
		free(a);
	}
}

/* ---- directories ---- */

/* An operation of the herald's for the view of SERIAL. */
struct naming {
	struct invalidator *inv;
	enum herald_op op;
	uint64_t serial;
	char name[DIRNAME_TEXT]; /* that is being made, removed, or taken */
};

static void naming_done(void *arg, int result)
{
	struct naming *n = arg;
	struct invalidator *inv = n->inv;
	struct views *vs = &inv->views;
	struct domain *d = NULL;
	struct view *v;

	lock_acquire(&vs->lock);
	inv->naming--;
	v = table_get_n(&vs->by_serial, &n->serial, sizeof(n->serial));
	if (v) {
		if (table_get(&vs->making, n->name) == v)
			table_del(&vs->making, n->name);
		v->busy = false;
		if (result && n->op == HERALD_MKDIR && !view_holder(vs, v, n->name))
			d = domain_ref(v->domain); /* seen by whoever asks for it, though not by inotify */
		else if (result && v->over)
			view_nameless(vs, v); /* what the kernel still has of it is ESTALE */
		else if (result)
			view_late(vs, v);
		if (result && n->op == HERALD_RENAME && v->name)
			view_alias(vs, v, n->name);
		if (!v->late)
			view_dirty(vs, v);
	}
	lock_release(&vs->lock);
	if (d && views_made(vs, n->name, d)) {
		lock_acquire(&vs->lock);
		inv->listing = true;
		lock_release(&vs->lock);
	}
	domain_unref(d);
	free(n);
}

static void herald_name(struct invalidator *inv, const struct view *v, enum herald_op op, const char *name,
                        const char *to)
{
	struct naming *n = x_alloc(sizeof(*n));
	const char *rows[] = { "state", "status" }; /* those that are watched are told of their end */
	char *path;

	*n = (struct naming){ .inv = inv, .op = op, .serial = v->domain->serial };
	memcpy(n->name, to ? to : name, strlen(to ? to : name) + 1);
	for (size_t i = 0; op == HERALD_RMDIR && v->over && i < COUNT(rows); i++) {
		path = x_printf("%s/%s", name, rows[i]);
		herald_do(inv->herald, HERALD_UNLINK, path, NULL, NULL, NULL);
		free(path);
	}
	herald_do(inv->herald, op, name, to, naming_done, n);
}

/* Somebody else needs the name, or is just making or leaving it. The herald comes to what leaves first. */
static bool is_taken(struct views *vs, const struct view *v, const char *name) NEEDS(vs->lock)
{
	void *maker = table_get(&vs->making, name);

	return view_holder(vs, v, name) || maker == vs || (maker && maker != v && !((struct view *)maker)->over);
}

/* What the herald is to do that V's directory be called WANT (NULL: be gone). False: nothing, or not yet. */
static bool name_step(struct invalidator *inv, struct view *v, const char *want, enum herald_op *op, char name[256])
	NEEDS(inv->views.lock)
{
	struct views *vs = &inv->views;

	if (v->busy || (!v->name && !want))
		return false;
	if (v->name && want && !strcmp(v->name, want)) {
		view_alias(vs, v, NULL);
		return false;
	}
	if (v->name && table_get(&vs->making, v->name) == vs) {
		view_late(vs, v);
		return false;
	}
	if (want && is_taken(vs, v, want)) {
		if (!v->name || !view_holder(vs, v, want)) {
			view_late(vs, v);
			return false;
		}
		want = NULL; /* two that change names with each other: one of them steps aside */
	}
	*op = !want ? HERALD_RMDIR : v->name ? HERALD_RENAME : HERALD_MKDIR;
	memcpy(name, v->name ? v->name : want, strlen(v->name ? v->name : want) + 1);
	table_put(&vs->making, want ? want : v->name, v);
	v->busy = true;
	inv->naming++;
	return true;
}

/* True when the domain is gone and so is its directory: the view goes as well. */
static bool view_name(struct invalidator *inv, struct view *v)
{
	struct domain *d = v->domain;
	char want[DIRNAME_TEXT], name[DIRNAME_TEXT];
	enum herald_op op;
	bool gone, step, over;

	lock_acquire(&d->lock);
	gone = d->gone || !dirname_encode(d->name, want);
	lock_release(&d->lock);
	lock_acquire(&inv->views.lock);
	step = name_step(inv, v, gone ? NULL : want, &op, name);
	over = v->over && !v->busy && !v->name;
	lock_release(&inv->views.lock);
	if (step)
		herald_name(inv, v, op, name, op == HERALD_RENAME ? want : NULL);
	return over;
}

/* ---- rows ---- */

static void watchers_tell(struct invalidator *inv, struct view *v, const struct ref *r)
{
	struct fuse_pollhandle *ph;

	for (bool first = true; (ph = view_pushed(&inv->views, v, r, first)); first = false) {
		fuse_lowlevel_notify_poll(ph);
		fuse_pollhandle_destroy(ph);
	}
}

/* Of a file that is written, write(2) itself tells; and it has the kernel's lock of it, maybe for long. */
static void inotify_tell(struct invalidator *inv, const struct ref *r)
{
	char name[DIRNAME_TEXT], *path;

	if (r->device || node_is_dir(r->node) || view_written(&inv->views, r) ||
	    !views_name(&inv->views, r->domain, name))
		return;
	path = x_printf("%s/%s", name, r->node->name);
	herald_touch(inv->herald, ref_inode_lane0(r), path);
	free(path);
}

static void row_refresh(struct invalidator *inv, struct view *v, const struct ref *r, bool gone)
{
	const struct user root = { 0 };
	struct node_attr a;
	unsigned what;

	node_attr(r, &root, &a);
	what = view_check(&inv->views, v, r, &a);
	if (!what && !gone)
		return;
	fuse_lowlevel_notify_inval_inode(inv->fuse, ref_inode_lane0(r), 0, 0);
	if (!(what & VIEW_TEXT) && !gone)
		return;
	watchers_tell(inv, v, r);
	if (!gone)
		inotify_tell(inv, r);
}

static void view_refresh(struct invalidator *inv, struct view *v)
{
	struct ref r;
	bool gone, ends;

	lock_acquire(&v->domain->lock);
	gone = v->domain->gone;
	lock_release(&v->domain->lock);
	lock_acquire(&inv->views.lock);
	ends = gone && !v->over;
	v->over = gone;
	lock_release(&inv->views.lock);
	for (unsigned at = 0; (!gone || ends) && view_slot(&inv->views, v, &at, &r);)
		row_refresh(inv, v, &r, ends);
	if (view_name(inv, v))
		view_remove(&inv->views, v);
}

/* ---- rounds ---- */

/* What may be told once the directories are right. */
struct release {
	struct invalidator *inv;
	uint64_t seq;
	struct after *list;
};

static void release_now(struct invalidator *inv, uint64_t seq, struct after *list)
{
	struct after *none = NULL;

	model_publish(inv->views.model, seq); /* what came meanwhile has made its domain dirty */
	after_call(list, true, &none);
}

static void release_done(void *arg, int result)
{
	struct release *r = arg;

	(void)result;
	lock_acquire(&r->inv->views.lock);
	r->inv->naming--;
	lock_release(&r->inv->views.lock);
	release_now(r->inv, r->seq, r->list);
	free(r);
}

/* Behind the directories, and behind what waits for earlier ones, so that lines keep their order. */
static void round_release(struct invalidator *inv, uint64_t seq, struct after *list)
{
	struct release *r;
	bool later;

	lock_acquire(&inv->views.lock);
	later = inv->naming > 0;
	inv->naming += later;
	lock_release(&inv->views.lock);
	if (!later) {
		release_now(inv, seq, list);
		return;
	}
	r = x_alloc(sizeof(*r));
	*r = (struct release){ .inv = inv, .seq = seq, .list = list };
	herald_after(inv->herald, release_done, r);
}

/* A line follows the mark of its change, so the marks of all lines up to SEQ are in the set that is taken after it. */
static void invalidator_round(struct invalidator *inv) NEEDS(inv->views.lock)
{
	struct views *vs = &inv->views;
	uint64_t seq = model_last_event(vs->model);
	struct view *v = views_take(vs, &seq), *next;
	struct after *list = inv->first, *rest = NULL;
	bool listing = inv->listing;

	inv->first = NULL;
	inv->last = &inv->first;
	inv->listing = vs->lines = false;
	inv->working = true;
	lock_release(&vs->lock);
	for (; v; v = next) {
		next = v->taken;
		view_refresh(inv, v);
	}
	if (listing)
		fuse_lowlevel_notify_inval_inode(inv->fuse, FUSE_ROOT_ID, 0, 0);
	after_call(list, false, &rest);
	round_release(inv, seq, rest);
	lock_acquire(&vs->lock);
	inv->working = false;
}

/* Is there anything that is not told yet? */
static bool is_behind(const struct invalidator *inv)
{
	return inv->views.due <= clock_msec() || inv->views.lines || inv->first || inv->listing;
}

/* When there is something to be done, clock_msec. */
static uint64_t work_due(const struct invalidator *inv)
{
	if (inv->first || inv->views.lines || inv->listing)
		return 0;
	if (inv->views.late && inv->retry < inv->views.due)
		return inv->retry;
	return inv->views.due;
}

static void *invalidator_thread(void *arg)
{
	struct invalidator *inv = arg;
	struct views *vs = &inv->views;
	uint64_t due;

	lock_acquire(&vs->lock);
	while (!inv->ending) {
		due = work_due(inv);
		if (due > clock_msec()) {
			cond_wait(&vs->work, &vs->lock, due == UINT64_MAX ? 0 : due);
			continue;
		}
		views_retry(vs);
		invalidator_round(inv);
		inv->retry = clock_msec() + RETRY_MSEC;
	}
	inv->running = false;
	lock_release(&vs->lock);
	return NULL;
}

void invalidator_after(struct invalidator *inv, bool names, void (*fn)(void *arg), void *arg)
{
	struct views *vs = &inv->views;
	struct after *a = NULL;

	lock_acquire(&vs->lock);
	if (inv->running && !inv->ending && (is_behind(inv) || inv->working || (names && inv->naming))) {
		a = x_alloc(sizeof(*a));
		*a = (struct after){ .names = names, .fn = fn, .arg = arg };
		*inv->last = a;
		inv->last = &a->next;
		cond_broadcast(&vs->work);
	}
	lock_release(&vs->lock);
	if (!a)
		fn(arg);
}

/* ---- lifetime ---- */

void invalidator_init(struct invalidator *inv, struct model *m)
{
	*inv = (struct invalidator){ 0 };
	inv->last = &inv->first;
	views_init(&inv->views, m);
}

int invalidator_start(struct invalidator *inv, struct fuse_session *fuse, const char *mountpoint, struct err *e)
{
	int ret = herald_start(mountpoint, &inv->herald, e);

	if (ret)
		return ret;
	inv->fuse = fuse;
	inv->running = true;
	ret = pthread_create(&inv->thread, NULL, invalidator_thread, inv);
	if (ret) {
		inv->running = false;
		return fail(e, ret, "the invalidator's thread cannot be started: %s", strerror(ret));
	}
	inv->started = true;
	return 0;
}

void invalidator_end(struct invalidator *inv)
{
	lock_acquire(&inv->views.lock);
	inv->ending = true;
	cond_broadcast(&inv->views.work);
	lock_release(&inv->views.lock);
}

bool invalidator_ended(struct invalidator *inv)
{
	bool ended;

	lock_acquire(&inv->views.lock);
	ended = !inv->running;
	lock_release(&inv->views.lock);
	return ended;
}

void invalidator_stop(struct invalidator *inv)
{
	struct views *vs = &inv->views;
	struct after *list;

	invalidator_end(inv);
	if (inv->started)
		pthread_join(inv->thread, NULL);
	herald_stop(inv->herald);
	inv->herald = NULL;
	lock_acquire(&vs->lock);
	list = inv->first;
	inv->first = NULL;
	inv->last = &inv->first;
	lock_release(&vs->lock);
	release_now(inv, UINT64_MAX, list);
}

void invalidator_free(struct invalidator *inv)
{
	views_free(&inv->views);
}
