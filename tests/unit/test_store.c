/* Numbers that never come twice, one daemon at a time, and folders that are damaged or full. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "hypervisor/model/store.h"
#include "tests/unit/model_world.h"

/* What another process is told, which may leave a child that keeps all that it has. */
static int open_elsewhere(const char *dir, pid_t *left)
{
	struct store *s = NULL;
	struct err e = { 0 };
	int status = 0, ready[2];
	pid_t pid, child = 0;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int rc = store_open(dir, &s, &e);

		if (left && (child = fork()) == 0)
			pause();
		(void)!write(ready[1], &child, sizeof(child));
		_exit(-rc);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(ready[0], &child, sizeof(child)), sizeof(child));
	close(ready[0]);
	close(ready[1]);
	if (left)
		*left = child;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static void test_lock(void **state)
{
	struct world w = world_make();
	struct store *s = NULL;
	struct err e;
	pid_t left = 0;

	(void)state;
	assert_int_equal(open_elsewhere(w.state, &left), 0);
	assert_int_equal(store_open(w.state, &s, &e), 0);
	assert_int_equal(open_elsewhere(w.state, NULL), -EBUSY);
	store_close(s);
	assert_int_equal(open_elsewhere(w.state, NULL), 0);
	kill(left, SIGKILL);
	world_end(&w);
}

static void test_numbers(void **state)
{
	struct world w = world_make();
	uint64_t serial, last = 1;
	struct store *s = NULL;
	struct err e;
	int id, last_id = 0;
	bool first = true;

	(void)state;
	for (int round = 0; round < 4; round++) {
		assert_int_equal(store_open(w.state, &s, &e), 0);
		assert_int_equal(store_first_boot(s), first);
		first = false;
		for (int i = 0; i < 100; i++) {
			assert_int_equal(store_serial(s, &serial, &e), 0);
			assert_true(serial > last);
			last = serial;
		}
		id = store_id(s, &e);
		assert_true(id > last_id);
		store_id_seen(s, id + 5);
		last_id = store_id(s, &e);
		assert_int_equal(last_id, id + 6);
		store_close(s);
	}
	world_end(&w);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{\"boot\":1}",
		"{\"boot\":\"x\",\"autostarted\":\"\",\"next_id\":0,\"serial_limit\":2,\"seq_limit\":0}",
		"{\"boot\":\"x\",\"autostarted\":\"\",\"next_id\":1,\"serial_limit\":-1,\"seq_limit\":0}",
		"{\"boot\":\"x\",\"autostarted\":\"\",\"next_id\":1,\"serial_limit\":2,\"seq_limit\":-4}",
	};
	struct world w = world_make();
	struct store *s = NULL;
	struct err e;

	(void)state;
	assert_int_equal(store_open(w.state, &s, &e), 0);
	store_close(s);
	s = NULL;
	for (size_t i = 0; i < COUNT(bad); i++) {
		world_write(&w, "state/ids", bad[i]);
		assert_int_equal(store_open(w.state, &s, &e), -EINVAL);
		assert_null(s);
		assert_non_null(strstr(e.text, "damaged"));
	}
	world_end(&w);
}

/* An event's number is larger than all before, also of earlier daemons. */
static void test_seq(void **state)
{
	struct world w = world_make();
	unsigned long long last = 0;
	struct domain *d;

	(void)state;
	for (int round = 0; round < 3; round++) {
		world_open(&w, &fake_backend);
		d = domain_new(w.model, "web1");
		domain_lock(d);
		for (int i = 0; i < 6000; i++)
			event_emit(d, "link", "%s", "");
		domain_unlock(d);
		domain_unref(d);
		assert_true(model_last_event(w.model) > last + 5999);
		last = model_last_event(w.model);
		world_close(&w);
	}
	world_end(&w);
}

/* What meta does not say well is made anew; a folder that is a copy of another's does not get its serial. */
static void test_meta(void **state)
{
	struct world w = world_make();
	struct domain *a, *b;
	uint64_t serial;
	char *meta;

	(void)state;
	world_open(&w, &fake_backend);
	a = world_define(&w, "a", NULL);
	b = world_define(&w, "b", NULL);
	serial = a->serial;
	a->owner = b->owner = 1000;
	lock_acquire(&w.model->disk);
	assert_int_equal(store_domain_save(a, &w.e), 0);
	lock_release(&w.model->disk);
	world_close(&w);
	meta = world_read(&w, "state/domains/a/meta");
	assert_non_null(meta);
	world_write(&w, "state/domains/b/meta", meta);
	free(meta);
	world_open(&w, &fake_backend);
	a = world_find(&w, "a");
	b = world_find(&w, "b");
	assert_int_equal(a->owner, 1000);
	assert_true(a->serial == serial || b->serial == serial);
	assert_true(a->serial != b->serial);
	assert_ptr_equal(world_find(&w, "a"), a);
	world_close(&w);
	world_write(&w, "state/domains/a/meta", "{ \"serial\": ");
	world_open(&w, &fake_backend);
	a = world_find(&w, "a");
	assert_int_equal(a->owner, 0);
	world_end(&w);
}

