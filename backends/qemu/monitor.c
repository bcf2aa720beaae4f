#include "backends/qemu/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "log.h"

#define TICK_MSEC 1000
#define BUCKETS 256

enum op { OP_ADD, OP_DROP, OP_STOP };

struct command {
	struct command *next;
	enum op op;
	struct watch *watch; /* OP_ADD */
	struct guest *guest; /* OP_DROP */
	bool done;
};

struct place { /* where an inotify descriptor belongs */
	struct place *next;
	int wd;
	enum tail_kind kind;
	struct watch *watch;
};

/* Fields without a mark are the monitor thread's; before it runs, of whoever opens the backend. */
struct monitor {
	int epoll, inotify, wake; /* [I] */
	pthread_t thread;
	bool stop;
	struct watch *watches;
	struct place *places[BUCKETS];
	uint64_t tick; /* when running guests are asked next; 0: there is none */

	struct lock lock;
	struct cond done;
	struct command *queue; /* [l] */
	bool running;          /* [l] the thread serves the queue */
};

struct monitor *monitor_new(void)
{
	struct monitor *m = x_alloc(sizeof(*m));
	struct epoll_event ev = { .events = EPOLLIN };

	lock_init(&m->lock);
	cond_init(&m->done);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ev.data.ptr = &m->inotify;
	epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->inotify, &ev);
	ev.data.ptr = &m->wake;
	epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->wake, &ev);
	return m;
}

static void place_add(struct monitor *m, struct watch *w, enum tail_kind kind)
{
	struct place *p;
	char path[40];

	if (w->tail[kind].fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->tail[kind].fd);
	w->tail[kind].wd = inotify_add_watch(m->inotify, path, IN_MODIFY);
	if (w->tail[kind].wd < 0) {
		log_error("%s: inotify: %s; raise fs.inotify.max_user_watches", w->g->dir, strerror(errno));
		return;
	}
	p = x_alloc(sizeof(*p));
	p->wd = w->tail[kind].wd;
	p->kind = kind;
	p->watch = w;
	p->next = m->places[p->wd % BUCKETS];
	m->places[p->wd % BUCKETS] = p;
}

static void place_remove(struct monitor *m, int wd)
{
	if (wd < 0)
		return;
	inotify_rm_watch(m->inotify, wd);
	for (struct place **at = &m->places[wd % BUCKETS]; *at; at = &(*at)->next) {
		struct place *p = *at;

		if (p->wd != wd)
			continue;
		*at = p->next;
		free(p);
		return;
	}
}

static void read_all(struct watch *w)
{
	w->pending = false;
	for (unsigned i = 0; i < TAIL_COUNT; i++)
		watch_read(w, i);
}

static void add(struct monitor *m, struct watch *w)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = w };

	w->g->watch = w;
	w->next = m->watches;
	m->watches = w;
	for (unsigned i = 0; i < TAIL_COUNT; i++)
		place_add(m, w, i);
	if (w->g->pidfd >= 0 && epoll_ctl(m->epoll, EPOLL_CTL_ADD, w->g->pidfd, &ev) < 0)
		log_error("%s: epoll: %s", w->g->dir, strerror(errno));
	read_all(w); /* what was written before the watch */
	if (w->mode == WATCH_LIVE && w->machine.run == RUN_PAUSED && !w->known)
		watch_tell(w, NULL); /* it was left paused: no event says so */
}

static void detach(struct monitor *m, struct watch *w)
{
	for (struct watch **at = &m->watches; *at; at = &(*at)->next) {
		if (*at != w)
			continue;
		*at = w->next;
		break;
	}
	for (unsigned i = 0; i < TAIL_COUNT; i++)
		place_remove(m, w->tail[i].wd);
	if (w->g->pidfd >= 0)
		epoll_ctl(m->epoll, EPOLL_CTL_DEL, w->g->pidfd, NULL);
	w->g->watch = NULL;
	watch_free(w);
}

static void obey(struct monitor *m, struct command *c)
{
	switch (c->op) {
	case OP_ADD:
		add(m, c->watch);
		break;
	case OP_DROP:
		if (c->guest->watch)
			detach(m, c->guest->watch);
		break;
	case OP_STOP:
		m->stop = true;
		break;
	}
}

