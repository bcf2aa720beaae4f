#include "atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_MARK ".tmp-" /* in the names of files that are not whole yet */

static int write_all(int fd, const char *p, size_t n)
{
	ssize_t r;

	while (n > 0) {
		r = write(fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

/* A new file beside NAME, open as *RET. Its name, the caller's to free, or NULL and errno. */
static char *temp_open(int dirfd, const char *name, int *ret)
{
	uint32_t salt = 0;
	char *temp;
	int fd;

	for (int tries = 0; tries < 16; tries++) {
		if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) != sizeof(salt))
			salt = (uint32_t)getpid() * 16 + (uint32_t)tries;
		temp = x_printf(".%s" TEMP_MARK "%08x", name, salt);
		fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			*ret = fd;
			return temp;
		}
		free(temp);
		if (errno != EEXIST)
			break;
	}
	return NULL;
}

int file_replace(int dirfd, const char *name, const void *p, size_t n, mode_t mode, struct err *e)
{
	char *temp;
	int fd = -1, r;

	if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(e, EINVAL, "\"%s\" is not a file's name", name);
	temp = temp_open(dirfd, name, &fd);
	if (!temp)
		return fail(e, errno, "%s: a new file beside it cannot be made: %s", name, strerror(errno));
	r = write_all(fd, p, n);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, temp, 0);
		fail(e, -r, "%s: cannot be written: %s", name, strerror(-r));
		goto out;
	}
	if (fsync(dirfd) < 0) {
		r = -errno;
		fail(e, -r, "%s: is written, but its folder cannot be synced: %s", name, strerror(-r));
	}
out:
	free(temp);
	return r;
}

/* Whether NAME is one of temp_open()'s: ".", a name, ".tmp-", eight hexadecimal digits. */
static bool is_temp(const char *name)
{
	const char *mark = strstr(name, TEMP_MARK);

	return *name == '.' && mark > name + 1 && strspn(mark + strlen(TEMP_MARK), "0123456789abcdef") == 8 &&
	       strlen(mark) == strlen(TEMP_MARK) + 8;
}

void file_sweep(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir)))
		if (is_temp(entry->d_name))
			unlinkat(dirfd, entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int file_slurp(int dirfd, const char *name, size_t max, struct buf *ret, struct err *e)
{
	struct buf text = { 0 };
	struct stat st;
	int fd, r;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
		return fail(e, -r, "%s: cannot be opened: %s", name,
		            r == -ELOOP ? "it is a symbolic link" : strerror(-r));
	}
	if (fstat(fd, &st) < 0) {
		r = fail(e, errno, "%s: cannot be looked at: %s", name, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		r = fail(e, EINVAL, "%s: is not a regular file", name);
		goto out;
	}
	r = buf_read(&text, fd, max);
	if (r == -EFBIG)
		fail(e, EFBIG, "%s: is longer than %zu bytes", name, max);
	else if (r < 0)
		fail(e, -r, "%s: cannot be read: %s", name, strerror(-r));
	else
		buf_add(ret, text.p, text.len);
out:
	close(fd);
	buf_free(&text);
	return r;
}

static int by_number(const void *a, const void *b)
{
	unsigned long long x = strtoull(*(char *const *)a, NULL, 10), y = strtoull(*(char *const *)b, NULL, 10);

	return x < y ? -1 : x > y;
}

int dir_numbers(int dirfd, void (*tell)(void *arg, const char *name), void *arg, struct err *e)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char **names = NULL;
	size_t n = 0;

	if (!dir) {
		r = fail(e, errno, "this folder cannot be read: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[strspn(entry->d_name, "0123456789")] != '\0')
			continue;
		names = x_grow(names, n + 1, sizeof(*names));
		names[n++] = x_strdup(entry->d_name);
	}
	closedir(dir);
	if (n > 0)
		qsort(names, n, sizeof(*names), by_number);
	for (size_t i = 0; i < n; i++) {
		tell(arg, names[i]);
		free(names[i]);
	}
	free(names);
	return 0;
}

/* The folder NAME below *at, made when it is not there, takes the place of *at. */
static int dir_step(int *at, const char *name, mode_t mode, bool last)
{
	bool made = mkdirat(*at, name, mode) == 0;
	int fd, r = 0;

	if (!made && errno != EEXIST)
		r = -errno; /* of a folder that may be there all the same: on a read-only file system, say */
	fd = openat(*at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && !last) /* on the way, leave to pass is enough */
		fd = openat(*at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return r ? r : -errno;
	if (made && (fchmod(fd, mode) < 0 || (fsync(*at) < 0 && errno != EINVAL && errno != EBADF))) {
		r = -errno;
		close(fd);
		return r;
	}
	close(*at);
	*at = fd;
	return 0;
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	char name[NAME_MAX + 1];
	const char *p = path;
	int at = -1, r = 0;
	bool last;
	size_t n;

	if (*path == '\0')
		return fail(e, EINVAL, "a folder's name is missing");
	at = open(*path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return fail(e, errno, "%s: cannot be reached: %s", path, strerror(errno));
	for (;;) {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 0)
			break;
		if (n > NAME_MAX) {
			r = -ENAMETOOLONG;
			break;
		}
		memcpy(name, p, n);
		name[n] = '\0';
		p += n;
		last = p[strspn(p, "/")] == '\0';
		r = dir_step(&at, name, last ? mode : 0755, last);
		if (r < 0)
			break;
	}
	if (r < 0) {
		close(at);
		return fail(e, -r, "%s: this folder cannot be made or opened: %s", path, strerror(-r));
	}
	return at;
}
