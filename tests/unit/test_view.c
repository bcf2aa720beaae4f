/* The names that the kernel was shown, and who makes, renames and removes them. */
#include "tests/unit/view_world.h"

static void set_alias(struct view *v, const char *name)
{
	lock_acquire(&vs.lock);
	view_alias(&vs, v, name);
	lock_release(&vs.lock);
}

static struct view *holder(const struct view *v, const char *name)
{
	struct view *other;

	lock_acquire(&vs.lock);
	other = view_holder(&vs, v, name);
	lock_release(&vs.lock);
	return other;
}

static struct domain *found(const char *name, bool helper)
{
	struct domain *d = views_find(&vs, name, helper);

	domain_unref(d);
	return d;
}

static const char *name_of(const struct domain *d)
{
	static char name[256];

	return views_name(&vs, d, name) ? name : NULL;
}

static void what_was_there_is_shown(void **state)
{
	struct domain *d = views_find_serial(&vs, a->serial);

	(void)state;
	assert_ptr_equal(d, a);
	domain_unref(d);
	assert_ptr_equal(found("a", false), a);
	assert_string_equal(name_of(a), "a");
	assert_null(found("b", false));
	assert_null(found("b", true));
	assert_null(name_of(b));
	assert_true(view_for(b)->dirty);
	assert_null(views_find_serial(&vs, 4711));
}

static void the_helper_makes_what_the_herald_is_at(void **state)
{
	struct view *v = view_for(b);

	(void)state;
	assert_false(views_made(&vs, "b", NULL));
	lock_acquire(&vs.lock);
	table_put(&vs.making, "b", v);
	lock_release(&vs.lock);
	assert_false(views_begin(&vs, "b"));
	assert_true(views_made(&vs, "b", NULL));
	assert_ptr_equal(found("b", false), b);
	assert_false(views_made(&vs, "b", NULL)); /* has one */
	assert_false(views_made(&vs, "x", b));
	assert_null(found("x", false));
}

static void the_kernel_itself_is_at_a_name(void **state)
{
	struct view *v = view_for(c);

	(void)state;
	all_clean();
	assert_true(views_begin(&vs, "c"));
	assert_false(views_begin(&vs, "c"));
	assert_true(views_begin(&vs, "d"));
	assert_false(views_made(&vs, "c", NULL)); /* not for the helper */
	make_late(v);
	assert_false(v->dirty);
	views_done(&vs, "c");
	assert_true(v->dirty); /* to be looked at again */
	assert_false(views_made(&vs, "c", NULL));
	assert_true(views_begin(&vs, "c"));
	assert_true(views_made(&vs, "c", c));
	views_done(&vs, "c");
	views_done(&vs, "d");
	assert_ptr_equal(found("c", false), c);
}

static void removing(void **state)
{
	struct view *v = view_for(a);

	(void)state;
	all_clean();
	assert_false(views_removed(&vs, "a", true)); /* the herald is not at it any more */
	assert_false(views_removed(&vs, "nobody", true));
	assert_false(views_removed(&vs, "nobody", false));
	assert_ptr_equal(found("a", false), a);
	assert_false(v->dirty);
	v->busy = true;
	assert_true(views_removed(&vs, "a", true));
	assert_null(found("a", true));
	assert_null(name_of(a));
	assert_true(v->dirty);
	v->busy = false;
	assert_true(views_made(&vs, "a", a));
	make_late(v);
	assert_true(views_removed(&vs, "a", true));
	assert_true(views_made(&vs, "a", a));
	lock_acquire(&vs.lock);
	views_retry(&vs);
	lock_release(&vs.lock);
	assert_true(views_removed(&vs, "a", false)); /* by rmdir(2) */
	assert_null(found("a", false));
}

static void renaming(void **state)
{
	(void)state;
	all_clean();
	assert_false(views_renamed(&vs, "nobody", "z"));
	assert_true(views_renamed(&vs, "a", "z"));
	assert_ptr_equal(found("z", false), a);
	assert_ptr_equal(found("z", true), a);
	assert_null(found("a", false));
	assert_null(found("a", true));
	assert_string_equal(name_of(a), "z");
	assert_true(view_for(a)->dirty);
	assert_true(views_made(&vs, "a", b));
	assert_true(views_renamed(&vs, "a", "z")); /* a's, which is gone */
	assert_ptr_equal(found("z", false), b);
	assert_null(name_of(a));
	assert_true(views_removed(&vs, "z", false));
	assert_null(found("z", false));
}

static void under_way_from_one_name_to_the_other(void **state)
{
	struct view *v = view_for(a);

	(void)state;
	set_alias(v, "z");
	assert_ptr_equal(found("z", false), a);
	assert_null(found("z", true));
	assert_ptr_equal(found("a", true), a);
	assert_null(found("a", false));
	assert_string_equal(name_of(a), "a");
	set_alias(v, NULL);
	assert_null(found("z", false));
	assert_ptr_equal(found("a", false), a);
	set_alias(v, "a");
	assert_null(v->alias);
	assert_true(views_made(&vs, "b", b));
	set_alias(v, "b"); /* another's */
	assert_null(v->alias);
	assert_ptr_equal(found("b", false), b);
	view_for(b)->over = true;
	set_alias(v, "b");
	assert_string_equal(v->alias, "b");
	assert_ptr_equal(found("b", false), a);
	assert_true(views_removed(&vs, "a", false));
	assert_null(found("a", true));
	assert_null(found("b", true)); /* and the alias with it */
}

static void the_kernel_took_the_alias(void **state)
{
	struct view *v = view_for(a);

	(void)state;
	all_clean();
	views_moved(&vs, "a");
	views_moved(&vs, "nobody");
	assert_false(v->dirty);
	set_alias(v, "z");
	views_moved(&vs, "a"); /* no alias */
	assert_string_equal(name_of(a), "a");
	views_moved(&vs, "z");
	assert_string_equal(name_of(a), "z");
	assert_null(v->alias);
	assert_null(found("a", true));
	assert_ptr_equal(found("z", true), a);
	assert_true(v->dirty);
}

static void a_domain_that_is_gone(void **state)
{
	(void)state;
	assert_int_equal(world_call(&world, a, 0, "undefine", call_undefine, NULL), 0);
	assert_null(found("a", false));
	assert_non_null(found("a", true));
}

static void who_holds_a_name(void **state)
{
	struct view *va = view_for(a), *vb = view_for(b);

	(void)state;
	assert_ptr_equal(holder(vb, "a"), va);
	assert_null(holder(va, "a"));
	assert_null(holder(va, "nobody"));
	va->over = true;
	assert_null(holder(vb, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_there_is_shown),
		TEST(the_helper_makes_what_the_herald_is_at),
		TEST(the_kernel_itself_is_at_a_name),
		TEST(removing),
		TEST(renaming),
		TEST(under_way_from_one_name_to_the_other),
		TEST(the_kernel_took_the_alias),
		TEST(a_domain_that_is_gone),
		TEST(who_holds_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
