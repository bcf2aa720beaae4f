/*
 * The rooms of the Xen backend and what they share. Xen and xenstore know what runs: every domain but Domain-0 is a guest
 * here, whoever made it. One that domfs started has a folder, RUN/xen/SERIAL (record.c), and SERIAL in its xenstore folder.
 *
 * Threads: one monitor thread (monitor.c) lists the domains when xenstore says that one came or went, and once a second
 * while there is any; it reads the consoles and alone calls the sink. Job threads make each call with a libxl context of
 * its own (call.c), whose events they drive themselves: nothing that takes long delays another, and all can be cancelled.
 * Queries share one context: they are single hypercalls.
 */
#ifndef XEN_H
#define XEN_H

#include <libxl.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <xenstore.h>

#include "backend.h"
#include "backends/xen/spec.h"
#include "buf.h"
#include "lock.h"
#include "table.h"

#define XEN_VCPUS_MAX 128
#define XEN_LOG_MAX 65536 /* bytes of libxl's lines that wait for the monitor */

/*
 * How far it came, in the record. With XEN_INTENT it has not run one instruction, and is ended by a successor; with XEN_BUILT it
 * is whole and was to run, which a successor sees to.
 */
enum xen_phase { XEN_INTENT, XEN_BUILT, XEN_STARTED, XEN_DESTROYING };

struct xen_record { /* what is in RUN/xen/SERIAL/run */
	enum xen_phase phase;
	char name[NAME_MAX_LEN + 1];
	struct uuid uuid;
	int id; /* -1 not known yet */
	uint64_t serial;
	char boot_id[64];
	struct timespec started;
	uint64_t mem_target; /* MiB; 0: as configured */
	bool reboot_wanted;  /* `reboot` pressed the power button: when it powers off, that is one */
};

/* A loop device that is held open for the disk VDEV. */
struct xen_loop {
	int fd;
	char vdev[20];
};

struct xen_media { /* what libxl keeps of a drive's medium, to see that another tool changed it; hash 0: none yet */
	long number;
	uint64_t hash;
};
#define XEN_DRIVES 8

struct xen_monitor;

struct backend {
	const struct sink *sink;      /* [I] */
	char *dir;                    /* [I] RUN/xen */
	int dirfd;                    /* [I] */
	char boot_id[64];             /* [I] */
	xentoollog_logger *log;       /* [I] of the queries */
	libxl_ctx *query;             /* [I] thread-safe by itself */
	struct xc_interface_core *xc; /* [I] the monitor's */
	unsigned cpus;                /* [I] the host's have numbers below it, and some of those may be offline */
	atomic_ullong own_max_kib;    /* [a] that Domain-0 may have; 0: nobody has said */
	struct xen_monitor *monitor;

	bool gives; /* [I] Domain-0 makes room for guests */

	struct lock lock;
	struct cond room;
	uint64_t wanted_kib;  /* [l] by the guests that are being built */
	struct guest *guests; /* [l] those that domfs starts or started; a domain with the uuid of one is not foreign */
};

enum xen_tty_kind { XEN_TTY_CONSOLE, XEN_TTY_SERIAL, XEN_TTY_COUNT };

struct xen_tty {
	struct guest *g;
	char path[64];
	int fd;
	bool resting; /* `xl console` has it: looked at again with the next tick */
};

/* [I] immutable, [c] the changing call's, [l] own lock (a leaf), [b] the backend's, [a] atomic, [m] the monitor's */
struct guest {
	struct backend *b;      /* [I] */
	struct guest *next;     /* [b] */
	atomic_int refs;        /* the model's, from start() or appeared() until forget(); the monitor's, until gone */
	struct domain *domain;  /* [I] the cookie; NULL: refused, or foreign and not told yet [m] */
	bool foreign;           /* [I] */
	struct uuid uuid;       /* [I] */
	struct spec *spec;      /* [l] once told: xen_guest_spec() */
	bool adopted;           /* [I] started by an earlier daemon */
	libxl_domain_type type; /* [m] before it was told, then [I] */
	int dirfd;              /* [I] -1: foreign */
	char serial[24];        /* [I] the folder's name */
	struct xen_loop *loops; /* [c] held until the disk or the guest goes: they go with their last user */
	size_t nloops;          /* [c] */
	atomic_bool look;       /* [a] its devices are to be looked at */
	atomic_bool media_ours; /* [a] a medium was changed by us */
	atomic_int id;          /* [a] -1: not known yet */
	atomic_bool built;      /* [a] the monitor may tell of it */
	atomic_bool destroying; /* [a] its end is our doing */

