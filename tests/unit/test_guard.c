#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fs/fuse.h"
#include "fs/guard.h"
#include "tests/unit/test.h"
#include "units.h"

static char dir[] = "/tmp/test-guard-XXXXXX", mnt[64], connections[64]; /* the mount's name has a blank */
static int tells[2]; /* what the daemon says: 'r' it serves, 's' a thread of it is stuck */
static pid_t daemon_pid;
static int daemon_fd = -1;
static unsigned device;
static bool other_thread; /* which ends at once, starts the guard */

/* ---- the daemon ---- */

static void tell(char c)
{
	if (write(tells[1], &c, 1) != 1)
		_exit(1);
}

/* "sub" is there; who looks for anything in it waits. The root itself is not held so. */
static void serve_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct fuse_entry_param sub = { .ino = 2,
		                              .attr = { .st_ino = 2, .st_mode = S_IFDIR | 0755, .st_nlink = 2 } };

	(void)name;
	if (parent == FUSE_ROOT_ID)
		fuse_reply_entry(req, &sub);
	else
		tell('s');
}

static void serve_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = { .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };

	(void)fi;
	fuse_reply_attr(req, &st, 0);
}

static const struct fuse_lowlevel_ops ops = { .lookup = serve_lookup, .getattr = serve_getattr };

static void *use_own_mount(void *arg)
{
	char *path = x_printf("%s/sub/x", mnt);

	(void)arg;
	(void)access(path, F_OK);
	free(path);
	return NULL;
}

static void *guarded_start(void *arg)
{
	struct err e = { 0 };

	(void)arg;
	if (guard_start(mnt, &e)) {
		print_error("%s\n", e.text);
		_exit(1);
	}
	return NULL;
}

static void guarded(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	pthread_t t;

	sigaction(SIGABRT, &sa, NULL); /* cmocka's own is for tests */
	sigaction(SIGSEGV, &sa, NULL);
	if (!other_thread)
		guarded_start(NULL);
	else if (pthread_create(&t, NULL, guarded_start, NULL) != 0 || pthread_join(t, NULL) != 0)
		_exit(1);
	tell('r');
}

/* Never returns. Its loop ends when it is unmounted. */
static void daemon_run(bool stuck)
{
	char *argv[] = { "test", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *s = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	pthread_t t;

	close(tells[0]);
	if (!s || fuse_session_mount(s, mnt) != 0)
		_exit(1);
	guarded();
	if (stuck && pthread_create(&t, NULL, use_own_mount, NULL) != 0)
		_exit(1);
	_exit(fuse_session_loop(s) != 0);
}

static char told(void)
{
	struct pollfd pfd = { .fd = tells[0], .events = POLLIN };
	char c = 0;

	assert_int_equal(poll(&pfd, 1, LIMIT), 1);
	assert_int_equal(read(tells[0], &c, 1), 1);
	return c;
}

static void daemon_start(bool stuck)
{
	struct stat st;

	assert_int_equal(pipe2(tells, O_CLOEXEC), 0);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0)
		daemon_run(stuck);
	daemon_fd = pidfd_open(daemon_pid, 0);
	close(tells[1]);
	assert_int_equal(told(), 'r');
	if (stuck)
		assert_int_equal(told(), 's');
	assert_int_equal(stat(mnt, &st), 0);
	device = minor(st.st_dev);
}

/* ---- what becomes of it ---- */

static bool gone_within(int msec)
{
	struct pollfd pfd = { .fd = daemon_fd, .events = POLLIN };

	return poll(&pfd, 1, msec) == 1;
}

static void assert_gone(int signal)
{
	int status;

	assert_true(gone_within(LIMIT));
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	assert_true(signal ? WIFSIGNALED(status) && WTERMSIG(status) == signal : WIFEXITED(status));
	daemon_pid = 0;
}

/* We are a subreaper: the daemon's child becomes ours. */
static void assert_guard_ends(void)
{
	uint64_t until = clock_msec() + LIMIT;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) == 0) {
		assert_true(clock_msec() < until);
		sched_yield();
	}
	assert_true(pid > 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
}

/* A name in a connection that broke is answered at once. */
static bool broken(void)
{
	return access(mnt, F_OK) < 0 && errno == ENOTCONN;
}

/* ---- tests ---- */

static void kill_stuck(int signal)
{
	uint64_t begin = clock_msec();

	assert_int_equal(pidfd_send_signal(daemon_fd, signal, NULL, 0), 0);
	assert_gone(signal);
	assert_true(clock_msec() - begin >= 1000); /* not by itself */
	assert_guard_ends();
}

static void test_stuck(void **state)
{
	(void)state;
	daemon_start(true);
	kill_stuck(SIGKILL);
	assert_true(broken());
	assert_int_equal(umount2(mnt, 0), 0);
}

