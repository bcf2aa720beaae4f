/* Devices that were changed before another daemon took over are committed by that one, if their guest is still there. */
#include "tests/unit/model_world.h"

#define ONE_DISK "memory=64\ndisk=['/i/\\xe4.img,raw,xvda,w']\n"
#define TWO_DISKS "memory=64\ndisk=['/i/\\xe4.img,raw,xvda,w','/i/b.img,raw,xvdb,r']\n"

static int call_attach(struct job *j, void *arg, struct err *e)
{
	return domain_disk_attach(j, arg, e);
}

static int call_detach(struct job *j, void *arg, struct err *e)
{
	return domain_disk_detach(j, arg, e);
}

static int attach(struct world *w, struct domain *d, const char *disk)
{
	char *copy = x_strdup(disk);
	int rc = world_call(w, d, 0, "block-attach", call_attach, copy);

	free(copy);
	return rc;
}

static int detach(struct world *w, struct domain *d, const char *disk)
{
	char *copy = x_strdup(disk);
	int rc = world_call(w, d, 0, "block-detach", call_detach, copy);

	free(copy);
	return rc;
}

static size_t disks(struct domain *d)
{
	size_t n;

	domain_lock(d);
	(void)spec_disks(d->live, &n);
	domain_unlock(d);
	return n;
}

static struct domain *running(struct world *w, const char *name, char *text)
{
	struct domain *d = world_define(w, name, text);

	assert_int_equal(world_start(w, d), 0);
	return d;
}

static struct domain *found(struct world *w, const char *text, const struct uuid *u)
{
	if (text)
		fake_appear("web1", u, 7, text, false);
	world_open(w, &fake_backend);
	return world_find(w, "web1");
}

static struct timespec started(struct domain *d)
{
	struct timespec t;

	domain_lock(d);
	t = d->started;
	domain_unlock(d);
	return t;
}

static bool stored(struct world *w, const char *what)
{
	char *meta = world_read(w, "state/domains/web1/meta");
	bool has;

	assert_non_null(meta);
	has = strstr(meta, what);
	free(meta);
	return has;
}

/* What was changed before is to be committed, in files of any name, and what was not touched stays as it is written. */
static void test_successor(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", (char[]){ ONE_DISK });
	struct uuid u = d->uuid;

	fake_options.run = started(d);
	assert_false(stored(w, "unchanged"));
	assert_int_equal(attach(w, d, "/i/b.img,raw,xvdb,r"), 0);
	assert_true(stored(w, "/i/\\\\xe4.img"));
	world_close(w);
	world_write(w, "config/web1.cfg", "memory=64\ndisk=['/i/other.img,raw,xvda,w'] # since\n");
	/* Only the folders are read by this one: nothing is lost by it. */
	d = found(w, NULL, NULL);
	assert_true(stored(w, "/i/\\\\xe4.img"));
	world_close(w);
	/* And this one has lost what is in force. */
	d = found(w, "", &u);
	assert_null(d->unchanged);
	world_close(w);
	d = found(w, TWO_DISKS, &u);
	assert_int_equal(world_call(w, d, 0, "rename", call_rename, (char[]){ "web2" }), 0);
	assert_int_equal(world_call(w, d, 0, "rename", call_rename, (char[]){ "web1" }), 0);
	assert_true(stored(w, "unchanged"));
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_non_null(strstr(d->config, "disk=['/i/other.img,raw,xvda,w', \"format=raw,vdev=xvdb,access=ro,target="
	                                  "/i/b.img\"] # since\n"));
	assert_false(stored(w, "unchanged"));
}

/* As by whoever it was changed: another tool. */
static void test_successor_told(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", (char[]){ ONE_DISK });
	struct uuid u = d->uuid;

	fake_options.run = started(d);
	fake_devices("web1", TWO_DISKS);
	pool_drain();
	assert_true(stored(w, "unchanged"));
	world_close(w);
	d = found(w, TWO_DISKS, &u);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_non_null(strstr(d->config, "vdev=xvdb"));
}

static void test_told_at_the_end(void **state)
{
	struct world *w = *state;

	running(w, "web1", (char[]){ ONE_DISK });
	model_stop(w->model);
	fake_devices("web1", TWO_DISKS);
	world_close(w);
	assert_true(stored(w, "unchanged"));
}

