/*
 * What the kernel has been shown of each domain: the name of its directory, and of each row that it may keep, what it
 * was told. The tree's root has the names that are here, not the model's: a directory that another hand than mkdir(2),
 * rmdir(2) or rename(2) makes, renames or removes changes when the helper's call comes through the kernel (herald.h), so that
 * inotify sees it. Who renders tells what (view_told), the invalidator finds what became untrue (view_check) and
 * only the invalidator removes a view. Any thread; of the locks only the model's order of event lines is taken below this one.
 */
#ifndef VIEW_H
#define VIEW_H

#include "fs/node.h"

struct fuse_pollhandle;

/* A row that the kernel may keep, as it was told last. */
struct slot {
	uint32_t key;     /* row and device */
	uint32_t changes; /* of its text, all of them pushed: each is one POLLPRI */
	uint64_t text, attr;
	struct timespec mtime; /* of the text */
	unsigned telling;      /* how many render it, and what they take may be old by now */
	uint32_t told;         /* how many have */
	unsigned char mixed;   /* VIEW_TEXT, VIEW_ATTR: the kernel was told something else meanwhile */
	unsigned char checked; /* as well: what had changed by the last check, while it was rendered */
};

/* An open file that was polled, in the list of its view. [lock] throughout; its file frees it. */
struct watcher {
	struct watcher *next, **link; /* link NULL: the view is no more */
	uint32_t key, seen;
	bool polled;
	struct fuse_pollhandle *ph; /* owned */
};

struct view {
	struct domain *domain;    /* [I] a reference */
	struct view *next;        /* [lock] in the list of dirty ones */
	struct view *taken;       /* the round's: in the list of those that it is at, and that may be dirty again */
	struct view *later;       /* [lock] in the list of late ones */
	char *name;               /* [lock] of its directory; NULL: it has none (yet, or any more) */
	char *alias;              /* [lock] what it should be called by now, and is for those who ask; NULL: the same */
	struct slot *slots;       /* [lock] */
	unsigned nslots;          /* [lock] */
	struct watcher *watchers; /* [lock] */
	uint64_t seq;             /* [lock] dirty: event lines above it may be about what is not pushed yet */
	uint64_t due;             /* [lock] dirty: when it is to be looked at, clock_msec */
	bool dirty;               /* [lock] */
	bool busy;                /* [lock] the herald is at its directory */
	bool late;                /* [lock] its directory could not be put right: to be tried again */
	bool over;                /* [lock] the domain is gone, and all who look have been told */
};

struct views {
	struct lock lock;
	struct cond work;       /* something is dirty */
	struct model *model;    /* [I] */
	struct table by_serial; /* [lock] -> struct view */
	struct table by_name;   /* [lock] names in use -> struct view */
	struct table making;    /* [lock] names that are being made, removed, renamed: who does it is in the value */
	struct view *dirty, **last; /* [lock] in the order in which they became so */
	uint64_t due;               /* [lock] of the soonest of them, or earlier; UINT64_MAX: there is none */
	uint64_t wakes;    /* [lock] when who waits for `work` looks by itself: for what is due later it is not woken */
	struct view *late; /* [lock] */
	uint64_t retry;    /* [lock] when they are tried again; UINT64_MAX: there is none */
	bool lines;        /* [lock] event lines wait that no dirty view stands for */
	bool listing;      /* [lock] names in the root changed, and the kernel does not know */
	unsigned names;    /* [lock] grows as they come and go */
	struct timespec listed; /* [lock] when it was told so last: the root's time */
	unsigned waiting;       /* [lock] for a row to be rendered */
	struct cond rendered;
};

/* Shows all the domains that there are, and is told of changes from now on. */
void views_init(struct views *vs, struct model *m);
void views_free(struct views *vs); /* all is published, nothing is followed any more */

/* ---- names ---- */

/* The domain whose directory is NAME, a reference, or NULL. One that is gone has a name for the helper only. */
struct domain *views_find(struct views *vs, const char *name, bool helper);
struct domain *views_find_serial(struct views *vs, uint64_t serial);       /* a reference, or NULL */
bool views_name(struct views *vs, const struct domain *d, char name[256]); /* false: it is not shown */

