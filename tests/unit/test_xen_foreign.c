/* What libxl keeps of another tool's guest becomes a configuration, whatever is in it: what cannot be told is left out alone. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/config.h"

#include "backends/xen/xen.h"

static struct buf left; /* of the last that was derived */

static struct spec *derived_with(libxl_domain_config *c)
{
	buf_reset(&left);
	return xen_foreign_spec(c, &left);
}

/* As a whole. */
static struct spec *derived(libxl_domain_config *c)
{
	struct spec *s = derived_with(c);

	if (left.len)
		fail_msg("%s", left.p);
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

static void base_devices(libxl_domain_config *c, int disks, int nics)
{
	base(c);
	c->num_disks = disks;
	c->disks = calloc((size_t)disks, sizeof(*c->disks));
	c->num_nics = nics;
	c->nics = calloc((size_t)nics, sizeof(*c->nics));
	for (int i = 0; i < disks; i++)
		libxl_device_disk_init(&c->disks[i]);
	for (int i = 0; i < nics; i++)
		libxl_device_nic_init(&c->nics[i]);
}

static void base_disk(libxl_device_disk *d, const char *vdev, const char *path)
{
	d->vdev = strdup(vdev);
	d->pdev_path = path ? strdup(path) : NULL;
	d->format = LIBXL_DISK_FORMAT_RAW;
	d->readwrite = 1;
}

/* xl takes paths that begin where it runs: only those are left out, each with its line. */
static void test_left_out(void **state)
{
	static const struct {
		const char *vdev, *path, *said; /* NULL: it is told */
	} disks[] = {
		{ "xvda", "/a.img", NULL },          { "xvdb", "b.img", "b.img" },
		{ "xvdc", "/c.img", NULL },          { "xvdc", "/again.img", "xvdc is there twice" },
		{ "51712", "/number.img", "51712" }, { "xvde", NULL, "xvde" },
		{ "hdc", "/last.img", NULL },
	};
	libxl_domain_config c;
	const struct disk *got;
	const char *const *items;
	struct spec *s;
	size_t n, lines = 0, at = 0;

	(void)state;
	base_devices(&c, (int)COUNT(disks), 1);
	for (size_t i = 0; i < COUNT(disks); i++)
		base_disk(&c.disks[i], disks[i].vdev, disks[i].path);
	c.nics[0].mac[5] = 1;
	c.b_info.kernel = strdup("vmlinuz");
	c.b_info.ramdisk = strdup("/boot/initrd");
	c.on_reboot = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	s = derived_with(&c);
	assert_non_null(strstr(left.p, "kernel: \"vmlinuz\""));
	assert_false(spec_has(s, KEY_kernel));
	assert_string_equal(spec_str(s, KEY_ramdisk, ""), "/boot/initrd");
	assert_int_equal(spec_action(s, KEY_on_reboot, ACTION_RESTART), ACTION_PRESERVE);
	assert_int_equal(spec_memory(s), 512);
	got = spec_disks(s, &n);
	for (size_t i = 0; i < COUNT(disks); i++) {
		if (disks[i].said) {
			assert_non_null(strstr(left.p, disks[i].said));
		} else {
			assert_true(at < n);
			assert_string_equal(got[at++].source, disks[i].path);
		}
	}
	assert_int_equal(at, n);
	assert_int_equal(spec_list(s, KEY_disk, &items), n);
	spec_vifs(s, &n);
	assert_int_equal(n, 1);
	for (const char *p = left.p; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 5);
	spec_unref(s);
	libxl_domain_config_dispose(&c);
}

/* vif=['devid=3,...', ''] of xl's. */
static void test_vif_numbers(void **state)
{
	static const int devids[] = { 3, 0, 1 };
	libxl_domain_config c;
	const struct vif *vifs;
	struct spec *s;
	size_t n;

	(void)state;
	base_devices(&c, 0, (int)COUNT(devids));
	for (size_t i = 0; i < COUNT(devids); i++) {
		c.nics[i].devid = devids[i];
		c.nics[i].mac[5] = (uint8_t)(i + 1);
	}
	s = derived(&c);
	vifs = spec_vifs(s, &n);
	assert_int_equal(n, COUNT(devids));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(vifs[i].index, devids[i]);
		assert_int_equal(vifs[i].mac[5], i + 1);
	}
	spec_unref(s);
	libxl_domain_config_dispose(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),   cmocka_unit_test(test_defaults), cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_devices), cmocka_unit_test(test_left_out), cmocka_unit_test(test_vif_numbers),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&left);
	return failed;
}
