#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "tests/unit/access_world.h"

static const gid_t group_1234[] = { 1234 };
static const struct user root = { 0 }, member = { .uid = 65534, .gid = 65534, .groups = group_1234, .ngroups = 1 };

/* What the helper is while it works, as the kernel says it: /proc/self is the helper. */
static void test_helper_rights(void **state)
{
	static const char *const wanted[] = { "Uid:\t65534\t65534\t65534\t65534\n",
		                              "Gid:\t65534\t65534\t65534\t65534\n",
		                              "Groups:\t1234 \n",
		                              "CapInh:\t0000000000000000\n",
		                              "CapPrm:\t0000000000000000\n",
		                              "CapEff:\t0000000000000000\n",
		                              "CapAmb:\t0000000000000000\n",
		                              "NoNewPrivs:\t1\n",
		                              "Umask:\t0077\n",
		                              "SigBlk:\t0000000000000000\n" };
	struct buf b = { 0 };
	struct err e = { 0 };
	const char *ignored;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	assert_int_equal(access_read(&member, "/proc/self/status", 100000, clock_msec() + LIMIT, &b, &e), 0);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		if (!strstr(b.p, wanted[i]))
			print_error("%s is missing in\n%s", wanted[i], b.p);
		assert_non_null(strstr(b.p, wanted[i]));
	}
	ignored = strstr(b.p, "SigIgn:");
	assert_non_null(ignored);
	/* The C library keeps two above for itself. */
	assert_int_equal(strtoull(ignored + 7, NULL, 16) & 0x7fffffff, 0);
	buf_free(&b);
}

/* Descriptors of ours that are not close-on-exec do not reach the helper; its socket does. */
static void test_helper_files(void **state)
{
	char *path;
	struct buf b = { 0 };
	struct err e = { 0 };
	int leak = fcntl(STDIN_FILENO, F_DUPFD, 40);

	(void)state;
	assert_true(leak >= 40);
	path = x_printf("/proc/self/fdinfo/%d", leak);
	assert_int_equal(access_read(&root, path, 1000, clock_msec() + LIMIT, &b, &e), -ENOENT);
	buf_free(&b);
	assert_int_equal(access_read(&root, "/proc/self/fdinfo/3", 1000, clock_msec() + LIMIT, &b, &e), 0);
	close(leak);
	free(path);
	buf_free(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helper_rights),
		cmocka_unit_test(test_helper_files),
	};
	int ret;

	if (access_elsewhere(argc, argv, &ret))
		return ret;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
