/* The configuration folder: what is dropped in, changed, renamed, removed, damaged; and the links in auto/. */
#include "hypervisor/model/folder.h"
#include "tests/unit/model_world.h"

static int setup(void **state)
{
	world_setup(state);
	world_run(*state);
	return 0;
}

static struct domain *drop(struct world *w, const char *name, const char *text)
{
	char *file = x_printf("config/%s.cfg", name), *line = x_printf(" %s config config=", name);

	world_write(w, file, text);
	assert_true(text_await(&w->model->events, line));
	free(file);
	free(line);
	return world_find(w, name);
}

static void test_follow(void **state)
{
	struct world *w = *state;
	struct domain *d = drop(w, "web1", "memory=64\n");
	struct uuid u;

	assert_true(text_has(&w->model->events, " web1 define\n"));
	assert_int_equal(d->mem_target, 64);
	u = d->uuid;
	/* A text that is not valid: the last valid one stays in force, also after a restart. */
	world_write(w, "config/web1.cfg", "memory=\n");
	assert_true(text_await(&d->events, "config=rejected text="));
	domain_lock(d);
	assert_true(d->rejected);
	assert_string_equal(d->config, "memory=64\n");
	domain_unlock(d);
	world_close(w);
	world_open(w, &fake_backend);
	world_run(w);
	d = world_find(w, "web1");
	assert_memory_equal(&d->uuid, &u, sizeof(u));
	assert_true(d->rejected);
	assert_string_equal(d->config, "memory=64\n");
	/* It is nobody's to overwrite but by a whole text. */
	assert_int_equal(world_call(w, d, 0, "mem", call_memory, &(uint64_t){ 96 }), -EINVAL);
	assert_int_equal(world_call(w, d, 0, "rename x", call_rename, (char[]){ "x" }), -EINVAL);
	world_write(w, "config/web1.cfg", "memory=128\n");
	assert_true(text_await(&d->events, "config=current"));
	domain_lock(d);
	assert_false(d->rejected);
	assert_int_equal(d->mem_target, 128);
	domain_unlock(d);
	world_unlink(w, "config/web1.cfg");
	domain_ref(d);
	assert_true(domain_until(d, is_gone));
	lock_acquire(&w->model->disk); /* its folder goes in the same hold */
	assert_false(world_has(w, "state/domains/web1"));
	lock_release(&w->model->disk);
	domain_unref(d);
}

static void test_rename(void **state)
{
	struct world *w = *state;
	struct domain *d;

	pool_drain(); /* the host's autostart is over: it would start what is linked now */
	d = drop(w, "web1", "memory=64\n");
	world_write(w, "config/auto/10-web1.cfg", "");
	world_move(w, "config/web1.cfg", "config/db1.cfg");
	assert_true(text_await(&w->model->events, " db1 rename from=web1\n"));
	assert_true(text_await(&w->model->events, " db1 config config=current\n"));
	assert_ptr_equal(world_find(w, "db1"), d);
	assert_null(world_find(w, "web1"));
	assert_true(world_has(w, "config/auto/10-db1.cfg") && !world_has(w, "config/auto/10-web1.cfg"));
	assert_true(world_has(w, "state/domains/db1/meta") && !world_has(w, "state/domains/web1"));
	/* Onto another: that one gets the text, the first is removed. */
	drop(w, "old", "memory=32\n");
	domain_ref(d);
	world_move(w, "config/db1.cfg", "config/old.cfg");
	assert_true(domain_until(d, is_gone));
	assert_int_equal(world_find(w, "old")->mem_target, 64);
	domain_unref(d);
	/* To a name that cannot be: as if removed. */
	d = domain_ref(world_find(w, "old"));
	world_move(w, "config/old.cfg", "config/9 lives.cfg");
	assert_true(domain_until(d, is_gone));
	domain_unref(d);
}

static bool is_orphan(const struct domain *d)
{
	return d->orphan;
}

static void test_orphan(void **state)
{
	struct world *w = *state;
	struct domain *d = drop(w, "web1", "memory=64\n");

	assert_int_equal(world_start(w, d), 0);
	world_unlink(w, "config/web1.cfg");
	assert_true(domain_until(d, is_orphan));
	domain_lock(d);
	assert_int_equal(d->state, STATE_RUNNING);
	domain_unlock(d);
	/* A reboot is not the end of it. */
	fake_ended("web1", END_REBOOT, true, "reboot");
	assert_true(fake_called("start web1", 2));
	assert_true(domain_until(d, is_idle));
	assert_ptr_equal(world_find(w, "web1"), d);
	/* Its file comes back, and goes again. */
	world_write(w, "config/web1.cfg", "memory=65\n");
	assert_true(text_await(&d->events, "config=pending"));
	domain_lock(d);
	assert_false(d->orphan);
	domain_unlock(d);
	world_unlink(w, "config/web1.cfg");
	assert_true(domain_until(d, is_orphan));
	domain_ref(d);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_true(domain_until(d, is_gone));
	assert_int_equal(world_start(w, d), -ENOENT);
	domain_unref(d);
}

