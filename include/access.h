/*
 * Opening what a user named, with that user's rights and no others: a helper process takes the user's ids, drops
 * every capability, opens, and hands the descriptor back. The caller's thread waits for it, so never on the loop. Any
 * other thread.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "domain.h"
#include "err.h"

/*
 * To be called first in main(): runs the helper and returns true when this process was started as one; *ret is its
 * exit code.
 */
bool access_helper(int argc, char **argv, int *ret);

/*
 * Open the absolute PATH for U: FLAGS is O_RDONLY, O_WRONLY or O_RDWR; regular files and block devices only, no magic
 * links, O_CLOEXEC and O_NONBLOCK set. The descriptor or -errno with a sentence that names path and user. At most
 * until DEADLINE (clock_msec).
 */
int access_open(const struct user *u, const char *path, int flags, uint64_t deadline, struct err *e);

/*
 * A new file for U, 0600, open for reading and writing, in the folder of the absolute PATH but without its name yet: closing
 * it leaves nothing. -EEXIST when there is something of that name. access_name() makes it durable and gives it the name: it is
 * there as a whole or not at all.
 */
int access_create(const struct user *u, const char *path, uint64_t deadline, struct err *e);
int access_name(const struct user *u, const char *path, int fd, uint64_t deadline, struct err *e);

/* The whole text of a file that U may read, at most MAX bytes. 0 or -errno. */
struct buf;
int access_read(const struct user *u, const char *path, size_t max, uint64_t deadline, struct buf *ret, struct err *e);

/*
 * The user UID with the groups that the name service gives it. Groups are in *groups, which the caller frees. Not on
 * the loop.
 */
int access_user(uid_t uid, struct user *ret, gid_t **groups, struct err *e);

/* -EPERM with the reason when TID lives in another mount or user namespace or root than this process, or TID is 0. */
int access_same_world(pid_t tid, struct err *e);

#endif
