#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "tests/unit/folder_world.h"
#include "tests/unit/test.h"

static int teardown(void **state)
{
	static const char *const files[] = { "a", "link", "fifo", "big" }, *const dirs[] = { "d", "x/y/z", "x/y", "x" };

	for (size_t i = 0; i < COUNT(files); i++)
		unlinkat(folder, files[i], 0);
	for (size_t i = 0; i < COUNT(dirs); i++)
		unlinkat(folder, dirs[i], AT_REMOVEDIR);
	return folder_drop(state); /* fails when anything else is left */
}

static size_t entries(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void holds(const char *name, const char *want)
{
	struct buf b = { 0 };
	struct err e = { 0 };

	assert_int_equal(file_slurp(folder, name, 1000, &b, &e), 0);
	assert_string_equal(b.p, want);
	buf_free(&b);
}

static void test_replace(void **state)
{
	struct err e = { 0 };
	struct stat st;
	mode_t old;

	(void)state;
	old = umask(077);
	assert_int_equal(file_replace(folder, "a", "one", 3, 0644, &e), 0);
	umask(old);
	holds("a", "one");
	assert_int_equal(fstatat(folder, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_replace(folder, "a", "", 0, 0600, &e), 0);
	holds("a", "");
	assert_int_equal(file_replace(folder, "a", "two", 3, 0600, &e), 0);
	holds("a", "two");
	assert_int_equal(entries(), 1);
}

static void test_replace_refused(void **state)
{
	static const struct {
		const char *name;
		int r;
	} cases[] = {
		{ "", -EINVAL }, { ".", -EINVAL }, { "..", -EINVAL }, { "x/y", -EINVAL }, { "/etc/x", -EINVAL },
	};
	struct rlimit was, small = { 100, RLIM_INFINITY };
	char name[300], text[1000];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(file_replace(folder, cases[i].name, "x", 1, 0600, &e), cases[i].r);
	memset(name, 'n', sizeof(name));
	name[250] = '\0';
	assert_int_equal(file_replace(folder, name, "x", 1, 0600, &e), -ENAMETOOLONG);
	assert_int_equal(file_replace(-1, "a", "x", 1, 0600, &e), -EBADF);

	/* A disk that is full in the middle of the text. */
	memset(text, 't', sizeof(text));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_replace(folder, "a", text, sizeof(text), 0600, &e), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	holds("a", "two");
	assert_int_equal(entries(), 1);

	/* A folder in the place of the file. */
	assert_int_equal(mkdirat(folder, "d", 0700), 0);
	assert_int_equal(file_replace(folder, "d", "x", 1, 0600, &e), -EISDIR);
	assert_int_equal(entries(), 2);
}

/* A killed process leaves its new file: the next one removes that and nothing else. */
static void test_sweep(void **state)
{
	static const char *const kept[] = { "b",
		                            ".a.tmp-",
		                            ".a.tmp-0123456",
		                            ".a.tmp-0123456789",
		                            "a.tmp-01234567",
		                            ".a.tmp-0123456X",
		                            ".tmp-01234567" };
	size_t before = entries();

	(void)state;
	for (size_t i = 0; i < COUNT(kept); i++)
		close(openat(folder, kept[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(folder, ".a.tmp-0123abcd", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	file_sweep(folder);
	assert_int_equal(faccessat(folder, ".a.tmp-0123abcd", F_OK, 0), -1);
	for (size_t i = 0; i < COUNT(kept); i++)
		assert_int_equal(unlinkat(folder, kept[i], 0), 0);
	assert_int_equal(entries(), before);
}

static void test_slurp(void **state)
{
	static const struct {
		const char *name;
		size_t max;
		int r;
	} cases[] = {
		{ "a", 3, 0 },         { "a", 2, -EFBIG },     { "link", 100, -ELOOP }, { "fifo", 100, -EINVAL },
		{ "d", 100, -EINVAL }, { "no", 100, -ENOENT }, { "", 100, -ENOENT },
	};
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(symlinkat("a", folder, "link"), 0);
	assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };

		buf_reset(&b);
		buf_puts(&b, "kept ");
		assert_int_equal(file_slurp(folder, cases[i].name, cases[i].max, &b, &e), cases[i].r);
		assert_string_equal(b.p, cases[i].r ? "kept " : "kept two");
		assert_int_equal(e.code, -cases[i].r);
	}
	buf_free(&b);
}

static void test_dir(void **state)
{
	static const struct {
		const char *tail;
		int r;
	} cases[] = {
		{ "/x/y/z", 0 },    { "//x//y/z/", 0 },   { "", 0 },
		{ "/a", -ENOTDIR }, { "/a/b", -ENOTDIR }, { "/fifo", -ENOTDIR },
	};
	char path[600], name[300];
	struct err e;
	struct stat st;
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, cases[i].tail);
		fd = dir_make(path, 0750, &e);
		if (cases[i].r) {
			assert_int_equal(fd, cases[i].r);
			continue;
		}
		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fsync(fd), 0);
		close(fd);
	}
	assert_int_equal(fstatat(folder, "x/y/z", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(fstatat(folder, "x/y", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(dir_make("", 0700, &e), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[299] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(dir_make(path, 0700, &e), -ENAMETOOLONG);
	assert_int_equal(dir_make("/proc/no/such", 0700, &e), -ENOENT);
}

static void took(void *arg, const char *name)
{
	buf_printf(arg, "%s ", name);
	assert_int_equal(unlinkat(folder, name, 0), 0);
}

static void test_numbers(void **state)
{
	static const char *const names[] = { "10", "9", "b", "18446744073709551615", "1x", ".1", "-1", "1 ", "123" };
	struct buf told = { 0 };
	struct err e = { 0 };
	size_t before = entries();

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		close(openat(folder, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(dir_numbers(folder, took, &told, &e), 0);
	assert_string_equal(told.p, "9 10 123 18446744073709551615 ");
	assert_int_equal(dir_numbers(folder, took, &told, &e), 0);
	assert_string_equal(told.p, "9 10 123 18446744073709551615 ");
	buf_free(&told);
	for (size_t i = 0; i < COUNT(names); i++)
		unlinkat(folder, names[i], 0);
	assert_int_equal(entries(), before);
	assert_int_equal(dir_numbers(-1, took, NULL, &e), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace), cmocka_unit_test(test_replace_refused),
		cmocka_unit_test(test_sweep),   cmocka_unit_test(test_slurp),
		cmocka_unit_test(test_dir),     cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, folder_make, teardown);
}
