/* What domains hold is counted as they come, change, run and go; and who holds what another wants is named. */
#include "hypervisor/model/holders.h"
#include "tests/unit/model_world.h"

#define MAC "00:16:3e:00:00:01"
#define UUID "5fe1c9a0-0000-4000-8000-000000000001"

static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 0x00, 0x00, 0x01 };

static size_t holds(struct world *w, enum holding what, const void *key, size_t n)
{
	return holders_count(&w->model->holders, what, key, n);
}

static size_t images(struct world *w, enum holding what, const char *path)
{
	return holds(w, what, path, strlen(path));
}

static size_t owned(struct world *w, uid_t uid)
{
	return holds(w, HOLDS_OWNER, &uid, sizeof(uid));
}

static int call_owner(struct job *j, void *arg, struct err *e)
{
	return domain_set_owner(j, *(uid_t *)arg, 0, 0, DOMAIN_SET_UID, e);
}

static void test_desired(void **state)
{
	struct world w = world_make();
	struct domain *a, *b;
	struct uuid u, old;

	(void)state;
	assert_int_equal(parse_uuid(UUID, &u, &w.e), 0);
	world_open(&w, &fake_backend);
	a = world_define(&w, "a", NULL);
	b = world_define(&w, "b", NULL);
	old = a->uuid;
	assert_int_equal(holds(&w, HOLDS_UUID, &old, sizeof(old)), 1);
	assert_int_equal(owned(&w, 0), 2);
	assert_int_equal(world_call(&w, a, 0, "config", call_config,
	                            (char[]){ "uuid='" UUID "'\nvif=['mac=" MAC "','mac=00:16:3e:00:00:02']\n" }),
	                 0);
	assert_int_equal(holds(&w, HOLDS_UUID, &old, sizeof(old)), 0);
	assert_int_equal(holds(&w, HOLDS_UUID, &u, sizeof(u)), 1);
	assert_int_equal(holds(&w, HOLDS_MAC, mac, sizeof(mac)), 1);
	/* His own are in nobody's way but others'. */
	assert_int_equal(
		world_call(&w, a, 0, "config", call_config, (char[]){ "uuid='" UUID "'\nvif=['mac=" MAC "']\n" }), 0);
	assert_int_equal(world_call(&w, b, 0, "config", call_config, (char[]){ "vif=['mac=" MAC "']\n" }), -EEXIST);
	assert_non_null(strstr(w.e.text, "the domain a has one of these MAC"));
	assert_int_equal(world_call(&w, b, 0, "config", call_config, (char[]){ "uuid='" UUID "'\n" }), -EEXIST);
	assert_non_null(strstr(w.e.text, "the domain a has this uuid"));
	assert_int_equal(world_call(&w, a, 0, "chown", call_owner, &(uid_t){ 1000 }), 0);
	assert_int_equal(owned(&w, 0), 1);
	assert_int_equal(owned(&w, 1000), 1);
	assert_int_equal(world_call(&w, a, 0, "undefine", call_undefine, NULL), 0);
	assert_int_equal(holds(&w, HOLDS_UUID, &u, sizeof(u)), 0);
	assert_int_equal(holds(&w, HOLDS_MAC, mac, sizeof(mac)), 0);
	assert_int_equal(owned(&w, 1000), 0);
	assert_int_equal(
		world_call(&w, b, 0, "config", call_config, (char[]){ "uuid='" UUID "'\nvif=['mac=" MAC "']\n" }), 0);
	world_end(&w);
}

/* Files in the folder may say the same twice: the count tells, and the second of them can be mended. */
static void test_twice(void **state)
{
	struct world w = world_make();

	(void)state;
	world_open(&w, &fake_backend);
	world_close(&w);
	world_write(&w, "config/a.cfg", "vif=['mac=" MAC "']\n");
	world_write(&w, "config/b.cfg", "vif=['mac=" MAC "']\n");
	world_open(&w, &fake_backend);
	assert_int_equal(holds(&w, HOLDS_MAC, mac, sizeof(mac)), 2);
	assert_int_equal(world_call(&w, world_find(&w, "a"), 0, "config", call_config,
	                            (char[]){ "memory=64\nvif=['mac=" MAC "']\n" }),
	                 -EEXIST);
	assert_int_equal(world_call(&w, world_find(&w, "b"), 0, "config", call_config, (char[]){ "vif=['']\n" }), 0);
	assert_int_equal(holds(&w, HOLDS_MAC, mac, sizeof(mac)), 1);
	assert_int_equal(world_call(&w, world_find(&w, "a"), 0, "config", call_config,
	                            (char[]){ "memory=64\nvif=['mac=" MAC "']\n" }),
	                 0);
	world_end(&w);
}

