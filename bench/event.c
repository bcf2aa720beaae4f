/*
 * usage: event ROUNDS EV.IN EV.OUT EVENTS STATE QMP QMP2
 * From what happens in a hypervisor to who waits for it. A guest of domfs is stopped and continued from behind its back, by a
 * monitor of its QEMU (EV.IN); waiting are a read of EVENTS, a poll of STATE for POLLPRI, and an inotify of STATE; each
 * counts once it has read the new state. The event's own time stamp in EV.OUT is the beginning. Beside it a QEMU by hand, each
 * first in turn: told by QMP, and read by who waits on QMP2. The first stop and cont are not counted. Prints a line for
 * each who waits: name, how many saw nothing within a second, and p50 p90 p99 max in microseconds.
 */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/inotify.h>

#include "bench/figures.h"
#include "bench/qmp.h"

#define LIMIT_USEC 1e6
#define PATIENCE 3 /* events that one may miss in a row; then nobody waits for him any more */
#define WARM 2     /* events that are not counted */

enum { READ, POLL, INOTIFY, RAW, WAYS };

struct waiter {
	const char *name, *path;
	void *(*run)(void *);
	double *seen; /* written once by the waiter, then read by the driver when `done` has reached it */
	_Atomic size_t done;
	atomic_bool ready;
	unsigned missed; /* in a row; the driver's */
};

/* The event that is waited for: its number, and one more when it has been asked for. Even ones stop. */
static _Atomic size_t current;
static double *raw_origin;

static const char *expected(size_t i)
{
	return i % 2 ? "running" : "paused";
}

/* TEXT begins with STATE or has state=STATE, as a word: who was unpaused late is not paused. */
static bool says(const char *text, const char *state)
{
	size_t n = strlen(state);

	for (const char *p = text; (p = strstr(p, state)); p++)
		if ((p == text || p[-1] == '=') && (p[n] == '\0' || isspace((unsigned char)p[n])))
			return true;
	return false;
}

/* TEXT has been read at USEC. */
static void saw(struct waiter *w, const char *text, double usec)
{
	size_t i = atomic_load(&current);

	if (atomic_load(&w->done) > i || !says(text, expected(i)))
		return;
	w->seen[i] = usec;
	atomic_store(&w->done, i + 1);
}

static int state_open(const char *path, char text[64])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, text, 63, 0) < 0)
		error(1, errno, "%s", path);
	return fd;
}

static void state_look(struct waiter *w, int fd)
{
	char text[64];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		error(1, errno, "%s", w->path);
	text[n] = '\0';
	saw(w, text, usec_of(CLOCK_REALTIME));
}

