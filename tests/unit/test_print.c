#include <jansson.h>

#include "config.h"

/* Texts with everything in them: what is printed of them parses to an equal spec and prints the same. */
static const char *const texts[] = {
	"",
	"name = 'a\"b\\\\c\\'d'; extra='\\t'; extra = '''x\n\\\ny'''; description='\xc3\xa4\xff'",
	"memory=0x100; maxmem=01000; vcpus=2; acpi=True; on_crash='soft-reset'; "
	"uuid='06ed00fe-1162-4fc4-b5d8-11993ee4a8b9'",
	"cpus='0-3,^1'; cpus_soft=['0','1-2']",
	"vnuma=[['pnode=0', 5, 0x10, True, [[]], 'a\"\\n]b,'], 'x', []]",
	"type='hvm'; vif=['', 'type=ioemu,rate=1MB/s@20ms', 'devid=9,untrusted']; vif+=['mac=00:16:3e:00:00:01']; "
	"nics=6",
	"disk=[',hdc:cdrom,r','vdev=xvda,target=/a,b c','drbd:r,xvdb,w','phy:vg/x,d7p2,r']; cdrom='/y'",
	"vfb=['type=vnc,vncpasswd=s,vncdisplay=2']; vncpasswd='p'; spicepasswd='q'",
	"viridian=[]; serial='pty'; bootloader_args='a b\tc'; gfx_passthru=1; rtc_timeoffset=-5",
};

static void prints_parse_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct spec *s = must_parse(texts[i]), *t;
		struct buf once = { 0 }, twice = { 0 };

		spec_print(s, true, &once);
		t = must_parse(once.p ? once.p : "");
		assert_true(spec_equal(s, t));
		spec_print(t, true, &twice);
		assert_string_equal(twice.p ? twice.p : "", once.p ? once.p : "");
		buf_free(&once);
		buf_free(&twice);
		spec_unref(s);
		spec_unref(t);
	}
}

static void json_is_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct spec *s = must_parse(texts[i]);
		struct buf text = { 0 };
		json_error_t je;
		json_t *j;

		spec_json(s, true, &text);
		j = json_loads(text.p, JSON_REJECT_DUPLICATES, &je);
		if (!j)
			fail_msg("%s: %s", je.text, text.p);
		json_decref(j);
		buf_free(&text);
		spec_unref(s);
	}
}

static void json_has_the_values(void **state)
{
	struct spec *s = must_parse("name='w'; memory=64; acpi=0; on_crash='restart'; cpus='1'; description='\xff\"'\n"
	                            "disk=['file:/x,hda,w']; vif=['bridge=b']; vnuma=[['a\\\\', 1]]; builder='hvm'");
	struct buf text = { 0 };

	(void)state;
	spec_json(s, false, &text);
	assert_string_equal(
		text.p,
		"{\"name\":\"w\",\"builder\":\"hvm\",\"cpus\":\"1\",\"memory\":64,\"vnuma\":[[ \"a\\\\\", \"1\" ]],"
		"\"on_crash\":\"restart\",\"disk\":[{\"vdev\":\"hda\",\"bus\":\"ide\",\"index\":0,\"partition\":0,"
		"\"format\":\"raw\",\"target\":\"/x\",\"access\":\"rw\",\"devtype\":\"disk\",\"backend\":null,"
		"\"backendtype\":null,\"script\":null,\"direct-io-safe\":false,\"discard\":true,\"trusted\":true,"
		"\"specification\":\"xen\"}],\"vif\":[{\"devid\":0,\"mac\":null,\"bridge\":\"b\",\"type\":\"ioemu\","
		"\"model\":null,\"ip\":null,\"script\":null,\"vifname\":null,\"gatewaydev\":null,\"backend\":null,"
		"\"rate_bytes\":null,\"rate_usec\":50000,\"mtu\":null,\"trusted\":true}],\"acpi\":false,"
		"\"description\":\"\\ufffd\\\"\"}");
	buf_free(&text);
	spec_unref(s);
}

static void secrets_are_kept(void **state)
{
	struct spec *s = must_parse("vncpasswd='hush1'; spicepasswd='hush2'; vfb=['vncpasswd=hush3,vnc=1']; name='a'");
	struct buf text = { 0 };

	(void)state;
	spec_print(s, false, &text);
	assert_string_equal(text.p, "name = \"a\"\nvfb = [ \"vnc=1\" ]\n");
	spec_json(s, false, &text);
	spec_diff(s, s, &text);
	assert_null(strstr(text.p, "hush"));
	buf_reset(&text);
	spec_print(s, true, &text);
	assert_non_null(strstr(text.p, "hush1"));
	assert_non_null(strstr(text.p, "hush2"));
	assert_non_null(strstr(text.p, "hush3"));
	buf_free(&text);
	spec_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_parse_back),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(json_has_the_values),
		cmocka_unit_test(secrets_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
