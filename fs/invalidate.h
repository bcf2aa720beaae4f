/*
 * The invalidator makes the kernel forget what became untrue, and only then lets anybody be told of it: in rounds, one at a time, on
 * a thread of its own or on that of somebody who has something to answer. A round takes the domains that changed, has
 * their directories put right (by the herald), compares each row that the kernel was told of with what is true now, and
 * drops what differs from the kernel's cache; then event lines up to those of that time become readable, polls fire, and
 * answers go out. So who was told of a change reads it. A round may wait for a page that is just being filled, so the loop never
 * waits for one, and it holds no lock then.
 */
#ifndef INVALIDATE_H
#define INVALIDATE_H

#include "fs/fuse.h"
#include "fs/herald.h"
#include "fs/view.h"

struct after;

struct invalidator {
	struct views views;        /* its lock covers what is below */
	struct fuse_session *fuse; /* [I] */
	struct herald *herald;     /* [I] after start */
	pthread_t thread;
	struct after *first, **last; /* [lock] who waits for the next round to end */
	unsigned naming;             /* [lock] what the herald has not come to yet */
	bool started;                /* the thread is to be joined */
	bool running, ending;        /* [lock] the thread */
	bool working;                /* [lock] somebody is in a round */
};

/* M's domains as they are now are what the kernel will be shown. */
void invalidator_init(struct invalidator *inv, struct model *m);

/* FUSE is mounted on MOUNTPOINT. 0 or -errno. */
int invalidator_start(struct invalidator *inv, struct fuse_session *fuse, const char *mountpoint, struct err *e);

/*
 * The last round. Until it has ended the loop must go on, as that round may wait for a page that the loop is to fill; from then
 * on invalidator_after() waits for nothing.
 */
void invalidator_end(struct invalidator *inv);
bool invalidator_ended(struct invalidator *inv);

void invalidator_stop(struct invalidator *inv); /* ended, and who still waited was called */
void invalidator_free(struct invalidator *inv); /* stopped, and nobody calls it any more */

/*
 * FN(ARG) as soon as nobody can read what was before now, mostly on this thread, which does the round where nobody is at one: so
 * not on the loop, and no lock is held. NAMES: also as far as directories are concerned, which takes a second at most; never for
 * a request that holds the kernel's lock of a directory.
 */
void invalidator_after(struct invalidator *inv, bool names, void (*fn)(void *arg), void *arg);

#endif
