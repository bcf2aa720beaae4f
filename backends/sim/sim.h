/*
 * The simulator: guests that are a few fields in memory, faults and delays from the options, a clock that tests move.
 * One lock (a leaf) protects what is marked [s]. Only the monitor thread changes a guest and tells the sink, for which
 * it lets go of the lock. A changing call is a request: it waits among the timers until its delay has passed, then the
 * monitor carries it out; its caller waits for that on an eventfd beside the job's cancel descriptor.
 * A guest is freed by forget(), by the monitor when the sink had refused it, or by close() with all that are left.
 */
#ifndef SIM_H
#define SIM_H

#include <stddef.h>

#include "backend.h"
#include "buf.h"
#include "lock.h"

#define SIM_CPUS 8               /* of the host that is simulated */
#define SIM_MEMORY (1024 * 1024) /* MiB, unless total= says otherwise */
#define SIM_DOMAINS_MAX 100000
#define SIM_INPUT_MAX 4096 /* bytes typed and not read by the guest yet */
#define SIM_LINE_MAX 256
#define SIM_NEVER UINT64_MAX

/* Everything that a fault can be set on. Those with carry_out in sim_verbs go through sim_request_run(). */
enum verb {
	VERB_START,
	VERB_DESTROY,
	VERB_SHUTDOWN,
	VERB_REBOOT,
	VERB_RESET,
	VERB_PAUSE,
	VERB_UNPAUSE,
	VERB_TRIGGER,
	VERB_SYSRQ,
	VERB_SET_MEMORY,
	VERB_SET_MAXMEM,
	VERB_SET_VCPUS,
	VERB_PIN,
	VERB_PIN_SOFT,
	VERB_SET_SCHED,
	VERB_DUMP_CORE,
	VERB_RENAME,
	VERB_DISK_ATTACH,
	VERB_DISK_DETACH,
	VERB_DISK_MEDIA,
	VERB_VIF_ATTACH,
	VERB_VIF_DETACH,
	VERB_ADOPT,
	VERB_HOST,
	VERB_CHECK,
	VERB_COUNTERS,
	VERB_DISK_COUNTERS,
	VERB_VIF_COUNTERS,
	VERB_VCPU_LIST,
	VERB_CONSOLE_WRITE,
	VERB_COUNT
};

/* When the monitor does something, in sim_now() terms. In one sorted list; equal times in the order of arming. */
struct timer {
	struct timer *prev, *next;                      /* [s] NULL: not armed */
	uint64_t due;                                   /* [s] */
	void (*fire)(struct backend *, struct timer *); /* with the lock held, by the monitor */
};

struct options {
	unsigned domains;
	uint64_t delay, churn; /* ms */
	uint64_t total;        /* MiB */
	bool ignore_shutdown, ignore_reboot;
};

struct fault {
	int code;      /* positive errno; 0: none */
	uint64_t left; /* how many times more */
};

struct backend {
	struct lock lock;
	struct cond wake;                /* the first timer changed, or closing */
	struct sink sink;                /* [I] */
	struct options opt;              /* [I] */
	struct fault faults[VERB_COUNT]; /* [s] */
	struct timer timers;             /* [s] head of the ring */
	struct guest *guests;            /* [s] all that are not freed */
	uint64_t used;                   /* [s] MiB held by guests */
	uint64_t skew;                   /* [s] ms by which the clock was moved */
	int last_id;                     /* [s] */
	uint64_t churned;                /* [s] how many came by churn= */
	struct guest *churner;           /* [s] the one of them that is there */
	struct timer churn;
	bool closing; /* [s] */
	bool running; /* [I] after adopt: there is a monitor */
	pthread_t monitor;
};

