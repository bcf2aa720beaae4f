/* Another tool calls a guest of ours something else: there is one name, or none of it has happened. */
#include "tests/unit/model_world.h"

static char text[] = "name='web1'\nmemory=64\n";

static struct domain *begin(struct world *w)
{
	struct domain *d = world_define(w, "web1", text);

	assert_int_equal(world_start(w, d), 0);
	return d;
}

static void name_is(struct world *w, struct domain *d, const char *name)
{
	char *is = domain_name(d), *file = x_printf("config/%s.cfg", name);

	assert_string_equal(is, name);
	assert_ptr_equal(world_find(w, name), d);
	assert_true(world_has(w, file));
	free(file);
	free(is);
}

static void test_followed(void **state)
{
	struct world *w = *state;
	struct domain *d = begin(w);
	char *config;

	fake_renamed("web1", "web1");
	fake_renamed("web1", "db1");
	assert_true(text_await(&d->history, " ok 'rename db1'"));
	assert_true(text_has(&w->model->events, " db1 rename from=web1\n"));
	name_is(w, d, "db1");
	assert_null(world_find(w, "web1"));
	assert_false(world_has(w, "config/web1.cfg"));
	config = world_read(w, "config/db1.cfg");
	assert_string_equal(config, "name=\"db1\"\nmemory=64\n");
	free(config);
	assert_int_equal(fake_count("rename db1"), 1); /* the backend keeps it for a successor */
}

/* The name is another's, or cannot be one, or its file is somebody's. */
static void test_refused(void **state)
{
	static const char *const bad[] = { "db1", "9lives", "a/b", "list", "" };
	struct world *w = *state;
	struct domain *d = begin(w), *other = world_define(w, "db1", NULL);

	for (size_t i = 0; i < COUNT(bad); i++) {
		char *sentence = x_printf("called the guest %s, which cannot be", bad[i]);

		fake_renamed("web1", bad[i]);
		assert_true(text_await(&d->log, sentence));
		assert_true(fake_called("rename web1", (unsigned)i + 1));
		assert_true(domain_until(d, is_idle));
		name_is(w, d, "web1");
		name_is(w, other, "db1");
		free(sentence);
	}
	assert_true(text_has(&d->history, " EEXIST 'rename db1'"));
	assert_true(text_has(&d->history, " EINVAL 'rename 9lives'"));
}

/* It waits for what is under way, and what counts then is what the guest is called last. */
static void test_waits(void **state)
{
	struct world *w = *state;
	struct domain *d = begin(w);
	struct background b;

	fake_block("pause");
	background_begin(&b, w, d, "pause", call_pause, NULL);
	assert_true(fake_called("pause web1", 1));
	fake_renamed("web1", "db1");
	fake_renamed("web1", "db2");
	name_is(w, d, "web1");
	fake_release("pause");
	assert_int_equal(background_end(&b), 0);
	assert_true(text_await(&d->history, " ok 'rename db2'"));
	name_is(w, d, "db2");

	fake_block("unpause");
	background_begin(&b, w, d, "unpause", call_unpause, NULL);
	assert_true(fake_called("unpause web1", 1));
	fake_renamed("web1", "db3");
	fake_renamed("web1", "db2");
	fake_release("unpause");
	assert_int_equal(background_end(&b), 0);
	pool_drain();
	name_is(w, d, "db2");
	assert_false(text_has(&d->history, "db1") || text_has(&d->history, "db3"));
}

/* Another tool's guest has no configuration of ours: it is called so at once. */
static void test_foreign(void **state)
{
	struct world *w = *state;
	struct uuid u = uuid_random();
	struct domain *d = fake_appear("theirs", &u, 7, "memory=64\n", true);

	assert_non_null(d);
	fake_renamed("theirs", "others");
	assert_ptr_equal(world_find(w, "others"), d);
	assert_true(text_has(&w->model->events, " others rename from=theirs\n"));
	assert_int_equal(fake_count("rename others"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_followed),
		WORLD_TEST(test_refused),
		WORLD_TEST(test_waits),
		WORLD_TEST(test_foreign),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
