#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/config.h"
#include "tests/unit/folder_world.h"

#include "backends/xen/xen.h"

static void write_file(const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void test_round(void **state)
{
	struct xen_record r = { .phase = XEN_STARTED,
		                .name = "web1",
		                .uuid = uuid_random(),
		                .id = 32751,
		                .serial = UINT64_C(1) << 40,
		                .boot_id = "b",
		                .started = { .tv_sec = 1800000000, .tv_nsec = 999999999 },
		                .mem_target = 512 };
	struct xen_record got = { 0 };
	struct err e = { 0 };

	(void)state;
	for (int phase = XEN_INTENT; phase <= XEN_DESTROYING; phase++) { /* each replaces the one before */
		r.phase = (enum xen_phase)phase;
		r.reboot_wanted = phase % 2 == 0;
		if (xen_record_save(folder, &r, &e) || xen_record_load(folder, &got, &e))
			fail_msg("%s", e.text);
		assert_int_equal(got.phase, r.phase);
		assert_string_equal(got.name, r.name);
		assert_memory_equal(&got.uuid, &r.uuid, sizeof(r.uuid));
		assert_int_equal(got.id, r.id);
		assert_true(got.serial == r.serial && got.mem_target == r.mem_target);
		assert_true(got.reboot_wanted == r.reboot_wanted);
		assert_string_equal(got.boot_id, r.boot_id);
		assert_true(got.started.tv_sec == r.started.tv_sec && got.started.tv_nsec == r.started.tv_nsec);
	}
}

#define GOOD                                                                                                           \
	"\"name\": \"a\", \"uuid\": \"00000000-0000-4000-8000-000000000001\", \"id\": 1, \"serial\": 1, \"boot_id\": " \
	"\"b\", \"started_sec\": 1, \"started_nsec\": 1, \"mem_target\": 0"

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"phase\": \"begun\", " GOOD "}",
		"{\"phase\": 1, " GOOD "}",
		"{\"phase\": \"started\", " GOOD ", \"id\": 2}", /* twice */
		"{\"phase\": \"started\", \"name\": \"a\"}",
	};
	struct xen_record got = { .id = 77 };
	struct err e = { 0 };

	(void)state;
	write_file("run", "{\"phase\": \"started\", " GOOD "}");
	assert_int_equal(xen_record_load(folder, &got, &e), 0);
	assert_int_equal(got.id, 1);
	assert_false(got.reboot_wanted); /* of an earlier daemon */
	got.id = 77;
	for (size_t i = 0; i < COUNT(bad); i++) {
		write_file("run", bad[i]);
		assert_int_equal(xen_record_load(folder, &got, &e), -EINVAL);
		assert_int_equal(got.id, 77);
	}
	unlinkat(folder, "run", 0);
	assert_int_equal(xen_record_load(folder, &got, &e), -ENOENT);
}

#define ROUNDS 200

static void *set_target(void *arg)
{
	struct guest *g = arg;
	long failed = 0;

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		lock_acquire(&g->lock);
		g->record.mem_target = i;
		lock_release(&g->lock);
		failed -= xen_record_run(g, NULL);
	}
	return (void *)failed;
}

/* Of two threads that save the record neither puts what it was over what the other has made of it. */
static void test_two(void **state)
{
	struct backend b = { .lock = LOCK_INIT };
	struct uuid u = uuid_random();
	struct guest *g = xen_guest_new(&b, &u, NULL);
	struct xen_record got = { 0 };
	struct err e = { 0 };
	pthread_t other;
	void *failed;

	(void)state;
	assert_int_equal(xen_record_run(g, &e), 0); /* a foreign one has no folder */
	g->dirfd = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	assert_int_equal(pthread_create(&other, NULL, set_target, g), 0);
	for (int i = 1; i <= ROUNDS; i++) {
		lock_acquire(&g->lock);
		g->record.id = i;
		lock_release(&g->lock);
		if (xen_record_run(g, &e) || xen_record_load(folder, &got, &e))
			fail_msg("%s", e.text);
		assert_int_equal(got.id, i);
	}
	pthread_join(other, &failed);
	assert_null(failed);
	assert_int_equal(xen_record_load(folder, &got, &e), 0);
	assert_true(got.id == ROUNDS && got.mem_target == ROUNDS);
	xen_guest_unref(g);
}

/* A guest that has ended while another thread saves what it was: nothing is left of it. */
static void test_end(void **state)
{
	struct backend b = { .lock = LOCK_INIT, .dir = dir, .dirfd = folder };
	struct uuid u = uuid_random();
	struct spec *s = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(spec_parse("memory = 64\n", 12, &s, NULL, &e), 0);
	for (uint64_t i = 1; i <= 20; i++) {
		struct guest *g = xen_guest_new(&b, &u, s);
		pthread_t other;
		void *failed;

		assert_int_equal(xen_record_folder(g, i, &e), 0);
		assert_int_equal(pthread_create(&other, NULL, set_target, g), 0);
		xen_record_end(g);
		pthread_join(other, &failed);
		assert_null(failed);
		assert_int_equal(faccessat(folder, g->serial, F_OK, 0), -1);
		xen_guest_unref(g);
	}
	spec_unref(s);
}

/* The numbers of xen-vbd-interface(7). */
static void test_disk_number(void **state)
{
	static const struct {
		enum disk_bus bus;
		unsigned index, partition;
		long number;
	} cases[] = {
		{ BUS_VIRTIO, 0, 0, 51712 },     { BUS_VIRTIO, 0, 1, 51713 },      { BUS_VIRTIO, 1, 0, 51728 },
		{ BUS_VIRTIO, 15, 15, 51967 },   { BUS_VIRTIO, 16, 0, 268439552 }, { BUS_VIRTIO, 0, 16, 268435472 },
		{ BUS_VIRTIO, 1u << 20, 0, -1 }, { BUS_IDE, 0, 0, 768 },           { BUS_IDE, 1, 0, 832 },
		{ BUS_IDE, 2, 0, 5632 },         { BUS_IDE, 3, 63, 5759 },         { BUS_IDE, 4, 0, -1 },
		{ BUS_IDE, 0, 64, -1 },          { BUS_SCSI, 0, 0, 2048 },         { BUS_SCSI, 1, 2, 2066 },
		{ BUS_SCSI, 16, 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct disk d = { .bus = cases[i].bus, .index = cases[i].index, .partition = cases[i].partition };

		assert_int_equal(xen_disk_number(&d), cases[i].number);
	}
}

static int drop(void **state)
{
	unlinkat(folder, "run", 0);
	return folder_drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_bad),         cmocka_unit_test(test_two),
		cmocka_unit_test(test_end),   cmocka_unit_test(test_disk_number),
	};

	return cmocka_run_group_tests(tests, folder_make, drop);
}
