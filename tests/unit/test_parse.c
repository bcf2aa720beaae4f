#include <errno.h>

#include "config.h"

static const char slide[] = "name=\"win2003VM\"\n"
			    "Memory=3072\n"
			    "Vcpus=1\n"
			    "builder=\"hvm\"\n"
			    "kernel=\"/usr/lib/xen/boot/hvmloader\"\n"
			    "boot=\"dc\"\n"
			    "disk=[ 'file: /VM_XEN_02/Satirol/satirol_disk0,hda,w',\n"
			    "       'phy:/dev/cdrom,hdc:cdrom,r', ]\n";

static const char example[] = "kernel = \"/usr/lib/xen/boot/hvmloader\"\n"
			      "builder='hvm'\n"
			      "# Initial memory allocation (in megabytes) for the new\n"
			      "# domain.\n"
			      "memory = 128\n"
			      "name = \"ExampleHVMDomain\"\n"
			      "#uuid = \"06ed00fe-1162-4fc4-b5d8-11993ee4a8b9\"\n"
			      "vcpus = 1\n"
			      "disk = [ 'file:/Xen/Images/Mercurio_disk0.img,hda,w', 'phy:/dev/cdrom,hdc:cdrom,r' ]\n"
			      "boot=\"dc\"\n"
			      "vif = [ 'mac=00:16:3e:27:53:d4,bridge=xenbr0' ]\n";

static const char mail[] =
	"name = \"iris\"\n"
	"builder = \"hvm\"\n"
	"memory = \"3500\"\n"
	"disk = [ 'file:/xen/iris.img,hda,w', 'phy:/dev/vg0/mailbox,hdb,w', 'phy:/dev/vg0/swap,hdc,w' ]\n"
	"vif = [ 'type=ioemu, mac=00:16:3e:65:b1:db, bridge=xenbr0', ]\n"
	"#vif = [ 'type=netfront, mac=00:16:3e:65:b1:db, bridge=xenbr0', ]\n"
	"device_model = \"/usr/lib64/xen/bin/qemu-dm\"\n"
	"kernel = \"/usr/lib/xen/boot/hvmloader\"\n"
	"vfb = [ 'type=vnc' ]\n"
	"vnc=1\n"
	"vncunused=1\n"
	"apic=1\n"
	"acpi=1\n"
	"pae=1\n"
	"vcpus=4\n"
	"#serial = \"pty\" # enable serial console\n"
	"on_reboot = 'restart'\n"
	"on_crash = 'restart'\n";

