/* What becomes readable when: the kernel forgets, and only then anybody is told. */
#include "tests/unit/invalidate_world.h"

static void a_line_is_read_after_the_kernel_forgot(void **state)
{
	struct ref r = row(a, "autostart"), uuid = row(a, "uuid");

	(void)state;
	stat_row(&r);
	stat_row(&uuid);
	settle();
	fake.events = &a->events;
	fake.line = "changed";
	hold(true);
	autostart(a, "changed");
	assert_true(forgetting());
	assert_false(text_has(&a->events, "changed"));
	hold(false);
	assert_true(text_await(&a->events, "changed"));
	settle();
	assert_false(fake.early);
	assert_int_equal(forgot(ref_inode_lane0(&r)), 1);
	fake.line = "again";
	autostart(a, "again");
	assert_true(text_await(&a->events, "again"));
	settle();
	assert_false(fake.early);
	assert_int_equal(forgot(ref_inode_lane0(&r)), 2);
	assert_int_equal(forgot(ref_inode_lane0(&uuid)), 0);
}

static void answers_wait_for_the_round(void **state)
{
	struct ref r = row(a, "autostart");
	int calls = 0;

	(void)state;
	settle();
	invalidator_after(&inv, true, after, &calls);
	assert_int_equal(calls, 1); /* at once, on this thread: nothing has changed */
	stat_row(&r);
	hold(true);
	autostart(a, NULL);
	assert_true(forgetting());
	invalidator_after(&inv, false, after, &calls);
	invalidator_after(&inv, true, after, &calls);
	assert_int_equal(calls, 1);
	hold(false);
	assert_true(came(&calls, 3));
}

/* What a young verb does is looked at later, when there are no answers to it. */
static void an_answer_waits_for_what_a_verb_has_just_done(void **state)
{
	struct domain *b = world_define(&world, "b", NULL);
	struct job *j = job_new(&caller_self, b, "pause", 1);
	struct ref first = row(a, "autostart"), r = row(b, "autostart");
	int calls = 0;

	(void)state;
	settle();
	stat_row(&first);
	stat_row(&r);
	hold(true);
	autostart(a, NULL);
	assert_true(forgetting());
	domain_lock(b);
	j->since = time_now();
	b->job = j;
	b->autostart = true;
	domain_touch(b);
	b->job = NULL;
	domain_unlock(b);
	invalidator_after(&inv, false, after, &calls);
	hold(false);
	assert_true(came(&calls, 1));
	assert_int_equal(forgot(ref_inode_lane0(&r)), 1);
	job_free(j);
}

static void what_did_not_change_is_kept(void **state)
{
	struct ref uuid = row(a, "uuid"), r = row(a, "autostart");
	struct watcher *w[2] = { 0 };

	(void)state;
	stat_row(&uuid);
	stat_row(&r);
	view_poll(&inv.views, &uuid, &w[0], 0, x_alloc(64));
	view_poll(&inv.views, &r, &w[1], 0, x_alloc(64));
	autostart(a, NULL);
	settle();
	assert_int_equal(fake.told, 1);
	assert_int_equal(fake.ntouched, 1);
	assert_string_equal(fake.touched[0], "a/autostart");
	assert_false(view_poll(&inv.views, &uuid, &w[0], 0, NULL));
	assert_true(view_poll(&inv.views, &r, &w[1], 0, NULL));
	domain_lock(a);
	domain_touch(a);
	domain_unlock(a);
	settle();
	assert_int_equal(fake.ntouched, 1);
	view_unwatch(&inv.views, w[0]);
	view_unwatch(&inv.views, w[1]);
}

static void touch(struct domain *d)
{
	domain_lock(d);
	domain_touch(d);
	domain_unlock(d);
}

/* What a reader is just told is thrown away when it is wrong, and not to be safe. */
static void what_is_being_rendered_is_waited_for(void **state)
{
	struct ref r = row(a, "autostart");
	const struct user root = { 0 };
	struct node_attr is;

	(void)state;
	stat_row(&r);
	settle();
	for (int i = 0; i < 50; i++) {
		node_attr(&r, &root, &is);
		view_tell(&inv.views, &r);
		touch(a);
		view_told(&inv.views, &r, &is);
		settle();
	}
	assert_int_equal(forgot(ref_inode_lane0(&r)), 0);
	view_tell(&inv.views, &r);
	is.text++;
	touch(a);
	view_told(&inv.views, &r, &is);
	settle();
	assert_int_equal(forgot(ref_inode_lane0(&r)), 1);
}

/* Who looked at it before the round could has seen another owner, and no other text. */
static void an_owner_is_no_text(void **state)
{
	struct ref r = row(a, "state"), ctl = row(a, "ctl"),
		   desk = { .model = world.model, .node = node_domain(), .domain = a };
	struct watcher *w[2] = { 0 };

	(void)state;
	stat_row(&r);
	stat_row(&ctl);
	stat_row(&desk);
	view_poll(&inv.views, &r, &w[0], 0, x_alloc(64));
	view_poll(&inv.views, &ctl, &w[1], 0, x_alloc(64));
	domain_lock(a);
	a->owner = 7;
	domain_unlock(a);
	stat_row(&r);
	stat_row(&ctl);
	touch(a);
	settle();
	assert_int_equal(forgot_pages(ref_inode_lane0(&r)), 1);
	assert_int_equal(forgot(ref_inode_lane0(&ctl)), 1);
	assert_int_equal(forgot(ref_inode_lane0(&desk)), 1);
	assert_int_equal(forgot_pages(ref_inode_lane0(&desk)), 0);
	assert_int_equal(fake.told, 0);
	assert_int_equal(fake.ntouched, 0);
	for (size_t i = 0; i < COUNT(w); i++) {
		assert_false(view_poll(&inv.views, i ? &ctl : &r, &w[i], 0, NULL));
		view_unwatch(&inv.views, w[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_is_read_after_the_kernel_forgot),        TEST(answers_wait_for_the_round),
		TEST(an_answer_waits_for_what_a_verb_has_just_done), TEST(what_did_not_change_is_kept),
		TEST(what_is_being_rendered_is_waited_for),          TEST(an_owner_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
