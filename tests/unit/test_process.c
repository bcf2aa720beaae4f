#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "launcher.h"
#include "tests/unit/config.h"

#define UID 70001

static char dir[] = "/tmp/test-process-XXXXXX";
static int dirfd_ = -1;

/* The program that takes QEMU's place says on this descriptor that it runs, and closes it by its end. */
#define SAY 9

static int open_in(const char *name, int flags)
{
	int fd = openat(dirfd_, name, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

struct child {
	pid_t pid;
	int pidfd, from;
};

static int start(const char *script, struct child *ret, struct err *e)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, x_strdup(script), NULL };
	int say[2], fds[] = { SAY }, lock = open_in("lock", O_RDWR), errors = open_in("stderr", O_WRONLY | O_TRUNC);
	struct child c = { .pidfd = -1 };
	int rc;

	assert_int_equal(pipe2(say, O_CLOEXEC), 0);
	assert_int_equal(dup3(say[1], SAY, O_CLOEXEC), SAY);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	rc = process_spawn(&(struct spawn){ .argv = argv,
	                                    .uid = UID,
	                                    .kvm_gid = 4321,
	                                    .fds = fds,
	                                    .nfds = 1,
	                                    .lock_fd = lock,
	                                    .stderr_fd = errors },
	                   &c.pid, &c.pidfd, e);
	close(say[1]);
	close(SAY);
	close(lock);
	close(errors);
	free(argv[2]);
	c.from = say[0];
	if (rc) {
		close(say[0]);
		return rc;
	}
	*ret = c;
	return 0;
}

/* What the child says until it closes, or until it said a line when LINE. */
static void hear(const struct child *c, bool line, char *out, size_t size)
{
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = c->from, .events = POLLIN };
		if (poll(&p, 1, LIMIT) != 1)
			fail_msg("the child is silent after: %.*s", (int)n, out);
		ssize_t got = read(c->from, out + n, size - 1 - n);
		assert_true(got >= 0);
		n += (size_t)got;
		out[n] = '\0';
		if (!got || (line && strchr(out, '\n')))
			return;
	}
}

static bool lock_is_free(void)
{
	int fd = open_in("lock", O_RDWR);
	bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;

	close(fd);
	return is_free;
}

static void test_surroundings(void **state)
{
	static const char *const want[] = {
		"id 70001 70001 4321 70001\n",
		"cwd /\n",
		"core 0\n",
		"umask 0077\n",
		"NoNewPrivs:\t1\n",
		"CapEff:\t0000000000000000\n",
		"CapInh:\t0000000000000000\n",
		"SigBlk:\t0000000000000000\n",
		"home\n",
		"path /usr/",
	};
	struct child c;
	struct err e = { 0 };
	char text[8192];
	int extra = open("/dev/null", O_RDONLY); /* as a careless library leaves one open */

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	setenv("HOME", "/root", 1);
	if (start("exec >&9; echo id $(id -u) $(id -g) $(id -G | cut -d' ' -f2-) $(id -G | cut -d' ' -f1);"
	          "echo cwd $(pwd); echo core $(ulimit -c); echo umask $(umask); echo home $HOME; echo path $PATH;"
	          "grep -E '^(Cap|Sig|NoNew)' /proc/self/status;"
	          "echo sid $(cut -d' ' -f6 /proc/$$/stat) $$; echo fds; ls /proc/$$/fd; echo .;"
	          "readlink /proc/$$/fd/2; cat",
	          &c, &e) < 0)
		fail_msg("%s", e.text);
	close(extra);
	hear(&c, false, text, sizeof(text));
	for (size_t i = 0; i < COUNT(want); i++) {
		if (!strstr(text, want[i]))
			fail_msg("no %s in\n%s", want[i], text);
	}
	char *sid = x_printf("sid %d %d\n", c.pid, c.pid), *err_path = x_printf("%s/stderr\n", dir);
	assert_non_null(strstr(text, sid));
	assert_non_null(strstr(text, err_path));
	/* 32 and 33 are the C library's own, and it leaves them ignored when it spawns. */
	char *ignored = strstr(text, "SigIgn:\t");
	assert_non_null(ignored);
	assert_true((strtoull(ignored + 8, NULL, 16) & 0x7fffffff) == 0);
	/* 0, 1, 2, what it was given, and the lock: no other. */
	char *fds = strstr(text, "fds\n");
	assert_non_null(fds);
	unsigned n = 0;
	for (char *save = NULL, *w = strtok_r(fds + 4, " \n", &save); w && strspn(w, "0123456789") == strlen(w);
	     w = strtok_r(NULL, " \n", &save))
		n++;
	assert_int_equal(n, 5);
	free(sid);
	free(err_path);
	assert_int_equal(process_kill(c.pidfd, clock_msec() + LIMIT, &e), 0);
	close(c.pidfd);
	close(c.from);
	signal(SIGPIPE, SIG_DFL);
	unsetenv("HOME");
}

