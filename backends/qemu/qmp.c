#include "backends/qemu/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_LEN (4u << 20) /* the longest answer there is, query-qmp-schema, has 200 KiB */
#define FDS_MAX 8
#define LATE "; what was asked may still happen"

/*
 * The turn is a semaphore that can be polled beside the job's cancel descriptor: who has it owns the fields marked [t].
 * A connection is not used again after a call that ended without its answer: no answer is taken for another's. Answers
 * come in order, so commands bear no "id": QEMU reads what it is asked byte by byte, a few microseconds each.
 */
struct qmp {
	char *path;       /* [I] */
	int turn;         /* [I] eventfd: 1 while nobody has the turn */
	int gone;         /* [I] eventfd: readable for ever after qmp_shutdown() */
	atomic_bool over; /* and then this is true */
	int fd;           /* [t] -1: not connected */
	bool answered;    /* [t] the last call got its own answer: the connection is in order */
	uint64_t used;    /* [t] clock_msec() of the last call */
	struct buf in;    /* [t] */
	size_t scanned;   /* [t] bytes of it without a newline */
};

struct wait { /* what a call waits under */
	struct qmp *q;
	struct job *job;
	uint64_t deadline;
	const char *command;
};

struct qmp *qmp_new(const char *path)
{
	struct qmp *q = x_alloc(sizeof(*q));

