/* Names, listings, links. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/ops.h"

/* Who opens to truncate tells the kernel that its inode is empty now: readers of what the kernel keeps have one of their own. */
unsigned ops_first_lane(const struct node *n)
{
	return n->kind == KIND_SETTING ? 1 : 0;
}

static unsigned lane_for(fuse_req_t req, const struct ref *r)
{
	if (!node_writable(r->node))
		return 0;
	return lane_pick(&ops_session(req)->lanes, ref_inode_lane0(r), ops_first_lane(r->node), fuse_req_ctx(req)->pid,
	                 clock_msec());
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
	if (ops_lookup(req, &dir, name, &child) == 0) {
		struct views *vs = ops_views(req);
		bool helper = ops_is_helper(req);

		child.lane = lane_for(req, &child);
		if (ops_reply_entry(req, &child) && node_is_domain(child.node) && !helper)
			views_moved(vs, name);
		ref_put(&child);
	} else {
		lookup_scratch(req, &dir, name);
	}
	ref_put(&dir);
}

/* ---- listings ---- */

#define COOKIE_REST 2 /* "." and ".." come first */

/*
 * A cookie has also when its entry was listed, by what had changed. The kernel keeps what one lister was given, as he comes to the
 * end, also from before a change: another one, who began behind that and is in the middle then, does not find his place there.
 */
#define WHEN_SHIFT 36
#define WHEN_MASK (((1ull << 18) - 1) << WHEN_SHIFT)

struct listing {
	fuse_req_t req;
	bool plus; /* with what a lookup gives */
	uint64_t when;
	char *p;
	size_t size, len;
};

static bool listing_took(struct listing *l, size_t n)
{
	if (n > l->size - l->len)
		return false;
	l->len += n;
	return true;
}

/* An inode of 0 in the entry: the kernel takes the name alone. */
static bool listing_dots(struct listing *l, const char *name, uint64_t ino, uint64_t next)
{
	struct fuse_entry_param entry = { .attr = { .st_ino = ino, .st_mode = S_IFDIR } };
	char *p = l->p + l->len;
	size_t room = l->size - l->len;

	next |= l->when;
	return listing_took(l, l->plus ? fuse_add_direntry_plus(l->req, p, room, name, &entry, (off_t)next)
	                               : fuse_add_direntry(l->req, p, room, name, &entry.attr, (off_t)next));
}

static bool listing_child(void *arg, const char *name, const struct ref *child, uint64_t next)
{
	struct listing *l = arg;
	struct fuse_entry_param entry = { .attr = { .st_ino = ref_inode_lane0(child),
		                                    .st_mode = node_mode(child->node, 0755) } };
	char shown[256], *p = l->p + l->len;
	size_t room = l->size - l->len;

	if (node_is_domain(child->node)) {
		if (!views_name(ops_views(l->req), child->domain, shown))
			return true;
		name = shown;
	}
	next = (next + COOKIE_REST) | l->when;
	if (!l->plus)
		return listing_took(l, fuse_add_direntry(l->req, p, room, name, &entry.attr, (off_t)next));
	if (fuse_add_direntry_plus(l->req, NULL, 0, name, NULL, 0) > room)
		return false;
	ops_entry(l->req, child, &entry);
	return listing_took(l, fuse_add_direntry_plus(l->req, p, room, name, &entry, (off_t)next));
}

/* The kernel keeps listings, and need not tell that it opens one. */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, ENOSYS);
}

static uint64_t listing_when(struct views *vs)
{
	uint64_t n = model_last_event(vs->model);

	lock_acquire(&vs->lock);
	n += vs->names;
	lock_release(&vs->lock);
	return n << WHEN_SHIFT & WHEN_MASK;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct listing l = { .req = req, .size = size, .plus = plus, .when = listing_when(ops_views(req)) };
	uint64_t cookie = (uint64_t)off & ~WHEN_MASK;
	struct ref dir;
	bool room = true;

	if (!ops_ref(req, ino, &dir))
		return;
	l.p = x_alloc(size);
	if (cookie == 0) {
		room = listing_dots(&l, ".", ino, 1);
		cookie = 1;
	}
	if (room && cookie == 1) {
		room = listing_dots(&l, "..", FUSE_ROOT_ID, COOKIE_REST);
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

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
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
