/*
 * A world for tests of the herald: a FUSE file system, served by a process of its own, that writes down what it is asked to
 * change and by whom, and lets the MKDIR of "hang", and of "hang2", wait until let_go(). Included by one test, which is one thread.
 */
#ifndef HERALD_WORLD_H
#define HERALD_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fs/fuse.h"
#include "fs/herald.h"
#include "lock.h"
#include "tests/unit/test.h"
#include "units.h"

#define LOG_MAX 4096
#define ENTRIES 64

/* ---- a file system, served by a process of its own ---- */

static struct shared {
	atomic_int n; /* requests that changed something, in order */
	struct {
		char what[120];
		pid_t pid;
	} log[LOG_MAX];
} * seen;

static struct {
	char path[80];
	bool dir;
} entry[ENTRIES]; /* the server's; the inode number is the index + 1, and the first is the root */

static fuse_req_t held; /* MKDIR of "hang..." waits until a byte comes */
static char dir[] = "/tmp/test-herald-XXXXXX";
static int ready[2], release[2];
static pid_t server;

static void note(fuse_req_t req, const char *what, const char *path)
{
	int i = atomic_load(&seen->n);

	if (i == LOG_MAX)
		_exit(3);
	snprintf(seen->log[i].what, sizeof(seen->log[i].what), "%s %s", what, path);
	seen->log[i].pid = fuse_req_ctx(req)->pid;
	atomic_store(&seen->n, i + 1);
}

static size_t entry_find(const char *path)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (strcmp(entry[i].path, path) == 0)
			return i;
	}
	return ENTRIES;
}

static size_t entry_add(const char *path, bool is_dir)
{
	for (size_t i = 1; i < ENTRIES; i++) {
		if (!entry[i].path[0]) {
			snprintf(entry[i].path, sizeof(entry[i].path), "%s", path);
			entry[i].dir = is_dir;
			return i;
		}
	}
	_exit(3);
}

static char *child_path(fuse_ino_t parent, const char *name)
{
	return parent == 1 ? x_strdup(name) : x_printf("%s/%s", entry[parent - 1].path, name);
}

static struct stat entry_stat(size_t i)
{
	return (struct stat){ .st_ino = i + 1,
		              .st_mode = entry[i].dir ? S_IFDIR | 0755 : S_IFREG | 0644,
		              .st_nlink = 1 };
}

static void entry_reply(fuse_req_t req, size_t i)
{
	struct fuse_entry_param e = { .ino = i + 1, .attr = entry_stat(i) };

	fuse_reply_entry(req, &e);
}

static void serve_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	char *path = child_path(parent, name);
	size_t i = entry_find(path);

	if (i == ENTRIES)
		fuse_reply_err(req, ENOENT);
	else
		entry_reply(req, i);
	free(path);
}

static void serve_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = entry_stat(ino - 1);

	(void)fi;
	fuse_reply_attr(req, &st, 0);
}

static void serve_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what, struct fuse_file_info *fi)
{
	const int mtime = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW;
	struct stat st = entry_stat(ino - 1);

	(void)attr;
	(void)fi;
	note(req, (what & ~FUSE_SET_ATTR_CTIME) == mtime ? "touch" : "setattr", entry[ino - 1].path);
	fuse_reply_attr(req, &st, 0);
}

static void serve_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	char *path = child_path(parent, name);
	char *what = x_printf("mkdir %03o", (unsigned)mode & 07777);

	note(req, what, path);
	if (strncmp(path, "hang", 4) == 0)
		held = req;
	else
		entry_reply(req, entry_add(path, true));
	free(what);
	free(path);
}

static void entry_remove(fuse_req_t req, fuse_ino_t parent, const char *name, const char *what)
{
	char *path = child_path(parent, name);

	note(req, what, path);
	entry[entry_find(path)].path[0] = '\0';
	fuse_reply_err(req, 0);
	free(path);
}

static void serve_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	entry_remove(req, parent, name, "rmdir");
}

static void serve_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	entry_remove(req, parent, name, "unlink");
}

