/* The simulator as a backend: its options, what it finds, starts that fail, its clock, many guests. */
#include "tests/unit/sim_world.h"

static void test_options(void **state)
{
	static const struct {
		const char *text;
		int ret;
		const char *says;
	} cases[] = {
		{ "", 0, NULL },
		{ "domains=3,delay=10,fail=pause:EIO,fail=start:ENOMEM:2,ignore=shutdown,total=2G,churn=5", 0, NULL },
		{ "domains=100001", -EINVAL, "domains" },
		{ "domains=-1", -EINVAL, "domains" },
		{ "domains", -EINVAL, "domains=N" },
		{ "domains=", -EINVAL, "domains" },
		{ "delay=1s", -EINVAL, "delay" },
		{ "churn=0", -EINVAL, "less than 1" },
		{ "total=much", -EINVAL, "total" },
		{ "ignore=destroy", -EINVAL, "only shutdown or reboot" },
		{ "fail=", -EINVAL, "fail" },
		{ "fail=pause", -EINVAL, "EREMOTEIO" },
		{ "fail=pause:EWHAT", -EINVAL, "EWHAT" },
		{ "fail=pause:ok", -EINVAL, "ok" },
		{ "fail=puase:EIO", -EINVAL, "pause?" },
		{ "fail=pause:EIO:0", -EINVAL, "less than 1" },
		{ "colour=red", -EINVAL, "domains=N" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct options opt = { .total = 7 };
		struct fault faults[VERB_COUNT] = { 0 };
		struct err e;
		int ret = sim_options_parse(cases[i].text, &opt, faults, &e);

		if (ret != cases[i].ret || (ret && !strstr(e.text, cases[i].says)))
			print_error("%s: %d %s\n", cases[i].text, ret, ret ? e.text : "");
		assert_int_equal(ret, cases[i].ret);
		assert_true(!ret || strstr(e.text, cases[i].says));
		assert_true(!ret || opt.total == 7);
	}
}

static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++)
		assert_true(ops->keys[i].means == KEY_HONOURED || (ops->keys[i].why && *ops->keys[i].why));
	for (size_t i = 0; i < VERB_COUNT; i++)
		assert_non_null(sim_verbs[i].name);
}

static void test_adopt(void **state)
{
	struct counters c;
	struct err e;

	(void)state;
	model.refuse = "vm2";
	up("domains=3,total=1000");
	expect("vm1 appeared 1 80 MiB");
	expect("vm1 memory 80");
	expect("vm1 vcpus 2");
	expect("vm1 running found");
	expect("vm3 appeared 3 112 MiB");
	expect("vm3 memory 112");
	expect("vm3 vcpus 4");
	expect("vm3 running found");
	expect_nothing();
	assert_int_equal(host_free(), 1000 - 80 - 96 - 112);
	sim_advance(model.backend, 10000);
	assert_int_equal(ops->counters(model.domains->guest, &c, &e), 0);
	assert_true(c.cpu_usec && c.disk_read_bytes && c.net_rx_bytes && c.sampled.tv_sec);
	assert_int_equal(c.mem_host_bytes, 112 << 20);
}

static void test_many(void **state)
{
	struct job j = job_open(LIMIT);
	uint64_t begin = clock_msec();
	struct err e;

	(void)state;
	up("domains=10000");
	print_message("10000 guests adopted in %llu ms\n", (unsigned long long)(clock_msec() - begin));
	assert_int_equal(model.appeared, 10000);
	assert_true(host_free() > 0);
	for (struct domain *d = model.domains; d; d = d->next)
		assert_int_equal(ops->destroy(d->guest, &j, &e), 0);
	for (struct domain *d = model.domains; d; d = d->next)
		ops->forget(d->guest);
	assert_int_equal(host_free(), SIM_MEMORY);
	job_end(&j);
}

static void test_life(void **state)
{
	struct guest *g;
	struct err e;

	(void)state;
	up("");
	g = start();
	assert_int_equal(host_free(), SIM_MEMORY - 100);
	assert_int_equal(call(ops->pause, g, &e), 0);
	expect("a paused paused");
	assert_int_equal(call(ops->pause, g, &e), 0);
	assert_int_equal(call(ops->unpause, g, &e), 0);
	expect("a running unpaused");
	assert_int_equal(call(ops->reset, g, &e), 0);
	expect("a running reset");
	expect_console("a booted 2\r\n");
	assert_int_equal(call(ops->shutdown, g, &e), 0);
	expect("a ended 0 held poweroff");
	assert_int_equal(call(ops->pause, g, &e), -EHOSTDOWN);
	assert_int_equal(ops->console_write(g, "x", 1, &e), -EHOSTDOWN);
	assert_int_equal(host_free(), SIM_MEMORY - 100);
	assert_int_equal(call(ops->destroy, g, &e), 0);
	expect("a gone 3 destroyed");
	assert_int_equal(call(ops->destroy, g, &e), 0);
	assert_int_equal(call(ops->unpause, g, &e), -EHOSTDOWN);
	expect_nothing();
	assert_int_equal(host_free(), SIM_MEMORY);
	ops->forget(g);
}

static void test_start_paused(void **state)
{
	struct job j = job_open(LIMIT);
	struct guest *g;
	struct err e;

	(void)state;
	up("");
	assert_int_equal(start_with("a", "memory = 64\n", true, &j, &g, &e), 0);
	expect("a memory 64");
	expect("a vcpus 1");
	expect("a paused started");
	assert_int_equal(model.console.len, 0);
	assert_int_equal(call(ops->shutdown, g, &e), 0); /* heard when it runs */
	assert_int_equal(call(ops->unpause, g, &e), 0);
	expect("a running unpaused");
	expect("a ended 0 held poweroff");
	expect_console("a booted 1\r\n");
	job_end(&j);
}

