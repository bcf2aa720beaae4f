/*
 * The operations that the kernel asks for, by theme: ops_dir (names and listings), ops_attr, ops_make (names that
 * come and go), ops_file (open files), ops_write, and what they share. All of them run on the loop and answer
 * there or leave it to the pool.
 */
#ifndef OPS_H
#define OPS_H

#include "fs/session.h"

extern const struct fuse_lowlevel_ops fuse_ops;

/* ---- ops.c ---- */
struct session *ops_session(fuse_req_t req);
struct views *ops_views(fuse_req_t req);
struct user ops_user(fuse_req_t req); /* who asks, without groups */
struct caller *ops_caller(fuse_req_t req);

/* The row behind INO, or the request is answered with ESTALE and false comes back. */
bool ops_ref(fuse_req_t req, fuse_ino_t ino, struct ref *ret);

/* A domain's directory: scratch files can be made in it. */
bool ops_is_desk(const struct ref *dir);
unsigned ops_first_lane(const struct node *n); /* that may be written */
bool ops_is_root(const struct ref *r);         /* the mount's root */

/* What the kernel keeps without asking, it is told when it becomes untrue. */
#define KEPT_SECONDS 86400.0

/* The child NAME of DIR as the kernel has been shown it, also a directory that is not shown to anybody else to the helper. */
int ops_lookup(fuse_req_t req, const struct ref *dir, const char *name, struct ref *ret);

/* True: the kernel may keep it. */
bool ops_stat(struct session *s, const struct ref *r, const struct user *u, struct stat *st);
int ops_stat_scratch(struct session *s, unsigned id, uint64_t ino, struct stat *st);
void ops_entry(fuse_req_t req, const struct ref *r, struct fuse_entry_param *ret);
bool ops_reply_entry(fuse_req_t req, const struct ref *r); /* true: the kernel took it */
bool ops_is_helper(fuse_req_t req);                        /* the herald's process asks */

/* ---- ops_helper.c: what the herald's helper asks for ---- */
void helper_mkdir(fuse_req_t req, const struct ref *dir, const char *name);
void helper_rmdir(fuse_req_t req, const char *name);
void helper_rename(fuse_req_t req, const char *name, const char *newname);
int helper_unlink(const struct ref *dir); /* a watched file in DIR: only that of a domain that is gone */

/* One operation of the model for REQ, on a pool thread; FINISH (may be NULL) answers when it has succeeded. */
struct task {
	struct session *session;
	fuse_req_t req;
	struct ref ref;        /* a reference, or empty */
	struct caller *caller; /* NULL: who sent the request */
	int (*fn)(struct job *j, struct task *t, struct err *e);
	void (*finish)(struct task *t);
	void (*settle)(struct task *t); /* may be NULL: when FN has ended, before anybody is told */
	int result;
	bool begun, begun_from; /* the name's change is the kernel's own (views_begin) */
	char *name, *from;
	struct buf text;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	unsigned what, scratch;
	fuse_ino_t ino;
};
struct task *task_new(fuse_req_t req, const struct ref *r);
void task_run(struct task *t, struct domain *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- the operations ---- */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname,
               unsigned flags);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *p, size_t n, off_t off, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph);

#endif
