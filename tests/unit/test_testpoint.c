#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testpoint.h"
#include "tests/unit/test.h"

static int status_at(const char *wanted, const char *name)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (wanted)
			setenv("DOMFS_KILL_AT", wanted, 1);
		else
			unsetenv("DOMFS_KILL_AT");
		test_point(name);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_kills(void **state)
{
	int status = status_at("start-intent", "start-intent");

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_passes(void **state)
{
	static const char *const wanted[] = { NULL, "", "start", "start-intent-2" };

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int status = status_at(wanted[i], "start-intent");

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kills), cmocka_unit_test(test_passes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
