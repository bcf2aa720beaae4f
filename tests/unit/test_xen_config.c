/*
 * The configuration language is xl's: what domfs reads out of a text is compared with what Xen's own libxlutil reads out of
 * it. Where they are apart on purpose, a row of `apart` says why, and shows it.
 */
#include "tests/unit/config.h"

#ifdef HAVE_XEN
#include <glob.h>

#include "hypervisor/config/keys.h"
#include "tests/unit/xen_compare.h"
#include "tests/unit/xen_generate.h"

#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define TEXTS 4000
#define DISKS 20000

struct apart {
	enum readers took;
	const char *sign; /* in the sentence of who refused, or in the difference */
	const char *text; /* shows it */
	const char *why;
};

/* Words and numbers. Nothing of it is in the generated texts. */
static const struct apart language[] = {
	{ DOMFS, "lexical error", "acpi = True\n", "as Python wrote it for xm" },
	{ DOMFS, "lexical error", "Memory = 1\n", "xm had no such rule; domfs notes it" },
	{ DOMFS, "lexical error", "memory = 0X10\n", "xl knows 0x alone" },
	{ DOMFS, "lexical error", "memory = 1 # no line end", "editors leave the last line's end away" },
	{ DOMFS, "lexical error", "memory = 1\r\n", "texts from Windows" },
	{ DOMFS, "lexical error", "\xef\xbb\xbfmemory = 1\n", "texts from Windows" },
	{ DOMFS, "lexical error", "rtc_timeoffset = -1\n", "xl wants quotes around it" },
	{ DOMFS, "syntax error", "extra = '''a\nb'''\n", "Python's long strings" },
	{ DOMFS, "lexical error", "extra = 'a\\\nb'\n", "a line that goes on, as in Python" },
	{ DOMFS, "invalid digit", "extra = '\\x41'\n", "libxlutil drops the first digit" },
	{ BOTH, "extra: \"aAb\", libxlutil \"ab\"", "extra = 'a\\101b'\n", "libxlutil drops the byte" },
	{ BOTH, "no number for", "memory = '5 '\n", "blanks behind a number are harmless" },
	{ BOTH, "no number for", "acpi = 'yes'\n", "xl warns and forgets the key" },
	{ XEN, "is not a number", "memory = 08\n", "xl warns and forgets the key" },
	{ XEN, "+= joins", "memory = 1\nmemory += 2\n", "xl warns and forgets the key" },
	{ BOTH, "no number for", "memory += 2\n", "xl warns and forgets the key" },
	{ XEN, "a value stands alone", "memory = 1\n.", "libxlutil does not see the text's last byte" },
	{ XEN, "no closing quote", "memory = 1\n'", "libxlutil does not see the text's last byte" },
	{ XEN, "control byte", "extra = '\\a'\n", "texts go into lines" },
	{ XEN, "backslash begins nothing", "extra = '\\777'\n", "no such byte" },
	{ XEN, "go no deeper", "vnuma = [[[[[[[[['a']]]]]]]]]\n", "nobody needs it" },
};

