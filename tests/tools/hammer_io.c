/* Reading, writing and checking a text. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hammer.h"

char *path_of(const char *domain, const char *file)
{
	static char ring[8][320];
	static unsigned next;
	char *p = ring[next++ % 8];

	snprintf(p, sizeof(ring[0]), "%s%s%s%s%s", hammer->vm, domain ? "/" : "", domain ? domain : "", file ? "/" : "",
	         file ? file : "");
	return p;
}

int open_now(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0) {
		wrong("%s cannot be opened: %m", path);
		exit(1);
	}
	return fd;
}

ssize_t read_old(int fd, char text[TEXT])
{
	ssize_t n = lseek(fd, 0, SEEK_SET) < 0 ? -1 : read(fd, text, TEXT - 1);

	atomic_fetch_add(&hammer->reads, 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n;
}

ssize_t read_new(const char *path, int flags, char text[TEXT])
{
	static _Alignas(4096) char aligned[TEXT];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	n = read_old(fd, aligned);
	close(fd);
	if (n >= 0)
		memcpy(text, aligned, (size_t)n + 1);
	return n;
}

int write_line(int fd, const char *line)
{
	return write(fd, line, strlen(line)) < 0 ? -errno : 0;
}

int write_to(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644), ret;

	if (fd < 0)
		return -errno;
	ret = write_line(fd, text);
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}

/* ---- exact checks, by who was told of the last change ---- */

struct seen see(const char *domain, const char *file)
{
	struct seen s;
	char text[TEXT];

	snprintf(s.path, sizeof(s.path), "%s", path_of(domain, file));
	s.fd = open_now(s.path, O_RDONLY);
	read_old(s.fd, text);
	return s;
}

static void size_must(const struct seen *s, const struct stat *st, size_t want, const char *how, const char *after)
{
	if ((size_t)st->st_size != want)
		wrong("%s has by %s the size %lld, not %zu, after %s", s->path, how, (long long)st->st_size, want,
		      after);
}

/* What the daemon itself says now, and what the kernel says then: is it stale, or is the model otherwise than was told? */
static const char *truth(const char *path)
{
	static char said[512];
	char direct[TEXT] = "", cached[TEXT] = "";

	read_new(path, O_DIRECT, direct);
	read_new(path, 0, cached);
	snprintf(said, sizeof(said), "past the cache '%.160s', then again '%.160s'", direct, cached);
	return said;
}

static void text_must(const struct seen *s, const char *text, ssize_t n, const char *want, const char *how,
                      const char *after)
{
	if (n < 0)
		wrong("%s by %s: %s, after %s", s->path, how, strerror((int)-n), after);
	else if ((size_t)n != strlen(want) || memcmp(text, want, (size_t)n) != 0)
		wrong("%s says by %s '%s' (%zd bytes), not '%s', after %s; %s", s->path, how, text, n, want, after,
		      truth(s->path));
}

void must_be(const struct seen *s, const char *want, const char *after)
{
	static unsigned turn;
	char text[TEXT];
	struct stat st;

	text_must(s, text, read_old(s->fd, text), want, "the old descriptor", after);
	if (fstat(s->fd, &st) == 0)
		size_must(s, &st, strlen(want), "fstat", after);
	text_must(s, text, read_new(s->path, 0, text), want, "a new one", after);
	if (stat(s->path, &st) == 0)
		size_must(s, &st, strlen(want), "stat", after);
	if (turn++ % 16 == 0)
		text_must(s, text, read_new(s->path, O_DIRECT, text), want, "O_DIRECT", after);
}

bool status_value(const char *text, const char *key, char *value, size_t size)
{
	size_t n = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, n) != 0 || line[n] != ' ')
			continue;
		snprintf(value, size, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
		return true;
	}
	return false;
}

static void status_text_must(const char *text, ssize_t n, const char *key, const char *want, const char *how,
                             const char *after)
{
	char value[512];
	bool torn = false;

	if (n < 0)
		wrong("%s's status by %s: %s, after %s", me->name, how, strerror((int)-n), after);
	else if (!status_check(text, (size_t)n, &torn) || torn)
		wrong("that was %s's status by %s%s, after %s", me->name, how,
		      torn ? ", torn though nothing changed" : "", after);
	else if (!status_value(text, key, value, sizeof(value)) || strcmp(value, want) != 0)
		wrong("%s's status says by %s '%s %s', not '%s', after %s", me->name, how, key, value, want, after);
}

