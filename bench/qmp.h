/*
 * A QMP client of a few lines, for the reference that domfs is measured beside: one socket, one command at a time, no
 * parser, for the commands are ours and the answer is told by its first word. Single-threaded; exits on trouble.
 */
#ifndef BENCH_QMP_H
#define BENCH_QMP_H

#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct qmp {
	int fd;
	size_t len;
	char buf[65536];
};

static inline int unix_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		error(1, ENAMETOOLONG, "%s", path);
	memcpy(a.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		error(1, errno, "%s", path);
	return fd;
}

/* The next line, which lives until the next call. */
static inline const char *qmp_line(struct qmp *q)
{
	static _Thread_local char line[65536];

	for (;;) {
		char *end = memchr(q->buf, '\n', q->len);
		ssize_t n;

		if (end) {
			size_t len = (size_t)(end - q->buf);

			memcpy(line, q->buf, len);
			line[len] = '\0';
			q->len -= len + 1;
			memmove(q->buf, end + 1, q->len);
			return line;
		}
		n = read(q->fd, q->buf + q->len, sizeof(q->buf) - q->len);
		if (n <= 0)
			error(1, n ? errno : 0, "QEMU's monitor ended");
		q->len += (size_t)n;
	}
}

static inline void qmp_send(int fd, const char *command)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "{\"execute\": \"%s\"}\n", command);

	if (write(fd, text, (size_t)n) != n)
		error(1, errno, "QEMU's monitor");
}

/* Until the command has been answered; events are passed over. */
static inline void qmp_run(struct qmp *q, const char *command)
{
	const char *line;

	qmp_send(q->fd, command);
	do
		line = qmp_line(q);
	while (strncmp(line, "{\"return\"", 9) && strncmp(line, "{\"error\"", 8));
	if (line[2] == 'e')
		error(1, 0, "%s: %s", command, line);
}

static inline void qmp_open(struct qmp *q, const char *path)
{
	q->fd = unix_connect(path);
	qmp_run(q, "qmp_capabilities");
}

/* When an event happened, by the hypervisor's own clock: microseconds since 1970, or 0 where it is none of these. */
static inline double qmp_event_usec(const char *line, const char *event)
{
	unsigned long long sec, usec;
	char name[64];

	if (sscanf(line, "{\"timestamp\": {\"seconds\": %llu, \"microseconds\": %llu}, \"event\": \"%63[A-Z_]", &sec,
	           &usec, name) != 3 ||
	    strcmp(name, event) != 0)
		return 0;
	return (double)sec * 1e6 + (double)usec;
}

#endif
