/*
 * What becomes readable when: the kernel forgets, the directories are put right, and only then anybody is told. The kernel and
 * the herald are played by the test.
 */
#include "fs/invalidate.h"

#include "tests/unit/model_world.h"

#define ASKED_MAX 64

/* What the herald was asked to do. */
struct asked {
	int op; /* enum herald_op; -1: what follows them */
	char name[300], to[300];
	void (*done)(void *arg, int result);
	void *arg;
};

static struct {
	struct lock lock;
	struct cond cond;
	struct asked asked[ASKED_MAX]; /* [lock] */
	unsigned n, at;                /* [lock] asked, and answered */
	char touched[ASKED_MAX][300];  /* [lock] */
	unsigned ntouched;             /* [lock] */
	uint64_t forgot[ASKED_MAX];    /* [lock] inodes that the kernel was to forget */
	unsigned nforgot;              /* [lock] */
	unsigned told;                 /* [lock] pollers */
	bool hold;                     /* [lock] the kernel is reading a page */
	bool early;                    /* [lock] a line could be read while the kernel still held what was before it */
	struct text *events;           /* which lines; NULL: none */
	const char *line;
} fake = { .lock = LOCK_INIT };

int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len)
{
	(void)se, (void)off, (void)len;
	lock_acquire(&fake.lock);
	if (fake.nforgot < ASKED_MAX)
		fake.forgot[fake.nforgot++] = ino;
	cond_broadcast(&fake.cond);
	while (fake.hold)
		cond_wait(&fake.cond, &fake.lock, 0);
	fake.early |= fake.events && text_has(fake.events, fake.line);
	lock_release(&fake.lock);
	return 0;
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
	(void)ph;
	lock_acquire(&fake.lock);
	fake.told++;
	lock_release(&fake.lock);
	return 0;
}

struct herald {
	int unused;
};

int herald_start(const char *mountpoint, struct herald **ret, struct err *e)
{
	static struct herald h;

	(void)mountpoint, (void)e;
	*ret = &h;
	return 0;
}

bool herald_is(const struct herald *h, pid_t tid)
{
	(void)h, (void)tid;
	return false;
}

