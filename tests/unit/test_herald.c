#include <dirent.h>
#include <sys/eventfd.h>

#include "tests/unit/herald_world.h"

static void test_operations(void **state)
{
	static const struct {
		enum herald_op op;
		const char *name, *to;
		int result;
		const char *seen, *seen_too;
	} rows[] = {
		{ HERALD_MKDIR, "web1", NULL, 0, "mkdir 755 web1", NULL },
		{ HERALD_MKDIR, "web1", NULL, -EEXIST, NULL, NULL },
		{ HERALD_RENAME, "web1", "web2", 0, "rename web1", "to web2" },
		{ HERALD_RENAME, "web1", "web3", -ENOENT, NULL, NULL },
		{ HERALD_RMDIR, "web1", NULL, -ENOENT, NULL, NULL },
		{ HERALD_MKDIR, "web2/dir", NULL, 0, "mkdir 755 web2/dir", NULL },
		{ HERALD_RMDIR, "web2/dir", NULL, 0, "rmdir web2/dir", NULL },
		{ HERALD_RMDIR, "web2", NULL, 0, "rmdir web2", NULL },
		{ HERALD_UNLINK, "web0/state", NULL, 0, "unlink web0/state", NULL },
		{ HERALD_UNLINK, "web0/state", NULL, -ENOENT, NULL, NULL },
		{ HERALD_UNLINK, "web0", NULL, -EISDIR, NULL, NULL },
		{ HERALD_MKDIR, "/tmp/web1", NULL, -EINVAL, NULL, NULL },
		{ HERALD_MKDIR, "", NULL, -EINVAL, NULL, NULL },
		{ HERALD_MKDIR, "../web1", NULL, -EINVAL, NULL, NULL },
		{ HERALD_MKDIR, "web0/../web1", NULL, -EINVAL, NULL, NULL },
		{ HERALD_MKDIR, "web0/..", NULL, -EINVAL, NULL, NULL },
		{ HERALD_RENAME, "web0", "../web1", -EINVAL, NULL, NULL },
		{ HERALD_MKDIR, "..web", NULL, 0, "mkdir 755 ..web", NULL },
	};
	struct herald *h = start();
	struct outcome o[COUNT(rows)], after, long_name;
	char *path = x_alloc(5000);
	int n = 0;

	(void)state;
	atomic_store(&order, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		outcome_init(&o[i]);
		herald_do(h, rows[i].op, rows[i].name, rows[i].to, outcome_set, &o[i]);
	}
	outcome_init(&after);
	herald_after(h, outcome_set, &after);
	memset(path, 'x', 4999);
	outcome_init(&long_name);
	herald_do(h, HERALD_MKDIR, path, NULL, outcome_set, &long_name);
	assert_int_equal(outcome_get(&long_name), -ENAMETOOLONG);
	assert_int_equal(outcome_get(&after), 0);
	assert_int_equal(after.order, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (outcome_get(&o[i]) != rows[i].result)
			print_error("%s: %d\n", rows[i].name, o[i].result);
		assert_int_equal(o[i].result, rows[i].result);
		assert_int_equal(o[i].order, i);
		if (rows[i].seen)
			assert_string_equal(seen->log[n++].what, rows[i].seen);
		if (rows[i].seen_too)
			assert_string_equal(seen->log[n++].what, rows[i].seen_too);
	}
	assert_int_equal(atomic_load(&seen->n), n);
	for (int i = 0; i < n; i++)
		assert_true(herald_is(h, seen->log[i].pid));
	assert_false(herald_is(h, getpid()));
	assert_false(herald_is(h, gettid()));
	assert_false(herald_is(h, 0));
	herald_do(h, HERALD_MKDIR, "quiet", NULL, NULL, NULL);
	wait_for_all(h);
	assert_string_equal(seen->log[n].what, "mkdir 755 quiet");
	herald_stop(h);
	herald_stop(NULL);
	free(path);
}

