/*
 * The rooms of the QEMU backend and what they share. A guest is a QEMU process with a folder of its own, RUN/qemu/SERIAL:
 *
 *   run      what a successor must know, JSON, replaced atomically (record.c)
 *   config   the configuration in force, in the configuration language
 *   lock     flocked by the QEMU process for as long as it lives
 *   qmp      socket for commands; bound by us, its listening end is handed to QEMU
 *   ev.in, ev.out    a second QMP monitor on `-chardev pipe`: a FIFO that QEMU reads and a *regular file* that it writes, so that
 *            every event since its first instruction is on file, whoever watched
 *   ser.in, ser.out  the serial console, of the same construction: it never blocks the guest and outlives the daemon
 *   stderr   QEMU's words
 *   destroyed   there once destroy has begun: a successor that finds it dead does not take it for a crash
 *
 * Threads: one monitor thread (monitor.c) owns the reading of events, consoles, stderr and process ends, and alone calls the
 * sink. Job threads call the ops; they talk to QEMU through qmp_call() only. Guests, events and the monitor are in guest.h.
 */
#ifndef QEMU_H
#define QEMU_H

#include <jansson.h>
#include <signal.h>

#include "access.h"
#include "backend.h"
#include "buf.h"
#include "lock.h"

/* How far a start came, in the record. A guest below PHASE_STARTED has not run one instruction. */
enum phase { PHASE_INTENT, PHASE_SPAWNED, PHASE_STARTED };

/* record.c: what is in RUN/qemu/SERIAL/run. Owned by the guest; changed by whoever holds the guest's changing call. */
struct record {
	enum phase phase;
	char name[NAME_MAX_LEN + 1];
	struct uuid uuid;
	int id;
	uint64_t serial;
	pid_t pid;
	uint64_t pid_start; /* field 22 of /proc/PID/stat */
	char boot_id[64];   /* of the host */
	uid_t uid;          /* QEMU's own; its gid is the same number */
	char machine[32];   /* the versioned machine type */
	bool kvm;
	int vnc_port;       /* 0: no VNC */
	bool paused;        /* start -p */
	bool reboot_wanted; /* `reboot` asked for power-off: revive it when it is down */
	struct timespec started;
	uint64_t mem_target; /* MiB; 0: as configured */
	char **taps;         /* interface names, NULL for user networking; ntaps entries, one for each vif */
	size_t ntaps;
};
int record_save(int dirfd, const struct record *r, struct err *e); /* atomic and fsynced */
int record_load(int dirfd, struct record *ret, struct err *e);
void record_remove(int dirfd); /* what else is in the folder means nothing from then on */
void record_free(struct record *r);

struct qemu_features { /* probed once per binary (host.c) */
	char version[32];
	char machine_pc[32]; /* the newest versioned pc-i440fx-N.N */
	bool kvm;            /* to be used */
	char kvm_why[128];   /* why, or why not: for info */
};

/* ---- args.c: pure, tested as data ---- */

struct arg_disk {
	const struct disk *disk;
	enum disk_format format; /* as the header says it; FORMAT_EMPTY: no medium */
	int fd;                  /* the number that QEMU inherits; -1 for an empty drive */
	bool block;              /* disk_is_block(fd) */
};
struct arg_net {
	const struct vif *vif;
	int tap_fd; /* -1: user networking */
	uint8_t mac[6];
};
struct args_in {
	const struct qemu_features *features;
	const struct record *record;
	const struct spec *spec;
	const struct arg_disk *disks;
	size_t ndisks;
	const struct arg_net *nets;
	size_t nnets;
	int kernel_fd, ramdisk_fd; /* sealed memfds; -1 none */
	int qmp_fd;                /* listening socket */
	const char *dir;           /* RUN/qemu/SERIAL */
};
/* The argument vector, NULL-terminated, argv[0] = QEMU; one allocation a string. args_free() frees it. */
int args_build(const char *qemu, const struct args_in *in, char ***ret, struct err *e);
void args_free(char **argv);

/* Names of objects: "disk-xvda" (on the nodes "drive-xvda" and "file-xvda"), "nic0" (on "net0"), "balloon0". */
void args_disk_id(char out[40], const struct disk *d);
void args_nic_id(char out[40], unsigned vif);
/* The kernel that the guest boots, NULL when it boots by its firmware. */
const char *args_kernel(const struct spec *s);
bool args_vnc(const struct spec *s); /* whether there will be a VNC server; nobody gets in before set_password */

/* Between args.c and devices.c: a vector that grows by words. */
struct args {
	char **v;
	size_t n;
};
void args_add(struct args *a, const char *option, char *value); /* VALUE is handed over; NULL: an option alone */
int args_json(struct args *a, const char *option, json_t *o, struct err *e); /* O is handed over */
int args_devices(struct args *a, const struct args_in *in, struct err *e);   /* devices.c */