/* Of the generated texts, those that show one of these are fine too. */
static const struct apart apart[] = {
	/* the values, which xl looks at later, if at all */
	{ XEN, "is not a whole number", "memory = 'x'\n", "xl warns and forgets the key" },
	{ XEN, "one value is wanted", "memory = [ '1' ]\n", "xl warns and forgets the key" },
	{ XEN, "a list is wanted", "pci = '01:00.0'\n", "xl warns and forgets the key" },
	{ XEN, "text is wanted in this list", "pci = [ [ '1' ] ]\n", "xl ends the list there" },
	{ XEN, "a specification is a string", "disk = [ [ '1' ] ]\n", "xl ends the list there" },
	{ XEN, "is not from", "vcpus = 0\n", "libxl refuses it" },
	{ XEN, "is not a uuid", "uuid = 'x'\n", "xl refuses it" },
	{ XEN, "is none of", "type = 'x'\n", "xl refuses it" },
	{ XEN, "is not an action", "on_crash = 'x'\n", "xl refuses it" },
	{ XEN, "is not a CPU", "cpus = 'x'\n", "xl refuses it" },
	{ XEN, "is not a full path", "kernel = 'vmlinuz'\n", "the daemon has no folder to look in" },
	{ XEN, "no line ends", "kernel = '/a\\nb'\n", "paths go into lines" },
	{ XEN, "the letters are", "boot = 'x'\n", "QEMU refuses it" },
	{ XEN, "is less than", "memory = 2\nmaxmem = 1\n", "libxl refuses it" },
	{ BOTH, "type: \"hvm\", libxlutil \"HVM\"", "type = 'HVM'\n", "a word is a word in any case" },
	/* disks */
	{ DOMFS, "unknown value for access", "disk = [ 'file:/a,raw,xvda,w' ]\n",
	  "xl takes the format for the device" },
	{ DOMFS, "unknown value for format", "disk = [ '/a,vhdx,xvda,w' ]\n", "newer than it" },
	{ DOMFS, "no target specified", "disk = [ 'vdev=hdc:cdrom' ]\n", "the old form of a device, in a key" },
	{ DOMFS, "unknown value for format", "disk = [ '/a,xvda,w' ]\n", "xm had no format" },
	{ DOMFS, "too many positional", "disk = [ '/a,raw,xvda,w,untrusted' ]\n", "newer than it" },
	{ DOMFS, "target respecified", "disk = [ 'vdev=xvda,untrusted,target=/a' ]\n", "newer than it" },
	{ DOMFS, "bad disk syntax", "disk = [ 'phy:/a=b,xvda,w' ]\n", "a path may have a = in it" },
	{ DOMFS, "unknown deprecated disk prefix", "disk = [ 'x:/y,raw,xvda,w,script=s' ]\n",
	  "what a script takes may have a colon" },
	{ DOMFS, "respecified", "disk = [ 'format=,format=qcow2,vdev=xvda,target=/a' ]\n", "an empty value is none" },
	{ DOMFS, "unknown value for backendtype", "disk = [ 'backendtype=,vdev=xvda,target=/a' ]\n",
	  "an empty value is none" },
	{ BOTH, "readonly: 1, libxlutil 0", "disk = [ '/a,raw,xvda,ro,access=' ]\n", "an empty value is none" },
	{ BOTH, "vdev: \"hdc\", libxlutil \"hdc:cdrom\"", "disk = [ '/a,vdev=hdc:cdrom' ]\n",
	  "libxl refuses the name" },
	{ BOTH, "vdev: \"hda\", libxlutil \"hda:disk\"", "disk = [ '/a,vdev=hda:disk' ]\n", "libxl refuses the name" },
	{ BOTH, "libxlutil \" /a\"", "disk = [ 'vdev=xvda,target= /a' ]\n", "blanks around a value are nobody's" },
	{ BOTH, "target: \"/dev/vg/", "disk = [ 'phy:vg/a,xvda,w' ]\n", "libxl's script puts it there" },
	{ BOTH, "libxlutil \"untrusted\"", "disk = [ 'vdev=hdc,cdrom,untrusted' ]\n", "newer than it" },
	{ BOTH, "target: \"/a,\", libxlutil \"/a\"", "disk = [ 'vdev=xvda,target=/a,' ]\n",
	  "all the rest is the path" },
	{ XEN, "name in the guest is missing", "disk = [ '/a,vdev=,raw' ]\n", "libxl refuses it" },
	{ XEN, "is not a device's name", "disk = [ '/a,raw,xda,w' ]\n", "libxl refuses it" },
	{ XEN, "behind the device's name", "disk = [ '/a,vdev=hda:floppy' ]\n", "libxl refuses it" },
	{ XEN, "is not a full path", "disk = [ 'vdev=xvda,target=file:/a' ]\n", "libxl finds no such file" },
	{ XEN, "is not a format", "disk = [ 'file:/a,cow,w' ]\n", "xl takes the format for the device" },
	{ XEN, "path is missing", "disk = [ ',raw,xvda,w' ]\n", "libxl refuses it" },
	{ XEN, "the format is empty", "disk = [ '/a,empty,xvda,w' ]\n", "a slip: xl forgets the image" },
	{ XEN, "said twice", "disk = [ '/a,raw,xvda,w,access=r' ]\n", "a slip: to xl the last counts" },
	{ XEN, "exclude each other", "disk = [ '/a,raw,xvda,w,discard,no-discard' ]\n",
	  "a slip: to xl the last counts" },
	{ XEN, "is there twice", "disk = [ '/a,,xvda', '/b,,xvda' ]\n", "libxl refuses it" },
	{ XEN, "no line ends", "disk = [ '/a\\tb,raw,xvda,w' ]\n", "paths go into lines" },
	/* interfaces */
	{ DOMFS, "invalid rate", "vif = [ 'rate= 1MB/s' ]\n", "blanks around a value are nobody's" },
	{ DOMFS, "no rate specified", "vif = [ 'rate=' ]\n", "an empty value is none" },
	{ DOMFS, "overflow", "vif = [ 'rate=1000000GB/s' ]\n", "the bound is Xen's, and its backend says it" },
	{ BOTH, "bridge: \"br0\", libxlutil \"br0 \"", "vif = [ 'bridge=br0 ,mtu=1500' ]\n",
	  "blanks around a value are nobody's" },
	{ BOTH, "bridge: \"(none)\", libxlutil \"\"", "vif = [ 'bridge=' ]\n", "an empty value is none" },
	{ XEN, "is not a rate", "vif = [ 'rate=010MB/s' ]\n", "octal to xl, decimal to whoever wrote it" },
	{ XEN, "no byte a second", "vif = [ 'rate=1b/s' ]\n", "nothing would go through" },
	{ XEN, "not a MAC address", "vif = [ 'mac=x' ]\n", "xl refuses it" },
	{ XEN, "are the same", "vif = [ 'netdev=a,gatewaydev=b' ]\n", "a slip: to xl the last counts" },
	{ XEN, "is no part of an interface", "vif = [ 'x' ]\n", "xl refuses it" },
	{ XEN, "is not known here", "vif = [ 'x=y' ]\n", "xl refuses it" },
	{ XEN, "is not a name", "vif = [ 'bridge=/etc' ]\n", "it goes into scripts" },
	{ XEN, "said twice", "vif = [ 'mtu=1500,mtu=1501' ]\n", "a slip: to xl the last counts" },
	{ XEN, "two interfaces have", "vif = [ 'devid=1', '' ]\n", "libxl refuses it" },
	{ XEN, "is there twice", "vif = [ 'mac=00:16:3e:00:00:01', 'mac=00:16:3e:00:00:01' ]\n", "a slip" },
};