struct guest {
	struct backend *sim;        /* [I] */
	struct guest *prev, *next;  /* [s] */
	struct domain *domain;      /* [s] NULL: refused by the sink, nothing is told */
	struct spec *spec;          /* [s] a reference */
	char *name;                 /* [s] */
	struct uuid uuid;           /* [I] */
	int id;                     /* [I] */
	enum domain_state state;    /* [s] RUNNING, PAUSED or UNRESPONSIVE; what it was before the end when ended */
	bool ended;                 /* [s] executes no more, memory held */
	bool gone;                  /* [s] told; waits for forget() */
	unsigned boots, announced;  /* [s] and which boot its console has told of */
	uint64_t actual, goal;      /* [s] MiB; changed by sim_guest_size() only */
	unsigned steps;             /* [s] that are left to goal */
	uint64_t ran, since;        /* [s] ms executed, not counting what began at `since` */
	struct cpus *pins;          /* [s] an array of maxvcpus; NULL: as the spec says */
	struct cpus *soft;          /* [s] likewise; NULL: none has any */
	uint64_t maxmem;            /* [s] MiB; 0: not limited */
	unsigned online, most;      /* [s] VCPUs; and how many were online at a time */
	struct sched sched;         /* [s] */
	struct buf in;              /* [s] typed, not read yet */
	struct buf line;            /* [s] what the guest has read of a line */
	bool going_down;            /* [s] asked to end with down_end */
	enum end down_end;          /* [s] */
	struct request *ballooning; /* [s] waits until actual is goal */
	struct timer down, alarm, input, balloon;
};

/* One changing call, on its caller's stack. */
struct request {
	struct timer timer;
	struct guest *guest;
	enum verb verb;
	const struct run *run;
	const char *word; /* trigger, rename */
	char letter;
	uint64_t number; /* set_memory, set_maxmem: MiB; set_vcpus: how many; pin, pin_soft: the VCPU */
	const struct sched *sched;
	const struct cpus *cpus;
	const struct spec *live; /* devices: in force from then on */
	int fd;                  /* eventfd, readable when done */
	bool busy;               /* [s] being carried out: cannot be withdrawn */
	bool done;               /* [s] */
	int ret;                 /* [s] */
	struct err err;          /* [s] */
};

#define HOLDER(type, member, p) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* ---- options.c ---- */
int sim_options_parse(const char *text, struct options *ret, struct fault faults[VERB_COUNT], struct err *e);

/* ---- monitor.c ---- */
uint64_t sim_now(struct backend *s) NEEDS(s->lock); /* ms; clock_msec() and what tests added */
void sim_advance(struct backend *s, uint64_t msec); /* move the clock forward. Any thread */
void sim_timer_arm(struct backend *s, struct timer *t, uint64_t due) NEEDS(s->lock); /* again, when it was armed */
void sim_timer_stop(struct backend *s, struct timer *t) NEEDS(s->lock);
int sim_monitor_start(struct backend *s, struct err *e);
void sim_monitor_stop(struct backend *s);

/* Carry R out after the delay: 0 or -errno. On a job thread; cancelled while it waits, nothing of it happens. */
int sim_request_run(struct backend *s, struct request *r, struct job *j, struct err *e) NOT_WITH(s->lock);
void sim_request_finish(struct backend *s, struct request *r, int ret) NEEDS(s->lock);
void sim_requests_hurry(struct backend *s, const struct guest *g) NEEDS(s->lock); /* those on G are looked at now */
int sim_fault_hit(struct backend *s, enum verb v, const char *who, struct err *e) NEEDS(s->lock);

/* Each lets go of the lock while the sink is called. After sim_tell_gone() the guest may be freed. */
void sim_tell_state(struct backend *s, struct guest *g, enum domain_state state, const char *reason) NEEDS(s->lock);
void sim_tell_ended(struct backend *s, struct guest *g, enum end end, bool held, const char *reason) NEEDS(s->lock);
void sim_tell_gone(struct backend *s, struct guest *g, enum end end, const char *reason) NEEDS(s->lock);
void sim_tell_memory(struct backend *s, struct guest *g) NEEDS(s->lock);
void sim_tell_vcpus(struct backend *s, struct guest *g) NEEDS(s->lock);
void sim_tell_console(struct backend *s, struct guest *g, const char *p, size_t n) NEEDS(s->lock);
void sim_tell_log(struct backend *s, struct guest *g, const char *line) NEEDS(s->lock);
void sim_tell_event(struct backend *s, struct guest *g, const char *name, const char *detail) NEEDS(s->lock);

