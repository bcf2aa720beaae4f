#include "fs/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "hypervisor/base/self_spawn.h"

#define GUARD_ARGV0 "domfs-guard"
#define GUARD_ARGV1 "--break-mount" /* the mount point, its device's number, and "pid/task/tid" of the loop */
#define GUARD_SIGNAL SIGUSR1
#define END_MSEC 1000
#define EXITING                                                                                                        \
	0x4 /* PF_EXITING of the kernel's include/linux/sched.h: from here on it may have told its children already */

/* ---- the process ---- */

static int caps_keep_mounting(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < COUNT(data); i++) {
		data[i].permitted &= i == 0 ? 1u << CAP_SYS_ADMIN : 0;
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Whether the thread TASK ("pid/task/tid") is dead or about to be. */
static bool thread_ended(const char *task)
{
	char path[64], text[512], *p;
	unsigned flags;
	char state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/stat", task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return true;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the name before it may hold anything */
	if (!p || sscanf(p + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return true;
	return strchr("ZXx", state) || (flags & EXITING);
}

/* mountinfo writes blanks and such as \040. */
static void unescape(char *s)
{
	char *to = s;
	unsigned c;

	for (; *s; s++) {
		if (*s == '\\' && sscanf(s + 1, "%3o", &c) == 1 && strspn(s + 1, "01234567") >= 3) {
			*to++ = (char)c;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The device number of what is mounted last on MOUNTPOINT, without going there; 0 when nothing is. */
static unsigned mounted_minor(const char *mountpoint)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned ret = 0, major, minor;
	char *line = NULL, *at;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		if (sscanf(line, "%*d %*d %u:%u %*s %ms", &major, &minor, &at) != 3)
			continue;
		unescape(at);
		if (strcmp(at, mountpoint) == 0)
			ret = major == 0 ? minor : 0;
		free(at);
	}
	free(line);
	if (f)
		fclose(f);
	return ret;
}

/* For a mount that is detached, or covered by another. A file system of FUSE's own, which need not be mounted for everybody. */
static void abort_by_number(unsigned minor)
{
	int fs = fsopen("fusectl", FSOPEN_CLOEXEC), root = -1, fd = -1;
	char path[32];

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	snprintf(path, sizeof(path), "%u/abort", minor);
	if (root >= 0)
		fd = openat(root, path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		close(fd);
	}
	if (root >= 0)
		close(root);
	if (fs >= 0)
		close(fs);
}

/* MINOR is the mount's; another may cover it by now, or it may be detached. */
static void connection_break(const char *mountpoint, unsigned minor)
{
	if (mounted_minor(mountpoint) == minor &&
	    (umount2(mountpoint, MNT_FORCE | UMOUNT_NOFOLLOW) == 0 || errno == EBUSY))
		return;
	abort_by_number(minor);
}

static bool ended(int pidfd, int msec)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&pfd, 1, msec);
	} while (n < 0 && errno == EINTR);
	return n != 0;
}

static void guard_wait(int pidfd, int signals)
{
	struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
}

static int guard_run(const char *mountpoint, unsigned minor, const char *task)
{
	int signals;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, GUARD_SIGNAL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	/* After the capabilities: giving some up may take it back. Who died before is seen in procfs. */
	if (signals < 0 || prctl(PR_SET_PDEATHSIG, GUARD_SIGNAL, 0, 0, 0) < 0)
		return 1;
	if (!thread_ended(task))
		guard_wait(SELF_FD, signals);
	if (!ended(SELF_FD, END_MSEC))
		connection_break(mountpoint, minor);
	return 0;
}

bool guard_helper(int argc, char **argv, int *status)
{
	if (argc != 5 || strcmp(argv[0], GUARD_ARGV0) != 0 || strcmp(argv[1], GUARD_ARGV1) != 0)
		return false;
	*status = 1;
	if (close_range(SELF_FD + 1, ~0u, 0) < 0 || chdir("/") < 0 || prctl(PR_SET_NAME, GUARD_ARGV0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || caps_keep_mounting() < 0)
		return true;
	*status = guard_run(argv[2], (unsigned)strtoul(argv[3], NULL, 10), argv[4]);
	return true;
}

/* ---- the daemon's side ---- */

/*
 * Before a core is dumped, or not dumped, the kernel stops all threads, and nobody has died meanwhile: with one that waits for the
 * mount it would stay like that. So who crashes tells the guard. It is never reaped: the number stays its own.
 */
static const int crashes[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };
static volatile pid_t crash_guard; /* for the handler, which is given nothing else */

static void crash_tell(int sig, siginfo_t *info, void *context)
{
	(void)context;
	kill(crash_guard, GUARD_SIGNAL);
	if (info->si_code <= 0) /* sent; what an instruction did happens again, now with the default */
		raise(sig);
}

/* What has a handler already, such as a sanitizer's, keeps it. */
static void crash_watch(pid_t guard)
{
	struct sigaction tell = { .sa_sigaction = crash_tell, .sa_flags = SA_SIGINFO | SA_RESETHAND }, old;

	crash_guard = guard;
	for (size_t i = 0; i < COUNT(crashes); i++) {
		if (sigaction(crashes[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
			sigaction(crashes[i], &tell, NULL);
	}
}

int guard_start(const char *mountpoint, struct err *e)
{
	static char argv0[] = GUARD_ARGV0, argv1[] = GUARD_ARGV1;
	char number[16], task[48], *path, *argv[] = { argv0, argv1, NULL, number, task, NULL };
	unsigned minor = mounted_minor(mountpoint);
	sigset_t blocked;
	int pidfd, r;
	pid_t pid;

	if (!minor)
		return fail(e, ENODEV, "%s: nothing is mounted there", mountpoint);
	pidfd = pidfd_open(getpid(), 0);
	if (pidfd < 0)
		return fail(e, errno, "no descriptor of the own process: %s", strerror(errno));
	path = x_strdup(mountpoint);
	argv[2] = path;
	snprintf(number, sizeof(number), "%u", minor);
	snprintf(task, sizeof(task), "%d/task/%d", (int)getpid(), (int)gettid());
	sigemptyset(&blocked);
	sigaddset(&blocked, GUARD_SIGNAL);
	r = self_spawn(&pid, argv, pidfd, &blocked);
	close(pidfd);
	free(path);
	if (r == 0)
		crash_watch(pid);
	return r < 0 ? fail(e, -r, "the process that guards the mount cannot be started: %s", strerror(-r)) : 0;
}
