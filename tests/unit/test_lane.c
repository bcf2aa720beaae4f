/* Lanes: who gets which, and that a refused thread is served by its second try. */
#include "fs/lane.h"
#include "tests/unit/test.h"

#define FILE_A 0x1001u
#define FILE_B 0x2001u

static void idle_file_has_lane_0(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	assert_int_equal(lane_pick(&l, FILE_A, 0, 10, 0), 0);
	assert_true(lane_take(&l, FILE_A, 0, 0, 10, 0));
	lane_drop(&l, FILE_A, 0, 0);
	assert_int_equal(l.by_inode.count, 0);
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 0), 0);
	lanes_free(&l);
}

static void second_writer_gets_the_next(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	assert_true(lane_take(&l, FILE_A, 0, 0, 10, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 0), 1);
	assert_int_equal(lane_pick(&l, FILE_B, 0, 11, 0), 0);
	assert_true(lane_take(&l, FILE_A, 0, 1, 11, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 0, 12, 0), 2);
	lane_drop(&l, FILE_A, 0, 0);
	assert_int_equal(lane_pick(&l, FILE_A, 0, 12, 0), 0);
	lanes_free(&l);
}

static void refused_thread_has_its_lane_reserved(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	/* Both looked up lane 0; 10 was faster. */
	assert_true(lane_take(&l, FILE_A, 0, 0, 10, 0));
	assert_false(lane_take(&l, FILE_A, 0, 0, 11, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 1), 1);
	/* Another neither gets nor takes it, and asking again gives the same. */
	assert_int_equal(lane_pick(&l, FILE_A, 0, 12, 1), 2);
	assert_false(lane_take(&l, FILE_A, 0, 1, 12, 1));
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 1), 1);
	/* Also when the one in the way has left meanwhile. */
	lane_drop(&l, FILE_A, 0, 1);
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 1), 1);
	assert_true(lane_take(&l, FILE_A, 0, 1, 11, 1));
	lanes_free(&l);
}

static void refusal_outlives_the_last_writer(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	assert_true(lane_take(&l, FILE_A, 0, 0, 10, 0));
	assert_false(lane_take(&l, FILE_A, 0, 0, 11, 0));
	lane_drop(&l, FILE_A, 0, 0);
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 1), 0);
	assert_false(lane_take(&l, FILE_A, 0, 0, 12, 1)); /* had looked up before */
	assert_true(lane_take(&l, FILE_A, 0, 0, 11, 1));
	lanes_free(&l);
}

static void reservations_expire(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	assert_true(lane_take(&l, FILE_A, 0, 0, 10, 0));
	assert_false(lane_take(&l, FILE_A, 0, 0, 11, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 0), 1);
	assert_int_equal(lane_pick(&l, FILE_A, 0, 12, 60000), 1);
	assert_true(lane_take(&l, FILE_A, 0, 1, 12, 60000));
	lane_drop(&l, FILE_A, 0, 60000);
	lane_drop(&l, FILE_A, 1, 60000);
	assert_int_equal(l.by_inode.count, 0);
	lanes_free(&l);
}

/* What was left behind by refusals does not pile up. */
static void forgotten_files_are_swept(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		uint64_t now = i * 5000;

		assert_true(lane_take(&l, i, 0, 0, 10, now));
		assert_false(lane_take(&l, i, 0, 0, 11, now));
		lane_drop(&l, i, 0, now);
		assert_true(l.by_inode.count <= 64);
	}
	lanes_free(&l);
}

static void dropping_what_is_not_held_is_harmless(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	lane_drop(&l, FILE_A, 3, 0);
	assert_true(lane_take(&l, FILE_A, 0, 0, 10, 0));
	lane_drop(&l, FILE_A, 99, 0);
	assert_int_equal(lane_pick(&l, FILE_A, 0, 11, 0), 1);
	lanes_free(&l);
}

/* Lane 0 is never written: who wants to is refused and then finds another, readers find 0 all the time. */
static void readers_have_their_own(void **state)
{
	struct lanes l = { 0 };

	(void)state;
	assert_int_equal(lane_pick(&l, FILE_A, 1, 10, 0), 0);
	assert_false(lane_take(&l, FILE_A, 1, 0, 10, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 1, 10, 0), 1);
	assert_int_equal(lane_pick(&l, FILE_A, 1, 11, 0), 0);
	assert_true(lane_take(&l, FILE_A, 1, 1, 10, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 1, 11, 0), 0);
	assert_false(lane_take(&l, FILE_A, 1, 0, 11, 0));
	assert_int_equal(lane_pick(&l, FILE_A, 1, 11, 0), 2);
	assert_int_equal(lane_pick(&l, FILE_A, 1, 10, 0), 0); /* who writes can read too */
	lane_drop(&l, FILE_A, 1, 0);
	lanes_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_file_has_lane_0),
		cmocka_unit_test(readers_have_their_own),
		cmocka_unit_test(second_writer_gets_the_next),
		cmocka_unit_test(refused_thread_has_its_lane_reserved),
		cmocka_unit_test(refusal_outlives_the_last_writer),
		cmocka_unit_test(reservations_expire),
		cmocka_unit_test(forgotten_files_are_swept),
		cmocka_unit_test(dropping_what_is_not_held_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