	/* [m] */
	uint64_t round, since; /* when it was seen last, and first */
	int keptfd;            /* the folder's `console`; -1: foreign, or not known yet */
	off_t kept, punched;   /* its end, and where its data begin */
	bool known;            /* in the monitor's table */
	bool told;             /* a state has been told */
	char *name;            /* in xenstore */
	uint64_t mem_told;
	unsigned vcpus_told;
	bool sched_known; /* which scheduler has it, while it is in this pool of CPUs: */
	libxl_scheduler scheduler;
	uint32_t cpupool;
	struct sched sched_told;
	char display[64];
	uint64_t went; /* when devices of it were found to be gone; 0: none is */
	uint64_t odd;  /* when one that cannot be told was found; 0: none is */
	uint64_t left; /* hash of what was said to be left out; 0: nothing */
	struct xen_media media[XEN_DRIVES];

	struct lock lock;
	struct cond changed;
	char called[NAME_MAX_LEN + 1];     /* [l] the name that we gave it */
	struct xen_record record;          /* [l] but before it is listed; who changed it calls xen_record_run() */
	bool saving;                       /* [l] a thread writes `run` or `config`, without the lock */
	bool unrecorded;                   /* [l] both are gone */
	enum domain_state state;           /* [l] told last */
	bool ended, gone;                  /* [l] */
	bool changing;                     /* [l] a call changes its devices, the monitor does not look */
	uint64_t actual_kib;               /* [l] */
	unsigned online;                   /* [l] VCPUs */
	unsigned listed;                   /* [l] how often it was seen */
	struct buf log;                    /* [l] lines of libxl for the monitor to tell */
	struct xen_tty tty[XEN_TTY_COUNT]; /* [l] path and fd; changed by the monitor */
	enum xen_tty_kind spoke;           /* [l] which one the guest used last */
};

/* ---- guest.c ---- */
struct guest *xen_guest_new(struct backend *b, const struct uuid *u, const struct spec *spec); /* one reference */
libxl_domain_type xen_guest_type(struct backend *b, const libxl_dominfo *info);
void xen_guest_ref(struct guest *g);
void xen_guest_unref(struct guest *g);
void xen_guest_list(struct guest *g); /* domfs's own: in the backend's list until it is freed */
/* Wait until DONE(g, ARG), called with the lock held. -ETIMEDOUT after the job's deadline, -EHOSTDOWN when gone. */
int xen_guest_wait(struct guest *g, bool (*done)(const struct guest *g, uint64_t arg), uint64_t arg, struct job *job,
                   struct err *e);
bool xen_guest_is_gone(const struct guest *g, uint64_t unused); /* to be waited for */
bool xen_guest_gone(struct guest *g);
bool xen_guest_is(const struct guest *g, uint64_t state);
bool xen_guest_runs(struct guest *g); /* it executes */
/* 0 while the guest runs or is paused; -EHOSTDOWN when it is gone, -EINVAL when it ended. */
int xen_guest_alive(struct guest *g, enum domain_state *state, struct err *e);

/* ---- call.c ---- */
struct xen_call;
/* A context for one call. Lines that libxl logs on the way go to G's log (G may be NULL). */
int xen_call_begin(struct backend *b, struct guest *g, struct xen_call **ret, struct err *e);
libxl_ctx *xen_call_ctx(struct xen_call *c);
const libxl_asyncop_how *xen_call_how(struct xen_call *c); /* for one asynchronous operation at a time */
/*
 * RC is what the initiating function returned: drives the operation to its end. Cancelled or late it is aborted, which may
 * come too late: then 0. J may be NULL. What fails is in *e in Xen's words after WHAT.
 */
int xen_call_finish(struct xen_call *c, int rc, struct job *j, const char *what, struct err *e);
int xen_call_error(struct xen_call *c, int rc, const char *what, struct err *e); /* of a synchronous function */
void xen_call_end(struct xen_call *c);                                           /* accepts NULL */
pid_t xen_fork(void *user); /* as fork(2), for libxl's children: none begins with a lock that nobody gives back */
int xen_ctx_open(xentoollog_logger *log, libxl_ctx **ret, struct err *e);
xentoollog_logger *xen_log_quiet(void); /* to the daemon's log, at debug level; never freed */

/* ---- monitor.c ---- */
int xen_monitor_new(struct backend *b, struct xen_monitor **ret, struct err *e);
void xen_monitor_free(struct xen_monitor *m); /* accepts NULL */
int xen_monitor_start(struct xen_monitor *m, struct err *e);
void xen_monitor_scan(struct xen_monitor *m);                  /* the first time, by whoever adopts */
void xen_monitor_kick(struct xen_monitor *m);                  /* look now */
void xen_monitor_hurry(struct xen_monitor *m, int by);         /* +1, -1: look often, somebody waits for memory */
void xen_monitor_know(struct xen_monitor *m, struct guest *g); /* takes a reference; before the thread runs, or on it */
struct xs_handle *xen_monitor_xs(struct xen_monitor *m);
int xen_monitor_epoll(struct xen_monitor *m);

