#include "backends/qemu/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testpoint.h"

#define KEEP (256 * 1024)    /* of old console output */
#define TURN (256 * 1024)    /* read of one file at a time */
#define BEHIND (1024 * 1024) /* a console that is further ahead than this is not caught up with */
#define PUNCH (1024 * 1024)  /* a file is cut when it grew by this */
#define EVENT_LINE (64 * 1024)
#define ERROR_LINE 4096
#define SILENCE_MSEC 3000 /* until a guest counts as unresponsive */

static const struct {
	const char *name;
	size_t line; /* the longest that is taken; 0: bytes, not lines */
	off_t keep;  /* of what was read, when the file is cut */
} tails[TAIL_COUNT] = {
	[TAIL_EVENTS] = { "ev.out", EVENT_LINE, 0 },
	[TAIL_CONSOLE] = { "ser.out", 0, 2 * KEEP },
	[TAIL_ERRORS] = { "stderr", ERROR_LINE, KEEP },
};

struct watch *watch_new(struct guest *g)
{
	struct watch *w = x_alloc(sizeof(*w));

	guest_ref(g);
	w->g = g;
	w->mode = WATCH_LIVE;
	if (g->record.paused) { /* where its events begin */
		w->machine.run = RUN_PAUSED;
		w->machine.reason = "started";
	}
	for (unsigned i = 0; i < TAIL_COUNT; i++) {
		w->tail[i].wd = -1;
		w->tail[i].fd = openat(g->dirfd, tails[i].name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	}
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < TAIL_COUNT; i++) {
		if (w->tail[i].fd >= 0)
			close(w->tail[i].fd);
		buf_free(&w->tail[i].line);
	}
	guest_unref(w->g);
	free(w);
}

/* What job threads wait for is published after the sink was told. */
static void observe(struct watch *w, enum domain_state state, bool ended)
{
	struct guest *g = w->g;

	lock_acquire(&g->lock);
	g->state = state;
	g->ended = ended;
	lock_release(&g->lock);
	cond_broadcast(&g->changed);
}

void watch_tell(struct watch *w, const char *reason)
{
	const struct sink *s = w->g->b->sink;
	const struct machine *m = &w->machine;
	enum domain_state state = m->run == RUN_RUNNING ? STATE_RUNNING : STATE_PAUSED;

	w->known = true;
	if (m->run == RUN_ENDED) {
		observe(w, STATE_PAUSED, true); /* first: who is told may restart the guest at once */
		s->ended(w->g->domain, m->end, true, m->reason);
		return;
	}
	if (!reason)
		reason = m->run == RUN_NEW || !m->reason ? "started" : m->reason;
	s->state(w->g->domain, state, reason);
	observe(w, state, false);
}

static void tell_unresponsive(struct watch *w)
{
	w->unresponsive = true;
	w->g->b->sink->state(w->g->domain, STATE_UNRESPONSIVE, w->machine.run == RUN_RUNNING ? "running" : "paused");
	observe(w, STATE_UNRESPONSIVE, false);
}

void watch_give_up(struct watch *w)
{
	if (w->mode != WATCH_SILENT)
		return;
	w->mode = WATCH_LIVE;
	tell_unresponsive(w);
}

static void tell(struct watch *w, const struct told *t)
{
	const struct sink *s = w->g->b->sink;
	struct domain *d = w->g->domain;

	switch (t->kind) {
	case TOLD_STATE:
	case TOLD_ENDED:
		watch_tell(w, t->reason);
		break;
	case TOLD_MEMORY:
		s->memory(d, t->mib);
		lock_acquire(&w->g->lock);
		w->g->actual_mib = t->mib;
		w->g->heard++;
		cond_broadcast(&w->g->changed);
		lock_release(&w->g->lock);
		break;
	case TOLD_EVENT:
		s->event(d, t->name, t->text);
		break;
	case TOLD_LOG:
		s->log(d, t->text);
		break;
	case TOLD_DISPLAY:
		s->display(d, t->text);
		break;
	case TOLD_NOTHING:
		break;
	}
}

/* An adopted guest has answered. */
static void become_live(struct watch *w)
{
	/* Its starter died between the record and the first instruction: that step is made up for. */
	if (w->machine.run == RUN_NEW && !w->continued && guest_ask(w->g, ASK_CONT ASK_STATUS) == 0) {
		w->continued = true;
		return;
	}
	w->mode = WATCH_LIVE;
	watch_tell(w, NULL);
}

