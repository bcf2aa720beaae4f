/*
 * Operations under way. A struct job is one command of one caller: it is made for a line written to a ctl (or for another
 * hand of the same verb), takes the domain's job slot for as long as it changes the domain, and ends as a line of history.
 * The pool is a growing set of threads on which jobs block; the loop never does.
 */
#ifndef JOBS_H
#define JOBS_H

#include <stdatomic.h>

#include "domain.h"
#include "job.h"
#include "lock.h"

struct domain;
struct model;

/* Who asks. Shared by reference: an open file, its jobs and its history lines. Immutable but for the name, asked for once. */
struct caller {
	atomic_uint refs;
	_Atomic(char *) name; /* as caller_name() gives it; NULL before */
	struct user user;     /* groups owned */
	pid_t pid;            /* the thread that asked, 0: unknown; as seen by this process */
	uid_t login;          /* /proc/PID/loginuid, (uid_t)-1: none */
};
struct caller *caller_new(uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups, pid_t pid);
struct caller *caller_ref(struct caller *c);
void caller_unref(struct caller *c);

/* "root" or, after su, "root(ana)": asks the name service, so never on the loop. */
#define CALLER_TEXT 80
const char *caller_name(const struct caller *c, char out[CALLER_TEXT]);
extern struct caller caller_self; /* the daemon itself: policies, autostart */

/* How a job may be ended early, and by whom. */
enum stop {
	STOP_NONE,
	STOP_MARKING /* about to be one of: */,
	STOP_INTERRUPT /* the caller's signal: EINTR */,
	STOP_CANCEL /* another's cancel: ECANCELED */
};

struct job {
	struct caller *caller; /* [I] owned */
	struct domain *domain; /* [I] referenced; NULL: the host */
	char *command;         /* [I] the line as it was written */
	char verb[32];         /* [I] */
	bool dry;              /* [I] -n: check, do nothing */
	bool policy;           /* [I] the daemon's own and short: whoever comes waits for it and is not refused */
	bool destroys;         /* [I] once it has the slot: another destroy goes beside it and does not cancel it */
	struct timespec since; /* [I] */
	unsigned seconds;      /* [I] how long it may take */
	uint64_t deadline;     /* [I] clock_msec; an operation that may be long puts its own off before it begins */
	int cancel_fd;         /* [I] eventfd, readable once stop is set */
	atomic_int stop;       /* enum stop */
	char stopped_by[CALLER_TEXT]; /* written before stop is set */
	atomic_uint percent, eta;
	atomic_ullong left;
};

/* DOMAIN may be NULL. COMMAND is copied; the verb is its first word. Never NULL. */
struct job *job_new(struct caller *c, struct domain *d, const char *command, unsigned seconds);
void job_free(struct job *j);
/* The first stop counts. The caller holds J: it must not be freed meanwhile. Asks the name service, so never on the loop. */
void job_stop(struct job *j, enum stop why, const struct caller *by);

/* Take D's slot: 0, or -EBUSY with which, by whom, since when. Between begin and end d->job is J. */
int job_begin(struct job *j, struct err *e);
int job_begin_after(struct job *j, struct err *e); /* waits for the slot, until the job's deadline */
/*
 * The same for what nobody else would do: it waits as long as what is under way takes, and has all its time then. -ETIMEDOUT
 * comes only when the daemon ends.
 */
int job_begin_ever(struct job *j, struct err *e);
void job_end(struct job *j);

/* Stop the job that holds D's slot: 0, or -ENOENT ("nothing is under way"). Asks the name service: no lock held. */
int job_cancel(struct domain *d, const struct caller *by, struct err *e);

/* The same for J, which is to destroy D's guest: false, and nothing is stopped, when the slot is held by one that does so. */
bool job_make_way(struct job *j);

/*
 * Run FN(ARG) on a pool thread, soon. Threads are added as long as all are busy and fewer than the limit run; root's
 * work and urgent work (destroy) have threads of their own beyond it. Idle threads end after a while. Does not block.
 */
void pool_run(void (*fn)(void *), void *arg, bool urgent);
void pool_drain(void); /* until all that was queued, also by what is queued, is done and every thread has ended */

#endif
