/* What the kernel was told of a domain's rows, and who polls them. */
#include <stdlib.h>

#include "fs/fuse.h"
#include "fs/view.h"

#define ROW_BITS 12
#define WAIT_MSEC 1000

static uint32_t key_of(const struct ref *r)
{
	return (uint32_t)r->device << ROW_BITS | (uint32_t)(r->node - nodes);
}

static uint64_t attr_of(const struct node_attr *a)
{
	const uint32_t part[3] = { a->uid, a->gid, a->mode };

	return hash_text(part, sizeof(part));
}

/* The host's rows have none. */
static struct view *view_of(struct views *vs, const struct ref *r) NEEDS(vs->lock)
{
	return r->domain ? table_get_n(&vs->by_serial, &r->domain->serial, sizeof(r->domain->serial)) : NULL;
}

static struct slot *slot_of(struct view *v, uint32_t key)
{
	for (unsigned i = 0; v && i < v->nslots; i++) {
		if (v->slots[i].key == key)
			return &v->slots[i];
	}
	return NULL;
}

static struct slot *slot_add(struct view *v, uint32_t key)
{
	struct slot *s;

	v->slots = x_grow(v->slots, v->nslots + 1, sizeof(*v->slots));
	s = &v->slots[v->nslots++];
	*s = (struct slot){ .key = key };
	return s;
}

/* Lanes above 0 come and go, and are read directly. */
bool view_keeps(const struct ref *r)
{
	switch (r->node->kind) {
	case KIND_DIR:
	case KIND_EACH:
	case KIND_FACT:
	case KIND_SETTING:
	case KIND_CTL:
		return r->lane == 0;
	default:
		return false;
	}
}

void view_tell(struct views *vs, const struct ref *r)
{
	struct view *v;
	struct slot *s;

	if (!r->domain || !view_keeps(r))
		return;
	lock_acquire(&vs->lock);
	v = view_of(vs, r);
	s = slot_of(v, key_of(r));
	if (v && !s)
		s = slot_add(v, key_of(r));
	if (s) {
		s->telling++;
		s->checked = 0;
	}
	lock_release(&vs->lock);
}

/*
 * What of it is not what is true by the slot. Either it has become true meanwhile, or it was true until the last check, which has
 * seen and said so; else somebody has read what nobody knows of.
 */
static void slot_told(struct views *vs, struct view *v, struct slot *s, unsigned differs) NEEDS(vs->lock)
{
	s->telling -= s->telling > 0;
	s->told++;
	if (vs->waiting)
		cond_broadcast(&vs->rendered);
	differs &= ~(unsigned)s->checked;
	if (!differs)
		return;
	s->mixed |= (unsigned char)differs;
	view_dirty(vs, v);
}

static unsigned differing(const struct slot *s, uint64_t text, uint64_t attr)
{
	return (s->text != text ? VIEW_TEXT : 0) | (s->attr != attr ? VIEW_ATTR : 0);
}

bool view_told(struct views *vs, const struct ref *r, struct node_attr *a)
{
	uint64_t attr = attr_of(a);
	struct view *v;
	struct slot *s;

	if (!view_keeps(r))
		return false;
	lock_acquire(&vs->lock);
	if (r->node == &nodes[0]) /* nothing else of the host that may be kept changes */
		a->mtime = vs->listed;
	v = view_of(vs, r);
	s = slot_of(v, key_of(r));
	if (s) {
		if (!s->mtime.tv_sec) { /* the first time */
			s->text = a->text;
			s->attr = attr;
			s->mtime = a->mtime;
		}
		slot_told(vs, v, s, differing(s, a->text, attr));
		a->mtime = s->mtime;
	}
	lock_release(&vs->lock);
	return s || !r->domain;
}

void view_told_text(struct views *vs, const struct ref *r, uint64_t text)
{
	struct view *v;
	struct slot *s;

	lock_acquire(&vs->lock);
	v = view_of(vs, r);
	s = slot_of(v, key_of(r));
	if (s)
		slot_told(vs, v, s, differing(s, text, s->attr));
	lock_release(&vs->lock);
}

/* ---- what became untrue ---- */

bool view_slot(struct views *vs, struct view *v, unsigned *at, struct ref *r)
{
	bool more;

	lock_acquire(&vs->lock);
	more = *at < v->nslots;
	if (more) {
		uint32_t key = v->slots[(*at)++].key;

		*r = (struct ref){
			.model = vs->model,
			.node = &nodes[key & ((1u << ROW_BITS) - 1)],
			.domain = v->domain,
			.device = key >> ROW_BITS,
		};
	}
	lock_release(&vs->lock);
	return more;
}

