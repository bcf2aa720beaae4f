/* The herald puts the directories right, and only then anybody is told of what became of their domains. */
#include "tests/unit/invalidate_world.h"

/* Answers what the herald is asked next, which is to be OP of NAME; what waits for earlier ones goes out before. */
static void herald_does(int op, const char *name, const char *to, int result)
{
	struct asked q = asked_next();

	for (; q.op == -1; q = asked_next())
		q.done(q.arg, 0);
	assert_int_equal(q.op, op);
	assert_string_equal(q.name, name);
	assert_string_equal(q.to, to);
	if (q.done)
		q.done(q.arg, result);
}

static bool asked_after(struct asked *q)
{
	bool is;

	lock_acquire(&fake.lock);
	is = fake.at < fake.n && fake.asked[fake.at].op == -1;
	if (is)
		*q = fake.asked[fake.at++];
	lock_release(&fake.lock);
	return is;
}

/* The herald has come to all directories: what waited for them goes out. */
static bool line_comes(struct text *t, const char *line)
{
	uint64_t deadline = clock_msec() + LIMIT;
	struct asked q;

	while (!text_has(t, line) && clock_msec() < deadline) {
		settle();
		while (asked_after(&q))
			q.done(q.arg, 0);
	}
	return text_has(t, line);
}

/* The herald and its helper do all they are asked, until D is found by NAME. */
static bool herald_serves(struct domain *d, const char *name)
{
	uint64_t deadline = clock_msec() + LIMIT;
	struct views *vs = &inv.views;
	struct domain *is = NULL;
	struct asked q;
	bool done = true;

	while (is != d && clock_msec() < deadline) {
		settle();
		is = views_find(vs, name, true);
		domain_unref(is);
		if (is == d)
			break;
		q = asked_next();
		if (q.op == HERALD_MKDIR)
			done = views_made(vs, q.name, NULL);
		else if (q.op == HERALD_RMDIR)
			done = views_removed(vs, q.name, true);
		else if (q.op == HERALD_RENAME)
			done = views_renamed(vs, q.name, q.to);
		assert_true(q.op != -2);
		if (q.done)
			q.done(q.arg, done ? 0 : -ENOENT);
	}
	return is == d;
}

static struct domain *found(const char *name)
{
	struct domain *d = views_find(&inv.views, name, false);

	domain_unref(d);
	return d;
}

static void a_directory_comes_before_its_lines(void **state)
{
	struct domain *b = world_define(&world, "b", NULL);
	struct asked q = asked_next();
	int calls = 0;

	(void)state;
	assert_int_equal(q.op, HERALD_MKDIR);
	assert_string_equal(q.name, "b");
	assert_null(found("b"));
	invalidator_after(&inv, true, after, &calls);
	settle();
	assert_int_equal(calls, 0);
	assert_false(text_has(&b->events, "define"));
	assert_true(views_made(&inv.views, "b", NULL));
	q.done(q.arg, 0);
	assert_ptr_equal(found("b"), b);
	assert_true(line_comes(&b->events, "define"));
	for (settle(); asked_after(&q); settle())
		q.done(q.arg, 0);
	assert_true(came(&calls, 1));
	lock_acquire(&inv.views.lock);
	assert_int_equal(inv.naming, 0); /* who comes now waits for nobody */
	lock_release(&inv.views.lock);
}

static void seen_though_the_herald_cannot(void **state)
{
	struct domain *b = world_define(&world, "b", NULL);

	(void)state;
	herald_does(HERALD_MKDIR, "b", "", -ETIMEDOUT);
	assert_ptr_equal(found("b"), b);
	settle();
	assert_int_equal(forgot(FUSE_ROOT_ID), 1); /* the listing */
	assert_true(line_comes(&b->events, "define"));
}

/* Those who were told that it is gone do not find it in a listing. */
static void gone_though_the_herald_cannot(void **state)
{
	struct ref root = { .model = world.model, .node = &nodes[0] };
	struct node_attr before = { 0 }, is = { 0 };

	(void)state;
	domain_ref(a);
	assert_true(view_told(&inv.views, &root, &before));
	fake.events = &a->events;
	fake.line = "undefine";
	assert_int_equal(world_call(&world, a, 0, "undefine", call_undefine, NULL), 0);
	herald_does(HERALD_UNLINK, "a/state", "", -ETIMEDOUT);
	herald_does(HERALD_UNLINK, "a/status", "", -ETIMEDOUT);
	herald_does(HERALD_RMDIR, "a", "", -ETIMEDOUT);
	assert_true(line_comes(&a->events, "undefine"));
	assert_false(fake.early);
	assert_int_equal(forgot(FUSE_ROOT_ID), 1);
	assert_int_equal(forgot_pages(FUSE_ROOT_ID), 0); /* somebody may hold them */
	assert_true(view_told(&inv.views, &root, &is));  /* so it is by its time that they are known to be old */
	assert_memory_not_equal(&is.mtime, &before.mtime, sizeof(is.mtime));
	domain_unref(a);
}

