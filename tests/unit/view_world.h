/*
 * A world for the tests of views: three domains, one that was there before the views and two that appeared since.
 * Included by one test, which is one thread.
 */
#ifndef VIEW_WORLD_H
#define VIEW_WORLD_H

#include "fs/fuse.h"
#include "fs/view.h"
#include "tests/unit/model_world.h"

static struct world world;
static struct views vs;
static struct domain *a, *b, *c; /* a: from before; b, c: appeared, and have no directory */

static inline int setup(void **state)
{
	(void)state;
	world = world_make();
	world_open(&world, &fake_backend);
	a = world_define(&world, "a", NULL);
	views_init(&vs, world.model);
	b = world_define(&world, "b", NULL);
	c = world_define(&world, "c", NULL);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	views_free(&vs);
	world_end(&world);
	return 0;
}

static inline struct view *view_for(const struct domain *d)
{
	struct view *v;

	lock_acquire(&vs.lock);
	v = table_get_n(&vs.by_serial, &d->serial, sizeof(d->serial));
	lock_release(&vs.lock);
	return v;
}

static inline struct ref row(struct domain *d, const char *name)
{
	struct ref dir = { .model = world.model, .node = node_domain(), .domain = d }, r;

	assert_int_equal(node_lookup(&dir, name, &r), 0);
	domain_unref(r.domain); /* the registry's is enough */
	return r;
}

static inline struct view *take(uint64_t *seq)
{
	struct view *first;

	lock_acquire(&vs.lock);
	first = views_take(&vs, clock_msec(), seq);
	lock_release(&vs.lock);
	return first;
}

static inline void all_clean(void)
{
	uint64_t seq = UINT64_MAX;

	take(&seq);
	assert_null(vs.dirty);
}

static inline void make_late(struct view *v)
{
	lock_acquire(&vs.lock);
	view_late(&vs, v);
	lock_release(&vs.lock);
}

/* What is told of a row whose text has the hash TEXT. */
static inline struct node_attr attr(uint64_t text)
{
	return (struct node_attr){ .text = text, .uid = 1, .gid = 2, .mode = 0440, .mtime = { 5, 6 } };
}

/* The kernel is told of R, from the look at it to the answer; whether it may keep that. */
static inline bool tell(const struct ref *r, uint64_t text)
{
	struct node_attr is = attr(text);

	view_tell(&vs, r);
	return view_told(&vs, r, &is);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
