#include "access.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "hypervisor/base/access_wire.h"

#define NAME_MSEC 1000     /* what the name for a sentence is waited for */
#define GROUPS_LIMIT 65536 /* the kernel's */

static bool sock_wait(int sock, uint64_t deadline)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	uint64_t now;
	int r;

	do {
		now = clock_msec();
		r = poll(&pfd, 1, now >= deadline ? 0 : deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now));
	} while ((r < 0 && errno == EINTR) || (r == 0 && clock_msec() < deadline));
	return r > 0;
}

/* One packet: head to *reply, tail (at most ACCESS_PART bytes) to TAIL, descriptor to *fd. Tail's size or -errno. */
static ssize_t packet_recv(int sock, uint64_t deadline, struct access_reply *reply, char *tail, int *fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = { { .iov_base = reply, .iov_len = sizeof(*reply) },
		                { .iov_base = tail, .iov_len = ACCESS_PART } };
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = 2, .msg_control = control.room, .msg_controllen = sizeof(control.room)
	};
	struct cmsghdr *h;
	ssize_t n;

	*fd = -1;
	if (!sock_wait(sock, deadline))
		return -ETIMEDOUT;
	n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(fd, CMSG_DATA(h), sizeof(*fd));
	}
	if (n >= (ssize_t)sizeof(*reply) && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n - (ssize_t)sizeof(*reply);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EPIPE; /* it ended, or talks nonsense */
}

