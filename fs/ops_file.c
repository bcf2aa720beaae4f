/* Open files: opening, reading, waiting for them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops.h"

#define READ_MAX (1u << 20)

/* ---- open ---- */

static void reply_open(struct session *s, fuse_req_t req, struct handle *h, struct fuse_file_info *fi)
{
	enum kind kind = h->ref.node->kind;
	uint64_t fh = h->fh, inode0 = ref_inode_lane0(&h->ref);
	unsigned lane = h->ref.lane;
	bool writes = h->writes;

	fi->fh = fh;
	fi->direct_io = !h->kept;
	fi->keep_cache = h->kept;
	fi->nonseekable = kind == KIND_STREAM;
	/* Where close has something to say or to do, the kernel shall tell of it. */
	fi->noflush = !(writes && (kind == KIND_CTL || kind == KIND_SETTING || kind == KIND_STAGED));
	if (fuse_reply_open(req, fi) != -ENOENT)
		return;
	/* The opener was killed: there will be no release. Lanes are the loop's, and so are opens that hold one. */
	if (writes)
		lane_drop(&s->lanes, inode0, lane, clock_msec());
	handle_close(&s->handles, fh);
}

struct live_open {
	struct session *session;
	fuse_req_t req;
	struct fuse_file_info fi;
	struct handle *handle;
};

static void live_step(void *arg)
{
	struct live_open *l = arg;
	struct err e = { 0 };
	int ret = handle_render(l->handle, &e);

	if (ret == 0) {
		reply_open(l->session, l->req, l->handle, &l->fi);
	} else {
		handle_close(&l->session->handles, l->handle->fh);
		fuse_reply_err(l->req, -ret);
	}
	handle_put(l->handle);
	free(l);
}

/* Computing the text may take a while, so the open waits for it, not the loop. */
static void open_live(struct session *s, fuse_req_t req, struct handle *h, const struct fuse_file_info *fi)
{
	struct live_open *l = x_alloc(sizeof(*l));

	*l = (struct live_open){ .session = s, .req = req, .fi = *fi, .handle = handle_ref(h) };
	pool_run(live_step, l, h->opener->user.uid == 0);
}

static void open_scratch(fuse_req_t req, unsigned id, struct fuse_file_info *fi)
{
	struct session *s = ops_session(req);
	struct ref none = { 0 };
	struct handle *h;
	int ret = scratch_open(&s->scratches, id);

	if (ret == 0 && (fi->flags & O_TRUNC))
		scratch_resize(&s->scratches, id, 0);
	if (ret == 0) {
		ret = handle_open(&s->handles, &none, ops_caller(req), fi->flags, &h);
		if (ret)
			scratch_close(&s->scratches, id);
	}
	if (ret) {
		fuse_reply_err(req, -ret);
		return;
	}
	h->scratch = id;
	fi->fh = h->fh;
	fi->direct_io = 1;
	fi->noflush = 1;
	if (fuse_reply_open(req, fi) == -ENOENT) {
		scratch_close(&s->scratches, id);
		handle_close(&s->handles, fi->fh);
	}
}

/* Groups matter where somebody else's rights are asked for later: writers, and texts that differ by reader. */
static struct caller *opener(fuse_req_t req, const struct node *n, bool writes)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	if (writes || n->kind == KIND_LIVE || n->kind == KIND_STAGED)
		return ops_caller(req);
	return caller_new(ctx->uid, ctx->gid, NULL, 0, 0);
}

static void open_attach(struct session *s, struct handle *h)
{
	const struct node *n = h->ref.node;

	if (n->kind == KIND_GROWING) {
		h->text = n->text(&h->ref);
		if (h->text)
			text_open(h->text);
	} else if (n->kind == KIND_STREAM) {
		struct text *t = n->text(&h->ref);

		h->stream = t ? stream_open(&s->streams, t, n->raw) : NULL;
	}
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct session *s = ops_session(req);
	struct handle *h;
	struct ref r;
	unsigned id;
	uint64_t inode0;
	int ret = 0;

	if (inode_is_scratch(ino, &id)) {
		open_scratch(req, id, fi);
		return;
	}
	if (!ops_ref(req, ino, &r))
		return;
	inode0 = ref_inode_lane0(&r);
	if (writes && !node_writable(r.node))
		ret = -EACCES; /* root passes the kernel's check */
	else if (writes &&
	         !lane_take(&s->lanes, inode0, ops_first_lane(r.node), r.lane, fuse_req_ctx(req)->pid, clock_msec()))
		ret = -ESTALE; /* the kernel looks up again and is given another */
	if (ret) {
		ref_put(&r);
		fuse_reply_err(req, -ret);
		return;
	}
	ret = handle_open(&s->handles, &r, opener(req, r.node, writes), fi->flags, &h);
	if (ret) {
		if (writes)
			lane_drop(&s->lanes, inode0, r.lane, clock_msec());
		fuse_reply_err(req, -ret);
		return;
	}
	h->writes = writes;
	open_attach(s, h);
	if (node_is_fact(h->ref.node)) {
		h->kept = !writes && view_keeps(&h->ref);
		h->views = &s->invalidator.views;
		h->seen = view_changes(h->views, &h->ref);
	}
	if (h->ref.node->kind == KIND_LIVE)
		open_live(s, req, h, fi);
	else
		reply_open(s, req, h, fi);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct session *s = ops_session(req);
	struct handle *h = handle_get(&s->handles, fi->fh);

	(void)ino;
	if (h) {
		if (h->writes)
			lane_drop(&s->lanes, ref_inode_lane0(&h->ref), h->ref.lane, clock_msec());
		if (!h->ref.node)
			scratch_close(&s->scratches, h->scratch);
		handle_close(&s->handles, fi->fh);
		handle_put(h);
	}
	fuse_reply_err(req, 0);
}

