#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/config.h"

#define NOBODY 65534

static const struct user root = { 0 }, nobody = { .uid = NOBODY, .gid = NOBODY };
static char dir[] = "/tmp/test-disk-XXXXXX";

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A good header of VERSION with clusters of 64 KiB in a file of N bytes. */
static void header(uint8_t *p, size_t n, uint32_t version)
{
	memset(p, 0, n);
	put32(p, 0x514649fb);
	put32(p + 4, version);
	put32(p + 20, 16);
	if (version == 3) {
		put32(p + 96, 4);
		put32(p + 100, 104);
	}
}

struct patch {
	size_t at;
	uint32_t value;
};

static const struct {
	const char *what;
	uint32_t version;
	size_t n; /* how much of the file there is */
	struct patch patches[4];
	const char *want; /* part of the sentence, NULL: good */
} cases[] = {
	{ "good 2", 2, 512, { { 0 } }, NULL },
	{ "good 3", 3, 65536, { { 0 } }, NULL },
	{ "dirty, compression, extended L2", 3, 512, { { 76, 0x19 } }, NULL },
	{ "an extension", 3, 512, { { 104, 0x6803f857 }, { 108, 20 }, { 136, 0x23852875 }, { 140, 8 } }, NULL },
	{ "empty", 2, 0, { { 0 } }, "not a qcow2" },
	{ "short", 2, 71, { { 0 } }, "not a qcow2" },
	{ "other magic", 2, 512, { { 0, 0x7f454c46 } }, "not a qcow2" },
	{ "version 1", 1, 512, { { 0 } }, "version 1" },
	{ "version 4", 4, 512, { { 0 } }, "version 4" },
	{ "backing offset", 2, 512, { { 12, 200 } }, "backing file" },
	{ "backing offset, high", 3, 512, { { 8, 1 } }, "backing file" },
	{ "backing length", 3, 512, { { 16, 10 } }, "backing file" },
	{ "small clusters", 2, 512, { { 20, 8 } }, "2^8" },
	{ "huge clusters", 2, 512, { { 20, 22 } }, "2^22" },
	{ "absurd clusters", 2, 512, { { 20, 0xffffffff } }, "clusters" },
	{ "AES", 2, 512, { { 32, 1 } }, "encrypted" },
	{ "LUKS", 3, 512, { { 32, 2 } }, "encrypted" },
	{ "version 3, short", 3, 103, { { 0 } }, "ends within" },
	{ "data file", 3, 512, { { 76, 4 } }, "another file" },
	{ "corrupt", 3, 512, { { 76, 2 } }, "corrupt" },
	{ "unknown feature", 3, 512, { { 76, 0x20 } }, "0x20" },
	{ "unknown feature, high", 3, 512, { { 72, 0x80000000 } }, "not known" },
	{ "reference counts", 3, 512, { { 96, 7 } }, "2^7" },
	{ "header too small", 3, 512, { { 100, 96 } }, "header of 96" },
	{ "header odd", 3, 512, { { 100, 106 } }, "header of 106" },
	{ "header past the end", 3, 512, { { 100, 520 } }, "header of 520" },
	{ "header past the cluster", 3, 65536, { { 20, 9 }, { 100, 1024 } }, "header of 1024" },
	{ "data file extension", 3, 512, { { 104, 0x44415441 }, { 108, 8 } }, "another file" },
	{ "data file extension behind another",
	  3,
	  512,
	  { { 104, 0x6803f857 }, { 108, 4 }, { 120, 0x44415441 }, { 124, 8 } },
	  "another file" },
	{ "data file extension, version 2", 2, 512, { { 72, 0x44415441 }, { 76, 8 } }, "another file" },
	{ "encryption extension", 3, 512, { { 104, 0x0537be77 }, { 108, 16 } }, "encrypted" },
	{ "extension too long", 3, 512, { { 104, 1 }, { 108, 0xffffffff } }, "does not fit" },
	{ "extension just too long", 3, 512, { { 104, 1 }, { 108, 401 } }, "does not fit" },
	{ "extensions without end", 3, 512, { { 104, 1 }, { 108, 400 } }, "longer than" },
};

static void test_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t *all = x_alloc(65536 + 8), *exact;
		struct err e = { 0 };
		int rc;

		header(all, 65536, cases[i].version);
		for (size_t j = 0; j < COUNT(cases[i].patches) && (cases[i].patches[j].at || cases[i].patches[j].value);
		     j++)
			put32(all + cases[i].patches[j].at, cases[i].patches[j].value);
		/* A copy of just this size, so that the sanitizer sees a read past it. */
		exact = malloc(cases[i].n ? cases[i].n : 1);
		assert_non_null(exact);
		memcpy(exact, all, cases[i].n);
		rc = disk_check_qcow2(exact, cases[i].n, &e);
		if (rc != (cases[i].want ? -EINVAL : 0) || (cases[i].want && !strstr(e.text, cases[i].want)))
			fail_msg("%s: %d %s", cases[i].what, rc, e.text);
		free(exact);
		free(all);
	}
}

