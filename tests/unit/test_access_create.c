/* New files of users: what is refused, that they are whole or not there, and whose they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "tests/unit/access_world.h"

#define NOBODY 65534

static char dir[] = "/tmp/test-create-XXXXXX";
static const struct user root = { 0 }, nobody = { .uid = NOBODY, .gid = NOBODY };

static char *in_dir(const char *name)
{
	return x_printf("%s/%s", dir, name);
}

static void folder_make(const char *name, mode_t mode, uid_t uid)
{
	char *path = in_dir(name);

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, uid, uid), 0);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void link_make(const char *to, const char *name)
{
	char *path = in_dir(name);

	assert_int_equal(symlink(to, path), 0);
	free(path);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	folder_make("his", 0700, NOBODY);
	folder_make("blind", 0300, NOBODY); /* he makes files there and cannot list them */
	folder_make("roots", 0700, 0);
	folder_make("shown", 0755, 0);
	link_make("nowhere", "his/dangling");
	link_make("/proc/self/fd/3", "magic");
	link_make("his", "link");
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "his/dangling", "his/new", "his/other", "his",   "blind/new", "blind",
		                             "roots/new",    "roots",   "shown",     "magic", "link" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = in_dir(names[i]);

		remove(path);
		free(path);
	}
	return rmdir(dir);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void test_refused(void **state)
{
	static const struct {
		const char *path; /* below DIR when it does not begin with / */
		const struct user *u;
		int r;
		const char *says;
	} cases[] = {
		{ "his/dangling", &nobody, -EEXIST, "there is one already" }, /* not followed */
		{ "his", &nobody, -EEXIST, "there is one already" },
		{ "roots/new", &nobody, -EACCES, "may not" },
		{ "shown/new", &nobody, -EACCES, "nobody (uid 65534) may not make files" },
		{ "none/new", &root, -ENOENT, "does not find its folder" },
		{ "magic/new", &root, -ELOOP, "does not find its folder" },
		{ "/proc/self/cwd/new", &root, -ELOOP, "does not find its folder" },
		{ "his/dangling/new", &root, -ENOENT, "does not find its folder" },
		{ "his/", &nobody, -EISDIR, "folder" },
		{ "his/.", &nobody, -EISDIR, "folder" },
		{ "his/..", &nobody, -EISDIR, "folder" },
		{ "/", &root, -EISDIR, "folder" },
		{ "/proc/new", &root, -EOPNOTSUPP, "take a folder on another" },
		{ "/etc/passwd", &nobody, -EEXIST, "there is one already" },
		{ "/etc/new", &nobody, -EACCES, "may not make files" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *path = *cases[i].path == '/' ? x_strdup(cases[i].path) : in_dir(cases[i].path);
		struct err e = { 0 };
		int r = access_create(cases[i].u, path, clock_msec() + LIMIT, &e);

		if (r != cases[i].r || !strstr(e.text, cases[i].says))
			print_error("case %zu %s: %d %s\n", i, path, r, r < 0 ? e.text : "");
		assert_int_equal(r, cases[i].r);
		assert_non_null(strstr(e.text, cases[i].says));
		free(path);
	}
}

static void test_whole(void **state)
{
	static const struct {
		const char *path;
		const struct user *u;
		bool through_link;
	} cases[] = { { "his/new", &nobody, false }, { "blind/new", &nobody, false }, { "roots/new", &root, false } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *path = in_dir(cases[i].path);
		struct err e = { 0 };
		struct stat st;
		int fd = access_create(cases[i].u, path, clock_msec() + LIMIT, &e);

		if (fd < 0)
			print_error("%s\n", e.text);
		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(write(fd, "text", 4), 4);
		assert_false(is_there(path));
		assert_int_equal(access_name(cases[i].u, path, fd, clock_msec() + LIMIT, &e), 0);
		close(fd);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600);
		assert_int_equal(st.st_uid, cases[i].u->uid);
		assert_int_equal(st.st_size, 4);
		assert_int_equal(access_create(cases[i].u, path, clock_msec() + LIMIT, &e), -EEXIST);
		free(path);
	}
}

/* Between the two somebody else takes the name, or what the user may do changes. */
static void test_late(void **state)
{
	char *path = in_dir("his/other"), *elsewhere = in_dir("roots/other"), *link = in_dir("link/other");
	struct err e = { 0 };
	int fd = access_create(&nobody, link, clock_msec() + LIMIT, &e), other;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(access_name(&nobody, elsewhere, fd, clock_msec() + LIMIT, &e), -EACCES);
	assert_false(is_there(elsewhere));
	other = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(other >= 0);
	assert_int_equal(write(other, "his", 3), 3);
	assert_int_equal(access_name(&nobody, path, fd, clock_msec() + LIMIT, &e), -EEXIST);
	assert_non_null(strstr(e.text, "meanwhile"));
	assert_int_equal(lseek(other, 0, SEEK_END), 3);
	close(other);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(access_name(&nobody, path, fd, clock_msec(), &e), -ETIMEDOUT);
	assert_false(is_there(path));
	close(fd);
	free(path);
	free(elsewhere);
	free(link);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_late),
	};
	int ret;

	if (access_elsewhere(argc, argv, &ret))
		return ret;
	return cmocka_run_group_tests(tests, setup, teardown);
}
