/* What the programs of bench/ share: turns, a clock, the middle or a percentile of what it said. No threads, nothing owned. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdlib.h>
#include <time.h>

/*
 * Which of N is the one that comes AT-th in ROUND: another one is first each round, and every second round goes backwards, so
 * that nobody always comes after the same one.
 */
static inline size_t turn_of(size_t round, size_t at, size_t n)
{
	return (round + (round % 2 ? n - at : at)) % n;
}

static inline double usec_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline double usec_now(void)
{
	return usec_of(CLOCK_MONOTONIC);
}

static inline int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that PERCENT of the N are not above; sorts them. 0 of none. */
static inline double percentile(double *v, size_t n, double percent)
{
	size_t i = (size_t)((double)n * percent / 100);

	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), double_cmp);
	return v[i < n ? i : n - 1];
}

static inline double median(double *v, size_t n)
{
	return percentile(v, n, 50);
}

#endif