static char *file(const char *name, const void *p, size_t n, mode_t mode)
{
	char *path = x_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static void test_open(void **state)
{
	uint8_t good[512], bad[512];
	struct err e = { 0 };
	enum disk_format format = FORMAT_COUNT;
	int fd = -2;
	static const struct {
		enum disk_format format;
		bool bad, readonly, cdrom;
		mode_t mode;
		int code;
		const char *sentence;
	} files[] = {
		{ FORMAT_QCOW2, false, false, false, 0600, 0, NULL },
		{ FORMAT_QCOW2, false, true, false, 0600, 0, NULL },
		{ FORMAT_QCOW2, true, false, false, 0600, EINVAL, "disk xvda: /tmp/" },
		{ FORMAT_RAW, true, false, false, 0600, 0,
		  NULL }, /* a guest may write what it likes into its raw disk */
		{ FORMAT_RAW, false, false, true, 0600, 0, NULL },
		{ FORMAT_VHD, false, false, false, 0600, EOPNOTSUPP, "disk xvda: format vhd" },
		{ FORMAT_QED, false, false, false, 0600, EOPNOTSUPP, "disk xvda: format qed" },
	};

	(void)state;
	header(good, sizeof(good), 3);
	header(bad, sizeof(bad), 3);
	put32(bad + 76, 4);
	for (size_t i = 0; i < COUNT(files); i++) {
		char *path = file("image", files[i].bad ? bad : good, sizeof(good), files[i].mode);
		struct disk d = { .vdev = "xvda",
			          .format = files[i].format,
			          .source = path,
			          .readonly = files[i].readonly,
			          .cdrom = files[i].cdrom };
		int rc = disk_open(&root, &d, clock_msec() + LIMIT, &fd, &format, &e);

		if (rc != -files[i].code || (rc && strncmp(e.text, files[i].sentence, strlen(files[i].sentence)) != 0))
			fail_msg("case %zu: %d %s", i, rc, e.text);
		if (rc == 0) {
			bool writable = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
			assert_int_equal(writable, !files[i].readonly && !files[i].cdrom);
			assert_int_equal(format, files[i].format);
			assert_false(disk_is_block(fd));
			close(fd);
		} else {
			assert_int_equal(fd, -2);
			assert_int_equal(format, FORMAT_COUNT);
		}
		fd = -2;
		format = FORMAT_COUNT;
		free(path);
	}
}

static void test_open_others(void **state)
{
	struct err e = { 0 };
	enum disk_format format = FORMAT_COUNT;
	int fd = -2;
	char *path = file("private", "x", 1, 0600);
	struct disk d = { .vdev = "xvda", .format = FORMAT_RAW, .source = path };

	(void)state;
	assert_int_equal(disk_open(&nobody, &d, clock_msec() + LIMIT, &fd, &format, &e), -EACCES);
	assert_non_null(strstr(e.text, "disk xvda: "));
	d.source = NULL;
	assert_int_equal(disk_open(&root, &d, clock_msec() + LIMIT, &fd, &format, &e), -EINVAL);
	assert_int_equal(fd, -2);
	d.cdrom = true;
	assert_int_equal(disk_open(&root, &d, clock_msec() + LIMIT, &fd, &format, &e), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(format, FORMAT_EMPTY);
	free(path);
}

static void test_memfd(void **state)
{
	struct err e = { 0 };
	struct stat st;
	char text[8] = "";
	char *path = file("kernel", "kernel", 6, 0644), *empty = file("empty", "", 0, 0644),
	     *other = file("p", "x", 1, 0600);
	int fd = disk_memfd(&nobody, path, 6, clock_msec() + LIMIT, &e);

	(void)state;
	if (fd < 0)
		fail_msg("%s", e.text);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 6);
	assert_string_equal(text, "kernel");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
	assert_int_equal(disk_memfd(&nobody, path, 5, clock_msec() + LIMIT, &e), -EFBIG);
	assert_int_equal(disk_memfd(&nobody, empty, 5, clock_msec() + LIMIT, &e), -EINVAL);
	assert_int_equal(disk_memfd(&nobody, other, 5, clock_msec() + LIMIT, &e), -EACCES);
	free(path);
	free(empty);
	free(other);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) && chmod(dir, 0755) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "image", "private", "kernel", "empty", "p" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = x_printf("%s/%s", dir, names[i]);
		unlink(path);
		free(path);
	}
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest pure[] = {
		cmocka_unit_test(test_header),
	};
	const struct CMUnitTest files[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_others),
		cmocka_unit_test(test_memfd),
	};
	int ret;

	if (access_helper(argc, argv, &ret))
		return ret;
	ret = cmocka_run_group_tests(pure, NULL, NULL);
	/* Images are opened by a process that becomes their owner, which takes root. */
	if (geteuid() == 0)
		ret += cmocka_run_group_tests(files, setup, teardown);
	return ret;
}
