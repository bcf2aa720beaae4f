#include "buf.h"
#include "hypervisor/model/jobs.h"
#include "units.h"
#include "tests/unit/test.h"

#define ORDINARY 256 /* as many as pool.c lets run */

static struct lock lock = LOCK_INIT;
static struct cond changed;
static unsigned ran, blocked; /* [lock] */
static bool open_gate;        /* [lock] */

static void count(void *arg)
{
	(void)arg;
	lock_acquire(&lock);
	ran++;
	cond_broadcast(&changed);
	lock_release(&lock);
}

static void block(void *arg)
{
	(void)arg;
	lock_acquire(&lock);
	blocked++;
	cond_broadcast(&changed);
	while (!open_gate)
		cond_wait(&changed, &lock, 0);
	blocked--;
	lock_release(&lock);
	count(NULL);
}

static bool await(unsigned *what, unsigned n)
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool ok = true;

	lock_acquire(&lock);
	while (*what < n && ok)
		ok = cond_wait(&changed, &lock, deadline);
	lock_release(&lock);
	return ok;
}

static void gate(bool open)
{
	lock_acquire(&lock);
	open_gate = open;
	ran = 0;
	cond_broadcast(&changed);
	lock_release(&lock);
}

/* Ordinary work keeps all its threads busy and more waits: urgent work runs nevertheless. */
static void test_urgent(void **state)
{
	(void)state;
	gate(false);
	for (int i = 0; i < ORDINARY + 40; i++)
		pool_run(block, NULL, false);
	assert_true(await(&blocked, ORDINARY));
	for (int i = 0; i < 100; i++)
		pool_run(count, NULL, true);
	assert_true(await(&ran, 100));
	lock_acquire(&lock);
	assert_int_equal(blocked, ORDINARY); /* none of the rest took a thread of the urgent ones */
	lock_release(&lock);
	gate(true);
	pool_drain();
	assert_int_equal(ran, ORDINARY + 40);
}

static void again(void *arg)
{
	unsigned *left = arg;

	count(NULL);
	if ((*left)--)
		pool_run(again, left, *left % 2);
}

/* What is queued by what is queued is done as well, and the pool goes on afterwards. */
static void test_drain(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		unsigned left = 50;

		gate(true);
		pool_run(again, &left, false);
		for (int i = 0; i < 50; i++)
			pool_run(count, NULL, i % 2);
		pool_drain();
		assert_int_equal(ran, 101);
	}
	pool_drain();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_urgent),
	};

	cond_init(&changed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
