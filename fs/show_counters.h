/*
 * Renderers of figures that grow, on pool threads: they may ask the hypervisor, for a bounded time. Their sizes
 * are those of the longest text there can be, and known without asking.
 */
#ifndef SHOW_COUNTERS_H
#define SHOW_COUNTERS_H

#include "fs/facts.h"
#include "fs/node.h"

extern const struct fact counter_facts[]; /* of struct counters */

/*
 * Zero when D is off; a sample if DEADLINE (clock_msec) has not passed, so that one file asks for a bounded time;
 * else the last.
 */
void counters_until(struct domain *d, uint64_t deadline, struct counters *ret);

/* Of the domain, or of the host. */
int show_counters(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_counters(const struct ref *r);

/* The length of N lines or JSON members of TABLE with the longest values, rounded up. Numbers and times only. */
size_t facts_size(const struct fact *table);

#endif
