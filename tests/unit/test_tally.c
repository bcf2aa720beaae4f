/* Counting requests: off without a file, by kind with one, and on where it was. */
#include "fs/tally.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/test_tally.XXXXXX", file[64];

static int fresh(void **state)
{
	(void)state;
	if (tally_counters)
		munmap(tally_counters, TALLY_KINDS * sizeof(uint64_t));
	tally_counters = NULL;
	unlink(file);
	unsetenv("DOMFS_TALLY");
	return 0;
}

static void count(uint32_t opcode, unsigned times)
{
	const struct fuse_in_header in = { .len = sizeof(in), .opcode = opcode };

	while (times--)
		tally_count(&in);
}

/* What another process finds in the file. */
static uint64_t in_file(size_t kind)
{
	uint64_t n = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &n, sizeof(n), (off_t)(kind * sizeof(n))), sizeof(n));
	close(fd);
	return n;
}

static void off(void **state)
{
	(void)state;
	tally_open();
	assert_null(tally_counters);
	count(FUSE_READ, 1);
	setenv("DOMFS_TALLY", "", 1);
	tally_open();
	assert_null(tally_counters);
}

static void by_kind(void **state)
{
	static const struct {
		uint32_t opcode;
		unsigned times;
		size_t at;
	} kinds[] = {
		{ FUSE_LOOKUP, 3, FUSE_LOOKUP },
		{ FUSE_READ, 5, FUSE_READ },
		{ TALLY_KINDS - 2, 1, TALLY_KINDS - 2 },
		{ 4096, 2, TALLY_KINDS - 1 }, /* CUSE_INIT and what is hostile */
		{ UINT32_MAX, 0, TALLY_KINDS - 1 },
	};
	struct stat st;

	(void)state;
	setenv("DOMFS_TALLY", file, 1);
	tally_open();
	assert_non_null(tally_counters);
	for (size_t i = 0; i < COUNT(kinds); i++)
		count(kinds[i].opcode, kinds[i].times);
	for (size_t i = 0; i + 1 < COUNT(kinds); i++)
		assert_int_equal(in_file(kinds[i].at), kinds[i].times);
	count(UINT32_MAX, 1);
	assert_int_equal(in_file(TALLY_KINDS - 1), 3);
	assert_int_equal(in_file(FUSE_WRITE), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, TALLY_KINDS * sizeof(uint64_t));
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void goes_on(void **state)
{
	(void)state;
	setenv("DOMFS_TALLY", file, 1);
	tally_open();
	count(FUSE_OPEN, 2);
	tally_open();
	count(FUSE_OPEN, 1);
	assert_int_equal(in_file(FUSE_OPEN), 3);
}

static void no_file(void **state)
{
	(void)state;
	setenv("DOMFS_TALLY", "/nowhere/tally", 1);
	tally_open();
	assert_null(tally_counters);
	assert_int_equal(symlink("/tmp/elsewhere", file), 0);
	setenv("DOMFS_TALLY", file, 1);
	tally_open();
	assert_null(tally_counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(off, fresh),
		cmocka_unit_test_setup(by_kind, fresh),
		cmocka_unit_test_setup(goes_on, fresh),
		cmocka_unit_test_setup(no_file, fresh),
	};
	int ret;

	if (!mkdtemp(folder))
		return 1;
	snprintf(file, sizeof(file), "%s/tally", folder);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	fresh(NULL);
	rmdir(folder);
	return ret;
}
