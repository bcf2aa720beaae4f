/* By name, by serial, by uuid; come, go and rename; events and history lines. */
#include "tests/unit/model_world.h"

static void test_find(void **state)
{
	struct world w = world_make();
	struct domain *d[40], *each;
	uint64_t after = 0;
	char name[16];
	struct err e;
	int n = 0;

	(void)state;
	world_open(&w, &fake_backend);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		d[i] = domain_new(w.model, name);
		if (i % 3 == 0)
			d[i]->serial = 1000 - (uint64_t)i; /* as read from disk, in no order */
		assert_int_equal(registry_add(d[i], &e), 0);
		domain_unref(d[i]);
	}
	each = domain_new(w.model, "web7");
	assert_int_equal(registry_add(each, &e), -EEXIST);
	domain_unref(each);
	while ((each = model_next(w.model, after))) {
		assert_true(each->serial > after);
		after = each->serial;
		n++;
		domain_unref(each);
	}
	assert_int_equal(n, 40);
	for (int i = 0; i < 40; i++) {
		each = model_find_serial(w.model, d[i]->serial);
		assert_ptr_equal(each, d[i]);
		domain_unref(each);
		each = model_find_uuid(w.model, &d[i]->uuid);
		assert_ptr_equal(each, d[i]);
		domain_unref(each);
	}
	assert_null(model_find_serial(w.model, 0));
	assert_null(model_find_serial(w.model, ~0ull));
	assert_int_equal(registry_rename(d[3], "web4", &e), -EEXIST);
	assert_int_equal(registry_rename(d[3], "other", &e), 0);
	assert_null(world_find(&w, "web3"));
	assert_ptr_equal(world_find(&w, "other"), d[3]);
	domain_ref(d[4]);
	registry_del(d[4]);
	registry_del(d[4]);
	assert_null(world_find(&w, "web4"));
	assert_null(model_find_serial(w.model, d[4]->serial));
	assert_int_equal(registry_rename(d[4], "web4", &e), -ENOENT);
	domain_unref(d[4]);
	world_end(&w);
}

static void *come_and_go(void *arg)
{
	struct world *w = arg;
	struct err e;

	for (int i = 0; i < 300; i++) {
		struct domain *d = domain_new(w->model, "same");

		if (!registry_add(d, &e)) {
			registry_rename(d, i % 2 ? "this" : "that", &e);
			registry_del(d);
		}
		domain_unref(d);
	}
	return NULL;
}

static void *look(void *arg)
{
	struct world *w = arg;

	for (int i = 0; i < 2000; i++) {
		struct domain *d = i % 2 ? model_find(w->model, "same") : model_next(w->model, 0);

		if (d)
			free(domain_name(d));
		domain_unref(d);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct world w = world_make();
	pthread_t t[4];

	(void)state;
	world_open(&w, &fake_backend);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, i % 2 ? look : come_and_go, &w), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_null(model_next(w.model, 0));
	world_end(&w);
}

static void test_events(void **state)
{
	struct world w = world_make();
	struct domain *d;
	struct buf b = { 0 };
	unsigned long long seq, last = 0;

	(void)state;
	world_open(&w, &fake_backend);
	d = domain_new(w.model, "a b\nc%");
	domain_lock(d);
	event_emit(d, "link", "text=two\nlines\x01");
	event_emit(d, "no-space", "%s", "");
	domain_unlock(d);
	text_copy(&d->events, &b);
	assert_non_null(strstr(b.p, " a%20b%0Ac%25 link text=two\\nlines\\x01\n"));
	assert_non_null(strstr(b.p, " a%20b%0Ac%25 no-space\n"));
	for (char *p = b.p; *p; p = strchr(p, '\n') + 1) {
		seq = strtoull(p, NULL, 10);
		assert_true(seq > last);
		last = seq;
	}
	assert_true(text_has(&w.model->events, b.p));
	buf_free(&b);
	domain_unref(d);
	history_add(w.model, NULL, &caller_self, "reload", 0, "");
	assert_true(text_has(&w.model->history, " domfs 0 ok 'reload'\n"));
	world_close(&w);
	world_open(&w, &fake_backend);
	assert_true(text_has(&w.model->history, " domfs 0 ok 'reload'\n"));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_events),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
