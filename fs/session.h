/*
 * The mount: one thread, the loop, takes requests from the kernel and answers them from the model, or hands them
 * to the pool and goes on. All that the operations share is here. The loop runs on the thread that calls
 * session_run(), and ends by SIGTERM or SIGINT (which session_block_signals() must have blocked in every thread)
 * or when somebody unmounts.
 */
#ifndef SESSION_H
#define SESSION_H

#include "fs/flight.h"
#include "fs/fuse.h"
#include "fs/handle.h"
#include "fs/input.h"
#include "fs/invalidate.h"
#include "fs/lane.h"
#include "fs/scratch.h"
#include "fs/stream.h"

struct session {
	struct model *model;       /* [I] */
	mode_t root_mode;          /* [I] 0755, or 01777 where users may define domains */
	struct fuse_session *fuse; /* [I] */
	char *mountpoint;          /* [I] */
	bool mounted;
	struct invalidator invalidator;
	struct handles handles;
	struct flights flights;
	struct streams streams;
	struct scratches scratches;
	struct lanes lanes;   /* the loop's */
	struct inputs inputs; /* the loop's */
};

void session_block_signals(void); /* before the first thread is started */

/* Mounts on MOUNTPOINT, which is made; what a dead daemon left there is removed. 0 or -errno. */
int session_open(struct model *m, const char *mountpoint, mode_t root_mode, struct session **ret, struct err *e);

/* Answers requests until the end: 0, or -errno when the connection broke. READY is called once when it goes. */
int session_run(struct session *s, void (*ready)(void *arg), void *arg, struct err *e);

/* Unmounts; commands under way are interrupted and answered. The pool is drained. */
void session_close(struct session *s);

#endif
