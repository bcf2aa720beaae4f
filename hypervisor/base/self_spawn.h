/*
 * Starts this program again in the part of a helper: main() tells it by its arguments. Any thread.
 */
#ifndef BASE_SELF_SPAWN_H
#define BASE_SELF_SPAWN_H

#include <signal.h>
#include <sys/types.h>

#define SELF_FD 3 /* where the child has its descriptor */

/*
 * The child has ARGV, FD (any of ours) as SELF_FD and /dev/null as its standard streams, no environment, a session of its own, no
 * signal ignored, and BLOCKED (NULL: none) blocked. What else it inherited it closes itself. 0 or -errno; *pid is its.
 */
int self_spawn(pid_t *pid, char *const argv[], int fd, const sigset_t *blocked);

#endif
