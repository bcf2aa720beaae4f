/* What of processors and memory is changed while a guest runs or is off, how it gets into the configuration, and cores. */
#include "access.h"
#include "tests/unit/model_world.h"

#define CALL(name, expression)                                                                                         \
	static int call_##name(struct job *j, void *arg, struct err *e)                                                \
	{                                                                                                              \
		return expression;                                                                                     \
	}
CALL(maxmem, domain_set_maxmem(j, *(uint64_t *)arg, e))
CALL(online, domain_set_vcpus(j, *(unsigned *)arg, e))
CALL(shares, domain_set_sched(j, ((int *)arg)[0], ((int *)arg)[1], e))
CALL(dump, domain_dump_core(j, arg, e))
#undef CALL

static int maxmem(struct world *w, struct domain *d, uint64_t mib)
{
	return world_call(w, d, 0, "mem-max", call_maxmem, &mib);
}

static int online(struct world *w, struct domain *d, unsigned n)
{
	return world_call(w, d, 0, "vcpu-set", call_online, &n);
}

static int shares(struct world *w, struct domain *d, int weight, int cap)
{
	return world_call(w, d, 0, "sched-credit", call_shares, (int[]){ weight, cap });
}

static int pin_vcpu(struct world *w, struct domain *d, int vcpu, const char *hard, const char *soft)
{
	struct job *j = job_new(&caller_self, d, "vcpu-pin", 60);
	struct cpus sets[2];
	int rc;

	assert_int_equal(parse_cpus(hard ? hard : "all", &sets[0], &w->e), 0);
	assert_int_equal(parse_cpus(soft ? soft : "all", &sets[1], &w->e), 0);
	rc = domain_pin(j, vcpu, hard ? &sets[0] : NULL, soft ? &sets[1] : NULL, &w->e);
	job_free(j);
	return rc;
}

static int pin(struct world *w, struct domain *d, const char *hard, const char *soft)
{
	return pin_vcpu(w, d, 0, hard, soft);
}

static void config_is(struct world *w, const char *text)
{
	char *is = world_read(w, "config/web1.cfg");

	assert_string_equal(is, text);
	free(is);
}

static char *pending(struct domain *d)
{
	struct buf b = { 0 };

	domain_lock(d);
	spec_diff(d->live, d->spec, &b);
	domain_unlock(d);
	return b.p ? buf_steal(&b) : x_strdup("");
}

static void pending_is(struct domain *d, const char *text)
{
	char *is = pending(d);

	assert_string_equal(is, text);
	free(is);
}

static bool event(struct world *w, const char *text)
{
	return text_has(&w->model->events, text);
}

static unsigned events(struct world *w, const char *text)
{
	struct buf b = { 0 };
	unsigned n = 0;

	text_copy(&w->model->events, &b);
	for (const char *p = b.p; p && (p = strstr(p, text)); p++)
		n++;
	buf_free(&b);
	return n;
}

static void test_off(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64 # little\nvcpus=2\nmaxvcpus=4\n" });

	assert_int_equal(maxmem(w, d, 63), -EINVAL);
	assert_int_equal(maxmem(w, d, 128), 0);
	assert_int_equal(online(w, d, 0), -EINVAL);
	assert_int_equal(online(w, d, 5), -EINVAL);
	assert_int_equal(online(w, d, 3), 0);
	assert_int_equal(shares(w, d, 0, -1), -EINVAL);
	assert_int_equal(shares(w, d, 65536, -1), -EINVAL);
	assert_int_equal(shares(w, d, -1, 65536), -EINVAL);
	assert_int_equal(shares(w, d, 512, 50), 0);
	config_is(w, "memory=64 # little\nvcpus=3\nmaxvcpus=4\nmaxmem = 128\ncpu_weight = 512\ncap = 50\n");
	assert_int_equal(d->vcpus, 3);
	assert_int_equal(d->tuned, 0);
	assert_int_equal(pin(w, d, "1", NULL), -EHOSTDOWN);
	assert_int_equal(world_call(w, d, 0, "dump-core", call_dump, (char[]){ "/tmp/none" }), -EHOSTDOWN);
}

