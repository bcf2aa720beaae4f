/* Writing: lines that are commands or values, a text that is collected, a guest's keyboard. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fs/ops.h"

/* A WRITE or FLUSH that is answered when its commands have ended. */
struct said {
	struct session *session;
	fuse_req_t req;
	struct handle *handle;
	struct flight *flight;
	size_t size;
	int result;
	bool flush;
};

static void said_answer(void *arg)
{
	struct said *said = arg;

	if (said->result || said->flush)
		fuse_reply_err(said->req, -said->result);
	else
		fuse_reply_write(said->req, said->size);
	handle_put(said->handle);
	free(said);
}

/* Who is answered reads what he has done. Verbs can make and rename directories; the herald may have to touch a setting first. */
static void said_done(void *arg, int result, const char *sentence)
{
	struct said *said = arg;

	said->req = flight_end(said->flight);
	said->result = result;
	handle_answer(said->handle, result, sentence); /* before the writer can ask for it */
	invalidator_after(&said->session->invalidator, said->handle->ref.node->kind == KIND_CTL, said_answer, said);
}

/* With the rights of who opened, in the name of the thread that writes. */
static struct caller *writer_of(const struct handle *h, pid_t tid)
{
	const struct user *u = &h->opener->user;

	return tid == h->opener->pid ? caller_ref(h->opener) : caller_new(u->uid, u->gid, u->groups, u->ngroups, tid);
}

static void say(fuse_req_t req, struct handle *h, const struct buf *lines, size_t size, bool flush)
{
	pid_t tid = fuse_req_ctx(req)->pid;
	struct said *said = x_alloc(sizeof(*said));
	struct caller *caller = writer_of(h, tid);
	struct flight *f;

	*said = (struct said){ .session = ops_session(req), .handle = handle_ref(h), .size = size, .flush = flush };
	said->flight = f = flight_begin(&ops_session(req)->flights, req, tid);
	flight_started(f, commands_run(&h->ref, caller, lines->p, lines->len, said_done, said));
}

static void write_lines(fuse_req_t req, struct handle *h, uint64_t writer, const char *p, size_t n)
{
	struct buf lines = { 0 };
	int ret = handle_lines(h, writer, p, n, &lines);

	if (ret) {
		handle_answer(h, ret, "a line is longer than 64 KiB");
		fuse_reply_err(req, -ret);
	} else if (lines.len) {
		say(req, h, &lines, n, false);
	} else {
		fuse_reply_write(req, n);
	}
	buf_free(&lines);
}

static void reply_result(fuse_req_t req, int ret, size_t n)
{
	if (ret)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_write(req, n);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *p, size_t n, off_t off, struct fuse_file_info *fi)
{
	struct session *s = ops_session(req);
	struct handle *h = handle_get(&s->handles, fi->fh);

	(void)ino;
	if (!h) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (!h->ref.node) {
		reply_result(req, scratch_write(&s->scratches, h->scratch, (uint64_t)off, h->flags & O_APPEND, p, n),
		             n);
		handle_put(h);
		return;
	}
	switch (h->ref.node->kind) {
	case KIND_CTL:
	case KIND_SETTING:
		write_lines(req, h, fi->lock_owner, p, n);
		break;
	case KIND_STAGED:
		reply_result(req, handle_stage(h, fi->lock_owner, (uint64_t)off, p, n), n);
		break;
	default:
		if (h->ref.node->input)
			input_write(&s->inputs, h, req, p, n, fi->flags & O_NONBLOCK);
		else
			fuse_reply_err(req, EBADF);
	}
	handle_put(h);
}

/* ---- flush ---- */

static int task_commit(struct job *j, struct task *t, struct err *e)
{
	return t->ref.node->commit(j, &t->ref, t->text.p, t->text.len, e);
}

/* The text becomes the configuration; close(2) says how that ended. */
static void flush_staged(fuse_req_t req, struct handle *h, uint64_t closer)
{
	struct buf text = { 0 };
	struct task *t;

	if (!handle_staged(h, closer, &text)) {
		fuse_reply_err(req, 0);
		return;
	}
	t = task_new(req, &h->ref);
	t->fn = task_commit;
	t->text = text;
	t->caller = writer_of(h, fuse_req_ctx(req)->pid);
	task_run(t, h->ref.domain, "%s", h->ref.node->name);
}

/* Who ends can neither be told nor be interrupted, not even be killed: he does not wait for what he said last. */
static void flush_lines(fuse_req_t req, struct handle *h, uint64_t closer, bool ends)
{
	pid_t tid = fuse_req_ctx(req)->pid;
	struct buf lines = { 0 };
	bool said = handle_last_line(h, closer, &lines);

	if (said && ends)
		commands_run(&h->ref, writer_of(h, tid), lines.p, lines.len, NULL, NULL);
	if (said && !ends)
		say(req, h, &lines, 0, true);
	else
		fuse_reply_err(req, 0);
	buf_free(&lines);
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = handle_get(&ops_session(req)->handles, fi->fh);
	enum thread_end end;
	bool some = false;

	(void)ino;
	if (h && h->writes) {
		lock_acquire(&h->lock);
		some = h->unflushed;
		lock_release(&h->lock);
	}
	end = some ? thread_end(fuse_req_ctx(req)->pid) : THREAD_KILLED;
	if (end == THREAD_KILLED) /* what a killed process leaves behind is half of something */
		fuse_reply_err(req, 0);
	else if (h->ref.node->kind == KIND_STAGED)
		flush_staged(req, h, fi->lock_owner);
	else
		flush_lines(req, h, fi->lock_owner, end == THREAD_EXITS);
	handle_put(h);
}
