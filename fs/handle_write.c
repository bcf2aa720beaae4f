/* What is written to an open file: lines, or a text that is collected. */
#include "fs/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ---- lines ---- */

/* The longest line of these N bytes, not counting newlines. */
static size_t longest_line(const char *p, size_t n)
{
	size_t longest = 0, len;
	const char *newline;

	while (n) {
		newline = memchr(p, '\n', n);
		len = newline ? (size_t)(newline - p) : n;
		longest = len > longest ? len : longest;
		len += newline ? 1 : 0;
		p += len;
		n -= len;
	}
	return longest;
}

int handle_lines(struct handle *h, uint64_t writer, const char *p, size_t n, struct buf *lines)
{
	const char *newline;
	int ret = 0;

	lock_acquire(&h->lock);
	h->writer = writer;
	buf_add(&h->line, p, n);
	if (longest_line(h->line.p, h->line.len) > LINE_MAX_BYTES) {
		buf_reset(&h->line);
		ret = -EINVAL;
		goto out;
	}
	newline = memrchr(h->line.p, '\n', h->line.len);
	if (newline) {
		size_t whole = (size_t)(newline + 1 - h->line.p);

		buf_add(lines, h->line.p, whole);
		buf_drop(&h->line, whole);
	}
out:
	h->unflushed = h->line.len > 0;
	lock_release(&h->lock);
	return ret;
}

/* Every close of every copy of the descriptor gives a FLUSH, also that of a child that wrote nothing: the writer's counts. */
static bool flushed_by(struct handle *h, uint64_t writer) NEEDS(h->lock)
{
	if (!h->unflushed || (h->writer && writer && h->writer != writer))
		return false;
	h->unflushed = false;
	return true;
}

bool handle_last_line(struct handle *h, uint64_t writer, struct buf *lines)
{
	bool some = false;

	lock_acquire(&h->lock);
	if (flushed_by(h, writer) && h->line.len) {
		buf_add(lines, h->line.p, h->line.len);
		buf_putc(lines, '\n');
		buf_reset(&h->line);
		some = true;
	}
	lock_release(&h->lock);
	return some;
}

void handle_answer(struct handle *h, int result, const char *sentence)
{
	lock_acquire(&h->lock);
	buf_reset(&h->answer);
	if (*sentence) {
		buf_puts(&h->answer, sentence);
		buf_putc(&h->answer, '\n');
	}
	h->answered = true;
	h->answer_base = UINT64_MAX;
	if (result)
		buf_reset(&h->line);
	lock_release(&h->lock);
}

/* ---- a text ---- */

/* A writer that does not truncate begins with the present text. */
static int stage_load(struct handle *h)
{
	struct buf now = { 0 };
	struct err e = { 0 };
	bool loaded;
	int ret = 0;

	lock_acquire(&h->lock);
	loaded = h->loaded;
	lock_release(&h->lock);
	if (loaded)
		return 0;
	ret = node_render(&h->ref, &h->opener->user, &now, &e);
	if (ret == 0) {
		lock_acquire(&h->lock);
		h->staged = now;
		h->loaded = true;
		lock_release(&h->lock);
	} else {
		buf_free(&now);
	}
	return ret;
}

int handle_stage(struct handle *h, uint64_t writer, uint64_t offset, const char *p, size_t n)
{
	int ret = stage_load(h);
	size_t over;

	if (ret)
		return ret;
	lock_acquire(&h->lock);
	if (h->flags & O_APPEND)
		offset = h->staged.len;
	if (h->spoiled || offset > h->staged.len || n > STAGED_MAX - offset) {
		h->spoiled = true; /* half of a text is not what its writer wants in force */
		ret = -EINVAL;
		goto out;
	}
	over = h->staged.len - (size_t)offset < n ? h->staged.len - (size_t)offset : n;
	if (over)
		memcpy(h->staged.p + offset, p, over);
	buf_add(&h->staged, p + over, n - over);
	h->writer = writer;
	h->unflushed = true;
out:
	lock_release(&h->lock);
	if (ret == 0 && handle_weigh(h)) {
		lock_acquire(&h->lock);
		buf_free(&h->staged);
		h->spoiled = true;
		lock_release(&h->lock);
		ret = -ENOSPC;
	}
	return ret;
}

int handle_stage_resize(struct handle *h, uint64_t size)
{
	int ret = stage_load(h);

	if (ret)
		return ret;
	lock_acquire(&h->lock);
	if (size > h->staged.len) {
		ret = -EINVAL;
	} else if (size < h->staged.len) {
		h->staged.len = (size_t)size;
		h->staged.p[size] = '\0';
		h->unflushed = true;
		h->writer = 0;
	}
	lock_release(&h->lock);
	return ret;
}

bool handle_staged(struct handle *h, uint64_t writer, struct buf *text)
{
	bool some = false;

	lock_acquire(&h->lock);
	if (flushed_by(h, writer) && h->staged.len && !h->spoiled) {
		buf_add(text, h->staged.p, h->staged.len);
		some = true;
	}
	lock_release(&h->lock);
	return some;
}
