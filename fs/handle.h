/*
 * Open files. The kernel knows one by its fh: an index into the table and how often that entry was used, never a
 * pointer. A handle lives while it is referenced: by the table from open to release, by a request on a pool thread
 * while that lasts. What reads and writes leave in it is behind its own lock, a leaf; the table has another. Any
 * thread.
 */
#ifndef HANDLE_H
#define HANDLE_H

#include <stdatomic.h>

#include "fs/node.h"

struct stream;
struct views;
struct watcher;

#define HANDLES_MAX 65536
#define HANDLES_USER 4096          /* of one user other than root */
#define HANDLES_BYTES (256u << 20) /* of what one's open files keep, of one user other than root */
#define LINE_MAX_BYTES 65536
#define STAGED_MAX (1u << 20)

struct handle {
	atomic_uint refs;
	uint64_t fh;             /* [I] */
	struct handles *of;      /* [I] */
	struct ref ref;          /* [I] node NULL: a scratch file */
	struct caller *opener;   /* [I] what is written is done with the rights of who opened, as everywhere in Unix */
	int flags;               /* [I] as opened */
	bool writes;             /* [I] holds its lane */
	unsigned scratch;        /* [I] number of the scratch file */
	struct text *text;       /* [I] GROWING: counted as open */
	struct stream *stream;   /* [I] STREAM; owned */
	bool kept;               /* [I] the kernel keeps what it reads */
	struct views *views;     /* [I] FACT, SETTING: can be polled */
	struct watcher *watcher; /* the loop's: since it was polled */
	uint32_t seen;           /* [I] changes of the text before it was opened */

	struct lock lock;
	struct buf page; /* [lock] what reading gives, of one instant */
	bool rendered;   /* [lock] */

	struct buf line;      /* [lock] what was written after the last newline */
	bool unflushed;       /* [lock] data of its writer waits for his flush */
	bool spoiled;         /* [lock] STAGED: a write was refused, so nothing of it is taken */
	uint64_t writer;      /* [lock] the kernel's lock owner (the file table) of who wrote last; 0: unknown */
	bool answered;        /* [lock] a command has ended: reading gives its answer from now on */
	struct buf answer;    /* [lock] */
	uint64_t answer_base; /* [lock] file offset of the answer's first byte; UINT64_MAX: where it is read next */

	struct buf staged; /* [lock] STAGED: the text to be */
	bool loaded;       /* [lock] staged is what the writer sees, no longer the present text */

	size_t weight; /* [of->lock] what of its pages and texts is counted */
};

struct handles {
	struct lock lock;
	struct handle_slot *slots; /* [lock] */
	size_t count, used, hint;  /* [lock] hint: where a free one may be */
	struct table users;        /* [lock] uid -> how many */
	struct table bytes;        /* [lock] uid -> what they keep */
};

void handles_init(struct handles *hs);
void handles_free(struct handles *hs); /* closes those still open */

/* R's and CALLER's references pass to the handle also on failure: -ENFILE, -EMFILE. *ret is borrowed from the table. */
int handle_open(struct handles *hs, struct ref *r, struct caller *opener, int flags, struct handle **ret);
struct handle *handle_get(struct handles *hs, uint64_t fh); /* a reference, or NULL */
void handle_close(struct handles *hs, uint64_t fh);

/* What H keeps now counts for who opened it: 0, or -ENOMEM when that is too much; the caller lets it go then. No lock held. */
int handle_weigh(struct handle *h);

struct handle *handle_ref(struct handle *h);
void handle_put(struct handle *h);

/* ---- what is read ---- */

/*
 * Append at most N bytes from OFFSET to B: the answer of what was written, else the row's text; from 0 on it is
 * rendered anew.
 */
int handle_read(struct handle *h, uint64_t offset, size_t n, struct buf *b, struct err *e);
int handle_render(struct handle *h, struct err *e); /* LIVE: at open, not on the loop */

/* ---- what is written: lines ---- */

/*
 * Take N bytes; *lines gets the whole lines that are there now, the rest is kept. -EINVAL when a line is too long:
 * nothing is kept.
 */
int handle_lines(struct handle *h, uint64_t writer, const char *p, size_t n, struct buf *lines);

/* WRITER closes: *lines gets the last line with a newline, if there is one. True when there is something to be done. */
bool handle_last_line(struct handle *h, uint64_t writer, struct buf *lines);

/* A command has ended; after a failure the rest of what was written with it is dropped. */
void handle_answer(struct handle *h, int result, const char *sentence);

/* ---- what is written: a text ---- */

/* 0, -EINVAL: beyond the end, too long; -ENOSPC: too much in all the files of its user. */
int handle_stage(struct handle *h, uint64_t writer, uint64_t offset, const char *p, size_t n);
int handle_stage_resize(struct handle *h, uint64_t size);
bool handle_staged(struct handle *h, uint64_t writer, struct buf *text); /* WRITER closes: the text to be installed */

#endif
