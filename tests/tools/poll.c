/*
 * usage: poll in|pri|epoll|nonblock FILE
 * Opens FILE, reads what is there as poll(2) of sysfs has it, says "waiting", and then what poll or epoll reported and what is
 * to be read now. nonblock reads and says how the read ended. At most 20 seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MSEC 20000

static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, MSEC);

	if (n == 1)
		printf("%s%s%s\n", p.revents & POLLIN ? "in " : "", p.revents & POLLPRI ? "pri " : "",
		       p.revents & POLLERR ? "err " : "");
	return n == 1;
}

static int wait_epoll(int fd)
{
	struct epoll_event want = { .events = EPOLLIN }, got;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want))
		return 0;
	return epoll_wait(ep, &got, 1, MSEC) == 1;
}

int main(int argc, char **argv)
{
	char text[65536];
	ssize_t n;
	int fd, ok;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDONLY | O_NONBLOCK);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	do
		n = read(fd, text, sizeof(text));
	while (n > 0);
	if (!strcmp(argv[1], "nonblock")) {
		puts(n ? strerrorname_np(errno) : "end");
		return 0;
	}
	puts("waiting");
	fflush(stdout);
	ok = !strcmp(argv[1], "epoll") ? wait_epoll(fd) : wait_for(fd, argv[1][0] == 'p' ? POLLPRI : POLLIN);
	if (!ok)
		return 1;
	if (argv[1][0] == 'p')
		lseek(fd, 0, SEEK_SET);
	n = read(fd, text, sizeof(text));
	if (n > 0)
		fwrite(text, 1, (size_t)n, stdout);
	return n > 0 ? 0 : 1;
}
