/* Attributes. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/ops.h"
#include "hypervisor/model/operate.h"

static void reply_scratch(fuse_req_t req, unsigned id, fuse_ino_t ino)
{
	struct stat st;
	int ret = ops_stat_scratch(ops_session(req), id, ino, &st);

	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &st, 0);
}

static void reply_attr(fuse_req_t req, const struct ref *r, bool keep)
{
	struct user u = ops_user(req);
	struct stat st;

	keep &= ops_stat(ops_session(req), r, &u, &st);
	fuse_reply_attr(req, &st, keep ? KEPT_SECONDS : 0);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ref r;
	unsigned id;

	(void)fi;
	if (inode_is_scratch(ino, &id)) {
		reply_scratch(req, id, ino);
		return;
	}
	if (!ops_ref(req, ino, &r))
		return;
	reply_attr(req, &r, true);
	ref_put(&r);
}

/* Asked for another owner than the one it has? */
static bool wants_owner(const struct stat *now, const struct stat *attr, int to_set)
{
	return ((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != now->st_uid) ||
	       ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != now->st_gid);
}

static void setattr_scratch(fuse_req_t req, unsigned id, fuse_ino_t ino, const struct stat *attr, int to_set)
{
	struct session *s = ops_session(req);
	struct stat st;
	int ret = ops_stat_scratch(s, id, ino, &st);

	if (ret == 0 && wants_owner(&st, attr, to_set))
		ret = -EPERM;
	if (ret == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		ret = scratch_resize(&s->scratches, id, (uint64_t)attr->st_size);
	if (ret)
		fuse_reply_err(req, -ret);
	else
		reply_scratch(req, id, ino);
}

/* ---- who owns a domain ---- */

static int task_owner(struct job *j, struct task *t, struct err *e)
{
	return domain_set_owner(j, t->uid, t->gid, t->mode, t->what, e);
}

static void finish_attr(struct task *t)
{
	reply_attr(t->req, &t->ref, false);
}

static void setattr_domain(fuse_req_t req, const struct ref *r, const struct stat *attr, int to_set)
{
	struct task *t = task_new(req, r);

	t->fn = task_owner;
	t->finish = finish_attr;
	t->uid = attr->st_uid;
	t->gid = attr->st_gid;
	t->mode = attr->st_mode & 0777;
	t->what = (to_set & FUSE_SET_ATTR_UID ? DOMAIN_SET_UID : 0) |
	          (to_set & FUSE_SET_ATTR_GID ? DOMAIN_SET_GID : 0) |
	          (to_set & FUSE_SET_ATTR_MODE ? DOMAIN_SET_MODE : 0);
	if ((t->what & DOMAIN_SET_UID) && (t->what & DOMAIN_SET_GID))
		task_run(t, r->domain, "chown %u:%u", (unsigned)t->uid, (unsigned)t->gid);
	else if (t->what & DOMAIN_SET_UID)
		task_run(t, r->domain, "chown %u", (unsigned)t->uid);
	else if (t->what & DOMAIN_SET_GID)
		task_run(t, r->domain, "chgrp %u", (unsigned)t->gid);
	else
		task_run(t, r->domain, "chmod %03o", (unsigned)t->mode);
}

/* ---- */

/* Truncating means something only to a text that is being written. */
static int setattr_size(fuse_req_t req, const struct ref *r, uint64_t size, const struct fuse_file_info *fi)
{
	struct handle *h;
	int ret = 0;

	if (r->node->kind != KIND_STAGED || !fi)
		return 0;
	h = handle_get(&ops_session(req)->handles, fi->fh);
	if (!h || h->ref.node != r->node)
		ret = -EBADF;
	else
		ret = handle_stage_resize(h, size);
	handle_put(h);
	return ret;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	const int owner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE;
	struct user u = ops_user(req);
	struct stat now;
	struct ref r;
	unsigned id;
	int ret = 0;

	if (inode_is_scratch(ino, &id)) {
		setattr_scratch(req, id, ino, attr, to_set);
		return;
	}
	if (!ops_ref(req, ino, &r))
		return;
	if (ops_is_helper(req))
		herald_telling(ops_session(req)->invalidator.herald, ref_inode_lane0(&r));
	ops_stat(ops_session(req), &r, &u, &now);
	if (r.domain && node_is_domain(r.node) && (to_set & owner)) {
		setattr_domain(req, &r, attr, to_set);
		ref_put(&r);
		return;
	}
	if (wants_owner(&now, attr, to_set))
		ret = -EPERM;
	else if ((to_set & FUSE_SET_ATTR_MODE) && S_ISDIR(now.st_mode) &&
	         (attr->st_mode & 07777) != (now.st_mode & 07777))
		ret = -EPERM;
	else if (to_set & FUSE_SET_ATTR_SIZE)
		ret = setattr_size(req, &r, (uint64_t)attr->st_size, fi);
	if (ret)
		fuse_reply_err(req, -ret);
	else
		reply_attr(req, &r, false);
	ref_put(&r);
}