/* Whether A is what LINE, of what took==BOTH made different, or the one who refused says. */
static bool shows(enum readers took, const char *line, const struct apart *a)
{
	return took == a->took && line && strstr(line, a->sign);
}

static const char *words_of(const struct compared *c)
{
	return c->took == XEN ? c->domfs.text : c->took == DOMFS ? c->xen.p : c->apart.p;
}

static void complain(const char *text, const struct compared *c)
{
	print_error("ERROR: %s\n%s; domfs: %s; libxlutil: %s\n%s\n", text,
	            c->took == BOTH      ? "both took it"
	            : c->took == NEITHER ? "none took it"
	            : c->took == DOMFS   ? "domfs took it"
	                                 : "libxlutil took it",
	            c->domfs.text, c->xen.p ? c->xen.p : "", c->apart.p ? c->apart.p : "");
}

static unsigned gone(const struct apart *rows, size_t n)
{
	unsigned count = 0;

	for (size_t i = 0; i < n; i++) {
		struct compared c;

		compare(rows[i].text, strlen(rows[i].text), &c);
		if (!shows(c.took, words_of(&c), &rows[i])) {
			complain(rows[i].text, &c);
			count++;
		}
		compared_free(&c);
	}
	return count;
}

/* Every difference that is allowed is there. */
static void test_apart(void **state)
{
	(void)state;
	assert_int_equal(gone(language, COUNT(language)), 0);
	assert_int_equal(gone(apart, COUNT(apart)), 0);
}

static bool excused(enum readers took, const char *line)
{
	for (size_t i = 0; i < COUNT(apart); i++) {
		if (shows(took, line, &apart[i]))
			return true;
	}
	return false;
}

/* No difference, or with ALLOWED those alone that have a row. Whether both took it. */
static bool agree(const char *text, size_t len, bool allowed)
{
	struct compared c;
	bool both, right;
	char *rest, *line;

	compare(text, len, &c);
	both = c.took == BOTH;
	right = both || (allowed && (c.took == NEITHER || excused(c.took, words_of(&c))));
	for (rest = c.apart.p; rest && (line = strsep(&rest, "\n")) != NULL;)
		right &= !line[0] || (allowed && excused(BOTH, line));
	if (!right) {
		compared_free(&c);
		compare(text, len, &c); /* in one piece again */
		complain(text, &c);
		fail_msg("the two are apart");
	}
	compared_free(&c);
	return both;
}

/* Ours, and xl's where they are installed. */
static void test_examples(void **state)
{
	glob_t g = { 0 };

	(void)state;
	assert_int_equal(glob("examples/*.cfg", 0, NULL, &g), 0);
	glob("/etc/xen/xlexample*", GLOB_APPEND, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf b = { 0 };
		FILE *f = fopen(g.gl_pathv[i], "re");

		assert_non_null(f);
		assert_int_equal(buf_read(&b, fileno(f), 1 << 20), 0);
		fclose(f);
		agree(b.p, b.len, false);
		buf_free(&b);
	}
	globfree(&g);
}

