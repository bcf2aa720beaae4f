#include <stdio.h>

#include "config.h"
#include "hypervisor/config/arena.h"

static void pieces_stay(void **state)
{
	struct arena a = { 0 };
	char *texts[500];
	char want[32];

	(void)state;
	for (int i = 0; i < 500; i++) {
		void *p = arena_alloc(&a, (size_t)i);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (int j = 0; j < i; j++)
			assert_int_equal(((char *)p)[j], 0);
		memset(p, 0xff, (size_t)i);
		snprintf(want, sizeof(want), "text %d", i);
		texts[i] = arena_strdup(&a, want);
	}
	for (int i = 0; i < 500; i++) {
		snprintf(want, sizeof(want), "text %d", i);
		assert_string_equal(texts[i], want);
	}
	arena_free(&a);
	assert_null(a.chunks);
}

static void texts_join(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_string_equal(arena_join(&a, "a", "bc"), "abc");
	assert_string_equal(arena_join(&a, "", ""), "");
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_non_null(arena_alloc(&a, 1 << 20)); /* larger than any chunk */
	assert_string_equal(arena_strdup(&a, "z"), "z");
	arena_free(&a);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(pieces_stay), cmocka_unit_test(texts_join) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
