/*
 * How many requests of each kind came: what a command costs is a figure that has no noise, so tests assert on it. With
 * DOMFS_TALLY=FILE in the environment they are counted in that file, an array of 64-bit numbers indexed by FUSE's opcode;
 * without it counting is one comparison. tally_open() before the loop begins; tally_count() on the loop only. The file stays
 * mapped until the process ends.
 */
#ifndef TALLY_H
#define TALLY_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_KINDS 128 /* the last one counts opcodes that are larger */

extern _Atomic uint64_t *tally_counters; /* NULL: off */

/* A file that cannot be made is said in the log, and nothing is counted. */
void tally_open(void);

/* REQUEST begins with struct fuse_in_header. */
static inline void tally_count(const void *request)
{
	const struct fuse_in_header *in = request;

	if (!tally_counters)
		return;
	atomic_fetch_add_explicit(&tally_counters[in->opcode < TALLY_KINDS ? in->opcode : TALLY_KINDS - 1], 1,
	                          memory_order_relaxed);
}

#endif
