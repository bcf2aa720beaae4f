/*
 * The domain model: what the daemon knows. Every file of the tree is rendered from it, every verb changes it through a
 * backend. Facts about running guests enter by the sink only (sink.c), which the backend's monitor thread calls.
 *
 * Locks, in order: the disk's (model->disk), the registry's (model->lock), a domain's, the follower's (model->follow), the
 * event lines' (model->order), leaves. [I] immutable after creation, [r] the registry's lock, [d] the domain's, [f] the
 * follower's, [e] the event lines', [w] wait.c's, [a] atomic, [t] the text's own. Only under the disk's lock, which the loop and
 * the monitor never take, is anything waited for. A struct domain lives while it is referenced; one that is no longer
 * registered has gone set.
 */
#ifndef MODEL_H
#define MODEL_H

#include "backend.h"
#include "hypervisor/model/device_names.h"
#include "hypervisor/model/holders.h"
#include "hypervisor/model/jobs.h"
#include "hypervisor/model/text.h"
#include "table.h"

struct store;
struct folder;

#define REASON_TEXT 48

enum tuned {
	TUNED_MEMORY = 1,
	TUNED_MAXMEM = 2,
	TUNED_VCPUS = 4,
	TUNED_SCHED = 8,
	TUNED_PINS = 16,
	TUNED_SOFT = 32,
};

struct domain {
	struct lock lock;
	struct cond changed; /* broadcast when a [d] field changed that somebody may wait for */
	struct model *model; /* [I] */
	uint64_t serial;     /* [I] once registered; never used before or again: the inode's */
	atomic_uint refs;
	bool gone; /* [d] unregistered */

	char *name;         /* [d], and [r] to change */
	char *called;       /* [d] another tool's name for its guest, which it is to get too; NULL: none */
	struct uuid uuid;   /* [d] */
	uid_t owner;        /* [d] */
	gid_t group;        /* [d] */
	mode_t mode;        /* [d] permission bits of the directory */
	char *tags, *notes; /* [d] never NULL */
	bool autostart;     /* [d] */

	char *config;         /* [d] the desired text, never NULL */
	size_t config_len;    /* [d] */
	uint64_t config_hash; /* [d] */
	struct spec *spec;    /* [d] of the last valid text; never NULL */
	bool rejected;        /* [d] the last text offered was not valid */

	enum domain_state state;  /* [d] changed by domain_set_state() only */
	char reason[REASON_TEXT]; /* [d] one word */
	struct timespec since;    /* [d] of state */
	struct timespec started;  /* [d] zero when off */
	enum end ended;           /* [d] how it ended when ended_held or off */
	bool ended_held;          /* [d] its memory is still there */
	unsigned boots;           /* [d] counts starts, restarts and resets */
	int id;                   /* [d] -1 off */
	bool foreign;             /* [d] made by another tool */
	bool orphan;              /* [d] its file is gone: leaves when off */
	bool restarting;          /* [d] off for a moment only: a policy is about to start it again */
	bool restart_found;       /* [d] its folder says that it was when the daemon before ended */
	struct guest *guest;      /* [d] the backend's handle; NULL off. Use guest_get() */
	unsigned guest_users;     /* [d] calls on it that are under way */
	bool guest_gone;          /* [d] nothing of it is left: to be forgotten when nobody uses it */
	struct spec *live;        /* [d] in force; NULL off */
	struct spec *coming;      /* [d] will be in force when a device has been attached; NULL: none is being */
	struct spec *unchanged;   /* [d] what was in force before its devices were changed; NULL: they were not */
	struct spec *told;        /* [d] what another tool made of its devices while they are being changed */
	bool changing;            /* [d] they are */
	struct device_names device_names[DEVICE_KINDS]; /* [d] */
	struct timespec unchanged_of;                   /* [d] when the guest was started that unchanged is of */
	uint64_t mem_target, mem_actual;                /* [d] MiB */
	uint64_t mem_max;                               /* [d] MiB that the guest was started for; 0 off */
	unsigned vcpus;                                 /* [d] online */
	unsigned tuned;   /* [d] bits of enum tuned: changed at run time, not yet in the configuration */
	char display[64]; /* [d] address of the VNC server, "" none */

	struct held held;   /* [d] holders_update()'s */
	struct job *job;    /* [d] the changing operation under way */
	struct wait *waits; /* [w] those who wait for a state of it */

	struct counters counters;           /* [d] the last sample */
	struct counters before;             /* [d] one at least a second older, for cpu_percent */
	uint64_t sampled_msec, before_msec; /* [d] when, by the clock that nobody sets; 0 never */
	atomic_bool sampling;

	atomic_ullong generation;                  /* raised with every change of a fact */
	struct text console, events, history, log; /* [t] */
};

struct model {
	struct lock disk; /* what lies in the two folders and what the model says of it change together */
	struct lock lock;
	const struct backend_ops *ops;    /* [I] */
	struct backend *backend;          /* [I] */
	struct sink sink;                 /* [I] the backend may keep the pointer */
	struct table by_name;             /* [r] */
	struct domain **by_serial;        /* [r] sorted by serial, `domains` of them */
	size_t domains, room;             /* [r] */
	struct holders holders;           /* by a lock of its own */
	struct store *store;              /* [I] */
	struct folder *folder;            /* [I] */
	struct text events, history, log; /* [t] */
	struct lock order;                /* SEQ and order agree, as lines of all domains pass this lock */
	uint64_t seq;                     /* [e] of the last event */
	struct line *held, *held_last;    /* [e] event lines that are not to be read yet */
	struct lock noting;               /* a leaf: the next two */
	struct line *noted, *noted_last;  /* lines of history that are not on disk yet */
	struct timespec started;          /* [I] the daemon's */
	atomic_bool scanning;             /* the first reading of the configuration folder */
	atomic_bool policies;             /* ends are acted upon */
	atomic_bool closing;              /* nothing new is begun, handles of guests are left to the backend */
	struct lock follow;               /* held while who follows is told */
	void (*on_change)(void *arg, struct domain *d); /* [f] set by model_follow() */
	void *on_change_arg;                            /* [f] */
};