static void serve_rename(fuse_req_t req, fuse_ino_t from, const char *name, fuse_ino_t to, const char *new_name,
                         unsigned flags)
{
	char *a = child_path(from, name), *b = child_path(to, new_name);

	(void)flags;
	note(req, "rename", a);
	note(req, "to", b);
	snprintf(entry[entry_find(a)].path, sizeof(entry[0].path), "%s", b);
	fuse_reply_err(req, 0);
	free(a);
	free(b);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = serve_lookup,
	.getattr = serve_getattr,
	.setattr = serve_setattr,
	.mkdir = serve_mkdir,
	.rmdir = serve_rmdir,
	.unlink = serve_unlink,
	.rename = serve_rename,
};

/* Never returns. */
static void server_run(void)
{
	char *argv[] = { "test", NULL }, c;
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *s = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	struct fuse_buf buf = { 0 };
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = release[0], .events = POLLIN } };
	int r;

	entry[0].dir = true;
	entry_add("web0", true);
	entry_add("web0/state", false);
	for (int i = 0; i < 20; i++) {
		char *name = x_printf("file%d", i);

		entry_add(name, false);
		free(name);
	}
	if (!s || fuse_session_mount(s, dir) != 0 || write(ready[1], "y", 1) != 1)
		_exit(1);
	fds[0].fd = fuse_session_fd(s);
	fcntl(fds[0].fd, F_SETFL, O_NONBLOCK);
	while (!fuse_session_exited(s)) {
		poll(fds, 2, -1);
		if ((fds[1].revents & POLLIN) && read(release[0], &c, 1) == 1 && held) {
			entry_reply(held, entry_add("hang", true));
			held = NULL;
		}
		r = -EAGAIN;
		if (fds[0].revents)
			r = fuse_session_receive_buf(s, &buf);
		if (r > 0)
			fuse_session_process_buf(s, &buf);
		else if (r == 0 || (r != -EAGAIN && r != -EINTR))
			break;
	}
	_exit(0);
}

static int setup(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	char c;

	(void)state;
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(release, O_CLOEXEC) < 0)
		return -1;
	atomic_store(&seen->n, 0);
	server = fork();
	if (server == 0)
		server_run();
	close(ready[1]);
	pfd.fd = ready[0];
	return poll(&pfd, 1, LIMIT) == 1 && read(ready[0], &c, 1) == 1 ? 0 : -1;
}

/* Whatever happened, nobody hangs afterwards. */
static int teardown(void **state)
{
	(void)state;
	umount2(dir, MNT_FORCE | MNT_DETACH);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	close(ready[0]);
	close(release[0]);
	close(release[1]);
	return 0;
}

/* ---- what became of an operation ---- */

struct outcome {
	struct lock lock;
	struct cond cond;
	int count, result, order; /* how often it ended, how, and as which of all */
};

static atomic_int order;

static void outcome_set(void *arg, int result)
{
	struct outcome *o = arg;

	lock_acquire(&o->lock);
	o->count++;
	o->result = result;
	o->order = atomic_fetch_add(&order, 1);
	cond_broadcast(&o->cond);
	lock_release(&o->lock);
}

static void outcome_init(struct outcome *o)
{
	*o = (struct outcome){ 0 };
	lock_init(&o->lock);
	cond_init(&o->cond);
}

static int outcome_get(struct outcome *o)
{
	uint64_t until = clock_msec() + LIMIT;
	int count, result;

	lock_acquire(&o->lock);
	while (!o->count && cond_wait(&o->cond, &o->lock, until))
		;
	count = o->count;
	result = o->result;
	lock_release(&o->lock);
	assert_int_equal(count, 1);
	return result;
}

static int wait_for(struct herald *h, enum herald_op op, const char *name, const char *to)
{
	struct outcome o;

	outcome_init(&o);
	herald_do(h, op, name, to, outcome_set, &o);
	return outcome_get(&o);
}

static void wait_for_all(struct herald *h)
{
	struct outcome o;

	outcome_init(&o);
	herald_after(h, outcome_set, &o);
	assert_int_equal(outcome_get(&o), 0);
}

/* Until it has seen N requests. */
static void wait_seen(int n)
{
	uint64_t until = clock_msec() + LIMIT;

	while (atomic_load(&seen->n) < n) {
		assert_true(clock_msec() < until);
		sched_yield();
	}
}

static struct herald *start(void)
{
	struct herald *h = NULL;
	struct err e = { 0 };

	assert_int_equal(herald_start(dir, &h, &e), 0);
	return h;
}

static void let_go(void)
{
	assert_int_equal(write(release[1], "g", 1), 1);
}

#endif