/* Of a guest that has ended nothing is left, whoever was there when it did. */
static void test_ended(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", (char[]){ ONE_DISK });
	struct uuid u = d->uuid;
	struct timespec first = started(d);

	assert_int_equal(attach(w, d, "/i/b.img,raw,xvdb,r"), 0);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_true(domain_until(d, is_forgotten));
	pool_drain();
	assert_false(stored(w, "unchanged"));
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(attach(w, d, "/i/b.img,raw,xvdb,r"), 0);
	world_close(w);
	/* Nobody was: another guest is found. */
	assert_true(stored(w, "unchanged"));
	fake_options.run = first;
	d = found(w, TWO_DISKS, &u);
	assert_null(d->unchanged);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_non_null(strstr(d->config, ONE_DISK));
	assert_false(stored(w, "unchanged"));
	/* None is, and then there is another. */
	assert_int_equal(detach(w, d, "xvdb"), 0);
	world_close(w);
	d = found(w, NULL, NULL);
	assert_true(stored(w, "unchanged"));
	assert_int_equal(world_start(w, d), 0);
	assert_null(d->unchanged);
	assert_false(stored(w, "unchanged"));
}

/* What restarts has the devices that it had, and so has what a successor finds of it. */
static void test_restarted(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", (char[]){ ONE_DISK });
	struct uuid u = d->uuid;
	struct timespec first = started(d);

	assert_int_equal(attach(w, d, "/i/b.img,raw,xvdb,r"), 0);
	world_run(w);
	fake_ended("web1", END_REBOOT, true, "reboot");
	assert_true(text_await(&d->history, "on_reboot=restart"));
	fake_options.run = started(d);
	assert_true(fake_options.run.tv_sec && memcmp(&first, &fake_options.run, sizeof(first)) != 0);
	assert_int_equal(disks(d), 2);
	world_close(w);
	d = found(w, TWO_DISKS, &u);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_non_null(strstr(d->config, "vdev=xvdb"));
}

/* What lies there may be anything: it is not taken, and all else that the file says is. */
static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"7",
		"null",
		"[]",
		"{}",
		"{ \"sec\": \"1\", \"nsec\": 1, \"unchanged\": \"\" }",
		"{ \"sec\": 1, \"nsec\": 1, \"unchanged\": 7 }",
		"{ \"sec\": 1, \"nsec\": 1 }",
		"{ \"sec\": 1, \"nsec\": 1, \"unchanged\": \"disk = [\" }",
		"{ \"sec\": 1, \"nsec\": 1, \"unchanged\": \"disk = [ 'x' ]\" }",
	};
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ ONE_DISK });
	struct uuid u = d->uuid;

	fake_options.run = (struct timespec){ 1, 1 };
	domain_lock(d);
	d->owner = 1000;
	domain_unlock(d);
	for (size_t i = 0; i <= COUNT(bad); i++) {
		struct buf many = { 0 }, meta = { 0 };

		if (i == COUNT(bad)) {
			buf_puts(&many, "{ \"sec\": 1, \"nsec\": 1, \"unchanged\": \"");
			while (many.len < 140 << 10)
				buf_puts(&many, "# and so on, and so on\\n");
			buf_puts(&many, "\" }");
		}
		world_close(w);
		buf_printf(&meta,
		           "{ \"serial\": 9, \"uuid\": \"5fe1c9a0-0000-4000-8000-000000000001\", \"owner\": 1000, "
		           "\"group\": 0, \"mode\": 448, \"tags\": \"t\", \"notes\": \"\", \"state\": \"off\", "
		           "\"reason\": \"\", \"tuned\": 0, \"devices\": %s }",
		           i < COUNT(bad) ? bad[i] : many.p);
		world_write(w, "state/domains/web1/meta", meta.p);
		parse_uuid("5fe1c9a0-0000-4000-8000-000000000001", &u, &w->e);
		d = found(w, TWO_DISKS, &u);
		assert_int_equal(d->owner, 1000);
		assert_string_equal(d->tags, "t");
		assert_non_null(d->live);
		assert_null(d->unchanged);
		buf_free(&many);
		buf_free(&meta);
	}
}

/* More than there is room for: what else is kept of the domain is kept all the same. */
static void test_too_long(void **state)
{
	struct world *w = *state;
	struct buf text = { 0 };
	struct domain *d;
	char *note = x_strdup("mine");

	buf_puts(&text, "memory=64\ndisk=[");
	for (int i = 0; i < 60; i++) {
		buf_printf(&text, "%s'/", i ? "," : "");
		for (int k = 0; k < 700; k++)
			buf_puts(&text, "\\xe4");
		buf_printf(&text, "%d,raw,xvd%c%c,r'", i, 'b' + i / 26, 'a' + i % 26);
	}
	buf_puts(&text, "]\n");
	d = running(w, "web1", text.p);
	assert_int_equal(attach(w, d, "/i/b.img,raw,xvda,r"), 0);
	assert_false(stored(w, "unchanged"));
	domain_lock(d);
	free(d->notes);
	d->notes = note;
	domain_unlock(d);
	tune_save(d);
	assert_true(stored(w, "mine"));
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_successor), WORLD_TEST(test_successor_told), WORLD_TEST(test_told_at_the_end),
		WORLD_TEST(test_ended),     WORLD_TEST(test_restarted),      WORLD_TEST(test_hostile),
		WORLD_TEST(test_too_long),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
