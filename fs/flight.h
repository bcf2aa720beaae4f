/*
 * Writes that wait for their commands. The kernel's INTERRUPT comes for many reasons that are no wish to stop (a
 * child ended, a terminal was resized, a debugger), so the writer's pending signals are looked at, and again every
 * quarter of a second as long as it was interrupted and goes on. Begin and look: the loop; end: any thread. The
 * lock is a leaf but for commands_interrupt().
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include "fs/command.h"
#include "fs/fuse.h"

struct flight;

struct flights {
	struct lock lock;
	struct flight *first; /* [lock] */
};

void flights_init(struct flights *fs);
void flights_free(struct flights *fs); /* none is under way */

/* REQ by thread TID will be answered by flight_end(). */
struct flight *flight_begin(struct flights *fs, fuse_req_t req, pid_t tid);
void flight_started(struct flight *f, struct commands *c); /* after commands_run(); F may have ended meanwhile */

/* From the DONE of its commands: the request, to be answered by the caller. */
fuse_req_t flight_end(struct flight *f);

/* Look at interrupted writers whose time has come. Milliseconds until the next look, -1: none. */
int flights_look(struct flights *fs);
void flights_stop(struct flights *fs); /* interrupt all */

/* Is a fatal signal pending for TID? Also when that cannot be told. */
bool thread_is_dying(pid_t tid);

/* Is it about to be gone, and by a signal? What it closes then, it did not mean to; and it hears of nothing any more. */
enum thread_end { THREAD_LIVES, THREAD_EXITS, THREAD_KILLED };
enum thread_end thread_end(pid_t tid);

#endif
