#include "config.h"
#include "hypervisor/config/keys.h"

/* A text in which K is said with a value that it can have. */
static void say(enum key k, struct buf *text)
{
	const struct key_rule *rule = key_rule(k);
	const char *last;

	buf_reset(text);
	buf_printf(text, "%s = ", key_table[k].name);
	switch (key_table[k].type) {
	case TYPE_INT:
		buf_printf(text, "%llu", (unsigned long long)(rule->min ? rule->min : 1));
		break;
	case TYPE_BOOL:
		buf_puts(text, "1");
		break;
	case TYPE_LIST:
		buf_puts(text, k == KEY_disk ? "['/x,,xvda']" : k == KEY_vif || k == KEY_vfb ? "['']" : "['file:/x']");
		break;
	case TYPE_STRING:
		last = rule->words ? strrchr(rule->words, ' ') : NULL;
		buf_printf(text, "'%s'",
		           last                        ? last + 1
		           : rule->words               ? rule->words
		           : rule->text == TEXT_UUID   ? "06ed00fe11624fc4b5d811993ee4a8b9"
		           : rule->text == TEXT_BOOT   ? "d"
		           : rule->text == TEXT_LISTEN ? "0.0.0.0"
		           : rule->text == TEXT_NUMBER ? "1"
		           : rule->text == TEXT_LANG   ? "de"
		                                       : "/x");
		break;
	case TYPE_CPUS:
		buf_puts(text, "'1'");
		break;
	case TYPE_ACTION:
		buf_puts(text, "'restart'");
		break;
	}
}

static void tenants_say_what_is_theirs(void **state)
{
	struct buf text = { 0 };

	(void)state;
	for (int k = 0; k < KEY_COUNT; k++) {
		struct spec *s;
		struct err e = { 0 };
		int rc;

		say(k, &text);
		if (k == KEY_passthrough)
			text.len = 0, buf_puts(&text, "passthrough='enabled'");
		s = must_parse(text.p);
		assert_true(spec_has(s, k));
		assert_int_equal(spec_check_reach(s, true, &e), 0);
		rc = spec_check_reach(s, false, &e);
		if (rc != (key_table[k].reach == REACH_HOST ? -1 : 0))
			fail_msg("%s: %d", text.p, rc);
		if (rc < 0 && strncmp(e.text, key_table[k].name, strlen(key_table[k].name)))
			fail_msg("%s", e.text);
		spec_unref(s);
	}
	buf_free(&text);
}

static void values_decide(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: anyone may */
	} cases[] = {
		{ "serial='pty'", NULL },
		{ "serial=['pty','none']", NULL },
		{ "serial=['pty','file:/etc/x']", "serial: all but pty none null vc is for domains of root" },
		{ "serial='pipe:/x'", "serial: " },
		{ "serial='tcp::1'", "serial: " },
		{ "usbdevice='tablet'", NULL },
		{ "usbdevice=['tablet','host:1.2']", "usbdevice: " },
		{ "sdl=0; opengl=0; spice=0", NULL },
		{ "sdl=1", "sdl: " },
		{ "vnclisten='127.0.0.1:5'", NULL },
		{ "vnclisten='::1'", NULL },
		{ "vnclisten='0.0.0.0'", "vnclisten: listening beyond loopback is for domains of root" },
		{ "vnclisten='127.evil.org'", "vnclisten: " },
		{ "vfb=['vnc=1,vnclisten=127.0.0.1']", NULL },
		{ "vfb=['vnc=1','vnclisten=10.0.0.1']", "vfb: listening beyond loopback" },
		{ "vfb=['type=sdl']", "vfb: the host's X display" },
		{ "vfb=['xauthority=/root/.x']", "vfb: the host's X display" },
		{ "disk=['/x,,xvda']; cdrom='/y'", NULL },
		{ "disk=['/x,,xvda','/x,,xvdb,script=s']", "disk: a script is for domains of root" },
		{ "disk=['drbd:x,xvda,w']", "disk: a script" },
		{ "disk=['/x,,xvda,backend=d']", "disk: a backend domain" },
		{ "vif=['bridge=b,model=e1000']", NULL },
		{ "vif=['','script=s']", "vif: a script" },
		{ "vif=['vifname=v']", "vif: a name" },
		{ "vif=['backend=d']", "vif: a backend domain" },
		{ "vif=['gatewaydev=eth0']", "vif: an interface of the host" },
		{ "gfx_passthru=0; passthrough='disabled'; tee='none'", NULL },
		{ "device_model_version='qemu-xen'", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *s = must_parse(cases[i].text);
		struct err e = { 0 };
		int rc = spec_check_reach(s, false, &e);

		if (rc != (cases[i].want ? -1 : 0) || (rc && strncmp(e.text, cases[i].want, strlen(cases[i].want))))
			fail_msg("%s: %d %s", cases[i].text, rc, e.text);
		assert_int_equal(spec_check_reach(s, true, NULL), 0);
		spec_unref(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tenants_say_what_is_theirs),
		                            cmocka_unit_test(values_decide) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
