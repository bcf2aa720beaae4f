#include <errno.h>
#include <stdlib.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/config.h"

#define KERNEL "memory=256\nkernel='/boot/k'\n"
#define HVM "memory=256\ntype='hvm'\n"
#define KERNEL_FD 20
#define RAMDISK_FD 21
#define DISK_FD 30
#define TAP_FD 40

static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 0x01, 0x02, 0x03 };

struct variant {
	bool kvm, block, user_net;
	const char *name, *dir;
};

static int build(const char *text, const struct variant *v, char ***ret, struct err *e)
{
	struct spec *s = must_parse(text);
	struct qemu_features features = { 0 };
	struct record r = { .machine = "pc-i440fx-7.2", .kvm = v->kvm };
	struct args_in in = { .features = &features,
		              .record = &r,
		              .spec = s,
		              .kernel_fd = -1,
		              .ramdisk_fd = -1,
		              .qmp_fd = 9,
		              .dir = v->dir ? v->dir : "/run/domfs/qemu/7" };
	const struct disk *disks = spec_disks(s, &in.ndisks);
	const struct vif *vifs = spec_vifs(s, &in.nnets);
	struct arg_disk *d = x_array(in.ndisks + 1, sizeof(*d));
	struct arg_net *n = x_array(in.nnets + 1, sizeof(*n));
	int rc;

	snprintf(r.name, sizeof(r.name), "%s", v->name ? v->name : "web1");
	for (size_t i = 0; i < in.ndisks; i++)
		d[i] = (struct arg_disk){ .disk = &disks[i],
			                  .block = v->block,
			                  .fd = disks[i].source ? DISK_FD + (int)i : -1,
			                  .format = disks[i].source ? disks[i].format : FORMAT_EMPTY };
	for (size_t i = 0; i < in.nnets; i++) {
		n[i] = (struct arg_net){ .vif = &vifs[i], .tap_fd = v->user_net ? -1 : TAP_FD + (int)i };
		memcpy(n[i].mac, mac, sizeof(mac));
	}
	if (args_kernel(s))
		in.kernel_fd = KERNEL_FD;
	if (spec_has(s, KEY_ramdisk))
		in.ramdisk_fd = RAMDISK_FD;
	in.disks = d;
	in.nets = n;
	rc = args_build("/usr/bin/qemu", &in, ret, e);
	free(d);
	free(n);
	spec_unref(s);
	return rc;
}

/* The vector as one text, a line a word. */
static char *joined(char **argv)
{
	struct buf b = { 0 };

	for (char **p = argv; *p; p++)
		buf_printf(&b, "%s\n", *p);
	return buf_steal(&b);
}

