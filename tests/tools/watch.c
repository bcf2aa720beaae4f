/*
 * usage: watch poll|select|epoll|late FILE
 * Opens FILE, reads it, says "ready", and then a line for each time that POLLPRI (by that call) is reported: "pri" and the
 * text that lseek and read on the same descriptor give, its first line or, of a status, its state. late: an epoll to
 * which the file is added only when a line comes on standard input. "other" and
 * status 4: something else was reported, an error. "error ENOTCONN" and status 3: the file can be read no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

static int failed(const char *name)
{
	printf("error %s\n", name);
	fflush(stdout);
	return 3;
}

static int show(int fd, const char *what)
{
	char text[65536], *line = text, *state;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return failed(strerrorname_np(errno));
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return failed(strerrorname_np(errno));
	text[n] = '\0';
	state = strstr(text, "\nstate ");
	if (state)
		line = state + 1;
	printf("%s %.*s\n", what, (int)strcspn(line, "\n"), line);
	fflush(stdout);
	return 0;
}

/* 1: POLLPRI; 0: something else. */
static int by_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	return poll(&p, 1, -1) == 1 && (p.revents & POLLPRI);
}

static int by_select(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, NULL, NULL, &set, NULL) == 1;
}

static int epoll_on(int fd)
{
	struct epoll_event want = { .events = EPOLLPRI };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	return ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) ? -1 : ep;
}

static int by_epoll(int ep)
{
	struct epoll_event got;

	return epoll_wait(ep, &got, 1, -1) == 1 && (got.events & EPOLLPRI);
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[1] : "";
	int fd, ep = -1, late = !strcmp(how, "late"), ret, pri;

	if (argc != 3 || !strstr(" poll select epoll late ", how))
		return 2;
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(strerrorname_np(errno));
	if (!strcmp(how, "epoll"))
		ep = epoll_on(fd);
	ret = show(fd, "ready");
	if (late && ret == 0) {
		while ((ret = getchar()) != '\n' && ret != EOF)
			;
		ret = 0;
		ep = epoll_on(fd);
	}
	while (ret == 0) {
		pri = how[0] == 'p' ? by_poll(fd) : how[0] == 's' ? by_select(fd) : by_epoll(ep);
		ret = show(fd, pri ? "pri" : "other");
		if (ret == 0 && !pri)
			return 4;
	}
	return ret;
}
