/* Names that come and go: domains, and scratch files on a domain's desk. Everything else stays what and where it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops.h"
#include "hypervisor/model/operate.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* ---- mkdir, rmdir ---- */

static int task_mkdir(struct job *j, struct task *t, struct err *e)
{
	struct domain *d;
	int ret = domain_define(t->session->model, j, t->name, &d, e);

	if (ret == 0)
		domain_unref(d);
	return ret;
}

static void settle_mkdir(struct task *t)
{
	struct views *vs = &t->session->invalidator.views;
	struct domain *d = t->result ? NULL : model_find(t->session->model, t->name);

	if (d)
		views_made(vs, t->name, d);
	if (t->begun)
		views_done(vs, t->name);
	domain_unref(d);
}

static void finish_mkdir(struct task *t)
{
	struct ref child;

	if (ops_lookup(t->req, &t->ref, t->name, &child) == 0) {
		ops_reply_entry(t->req, &child);
		ref_put(&child);
	} else {
		fuse_reply_err(t->req, ENOENT); /* undefined already by somebody else */
	}
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct ref dir;
	struct task *t;

	(void)mode;
	if (!ops_ref(req, parent, &dir))
		return;
	if (ops_is_helper(req)) {
		helper_mkdir(req, &dir, name);
	} else if (ops_is_root(&dir)) {
		t = task_new(req, &dir);
		t->fn = task_mkdir;
		t->settle = settle_mkdir;
		t->finish = finish_mkdir;
		t->name = x_strdup(name);
		t->begun = views_begin(ops_views(req), name);
		task_run(t, NULL, "mkdir %s", name);
	} else {
		fuse_reply_err(req, EPERM);
	}
	ref_put(&dir);
}

static int task_rmdir(struct job *j, struct task *t, struct err *e)
{
	(void)t;
	return domain_undefine(j, e);
}

static void settle_rmdir(struct task *t)
{
	struct views *vs = &t->session->invalidator.views;

	if (t->result == 0)
		views_removed(vs, t->name, false);
	if (t->begun)
		views_done(vs, t->name);
}

/* A child of the root that is a domain: 0 with a reference, or -errno. */
static int domain_lookup(fuse_req_t req, const struct ref *dir, const char *name, struct ref *ret)
{
	struct ref child;
	int r;

	if (!ops_is_root(dir))
		return -EPERM;
	r = ops_lookup(req, dir, name, &child);
	if (r)
		return r;
	if (!node_is_domain(child.node)) {
		ref_put(&child);
		return -EPERM;
	}
	*ret = child;
	return 0;
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ref dir, child;
	struct task *t;
	int ret;

	if (!ops_ref(req, parent, &dir))
		return;
	if (ops_is_helper(req)) {
		helper_rmdir(req, name);
		ref_put(&dir);
		return;
	}
	ret = domain_lookup(req, &dir, name, &child);
	if (ret == 0) {
		t = task_new(req, &child);
		t->fn = task_rmdir;
		t->settle = settle_rmdir;
		t->name = x_strdup(name);
		t->begun = views_begin(ops_views(req), name);
		task_run(t, child.domain, "rmdir %s", name);
		ref_put(&child);
	} else {
		fuse_reply_err(req, -ret);
	}
	ref_put(&dir);
}

/* ---- rename ---- */

static int task_rename(struct job *j, struct task *t, struct err *e)
{
	return domain_rename(j, t->name, e);
}

static void settle_rename(struct task *t)
{
	struct views *vs = &t->session->invalidator.views;

	if (t->result == 0)
		views_renamed(vs, t->from, t->name);
	if (t->begun)
		views_done(vs, t->name);
	if (t->begun_from)
		views_done(vs, t->from);
}

static void rename_domain(fuse_req_t req, const struct ref *dir, const char *name, const char *newname)
{
	struct ref child, other;
	struct task *t;
	int ret;

	if (ops_is_helper(req)) {
		helper_rename(req, name, newname);
		return;
	}
	ret = domain_lookup(req, dir, name, &child);
	if (ret) {
		fuse_reply_err(req, -ret);
		return;
	}
	if (ops_lookup(req, dir, newname, &other) == 0) {
		ref_put(&other);
		fuse_reply_err(req, EEXIST);
	} else {
		t = task_new(req, &child);
		t->fn = task_rename;
		t->settle = settle_rename;
		t->name = x_strdup(newname);
		t->from = x_strdup(name);
		t->begun = views_begin(ops_views(req), newname);
		t->begun_from = views_begin(ops_views(req), name);
		task_run(t, child.domain, "rename %s", newname);
	}
	ref_put(&child);
}

static int task_commit(struct job *j, struct task *t, struct err *e)
{
	return t->ref.node->commit(j, &t->ref, t->text.p ? t->text.p : "", t->text.len, e);
}

static void finish_commit(struct task *t)
{
	scratch_unlink(&t->session->scratches, t->scratch);
	fuse_reply_err(t->req, 0);
}

