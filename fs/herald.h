/*
 * inotify sees only what goes through the kernel's own calls, and no thread of the process that holds /dev/fuse may make one
 * on its own mount: killed there, it could not die. So a helper process without that descriptor makes the directories
 * of domains that others made, removes and renames them, and touches files whose text has changed; a thread of the daemon,
 * the herald, tells it what to do, in order, and never waits for it longer than a second. Functions: any thread; they
 * do not block.
 */
#ifndef HERALD_H
#define HERALD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct herald;

enum herald_op {
	HERALD_MKDIR,  /* name */
	HERALD_RMDIR,  /* name */
	HERALD_UNLINK, /* name: a path below the mount, "web1/state" */
	HERALD_RENAME, /* name to `to` */
};

/* To be called first in main(): true when this process was started as the helper; *status is its exit code. */
bool herald_helper(int argc, char **argv, int *status);

/* MOUNTPOINT is mounted, and its loop runs or is about to: the helper opens it. 0 or -errno. */
int herald_start(const char *mountpoint, struct herald **ret, struct err *e);

/* What is queued is dropped, its DONE called; the helper ends. Accepts NULL. */
void herald_stop(struct herald *h);

/* Is TID the helper? */
bool herald_is(const struct herald *h, pid_t tid);

/*
 * Queue an operation on a name below the mount; DONE (may be NULL) is called once on the herald's thread, with 0 or -errno
 * of the call, -ETIMEDOUT after a second (the helper hangs in the kernel: until it answers, all further operations
 * fail so at once), -ECANCELED by herald_stop().
 */
void herald_do(struct herald *h, enum herald_op op, const char *name, const char *to,
               void (*done)(void *arg, int result), void *arg);

/* DONE(arg, 0) on the herald's thread after all that was queued by herald_do() before. */
void herald_after(struct herald *h, void (*done)(void *arg, int result), void *arg);

/*
 * Let PATH's (below the mount) watchers see MODIFY: its mtime is set to now, soon, after everything queued by herald_do().
 * A set: KEY (any number that says which file) that is waiting already is not queued again.
 */
void herald_touch(struct herald *h, uint64_t key, const char *path);

/*
 * The helper asks for a time of KEY's to be set, and the loop is about to look what its attributes are: what the kernel is told of
 * them counts as soon as the helper goes on, however late that is.
 */
void herald_telling(struct herald *h, uint64_t key);

/*
 * Until what was told of KEY has come to count, a second at most: a reader of what comes next would believe it. It does not wait for
 * a touch that is still to ask. Blocks; never on the loop.
 */
void herald_settle(struct herald *h, uint64_t key);

#endif
