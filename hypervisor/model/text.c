#include "hypervisor/model/text.h"

#include <string.h>

/* Cut at twice what is kept, so that cutting is rare; past this many times it also happens before readers' eyes. */
#define CUT_FACTOR 2
#define CUT_ANYWAY 16

void text_init(struct text *t, size_t keep)
{
	*t = (struct text){ .keep = keep };
	lock_init(&t->lock);
	cond_init(&t->woken);
}

void text_destroy(struct text *t)
{
	buf_free(&t->buf);
	cond_destroy(&t->woken);
	lock_destroy(&t->lock);
}

static uint64_t count_lines(const char *p, size_t n)
{
	uint64_t lines = 0;

	for (const char *end = p + n; p && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

/* Drop whole lines from the beginning until about `keep` bytes are left. */
static void text_cut(struct text *t) NEEDS(t->lock)
{
	size_t drop;
	const char *newline;

	if (t->buf.len <= CUT_FACTOR * t->keep || (t->files && t->buf.len <= CUT_ANYWAY * t->keep))
		return;
	drop = t->buf.len - t->keep;
	newline = memchr(t->buf.p + drop, '\n', t->keep);
	if (newline)
		drop = (size_t)(newline + 1 - t->buf.p);
	t->cut += count_lines(t->buf.p, drop);
	t->base += drop;
	buf_drop(&t->buf, drop);
}

void text_append(struct text *t, const char *p, size_t n)
{
	if (!n)
		return;
	lock_acquire(&t->lock);
	buf_add(&t->buf, p, n);
	t->lines += count_lines(p, n);
	text_cut(t);
	for (struct text_watch *w = t->watches; w; w = w->next) {
		w->waking++; /* keeps it listed while the lock is not held */
		lock_release(&t->lock);
		w->wake(w);
		lock_acquire(&t->lock);
		if (!--w->waking)
			cond_broadcast(&t->woken);
	}
	lock_release(&t->lock);
}

void text_open(struct text *t)
{
	lock_acquire(&t->lock);
	t->files++;
	lock_release(&t->lock);
}

void text_close(struct text *t)
{
	lock_acquire(&t->lock);
	t->files--;
	text_cut(t);
	lock_release(&t->lock);
}

size_t text_size(struct text *t)
{
	size_t n;

	lock_acquire(&t->lock);
	n = t->buf.len;
	lock_release(&t->lock);
	return n;
}

size_t text_read(struct text *t, uint64_t offset, void *p, size_t n)
{
	lock_acquire(&t->lock);
	if (offset >= t->buf.len)
		n = 0;
	else if (n > t->buf.len - offset)
		n = t->buf.len - (size_t)offset;
	if (n)
		memcpy(p, t->buf.p + offset, n);
	lock_release(&t->lock);
	return n;
}

void text_end(struct text *t, struct text_place *ret)
{
	lock_acquire(&t->lock);
	*ret = (struct text_place){ .at = t->base + t->buf.len, .line = t->lines };
	lock_release(&t->lock);
}

/* How many of the N bytes at P make whole lines; a line longer than all that is asked for comes in pieces. */
static size_t whole_lines(const char *p, size_t n, bool more)
{
	const char *newline = memrchr(p, '\n', n);

	if (newline)
		return (size_t)(newline + 1 - p);
	return more ? n : 0;
}

size_t text_next(struct text *t, struct text_place *place, void *p, size_t n, bool lines, uint64_t *lost)
{
	const char *from;
	size_t have;

	lock_acquire(&t->lock);
	if (place->at < t->base) {
		*lost += t->cut - place->line;
		*place = (struct text_place){ .at = t->base, .line = t->cut };
	}
	have = (size_t)(t->base + t->buf.len - place->at);
	from = have ? t->buf.p + (place->at - t->base) : NULL;
	if (n > have)
		n = have;
	if (lines && n)
		n = whole_lines(from, n, n < have);
	if (n)
		memcpy(p, from, n);
	place->at += n;
	place->line += count_lines(p, n);
	lock_release(&t->lock);
	return n;
}

void text_watch(struct text *t, struct text_watch *w)
{
	lock_acquire(&t->lock);
	w->text = t;
	w->waking = 0;
	w->next = t->watches;
	t->watches = w;
	lock_release(&t->lock);
}

void text_unwatch(struct text_watch *w)
{
	struct text *t = w->text;

	if (!t)
		return;
	lock_acquire(&t->lock);
	while (w->waking)
		cond_wait(&t->woken, &t->lock, 0);
	for (struct text_watch **p = &t->watches; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	w->text = NULL;
	lock_release(&t->lock);
}

void text_copy(struct text *t, struct buf *b)
{
	lock_acquire(&t->lock);
	buf_add(b, t->buf.p, t->buf.len);
	lock_release(&t->lock);
}
