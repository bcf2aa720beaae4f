#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access.h"
#include "buf.h"
#include "hypervisor/base/access_wire.h"
#include "hypervisor/base/self_spawn.h"
#include "lock.h"

#define STUCK_MAX 64     /* helpers that hang in a file system, of all users */
#define STUCK_USER_MAX 4 /* of one */
#define END_MSEC 500     /* what the end of a killed helper is waited for */

/* [l] the leaf lock of its own; reaping must be exact, and nobody else knows these children. */
static struct {
	struct lock lock;
	struct access_child child[STUCK_MAX]; /* [l] the first COUNT are in use */
	size_t count;                         /* [l] */
} stuck = { .lock = LOCK_INIT };

/* Whether the child has ended and is reaped (or was never ours to reap). */
static bool child_reap(const struct access_child *c)
{
	siginfo_t info = { 0 };
	bool by_fd = c->pidfd >= 0;
	int r;

	do {
		r = waitid(by_fd ? P_PIDFD : P_PID, (id_t)(by_fd ? c->pidfd : c->pid), &info, WEXITED | WNOHANG);
	} while (r < 0 && errno == EINTR);
	return r < 0 || info.si_pid != 0;
}

static void child_forget(struct access_child *c)
{
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
}

/* Reap what has come loose; how many are stuck, and how many for UID. */
static size_t stuck_count(uid_t uid, size_t *of_user)
{
	size_t i = 0, n;

	*of_user = 0;
	lock_acquire(&stuck.lock);
	while (i < stuck.count) {
		if (child_reap(&stuck.child[i])) {
			child_forget(&stuck.child[i]);
			stuck.child[i] = stuck.child[--stuck.count];
			continue;
		}
		*of_user += stuck.child[i++].uid == uid;
	}
	n = stuck.count;
	lock_release(&stuck.lock);
	return n;
}

/* False when there is no room. */
static bool stuck_keep(const struct access_child *c)
{
	bool kept = false;

	lock_acquire(&stuck.lock);
	if (stuck.count < STUCK_MAX) {
		stuck.child[stuck.count++] = *c;
		kept = true;
	}
	lock_release(&stuck.lock);
	return kept;
}

int access_child_start(struct access_child *c, uid_t uid, struct err *e)
{
	static char argv0[] = ACCESS_ARGV0, argv1[] = ACCESS_ARGV1;
	char *argv[] = { argv0, argv1, NULL };
	int sv[2], r;
	size_t of_user;
	pid_t pid;

	if (stuck_count(uid, &of_user) >= STUCK_MAX || of_user >= STUCK_USER_MAX)
		return fail(e, EAGAIN, "uid %u: opening earlier files still hangs, %zu times", (unsigned)uid, of_user);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return fail(e, errno, "no socket for opening files: %s", strerror(errno));
	r = self_spawn(&pid, argv, sv[1], NULL);
	close(sv[1]);
	if (r) {
		close(sv[0]);
		return fail(e, -r, "the process that opens files cannot be started: %s", strerror(-r));
	}
	*c = (struct access_child){ .pid = pid, .pidfd = pidfd_open(pid, 0), .sock = sv[0], .uid = uid };
	return 0;
}

void access_child_end(struct access_child *c)
{
	struct pollfd pfd = { .fd = c->pidfd, .events = POLLIN };
	uint64_t until = clock_msec() + END_MSEC, now;

	close(c->sock);
	c->sock = -1;
	if (c->pidfd >= 0)
		pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	else
		kill(c->pid, SIGKILL); /* not reaped yet, so it is this one */
	while (!child_reap(c)) {
		now = clock_msec();
		if (now >= until && stuck_keep(c))
			return;
		/* Without a pidfd, or a place to keep it, a slow poll: the host is in trouble then. */
		poll(&pfd, 1, now < until && c->pidfd >= 0 ? (int)(until - now) : 20);
	}
	child_forget(c);
}
