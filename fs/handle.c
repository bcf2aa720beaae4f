/* Open files, and what is read from them. */
#include "fs/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs/stream.h"
#include "fs/view.h"

struct handle_slot {
	struct handle *handle;
	uint32_t uses;
};

void handles_init(struct handles *hs)
{
	*hs = (struct handles){ 0 };
	lock_init(&hs->lock);
}

void handles_free(struct handles *hs)
{
	for (size_t i = 0; i < hs->count; i++) {
		if (hs->slots[i].handle)
			handle_close(hs, hs->slots[i].handle->fh);
	}
	free(hs->slots);
	table_free(&hs->users);
	table_free(&hs->bytes);
	lock_destroy(&hs->lock);
}

/* In one of the tables by user. */
static size_t user_count(const struct table *t, uid_t uid)
{
	return (size_t)(uintptr_t)table_get_n(t, &uid, sizeof(uid));
}

static void user_set(struct table *t, uid_t uid, size_t n)
{
	if (n)
		table_put_n(t, &uid, sizeof(uid), (void *)(uintptr_t)n);
	else
		table_del_n(t, &uid, sizeof(uid));
}

/* Any free one: its use count makes the fh new. */
static struct handle_slot *slot_take(struct handles *hs) NEEDS(hs->lock)
{
	size_t i;

	for (size_t tries = 0; tries < hs->count && hs->used < hs->count; tries++) {
		i = hs->hint++ % hs->count;
		if (!hs->slots[i].handle)
			return &hs->slots[i];
	}
	i = hs->hint = hs->count;
	hs->count = i ? i * 2 : 64;
	hs->slots = x_grow(hs->slots, hs->count, sizeof(*hs->slots));
	memset(hs->slots + i, 0, (hs->count - i) * sizeof(*hs->slots));
	return &hs->slots[i];
}

static struct handle *handle_new(struct handles *hs, struct ref *r, struct caller *opener, int flags)
{
	struct handle *h = x_alloc(sizeof(*h));

	lock_init(&h->lock);
	h->refs = 1;
	h->of = hs;
	h->ref = *r;
	h->opener = opener;
	h->flags = flags;
	h->loaded = flags & O_TRUNC;
	return h;
}

int handle_open(struct handles *hs, struct ref *r, struct caller *opener, int flags, struct handle **ret)
{
	struct handle *h = handle_new(hs, r, opener, flags);
	uid_t uid = opener->user.uid;
	struct handle_slot *slot;
	int result = 0;

	lock_acquire(&hs->lock);
	if (hs->used >= (uid ? HANDLES_MAX - HANDLES_USER : HANDLES_MAX)) /* root has some to himself */
		result = -ENFILE;
	else if (uid != 0 && user_count(&hs->users, uid) >= HANDLES_USER)
		result = -EMFILE;
	if (result == 0) {
		slot = slot_take(hs);
		slot->handle = h;
		slot->uses++;
		h->fh = (uint64_t)slot->uses << 32 | (uint64_t)(slot - hs->slots);
		hs->used++;
		user_set(&hs->users, uid, user_count(&hs->users, uid) + 1);
		*ret = h;
	}
	lock_release(&hs->lock);
	if (result)
		handle_put(h);
	return result;
}

static struct handle_slot *slot_find(struct handles *hs, uint64_t fh) NEEDS(hs->lock)
{
	size_t i = fh & UINT32_MAX;

	if (i >= hs->count || !hs->slots[i].handle || hs->slots[i].uses != fh >> 32)
		return NULL;
	return &hs->slots[i];
}

struct handle *handle_get(struct handles *hs, uint64_t fh)
{
	struct handle_slot *slot;
	struct handle *h = NULL;

	lock_acquire(&hs->lock);
	slot = slot_find(hs, fh);
	if (slot)
		h = handle_ref(slot->handle);
	lock_release(&hs->lock);
	return h;
}

