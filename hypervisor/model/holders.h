/*
 * How many domains have a uuid, a MAC, an image in use, an owner, and what memory all were promised: who wants something that
 * nobody has need not look at every domain for it. The counts follow what the domains say of themselves, by domain_touch().
 * The lock is a leaf.
 */
#ifndef HOLDERS_H
#define HOLDERS_H

#include "lock.h"
#include "spec.h"
#include "table.h"

#include <sys/types.h>

#define GUEST_OVERHEAD_MIB 32 /* of a guest, beyond its memory */

enum holding {
	HOLDS_UUID,
	HOLDS_MAC,    /* in its desired configuration, or its guest has it */
	HOLDS_IMAGE,  /* in use by its guest */
	HOLDS_WRITES, /* likewise, not read-only */
	HOLDS_OWNER,
	HOLDING_COUNT
};

struct holders {
	struct lock lock;
	struct table counts[HOLDING_COUNT]; /* [lock] the numbers themselves, no pointers */
	uint64_t promised_mib;              /* [lock] */
};

/* What one domain is counted for. */
struct held {
	struct spec *spec, *live; /* references; spec NULL: nothing is counted */
	struct uuid uuid;
	uid_t owner;
	uint64_t promised_mib; /* 0 off */
};

void holders_init(struct holders *h);
void holders_destroy(struct holders *h);
size_t holders_count(struct holders *h, enum holding what, const void *key, size_t n);
uint64_t holders_promised(struct holders *h);

#endif
