#include "lock.h"
#include "units.h"
#include "tests/unit/test.h"

struct shared {
	struct lock lock;
	struct cond cond;
	int step;
	long sum;
};

static void *answer(void *arg)
{
	struct shared *s = arg;

	lock_acquire(&s->lock);
	while (s->step != 1)
		cond_wait(&s->cond, &s->lock, 0);
	s->step = 2;
	cond_broadcast(&s->cond);
	lock_release(&s->lock);
	return NULL;
}

static void test_handshake(void **state)
{
	struct shared s = { .step = 0 };
	bool in_time = true;
	pthread_t t;
	int step;

	(void)state;
	lock_init(&s.lock);
	cond_init(&s.cond);
	assert_int_equal(pthread_create(&t, NULL, answer, &s), 0);
	lock_acquire(&s.lock);
	s.step = 1;
	cond_broadcast(&s.cond);
	while (s.step != 2 && in_time)
		in_time = cond_wait(&s.cond, &s.lock, clock_msec() + LIMIT);
	step = s.step;
	lock_release(&s.lock);
	assert_int_equal(step, 2);
	pthread_join(t, NULL);
	cond_destroy(&s.cond);
	lock_destroy(&s.lock);
}

static void test_deadline(void **state)
{
	struct shared s = { .lock = LOCK_INIT };
	uint64_t begin = clock_msec(), end;
	bool past, in_time = true;

	(void)state;
	cond_init(&s.cond);
	lock_acquire(&s.lock);
	past = cond_wait(&s.cond, &s.lock, 1); /* long ago */
	while (in_time)
		in_time = cond_wait(&s.cond, &s.lock, begin + 50);
	end = clock_msec();
	lock_release(&s.lock);
	assert_false(past);
	assert_in_range(end - begin, 50, LIMIT);
	cond_destroy(&s.cond);
}

static void *count(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 50000; i++) {
		lock_acquire(&s->lock);
		s->sum++;
		lock_release(&s->lock);
	}
	return NULL;
}

static void test_exclusion(void **state)
{
	struct shared s = { .lock = LOCK_INIT };
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, count, &s), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(s.sum, 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_exclusion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
