#include "backends/qemu/guest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int run_folder_open(struct guest *g, struct err *e)
{
	g->dirfd = openat(g->b->dirfd, g->serial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->dirfd < 0)
		return fail(e, errno, "%s: %s", g->dir, strerror(errno));
	/* Open for both, so that there is never an end of input and nothing waits for the other side. */
	g->ev_in = openat(g->dirfd, "ev.in", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	g->ser_in = openat(g->dirfd, "ser.in", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	return 0;
}

int run_folder_make(struct guest *g, struct err *e)
{
	int folder, rc;

	if (mkdirat(g->b->dirfd, g->serial, 0700) < 0)
		return fail(e, errno, "%s: %s", g->dir, strerror(errno));
	folder = openat(g->b->dirfd, g->serial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = folder < 0 ? fail(e, errno, "%s: %s", g->dir, strerror(errno)) : process_folder(folder, g->uid, e);
	if (folder >= 0)
		close(folder);
	if (rc == 0)
		rc = run_folder_open(g, e);
	if (rc == 0 && (g->ev_in < 0 || g->ser_in < 0))
		rc = fail(e, EIO, "%s: its pipes cannot be opened", g->dir);
	if (rc < 0)
		run_folder_remove(g->b->dirfd, g->serial);
	return rc;
}

void run_folder_remove(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *ent;

	if (d)
		record_remove(fd);
	while (d && (ent = readdir(d)))
		if (strcmp(ent->d_name, ".") != 0 && strcmp(ent->d_name, "..") != 0)
			unlinkat(fd, ent->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	unlinkat(parent, name, AT_REMOVEDIR);
}

int run_folder_listen(struct guest *g, const char *name, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

	/* By the folder's descriptor: its path may be longer than an address can be. */
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", g->dirfd, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || fchmodat(g->dirfd, name, 0600, 0) < 0 ||
	    listen(fd, 8) < 0) {
		rc = fail(e, errno, "%s/%s: %s", g->dir, name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return fd;
}

int run_folder_lock(int dirfd, struct err *e)
{
	int fd = openat(dirfd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC), rc;

	if (fd < 0)
		return fail(e, errno, "lock: %s", strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	rc = fail(e, errno == EWOULDBLOCK ? EBUSY : errno, "lock: %s", strerror(errno));
	close(fd);
	return rc;
}

/* Whether process PID of user UID has FILE open. */
static bool holds(int proc, const char *pid, uid_t uid, const struct stat *file)
{
	char *path = x_printf("%s/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *ent;
	struct stat st;
	bool found = false;

	free(path);
	if (d && (fstat(fd, &st) < 0 || st.st_uid != uid)) {
		closedir(d);
		return false;
	}
	while (d && !found && (ent = readdir(d)))
		found = isdigit((unsigned char)ent->d_name[0]) && fstatat(fd, ent->d_name, &st, 0) == 0 &&
		        st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return found;
}

int run_folder_holder(int folder, uid_t uid)
{
	struct dirent *ent;
	struct stat lock;
	int pidfd = -ESRCH;
	DIR *d;

	if (fstatat(folder, "lock", &lock, AT_SYMLINK_NOFOLLOW) < 0)
		return -ESRCH;
	d = opendir("/proc");
	while (d && pidfd < 0 && (ent = readdir(d))) {
		pid_t pid = (pid_t)strtol(ent->d_name, NULL, 10);

		if (pid <= 0 || !holds(dirfd(d), ent->d_name, uid, &lock))
			continue;
		pidfd = pidfd_open(pid, 0);
		/* Looked at again behind the descriptor: until now it could have become another process. */
		if (pidfd >= 0 && !holds(dirfd(d), ent->d_name, uid, &lock)) {
			close(pidfd);
			pidfd = -ESRCH;
		}
	}
	if (d)
		closedir(d);
	return pidfd < 0 ? -ESRCH : pidfd;
}

int run_folder_write_config(struct guest *g, struct err *e)
{
	struct buf b = { 0 };
	int fd = openat(g->dirfd, "config", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), rc = 0;

	spec_print(g->spec, true, &b);
	/* It counts only behind a record, which is written, and made durable, later. */
	if (fd < 0 || (b.len > 0 && write(fd, b.p, b.len) != (ssize_t)b.len) || fsync(fd) < 0)
		rc = fail(e, errno, "%s/config: %s", g->dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_free(&b);
	return rc;
}

int run_folder_read_config(int dirfd, struct spec **ret, struct err *e)
{
	int fd = openat(dirfd, "config", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;
	struct buf b = { 0 };

	if (fd < 0)
		return fail(e, errno, "config: %s", strerror(errno));
	rc = buf_read(&b, fd, CONFIG_MAX);
	close(fd);
	rc = rc < 0 ? fail(e, -rc, "config: %s", strerror(-rc)) : spec_parse(b.p ? b.p : "", b.len, ret, NULL, e);
	buf_free(&b);
	return rc;
}

bool run_folder_last_words(int dirfd, char *out, size_t size)
{
	char text[1024];
	int fd = openat(dirfd, "stderr", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ssize_t n;
	char *line;

	if (end > (off_t)sizeof(text) - 1)
		end -= (off_t)sizeof(text) - 1;
	else
		end = 0;
	n = fd >= 0 ? pread(fd, text, sizeof(text) - 1, end) : 0;
	if (fd >= 0)
		close(fd);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	if (n <= 0)
		return false;
	text[n] = '\0';
	line = strrchr(text, '\n');
	snprintf(out, size, "%s", line ? line + 1 : text);
	return true;
}
