/* What the kernel was shown: names, what became untrue, who is told, what is dirty. */
#include "fs/fuse.h"
#include "fs/view.h"
#include "tests/unit/model_world.h"

static struct world world;
static struct views vs;
static struct domain *a, *b, *c; /* a: from before; b, c: appeared, and have no directory */

static int setup(void **state)
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

static int teardown(void **state)
{
	(void)state;
	views_free(&vs);
	world_end(&world);
	return 0;
}

static struct view *view_for(const struct domain *d)
{
	struct view *v;

	lock_acquire(&vs.lock);
	v = table_get_n(&vs.by_serial, &d->serial, sizeof(d->serial));
	lock_release(&vs.lock);
	return v;
}

static struct ref row(struct domain *d, const char *name)
{
	struct ref dir = { .model = world.model, .node = node_domain(), .domain = d }, r;

	assert_int_equal(node_lookup(&dir, name, &r), 0);
	domain_unref(r.domain); /* the registry's is enough */
	return r;
}

static void touch(struct domain *d)
{
	domain_lock(d);
	domain_touch(d);
	domain_unlock(d);
}

static struct view *take(uint64_t *seq)
{
	struct view *first;

	lock_acquire(&vs.lock);
	first = views_take(&vs, seq);
	lock_release(&vs.lock);
	return first;
}

static void all_clean(void)
{
	uint64_t seq = UINT64_MAX;

	take(&seq);
	assert_null(vs.dirty);
}

static void make_late(struct view *v)
{
	lock_acquire(&vs.lock);
	view_late(&vs, v);
	lock_release(&vs.lock);
}

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

/* ---- names ---- */

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

/* ---- dirty ---- */

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
	assert_int_equal(vs.late, 2);
	assert_null(vs.dirty);
	lock_acquire(&vs.lock);
	views_retry(&vs);
	lock_release(&vs.lock);
	assert_int_equal(vs.late, 0);
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
	assert_int_equal(vs.late, 1);
	all_clean();
	assert_true(views_removed(&vs, "a", false));
	all_clean();
	view_remove(&vs, v);
	assert_null(view_for(a));
	assert_int_equal(vs.late, 0);
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

/* ---- rows ---- */

static struct node_attr attr(uint64_t text)
{
	return (struct node_attr){ .text = text, .uid = 1, .gid = 2, .mode = 0440, .mtime = { 5, 6 } };
}

static bool tell(const struct ref *r, uint64_t text)
{
	struct node_attr is = attr(text);

	view_tell(&vs, r);
	return view_told(&vs, r, &is);
}

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
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_ATTR);
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
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_ATTR);
	assert_int_equal(check(&r, &is), 0);
	tell_text(&r, 3);
	tell_text(&r, 1);
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_ATTR);
	tell_text(&r, 1);
	assert_int_equal(check(&r, &is), 0);
	other.uid++;
	view_tell(&vs, &r);
	assert_true(view_told(&vs, &r, &other));
	assert_int_equal(check(&r, &is), VIEW_TEXT | VIEW_ATTR);
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

static void who_writes(void **state)
{
	struct ref r = row(a, "mem");

	(void)state;
	assert_false(view_written(&vs, &r));
	tell(&r, 1);
	view_writer(&vs, &r, true);
	view_writer(&vs, &r, true);
	view_writer(&vs, &r, false);
	assert_true(view_written(&vs, &r));
	view_writer(&vs, &r, false);
	assert_false(view_written(&vs, &r));
}

/* ---- polling ---- */

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		TEST(a_round_is_whole_though_its_views_change),
		TEST(what_is_not_due_holds_lines_back),
		TEST(a_verb_that_goes_on_is_shown),
		TEST(late_ones_are_tried_again),
		TEST(a_view_goes_when_it_is_clean),
		TEST(the_last_lines_of_one_that_is_gone),
		TEST(what_the_kernel_may_keep),
		TEST(what_became_untrue),
		TEST(a_change_while_it_is_told),
		TEST(a_change_while_it_is_told_for_the_first_time),
		TEST(told_what_was_not_pushed_yet),
		TEST(the_time_is_that_of_the_text),
		TEST(the_rows_that_were_told),
		TEST(who_writes),
		TEST(a_change_is_told_once),
		TEST(before_the_first_poll_it_is_told_twice),
		TEST(every_watcher_is_told),
		TEST(a_domain_that_goes_while_it_is_polled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