/* A file that waits to be touched waits once, behind all operations, and under its newest name. */
static void test_touches(void **state)
{
	struct herald *h = start();
	struct outcome hang, last;
	char *path;
	int times[20] = { 0 }, which;

	(void)state;
	outcome_init(&hang);
	outcome_init(&last);
	herald_do(h, HERALD_MKDIR, "hang", NULL, outcome_set, &hang);
	wait_seen(1);
	for (int i = 0; i < 1000; i++) {
		path = x_printf("file%d", i % 20);
		herald_touch(h, (uint64_t)(i % 20), path);
		free(path);
	}
	herald_touch(h, 99, "web0/gone");
	herald_touch(h, 100, "web0/old");
	herald_touch(h, 100, "web0/state");
	herald_touch(h, 101, ".");
	herald_do(h, HERALD_MKDIR, "web1", NULL, outcome_set, &last);
	let_go();
	assert_int_equal(outcome_get(&hang), 0);
	assert_int_equal(outcome_get(&last), 0);
	wait_seen(24);
	wait_for_all(h);
	assert_int_equal(atomic_load(&seen->n), 24);
	assert_string_equal(seen->log[1].what, "mkdir 755 web1");
	for (int i = 2; i < 22; i++) {
		assert_int_equal(sscanf(seen->log[i].what, "touch file%d", &which), 1);
		assert_in_range(which, 0, 19);
		times[which]++;
		assert_true(herald_is(h, seen->log[i].pid));
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(times[i], 1);
	assert_string_equal(seen->log[22].what, "touch web0/state");
	assert_string_equal(seen->log[23].what, "touch ");
	herald_touch(h, 0, "file0"); /* and again, for it no longer waits */
	wait_seen(25);
	assert_string_equal(seen->log[24].what, "touch file0");
	herald_stop(h);
}

/* A helper that hangs holds nobody longer than a second, and goes on when it can. */
static void test_hang(void **state)
{
	uint64_t begin = clock_msec(), until;
	struct herald *h = start();
	int r;

	(void)state;
	assert_int_equal(wait_for(h, HERALD_MKDIR, "hang", NULL), -ETIMEDOUT);
	assert_true(clock_msec() - begin >= 1000);
	assert_true(herald_is(h, seen->log[0].pid));
	begin = clock_msec();
	for (int i = 0; i < 50; i++)
		assert_int_equal(wait_for(h, HERALD_MKDIR, "web1", NULL), -ETIMEDOUT);
	wait_for_all(h);
	assert_true(clock_msec() - begin < LIMIT);
	herald_touch(h, 1, "file1");
	assert_int_equal(atomic_load(&seen->n), 1);
	let_go();
	wait_seen(2); /* without a further operation */
	assert_string_equal(seen->log[1].what, "touch file1");
	until = clock_msec() + LIMIT;
	do {
		r = wait_for(h, HERALD_MKDIR, "web1", NULL);
	} while (r == -ETIMEDOUT && clock_msec() < until);
	assert_int_equal(r, 0);
	assert_string_equal(seen->log[2].what, "mkdir 755 web1");
	assert_int_equal(seen->log[2].pid, seen->log[0].pid);
	herald_stop(h);
}

static atomic_bool late; /* who rings next is held up */
static atomic_bool rang;

/*
 * The daemon's own: as if who rings were held up until the herald has come by another reason, the answer of what hung, and waits for
 * the answer to what it was to be rung for; or until it is clear that it will not.
 */
int eventfd_write(int fd, eventfd_t n)
{
	uint64_t until = clock_msec() + 300;

	if (atomic_exchange(&late, false)) {
		let_go();
		while (atomic_load(&seen->n) < 2 && clock_msec() < until)
			sched_yield();
		atomic_store(&rang, true);
	}
	return write(fd, &n, sizeof(n)) == sizeof(n) ? 0 : -1;
}

/* Nothing but the end gives up what was asked. */
static void test_late_ring(void **state)
{
	struct herald *h = start();
	struct outcome o;

	(void)state;
	assert_int_equal(wait_for(h, HERALD_MKDIR, "hang", NULL), -ETIMEDOUT);
	atomic_store(&late, true);
	for (;;) {
		outcome_init(&o);
		herald_do(h, HERALD_MKDIR, "hang2", NULL, outcome_set, &o);
		if (atomic_load(&rang))
			break;
		assert_int_equal(outcome_get(&o), -ETIMEDOUT); /* the herald was not waiting yet */
	}
	wait_seen(2);
	let_go();
	assert_int_equal(outcome_get(&o), 0);
	assert_int_equal(wait_for(h, HERALD_MKDIR, "web1", NULL), 0);
	herald_stop(h);
}

static bool settles_at_once(struct herald *h, uint64_t key)
{
	uint64_t begin = clock_msec();

	herald_settle(h, key);
	return clock_msec() - begin < 1000;
}

/* What the helper was told of counts when it has gone on, and not before. */
static void test_settle(void **state)
{
	struct herald *h = start();
	uint64_t until = clock_msec() + LIMIT;

	(void)state;
	assert_int_equal(wait_for(h, HERALD_MKDIR, "hang", NULL), -ETIMEDOUT);
	herald_telling(h, 1);
	assert_false(settles_at_once(h, 1));
	herald_telling(h, 2);
	while (!settles_at_once(h, 1) && clock_msec() < until)
		;
	assert_false(settles_at_once(h, 2));
	let_go();
	while (!settles_at_once(h, 2) && clock_msec() < until)
		;
	assert_true(clock_msec() < until);
	herald_stop(h);
}

/* Killed while it hangs: it cannot die before the answer, and then there is another. */
static void test_killed_hanging(void **state)
{
	struct herald *h = start();
	pid_t old;

	(void)state;
	assert_int_equal(wait_for(h, HERALD_MKDIR, "hang", NULL), -ETIMEDOUT);
	old = seen->log[0].pid;
	assert_int_equal(kill(old, SIGKILL), 0);
	herald_touch(h, 1, "file1");
	assert_int_equal(wait_for(h, HERALD_MKDIR, "web1", NULL), -ETIMEDOUT);
	let_go();
	wait_seen(2);
	assert_int_not_equal(seen->log[1].pid, old);
	assert_true(herald_is(h, seen->log[1].pid));
	assert_false(herald_is(h, old));
	herald_stop(h);
}

static void test_killed(void **state)
{
	struct herald *h = start();
	uint64_t begin = clock_msec();
	int r, starts = 0;
	pid_t pid[4];

	(void)state;
	for (size_t i = 0; i < COUNT(pid); i++) {
		char *name = x_printf("web%zu", i + 1);

		do { /* one that lived less than a second gets its successor later */
			r = wait_for(h, HERALD_MKDIR, name, NULL);
			assert_true(r == 0 || r == -EIO);
			assert_true(clock_msec() - begin < LIMIT);
		} while (r);
		pid[i] = seen->log[i].pid;
		assert_true(herald_is(h, pid[i]));
		starts += i == 0 || pid[i] != pid[i - 1];
		kill(pid[i], SIGKILL);
		free(name);
	}
	assert_int_equal(starts, COUNT(pid));
	assert_true(clock_msec() - begin >= 3000 - 1000);
	for (size_t i = 0; i < COUNT(pid) - 1; i++)
		assert_int_equal(kill(pid[i], 0), -1); /* reaped */
	herald_stop(h);
}

/* What waits is told so; nobody waits for a helper that hangs. */
static void test_stop(void **state)
{
	struct outcome o[20];
	struct herald *h = start();

	(void)state;
	for (size_t i = 0; i < COUNT(o); i++)
		outcome_init(&o[i]);
	herald_do(h, HERALD_MKDIR, "hang", NULL, outcome_set, &o[0]);
	wait_seen(1);
	for (size_t i = 1; i < COUNT(o) - 1; i++)
		herald_do(h, HERALD_MKDIR, "web1", NULL, outcome_set, &o[i]);
	herald_after(h, outcome_set, &o[COUNT(o) - 1]);
	herald_touch(h, 1, "file1");
	herald_stop(h);
	for (size_t i = 0; i < COUNT(o); i++) {
		assert_int_equal(o[i].count, 1);
		assert_int_equal(o[i].result, -ECANCELED);
	}
	assert_int_equal(atomic_load(&seen->n), 1);
}

/* The mount is not busy because of the helper, and what is below it, or mounted later, is left alone. */
static void test_unmounted(void **state)
{
	char *path = x_printf("%s/web1", dir);
	struct herald *h = start(), *fresh;

	(void)state;
	assert_int_equal(wait_for(h, HERALD_MKDIR, "web9", NULL), 0);
	assert_int_equal(umount2(dir, 0), 0);
	fresh = start();
	assert_int_equal(wait_for(h, HERALD_MKDIR, "web1", NULL), -ENODEV);
	assert_int_equal(wait_for(fresh, HERALD_MKDIR, "web1", NULL), -ENODEV);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(mount("test", dir, "tmpfs", 0, NULL), 0);
	assert_int_equal(wait_for(h, HERALD_MKDIR, "web1", NULL), -ENODEV);
	assert_int_equal(wait_for(fresh, HERALD_MKDIR, "web1", NULL), -ENODEV);
	assert_int_equal(access(path, F_OK), -1);
	herald_stop(fresh);
	herald_stop(h);
	free(path);
}

static void status_of(pid_t pid, struct buf *b)
{
	char *path = x_printf("/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(buf_read(b, fd, 1 << 20), 0);
	close(fd);
	free(path);
}

/* It has no descriptor but its socket, hears no terminal, and may do little else as root. */
static void test_rights(void **state)
{
	static const char *const wanted[] = { "CapInh:\t0000000000000000\n",
		                              "CapPrm:\t000000000000000a\n",
		                              "CapEff:\t000000000000000a\n",
		                              "CapAmb:\t0000000000000000\n",
		                              "NoNewPrivs:\t1\n",
		                              "Umask:\t0000\n",
		                              "SigBlk:\t0000000000000000\n",
		                              "Threads:\t1\n",
		                              "Name:\tdomfs-herald\n" };
	int leak = fcntl(STDIN_FILENO, F_DUPFD, 40), fds = 0;
	struct herald *h = start();
	struct buf b = { 0 };
	struct dirent *d;
	char *path;
	pid_t pid;
	DIR *list;

	(void)state;
	assert_true(leak >= 40);
	assert_int_equal(wait_for(h, HERALD_MKDIR, "web1", NULL), 0);
	pid = seen->log[0].pid;
	assert_int_equal(getsid(pid), pid);
	status_of(pid, &b);
	for (size_t i = 0; i < COUNT(wanted); i++) {
#ifdef __SANITIZE_THREAD__
		if (strncmp(wanted[i], "Threads:", 8) == 0)
			continue;
#endif
		if (!strstr(b.p, wanted[i]))
			print_error("%s is missing in\n%s", wanted[i], b.p);
		assert_non_null(strstr(b.p, wanted[i]));
	}
	path = x_printf("/proc/%d/fd", pid);
	list = opendir(path);
	assert_non_null(list);
	while ((d = readdir(list))) {
		if (d->d_name[0] == '.')
			continue;
		assert_in_range(atoi(d->d_name), 0, 3);
		fds++;
	}
	assert_int_equal(fds, 4);
	closedir(list);
	close(leak);
	free(path);
	buf_free(&b);
	herald_stop(h);
	assert_int_equal(kill(pid, 0), -1);
}

static int group_setup(void **state)
{
	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* What a failing test leaves mounted goes with the process. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	return seen == MAP_FAILED || !mkdtemp(dir) ? -1 : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	munmap(seen, sizeof(*seen));
	return rmdir(dir);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_operations),     CASE(test_touches),   CASE(test_hang), CASE(test_settle),
		CASE(test_killed_hanging), CASE(test_killed),    CASE(test_stop), CASE(test_unmounted),
		CASE(test_rights),         CASE(test_late_ring),
	};
	int status;

	if (herald_helper(argc, argv, &status))
		return status;
	if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) < 0) {
		print_message("only root can mount, and there must be /dev/fuse: nothing is tested\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