static void test_life(void **state)
{
	struct record r = { 0 };
	struct child c;
	struct err e = { 0 };
	char text[64];
	int fd;

	(void)state;
	if (start("echo up >&9; while :; do read x </dev/null; kill -STOP $$; done", &c, &e) < 0)
		fail_msg("%s", e.text);
	hear(&c, true, text, sizeof(text));
	assert_false(lock_is_free());
	r.pid = c.pid;
	r.pid_start = process_start_time(c.pid);
	assert_true(r.pid_start > 0);
	assert_int_equal(host_boot_id(r.boot_id), 0);
	fd = process_find(&r);
	assert_true(fd >= 0);
	close(fd);
	assert_true(process_rss_bytes(c.pid) > 0);
	/* Another process with this number, another boot. */
	r.pid_start++;
	assert_int_equal(process_find(&r), -ESRCH);
	r.pid_start--;
	r.boot_id[0] ^= 1;
	assert_int_equal(process_find(&r), -ESRCH);
	r.boot_id[0] ^= 1;
	assert_int_equal(process_kill(c.pidfd, clock_msec() + LIMIT, &e), 0);
	assert_true(lock_is_free());
	assert_int_equal(process_find(&r), -ESRCH);
	assert_int_equal(process_start_time(c.pid), 0);
	assert_int_equal(process_kill(c.pidfd, clock_msec() + LIMIT, &e), 0); /* a second time does no harm */
	assert_int_equal(waitpid(c.pid, NULL, WNOHANG), -1);                  /* it was reaped */
	close(c.pidfd);
	close(c.from);
}

static void test_failures(void **state)
{
	static const struct {
		const char *program;
		int fd, code;
		const char *part;
	} cases[] = {
		{ "/nowhere/qemu", 3, ENOENT, "/nowhere/qemu: exec: " },
		{ "/etc/passwd", 3, EACCES, "/etc/passwd: exec: " },
		{ "sh", 3, EINVAL, "absolute path" },
		{ "/bin/sh", 2, EINVAL, "above 2" },
		{ "/bin/sh", -1, EINVAL, "above 2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int lock = open_in("lock", O_RDWR), errors = open_in("stderr", O_WRONLY), pidfd = -7;
		int fds[] = { cases[i].fd == 3 ? lock : cases[i].fd };
		char *argv[] = { x_strdup(cases[i].program), NULL };
		pid_t pid = -7;
		struct err e = { 0 };
		int rc = process_spawn(&(struct spawn){ .argv = argv,
		                                        .uid = UID,
		                                        .kvm_gid = (gid_t)-1,
		                                        .fds = fds,
		                                        .nfds = 1,
		                                        .lock_fd = lock,
		                                        .stderr_fd = errors },
		                       &pid, &pidfd, &e);

		if (rc != -cases[i].code || !strstr(e.text, cases[i].part))
			fail_msg("%s: %d %s", cases[i].program, rc, e.text);
		assert_int_equal(pid, -7);
		assert_int_equal(pidfd, -7);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
		close(lock);
		close(errors);
		free(argv[0]);
	}
}

static void test_nobody(void **state)
{
	int cpu = -1;
	char c = '?';
	char *not_it[] = { (char[]){ "domfs" }, (char[]){ "--domfs-launch-guest" }, NULL };

	(void)state;
	assert_int_equal(process_start_time(0), 0);
	assert_int_equal(process_start_time(INT32_MAX), 0);
	assert_int_equal(process_rss_bytes(INT32_MAX), 0);
	assert_int_equal(process_cpu_usec(INT32_MAX, 0, &cpu, &c), 0);
	assert_int_equal(cpu, -1);
	assert_int_equal(c, '?');
	process_cpu_usec(getpid(), getpid(), &cpu, &c);
	assert_true(cpu >= 0);
	assert_int_equal(c, 'r');
	qemu_launcher(2, not_it);
}

static void test_folder(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		uid_t uid;
	} want[] = {
		{ ".", S_IFDIR | 0710, 0 },         { "ev.in", S_IFIFO | 0600, UID },
		{ "ev.out", S_IFREG | 0600, UID },  { "ser.in", S_IFIFO | 0600, UID },
		{ "ser.out", S_IFREG | 0600, UID }, { "stderr", S_IFREG | 0600, 0 },
		{ "lock", S_IFREG | 0600, 0 },
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++) {
		struct stat st;
		assert_int_equal(fstatat(dirfd_, want[i].name, &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_mode, want[i].mode);
		assert_int_equal(st.st_uid, want[i].uid);
	}
	assert_int_equal(process_folder(dirfd_, UID, &e), -EEXIST);
}

static int setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return process_folder(dirfd_, UID, &e);
}

static int teardown(void **state)
{
	static const char *const names[] = { "ev.in", "ev.out", "ser.in", "ser.out", "stderr", "lock" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		unlinkat(dirfd_, names[i], 0);
	close(dirfd_);
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest any[] = {
		cmocka_unit_test(test_nobody),
	};
	const struct CMUnitTest as_root[] = {
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_surroundings),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_failures),
	};
	int ret;

	qemu_launcher(argc, argv);
	ret = cmocka_run_group_tests(any, NULL, NULL);
	/* A guest's process becomes another user, which takes root. */
	if (geteuid() == 0)
		ret += cmocka_run_group_tests(as_root, setup, teardown);
	return ret;
}