static int request_send(int sock, const struct user *u, const char *path, const struct access_wish *w)
{
	struct access_request q = { .uid = u->uid,
		                    .gid = u->gid,
		                    .ngroups = (uint32_t)u->ngroups,
		                    .path_len = (uint32_t)strlen(path),
		                    .ask = w->ask,
		                    .flags = w->flags,
		                    .read_max = w->read_max };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov[3] = { { .iov_base = &q, .iov_len = sizeof(q) },
		                { .iov_base = (void *)(uintptr_t)u->groups, .iov_len = u->ngroups * sizeof(gid_t) },
		                { .iov_base = (void *)(uintptr_t)path, .iov_len = q.path_len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	struct cmsghdr *h;

	if (w->fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &w->fd, sizeof(w->fd));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static const char *flags_text(int flags)
{
	return flags == O_RDONLY ? "reading" : flags == O_WRONLY ? "writing" : "reading and writing";
}

/* The sentence for a verdict; WHO is "alice (uid 1000)". */
static int verdict_fail(struct err *e, const struct access_reply *v, const char *path, const char *who, int flags)
{
	bool denied = v->code == EACCES || v->code == EPERM;

	switch (v->step) {
	case ACCESS_BECOME:
		return fail(e, v->code, "%s: the rights of %s cannot be taken: %s", path, who, strerror(v->code));
	case ACCESS_FIND:
		if (denied)
			return fail(e, v->code, "%s: %s may not search the folders above it", path, who);
		if (v->code == ELOOP)
			return fail(e, v->code, "%s: symbolic links in a circle, or one of /proc", path);
		return fail(e, v->code, "%s: %s does not find it: %s", path, who, strerror(v->code));
	case ACCESS_KIND:
		return fail(e, v->code,
		            "%s: not a regular file (nor, but for root, may it lie on FUSE) or block device", path);
	case ACCESS_OPEN:
		if (denied)
			return fail(e, v->code, "%s: %s may not open it for %s", path, who, flags_text(flags));
		return fail(e, v->code, "%s: %s cannot open it for %s: %s", path, who, flags_text(flags),
		            strerror(v->code));
	case ACCESS_FOLDER:
		if (denied)
			return fail(e, v->code, "%s: %s may not search the folders above it", path, who);
		if (v->code == EEXIST)
			return fail(e, v->code, "%s: there is one already; take another name or remove it", path);
		return fail(e, v->code, "%s: %s does not find its folder: %s", path, who, strerror(v->code));
	case ACCESS_CREATE:
		if (denied)
			return fail(e, v->code, "%s: %s may not make files in this folder", path, who);
		if (v->code == EOPNOTSUPP || v->code == EISDIR)
			return fail(e, EOPNOTSUPP,
			            "%s: this file system has no files without a name; take a folder on another", path);
		return fail(e, v->code, "%s: %s cannot make it: %s", path, who, strerror(v->code));
	case ACCESS_NAME_IT:
		if (v->code == EEXIST)
			return fail(e, v->code, "%s: somebody else made one meanwhile", path);
		return fail(e, v->code, "%s: %s cannot give it its name: %s", path, who, strerror(v->code));
	default:
		if (v->code == EFBIG)
			return fail(e, v->code, "%s: too long a text", path);
		return fail(e, v->code, "%s: %s cannot read it: %s", path, who, strerror(v->code));
	}
}

/* Take packets until the verdict: text goes to w->text. The descriptor, 0 where none is due, or -errno. */
static int verdict_wait(int sock, const struct user *u, const char *path, const struct access_wish *w,
                        uint64_t deadline, struct err *e)
{
	bool hands = !w->text && w->ask != ACCESS_ASK_NAME;
	char *tail = x_alloc(ACCESS_PART), *who = NULL;
	struct access_reply v, named;
	int fd = -1, none = -1, r;
	uint64_t soon;
	ssize_t n;

	for (;;) {
		n = packet_recv(sock, deadline, &v, tail, &fd);
		if (n < 0 || v.what != ACCESS_TEXT || fd >= 0)
			break;
		if (!w->text || (size_t)n > w->read_max - w->text->len) {
			n = -EPIPE;
			break;
		}
		buf_add(w->text, tail, (size_t)n);
	}
	if (n == -ETIMEDOUT) {
		r = fail(e, ETIMEDOUT, "%s: was not open in time: the file system it lies on does not answer", path);
		goto out;
	}
	if (n != 0 || v.what != ACCESS_VERDICT || v.code < 0 || v.step >= ACCESS_STEPS ||
	    (fd >= 0) != (v.code == 0 && hands)) {
		r = fail(e, EIO, "%s: the process that should open it for uid %u ended", path, (unsigned)u->uid);
		goto out;
	}
	if (v.code == 0) {
		r = hands ? fd : 0;
		fd = -1;
		goto out;
	}
	soon = clock_msec() + NAME_MSEC;
	n = packet_recv(sock, deadline < soon ? deadline : soon, &named, tail, &none);
	if (n > 0 && n < ACCESS_NAME && named.what == ACCESS_USER)
		who = x_printf("%.*s (uid %u)", (int)n, tail, (unsigned)u->uid);
	else
		who = x_printf("uid %u", (unsigned)u->uid);
	r = verdict_fail(e, &v, path, who, w->flags);
out:
	if (fd >= 0)
		close(fd);
	if (none >= 0)
		close(none);
	free(tail);
	free(who);
	return r;
}

int access_ask(const struct user *u, const char *path, const struct access_wish *w, uint64_t deadline, struct err *e)
{
	struct access_child c;
	int r;

	if (*path != '/')
		return fail(e, EINVAL, "\"%s\" is not a path from / on", path);
	if (strlen(path) >= PATH_MAX)
		return fail(e, ENAMETOOLONG, "%s: this path is too long", path);
	if (w->flags != O_RDONLY && w->flags != O_WRONLY && w->flags != O_RDWR)
		return fail(e, EINVAL, "%s: open flags %#x are not for users' files", path, (unsigned)w->flags);
	if (u->ngroups > ACCESS_GROUPS_MAX)
		return fail(e, EPERM, "%s: uid %u is in more than %d groups", path, (unsigned)u->uid,
		            ACCESS_GROUPS_MAX);
	if (clock_msec() >= deadline)
		return fail(e, ETIMEDOUT, "%s: no time was left to open it", path);
	r = access_child_start(&c, u->uid, e);
	if (r < 0) {
		fail_in(e, "%s", path);
		return r;
	}
	r = request_send(c.sock, u, path, w);
	if (r < 0)
		fail(e, -r, "%s: the process that opens files cannot be asked: %s", path, strerror(-r));
	else
		r = verdict_wait(c.sock, u, path, w, deadline, e);
	access_child_end(&c);
	return r;
}

int access_open(const struct user *u, const char *path, int flags, uint64_t deadline, struct err *e)
{
	const struct access_wish w = { .flags = flags, .read_max = SIZE_MAX, .fd = -1 };

	return access_ask(u, path, &w, deadline, e);
}

/* The helper reads, too: a file system of the user's own can stop in the middle. */
int access_read(const struct user *u, const char *path, size_t max, uint64_t deadline, struct buf *ret, struct err *e)
{
	struct buf text = { 0 };
	const struct access_wish w = {
		.flags = O_RDONLY, .read_max = max < SIZE_MAX ? max : max - 1, .fd = -1, .text = &text
	};
	int r = access_ask(u, path, &w, deadline, e);

	if (r == 0)
		buf_add(ret, text.p, text.len);
	buf_free(&text);
	return r;
}

#define NO_GROUP 65534 /* the kernel's overflow gid */

/* The groups of NAME, counted into *count. */
static gid_t *groups_get(const char *name, gid_t gid, int *count)
{
	gid_t *groups = NULL;
	int room = 32, n;

	do {
		n = room;
		groups = x_grow(groups, (size_t)room, sizeof(*groups));
		if (getgrouplist(name, gid, groups, &n) >= 0) {
			*count = n;
			return groups;
		}
		room = n > room ? n : room * 2;
	} while (room <= GROUPS_LIMIT);
	free(groups);
	return NULL;
}

int access_user(uid_t uid, struct user *ret, gid_t **groups, struct err *e)
{
	struct passwd pw, *found = NULL;
	size_t room = 1024;
	char *p = NULL;
	gid_t *list;
	int n = 0, r;

	do {
		room *= 2;
		p = x_grow(p, room, 1);
		r = getpwuid_r(uid, &pw, p, room, &found);
	} while (r == EINTR || (r == ERANGE && room < 1024 * 1024));
	if (r != 0) {
		r = fail(e, r, "uid %u: the name service fails: %s", (unsigned)uid, strerror(r));
		goto out;
	}
	if (!found) { /* a user without a name belongs to no group */
		list = x_array(1, sizeof(*list));
		list[0] = NO_GROUP;
		*ret = (struct user){ .uid = uid, .gid = NO_GROUP, .groups = list, .ngroups = 1 };
		*groups = list;
		goto out;
	}
	list = groups_get(pw.pw_name, pw.pw_gid, &n);
	if (!list) {
		r = fail(e, EPERM, "%s (uid %u): too many groups", pw.pw_name, (unsigned)uid);
		goto out;
	}
	*ret = (struct user){ .uid = uid, .gid = pw.pw_gid, .groups = list, .ngroups = (size_t)n };
	*groups = list;
out:
	free(p);
	return r;
}

/* What a namespace or root is told apart by. */
static int place_look(const char *task, const char *what, struct statx *ret)
{
	char *path = x_printf("/proc/%s/%s", task, what);
	int r;

	memset(ret, 0, sizeof(*ret));
	r = statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID, ret) < 0 ? -errno : 0;
	free(path);
	return r;
}

static bool place_same(const struct statx *a, const struct statx *b, bool mount)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor && (!mount || a->stx_mnt_id == b->stx_mnt_id);
}

int access_same_world(pid_t tid, struct err *e)
{
	static const struct {
		const char *file, *what;
		bool mount; /* the same folder, mounted elsewhere, has other mounts below it */
	} places[] = {
		{ "ns/mnt", "mount namespace", false },
		{ "ns/user", "user namespace", false },
		{ "root", "root folder", true },
	};
	struct statx his, ours;
	char *task;
	int r = 0;

	if (tid <= 0)
		return fail(e, EPERM, "paths cannot be named from another pid namespace");
	task = x_printf("%d", (int)tid);
	for (size_t i = 0; r == 0 && i < COUNT(places); i++) {
		if (place_look("self", places[i].file, &ours) < 0 || place_look(task, places[i].file, &his) < 0)
			r = fail(e, EPERM, "paths cannot be named: the %s of process %s cannot be seen", places[i].what,
			         task);
		else if (!place_same(&his, &ours, places[i].mount))
			r = fail(e, EPERM, "paths cannot be named from another %s than the daemon's", places[i].what);
	}
	free(task);
	return r;
}