/* ---- ring.c: on the monitor thread ---- */
struct xen_ring *xen_ring_open(struct backend *b);
void xen_ring_read(struct xen_ring *r);  /* what is new there, to the daemon's log */
void xen_ring_close(struct xen_ring *r); /* accepts NULL */

/* ---- watch.c: on the monitor thread ---- */
void xen_watch_see(struct guest *g, const libxl_dominfo *info);
void xen_watch_gone(struct guest *g);
void xen_watch_log(struct guest *g);
void xen_watch_target(struct guest *g, libxl_ctx *ctx);
void xen_watch_maximum(struct guest *g);
void xen_watch_name(struct guest *g, libxl_ctx *ctx);

/* ---- foreign.c: on the monitor thread ---- */
/* Tells appeared() once there is enough to say; false: not yet. */
bool xen_foreign_appear(struct guest *g, libxl_ctx *ctx, const libxl_dominfo *info, uint64_t waited_msec);

/* What libxl keeps of its configuration, a reference; NULL: nothing. *left as below. */
struct spec *xen_foreign_kept(libxl_ctx *ctx, struct guest *g, struct buf *left);
void xen_foreign_say(struct guest *g, const struct buf *left); /* to its log, unless that was said last */

/* What libxl was given, a reference; a line to *left for each part that cannot be told; foreign_print.c. */
struct spec *xen_foreign_spec(const libxl_domain_config *c, struct buf *left);

/* ---- console.c ---- */
void xen_console_look(struct guest *g, struct xs_handle *xs, int epoll); /* xenstore may name a terminal now */
void xen_console_read(struct xen_tty *t, int epoll);
void xen_console_retry(struct guest *g, int epoll); /* every tick */
void xen_console_close(struct guest *g);
void xen_console_keep(struct guest *g);   /* from now on what it says is kept in its folder, for a successor */
void xen_console_retell(struct guest *g); /* what is kept there; before the monitor's thread runs */
void xen_console_saved(struct guest *g);  /* the model has all of it on disk */
int xen_console_write(struct guest *g, const char *p, size_t n, struct err *e);

/* ---- record.c ---- */
int xen_record_save(int dirfd, const struct xen_record *r, struct err *e); /* atomic and fsynced */
int xen_record_load(int dirfd, struct xen_record *ret, struct err *e);
int xen_record_folder(struct guest *g, uint64_t serial, struct err *e); /* make it, with the configuration in force */
/* On disk is what G->record, or G->spec, says now, or what another thread made of it; 0 for a foreign one. */
int xen_record_run(struct guest *g, struct err *e);
int xen_record_live(struct guest *g, struct err *e);
int xen_record_config(int dirfd, struct spec **ret, struct err *e);
void xen_record_remove(struct backend *b, const char *serial);
void xen_record_end(struct guest *g); /* it is removed, and nothing of it comes again */

/* ---- files.c ---- */
struct xen_opened {
	char *kernel, *ramdisk;
	char **disks; /* as struct xen_files has them */
	size_t ndisks;
	int fds[2]; /* of kernel and ramdisk */
	struct xen_loop *loops;
	size_t nloops;
};
/*
 * What stands for D's source, opened by BY: *path (the caller's; NULL: it goes by its own name) and *held, a descriptor that keeps
 * it there (-1: none is wanted). DRIVE: D is an emulated one, with a medium that can be changed. Untouched on failure.
 */
int xen_file_disk(const struct user *by, const struct disk *d, bool drive, uint64_t deadline, char **path, int *held,
                  struct err *e);
/* The same for a medium of a drive of a guest that runs, where libxl opens a file itself and takes no device. */
int xen_file_medium(const struct user *by, const struct disk *d, uint64_t deadline, char **path, int *held,
                    struct err *e);
int xen_files_open(const struct run *run, struct job *j, struct xen_opened *ret, struct err *e);
void xen_files_close(struct xen_opened *o);

