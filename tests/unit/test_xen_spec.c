/* What libxl is given for a configuration, read back from libxl's own JSON of its structs. */
#include "tests/unit/config.h"

#ifdef HAVE_XEN
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "backends/xen/spec.h"

#define PV "memory=64\nkernel='/k'\n"
#define PVH "type='pvh'\n" PV
#define HVM "type='hvm'\nmemory=64\n"
#define SECRET "vncpasswd='secret'\n"
#define DISKS 4

static void test_keys(void **state)
{
	(void)state;
	for (size_t k = 0; k < KEY_COUNT; k++) {
		const char *why = xen_keys[k].why;

		if (!why)
			fail_msg("%s has no row", key_table[k].name);
		if ((xen_keys[k].means == KEY_HONOURED) != (why[0] == '\0'))
			fail_msg("%s: honoured and excused, or neither", key_table[k].name);
		if (why[0] && why[strlen(why) - 1] == '.')
			fail_msg("%s: a clause, not a sentence: %s", key_table[k].name, why);
	}
}

/* The config of TEXT for an owner of the number UID, as JSON; what xen_config() returned if that is an error. */
static int config_of(const char *text, uid_t uid, json_t **ret, struct err *e)
{
	static const char *const disks[DISKS] = { "/dev/loop0", "/dev/loop1", "/dev/loop2", NULL };
	struct xen_files files = {
		.kernel = "/open/kernel", .ramdisk = "/open/ramdisk", .disks = disks, .vnc = "/run/vnc"
	};
	struct spec *s = must_parse(text);
	struct user owner = { .uid = uid };
	struct run run = { .name = "web1", .uuid.b = "0123456789abcde", .spec = s, .owner = &owner };
	libxl_domain_config c;
	char *json = NULL;
	int rc;

	libxl_domain_config_init(&c);
	rc = xen_config(&run, &files, &c, e);
	if (rc == 0) {
		json = libxl_domain_config_to_json(NULL, &c);
		assert_non_null(json);
		*ret = json_loads(json, 0, NULL);
		assert_non_null(*ret);
	}
	free(json);
	libxl_domain_config_dispose(&c);
	spec_unref(s);
	return rc;
}

/* What stands at PATH, names and numbers with a slash between; NULL: nothing. */
static json_t *at(json_t *j, const char *path)
{
	char *copy = x_strdup(path), *rest = copy, *part;

	while (j && (part = strsep(&rest, "/")) != NULL)
		j = json_is_array(j) ? json_array_get(j, (size_t)atoi(part)) : json_object_get(j, part);
	free(copy);
	return j;
}

