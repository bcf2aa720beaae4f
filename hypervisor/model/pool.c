/* The pool of threads on which jobs block. */
#include <stdlib.h>
#include <time.h>

#include "hypervisor/model/jobs.h"
#include "buf.h"
#include "log.h"
#include "units.h"

#define POOL_MAX 256   /* threads that ordinary work may keep busy */
#define POOL_URGENT 16 /* further ones, which only urgent work may use */
#define POOL_IDLE_MSEC 10000

struct work {
	struct work *next;
	void (*fn)(void *);
	void *arg;
	bool urgent;
};

/* In the order of arrival. */
struct queue {
	struct work *first, **last; /* last is NULL when empty */
};

static struct pool {
	struct lock lock;
	struct cond more, ended;
	struct queue urgent, ordinary;                 /* [lock] */
	unsigned threads, idle, queued, busy_ordinary; /* [lock] */
	bool ready, draining;                          /* [lock] */
} pool = { .lock = LOCK_INIT };

static void queue_put(struct queue *q, struct work *w)
{
	*(q->last ? q->last : &q->first) = w;
	q->last = &w->next;
}

static struct work *queue_get(struct queue *q)
{
	struct work *w = q->first;

	q->first = w->next;
	if (!q->first)
		q->last = NULL;
	return w;
}

/* Whether ordinary work, which may block for long, leaves the last threads to urgent work. */
static bool pool_has_work(void) NEEDS(pool.lock)
{
	return pool.urgent.first || (pool.ordinary.first && pool.busy_ordinary < POOL_MAX);
}

static struct work *pool_take(void) NEEDS(pool.lock)
{
	struct work *w;

	if (!pool_has_work())
		return NULL;
	w = queue_get(pool.urgent.first ? &pool.urgent : &pool.ordinary);
	pool.queued--;
	pool.busy_ordinary += !w->urgent;
	return w;
}

/* False when this thread has been idle for long enough to end. */
static bool pool_rest(void) NEEDS(pool.lock)
{
	bool woken;

	if (pool.draining)
		return pool_has_work();
	pool.idle++;
	woken = cond_wait(&pool.more, &pool.lock, clock_msec() + POOL_IDLE_MSEC);
	pool.idle--;
	return woken || pool_has_work();
}

static void *pool_thread(void *unused)
{
	struct work *w;

	lock_acquire(&pool.lock);
	do {
		while ((w = pool_take())) {
			lock_release(&pool.lock);
			w->fn(w->arg);
			lock_acquire(&pool.lock);
			pool.busy_ordinary -= !w->urgent;
			free(w);
		}
	} while (pool_rest());
	pool.threads--;
	cond_broadcast(&pool.ended);
	lock_release(&pool.lock);
	return unused;
}

static bool pool_grow(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	rc = pthread_create(&thread, &attr, pool_thread, NULL);
	pthread_attr_destroy(&attr);
	if (rc)
		log_error("a thread for jobs could not be started: error %d", rc);
	return !rc;
}

void pool_run(void (*fn)(void *), void *arg, bool urgent)
{
	struct work *w = x_alloc(sizeof(*w));

	*w = (struct work){ .fn = fn, .arg = arg, .urgent = urgent };
	lock_acquire(&pool.lock);
	if (!pool.ready) {
		cond_init(&pool.more);
		cond_init(&pool.ended);
		pool.ready = true;
	}
	queue_put(urgent ? &pool.urgent : &pool.ordinary, w);
	pool.queued++;
	if (pool.queued > pool.idle && pool.threads < POOL_MAX + (urgent ? POOL_URGENT : 0)) {
		pool.threads++;
		if (!pool_grow())
			pool.threads--;
	}
	lock_release(&pool.lock);
	cond_signal(&pool.more); /* who wakes up is not to find the lock taken */
}

void pool_drain(void)
{
	lock_acquire(&pool.lock);
	pool.draining = true;
	if (pool.threads)
		cond_broadcast(&pool.more);
	while (pool.threads)
		cond_wait(&pool.ended, &pool.lock, 0);
	pool.draining = false;
	lock_release(&pool.lock);
}
