#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "access.h"
#include "buf.h"
#include "hypervisor/base/access_wire.h"
#include "hypervisor/base/self_spawn.h"

/* One packet, with FD when it is not -1. */
static int packet_send(const struct access_reply *reply, const void *p, size_t n, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = { { .iov_base = (void *)(uintptr_t)reply, .iov_len = sizeof(*reply) },
		                { .iov_base = (void *)(uintptr_t)p, .iov_len = n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n ? 2 : 1 };
	struct cmsghdr *h;
	ssize_t r;

	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	do {
		r = sendmsg(SELF_FD, &m, MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int caps_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
		return -errno;
	memset(data, 0xff, sizeof(data));
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < COUNT(data); i++) {
		if (data[i].effective | data[i].permitted | data[i].inheritable)
			return -EPERM;
	}
	return 0;
}

/* Become the user for good. Root keeps its capabilities: it may open what root may open. */
static int user_become(const struct access_request *q, const gid_t *groups)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;
	int rc = 0;

	umask(077);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return -EPERM;
	if (geteuid() != 0) /* a daemon that is not root acts for its own user alone */
		return q->uid == geteuid() && q->uid == getuid() ? caps_drop() : -EPERM;
	if (setgroups(q->ngroups, groups) < 0 || setresgid(q->gid, q->gid, q->gid) < 0 ||
	    setresuid(q->uid, q->uid, q->uid) < 0)
		return -errno;
	if (q->uid != 0)
		rc = caps_drop();
	if (rc < 0)
		return rc;
	if (getresuid(&r, &e, &s) < 0 || getresgid(&gr, &ge, &gs) < 0 || r != q->uid || e != q->uid || s != q->uid ||
	    gr != q->gid || ge != q->gid || gs != q->gid || getgroups(0, NULL) != (int)q->ngroups)
		return -EPERM;
	return q->uid != 0 && setuid(0) == 0 ? -EPERM : 0;
}

/* Open PATH. It is looked at before it is opened: opening alone does things to FIFOs, terminals and tapes. */
static int path_open(const struct access_request *q, const char *path, int proc, uint32_t *step)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
	int at, fd = -1, r = 0;
	char number[16];
	struct statfs fs;
	struct stat st;

	*step = ACCESS_FIND;
	at = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (at < 0)
		return -errno;
	if (fstat(at, &st) < 0) {
		r = -errno;
		goto out;
	}
	*step = ACCESS_KIND;
	if (!S_ISREG(st.st_mode) && (!S_ISBLK(st.st_mode) || q->read_max != SIZE_MAX)) {
		r = -EINVAL;
		goto out;
	}
	/* The daemon reads and closes what it is handed, and a FUSE server of the user's could hold it there for ever. */
	if (q->uid && q->read_max == SIZE_MAX && (fstatfs(at, &fs) < 0 || fs.f_type == FUSE_SUPER_MAGIC)) {
		r = -EINVAL;
		goto out;
	}
	*step = ACCESS_OPEN;
	snprintf(number, sizeof(number), "%d", at);
	fd = openat(proc, number, q->flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		r = -errno;
out:
	close(at);
	return r < 0 ? r : fd;
}

/* The folder that PATH names something in; *name is what it calls it. */
static int folder_find(const char *path, const char **name, uint32_t *step)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
	const char *slash = strrchr(path, '/');
	char *folder;
	int at;

	*step = ACCESS_FOLDER;
	if (!slash[1] || !strcmp(slash, "/.") || !strcmp(slash, "/.."))
		return -EISDIR;
	folder = slash == path ? x_strdup("/") : x_strndup(path, (size_t)(slash - path));
	at = (int)syscall(SYS_openat2, AT_FDCWD, folder, &how, sizeof(how));
	free(folder);
	*name = slash + 1;
	return at < 0 ? -errno : at;
}

