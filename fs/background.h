/*
 * Going into the background before any thread is there: the parent waits and ends when the mount answers, or with
 * the error. Also telling systemd. The process that holds /dev/fuse never touches its own mount; the parent, which
 * does not, does it for it.
 */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include <stdbool.h>

struct background {
	int pipe; /* to the parent; -1: there is none */
};

/*
 * The child comes back with true. The parent comes back with false when the child is ready or has failed: *status
 * is its exit code.
 */
bool background_begin(struct background *b, int *status);

/* Serving on MOUNTPOINT begins: the parent may look at it, standard streams are let go of. */
void background_ready(struct background *b, const char *mountpoint);

/* It is over before that: the sentence was printed. */
void background_failed(struct background *b);

#endif
