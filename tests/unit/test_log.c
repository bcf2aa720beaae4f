#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "tests/unit/test.h"

static struct {
	int count;
	enum log_level level;
	char line[8192];
} seen;

static void see(enum log_level level, const char *line)
{
	seen.count++;
	seen.level = level;
	snprintf(seen.line, sizeof(seen.line), "%s", line);
}

/* Standard error goes to a pipe while a test runs; text from it into OUT. */
static int saved_err;
static int pipe_out;

static int capture(void **state)
{
	int p[2];

	(void)state;
	memset(&seen, 0, sizeof(seen));
	log_set_hook(see);
	log_set_level(LOG_INFO);
	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	saved_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	pipe_out = p[0];
	fcntl(pipe_out, F_SETFL, O_NONBLOCK);
	return 0;
}

static int release(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_set_hook(NULL);
	dup2(saved_err, STDERR_FILENO);
	close(saved_err);
	close(pipe_out);
	return 0;
}

static size_t captured(char *out, size_t room)
{
	ssize_t n = read(pipe_out, out, room - 1);

	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void test_line(void **state)
{
	char text[4096];

	(void)state;
	errno = ENOSPC;
	log_warn("web1: %s\nsecond\x1b[m", "oops");
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.level, LOG_WARN);
	assert_string_equal(seen.line + 25, "warn web1: oops\\nsecond\\x1b[m");
	assert_int_equal(seen.line[10], 'T');
	assert_int_equal(seen.line[23], 'Z');
	captured(text, sizeof(text));
	assert_int_equal(strlen(text), strlen(seen.line) + 1);
	assert_memory_equal(text, seen.line, strlen(seen.line));
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_level(void **state)
{
	char text[4096];

	(void)state;
	log_debug("unseen");
	assert_int_equal(seen.count, 0);
	assert_int_equal(captured(text, sizeof(text)), 0);
	log_set_level(LOG_DEBUG);
	log_debug("seen");
	assert_int_equal(seen.count, 1);
	log_set_level(LOG_ERROR);
	log_warn("unseen");
	log_error("seen");
	assert_int_equal(seen.count, 2);
	log_set_hook(NULL);
	log_error("only on standard error");
	assert_int_equal(seen.count, 2);
}

static void test_journal(void **state)
{
	char text[4096], stream[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_error("bad");
	captured(text, sizeof(text));
	assert_string_equal(text, "<3>bad\n");
	log_info("good");
	captured(text, sizeof(text));
	assert_string_equal(text, "<6>good\n");
	setenv("JOURNAL_STREAM", "1:2", 1); /* of some parent */
	log_info("good");
	captured(text, sizeof(text));
	assert_int_equal(text[0], '2');
	setenv("JOURNAL_STREAM", "x", 1);
	log_info("good");
	captured(text, sizeof(text));
	assert_int_equal(text[0], '2');
}

static void test_long(void **state)
{
	char *big = x_array(100001, 1), text[16384];

	(void)state;
	memset(big, 'x', 100000);
	log_info("%s", big);
	assert_in_range(captured(text, sizeof(text)), 1000, 4095);
	memset(big, '\n', 100000);
	log_info("%s", big);
	assert_in_range(strlen(seen.line), 1000, 8191);
	free(big);
}

/* Nobody reads standard error: the daemon goes on. A log that waited would hang here. */
static void test_stuck(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++)
		log_info("a line of some bytes that fills the pipe in the end, number %d", i);
	assert_int_equal(seen.count, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line, capture, release),
		cmocka_unit_test_setup_teardown(test_level, capture, release),
		cmocka_unit_test_setup_teardown(test_journal, capture, release),
		cmocka_unit_test_setup_teardown(test_long, capture, release),
		cmocka_unit_test_setup_teardown(test_stuck, capture, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
