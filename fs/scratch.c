#include "fs/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A number is a slot and how often the slot was used: 26 bits, as an inode has room for. */
#define SLOT_BITS 10
#define USE_MASK 0xffffu

struct scratch {
	bool used;
	unsigned uses;
	uint64_t serial;
	uid_t uid;
	gid_t gid;
	char *name; /* NULL: unlinked */
	struct buf text;
	unsigned opens;
	uint64_t closed; /* clock_msec() of the last close */
	struct timespec mtime;
};

void scratches_init(struct scratches *s)
{
	lock_init(&s->lock);
	s->slots = x_array(SCRATCH_FILES, sizeof(*s->slots));
}

static void slot_clear(struct scratch *f)
{
	free(f->name);
	buf_free(&f->text);
	*f = (struct scratch){ .uses = (f->uses + 1) & USE_MASK };
}

void scratches_free(struct scratches *s)
{
	for (size_t i = 0; s->slots && i < SCRATCH_FILES; i++)
		slot_clear(&s->slots[i]);
	free(s->slots);
	s->slots = NULL;
	lock_destroy(&s->lock);
}

static unsigned slot_id(const struct scratches *s, const struct scratch *f)
{
	return f->uses << SLOT_BITS | (unsigned)(f - s->slots);
}

static struct scratch *slot_get(struct scratches *s, unsigned id) NEEDS(s->lock)
{
	struct scratch *f = &s->slots[id & ((1u << SLOT_BITS) - 1)];

	return f->used && f->uses == id >> SLOT_BITS ? f : NULL;
}

static void slots_sweep(struct scratches *s) NEEDS(s->lock)
{
	uint64_t now = clock_msec();

	for (size_t i = 0; i < SCRATCH_FILES; i++) {
		if (s->slots[i].used && s->slots[i].opens == 0 && now - s->slots[i].closed >= SCRATCH_MSEC)
			slot_clear(&s->slots[i]);
	}
}

static struct scratch *slot_named(struct scratches *s, uint64_t serial, uid_t uid, const char *name) NEEDS(s->lock)
{
	for (size_t i = 0; i < SCRATCH_FILES; i++) {
		struct scratch *f = &s->slots[i];

		if (f->used && f->serial == serial && f->uid == uid && f->name && strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

/* A free slot within the user's share. */
static struct scratch *slot_free(struct scratches *s, uid_t uid) NEEDS(s->lock)
{
	struct scratch *vacant = NULL;
	unsigned count = 0;

	for (size_t i = 0; i < SCRATCH_FILES; i++) {
		if (!s->slots[i].used)
			vacant = vacant ? vacant : &s->slots[i];
		else if (s->slots[i].uid == uid)
			count++;
	}
	return count < SCRATCH_USER ? vacant : NULL;
}

int scratch_create(struct scratches *s, uint64_t serial, uid_t uid, gid_t gid, const char *name, unsigned *id)
{
	struct scratch *f;
	int ret = 0;

	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	lock_acquire(&s->lock);
	slots_sweep(s);
	if (slot_named(s, serial, uid, name)) {
		ret = -EEXIST;
		goto out;
	}
	f = slot_free(s, uid);
	if (!f) {
		ret = -ENOSPC;
		goto out;
	}
	*f = (struct scratch){ .used = true, .uses = f->uses, .serial = serial, .uid = uid, .gid = gid, .opens = 1 };
	f->name = x_strdup(name);
	f->mtime = time_now();
	*id = slot_id(s, f);
out:
	lock_release(&s->lock);
	return ret;
}

bool scratch_find(struct scratches *s, uint64_t serial, uid_t uid, const char *name, unsigned *id)
{
	struct scratch *f;

	lock_acquire(&s->lock);
	slots_sweep(s);
	f = slot_named(s, serial, uid, name);
	if (f)
		*id = slot_id(s, f);
	lock_release(&s->lock);
	return f;
}

int scratch_attr(struct scratches *s, unsigned id, struct node_attr *ret)
{
	struct scratch *f;
	int r = -ESTALE;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (f) {
		/* Always private, whatever chmod said: vim then copies instead of renaming what it edits. */
		*ret = (struct node_attr){ .mode = S_IFREG | 0600,
			                   .uid = f->uid,
			                   .gid = f->gid,
			                   .size = f->text.len,
			                   .mtime = f->mtime,
			                   .links = f->name ? 1 : 0 };
		r = 0;
	}
	lock_release(&s->lock);
	return r;
}

int scratch_open(struct scratches *s, unsigned id)
{
	struct scratch *f;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (f)
		f->opens++;
	lock_release(&s->lock);
	return f ? 0 : -ESTALE;
}

void scratch_close(struct scratches *s, unsigned id)
{
	struct scratch *f;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (f && --f->opens == 0) {
		f->closed = clock_msec();
		if (!f->name)
			slot_clear(f);
	}
	lock_release(&s->lock);
}

int scratch_read(struct scratches *s, unsigned id, uint64_t offset, size_t n, struct buf *b)
{
	struct scratch *f;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (f && offset < f->text.len)
		buf_add(b, f->text.p + offset, n < f->text.len - offset ? n : f->text.len - (size_t)offset);
	lock_release(&s->lock);
	return f ? 0 : -ESTALE;
}

/* What lies between the end and SIZE is zeros, as in any file. */
static void text_resize(struct buf *b, size_t size)
{
	static const char zeros[4096];

	while (b->len < size)
		buf_add(b, zeros, size - b->len < sizeof(zeros) ? size - b->len : sizeof(zeros));
	if (b->p)
		b->p[size] = '\0';
	b->len = size;
}

int scratch_write(struct scratches *s, unsigned id, uint64_t offset, bool append, const char *p, size_t n)
{
	struct scratch *f;
	int ret = 0;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (!f) {
		ret = -ESTALE;
		goto out;
	}
	if (append)
		offset = f->text.len;
	if (offset > SCRATCH_BYTES || n > SCRATCH_BYTES - offset) {
		ret = -ENOSPC;
		goto out;
	}
	if (f->text.len < offset + n)
		text_resize(&f->text, (size_t)offset + n);
	if (n)
		memcpy(f->text.p + offset, p, n);
	f->mtime = time_now();
out:
	lock_release(&s->lock);
	return ret;
}

int scratch_resize(struct scratches *s, unsigned id, uint64_t size)
{
	struct scratch *f;
	int ret = 0;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (!f)
		ret = -ESTALE;
	else if (size > SCRATCH_BYTES)
		ret = -ENOSPC;
	else
		text_resize(&f->text, (size_t)size);
	lock_release(&s->lock);
	return ret;
}

static void slot_unlink(struct scratch *f)
{
	free(f->name);
	f->name = NULL;
	if (f->opens == 0)
		slot_clear(f);
}

int scratch_rename(struct scratches *s, unsigned id, const char *name)
{
	struct scratch *f, *other;
	int ret = -ESTALE;

	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (f && f->name) {
		other = slot_named(s, f->serial, f->uid, name);
		if (other && other != f)
			slot_unlink(other);
		if (other != f) {
			free(f->name);
			f->name = x_strdup(name);
		}
		ret = 0;
	}
	lock_release(&s->lock);
	return ret;
}

int scratch_unlink(struct scratches *s, unsigned id)
{
	struct scratch *f;

	lock_acquire(&s->lock);
	f = slot_get(s, id);
	if (f)
		slot_unlink(f);
	lock_release(&s->lock);
	return f ? 0 : -ESTALE;
}
