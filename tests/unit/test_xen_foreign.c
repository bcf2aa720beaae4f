/* What libxl keeps of another tool's guest becomes a configuration that parses, whatever the names in it. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/config.h"

#include "backends/xen/xen.h"

static struct spec *derived(libxl_domain_config *c)
{
	struct buf text = { 0 };
	struct spec *s = NULL;
	struct err e = { 0 };

	xen_foreign_print(c, &text);
	if (spec_parse(text.p, text.len, &s, NULL, &e))
		fail_msg("%s\n%s", e.text, text.p);
	buf_free(&text);
	return s;
}

static void base(libxl_domain_config *c)
{
	libxl_domain_config_init(c);
	libxl_domain_build_info_init_type(&c->b_info, LIBXL_DOMAIN_TYPE_PVH);
	c->c_info.type = LIBXL_DOMAIN_TYPE_PVH;
	c->b_info.max_vcpus = 4;
	c->b_info.max_memkb = 1024 * 1024;
	c->b_info.target_memkb = 512 * 1024;
	c->on_crash = LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART;
}

static void test_plain(void **state)
{
	libxl_domain_config c;
	struct spec *s;

	(void)state;
	base(&c);
	s = derived(&c);
	assert_true(spec_pvh(s));
	assert_int_equal(spec_memory(s), 512);
	assert_int_equal(spec_maxmem(s), 1024);
	assert_int_equal(spec_vcpus(s), 4);
	assert_int_equal(spec_maxvcpus(s), 4);
	assert_int_equal(spec_action(s, KEY_on_crash, ACTION_DESTROY), ACTION_COREDUMP_RESTART);
	assert_int_equal(spec_action(s, KEY_on_poweroff, ACTION_RESTART), ACTION_DESTROY);
	spec_unref(s);
	libxl_domain_config_dispose(&c);
}

/* libxl leaves out what is as it is by default. */
static void test_defaults(void **state)
{
	libxl_domain_config c;
	struct spec *s;

	(void)state;
	libxl_domain_config_init(&c);
	c.c_info.type = LIBXL_DOMAIN_TYPE_PV;
	c.b_info.max_memkb = 65536;
	s = derived(&c);
	assert_int_equal(spec_vcpus(s), 1);
	assert_int_equal(spec_memory(s), 64);
	spec_unref(s);
	libxl_domain_config_dispose(&c);
}

static void test_hostile_text(void **state)
{
	static const char kernel[] = "/a\"b\\c'\n\x01\xff = [", told[] = "/a\"b\\c'\\n\\x01\\xff = [";
	libxl_domain_config c;
	struct spec *s;

	(void)state;
	base(&c);
	c.b_info.kernel = strdup(kernel);
	s = derived(&c);
	assert_string_equal(spec_str(s, KEY_kernel, ""), told);
	spec_unref(s);
	libxl_domain_config_dispose(&c);
}

static void test_devices(void **state)
{
	libxl_domain_config c;
	const struct disk *disks;
	const struct vif *vifs;
	struct spec *s;
	size_t n;

	(void)state;
	base(&c);
	c.num_disks = 2;
	c.disks = calloc(2, sizeof(*c.disks));
	c.num_nics = 1;
	c.nics = calloc(1, sizeof(*c.nics));
	for (int i = 0; i < 2; i++)
		libxl_device_disk_init(&c.disks[i]);
	c.disks[0].vdev = strdup("xvda");
	c.disks[0].pdev_path = strdup("/img,with=commas");
	c.disks[0].format = LIBXL_DISK_FORMAT_QCOW2;
	c.disks[0].backend = LIBXL_DISK_BACKEND_QDISK;
	c.disks[0].readwrite = 1;
	c.disks[1].vdev = strdup("hdc");
	c.disks[1].is_cdrom = 1;
	c.disks[1].format = LIBXL_DISK_FORMAT_EMPTY;
	libxl_device_nic_init(&c.nics[0]);
	memcpy(c.nics[0].mac, (uint8_t[]){ 0, 0x16, 0x3e, 1, 2, 3 }, 6);
	c.nics[0].bridge = strdup("xenbr0");
	s = derived(&c);
	disks = spec_disks(s, &n);
	assert_int_equal(n, 2);
	assert_string_equal(disks[0].source, "/img,with=commas");
	assert_int_equal(disks[0].format, FORMAT_QCOW2);
	assert_string_equal(disks[0].backendtype, "qdisk");
	assert_false(disks[0].readonly);
	assert_true(disks[1].cdrom);
	assert_null(disks[1].source);
	vifs = spec_vifs(s, &n);
	assert_int_equal(n, 1);
	assert_string_equal(vifs[0].bridge, "xenbr0");
	assert_int_equal(vifs[0].mac[5], 3);
	spec_unref(s);
	libxl_domain_config_dispose(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
