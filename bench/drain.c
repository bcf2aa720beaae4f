/*
 * usage: drain LINES READERS CONSOLE [INPUT]
 * How fast a guest's console arrives: READERS read CONSOLE (a socket, or a file such as .console), the guest's shell is told
 * to print LINES lines, by INPUT or the socket, and the time of the slowest reader counts, from the first line to the mark
 * after the last. Prints bytes a reader, seconds, and how many bytes the readers missed, all together.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "bench/figures.h"
#include "bench/qmp.h"

#define FIRST 100000 /* each line has six digits */
#define LIMIT 60     /* seconds */

struct reader {
	pthread_t thread;
	int fd;
	char *text;
	size_t len, room;
	double begun, ended;
};

static atomic_uint listening;
static char begin[32], end[32]; /* marks of this process: a guest may still answer another that gave up */

/* A mark may come in two reads; the console is looked through again from a little before. */
static bool look_for(struct reader *r, size_t from, const char *mark)
{
	size_t back = from > strlen(mark) ? from - strlen(mark) : 0;

	return memmem(r->text + back, r->len - back, mark, strlen(mark)) != NULL;
}

static void *run(void *arg)
{
	struct reader *r = arg;

	atomic_fetch_add(&listening, 1);
	while (r->ended == 0) {
		ssize_t n = read(r->fd, r->text + r->len, r->room - r->len);
		size_t from = r->len;

		if (n <= 0)
			error(1, n ? errno : 0, "the console ended");
		r->len += (size_t)n;
		if (r->begun == 0 && look_for(r, from, begin))
			r->begun = usec_now();
		if (r->begun > 0 && look_for(r, from, end))
			r->ended = usec_now();
		if (r->len == r->room)
			error(1, 0, "more than was asked for");
	}
	return NULL;
}

/* Digits that came between the marks: six a line, whatever else a terminal puts in between. */
static size_t digits(const struct reader *r)
{
	const char *p = memmem(r->text, r->len, begin, strlen(begin));
	const char *last = memmem(r->text, r->len, end, strlen(end));
	size_t n = 0;

	for (p = p ? p + strlen(begin) : last; p && p < last; p++)
		n += *p >= '0' && *p <= '9';
	return n;
}

static int console_open(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st))
		error(1, errno, "%s", path);
	if (S_ISSOCK(st.st_mode))
		return unix_connect(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		error(1, errno, "%s", path);
	return fd;
}

/* The marks are split, so that the echo of the command is none. */
static void ask(const char *input, int socket, unsigned long lines)
{
	char text[256];
	int fd = input ? open(input, O_WRONLY | O_CLOEXEC) : socket;
	int n = snprintf(text, sizeof(text), "echo '%c''%s'; seq %d %lu; echo '%c''%s'\n", *begin, begin + 1, FIRST,
	                 FIRST + lines - 1, *end, end + 1);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		error(1, errno, "%s", input ? input : "the console");
	if (input)
		close(fd);
}

int main(int argc, char **argv)
{
	unsigned long lines = argc > 3 ? strtoul(argv[1], NULL, 10) : 0,
		      count = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	double first = 0, last = 0;
	size_t missed = 0;
	struct reader *r;

	if (!lines || !count)
		error(2, 0, "usage: drain LINES READERS CONSOLE [INPUT]");
	alarm(LIMIT);
	snprintf(begin, sizeof(begin), "<begin-%d>", (int)getpid());
	snprintf(end, sizeof(end), "<end-%d>", (int)getpid());
	r = calloc(count, sizeof(*r));
	for (size_t i = 0; i < count; i++) {
		r[i].fd = console_open(argv[3]);
		r[i].room = lines * 8 + 1048576;
		r[i].text = malloc(r[i].room);
		if (pthread_create(&r[i].thread, NULL, run, &r[i]))
			error(1, 0, "no thread");
	}
	while (atomic_load(&listening) < count)
		usleep(1000);
	usleep(20000);
	ask(argc > 4 ? argv[4] : NULL, r[0].fd, lines);
	for (size_t i = 0; i < count; i++) {
		pthread_join(r[i].thread, NULL);
		missed += lines * 6 > digits(&r[i]) ? lines * 6 - digits(&r[i]) : 0;
		if (first == 0 || r[i].begun < first)
			first = r[i].begun;
		if (r[i].ended > last)
			last = r[i].ended;
	}
	printf("%lu %.4f %zu\n", lines * 8, (last - first) / 1e6, missed);
	return 0;
}
