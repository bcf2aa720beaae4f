/* Those who wait for a state: a list, and one thread that knows the next deadline. */
#include <errno.h>
#include <stdlib.h>

#include "hypervisor/model/internal.h"
#include "log.h"

static struct waits {
	struct lock lock; /* a leaf */
	struct cond earlier;
	struct wait *first; /* [lock] */
	bool running;       /* [lock] the thread of deadlines */
} waits = { .lock = LOCK_INIT };

static void wait_done(void *arg)
{
	struct wait *w = arg;
	struct domain *d = w->domain;

	w->done(w, w->result);
	domain_unref(d);
}

/* Off the list, and its owner is told; false when it was not listed. */
static bool wait_finish(struct wait *w, int result) NEEDS(waits.lock)
{
	if (!w->listed)
		return false;
	for (struct wait **p = &waits.first; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	w->listed = false;
	w->result = result;
	if (w->deadline && waits.running)
		cond_broadcast(
			&waits.earlier); /* perhaps the last: its thread then ends instead of waking up for nothing */
	pool_run(wait_done, w, true);
	return true;
}

static uint64_t next_deadline(uint64_t now) NEEDS(waits.lock)
{
	uint64_t first = 0;

	for (struct wait *w = waits.first, *next; w; w = next) {
		next = w->next;
		if (w->deadline && w->deadline <= now)
			wait_finish(w, -ETIMEDOUT);
		else if (w->deadline && (!first || w->deadline < first))
			first = w->deadline;
	}
	return first;
}

/* Lives as long as somebody waits with a deadline. */
static void *wait_thread(void *unused)
{
	uint64_t first;

	lock_acquire(&waits.lock);
	while ((first = next_deadline(clock_msec())))
		cond_wait(&waits.earlier, &waits.lock, first);
	waits.running = false;
	cond_destroy(&waits.earlier);
	lock_release(&waits.lock);
	return unused;
}

static void wait_watch_deadlines(void) NEEDS(waits.lock)
{
	pthread_t thread;

	if (waits.running) {
		cond_broadcast(&waits.earlier);
		return;
	}
	cond_init(&waits.earlier);
	if (pthread_create(&thread, NULL, wait_thread, NULL)) {
		cond_destroy(&waits.earlier);
		log_error("no thread for deadlines could be started: waits may last longer than they should");
		return;
	}
	pthread_detach(thread);
	waits.running = true;
}

void domain_wait(struct domain *d, struct wait *w)
{
	domain_lock(d);
	lock_acquire(&waits.lock);
	w->domain = domain_ref(d);
	w->listed = true;
	w->next = waits.first;
	waits.first = w;
	if (d->gone)
		wait_finish(w, -ENOENT);
	else if (w->ready(d, w))
		wait_finish(w, 0);
	else if (w->deadline)
		wait_watch_deadlines();
	lock_release(&waits.lock);
	domain_unlock(d);
}

void wait_stop(struct wait *w, int result)
{
	lock_acquire(&waits.lock);
	wait_finish(w, result);
	lock_release(&waits.lock);
}

void wait_stop_all(struct model *m)
{
	lock_acquire(&waits.lock);
	for (struct wait *w = waits.first, *next; w; w = next) {
		next = w->next;
		if (w->domain->model == m)
			wait_finish(w, -ECANCELED);
	}
	lock_release(&waits.lock);
}

bool wait_cancel(struct domain *d)
{
	bool any = false;

	lock_acquire(&waits.lock);
	for (struct wait *w = waits.first, *next; w; w = next) {
		next = w->next;
		if (w->domain == d && w->cancellable)
			any |= wait_finish(w, -ECANCELED);
	}
	lock_release(&waits.lock);
	return any;
}

void wait_check(struct domain *d)
{
	lock_acquire(&waits.lock);
	for (struct wait *w = waits.first, *next; w; w = next) {
		next = w->next;
		if (w->domain != d)
			continue;
		if (d->gone)
			wait_finish(w, -ENOENT);
		else if (w->ready(d, w))
			wait_finish(w, 0);
	}
	lock_release(&waits.lock);
}