struct model_config {
	const struct backend_ops *ops;
	struct backend_config backend;
	const char *config_dir, *state_dir;
};

/*
 * Take the singleton lock, read the state folder and the configuration folder, open the backend and adopt what runs. 0 or -errno;
 * *ret is the only model of the process. model_run() then starts what is to watch and applies policies and autostart.
 */
int model_open(const struct model_config *c, struct model **ret, struct err *e);
int model_run(struct model *m, struct err *e);

/* Stop what is under way and who waits, begin nothing new by itself: to be called before the pool is drained. */
void model_stop(struct model *m);
void model_close(struct model *m); /* guests run on; accepts NULL */

/* ---- registry.c ---- */
struct domain *domain_ref(struct domain *d);
void domain_unref(struct domain *d);                                /* accepts NULL */
struct domain *model_find(struct model *m, const char *name);       /* a reference, or NULL */
struct domain *model_find_serial(struct model *m, uint64_t serial); /* a reference, or NULL */
struct domain *model_find_uuid(struct model *m, const struct uuid *u);
struct domain *model_next(struct model *m,
                          uint64_t after); /* the first with a serial above AFTER; a reference, or NULL */
char *domain_name(struct domain *d);       /* a copy, the caller's */

/* ---- what may be asked of a domain ---- */
bool domain_on(const struct domain *d) NEEDS(d->lock);      /* a guest exists */
bool domain_pending(const struct domain *d) NEEDS(d->lock); /* live and config differ */
bool user_in_group(const struct user *u, gid_t g);
bool domain_may(struct domain *d, const struct user *u,
                int r4w2); /* by the directory's owner, group and mode; root may */

/* ---- state.c: the one setter, and those who wait ---- */

/* Asserts that the step is legal; sets since, raises the generation, wakes waiters, emits the event. */
void domain_set_state(struct domain *d, enum domain_state s, const char *reason) NEEDS(d->lock);
/* Facts change while the lock is held: raises the generation, wakes who waits on `changed`, tells on_change. Before the event. */
void domain_touch(struct domain *d) NEEDS(d->lock);
/*
 * FN is told that facts of D are changing, that it came, goes or gets another name, and that a line of its events is held: with
 * D's lock held, and of a change before any event line about it. It may ask for model_last_event(), and takes no lock but
 * its own. With NULL FN no call is under way any more when it returns, and every line is published.
 */
void model_follow(struct model *m, void (*fn)(void *arg, struct domain *d), void *arg);
void domain_lock(struct domain *d) ACQUIRES(d->lock);
void domain_unlock(struct domain *d) RELEASES(d->lock);

/*
 * wait.c: a wait is an entry in a list, not a thread. READY is called with the domain's lock held; DONE once, on a pool
 * thread, with 0, -ETIMEDOUT, what wait_stop() gave, -ENOENT when the domain is no more, or -ECANCELED when the model closes.
 * The owner frees it after DONE.
 */
struct wait {
	struct wait *next, **link;               /* among all */
	struct wait *next_beside, **link_beside; /* among the domain's */
	struct domain *domain;                   /* a reference, while listed */
	bool (*ready)(struct domain *, const struct wait *);
	void (*done)(struct wait *, int result);
	unsigned states, boots; /* for ready */
	uint64_t deadline;      /* clock_msec; 0 never */
	bool cancellable;       /* the verb `cancel` ends it with -ECANCELED: it is what is left of another verb */
	int result;
	bool listed;
};
void domain_wait(struct domain *d, struct wait *w); /* DONE may come before it returns */
void wait_stop(struct wait *w, int result);         /* harmless when done already */
void wait_check(struct domain *d) NEEDS(d->lock);   /* after a change: completes the waits that are ready */

/* Block this (pool) thread until *d is in one of STATES, J is stopped or its deadline passed. */
int domain_await(struct domain *d, unsigned states, const struct job *j, struct err *e);

/* ---- guests ---- */
struct guest *guest_get(struct domain *d, struct err *e); /* -EHOSTDOWN in *e and NULL when off */
void guest_put(struct domain *d);

/* ---- events.c ---- */
void event_emit(struct domain *d, const char *name, const char *fmt, ...) NEEDS(d->lock)
	__attribute__((format(printf, 3, 4)));
void event_state(struct domain *d, const char *name) NEEDS(d->lock); /* since D has its state */

/*
 * While somebody follows, event_emit() gives a line its SEQ, but it is read, in the events of its domain and of all, only after
 * model_publish(): up to SEQ, in order; no domain's lock held.
 */
uint64_t model_last_event(struct model *m);
void model_publish(struct model *m, uint64_t seq);

/*
 * One line to the domain's (or with NULL the root's) history and to the disk. In two steps: once it is noted it can be read, and
 * history_save() blocks until all that was noted is on disk; whoever noted calls it, if only after he has answered.
 */
void history_add(struct model *m, struct domain *d, const struct caller *c, const char *command, int code,
                 const char *sentence);
void history_note(struct model *m, struct domain *d, const struct caller *c, const char *command, int code,
                  const char *sentence);
void history_save(struct model *m);
void domain_log(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- sample.c ---- */

/* A sample at most a second old if the backend gives one, else the last. Not on the loop. */
void domain_sample(struct domain *d, struct counters *ret);

extern const struct sink model_sink;

#endif
