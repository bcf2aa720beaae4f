/*
 * A guest and those who handle it. Job threads call the verbs; the monitor thread reads what the guest's files say and
 * alone tells the sink; both meet in the fields marked [l]. No lock of this backend is held during a call of the sink.
 * A guest is shared by the model (from start() or appeared() until forget()) and by its watch (until gone or dropped),
 * each with a reference.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdatomic.h>
#include <sys/types.h>

#include "backends/qemu/events.h"
#include "backends/qemu/qemu.h"

#define VCPUS_MAX 64

struct backend {
	const struct sink *sink;       /* [I] */
	struct backend_config config;  /* [I] strings are own copies */
	struct qemu_features features; /* [I] */
	char *qemu;                    /* [I] the binary's path */
	char *dir;                     /* [I] RUN/qemu */
	int dirfd;                     /* [I] */
	char boot_id[64];              /* [I] */
	struct monitor *monitor;       /* [I] */

	struct lock lock;
	struct guest *guests; /* [l] all there are: their uids and memory are taken */
};

/* [I] immutable, [c] the changing call's, [l] own lock (a leaf), [b] the backend's, [a] atomic, [m] the monitor's */
struct guest {
	struct backend *b;     /* [I] */
	struct guest *next;    /* [b] */
	uid_t uid;             /* [I] after it joined the list */
	struct domain *domain; /* [I] the cookie, set before the monitor knows the guest */
	char *dir;             /* [I] */
	char serial[24];       /* [I] the folder's name */
	int dirfd;             /* [I] */
	struct spec *spec;     /* [I] in force; own reference */
	struct record record;  /* [c] */
	int pidfd;             /* [I] after start; -1: no process */
	struct qmp *qmp;       /* [I] */
	int ev_in, ser_in;     /* [I] FIFOs, O_RDWR | O_NONBLOCK; -1 none */
	struct watch *watch;   /* [m] */
	atomic_int refs;
	atomic_bool reboot_wanted; /* [a] as in the record */
	atomic_bool destroying;    /* [a] its end is our doing */
	atomic_bool pausing;       /* [a] a STOP is expected */

	struct lock lock;
	struct cond changed;
	/* [l] What was told last. */
	enum domain_state state;
	bool ended, gone;
	unsigned resets; /* RESET events seen */
	uint64_t actual_mib;
	unsigned heard; /* how often its memory was told */
	pid_t vcpu_tid[VCPUS_MAX];
	unsigned nvcpus; /* 0: not asked yet */
};

/* ---- guest.c ---- */

/* A guest with nothing but its folder's name and spec; in the backend's list. The reference is the caller's. */
struct guest *guest_new(struct backend *b, const char *serial, const struct spec *spec);
void guest_ref(struct guest *g);
void guest_unref(struct guest *g);
/* An id that no other guest has, taken until the guest is freed. */
int guest_take_uid(struct guest *g, struct err *e);
uint64_t backend_promised_mib(struct backend *b);

/* Wait until DONE(g, ARG), called with the lock held. -ETIMEDOUT after DEADLINE or the job's, -EHOSTDOWN when gone. */
int guest_wait(struct guest *g, bool (*done)(const struct guest *g, uint64_t arg), uint64_t arg, uint64_t deadline,
               struct job *job, struct err *e);
bool guest_is(const struct guest *g, uint64_t state); /* for guest_wait: that state was told and it has not ended */
bool guest_is_gone(const struct guest *g, uint64_t unused);
bool guest_was_reset(const struct guest *g, uint64_t before); /* more RESET events than BEFORE */

/* 0 while the guest runs or is paused; -EHOSTDOWN when it ended, -ETIMEDOUT when it does not answer. */
int guest_alive(struct guest *g, enum domain_state *state, struct err *e);

/* qmp_call() with the job's deadline and at most LIMIT msec, 0: no limit but the job's; "gone" comes as -EHOSTDOWN. */
int guest_call(struct guest *g, const char *command, json_t *arguments, struct job *job, uint64_t limit, json_t **ret,
               struct err *e);
int guest_ask(struct guest *g,
              const char *question); /* lines as in events.h; never blocks; -EAGAIN when its pipe is full */
int guest_set_reboot_wanted(struct guest *g, bool wanted, struct err *e);
/* QEMU's own policy, as args_build() gave it: false: a reboot is an end that is held. */
bool guest_reboots_in_place(const struct guest *g);

int guest_destroy(struct guest *g, struct job *j, struct err *e);
int guest_restart(struct guest *g, struct job *j, struct err *e);
int guest_reset(struct guest *g, struct job *j, struct err *e);

/* ---- start.c ---- */
int guest_start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e);

