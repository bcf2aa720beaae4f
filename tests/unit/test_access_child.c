#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "tests/unit/access_world.h"

static char dir[] = "/tmp/test-access-XXXXXX";
static const struct user nobody = { .uid = 65534, .gid = 65534 }, other = { .uid = 65533, .gid = 65533 };

static char *in_dir(const char *name)
{
	return x_printf("%s/%s", dir, name);
}

static int setup(void **state)
{
	char *path;
	int fd;

	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	path = in_dir("public");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	free(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	char *file = in_dir("public"), *hang = in_dir("hang");

	(void)state;
	unlink(file);
	umount2(hang, MNT_FORCE | MNT_DETACH);
	rmdir(hang);
	free(file);
	free(hang);
	return rmdir(dir);
}

/* A file system that takes requests and answers none but the first. Ends when the mount is aborted. */
static void *hang_serve(void *arg)
{
	int fd = *(int *)arg;
	char *p = x_alloc(1 << 20);
	ssize_t n;

	while ((n = read(fd, p, 1 << 20)) >= 0 || errno == EINTR || errno == ENOENT) {
		const struct fuse_in_header *in = (const void *)p;
		struct {
			struct fuse_out_header h;
			struct fuse_init_out init;
		} out = { .h = { .len = sizeof(out), .unique = in->unique },
			  .init = { .major = 7, .minor = 31, .max_write = 4096 } };

		if (n >= (ssize_t)sizeof(*in) && in->opcode == FUSE_INIT && write(fd, &out, sizeof(out)) < 0)
			break;
	}
	free(p);
	return NULL;
}

/* A tenant's own file system can hold a process against SIGKILL. The caller gets his answer, the others theirs. */
static void test_hang(void **state)
{
	char *path = in_dir("hang"), *file = in_dir("hang/x"), *good = in_dir("public");
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), r, late = 0;
	uint64_t begin, until;
	struct err e = { 0 };
	char options[100];
	pthread_t t;

	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (fd < 0 || mount("hang", path, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		print_message("no fuse here\n");
		if (fd >= 0)
			close(fd);
		free(path);
		free(file);
		free(good);
		skip();
	}
	assert_int_equal(pthread_create(&t, NULL, hang_serve, &fd), 0);
	do {
		begin = clock_msec();
		r = access_open(&nobody, file, O_RDONLY, begin + 100, &e);
		assert_true(clock_msec() - begin < LIMIT / 2);
	} while (r == -ETIMEDOUT && ++late < 20);
	assert_int_equal(r, -EAGAIN); /* some hang for good: no further ones for him */
	assert_in_range(late, 4, 19);
	r = access_open(&nobody, good, O_RDONLY, clock_msec() + LIMIT, &e);
	assert_int_equal(r, -EAGAIN);
	assert_non_null(strstr(e.text, good));
	r = access_open(&other, good, O_RDONLY, clock_msec() + LIMIT, &e);
	assert_true(r >= 0);
	close(r);
	assert_int_equal(umount2(path, MNT_FORCE | MNT_DETACH), 0);
	pthread_join(t, NULL);
	close(fd);
	until = clock_msec() + LIMIT;
	do {
		r = access_open(&nobody, good, O_RDONLY, clock_msec() + LIMIT, &e);
	} while (r == -EAGAIN && clock_msec() < until);
	assert_true(r >= 0);
	close(r);
	/* The last of them end, and are reaped by who comes next. */
	while (waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0) {
		r = access_open(&nobody, good, O_RDONLY, clock_msec() + LIMIT, &e);
		assert_true(r >= 0);
		close(r);
	}
	free(path);
	free(file);
	free(good);
}

/* Every helper was reaped by who started it, and no other child was. */
static void test_reaped(void **state)
{
	char *path = in_dir("public");
	struct err e = { 0 };
	siginfo_t info = { 0 };
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(7);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	fd = access_open(&nobody, path, O_RDONLY, clock_msec() + LIMIT, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	assert_int_equal(info.si_status, 7);
	free(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_reaped),
	};
	int ret;

	if (access_elsewhere(argc, argv, &ret))
		return ret;
	return cmocka_run_group_tests(tests, setup, teardown);
}
