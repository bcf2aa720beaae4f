/* Configurations, definitions, owners and what is changed while a guest runs. */
#include "tests/unit/model_world.h"

static int set_config(struct world *w, struct domain *d, const char *text)
{
	return world_call(w, d, 0, "config", call_config, (char *)text);
}

static void test_read(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *sentence;
	} rows[] = {
		{ "", 0, "" },
		{ "memory=64", 0, "" },
		{ "name='web1'\nmemory=64", 0, "" },
		{ "memory=64\n  name = 'other'\n", -EINVAL, "2:10: name=\"other\"" },
		{ "memory=", -EINVAL, "1:" },
		{ "uuid='11111111-2222-3333-4444-555555555555'", -EEXIST, "the domain first has this uuid" },
		{ "vif=['mac=00:16:3e:00:00:01']", -EEXIST, "MAC" },
		{ "vif=['bridge=br0','mac=00:16:3e:00:00:02','']", 0, "" },
		{ "vif=[\"bridge=br0,script=/it's\"]", 0, "" },
	};
	struct world *w = *state;
	struct domain *first = world_define(w, "first", NULL), *d = world_define(w, "web1", NULL);

	assert_int_equal(
		set_config(w, first, "uuid='11111111-2222-3333-4444-555555555555'\nvif=['mac=00:16:3e:00:00:01']\n"),
		0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n;
		const struct vif *v;

		assert_int_equal(set_config(w, d, rows[i].text), rows[i].rc);
		if (rows[i].rc)
			assert_non_null(strstr(w->e.text, rows[i].sentence));
		domain_lock(d);
		assert_int_equal(d->rejected, rows[i].rc != 0);
		v = spec_vifs(d->spec, &n);
		for (size_t k = 0; k < n; k++)
			assert_true(v[k].has_mac);
		assert_true(spec_has(d->spec, KEY_uuid));
		domain_unlock(d);
	}
}

/* In the file, in `valid` and in force are the same bytes; a rejected text changes none of them. */
static void test_written(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "# mine\nmemory = 64 # MiB\n" });
	char *text;

	assert_int_equal(set_config(w, d, "memory='"), -EINVAL);
	text = world_read(w, "config/web1.cfg");
	assert_string_equal(text, "# mine\nmemory = 64 # MiB\n");
	free(text);
	/* Off: memory is written into the text and nothing else changes. */
	assert_int_equal(world_call(w, d, 0, "mem", call_memory, &(uint64_t){ 0 }), -EINVAL);
	assert_int_equal(world_call(w, d, 0, "mem", call_memory, &(uint64_t){ 96 }), 0);
	text = world_read(w, "config/web1.cfg");
	assert_string_equal(text, "# mine\nmemory = 96 # MiB\n");
	free(text);
	text = world_read(w, "state/domains/web1/valid");
	assert_string_equal(text, "# mine\nmemory = 96 # MiB\n");
	free(text);
	assert_int_equal(d->mem_target, 96);
}

/* What only root's domains may say is refused to others, and when root's becomes another's it does not start. */
static void test_reach(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\ndevice_model_override='/bin/sh'\n" });
	struct job *j = job_new(&caller_self, d, "chown", 60);

	assert_int_equal(domain_set_owner(j, 1000, 1000, 0, DOMAIN_SET_UID | DOMAIN_SET_GID, &w->e), 0);
	job_free(j);
	assert_int_equal(world_start(w, d), -EPERM);
	assert_int_equal(set_config(w, d, "memory=65\ndevice_model_override='/bin/sh'\n"), -EPERM);
	assert_int_equal(set_config(w, d, "memory=65\n"), 0);
	/* Nor by the configuration folder. */
	world_write(w, "config/web1.cfg", "memory=66\ndevice_model_override='/bin/sh'\n");
	assert_int_equal(folder_scan(w->model, &w->e), 0);
	assert_int_equal(d->mem_target, 65);
	assert_true(d->rejected);
}

