#include "fs/background.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* The child has sent the mount point: does it answer? */
static bool mount_answers(const char *mountpoint)
{
	struct statfs st;

	if (statfs(mountpoint, &st) == 0 && st.f_type == FUSE_SUPER_MAGIC)
		return true;
	fprintf(stderr, "domfs: %s was mounted and does not answer\n", mountpoint);
	return false;
}

static int wait_for_child(int fd)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(path) - 1 && (n = read(fd, path + len, sizeof(path) - 1 - len)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	path[len] = '\0';
	close(fd);
	return len > 0 && mount_answers(path) ? 0 : 1;
}

bool background_begin(struct background *b, int *status)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		fprintf(stderr, "domfs: cannot go into the background: %s\n", strerror(errno));
		*status = 1;
		return false;
	}
	if (pid > 0) {
		close(fds[1]);
		*status = wait_for_child(fds[0]);
		return false;
	}
	close(fds[0]);
	b->pipe = fds[1];
	setsid();
	return true;
}

void background_ready(struct background *b, const char *mountpoint)
{
	ssize_t told;
	int null;

	if (b->pipe < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
	told = write(b->pipe, mountpoint, strlen(mountpoint));
	(void)told; /* when the parent is gone nobody asks any more */
	close(b->pipe);
	b->pipe = -1;
}

void background_failed(struct background *b)
{
	if (b->pipe >= 0)
		close(b->pipe);
	b->pipe = -1;
}