static void test_on(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nmaxmem=96\nvcpus=2\nmaxvcpus=4\n" });

	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(maxmem(w, d, 63), -EINVAL);
	assert_int_equal(maxmem(w, d, 128), 0);
	assert_true(event(w, " web1 mem max_mib=128\n"));
	assert_int_equal(world_call(w, d, 0, "mem-set", call_memory, &(uint64_t){ 129 }), -EINVAL);
	assert_int_equal(world_call(w, d, 0, "mem-set", call_memory, &(uint64_t){ 128 }), 0);
	assert_int_equal(maxmem(w, d, 127), -EINVAL);
	assert_int_equal(online(w, d, 5), -EINVAL);
	assert_int_equal(online(w, d, 4), 0);
	assert_int_equal(d->vcpus, 4);
	assert_true(event(w, " web1 vcpus online=4\n") && event(w, " web1 vcpus target=4\n"));
	assert_int_equal(shares(w, d, -1, 150), 0);
	assert_int_equal(shares(w, d, 512, -1), 0);
	assert_true(event(w, " web1 sched weight=256 cap=150\n") && event(w, " web1 sched weight=512 cap=150\n"));
	pending_is(d, "vcpus 4 -> 2\ncpu_weight 512 -> -\ncap 150 -> -\nmemory 128 -> 64\nmaxmem 128 -> 96\n");
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	pending_is(d, "");
	config_is(w, "memory=128\nmaxmem=128\nvcpus=4\nmaxvcpus=4\ncpu_weight = 512\ncap = 150\n");
	assert_int_equal(d->tuned, 0);
	/* What the configuration says later is not taken back by a commit. */
	assert_int_equal(
		world_call(w, d, 0, "config", call_config,
	                   (char[]){ "memory=128\nmaxmem=256\nvcpus=4\nmaxvcpus=4\ncpu_weight=512\ncap=150\n" }),
		0);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	pending_is(d, "maxmem 128 -> 256\n");
	assert_int_equal(maxmem(w, d, 200), 0);
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(d->tuned, 0);
}

/* There can be as many VCPUs as before when fewer are online, also after a commit. */
static void test_fewer(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nvcpus=3\n" });

	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(online(w, d, 1), 0);
	assert_int_equal(spec_maxvcpus(d->live), 3);
	assert_int_equal(online(w, d, 4), -EINVAL);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	config_is(w, "memory=64\nvcpus=1\nmaxvcpus = 3\n");
	pending_is(d, "");
	assert_int_equal(online(w, d, 3), 0);
}

static void test_pin(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });

	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(pin(w, d, NULL, "2"), 0);
	assert_int_equal(fake_count("pin web1"), 0);
	assert_int_equal(fake_count("soft web1"), 1);
	pending_is(d, "cpus_soft [ \"2\" ] -> -\n");
	assert_int_equal(pin(w, d, "1", NULL), 0);
	assert_int_equal(fake_count("soft web1"), 1);
	fake_fail("soft", EREMOTEIO);
	assert_int_equal(pin(w, d, "1", "2"), -EREMOTEIO);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	config_is(w, "memory=64\ncpus = [ \"1\" ]\ncpus_soft = [ \"2\" ]\n");
	pending_is(d, "");
}

/* All are those that are online, and the others too where the hypervisor knows them. */
static void test_pin_all(void **state)
{
	struct world *w = *state;
	static struct backend_ops all;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nvcpus=2\nmaxvcpus=4\n" });

	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(pin_vcpu(w, d, -1, "1", NULL), 0);
	assert_int_equal(fake_count("pin web1"), 2);
	assert_int_equal(pin_vcpu(w, d, 2, "1", NULL), -EINVAL);
	world_close(w);
	all = fake_backend;
	all.pins_offline = true;
	world_open(w, &all);
	d = world_find(w, "web1");
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(pin_vcpu(w, d, -1, "1", NULL), 0);
	assert_int_equal(fake_count("pin web1"), 2 + 4);
	assert_int_equal(pin_vcpu(w, d, 3, "1", NULL), 0);
	assert_int_equal(pin_vcpu(w, d, 4, "1", NULL), -EINVAL);
}

/* Another tool says how much it may have at most: that holds here too, and is told once. */
static void test_maximum(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nmaxmem=96\n" });
	struct background b;

	assert_int_equal(world_start(w, d), 0);
	fake_maximum("web1", 96);
	assert_false(event(w, " web1 mem max_mib="));
	pending_is(d, "");
	fake_maximum("web1", 160);
	assert_true(event(w, " web1 mem max_mib=160\n"));
	pending_is(d, "maxmem 160 -> 96\n");
	assert_int_equal(world_call(w, d, 0, "mem-set", call_memory, &(uint64_t){ 150 }), 0);
	assert_int_equal(world_call(w, d, 0, "mem-set", call_memory, &(uint64_t){ 161 }), -EINVAL);
	fake_block("maxmem");
	background_begin(&b, w, d, "mem-max", call_maxmem, &(uint64_t){ 200 });
	assert_true(fake_called("maxmem web1", 1));
	fake_maximum("web1", 200); /* our own is seen before it is answered */
	fake_release("maxmem");
	assert_int_equal(background_end(&b), 0);
	assert_int_equal(events(w, " web1 mem max_mib=200\n"), 1);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	config_is(w, "memory=150\nmaxmem=200\n");
}