static void command(struct monitor *m, struct command *c)
{
	uint64_t one = 1;

	lock_acquire(&m->lock);
	if (!m->running) {
		lock_release(&m->lock);
		obey(m, c);
		return;
	}
	/* Order does not matter: a guest has one command under way at a time. */
	c->next = m->queue;
	m->queue = c;
	while (write(m->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	while (!c->done)
		cond_wait(&m->done, &m->lock, 0);
	lock_release(&m->lock);
}

void monitor_add(struct monitor *m, struct watch *w)
{
	command(m, &(struct command){ .op = OP_ADD, .watch = w });
}

void monitor_drop(struct monitor *m, struct guest *g)
{
	command(m, &(struct command){ .op = OP_DROP, .guest = g });
}

static void serve_queue(struct monitor *m)
{
	struct command *c, *queue;
	uint64_t n;

	if (read(m->wake, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return;
	lock_acquire(&m->lock);
	queue = m->queue;
	m->queue = NULL;
	lock_release(&m->lock);
	while ((c = queue)) {
		queue = c->next;
		obey(m, c);
		lock_acquire(&m->lock);
		c->done = true; /* the last that is known of *c */
		cond_broadcast(&m->done);
		lock_release(&m->lock);
	}
}

static void serve_inotify(struct monitor *m)
{
	union {
		struct inotify_event align;
		char space[8192];
	} in;
	ssize_t n = read(m->inotify, in.space, sizeof(in.space));

	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *ev = (const void *)(in.space + at);

		at += (ssize_t)sizeof(*ev) + ev->len;
		if (ev->mask & IN_Q_OVERFLOW)
			for (struct watch *w = m->watches; w; w = w->next)
				w->pending = true;
		if (ev->wd < 0 || !(ev->mask & IN_MODIFY))
			continue;
		for (struct place *p = m->places[ev->wd % BUCKETS]; p; p = p->next)
			if (p->wd == ev->wd)
				watch_read(p->watch, p->kind);
	}
}

static int time_left(const struct monitor *m, uint64_t deadline)
{
	uint64_t now = clock_msec(), until = m->tick;

	for (struct watch *w = m->watches; w; w = w->next)
		if (w->pending)
			return 0;
	if (deadline != 0 && (until == 0 || deadline < until))
		until = deadline;
	return until == 0 ? -1 : until <= now ? 0 : (int)(until - now);
}

static void tick(struct monitor *m)
{
	uint64_t now = clock_msec();
	bool due = m->tick != 0 && now >= m->tick, wanted = false;

	for (struct watch *w = m->watches; w; w = w->next) {
		if (w->pending)
			read_all(w);
		if (due)
			watch_ping(w, now);
		wanted = wanted || watch_wants_ping(w);
	}
	if (!wanted)
		m->tick = 0; /* nobody runs: no wake-ups */
	else if (due || m->tick == 0)
		m->tick = now + TICK_MSEC;
}

/* One round; DEADLINE 0: as long as nothing happens. */
static void step(struct monitor *m, uint64_t deadline)
{
	struct epoll_event ev[32];
	bool queued = false;
	int n = epoll_wait(m->epoll, ev, COUNT(ev), time_left(m, deadline));

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &m->inotify) {
			serve_inotify(m);
		} else if (ev[i].data.ptr == &m->wake) {
			queued = true;
		} else {
			watch_exited(ev[i].data.ptr);
			detach(m, ev[i].data.ptr);
		}
	}
	/* Last: it may free what the other descriptors belong to. */
	if (queued)
		serve_queue(m);
	tick(m);
}

void monitor_settle(struct monitor *m, uint64_t deadline)
{
	struct watch *w;

	do {
		for (w = m->watches; w && w->mode == WATCH_LIVE; w = w->next)
			;
		if (w)
			step(m, deadline);
	} while (w && clock_msec() < deadline);
	for (w = m->watches; w; w = w->next)
		watch_give_up(w);
}

static void *run(void *arg)
{
	struct monitor *m = arg;

	while (!m->stop)
		step(m, 0);
	return NULL;
}

int monitor_start(struct monitor *m, struct err *e)
{
	sigset_t all, old;
	int rc;

	/* Signals are for the daemon's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	lock_acquire(&m->lock);
	rc = pthread_create(&m->thread, NULL, run, m);
	m->running = rc == 0;
	lock_release(&m->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0 ? 0 : fail(e, rc, "the monitor thread: %s", strerror(rc));
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	if (m->running) {
		command(m, &(struct command){ .op = OP_STOP });
		pthread_join(m->thread, NULL);
		m->running = false;
	}
	while (m->watches)
		detach(m, m->watches);
	close(m->epoll);
	close(m->inotify);
	close(m->wake);
	cond_destroy(&m->done);
	lock_destroy(&m->lock);
	free(m);
}
