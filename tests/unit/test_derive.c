#include "config.h"

static void sizes(void **state)
{
	struct spec *s = must_parse("");

	(void)state;
	assert_true(spec_memory(s) == 0 && spec_maxmem(s) == 0);
	assert_true(spec_vcpus(s) == 1 && spec_maxvcpus(s) == 1 && spec_cap(s) == 0);
	spec_unref(s);
	s = must_parse("memory=64; vcpus=3; cpu_cap=50");
	assert_true(spec_memory(s) == 64 && spec_maxmem(s) == 64);
	assert_true(spec_vcpus(s) == 3 && spec_maxvcpus(s) == 3 && spec_cap(s) == 50);
	spec_unref(s);
	s = must_parse("memory=64; maxmem=128; vcpus=3; maxvcpus=4; cpu_cap=50; cap=70");
	assert_true(spec_maxmem(s) == 128 && spec_maxvcpus(s) == 4 && spec_cap(s) == 70);
	spec_unref(s);
}

static void types_and_kernels(void **state)
{
	static const struct {
		const char *text;
		bool hvm, pvh, kernel;
	} cases[] = {
		{ "", false, false, false },
		{ "builder='hvm'", true, false, false },
		{ "builder='linux'; kernel='/k'", false, false, true },
		{ "builder='hvm'; type='pv'", false, false, false },
		{ "builder='generic'; type='HVM'", true, false, false },
		{ "type='pvh'; kernel='/k'", false, true, true },
		{ "type='hvm'; kernel='/usr/lib/xen/boot/hvmloader'", true, false, false },
		{ "type='hvm'; kernel='hvmloader'", true, false, false },
		{ "type='hvm'; kernel='/k'", true, false, true },
		{ "type='pv'; kernel='/usr/lib/xen/boot/hvmloader'", false, false, true },
		{ "type='hvm'; kernel=''", true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *s = must_parse(cases[i].text);

		if (spec_hvm(s) != cases[i].hvm || spec_pvh(s) != cases[i].pvh ||
		    spec_direct_kernel(s) != cases[i].kernel)
			fail_msg("%s", cases[i].text);
		spec_unref(s);
	}
}

static void command_lines(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: none */
	} cases[] = {
		{ "", NULL },
		{ "cmdline='a b'; root='/dev/x'; extra='y'", "a b" },
		{ "root='/dev/xvda1 ro'", "root=/dev/xvda1 ro" },
		{ "root='/dev/xvda1'; extra='quiet'", "root=/dev/xvda1 quiet" },
		{ "extra='3'", "3" },
		{ "dhcp='off'; extra='3'", "3" },
		{ "dhcp='dhcp'; root='/dev/nfs'; nfs_server='10.0.0.1'; nfs_root='/srv'; hostname='h'",
		  "ip=:10.0.0.1:::h:eth0:dhcp root=/dev/nfs nfsroot=10.0.0.1:/srv" },
		{ "ip='1.2.3.4'; netmask='255.0.0.0'; gateway='1.0.0.1'",
		  "ip=1.2.3.4:127.0.255.255:1.0.0.1:255.0.0.0::eth0:off" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *s = must_parse(cases[i].text);
		struct buf b = { 0 };

		buf_puts(&b, ">");
		assert_int_equal(spec_cmdline(s, &b), cases[i].want != NULL);
		assert_string_equal(b.p + 1, cases[i].want ? cases[i].want : "");
		buf_free(&b);
		spec_unref(s);
	}
}

static void affinities(void **state)
{
	static const struct {
		const char *text, *first, *second; /* of VCPU 0 and 1; NULL: anywhere */
	} cases[] = {
		{ "", NULL, NULL },
		{ "cpus='0-3,^1'", "0,2-3", "0,2-3" },
		{ "cpus=['2']", "2", NULL },
		{ "cpus=['2','3-4']", "2", "3-4" },
		{ "cpus=2", "2", "2" },
		{ "cpu=5", "5", "5" },
		{ "cpu=5; cpus='1'", "1", "1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *s = must_parse(cases[i].text);
		struct cpus c = { 0 };
		char text[CPUS_TEXT];

		assert_int_equal(spec_vcpu_affinity(s, 0, &c), cases[i].first != NULL);
		assert_string_equal(cpus_format(text, &c), cases[i].first ? cases[i].first : "");
		c = (struct cpus){ 0 };
		assert_int_equal(spec_vcpu_affinity(s, 1, &c), cases[i].second != NULL);
		assert_string_equal(cpus_format(text, &c), cases[i].second ? cases[i].second : "");
		spec_unref(s);
	}
}

static void uuids(void **state)
{
	struct spec *s = must_parse("uuid='06ED00FE-1162-4fc4-b5d8-11993ee4a8b9'");
	struct uuid u;
	char text[UUID_TEXT];

	(void)state;
	assert_true(spec_uuid(s, &u));
	assert_string_equal(uuid_format(text, &u), "06ed00fe-1162-4fc4-b5d8-11993ee4a8b9");
	spec_unref(s);
	s = must_parse("");
	assert_false(spec_uuid(s, &u));
	spec_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),         cmocka_unit_test(types_and_kernels),
		cmocka_unit_test(command_lines), cmocka_unit_test(affinities),
		cmocka_unit_test(uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
