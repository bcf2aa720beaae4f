/*
 * usage: nullfs SOURCE MOUNTPOINT
 * A FUSE filesystem that does nothing: the names, sizes and texts of SOURCE, taken at start, served as they are by one
 * thread. It is mounted, configured and read from as domfs is: names are cached by the kernel, attributes only from GETATTR,
 * OPENDIR answers ENOSYS so that listings come from the cache, files are keep_cache and noflush; those named ctl are direct_io
 * and take every write. What it costs is what the kernel and libfuse cost. TALLY=FILE in its environment counts requests by
 * opcode.
 */
#define FUSE_USE_VERSION 314
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG 86400.0
#define BATCH 64 /* requests between two polls, as in fs/session.c */
#define TALLY_ROWS 512
#define TEXT_MAX 65536

struct node {
	char *name;
	char *text; /* NULL: zeros */
	size_t size;
	mode_t mode;
	unsigned parent;
	unsigned first, count; /* of a directory: its children are neighbours, in the order of their names */
	bool ctl;
};

static struct node *nodes;
static unsigned node_count, node_room;
static char zeros[1 << 20];

/* ---- the tree, once ---- */

static char *text_read(int dir, const char *name, size_t size)
{
	char *text = malloc(size + 1);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (!text || fd < 0 || read(fd, text, size) != (ssize_t)size)
		error(1, errno, "%s", name);
	close(fd);
	return text;
}

static void node_add(int dir, const char *name, unsigned parent)
{
	struct node *n;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		error(1, errno, "%s", name);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return;
	if (node_count == node_room) {
		node_room = node_room ? node_room * 2 : 1024;
		nodes = realloc(nodes, node_room * sizeof(*nodes));
		if (!nodes)
			error(1, errno, "nodes");
	}
	n = &nodes[node_count++];
	*n = (struct node){ .name = strdup(name), .mode = st.st_mode, .parent = parent };
	if (!S_ISREG(st.st_mode))
		return;
	n->size = (size_t)st.st_size;
	n->ctl = !strcmp(name, "ctl");
	if (st.st_blocks && n->size && n->size <= TEXT_MAX)
		n->text = text_read(dir, name, n->size);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static void dir_load(int fd, unsigned index)
{
	unsigned first = node_count, count;
	DIR *d = fdopendir(fd);

	if (!d)
		error(1, errno, "fdopendir");
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			node_add(fd, e->d_name, index);
	count = node_count - first;
	qsort(nodes + first, count, sizeof(*nodes), by_name);
	nodes[index].first = first;
	nodes[index].count = count;
	for (unsigned i = first; i < first + count; i++)
		if (S_ISDIR(nodes[i].mode))
			dir_load(openat(fd, nodes[i].name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), i);
	closedir(d);
}

static void attr_fill(unsigned index, struct stat *st)
{
	const struct node *n = &nodes[index];

	*st = (struct stat){ .st_ino = index + 1, .st_mode = n->mode, .st_size = (off_t)n->size };
	st->st_nlink = S_ISDIR(n->mode) ? 2 : 1;
}

static void entry_fill(unsigned index, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){ .ino = index + 1, .generation = 1, .entry_timeout = LONG };
	attr_fill(index, &e->attr);
}

/* ---- the operations ---- */

/* To be the same as in fs/ops.c: what the kernel asks for depends on it. */
static void op_init(void *arg, struct fuse_conn_info *conn)
{
	(void)arg;
	conn->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
	                FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_READ);
	conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct node *dir = &nodes[parent - 1], *n;
	struct node key = { .name = (char *)name };
	struct fuse_entry_param e;

	n = dir->count ? bsearch(&key, nodes + dir->first, dir->count, sizeof(*n), by_name) : NULL;
	if (!n) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	entry_fill((unsigned)(n - nodes), &e);
	fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	attr_fill((unsigned)ino - 1, &st);
	fuse_reply_attr(req, &st, LONG);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int valid, struct fuse_file_info *fi)
{
	struct stat st;

	(void)attr, (void)valid, (void)fi;
	attr_fill((unsigned)ino - 1, &st);
	fuse_reply_attr(req, &st, 0);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct node *dir = &nodes[ino - 1];
	char *buf = malloc(size);
	size_t used = 0;

	(void)fi;
	for (unsigned i = (unsigned)off; buf && i < dir->count; i++) {
		struct fuse_entry_param e;
		size_t n;

		entry_fill(dir->first + i, &e);
		n = fuse_add_direntry_plus(req, buf + used, size - used, nodes[dir->first + i].name, &e, i + 1);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (nodes[ino - 1].ctl) {
		fi->direct_io = 1;
	} else {
		fi->keep_cache = 1;
		fi->noflush = 1;
	}
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct node *n = &nodes[ino - 1];
	size_t left = (size_t)off < n->size ? n->size - (size_t)off : 0;

	(void)fi;
	if (left > size)
		left = size;
	if (left > sizeof(zeros))
		left = sizeof(zeros);
	fuse_reply_buf(req, n->text ? n->text + off : zeros, left);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *p, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino, (void)p, (void)off, (void)fi;
	fuse_reply_write(req, size);
}

static void op_done(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.opendir = op_opendir,
	.readdirplus = op_readdirplus,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_done,
	.release = op_done,
};

/* ---- the loop ---- */

static uint64_t *tally_map(void)
{
	const char *path = getenv("TALLY");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	void *p;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, TALLY_ROWS * sizeof(uint64_t)))
		error(1, errno, "%s", path);
	p = mmap(NULL, TALLY_ROWS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static struct fuse_session *session_mount(const char *mountpoint)
{
	char *argv[] = { "nullfs", NULL }, data[128], path[32];
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *s = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (!s || fd < 0)
		error(1, errno, "/dev/fuse");
	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (mount("nullfs", mountpoint, "fuse.nullfs", MS_NOSUID | MS_NODEV, data))
		error(1, errno, "%s", mountpoint);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	if (fuse_session_mount(s, path))
		error(1, 0, "%s cannot be mounted", mountpoint);
	return s;
}

/* Requests that are there; false at the end. */
static bool take_requests(struct fuse_session *s, struct fuse_buf *buf, uint64_t *tally)
{
	for (int i = 0; i < BATCH; i++) {
		int n = fuse_session_receive_buf(s, buf);

		if (n == -EAGAIN || n == -EINTR)
			return true;
		if (n <= 0)
			return false;
		if (tally && ((struct fuse_in_header *)buf->mem)->opcode < TALLY_ROWS)
			tally[((struct fuse_in_header *)buf->mem)->opcode]++;
		fuse_session_process_buf(s, buf);
	}
	return !fuse_session_exited(s);
}

/* A second descriptor is polled because domfs does. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct fuse_session *s;
	struct fuse_buf buf = { 0 };
	uint64_t *tally;

	if (argc != 3)
		error(2, 0, "usage: nullfs SOURCE MOUNTPOINT");
	node_add(AT_FDCWD, argv[1], 0);
	if (!node_count)
		error(1, 0, "%s: not a folder", argv[1]);
	dir_load(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	tally = tally_map();
	s = session_mount(argv[2]);
	fds[0].fd = fuse_session_fd(s);
	fds[1].fd = signals_open();
	do {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			error(1, errno, "poll");
	} while (!(fds[1].revents & POLLIN) && (!fds[0].revents || take_requests(s, &buf, tally)));
	return 0;
}
