/* Which views are dirty, in whole rounds, and from which line on. */
#include "tests/unit/view_world.h"

static void touch(struct domain *d)
{
	domain_lock(d);
	domain_touch(d);
	domain_unlock(d);
}

static unsigned listed(const struct view *v)
{
	unsigned n = 0;

	for (; v; v = v->taken)
		n++;
	return n;
}

static void a_round_is_whole_though_its_views_change(void **state)
{
	uint64_t seq = UINT64_MAX;
	struct view *first;

	(void)state;
	all_clean();
	touch(a);
	touch(b);
	touch(c);
	touch(a); /* a set */
	first = take(&seq);
	assert_ptr_equal(first, view_for(a));
	assert_int_equal(listed(first), 3);
	touch(c);
	touch(a);
	touch(b);
	assert_int_equal(listed(first), 3);
	assert_ptr_equal(first->taken, view_for(b));
	assert_ptr_equal(first->taken->taken, view_for(c));
	first = take(&seq);
	assert_ptr_equal(first, view_for(c));
	assert_int_equal(listed(first), 3);
	assert_null(take(&seq));
	assert_true(seq == UINT64_MAX);
	assert_true(vs.due == UINT64_MAX);
}

static void what_is_not_due_holds_lines_back(void **state)
{
	struct job *j = job_new(&caller_self, a, "pause", 60);
	uint64_t began = clock_msec(), before, seq = UINT64_MAX;
	struct view *v = view_for(a), *first;

	(void)state;
	all_clean();
	before = model_last_event(world.model);
	j->since = time_now();
	j->since.tv_sec += 1000; /* it has just begun, however slow this is */
	domain_lock(a);
	a->job = j;
	domain_touch(a);
	event_emit(a, "job", "verb=pause");
	a->job = NULL;
	domain_unlock(a);
	assert_true(v->dirty);
	assert_int_equal(v->seq, before);
	assert_true(v->due > began && v->due < UINT64_MAX);
	assert_true(vs.due == v->due);
	v->due = UINT64_MAX - 1;
	touch(b);
	assert_true(vs.due == 0);
	seq = model_last_event(world.model);
	assert_true(seq > before);
	first = take(&seq);
	assert_ptr_equal(first, view_for(b));
	assert_int_equal(listed(first), 1);
	assert_int_equal(seq, before);
	assert_true(v->dirty);
	assert_true(vs.due == UINT64_MAX - 1);
	touch(a); /* nothing is under way: at once, and still from that line on */
	assert_int_equal(v->seq, before);
	seq = UINT64_MAX;
	assert_ptr_equal(take(&seq), v);
	assert_true(seq == UINT64_MAX);
	job_free(j);
}

static void a_verb_that_goes_on_is_shown(void **state)
{
	struct job *j = job_new(&caller_self, a, "pause", 60);

	(void)state;
	all_clean();
	j->since = time_now();
	j->since.tv_sec -= 1;
	domain_lock(a);
	a->job = j;
	domain_touch(a);
	a->job = NULL;
	domain_unlock(a);
	assert_true(view_for(a)->due == 0);
	job_free(j);
}

static void late_ones_are_tried_again(void **state)
{
	struct view *va = view_for(a), *vb = view_for(b);

	(void)state;
	all_clean();
	make_late(va);
	make_late(va);
	make_late(vb);
	assert_true(va->late && vb->late && vs.retry <= clock_msec() + 1000);
	assert_null(vs.dirty);
	lock_acquire(&vs.lock);
	views_retry(&vs);
	lock_release(&vs.lock);
	assert_null(vs.late);
	assert_true(vs.retry == UINT64_MAX);
	assert_true(va->dirty && vb->dirty && !view_for(c)->dirty);
	assert_false(va->late || vb->late);
}

static void a_view_goes_when_it_is_clean(void **state)
{
	struct view *v = view_for(a);

	(void)state;
	all_clean();
	make_late(v);
	touch(a);
	view_remove(&vs, v); /* in the next round's list */
	assert_ptr_equal(view_for(a), v);
	assert_ptr_equal(vs.late, v);
	all_clean();
	assert_true(views_removed(&vs, "a", false));
	all_clean();
	view_remove(&vs, v);
	assert_null(view_for(a));
	assert_null(vs.late);
}

static void the_last_lines_of_one_that_is_gone(void **state)
{
	(void)state;
	assert_int_equal(world_call(&world, a, 0, "undefine", call_undefine, NULL), 0);
	domain_ref(a);
	views_removed(&vs, "a", false);
	all_clean();
	view_remove(&vs, view_for(a));
	vs.lines = false;
	touch(a);
	assert_true(vs.lines);
	assert_null(view_for(a));
	assert_null(vs.dirty);
	domain_unref(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_round_is_whole_though_its_views_change),
		TEST(what_is_not_due_holds_lines_back),
		TEST(a_verb_that_goes_on_is_shown),
		TEST(late_ones_are_tried_again),
		TEST(a_view_goes_when_it_is_clean),
		TEST(the_last_lines_of_one_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