static ino_t file_ino(struct world *w, const char *file)
{
	char *path = x_printf("%s/state/domains/web1/%s", w->path, file);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	free(path);
	return st.st_ino;
}

static void link_both(struct world *w)
{
	for (size_t i = 0; i < 2; i++) { /* so that no inode is used anew */
		const char *file = (const char *[]){ "meta", "valid" }[i];
		char *path = x_printf("%s/state/domains/web1/%s", w->path, file),
		     *kept = x_printf("%s/%s", w->path, file);

		unlink(kept);
		assert_int_equal(link(path, kept), 0);
		free(path);
		free(kept);
	}
}

/* What a daemon finds as it is, it does not write again; what it finds otherwise, it does. */
static void test_unchanged(void **state)
{
	static const struct {
		const char *file, *text; /* changed while no daemon runs */
		bool meta, valid;        /* written by the next */
	} cases[] = {
		{ "run/none", "", false, false },
		{ "config/web1.cfg", "memory=65\n", false, true },
		{ "config/web1.cfg", "memory=65\nuuid=\"5fe1c9a0-0000-4000-8000-000000000001\"\n", true, true },
		{ "state/domains/web1/valid", "memory=66\n", false, true },
		{ "state/domains/web1/valid", "", false, true },
		{ "state/domains/web1/meta", "{}", true, false },
		{ "config/web1.cfg", "memory=\n", false, false },
	};
	struct world w = world_make();
	ino_t meta, valid;

	(void)state;
	world_open(&w, &fake_backend);
	world_define(&w, "web1", (char[]){ "memory=64\n" });
	for (size_t i = 0; i < COUNT(cases); i++) {
		world_close(&w);
		link_both(&w);
		meta = file_ino(&w, "meta");
		valid = file_ino(&w, "valid");
		world_write(&w, cases[i].file, cases[i].text);
		world_open(&w, &fake_backend);
		assert_int_equal(file_ino(&w, "meta") != meta, cases[i].meta);
		assert_int_equal(file_ino(&w, "valid") != valid, cases[i].valid);
	}
	world_end(&w);
}

/* On a full disk nothing half-done is left, and what cannot be promised is refused. */
static void test_full(void **state)
{
	struct world w = world_make();
	char *filler, *room;
	struct domain *d;
	FILE *f;

	(void)state;
	if (mount("none", w.path, "tmpfs", 0, "size=256k,nr_inodes=64")) {
		world_end(&w);
		skip();
	}
	world_open(&w, &fake_backend);
	d = world_define(&w, "web1", (char[]){ "memory=64\n" });
	filler = x_printf("%s/filler", w.path);
	f = fopen(filler, "w");
	assert_non_null(f);
	room = x_alloc(1 << 20);
	fwrite(room, 1, 1 << 20, f);
	fclose(f);
	assert_int_equal(world_call(&w, d, 0, "config", call_config, (char[]){ "memory=65\n" }), -ENOSPC);
	domain_lock(d);
	assert_string_equal(d->config, "memory=64\n");
	domain_unlock(d);
	assert_int_equal(world_start(&w, d), -ENOSPC);
	assert_int_equal(world_call(&w, d, 0, "rename web2", call_rename, (char[]){ "web2" }), -ENOSPC);
	assert_ptr_equal(world_find(&w, "web1"), d);
	assert_false(world_has(&w, "config/web2.cfg"));
	unlink(filler);
	assert_int_equal(world_start(&w, d), 0);
	assert_int_equal(world_call(&w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(world_call(&w, d, 0, "rename web2", call_rename, (char[]){ "web2" }), 0);
	world_close(&w);
	umount2(w.path, MNT_DETACH);
	free(filler);
	free(room);
	world_end(&w);
}

/* The history on disk is bounded, and what is shown begins with a whole line. */
static void test_history(void **state)
{
	struct world w = world_make();
	char line[1000], *text;
	struct domain *d;
	struct buf b = { 0 };

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	world_open(&w, &fake_backend);
	d = world_define(&w, "web1", NULL);
	for (int i = 0; i < 1500; i++)
		history_add(w.model, d, &caller_self, line, 0, "");
	history_add(w.model, d, &caller_self, "bad\nline\033", -EBUSY, "why");
	text = world_read(&w, "state/domains/web1/history");
	assert_non_null(text);
	assert_true(strlen(text) <= (1 << 20) + 2048);
	assert_non_null(strstr(text, "domfs 0 EBUSY 'bad\\nline\\x1b' why\n"));
	free(text);
	world_close(&w);
	world_open(&w, &fake_backend);
	text_copy(&world_find(&w, "web1")->history, &b);
	assert_true(b.len && b.len <= 2 * TEXT_KEEP);
	assert_memory_equal(b.p, "20", 2);
	assert_non_null(strstr(b.p, " ok 'x"));
	assert_non_null(strstr(b.p, "EBUSY 'bad"));
	buf_free(&b);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),    cmocka_unit_test(test_numbers),   cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_seq),     cmocka_unit_test(test_meta),      cmocka_unit_test(test_full),
		cmocka_unit_test(test_history), cmocka_unit_test(test_unchanged),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
