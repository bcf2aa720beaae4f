#include "config.h"
#include "hypervisor/config/keys.h"

static void table_is_whole(void **state)
{
	(void)state;
	for (int k = 0; k < KEY_COUNT; k++) {
		const struct key_info *row = &key_table[k];
		size_t n = strlen(row->doc);

		assert_int_equal(key_find(row->name), k); /* no name twice */
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(row->name));
		assert_true(n > 10 && row->doc[n - 1] == '.');
		/* A rule says something about the type that the key has. */
		assert_true(row->type == TYPE_INT || !(key_rule(k)->min || key_rule(k)->max));
		assert_true(row->type == TYPE_STRING || !(key_rule(k)->words || key_rule(k)->text));
		assert_true(row->type == TYPE_LIST || key_rule(k)->list == LIST_ITEMS);
		assert_true(row->reach == REACH_HOST || !key_rule(k)->harmless);
		assert_true(!key_rule(k)->max || key_rule(k)->min <= key_rule(k)->max);
	}
}

static void names_are_found(void **state)
{
	(void)state;
	assert_int_equal(key_find("memory"), KEY_memory);
	assert_int_equal(key_find("Memory"), -1);
	assert_int_equal(key_find(""), -1);
	assert_int_equal(key_find_any_case("MEMORY"), KEY_memory);
	assert_int_equal(key_find_any_case("memor"), -1);
	assert_string_equal(key_nearest("memroy"), "memory");
	assert_string_equal(key_nearest("on_crsh"), "on_crash");
	assert_null(key_nearest("xyzzyxyzzyxyzzy"));
}

