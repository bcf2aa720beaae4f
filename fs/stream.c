#include "fs/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_ROOM 65536 /* taken from the text at a time */

struct pending { /* a read that waits, and what it is answered then; or who polls */
	struct pending *next;
	fuse_req_t req;
	size_t size;
	bool interrupted;
	struct buf text;
	struct fuse_pollhandle *ph;
};

struct stream {
	struct text_watch watch;
	struct streams *of;
	struct stream *next;
	struct text *text; /* [I] outlives the stream: its handle holds the domain */
	bool raw;          /* [I] */
	struct text_place place;
	struct buf out;        /* taken from the text, not read yet */
	struct pending *reads; /* oldest first */
	struct fuse_pollhandle *ph;
	bool woken; /* the thread shall look at it */
};

/* On the thread that appends. */
static void stream_wake(struct text_watch *w)
{
	struct stream *s = (struct stream *)((char *)w - offsetof(struct stream, watch));

	lock_acquire(&s->of->lock);
	if (!s->woken && (s->reads || s->ph)) {
		s->woken = true;
		cond_broadcast(&s->of->work);
	}
	lock_release(&s->of->lock);
}

/* True when there are bytes in `out`. */
static bool stream_fill(struct streams *ss, struct stream *s) NEEDS(ss->lock)
{
	uint64_t lost = 0;
	size_t n;

	if (s->out.len)
		return true;
	n = text_next(s->text, &s->place, ss->room.p, STREAM_ROOM, !s->raw, &lost);
	if (lost)
		buf_printf(&s->out, "lost %" PRIu64 "\n", lost);
	buf_add(&s->out, ss->room.p, n);
	return s->out.len;
}

/* What one read of SIZE bytes gets: one line, so that a reader who wants one does not take away the next. */
static size_t stream_share(const struct stream *s, size_t size)
{
	size_t most = size < s->out.len ? size : s->out.len;
	const char *newline = s->raw || !most ? NULL : memchr(s->out.p, '\n', most);

	return newline ? (size_t)(newline + 1 - s->out.p) : most;
}

static void stream_take(struct stream *s, size_t size, struct buf *text)
{
	size_t n = stream_share(s, size);

	buf_add(text, s->out.p, n);
	buf_drop(&s->out, n);
}

static struct pending **find_interrupted(struct stream *s)
{
	struct pending **p = &s->reads;

	while (*p && !(*p)->interrupted)
		p = &(*p)->next;
	return p;
}

/* From the stream to the end of a list of answers, which is at LAST; its new end. */
static struct pending **stream_serve(struct streams *ss, struct stream *s, struct pending **last) NEEDS(ss->lock)
{
	struct pending **at, *p;

	while ((p = *(at = find_interrupted(s)))) {
		*at = p->next;
		*last = p;
		last = &p->next;
	}
	while ((p = s->reads) && (stream_fill(ss, s) || ss->ending)) {
		s->reads = p->next;
		stream_take(s, p->size, &p->text);
		*last = p;
		last = &p->next;
	}
	if (s->ph && stream_fill(ss, s)) {
		p = x_alloc(sizeof(*p));
		p->ph = s->ph;
		s->ph = NULL;
		*last = p;
		last = &p->next;
	}
	*last = NULL;
	return last;
}

/* All that can be answered. */
static struct pending *streams_take(struct streams *ss) NEEDS(ss->lock)
{
	struct pending *list = NULL, **last = &list;

	for (struct stream *s = ss->first; s; s = s->next) {
		if (!s->woken && !ss->ending)
			continue;
		s->woken = false;
		last = stream_serve(ss, s, last);
	}
	return list;
}

/* Without the lock: the loop and those who append need it, and there may be many. A stream that was answered may be closed by now. */
static void pending_answer(struct pending *list)
{
	struct pending *p;

	while ((p = list)) {
		list = p->next;
		if (p->ph) {
			fuse_lowlevel_notify_poll(p->ph);
			fuse_pollhandle_destroy(p->ph);
		} else if (p->interrupted) {
			fuse_reply_err(p->req, EINTR);
		} else {
			fuse_reply_buf(p->req, p->text.p, p->text.len);
		}
		buf_free(&p->text);
		free(p);
	}
}

