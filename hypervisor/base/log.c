#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "units.h"

#define LINE_BYTES 2048 /* of text; less than a pipe's page, so that a line is written whole */

const char *const log_level_names[LOG_LEVELS] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static const int syslog_levels[LOG_LEVELS] = { [LOG_ERROR] = 3, [LOG_WARN] = 4, [LOG_INFO] = 6, [LOG_DEBUG] = 7 };

static atomic_int level_max = LOG_INFO;
static _Atomic(void (*)(enum log_level level, const char *line)) line_hook;

void log_set_level(enum log_level max)
{
	atomic_store(&level_max, (int)max);
}

void log_set_hook(void (*hook)(enum log_level level, const char *line))
{
	atomic_store(&line_hook, hook);
}

/* The variable is inherited by children whose standard error is something else. */
static bool is_journal(int fd)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s && sscanf(s, "%llu:%llu", &dev, &ino) == 2 && fstat(fd, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

/* A reader of standard error that has stopped reading loses lines rather than stopping the daemon. */
static void line_write(const char *p, size_t n)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t done;

	while (n > 0 && poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT)) {
		done = write(STDERR_FILENO, p, n);
		if (done < 0 && errno != EINTR)
			break;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
}

void log_at(enum log_level level, const char *fmt, ...)
{
	void (*hook)(enum log_level level, const char *line);
	struct buf text = { 0 }, line = { 0 }, out = { 0 };
	struct timespec now = time_now();
	int saved = errno;
	char stamp[TIME_TEXT];
	va_list ap;

	if ((int)level > atomic_load(&level_max))
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_printf(&line, "%s %s ", time_format(stamp, &now), log_level_names[level]);
	if (is_journal(STDERR_FILENO))
		buf_printf(&out, "<%d>", syslog_levels[level]);
	else
		buf_add(&out, line.p, line.len);
	buf_escape(&line, text.p, text.len < LINE_BYTES ? text.len : LINE_BYTES);
	buf_escape(&out, text.p, text.len < LINE_BYTES ? text.len : LINE_BYTES);
	buf_putc(&out, '\n');
	line_write(out.p, out.len);
	hook = atomic_load(&line_hook);
	if (hook)
		hook(level, line.p);
	buf_free(&text);
	buf_free(&line);
	buf_free(&out);
	errno = saved;
}