static int set_access(struct world *w, struct domain *d, uid_t by, uid_t uid, gid_t gid, mode_t mode, unsigned what)
{
	struct caller *c = caller_new(by, by, (gid_t[]){ 50 }, 1, 0);
	struct job *j = job_new(c, d, "chown", 60);
	int rc = domain_set_owner(j, uid, gid, mode, what, &w->e);

	job_free(j);
	caller_unref(c);
	return rc;
}

static void test_owner(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	struct user owner = { .uid = 1000, .gid = 1000 }, other = { .uid = 1001, .gid = 50 },
		    third = { .uid = 1002, .gid = 1002 };

	assert_int_equal(set_access(w, d, 0, 1000, 0, 0, DOMAIN_SET_UID), 0);
	assert_int_equal(set_access(w, d, 1001, 0, 0, 0777, DOMAIN_SET_MODE), -EPERM);
	assert_int_equal(set_access(w, d, 1000, 1001, 0, 0, DOMAIN_SET_UID), -EPERM);
	assert_int_equal(set_access(w, d, 1000, 0, 4, 0, DOMAIN_SET_GID), -EPERM);
	assert_int_equal(set_access(w, d, 1000, 0, 50, 0750, DOMAIN_SET_GID | DOMAIN_SET_MODE), 0);
	assert_true(domain_may(d, &owner, 6) && domain_may(d, &other, 4) && !domain_may(d, &other, 2));
	assert_false(domain_may(d, &third, 4));
	assert_true(domain_may(d, &caller_self.user, 6));
	world_close(w);
	world_open(w, &fake_backend);
	d = world_find(w, "web1");
	assert_true(d->owner == 1000 && d->group == 50 && d->mode == 0750);
}

static void test_notes(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	struct job *j = job_new(&caller_self, d, "notes", 60);
	char *big = x_alloc(4002);

	memset(big, 'x', 4001);
	assert_int_equal(domain_set_note(j, false, "a \"note\"\n", 9, &w->e), 0);
	assert_int_equal(domain_set_note(j, true, "prod", 4, &w->e), 0);
	assert_int_equal(domain_set_note(j, true, "\xff\xfe", 2, &w->e), -EINVAL);
	assert_int_equal(domain_set_note(j, true, big, 4001, &w->e), -EINVAL);
	assert_string_equal(d->tags, "prod");
	job_free(j);
	free(big);
	world_close(w);
	world_open(w, &fake_backend);
	d = world_find(w, "web1");
	assert_string_equal(d->notes, "a \"note\"\n");
	assert_string_equal(d->tags, "prod");
}

static void test_rename_undefine(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "name = 'web1' # it\nmemory=64\n" });
	uint64_t serial = d->serial;
	char *text;

	world_define(w, "taken", NULL);
	assert_int_equal(world_call(w, d, 0, "rename", call_rename, (char[]){ "taken" }), -EEXIST);
	assert_int_equal(world_call(w, d, 0, "rename", call_rename, (char[]){ "web1" }), -EEXIST);
	assert_int_equal(world_call(w, d, 0, "rename", call_rename, (char[]){ "../x" }), -EINVAL);
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(world_call(w, d, 0, "rename", call_rename, (char[]){ "web2" }), 0);
	assert_int_equal(fake_count("rename web2"), 1);
	text = world_read(w, "config/web2.cfg");
	assert_string_equal(text, "name = \"web2\" # it\nmemory=64\n");
	free(text);
	assert_true(text_has(&w->model->events, " web2 rename from=web1\n"));
	assert_int_equal(world_call(w, d, 0, "undefine", call_undefine, NULL), -EBUSY);
	fake_gone("web1", END_POWEROFF, "poweroff"); /* the fake knows it by its first name */
	assert_true(domain_until(d, is_forgotten));
	world_close(w);
	world_open(w, &fake_backend);
	d = world_find(w, "web2");
	assert_int_equal(d->serial, serial);
	assert_int_equal(world_call(w, d, 0, "undefine", call_undefine, NULL), 0);
	assert_null(world_find(w, "web2"));
	assert_false(world_has(w, "state/domains/web2"));
	/* Names come again, serials do not. */
	assert_true(world_define(w, "web2", NULL)->serial > serial);
}