/* A file without a name where PATH is to be. */
static int path_create(const struct access_request *q, const char *path, uint32_t *step)
{
	const char *name;
	struct statfs fs;
	struct stat st;
	int at = folder_find(path, &name, step), fd = -1, r = 0;

	if (at < 0)
		return at;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = -EEXIST;
	else if (errno != ENOENT)
		r = -errno;
	else if (q->uid && (fstatfs(at, &fs) < 0 || fs.f_type == FUSE_SUPER_MAGIC)) { /* as in path_open() */
		*step = ACCESS_KIND;
		r = -EINVAL;
	}
	if (r == 0) {
		*step = ACCESS_CREATE;
		fd = openat(at, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		r = fd < 0 ? -errno : 0;
	}
	close(at);
	return r < 0 ? r : fd;
}

/* The name is on disk when this returns 0. Whoever may not read the folder cannot sync it alone. */
static int folder_sync(int at, int fd)
{
	int dir = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	r = dir >= 0 ? fsync(dir) : syncfs(fd);
	r = r < 0 ? -errno : 0;
	if (dir >= 0)
		close(dir);
	return r;
}

/* The file FD gets the name PATH. It is never in anybody's place, and a link of that name is not followed. */
static int path_name(const char *path, int proc, int fd, uint32_t *step)
{
	char number[16];
	const char *name;
	int at = folder_find(path, &name, step), r;

	if (at < 0)
		return at;
	*step = ACCESS_NAME_IT;
	snprintf(number, sizeof(number), "%d", fd);
	r = linkat(proc, number, at, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
	if (r == 0) {
		r = folder_sync(at, fd);
		if (r < 0)
			unlinkat(at, name, 0);
	}
	close(at);
	return r;
}

/* The text of FD in parts. */
static int text_send(int fd, uint64_t max)
{
	static const struct access_reply part = { .what = ACCESS_TEXT };
	char *p = x_alloc(ACCESS_PART);
	uint64_t sent = 0;
	ssize_t n;
	int r;

	for (;;) {
		n = read(fd, p, ACCESS_PART);
		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : 0;
		if (n <= 0)
			break;
		sent += (uint64_t)n;
		r = sent > max ? -EFBIG : packet_send(&part, p, (size_t)n, -1);
		if (r < 0)
			break;
	}
	free(p);
	return r;
}

/* The name service may be slow or stuck; here it can be killed. */
static void user_send(uid_t uid)
{
	static const struct access_reply reply = { .what = ACCESS_USER };
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		packet_send(&reply, pw->pw_name, strnlen(pw->pw_name, ACCESS_NAME - 1), -1);
}

/* What Q asks for, as its user. The descriptor to hand over, -1 when there is none, in *fd. */
static int request_do(const struct access_request *q, const char *path, int proc, int given, int *fd, uint32_t *step)
{
	int r;

	if (q->ask == ACCESS_ASK_NAME)
		return path_name(path, proc, given, step);
	r = q->ask == ACCESS_ASK_CREATE ? path_create(q, path, step) : path_open(q, path, proc, step);
	if (r < 0)
		return r;
	*fd = r;
	if (q->read_max == SIZE_MAX)
		return 0;
	*step = ACCESS_READ;
	r = text_send(*fd, q->read_max);
	close(*fd);
	*fd = -1;
	return r;
}

static int request_serve(const struct access_request *q, const gid_t *groups, const char *path, int given)
{
	struct access_reply verdict = { .what = ACCESS_VERDICT, .step = ACCESS_BECOME };
	int proc, fd = -1, r;

	/* Opened before: the files of a process that changed its user are root's, though its own to use. */
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = proc < 0 ? -errno : user_become(q, groups);
	if (r == 0)
		r = request_do(q, path, proc, given, &fd, &verdict.step);
	verdict.code = -r;
	if (packet_send(&verdict, NULL, 0, fd) < 0)
		return 1;
	if (r < 0)
		user_send(q->uid);
	return 0;
}

/* The request, and the descriptor that came with it, -1 when none did. */
static ssize_t request_recv(char *p, size_t room, int *given)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = p, .iov_len = room };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)
	};
	ssize_t n = recvmsg(SELF_FD, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

	*given = -1;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(given, CMSG_DATA(h), sizeof(*given));
	return n >= 0 && m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -1 : n;
}

bool access_helper(int argc, char **argv, int *ret)
{
	const int accmodes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	struct access_request q;
	bool known = false;
	gid_t *groups;
	char *p, *path;
	ssize_t n;
	int given;

	if (argc != 2 || strcmp(argv[0], ACCESS_ARGV0) != 0 || strcmp(argv[1], ACCESS_ARGV1) != 0)
		return false;
	*ret = 1;
	if (close_range(SELF_FD + 1, ~0u, 0) < 0)
		return true;
	p = x_alloc(ACCESS_REQUEST_MAX + 1);
	n = request_recv(p, ACCESS_REQUEST_MAX, &given);
	if (n < (ssize_t)sizeof(q))
		goto out;
	memcpy(&q, p, sizeof(q));
	for (size_t i = 0; i < COUNT(accmodes); i++)
		known |= q.flags == accmodes[i];
	known &= q.ask <= ACCESS_ASK_NAME && (q.ask == ACCESS_ASK_NAME) == (given >= 0);
	if (!known || q.ngroups > ACCESS_GROUPS_MAX || q.path_len >= PATH_MAX ||
	    (size_t)n != sizeof(q) + q.ngroups * sizeof(gid_t) + q.path_len)
		goto out;
	groups = (gid_t *)(void *)(p + sizeof(q)); /* aligned: the request's size is a multiple of 8 */
	path = p + sizeof(q) + q.ngroups * sizeof(gid_t);
	if (*path != '/' || memchr(path, '\0', q.path_len))
		goto out;
	*ret = request_serve(&q, groups, path, given);
out:
	free(p);
	return true;
}
