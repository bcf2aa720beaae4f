/* The simulator's processors, shares, memory at most, and cores. */
#include "tests/unit/sim_world.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct guest *start_tuned(struct err *e)
{
	struct job j = job_open(LIMIT);
	struct guest *g = NULL;

	assert_int_equal(start_with("a", "memory = 8\nmaxmem = 16\nvcpus = 2\nmaxvcpus = 3\n", false, &j, &g, e), 0);
	expect("a memory 8");
	expect("a vcpus 2");
	expect("a running started");
	job_end(&j);
	return g;
}

static void test_tune(void **state)
{
	struct job j = job_open(LIMIT);
	struct cpus one = { { 0 } }, far = { { 0 } };
	struct vcpu v[3];
	struct guest *g;
	struct err e;

	(void)state;
	cpus_add(&one, 1);
	cpus_add(&far, 99);
	up("");
	g = start_tuned(&e);
	assert_int_equal(ops->set_vcpus(g, 0, &j, &e), -EINVAL);
	assert_int_equal(ops->set_vcpus(g, 4, &j, &e), -EINVAL);
	assert_int_equal(ops->set_vcpus(g, 3, &j, &e), 0);
	expect("a vcpus 3");
	assert_int_equal(ops->set_vcpus(g, 1, &j, &e), 0);
	expect("a vcpus 1");
	assert_int_equal(ops->vcpu_list(g, v, 3, &e), 3);
	assert_true(v[0].state == 'r' && v[1].state == '-' && v[2].state == '-');
	assert_int_equal(ops->set_maxmem(g, 7, &j, &e), -EINVAL);
	assert_int_equal(ops->set_memory(g, 17, &j, &e), -EINVAL);
	assert_int_equal(ops->set_maxmem(g, 32, &j, &e), 0);
	assert_int_equal(ops->set_memory(g, 17, &j, &e), 0);
	lock_acquire(&model.lock);
	model.seen = model.text.len;
	lock_release(&model.lock);
	assert_int_equal(ops->set_sched(g, &(struct sched){ 256, 301 }, &j, &e), -EINVAL);
	assert_int_equal(ops->set_sched(g, &(struct sched){ 512, 300 }, &j, &e), 0);
	expect("a sched 512 300");
	assert_int_equal(ops->pin_soft(g, 3, &one, &j, &e), -EINVAL);
	assert_int_equal(ops->pin_soft(g, 0, &far, &j, &e), -EINVAL);
	assert_int_equal(ops->pin_soft(g, 2, &one, &j, &e), 0);
	assert_int_equal(ops->vcpu_list(g, v, 3, &e), 3);
	assert_true(cpus_equal(&v[2].soft, &one) && !cpus_equal(&v[1].soft, &one) && !cpus_equal(&v[2].affinity, &one));
	assert_int_equal(ops->pause(g, &j, &e), 0);
	expect("a paused paused");
	assert_int_equal(ops->set_vcpus(g, 2, &j, &e), -EINVAL);
	assert_int_equal(ops->destroy(g, &j, &e), 0);
	assert_int_equal(ops->set_maxmem(g, 64, &j, &e), -EHOSTDOWN);
	ops->forget(g);
	job_end(&j);
}

static void test_dump(void **state)
{
	struct job j = job_open(LIMIT), stopped = job_open(LIMIT);
	char path[] = "/tmp/test-sim-core-XXXXXX";
	Elf64_Ehdr h;
	struct stat st;
	struct guest *g;
	struct err e;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	up("");
	g = start_tuned(&e);
	atomic_store(&stopped.stop, 1);
	assert_int_equal(ops->dump_core(g, fd, &stopped, &e), -ECANCELED);
	assert_true(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0); /* it may have begun */
	assert_int_equal(ops->dump_core(g, fd, &j, &e), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, (8 << 20) + 4096);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	assert_memory_equal(h.e_ident, ELFMAG, SELFMAG);
	assert_int_equal(h.e_type, ET_CORE);
	close(fd);
	fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ops->dump_core(g, fd, &j, &e), -ENOSPC);
	close(fd);
	assert_int_equal(ops->destroy(g, &j, &e), 0);
	assert_int_equal(ops->dump_core(g, -1, &j, &e), -EHOSTDOWN);
	ops->forget(g);
	job_end(&j);
	job_end(&stopped);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_tune), TEST(test_dump) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