static void nobody_is_in_a_users_way(void **state)
{
	struct domain *b;

	(void)state;
	assert_true(views_begin(&inv.views, "b"));
	b = world_define(&world, "b", NULL);
	settle();
	assert_int_equal(fake.n, 0);
	assert_true(text_await(&b->events, "define"));
	views_made(&inv.views, "b", b);
	views_done(&inv.views, "b");
	settle();
	assert_int_equal(fake.n, 0);
	assert_ptr_equal(found("b"), b);
}

static void a_directory_is_renamed(void **state)
{
	(void)state;
	assert_int_equal(world_call(&world, a, 0, "rename z", call_rename, "z"), 0);
	herald_does(HERALD_RENAME, "a", "z", -ETIMEDOUT);
	assert_ptr_equal(found("z"), a); /* all the same, by who asks */
	assert_null(found("a"));
	assert_int_equal(forgot(FUSE_ROOT_ID), 0);
	views_moved(&inv.views, "z");
	settle();
	assert_int_equal(forgot(FUSE_ROOT_ID), 1); /* it had listed the old one */
	assert_ptr_equal(found("z"), a);
	assert_true(line_comes(&a->events, "rename"));
}

/* While the herald is at it, the domain gets its old name back: who is answered then finds it by that. */
static void renamed_back_meanwhile(void **state)
{
	static const int results[] = { -ENOENT, -ETIMEDOUT, 0 };
	struct asked q, r;
	int calls;

	(void)state;
	for (size_t i = 0; i < COUNT(results); i++) {
		calls = 0;
		assert_int_equal(world_call(&world, a, 0, "rename z", call_rename, "z"), 0);
		for (q = asked_next(); q.op == -1; q = asked_next())
			q.done(q.arg, 0);
		assert_int_equal(q.op, HERALD_RENAME);
		assert_true(results[i] || views_renamed(&inv.views, "a", "z"));
		assert_int_equal(world_call(&world, a, 0, "rename a", call_rename, "a"), 0);
		settle();
		invalidator_after(&inv, true, after, &calls);
		assert_int_equal(calls, 0);
		q.done(q.arg, results[i]);
		assert_ptr_equal(found("a"), a);
		assert_null(found("z"));
		for (settle(); asked_after(&r); settle())
			r.done(r.arg, 0);
		assert_true(herald_serves(a, "a"));
		settle();
		while (asked_after(&r))
			r.done(r.arg, 0);
		assert_true(came(&calls, 1));
		assert_ptr_equal(found("a"), a);
	}
}

static void a_directory_goes(void **state)
{
	struct ref r = row(a, "state");
	struct watcher *w = NULL;
	uint64_t serial = a->serial, inode = ref_inode_lane0(&r);

	(void)state;
	stat_row(&r);
	assert_false(view_poll(&inv.views, &r, &w, 0, x_alloc(64)));
	domain_ref(a);
	assert_int_equal(world_call(&world, a, 0, "undefine", call_undefine, NULL), 0);
	herald_does(HERALD_UNLINK, "a/state", "", 0);
	assert_int_equal(forgot(inode), 1);
	assert_int_equal(fake.told, 1);
	assert_int_equal(fake.ntouched, 0);
	herald_does(HERALD_UNLINK, "a/status", "", 0);
	assert_true(views_removed(&inv.views, "a", true));
	herald_does(HERALD_RMDIR, "a", "", 0);
	settle();
	assert_null(views_find_serial(&inv.views, serial));
	assert_true(view_poll(&inv.views, &r, &w, 0, NULL));
	view_unwatch(&inv.views, w);
	domain_unref(a);
}

/* Two domains change names: they step aside, or neither could ever be renamed. */
static void names_are_exchanged(void **state)
{
	struct domain *b = world_define(&world, "b", NULL);
	struct ref r = row(a, "autostart");

	(void)state;
	assert_true(herald_serves(b, "b"));
	stat_row(&r);
	hold(true); /* the three are one change */
	autostart(a, NULL);
	assert_true(forgetting());
	assert_int_equal(world_call(&world, a, 0, "rename x", call_rename, "x"), 0);
	assert_int_equal(world_call(&world, b, 0, "rename a", call_rename, "a"), 0);
	assert_int_equal(world_call(&world, a, 0, "rename b", call_rename, "b"), 0);
	hold(false);
	assert_true(herald_serves(a, "b"));
	assert_true(herald_serves(b, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_directory_comes_before_its_lines),
		TEST(seen_though_the_herald_cannot),
		TEST(gone_though_the_herald_cannot),
		TEST(nobody_is_in_a_users_way),
		TEST(a_directory_is_renamed),
		TEST(renamed_back_meanwhile),
		TEST(a_directory_goes),
		TEST(names_are_exchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
