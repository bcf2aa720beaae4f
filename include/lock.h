/*
 * Mutexes and conditions that clang's -Wthread-safety can check. Order of locks: disk, registry, domain, follow, views, order of event
 * lines, leaf (the struct that owns a leaf lock says so). No lock is held while anything is waited for, but a condition's own.
 */
#ifndef LOCK_H
#define LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __clang__
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif

struct TSA(capability("mutex")) lock {
	pthread_mutex_t m;
};

#define LOCK_INIT                                                                                                      \
	{                                                                                                              \
		PTHREAD_MUTEX_INITIALIZER                                                                              \
	}

#define ACQUIRES(...) TSA(acquire_capability(__VA_ARGS__))
#define RELEASES(...) TSA(release_capability(__VA_ARGS__))
#define NEEDS(...) TSA(requires_capability(__VA_ARGS__))
#define NOT_WITH(...) TSA(locks_excluded(__VA_ARGS__))
#define NO_TSA TSA(no_thread_safety_analysis)

void lock_init(struct lock *l);
void lock_destroy(struct lock *l);
void lock_acquire(struct lock *l) ACQUIRES(*l);
void lock_release(struct lock *l) RELEASES(*l);

struct cond {
	pthread_cond_t c; /* CLOCK_MONOTONIC */
};

void cond_init(struct cond *c);
void cond_destroy(struct cond *c);
void cond_broadcast(struct cond *c);
void cond_signal(struct cond *c); /* one of those who wait, where any of them will do */

/* Wait at most until clock_msec() reaches DEADLINE (0: for ever). False when it passed. */
bool cond_wait(struct cond *c, struct lock *l, uint64_t deadline) NEEDS(*l);

#endif
