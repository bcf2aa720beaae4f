#include "config.h"
#include "hypervisor/config/disk_spec.h"

static void forms_are_understood(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		/* xend's, as the talks have them */
		{ "file:/x.img,hda,w", "format=raw,vdev=hda,access=rw,target=/x.img" },
		{ "file: /x.img,hda,w", "format=raw,vdev=hda,access=rw,target=/x.img" },
		{ "phy:/dev/sda7,xvdb,r", "format=raw,vdev=xvdb,access=ro,target=/dev/sda7" },
		{ "phy:vg0/swap,xvdb,w", "format=raw,vdev=xvdb,access=rw,target=/dev/vg0/swap" },
		{ "phy:/dev/cdrom,hdc:cdrom,r", "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/dev/cdrom" },
		{ "tap:aio:/x.img,xvda,w", "format=raw,vdev=xvda,access=rw,target=/x.img" },
		{ "tap:qcow2:/x.img,xvda,w", "format=qcow2,vdev=xvda,access=rw,target=/x.img" },
		{ "tap2:aio:/x.img,xvda1,w", "format=raw,vdev=xvda1,access=rw,target=/x.img" },
		{ "tap2:tapdisk:vhd:/x.img,xvda,w", "format=vhd,vdev=xvda,access=rw,target=/x.img" },
		{ "ioemu:file:/x.img,hda:disk,w", "format=raw,vdev=hda,access=rw,target=/x.img" },
		{ "/x.img,hda,w", "format=raw,vdev=hda,access=rw,target=/x.img" },
		{ ",hdc:cdrom,r", "format=empty,vdev=hdc,access=ro,devtype=cdrom" },
		{ "drbd:res,xvda,w", "format=raw,vdev=xvda,access=rw,script=block-drbd,target=res" },
		/* xl-disk-configuration(5) */
		{ "/x.qcow2,qcow2,xvda,rw", "format=qcow2,vdev=xvda,access=rw,target=/x.qcow2" },
		{ "/dev/vg/guest-volume,,hda", "format=raw,vdev=hda,access=rw,target=/dev/vg/guest-volume" },
		{ "/dev/vg/guest-volume,raw,hda,rw", "format=raw,vdev=hda,access=rw,target=/dev/vg/guest-volume" },
		{ "format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume",
		  "format=raw,vdev=hda,access=rw,target=/dev/vg/guest-volume" },
		{ "raw:/dev/vg/guest-volume,hda,w", "format=raw,vdev=hda,access=rw,target=/dev/vg/guest-volume" },
		{ "/root/image.iso,,hdc,cdrom", "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/root/image.iso" },
		{ "/root/image.iso,,hdc,,cdrom", "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/root/image.iso" },
		{ "/root/image.iso,raw,hdc,devtype=cdrom",
		  "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/root/image.iso" },
		{ "raw:/root/image.iso,hdc:cdrom,ro",
		  "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/root/image.iso" },
		{ "vdev=hdc,cdrom", "format=empty,vdev=hdc,access=ro,devtype=cdrom" },
		{ "hdc,cdrom", "format=empty,vdev=hdc,access=ro,devtype=cdrom" },
		{ "format=empty,vdev=hdc,cdrom,target=", "format=empty,vdev=hdc,access=ro,devtype=cdrom" },
		{ "vdev=xvda,target=/a,b=c, format=d:e ", "format=raw,vdev=xvda,access=rw,target=/a,b=c, format=d:e" },
		{ " /x.img , raw , xvda , w , ", "format=raw,vdev=xvda,access=rw,target=/x.img" },
		{ "/by-path/a=b,raw,xvda,w", "format=raw,vdev=xvda,access=rw,target=/by-path/a=b" },
		{ "/x,vhdx,xvda,access=ro", "format=vhdx,vdev=xvda,access=ro,target=/x" },
		{ "access=r,/x,,xvda", "format=raw,vdev=xvda,access=ro,target=/x" },
		{ "/x,,xvda,w,backend=d,backendtype=qdisk,script=s,direct-io-safe,no-discard,untrusted,specification="
		  "virtio",
		  "format=raw,vdev=xvda,access=rw,backend=d,backendtype=qdisk,script=s,direct-io-safe,no-discard,"
		  "untrusted,specification=virtio,target=/x" },
		{ "/x,,xvda,discard,trusted,specification=xen,devtype=disk",
		  "format=raw,vdev=xvda,access=rw,discard,target=/x" },
		{ "/x,,hdc,w,cdrom", "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/x" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct disk d;
		struct buf once = { 0 }, twice = { 0 };
		struct err e = { 0 };
		size_t at;

		if (disk_spec_parse(cases[i].text, &a, &d, &at, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		disk_spec_print(&d, &once);
		assert_string_equal(once.p, cases[i].want);
		assert_int_equal(disk_spec_parse(once.p, &a, &d, &at, &e), 0);
		disk_spec_print(&d, &twice);
		assert_string_equal(twice.p, once.p);
		buf_free(&once);
		buf_free(&twice);
		arena_free(&a);
	}
}

static void wrong_ones_are_refused(void **state)
{
	static const struct {
		const char *text, *want;
		size_t at;
	} cases[] = {
		{ "", "the device's name in the guest is missing", 0 },
		{ "/x", "the device's name in the guest is missing", 0 },
		{ "x.img,raw,xvda", "\"x.img\" is not a full path", 0 },
		{ "format=raw,vdev=xvda,target=x", "\"x\" is not a full path", 21 },
		{ "file:x.img,xvda,w", "\"x.img\" is not a full path", 0 },
		{ "/x,wor,xvda", "\"wor\" is not a format", 3 },
		{ "/x,raw,nvme0", "\"nvme0\" is not a device's name", 7 },
		{ "/x,raw,hde", "\"hde\" is not a device's name", 7 },
		{ "/x,raw,xvda,x", "\"x\" is not an access", 12 },
		{ "/x,raw,xvda,w,what", "\"what\" is one part too many", 14 },
		{ "/x,raw,xvda,w,devtyp=cdrom", "\"devtyp=\" is not known here; did you mean devtype?", 14 },
		{ "/x,raw,xvda,zzzzzzzzz=1", "\"zzzzzzzzz=\" is not known here", 12 },
		{ "vdev=xvda,vdev=xvdb,target=/x", "vdev is said twice", 10 },
		{ "/x,raw,hda:floppy,w", "\"hda:floppy\": behind", 7 },
		{ ",xvda,w", "xvda: the image's path is missing", 0 },
		{ "/x,empty,hdc,cdrom", "hdc: the format is empty, yet", 0 },
		{ "/x,,xvda,devtype=tape", "\"tape\" is not a type of device", 9 },
		{ "/x,,xvda,backendtype=file", "\"file\" is not a type of backend", 9 },
		{ "/x,,xvda,discard,no-discard", "discard and no-discard exclude", 17 },
		{ "/x,,xvda,specification=scsi", "\"scsi\" is not a specification", 9 },
		{ "/x,,xvda,w,access=r", "access is said twice", 11 },
		{ "/x,raw,xvda,vdev=xvdb", "vdev is said twice", 12 },
		{ "/x,raw,xvda,format=raw", "format is said twice", 12 },
		{ "/x,raw,xvda,target=/y", "target is said twice", 12 },
		{ "qcow2:raw:/x,xvda,w", "format is said twice", 0 },
		{ "nbd:x,xvda,w,script=y", "script is said twice", 13 },
		{ "/x,,hdc,cdrom,devtype=disk", "cdrom and disk exclude each other", 14 },
		{ "/x,,xvda,colo", "\"colo\" is not an access", 9 },
		{ "vdev=xvda,target=/x\ny", "no line ends", 10 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct disk d = { .index = 77 };
		struct err e = { 0 };
		size_t at = 999;

		if (disk_spec_parse(cases[i].text, &a, &d, &at, &e) != -22 ||
		    strncmp(e.text, cases[i].want, strlen(cases[i].want)) || at != cases[i].at)
			fail_msg("%s: %zu: %s", cases[i].text, at, e.text);
		assert_int_equal(d.index, 77);
		arena_free(&a);
	}
}

static void device_names(void **state)
{
	static const struct {
		const char *text;
		int ok;
		enum disk_bus bus;
		unsigned index, partition;
	} cases[] = {
		{ "hda", 1, BUS_IDE, 0, 0 },
		{ "hdd63", 1, BUS_IDE, 3, 63 },
		{ "hdd64", 0, 0, 0, 0 },
		{ "hde", 0, 0, 0, 0 },
		{ "sdp15", 1, BUS_SCSI, 15, 15 },
		{ "sdq", 0, 0, 0, 0 },
		{ "sda16", 0, 0, 0, 0 },
		{ "xvda", 1, BUS_VIRTIO, 0, 0 },
		{ "xvdz", 1, BUS_VIRTIO, 25, 0 },
		{ "xvdaa", 1, BUS_VIRTIO, 26, 0 },
		{ "xvdba1", 1, BUS_VIRTIO, 52, 1 },
		{ "vdb2", 1, BUS_VIRTIO, 1, 2 },
		{ "d0", 0, 0, 0, 0 },
		{ "d0p0", 1, BUS_VIRTIO, 0, 0 },
		{ "d536p37", 1, BUS_VIRTIO, 536, 37 },
		{ "d1p256", 0, 0, 0, 0 },
		{ "xvda0", 0, 0, 0, 0 },
		{ "xvda01", 0, 0, 0, 0 },
		{ "xvda1x", 0, 0, 0, 0 },
		{ "xvd", 0, 0, 0, 0 },
		{ "xvdA", 0, 0, 0, 0 },
		{ "", 0, 0, 0, 0 },
		{ "xvdzzzzzz", 0, 0, 0, 0 },
		{ "d00p0", 0, 0, 0, 0 },
		{ "xvda99999999999999999999", 0, 0, 0, 0 },
		{ "d1048576p0", 0, 0, 0, 0 },
		{ "d1p", 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct disk d = { 0 };

		assert_int_equal(vdev_parse(cases[i].text, &a, &d, NULL) == 0, cases[i].ok);
		if (cases[i].ok) {
			assert_string_equal(d.vdev, cases[i].text);
			assert_int_equal(d.bus, cases[i].bus);
			assert_int_equal(d.index, cases[i].index);
			assert_int_equal(d.partition, cases[i].partition);
		}
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_understood),
		cmocka_unit_test(wrong_ones_are_refused),
		cmocka_unit_test(device_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
