#include "backends/qemu/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "testpoint.h"

#define SLICE_MSEC 100     /* how soon a wait for the monitor notices that its job was cancelled */
#define QUIT_MSEC 2000     /* what QEMU gets to end by itself */
#define FIRMWARE_MSEC 5000 /* until firmware's own reset after a reset must have come */
#define QUIET_MSEC 500     /* after which no more of them comes */

struct guest *guest_new(struct backend *b, const char *serial, const struct spec *spec)
{
	struct guest *g = x_alloc(sizeof(*g));
	char *path;

	g->b = b;
	g->uid = (uid_t)-1;
	snprintf(g->serial, sizeof(g->serial), "%s", serial);
	g->dir = x_printf("%s/%s", b->dir, g->serial);
	g->dirfd = g->pidfd = g->ev_in = g->ser_in = -1;
	g->spec = spec ? spec_ref(spec) : NULL;
	path = x_printf("%s/qmp", g->dir);
	g->qmp = qmp_new(path);
	free(path);
	atomic_init(&g->refs, 1);
	lock_init(&g->lock);
	cond_init(&g->changed);
	g->state = STATE_STARTING;
	lock_acquire(&b->lock);
	g->next = b->guests;
	b->guests = g;
	lock_release(&b->lock);
	return g;
}

void guest_ref(struct guest *g)
{
	atomic_fetch_add(&g->refs, 1);
}

