/*
 * A growing text: what is appended stays where it is, so that `tail -f` can follow it, until its beginning is cut. Positions
 * are absolute (bytes since the text began), a file's offsets are counted from `base`, which moves only while no file is
 * open on it, or when the text has grown to many times what it keeps. Streams read by absolute position and learn what they lost.
 * Any thread; the text's own lock is a leaf. Wake functions are called without it, on the appending thread, and must not block.
 */
#ifndef TEXT_H
#define TEXT_H

#include "buf.h"
#include "lock.h"

struct text_watch {
	void (*wake)(struct text_watch *);
	struct text_watch *next; /* [lock] */
	struct text *text;       /* NULL: not watching */
	unsigned waking;         /* [lock] calls of wake under way */
};

/* A stream reader's place. */
struct text_place {
	uint64_t at;   /* absolute position */
	uint64_t line; /* newlines before it */
};

struct text {
	struct lock lock;
	struct buf buf;             /* [lock] bytes from base on */
	uint64_t base;              /* [lock] absolute position of the first byte */
	uint64_t cut;               /* [lock] newlines before base */
	uint64_t lines;             /* [lock] newlines in all */
	size_t keep;                /* [I] cut down to this */
	unsigned files;             /* [lock] open growing files */
	struct text_watch *watches; /* [lock] */
	struct cond woken;
};

#define TEXT_KEEP (256u << 10)

void text_init(struct text *t, size_t keep);
void text_destroy(struct text *t); /* no watch is left */

void text_append(struct text *t, const char *p, size_t n);

/* As a file. open and close count readers; read gives how many bytes were copied. */
void text_open(struct text *t);
void text_close(struct text *t);
size_t text_size(struct text *t);
size_t text_read(struct text *t, uint64_t offset, void *p, size_t n);

/*
 * As a stream: the end, and what follows *PLACE, at most N bytes, whole lines only when LINES. What was cut before it was
 * read is skipped, its newlines are added to *LOST. 0: nothing yet.
 */
void text_end(struct text *t, struct text_place *ret);
size_t text_next(struct text *t, struct text_place *place, void *p, size_t n, bool lines, uint64_t *lost);

/* W->wake is called after each append until text_unwatch returned, which waits for calls under way: never from wake itself. */
void text_watch(struct text *t, struct text_watch *w);
void text_unwatch(struct text_watch *w); /* harmless when not watching */

/* Append the kept part to B. */
void text_copy(struct text *t, struct buf *b);

#endif