static void *run_read(void *arg)
{
	struct waiter *w = arg;
	char text[65536];
	int fd = open(w->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		error(1, errno, "%s", w->path);
	atomic_store(&w->ready, true);
	while ((n = read(fd, text, sizeof(text) - 1)) > 0) {
		double usec = usec_of(CLOCK_REALTIME);

		text[n] = '\0';
		saw(w, text, usec);
	}
	return NULL;
}

static void *run_poll(void *arg)
{
	struct waiter *w = arg;
	char text[64];
	struct pollfd p = { .fd = state_open(w->path, text), .events = POLLPRI };

	poll(&p, 1, 0); /* the kernel now knows that somebody waits */
	atomic_store(&w->ready, true);
	while (poll(&p, 1, -1) == 1)
		state_look(w, p.fd);
	return NULL;
}

static void *run_inotify(void *arg)
{
	struct waiter *w = arg;
	char text[64], events[4096];
	int fd = state_open(w->path, text), in = inotify_init1(IN_CLOEXEC);

	if (inotify_add_watch(in, w->path, IN_MODIFY) < 0)
		error(1, errno, "%s", w->path);
	atomic_store(&w->ready, true);
	while (read(in, events, sizeof(events)) > 0)
		state_look(w, fd);
	return NULL;
}

static void *run_raw(void *arg)
{
	struct waiter *w = arg;
	static struct qmp q;

	qmp_open(&q, w->path);
	atomic_store(&w->ready, true);
	for (;;) {
		const char *line = qmp_line(&q);
		double usec = usec_of(CLOCK_REALTIME);
		size_t i = atomic_load(&current);
		double origin = qmp_event_usec(line, i % 2 ? "RESUME" : "STOP");

		if (origin == 0)
			continue;
		raw_origin[i] = origin;
		saw(w, expected(i), usec);
	}
	return NULL;
}

static struct waiter waiters[WAYS] = {
	[READ] = { .name = "read", .run = run_read },
	[POLL] = { .name = "poll", .run = run_poll },
	[INOTIFY] = { .name = "inotify", .run = run_inotify },
	[RAW] = { .name = "qmp", .run = run_raw },
};

static void nap(long usec)
{
	struct timespec t = { .tv_nsec = usec * 1000 };

	nanosleep(&t, NULL);
}

static bool all_done(size_t i)
{
	for (int k = 0; k < WAYS; k++)
		if (waiters[k].missed < PATIENCE && atomic_load(&waiters[k].done) <= i)
			return false;
	return true;
}

static void count_missed(size_t i)
{
	for (int k = 0; k < WAYS; k++)
		waiters[k].missed = atomic_load(&waiters[k].done) <= i ? waiters[k].missed + 1 : 0;
}

/*
 * Both guests are told, another one first each time that they are stopped; the driver sleeps in between so as not to take the
 * processor from those who wait.
 */
static void drive(size_t rounds, const char *in, const char *qmp)
{
	static struct qmp q;
	int fd = open(in, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		error(1, errno, "%s", in);
	qmp_open(&q, qmp);
	for (size_t i = 0; i < rounds; i++) {
		const char *command = i % 2 ? "cont" : "stop";
		double end;

		atomic_store(&current, i);
		for (size_t k = 0; k < 2; k++) {
			if (turn_of(i / 2, k, 2))
				qmp_run(&q, command);
			else
				qmp_send(fd, command);
			nap(5000);
		}
		for (end = usec_now() + LIMIT_USEC; !all_done(i) && usec_now() < end;)
			nap(500);
		count_missed(i);
		nap(3000 + (long)(i * 7919 % 5000));
	}
	close(fd);
}

/* When domfs's guest stopped and continued, by what its QEMU wrote from byte FROM on. */
static void origins(const char *path, long from, double *origin, size_t rounds)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, i = 0;

	if (!f || fseek(f, from, SEEK_SET))
		error(1, errno, "%s", path);
	while (i < rounds && getline(&line, &room, f) > 0) {
		double usec = qmp_event_usec(line, i % 2 ? "RESUME" : "STOP");

		if (usec > 0)
			origin[i++] = usec;
	}
	if (i < rounds)
		error(1, 0, "%s: only %zu events", path, i);
	free(line);
	fclose(f);
}

static void report(const struct waiter *w, const double *origin, size_t rounds)
{
	double *took = calloc(rounds, sizeof(*took));
	size_t n = 0;

	for (size_t i = WARM; i < rounds; i++)
		if (w->seen[i] > 0)
			took[n++] = w->seen[i] - origin[i];
	printf("%s %zu %.0f %.0f %.0f %.0f\n", w->name, rounds - WARM - n, percentile(took, n, 50),
	       percentile(took, n, 90), percentile(took, n, 99), percentile(took, n, 100));
	free(took);
}

static long size_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t n = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (n < 0)
		error(1, errno, "%s", path);
	close(fd);
	return (long)n;
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 8 ? strtoul(argv[1], NULL, 10) : 0;
	double *origin;
	long from;

	if (!rounds)
		error(2, 0, "usage: event ROUNDS EV.IN EV.OUT EVENTS STATE QMP QMP2");
	rounds += WARM;
	waiters[READ].path = argv[4];
	waiters[POLL].path = waiters[INOTIFY].path = argv[5];
	waiters[RAW].path = argv[7];
	origin = calloc(rounds, sizeof(double));
	raw_origin = calloc(rounds, sizeof(double));
	for (int k = 0; k < WAYS; k++) {
		pthread_t thread;

		waiters[k].seen = calloc(rounds, sizeof(double));
		if (pthread_create(&thread, NULL, waiters[k].run, &waiters[k]))
			error(1, 0, "no thread");
		while (!atomic_load(&waiters[k].ready))
			nap(1000);
	}
	nap(20000);
	from = size_of(argv[3]);
	drive(rounds, argv[2], argv[6]);
	origins(argv[3], from, origin, rounds);
	for (int k = 0; k < WAYS; k++)
		report(&waiters[k], k == RAW ? raw_origin : origin, rounds);
	return 0;
}
