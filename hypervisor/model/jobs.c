#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hypervisor/model/internal.h"
#include "log.h"

/* Descriptors that nobody has written to, for the jobs to come: most jobs are shorter than it takes to make one. */
static struct {
	struct lock lock; /* a leaf */
	int fd[16];       /* [lock] */
	size_t n;         /* [lock] */
} spare = { .lock = LOCK_INIT };

static int cancel_fd_take(void)
{
	int fd = -1;

	lock_acquire(&spare.lock);
	if (spare.n)
		fd = spare.fd[--spare.n];
	lock_release(&spare.lock);
	return fd < 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : fd;
}

static void cancel_fd_give(int fd, bool written)
{
	bool kept = false;

	if (fd < 0)
		return;
	lock_acquire(&spare.lock);
	kept = !written && spare.n < COUNT(spare.fd);
	if (kept)
		spare.fd[spare.n++] = fd;
	lock_release(&spare.lock);
	if (!kept)
		close(fd);
}

struct job *job_new(struct caller *c, struct domain *d, const char *command, unsigned seconds)
{
	struct job *j = x_alloc(sizeof(*j));

	j->caller = caller_ref(c);
	j->domain = d ? domain_ref(d) : NULL;
	j->command = x_strdup(command);
	snprintf(j->verb, sizeof(j->verb), "%.*s", (int)strcspn(command, " \t"), command);
	j->since = time_now();
	j->seconds = seconds;
	j->deadline = clock_msec() + seconds * 1000ull;
	j->cancel_fd = cancel_fd_take();
	if (j->cancel_fd < 0)
		log_error("%s: it cannot be cancelled: %m", j->verb);
	return j;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	cancel_fd_give(j->cancel_fd, atomic_load(&j->stop) != STOP_NONE);
	domain_unref(j->domain);
	caller_unref(j->caller);
	free(j->command);
	free(j);
}

/* `stopped_by` is read only by those who saw `stop` set, and only the first stop writes it. */
static void job_mark(struct job *j, enum stop why, const char *by)
{
	int none = STOP_NONE;
	uint64_t one = 1;

	if (!atomic_compare_exchange_strong(&j->stop, &none, STOP_MARKING))
		return;
	snprintf(j->stopped_by, sizeof(j->stopped_by), "%s", by);
	atomic_store(&j->stop, (int)why);
	if (write(j->cancel_fd, &one, sizeof(one)) < 0)
		log_error("%s: its cancel descriptor: %m", j->verb);
}

void job_stop(struct job *j, enum stop why, const struct caller *by)
{
	char name[CALLER_TEXT];

	job_mark(j, why, caller_name(by, name));
	if (!j->domain)
		return;
	lock_acquire(&j->domain->lock);
	cond_broadcast(&j->domain->changed);
	lock_release(&j->domain->lock);
}

int job_cancel_fd(const struct job *j)
{
	return j->cancel_fd;
}

uint64_t job_deadline(const struct job *j)
{
	return j->deadline;
}

int job_check(const struct job *j, struct err *e)
{
	switch (atomic_load(&j->stop)) {
	case STOP_INTERRUPT:
		return fail(e, EINTR, "%s: interrupted", j->verb);
	case STOP_CANCEL:
		return fail(e, ECANCELED, "%s: cancelled by %s", j->verb, j->stopped_by);
	default:
		break;
	}
	if (clock_msec() >= j->deadline)
		return fail(e, ETIMEDOUT, "%s: no answer in time", j->verb);
	return 0;
}

void job_progress(struct job *j, unsigned percent, uint64_t left_bytes, unsigned eta_seconds)
{
	j->percent = percent;
	j->left = left_bytes;
	j->eta = eta_seconds;
	if (!j->domain)
		return;
	domain_lock(j->domain);
	domain_touch(j->domain);
	domain_unlock(j->domain);
}

/* What is in the way, kept so that its caller's name is looked up when no lock is held. */
struct obstacle {
	char verb[sizeof(((struct job *)0)->verb)], since[TIME_TEXT];
	struct caller *caller;
};

static int fail_busy(const struct job *j, struct obstacle *o, struct err *e)
{
	char by[CALLER_TEXT], *name = domain_name(j->domain);

	fail(e, EBUSY, "%s: %s is under way since %s, by %s; cancel ends it", name, o->verb, o->since,
	     caller_name(o->caller, by));
	caller_unref(o->caller);
	free(name);
	return -EBUSY;
}

int job_begin(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	struct obstacle o = { 0 };
	int rc = 0;

	domain_lock(d);
	while (!rc && !d->gone && d->job && d->job->policy && !(rc = job_check(j, e)))
		cond_wait(&d->changed, &d->lock, j->deadline);
	if (rc) {
		; /* the policy took too long */
	} else if (d->gone) {
		rc = fail(e, ENOENT, "%s: there is no such domain any more", d->name);
	} else if (d->job) {
		o.caller = caller_ref(d->job->caller);
		memcpy(o.verb, d->job->verb, sizeof(o.verb));
		time_format(o.since, &d->job->since);
	} else if (!j->dry) {
		d->job = j;
		domain_touch(d);
	}
	domain_unlock(d);
	return o.caller ? fail_busy(j, &o, e) : rc;
}

int job_begin_after(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	int rc = 0;

	domain_lock(d);
	while (!d->gone && d->job && !(rc = job_check(j, e)))
		cond_wait(&d->changed, &d->lock, j->deadline);
	if (!rc && d->gone)
		rc = fail(e, ENOENT, "%s: there is no such domain any more", d->name);
	if (!rc) {
		d->job = j;
		domain_touch(d);
	}
	domain_unlock(d);
	return rc;
}

int job_begin_ever(struct job *j, struct err *e)
{
	int rc;

	do {
		rc = job_begin_after(j, e);
		j->deadline = clock_msec() + j->seconds * 1000ull;
	} while (rc == -ETIMEDOUT && !j->domain->model->closing);
	return rc;
}

void job_end(struct job *j)
{
	struct domain *d = j->domain;
	bool leaves;

	domain_lock(d);
	if (d->job == j) {
		domain_touch(d); /* while the job is there, which tells who follows how young it is */
		d->job = NULL;
	}
	leaves = d->orphan && !domain_on(d) && !d->guest && !d->gone;
	domain_unlock(d);
	if (leaves) /* its file went while the job was under way */
		domain_leave(d);
}

int job_cancel(struct domain *d, const struct caller *by, struct err *e)
{
	char name[CALLER_TEXT];
	int rc = 0;

	caller_name(by, name);
	lock_acquire(&d->lock);
	if (d->job) {
		job_mark(d->job, STOP_CANCEL, name);
		cond_broadcast(&d->changed);
	} else {
		rc = fail(e, ENOENT, "%s: nothing is under way", d->name);
	}
	lock_release(&d->lock);
	return rc;
}

bool job_make_way(struct job *j)
{
	struct domain *d = j->domain;
	char name[CALLER_TEXT];
	bool other;

	caller_name(j->caller, name);
	lock_acquire(&d->lock);
	j->destroys = true;
	other = !d->job || !d->job->destroys;
	if (d->job && other) {
		job_mark(d->job, STOP_CANCEL, name);
		cond_broadcast(&d->changed);
	}
	lock_release(&d->lock);
	return other;
}
