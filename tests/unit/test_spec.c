#include "config.h"
#include "hypervisor/config/spec_parts.h"

static void values_are_told(void **state)
{
	struct spec *s =
		must_parse("name='a'\nmemory='64'\nacpi=0\non_crash='restart'\nserial='pty'\nvif=[]\nvncdisplay=0x3");
	const char *const *items = NULL;

	(void)state;
	assert_true(spec_has(s, KEY_name));
	assert_false(spec_has(s, KEY_uuid));
	assert_string_equal(spec_str(s, KEY_name, "x"), "a");
	assert_string_equal(spec_str(s, KEY_kernel, "x"), "x");
	assert_string_equal(spec_str(s, KEY_serial, "x"), "pty");
	assert_string_equal(spec_str(s, KEY_memory, "x"), "x"); /* of another type */
	assert_true(spec_int(s, KEY_memory, 1) == 64);
	assert_true(spec_int(s, KEY_vncdisplay, 1) == 3);
	assert_true(spec_int(s, KEY_maxmem, 7) == 7);
	assert_true(spec_int(s, KEY_name, 7) == 7);
	assert_false(spec_bool(s, KEY_acpi, true));
	assert_true(spec_bool(s, KEY_apic, true));
	assert_int_equal(spec_action(s, KEY_on_crash, ACTION_DESTROY), ACTION_RESTART);
	assert_int_equal(spec_action(s, KEY_on_reboot, ACTION_PRESERVE), ACTION_PRESERVE);
	assert_int_equal(spec_list(s, KEY_serial, &items), 1);
	assert_string_equal(items[0], "pty");
	assert_int_equal(spec_list(s, KEY_vif, &items), 0);
	assert_int_equal(spec_list(s, KEY_pci, &items), 0);
	assert_null(items);
	spec_unref(s);
}

static void references_are_counted(void **state)
{
	struct spec *s = must_parse("name='a'"), *t = spec_ref(s);

	(void)state;
	assert_ptr_equal(s, t);
	spec_unref(s);
	assert_string_equal(spec_str(t, KEY_name, ""), "a");
	spec_unref(t);
	spec_unref(NULL);
}

/* Ten keys of a usual kind. */
static void specs_are_small(void **state)
{
	struct spec *s = must_parse(
		"name='web1'; builder='hvm'; memory=512; maxmem=1024; vcpus=2; boot='dc'; on_crash='restart'\n"
		"kernel='/usr/lib/xen/boot/hvmloader'; vnc=1\n"
		"disk=['file:/xen/web1.img,hda,w', 'phy:/dev/cdrom,hdc:cdrom,r']\n"
		"vif=['mac=00:16:3e:00:00:01,bridge=xenbr0']");

	(void)state;
	assert_in_range(arena_size(&s->arena), 500, 3000);
	spec_unref(s);
}

static void equal_is_what_it_means(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "", "# x", true },
		{ "memory=64; name='a'", "name=\"a\"\nmemory='0x40'", true },
		{ "memory=64", "memory=65", false },
		{ "memory=64", "memory=64; vcpus=1", false },
		{ "disk=['file:/x,hda,w']", "disk=['format=raw, vdev=hda, target=/x']", true },
		{ "disk=['file:/x,hda,w']", "disk=['file:/x,hda,r']", false },
		{ "vif=['mac=00:16:3e:00:00:0A']", "vif=[' mac = 00:16:3e:00:00:0a']", true },
		{ "vif=['']", "vif=[]", false },
		{ "cpus='1'", "cpus=['1']", false },
		{ "cpus='1'", "cpus=1", true },
		{ "serial='pty'", "serial=['pty']", true },
		{ "vnuma=[['a']]", "vnuma=['[ \"a\" ]']", false },
		{ "vnuma=[['a']]", "vnuma=[[\"a\"],]", true },
		{ "type='HVM'", "type='hvm'", true },
		{ "on_crash='restart'", "on_crash='destroy'", false },
		{ "acpi=True", "acpi=1", true },
		{ "extra='a'; extra+='b'", "extra='ab'", true },
		{ "vif=['bridge=a']; vif+=['bridge=b']", "vif=['bridge=a','bridge=b']", true },
		{ "uuid='06ED00FE-1162-4fc4-b5d8-11993ee4a8b9'", "uuid='06ed00fe11624fc4b5d811993ee4a8b9'", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *a = must_parse(cases[i].a), *b = must_parse(cases[i].b);

		if (spec_equal(a, b) != cases[i].equal || spec_equal(b, a) != cases[i].equal || !spec_equal(a, a))
			fail_msg("%s and %s", cases[i].a, cases[i].b);
		spec_unref(a);
		spec_unref(b);
	}
}

static void differences_are_lines(void **state)
{
	struct spec *a = must_parse("name='a'; memory=64; vncpasswd='x'; acpi=1; on_crash='restart'");
	struct spec *b = must_parse("memory=128; vncpasswd='y'; acpi=1; on_crash='destroy'; vif=['']; extra='1\\n2'");
	struct buf text = { 0 };

	(void)state;
	spec_diff(a, b, &text);
	assert_string_equal(text.p, "name \"a\" -> -\n"
	                            "memory 64 -> 128\n"
	                            "on_crash \"restart\" -> \"destroy\"\n"
	                            "extra - -> \"1\\n2\"\n"
	                            "vif - -> [ \"\" ]\n"
	                            "vncpasswd \"...\" -> \"...\"\n");
	buf_reset(&text);
	spec_diff(b, b, &text);
	assert_int_equal(text.len, 0);
	buf_free(&text);
	spec_unref(a);
	spec_unref(b);
}