/*
 * The kernel itself is at NAME, by a user's mkdir(2), rmdir(2) or rename(2): nobody else touches it until views_done().
 * False when the herald is there already.
 */
bool views_begin(struct views *vs, const char *name);
void views_done(struct views *vs, const char *name);

/*
 * The kernel makes the directory NAME for D (NULL: the one that the herald makes it for), removes it, or renames it. HERALD:
 * only if that is what the herald is at, or has been for too long. False: it is not so, or any more.
 */
bool views_made(struct views *vs, const char *name, struct domain *d);
bool views_removed(struct views *vs, const char *name, bool herald);
bool views_renamed(struct views *vs, const char *from, const char *to);

/* The kernel took NAME from a lookup: where it was an alias, it has renamed the directory by that. */
void views_moved(struct views *vs, const char *name);

/* ---- rows ---- */

/* May the kernel keep what it is told of R? */
bool view_keeps(const struct ref *r);

/* R is about to be rendered: what is checked until view_told() or view_told_text() counts as untrue. */
void view_tell(struct views *vs, const struct ref *r);

/* The kernel is about to be told A of R. A's mtime becomes that of its text. True: it may keep it. */
bool view_told(struct views *vs, const struct ref *r, struct node_attr *a);
void view_told_text(struct views *vs, const struct ref *r, uint64_t text);

/* The slot at *AT (counted on): R (which borrows V's domain) is its row. False at the end. */
bool view_slot(struct views *vs, struct view *v, unsigned *at, struct ref *r);

/* R's slot against A, which is true now: what became untrue. */
enum { VIEW_TEXT = 1, VIEW_ATTR = 2, VIEW_TELLING = 4 };
unsigned view_check(struct views *vs, struct view *v, const struct ref *r, const struct node_attr *a);

/* Until what was being rendered of R, as view_check() has seen, is known; a second at most. Never on the loop. */
void view_wait(struct views *vs, struct view *v, const struct ref *r);

/* R's changed text was pushed: *N pollhandles that are to be told; they and the array are the caller's. */
struct fuse_pollhandle **view_pushed(struct views *vs, struct view *v, const struct ref *r, size_t *n);

/* ---- polling ---- */

/* How often R's text has changed: what an open file has seen at its beginning. */
uint32_t view_changes(struct views *vs, const struct ref *r);

/* Has R's text changed since it was asked last for this file? *W is the file's, NULL at first; PH (may be NULL) is kept. */
bool view_poll(struct views *vs, const struct ref *r, struct watcher **w, uint32_t seen, struct fuse_pollhandle *ph);
void view_unwatch(struct views *vs, struct watcher *w); /* accepts NULL */

/* ---- for the invalidator ---- */

/* Dirty ones that are due at NOW: a list by `taken`; they are clean then. *SEQ is lowered to what may be told without the rest. */
struct view *views_take(struct views *vs, uint64_t now, uint64_t *seq) NEEDS(vs->lock);
void view_dirty(struct views *vs, struct view *v) NEEDS(vs->lock);
void view_late(struct views *vs, struct view *v) NEEDS(vs->lock);
/* Who else has NAME and needs it. */
struct view *view_holder(struct views *vs, const struct view *v, const char *name) NEEDS(vs->lock);
void view_named(struct views *vs, struct view *v, const char *name)
	NEEDS(vs->lock); /* so its directory is called now */
void view_nameless(struct views *vs, struct view *v) NEEDS(vs->lock);
void view_alias(struct views *vs, struct view *v, const char *name) NEEDS(vs->lock); /* NULL: none */
void views_retry(struct views *vs) NEEDS(vs->lock); /* those that are late become dirty */
void view_remove(struct views *vs, struct view *v); /* out of the tables, and freed */
/* Are there names in the root that the kernel does not know? It is about to be told then: the root gets a later time. */
bool views_relist(struct views *vs) NEEDS(vs->lock);

#endif