/* Each value that a key cannot have, and a few that it can. */
static void values_are_judged(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: taken */
	} cases[] = {
		{ "memory = 0", "1:10: memory: 0 is not from 1 to " },
		{ "memory = -5", "1:10: memory: \"-5\" is not a whole number" },
		{ "memory = '512M'", "1:11: memory: \"512M\" is not a whole number" },
		{ "memory = ''", "1:11: memory: \"\" is not" },
		{ "memory = [ 512 ]", "1:10: memory: one value is wanted, not a list" },
		{ "memory = True", "1:10: memory: text is wanted, in quotes, not True" },
		{ "memory = '3500'", NULL },
		{ "memory = 0x100", NULL },
		{ "memory = 64; maxmem = 32", "1:23: maxmem: 32 is less than memory, which is 64" },
		{ "maxmem = 32", NULL },
		{ "vcpus = 0", "1:9: vcpus: 0 is not from 1 to 1024" },
		{ "vcpus = 4\nmaxvcpus = 2", "2:12: maxvcpus: 2 is less than vcpus, which is 4" },
		{ "cpu_weight = 65536", "1:14: cpu_weight: 65536 is not from 1 to 65535" },
		{ "type = 'hmv'", "1:9: type: \"hmv\" is none of: pv pvh hvm" },
		{ "type = 'HVM'", NULL },
		{ "builder = 'xyz'", "1:12: builder: \"xyz\" is none of" },
		{ "uuid = 'x'", "1:9: uuid: " },
		{ "boot = 'x'", "1:9: boot: \"x\": the letters are" },
		{ "boot = 'acdnc'", "1:9: boot: \"acdnc\": at most four" },
		{ "boot = 'dca'", NULL },
		{ "kernel = 'vmlinuz'", "1:11: kernel: \"vmlinuz\" is not a full path" },
		{ "kernel = 'hvmloader'", NULL },
		{ "kernel = ''", NULL },
		{ "ramdisk = '/a\\nb'", "1:11: ramdisk: no line ends" },
		{ "on_crash = 'reboot'", "1:13: on_crash: \"reboot\" is not an action" },
		{ "on_crash = 'Rename-Restart'", NULL },
		{ "acpi = 'maybe'", "1:9: acpi: \"maybe\" is neither 0 nor 1" },
		{ "acpi = [ 1 ]", "1:8: acpi: 0 or 1 is wanted" },
		{ "acpi = True; pae = 'no'; apic = '1'; usb = 0", NULL },
		{ "name = 5", NULL },
		{ "name = [ 'x' ]", "1:8: name: one value is wanted" },
		{ "name = 'a\\nb'", "1:8: name: no line ends" },
		{ "extra = 'a\\nb'", NULL },
		{ "cpus = '0-3,^1'", NULL },
		{ "cpus = [ '0', 3 ]", NULL },
		{ "cpus = ''", NULL },
		{ "cpus = 2", NULL },
		{ "cpus = '3-1'", "1:9: cpus: " },
		{ "cpus = '0,^0'", "1:9: cpus: " },
		{ "cpus = [ '0',\n 'x' ]", "2:3: cpus: " },
		{ "cpus = [ ['0'] ]", "1:10: cpus: one value is wanted" },
		{ "cpus = 'nodes:0'", "1:9: cpus: " },
		{ "vnclisten = '0.0.0.0:3'", NULL },
		{ "vnclisten = '::1'", NULL },
		{ "vnclisten = '[::1]:70000'", "1:14: vnclisten: " },
		{ "vnclisten = 'a,b'", "1:14: vnclisten: \"a,b\" is not ADDRESS" },
		{ "vncdisplay = 70000", "1:14: vncdisplay: 70000 is not from" },
		{ "keymap = 'de,x'", "1:11: keymap: " },
		{ "rtc_timeoffset = -3600", NULL },
		{ "rtc_timeoffset = 'x'", "1:19: rtc_timeoffset: \"x\" is not a number of seconds" },
		{ "serial = 'pty'", NULL },
		{ "viridian = 1", NULL },
		{ "pci = '01:00.0'", "1:8: pci: a list is wanted: pci = [ '...' ]" },
		{ "pci = [ ['x'] ]", "1:9: pci: text is wanted in this list" },
		{ "pci = [ True ]", "1:9: pci: text is wanted, in quotes, not True" },
		{ "vnuma = [ ['pnode=0', 5, ['x']] ]", NULL },
		{ "disk = '/x,raw,xvda,w'", "1:9: disk: a list is wanted" },
		{ "disk = [ '/x,raw,xvda,w', '/y,raw,xvda,w' ]", "1:28: disk: xvda is there twice" },
		{ "disk = [\n  '/x,raw,xvda,w',\n  '/y, ray,xvdb,w' ]", "3:8: disk: \"ray\" is not a format" },
		{ "disk = [ 'x\\x41,raw,xvda,w' ]", "1:10: disk: \"xA\" is not a full path" },
		{ "vif = [ 'mac=00:16:3e:00:00:01', 'mac=00:16:3E:00:00:01' ]",
		  "1:35: vif: the MAC address 00:16:3e:00:00:01 is there twice" },
		{ "vif = [ '', 'devid=0' ]", "1:14: vif: two interfaces have the number 0" },
		{ "nics = 17", "1:8: nics: 17 is not from 0 to 16" },
		{ "name += 5\nname += 'x'", "2:9: name: +=" },
		{ "acpi = 1; acpi += 1", "1:19: acpi: += joins" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (cases[i].want)
			must_refuse(cases[i].text, cases[i].want);
		else
			spec_unref(must_parse(cases[i].text));
	}
}

static void addresses_are_split(void **state)
{
	static const struct {
		const char *text, *address;
		int display;
		bool local;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", -1, true },
		{ "127.1.2.3:4", "127.1.2.3", 4, true },
		{ ":7", NULL, 7, true },
		{ "0.0.0.0:1", "0.0.0.0", 1, false },
		{ "::1", "::1", -1, true },
		{ "[::1]:2", "::1", 2, true },
		{ "[fe80::1]", "fe80::1", -1, false },
		{ "::", "::", -1, false },
		{ "localhost", "localhost", -1, true },
		{ "127.evil.example", "127.evil.example", -1, false },
		{ "", NULL, -1, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		const char *address = "?";
		int display = 77;

		assert_int_equal(listen_split(cases[i].text, &a, &address, &display, NULL), 0);
		assert_int_equal(display, cases[i].display);
		if (cases[i].address)
			assert_string_equal(address, cases[i].address);
		else
			assert_null(address);
		assert_int_equal(listen_is_local(address), cases[i].local);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_whole),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(values_are_judged),
		cmocka_unit_test(addresses_are_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
