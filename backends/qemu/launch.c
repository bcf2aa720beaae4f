/*
 * The start of a guest's process: the daemon spawns itself as a launcher, which has one thread and nothing of the
 * daemon's but the descriptors that it was told to hand on, and becomes QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "launcher.h"

#define LAUNCHER_NAME "domfs-launch"
#define LAUNCHER_MARK "--domfs-launch-guest"
#define LAUNCH_MSEC 10000
#define FD_LIMIT 4096

/* The launcher's arguments: name, mark, uid, kvm gid, status, stderr, lock, fds with commas, then QEMU's. */
enum { ARG_NAME, ARG_MARK, ARG_UID, ARG_KVM, ARG_STATUS, ARG_STDERR, ARG_FDS, ARG_QEMU };

struct launch_report { /* through the status pipe; nothing at all when QEMU was started */
	int code;
	char step[28];
};

/* ---- in the launcher ---- */

/* At once: what the daemon does at its exit is not the launcher's business. */
static _Noreturn void give_up(int status, const char *step)
{
	struct launch_report r = { .code = errno };

	snprintf(r.step, sizeof(r.step), "%s", step);
	/* Less than PIPE_BUF: written whole, or nobody reads any more. */
	_exit(write(status, &r, sizeof(r)) == sizeof(r) ? 1 : 2);
}

/* Every descriptor above 2 that KEEP does not name is closed. KEEP is sorted here. */
static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_others(int *keep, size_t n)
{
	unsigned from = 3;

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)keep[i] > from && close_range(from, (unsigned)keep[i] - 1, 0) < 0)
			return -1;
		from = (unsigned)keep[i] + 1;
	}
	return close_range(from, ~0u, 0);
}

static size_t fds_parse(char *list, int *fds, size_t max)
{
	size_t n = 0;

	for (char *save = NULL, *w = strtok_r(list, ",", &save); w && n < max; w = strtok_r(NULL, ",", &save))
		fds[n++] = atoi(w);
	return n;
}

static const char *become(uid_t uid, gid_t kvm_gid)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return "signals";
	if (setsid() < 0)
		return "session";
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
		return "limits";
	umask(077);
	if (chdir("/") < 0)
		return "folder";
	if (setgroups(kvm_gid == (gid_t)-1 ? 0 : 1, &kvm_gid) < 0 ||
	    setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) < 0 || setresuid(uid, uid, uid) < 0)
		return "user";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "privileges";
	return NULL;
}

void qemu_launcher(int argc, char **argv)
{
	char *const environment[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, (char[]){ "LC_ALL=C" }, NULL };
	int fds[FD_LIMIT], status, err_fd, null;
	const char *step;
	size_t n;

	if (argc <= ARG_QEMU || strcmp(argv[ARG_NAME], LAUNCHER_NAME) != 0 ||
	    strcmp(argv[ARG_MARK], LAUNCHER_MARK) != 0)
		return;
	status = atoi(argv[ARG_STATUS]);
	err_fd = atoi(argv[ARG_STDERR]);
	n = fds_parse(argv[ARG_FDS], fds, COUNT(fds) - 1);
	fds[n++] = status;
	null = open("/dev/null", O_RDWR);
	if (null < 0 || fcntl(status, F_SETFD, FD_CLOEXEC) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(err_fd, 2) < 0 || close_others(fds, n) < 0)
		give_up(status, "descriptors");
	step = become((uid_t)strtoul(argv[ARG_UID], NULL, 10), (gid_t)strtoul(argv[ARG_KVM], NULL, 10));
	if (step)
		give_up(status, step);
	execve(argv[ARG_QEMU], argv + ARG_QEMU, environment);
	give_up(status, "exec");
}

/* ---- in the daemon ---- */

/* The launcher's argument vector; the numbers it needs are text in OWN, which the caller frees. */
static char **launcher_argv(const struct spawn *s, int status, char *own[ARG_QEMU])
{
	struct buf fds = { 0 };
	size_t n = 0;
	char **v;

	for (size_t i = 0; i < s->nfds; i++)
		buf_printf(&fds, "%d,", s->fds[i]);
	buf_printf(&fds, "%d", s->lock_fd);
	own[ARG_NAME] = x_strdup(LAUNCHER_NAME);
	own[ARG_MARK] = x_strdup(LAUNCHER_MARK);
	own[ARG_UID] = x_printf("%u", s->uid);
	own[ARG_KVM] = x_printf("%u", s->kvm_gid);
	own[ARG_STATUS] = x_printf("%d", status);
	own[ARG_STDERR] = x_printf("%d", s->stderr_fd);
	own[ARG_FDS] = buf_steal(&fds);
	while (s->argv[n])
		n++;
	v = x_array(ARG_QEMU + n + 1, sizeof(*v));
	memcpy(v, own, ARG_QEMU * sizeof(*v));
	memcpy(v + ARG_QEMU, s->argv, n * sizeof(*v));
	return v;
}

