/* The rows that the kernel was shown: what it may keep, and what became untrue. */
#include "tests/unit/view_world.h"

static unsigned check(const struct ref *r, const struct node_attr *is)
{
	return view_check(&vs, view_for(r->domain), r, is);
}

static void what_the_kernel_may_keep(void **state)
{
	static const struct {
		const char *name;
		unsigned lane;
		bool keeps;
	} cases[] = { { "state", 0, true },    { "status", 0, true },  { "mem", 0, true },     { "mem", 1, false },
		      { "ctl", 0, true },      { "ctl", 3, false },    { "disks", 0, true },   { "counters", 0, false },
		      { "console", 0, false }, { "config", 0, false }, { ".events", 0, false } };
	struct ref r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		r = row(a, cases[i].name);
		r.lane = cases[i].lane;
		assert_int_equal(view_keeps(&r), cases[i].keeps);
		assert_int_equal(tell(&r, 1), cases[i].keeps);
	}
	assert_int_equal(view_for(a)->nslots, 5);
	/* What the kernel keeps of the host is never looked at again. */
	for (size_t i = 0; i < node_count; i++) {
		r = (struct ref){ .node = &nodes[i] };
		assert_false(node_is_fact(&nodes[i]) && ref_is_host(&r));
	}
}

static void what_became_untrue(void **state)
{
	struct ref r = row(a, "state");
	struct node_attr is = attr(1);

	(void)state;
	assert_true(tell(&r, 1));
	assert_int_equal(check(&r, &is), 0);
	is.text = 2;
	assert_int_equal(check(&r, &is), VIEW_TEXT);
	assert_int_equal(check(&r, &is), 0);
	is.uid++;
	assert_int_equal(check(&r, &is), VIEW_ATTR);
	is.gid++;
	assert_int_equal(check(&r, &is), VIEW_ATTR);
	is.mode ^= 0004;
	assert_int_equal(check(&r, &is), VIEW_ATTR);
	is.mtime.tv_sec++; /* not its own */
	assert_int_equal(check(&r, &is), 0);
	is.text = 3, is.uid++;
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_ATTR);
	assert_int_equal(check(&r, &is), 0);
}

/* Whatever is rendered then, it may be of before: it is dropped, though nothing has changed that anybody is to be told of. */
static void a_change_while_it_is_told(void **state)
{
	struct ref r = row(a, "state");
	struct node_attr is = attr(1), old = attr(1);

	(void)state;
	assert_true(tell(&r, 1));
	view_tell(&vs, &r);
	assert_int_equal(check(&r, &is), VIEW_TELLING);
	assert_true(view_told(&vs, &r, &old));
	assert_int_equal(check(&r, &is), 0);
	view_tell(&vs, &r);
	is.text = 2;
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_TELLING);
	assert_true(view_told(&vs, &r, &old)); /* was dropped with it */
	assert_int_equal(check(&r, &is), 0);
	view_tell(&vs, &r);
	view_told_text(&vs, &r, 2);
	assert_int_equal(check(&r, &is), 0);
}

static void a_change_while_it_is_told_for_the_first_time(void **state)
{
	struct ref r = row(a, "state");
	struct node_attr is = attr(2), old = attr(1);

	(void)state;
	view_tell(&vs, &r);
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_ATTR | VIEW_TELLING);
	assert_true(view_told(&vs, &r, &old));
	assert_int_equal(check(&r, &is), 0);
	assert_true(tell(&r, 1));
	assert_int_equal(check(&r, &is), VIEW_TEXT);
}

/* Not all replies are the loop's. */
static void two_tell_it_at_once(void **state)
{
	struct ref r = row(a, "state"), other = row(a, "mem");
	struct node_attr is = attr(1), old = attr(1);

	(void)state;
	assert_true(tell(&r, 1));
	view_tell(&vs, &r);
	view_tell(&vs, &r);
	assert_true(tell(&other, 1));
	assert_true(view_told(&vs, &r, &old));
	assert_int_equal(check(&r, &is), VIEW_TELLING);
	is.text = 2;
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_TELLING);
	assert_true(view_told(&vs, &r, &old));
	assert_int_equal(check(&r, &is), 0);
}