void handle_close(struct handles *hs, uint64_t fh)
{
	struct handle_slot *slot;
	struct handle *h = NULL;

	lock_acquire(&hs->lock);
	slot = slot_find(hs, fh);
	if (slot) {
		h = slot->handle;
		slot->handle = NULL;
		hs->used--;
		user_set(&hs->users, h->opener->user.uid, user_count(&hs->users, h->opener->user.uid) - 1);
	}
	lock_release(&hs->lock);
	handle_put(h);
}

struct handle *handle_ref(struct handle *h)
{
	h->refs++;
	return h;
}

static bool weigh(struct handle *h, size_t now)
{
	struct handles *hs = h->of;
	uid_t uid = h->opener->user.uid;
	size_t all;
	bool ok;

	lock_acquire(&hs->lock);
	all = user_count(&hs->bytes, uid) - h->weight + now;
	ok = !uid || now <= h->weight || all <= HANDLES_BYTES;
	if (ok) {
		user_set(&hs->bytes, uid, all);
		h->weight = now;
	}
	lock_release(&hs->lock);
	return ok;
}

int handle_weigh(struct handle *h)
{
	size_t now;

	lock_acquire(&h->lock);
	now = h->page.len + h->staged.len;
	lock_release(&h->lock);
	return weigh(h, now) ? 0 : -ENOMEM;
}

void handle_put(struct handle *h)
{
	if (!h || --h->refs)
		return;
	weigh(h, 0);
	if (h->stream)
		stream_close(h->stream);
	if (h->text)
		text_close(h->text);
	if (h->watcher)
		view_unwatch(h->views, h->watcher);
	caller_unref(h->opener);
	ref_put(&h->ref);
	buf_free(&h->page);
	buf_free(&h->line);
	buf_free(&h->answer);
	buf_free(&h->staged);
	lock_destroy(&h->lock);
	free(h);
}

/* ---- reading ---- */

int handle_render(struct handle *h, struct err *e)
{
	struct buf page = { 0 };
	int ret = node_render(&h->ref, &h->opener->user, &page, e);

	if (ret == 0) {
		lock_acquire(&h->lock);
		buf_free(&h->page);
		h->page = page;
		h->rendered = true;
		lock_release(&h->lock);
	} else {
		buf_free(&page);
	}
	if (ret == 0 && handle_weigh(h)) {
		lock_acquire(&h->lock);
		buf_free(&h->page);
		h->rendered = false;
		lock_release(&h->lock);
		ret = fail(e, ENOMEM, "your open files keep %u MiB: close some of them", HANDLES_BYTES >> 20);
	}
	return ret;
}

static void copy_part(const struct buf *from, uint64_t offset, size_t n, struct buf *to)
{
	if (offset >= from->len)
		return;
	buf_add(to, from->p + offset, n < from->len - offset ? n : from->len - (size_t)offset);
}

/* Where somebody has written, his words or their answer are read; true when that was it. */
static bool read_written(struct handle *h, uint64_t offset, size_t n, struct buf *b)
{
	bool done = true;

	lock_acquire(&h->lock);
	if (h->answered) {
		/* The kernel reads on where the write ended. A position before the answer means that the reader has sought. */
		if (offset < h->answer_base)
			h->answer_base = offset;
		copy_part(&h->answer, offset - h->answer_base, n, b);
	} else if (h->ref.node->kind == KIND_STAGED && h->writes && h->loaded) {
		copy_part(&h->staged, offset, n, b);
	} else {
		done = false;
	}
	lock_release(&h->lock);
	return done;
}

int handle_read(struct handle *h, uint64_t offset, size_t n, struct buf *b, struct err *e)
{
	bool stale;
	int ret;

	if (read_written(h, offset, n, b))
		return 0;
	lock_acquire(&h->lock);
	stale = !h->rendered || (offset == 0 && h->ref.node->kind != KIND_LIVE);
	lock_release(&h->lock);
	if (stale) {
		ret = handle_render(h, e);
		if (ret)
			return ret;
	}
	lock_acquire(&h->lock);
	copy_part(&h->page, offset, n, b);
	lock_release(&h->lock);
	return 0;
}
