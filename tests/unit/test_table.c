#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "table.h"
#include "tests/unit/test.h"

static void test_basic(void **state)
{
	struct table t = { 0 };
	int a, b;
	char key[8] = "web1";

	(void)state;
	assert_null(table_get(&t, "web1"));
	assert_null(table_del(&t, "web1"));
	assert_null(table_put(&t, key, &a));
	memset(key, 'z', 4); /* the table has a copy */
	assert_ptr_equal(table_get(&t, "web1"), &a);
	assert_null(table_get(&t, "web"));
	assert_null(table_get(&t, "web10"));
	assert_null(table_get(&t, ""));
	assert_ptr_equal(table_put(&t, "web1", &b), &a);
	assert_int_equal(t.count, 1);
	assert_null(table_put(&t, "", &a));
	assert_ptr_equal(table_get(&t, ""), &a);
	assert_ptr_equal(table_del(&t, "web1"), &b);
	assert_null(table_get(&t, "web1"));
	assert_int_equal(t.count, 1);
	table_free(&t);
	assert_int_equal(t.cap, 0);
	table_free(&t);
}

/* Against a plain array: puts and removals in an order of their own, then every key is asked and walked over. */
static void test_many(void **state)
{
	enum { KEYS = 3000, STEPS = 40000 };
	static int values[KEYS];
	bool there[KEYS] = { false };
	struct table t = { 0 };
	uint32_t seed = 12345;
	size_t count = 0, pos = 0, walked = 0;
	const char *key;
	char name[32];
	void *v;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		seed = seed * 1664525 + 1013904223;
		uint32_t k = (seed >> 8) % KEYS;
		bool put = seed >> 31;

		snprintf(name, sizeof(name), "domain-%u", k);
		v = put ? table_put(&t, name, &values[k]) : table_del(&t, name);
		assert_ptr_equal(v, there[k] ? &values[k] : NULL);
		count += put && !there[k];
		count -= !put && there[k];
		there[k] = put;
		assert_int_equal(t.count, count);
		assert_true(t.count * 4 <= t.cap * 3);
	}
	for (uint32_t k = 0; k < KEYS; k++) {
		snprintf(name, sizeof(name), "domain-%u", k);
		assert_ptr_equal(table_get(&t, name), there[k] ? &values[k] : NULL);
	}
	while (table_next(&t, &pos, &key, &v)) {
		size_t k = (size_t)((int *)v - values);

		snprintf(name, sizeof(name), "domain-%zu", k);
		assert_string_equal(key, name);
		assert_true(there[k]);
		there[k] = false; /* seen once only */
		walked++;
	}
	assert_int_equal(walked, count);
	assert_false(table_next(&t, &pos, NULL, NULL));
	table_free(&t);
}

static void test_ids(void **state)
{
	struct table t = { 0 };
	uint64_t id;
	int values[100];

	(void)state;
	for (id = 0; id < 100; id++)
		assert_null(table_put_n(&t, &id, sizeof(id), &values[id]));
	for (id = 0; id < 100; id += 2)
		assert_ptr_equal(table_del_n(&t, &id, sizeof(id)), &values[id]);
	for (id = 0; id < 101; id++)
		assert_ptr_equal(table_get_n(&t, &id, sizeof(id)), id % 2 ? &values[id] : NULL);
	table_free(&t);
}

static void test_hash(void **state)
{
	(void)state;
	assert_true(hash_text("", 0) == UINT64_C(0x2d06800538d394c2)); /* XXH3's own: it may stand on disk */
	assert_true(hash_text("abc", 3) == hash_text("abcd", 3));
	assert_true(hash_text("abc", 3) != hash_text("abd", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
