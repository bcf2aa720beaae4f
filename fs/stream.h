/*
 * Readers that block: each open stream has a place of its own in a text, from its open on. A read that finds
 * nothing is kept and answered when something is appended, by a thread that does just that and wakes pollers; so
 * nobody else ever waits for the kernel, and it holds no lock when it answers or notifies. Functions are for the loop; the
 * appending threads only leave a mark.
 */
#ifndef STREAM_H
#define STREAM_H

#include "fs/fuse.h"
#include "hypervisor/model/text.h"

struct stream;

struct streams {
	struct lock lock;
	struct cond work;
	pthread_t thread;
	bool running, ending; /* [lock] */
	struct stream *first; /* [lock] */
	struct buf room;      /* [lock] */
};

int streams_init(struct streams *ss);  /* starts the thread: 0 or -errno */
void streams_stop(struct streams *ss); /* readers that wait get the end of the file; the thread ends */
void streams_free(struct streams *ss); /* after stop; no stream is open */

/* A reader of T, from its end on; RAW: not lines. */
struct stream *stream_open(struct streams *ss, struct text *t, bool raw);
void stream_close(struct stream *s);

/* Answers REQ, now or later. */
void stream_read(struct stream *s, fuse_req_t req, size_t size, bool nonblock);

/* Is there something to be read? PH (may be NULL) is told when there is. */
bool stream_poll(struct stream *s, struct fuse_pollhandle *ph);

#endif