static const struct {
	const char *text, *path, *value; /* value NULL: libxl's default */
} cases[] = {
	{ PV, "c_info/type", "pv" },
	{ PV, "c_info/name", "web1" },
	{ PV, "c_info/uuid", "30313233-3435-3637-3839-616263646500" },
	{ PV, "c_info/run_hotplug_scripts", "True" },
	{ PV, "on_crash", "preserve" },
	{ PV "on_crash='restart'\non_reboot='destroy'\n", "on_reboot", "preserve" },
	{ PVH, "c_info/type", "pvh" },
	{ HVM, "c_info/type", "hvm" },
	{ "builder='hvm'\nmemory=1\n", "c_info/type", "hvm" },
	/* memory and processors */
	{ PV, "b_info/target_memkb", "65536" },
	{ PV, "b_info/max_memkb", "65536" },
	{ PV "maxmem=100\n", "b_info/max_memkb", "102400" },
	{ PV, "b_info/max_vcpus", "1" },
	{ PV, "b_info/avail_vcpus", "[0]" },
	{ PV "vcpus=3\nmaxvcpus=9\n", "b_info/max_vcpus", "9" },
	{ PV "vcpus=3\nmaxvcpus=9\n", "b_info/avail_vcpus", "[0, 1, 2]" },
	{ PV, "b_info/vcpu_hard_affinity", NULL },
	{ PV, "b_info/numa_placement", NULL },
	{ PV "vcpus=2\ncpus='1-2,^1,1023'\n", "b_info/vcpu_hard_affinity", "[[2, 1023], [2, 1023]]" },
	{ PV "vcpus=2\ncpus=['0','3']\n", "b_info/vcpu_hard_affinity", "[[0], [3]]" },
	{ PV "vcpus=3\ncpus=['0','3']\n", "b_info/vcpu_hard_affinity", "[[0], [3]]" },
	{ PV "cpu=2\n", "b_info/vcpu_hard_affinity", "[[2]]" },
	{ PV "cpus='1'\n", "b_info/numa_placement", "False" },
	{ PV "vcpus=2\ncpus_soft='1'\n", "b_info/vcpu_soft_affinity", "[[1], [1]]" },
	{ PV "cpu_weight=512\n", "b_info/sched_params/weight", "512" },
	{ PV "cap=50\n", "b_info/sched_params/cap", "50" },
	{ PV "cpu_cap=50\n", "b_info/sched_params/cap", "50" },
	{ PV "pool='p'\n", "c_info/pool_name", "p" },
	/* kernels */
	{ PV "ramdisk='/r'\n", "b_info/kernel", "/open/kernel" },
	{ PV "ramdisk='/r'\n", "b_info/ramdisk", "/open/ramdisk" },
	{ PV "root='/dev/xvda'\nextra='ro'\n", "b_info/cmdline", "root=/dev/xvda ro" },
	{ HVM "kernel='/usr/lib/xen/boot/hvmloader'\n", "b_info/kernel", NULL },
	{ HVM "kernel='/k'\ncmdline='a'\n", "b_info/kernel", "/open/kernel" },
	{ HVM "kernel='/k'\ncmdline='a'\n", "b_info/cmdline", "a" },
	{ HVM "cmdline='a'\n", "b_info/cmdline", NULL },
	{ "memory=1\nbootloader='pygrub'\nbootloader_args='-q --x'\n", "b_info/bootloader_args", "[\"-q\", \"--x\"]" },
	{ "memory=1\nbootloader='pygrub'\nbootargs='-q'\n", "b_info/bootloader_args", "[\"-q\"]" },
	{ "memory=1\nbootloader='pygrub'\nkernel='/in/disk'\n", "b_info/kernel", "/in/disk" },
	{ "memory=1\nbootloader='pygrub'\nextra='ro'\n", "b_info/cmdline", "ro" },
	/* rows of each kind, and not for each type */
	{ HVM "acpi=0\n", "b_info/acpi", "False" },
	{ PV "acpi=0\n", "b_info/acpi", NULL },
	{ HVM "nestedhvm=1\n", "b_info/nested_hvm", "True" },
	{ HVM "hpet=1\n", "b_info/type.hvm/hpet", "True" },
	{ HVM "videoram=16\n", "b_info/video_memkb", "16384" },
	{ HVM "tsc_mode='native'\n", "b_info/tsc_mode", "native" },
	{ HVM "tsc_mode=1\n", "b_info/tsc_mode", "always_emulate" },
	{ HVM "timer_mode=2\n", "b_info/timer_mode", "no_missed_ticks_pending" },
	{ HVM "hdtype='ahci'\n", "b_info/type.hvm/hdtype", "ahci" },
	{ HVM "vga='none'\n", "b_info/type.hvm/vga/kind", "none" },
	{ HVM "vga='stdvga'\n", "b_info/type.hvm/vga/kind", "std" },
	{ HVM "stdvga=1\n", "b_info/type.hvm/vga/kind", "std" },
	{ HVM "stdvga=0\n", "b_info/type.hvm/vga/kind", "cirrus" },
	{ HVM "altp2m='external'\n", "b_info/altp2m", "external" },
	{ HVM "device_model_version='qemu-xen'\n", "b_info/device_model_version", "qemu_xen" },
	{ HVM "device_model_args_hvm=['-a','b,c']\n", "b_info/extra_hvm", "[\"-a\", \"b,c\"]" },
	{ HVM "max_grant_frames=7\n", "b_info/max_grant_frames", "7" },
	{ PV "e820_host=1\n", "b_info/type.pv/e820_host", "True" },
	{ PVH "pvshim=1\npvshim_extra='x'\n", "b_info/type.pvh/pvshim_extra", "x" },
	{ PV "nomigrate=1\n", "b_info/disable_migrate", "True" },
	{ PV "rtc_timeoffset='3600'\n", "b_info/rtc_timeoffset", "3600" },
	{ PV "rtc_timeoffset='-1'\n", "b_info/rtc_timeoffset", "4294967295" },
	/* labels */
	{ PV "seclabel='a:b:c'\n", "c_info/ssid_label", "a:b:c" },
	{ PV "seclabel='a:b:c'\n", "b_info/exec_ssid_label", NULL },
	{ PV "seclabel='a:b:c'\ninit_seclabel='d:e:f'\n", "c_info/ssid_label", "d:e:f" },
	{ PV "seclabel='a:b:c'\ninit_seclabel='d:e:f'\n", "b_info/exec_ssid_label", "a:b:c" },
	/* full machines */
	{ HVM "boot='dc'\n", "b_info/type.hvm/boot", "dc" },
	{ HVM, "b_info/type.hvm/serial", "pty" },
	{ HVM "serial='none'\n", "b_info/type.hvm/serial", NULL },
	{ HVM "serial='none'\n", "b_info/type.hvm/serial_list", "[\"none\"]" },
	{ HVM "usbdevice='tablet'\n", "b_info/type.hvm/usbdevice_list", "[\"tablet\"]" },
	{ HVM "firmware='uefi'\n", "b_info/type.hvm/bios", "ovmf" },
	{ HVM "firmware='bios'\n", "b_info/type.hvm/bios", NULL },
	{ HVM "firmware='/f'\n", "b_info/type.hvm/firmware", "/f" },
	{ HVM "bios='ovmf'\n", "b_info/type.hvm/bios", "ovmf" },
	{ HVM "viridian=1\n", "b_info/type.hvm/viridian", "True" },
	{ HVM "viridian=['defaults','!stimer','synic']\n", "b_info/type.hvm/viridian_disable", "[8]" },
	{ HVM "viridian=['defaults','!stimer','synic']\n", "b_info/type.hvm/viridian_enable", "[7]" },
	{ HVM "mca_caps=['lmce']\n", "b_info/type.hvm/mca_caps", "1" },
	{ HVM "cpuid='host,tm=0'\n", "b_info/cpuid/cpuid/0/edx", "xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
	{ HVM "cpuid=['1:ecx=xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx']\n", "b_info/cpuid/cpuid/0/ecx",
	  "xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
	/* displays */
	{ HVM, "b_info/type.hvm/vnc/enable", "True" },
	{ HVM, "b_info/type.hvm/vnc/listen", "unix:/run/vnc" },
	{ HVM, "b_info/type.hvm/vnc/findunused", "False" },
	{ HVM, "b_info/type.hvm/vnc/passwd", NULL },
	{ HVM SECRET, "b_info/type.hvm/vnc/listen", "127.0.0.1" },
	{ HVM SECRET, "b_info/type.hvm/vnc/findunused", "True" },
	{ HVM "vnc=0\n", "b_info/type.hvm/vnc/enable", "False" },
	{ HVM "vnc=0\n", "b_info/type.hvm/vnc/passwd", NULL },
	{ HVM SECRET "vncdisplay=7\n", "b_info/type.hvm/vnc/display", "7" },
	{ HVM SECRET "vncdisplay=7\n", "b_info/type.hvm/vnc/findunused", "False" },
	{ HVM SECRET, "b_info/type.hvm/vnc/passwd", "secret" },
	{ HVM "vnclisten='0.0.0.0'\n", "b_info/type.hvm/vnc/listen", "unix:/run/vnc" },
	{ HVM SECRET "vnclisten='0.0.0.0'\n", "b_info/type.hvm/vnc/listen", "0.0.0.0" },
	{ HVM SECRET "vnclisten='[::1]:3'\n", "b_info/type.hvm/vnc/listen", "[::1]:3" },
	{ HVM SECRET "vnclisten='[::1]:3'\n", "b_info/type.hvm/vnc/display", NULL },
	{ HVM, "vfbs", NULL },
	{ PV, "vfbs", NULL },
	{ PV "vnc=1\nkeymap='de'\n", "vfbs/0/keymap", "de" },
	{ PV "vfb=['vnc=1,vncpasswd=x']\n", "vfbs/0/vnc/passwd", "x" },
	{ PV "vfb=['vnc=1']\n", "vfbs/0/vnc/listen", "unix:/run/vnc" },
	{ PV "vfb=['vnc=1']\n", "vkbs/0/devid", "0" },
	/* disks */
	{ PV "disk=['/a,raw,xvda,w']\n", "disks",
	  "[{\"pdev_path\": \"/dev/loop0\", \"vdev\": \"xvda\", \"backend\": \"phy\", \"format\": \"raw\", "
	  "\"readwrite\": 1}]" },
	{ PV "disk=['/a,raw,xvda,r','/b,raw,xvdb,w']\n", "disks/0/readwrite", NULL },
	{ PV "disk=['/a,raw,xvda,r','/b,raw,xvdb,w']\n", "disks/1/pdev_path", "/dev/loop1" },
	{ PV "disk=['/a,qcow2,xvda,w']\n", "disks/0/backend", "qdisk" },
	{ PV "disk=['/a,raw,xvda,w,backendtype=qdisk']\n", "disks/0/backend", "qdisk" },
	{ PV "disk=['/a,raw,xvda,w,discard']\n", "disks/0/discard_enable", "True" },
	{ PV "disk=['/a,raw,xvda,w']\n", "disks/0/discard_enable", NULL },
	{ PV "disk=['/a,raw,xvda,w,direct-io-safe']\n", "disks/0/direct_io_safe", "true" },
	{ PV "disk=['/a,raw,xvda,w,untrusted']\n", "disks/0/trusted", "False" },
	{ PV "disk=['/a,raw,sda1,w']\n", "disks/0/vdev", "sda1" },
	{ PV "disk=['vdev=xvda,script=block-drbd,target=res']\n", "disks/0/pdev_path", "res" },
	{ PV "disk=['vdev=xvda,script=block-drbd,target=res']\n", "disks/0/script", "block-drbd" },
	{ PV "disk=['vdev=xvda,backend=storage,target=/d']\n", "disks/0/backend_domname", "storage" },
	{ PV "disk=['vdev=xvda,backend=storage,target=/d']\n", "disks/0/pdev_path", "/d" },
	{ PV "disk=['vdev=xvda,backend=0,target=/d']\n", "disks/0/backend_domname", NULL },
	{ HVM "disk=['/c,,hdc:cdrom,r']\n", "disks/0/backend", NULL },
	{ HVM "disk=['/c,,hdc:cdrom,r']\n", "disks/0/is_cdrom", "1" },
	{ HVM "disk=[',,hdc:cdrom,r']\n", "disks/0/format", "empty" },
	{ HVM "disk=[',,hdc:cdrom,r']\n", "disks/0/pdev_path", NULL },
	/* the file that was not opened, of root's domain */
	{ PV "disk=['/a,raw,xvda,w','/b,raw,xvdb,w','/c,raw,xvdc,w','/d,qcow2,xvdd,w']\n", "disks/3/pdev_path", "/d" },
	/* interfaces */
	{ PV "vif=['mac=00:16:3e:01:02:03,bridge=br0']\n", "nics/0/mac", "00:16:3e:01:02:03" },
	{ PV "vif=['mac=00:16:3e:01:02:03,bridge=br0']\n", "nics/0/bridge", "br0" },
	{ PV "vif=['','devid=7']\n", "nics/1/devid", "7" },
	{ PV "vif=['']\n", "nics/0/nictype", "vif" },
	{ HVM "vif=['']\n", "nics/0/nictype", "vif_ioemu" },
	{ HVM "vif=['type=vif']\n", "nics/0/nictype", "vif" },
	{ HVM "vif=['model=netfront']\n", "nics/0/nictype", "vif" },
	{ HVM "vif=['model=netfront']\n", "nics/0/model", NULL },
	{ HVM "vif=['model=virtio']\n", "nics/0/model", "virtio-net-pci" },
	{ HVM "vif=['model=e1000']\n", "nics/0/model", "e1000" },
	{ PV "vif=['rate=10Mb/s']\n", "nics/0/rate_bytes_per_interval", "62500" },
	{ PV "vif=['rate=1MB/s@20ms']\n", "nics/0/rate_interval_usecs", "20000" },
	{ PV "vif=['ip=10.0.0.1,script=vif-route,gatewaydev=eth0,mtu=9000,vifname=web']\n", "nics/0",
	  "{\"devid\": 0, \"mtu\": 9000, \"ip\": \"10.0.0.1\", \"ifname\": \"web\", \"script\": \"vif-route\", "
	  "\"nictype\": \"vif\", \"gatewaydev\": \"eth0\"}" },
	{ PV "nics=2\n", "nics/1/devid", "1" },
};

static void test_config(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *j = NULL, *found;
		struct err e = { 0 };
		char *got = NULL;

		if (config_of(cases[i].text, 0, &j, &e) < 0)
			fail_msg("%s\n%s", cases[i].text, e.text);
		found = at(j, cases[i].path);
		if (found)
			got = json_is_string(found) ? x_strdup(json_string_value(found))
			                            : json_dumps(found, JSON_ENCODE_ANY);
		if (!got != !cases[i].value || (got && strcmp(got, cases[i].value) != 0))
			fail_msg("%s\n%s: %s instead of %s", cases[i].text, cases[i].path, got ? got : "nothing",
			         cases[i].value ? cases[i].value : "nothing");
		free(got);
		json_decref(j);
	}
}

/* A display without a password is at a socket, which must be one. */
static void test_socket(void **state)
{
	static const char *const bad[] = {
		NULL, "/run/a,b",
		"/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
		"0123456789/0123456789/0123456789/vnc"
	};
	struct display d = { .vnc = true, .number = -1 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		libxl_vnc_info v;

		libxl_vnc_info_init(&v);
		assert_int_equal(xen_spec_vnc(&d, bad[i], &v, &e), -EINVAL);
		assert_non_null(strstr(e.text, "vncpasswd"));
		libxl_vnc_info_dispose(&v);
	}
}

/* A list of CPUs online is copied as a whole into a table of 16 bytes. */
static void test_online(void **state)
{
	struct spec *s = must_parse(HVM "vcpus=128\n");
	struct run run = { .name = "n", .spec = s };
	struct xen_files files = { .vnc = "/run/vnc" };
	libxl_domain_config c;

	(void)state;
	libxl_domain_config_init(&c);
	assert_int_equal(xen_config(&run, &files, &c, NULL), 0);
	assert_true(c.b_info.avail_vcpus.size <= 16);
	assert_true(libxl_bitmap_test(&c.b_info.avail_vcpus, 127));
	libxl_domain_config_dispose(&c);
	spec_unref(s);
}

static const struct {
	const char *text;
	int code;
	const char *sentence;
	bool tenant; /* xen_config() for one; else xen_check() */
} wrongs[] = {
	{ PV, 0, NULL, false },
	{ PV, 0, NULL, true },
	{ PV "pci=[]\nfda=''\nisa=0\ngfx_passthru='0'\ntarget=0\nvtpm=[]\n", 0, NULL, false },
	{ PV "on_watchdog='restart'\non_soft_reset='soft-reset'\n", 0, NULL, false },
	{ PV "disk=['/a,qcow2,xvda,w','/b,vhd,xvdb,w']\n", 0, NULL, false },
	{ "memory=1\nbootloader='pygrub'\n", 0, NULL, false },
	{ "", EINVAL, "memory: not said", false },
	{ "memory=1\n", EINVAL, "kernel: not said", false },
	{ PV "pci=['01:00.0']\n", EOPNOTSUPP, "pci: devices of the host", false },
	{ PV "vnuma=[['size=1']]\n", EOPNOTSUPP, "vnuma: ", false },
	{ PV "on_crash='coredump-destroy'\n", EOPNOTSUPP, "on_crash: coredump-destroy", false },
	{ PV "firmware='pvgrub64'\n", EOPNOTSUPP, "firmware: a pv or pvh domain", false },
	{ PV "timer_mode=1\n", EINVAL, "timer_mode: ", false },
	{ PV "vcpus=200\n", 0, NULL, false },
	{ PVH "vcpus=129\n", EOPNOTSUPP, "vcpus: at most 128", false },
	{ HVM "maxvcpus=129\n", EOPNOTSUPP, "maxvcpus: at most 128", false },
	{ HVM "firmware='cbios'\n", EINVAL, "firmware: \"cbios\"", false },
	{ HVM "soundhw='hda'\n", 0, NULL, false },
	{ HVM "soundhw='hda,x=y'\n", EOPNOTSUPP, "soundhw: ", false },
	{ HVM "mca_caps=['x']\n", EOPNOTSUPP, "mca_caps: ", false },
	{ HVM "viridian=['x']\n", EINVAL, "viridian: \"x\"", false },
	{ HVM "cpuid='host,nosuch=1'\n", EINVAL, "cpuid: ", false },
	{ HVM "cpuid=['x']\n", EINVAL, "cpuid: ", false },
	{ HVM "vnclisten='example.org'\n", EINVAL, "vnclisten example.org", false },
	/* disks */
	{ PV "disk=['/a,qcow2,xvda,w']\n", EPERM, "disk xvda: format qcow2 is for domains of root", true },
	{ PV "disk=['/a,raw,xvda,w']\n", 0, NULL, true },
	{ PV "disk=['/a,raw,xvda,w','/b,raw,xvdb,w','/c,raw,xvdc,w','/d,raw,xvdd,w']\n", EINVAL,
	  "disk xvdd: it was not opened", true },
	{ PV "disk=['/a,vhdx,xvda,w']\n", EOPNOTSUPP, "disk xvda: format vhdx", false },
	{ PV "disk=['vdev=xvda,specification=virtio,target=/d']\n", EOPNOTSUPP, "disk xvda: specification", false },
	{ PV "disk=['vdev=xvda,backendtype=tap,target=/d']\n", EOPNOTSUPP, "disk xvda: backendtype=tap", false },
	{ PV "disk=['vdev=xvda,backendtype=phy,format=qcow2,target=/d']\n", EINVAL, "disk xvda: backendtype=phy",
	  false },
	{ PV "disk=['vdev=xvda,script=s,target=a,b']\n", EINVAL, "disk xvda: a,b: a path without a comma", false },
	{ HVM "disk=['/a,raw,hda,r']\n", EINVAL, "disk hda: a disk on IDE", false },
	/* interfaces */
	{ PV "vif=['type=ioemu']\n", EOPNOTSUPP, "vif 0: type=ioemu", false },
	{ PV "vif=['rate=1000GB/s@1s']\n", 0, NULL, false },
	{ PV "vif=['rate=1000000GB/s@1s']\n", EINVAL, "vif 0: rate: too large", false },
	{ HVM "vif=['model=ivshmem']\n", EOPNOTSUPP, "vif 0: model ivshmem", false },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		struct spec *s = must_parse(wrongs[i].text);
		struct err e = { 0 };
		json_t *j = NULL;
		int rc = wrongs[i].tenant ? config_of(wrongs[i].text, 1000, &j, &e) : xen_check(s, &e);

		if (rc != -wrongs[i].code ||
		    (rc && strncmp(e.text, wrongs[i].sentence, strlen(wrongs[i].sentence)) != 0))
			fail_msg("%s\n%d %s\ninstead of %d %s", wrongs[i].text, rc, e.text, -wrongs[i].code,
			         wrongs[i].sentence ? wrongs[i].sentence : "");
		json_decref(j);
		spec_unref(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),   cmocka_unit_test(test_config), cmocka_unit_test(test_socket),
		cmocka_unit_test(test_online), cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_none(void **state)
{
	(void)state;
	print_message("built without libxl\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
