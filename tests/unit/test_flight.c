/* Which signals mean that a writer wants to stop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/flight.h"
#include "tests/unit/test.h"

enum how { HANDLED, BLOCKED, IGNORED };

/* A child that is stopped has SIG pending and cannot take it: what thread_is_dying() says of it. */
static bool dying_of(int sig, enum how how)
{
	sigset_t set;
	int status;
	bool ret;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		sigemptyset(&set);
		sigaddset(&set, sig);
		if (how == BLOCKED)
			sigprocmask(SIG_BLOCK, &set, NULL);
		signal(sig, how == IGNORED ? SIG_IGN : SIG_DFL);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	kill(pid, sig);
	ret = thread_is_dying(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return ret;
}

static void fatal_signals(void **state)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTERM };
	static const int harmless[] = { SIGCHLD, SIGWINCH, SIGUSR1, SIGURG };

	(void)state;
	for (size_t i = 0; i < COUNT(fatal); i++) {
		assert_true(dying_of(fatal[i], HANDLED));
		assert_false(dying_of(fatal[i], BLOCKED));
		assert_false(dying_of(fatal[i], IGNORED));
	}
	for (size_t i = 0; i < COUNT(harmless); i++)
		assert_false(dying_of(harmless[i], HANDLED));
}

static void unknown_writers(void **state)
{
	(void)state;
	assert_false(thread_is_dying(getpid()));
	assert_true(thread_is_dying(0)); /* of another pid namespace: nobody could stop it otherwise */
	assert_int_equal(thread_end(0), THREAD_LIVES);
	assert_int_equal(thread_end(getpid()), THREAD_LIVES);
}

/* A zombie still tells how it ended. */
static void killed(void **state)
{
	siginfo_t info;
	pid_t pid;

	(void)state;
	for (int by_signal = 0; by_signal < 2; by_signal++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			if (by_signal)
				raise(SIGKILL);
			_exit(0);
		}
		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		assert_int_equal(thread_end(pid), by_signal ? THREAD_KILLED : THREAD_EXITS);
		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fatal_signals),
		cmocka_unit_test(unknown_writers),
		cmocka_unit_test(killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
