#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "backends/xen/xen.h"

/* What libxentoolcore shares with the other libraries: it calls back with its lock held. */
struct handle {
	int (*restricted)(struct handle *, uint32_t domid);
	void *list[2];
};

extern void xentoolcore__register_active_handle(struct handle *h);
extern void xentoolcore__deregister_active_handle(struct handle *h);
extern int xentoolcore_restrict_all(uint32_t domid);

static int held[2]; /* a byte comes when the lock is held */
static pid_t first; /* the child that was forked meanwhile */

static pid_t child(void)
{
	char path[64], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	(void)!fgets(text, sizeof(text), f);
	fclose(f);
	return (pid_t)atoi(text);
}

/* Until a child has come, which has a copy of the lock. */
static int hold(struct handle *h, uint32_t domid)
{
	(void)h, (void)domid;
	assert_int_equal(write(held[1], "", 1), 1);
	while (!first)
		first = child();
	return -1;
}

static void *holder(void *arg)
{
	struct handle h = { .restricted = hold };

	xentoolcore__register_active_handle(&h);
	assert_int_equal(xentoolcore_restrict_all(0), -1);
	xentoolcore__deregister_active_handle(&h);
	return arg;
}

static int ends(pid_t pid)
{
	int status = -1;

	if (pid == 0)
		_exit(7);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* It is given up, and the next one goes its way. */
static void test_fork_locked(void **state)
{
	pthread_t thread;
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(held), 0);
	assert_int_equal(pthread_create(&thread, NULL, holder, NULL), 0);
	assert_int_equal(read(held[0], &byte, 1), 1);
	pid = xen_fork(NULL);
	assert_int_equal(WEXITSTATUS(ends(pid)), 7);
	pthread_join(thread, NULL);
	assert_true(first > 0);
	assert_int_not_equal(pid, first);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no child is left */
}

static void test_fork(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(ends(xen_fork(NULL))), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
