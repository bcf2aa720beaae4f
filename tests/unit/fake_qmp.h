/*
 * A QEMU of our own on a socket of its own, in a thread: what it answers depends on the command's name. And a job that
 * can be cancelled.
 */
#ifndef FAKE_QMP_H
#define FAKE_QMP_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "job.h"
#include "tests/unit/test.h"

struct job {
	int cancel;
	uint64_t deadline;
};

int job_cancel_fd(const struct job *j)
{
	return j->cancel;
}

uint64_t job_deadline(const struct job *j)
{
	return j->deadline;
}

int job_check(const struct job *j, struct err *e)
{
	struct pollfd p = { .fd = j->cancel, .events = POLLIN };

	return poll(&p, 1, 0) > 0 ? fail(e, ECANCELED, "cancelled") : 0;
}

void job_progress(struct job *j, unsigned percent, uint64_t left, unsigned eta)
{
	(void)j, (void)percent, (void)left, (void)eta;
}

/* ---- a QEMU of our own: what it does depends on the command's name ---- */

static char dir[] = "/tmp/test-qmp-XXXXXX", *path;
static const char *greeting; /* NULL: says nothing */
static int listener;
static atomic_int connections, asked;
static atomic_int got_fd;
static pthread_t server;

static void say(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		text += sent;
		n -= (size_t)sent;
	}
}

static void answer(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

/* False: hang up. */
static bool obey(int fd, const char *command)
{
	static const char slowly[] = "{\"event\": \"STOP\"}\r\n{\"return\": [1, 18446744073709551615]}\r\n";
	static char much[65536];
	char *text;

	if (!strcmp(command, "qmp_capabilities") || !strcmp(command, "echo") || !strcmp(command, "fd")) {
		text = x_printf("{\"return\": {\"asked\": %d}}\r\n", atomic_load(&asked));
		answer(fd, text);
		free(text);
	} else if (!strcmp(command, "slow")) {
		for (const char *p = slowly; *p; p++)
			say(fd, p, 1);
	} else if (!strcmp(command, "refuse")) {
		answer(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such disk\"}}\r\n");
	} else if (!strcmp(command, "refuse-badly")) {
		answer(fd, "{\"error\": 7}\r\n");
	} else if (!strcmp(command, "garbage")) {
		say(fd, "\x01\x02 hello\n", 9);
	} else if (!strcmp(command, "array")) {
		say(fd, "[]\n", 3);
	} else if (!strcmp(command, "deep")) {
		memset(much, '[', sizeof(much));
		much[sizeof(much) - 1] = '\n';
		say(fd, much, sizeof(much));
	} else if (!strcmp(command, "endless")) {
		memset(much, 'x', sizeof(much));
		for (unsigned i = 0; i < 100; i++)
			say(fd, much, sizeof(much));
	} else if (!strcmp(command, "wrong")) {
		answer(fd, "{\"return\": {}, \"id\": 1}\r\n");
	} else if (!strcmp(command, "half")) {
		say(fd, "{\"return\": {}, ", 14);
		return false;
	} else if (!strcmp(command, "eof")) {
		return false;
	} /* "silent": nothing */
	return true;
}

static void serve(int fd)
{
	char in[4096], space[CMSG_SPACE(sizeof(int))];
	size_t n = 0;
	char *end;

	if (greeting)
		say(fd, greeting, strlen(greeting));
	for (;;) {
		struct iovec iov = { .iov_base = in + n, .iov_len = sizeof(in) - n - 1 };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
		};
		ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		struct cmsghdr *c;

		if (got <= 0)
			return;
		c = CMSG_FIRSTHDR(&msg);
		if (c && c->cmsg_type == SCM_RIGHTS) {
			int received;

			memcpy(&received, CMSG_DATA(c), sizeof(received));
			atomic_store(&got_fd, received);
		}
		n += (size_t)got;
		in[n] = '\0';
		while ((end = memchr(in, '\n', n))) {
			json_t *o = json_loadb(in, (size_t)(end - in), 0, NULL);
			bool on;

			atomic_fetch_add(&asked, 1);
			on = obey(fd, json_string_value(json_object_get(o, "execute")));
			json_decref(o);
			n -= (size_t)(end - in) + 1;
			memmove(in, end + 1, n);
			if (!on)
				return;
		}
	}
}

/* Like QEMU, one client at a time. */
static void *run(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		atomic_fetch_add(&connections, 1);
		serve(fd);
		close(fd);
	}
	return NULL;
}

static void begin(const char *hello)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	greeting = hello;
	atomic_store(&connections, 0);
	atomic_store(&asked, 0);
	atomic_store(&got_fd, -1);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(pthread_create(&server, NULL, run, NULL), 0);
}

static void end(struct qmp *q)
{
	qmp_free(q);
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listener);
}

#endif