static int spawn_launcher(const struct spawn *s, int status, pid_t *ret)
{
	char *own[ARG_QEMU], **argv = launcher_argv(s, status, own);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;
	pid_t pid;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	/* dup2 to itself is how close-on-exec is taken off in the child only. */
	for (size_t i = 0; i < s->nfds; i++)
		posix_spawn_file_actions_adddup2(&actions, s->fds[i], s->fds[i]);
	posix_spawn_file_actions_adddup2(&actions, s->lock_fd, s->lock_fd);
	posix_spawn_file_actions_adddup2(&actions, s->stderr_fd, s->stderr_fd);
	posix_spawn_file_actions_adddup2(&actions, status, status);
	/* The running program, also when a newer one has been installed over it. */
	rc = posix_spawn(&pid, "/proc/self/exe", &actions, &attr, argv, (char *[]){ NULL });
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	for (size_t i = 0; i < COUNT(own); i++)
		free(own[i]);
	free(argv);
	if (rc)
		return -rc;
	*ret = pid;
	return 0;
}

/* The launcher's word: 0 when it became QEMU, which closes the pipe without a byte. */
static int launch_wait(int status, const char *program, struct err *e)
{
	uint64_t deadline = clock_msec() + LAUNCH_MSEC;
	struct launch_report r;

	for (;;) {
		uint64_t now = clock_msec();
		struct pollfd p = { .fd = status, .events = POLLIN };
		int n = poll(&p, 1, now < deadline ? (int)(deadline - now) : 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(e, errno, "%s: %s", program, strerror(errno));
		if (!n)
			return fail(e, ETIMEDOUT, "%s did not start within %d s", program, LAUNCH_MSEC / 1000);
		break;
	}
	ssize_t n = read(status, &r, sizeof(r));
	if (n == 0)
		return 0;
	if (n != sizeof(r) || r.code <= 0)
		return fail(e, EIO, "%s: its launcher failed", program);
	r.step[sizeof(r.step) - 1] = '\0';
	return fail(e, r.code, "%s: %s: %s", program, r.step, strerror(r.code));
}

static int spawn_check(const struct spawn *s, struct err *e)
{
	bool bad = s->lock_fd < 3 || s->stderr_fd < 3 || s->nfds > FD_LIMIT - 4;

	for (size_t i = 0; i < s->nfds; i++)
		bad |= s->fds[i] < 3;
	if (bad || !s->argv[0] || s->argv[0][0] != '/')
		return fail(e, EINVAL, "a guest's process needs an absolute path and descriptors above 2");
	return 0;
}

int process_spawn(const struct spawn *s, pid_t *pid, int *pidfd, struct err *e)
{
	int status[2] = { -1, -1 }, fd = -1, rc;
	pid_t child = -1;

	rc = spawn_check(s, e);
	if (rc)
		return rc;
	if (pipe2(status, O_CLOEXEC) < 0)
		return fail(e, errno, "pipe: %s", strerror(errno));
	rc = spawn_launcher(s, status[1], &child);
	if (rc) {
		rc = fail(e, -rc, "launcher of %s: %s", s->argv[0], strerror(-rc));
		goto out;
	}
	close(status[1]);
	status[1] = -1;
	fd = pidfd_open(child, 0);
	if (fd < 0) {
		rc = fail(e, errno, "process %d: %s", child, strerror(errno));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		goto out;
	}
	rc = launch_wait(status[0], s->argv[0], e);
	if (rc) {
		process_kill(fd, clock_msec() + LAUNCH_MSEC, NULL);
		goto out;
	}
	*pid = child;
	*pidfd = fd;
	fd = -1;
out:
	for (size_t i = 0; i < 2; i++) {
		if (status[i] >= 0)
			close(status[i]);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}
