/* Names, listings, links. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/ops.h"

static unsigned lane_for(fuse_req_t req, const struct ref *r)
{
	if (!node_writable(r->node))
		return 0;
	return lane_pick(&ops_session(req)->lanes, ref_inode_lane0(r), fuse_req_ctx(req)->pid, clock_msec());
}

static void lookup_scratch(fuse_req_t req, const struct ref *dir, const char *name)
{
	struct session *s = ops_session(req);
	struct fuse_entry_param entry = { 0 };
	unsigned id;

	if (ops_is_desk(dir) && scratch_find(&s->scratches, dir->domain->serial, fuse_req_ctx(req)->uid, name, &id)) {
		entry.ino = inode_scratch(dir->domain->serial, id);
		if (ops_stat_scratch(s, id, entry.ino, &entry.attr) == 0) {
			fuse_reply_entry(req, &entry);
			return;
		}
	}
	fuse_reply_err(req, ENOENT);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ref dir, child;

	if (!ops_ref(req, parent, &dir))
		return;
	if (node_lookup(&dir, name, &child) == 0) {
		child.lane = lane_for(req, &child);
		ops_reply_entry(req, &child);
		ref_put(&child);
	} else {
		lookup_scratch(req, &dir, name);
	}
	ref_put(&dir);
}

/* ---- listings ---- */

#define COOKIE_REST 2 /* "." and ".." come first */

struct listing {
	fuse_req_t req;
	char *p;
	size_t size, len;
};

static bool listing_add(struct listing *l, const char *name, uint64_t ino, mode_t mode, uint64_t next)
{
	const struct stat st = { .st_ino = ino, .st_mode = mode };
	size_t n = fuse_add_direntry(l->req, l->p + l->len, l->size - l->len, name, &st, (off_t)next);

	if (n > l->size - l->len)
		return false;
	l->len += n;
	return true;
}

static bool listing_child(void *arg, const char *name, const struct ref *child, uint64_t next)
{
	return listing_add(arg, name, ref_inode_lane0(child), node_mode(child->node, 0755), next + COOKIE_REST);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct listing l = { .req = req, .size = size };
	uint64_t cookie = (uint64_t)off;
	struct ref dir;
	bool room = true;

	(void)fi;
	if (!ops_ref(req, ino, &dir))
		return;
	l.p = x_alloc(size);
	if (cookie == 0) {
		room = listing_add(&l, ".", ino, S_IFDIR, 1);
		cookie = 1;
	}
	if (room && cookie == 1) {
		room = listing_add(&l, "..", FUSE_ROOT_ID, S_IFDIR, COOKIE_REST);
		cookie = COOKIE_REST;
	}
	if (room) {
		cookie -= COOKIE_REST;
		node_list(&dir, &cookie, listing_child, &l);
	}
	fuse_reply_buf(req, l.p, l.len);
	free(l.p);
	ref_put(&dir);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct ref r;
	char *target;

	if (!ops_ref(req, ino, &r))
		return;
	target = r.node->target ? r.node->target(&r) : NULL;
	if (target)
		fuse_reply_readlink(req, target);
	else
		fuse_reply_err(req, r.node->kind == KIND_LINK ? ENOENT : EINVAL);
	free(target);
	ref_put(&r);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct model *m = ops_session(req)->model;
	struct statvfs st = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255 };

	(void)ino;
	lock_acquire(&m->lock);
	st.f_files = m->domains;
	lock_release(&m->lock);
	fuse_reply_statfs(req, &st);
}
