/*
 * A world for the monitor without QEMU: folders of guests with their files, a process that holds the lock, and a sink
 * that notes what it is told as text.
 */
#ifndef QEMU_WORLD_H
#define QEMU_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/qemu/guest.h"
#include "job.h"
#include "tests/unit/test.h"

#define RESUME "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 0}, \"event\": \"RESUME\"}\n"
#define STOP "{\"timestamp\": {\"seconds\": 2, \"microseconds\": 0}, \"event\": \"STOP\"}\n"
#define POWEROFF                                                                                                       \
	"{\"timestamp\": {\"seconds\": 3, \"microseconds\": 0}, \"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, " \
	"\"reason\": \"guest-shutdown\"}}\n"
#define STATUS(word, running) "{\"return\": {\"status\": \"" word "\", \"running\": " running "}, \"id\": \"status\"}\n"

int job_cancel_fd(const struct job *j)
{
	(void)j;
	return -1;
}

uint64_t job_deadline(const struct job *j)
{
	(void)j;
	return UINT64_MAX;
}

int job_check(const struct job *j, struct err *e)
{
	(void)j, (void)e;
	return 0;
}

void job_progress(struct job *j, unsigned percent, uint64_t left, unsigned eta)
{
	(void)j, (void)percent, (void)left, (void)eta;
}

/* ---- what was told, as text ---- */

struct domain {
	struct guest *guest;
};

static struct domain domain;
static struct lock lock = LOCK_INIT;
static struct cond changed;
static struct buf told, console_text;

static void note(const char *fmt, ...)
{
	va_list ap;

	lock_acquire(&lock);
	va_start(ap, fmt);
	buf_vprintf(&told, fmt, ap);
	va_end(ap);
	buf_putc(&told, ';');
	cond_broadcast(&changed);
	lock_release(&lock);
}

static struct domain *on_appeared(struct model *m, const struct found *f, struct guest *g)
{
	(void)m;
	domain.guest = g;
	note("appeared %s %d memory %llu", f->name, f->id, (unsigned long long)spec_memory(f->spec));
	return &domain;
}

static void on_state(struct domain *d, enum domain_state s, const char *reason)
{
	(void)d;
	note("%s %s", state_names[s], reason);
}

static void on_ended(struct domain *d, enum end end, bool held, const char *reason)
{
	(void)d;
	note("ended %d %d %s", end, held, reason);
}

static void on_gone(struct domain *d, enum end end, const char *reason)
{
	(void)d;
	note("gone %d %s", end, reason);
}

static void on_memory(struct domain *d, uint64_t mib)
{
	(void)d;
	note("memory %llu", (unsigned long long)mib);
}

static void on_vcpus(struct domain *d, unsigned n)
{
	(void)d;
	note("vcpus %u", n);
}

static void on_display(struct domain *d, const char *address)
{
	(void)d;
	note("display %s", address);
}

static void on_console(struct domain *d, const char *p, size_t n)
{
	(void)d;
	lock_acquire(&lock);
	buf_add(&console_text, p, n);
	cond_broadcast(&changed);
	lock_release(&lock);
}

static void on_log(struct domain *d, const char *line)
{
	(void)d;
	note("log %s", line);
}

static void on_event(struct domain *d, const char *name, const char *detail)
{
	(void)d;
	note("event %s %s", name, detail);
}

static const struct sink sink = {
	.appeared = on_appeared,
	.state = on_state,
	.ended = on_ended,
	.gone = on_gone,
	.memory = on_memory,
	.vcpus = on_vcpus,
	.display = on_display,
	.console = on_console,
	.log = on_log,
	.event = on_event,
};

/* Wait until all that was told is TEXT, and forget it. */
static void expect(const char *text)
{
	uint64_t limit = clock_msec() + LIMIT;

	lock_acquire(&lock);
	while (strcmp(told.p ? told.p : "", text) != 0 && cond_wait(&changed, &lock, limit))
		;
	print_message("told: %s\n", told.p ? told.p : "");
	assert_string_equal(told.p ? told.p : "", text);
	buf_reset(&told);
	lock_release(&lock);
}

static void expect_console(size_t n, const char *end)
{
	uint64_t limit = clock_msec() + LIMIT;

	lock_acquire(&lock);
	while (console_text.len < n && cond_wait(&changed, &lock, limit))
		;
	assert_int_equal(console_text.len, n);
	assert_string_equal(console_text.p + n - strlen(end), end);
	buf_reset(&console_text);
	lock_release(&lock);
}

/* ---- a backend without QEMU ---- */

static char run_dir[] = "/tmp/test-watch-XXXXXX";
static struct backend b;
static pid_t child = -1;

/* A process that lives, and holds LOCK (-1: nothing), until it is killed. */
static pid_t live(int lock_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (lock_fd >= 0)
			dup2(lock_fd, 9);
		close_range(10, ~0u, 0);
		for (;;)
			pause();
	}
	return pid;
}

static int begin(void **state)
{
	(void)state;
	buf_reset(&told);
	buf_reset(&console_text);
	memset(&b, 0, sizeof(b));
	b.sink = &sink;
	b.dir = run_dir;
	b.dirfd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host_boot_id(b.boot_id);
	lock_init(&b.lock);
	b.monitor = monitor_new();
	return 0;
}

static int finish(void **state)
{
	(void)state;
	monitor_free(b.monitor);
	while (b.guests) {
		atomic_store(&b.guests->refs, 1);
		guest_unref(b.guests);
	}
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = -1;
	run_folder_remove(b.dirfd, "7");
	close(b.dirfd);
	lock_destroy(&b.lock);
	buf_free(&told);
	buf_free(&console_text);
	return 0;
}

static bool folder_there(void)
{
	return faccessat(b.dirfd, "7", F_OK, 0) == 0;
}

/* A guest's folder with all that a start leaves there; PHASE -1: no record. */
static struct guest *guest_make(int phase)
{
	struct spec *spec = NULL;
	struct guest *g;

	assert_int_equal(spec_parse("memory=99\n", 10, &spec, NULL, NULL), 0);
	g = guest_new(&b, "7", spec);
	spec_unref(spec);
	g->uid = 0;
	g->domain = &domain;
	assert_int_equal(run_folder_make(g, NULL), 0);
	assert_int_equal(run_folder_write_config(g, NULL), 0);
	snprintf(g->record.name, sizeof(g->record.name), "web");
	snprintf(g->record.boot_id, sizeof(g->record.boot_id), "%s", b.boot_id);
	g->record.id = 4;
	g->record.serial = 7;
	g->record.phase = phase < 0 ? PHASE_INTENT : (enum phase)phase;
	if (phase >= 0)
		assert_int_equal(record_save(g->dirfd, &g->record, NULL), 0);
	return g;
}

/* Its process, holding the lock, in the record from PHASE_SPAWNED on. */
static void guest_process(struct guest *g)
{
	int fd = run_folder_lock(g->dirfd, NULL);

	assert_true(fd >= 0);
	child = live(fd);
	close(fd);
	if (g->record.phase == PHASE_INTENT)
		return;
	g->record.pid = child;
	g->record.pid_start = process_start_time(child);
	assert_int_equal(record_save(g->dirfd, &g->record, NULL), 0);
}

static void put(struct guest *g, const char *name, const char *text, size_t n)
{
	int fd = openat(g->dirfd, name, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void events(struct guest *g, const char *text)
{
	put(g, "ev.out", text, strlen(text));
}

static int setup(void **state)
{
	(void)state;
	cond_init(&changed);
	return mkdtemp(run_dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(run_dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

#endif
