#include "fs/herald.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "buf.h"
#include "fs/herald_peer.h"
#include "fs/herald_wire.h"
#include "lock.h"
#include "log.h"
#include "table.h"
#include "units.h"

#define TOUCHES_MAX 65536
#define SETTLE_MSEC 1000

struct item { /* of the queue */
	struct item *next;
	void (*done)(void *arg, int result);
	void *arg;
	size_t len;               /* of what is sent; 0: nothing is */
	int result;               /* then */
	struct herald_request *q; /* and the names */
};

struct touch {
	struct touch *next;
	uint64_t key;
	char *path;
};

/* [l] this lock, a leaf; [t] the herald's thread. */
struct herald {
	struct lock lock;
	struct item *first, **last;        /* [l] */
	struct touch *touch, **touch_last; /* [l] */
	struct table touches;              /* [l] by key */
	bool full;                         /* [l] said in the log, until all are served */
	bool ending;                       /* [l] */
	bool waiting;                      /* [l] somebody must ring WAKE */
	int wake;                          /* [I] an eventfd; while a reply is waited for, only the end rings it */
	uint64_t told;                     /* [l] the key that the helper was told of last, */
	bool telling;                      /* [l] and it has not gone on since */
	struct cond landed;
	struct peer peer; /* [t] */
	pthread_t thread;
	struct cond started_cond;
	bool started;     /* [l] */
	int start_result; /* [l] */
};

/* ---- the queue ---- */

/* Under the lock, as step() stills it there: one that came later would be taken for the end's while an answer is waited for. */
static void ring(struct herald *h) NEEDS(h->lock)
{
	if (h->waiting)
		eventfd_write(h->wake, 1);
	h->waiting = false;
}

static void item_queue(struct herald *h, struct item *it)
{
	lock_acquire(&h->lock);
	*h->last = it;
	h->last = &it->next;
	ring(h);
	lock_release(&h->lock);
}

static struct item *item_take(struct herald *h) NEEDS(h->lock)
{
	struct item *it = h->first;

	if (it) {
		h->first = it->next;
		if (!h->first)
			h->last = &h->first;
	}
	return it;
}

static void item_end(struct item *it, int result)
{
	if (it->done)
		it->done(it->arg, result);
	free(it->q);
	free(it);
}

/* A request for NAME and TO (may be NULL); NULL when they are too long. */
static struct herald_request *request_make(uint32_t op, const char *name, const char *to, size_t *ret)
{
	size_t n = strlen(name) + 1, also = to ? strlen(to) + 1 : 0;
	struct herald_request *q;

	if (n > PATH_MAX || also > PATH_MAX)
		return NULL;
	*ret = sizeof(*q) + n + also;
	q = x_alloc(*ret);
	q->op = op;
	memcpy(q + 1, name, n);
	if (to)
		memcpy((char *)(q + 1) + n, to, also);
	return q;
}

static struct item *item_new(uint32_t op, const char *name, const char *to)
{
	struct item *it = x_alloc(sizeof(*it));

	it->q = request_make(op, name, to, &it->len);
	it->result = it->q ? 0 : -ENAMETOOLONG;
	return it;
}

void herald_do(struct herald *h, enum herald_op op, const char *name, const char *to,
               void (*done)(void *arg, int result), void *arg)
{
	struct item *it = item_new(op, name, to);

	it->done = done;
	it->arg = arg;
	item_queue(h, it);
}

void herald_after(struct herald *h, void (*done)(void *arg, int result), void *arg)
{
	struct item *it = x_alloc(sizeof(*it));

	it->done = done;
	it->arg = arg;
	item_queue(h, it);
}

/* ---- the set of touches ---- */

static void touch_free(struct touch *t)
{
	free(t->path);
	free(t);
}

/* True when the thread has something new to do. */
static bool touch_add(struct herald *h, uint64_t key, const char *path) NEEDS(h->lock)
{
	struct touch *t = table_get_n(&h->touches, &key, sizeof(key));

	if (t) {
		if (strcmp(t->path, path) != 0) { /* its directory was renamed */
			free(t->path);
			t->path = x_strdup(path);
		}
		return false;
	}
	if (h->touches.count >= TOUCHES_MAX) {
		if (!h->full)
			log_warn("watchers of the mount miss changes: more than %d files wait to be touched",
			         TOUCHES_MAX);
		h->full = true;
		return false;
	}
	t = x_alloc(sizeof(*t));
	t->key = key;
	t->path = x_strdup(path);
	table_put_n(&h->touches, &key, sizeof(key), t);
	*h->touch_last = t;
	h->touch_last = &t->next;
	return true;
}

void herald_touch(struct herald *h, uint64_t key, const char *path)
{
	if (strlen(path) >= PATH_MAX)
		return;
	lock_acquire(&h->lock);
	if (touch_add(h, key, path))
		ring(h);
	lock_release(&h->lock);
}

