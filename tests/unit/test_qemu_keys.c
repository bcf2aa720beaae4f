#include <errno.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/config.h"

static void test_rows(void **state)
{
	(void)state;
	for (size_t k = 0; k < KEY_COUNT; k++) {
		const char *why = qemu_keys[k].why;

		if (!why)
			fail_msg("%s has no row", key_table[k].name);
		if ((qemu_keys[k].means == KEY_HONOURED) != (why[0] == '\0'))
			fail_msg("%s: honoured and excused, or neither", key_table[k].name);
		if (why[0] && why[strlen(why) - 1] == '.')
			fail_msg("%s: a clause, not a sentence: %s", key_table[k].name, why);
	}
}

#define PV "memory=64\nkernel='/k'\n"

static const struct {
	const char *text;
	int code; /* 0: taken */
	const char *sentence;
} cases[] = {
	{ PV, 0, NULL },
	{ "memory=64\ntype='hvm'\nvnc=1\nsdl=0\nserial='pty'\nbootloader='pygrub'\n", 0, NULL },
	{ "memory=64\nbuilder='hvm'\nkernel='hvmloader'\nbios='seabios'\nhdtype='ide'\nstdvga=0\n", 0, NULL },
	{ "", EINVAL, "memory: not said" },
	/* refused keys count only when they ask for something */
	{ PV "pci=[]\nspice=0\nsdl=0\ncap=0\ngfx_passthru='0'\nrtc_timeoffset='0'\nsoundhw=''\n", 0, NULL },
	{ PV "pci=['01:00.0']\n", EOPNOTSUPP, "pci: devices of the host" },
	{ PV "spice=1\n", EOPNOTSUPP, "spice: " },
	{ PV "sdl=1\n", EOPNOTSUPP, "sdl: " },
	{ PV "vfb=['type=sdl']\n", EOPNOTSUPP, "sdl: " },
	{ PV "cap=50\n", EOPNOTSUPP, "cap: " },
	{ PV "soundhw='hda'\n", EOPNOTSUPP, "soundhw: " },
	{ PV "rtc_timeoffset='3600'\n", EOPNOTSUPP, "rtc_timeoffset: " },
	/* words */
	{ PV "firmware='ovmf'\n", EOPNOTSUPP, "firmware: " },
	{ PV "bios='ovmf'\n", EOPNOTSUPP, "bios: " },
	{ PV "hdtype='ahci'\n", EOPNOTSUPP, "hdtype: " },
	{ PV "serial='file:/tmp/x'\n", EOPNOTSUPP, "serial: " },
	{ PV "serial=['pty','tcp::1']\n", EOPNOTSUPP, "serial: " },
	/* actions */
	{ PV "on_poweroff='preserve'\non_reboot='destroy'\non_crash='restart'\non_soft_reset='soft-reset'\n", 0, NULL },
	{ PV "on_reboot='rename-restart'\n", EOPNOTSUPP, "on_reboot: rename-restart" },
	{ PV "on_crash='coredump-destroy'\n", EOPNOTSUPP, "on_crash: coredump-destroy" },
	{ PV "on_crash='coredump-restart'\n", EOPNOTSUPP, "on_crash: coredump-restart" },
	{ PV "on_poweroff='soft-reset'\n", EOPNOTSUPP, "on_poweroff: soft-reset" },
	/* disks */
	{ PV "disk=['/d,raw,xvda,w','/e,qcow2,sda,r','vdev=hdc,devtype=cdrom,access=ro,target=']\n", 0, NULL },
	{ PV "disk=['/d,raw,sda1,w']\n", EOPNOTSUPP, "disk sda1: a partition" },
	{ PV "disk=['/d,vhd,xvda,w']\n", EOPNOTSUPP, "disk xvda: format vhd" },
	{ PV "disk=['vdev=xvda,backend=other,target=/d']\n", EOPNOTSUPP, "disk xvda: guests do not serve" },
	{ PV "disk=['vdev=xvda,backend=0,target=/d']\n", 0, NULL },
	{ PV "disk=['vdev=xvda,script=block-drbd,target=/d']\n", EOPNOTSUPP, "disk xvda: no script" },
	/* vifs */
	{ PV "vif=['bridge=b,script=vif-bridge']\n", 0, NULL },
	{ PV "vif=['script=vif-route']\n", EOPNOTSUPP, "vif 0: no script" },
	{ PV "vif=['','backend=net']\n", EOPNOTSUPP, "vif 1: guests do not serve" },
	{ PV "vif=['vifname=eth0']\n", EOPNOTSUPP, "vif 0: vifname" },
	{ PV "vif=['rate=1MB/s']\n", EOPNOTSUPP, "vif 0: rate" },
	{ PV "vif=['model=pcnet']\n", EOPNOTSUPP, "vif 0: model pcnet" },
	/* numbers */
	{ PV "vcpus=64\n", 0, NULL },
	{ PV "vcpus=65\n", EOPNOTSUPP, "vcpus: at most 64" },
	{ PV "vcpus=1\nmaxvcpus=100\n", EOPNOTSUPP, "maxvcpus: at most 64" },
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spec *s = must_parse(cases[i].text);
		struct err e = { 0 };
		int rc = keys_check(s, &e);

		if (rc != -cases[i].code || (rc && strncmp(e.text, cases[i].sentence, strlen(cases[i].sentence)) != 0))
			fail_msg("%s\n%d %s\ninstead of %d %s", cases[i].text, rc, e.text, -cases[i].code,
			         cases[i].sentence ? cases[i].sentence : "");
		spec_unref(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