/* ---- guest.c ---- */
struct guest *sim_guest_new(struct backend *s, const char *name, const struct uuid *u, int id, const struct spec *spec);
void sim_guest_free(struct guest *g); /* not in the list, no timer armed */
void sim_guest_insert(struct backend *s, struct guest *g) NEEDS(s->lock);
void sim_guest_remove(struct backend *s, struct guest *g) NEEDS(s->lock);
bool sim_guest_executing(const struct guest *g); /* with the lock held */
void sim_guest_size(struct backend *s, struct guest *g, uint64_t actual, uint64_t goal) NEEDS(s->lock);
void sim_guest_balloon(struct backend *s, struct guest *g, uint64_t mib) NEEDS(s->lock);  /* starts on the way there */
void sim_guest_shutdown(struct backend *s, struct guest *g, enum end end) NEEDS(s->lock); /* asks it; it obeys later */
uint64_t sim_guest_ran(struct backend *s, const struct guest *g) NEEDS(s->lock);          /* ms executed */
void sim_guest_execute(struct backend *s, struct guest *g, const char *reason) NEEDS(s->lock); /* go on; tells */
void sim_guest_pause(struct backend *s, struct guest *g, const char *reason) NEEDS(s->lock);
void sim_guest_hang(struct backend *s, struct guest *g, uint64_t msec) NEEDS(s->lock);
void sim_guest_reset(struct backend *s, struct guest *g) NEEDS(s->lock);
/* It executes no more, its memory is held. */
void sim_guest_end(struct backend *s, struct guest *g, enum end end, const char *reason) NEEDS(s->lock);
/* Nothing is left of it. The guest may be freed on return, unless a request on it is outstanding. */
void sim_guest_vanish(struct backend *s, struct guest *g, enum end end, const char *reason) NEEDS(s->lock);

/* ---- foreign.c ---- */
int sim_foreign_adopt(struct backend *s, struct err *e);                   /* before there is a monitor */
void sim_foreign_churn(struct backend *s, struct timer *t) NEEDS(s->lock); /* comes or goes */

/* ---- query.c: the slots that change nothing ---- */
int sim_query_host(struct backend *s, struct host *ret, struct err *e);
int sim_query_counters(struct guest *g, struct counters *ret, struct err *e);
int sim_query_disk(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e);
int sim_query_vif(struct guest *g, unsigned vif, struct device_counters *ret, struct err *e);
int sim_query_vcpus(struct guest *g, struct vcpu *ret, unsigned max, struct err *e);

/* ---- device.c ---- */
int sim_do_devices(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
int sim_disk_attach(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                    struct err *e);
int sim_disk_detach(struct guest *g, const struct spec *live, const struct disk *disk, struct job *j, struct err *e);
int sim_disk_media(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                   struct err *e);
int sim_vif_attach(struct guest *g, const struct spec *live, unsigned vif, struct job *j, struct err *e);
int sim_vif_detach(struct guest *g, const struct spec *live, const struct vif *vif, struct job *j, struct err *e);

/* ---- verbs.c ---- */
#define VERB_WAITS 1 /* the request finishes later */
extern const struct verb_info {
	const char *name;
	bool held; /* also on a guest that ended and is held */
	/* By the monitor with the lock held: 0, -errno or VERB_WAITS. NULL: a query. */
	int (*carry_out)(struct backend *, struct request *, struct err *);
} sim_verbs[VERB_COUNT];

/* ---- tune.c ---- */
void sim_tune_new(struct guest *g); /* as its spec says */
void sim_tune_free(struct guest *g);
struct cpus sim_tune_hard(const struct guest *g, unsigned vcpu); /* with the lock held */
struct cpus sim_tune_soft(const struct guest *g, unsigned vcpu); /* likewise */
int sim_set_maxmem(struct guest *g, uint64_t mib, struct job *j, struct err *e);
int sim_set_vcpus(struct guest *g, unsigned online, struct job *j, struct err *e);
int sim_pin(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e);
int sim_pin_soft(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e);
int sim_set_sched(struct guest *g, const struct sched *sched, struct job *j, struct err *e);
int sim_dump_core(struct guest *g, int fd, struct job *j, struct err *e);
int sim_do_set_maxmem(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
int sim_do_set_vcpus(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
int sim_do_pin(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
int sim_do_set_sched(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);
int sim_do_dump_core(struct backend *s, struct request *r, struct err *e) NEEDS(s->lock);

/* ---- console.c ---- */
void sim_console_read(struct backend *s, struct timer *t) NEEDS(s->lock); /* of guest->input: the guest reads a line */
void sim_console_boot(struct backend *s, struct guest *g) NEEDS(s->lock); /* what a booting guest prints */
void sim_console_printf(struct backend *s, struct guest *g, const char *fmt, ...) NEEDS(s->lock)
	__attribute__((format(printf, 3, 4)));

#endif