/* The oldest of them, which is one of the set no more: one that comes while it is served is the next. */
static struct item *touch_take(struct herald *h) NEEDS(h->lock)
{
	struct touch *t = h->touch;
	struct item *it;

	if (!t)
		return NULL;
	h->touch = t->next;
	if (!h->touch)
		h->touch_last = &h->touch;
	table_del_n(&h->touches, &t->key, sizeof(t->key));
	if (!h->touches.count) {
		table_free(&h->touches); /* what a burst has needed */
		h->full = false;
	}
	it = item_new(HERALD_TOUCH, t->path, NULL);
	touch_free(t);
	return it;
}

void herald_telling(struct herald *h, uint64_t key)
{
	lock_acquire(&h->lock);
	h->told = key;
	h->telling = true;
	cond_broadcast(&h->landed);
	lock_release(&h->lock);
}

void herald_settle(struct herald *h, uint64_t key)
{
	uint64_t until = clock_msec() + SETTLE_MSEC;

	lock_acquire(&h->lock);
	while (h->telling && h->told == key && cond_wait(&h->landed, &h->lock, until))
		;
	lock_release(&h->lock);
}

/* ---- the thread ---- */

static void item_serve(struct herald *h, struct item *it)
{
	int r = it->result;

	if (it->q)
		r = peer_ask(&h->peer, it->q, it->len, h->wake);
	item_end(it, r);
}

static void idle(struct herald *h)
{
	struct pollfd fds[2] = { { .fd = h->wake, .events = POLLIN }, { .fd = h->peer.sock, .events = POLLIN } };

	if (poll(fds, 2, peer_wait(&h->peer)) > 0 && fds[1].revents)
		peer_look(&h->peer);
}

/* What is to be done next is done, or waited for. False at the end. */
static bool step(struct herald *h)
{
	bool ready = peer_ready(&h->peer), ending;
	struct item *it;
	eventfd_t rung;

	lock_acquire(&h->lock);
	(void)eventfd_read(h->wake, &rung);
	if (ready && h->telling) { /* it has answered, or is another one */
		h->telling = false;
		cond_broadcast(&h->landed);
	}
	ending = h->ending;
	it = item_take(h);
	if (!it && !ending && ready)
		it = touch_take(h);
	h->waiting = !it;
	lock_release(&h->lock);
	if (it && ending)
		item_end(it, -ECANCELED);
	else if (it)
		item_serve(h, it);
	else if (!ending)
		idle(h);
	return it || !ending;
}

static void *herald_run(void *arg)
{
	struct herald *h = arg;
	int r = peer_start(&h->peer);

	lock_acquire(&h->lock);
	h->start_result = r;
	h->started = true;
	cond_broadcast(&h->started_cond);
	lock_release(&h->lock);
	while (r == 0 && step(h))
		;
	peer_end(&h->peer);
	return NULL;
}

/* ---- its life ---- */

static void herald_free(struct herald *h)
{
	struct touch *next;

	for (struct touch *t = h->touch; t; t = next) {
		next = t->next;
		touch_free(t);
	}
	table_free(&h->touches);
	free(h->peer.mountpoint);
	if (h->wake >= 0)
		close(h->wake);
	cond_destroy(&h->landed);
	cond_destroy(&h->started_cond);
	lock_destroy(&h->lock);
	free(h);
}

int herald_start(const char *mountpoint, struct herald **ret, struct err *e)
{
	struct herald *h = x_alloc(sizeof(*h));
	int r;

	lock_init(&h->lock);
	cond_init(&h->started_cond);
	cond_init(&h->landed);
	h->last = &h->first;
	h->touch_last = &h->touch;
	peer_init(&h->peer, mountpoint);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = h->wake < 0 ? -errno : -pthread_create(&h->thread, NULL, herald_run, h);
	if (r == 0) {
		lock_acquire(&h->lock);
		while (!h->started)
			cond_wait(&h->started_cond, &h->lock, 0);
		r = h->start_result;
		lock_release(&h->lock);
		if (r < 0)
			pthread_join(h->thread, NULL);
	}
	if (r < 0) {
		herald_free(h);
		return fail(e, -r, "the process that tells watchers of changes cannot be started: %s", strerror(-r));
	}
	*ret = h;
	return 0;
}

void herald_stop(struct herald *h)
{
	if (!h)
		return;
	lock_acquire(&h->lock);
	h->ending = h->waiting = true; /* or it waits for an answer */
	ring(h);
	lock_release(&h->lock);
	pthread_join(h->thread, NULL);
	herald_free(h);
}

bool herald_is(const struct herald *h, pid_t tid)
{
	return peer_is(&h->peer, tid);
}