	q->path = x_strdup(path);
	q->turn = eventfd(1, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	q->gone = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	q->fd = -1;
	return q;
}

static void disconnect(struct qmp *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
	q->scanned = 0;
	buf_free(&q->in);
}

void qmp_free(struct qmp *q)
{
	if (!q)
		return;
	disconnect(q);
	if (q->turn >= 0)
		close(q->turn);
	if (q->gone >= 0)
		close(q->gone);
	free(q->path);
	free(q);
}

void qmp_shutdown(struct qmp *q)
{
	uint64_t one = 1;

	atomic_store(&q->over, true);
	while (write(q->gone, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Nothing is begun late or in vain, and who tells without end is not listened to without end. */
static int go_on(const struct wait *w, struct err *e)
{
	if (clock_msec() >= w->deadline)
		return fail(e, ETIMEDOUT, "QEMU did not answer %s in time" LATE, w->command);
	if (atomic_load(&w->q->over))
		return fail(e, ENOTCONN, "QEMU is gone");
	return w->job ? job_check(w->job, e) : 0;
}

/* Wait until FD is ready for EVENTS; FD -1 only passes time, at most MSEC. 1, or 0 when nothing came. */
static int await(const struct wait *w, int fd, short events, int msec, struct err *e)
{
	struct pollfd p[3] = {
		{ .fd = fd, .events = events },
		{ .fd = w->q->gone, .events = POLLIN },
		{ .fd = w->job ? job_cancel_fd(w->job) : -1, .events = POLLIN },
	};
	uint64_t now = clock_msec();
	int rc = go_on(w, e);

	if (rc < 0)
		return rc;
	if (msec < 0 || now + (uint64_t)msec > w->deadline)
		msec = w->deadline <= now ? 0 : w->deadline - now > 60000 ? 60000 : (int)(w->deadline - now);
	if (poll(p, COUNT(p), msec) < 0 && errno != EINTR)
		return fail(e, errno, "poll: %s", strerror(errno));
	if (p[1].revents || p[2].revents)
		rc = go_on(w, e);
	return rc < 0 ? rc : p[0].revents != 0;
}

static int take_turn(const struct wait *w, struct err *e)
{
	uint64_t token;
	int rc = go_on(w, e);

	if (rc < 0)
		return rc;
	while (read(w->q->turn, &token, sizeof(token)) != sizeof(token)) {
		rc = await(w, w->q->turn, POLLIN, -1, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void give_turn(struct qmp *q)
{
	uint64_t one = 1;

	while (write(q->turn, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static int send_all(const struct wait *w, const char *p, size_t n, const int *fds, size_t nfds, struct err *e)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control = { 0 };
	int rc;

	while (n > 0) {
		struct iovec iov = { .iov_base = (char *)p, .iov_len = n };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t sent;

		if (nfds > 0) {
			msg.msg_control = control.space;
			msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
			struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
			memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
		}
		sent = sendmsg(w->q->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
			nfds = 0;
		} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			return fail(e, ENOTCONN, "QEMU closed its socket (%s)", strerror(errno));
		} else if ((rc = await(w, w->q->fd, POLLOUT, -1, e)) < 0) {
			return rc;
		}
	}
	return 0;
}

/*
 * The next line as JSON. Events are told by another monitor and are skipped: QEMU sends one even before its greeting, where
 * it comes about as we connect.
 */
static int receive(const struct wait *w, json_t **ret, struct err *e)
{
	struct qmp *q = w->q;
	char chunk[16384];
	char *end;
	ssize_t n;
	int rc;

	for (;;) {
		end = q->in.len > q->scanned ? memchr(q->in.p + q->scanned, '\n', q->in.len - q->scanned) : NULL;
		if (end) {
			size_t len = (size_t)(end - q->in.p);
			json_t *line = qmp_parse(q->in.p, len, e);

			q->scanned = 0;
			buf_drop(&q->in, len + 1);
			if (!line)
				return fail_in(e, "QEMU's answer to %s", w->command);
			if (!json_is_string(json_object_get(line, "event"))) {
				*ret = line;
				return 0;
			}
			json_decref(line);
			rc = go_on(w, e);
			if (rc < 0)
				return rc;
			continue;
		}
		q->scanned = q->in.len;
		if (q->in.len > LINE_MAX_LEN)
			return fail(e, EREMOTEIO, "QEMU's answer to %s is longer than %u bytes", w->command,
			            LINE_MAX_LEN);
		n = recv(q->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n > 0)
			buf_add(&q->in, chunk, (size_t)n);
		else if (n == 0)
			return fail(e, ENOTCONN, "QEMU closed its socket");
		else if (errno != EAGAIN && errno != EINTR)
			return fail(e, ENOTCONN, "QEMU's socket: %s", strerror(errno));
		else if ((rc = await(w, q->fd, POLLIN, -1, e)) < 0)
			return rc;
	}
}

/* Send one command and wait for its answer. */
static int converse(const struct wait *w, json_t *arguments, const int *fds, size_t nfds, json_t **ret, struct err *e)
{
	json_t *ask = json_pack("{s:s}", "execute", w->command), *line = NULL, *value;
	char *text = NULL, *said;
	int rc;

	if (arguments)
		json_object_set(ask, "arguments", arguments);
	text = json_dumps(ask, JSON_COMPACT);
	json_decref(ask);
	if (!text)
		return fail(e, EINVAL, "%s: an argument is not valid UTF-8", w->command);
	said = x_printf("%s\n", text);
	free(text);
	rc = send_all(w, said, strlen(said), fds, nfds, e);
	free(said);
	if (rc == 0)
		rc = receive(w, &line, e);
	if (rc < 0)
		return rc;
	if (json_object_get(line, "id")) {
		rc = fail(e, EREMOTEIO, "QEMU answered something that was not asked, instead of %s", w->command);
	} else if ((value = json_object_get(line, "return"))) {
		w->q->answered = true;
		*ret = json_incref(value);
	} else {
		const char *why = json_string_value(json_object_get(json_object_get(line, "error"), "desc"));

		w->q->answered = true;
		rc = fail(e, EREMOTEIO, "QEMU refuses %s: %s", w->command, why ? why : "no reason given");
	}
	json_decref(line);
	return rc;
}

static int open_socket(const struct wait *w, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *slash = strrchr(w->q->path, '/');
	char *dir = NULL, *through = NULL;
	const char *path = w->q->path;
	int dirfd = -1, rc = 0;

	if (strlen(path) >=
	    sizeof(a.sun_path)) { /* a socket's address is short: go through a descriptor of its folder */
		dir = slash ? x_strndup(path, (size_t)(slash - path)) : NULL;
		dirfd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		if (dirfd < 0) {
			rc = fail(e, ENOTCONN, "%s: %s", path, strerror(errno));
			goto out;
		}
		path = through = x_printf("/proc/self/fd/%d%s", dirfd, slash);
	}
	if (strlen(path) >= sizeof(a.sun_path)) {
		rc = fail(e, ENAMETOOLONG, "%s: too long for a socket", w->q->path);
		goto out;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	w->q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->q->fd < 0) {
		rc = fail(e, errno, "socket: %s", strerror(errno));
		goto out;
	}
	while (connect(w->q->fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN) { /* EAGAIN: its queue is full */
			rc = fail(e, ENOTCONN, "%s: %s", w->q->path, strerror(errno));
			break;
		}
		rc = await(w, -1, 0, 20, e);
		if (rc < 0)
			break;
	}
out:
	if (dirfd >= 0)
		close(dirfd);
	free(through);
	free(dir);
	return rc;
}

static int connected(const struct wait *w, struct err *e)
{
	struct wait hello = *w;
	struct pollfd p = { .fd = w->q->fd, .events = POLLRDHUP };
	json_t *line = NULL;
	int rc;

	/* A connection that the other side closed while it was idle is opened anew: nothing was asked on it yet. */
	if (w->q->fd >= 0 && (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLHUP | POLLRDHUP | POLLERR))))
		return 0;
	disconnect(w->q);
	rc = open_socket(w, e);
	if (rc < 0)
		return rc;
	rc = receive(w, &line, e);
	if (rc < 0)
		return rc;
	if (!json_is_object(json_object_get(line, "QMP")))
		rc = fail(e, EREMOTEIO, "what listens at %s is not QEMU's monitor", w->q->path);
	json_decref(line);
	if (rc < 0)
		return rc;
	hello.command = "qmp_capabilities";
	line = NULL;
	rc = converse(&hello, NULL, NULL, 0, &line, e);
	json_decref(line);
	return rc;
}

int qmp_call(struct qmp *q, const char *command, json_t *arguments, const int *fds, size_t nfds, struct job *job,
             uint64_t deadline, json_t **ret, struct err *e)
{
	struct wait w = { .q = q, .job = job, .deadline = deadline, .command = command };
	json_t *value = NULL;
	int rc;

	if (job && job_deadline(job) < w.deadline)
		w.deadline = job_deadline(job);
	rc = nfds > FDS_MAX ? fail(e, EINVAL, "%s: too many descriptors", command) : take_turn(&w, e);
	if (rc < 0)
		goto out;
	rc = connected(&w, e);
	q->answered = false;
	if (rc == 0)
		rc = converse(&w, arguments, fds, nfds, &value, e);
	if (!q->answered)
		disconnect(q);
	q->used = clock_msec();
	give_turn(q);
	if (rc == 0 && ret)
		*ret = value;
	else
		json_decref(value);
out:
	json_decref(arguments);
	return rc;
}

void qmp_idle(struct qmp *q, uint64_t msec)
{
	uint64_t token;

	if (read(q->turn, &token, sizeof(token)) != sizeof(token))
		return;
	if (q->fd >= 0 && clock_msec() - q->used >= msec)
		disconnect(q);
	give_turn(q);
}
