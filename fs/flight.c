#include "fs/flight.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MSEC 250
#define PF_EXITING 0x4    /* include/linux/sched.h */
#define PF_SIGNALED 0x400 /* killed by a signal */
#define STATUS_MAX 8192

struct flight {
	struct flights *of;
	struct flight *next;
	unsigned refs;             /* [lock] the loop's until started, the end's */
	fuse_req_t req;            /* [I] */
	pid_t tid;                 /* [I] */
	struct commands *commands; /* [lock] valid until ended */
	bool ended, stop, stopped; /* [lock] */
	uint64_t look;             /* [lock] clock_msec; 0: was not interrupted */
};

static const int fatal_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTERM, SIGKILL };

/* One small file of procfs. `status` never waits; `stat` does for who is within exec(2), and he may be waiting for us. */
static bool proc_read(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

static uint64_t signal_set(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? strtoull(p + strlen(key), NULL, 16) : 0;
}

bool thread_is_dying(pid_t tid)
{
	char text[STATUS_MAX];
	uint64_t pending;

	if (tid <= 0 || !proc_read(tid, "status", text, sizeof(text)))
		return true;
	pending = (signal_set(text, "\nSigPnd:") | signal_set(text, "\nShdPnd:")) &
	          ~(signal_set(text, "\nSigBlk:") | signal_set(text, "\nSigIgn:"));
	for (size_t i = 0; i < COUNT(fatal_signals); i++) {
		if (pending & 1ull << (fatal_signals[i] - 1))
			return true;
	}
	return false;
}

/* Who ends closes his files when he has no memory any more; who is within exec(2), and closes some then, has. */
enum thread_end thread_end(pid_t tid)
{
	char text[STATUS_MAX];
	unsigned long flags;
	const char *p;

	if (tid <= 0 || !proc_read(tid, "status", text, sizeof(text)) || strstr(text, "\nVmSize:"))
		return THREAD_LIVES;
	if (!proc_read(tid, "stat", text, sizeof(text)))
		return THREAD_LIVES;
	p = strrchr(text, ')'); /* the name before it is the process's own choice */
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
		return THREAD_LIVES;
	return flags & PF_SIGNALED ? THREAD_KILLED : flags & PF_EXITING ? THREAD_EXITS : THREAD_LIVES;
}

void flights_init(struct flights *fs)
{
	*fs = (struct flights){ 0 };
	lock_init(&fs->lock);
}

void flights_free(struct flights *fs)
{
	lock_destroy(&fs->lock);
}

/* These three are called with the lock held. */
static void flight_unref(struct flight *f)
{
	if (--f->refs == 0)
		free(f);
}

static void flight_stop(struct flight *f)
{
	f->stop = true;
	if (!f->commands || f->ended || f->stopped)
		return;
	f->stopped = true;
	commands_interrupt(f->commands);
}

static void flight_look(struct flight *f, uint64_t now)
{
	if (f->stop)
		return;
	if (thread_is_dying(f->tid))
		flight_stop(f);
	else
		f->look = now + LOOK_MSEC;
}

/* The flight is found by its request: what came as ARG may long have ended when libfuse calls. On the loop. */
static void flight_interrupted(fuse_req_t req, void *arg)
{
	struct flights *fs = arg;

	lock_acquire(&fs->lock);
	for (struct flight *f = fs->first; f; f = f->next) {
		if (f->req == req)
			flight_look(f, clock_msec());
	}
	lock_release(&fs->lock);
}

struct flight *flight_begin(struct flights *fs, fuse_req_t req, pid_t tid)
{
	struct flight *f = x_alloc(sizeof(*f));

	*f = (struct flight){ .of = fs, .refs = 2, .req = req, .tid = tid };
	lock_acquire(&fs->lock);
	f->next = fs->first;
	fs->first = f;
	lock_release(&fs->lock);
	fuse_req_interrupt_func(req, flight_interrupted, fs); /* calls it when that has happened already */
	return f;
}

void flight_started(struct flight *f, struct commands *c)
{
	struct flights *fs = f->of;

	lock_acquire(&fs->lock);
	if (!f->ended) {
		f->commands = c;
		if (f->stop)
			flight_stop(f);
	}
	flight_unref(f);
	lock_release(&fs->lock);
}

fuse_req_t flight_end(struct flight *f)
{
	struct flights *fs = f->of;
	fuse_req_t req = f->req;

	lock_acquire(&fs->lock);
	f->ended = true;
	f->commands = NULL;
	for (struct flight **p = &fs->first; *p; p = &(*p)->next) {
		if (*p == f) {
			*p = f->next;
			break;
		}
	}
	flight_unref(f);
	lock_release(&fs->lock);
	return req;
}

int flights_look(struct flights *fs)
{
	uint64_t now = clock_msec(), next = UINT64_MAX;

	lock_acquire(&fs->lock);
	for (struct flight *f = fs->first; f; f = f->next) {
		if (!f->look || f->stop)
			continue;
		if (f->look <= now)
			flight_look(f, now);
		if (!f->stop && f->look < next)
			next = f->look;
	}
	lock_release(&fs->lock);
	return next == UINT64_MAX ? -1 : (int)(next - now);
}

void flights_stop(struct flights *fs)
{
	lock_acquire(&fs->lock);
	for (struct flight *f = fs->first; f; f = f->next)
		flight_stop(f);
	lock_release(&fs->lock);
}
