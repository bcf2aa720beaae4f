#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/config.h"

static void test_version(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright", "7.2.22" },
		{ "QEMU emulator version 10.1.0\n", "10.1.0" },
		{ "QEMU emulator version \n", NULL },
		{ "QEMU emulator version .5\n", NULL },
		{ "QEMU emulator version 1111111111111111111111111111111111111111\n", NULL },
		{ "hello", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[32] = "untouched";
		assert_int_equal(host_version(cases[i].text, got), cases[i].want != NULL);
		assert_string_equal(got, cases[i].want ? cases[i].want : "untouched");
	}
}

static void test_machine(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "Supported machines are:\npc                   Standard PC (alias of pc-i440fx-7.2)\n"
		  "pc-i440fx-7.2        Standard PC (default)\npc-i440fx-7.1        Standard PC\npc-q35-7.2 x\n",
		  "pc-i440fx-7.2" },
		{ "pc-i440fx-9.2 x\npc-i440fx-10.0 x\npc-i440fx-2.12 x\n", "pc-i440fx-10.0" },
		{ "pc-i440fx-2.9 x\npc-i440fx-2.12 x\n", "pc-i440fx-2.12" },
		{ "pc-i440fx-jammy x\npc-i440fx-2.9-hpb x\npc-i440fx-99.9", NULL },
		{ "q35 Standard PC\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[32] = "untouched";
		assert_int_equal(host_machine(cases[i].text, got), cases[i].want != NULL);
		assert_string_equal(got, cases[i].want ? cases[i].want : "untouched");
	}
}

static void test_virtualises(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "processor\t: 0\nflags\t\t: fpu vme vmx est\n", true },
		{ "processor\t: 0\nflags\t\t: fpu svm", true },
		{ "processor\t: 0\nflags\t\t: fpu\nprocessor\t: 1\nflags\t\t: svm\n", true },
		{ "processor\t: 0\nflags\t\t: fpu svm_lock avmx hypervisor\n", false },
		{ "model name\t: vmx svm\nflags\t\t: fpu\nbugs\t: vmx\n", false },
		{ "processor\t: 0\nflags\t\t: fpu\nvmx flags\t: ept\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(host_virtualises(cases[i].text), cases[i].want);
}

#define ANSWERS "case $1 in -version) echo QEMU emulator version 7.2.1;; -M) echo 'pc-i440fx-7.2 x';; esac\n"

static void test_probe(void **state)
{
	static const struct {
		const char *script; /* NULL: there is no program */
		const char *accel;
		int code;
		const char *part;
	} cases[] = {
		{ ANSWERS, "auto", 0, "" },
		{ ANSWERS, "tcg", 0, "" },
		{ ANSWERS, "hvf", EINVAL, "accel hvf: " },
		{ NULL, "auto", ENOENT, "there is none to execute" },
		{ "exit 1\n", "auto", EIO, "-version: it failed" },
		{ "kill -SEGV $$\n", "auto", EIO, "it failed" },
		{ "echo hello\n", "auto", EINVAL, "does not look like QEMU" },
		{ "exec yes\n", "auto", EFBIG, "-version: " },
		{ "echo QEMU emulator version 7.2.1\n", "auto", EOPNOTSUPP, "no machine" },
	};
	char dir[] = "/tmp/test-host-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	char *path = x_printf("%s/qemu", dir);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct backend_config c = { .qemu = path, .accel = cases[i].accel };
		struct qemu_features f = { .version = "untouched" };
		struct err e = { 0 };
		char *qemu = NULL;

		unlink(path);
		if (cases[i].script) {
			int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
			assert_true(fd >= 0);
			dprintf(fd, "#!/bin/sh\n%s", cases[i].script);
			close(fd);
		}
		int rc = host_probe(&c, &qemu, &f, &e);
		if (rc != -cases[i].code || !strstr(e.text, cases[i].part))
			fail_msg("case %zu: %d %s", i, rc, e.text);
		assert_string_equal(f.version, rc ? "untouched" : "7.2.1");
		assert_int_equal(qemu != NULL, rc == 0);
		if (!rc) {
			assert_string_equal(qemu, path);
			assert_string_equal(f.machine_pc, "pc-i440fx-7.2");
			assert_true(f.kvm_why[0]);
			assert_false(f.kvm && strcmp(cases[i].accel, "tcg") == 0);
		}
		free(qemu);
	}
	unlink(path);
	rmdir(dir);
	free(path);
}

/* Asked for KVM, it is used or the reason is said; never is another one taken quietly. */
static void test_kvm(void **state)
{
	char dir[] = "/tmp/test-host-XXXXXX";
	struct qemu_features f = { 0 };
	struct err e = { 0 };
	char *qemu = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	char *path = x_printf("%s/qemu", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	dprintf(fd, "#!/bin/sh\n" ANSWERS);
	close(fd);
	int rc = host_probe(&(struct backend_config){ .qemu = path, .accel = "kvm" }, &qemu, &f, &e);
	if (rc == 0) {
		assert_true(f.kvm);
	} else {
		assert_int_equal(rc, -EOPNOTSUPP);
		assert_non_null(strstr(e.text, "accel kvm: this host cannot: "));
	}
	free(qemu);
	unlink(path);
	rmdir(dir);
	free(path);
}

static void test_memory(void **state)
{
	struct host h = { 0 }, full = { 0 };
	struct err e = { 0 };
	char id[64];

	(void)state;
	assert_int_equal(host_memory(0, &h, &e), 0);
	assert_true(h.total_mib > 0 && h.free_mib > 0 && h.free_mib <= h.total_mib && h.cpus > 0);
	assert_int_equal(host_memory(h.total_mib - 1, &full, &e), 0);
	assert_true(full.free_mib <= 1);
	assert_int_equal(host_memory(h.total_mib + 1, &full, &e), 0);
	assert_int_equal(full.free_mib, 0);
	assert_int_equal(host_boot_id(id), 0);
	assert_int_equal(strlen(id), 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version), cmocka_unit_test(test_machine), cmocka_unit_test(test_virtualises),
		cmocka_unit_test(test_probe),   cmocka_unit_test(test_kvm),     cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