static void test_running(void **state)
{
	static const struct {
		const char *disks;
		int rc; /* of a start beside one that has /i/w open for writing and /i/r for reading */
	} cases[] = {
		{ "'file:/i/other,xvda,w'", 0 },  { "'file:/i/w,xvda,w'", -EBUSY },
		{ "'file:/i/w,xvda,r'", -EBUSY }, { "'file:/i/r,xvda,w'", -EBUSY },
		{ "'file:/i/r,xvda,r'", 0 },      { "'file:/i/r,xvda,r','file:/i/w,xvdb,r'", -EBUSY },
	};
	struct world w = world_make();
	struct domain *a, *b;
	uint64_t before;
	char *text;

	(void)state;
	world_open(&w, &fake_backend);
	a = world_define(&w, "a", (char[]){ "memory=64\ndisk=['file:/i/w,xvda,w','file:/i/r,xvdb,r']\n" });
	b = world_define(&w, "b", NULL);
	assert_int_equal(images(&w, HOLDS_IMAGE, "/i/w"), 0);
	before = holders_promised(&w.model->holders);
	assert_int_equal(before, 0);
	assert_int_equal(world_start(&w, a), 0);
	assert_int_equal(images(&w, HOLDS_IMAGE, "/i/w") + images(&w, HOLDS_WRITES, "/i/w"), 2);
	assert_int_equal(images(&w, HOLDS_IMAGE, "/i/r"), 1);
	assert_int_equal(images(&w, HOLDS_WRITES, "/i/r"), 0);
	assert_int_equal(holders_promised(&w.model->holders), 64 + GUEST_OVERHEAD_MIB);
	for (size_t i = 0; i < COUNT(cases); i++) {
		text = x_printf("memory=32\ndisk=[%s]\n", cases[i].disks);
		assert_int_equal(world_call(&w, b, 0, "config", call_config, text), 0);
		free(text);
		assert_int_equal(world_start(&w, b), cases[i].rc);
		if (cases[i].rc) {
			assert_non_null(strstr(w.e.text, "is in use by the domain a"));
			continue;
		}
		assert_int_equal(holders_promised(&w.model->holders), 64 + 32 + 2 * GUEST_OVERHEAD_MIB);
		assert_int_equal(world_call(&w, b, 0, "destroy", call_destroy, NULL), 0);
		assert_true(domain_until(b, is_forgotten));
	}
	assert_int_equal(world_call(&w, a, 0, "mem-set", call_memory, &(uint64_t){ 48 }), 0);
	assert_int_equal(holders_promised(&w.model->holders), 48 + GUEST_OVERHEAD_MIB);
	assert_int_equal(world_call(&w, a, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(holders_promised(&w.model->holders), 0);
	assert_int_equal(images(&w, HOLDS_IMAGE, "/i/w") + images(&w, HOLDS_WRITES, "/i/w"), 0);
	world_end(&w);
}

static int call_define(struct job *j, void *arg, struct err *e)
{
	return domain_define(arg, j, "more", NULL, e);
}

/* A user's share: who is root has none, and what has gone counts no more. */
static void test_share(void **state)
{
	struct world w = world_make();
	struct domain *d = NULL;
	char name[16];

	(void)state;
	world_open(&w, &fake_backend);
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		d = domain_new(w.model, name);
		d->owner = 1000;
		assert_int_equal(registry_add(d, &w.e), 0);
		domain_unref(d);
	}
	assert_int_equal(owned(&w, 1000), 256);
	assert_int_equal(world_call(&w, NULL, 1000, "define", call_define, w.model), -EPERM);
	assert_non_null(strstr(w.e.text, "you have 256 domains"));
	registry_del(d);
	assert_int_equal(world_call(&w, NULL, 1000, "define", call_define, w.model), 0);
	assert_int_equal(world_call(&w, world_find(&w, "more"), 0, "undefine", call_undefine, NULL), 0);
	assert_int_equal(world_call(&w, NULL, 0, "define", call_define, w.model), 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_desired),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_share),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
