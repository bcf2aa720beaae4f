/* Who polls a row, and how often it is told of a change. */
#include "tests/unit/view_world.h"

static struct fuse_pollhandle *handle(void)
{
	return x_alloc(64); /* what libfuse frees */
}

/* How many are told of a change of R. */
static size_t push(const struct ref *r)
{
	struct fuse_pollhandle **list;
	size_t n;

	list = view_pushed(&vs, view_for(r->domain), r, &n);
	for (size_t i = 0; i < n; i++)
		fuse_pollhandle_destroy(list[i]);
	free(list);
	return n;
}

static void a_change_is_told_once(void **state)
{
	struct ref r = row(a, "state"), other = row(a, "status");
	struct watcher *w = NULL;
	uint32_t seen;

	(void)state;
	tell(&r, 1);
	tell(&other, 1);
	assert_int_equal(push(&r), 0);
	seen = view_changes(&vs, &r);
	assert_int_equal(seen, 1);
	assert_int_equal(view_changes(&vs, &other), 0);
	assert_false(view_poll(&vs, &r, &w, seen, handle()));
	assert_non_null(w);
	assert_false(view_poll(&vs, &r, &w, seen, handle())); /* in place of the first */
	assert_int_equal(push(&other), 0);
	assert_false(view_poll(&vs, &r, &w, seen, NULL));
	assert_int_equal(push(&r), 1);
	assert_int_equal(push(&r), 0); /* not asked again */
	assert_true(view_poll(&vs, &r, &w, seen, NULL));
	assert_false(view_poll(&vs, &r, &w, seen, handle()));
	view_unwatch(&vs, w);
	assert_int_equal(push(&r), 0);
	view_unwatch(&vs, NULL);
}

static void before_the_first_poll_it_is_told_twice(void **state)
{
	struct ref r = row(a, "state");
	struct watcher *w = NULL;
	uint32_t seen;

	(void)state;
	tell(&r, 1);
	seen = view_changes(&vs, &r);
	push(&r);
	assert_true(view_poll(&vs, &r, &w, seen, handle())); /* epoll_ctl */
	assert_true(view_poll(&vs, &r, &w, seen, NULL));     /* epoll_wait */
	assert_false(view_poll(&vs, &r, &w, seen, NULL));
	view_unwatch(&vs, w);
}

static void every_watcher_is_told(void **state)
{
	struct ref r = row(a, "state"), other = row(a, "status");
	struct watcher *w[9] = { 0 };

	(void)state;
	tell(&r, 1);
	tell(&other, 1);
	for (size_t i = 0; i < COUNT(w); i++)
		view_poll(&vs, i % 3 ? &r : &other, &w[i], 0, handle());
	assert_int_equal(push(&r), 6);
	for (size_t i = 0; i < COUNT(w); i++)
		assert_int_equal(view_poll(&vs, i % 3 ? &r : &other, &w[i], 0, handle()), i % 3 != 0);
	/* the first of the list, its last, one amid it */
	view_unwatch(&vs, w[8]);
	view_unwatch(&vs, w[1]);
	view_unwatch(&vs, w[4]);
	assert_int_equal(push(&r), 3);
	assert_int_equal(push(&other), 3);
	for (size_t i = 0; i < COUNT(w); i++) {
		if (i != 8 && i != 1 && i != 4)
			view_unwatch(&vs, w[i]);
	}
	assert_null(view_for(a)->watchers);
}

static void a_domain_that_goes_while_it_is_polled(void **state)
{
	struct ref r = row(a, "state");
	struct watcher *w[2] = { 0 };

	(void)state;
	tell(&r, 1);
	assert_false(view_poll(&vs, &r, &w[0], 0, handle()));
	assert_false(view_poll(&vs, &r, &w[1], 0, handle()));
	view_for(a)->over = true;
	assert_true(view_poll(&vs, &r, &w[0], 0, NULL));
	assert_true(view_poll(&vs, &r, &w[0], 0, NULL));
	domain_ref(a);
	all_clean();
	views_removed(&vs, "a", false);
	all_clean();
	view_remove(&vs, view_for(a));
	assert_true(view_poll(&vs, &r, &w[0], 0, handle()));
	assert_true(view_poll(&vs, &r, &w[0], 0, NULL));
	view_unwatch(&vs, w[0]);
	view_unwatch(&vs, w[1]);
	domain_unref(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_is_told_once),
		TEST(before_the_first_poll_it_is_told_twice),
		TEST(every_watcher_is_told),
		TEST(a_domain_that_goes_while_it_is_polled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