void status_must(const struct seen *s, const char *key, const char *want, const char *after)
{
	char text[TEXT];

	status_text_must(text, read_old(s->fd, text), key, want, "the old descriptor", after);
	status_text_must(text, read_new(s->path, 0, text), key, want, "a new one", after);
}

/* ---- form ---- */

/* Newlines after the text, and a text that is cut: what a change within one read(2) may leave. */
static size_t without_newlines(const char *text, size_t n)
{
	while (n && text[n - 1] == '\n')
		n--;
	return n;
}

bool word_check(const char *text, size_t n, bool *torn)
{
	size_t len = without_newlines(text, n);

	*torn = n != 0 && n != len + 1;
	if (memchr(text, '\0', n) || memchr(text, '\n', len)) {
		wrong("%zu bytes are no line: '%s'", n, text);
		return false;
	}
	return true;
}

bool status_check(const char *text, size_t n, bool *torn)
{
	static const char *const keys[] = { "name",     "id",      "uuid",    "backend",        "state",      "reason",
		                            "since",    "started", "mem_mib", "mem_actual_mib", "maxmem_mib", "vcpus",
		                            "maxvcpus", "disks",   "vifs",    "autostart",      "config",     "job",
		                            "owner",    "group",   "tags" };
	size_t len = without_newlines(text, n), i = 0, size;
	const char *line = text, *end = text + len, *stop;

	if (memchr(text, '\0', n))
		goto bad;
	for (; line < end; line = stop + 1, i++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		if (i == sizeof(keys) / sizeof(keys[0]))
			goto bad;
		size = strlen(keys[i]);
		if (stop == end && (size_t)(stop - line) <= size + 1) { /* cut in the middle of a key */
			if (strncmp(line, keys[i], (size_t)(stop - line) < size ? (size_t)(stop - line) : size) != 0)
				goto bad;
		} else if (strncmp(line, keys[i], size) != 0 || line[size] != ' ') {
			goto bad;
		}
	}
	*torn = n != len + 1 || i < sizeof(keys) / sizeof(keys[0]);
	return true;
bad:
	wrong("%zu bytes are no status, at key %zu: '%s'", n, i, text);
	return false;
}

/* ---- streams ---- */

long long time_parse(const char *s)
{
	struct tm tm = { 0 };
	int ms = 0;

	if (sscanf(s, "%d-%d-%dT%d:%d:%d.%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
	           &ms) != 7)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (long long)timegm(&tm) * 1000 + ms;
}

void lines_open(struct lines *l, const char *domain)
{
	l->len = 0;
	l->lost = false;
	l->fd = open_now(path_of(domain, ".events"), O_RDONLY | O_NONBLOCK);
}

static char *line_take(struct lines *l)
{
	static char line[TEXT];
	char *end = memchr(l->part, '\n', l->len);
	size_t n;

	if (!end)
		return NULL;
	n = (size_t)(end - l->part);
	memcpy(line, l->part, n);
	line[n] = '\0';
	l->len -= n + 1;
	memmove(l->part, end + 1, l->len);
	if (!strncmp(line, "lost ", 5)) {
		l->lost = true;
		atomic_fetch_add(&me->lost, strtoul(line + 5, NULL, 10));
	} else {
		atomic_fetch_add(&me->lines, 1);
		l->time = time_parse(line + strcspn(line, " "));
	}
	return line;
}

char *lines_next(struct lines *l, int msec)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	char *line = line_take(l);
	ssize_t n;

	if (line)
		return line;
	n = read(l->fd, l->part + l->len, sizeof(l->part) - l->len);
	if (n < 0 && errno == EAGAIN && poll(&p, 1, msec) == 1)
		n = read(l->fd, l->part + l->len, sizeof(l->part) - l->len);
	if (n < 0 && errno == EAGAIN)
		return NULL;
	if (n <= 0) {
		wrong("the stream of %s: %s", me->name, n ? strerror(errno) : "it ended");
		exit(1);
	}
	l->len += (size_t)n;
	return line_take(l);
}

bool lines_await(struct lines *l, const char *domain, const char *event)
{
	char *line, at[64], name[128], what[64];
	unsigned long seq;

	for (long long end = now_msec() + SECONDS_STUCK * 900; now_msec() < end;) {
		line = lines_next(l, 500);
		if (l->lost)
			return true;
		if (line && sscanf(line, "%lu %63s %127s %63s", &seq, at, name, what) == 4 && !strcmp(name, domain) &&
		    !strcmp(what, event))
			return true;
	}
	wrong("%s: no line of %s", domain, event);
	return false;
}