/* ---- device.c, device_wait.c, device_watch.c ---- */
struct spec *xen_guest_spec(struct guest *g); /* a reference: in force, its devices too */
int xen_disk_attach(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                    struct err *e);
int xen_disk_detach(struct guest *g, const struct spec *live, const struct disk *disk, struct job *j, struct err *e);
int xen_disk_media(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                   struct err *e);
int xen_vif_attach(struct guest *g, const struct spec *live, unsigned vif, struct job *j, struct err *e);
int xen_vif_detach(struct guest *g, const struct spec *live, const struct vif *vif, struct job *j, struct err *e);
/* What is in force of G, with the devices of LIVE; a reference. */
struct spec *xen_device_spec(struct guest *g, const struct spec *live);
/* The monitor found LIVE; false: FROM, which it compared with, is in force no more, or is just being changed. */
bool xen_device_found(struct guest *g, const struct spec *from, const struct spec *live);
/* Until the guest's driver has taken the device vbd or vif NUMBER, or none seems to be there. */
int xen_device_wait(struct guest *g, const char *kind, long number, struct job *j, struct err *e);
bool xen_device_taken(struct guest *g, const char *kind, long number); /* some driver of the guest's has it */
/* On the monitor thread: tells what another tool did. */
void xen_device_look(struct guest *g, libxl_ctx *ctx, struct xs_handle *xs);

/* ---- tune.c ---- */
int xen_set_maxmem(struct guest *g, uint64_t mib, struct job *j, struct err *e);
int xen_set_vcpus(struct guest *g, unsigned online, struct job *j, struct err *e);
int xen_pin(struct guest *g, unsigned vcpu, const struct cpus *c, struct job *j, struct err *e);
int xen_pin_soft(struct guest *g, unsigned vcpu, const struct cpus *c, struct job *j, struct err *e);
int xen_set_sched(struct guest *g, const struct sched *s, struct job *j, struct err *e);
int xen_dump_core(struct guest *g, int fd, struct job *j, struct err *e);
void xen_watch_sched(struct guest *g, const libxl_dominfo *info); /* on the monitor thread: tells what is new */

/* ---- memory.c ---- */
uint64_t xen_memory_kib(struct backend *b, int id, const char *key); /* what xenstore says; 0: nothing */
uint64_t xen_video_kib(struct guest *g);                             /* of an HVM guest: not its balloon driver's */

/* ---- room.c ---- */
void xen_room_open(struct backend *b); /* whether Domain-0 makes room */
/* The same by the words of xl.conf (NULL: none) and of Xen's command line. Pure. */
bool xen_room_given(const char *autoballoon, const char *xen_says);
uint64_t xen_room_kib(struct backend *b); /* what Domain-0 can give up now */
/*
 * Wait until there is room for a guest like C, which Domain-0 makes where it has to. xen_room_leave() with *kib ends that,
 * when the guest was built and also when this has failed.
 */
int xen_room_take(struct backend *b, libxl_ctx *ctx, libxl_domain_config *c, uint64_t *kib, struct job *j,
                  struct err *e);
void xen_room_leave(struct backend *b, uint64_t kib);

/* ---- start.c, adopt.c, verbs.c, memory.c, counters.c, info.c ---- */
int xen_start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e);
int xen_start_finish(struct guest *g, struct job *j, struct err *e); /* of one that is built and was to run */
int xen_destroy(struct guest *g, struct job *j, struct err *e);
/* For a guest that never ran, or of which no handle exists. */
int xen_destroy_id(struct backend *b, struct guest *g, int id, struct job *j, struct err *e);
int xen_adopt(struct backend *b, struct err *e);
int xen_shutdown(struct guest *g, struct job *j, struct err *e);
int xen_reboot(struct guest *g, struct job *j, struct err *e);
int xen_reset(struct guest *g, struct job *j, struct err *e); /* reset.c */
int xen_pause(struct guest *g, struct job *j, struct err *e);
int xen_unpause(struct guest *g, struct job *j, struct err *e);
int xen_trigger(struct guest *g, const char *what, struct job *j, struct err *e);
int xen_sysrq(struct guest *g, char letter, struct job *j, struct err *e);
int xen_rename(struct guest *g, const char *name, struct job *j, struct err *e);
int xen_set_memory(struct guest *g, uint64_t mib, struct job *j, struct err *e);
int xen_counters(struct guest *g, struct counters *ret, struct err *e);
int xen_disk_counters(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e);
int xen_vif_counters(struct guest *g, unsigned vif, struct device_counters *ret, struct err *e);
int xen_vcpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e);
int xen_own_vcpus(struct backend *b, struct vcpu *ret, unsigned max);
/* The number of a disk in xenstore and sysfs, as xen-vbd-interface(7) has it. -1: none. Pure. */
long xen_disk_number(const struct disk *d);
void xen_own(struct backend *b, struct own *ret); /* of Domain-0 */
void xen_processors(struct backend *b, struct processors *ret);
int xen_host(struct backend *b, struct host *ret, struct err *e);
void xen_info(struct backend *b, struct buf *out);
bool xen_here(void); /* whether this is Xen's control domain */

#endif