static void tell_text(const struct ref *r, uint64_t text)
{
	view_tell(&vs, r);
	view_told_text(&vs, r, text);
}

static void told_what_was_not_pushed_yet(void **state)
{
	struct ref r = row(a, "state"), host = { .model = world.model, .node = r.node };
	struct node_attr is = attr(1), other = attr(1);

	(void)state;
	assert_true(tell(&r, 1));
	assert_true(tell(&r, 2)); /* and then it changed back */
	assert_int_equal(check(&r, &is), VIEW_TEXT);
	assert_int_equal(check(&r, &is), 0);
	tell_text(&r, 3);
	tell_text(&r, 1);
	assert_int_equal(check(&r, &is), VIEW_TEXT);
	tell_text(&r, 1);
	assert_int_equal(check(&r, &is), 0);
	other.uid++;
	view_tell(&vs, &r);
	assert_true(view_told(&vs, &r, &other));
	assert_int_equal(check(&r, &is), VIEW_ATTR); /* nobody has read anything */
	assert_int_equal(check(&r, &is), 0);
	assert_int_equal(view_changes(&vs, &host), 0); /* the host has no view */
}

static bool is_later(const struct timespec *x, const struct timespec *y)
{
	return x->tv_sec > y->tv_sec || (x->tv_sec == y->tv_sec && x->tv_nsec > y->tv_nsec);
}

static void the_time_is_that_of_the_text(void **state)
{
	struct ref r = row(a, "state");
	struct node_attr is = attr(1), told = attr(1);
	struct slot *s;
	struct timespec before;

	(void)state;
	assert_true(tell(&r, 1));
	assert_true(view_told(&vs, &r, &told));
	assert_int_equal(told.mtime.tv_sec, 5); /* what it was when it was told first */
	told.mtime.tv_sec = 99;
	assert_true(view_told(&vs, &r, &told));
	assert_int_equal(told.mtime.tv_sec, 5);
	s = &view_for(a)->slots[0];
	is.uid++;
	check(&r, &is);
	assert_int_equal(s->mtime.tv_sec, 5); /* not its owner's */
	for (int i = 0; i < 1000; i++) {
		before = s->mtime;
		is.text++;
		assert_int_equal(check(&r, &is), VIEW_TEXT);
		assert_true(is_later(&s->mtime, &before));
	}
	before = s->mtime = (struct timespec){ time_now().tv_sec + 1000, 999999999 }; /* the clock was set back */
	is.text++;
	check(&r, &is);
	assert_int_equal(s->mtime.tv_sec, before.tv_sec + 1);
	assert_int_equal(s->mtime.tv_nsec, 0);
}

static void the_rows_that_were_told(void **state)
{
	struct ref one = row(a, "state"), two = row(a, "mem"), r;
	unsigned at = 0;

	(void)state;
	two.device = 7;
	assert_false(view_slot(&vs, view_for(a), &at, &r));
	tell(&one, 1);
	tell(&two, 1);
	tell(&one, 2);
	assert_true(view_slot(&vs, view_for(a), &at, &r));
	assert_ptr_equal(r.node, one.node);
	assert_ptr_equal(r.domain, a);
	assert_ptr_equal(r.model, world.model);
	assert_int_equal(r.device, 0);
	assert_true(view_slot(&vs, view_for(a), &at, &r));
	assert_ptr_equal(r.node, two.node);
	assert_int_equal(r.device, 7);
	assert_false(view_slot(&vs, view_for(a), &at, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_kernel_may_keep),     TEST(what_became_untrue),
		TEST(a_change_while_it_is_told),    TEST(a_change_while_it_is_told_for_the_first_time),
		TEST(told_what_was_not_pushed_yet), TEST(the_time_is_that_of_the_text),
		TEST(the_rows_that_were_told),      TEST(two_tell_it_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