static void take_event(struct watch *w, const char *p, size_t n, off_t at)
{
	json_t *line = qmp_parse(p, n, NULL);
	struct told t;
	bool state;

	if (!line)
		return;
	w->machine.reboot_wanted = atomic_load(&w->g->reboot_wanted);
	events_take(&w->machine, line, &t);
	json_decref(line);
	if (t.anchor)
		w->anchor = at;
	lock_acquire(&w->g->lock);
	if (w->g->resets != w->machine.resets) /* nobody is woken for nothing */
		cond_broadcast(&w->g->changed);
	w->g->resets = w->machine.resets;
	lock_release(&w->g->lock);
	if (w->mode == WATCH_REPLAY)
		return;
	state = t.kind == TOLD_STATE || t.kind == TOLD_ENDED;
	if (t.answer)
		w->asked = 0;
	/* A question costs QEMU more than the stop did: where the answer is hardly in doubt, it can wait. */
	if (t.unsure && atomic_load(&w->g->pausing))
		w->doubt = true;
	else if (t.unsure)
		guest_ask(w->g, ASK_STATUS);
	if (w->mode == WATCH_SILENT) {
		if (!state)
			tell(w, &t);
		if (t.answer)
			become_live(w);
		return;
	}
	if (w->unresponsive) { /* whatever it said, it lives */
		w->unresponsive = false;
		if (!state)
			watch_tell(w, "responsive");
	}
	tell(w, &t);
}

static void take_error(struct watch *w, const char *p, size_t n)
{
	struct buf b = { 0 };

	if (w->mode == WATCH_REPLAY || n == 0)
		return;
	buf_escape(&b, p, n);
	w->g->b->sink->log(w->g->domain, b.p);
	buf_free(&b);
}

static void take_line(struct watch *w, enum tail_kind kind)
{
	struct tail *t = &w->tail[kind];

	if (!t->skip && t->line.len > 0) {
		if (kind == TAIL_EVENTS)
			take_event(w, t->line.p, t->line.len, t->line_at);
		else
			take_error(w, t->line.p, t->line.len);
	}
	t->skip = false;
	buf_reset(&t->line);
}

static void take(struct watch *w, enum tail_kind kind, const char *p, size_t n)
{
	struct tail *t = &w->tail[kind];

	if (tails[kind].line == 0) {
		if (w->mode != WATCH_REPLAY)
			w->g->b->sink->console(w->g->domain, p, n);
		t->at += (off_t)n;
		return;
	}
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t part = end ? (size_t)(end - p) : n;

		if (t->line.len == 0)
			t->line_at = t->at;
		if (t->line.len + part > tails[kind].line)
			t->skip = true;
		if (!t->skip)
			buf_add(&t->line, p, part);
		part += end != NULL;
		t->at += (off_t)part;
		p += part;
		n -= part;
		if (end)
			take_line(w, kind);
	}
}

/* QEMU writes at an offset of its own, so the file cannot be truncated: its beginning becomes a hole. */
static void punch(struct watch *w, enum tail_kind kind)
{
	struct tail *t = &w->tail[kind];
	off_t upto = kind == TAIL_EVENTS ? w->anchor : t->at - tails[kind].keep;

	upto &= ~(off_t)4095;
	if (t->at - t->punched <= PUNCH + tails[kind].keep || upto <= t->punched)
		return;
	if (fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, t->punched, upto - t->punched) == 0)
		t->punched = upto;
}

void watch_read(struct watch *w, enum tail_kind kind)
{
	struct tail *t = &w->tail[kind];
	char chunk[16384];
	struct stat st;
	off_t turn = 0;

	if (t->fd < 0 || fstat(t->fd, &st) < 0)
		return;
	if (st.st_size < t->at || (kind == TAIL_CONSOLE && st.st_size - t->at > BEHIND))
		t->at = kind == TAIL_CONSOLE && st.st_size > KEEP ? st.st_size - KEEP : st.st_size;
	while (t->at < st.st_size) {
		off_t data = lseek(t->fd, t->at, SEEK_DATA);

		/* An honest QEMU leaves no hole; what is stored bounds the work. */
		if (data < 0 && errno == ENXIO)
			data = st.st_size;
		if (data > t->at) {
			t->at = data;
			continue;
		}
		ssize_t n = pread(t->fd, chunk, sizeof(chunk), t->at);

		if (n <= 0)
			break;
		take(w, kind, chunk, (size_t)n);
		turn += n;
		if (turn >= TURN) {
			w->pending = true;
			break;
		}
	}
	punch(w, kind);
}

