/* The state folder as its two rooms see it. Fields are [I] but for what lock covers. */
#ifndef STORE_H
#define STORE_H

#include "hypervisor/model/internal.h"

struct store {
	struct lock lock; /* a leaf; the disk is waited for under it: numbers must be durable before they are used */
	char *path;
	int dirfd, lockfd, domainsfd;
	char boot[40];
	char autostarted[40];          /* [lock] the boot of the last autostart */
	uint64_t next_id, next_serial; /* [lock] */
	uint64_t serial_limit;         /* [lock] durable: numbers below may have been used */
	uint64_t seq;                  /* the last event of the daemon before */
	atomic_ullong seq_limit;       /* [lock] to change; durable likewise */
	atomic_bool seq_extending;
};

/* Remove domains/NAME with all that is in it. */
void store_purge(struct store *s, const char *name);

#endif
