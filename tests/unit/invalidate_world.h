/*
 * A world for the tests of the invalidator: the kernel and the herald are played here. The kernel writes down what it is
 * to forget, and can be held while it reads a page; the herald's orders wait until the test takes and answers them.
 * Included by one test, which is one thread beside the invalidator's.
 */
#ifndef INVALIDATE_WORLD_H
#define INVALIDATE_WORLD_H

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
	bool pages[ASKED_MAX];         /* [lock] and what it had read of them */
	unsigned nforgot;              /* [lock] */
	unsigned told;                 /* [lock] pollers */
	bool hold;                     /* [lock] the kernel is reading a page */
	bool early;                    /* [lock] a line could be read while the kernel still held what was before it */
	struct text *events;           /* which lines; NULL: none */
	const char *line;
} fake = { .lock = LOCK_INIT };

int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len)
{
	(void)se, (void)len;
	lock_acquire(&fake.lock);
	if (fake.nforgot < ASKED_MAX) {
		fake.pages[fake.nforgot] = off >= 0;
		fake.forgot[fake.nforgot++] = ino;
	}
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

static inline void ask(int op, const char *name, const char *to, void (*done)(void *arg, int result), void *arg)
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
static inline struct asked asked_next(void)
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
static inline void after(void *arg)
{
	int *calls = arg; /* [fake.lock] */

	lock_acquire(&fake.lock);
	++*calls;
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

static inline bool came(const int *calls, int n)
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
static inline void settle(void)
{
	int calls = 0;

	invalidator_after(&inv, false, after, &calls);
	assert_true(came(&calls, 1));
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	(void)state;
	invalidator_stop(&inv);
	invalidator_free(&inv);
	world_end(&world);
	cond_destroy(&fake.cond);
	return 0;
}

static inline struct ref row(struct domain *d, const char *name)
{
	struct ref dir = { .model = world.model, .node = node_domain(), .domain = d }, r;

	assert_int_equal(node_lookup(&dir, name, &r), 0);
	domain_unref(r.domain);
	return r;
}

/* The kernel asks for R's attributes, and keeps them. */
static inline void stat_row(const struct ref *r)
{
	const struct user root = { 0 };
	struct node_attr is;

	view_tell(&inv.views, r);
	node_attr(r, &root, &is);
	assert_true(view_told(&inv.views, r, &is));
}

static inline void autostart(struct domain *d, const char *line)
{
	domain_lock(d);
	d->autostart = !d->autostart;
	domain_touch(d);
	if (line)
		event_emit(d, line, "%s", "");
	domain_unlock(d);
}

static inline void hold(bool on)
{
	lock_acquire(&fake.lock);
	fake.hold = on;
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

static inline unsigned forgot(uint64_t inode)
{
	unsigned n = 0;

	lock_acquire(&fake.lock);
	for (unsigned i = 0; i < fake.nforgot; i++)
		n += fake.forgot[i] == inode;
	lock_release(&fake.lock);
	return n;
}

static inline unsigned forgot_pages(uint64_t inode)
{
	unsigned n = 0;

	lock_acquire(&fake.lock);
	for (unsigned i = 0; i < fake.nforgot; i++)
		n += fake.forgot[i] == inode && fake.pages[i];
	lock_release(&fake.lock);
	return n;
}

static inline bool forgetting(void)
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

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