/* What fails changes nothing, nor does what is only tried; what another tool did is seen. */
static void test_not(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nvcpus=2\n" });
	struct job *j;

	assert_int_equal(world_start(w, d), 0);
	fake_fail("maxmem", EREMOTEIO);
	fake_fail("online", ETIMEDOUT);
	fake_fail("sched", EREMOTEIO);
	assert_int_equal(maxmem(w, d, 128), -EREMOTEIO);
	assert_int_equal(online(w, d, 1), -ETIMEDOUT);
	assert_int_equal(shares(w, d, 512, 0), -EREMOTEIO);
	pending_is(d, "");
	j = job_new(&caller_self, d, "-n", 60);
	j->dry = true;
	assert_int_equal(domain_set_maxmem(j, 128, &w->e), 0);
	assert_int_equal(domain_set_vcpus(j, 1, &w->e), 0);
	assert_int_equal(domain_set_vcpus(j, 3, &w->e), -EINVAL);
	assert_int_equal(domain_set_sched(j, 512, 1, &w->e), 0);
	job_free(j);
	pending_is(d, "");
	assert_int_equal(d->tuned, 0);
	assert_int_equal(fake_count("maxmem web1") + fake_count("online web1") + fake_count("sched web1"), 3);
	fake_sched("web1", (struct sched){ .weight = 256 });
	assert_false(event(w, " web1 sched "));
	fake_sched("web1", (struct sched){ .weight = 300, .cap = 20 });
	assert_true(event(w, " web1 sched weight=300 cap=20\n"));
	pending_is(d, "cpu_weight 300 -> -\ncap 20 -> -\n");
}

/* What was changed is still to be committed when another daemon has taken over, unless the guest has gone meanwhile. */
static void test_successor(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\nvcpus=2\n" });
	struct uuid u;

	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(online(w, d, 1), 0);
	u = d->uuid;
	world_close(w);
	fake_appear("web1", &u, 7, "memory=64\nvcpus=1\nmaxvcpus=2\n", false);
	world_open(w, &fake_backend);
	d = world_find(w, "web1");
	assert_int_equal(d->tuned, TUNED_VCPUS);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	config_is(w, "memory=64\nvcpus=1\nmaxvcpus = 2\n");
	assert_int_equal(maxmem(w, d, 128), 0);
	world_close(w);
	world_open(w, &fake_backend);
	d = world_find(w, "web1");
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(d->tuned, 0);
}

static void test_cannot(void **state)
{
	struct world *w = *state;
	static struct backend_ops bare;
	struct domain *d;

	bare = fake_backend;
	bare.set_maxmem = NULL;
	bare.set_vcpus = NULL;
	bare.pin_soft = NULL;
	bare.set_sched = NULL;
	bare.dump_core = NULL;
	world_close(w);
	world_open(w, &bare);
	d = world_define(w, "web1", (char[]){ "memory=64\nvcpus=2\n" });
	assert_int_equal(online(w, d, 1), 0); /* off: the configuration */
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(maxmem(w, d, 128), -EOPNOTSUPP);
	assert_int_equal(online(w, d, 1), -EOPNOTSUPP);
	assert_int_equal(shares(w, d, 512, 0), -EOPNOTSUPP);
	assert_int_equal(pin(w, d, NULL, "1"), -EOPNOTSUPP);
	assert_int_equal(pin(w, d, "1", NULL), 0);
	assert_int_equal(world_call(w, d, 0, "dump-core", call_dump, (char[]){ "/tmp/none" }), -EOPNOTSUPP);
}

/* ---- cores ---- */

static void test_dump(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });
	char *path = x_printf("%s/core", w->path), *text;
	struct background b;
	struct job *j;

	assert_int_equal(world_start(w, d), 0);
	j = job_new(&caller_self, d, "-n dump-core", 60);
	j->dry = true;
	assert_int_equal(domain_dump_core(j, path, &w->e), 0);
	job_free(j);
	assert_false(world_has(w, "core"));
	fake_fail("dump", EREMOTEIO);
	assert_int_equal(world_call(w, d, 0, "dump-core", call_dump, path), -EREMOTEIO);
	assert_non_null(strstr(w->e.text, path));
	assert_false(world_has(w, "core"));
	fake_block("dump");
	background_begin(&b, w, d, "dump-core", call_dump, path);
	assert_true(fake_called("dump web1", 2));
	assert_false(world_has(w, "core"));
	assert_int_equal(world_call(w, d, 0, "cancel", call_cancel, NULL), 0);
	assert_int_equal(background_end(&b), -ECANCELED);
	fake_release("dump");
	assert_false(world_has(w, "core"));
	assert_int_equal(world_call(w, d, 0, "dump-core", call_dump, path), 0);
	text = world_read(w, "core");
	assert_string_equal(text, "core");
	free(text);
	assert_int_equal(world_call(w, d, 0, "dump-core", call_dump, path), -EEXIST);
	if (geteuid() == 0) {
		char *closed = x_printf("%s/config/core", w->path);

		assert_int_equal(world_call(w, d, 65534, "dump-core", call_dump, closed), -EACCES);
		free(closed);
	}
	free(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_off),     WORLD_TEST(test_on),      WORLD_TEST(test_fewer), WORLD_TEST(test_pin),
		WORLD_TEST(test_not),     WORLD_TEST(test_cannot),  WORLD_TEST(test_dump),  WORLD_TEST(test_successor),
		WORLD_TEST(test_pin_all), WORLD_TEST(test_maximum),
	};
	int ret;

	if (access_helper(argc, argv, &ret))
		return ret;
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
