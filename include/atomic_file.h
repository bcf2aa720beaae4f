/*
 * Files of the daemon itself, in folders that it holds open: replaced whole and durably, read whole and bounded. They
 * may wait for the disk: never on the loop. Any other thread.
 */
#ifndef ATOMIC_FILE_H
#define ATOMIC_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/*
 * Make NAME in the folder DIRFD (not O_PATH) hold these N bytes, with MODE whatever the umask. After 0 it does so
 * after a power cut too; after -errno NAME is as it was and nothing else is left, except when the last step failed:
 * syncing the folder.
 */
int file_replace(int dirfd, const char *name, const void *p, size_t n, mode_t mode, struct err *e);

/* Remove what file_replace() left in a folder when its process was killed. Only while nobody replaces files there. */
void file_sweep(int dirfd);

/*
 * Append the regular file NAME (no symlink) of the folder DIRFD, at most MAX bytes, to *ret, which is untouched on
 * failure.
 */
int file_slurp(int dirfd, const char *name, size_t max, struct buf *ret, struct err *e);

/* Tell each name in the folder DIRFD that is a number, in their order; who is told may remove it. -errno: none was. */
int dir_numbers(int dirfd, void (*tell)(void *arg, const char *name), void *arg, struct err *e);

/*
 * Make the folder PATH with MODE whatever the umask, and those above it with 0755, unless they are there (their modes
 * stay). It opened (O_DIRECTORY, close-on-exec), or -errno.
 */
int dir_make(const char *path, mode_t mode, struct err *e);

#endif