/* An empty file is what a tool that failed leaves behind; it takes nothing's place but an empty one's. */
static bool is_empty_over_text(const struct ref *target, const struct user *u, const struct buf *text)
{
	struct buf now = { 0 };
	struct err e = { 0 };
	bool some;

	if (text->len)
		return false;
	some = node_render(target, u, &now, &e) == 0 && now.len;
	buf_free(&now);
	return some;
}

/* A scratch file takes the configuration's name. */
static void rename_commit(fuse_req_t req, const struct ref *target, unsigned id)
{
	struct user u = ops_user(req);
	struct task *t = task_new(req, target);
	int ret = scratch_read(&t->session->scratches, id, 0, SCRATCH_BYTES, &t->text);

	if (ret == 0 && (t->text.len > STAGED_MAX || is_empty_over_text(target, &u, &t->text)))
		ret = -EINVAL;
	if (ret) {
		fuse_reply_err(req, -ret);
		ref_put(&t->ref);
		buf_free(&t->text);
		free(t);
		return;
	}
	t->fn = task_commit;
	t->finish = finish_commit;
	t->scratch = id;
	task_run(t, target->domain, "%s", target->node->name);
}

static void rename_scratch(fuse_req_t req, const struct ref *dir, const char *name, const char *newname, unsigned flags)
{
	struct scratches *ss = &ops_session(req)->scratches;
	uint64_t serial = dir->domain->serial;
	uid_t uid = fuse_req_ctx(req)->uid;
	struct ref target;
	unsigned id, other;

	if (!scratch_find(ss, serial, uid, name, &id)) {
		fuse_reply_err(req, EPERM); /* the kernel has seen that there is such a name: a row's */
		return;
	}
	if (node_lookup(dir, newname, &target) != 0) {
		if ((flags & RENAME_NOREPLACE) && scratch_find(ss, serial, uid, newname, &other))
			fuse_reply_err(req, EEXIST);
		else
			fuse_reply_err(req, -scratch_rename(ss, id, newname));
		return;
	}
	if (flags & RENAME_NOREPLACE)
		fuse_reply_err(req, EEXIST);
	else if (target.node->kind != KIND_STAGED)
		fuse_reply_err(req, EPERM);
	else
		rename_commit(req, &target, id);
	ref_put(&target);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname,
               unsigned flags)
{
	struct ref dir;

	if (flags & ~RENAME_NOREPLACE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (!ops_ref(req, parent, &dir))
		return;
	if (parent != newparent)
		fuse_reply_err(req, EPERM);
	else if (ops_is_root(&dir))
		rename_domain(req, &dir, name, newname);
	else if (ops_is_desk(&dir))
		rename_scratch(req, &dir, name, newname, flags);
	else
		fuse_reply_err(req, EPERM);
	ref_put(&dir);
}

/* ---- scratch files ---- */

static int create_scratch(fuse_req_t req, uint64_t serial, unsigned id, struct fuse_file_info *fi)
{
	struct session *s = ops_session(req);
	struct fuse_entry_param entry = { .ino = inode_scratch(serial, id) };
	struct ref none = { 0 };
	struct handle *h;
	int ret = ops_stat_scratch(s, id, entry.ino, &entry.attr);

	if (ret)
		return ret;
	ret = handle_open(&s->handles, &none, ops_caller(req), fi->flags, &h);
	if (ret)
		return ret;
	h->scratch = id;
	fi->fh = h->fh;
	fi->direct_io = 1;
	fi->noflush = 1;
	if (fuse_reply_create(req, &entry, fi) == -ENOENT) {
		scratch_close(&s->scratches, id);
		handle_close(&s->handles, fi->fh);
	}
	return 0;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct scratches *ss = &ops_session(req)->scratches;
	struct ref dir, there;
	unsigned id;
	int ret;

	(void)mode;
	if (!ops_ref(req, parent, &dir))
		return;
	if (!ops_is_desk(&dir)) {
		ret = -EPERM;
	} else if (node_lookup(&dir, name, &there) == 0) {
		ref_put(&there);
		ret = -EEXIST;
	} else {
		ret = scratch_create(ss, dir.domain->serial, ctx->uid, ctx->gid, name, &id);
		if (ret == 0) {
			ret = create_scratch(req, dir.domain->serial, id, fi);
			if (ret) {
				scratch_unlink(ss, id);
				scratch_close(ss, id);
			}
		}
	}
	if (ret)
		fuse_reply_err(req, -ret);
	ref_put(&dir);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct session *s = ops_session(req);
	struct ref dir;
	unsigned id;
	int ret = -EPERM;

	if (!ops_ref(req, parent, &dir))
		return;
	if (ops_is_helper(req))
		ret = helper_unlink(&dir);
	else if (ops_is_desk(&dir) &&
	         scratch_find(&s->scratches, dir.domain->serial, fuse_req_ctx(req)->uid, name, &id))
		ret = scratch_unlink(&s->scratches, id);
	fuse_reply_err(req, -ret);
	ref_put(&dir);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)parent, (void)name, (void)mode, (void)rdev;
	fuse_reply_err(req, EPERM);
}

void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	(void)link, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	(void)ino, (void)newparent, (void)newname;
	fuse_reply_err(req, EPERM);
}