static const struct {
	const char *text;
	struct variant v;
	const char *want[8]; /* texts with a newline where a word ends */
	const char *never[4];
} cases[] = {
	{ KERNEL,
	  { 0 },
	  { "/usr/bin/qemu\n-name\nguest=web1,debug-threads=on\n", "-accel\ntcg,thread=multi,tb-size=64\n",
	    "-m\n256M\n-smp\n1,maxcpus=1,", "-kernel\n/proc/self/fd/20\n-append\n\n", "-S\n",
	    "-nodefaults\n-no-user-config\n", "-action\nreboot=reset,shutdown=pause,panic=pause\n",
	    "path=/run/domfs/qemu/7/ev\n" },
	  { "-initrd", "-vnc", "VGA", "virtio-blk" } },
	{ KERNEL,
	  { 0 },
	  { "-sandbox\non,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny\n",
	    "socket,id=mon,fd=9,server=on,wait=off\n-mon\nchardev=mon,mode=control\n",
	    "pipe,id=ser0,path=/run/domfs/qemu/7/ser\n-serial\nchardev:ser0\n", "-rtc\nbase=utc\n", "acpi=on,hpet=on\n",
	    "{\"driver\":\"pvpanic-pci\",\"id\":\"panic0\"}", "\"id\":\"balloon0\"" },
	  { "-boot", "usb-", "svm=on" } },
	{ KERNEL, { .kvm = true }, { "-accel\nkvm\n", "-cpu\nhost,vmx=off,svm=off\n" }, { "tcg" } },
	{ KERNEL "nestedhvm=1\nnx=0\n", { .kvm = true }, { "-cpu\nhost,nx=off\n" }, { "vmx" } },
	{ KERNEL "ramdisk='/boot/i'\nroot='/dev/vda'\nextra='quiet a,b=c'\n",
	  { 0 },
	  { "-initrd\n/proc/self/fd/21\n", "-append\nroot=/dev/vda quiet a,b=c\n" },
	  { "/boot/" } },
	{ KERNEL "vcpus=2\nmaxvcpus=4\nmaxmem=512\n",
	  { 0 },
	  { "-m\n256M\n", "-smp\n2,maxcpus=4,sockets=4,cores=1,threads=1\n" },
	  { "512" } },
	{ KERNEL "on_reboot='destroy'\n", { 0 }, { "reboot=shutdown,shutdown=pause" }, { "reboot=reset" } },
	{ KERNEL "on_reboot='preserve'\n", { 0 }, { "reboot=shutdown" }, { NULL } },
	{ KERNEL "localtime=1\nacpi=0\nacpi_s3=0\nhpet=0\n",
	  { 0 },
	  { "base=localtime\n", "acpi=off,hpet=off" },
	  { "disable_s3" } },
	{ KERNEL "acpi_s3=0\nacpi_s4=0\n",
	  { 0 },
	  { "-global\nPIIX4_PM.disable_s3=1\n", "PIIX4_PM.disable_s4=1\n" },
	  { NULL } },
	/* disks */
	{ KERNEL "disk=['/image,raw,xvda,w']\n",
	  { 0 },
	  { "-add-fd\nfd=30,set=1\n", "\"filename\":\"/dev/fdset/1\"",
	    "\"driver\":\"file\",\"node-name\":\"file-xvda\"",
	    "\"driver\":\"raw\",\"node-name\":\"drive-xvda\",\"file\":\"file-xvda\",\"read-only\":false,\"discard\":"
	    "\"unmap\"",
	    "\"driver\":\"virtio-blk-pci\",\"id\":\"disk-xvda\",\"serial\":\"xvda\",\"drive\":\"drive-xvda\"}" },
	  { "bootindex", "backing", "/image", "scsi" } },
	{ KERNEL "disk=['/d,qcow2,xvda,r,no-discard']\n",
	  { 0 },
	  { "\"driver\":\"qcow2\"", "\"backing\":null", "\"read-only\":true,\"discard\":\"ignore\"" },
	  { "unmap" } },
	{ KERNEL "disk=['/dev/x,raw,vda,w']\n",
	  { .block = true },
	  { "\"driver\":\"host_device\"" },
	  { "\"driver\":\"file\"" } },
	{ KERNEL "disk=['/a,raw,hda,w','/b,raw,hdd,r,cdrom','/c,raw,sdb,w','/d,raw,xvdc,r,cdrom']\n",
	  { 0 },
	  { "\"driver\":\"ide-hd\",\"bus\":\"ide.0\",\"unit\":0,",
	    "\"driver\":\"ide-cd\",\"bus\":\"ide.1\",\"unit\":1,", "\"driver\":\"virtio-scsi-pci\",\"id\":\"scsi0\"",
	    "\"driver\":\"scsi-hd\",\"bus\":\"scsi0.0\",\"scsi-id\":1,",
	    "\"driver\":\"scsi-cd\",\"bus\":\"scsi0.0\",\"scsi-id\":130,", "fd=33,set=4\n" },
	  { "virtio-blk" } },
	{ KERNEL "disk=['vdev=hdc,devtype=cdrom,access=ro,target=']\n",
	  { 0 },
	  { "\"driver\":\"ide-cd\"" },
	  { "\"drive\"", "-blockdev", "-add-fd" } },
	/* what boots first */
	{ HVM "disk=['/d,raw,xvda,w','/e,raw,hdc,r,cdrom']\nboot='dc'\n",
	  { 0 },
	  { "\"id\":\"disk-xvda\",\"serial\":\"xvda\",\"drive\":\"drive-xvda\",\"bootindex\":101}",
	    "\"id\":\"disk-hdc\",\"serial\":\"hdc\",\"drive\":\"drive-hdc\",\"bootindex\":1}", "-boot\nstrict=on\n" },
	  { "-kernel", "-append" } },
	{ HVM "disk=['/d,raw,xvda,w','/e,raw,xvdb,w']\n", { 0 }, { "\"bootindex\":1}", "\"bootindex\":2}" }, { NULL } },
	{ HVM "vif=['model=e1000']\nboot='n'\n", { 0 }, { "\"driver\":\"e1000\"", "\"bootindex\":1}" }, { "romfile" } },
	{ HVM "kernel='/usr/lib/xen/boot/hvmloader'\n", { 0 }, { "-boot\nstrict=on\n" }, { "-kernel" } },
	/* network */
	{ KERNEL "vif=['bridge=br0','']\n",
	  { 0 },
	  { "{\"type\":\"tap\",\"id\":\"net0\",\"fd\":\"40\",\"vhost\":false}", "\"id\":\"net1\",\"fd\":\"41\"",
	    "{\"driver\":\"virtio-net-pci\",\"id\":\"nic0\",\"netdev\":\"net0\",\"mac\":\"00:16:3e:01:02:03\","
	    "\"romfile\":\"\"}" },
	  { "br0", "\"user\"", "rtl8139" } },
	{ KERNEL "vif=['']\n", { .user_net = true }, { "{\"type\":\"user\",\"id\":\"net0\"}" }, { "tap" } },
	{ HVM "vif=['']\n", { 0 }, { "\"driver\":\"rtl8139\"" }, { "virtio-net" } },
	{ HVM "vif=['type=vif']\n", { 0 }, { "\"driver\":\"virtio-net-pci\"" }, { "rtl8139" } },
	/* display and USB */
	{ HVM,
	  { 0 },
	  { "-vnc\n127.0.0.1:0,to=999,password=on\n", "\"driver\":\"VGA\",\"id\":\"vga0\",\"vgamem_mb\":16}",
	    "\"driver\":\"usb-tablet\",\"id\":\"usb-0\",\"bus\":\"usb.0\"}", "\"driver\":\"piix3-usb-uhci\"" },
	  { NULL } },
	{ HVM "vnc=0\n", { 0 }, { "\"driver\":\"VGA\"" }, { "-vnc", "usb-" } },
	{ HVM "nographic=1\n", { 0 }, { "-S\n" }, { "-vnc", "VGA" } },
	{ HVM "vga='cirrus'\nvncdisplay=3\nvncpasswd='geheim'\nkeymap='en-us'\n",
	  { 0 },
	  { "\"driver\":\"cirrus-vga\"", "-vnc\n127.0.0.1:3,password=on\n", "-k\nen-us\n" },
	  { "geheim", "vgamem" } },
	{ HVM "vnclisten='::1'\nvideoram=20\n",
	  { 0 },
	  { "-vnc\n[::1]:0,to=999,password=on\n", "\"vgamem_mb\":32" },
	  { NULL } },
	{ KERNEL "vfb=['type=vnc,vncdisplay=5']\n",
	  { 0 },
	  { "\"driver\":\"VGA\"", "-vnc\n127.0.0.1:5,password=on\n" },
	  { "usb-" } },
	{ KERNEL "usb=1\nusbversion=3\nusbdevice=['keyboard','mouse']\n",
	  { 0 },
	  { "\"driver\":\"qemu-xhci\"", "\"driver\":\"usb-kbd\",\"id\":\"usb-0\"",
	    "\"driver\":\"usb-mouse\",\"id\":\"usb-1\"" },
	  { "tablet" } },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char **argv = NULL, *all;
		struct err e = { 0 };

		if (build(cases[i].text, &cases[i].v, &argv, &e) < 0)
			fail_msg("%s\n%s", e.text, cases[i].text);
		all = joined(argv);
		for (size_t j = 0; j < COUNT(cases[i].want) && cases[i].want[j]; j++) {
			if (!strstr(all, cases[i].want[j]))
				fail_msg("%s\nlacks: %s\nin:\n%s", cases[i].text, cases[i].want[j], all);
		}
		for (size_t j = 0; j < COUNT(cases[i].never) && cases[i].never[j]; j++) {
			if (strstr(all, cases[i].never[j]))
				fail_msg("%s\nhas: %s\nin:\n%s", cases[i].text, cases[i].never[j], all);
		}
		free(all);
		args_free(argv);
	}
}

