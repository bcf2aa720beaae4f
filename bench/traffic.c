/*
 * usage: traffic recv PORT | traffic send PORT BYTES
 * The host's end of a TCP transfer: waits for one connection on PORT, and takes what comes until its end, or sends BYTES and
 * waits until the other end has closed. Says "ready" when it listens, and then MiB/s.
 */
#include <errno.h>
#include <error.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/figures.h"

#define LIMIT 120 /* seconds */

static char block[65536];

static int peer_accept(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, peer;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		error(1, errno, "port %d", port);
	puts("ready");
	fflush(stdout);
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		error(1, errno, "accept");
	close(fd);
	return peer;
}

int main(int argc, char **argv)
{
	unsigned long left = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	double bytes = 0, begun;
	ssize_t n;
	int fd;

	if (argc < 3 || (strcmp(argv[1], "recv") != 0 && !left))
		error(2, 0, "usage: traffic recv PORT | traffic send PORT BYTES");
	alarm(LIMIT);
	fd = peer_accept(atoi(argv[2]));
	begun = usec_now();
	for (; left; left -= (unsigned long)n, bytes += (double)n) {
		n = write(fd, block, left < sizeof(block) ? left : sizeof(block));
		if (n <= 0)
			error(1, errno, "sending");
	}
	if (argc == 4)
		shutdown(fd, SHUT_WR);
	while ((n = read(fd, block, sizeof(block))) > 0)
		bytes += (double)n;
	printf("%.3f\n", bytes / 1048576 / ((usec_now() - begun) / 1e6));
	return 0;
}