/* keys.c, check.c */
extern const struct key_use qemu_keys[KEY_COUNT];
int keys_check(const struct spec *s, struct err *e); /* refused keys and values: EOPNOTSUPP/EINVAL with the reason */

/* ---- disk.c: images are hostile ---- */

/* Open DISK's source as the owner and read its header: raw, or qcow2 without backing file, data file or encryption. */
int disk_open(const struct user *owner, const struct disk *d, uint64_t deadline, int *fd, enum disk_format *format,
              struct err *e);
/* The qcow2 header in the first N bytes of a file. Pure. */
int disk_check_qcow2(const uint8_t *p, size_t n, struct err *e);
bool disk_is_block(int fd);
/* A regular file of the owner as a sealed, read-only memfd (mode 0444), at most MAX bytes. */
int disk_memfd(const struct user *owner, const char *path, uint64_t max, uint64_t deadline, struct err *e);

/* ---- net.c ---- */

/* A tap named NAME, up, on BRIDGE (ENOENT when there is none): the descriptor, with which it goes, or -errno. */
int net_tap(const char *name, const char *bridge, uid_t owner, struct err *e);
int net_tap_counters(const char *name, struct device_counters *ret, struct err *e); /* as the guest sees them */

/* ---- process.c, launch.c ---- */

struct spawn {
	char *const *argv;
	uid_t uid;      /* uid and gid that QEMU gets */
	gid_t kvm_gid;  /* supplementary group for /dev/kvm; (gid_t)-1: none */
	const int *fds; /* inherited under the same numbers; the rest is closed */
	size_t nfds;
	int lock_fd, stderr_fd;
};
int process_spawn(const struct spawn *s, pid_t *pid, int *pidfd, struct err *e);
/* Make the FIFOs and files of a new guest's folder (`lock` and `stderr` too, empty), owned as QEMU's UID needs them. */
int process_folder(int dirfd, uid_t uid, struct err *e);
/* The start time of PID, 0 when there is no such process. */
uint64_t process_start_time(pid_t pid);
/* A pidfd when PID still is the process of RECORD (boot id, start time), else -ESRCH. */
int process_find(const struct record *r);
int process_kill(int pidfd, uint64_t deadline, struct err *e); /* SIGKILL, waits until it is gone, reaps our child */
/* Of a thread, or with TID 0 of the whole process; *state is 'r' or 'b'. 0, and nothing set, when there is none. */
uint64_t process_cpu_usec(pid_t pid, pid_t tid, int *last_cpu, char *state);
uint64_t process_rss_bytes(pid_t pid);

/* ---- host.c ---- */

int host_probe(const struct backend_config *c, char **qemu, struct qemu_features *ret, struct err *e);
int host_memory(uint64_t promised_mib, struct host *ret, struct err *e);
int host_boot_id(char out[64]);
gid_t host_kvm_gid(void); /* the group that may use /dev/kvm; (gid_t)-1: none */
/* What host_probe() makes of the texts of -version, -M help and /proc/cpuinfo. Pure. */
bool host_version(const char *text, char ret[32]);
bool host_machine(const char *text, char ret[32]);
bool host_virtualises(const char *text);

/* ---- qmp.c: one connection, a state machine; replies are hostile ---- */

struct qmp; /* a command channel to one QEMU */

/* CONNECTED later, by the first call. PATH is copied (through /proc/self/fd when it is long). */
struct qmp *qmp_new(const char *path);
void qmp_free(struct qmp *q);

/*
 * Ask COMMAND (an object for "arguments" or NULL; the reference is taken). *ret (may be NULL) gets "return". FDS are sent with
 * SCM_RIGHTS. 0; -EREMOTEIO with QEMU's own sentence; -ETIMEDOUT (connection closed, "it may still happen"); -EINTR and
 * -ECANCELED when JOB (may be NULL) is cancelled; -ENOTCONN when QEMU is gone. Calls of many threads are queued; a
 * call waits until DEADLINE (clock_msec) or the job's, whichever is earlier.
 */
int qmp_call(struct qmp *q, const char *command, json_t *arguments, const int *fds, size_t nfds, struct job *job,
             uint64_t deadline, json_t **ret, struct err *e);
void qmp_shutdown(struct qmp *q); /* wake every caller: the process is gone */

/* Close a connection that nobody used for MSEC: QEMU keeps events in memory for a client that does not read. Never blocks. */
void qmp_idle(struct qmp *q, uint64_t msec);

/* json.c: one line of QMP, hostile: size-bounded, depth-bounded. NULL with a sentence. Fuzzed. */
json_t *qmp_parse(const char *line, size_t n, struct err *e);

#endif
