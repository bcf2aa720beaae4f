#include "config.h"
#include "hypervisor/config/vif_spec.h"

static void forms_are_understood(void **state)
{
	static const struct {
		const char *text;
		bool hvm;
		const char *want;
		bool emulated;
	} cases[] = {
		{ "", true, "", true },
		{ "", false, "", false },
		{ " , ", false, "", false },
		{ "mac=00:16:3e:27:53:D4,bridge=xenbr0", true, "mac=00:16:3e:27:53:d4,bridge=xenbr0", true },
		{ "type=ioemu, mac=00:16:3e:65:b1:db, bridge=xenbr0", true,
		  "mac=00:16:3e:65:b1:db,bridge=xenbr0,type=ioemu", true },
		{ "type=netfront, mac=00:16:3e:65:b1:db", true, "mac=00:16:3e:65:b1:db,type=vif", false },
		{ "type=vif,model=e1000", true, "type=vif,model=e1000", false },
		{ "model = virtio", true, "model=virtio", true },
		{ "type=ioemu", false, "type=ioemu", true },
		{ "ip=10.0.0.1 10.0.0.2/24,script=vif-nat,vifname=web0,netdev=eth0,backend=net", false,
		  "ip=10.0.0.1 10.0.0.2/24,script=vif-nat,vifname=web0,gatewaydev=eth0,backend=net", false },
		{ "rate=10Mb/s", false, "rate=1250000B/s", false },
		{ "rate=1MB/s@20ms,devid=3,mtu=9000,untrusted", false,
		  "rate=1000000B/s@20000us,devid=3,mtu=9000,untrusted", false },
		{ "devid=0,trusted,bridge=ovs0.12:3-4", false, "bridge=ovs0.12:3-4", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct vif v;
		struct buf once = { 0 }, twice = { 0 };
		struct err e = { 0 };
		size_t at;

		if (vif_spec_parse(cases[i].text, 0, cases[i].hvm, &a, &v, &at, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_int_equal(v.emulated, cases[i].emulated);
		vif_spec_print(&v, 0, &once);
		assert_string_equal(once.p ? once.p : "", cases[i].want);
		assert_int_equal(vif_spec_parse(cases[i].want, 0, cases[i].hvm, &a, &v, &at, &e), 0);
		vif_spec_print(&v, 0, &twice);
		assert_string_equal(twice.p ? twice.p : "", cases[i].want);
		buf_free(&once);
		buf_free(&twice);
		arena_free(&a);
	}
}

static void wrong_ones_are_refused(void **state)
{
	static const struct {
		const char *text, *want;
		size_t at;
	} cases[] = {
		{ "mac=00:16:3e:27:53", "", 0 },
		{ "bridge=b, mac=01:16:3e:27:53:d4", "", 10 },
		{ "brigde=b", "\"brigde=\" is not known here; did you mean bridge?", 0 },
		{ "bridge=b,bridge=c", "bridge is said twice", 9 },
		{ "bridge=b,gatewaydev=a,netdev=c", "gatewaydev and netdev are the same", 22 },
		{ "bridge=a/b", "\"a/b\" is not a name", 0 },
		{ "bridge", "\"bridge\" is no part of an interface", 0 },
		{ "type=tap", "\"tap\" is not a type of interface", 0 },
		{ "vifname=abcdefghijklmnop", "\"abcdefghijklmnop\" is longer than 15", 0 },
		{ "model=e1000,rate=fast", "\"fast\" is not a rate", 12 },
		{ "mtu=12", "\"12\" is not a number from 68 to 65535", 0 },
		{ "devid=-1", "\"-1\" is not a number from 0 to 65535", 0 },
		{ "model=a;b", "\"a;b\" is not a name", 0 },
		{ "untrusted,trusted", "trusted and untrusted exclude", 10 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct vif v = { .index = 77 };
		struct err e = { 0 };
		size_t at = 999;

		if (vif_spec_parse(cases[i].text, 0, true, &a, &v, &at, &e) != -22 ||
		    strncmp(e.text, cases[i].want, strlen(cases[i].want)) || at != cases[i].at)
			fail_msg("%s: %zu: %s", cases[i].text, at, e.text);
		assert_int_equal(v.index, 77);
		arena_free(&a);
	}
}

static void rates(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		unsigned usec;
	} cases[] = {
		{ "10Mb/s", 1250000, 50000 },
		{ "250KB/s", 250000, 50000 },
		{ "1MB/s@20ms", 1000000, 20000 },
		{ "1GB/s@1s", 1000000000, 1000000 },
		{ "8b/s@7us", 1, 7 },
		{ "9B/s@100", 9, 100000000 },
		{ "1MB/s@5m", 1000000, 5000 },
		{ "1MB/s@5u", 1000000, 5 },
		{ "7b/s", 0, 0 },
		{ "0B/s", 0, 0 },
		{ "1MB", 0, 0 },
		{ "1mB/s", 0, 0 },
		{ "1MB/s@", 0, 0 },
		{ "1MB/s@0ms", 0, 0 },
		{ "1MB/s@5k", 0, 0 },
		{ "010MB/s", 0, 0 },
		{ "1MB/s@05ms", 0, 0 },
		{ "1MB/s 5ms", 0, 0 },
		{ "MB/s", 0, 0 },
		{ "", 0, 0 },
		{ "-1MB/s", 0, 0 },
		{ "99999999999999999999B/s", 0, 0 },
		{ "1125899906842GB/s", 0, 0 },
		{ "1MB/s@99999s", 0, 0 },
		{ "1M", 0, 0 },
		{ "1", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t bytes = 77;
		unsigned usec = 77;
		int rc = rate_parse(cases[i].text, &bytes, &usec, NULL);

		assert_int_equal(rc, cases[i].bytes ? 0 : -22);
		assert_true(bytes == (cases[i].bytes ? cases[i].bytes : 77));
		assert_true(usec == (cases[i].bytes ? cases[i].usec : 77));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_understood),
		cmocka_unit_test(wrong_ones_are_refused),
		cmocka_unit_test(rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
