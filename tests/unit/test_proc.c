#include "test.h"

#include <unistd.h>

#include "fs/proc.h"

static void procfs(void **state)
{
	static const char stat[] =
		"cpu  10 20 30 4000 50 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu10 9 2 3 4 5 6 7 8 0 0\nintr 5\n";
	const int64_t tick = 1000000 / sysconf(_SC_CLK_TCK);
	char field[16];

	(void)state;
	assert_int_equal(proc_cpu_usec(stat, -1), (10 + 20 + 30 + 6 + 7) * tick);
	assert_int_equal(proc_cpu_usec(stat, 0), (1 + 2 + 3 + 6 + 7) * tick);
	assert_int_equal(proc_cpu_usec(stat, 10), (9 + 2 + 3 + 6 + 7) * tick);
	assert_int_equal(proc_cpu_usec(stat, 1), -1);
	assert_int_equal(proc_cpu_usec("", -1), -1);
	proc_field("a: 1\ncpu MHz\t\t: 2200.0\n", "cpu MHz", field, sizeof(field));
	assert_string_equal(field, "2200.0");
	proc_field("a: 1\n", "b", field, sizeof(field));
	assert_string_equal(field, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(procfs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