void guest_unref(struct guest *g)
{
	int fds[] = { -1, -1, -1, -1 };

	if (!g || atomic_fetch_sub(&g->refs, 1) > 1)
		return;
	lock_acquire(&g->b->lock);
	for (struct guest **at = &g->b->guests; *at; at = &(*at)->next) {
		if (*at != g)
			continue;
		*at = g->next;
		break;
	}
	lock_release(&g->b->lock);
	fds[0] = g->dirfd, fds[1] = g->pidfd, fds[2] = g->ev_in, fds[3] = g->ser_in;
	for (size_t i = 0; i < COUNT(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	qmp_free(g->qmp);
	spec_unref(g->spec);
	record_free(&g->record);
	cond_destroy(&g->changed);
	lock_destroy(&g->lock);
	free(g->dir);
	free(g);
}

int guest_take_uid(struct guest *g, struct err *e)
{
	const struct backend_config *c = &g->b->config;
	uid_t uid;
	bool taken = true;

	lock_acquire(&g->b->lock);
	for (uid = c->uid_first; uid <= c->uid_last; uid++) {
		taken = false;
		for (const struct guest *o = g->b->guests; o && !taken; o = o->next)
			taken = o->uid == uid;
		if (!taken)
			break;
	}
	if (!taken)
		g->uid = uid;
	lock_release(&g->b->lock);
	if (taken)
		return fail(e, EBUSY, "all user ids for guests, %u to %u, are in use", c->uid_first, c->uid_last);
	return 0;
}

uint64_t backend_promised_mib(struct backend *b)
{
	uint64_t sum = 0;

	lock_acquire(&b->lock);
	for (const struct guest *g = b->guests; g; g = g->next)
		sum += g->spec ? spec_memory(g->spec) : 0;
	lock_release(&b->lock);
	return sum;
}

int guest_wait(struct guest *g, bool (*done)(const struct guest *g, uint64_t arg), uint64_t arg, uint64_t deadline,
               struct job *job, struct err *e)
{
	int rc = 0;

	if (job && job_deadline(job) < deadline)
		deadline = job_deadline(job);
	lock_acquire(&g->lock);
	while (!done(g, arg)) {
		uint64_t now = clock_msec();

		if (g->gone) {
			rc = fail(e, EHOSTDOWN, "the guest has ended");
			break;
		}
		if (now >= deadline) {
			rc = fail(e, ETIMEDOUT,
			          "QEMU accepted it, and nothing was seen of it in time; it may still happen");
			break;
		}
		cond_wait(&g->changed, &g->lock, now + SLICE_MSEC < deadline ? now + SLICE_MSEC : deadline);
		if (!job)
			continue;
		lock_release(&g->lock);
		rc = job_check(job, e);
		lock_acquire(&g->lock);
		if (rc < 0)
			break;
	}
	if (rc < 0 && done(g, arg)) /* it came while the job was asked */
		rc = 0;
	lock_release(&g->lock);
	return rc;
}

bool guest_is(const struct guest *g, uint64_t state)
{
	return g->state == (enum domain_state)state && !g->ended;
}

bool guest_is_gone(const struct guest *g, uint64_t unused)
{
	(void)unused;
	return g->gone;
}

bool guest_was_reset(const struct guest *g, uint64_t before)
{
	return g->resets != (unsigned)before;
}

static unsigned resets(struct guest *g)
{
	unsigned n;

	lock_acquire(&g->lock);
	n = g->resets;
	lock_release(&g->lock);
	return n;
}

int guest_alive(struct guest *g, enum domain_state *state, struct err *e)
{
	enum domain_state now;
	bool ended, gone;

	lock_acquire(&g->lock);
	now = g->state;
	ended = g->ended;
	gone = g->gone;
	lock_release(&g->lock);
	if (gone)
		return fail(e, EHOSTDOWN, "the guest has ended");
	if (ended)
		return fail(e, EINVAL, "the guest has stopped by itself; only destroy and a restart are left");
	if (now == STATE_UNRESPONSIVE)
		return fail(e, ETIMEDOUT, "QEMU does not answer; wait until it does, or destroy the guest");
	if (state)
		*state = now;
	return 0;
}

int guest_call(struct guest *g, const char *command, json_t *arguments, struct job *job, uint64_t limit, json_t **ret,
               struct err *e)
{
	uint64_t deadline = job ? job_deadline(job) : clock_msec() + 2000;
	int rc;

	if (limit != 0 && clock_msec() + limit < deadline)
		deadline = clock_msec() + limit;
	rc = qmp_call(g->qmp, command, arguments, NULL, 0, job, deadline, ret, e);
	return rc == -ENOTCONN ? fail(e, EHOSTDOWN, "the guest has ended: QEMU is gone") : rc;
}

int guest_ask(struct guest *g, const char *question)
{
	ssize_t n;

	/* Less than PIPE_BUF: whole or not at all. */
	do
		n = write(g->ev_in, question, strlen(question));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int guest_set_reboot_wanted(struct guest *g, bool wanted, struct err *e)
{
	bool before = g->record.reboot_wanted;
	int rc;

	if (before == wanted)
		return 0;
	g->record.reboot_wanted = wanted;
	rc = record_save(g->dirfd, &g->record, e);
	if (rc < 0)
		g->record.reboot_wanted = before;
	else
		atomic_store(&g->reboot_wanted, wanted);
	return rc;
}

bool guest_reboots_in_place(const struct guest *g)
{
	return spec_action(g->spec, KEY_on_reboot, ACTION_RESTART) == ACTION_RESTART;
}

static int set_action(struct guest *g, const char *reboot, struct job *j, struct err *e)
{
	return guest_call(g, "set-action", json_pack("{s:s}", "reboot", reboot), j, 0, NULL, e);
}

/*
 * Firmware that finds itself started a second time resets the machine once more, within moments. While QEMU's policy
 * holds reboots, that would be an end: the policy comes back when it is over.
 */
static int hold_reboots_again(struct guest *g, unsigned before, struct job *j, struct err *e)
{
	uint64_t deadline = clock_msec() + FIRMWARE_MSEC;
	int rc = guest_wait(g, guest_was_reset, before, deadline, j, NULL);

	while (rc == 0 && clock_msec() < deadline)
		rc = guest_wait(g, guest_was_reset, resets(g), clock_msec() + QUIET_MSEC, j, NULL);
	/* Also when the wait was interrupted: nothing else would do it. */
	return set_action(g, "shutdown", NULL, e);
}

int guest_restart(struct guest *g, struct job *j, struct err *e)
{
	bool in_place = guest_reboots_in_place(g);
	unsigned before = resets(g);
	int rc;

	lock_acquire(&g->lock);
	rc = g->gone    ? fail(e, EHOSTDOWN, "the guest has ended")
	     : g->ended ? 0
	                : fail(e, EINVAL, "the guest has not ended");
	lock_release(&g->lock);
	if (rc == 0)
		rc = guest_set_reboot_wanted(g, false, e);
	if (rc == 0 && !in_place)
		rc = set_action(g, "reset", j, e);
	if (rc < 0)
		return rc;
	rc = guest_call(g, "system_reset", NULL, j, 0, NULL, e);
	/* QEMU only notes the request; it refuses to go on before the reset was done. */
	if (rc == 0)
		rc = guest_wait(g, guest_was_reset, before, UINT64_MAX, j, e);
	before = resets(g);
	if (rc == 0)
		rc = guest_call(g, "cont", NULL, j, 0, NULL, e);
	if (rc == 0)
		rc = guest_wait(g, guest_is, STATE_RUNNING, UINT64_MAX, j, e);
	if (!in_place) {
		if (rc == 0)
			rc = hold_reboots_again(g, before, j, e);
		else
			set_action(g, "shutdown", NULL, NULL);
	}
	return rc;
}

int guest_reset(struct guest *g, struct job *j, struct err *e)
{
	bool in_place = guest_reboots_in_place(g);
	enum domain_state state = STATE_OFF;
	unsigned before = resets(g);
	int rc = guest_alive(g, &state, e);

	if (rc < 0)
		return rc;
	if (!in_place && state != STATE_RUNNING)
		return fail(e, EINVAL,
		            "a paused guest whose on_reboot is not restart cannot be reset; unpause it first");
	if (!in_place)
		rc = set_action(g, "reset", j, e);
	if (rc == 0)
		rc = guest_call(g, "system_reset", NULL, j, 0, NULL, e);
	if (rc == 0)
		rc = guest_wait(g, guest_was_reset, before, UINT64_MAX, j, e);
	if (!in_place) {
		if (rc == 0)
			rc = hold_reboots_again(g, resets(g), j, e);
		else
			set_action(g, "shutdown", NULL, NULL);
	}
	return rc;
}

int guest_destroy(struct guest *g, struct job *j, struct err *e)
{
	bool answers = guest_alive(g, NULL, NULL) != -ETIMEDOUT;
	int mark = openat(g->dirfd, "destroyed", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc = -ETIMEDOUT;

	/* A successor that finds it dead must not take it for a crash. */
	if (mark >= 0)
		close(mark);
	atomic_store(&g->destroying, true);
	test_point("destroy-begin");
	/* QEMU's own exit flushes its images. */
	if (answers && guest_call(g, "quit", NULL, j, QUIT_MSEC, NULL, NULL) == 0)
		rc = guest_wait(g, guest_is_gone, 0, clock_msec() + QUIT_MSEC, j, e);
	if (rc == -ETIMEDOUT) {
		if (pidfd_send_signal(g->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
			return fail(e, errno, "QEMU cannot be killed: %s", strerror(errno));
		rc = guest_wait(g, guest_is_gone, 0, UINT64_MAX, j, e);
		if (rc == -ETIMEDOUT)
			return fail(e, ETIMEDOUT, "QEMU was killed and is not gone yet: it may be waiting for a disk");
	}
	return rc;
}