void watch_replay(struct watch *w, bool alive)
{
	struct tail *t = &w->tail[TAIL_EVENTS];
	struct stat st;
	off_t data;

	w->mode = WATCH_REPLAY;
	data = lseek(t->fd, 0, SEEK_DATA);
	t->at = t->punched = data > 0 ? data : 0;
	do {
		w->pending = false;
		watch_read(w, TAIL_EVENTS);
	} while (w->pending);
	t = &w->tail[TAIL_CONSOLE];
	if (fstat(t->fd, &st) == 0 && st.st_size > KEEP)
		t->at = st.st_size - KEEP;
	data = lseek(t->fd, 0, SEEK_DATA);
	t->punched = data > 0 ? data : 0;
	if (t->at < t->punched)
		t->at = t->punched;
	t = &w->tail[TAIL_ERRORS];
	/* The dead are quoted; of the living, the one who watched before has told. */
	if (fstat(t->fd, &st) == 0)
		t->at = alive ? st.st_size : st.st_size > ERROR_LINE ? st.st_size - ERROR_LINE : 0;
	w->mode = WATCH_SILENT;
	w->known = true;
}

bool watch_wants_ping(const struct watch *w)
{
	return w->unresponsive || w->asked || w->doubt || w->mode == WATCH_SILENT || w->machine.run == RUN_RUNNING;
}

void watch_ping(struct watch *w, uint64_t now)
{
	qmp_idle(w->g->qmp, SILENCE_MSEC);
	if (w->asked) {
		if (!w->unresponsive && w->mode == WATCH_LIVE && now - w->asked >= SILENCE_MSEC)
			tell_unresponsive(w);
	} else if ((w->machine.run == RUN_RUNNING || w->doubt) && guest_ask(w->g, ASK_STATUS) == 0) {
		w->asked = now;
		w->doubt = false;
	}
}

static void tell_death(struct watch *w)
{
	siginfo_t info = { 0 };
	char text[80] = "";

	/* Only our own children tell how they ended; a guest started by an earlier daemon is another's. */
	if (waitid(P_PIDFD, (id_t)w->g->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		snprintf(text, sizeof(text), "%s",
		         atomic_load(&w->g->destroying) ? ""
		                                        : "QEMU has ended; an earlier daemon "
		                                          "started it, so how is not known");
	else if (info.si_code == CLD_EXITED && info.si_status != 0)
		snprintf(text, sizeof(text), "QEMU exited with code %d", info.si_status);
	else if (info.si_code != CLD_EXITED && !atomic_load(&w->g->destroying))
		snprintf(text, sizeof(text), "QEMU was killed by signal %d", info.si_status);
	if (*text)
		w->g->b->sink->log(w->g->domain, text);
}

void watch_exited(struct watch *w)
{
	const struct machine *m = &w->machine;
	struct guest *g = w->g;
	enum end end = END_DIED;
	const char *reason = "died";

	for (unsigned turns = 0; turns < 64; turns++) {
		w->pending = false;
		for (unsigned i = 0; i < TAIL_COUNT; i++)
			watch_read(w, i);
		if (!w->pending)
			break;
	}
	take_line(w, TAIL_ERRORS); /* last words need no newline */
	if (g->pidfd >= 0)
		tell_death(w);
	if (atomic_load(&g->destroying)) {
		end = END_DESTROYED;
		reason = "destroyed";
	} else if (m->leaving) {
		end = END_DESTROYED;
		reason = m->leaving;
	} else if (m->run == RUN_ENDED) {
		end = m->end;
		reason = m->reason;
	}
	qmp_shutdown(g->qmp);
	if (w->known) { /* else its start fails, which says why and removes the folder */
		test_point("destroy-killed");
		/* Before it is told: a successor that found the folder would tell a second end. */
		run_folder_remove(g->b->dirfd, g->serial);
		test_point("destroy-removed");
		g->b->sink->gone(g->domain, end, reason);
	}
	lock_acquire(&g->lock);
	g->gone = true;
	cond_broadcast(&g->changed);
	lock_release(&g->lock);
}