/* Two changes within a tick of the clock have two times all the same. */
static struct timespec later_than(const struct timespec *t)
{
	struct timespec now = time_now();

	if (now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec > t->tv_nsec))
		return now;
	now = *t;
	if (++now.tv_nsec == 1000000000) {
		now.tv_nsec = 0;
		now.tv_sec++;
	}
	return now;
}

unsigned view_check(struct views *vs, struct view *v, const struct ref *r, const struct node_attr *a)
{
	uint64_t attr = attr_of(a);
	unsigned what;
	struct slot *s;

	lock_acquire(&vs->lock);
	s = slot_of(v, key_of(r));
	what = s->mixed | differing(s, a->text, attr);
	s->checked = (unsigned char)what;
	s->text = a->text;
	s->attr = attr;
	s->mixed = 0;
	if (what & VIEW_TEXT)
		s->mtime = later_than(&s->mtime);
	what |= s->telling ? VIEW_TELLING : 0;
	lock_release(&vs->lock);
	return what;
}

void view_wait(struct views *vs, struct view *v, const struct ref *r)
{
	uint64_t until = clock_msec() + WAIT_MSEC;
	struct slot *s;
	uint32_t enough;

	lock_acquire(&vs->lock);
	s = slot_of(v, key_of(r));
	enough = s->told + s->telling; /* those that begin meanwhile take what is true now */
	vs->waiting++;
	while (s->telling && (int32_t)(enough - s->told) > 0 && cond_wait(&vs->rendered, &vs->lock, until))
		s = slot_of(v, key_of(r));
	vs->waiting--;
	lock_release(&vs->lock);
}

bool views_relist(struct views *vs)
{
	bool was = vs->listing;

	vs->listing = false;
	if (was)
		vs->listed = later_than(&vs->listed);
	return was;
}

struct fuse_pollhandle **view_pushed(struct views *vs, struct view *v, const struct ref *r, size_t *n)
{
	struct fuse_pollhandle **list;
	uint32_t key = key_of(r);
	size_t room = 0;

	*n = 0;
	lock_acquire(&vs->lock);
	slot_of(v, key)->changes++;
	for (struct watcher *w = v->watchers; w; w = w->next)
		room += w->key == key && w->ph;
	list = x_array(room, sizeof(struct fuse_pollhandle *));
	for (struct watcher *w = v->watchers; w; w = w->next) {
		if (w->key != key || !w->ph)
			continue;
		list[(*n)++] = w->ph;
		w->ph = NULL;
	}
	lock_release(&vs->lock);
	return list;
}

/* ---- polling ---- */

uint32_t view_changes(struct views *vs, const struct ref *r)
{
	struct slot *s;
	uint32_t n;

	lock_acquire(&vs->lock);
	s = slot_of(view_of(vs, r), key_of(r));
	n = s ? s->changes : 0;
	lock_release(&vs->lock);
	return n;
}

/*
 * A change is told once. What came between open and the first poll is told twice: adding a file to an epoll set polls
 * it without telling anybody.
 */
static bool watcher_take(struct watcher *w, uint32_t changes)
{
	bool changed = w->seen != changes;

	if (w->polled)
		w->seen = changes;
	w->polled = true;
	return changed;
}

static void watcher_join(struct watcher *w, struct view *v)
{
	w->next = v->watchers;
	w->link = &v->watchers;
	if (w->next)
		w->next->link = &w->next;
	v->watchers = w;
}

bool view_poll(struct views *vs, const struct ref *r, struct watcher **w, uint32_t seen, struct fuse_pollhandle *ph)
{
	struct fuse_pollhandle *old = ph;
	bool changed = true; /* there is no domain any more */
	struct view *v;
	struct slot *s;

	lock_acquire(&vs->lock);
	v = view_of(vs, r);
	s = slot_of(v, key_of(r));
	if (s) {
		if (!*w) {
			*w = x_alloc(sizeof(**w));
			**w = (struct watcher){ .key = s->key, .seen = seen };
			watcher_join(*w, v);
		}
		changed = watcher_take(*w, s->changes) || v->over;
		if (ph) {
			old = (*w)->ph;
			(*w)->ph = ph;
		}
	}
	lock_release(&vs->lock);
	if (old)
		fuse_pollhandle_destroy(old);
	return changed;
}

void view_unwatch(struct views *vs, struct watcher *w)
{
	if (!w)
		return;
	lock_acquire(&vs->lock);
	if (w->link) {
		*w->link = w->next;
		if (w->next)
			w->next->link = w->link;
	}
	lock_release(&vs->lock);
	if (w->ph)
		fuse_pollhandle_destroy(w->ph);
	free(w);
}
