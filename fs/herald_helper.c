#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "buf.h"
#include "fs/herald.h"
#include "fs/herald_wire.h"
#include "hypervisor/base/self_spawn.h"

#define NAMES_MAX 2 /* of an operation */

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000u /* Linux 6.8 */
#endif

struct helper {
	const char *mountpoint;
	uint64_t mount; /* its id, which no other mount ever has; 0: not known yet, or this kernel has none */
};

/* Directories of others are changed and files of others touched; nothing else that root may do is needed. */
static int caps_keep_few(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const uint32_t keep = 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < COUNT(data); i++) {
		data[i].permitted &= i == 0 ? keep : 0;
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Whether the directory ROOT is what we are for: nothing may be made below a mount point without a mount, or in another one. */
static int root_check(struct helper *h, int root)
{
	const unsigned mask = STATX_MNT_ID_UNIQUE;
	struct statfs fs;
	struct statx st;

	if (statx(root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, &st) < 0)
		return -errno;
	if (h->mount)
		return st.stx_mnt_id == h->mount ? 0 : -ENODEV;
	if (fstatfs(root, &fs) < 0) /* the daemon is asked, so not each time */
		return -errno;
	if (fs.f_type != FUSE_SUPER_MAGIC)
		return -ENODEV;
	h->mount = st.stx_mask & mask ? st.stx_mnt_id : 0;
	return 0;
}

/* The mount's root, or -errno. It is not kept open: umount(8) would say that the mount is busy. */
static int root_open(struct helper *h)
{
	int fd = open(h->mountpoint, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = root_check(h, fd);
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static int op_run(uint32_t op, int root, char *const name[NAMES_MAX])
{
	/* Only the time of writing: a watcher sees MODIFY then. */
	static const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };

	switch (op) {
	case HERALD_TOUCH:
		return utimensat(root, name[0], times, AT_SYMLINK_NOFOLLOW);
	case HERALD_MKDIR:
		return mkdirat(root, name[0], 0755);
	case HERALD_RMDIR:
		return unlinkat(root, name[0], AT_REMOVEDIR);
	case HERALD_UNLINK:
		return unlinkat(root, name[0], 0);
	case HERALD_RENAME:
		return renameat(root, name[0], root, name[1]);
	}
	errno = EINVAL;
	return -1;
}

/* Below the root, and nothing else. */
static bool name_good(const char *s)
{
	const char *part = s;
	size_t n;

	if (*s == '/' || !*s)
		return false;
	for (; *part; part += n + (part[n] == '/')) {
		n = strcspn(part, "/");
		if (n == 2 && memcmp(part, "..", 2) == 0)
			return false;
	}
	return true;
}

/* Request of N bytes, NUL behind them. 0 or -errno. */
static int request_serve(struct helper *h, const struct herald_request *q, char *p, size_t n)
{
	char *name[NAMES_MAX] = { p, p }, *end = p + n;
	uint32_t count = 0;
	int root, r = 0;

	for (char *s = p; s < end; s += strlen(s) + 1) {
		if (!name_good(s))
			return -EINVAL;
		if (count < NAMES_MAX)
			name[count] = s;
		count++;
	}
	if (count != (q->op == HERALD_RENAME ? 2 : 1) || end[-1])
		return -EINVAL;
	root = root_open(h);
	if (root < 0)
		return root;
	if (op_run(q->op, root, name) < 0)
		r = -errno;
	close(root);
	return r;
}

static int helper_serve(struct helper *h)
{
	char *p = x_alloc(HERALD_PACKET_MAX + 1);
	struct herald_reply reply = { 0 };
	struct herald_request q;
	ssize_t n;
	int ret;

	for (;;) {
		n = recv(SELF_FD, p, HERALD_PACKET_MAX, MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		ret = n == 0 ? 0 : 1; /* 0: the daemon has ended */
		if (n < (ssize_t)sizeof(q) || n > HERALD_PACKET_MAX)
			break;
		p[n] = '\0';
		memcpy(&q, p, sizeof(q));
		reply.serial = q.serial;
		reply.result = request_serve(h, &q, p + sizeof(q), (size_t)n - sizeof(q));
		do {
			n = send(SELF_FD, &reply, sizeof(reply), MSG_NOSIGNAL);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			break;
	}
	free(p);
	return ret;
}

bool herald_helper(int argc, char **argv, int *status)
{
	struct helper h = { 0 };

	if (argc != 3 || strcmp(argv[0], HERALD_ARGV0) != 0 || strcmp(argv[1], HERALD_ARGV1) != 0)
		return false;
	*status = 1;
	h.mountpoint = argv[2];
	if (close_range(SELF_FD + 1, ~0u, 0) < 0 || chdir("/") < 0 || prctl(PR_SET_NAME, HERALD_ARGV0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || caps_keep_few() < 0)
		return true;
	/* If the herald is dead already this comes too late, but then the socket says so when its process has ended. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return true;
	umask(0);
	*status = helper_serve(&h);
	return true;
}
