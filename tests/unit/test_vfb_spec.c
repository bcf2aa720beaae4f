#include "config.h"
#include "hypervisor/config/vfb_spec.h"

static void parts_are_read(void **state)
{
	struct arena a = { 0 };
	struct vfb v;
	size_t at;

	(void)state;
	assert_int_equal(vfb_spec_parse("type=vnc, vncpasswd=a=b ,vnclisten=0.0.0.0:3,keymap=de", &a, &v, &at, NULL),
	                 0);
	assert_true(v.d.vnc);
	assert_false(v.d.sdl);
	assert_false(v.host);
	assert_int_equal(v.d.number, 3);
	assert_string_equal(v.d.listen, "0.0.0.0");
	assert_string_equal(v.d.passwd, "a=b");
	assert_string_equal(v.d.keymap, "de");
	assert_string_equal(v.text, "type=vnc,vnclisten=0.0.0.0:3,keymap=de");
	assert_int_equal(vfb_spec_parse("type=sdl,display=:0,opengl=1", &a, &v, &at, NULL), 0);
	assert_false(v.d.vnc);
	assert_true(v.d.sdl && v.d.opengl && v.host);
	assert_int_equal(v.d.number, -1);
	assert_int_equal(vfb_spec_parse("", &a, &v, &at, NULL), 0);
	assert_true(v.d.vnc);
	assert_int_equal(vfb_spec_parse("vnc=0,vncdisplay=5,vncunused=1", &a, &v, &at, NULL), 0);
	assert_false(v.d.vnc);
	assert_true(v.unused);
	arena_free(&a);
}

static void wrong_ones_are_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "vfb = [ 'type=spice' ]", "1:10: vfb: \"spice\" is not a type" },
		{ "vfb = [ 'vnc=1,vnclistn=::1' ]",
		  "1:16: vfb: \"vnclistn=\" is not known here; did you mean vnclisten?" },
		{ "vfb = [ 'vnc=perhaps' ]", "1:10: vfb: \"perhaps\" is neither 0 nor 1" },
		{ "vfb = [ 'vncdisplay=70000' ]", "1:10: vfb: \"70000\" is not a VNC display" },
		{ "vfb = [ 'vnc' ]", "1:10: vfb: \"vnc\" is no part" },
		{ "vfb = [ 'keymap=../x' ]", "1:10: vfb: \"../x\"" },
		{ "vfb = [ 'vnclisten=a/b' ]", "1:10: vfb: \"a/b\" is not ADDRESS" },
		{ "vfb = [ 1 ]", "1:9: vfb: a specification is a string" },
		{ "vfb = 'vnc=1'", "1:8: vfb: a list is wanted" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		must_refuse(cases[i].text, cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parts_are_read),
		                            cmocka_unit_test(wrong_ones_are_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