/* Neither a link, nor a fifo, nor too much, nor a name that cannot be. */
static void test_refused(void **state)
{
	struct world *w = *state;
	char *big = x_alloc((1 << 20) + 2), *path;

	memset(big, '#', (1 << 20) + 1);
	path = x_printf("%s/link.cfg", w->config);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	free(path);
	path = x_printf("%s/fifo.cfg", w->config);
	assert_int_equal(mkfifo(path, 0600), 0);
	free(path);
	world_write(w, "config/big.cfg", big);
	world_write(w, "config/.hidden.cfg", "memory=64\n");
	world_write(w, "config/web1.cfg~", "memory=64\n");
	world_write(w, "config/1st.cfg", "memory=64\n");
	drop(w, "web1", "memory=64\n");
	assert_int_equal(folder_scan(w->model, &w->e), 0);
	assert_int_equal(w->model->domains, 1);
	/* What is there is not overwritten by a definition. */
	struct job *j = job_new(&caller_self, NULL, "define", 60);

	assert_int_equal(domain_define(w->model, j, "link", NULL, &w->e), -EEXIST);
	job_free(j);
	free(big);
}

static void test_overflow(void **state)
{
	struct world *w = *state;
	char file[32];

	/* The limit of a queue is for the user: it is read anew after it was passed, or each event is taken. */
	lock_acquire(&w->model->disk);
	for (int i = 0; i < 200; i++) {
		snprintf(file, sizeof(file), "config/d%03d.cfg", i);
		world_write(w, file, "memory=64\n");
	}
	for (int i = 0; i < 20000; i++)
		world_write(w, i % 2 ? "config/.a" : "config/.b", "");
	world_write(w, "config/last.cfg", "memory=64\n");
	lock_release(&w->model->disk);
	assert_true(text_await(&w->model->events, " last config config=current\n"));
	assert_true(text_await(&w->model->events, " d199 config config=current\n"));
}

static bool starts_with_host(const struct domain *d)
{
	return d->autostart;
}

static bool links_web1(struct world *w)
{
	bool has;

	lock_acquire(&w->model->disk);
	has = autostart_has(w->model, "web1");
	lock_release(&w->model->disk);
	return has;
}

static void test_auto(void **state)
{
	struct world *w = *state;
	struct domain *d = drop(w, "web1", "memory=64\n");
	struct buf b = { 0 };
	struct err e;

	world_write(w, "config/auto/web1.cfg", "");
	assert_true(domain_until(d, starts_with_host));
	world_write(w, "config/auto/20-b.cfg", "");
	world_write(w, "config/auto/020-a.cfg", "");
	world_write(w, "config/auto/9-c.cfg", "");
	world_write(w, "config/auto/.x.cfg", "");
	world_write(w, "config/auto/y", "");
	autostart_order(w->model, &b);
	assert_string_equal(b.p, "c\na\nb\nweb1");
	buf_free(&b);
	assert_int_equal(autostart_set(w->model, "web1", false, &e), 0);
	assert_false(links_web1(w));
	assert_int_equal(autostart_set(w->model, "web1", true, &e), 0);
	assert_int_equal(autostart_set(w->model, "web1", true, &e), 0);
	assert_true(links_web1(w));
}

/* A link counts from the moment it is there, and no longer, however quickly it changes. */
static void test_auto_quick(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 200; i++) {
		assert_false(links_web1(w));
		world_write(w, "config/auto/30-web1.cfg", "");
		assert_true(links_web1(w));
		world_unlink(w, "config/auto/30-web1.cfg");
	}
}

/* Group after group; a failure holds nothing up; only once a boot. */
static void test_auto_run(void **state)
{
	struct world w = world_make();
	struct domain *d;

	(void)state;
	world_open(&w, &fake_backend);
	for (int i = 0; i < 3; i++)
		world_define(&w, (const char *[]){ "a", "b", "c" }[i], (char[]){ "memory=64\n" });
	world_write(&w, "config/auto/1-a.cfg", "");
	world_write(&w, "config/auto/2-b.cfg", "");
	world_write(&w, "config/auto/2-none.cfg", "");
	world_write(&w, "config/auto/c.cfg", "");
	fake_block("start");
	world_run(&w);
	assert_true(fake_called("start a", 1));
	assert_int_equal(fake_count("start b"), 0);
	fake_fail("start", EREMOTEIO); /* b's: a's is inside already */
	fake_release("start");
	assert_true(fake_called("start c", 1));
	d = world_find(&w, "c");
	assert_true(domain_in(d, STATE_RUNNING));
	d = world_find(&w, "b");
	assert_int_equal(fake_count("start b"), 1);
	assert_true(text_await(&d->history, "EREMOTEIO 'start'"));
	world_close(&w);
	fake_reset();
	world_open(&w, &fake_backend);
	world_run(&w);
	pool_drain();
	assert_int_equal(fake_count("start a"), 0);
	world_end(&w);
}

static void test_not_ours(void **state)
{
	struct world w = world_make();

	(void)state;
	world_open(&w, &fake_backend);
	world_close(&w);
	assert_int_equal(chmod(w.config, 0777), 0);
	assert_int_equal(world_try(&w, &fake_backend), -EPERM);
	world_end(&w);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow),
		TEST(test_rename),
		TEST(test_orphan),
		TEST(test_refused),
		TEST(test_overflow),
		TEST(test_auto),
		TEST(test_auto_quick),
		cmocka_unit_test(test_auto_run),
		cmocka_unit_test(test_not_ours),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
