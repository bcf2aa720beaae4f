/*
 * Words that the tree, the model and the backends share: states of a domain, ways to end, counters, the user that acts.
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "units.h"

#define DOMAIN_STATES(X)                                                                                               \
	X(OFF, "off")                                                                                                  \
	X(STARTING, "starting")                                                                                        \
	X(RUNNING, "running")                                                                                          \
	X(PAUSED, "paused")                                                                                            \
	X(STOPPING, "stopping")                                                                                        \
	X(SAVING, "saving")                                                                                            \
	X(SAVED, "saved")                                                                                              \
	X(MIGRATING, "migrating")                                                                                      \
	X(INCOMING, "incoming")                                                                                        \
	X(CRASHED, "crashed")                                                                                          \
	X(UNRESPONSIVE, "unresponsive")

enum domain_state {
#define X(id, name) STATE_##id,
	DOMAIN_STATES(X)
#undef X
		STATE_COUNT
};
extern const char *const state_names[STATE_COUNT];

#define STATE_BIT(s) (1u << (s))

/* Why a guest stopped executing. The on_poweroff, on_reboot and on_crash policies go by it. */
enum end {
	END_POWEROFF,
	END_REBOOT,
	END_CRASH,
	END_DESTROYED /* by us or by another tool */,
	END_DIED /* the hypervisor's process */
};

/* A user with the groups to act for. Groups are borrowed or owned as the holder says. */
struct user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t ngroups;
};

/* Figures that only grow, and two gauges. The rows of counters.def give names, order and documentation. */
struct counters {
	struct timespec sampled; /* zero: never */
#define COUNTER(name, doc) uint64_t name;
#include "counters.def"
#undef COUNTER
};

struct device_counters { /* of one disk or vif; what does not apply stays 0 */
	uint64_t read_bytes, write_bytes, read_ops, write_ops;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_dropped, tx_dropped; /* as the guest sees them */
};

struct vcpu {
	unsigned id;
	int cpu;    /* host CPU it last ran on; -1 unknown */
	char state; /* 'r' running, 'b' blocked, 'p' paused, '-' offline */
	uint64_t cpu_usec;
	struct cpus affinity;
	struct cpus soft; /* those of them that it prefers; none: any */
};

struct sched {           /* shares of the host's CPUs, as Xen's credit schedulers count them */
	unsigned weight; /* 256 is usual */
	unsigned cap;    /* percent of one CPU; 0: none */
};

struct host {                         /* facts of the host and its hypervisor */
	uint64_t total_mib, free_mib; /* free: what a new guest can be given */
	uint64_t spare_mib;           /* what the host itself would give up for one */
	unsigned cpus;
};

#endif
