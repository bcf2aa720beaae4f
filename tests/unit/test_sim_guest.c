/* What a simulated guest does by itself and with what is asked of it. */
#include "tests/unit/sim_world.h"

static void test_words(void **state)
{
	static const struct {
		const char *typed, *told[2], *console;
	} cases[] = {
		{ "poweroff\n", { "a ended 0 held poweroff" }, "poweroff\r\n" },
		{ "  reboot \r", { "a ended 1 held reboot" }, "reboot" },
		{ "crash\nprint 1\n", { "a ended 2 held crash" }, "crash" },
		{ "die\nprint 1\n", { "a gone 4 died" }, "die" },
		{ "vanish\n", { "a gone 3 vanished" }, "vanish" },
		{ "pause\n", { "a paused by-guest" }, "pause" },
		{ "print 2000\n", { NULL }, "line 1999\r\nline 2000\r\n" },
		{ "print\n", { NULL }, "print\r\n" },
		{ "print 99999999\nfree\n", { NULL }, "memory 100 MiB\r\n" },
		{ "log qemu: oh\n", { "a log qemu: oh" }, "log" },
		{ "event no-space disk=xvda\n", { "a event no-space disk=xvda" }, "event" },
		{ "rename b\n", { "a event rename name=b" }, "rename" },
		{ "rename ../b\nfree\n", { NULL }, "memory 100" },
		{ "hang 5\n", { "a unresponsive hang", "a running responsive" }, "hang" },
		{ "\n\r\n \nfly\n", { NULL }, "fly: not found\r\n" },
		{ "help\n", { NULL }, "poweroff  power off\r\n" },
	};

	(void)state;
	up("");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct guest *g = start();
		bool gone = false;
		struct err e;

		type(g, cases[i].typed);
		for (size_t k = 0; k < 2 && cases[i].told[k]; k++) {
			expect(cases[i].told[k]);
			gone = strstr(cases[i].told[k], " gone ");
		}
		expect_console(cases[i].console);
		expect_nothing();
		if (!gone) {
			assert_int_equal(call(ops->destroy, g, &e), 0);
			expect("a gone 3 destroyed");
		}
		ops->forget(g);
		buf_reset(&model.console);
	}
}

static void test_console_full(void **state)
{
	char line[1000];
	struct guest *g;
	size_t sum = 0;
	struct err e;
	int n;

	(void)state;
	up("");
	g = start();
	assert_int_equal(call(ops->pause, g, &e), 0);
	memset(line, 'x', sizeof(line));
	while ((n = ops->console_write(g, line, sizeof(line), &e)) > 0)
		sum += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_int_equal(sum, SIM_INPUT_MAX);
	assert_int_equal(model.console.len, 0);
	assert_int_equal(call(ops->unpause, g, &e), 0);
	expect_console("xxx");
	type(g, "\n");
	expect_console(": not found\r\n");
}

static void test_hang(void **state)
{
	struct counters c;
	struct call waits;
	struct guest *g;
	struct err e;

	(void)state;
	up("");
	g = start();
	type(g, "hang 3600000\n");
	expect("a unresponsive hang");
	assert_int_equal(ops->counters(g, &c, &e), -ETIMEDOUT);
	call_begin(&waits, ops->pause, g);
	assert_int_equal(call_end_fast(&waits), 0);
	expect("a running responsive");
	expect("a paused paused");
	assert_int_equal(call(ops->unpause, g, &e), 0);
	expect("a running unpaused");
	type(g, "hang\n");
	expect("a unresponsive hang");
	call_begin(&waits, ops->reset, g);
	assert_int_equal(call(ops->destroy, g, &e), 0);
	assert_int_equal(call_end(&waits), -EHOSTDOWN);
	expect("a gone 3 destroyed");
	expect_nothing();
	ops->forget(g);
}

static void test_memory(void **state)
{
	struct guest *g;
	struct err e;

	(void)state;
	up("total=1000");
	g = start();
	assert_int_equal(set_memory(g, 200, LIMIT, &e), 0);
	expect("a memory 125");
	expect("a memory 150");
	expect("a memory 175");
	expect("a memory 200");
	assert_int_equal(host_free(), 800);
	assert_int_equal(set_memory(g, 200, LIMIT, &e), 0);
	assert_int_equal(set_memory(g, 0, LIMIT, &e), -EINVAL);
	assert_int_equal(set_memory(g, 401, LIMIT, &e), -EINVAL);
	expect_nothing();
	assert_int_equal(call(ops->pause, g, &e), 0);
	expect("a paused paused");
	assert_int_equal(set_memory(g, 198, 20, &e), -ETIMEDOUT);
	assert_int_equal(call(ops->unpause, g, &e), 0);
	expect("a running unpaused");
	expect("a memory 200");
	expect("a memory 200");
	expect("a memory 199");
	expect("a memory 198");
	assert_int_equal(host_free(), 802);
	expect_nothing();
}

static void test_trigger(void **state)
{
	struct job j = job_open(LIMIT);
	struct guest *g;
	struct err e;

	(void)state;
	up("");
	g = start();
	assert_int_equal(trigger(g, "nmi", &e), 0);
	expect_console("NMI\r\n");
	assert_int_equal(ops->sysrq(g, 'h', &j, &e), 0);
	expect_console("sysrq: h\r\n");
	assert_int_equal(trigger(g, "sleep", &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "nmi, power and reset"));
	assert_int_equal(trigger(g, "reset", &e), 0);
	expect("a running reset");
	assert_int_equal(trigger(g, "power", &e), 0);
	expect("a ended 0 held poweroff");
	job_end(&j);
}

static void test_pin_rename(void **state)
{
	struct job j = job_open(LIMIT);
	struct cpus c = { 0 }, none = { 0 };
	struct vcpu v[4];
	struct guest *g;
	struct err e;

	(void)state;
	up("");
	g = start();
	cpus_add(&c, 5);
	cpus_add(&none, SIM_CPUS);
	assert_int_equal(ops->pin(g, 1, &c, &j, &e), 0);
	assert_int_equal(ops->pin(g, 3, &c, &j, &e), -EINVAL);
	assert_int_equal(ops->pin(g, 0, &none, &j, &e), -EINVAL);
	assert_int_equal(ops->vcpu_list(g, v, 2, &e), 2);
	assert_true(cpus_equal(&v[1].affinity, &c) && v[1].cpu == 5);
	assert_true(cpus_has(&v[0].affinity, CPUS_MAX - 1));
	assert_int_equal(ops->rename(g, "new", &j, &e), 0);
	assert_int_equal(call(ops->reset, g, &e), 0);
	expect_console("new booted 2\r\n");
	job_end(&j);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_words), T(test_console_full), T(test_hang), T(test_memory), T(test_trigger), T(test_pin_rename),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
