#include "lock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "units.h"

/* A failing lock is a mistake of ours (destroyed, not held): there is no safe way on. */
static void must(int r)
{
	if (r != 0)
		abort();
}

void lock_init(struct lock *l)
{
	must(pthread_mutex_init(&l->m, NULL));
}

void lock_destroy(struct lock *l)
{
	must(pthread_mutex_destroy(&l->m));
}

NO_TSA void lock_acquire(struct lock *l)
{
	must(pthread_mutex_lock(&l->m));
}

NO_TSA void lock_release(struct lock *l)
{
	must(pthread_mutex_unlock(&l->m));
}

void cond_init(struct cond *c)
{
	pthread_condattr_t a;

	must(pthread_condattr_init(&a));
	must(pthread_condattr_setclock(&a, CLOCK_MONOTONIC));
	must(pthread_cond_init(&c->c, &a));
	must(pthread_condattr_destroy(&a));
}

void cond_destroy(struct cond *c)
{
	must(pthread_cond_destroy(&c->c));
}

void cond_broadcast(struct cond *c)
{
	must(pthread_cond_broadcast(&c->c));
}

void cond_signal(struct cond *c)
{
	must(pthread_cond_signal(&c->c));
}

/* Deadlines count the time that the host slept, conditions cannot: what is left is carried over to their clock. */
bool cond_wait(struct cond *c, struct lock *l, uint64_t deadline)
{
	uint64_t now, left;
	struct timespec t;
	int r;

	if (deadline == 0) {
		must(pthread_cond_wait(&c->c, &l->m));
		return true;
	}
	now = clock_msec();
	if (now >= deadline)
		return false;
	left = deadline - now;
	if (left > 365ull * 24 * 3600 * 1000) /* so that no sum overflows; the caller's loop comes back */
		left = 365ull * 24 * 3600 * 1000;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(left / 1000);
	t.tv_nsec += (long)(left % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	r = pthread_cond_timedwait(&c->c, &l->m, &t);
	if (r == ETIMEDOUT)
		return clock_msec() < deadline;
	must(r);
	return true;
}