static const struct {
	const char *text;
	struct variant v;
	int code;
	const char *sentence;
} refused[] = {
	{ KERNEL, { .name = "a,b=c" }, EINVAL, "name a,b=c" },
	{ KERNEL, { .dir = "/run/a,b" }, EINVAL, "/run/a,b: " },
	{ KERNEL, { .dir = "run" }, EINVAL, "run: " },
	{ "kernel='/k'\n", { 0 }, EINVAL, "memory: not said" },
	{ HVM "keymap='averylongname'\n", { 0 }, EINVAL, "keymap " },
	{ HVM "vga='qxl'\n", { 0 }, EOPNOTSUPP, "vga qxl" },
	{ HVM "vif=['model=ne2k_pci']\n", { 0 }, EOPNOTSUPP, "vif 0: model ne2k_pci" },
	{ KERNEL "disk=['/d,raw,hda,r']\n", { 0 }, EINVAL, "disk hda: a disk on IDE cannot be read-only" },
	{ KERNEL "usbdevice=['host:1:2']\n", { 0 }, EOPNOTSUPP, "usbdevice host:1:2" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		char **argv = NULL;
		struct err e = { 0 };
		int rc = build(refused[i].text, &refused[i].v, &argv, &e);

		if (rc != -refused[i].code || strncmp(e.text, refused[i].sentence, strlen(refused[i].sentence)) != 0)
			fail_msg("%s\n%d %s\ninstead of %s", refused[i].text, rc, e.text, refused[i].sentence);
		assert_null(argv);
	}
}

static void test_too_many(void **state)
{
	struct buf text = { 0 };
	struct variant v = { 0 };
	struct err e = { 0 };
	char **argv = NULL;

	(void)state;
	buf_puts(&text, KERNEL "disk=[");
	for (int i = 0; i < 26; i++)
		buf_printf(&text, "'/d%d,raw,xvd%c,w',", i, 'a' + i);
	buf_puts(&text, "]\n");
	assert_int_equal(build(text.p, &v, &argv, &e), 0);
	args_free(argv);
	argv = NULL;
	buf_puts(&text, "vif=['','','']\n");
	assert_int_equal(build(text.p, &v, &argv, &e), -EINVAL);
	assert_non_null(strstr(e.text, "too many devices"));
	assert_null(argv);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
