/*
 * The daemon killed while one of its threads waits inside the kernel for a page of its own mount could not die, and nobody
 * who uses the mount could: the wait ends only with the connection, and that only with the process. A guard process, started
 * by the loop's thread and told of that thread's death by PR_SET_PDEATHSIG, gives the daemon a second to be gone and then
 * breaks the connection with umount2(MNT_FORCE). It never touches the mount otherwise, holds no descriptor of it, and
 * ends with the daemon.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>

#include "err.h"

/* To be called first in main(): true when this process was started as the guard; *status is its exit code. */
bool guard_helper(int argc, char **argv, int *status);

/* On the loop's thread, for the absolute path MOUNTPOINT. 0 or -errno. */
int guard_start(const char *mountpoint, struct err *e);

#endif
