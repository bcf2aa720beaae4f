/*
 * Bytes for a guest's keyboard that the guest did not take at once: the writer waits, and the loop tries again now
 * and then, for a while. The loop only.
 */
#ifndef INPUT_H
#define INPUT_H

#include "fs/fuse.h"
#include "fs/handle.h"

struct input;

struct inputs {
	struct input *first;
};

/* Answers REQ, now or later. */
void input_write(struct inputs *is, struct handle *h, fuse_req_t req, const char *p, size_t n, bool nonblock);

/* Try again what waits. Milliseconds until the next time, -1: nothing waits. */
int inputs_look(struct inputs *is);
void inputs_stop(struct inputs *is);

#endif
