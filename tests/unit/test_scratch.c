/* Scratch files: whose they are, what they hold, when they are gone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/scratch.h"
#include "tests/unit/test.h"

static int setup(void **state)
{
	static struct scratches s;

	scratches_init(&s);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	scratches_free(*state);
	return 0;
}

static void name_is_its_creators(void **state)
{
	struct scratches *s = *state;
	unsigned a, b, id;

	assert_int_equal(scratch_create(s, 7, 1000, 100, "x", &a), 0);
	assert_int_equal(scratch_create(s, 7, 1000, 100, "x", &id), -EEXIST);
	assert_int_equal(scratch_create(s, 7, 1001, 100, "x", &b), 0);
	assert_true(scratch_find(s, 7, 1000, "x", &id) && id == a);
	assert_true(scratch_find(s, 7, 1001, "x", &id) && id == b);
	assert_false(scratch_find(s, 7, 1002, "x", &id));
	assert_false(scratch_find(s, 8, 1000, "x", &id));
}

static void holds_what_is_written(void **state)
{
	struct scratches *s = *state;
	struct buf b = { 0 };
	struct node_attr attr;
	unsigned id;

	assert_int_equal(scratch_create(s, 7, 0, 0, "x", &id), 0);
	assert_int_equal(scratch_write(s, id, 0, false, "hello", 5), 0);
	assert_int_equal(scratch_write(s, id, 0, true, "!", 1), 0);
	assert_int_equal(scratch_write(s, id, 8, false, "z", 1), 0);
	assert_int_equal(scratch_read(s, id, 0, 100, &b), 0);
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.p, "hello!\0\0z", 9);
	assert_int_equal(scratch_resize(s, id, 2), 0);
	assert_int_equal(scratch_attr(s, id, &attr), 0);
	assert_int_equal(attr.size, 2);
	assert_int_equal(scratch_write(s, id, SCRATCH_BYTES, false, "z", 1), -ENOSPC);
	assert_int_equal(scratch_write(s, id, UINT64_MAX, false, "z", 1), -ENOSPC);
	assert_int_equal(scratch_resize(s, id, SCRATCH_BYTES + 1ull), -ENOSPC);
	buf_free(&b);
}

static void unlinked_lives_while_it_is_open(void **state)
{
	struct scratches *s = *state;
	struct node_attr attr;
	unsigned id, again;

	assert_int_equal(scratch_create(s, 7, 0, 0, "x", &id), 0);
	assert_int_equal(scratch_unlink(s, id), 0);
	assert_false(scratch_find(s, 7, 0, "x", &again));
	assert_int_equal(scratch_attr(s, id, &attr), 0);
	scratch_close(s, id);
	assert_int_equal(scratch_attr(s, id, &attr), -ESTALE);
	assert_int_equal(scratch_open(s, id), -ESTALE);
	/* The slot is used again under another number. */
	assert_int_equal(scratch_create(s, 7, 0, 0, "x", &again), 0);
	assert_int_not_equal(id, again);
	assert_int_equal(scratch_write(s, id, 0, false, "a", 1), -ESTALE);
}

static void renamed_over_another(void **state)
{
	struct scratches *s = *state;
	unsigned a, b, id;

	assert_int_equal(scratch_create(s, 7, 0, 0, "a", &a), 0);
	assert_int_equal(scratch_create(s, 7, 0, 0, "b", &b), 0);
	scratch_close(s, b);
	assert_int_equal(scratch_rename(s, a, "b"), 0);
	assert_false(scratch_find(s, 7, 0, "a", &id));
	assert_true(scratch_find(s, 7, 0, "b", &id) && id == a);
	assert_int_equal(scratch_rename(s, a, "b"), 0);
	assert_int_equal(scratch_rename(s, b, "c"), -ESTALE);
}

static void a_user_has_so_many(void **state)
{
	struct scratches *s = *state;
	char name[300];
	unsigned id;

	for (int i = 0; i < SCRATCH_USER; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(scratch_create(s, 7, 1000, 0, name, &id), 0);
	}
	assert_int_equal(scratch_create(s, 7, 1000, 0, "one-more", &id), -ENOSPC);
	assert_int_equal(scratch_create(s, 7, 1001, 0, "another-user", &id), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(scratch_create(s, 7, 1001, 0, name, &id), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(name_is_its_creators, setup, teardown),
		cmocka_unit_test_setup_teardown(holds_what_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(unlinked_lives_while_it_is_open, setup, teardown),
		cmocka_unit_test_setup_teardown(renamed_over_another, setup, teardown),
		cmocka_unit_test_setup_teardown(a_user_has_so_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