/* The forms of the manuals, and of what this project's own tests say. */
static void test_forms(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n# nothing\n",
		"kernel = '/g/vmlinuz'\nramdisk = '/g/initramfs.gz'\nmemory = 128\nextra = 'quiet console=ttyS0 "
		"domfs.name=a'\n",
		"builder = 'hvm'\nmemory = 192\nserial = 'pty'\ndisk = [ 'file:/t/hvm.img,hda,w', "
		"'file:/g/hvm.iso,hdc:cdrom,r' ]\n"
		"boot = \"dc\"\nvncpasswd = \"geheim\"\n",
		"memory=64;vcpus=2;maxvcpus=4\ncpus=[\n'0-1', # one\n\n\"2\",]\n",
		"memory=0x40\nmaxmem=0100\nvcpus='2'\n",
		"extra='a'\nextra+=' b'\nextra+=\"c\"\ncpus=['1']\ncpus+=['2','3']\n",
		"memory=1\nmemory=2\n",
		"extra=''\ncpus=[]\ndisk=[]\nvif=[]\n",
		"extra='\"' ; root=\"'\"\n",
		"extra='\\\\ \\' \\\" \\t\\n'\n",
		"unknown='1'\nun.known=2\nmemory=1\n",
		"disk=['/dev/vg/guest-volume,,hda']\n",
		"disk=['/dev/vg/guest-volume,raw,hda,rw']\n",
		"disk=['format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume']\n",
		"disk=['raw:/dev/vg/guest-volume,hda,w']\n",
		"disk=['/root/image.iso,,hdc,cdrom']\n",
		"disk=['/root/image.iso,,hdc,,cdrom']\n",
		"disk=['/root/image.iso,raw,hdc,devtype=cdrom']\n",
		"disk=['format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso']\n",
		"disk=['raw:/root/image.iso,hdc:cdrom,ro']\n",
		"disk=['phy:/dev/loop0,xvda1,w','tap:aio:/a,sda,r','tap2:qcow2:/b,xvdb,w','vhd:/c,xvdc,w']\n",
		"disk=['iscsi:iqn.2001-05,xvda,w','drbd:res,xvdb,w','nbd:x,xvdc,w','enbd:y,xvdd,w']\n",
		"disk=['vdev=xvda,script=block-iscsi,target=iqn=a,b','vdev=xvdb,backend=s,target=/dev/vg/x']\n",
		"disk=[',,hdc:cdrom,r','vdev=hdd,cdrom',',empty,hdb,cdrom']\n",
		"vif=['','mac=00:16:3e:00:00:01','mac=00:16:3E:00:00:02, bridge=xenbr0, type=ioemu, model=e1000']\n",
		"vif=['rate=10Mb/s','rate=250KB/s','rate=1MB/s@20ms','rate=1MB/s@50us','rate=1MB/s@2s','rate=1MB/"
		"s@2']\n",
		"vif=['ip=10.0.0.1,script=vif-route,gatewaydev=eth0','vifname=a,backend=d,mtu=9000','devid=7']\n",
		"vnuma=[ [ 'pnode=0', 'size=512' ], [ 'pnode=1', 'vdistances=10,20' ] ]\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		agree(texts[i], strlen(texts[i]), false);
}

static void generated(void (*make)(struct generator *, struct buf *), size_t n)
{
	struct generator g = { .state = SEED };
	struct buf text = { 0 };
	size_t both = 0;

	for (size_t i = 0; i < n; i++) {
		buf_reset(&text);
		make(&g, &text);
		both += agree(text.p, text.len, true);
	}
	if (both < n / 4) /* or nothing was compared */
		fail_msg("only %zu of %zu were taken by both", both, n);
	buf_free(&text);
}

static void test_disks(void **state)
{
	(void)state;
	generated(generate_disk, DISKS);
}

static void test_vifs(void **state)
{
	(void)state;
	generated(generate_vif, TEXTS);
}

static void test_texts(void **state)
{
	(void)state;
	generated(generate_text, TEXTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples), cmocka_unit_test(test_forms), cmocka_unit_test(test_apart),
		cmocka_unit_test(test_disks),    cmocka_unit_test(test_vifs),  cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_none(void **state)
{
	(void)state;
	print_message("built without libxlutil\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