static void devices_are_there(void **state)
{
	struct spec *s = must_parse("type='hvm'; builder='generic'; nics=3; cdrom='/i.iso'\n"
	                            "disk=['/x,,hda', ',hdc:cdrom,r', '/y,,xvdb1']\n"
	                            "vif=['devid=1,type=vif', 'devid=0']");
	size_t n = 0;
	const struct disk *d = spec_disks(s, &n);
	const struct vif *v;

	(void)state;
	assert_int_equal(n, 3);
	assert_string_equal(d[1].source, "/i.iso"); /* cdrom= goes into the drive that is there */
	assert_int_equal(d[1].format, FORMAT_RAW);
	assert_int_equal(d[2].partition, 1);
	v = spec_vifs(s, &n);
	assert_int_equal(n, 3);
	assert_int_equal(v[0].index, 1);
	assert_false(v[0].emulated);
	assert_true(v[1].emulated);
	assert_int_equal(v[2].index, 2);
	assert_true(v[2].emulated);
	assert_int_equal(v[2].rate_usec, 50000);
	spec_unref(s);

	s = must_parse("cdrom='/i.iso'; disk=['/x,,hdc']");
	d = spec_disks(s, &n);
	assert_int_equal(n, 2);
	assert_string_equal(d[1].vdev, "hdd");
	assert_true(d[1].cdrom && d[1].readonly);
	spec_unref(s);
	s = must_parse("cdrom='/i.iso'");
	d = spec_disks(s, &n);
	assert_int_equal(n, 1);
	assert_string_equal(d[0].vdev, "hdc");
	assert_int_equal(d[0].index, 2);
	spec_unref(s);
	must_refuse("cdrom='/i'; disk=['/x,,hda','/x,,hdb','/x,,hdc','/x,,hdd']", "1:8: cdrom: no place is free");
}

static void displays(void **state)
{
	static const struct {
		const char *text;
		bool vnc, sdl;
		const char *listen;
		int number;
		const char *passwd;
	} cases[] = {
		{ "", false, false, NULL, -1, NULL },
		{ "builder='hvm'", true, false, NULL, -1, NULL },
		{ "builder='hvm'; vnc=0", false, false, NULL, -1, NULL },
		{ "builder='hvm'; nographic=1", false, false, NULL, -1, NULL },
		{ "builder='hvm'; vga='none'", false, false, NULL, -1, NULL },
		{ "builder='hvm'; vga='none'; vnc=1", true, false, NULL, -1, NULL },
		{ "builder='hvm'; sdl=1", true, true, NULL, -1, NULL },
		{ "vnc=1; vncdisplay=3; vncpasswd='p'", true, false, NULL, 3, "p" },
		{ "vnc=1; vnclisten='0.0.0.0:4'", true, false, "0.0.0.0", 4, NULL },
		{ "vnc=1; vncunused=1; vncdisplay=3", true, false, NULL, -1, NULL },
		{ "vfb=['type=vnc,vncdisplay=2,vncpasswd=q,vnclisten=127.0.0.1']", true, false, "127.0.0.1", 2, "q" },
		{ "vfb=['type=vnc,vncpasswd=q']; vncpasswd='p'", true, false, NULL, -1, "p" },
		{ "vfb=['type=sdl']", false, true, NULL, -1, NULL },
		{ "vfb=['vncunused=1,vncdisplay=2', 'vncdisplay=5']", true, false, NULL, -1, NULL },
		{ "vfb=[]; vncpasswd=''", false, false, NULL, -1, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *s = must_parse(cases[i].text);
		const struct display *d = spec_display(s);

		if (d->vnc != cases[i].vnc || d->sdl != cases[i].sdl || d->number != cases[i].number ||
		    !d->listen != !cases[i].listen || (d->listen && strcmp(d->listen, cases[i].listen)) ||
		    !d->passwd != !cases[i].passwd || (d->passwd && strcmp(d->passwd, cases[i].passwd)))
			fail_msg("%s", cases[i].text);
		spec_unref(s);
	}
}

static void devices_are_bounded(void **state)
{
	struct buf text = { 0 };

	(void)state;
	buf_puts(&text, "vif=[");
	for (int i = 0; i < VIFS_LIMIT; i++)
		buf_puts(&text, "'',");
	buf_puts(&text, "]");
	spec_unref(must_parse(text.p));
	text.p[text.len - 1] = '\'';
	buf_puts(&text, "']");
	must_refuse(text.p, "1:5: vif: 17 interfaces are more than the 16");
	buf_reset(&text);
	buf_puts(&text, "disk=[");
	for (int i = 0; i < DISKS_LIMIT; i++)
		buf_printf(&text, "'/x,,d%dp0',", i);
	buf_puts(&text, "]");
	spec_unref(must_parse(text.p));
	text.p[text.len - 1] = '\'';
	buf_puts(&text, "/x,,xvdzz']");
	must_refuse(text.p, "1:6: disk: 65 disks are more than the 64");
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_told),
		cmocka_unit_test(references_are_counted),
		cmocka_unit_test(specs_are_small),
		cmocka_unit_test(equal_is_what_it_means),
		cmocka_unit_test(differences_are_lines),
		cmocka_unit_test(devices_are_there),
		cmocka_unit_test(displays),
		cmocka_unit_test(devices_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
