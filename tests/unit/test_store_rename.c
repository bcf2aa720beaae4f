/* A daemon is killed at each step of what it writes down; the next one finds nothing half-done. */
#include <spawn.h>
#include <sys/wait.h>

#include "tests/unit/model_world.h"

static char text[] = "name='old'\nmemory=64\n";

/* What the child does until it dies. */
static int child(const char *path, const char *what)
{
	struct world w = world_at(path);

	log_set_level(LOG_ERROR);
	fake_reset();
	if (world_try(&w, &fake_backend))
		return 2;
	if (!strcmp(what, "define"))
		world_define(&w, "fresh", NULL);
	else if (!strcmp(what, "undefine"))
		world_call(&w, world_find(&w, "old"), 0, "undefine", call_undefine, NULL);
	else
		world_call(&w, world_find(&w, "old"), 0, "rename new", call_rename, (char[]){ "new" });
	return 3; /* the point was not passed */
}

static void die_at(struct world *w, const char *point, const char *what)
{
	char *env = x_printf("DOMFS_KILL_AT=%s", point);
	char *const envp[] = { env, NULL };
	char *const argv[] = { (char[]){ "test" }, w->path, (char *)what, NULL };
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, envp), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	free(env);
}

/* A domain "old" with a link, notes and history; its serial. */
static uint64_t prepare(struct world *w)
{
	struct domain *d;
	uint64_t serial;

	world_open(w, &fake_backend);
	d = world_define(w, "old", text);
	serial = d->serial;
	history_add(w->model, d, &caller_self, "mark", 0, "");
	world_close(w);
	world_write(w, "config/auto/10-old.cfg", "");
	return serial;
}

static void assert_whole(struct world *w, const char *is, const char *is_not, uint64_t serial)
{
	struct domain *d;
	char *file;

	world_open(w, &fake_backend);
	assert_null(world_find(w, is_not));
	d = world_find(w, is);
	assert_non_null(d);
	assert_int_equal(d->serial, serial);
	assert_int_equal(d->mem_target, 64);
	assert_false(d->rejected);
	assert_true(d->autostart);
	assert_true(text_has(&d->history, "'mark'"));
	file = x_printf("config/auto/10-%s.cfg", is);
	assert_true(world_has(w, file));
	free(file);
	file = x_printf("config/%s.cfg", is_not);
	assert_false(world_has(w, file));
	free(file);
	assert_false(world_has(w, "state/rename"));
}

static void test_killed(void **state)
{
	struct world w = world_make();
	uint64_t serial = prepare(&w);

	(void)state;
	die_at(&w, "rename-journal", "rename");
	assert_true(world_has(&w, "state/rename"));
	assert_whole(&w, "old", "new", serial);
	world_close(&w);
	die_at(&w, "rename-written", "rename");
	assert_true(world_has(&w, "config/old.cfg") && world_has(&w, "config/new.cfg"));
	assert_whole(&w, "new", "old", serial);
	world_end(&w);
}

/* The journal must not drop a domain for the sake of a file that the rename did not write. */
static void test_not_written(void **state)
{
	struct world w = world_make();
	uint64_t serial = prepare(&w);

	(void)state;
	die_at(&w, "rename-journal", "rename");
	world_write(&w, "config/new.cfg", "memory=32\n");
	world_open(&w, &fake_backend);
	assert_non_null(world_find(&w, "old"));
	assert_int_equal(world_find(&w, "old")->serial, serial);
	assert_int_equal(world_find(&w, "new")->mem_target, 32);
	world_end(&w);
}

static void test_damaged_journal(void **state)
{
	static const char *const bad[] = { "", "old", "old new", "old ../x 0\n", "a b c\n", "/ / 0\n" };
	struct world w = world_make();
	uint64_t serial = prepare(&w);

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		world_write(&w, "state/rename", bad[i]);
		assert_whole(&w, "old", "new", serial);
		world_close(&w);
	}
	world_end(&w);
}

static void test_define_killed(void **state)
{
	struct world w = world_make();

	(void)state;
	prepare(&w);
	die_at(&w, "define-meta", "define");
	world_open(&w, &fake_backend);
	assert_null(world_find(&w, "fresh"));
	world_define(&w, "fresh", NULL); /* what was left is no hindrance */
	world_end(&w);
}

static void test_undefine_killed(void **state)
{
	struct world w = world_make();
	struct domain *d;

	(void)state;
	prepare(&w);
	die_at(&w, "undefine-removed", "undefine");
	world_open(&w, &fake_backend);
	assert_null(world_find(&w, "old"));
	assert_true(world_has(&w, "config/.removed"));
	d = world_define(&w, "old", NULL);
	assert_false(text_has(&d->history, "'mark'"));
	world_close(&w);
	world_open(&w, &fake_backend);
	assert_false(text_has(&world_find(&w, "old")->history, "'mark'"));
	world_end(&w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),          cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_damaged_journal), cmocka_unit_test(test_define_killed),
		cmocka_unit_test(test_undefine_killed),
	};

	if (argc == 3)
		return child(argv[1], argv[2]);
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
