/* Those who wait for a state: a list of all, one of each domain's, and one thread that knows the next deadline. */
#include <errno.h>
#include <stdlib.h>

#include "hypervisor/model/internal.h"
#include "log.h"

static struct waits {
	struct lock lock; /* a leaf */
	struct cond earlier;
	struct wait *first; /* [lock] */
	size_t limited;     /* [lock] how many of them have a deadline */
	bool running;       /* [lock] the thread of deadlines */
	uint64_t wakes;     /* [lock] when it wakes */
} waits = { .lock = LOCK_INIT };

static void wait_done(void *arg)
{
	struct wait *w = arg;
	struct domain *d = w->domain;

	w->done(w, w->result);
	domain_unref(d);
}

static void wait_list(struct wait *w) NEEDS(waits.lock)
{
	struct wait **all = &waits.first, **beside = &w->domain->waits;

	w->next = *all;
	w->link = all;
	w->next_beside = *beside;
	w->link_beside = beside;
	if (w->next)
		w->next->link = &w->next;
	if (w->next_beside)
		w->next_beside->link_beside = &w->next_beside;
	*all = *beside = w;
	w->listed = true;
	waits.limited += w->deadline != 0;
}

static void wait_unlist(struct wait *w) NEEDS(waits.lock)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	*w->link_beside = w->next_beside;
	if (w->next_beside)
		w->next_beside->link_beside = w->link_beside;
	w->listed = false;
	waits.limited -= w->deadline != 0;
}

/* Off the lists, and its owner is told; false when it was not listed. */
static bool wait_finish(struct wait *w, int result) NEEDS(waits.lock)
{
	if (!w->listed)
		return false;
	wait_unlist(w);
	w->result = result;
	if (!waits.limited && waits.running)
		cond_broadcast(&waits.earlier); /* its thread ends instead of waking up for nothing */
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
	while ((first = next_deadline(clock_msec()))) {
		waits.wakes = first;
		cond_wait(&waits.earlier, &waits.lock, first);
	}
	waits.running = false;
	cond_destroy(&waits.earlier);
	lock_release(&waits.lock);
	return unused;
}

static void wait_watch_deadline(uint64_t deadline) NEEDS(waits.lock)
{
	pthread_t thread;

	if (waits.running) {
		if (deadline < waits.wakes)
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
	waits.wakes = deadline;
}

void domain_wait(struct domain *d, struct wait *w)
{
	domain_lock(d);
	lock_acquire(&waits.lock);
	w->domain = domain_ref(d);
	wait_list(w);
	if (d->gone)
		wait_finish(w, -ENOENT);
	else if (w->ready(d, w))
		wait_finish(w, 0);
	else if (w->deadline)
		wait_watch_deadline(w->deadline);
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
	for (struct wait *w = d->waits, *next; w; w = next) {
		next = w->next_beside;
		if (w->cancellable)
			any |= wait_finish(w, -ECANCELED);
	}
	lock_release(&waits.lock);
	return any;
}

void wait_check(struct domain *d)
{
	lock_acquire(&waits.lock);
	for (struct wait *w = d->waits, *next; w; w = next) {
		next = w->next_beside;
		if (d->gone)
			wait_finish(w, -ENOENT);
		else if (w->ready(d, w))
			wait_finish(w, 0);
	}
	lock_release(&waits.lock);
}
