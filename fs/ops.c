#include "fs/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 65536

struct session *ops_session(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

struct views *ops_views(fuse_req_t req)
{
	return &ops_session(req)->invalidator.views;
}

struct user ops_user(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct user){ .uid = ctx->uid, .gid = ctx->gid };
}

struct caller *ops_caller(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t few[64], *groups = few;
	struct caller *c;
	int n = ctx->uid ? fuse_req_getgroups(req, COUNT(few), few) : 0, got; /* root needs none */

	if (n > (int)COUNT(few) && n <= GROUPS_MAX) {
		groups = x_array((size_t)n, sizeof(*groups));
		got = fuse_req_getgroups(req, n, groups);
		n = got < n ? got : n;
	}
	c = caller_new(ctx->uid, ctx->gid, groups, n > 0 && n <= GROUPS_MAX ? (size_t)n : 0, ctx->pid);
	if (groups != few)
		free(groups);
	return c;
}

bool ops_ref(fuse_req_t req, fuse_ino_t ino, struct ref *ret)
{
	struct session *s = ops_session(req);
	struct domain *d;

	if (ref_from_inode(s->model, ino, ret))
		return true;
	d = ops_is_helper(req) ? views_find_serial(ops_views(req), inode_serial(ino)) : NULL;
	if (d && ref_of_domain(s->model, d, ino, ret))
		return true;
	domain_unref(d);
	fuse_reply_err(req, ESTALE);
	return false;
}

bool ops_is_root(const struct ref *r)
{
	return r->node == &nodes[0];
}

bool ops_is_desk(const struct ref *dir)
{
	return dir->domain && node_is_dir(dir->node) && node_staged(dir->node);
}

/* ---- attributes ---- */

static void stat_fill(const struct node_attr *a, uint64_t ino, struct stat *st)
{
	*st = (struct stat){
		.st_ino = ino,
		.st_mode = a->mode,
		.st_nlink = a->links,
		.st_uid = a->uid,
		.st_gid = a->gid,
		.st_size = (off_t)a->size,
		.st_blksize = 4096,
		.st_blocks = (blkcnt_t)((a->size + 511) / 512),
		.st_atim = a->mtime,
		.st_mtim = a->mtime,
		.st_ctim = a->mtime,
	};
}

bool ops_stat(struct session *s, const struct ref *r, const struct user *u, struct stat *st)
{
	struct node_attr a;
	bool keeps;

	view_tell(&s->invalidator.views, r);
	node_attr(r, u, &a);
	if (ref_is_host(r))
		a.mode = node_mode(r->node, s->root_mode);
	keeps = view_told(&s->invalidator.views, r, &a);
	stat_fill(&a, ref_inode_lane0(r), st);
	return keeps;
}

int ops_stat_scratch(struct session *s, unsigned id, uint64_t ino, struct stat *st)
{
	struct node_attr a;
	int ret = scratch_attr(&s->scratches, id, &a);

	if (ret == 0)
		stat_fill(&a, ino, st);
	return ret;
}

/*
 * Attributes come with GETATTR only: an invalidation that overtakes the reply with the inode would find no inode, and be
 * lost. Names of devices change with the configuration; a lane above 0 is for one writer.
 */
void ops_entry(fuse_req_t req, const struct ref *r, struct fuse_entry_param *ret)
{
	struct user u = ops_user(req);
	bool stays = r->lane == 0 && (r->node->kind != KIND_EACH || node_is_domain(r->node));

	*ret = (struct fuse_entry_param){ .ino = ref_inode(r), .entry_timeout = stays ? KEPT_SECONDS : 0 };
	ops_stat(ops_session(req), r, &u, &ret->attr);
}

bool ops_reply_entry(fuse_req_t req, const struct ref *r)
{
	struct fuse_entry_param entry;

	ops_entry(req, r, &entry);
	return fuse_reply_entry(req, &entry) == 0;
}

/* ---- names ---- */

bool ops_is_helper(fuse_req_t req)
{
	return herald_is(ops_session(req)->invalidator.herald, fuse_req_ctx(req)->pid);
}

int ops_lookup(fuse_req_t req, const struct ref *dir, const char *name, struct ref *ret)
{
	struct ref child = { 0 };
	struct domain *d;
	int r;

	r = node_lookup(dir, name, &child);
	if (r == 0 && !node_is_domain(child.node)) {
		*ret = child;
		return 0;
	}
	ref_put(&child);
	if (!ops_is_root(dir))
		return -ENOENT;
	d = views_find(ops_views(req), name, ops_is_helper(req));
	if (!d)
		return -ENOENT;
	*ret = (struct ref){ .model = dir->model, .node = node_domain(), .domain = d };
	return 0;
}

/* ---- operations of the model ---- */

struct task *task_new(fuse_req_t req, const struct ref *r)
{
	struct task *t = x_alloc(sizeof(*t));

	t->session = ops_session(req);
	t->req = req;
	if (r)
		ref_copy(&t->ref, r);
	return t;
}

static int task_call(struct job *j, void *arg, struct err *e)
{
	struct task *t = arg;

	return t->fn(j, t, e);
}

static void task_answer(void *arg)
{
	struct task *t = arg;

	if (t->result == 0 && t->finish)
		t->finish(t);
	else
		fuse_reply_err(t->req, -t->result);
	ref_put(&t->ref);
	buf_free(&t->text);
	free(t->name);
	free(t->from);
	free(t);
}

static void task_done(void *arg, int result, const char *sentence)
{
	struct task *t = arg;

	(void)sentence; /* mkdir and the like have nowhere to leave it but history, where it is */
	t->result = result;
	if (t->settle)
		t->settle(t);
	invalidator_after(&t->session->invalidator, false, task_answer, t);
}

void task_run(struct task *t, struct domain *d, const char *fmt, ...)
{
	struct buf command = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&command, fmt, ap);
	va_end(ap);
	commands_call(t->session->model, d, t->caller ? t->caller : ops_caller(t->req), command.p, task_call, t,
	              task_done);
	buf_free(&command);
}

/* ---- the table ---- */

/* AUTO_INVAL_DATA stays: what was dropped, a text's size and a listing's time, is asked for again before a read. */
static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
	                FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_READ);
	conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS);
}

/* What is left out answers ENOSYS, once: extended attributes, access, locks (the kernel's own), fsync. */
const struct fuse_lowlevel_ops fuse_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.readlink = op_readlink,
	.statfs = op_statfs,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.create = op_create,
	.unlink = op_unlink,
	.mknod = op_mknod,
	.symlink = op_symlink,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.poll = op_poll,
};