static void test_start_fails(void **state)
{
	struct guest *g = NULL;
	struct call c;
	struct job j;
	struct err e;

	(void)state;
	up("total=150,delay=3600000,fail=start:EREMOTEIO:1");
	call_begin(&c, NULL, NULL);
	assert_int_equal(call_end_fast(&c), -EREMOTEIO);
	assert_true(strstr(c.err.text, "fail=start:EREMOTEIO"));
	call_begin(&c, NULL, NULL);
	atomic_store(&c.job.stop, 1);
	assert_int_equal(eventfd_write(c.job.fd, 1), 0);
	assert_int_equal(call_end(&c), -ECANCELED);
	j = job_open(20);
	assert_int_equal(start_with("a", CONFIG, false, &j, &g, &e), -ETIMEDOUT);
	job_end(&j);
	assert_int_equal(host_free(), 150);
	expect_nothing();
	call_begin(&c, NULL, NULL);
	assert_int_equal(call_end_fast(&c), 0);
	g = c.guest;
	call_begin(&c, NULL, NULL);
	assert_int_equal(call_end_fast(&c), -ENOMEM);
	assert_true(strstr(c.err.text, "100 MiB") && strstr(c.err.text, "50 MiB"));
	assert_int_equal(host_free(), 50);
	ops->forget(g);
}

static void test_clock(void **state)
{
	struct counters a, b;
	struct vcpu v[4];
	struct guest *g;
	struct err e;

	(void)state;
	up("");
	g = start();
	sim_advance(model.backend, HOUR);
	assert_int_equal(ops->counters(g, &a, &e), 0);
	assert_true(a.cpu_usec > HOUR * 1000ull / 20);
	assert_int_equal(call(ops->pause, g, &e), 0);
	assert_int_equal(ops->counters(g, &a, &e), 0);
	sim_advance(model.backend, HOUR);
	assert_int_equal(ops->counters(g, &b, &e), 0);
	assert_int_equal(a.cpu_usec, b.cpu_usec);
	assert_int_equal(ops->vcpu_list(g, v, 4, &e), 3);
	assert_int_equal(v[0].cpu_usec + v[1].cpu_usec, b.cpu_usec);
	assert_true(v[0].state == 'p' && v[2].state == '-');
}

static void test_devices(void **state)
{
	struct device_counters d;
	struct guest *g;
	struct err e;

	(void)state;
	up("domains=1,fail=vif_counters:EIO");
	g = model.domains->guest;
	sim_advance(model.backend, HOUR);
	assert_int_equal(ops->disk_counters(g, 0, &d, &e), 0);
	assert_true(d.read_bytes && d.write_ops);
	assert_int_equal(ops->disk_counters(g, 1, &d, &e), -ENOENT);
	assert_int_equal(ops->vif_counters(g, 0, &d, &e), -EIO);
}

static void test_ignore(void **state)
{
	struct guest *g;
	struct err e;

	(void)state;
	up("ignore=shutdown,fail=pause:EREMOTEIO:1");
	g = start();
	assert_int_equal(call(ops->shutdown, g, &e), 0);
	assert_int_equal(call(ops->pause, g, &e), -EREMOTEIO);
	assert_int_equal(call(ops->pause, g, &e), 0);
	expect("a paused paused");
	assert_int_equal(call(ops->unpause, g, &e), 0);
	expect("a running unpaused");
	assert_int_equal(call(ops->reboot, g, &e), 0);
	expect("a ended 1 held reboot");
	expect_nothing();
}

static void test_churn(void **state)
{
	(void)state;
	up("churn=3600000");
	for (int i = 0; i < 2; i++) {
		struct domain *d;

		sim_advance(model.backend, HOUR);
		expect(i ? "churn appeared 2 96 MiB" : "churn appeared 1 80 MiB");
		expect(i ? "churn memory 96" : "churn memory 80");
		expect(i ? "churn vcpus 1" : "churn vcpus 2");
		expect("churn running found");
		lock_acquire(&model.lock);
		d = model.domains;
		lock_release(&model.lock);
		sim_advance(model.backend, HOUR);
		expect("churn gone 3 vanished");
		ops->forget(d->guest);
	}
}

/* Many at once, for the sanitizers: lives, queries and an idle clock that jumps. */
static void *busy(void *arg)
{
	char name[8] = { 'b', *(char *)arg };
	struct job j = job_open(LIMIT);
	struct err e;

	for (int i = 0; i < 50; i++) {
		struct guest *g = NULL;
		struct counters c;

		if (start_with(name, CONFIG, i & 1, &j, &g, &e))
			abort();
		ops->console_write(g, "print 3\npoweroff\n", i & 2 ? 17 : 8, &e);
		ops->counters(g, &c, &e);
		ops->unpause(g, &j, &e);
		ops->set_memory(g, 150, &j, &e);
		ops->shutdown(g, &j, &e);
		if (ops->destroy(g, &j, &e))
			abort();
		ops->forget(g);
	}
	job_end(&j);
	return NULL;
}

static void test_busy(void **state)
{
	static char names[] = "1234";
	pthread_t t[4];

	(void)state;
	up("domains=2");
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, busy, &names[i]), 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(host_free(), SIM_MEMORY - 80 - 96);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_tables),
		T(test_adopt),
		T(test_many),
		T(test_life),
		T(test_start_paused),
		T(test_start_fails),
		T(test_clock),
		T(test_devices),
		T(test_ignore),
		T(test_churn),
		T(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
