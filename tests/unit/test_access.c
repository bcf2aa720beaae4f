#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "tests/unit/access_world.h"

#define NOBODY 65534

static char dir[] = "/tmp/test-access-XXXXXX";
static const gid_t group_1234[] = { 1234 };
static const struct user root = { 0 }, nobody = { .uid = NOBODY, .gid = NOBODY },
			 member = { .uid = NOBODY, .gid = NOBODY, .groups = group_1234, .ngroups = 1 };

static char *in_dir(const char *name)
{
	return x_printf("%s/%s", dir, name);
}

static void file_make(const char *name, mode_t mode, gid_t gid)
{
	char *path = in_dir(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(fchown(fd, 0, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	free(path);
}

static int setup(void **state)
{
	static const struct {
		const char *name, *to;
	} links[] = { { "link", "public" },
		      { "link-secret", "secret" },
		      { "loop", "loop" },
		      { "dangling", "nowhere" },
		      { "magic", "/proc/self/fd/3" } };
	char *path;

	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	file_make("secret", 0600, 0);
	file_make("public", 0644, 0);
	file_make("group", 0640, 1234);
	path = in_dir("closed");
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	file_make("closed/open", 0666, 0);
	path = in_dir("fifo");
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(chmod(path, 0666), 0);
	free(path);
	for (size_t i = 0; i < COUNT(links); i++) {
		path = in_dir(links[i].name);
		assert_int_equal(symlink(links[i].to, path), 0);
		free(path);
	}
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "secret", "public",      "group", "closed/open", "closed", "fifo",
		                             "link",   "link-secret", "loop",  "dangling",    "magic" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = in_dir(names[i]);

		remove(path);
		free(path);
	}
	return rmdir(dir);
}

static void test_open(void **state)
{
	static const struct {
		const char *path; /* below DIR when it does not begin with / or . */
		const struct user *u;
		int flags, r;
		const char *says; /* part of the sentence */
	} cases[] = {
		{ "public", &nobody, O_RDONLY, 0, NULL },
		{ "link", &nobody, O_RDONLY, 0, NULL },
		{ "group", &member, O_RDONLY, 0, NULL },
		{ "secret", &root, O_RDWR, 0, NULL },
		{ "closed/open", &root, O_WRONLY, 0, NULL },
		{ "public", &nobody, O_WRONLY, -EACCES, "nobody (uid 65534) may not open it for writing" },
		{ "public", &nobody, O_RDWR, -EACCES, "may not open it for reading and writing" },
		{ "secret", &nobody, O_RDONLY, -EACCES, "may not open it for reading" },
		{ "secret", &member, O_RDONLY, -EACCES, "may not open it for reading" },
		{ "link-secret", &nobody, O_RDONLY, -EACCES, "may not open it for reading" },
		{ "group", &nobody, O_RDONLY, -EACCES, "may not open it for reading" },
		{ "group", &member, O_WRONLY, -EACCES, "may not open it for writing" },
		{ "closed/open", &nobody, O_RDONLY, -EACCES, "may not search" },
		{ "none", &nobody, O_RDONLY, -ENOENT, "does not find it" },
		{ "dangling", &root, O_RDWR, -ENOENT, "does not find it" },
		{ "public/x", &nobody, O_RDONLY, -ENOTDIR, "does not find it" },
		{ "loop", &nobody, O_RDONLY, -ELOOP, "circle" },
		{ "magic", &root, O_RDONLY, -ELOOP, "/proc" },
		{ "fifo", &nobody, O_RDONLY, -EINVAL, "regular file" },
		{ "fifo", &root, O_WRONLY, -EINVAL, "regular file" },
		{ "closed", &root, O_RDONLY, -EINVAL, "regular file" },
		{ "/dev/null", &root, O_RDWR, -EINVAL, "regular file" },
		{ "/dev/fuse", &nobody, O_RDWR, -EINVAL, "regular file" },
		/* What a thread with setfsuid may write all the same. */
		{ "/proc/sys/kernel/core_pattern", &nobody, O_WRONLY, -EACCES, "may not open it for writing" },
		{ "/proc/sys/kernel/core_pattern", &nobody, O_RDONLY, 0, NULL },
		{ "/etc/shadow", &nobody, O_RDONLY, -EACCES, "may not open it" },
		{ "/proc/self/fd/3", &root, O_RDONLY, -ELOOP, "/proc" },
		{ "./public", &root, O_RDONLY, -EINVAL, "not a path" },
		{ ".", &root, O_RDONLY, -EINVAL, "not a path" },
		{ "public", &root, O_RDONLY | O_TRUNC, -EINVAL, "flags" },
		{ "public", &root, O_RDWR | O_CREAT, -EINVAL, "flags" },
		{ "public", &root, O_PATH, -EINVAL, "flags" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool whole = *cases[i].path == '/' || *cases[i].path == '.';
		char *path = whole ? x_strdup(cases[i].path) : in_dir(cases[i].path);
		struct err e = { 0 };
		int r = access_open(cases[i].u, path, cases[i].flags, clock_msec() + LIMIT, &e);

		if (r < 0 ? r != cases[i].r : cases[i].r != 0)
			print_error("case %zu %s: %d %s\n", i, path, r, e.text);
		if (cases[i].r == 0) {
			assert_true(r >= 0);
			assert_int_equal(fcntl(r, F_GETFD), FD_CLOEXEC);
			assert_int_equal(fcntl(r, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_PATH),
			                 cases[i].flags | O_NONBLOCK);
			close(r);
		} else {
			assert_int_equal(r, cases[i].r);
			assert_int_equal(e.code, -cases[i].r);
			assert_non_null(strstr(e.text, path));
			if (!strstr(e.text, cases[i].says))
				print_error("case %zu: %s\n", i, e.text);
			assert_non_null(strstr(e.text, cases[i].says));
		}
		free(path);
	}
}

static void test_bounds(void **state)
{
	struct user crowd = { .uid = NOBODY, .gid = NOBODY, .ngroups = 100000 };
	char *path = x_alloc(6000), *file = in_dir("public");
	struct err e;
	int fd;

	(void)state;
	memset(path, '/', 5999);
	assert_int_equal(access_open(&root, path, O_RDONLY, clock_msec() + LIMIT, &e), -ENAMETOOLONG);
	assert_int_equal(access_open(&root, "", O_RDONLY, clock_msec() + LIMIT, &e), -EINVAL);
	assert_int_equal(access_open(&root, file, O_RDONLY, clock_msec(), &e), -ETIMEDOUT);
	crowd.groups = x_array(crowd.ngroups, sizeof(gid_t));
	assert_int_equal(access_open(&crowd, file, O_RDONLY, clock_msec() + LIMIT, &e), -EPERM);
	for (size_t i = 0; i < 8192; i++)
		((gid_t *)(uintptr_t)crowd.groups)[i] = (gid_t)(70000 + i);
	crowd.ngroups = 8192;
	fd = access_open(&crowd, file, O_RDONLY, clock_msec() + LIMIT, &e);
	assert_true(fd >= 0);
	close(fd);
	free((void *)(uintptr_t)crowd.groups);
	free(path);
	free(file);
}

static void test_read(void **state)
{
	static const struct {
		const char *name;
		const struct user *u;
		size_t max;
		int r;
	} cases[] = {
		{ "public", &nobody, 4, 0 },       { "public", &nobody, SIZE_MAX, 0 },  { "secret", &root, 100, 0 },
		{ "public", &nobody, 3, -EFBIG },  { "secret", &nobody, 100, -EACCES }, { "fifo", &root, 100, -EINVAL },
		{ "none", &nobody, 100, -ENOENT },
	};
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *path = in_dir(cases[i].name);
		struct err e = { 0 };

		buf_reset(&b);
		buf_puts(&b, "my ");
		assert_int_equal(access_read(cases[i].u, path, cases[i].max, clock_msec() + LIMIT, &b, &e), cases[i].r);
		assert_string_equal(b.p, cases[i].r ? "my " : "my text");
		free(path);
	}
	buf_free(&b);
}

static void test_read_long(void **state)
{
	char *path = in_dir("public"), *text = x_alloc(1000000);
	struct buf b = { 0 };
	struct err e = { 0 };
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		text[i] = (char)(i * 31 >> 3);
	assert_int_equal(write(fd, text, 1000000), 1000000);
	close(fd);
	assert_int_equal(access_read(&nobody, path, 1000000, clock_msec() + LIMIT, &b, &e), 0);
	assert_int_equal(b.len, 1000000);
	assert_memory_equal(b.p, text, 1000000);
	assert_int_equal(access_read(&nobody, path, 999999, clock_msec() + LIMIT, &b, &e), -EFBIG);
	assert_int_equal(b.len, 1000000);
	buf_free(&b);
	free(text);
	free(path);
}

static void test_user(void **state)
{
	gid_t *groups = NULL;
	struct user u = { .uid = 77 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(access_user(0, &u, &groups, &e), 0);
	assert_int_equal(u.uid, 0);
	assert_int_equal(u.gid, 0);
	assert_true(u.ngroups >= 1);
	assert_ptr_equal(u.groups, groups);
	free(groups);
	groups = NULL;
	assert_int_equal(access_user(3999999999u, &u, &groups, &e), 0); /* has no name and so no group */
	assert_int_equal(u.uid, 3999999999u);
	assert_int_equal(u.gid, 65534);
	assert_int_equal(u.ngroups, 1);
	free(groups);
}

/* A child that has gone elsewhere, and says so by a byte; it ends when the pipe does. */
static void child_elsewhere(const char *how, int to, int from)
{
	char c;

	if (strcmp(how, "mnt") == 0 && unshare(CLONE_NEWNS) < 0)
		_exit(1);
	if (strcmp(how, "user") == 0 && unshare(CLONE_NEWUSER) < 0)
		_exit(1);
	if (strcmp(how, "root") == 0 && (chroot(dir) < 0 || chdir("/") < 0))
		_exit(1);
	if (write(to, "y", 1) == 1 && read(from, &c, 1) >= 0)
		_exit(0);
	_exit(1);
}

static void test_same_world(void **state)
{
	static const struct {
		const char *how;
		int r;
	} cases[] = { { "same", 0 }, { "mnt", -EPERM }, { "user", -EPERM }, { "root", -EPERM } };
	struct err e = { 0 };
	int there[2], back[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(access_same_world(getpid(), &e), 0);
	assert_int_equal(access_same_world(gettid(), &e), 0);
	assert_int_equal(access_same_world(0, &e), -EPERM);
	assert_int_equal(access_same_world(-1, &e), -EPERM);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(pipe2(there, O_CLOEXEC) | pipe2(back, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(there[1]);
			close(back[0]);
			child_elsewhere(cases[i].how, back[1], there[0]);
		}
		close(there[0]);
		close(back[1]);
		if (read(back[0], &c, 1) == 1)
			assert_int_equal(access_same_world(pid, &e), cases[i].r);
		else
			print_message("%s: this host does not allow it\n", cases[i].how);
		close(there[1]);
		close(back[0]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	assert_int_equal(access_same_world(pid, &e), -EPERM); /* gone */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),      cmocka_unit_test(test_bounds), cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_long), cmocka_unit_test(test_user),   cmocka_unit_test(test_same_world),
	};
	int ret;

	if (access_elsewhere(argc, argv, &ret))
		return ret;
	return cmocka_run_group_tests(tests, setup, teardown);
}
