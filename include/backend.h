/*
 * A hypervisor is a struct of functions.
 *
 * Calls come on job threads with no lock held; one changing call a guest at a time, except that destroy may come beside
 * any other. They may block; they poll job_cancel_fd() and honour job_deadline(). 0 or -errno with *e filled; results are
 * untouched on failure. A NULL slot means EOPNOTSUPP. A call has succeeded when its effect was observed and told.
 *
 * What is observed, also of guests that others made, is told through the sink, only by the backend's monitor thread and in
 * the order in which it happened. The exceptions are open() and adopt(): they may tell before they return, while
 * the monitor thread does not run yet. A sink function may take the model's locks, so a backend holds none of its own.
 *
 * struct guest is the backend's handle of one running guest. It lives from start() or appeared() until forget(), which the
 * model calls once after gone() and after every other call on it has returned. The model's handle (`struct domain *`) is a
 * cookie to the backend: given in struct run or returned by appeared(), valid until forget().
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "domain.h"
#include "err.h"
#include "job.h"
#include "spec.h"

struct backend;
struct guest;
struct domain;
struct model;

/* A guest that already runs: told by adopt(), or later when another tool made it. Pointers are borrowed for the call. */
struct found {
	const char *name;
	struct uuid uuid;
	int id;
	struct spec *
		spec; /* the configuration in force as it was recorded; foreign guests: derived. May be NULL when held is false */
	struct timespec started;
	uint64_t mem_target; /* MiB; 0: what spec says */
	bool foreign;        /* not started by domfs */
};

struct sink {
	struct model *model;
	/* Returns the cookie; NULL: refused (the guest runs on, and is not told of again). */
	struct domain *(*appeared)(struct model *, const struct found *, struct guest *);
	/* Executing or not, for whatever reason: STATE_RUNNING, STATE_PAUSED, STATE_UNRESPONSIVE. REASON is one word. */
	void (*state)(struct domain *, enum domain_state, const char *reason);
	/* The guest stopped executing by itself or died. HELD: memory is still there, destroy releases it and restart revives it. */
	void (*ended)(struct domain *, enum end, bool held, const char *reason);
	/* Nothing of the guest is left. */
	void (*gone)(struct domain *, enum end, const char *reason);
	void (*memory)(struct domain *, uint64_t actual_mib);
	void (*vcpus)(struct domain *, unsigned online);
	void (*display)(struct domain *, const char *address); /* of its VNC server, "127.0.0.1:5900" */
	void (*console)(struct domain *, const char *p, size_t n);
	void (*log)(struct domain *, const char *line);
	/* Anything else of the list of events: NAME and "key=value ..." or "". */
	void (*event)(struct domain *, const char *name, const char *detail);
	/*
	 * The number that the hypervisor gave the guest that start() is making: before anything else is told of it. Only
	 * of a backend that numbers.
	 */
	void (*id)(struct domain *, int id);
	/* Another tool gave it this name, or this much memory to go for, or at most. */
	void (*renamed)(struct domain *, const char *name);
	void (*target)(struct domain *, uint64_t mib);
	void (*maximum)(struct domain *, uint64_t mib);
	/* Another tool gave it devices or took some: LIVE is in force now, and indices count in it. */
	void (*devices)(struct domain *, const struct spec *live);
	/* Its shares of the host's CPUs are not what the configuration in force says, by whoever changed them. */
	void (*sched)(struct domain *, const struct sched *);
};

/* All that start() needs. Immutable during the call. */
struct run {
	struct domain *domain; /* the cookie */
	const char *name;
	struct uuid uuid;
	int id;                   /* -1 when the backend numbers */
	uint64_t serial;          /* of this run: never used before, also by an earlier daemon */
	const struct spec *spec;  /* take a reference to keep it */
	const struct user *owner; /* open what the spec names by access_open() with it */
	bool paused;              /* leave it paused */
	struct timespec started;  /* now; to be told again by whoever adopts it */
};

struct processors { /* of the host */
	unsigned cpus, max_id, nodes, cores_per_socket, threads_per_core;
	unsigned khz; /* 0: not known */
};

struct own { /* what the host's own domain has */
	uint64_t mib, max_mib;
	uint64_t cpu_usec; /* 0: as its kernel says */
	unsigned vcpus, maxvcpus;
};

struct backend_config {      /* from the daemon's options */
	const char *options; /* what followed ':' in --backend, "" when nothing */
	const char *run_dir; /* for what must not survive a reboot of the host; exists, 0755 */
	const char *state_dir;
	const char *qemu;          /* NULL: look it up */
	const char *accel;         /* auto, kvm, tcg */
	uid_t uid_first, uid_last; /* the range of ids that guests' processes get */
};

struct backend_ops {
	const char *name;
	const struct key_use *keys; /* KEY_COUNT rows */
	bool numbers;               /* the hypervisor gives its guests their ids: see the sink's id() */
	bool pins_offline;          /* pin() and pin_soft() take a VCPU that is offline too */
	bool (*here)(void);         /* whether this host runs under the hypervisor; NULL: under any */

