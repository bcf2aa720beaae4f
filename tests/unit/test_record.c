#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/config.h"
#include "tests/unit/folder_world.h"

static void test_round(void **state)
{
	char *taps[] = { (char[]){ "vif7.0" }, NULL };
	struct record r = { .phase = PHASE_STARTED,
		            .name = "web1",
		            .uuid = uuid_random(),
		            .id = 7,
		            .serial = UINT64_C(1) << 40,
		            .pid = 4711,
		            .pid_start = UINT64_C(1) << 50,
		            .boot_id = "b",
		            .uid = 70007,
		            .machine = "pc-i440fx-7.2",
		            .kvm = true,
		            .vnc_port = 5901,
		            .paused = true,
		            .reboot_wanted = true,
		            .started = { .tv_sec = 1800000000, .tv_nsec = 999999999 },
		            .taps = taps,
		            .ntaps = 2 };
	struct record got;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	for (int round = 0; round < 2; round++) { /* the second replaces the first */
		if (record_save(folder, &r, &e) < 0 || record_load(folder, &got, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(got.phase, r.phase);
		assert_string_equal(got.name, r.name);
		assert_memory_equal(&got.uuid, &r.uuid, sizeof(r.uuid));
		assert_int_equal(got.id, r.id);
		assert_true(got.serial == r.serial);
		assert_int_equal(got.pid, r.pid);
		assert_true(got.pid_start == r.pid_start);
		assert_string_equal(got.boot_id, r.boot_id);
		assert_int_equal(got.uid, r.uid);
		assert_string_equal(got.machine, r.machine);
		assert_int_equal(got.kvm, r.kvm);
		assert_int_equal(got.vnc_port, r.vnc_port);
		assert_int_equal(got.paused, r.paused);
		assert_int_equal(got.reboot_wanted, r.reboot_wanted);
		assert_true(got.started.tv_sec == r.started.tv_sec && got.started.tv_nsec == r.started.tv_nsec);
		assert_int_equal(got.ntaps, 2);
		assert_string_equal(got.taps[0], "vif7.0");
		assert_null(got.taps[1]);
		record_free(&got);
		r.phase = PHASE_SPAWNED;
		r.id = 8;
		r.kvm = false;
		r.paused = false;
	}
	assert_int_equal(fstatat(folder, "run", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

#define GOOD                                                                                                           \
	"{\"phase\":\"started\",\"name\":\"a\",\"uuid\":\"8e3ddbac-3411-4cb2-b258-1d80a621c512\",\"id\":1,\"serial\":" \
	"1,"                                                                                                           \
	"\"pid\":5,\"pid_start\":6,\"boot_id\":\"b\",\"uid\":7,\"machine\":\"m\",\"kvm\":true,\"vnc_port\":0,"         \
	"\"paused\":false,\"reboot_wanted\":false,\"started_sec\":1,\"started_nsec\":2,\"mem_target\":64,\"taps\":[]}"

/* The good text with the first FROM replaced by TO. */
static const struct {
	const char *from, *to;
	bool good;
} cases[] = {
	{ "started\",", "started\",", true },
	{ "\"taps\":[]", "\"taps\":[null,\"vif1.1\"],\"later\":1", true },
	{ "\"id\":1,", "\"id\":\"1\",", false },
	{ "\"id\":1,", "", false },
	{ "\"id\":1,", "\"id\":1,\"id\":2,", false },
	{ "\"started\"", "\"begun\"", false },
	{ "8e3ddbac-", "zz3ddbac-", false },
	{ "\"pid\":5", "\"pid\":-5", false },
	{ "\"pid\":5", "\"pid\":4294967301", false },
	{ "\"uid\":7", "\"uid\":-1", false },
	{ "\"uid\":7", "\"uid\":4294967295", false },
	{ "\"vnc_port\":0", "\"vnc_port\":65536", false },
	{ "\"started_nsec\":2", "\"started_nsec\":1000000000", false },
	{ "\"serial\":1", "\"serial\":-1", false },
	{ "\"machine\":\"m\"", "\"machine\":\"012345678901234567890123456789012\"", false },
	{ "\"taps\":[]", "\"taps\":{}", false },
	{ "\"taps\":[]", "\"taps\":[\"a\",1]", false },
	{ "\"taps\":[]}", "\"taps\":[]", false },
	{ GOOD, "", false },
	{ GOOD, "[]", false },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *at = strstr(GOOD, cases[i].from);
		char *text = x_printf("%.*s%s%s", (int)(at - GOOD), GOOD, cases[i].to, at + strlen(cases[i].from));
		int fd = openat(folder, "run", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct record r = { .id = 99 };
		struct err e = { 0 };
		int rc;

		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
		close(fd);
		rc = record_load(folder, &r, &e);
		if ((rc == 0) != cases[i].good || (rc && r.id != 99))
			fail_msg("%s: %d %s", text, rc, e.text);
		if (rc == 0)
			record_free(&r);
		else
			assert_true(strlen(e.text) > 20);
		free(text);
	}
}

static void test_hostile_files(void **state)
{
	struct record r = { 0 };
	struct err e = { 0 };

	(void)state;
	unlinkat(folder, "run", 0);
	assert_int_equal(record_load(folder, &r, &e), -ENOENT);
	assert_int_equal(symlinkat("/etc/hostname", folder, "run"), 0);
	assert_true(record_load(folder, &r, &e) < 0);
	unlinkat(folder, "run", 0);
	assert_int_equal(mkfifoat(folder, "run", 0600), 0);
	assert_true(record_load(folder, &r, &e) < 0);
	unlinkat(folder, "run", 0);
	snprintf(r.name, sizeof(r.name), "\xff");
	assert_int_equal(record_save(folder, &r, &e), -EINVAL);
	assert_int_equal(faccessat(folder, "run", F_OK, 0), -1);
}

static int teardown(void **state)
{
	unlinkat(folder, "run", 0);
	return folder_drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_hostile_files),
	};

	return cmocka_run_group_tests(tests, folder_make, teardown);
}
