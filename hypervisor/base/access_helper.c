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
		r = sendmsg(ACCESS_FD, &m, MSG_NOSIGNAL);
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

static int request_serve(const struct access_request *q, const gid_t *groups, const char *path)
{
	struct access_reply verdict = { .what = ACCESS_VERDICT, .step = ACCESS_BECOME };
	int proc, fd = -1, r;

	/* Opened before: the files of a process that changed its user are root's, though its own to use. */
	proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = proc < 0 ? -errno : user_become(q, groups);
	if (r == 0) {
		fd = path_open(q, path, proc, &verdict.step);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0 && q->read_max != SIZE_MAX) {
		verdict.step = ACCESS_READ;
		r = text_send(fd, q->read_max);
		close(fd);
		fd = -1;
	}
	verdict.code = -r;
	if (packet_send(&verdict, NULL, 0, fd) < 0)
		return 1;
	if (r < 0)
		user_send(q->uid);
	return 0;
}

bool access_helper(int argc, char **argv, int *ret)
{
	const int accmodes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	struct access_request q;
	bool known = false;
	gid_t *groups;
	char *p, *path;
	ssize_t n;

	if (argc != 2 || strcmp(argv[0], ACCESS_ARGV0) != 0 || strcmp(argv[1], ACCESS_ARGV1) != 0)
		return false;
	*ret = 1;
	if (close_range(ACCESS_FD + 1, ~0u, 0) < 0)
		return true;
	p = x_alloc(ACCESS_REQUEST_MAX + 1);
	n = recv(ACCESS_FD, p, ACCESS_REQUEST_MAX, MSG_TRUNC);
	if (n < (ssize_t)sizeof(q) || n > (ssize_t)ACCESS_REQUEST_MAX)
		goto out;
	memcpy(&q, p, sizeof(q));
	for (size_t i = 0; i < COUNT(accmodes); i++)
		known |= q.flags == accmodes[i];
	if (!known || q.ngroups > ACCESS_GROUPS_MAX || q.path_len >= PATH_MAX ||
	    (size_t)n != sizeof(q) + q.ngroups * sizeof(gid_t) + q.path_len)
		goto out;
	groups = (gid_t *)(void *)(p + sizeof(q)); /* aligned: the request's size is a multiple of 8 */
	path = p + sizeof(q) + q.ngroups * sizeof(gid_t);
	if (*path != '/' || memchr(path, '\0', q.path_len))
		goto out;
	*ret = request_serve(&q, groups, path);
out:
	free(p);
	return true;
}
