/* Processes of guests: what can be asked of and done to one by pid, pidfd and /proc. The start is launch.c's. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"

struct stat_line { /* of /proc/PID/stat */
	char state;
	unsigned long long utime, stime, start;
	int cpu;
};

/* The whole of a file of /proc: one read, as it is rendered at the read. */
static bool proc_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, out, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

static bool stat_read(const char *path, struct stat_line *ret)
{
	char line[1024], *p;
	struct stat_line s;

	/* The second field is the program's name, which may hold blanks and parentheses. */
	if (!proc_read(path, line, sizeof(line)) || !(p = strrchr(line, ')')))
		return false;
	if (sscanf(p + 1,
	           " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu"
	           " %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d",
	           &s.state, &s.utime, &s.stime, &s.start, &s.cpu) != 5)
		return false;
	*ret = s;
	return true;
}

uint64_t process_start_time(pid_t pid)
{
	char path[64];
	struct stat_line s;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return pid > 0 && stat_read(path, &s) ? s.start : 0;
}

int process_find(const struct record *r)
{
	char boot_id[64];
	int fd;

	if (r->pid <= 0 || host_boot_id(boot_id) < 0 || strcmp(boot_id, r->boot_id) != 0)
		return -ESRCH;
	fd = pidfd_open(r->pid, 0);
	if (fd < 0)
		return -ESRCH;
	/* Looked at after the pidfd is held: from here on the number cannot become another process unnoticed. */
	if (process_start_time(r->pid) != r->pid_start || pidfd_send_signal(fd, 0, NULL, 0) < 0) {
		close(fd);
		return -ESRCH;
	}
	return fd;
}

/* 0 when the process ended, -ETIMEDOUT when it did not until DEADLINE. */
static int end_wait(int pidfd, uint64_t deadline)
{
	for (;;) {
		uint64_t now = clock_msec();
		uint64_t left = now < deadline ? deadline - now : 0;
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && !left)
			return -ETIMEDOUT;
	}
}

int process_kill(int pidfd, uint64_t deadline, struct err *e)
{
	siginfo_t info;
	int rc;

	if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return fail(e, errno, "the guest's process cannot be killed: %s", strerror(errno));
	rc = end_wait(pidfd, deadline);
	if (rc == -ETIMEDOUT)
		return fail(e, ETIMEDOUT,
		            "the guest's process was killed and is not gone yet: it may be waiting for a disk");
	if (rc)
		return fail(e, -rc, "the guest's process: %s", strerror(-rc));
	/* A guest of an earlier daemon is not our child: ECHILD, and init reaps it. */
	waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
	return 0;
}

uint64_t process_cpu_usec(pid_t pid, pid_t tid, int *last_cpu, char *state)
{
	char path[80];
	struct stat_line s;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!stat_read(path, &s))
		return 0;
	if (last_cpu)
		*last_cpu = s.cpu;
	if (state)
		*state = s.state == 'R' ? 'r' : 'b';
	return (s.utime + s.stime) * (1000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t process_rss_bytes(pid_t pid)
{
	char path[64], line[256];
	unsigned long long pages;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	if (!proc_read(path, line, sizeof(line)) || sscanf(line, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The files of a guest's folder, made before QEMU is: only what QEMU opens by name is its own. */
static const struct {
	const char *name;
	mode_t type;
	bool its_own;
} folder_files[] = {
	{ "ev.in", S_IFIFO, true },   { "ev.out", S_IFREG, true },  { "ser.in", S_IFIFO, true },
	{ "ser.out", S_IFREG, true }, { "stderr", S_IFREG, false }, { "lock", S_IFREG, false },
};

int process_folder(int dirfd, uid_t uid, struct err *e)
{
	/* QEMU may pass through, but neither list nor make nor replace anything here. */
	if (fchown(dirfd, 0, (gid_t)uid) < 0 || fchmod(dirfd, 0710) < 0)
		return fail(e, errno, "folder of the guest: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(folder_files); i++) {
		const char *name = folder_files[i].name;
		bool own = folder_files[i].its_own;

		if (mknodat(dirfd, name, folder_files[i].type | 0600, 0) < 0 ||
		    (own && fchownat(dirfd, name, uid, (gid_t)uid, AT_SYMLINK_NOFOLLOW) < 0))
			return fail(e, errno, "%s in the folder of the guest: %s", name, strerror(errno));
	}
	return 0;
}