static void examples_check_clean(void **state)
{
	static const struct {
		const char *text, *notes;
	} cases[] = {
		{ example, "" },
		{ slide, "2:1: memory is written Memory here; keys are lower case\n"
		         "3:1: vcpus is written Vcpus here; keys are lower case\n" },
		{ mail, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct notes notes = { 0 };
		struct spec *s = NULL;
		struct err e = { 0 };

		if (spec_parse(cases[i].text, strlen(cases[i].text), &s, &notes, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(notes.text.p ? notes.text.p : "", cases[i].notes);
		assert_true(spec_hvm(s));
		assert_false(spec_direct_kernel(s));
		assert_true(spec_display(s)->vnc);
		spec_unref(s);
		notes_free(&notes);
	}
}

static void example_values(void **state)
{
	struct spec *s = must_parse(mail);
	size_t n;
	const struct disk *d = spec_disks(s, &n);
	const struct vif *v;
	char mac[MAC_TEXT];

	(void)state;
	assert_int_equal(n, 3);
	assert_string_equal(d[1].source, "/dev/vg0/mailbox");
	assert_int_equal(d[1].bus, BUS_IDE);
	assert_int_equal(d[1].index, 1);
	v = spec_vifs(s, &n);
	assert_int_equal(n, 1);
	assert_string_equal(mac_format(mac, v->mac), "00:16:3e:65:b1:db");
	assert_string_equal(v->bridge, "xenbr0");
	assert_true(v->emulated);
	assert_true(spec_memory(s) == 3500);
	assert_int_equal(spec_action(s, KEY_on_crash, ACTION_DESTROY), ACTION_RESTART);
	spec_unref(s);
	s = must_parse(slide);
	d = spec_disks(s, &n);
	assert_string_equal(d[0].source, "/VM_XEN_02/Satirol/satirol_disk0");
	assert_true(d[1].cdrom && d[1].readonly);
	spec_unref(s);
}

static void nothing_is_ignored_silently(void **state)
{
	static const struct {
		const char *text, *notes;
	} cases[] = {
		{ "memroy=5", "1:1: \"memroy\" is not a known key and counts nothing; did you mean memory?\n" },
		{ " zzzzzzzzzzzz=5", "1:2: \"zzzzzzzzzzzz\" is not a known key and counts nothing\n" },
		{ "memory=5\nmemory=6", "2:1: memory is said again; its value in line 1 counts nothing\n" },
		{ "type='pv'\nbuilder='hvm'", "2:9: builder counts nothing beside type\n" },
		{ "cmdline='a'\nroot='b'\nextra='c'",
		  "2:6: root counts nothing beside cmdline\n3:7: extra counts nothing beside cmdline\n" },
		{ "cpus='1'\ncpu=2", "2:5: cpu counts nothing beside cpus\n" },
		{ "kernel=''", "1:8: kernel is empty and counts as not said\n" },
		{ "cpus=''", "1:6: cpus is empty and counts as not said\n" },
		{ "vif=['']\nvif+=['']", "" },
		{ "disk=['/x,,hdc,w,cdrom']", "1:16: a cdrom is read-only, whatever its access says\n" },
		{ "disk=['/x,,hdc,r,cdrom','/y,,hda,w']", "" },
		{ "vfb=['','vnc=1']", "1:10: only the first framebuffer is shown\n" },
		{ "vncunused=1; vncdisplay=2", "1:25: vncdisplay counts nothing beside vncunused\n" },
		{ "vncunused=0; vncdisplay=2", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct notes notes = { 0 };
		struct spec *s = NULL;
		size_t lines = 0;

		assert_int_equal(spec_parse(cases[i].text, strlen(cases[i].text), &s, &notes, NULL), 0);
		assert_string_equal(notes.text.p ? notes.text.p : "", cases[i].notes);
		for (const char *p = cases[i].notes; *p; p++)
			lines += *p == '\n';
		assert_int_equal(notes.count, lines);
		spec_unref(s);
		notes_free(&notes);
	}
}

/* What a text of 1 MiB can be full of. */
static void much_of_a_thing_is_bounded(void **state)
{
	struct notes notes = { 0 };
	struct buf text = { 0 };
	struct spec *s = NULL;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_puts(&text, "memorx=1\n");
	assert_int_equal(spec_parse(text.p, text.len, &s, &notes, NULL), 0);
	assert_int_equal(notes.count, 257);
	assert_non_null(strstr(notes.text.p, "\n257:1: there is more to say from here on\n"));
	spec_unref(s);
	notes_free(&notes);
	buf_reset(&text);
	for (int i = 0; i < 65536; i++)
		buf_puts(&text, "ip+='x'\n");
	s = must_parse(text.p);
	assert_int_equal(strlen(spec_str(s, KEY_ip, "")), 65536);
	spec_unref(s);
	buf_puts(&text, "ip+='x'\n");
	must_refuse(text.p, "1:5: ip: a text has at most 64 KiB");
	buf_reset(&text);
	buf_puts(&text, "vif=['");
	for (int i = 0; i < 8193; i++)
		buf_putc(&text, ',');
	buf_puts(&text, "']");
	must_refuse(text.p, "1:7: vif: a specification has at most 8192 bytes");
	buf_free(&text);
}

static void what_is_laid_over_a_spec_is_bounded_too(void **state)
{
	struct buf text = { 0 }, word = { 0 };
	const char *words[1];
	struct spec *s, *more = NULL;
	struct err e = { 0 };

	(void)state;
	buf_puts(&text, "device_model_args=['x'");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, ", '%01000d'", i);
	buf_puts(&text, "]");
	s = must_parse(text.p);
	buf_printf(&word, "extra='%040000d'", 0);
	words[0] = word.p;
	assert_int_equal(spec_override(s, words, 1, &more, NULL), 0);
	spec_unref(more);
	buf_reset(&word);
	buf_printf(&word, "extra='%060000d'", 0);
	words[0] = word.p;
	assert_int_equal(spec_override(s, words, 1, &more, &e), -EINVAL);
	assert_string_equal(e.text, "1:1: the configuration has more than 1 MiB when it is written out");
	spec_unref(s);
	buf_free(&word);
	buf_free(&text);
}

static void words_lie_over_a_spec(void **state)
{
	static const struct {
		const char *word, *want; /* a line of the difference, or the sentence behind '!' */
	} cases[] = {
		{ "memory=64", "memory 128 -> 64\n" },
		{ "memory='64'", "memory 128 -> 64\n" },
		{ "boot=d", "boot \"dc\" -> \"d\"\n" },
		{ "cdrom=/iso/debian.iso", "cdrom - -> \"/iso/debian.iso\"\n" },
		{ "vnc=1", "vnc - -> 1\n" },
		{ "vnc=True", "vnc - -> 1\n" },
		{ "extra=console=ttyS0 quiet", "extra - -> \"console=ttyS0 quiet\"\n" },
		{ "cpus=0-3", "cpus - -> \"0-3\"\n" },
		{ "cpus=['1']", "cpus - -> [ \"1\" ]\n" },
		{ "name=true", "name \"ExampleHVMDomain\" -> \"true\"\n" },
		{ "vif+=bridge=b2", "vif [ \"mac=00:16:3e:27:53:d4,bridge=xenbr0\" ] -> "
		                    "[ \"mac=00:16:3e:27:53:d4,bridge=xenbr0\", \"bridge=b2\" ]\n" },
		{ "vif=[]", "vif [ \"mac=00:16:3e:27:53:d4,bridge=xenbr0\" ] -> [ ]\n" },
		{ "vif=''", "vif [ \"mac=00:16:3e:27:53:d4,bridge=xenbr0\" ] -> [ ]\n" },
		{ "serial=pty", "serial - -> [ \"pty\" ]\n" },
		{ "vnc=1; memory=64", "memory 128 -> 64\nvnc - -> 1\n" },
		{ "memory=0", "!memory: 0 is not from 1 to" },
		{ "memory=512M", "!memory: \"512M\" is not a whole number" },
		{ "memroy=64", "!\"memroy\" is not a known key; did you mean memory?" },
		{ "memory", "!\"memory\" is not KEY=VALUE" },
		{ "=5", "!\"=5\" is not KEY=VALUE" },
		{ "", "!\"\" is not KEY=VALUE" },
		{ "name='x", "!1:6: this string has no closing quote" },
		{ "name=a\nb", "!\"name=a?b\": a control byte" },
		{ "disk+=/x,,hda", "!disk: hda is there twice" },
		{ "memory+=5", "!memory: += joins" },
	};
	struct spec *s = must_parse(example);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text = { 0 };
		struct spec *t = NULL;
		struct err e = { 0 };
		int rc = spec_override(s, &cases[i].word, 1, &t, &e);

		if (rc == 0)
			spec_diff(s, t, &text);
		if (rc < 0 &&
		    (cases[i].want[0] != '!' || strncmp(e.text, cases[i].want + 1, strlen(cases[i].want) - 1)))
			fail_msg("%s: %s", cases[i].word, e.text);
		if (rc == 0)
			assert_string_equal(text.p ? text.p : "", cases[i].want);
		else
			assert_null(t);
		spec_unref(t);
		buf_free(&text);
	}
	spec_unref(s);
}

static void one_key_is_replaced(void **state)
{
	struct spec *s = must_parse(example), *t = NULL, *u = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(spec_with(s, KEY_memory, "256", &t, &e), 0);
	assert_true(spec_memory(t) == 256);
	assert_true(spec_memory(s) == 128);
	assert_int_equal(spec_with(t, KEY_memory, NULL, &u, &e), 0);
	assert_false(spec_has(u, KEY_memory));
	spec_unref(u);
	u = NULL;
	assert_int_equal(spec_with(t, KEY_memory, "128", &u, &e), 0);
	assert_true(spec_equal(u, s));
	spec_unref(u);
	u = NULL;
	assert_int_equal(spec_with(s, KEY_memory, "'x'", &u, &e), -22);
	assert_string_equal(e.text, "memory: \"x\" is not a whole number");
	assert_int_equal(spec_with(s, KEY_memory, "1; name='x'", &u, &e), -22);
	assert_int_equal(spec_with(s, KEY_memory, "", &u, &e), -22);
	assert_int_equal(spec_with(s, KEY_maxmem, "64", &u, &e), -22);
	assert_string_equal(e.text, "maxmem: 64 is less than memory, which is 128");
	assert_null(u);
	spec_unref(s);
	spec_unref(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_check_clean),
		cmocka_unit_test(example_values),
		cmocka_unit_test(nothing_is_ignored_silently),
		cmocka_unit_test(much_of_a_thing_is_bounded),
		cmocka_unit_test(what_is_laid_over_a_spec_is_bounded_too),
		cmocka_unit_test(words_lie_over_a_spec),
		cmocka_unit_test(one_key_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