/* ---- folder.c: RUN/qemu/SERIAL and its files ---- */
int run_folder_make(struct guest *g, struct err *e);  /* with all that process_folder() makes; the dirfd is open */
int run_folder_open(struct guest *g, struct err *e);  /* the same for one that exists; its input pipes are open */
void run_folder_remove(int parent, const char *name); /* with its files; whatever is missing is fine */
/* A listening socket, reachable by root only. The descriptor or -errno. */
int run_folder_listen(struct guest *g, const char *name, struct err *e);
/* Lock DIR/lock: the descriptor, -EBUSY when a process holds it, -ENOENT when there is none. */
int run_folder_lock(int dirfd, struct err *e);
/* A pidfd of the process of user UID that has DIR/lock open, or -ESRCH. */
int run_folder_holder(int dirfd, uid_t uid);
int run_folder_write_config(struct guest *g, struct err *e);
int run_folder_read_config(int dirfd, struct spec **ret, struct err *e);
/* The last line of QEMU's stderr, for a sentence. False when it said nothing. */
bool run_folder_last_words(int dirfd, char *out, size_t size);

/* ---- watch.c: the monitor thread's side of a guest ---- */

struct tail { /* a file that QEMU writes, followed */
	int fd, wd;
	off_t at, punched; /* read so far; no blocks below */
	off_t line_at;     /* where LINE begins in the file */
	struct buf line;
	bool skip; /* in a line that is too long */
};
enum tail_kind { TAIL_EVENTS, TAIL_CONSOLE, TAIL_ERRORS, TAIL_COUNT };

enum watch_mode {
	WATCH_REPLAY, /* old events: only the machine takes them */
	WATCH_SILENT, /* adopted, asked for its status: nothing of its state is told before it answers */
	WATCH_LIVE,
};

struct watch {
	struct guest *g;
	struct watch *next;
	struct tail tail[TAIL_COUNT];
	enum watch_mode mode;
	struct machine machine;
	off_t anchor;      /* in ev.out: nothing before it matters */
	uint64_t asked;    /* since when its status is awaited; 0: it is not */
	bool known;        /* it appeared, or a state of it was told */
	bool unresponsive; /* told so */
	bool continued;    /* adopted before its first instruction, and sent on */
	bool pending;      /* there is more to read than one turn takes */
	bool doubt;        /* it may have stopped by itself as we stopped it: the next ping asks */
};

struct watch *watch_new(struct guest *g); /* opens the files; takes a reference */
void watch_free(struct watch *w);
/* Adoption: take all events there are, and skip old output but its end. ALIVE: its status was asked for. */
void watch_replay(struct watch *w, bool alive);
void watch_read(struct watch *w, enum tail_kind kind);
void watch_tell(struct watch *w, const char *reason); /* its present state; REASON NULL: the machine's */
void watch_give_up(struct watch *w);                  /* adopted, and it does not answer: tell that */
bool watch_wants_ping(const struct watch *w);
void watch_ping(struct watch *w, uint64_t now); /* or notice that the last one was not answered */
void watch_exited(struct watch *w);             /* drain, remove the folder, tell gone */

/* ---- monitor.c ---- */
struct monitor *monitor_new(void);
void monitor_free(struct monitor *m);                /* stops the thread; guests run on and are told of no more */
int monitor_start(struct monitor *m, struct err *e); /* the thread */
/* From any thread; they return when the monitor thread has done it. Before monitor_start() the caller does it. */
void monitor_add(struct monitor *m, struct watch *w);
void monitor_drop(struct monitor *m, struct guest *g);
/* Before monitor_start(): serve what comes until every watch is live; at DEADLINE give those up that are not. */
void monitor_settle(struct monitor *m, uint64_t deadline);

/* ---- adopt.c ---- */
int guests_adopt(struct backend *b, struct err *e);

/* ---- memory.c cpu.c console.c counters.c ---- */
int memory_set(struct guest *g, uint64_t mib, struct job *j, struct err *e);
int memory_used(struct guest *g, uint64_t deadline, uint64_t *ret, struct err *e);
int cpu_learn(struct guest *g, struct job *j, uint64_t limit, struct err *e); /* which threads are VCPUs, once */
int cpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e);
int cpu_pin(struct guest *g, unsigned vcpu, const struct cpus *c, struct job *j, struct err *e);
int cpu_pin_all(struct guest *g, struct err *e); /* as cpus= says */
uint64_t cpu_usec(struct guest *g);
int console_write(struct guest *g, const char *p, size_t n, struct err *e);
int console_sysrq(struct guest *g, char letter, struct job *j, struct err *e);
int screen_dump(struct guest *g, struct buf *png, struct err *e);
int counters_guest(struct guest *g, struct counters *ret, struct err *e);
int counters_disk(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e);
int counters_vif(struct guest *g, unsigned vif, struct device_counters *ret, struct err *e);

#endif