static void ask(int op, const char *name, const char *to, void (*done)(void *arg, int result), void *arg)
{
	struct asked *q;

	lock_acquire(&fake.lock);
	assert_true(fake.n < ASKED_MAX);
	q = &fake.asked[fake.n++];
	*q = (struct asked){ .op = op, .done = done, .arg = arg };
	snprintf(q->name, sizeof(q->name), "%s", name);
	snprintf(q->to, sizeof(q->to), "%s", to ? to : "");
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

void herald_do(struct herald *h, enum herald_op op, const char *name, const char *to,
               void (*done)(void *arg, int result), void *arg)
{
	(void)h;
	ask((int)op, name, to, done, arg);
}

void herald_after(struct herald *h, void (*done)(void *arg, int result), void *arg)
{
	(void)h;
	ask(-1, "", NULL, done, arg);
}

void herald_settle(struct herald *h, uint64_t key)
{
	(void)h, (void)key;
}

void herald_touch(struct herald *h, uint64_t key, const char *path)
{
	(void)h, (void)key;
	lock_acquire(&fake.lock);
	if (fake.ntouched < ASKED_MAX)
		snprintf(fake.touched[fake.ntouched++], sizeof(fake.touched[0]), "%s", path);
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

/* The next that the herald was asked for. */
static struct asked asked_next(void)
{
	uint64_t deadline = clock_msec() + LIMIT;
	struct asked q = { .op = -2 };

	lock_acquire(&fake.lock);
	while (fake.at == fake.n && cond_wait(&fake.cond, &fake.lock, deadline))
		;
	if (fake.at < fake.n)
		q = fake.asked[fake.at++];
	lock_release(&fake.lock);
	return q;
}

void herald_stop(struct herald *h)
{
	(void)h;
	while (fake.at < fake.n) {
		struct asked q = asked_next();

		if (q.done)
			q.done(q.arg, -ECANCELED);
	}
}

/* ---- a world ---- */

static struct world world;
static struct invalidator inv;
static struct domain *a;

/* For invalidator_after(): counts. */
static void after(void *arg)
{
	int *calls = arg; /* [fake.lock] */

	lock_acquire(&fake.lock);
	++*calls;
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

static bool came(const int *calls, int n)
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool is;

	lock_acquire(&fake.lock);
	while (*calls < n && cond_wait(&fake.cond, &fake.lock, deadline))
		;
	is = *calls >= n;
	lock_release(&fake.lock);
	return is;
}

/* Nothing is under way any more, but what the herald has to do. */
static void settle(void)
{
	int calls = 0;

	invalidator_after(&inv, false, after, &calls);
	assert_true(came(&calls, 1));
}

static int setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	cond_init(&fake.cond);
	fake.n = fake.at = fake.ntouched = fake.nforgot = fake.told = 0;
	fake.hold = fake.early = false;
	fake.events = NULL;
	world = world_make();
	world_open(&world, &fake_backend);
	a = world_define(&world, "a", NULL);
	invalidator_init(&inv, world.model);
	assert_int_equal(invalidator_start(&inv, NULL, "/nowhere", &e), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	invalidator_stop(&inv);
	invalidator_free(&inv);
	world_end(&world);
	cond_destroy(&fake.cond);
	return 0;
}

static struct ref row(struct domain *d, const char *name)
{
	struct ref dir = { .model = world.model, .node = node_domain(), .domain = d }, r;

	assert_int_equal(node_lookup(&dir, name, &r), 0);
	domain_unref(r.domain);
	return r;
}

/* The kernel asks for R's attributes, and keeps them. */
static void stat_row(const struct ref *r)
{
	const struct user root = { 0 };
	struct node_attr is;

	view_tell(&inv.views, r);
	node_attr(r, &root, &is);
	assert_true(view_told(&inv.views, r, &is));
}

static void autostart(struct domain *d, const char *line)
{
	domain_lock(d);
	d->autostart = !d->autostart;
	domain_touch(d);
	if (line)
		event_emit(d, line, "%s", "");
	domain_unlock(d);
}

static void hold(bool on)
{
	lock_acquire(&fake.lock);
	fake.hold = on;
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

static unsigned forgot(uint64_t inode)
{
	unsigned n = 0;

	lock_acquire(&fake.lock);
	for (unsigned i = 0; i < fake.nforgot; i++)
		n += fake.forgot[i] == inode;
	lock_release(&fake.lock);
	return n;
}

static bool forgetting(void)
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool is;

	lock_acquire(&fake.lock);
	while (!fake.nforgot && cond_wait(&fake.cond, &fake.lock, deadline))
		;
	is = fake.nforgot;
	lock_release(&fake.lock);
	return is;
}

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

/* ---- rows ---- */

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

static void what_is_written_is_not_touched(void **state)
{
	struct ref r = row(a, "autostart");

	(void)state;
	stat_row(&r);
	view_writer(&inv.views, &r, true);
	autostart(a, NULL);
	settle();
	assert_int_equal(forgot(ref_inode_lane0(&r)), 1);
	assert_int_equal(fake.ntouched, 0);
	view_writer(&inv.views, &r, false);
	autostart(a, NULL);
	settle();
	assert_int_equal(fake.ntouched, 1);
}

/* ---- directories ---- */

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
	views_moved(&inv.views, "z");
	settle();
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_is_read_after_the_kernel_forgot),
		TEST(answers_wait_for_the_round),
		TEST(what_did_not_change_is_kept),
		TEST(what_is_written_is_not_touched),
		TEST(a_directory_comes_before_its_lines),
		TEST(seen_though_the_herald_cannot),
		TEST(nobody_is_in_a_users_way),
		TEST(a_directory_is_renamed),
		TEST(renamed_back_meanwhile),
		TEST(a_directory_goes),
		TEST(names_are_exchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