static void *streams_thread(void *arg)
{
	struct streams *ss = arg;
	struct pending *list;

	lock_acquire(&ss->lock);
	while ((list = streams_take(ss)) || !ss->ending) {
		if (!list) {
			cond_wait(&ss->work, &ss->lock, 0);
			continue;
		}
		lock_release(&ss->lock);
		pending_answer(list);
		lock_acquire(&ss->lock);
	}
	lock_release(&ss->lock);
	return NULL;
}

int streams_init(struct streams *ss)
{
	int ret;

	*ss = (struct streams){ 0 };
	lock_init(&ss->lock);
	cond_init(&ss->work);
	ss->room.p = x_alloc(STREAM_ROOM);
	ret = pthread_create(&ss->thread, NULL, streams_thread, ss);
	ss->running = ret == 0;
	return -ret;
}

void streams_stop(struct streams *ss)
{
	bool running;

	lock_acquire(&ss->lock);
	running = ss->running;
	ss->running = false;
	ss->ending = true;
	cond_broadcast(&ss->work);
	lock_release(&ss->lock);
	if (running)
		pthread_join(ss->thread, NULL);
}

void streams_free(struct streams *ss)
{
	buf_free(&ss->room);
	cond_destroy(&ss->work);
	lock_destroy(&ss->lock);
}

struct stream *stream_open(struct streams *ss, struct text *t, bool raw)
{
	struct stream *s = x_alloc(sizeof(*s));

	*s = (struct stream){ .watch.wake = stream_wake, .of = ss, .text = t, .raw = raw };
	text_end(t, &s->place);
	lock_acquire(&ss->lock);
	s->next = ss->first;
	ss->first = s;
	lock_release(&ss->lock);
	text_watch(t, &s->watch);
	return s;
}

void stream_close(struct stream *s)
{
	struct streams *ss = s->of;

	lock_acquire(&ss->lock);
	for (struct stream **at = &ss->first; *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			break;
		}
	}
	for (struct pending *p = s->reads; p; p = p->next)
		p->interrupted = true;
	lock_release(&ss->lock);
	pending_answer(s->reads);
	text_unwatch(&s->watch);
	if (s->ph)
		fuse_pollhandle_destroy(s->ph);
	buf_free(&s->out);
	free(s);
}

/* Called on the loop. The read is looked for: it may have been answered while libfuse was on its way here. */
static void read_interrupted(fuse_req_t req, void *arg)
{
	struct streams *ss = arg;

	lock_acquire(&ss->lock);
	for (struct stream *s = ss->first; s; s = s->next) {
		for (struct pending *p = s->reads; p; p = p->next) {
			if (p->req != req)
				continue;
			p->interrupted = true;
			s->woken = true;
			cond_broadcast(&ss->work);
		}
	}
	lock_release(&ss->lock);
}

static void stream_enqueue(struct streams *ss, struct stream *s, fuse_req_t req, size_t size) NEEDS(ss->lock)
{
	struct pending *p = x_alloc(sizeof(*p)), **at = &s->reads;

	*p = (struct pending){ .req = req, .size = size };
	while (*at)
		at = &(*at)->next;
	*at = p;
	s->woken = true; /* something may have come since it was looked at */
	cond_broadcast(&ss->work);
}

void stream_read(struct stream *s, fuse_req_t req, size_t size, bool nonblock)
{
	struct streams *ss = s->of;
	struct buf text = { 0 };
	bool now;

	lock_acquire(&ss->lock);
	now = !s->reads && (stream_fill(ss, s) || ss->ending);
	if (now)
		stream_take(s, size, &text);
	lock_release(&ss->lock);
	if (now) {
		fuse_reply_buf(req, text.p, text.len);
		buf_free(&text);
		return;
	}
	if (nonblock) {
		fuse_reply_err(req, EAGAIN);
		return;
	}
	fuse_req_interrupt_func(req, read_interrupted, ss);
	if (fuse_req_interrupted(req)) {
		fuse_reply_err(req, EINTR);
		return;
	}
	lock_acquire(&ss->lock);
	stream_enqueue(ss, s, req, size);
	lock_release(&ss->lock);
}

bool stream_poll(struct stream *s, struct fuse_pollhandle *ph)
{
	struct streams *ss = s->of;
	struct fuse_pollhandle *old = NULL;
	bool ready;

	lock_acquire(&ss->lock);
	if (ph) {
		old = s->ph;
		s->ph = ph;
	}
	ready = stream_fill(ss, s);
	lock_release(&ss->lock);
	if (old)
		fuse_pollhandle_destroy(old);
	return ready;
}