	/* The sink lives until close() has returned. */
	int (*open)(const struct backend_config *, const struct sink *, struct backend **ret, struct err *e);
	void (*close)(struct backend *); /* guests run on; no sink call comes after it */
	/* Find what already runs and tell appeared(), then its state or its end. After it returned the monitor thread runs. */
	int (*adopt)(struct backend *, struct err *e);
	int (*host)(struct backend *, struct host *ret, struct err *e);
	/* What of the host, which filled *ret, its own domain has, where guests get the rest; NULL: all. Must not block. */
	void (*own)(struct backend *, struct own *ret);
	int (*own_vcpus)(struct backend *, struct vcpu *ret, unsigned max); /* as vcpu_list(); NULL: the host's CPUs */
	/* Where the hypervisor sees more of them than its own domain, which filled *ret; NULL: the same. Must not block. */
	void (*processors)(struct backend *, struct processors *ret);
	/* Lines "key value" for /vm/info: hypervisor, accel, virt_caps and the like. Must not block. */
	void (*info)(struct backend *, struct buf *b);
	/* Whether start() would take the spec, as far as can be said without doing anything. */
	int (*check)(struct backend *, const struct spec *, struct err *e);

	/* The guest runs (or is paused when run->paused) and that was told. Cancelled or failed: nothing of it is left. */
	int (*start)(struct backend *, const struct run *, struct guest **ret, struct job *, struct err *e);
	int (*destroy)(struct guest *, struct job *, struct err *e); /* gone() was told */
	int (*restart)(struct guest *, struct job *,
	               struct err *e); /* from an end that is held, in place; NULL: destroy and start */
	int (*shutdown)(struct guest *, struct job *, struct err *e); /* the request was delivered */
	int (*reboot)(struct guest *, struct job *,
	              struct err *e); /* the request was delivered; it will restart when it is down */
	/* -ERESTART: it cannot be done in place; the guest is destroyed and started. */
	int (*reset)(struct guest *, struct job *, struct err *e);
	int (*pause)(struct guest *, struct job *, struct err *e);
	int (*unpause)(struct guest *, struct job *, struct err *e);
	int (*trigger)(struct guest *, const char *what, struct job *, struct err *e); /* any but reset */
	int (*sysrq)(struct guest *, char letter, struct job *, struct err *e);
	int (*set_memory)(struct guest *, uint64_t mib, struct job *, struct err *e); /* the guest got there */
	int (*set_maxmem)(struct guest *, uint64_t mib, struct job *,
	                  struct err *e); /* what set_memory() may ask for */
	int (*set_vcpus)(struct guest *, unsigned online, struct job *, struct err *e); /* the guest got there */
	int (*pin)(struct guest *, unsigned vcpu, const struct cpus *, struct job *, struct err *e);
	int (*pin_soft)(struct guest *, unsigned vcpu, const struct cpus *, struct job *,
	                struct err *e); /* preferred */
	int (*set_sched)(struct guest *, const struct sched *, struct job *, struct err *e);
	/* The guest's memory into FD, a new file that is open for reading and writing; the caller syncs and names it. */
	int (*dump_core)(struct guest *, int fd, struct job *, struct err *e);
	int (*rename)(struct guest *, const char *name, struct job *, struct err *e);

	/*
	 * Devices. LIVE is the configuration in force once the call has succeeded (a reference keeps it): from then on
	 * every index, also that of a query, counts in it. Paths in it that are new are opened by access_open() with BY.
	 * Attached: the guest's frontend took it where it has one. Detached: the guest let go of it and nothing of it is left.
	 */
	int (*disk_attach)(struct guest *, const struct spec *live, unsigned disk, const struct user *by, struct job *,
	                   struct err *e);
	int (*disk_detach)(struct guest *, const struct spec *live, const struct disk *, struct job *, struct err *e);
	int (*disk_media)(struct guest *, const struct spec *live, unsigned disk, const struct user *by, struct job *,
	                  struct err *e); /* the same drive with another source, or empty */
	int (*vif_attach)(struct guest *, const struct spec *live, unsigned vif, struct job *, struct err *e);
	int (*vif_detach)(struct guest *, const struct spec *live, const struct vif *, struct job *, struct err *e);

	/* Queries: any number beside a changing call, each within 100 ms unless it says otherwise. */
	int (*counters)(struct guest *, struct counters *ret, struct err *e); /* percent and uptime are the model's */
	int (*disk_counters)(struct guest *, unsigned disk, struct device_counters *ret,
	                     struct err *e); /* index in spec_disks */
	int (*vif_counters)(struct guest *, unsigned vif, struct device_counters *ret, struct err *e);
	int (*vcpu_list)(struct guest *, struct vcpu *ret, unsigned max, struct err *e); /* how many, or -errno */
	int (*screen)(struct guest *, struct buf *png, struct err *e);                   /* at most 2 s */
	/* Keyboard input: how many bytes were taken, -EAGAIN when the guest does not read. Never blocks; any thread. */
	int (*console_write)(struct guest *, const char *p, size_t n, struct err *e);

	void (*forget)(struct guest *);
};

extern const struct backend_ops qemu_backend, sim_backend, xen_backend; /* xen_backend: where HAVE_XEN is defined */

#endif
