/*
 * usage: crowd FILE READERS LINES
 * READERS readers of the stream FILE at once, each with a descriptor of its own: half of them are threads that block in
 * read(2), half are served by one thread with epoll. Says "ready" when all have opened it. Each must get the lines " custom n=1"
 * to " custom n=LINES", all of them, in order, with SEQ rising. Status 0 when all did; else it says who missed what.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

struct reader {
	int fd;
	unsigned long next, seq; /* the line that must come next; the last SEQ */
	size_t len;
	char part[LINE_MAX_BYTES];
};

static unsigned long wanted;
static atomic_int bad;

static int complain(const struct reader *r, const char *why)
{
	if (atomic_fetch_add(&bad, 1) < 10)
		printf("a reader that waits for line %lu: %s\n", r->next, why);
	return -1;
}

static int take_line(struct reader *r, char *line)
{
	unsigned long seq = strtoul(line, NULL, 10), n;
	const char *custom = strstr(line, " custom n=");

	if (seq <= r->seq)
		return complain(r, line);
	r->seq = seq;
	if (!custom)
		return 0;
	n = strtoul(custom + strlen(" custom n="), NULL, 10);
	if (n != r->next)
		return complain(r, line);
	r->next++;
	return 0;
}

/* 1 when it has all, 0 to go on, -1. */
static int take(struct reader *r)
{
	char *start = r->part, *end;
	ssize_t n = read(r->fd, r->part + r->len, sizeof(r->part) - 1 - r->len);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return complain(r, n ? strerror(errno) : "the stream ended");
	r->len += (size_t)n;
	r->part[r->len] = '\0';
	while ((end = strchr(start, '\n'))) {
		*end = '\0';
		if (take_line(r, start))
			return -1;
		start = end + 1;
	}
	r->len -= (size_t)(start - r->part);
	memmove(r->part, start, r->len);
	return r->next > wanted;
}

static void *blocking(void *arg)
{
	while (take(arg) == 0)
		;
	return NULL;
}

static void polling(struct reader *readers, unsigned count)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e;
	unsigned left = count;

	for (unsigned i = 0; i < count; i++) {
		e = (struct epoll_event){ .events = EPOLLIN, .data.ptr = &readers[i] };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, readers[i].fd, &e))
			complain(&readers[i], strerror(errno));
	}
	while (left) {
		if (epoll_wait(ep, &e, 1, -1) != 1)
			continue;
		if (take(e.data.ptr)) {
			epoll_ctl(ep, EPOLL_CTL_DEL, ((struct reader *)e.data.ptr)->fd, NULL);
			left--;
		}
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc == 4 ? (unsigned)atoi(argv[2]) : 0, threads = count / 2;
	struct reader *readers = calloc(count + 1, sizeof(*readers));
	pthread_t *ids = calloc(count + 1, sizeof(*ids));
	pthread_attr_t small;

	if (!count || !readers || !ids)
		return 2;
	wanted = strtoul(argv[3], NULL, 10);
	for (unsigned i = 0; i < count; i++) {
		readers[i].next = 1;
		readers[i].fd = open(argv[1], O_RDONLY | O_CLOEXEC | (i < threads ? 0 : O_NONBLOCK));
		if (readers[i].fd < 0) {
			perror(argv[1]);
			return 1;
		}
	}
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_create(&ids[i], &small, blocking, &readers[i])) {
			puts("no thread");
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	polling(readers + threads, count - threads);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("%u readers, %d of them missed something\n", count, atomic_load(&bad));
	return atomic_load(&bad) ? 1 : 0;
}
