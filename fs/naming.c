#include "fs/naming.h"

#include <stdlib.h>
#include <string.h>

#include "fs/dirname.h"
#include "fs/invalidate.h"

/* An operation of the herald's for the view of DOMAIN. */
struct naming {
	struct invalidator *inv;
	enum herald_op op;
	struct domain *domain;   /* a reference */
	char name[DIRNAME_TEXT]; /* that is being made, removed, or taken */
};

/* WANT: what V is to be called by now, which need not be what the herald was told; NULL: it is gone. */
static void naming_ended(struct invalidator *inv, struct view *v, const struct naming *n, int result, const char *want)
	NEEDS(inv->views.lock)
{
	if (table_get(&inv->views.making, n->name) == v)
		table_del(&inv->views.making, n->name);
	v->busy = false;
	if (result && n->op == HERALD_MKDIR && want && !v->name && !view_holder(&inv->views, v, want)) {
		view_named(&inv->views, v, want); /* seen by whoever asks for it, though not by inotify */
		inv->views.listing = true;
	} else if (result && v->over) {
		inv->views.listing |= v->name != NULL;
		view_nameless(&inv->views, v); /* what the kernel still has of it is ESTALE */
	} else if (result) {
		view_late(&inv->views, v);
	}
	if (v->name && want) /* those who waited for the herald are answered before the next round */
		view_alias(&inv->views, v, want);
	if (!v->late)
		view_dirty(&inv->views, v);
	if (!result) /* a name has become free */
		views_retry(&inv->views);
}

static void naming_done(void *arg, int result)
{
	struct naming *n = arg;
	struct invalidator *inv = n->inv;
	struct domain *d = n->domain;
	char want[DIRNAME_TEXT];
	struct view *v;
	bool named;

	lock_acquire(&d->lock); /* it keeps its name meanwhile */
	named = !d->gone && dirname_encode(d->name, want);
	lock_acquire(&inv->views.lock);
	inv->naming--;
	v = table_get_n(&inv->views.by_serial, &d->serial, sizeof(d->serial));
	if (v)
		naming_ended(inv, v, n, result, named ? want : NULL);
	lock_release(&inv->views.lock);
	lock_release(&d->lock);
	domain_unref(d);
	free(n);
}

static void herald_name(struct invalidator *inv, const struct view *v, enum herald_op op, const char *name,
                        const char *to)
{
	struct naming *n = x_alloc(sizeof(*n));
	const char *rows[] = { "state", "status" }; /* those that are watched are told of their end */
	char *path;

	*n = (struct naming){ .inv = inv, .op = op, .domain = domain_ref(v->domain) };
	memcpy(n->name, to ? to : name, strlen(to ? to : name) + 1);
	for (size_t i = 0; op == HERALD_RMDIR && v->over && i < COUNT(rows); i++) {
		path = x_printf("%s/%s", name, rows[i]);
		herald_do(inv->herald, HERALD_UNLINK, path, NULL, NULL, NULL);
		free(path);
	}
	herald_do(inv->herald, op, name, to, naming_done, n);
}

/* Somebody else needs the name, or is just making or leaving it. The herald comes to what leaves first. */
static bool is_taken(struct views *vs, const struct view *v, const char *name) NEEDS(vs->lock)
{
	void *maker = table_get(&vs->making, name);

	return view_holder(vs, v, name) || maker == vs || (maker && maker != v && !((struct view *)maker)->over);
}

/* What the herald is to do that V's directory be called WANT (NULL: be gone). False: nothing, or not yet. */
static bool name_step(struct views *vs, struct view *v, const char *want, enum herald_op *op, char name[DIRNAME_TEXT])
	NEEDS(vs->lock)
{
	if (v->busy || (!v->name && !want))
		return false;
	if (v->name && want && !strcmp(v->name, want)) {
		view_alias(vs, v, NULL);
		return false;
	}
	if (v->name && table_get(&vs->making, v->name) == vs) {
		view_late(vs, v);
		return false;
	}
	if (want && is_taken(vs, v, want)) {
		if (!v->name || !view_holder(vs, v, want)) {
			view_late(vs, v);
			return false;
		}
		want = NULL; /* two that change names with each other: one of them steps aside */
	}
	*op = !want ? HERALD_RMDIR : v->name ? HERALD_RENAME : HERALD_MKDIR;
	memcpy(name, v->name ? v->name : want, strlen(v->name ? v->name : want) + 1);
	table_put(&vs->making, want ? want : v->name, v);
	v->busy = true;
	return true;
}

bool naming_look(struct invalidator *inv, struct view *v)
{
	struct domain *d = v->domain;
	char want[DIRNAME_TEXT], name[DIRNAME_TEXT];
	enum herald_op op;
	bool gone, step, over;

	lock_acquire(&d->lock);
	gone = d->gone || !dirname_encode(d->name, want);
	lock_release(&d->lock);
	lock_acquire(&inv->views.lock);
	step = name_step(&inv->views, v, gone ? NULL : want, &op, name);
	inv->naming += step;
	over = v->over && !v->busy && !v->name;
	lock_release(&inv->views.lock);
	if (step)
		herald_name(inv, v, op, name, op == HERALD_RENAME ? want : NULL);
	return over;
}