/* ---- read ---- */

static int read_text(struct text *t, uint64_t off, size_t size, struct buf *b)
{
	char *p;
	size_t n;

	if (!t)
		return 0;
	p = x_alloc(size);
	n = text_read(t, off, p, size);
	buf_add(b, p, n);
	free(p);
	return 0;
}

/*
 * What the kernel keeps is what is true now, never what was true at open. Its size may be that of a moment ago: a reader who
 * is overtaken by a change finds newlines after a text that became shorter.
 */
static int read_page(struct session *s, struct handle *h, uint64_t off, size_t size, struct buf *b)
{
	struct err e = { 0 };
	int ret;

	if (off)
		return 0;
	view_tell(&s->invalidator.views, &h->ref);
	ret = node_render(&h->ref, &h->opener->user, b, &e);
	view_told_text(&s->invalidator.views, &h->ref, hash_text(b->p, b->len));
	if (ret)
		return ret;
	while (b->len < size && b->len < FACT_MAX)
		buf_putc(b, '\n');
	return 0;
}

/*
 * A page, which sendfile(2), splice(2) and mmap(2) ask for, is every reader's from then on: it holds what anybody may read, and
 * neither what its writer is about to say nor what he was answered. Who reads pages falls back on read(2), or cannot have it.
 */
static int read_shared(struct handle *h, uint64_t off, size_t size, struct buf *b)
{
	static const struct user nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct buf seen = { 0 };
	struct err e = { 0 };
	int ret;

	if (h->writes || (h->ref.node->personal && !h->ref.node->exact))
		return -EINVAL;
	ret = handle_read(h, off, size, b, &e);
	if (ret || !h->ref.node->personal)
		return ret;
	ret = node_render(&h->ref, &nobody, &seen, &e);
	if (!ret && (off > seen.len || b->len > seen.len - off || (b->len && memcmp(b->p, seen.p + off, b->len) != 0)))
		ret = -EINVAL;
	buf_free(&seen);
	return ret;
}

static int read_now(struct session *s, struct handle *h, uint64_t off, size_t size, bool page, struct buf *b)
{
	struct err e = { 0 };

	if (page && h->kept)
		return read_page(s, h, off, size, b);
	if (!h->ref.node)
		return scratch_read(&s->scratches, h->scratch, off, size, b);
	if (h->ref.node->kind == KIND_GROWING)
		return read_text(h->text, off, size, b);
	return page ? read_shared(h, off, size, b) : handle_read(h, off, size, b, &e);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct session *s = ops_session(req);
	struct handle *h = handle_get(&s->handles, fi->fh);
	struct buf b = { 0 };
	int ret;

	(void)ino;
	if (!h) {
		fuse_reply_err(req, EBADF);
		return;
	}
	size = size < READ_MAX ? size : READ_MAX;
	if (h->stream) {
		stream_read(h->stream, req, size, fi->flags & O_NONBLOCK);
	} else {
		ret = read_now(s, h, (uint64_t)off, size, !fi->lock_owner, &b); /* a page is nobody's */
		if (ret)
			fuse_reply_err(req, -ret);
		else
			fuse_reply_buf(req, b.p, b.len);
		buf_free(&b);
	}
	handle_put(h);
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct handle *h = handle_get(&ops_session(req)->handles, fi->fh);
	unsigned events = POLLIN | POLLRDNORM;

	(void)ino;
	if (h && h->stream)
		events = stream_poll(h->stream, ph) ? POLLIN | POLLRDNORM : 0;
	else if (h && h->views)
		events |= view_poll(h->views, &h->ref, &h->watcher, h->seen, ph) ? POLLPRI : 0;
	else if (ph)
		fuse_pollhandle_destroy(ph);
	if (h && (h->writes || !h->ref.node))
		events |= POLLOUT | POLLWRNORM;
	fuse_reply_poll(req, events);
	handle_put(h);
}
