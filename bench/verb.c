/*
 * usage: verb ROUNDS QMP CTL NULL
 * What pause and unpause cost: by the QMP socket of a QEMU of our own, by CTL of a domain that is the same guest, and what
 * as many writes cost that do nothing (NULL, a ctl of nullfs). A round does each in turn, another one first each time; the first
 * is thrown away. Prints medians in microseconds of a pair: raw QMP, the null writes, CTL held open; then the same two where
 * each write is open, write, close.
 */
#include <fcntl.h>

#include "bench/figures.h"
#include "bench/qmp.h"

enum { RAW, NULL_HELD, CTL_HELD, NULL_ECHO, CTL_ECHO, WAYS };

struct subjects {
	struct qmp qmp;
	const char *ctl, *null;
};

static void say(int fd, const char *path, const char *verb)
{
	size_t n = strlen(verb);

	if (write(fd, verb, n) != (ssize_t)n)
		error(1, errno, "%s: %s", path, verb);
}

static int ctl_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		error(1, errno, "%s", path);
	return fd;
}

/* A pair by one descriptor, which is not timed. */
static double held(const char *path)
{
	int fd = ctl_open(path);
	double before = usec_now();

	say(fd, path, "pause\n");
	say(fd, path, "unpause\n");
	before = usec_now() - before;
	close(fd);
	return before;
}

/* A pair as a shell does it. */
static double echoed(const char *path)
{
	static const char *const verbs[] = { "pause\n", "unpause\n" };
	double before = usec_now();

	for (int i = 0; i < 2; i++) {
		int fd = ctl_open(path);

		say(fd, path, verbs[i]);
		close(fd);
	}
	return usec_now() - before;
}

static double raw(struct qmp *q)
{
	double before = usec_now();

	qmp_run(q, "stop");
	qmp_run(q, "cont");
	return usec_now() - before;
}

static double take(struct subjects *s, int way)
{
	switch (way) {
	case RAW:
		return raw(&s->qmp);
	case NULL_HELD:
	case CTL_HELD:
		return held(way == NULL_HELD ? s->null : s->ctl);
	default:
		return echoed(way == NULL_ECHO ? s->null : s->ctl);
	}
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 5 ? strtoul(argv[1], NULL, 10) : 0;
	static struct subjects s;
	double *usec[WAYS];

	if (!rounds)
		error(2, 0, "usage: verb ROUNDS QMP CTL NULL");
	s.ctl = argv[3];
	s.null = argv[4];
	for (int i = 0; i < WAYS; i++)
		usec[i] = calloc(rounds + 1, sizeof(double));
	qmp_open(&s.qmp, argv[2]);
	for (size_t r = 0; r <= rounds; r++)
		for (size_t at = 0; at < WAYS; at++) {
			size_t i = turn_of(r, at, WAYS);

			usec[i][r] = take(&s, (int)i);
		}
	for (int i = 0; i < WAYS; i++)
		printf("%.1f%c", median(usec[i] + 1, rounds), i + 1 < WAYS ? ' ' : '\n');
	return 0;
}
