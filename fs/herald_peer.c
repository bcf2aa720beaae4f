#include "fs/herald_peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fs/herald_wire.h"
#include "hypervisor/base/self_spawn.h"
#include "log.h"
#include "units.h"

#define ANSWER_MSEC 1000
#define AGAIN_MSEC 1000 /* between two starts */
#define END_MSEC 500

void peer_init(struct peer *p, const char *mountpoint)
{
	*p = (struct peer){ .mountpoint = x_strdup(mountpoint), .pidfd = -1, .sock = -1 };
}

/* Without a descriptor of its own it cannot be watched; so early it dies at once. */
static int pidfd_or_kill(pid_t pid)
{
	int fd = pidfd_open(pid, 0), code = errno;

	if (fd >= 0)
		return fd;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -code;
}

int peer_start(struct peer *p)
{
	static char argv0[] = HERALD_ARGV0, argv1[] = HERALD_ARGV1;
	char *argv[] = { argv0, argv1, p->mountpoint, NULL };
	int sv[2], r;
	pid_t pid;

	p->start_at = clock_msec() + AGAIN_MSEC;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	r = self_spawn(&pid, argv, sv[1], NULL);
	close(sv[1]);
	if (r == 0)
		r = pidfd_or_kill(pid);
	if (r < 0) {
		close(sv[0]);
		return r;
	}
	p->pidfd = r;
	p->sock = sv[0];
	p->stuck = false;
	atomic_store(&p->pid, pid);
	return 0;
}

void peer_end(struct peer *p)
{
	struct pollfd pfd = { .fd = p->pidfd, .events = POLLIN };
	uint64_t until = clock_msec() + END_MSEC, now;

	if (p->sock < 0)
		return;
	atomic_store(&p->pid, 0);
	close(p->sock);
	pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
	while (poll(&pfd, 1, (now = clock_msec()) < until ? (int)(until - now) : 0) < 0 && errno == EINTR)
		;
	while (waitid(P_PIDFD, (id_t)p->pidfd, NULL, WEXITED | WNOHANG) < 0 && errno == EINTR)
		;
	close(p->pidfd);
	p->pidfd = p->sock = -1;
	p->stuck = false;
}

/* A reply is there, or its end: true with *result for the last request. Its end gives -EIO. */
static bool reply_take(struct peer *p, int *result)
{
	struct herald_reply reply;
	ssize_t n;

	do {
		n = recv(p->sock, &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n == sizeof(reply) && reply.serial == p->serial && reply.result <= 0) {
		p->stuck = false;
		*result = reply.result;
		return true;
	}
	log_warn("%s: the process that tells watchers of changes has died", p->mountpoint);
	peer_end(p);
	*result = -EIO;
	return true;
}

static int reply_wait(struct peer *p, int wake)
{
	struct pollfd fds[2] = { { .fd = p->sock, .events = POLLIN }, { .fd = wake, .events = POLLIN } };
	uint64_t until = clock_msec() + ANSWER_MSEC, now;
	int result, n;

	for (;;) {
		now = clock_msec();
		n = poll(fds, 2, now < until ? (int)(until - now) : 0);
		if (n > 0 && fds[0].revents && reply_take(p, &result))
			return result;
		if (n > 0 && fds[1].revents)
			return -ECANCELED;
		if (n == 0 && now >= until)
			break;
	}
	p->stuck = true;
	log_warn("%s: the process that tells watchers of changes hangs", p->mountpoint);
	return -ETIMEDOUT;
}

bool peer_ready(struct peer *p)
{
	int r;

	if (p->stuck && !reply_take(p, &r))
		return false;
	if (p->sock >= 0)
		return true;
	if (clock_msec() < p->start_at)
		return false;
	r = peer_start(p);
	if (r < 0 && !p->told)
		log_warn("%s: the process that tells watchers of changes cannot be started: %s", p->mountpoint,
		         strerror(-r));
	p->told = r < 0;
	return r == 0;
}

void peer_look(struct peer *p)
{
	int r;

	if (p->sock >= 0)
		(void)reply_take(p, &r);
}

int peer_wait(const struct peer *p)
{
	uint64_t now = clock_msec();

	if (p->sock >= 0)
		return -1;
	return p->start_at > now ? (int)(p->start_at - now) : 0;
}

int peer_ask(struct peer *p, struct herald_request *q, size_t n, int wake)
{
	ssize_t sent = -1;

	/* One that died unnoticed has seen nothing of this: the next one gets it. */
	for (int i = 0; i < 2 && sent < 0; i++) {
		if (!peer_ready(p))
			return p->stuck ? -ETIMEDOUT : -EIO;
		q->serial = ++p->serial;
		do {
			sent = send(p->sock, q, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		} while (sent < 0 && errno == EINTR);
		if (sent < 0)
			peer_end(p);
	}
	return sent < 0 ? -EIO : reply_wait(p, wake);
}

bool peer_is(const struct peer *p, pid_t tid)
{
	return tid > 0 && atomic_load(&p->pid) == tid;
}