/* Somebody stands in the mount: it stays, but its connection does not. */
static void test_stuck_busy(void **state)
{
	int fd;

	(void)state;
	daemon_start(true);
	fd = open(mnt, O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	kill_stuck(SIGKILL);
	assert_true(broken());
	close(fd);
	assert_int_equal(umount2(mnt, 0), 0);
}

static void test_stuck_detached(void **state)
{
	int fd;

	(void)state;
	daemon_start(true);
	fd = open(mnt, O_PATH | O_CLOEXEC);
	assert_int_equal(umount2(mnt, MNT_DETACH), 0);
	kill_stuck(SIGKILL);
	close(fd);
}

/* What others mounted over it is not ours. */
static void test_stuck_covered(void **state)
{
	struct statfs fs;

	(void)state;
	daemon_start(true);
	assert_int_equal(mount("test", mnt, "tmpfs", 0, NULL), 0);
	kill_stuck(SIGKILL);
	assert_int_equal(statfs(mnt, &fs), 0);
	assert_int_equal(umount2(mnt, 0), 0);
	assert_true(broken());
}

/* Before a core is dumped all threads must have stopped, and no child is told of a death. */
static void test_stuck_abort(void **state)
{
	(void)state;
	daemon_start(true);
	kill_stuck(SIGABRT);
}

static void test_stuck_fault(void **state)
{
	(void)state;
	daemon_start(true);
	kill_stuck(SIGSEGV);
}

/* It is the loop that nobody can do without, be the other threads well. */
static void test_loop_dead(void **state)
{
	(void)state;
	other_thread = true;
	daemon_start(false);
	other_thread = false;
	assert_gone(0);
	assert_guard_ends();
}

/* The guard lets a daemon that can die do so by itself, and leaves its mount. */
static void test_killed(void **state)
{
	(void)state;
	daemon_start(false);
	assert_int_equal(pidfd_send_signal(daemon_fd, SIGKILL, NULL, 0), 0);
	assert_gone(SIGKILL);
	assert_guard_ends();
	assert_true(broken());
}

static void test_ended(void **state)
{
	(void)state;
	daemon_start(false);
	assert_int_equal(umount2(mnt, 0), 0); /* it is not busy because of the guard */
	assert_gone(0);
	assert_guard_ends();
}

/* The guard is no part of the terminal's job. */
static void test_interrupt(void **state)
{
	(void)state;
	daemon_start(true);
	kill_stuck(SIGINT);
}

/* The only child of the daemon, once it has its signals' descriptor. */
static pid_t guard_find(void)
{
	char *children = x_printf("/proc/%d/task/%d/children", daemon_pid, daemon_pid), *fd = NULL;
	uint64_t until = clock_msec() + LIMIT;
	FILE *f = fopen(children, "re");
	int pid = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	fd = x_printf("/proc/%d/fd/4", pid);
	for (char to[64] = ""; !strstr(to, "signalfd");) {
		assert_true(clock_msec() < until);
		sched_yield();
		memset(to, 0, sizeof(to));
		(void)!readlink(fd, to, sizeof(to) - 1);
	}
	free(fd);
	free(children);
	return pid;
}

static void test_rights(void **state)
{
	static const char *const wanted[] = { "CapInh:\t0000000000000000\n",
		                              "CapPrm:\t0000000000200000\n",
		                              "CapEff:\t0000000000200000\n",
		                              "CapAmb:\t0000000000000000\n",
		                              "NoNewPrivs:\t1\n",
		                              "SigBlk:\t0000000000000200\n",
		                              "Name:\tdomfs-guard\n" };
	struct buf b = { 0 };
	char *path;
	pid_t pid;
	int fd;

	(void)state;
	daemon_start(false);
	pid = guard_find();
	assert_int_equal(getsid(pid), pid);
	path = x_printf("/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(buf_read(&b, fd, 1 << 20), 0);
	close(fd);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		if (!strstr(b.p, wanted[i]))
			print_error("%s is missing in\n%s", wanted[i], b.p);
		assert_non_null(strstr(b.p, wanted[i]));
	}
	free(path);
	path = x_printf("/proc/%d/fd/5", pid);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
	buf_free(&b);
	assert_int_equal(umount2(mnt, 0), 0);
	assert_gone(0);
	assert_guard_ends();
}

/* ---- whatever failed, nothing unkillable stays ---- */

static void connection_abort(void)
{
	char *path = x_printf("%s/%u/abort", connections, device);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		close(fd);
	}
	free(path);
}

static int teardown(void **state)
{
	(void)state;
	if (daemon_pid > 0) {
		connection_abort();
		kill(daemon_pid, SIGKILL);
	}
	while (umount2(mnt, MNT_FORCE | MNT_DETACH) == 0)
		;
	while (waitpid(-1, NULL, 0) > 0)
		;
	daemon_pid = 0;
	close(tells[0]);
	if (daemon_fd >= 0)
		close(daemon_fd);
	daemon_fd = -1;
	return 0;
}

static int group_setup(void **state)
{
	struct rlimit none = { 0 };

	(void)state;
	setrlimit(RLIMIT_CORE, &none);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || !mkdtemp(dir) ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -1;
	snprintf(mnt, sizeof(mnt), "%s/a mount", dir);
	snprintf(connections, sizeof(connections), "%s/connections", dir);
	if (mkdir(mnt, 0755) < 0 || mkdir(connections, 0755) < 0)
		return -1;
	return mount("fusectl", connections, "fusectl", 0, NULL);
}

static int group_teardown(void **state)
{
	(void)state;
	umount2(connections, 0);
	return rmdir(mnt) < 0 || rmdir(connections) < 0 || rmdir(dir) < 0 ? -1 : 0;
}

#define CASE(f) cmocka_unit_test_teardown(f, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_stuck),       CASE(test_stuck_busy),  CASE(test_stuck_detached), CASE(test_stuck_covered),
		CASE(test_stuck_abort), CASE(test_stuck_fault), CASE(test_loop_dead),      CASE(test_rights),
		CASE(test_killed),      CASE(test_ended),       CASE(test_interrupt),
	};
	int status;

	if (guard_helper(argc, argv, &status))
		return status;
	if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) < 0) {
		print_message("only root can mount, and there must be /dev/fuse: nothing is tested\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
