#include "fs/invalidate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/dirname.h"
#include "fs/naming.h"

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

/* ---- rows ---- */

static void watchers_tell(struct invalidator *inv, struct view *v, const struct ref *r)
{
	size_t n;
	struct fuse_pollhandle **list = view_pushed(&inv->views, v, r, &n);

	for (size_t i = 0; i < n; i++) {
		fuse_lowlevel_notify_poll(list[i]);
		fuse_pollhandle_destroy(list[i]);
	}
	free(list);
}

/* Settings are written by other inodes than this one: write(2) does not tell of it, and has no lock of it. */
static void inotify_tell(struct invalidator *inv, const struct ref *r)
{
	char name[DIRNAME_TEXT], *path;

	if (r->device || node_is_dir(r->node) || !views_name(&inv->views, r->domain, name))
		return;
	path = x_printf("%s/%s", name, r->node->name);
	herald_touch(inv->herald, ref_inode_lane0(r), path);
	free(path);
}

/*
 * What the loop is just rendering may be untrue, or true. It is not forgotten to be safe: that would throw away the new size that a
 * reader was about to be told, and he would read the new text up to the size of the old.
 */
static unsigned row_untrue(struct invalidator *inv, struct view *v, const struct ref *r)
{
	const struct user root = { 0 };
	struct node_attr a;
	unsigned what;

	node_attr(r, &root, &a);
	what = view_check(&inv->views, v, r, &a);
	if (what != VIEW_TELLING)
		return what;
	view_wait(&inv->views, v, r);
	node_attr(r, &root, &a);
	return view_check(&inv->views, v, r, &a) & ~(unsigned)VIEW_TELLING;
}

/*
 * A page of a listing is locked while a reader's buffer is filled from it: for as long as he likes, and who drops it waits, and
 * cannot be killed. So a directory's time tells what became of its listing: who opens it asks for that anew.
 */
static void forget(struct invalidator *inv, uint64_t inode, bool dir)
{
	fuse_lowlevel_notify_inval_inode(inv->fuse, inode, dir ? -1 : 0, 0);
}

static void row_refresh(struct invalidator *inv, struct view *v, const struct ref *r, bool gone)
{
	unsigned what = row_untrue(inv, v, r);

	if (!what && !gone)
		return;
	if (node_is_fact(r->node))
		herald_settle(inv->herald, ref_inode_lane0(r));
	forget(inv, ref_inode_lane0(r), node_is_dir(r->node));
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
	if (naming_look(inv, v))
		view_remove(&inv->views, v);
}

/* ---- rounds ---- */

/* What may be told once the directories are right. */
struct release {
	struct invalidator *inv;
	uint64_t seq;
	struct after *list;
};

/* It waits for nothing, so with the lock: nobody else finds it done who comes before it is. */
static void listing_refresh(struct invalidator *inv)
{
	lock_acquire(&inv->views.lock);
	if (views_relist(&inv->views))
		forget(inv, FUSE_ROOT_ID, true);
	lock_release(&inv->views.lock);
}

static void release_now(struct invalidator *inv, uint64_t seq, struct after *list)
{
	struct after *none = NULL;

	listing_refresh(inv);
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

/*
 * All that is due; where somebody waits for an answer, what is not due yet may be what he did. A line follows the mark of its
 * change, so the marks of all lines up to SEQ are in the set that is taken after it.
 */
static void invalidator_round(struct invalidator *inv) NEEDS(inv->views.lock)
{
	uint64_t seq = model_last_event(inv->views.model), now = inv->first ? UINT64_MAX : clock_msec();
	struct view *v = views_take(&inv->views, now, &seq), *next;
	struct after *list = inv->first, *rest = NULL;

	inv->first = NULL;
	inv->last = &inv->first;
	inv->views.lines = false;
	inv->working = true;
	lock_release(&inv->views.lock);
	for (; v; v = next) {
		next = v->taken;
		view_refresh(inv, v);
	}
	listing_refresh(inv);
	after_call(list, false, &rest);
	round_release(inv, seq, rest);
	lock_acquire(&inv->views.lock);
	inv->working = false;
}

/* When there is something to be done for the thread, clock_msec. */
static uint64_t work_due(const struct invalidator *inv) NEEDS(inv->views.lock)
{
	if (inv->working)
		return UINT64_MAX;
	if (inv->first || inv->views.lines || inv->views.listing)
		return 0;
	return inv->views.retry < inv->views.due ? inv->views.retry : inv->views.due;
}

static void *invalidator_thread(void *arg)
{
	struct invalidator *inv = arg;
	uint64_t wakes;

	lock_acquire(&inv->views.lock);
	while (!inv->ending || inv->working) {
		inv->views.wakes = wakes = work_due(inv);
		if (wakes > clock_msec()) {
			cond_wait(&inv->views.work, &inv->views.lock, wakes == UINT64_MAX ? 0 : wakes);
			continue;
		}
		inv->views.wakes = 0;
		if (inv->views.retry <= clock_msec())
			views_retry(&inv->views);
		invalidator_round(inv);
	}
	inv->running = false;
	lock_release(&inv->views.lock);
	return NULL;
}

/* The thread is woken for what came during a round of somebody else's. */
static void round_here(struct invalidator *inv) NEEDS(inv->views.lock)
{
	invalidator_round(inv);
	if (inv->ending || work_due(inv) < inv->views.wakes)
		cond_broadcast(&inv->views.work);
}

void invalidator_after(struct invalidator *inv, bool names, void (*fn)(void *arg), void *arg)
{
	struct after *a;
	bool now;

	lock_acquire(&inv->views.lock);
	now = !inv->running || inv->ending ||
	      !(inv->working || inv->views.dirty || inv->views.lines || inv->views.listing || (names && inv->naming));
	if (!now) {
		a = x_alloc(sizeof(*a));
		*a = (struct after){ .names = names, .fn = fn, .arg = arg };
		*inv->last = a;
		inv->last = &a->next;
		if (!inv->working)
			round_here(inv);
	}
	lock_release(&inv->views.lock);
	if (now)
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