static void test_live(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nmaxmem=128\n" });
	struct cpus all;
	struct job *j;
	char *text;

	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(world_call(w, d, 0, "mem-set 129", call_memory, &(uint64_t){ 129 }), -EINVAL);
	assert_int_equal(world_call(w, d, 0, "mem-set 100", call_memory, &(uint64_t){ 100 }), 0);
	assert_true(d->mem_actual == 100 && d->mem_target == 100 && d->tuned == TUNED_MEMORY);
	fake_fail("mem", ETIMEDOUT);
	assert_int_equal(world_call(w, d, 0, "mem-set 90", call_memory, &(uint64_t){ 90 }), -ETIMEDOUT);
	assert_int_equal(d->mem_target, 100);
	domain_lock(d);
	assert_true(domain_pending(d));
	domain_unlock(d);
	assert_int_equal(parse_cpus("1", &all, &w->e), 0);
	j = job_new(&caller_self, d, "vcpu-pin", 60);
	assert_int_equal(domain_pin(j, 3, &all, NULL, &w->e), -EINVAL);
	assert_int_equal(domain_pin(j, -1, &all, NULL, &w->e), 0);
	assert_int_equal(domain_sysrq(j, 's', &w->e), 0);
	assert_int_equal(domain_trigger(j, "nmi", &w->e), -EOPNOTSUPP);
	assert_int_equal(domain_console_write(d, "ls\n", 3, &w->e), 3);
	job_free(j);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	text = world_read(w, "config/web1.cfg");
	assert_string_equal(text, "memory=100\nmaxmem=128\ncpus = [ \"1\" ]\n");
	free(text);
	domain_lock(d);
	assert_false(domain_pending(d));
	domain_unlock(d);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(domain_console_write(d, "x", 1, &w->e), -EHOSTDOWN);
	assert_false(d->tuned);
}

static void test_sample(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });
	struct counters c;

	domain_sample(d, &c);
	assert_int_equal(c.sampled.tv_sec, 0);
	assert_int_equal(world_start(w, d), 0);
	fake_options.cpu_usec = 5000000;
	domain_sample(d, &c);
	assert_int_equal(c.cpu_usec, 5000000);
	assert_int_equal(c.cpu_percent, 0);
	domain_sample(d, &c); /* at most a second old: not asked again */
	assert_int_equal(fake_count("counters web1"), 1);
	/* As if it was taken 10 seconds ago: half of one CPU since. */
	domain_lock(d);
	d->sampled_msec -= 10000;
	domain_unlock(d);
	fake_options.cpu_usec = 10000000;
	domain_sample(d, &c);
	assert_in_range(c.cpu_percent, 48, 50);
	domain_lock(d);
	d->sampled_msec -= 10000;
	domain_unlock(d);
	fake_options.cpu_usec = 1; /* never negative, never absurd */
	domain_sample(d, &c);
	assert_int_equal(c.cpu_percent, 0);
	domain_lock(d);
	d->sampled_msec -= 10000;
	domain_unlock(d);
	fake_fail("counters", ETIMEDOUT);
	domain_sample(d, &c);
	assert_int_equal(c.cpu_usec, 1);
	fake_state("web1", STATE_UNRESPONSIVE, "running");
	domain_sample(d, &c);
	assert_int_equal(fake_count("counters web1"), 4);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	domain_sample(d, &c);
	assert_int_equal(c.cpu_usec, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_read),  WORLD_TEST(test_written), WORLD_TEST(test_reach),
		WORLD_TEST(test_owner), WORLD_TEST(test_notes),   WORLD_TEST(test_rename_undefine),
		WORLD_TEST(test_live),  WORLD_TEST(test_sample),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
