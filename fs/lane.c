#include "fs/lane.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* Between the refusal of an OPEN and the next one lie a lookup and a scheduler; a thread killed there must not hold a lane. */
#define RESERVED_MSEC 1000

struct seat {
	bool taken;
	pid_t reserved; /* for this thread, until `until`; 0: for nobody */
	uint64_t until;
};

/* A thread whose OPEN was refused. */
struct refused {
	pid_t tid;
	uint64_t until;
};

struct lane_set {
	struct seat *seats;
	unsigned count;
	struct refused *refused;
	unsigned nrefused;
};

static void set_free(struct lane_set *s)
{
	free(s->seats);
	free(s->refused);
	free(s);
}

void lanes_free(struct lanes *l)
{
	size_t pos = 0;
	void *s;

	while (table_next(&l->by_inode, &pos, NULL, &s))
		set_free(s);
	table_free(&l->by_inode);
}

static struct seat *set_seat(struct lane_set *s, unsigned lane)
{
	if (lane >= s->count) {
		s->seats = x_grow(s->seats, lane + 1, sizeof(*s->seats));
		for (unsigned i = s->count; i <= lane; i++)
			s->seats[i] = (struct seat){ 0 };
		s->count = lane + 1;
	}
	return &s->seats[lane];
}

static bool is_reserved(const struct seat *seat, uint64_t now)
{
	return seat->reserved && seat->until > now;
}

/* Was TID refused a moment ago? What is too old is dropped on the way. */
static bool was_refused(struct lane_set *s, pid_t tid, uint64_t now)
{
	bool found = false;
	unsigned kept = 0;

	for (unsigned i = 0; i < s->nrefused; i++) {
		if (s->refused[i].until <= now)
			continue;
		found = found || s->refused[i].tid == tid;
		s->refused[kept++] = s->refused[i];
	}
	s->nrefused = kept;
	return found;
}

static void refuse(struct lane_set *s, pid_t tid, uint64_t now)
{
	if (was_refused(s, tid, now))
		return;
	s->refused = x_grow(s->refused, s->nrefused + 1, sizeof(*s->refused));
	s->refused[s->nrefused++] = (struct refused){ .tid = tid, .until = now + RESERVED_MSEC };
}

static void forgive(struct lane_set *s, pid_t tid)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->nrefused; i++) {
		if (s->refused[i].tid != tid)
			s->refused[kept++] = s->refused[i];
	}
	s->nrefused = kept;
}

/* Nobody writes, and nobody was refused a moment ago: who was, finds his lane reserved or at least in order. */
static bool set_is_idle(struct lane_set *s, uint64_t now)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->seats[i].taken || is_reserved(&s->seats[i], now))
			return false;
	}
	was_refused(s, 0, now);
	return s->nrefused == 0;
}

#define SWEEP_AT 64

/* Sets that were not idle yet when their last writer left. */
static void lanes_sweep(struct lanes *l, uint64_t now)
{
	uint64_t idle[SWEEP_AT], inode0;
	const char *key;
	size_t pos = 0, n = 0;
	void *s;

	while (n < SWEEP_AT && table_next(&l->by_inode, &pos, &key, &s)) {
		memcpy(&inode0, key, sizeof(inode0));
		if (set_is_idle(s, now))
			idle[n++] = inode0;
	}
	while (n--)
		set_free(table_del_n(&l->by_inode, &idle[n], sizeof(idle[n])));
}

static struct lane_set *set_get(struct lanes *l, uint64_t inode0, uint64_t now)
{
	struct lane_set *s = table_get_n(&l->by_inode, &inode0, sizeof(inode0));

	if (s)
		return s;
	if (l->by_inode.count >= SWEEP_AT && l->by_inode.count % SWEEP_AT == 0)
		lanes_sweep(l, now);
	s = x_alloc(sizeof(*s));
	table_put_n(&l->by_inode, &inode0, sizeof(inode0), s);
	return s;
}

unsigned lane_pick(struct lanes *l, uint64_t inode0, unsigned first, pid_t tid, uint64_t now)
{
	struct lane_set *s = table_get_n(&l->by_inode, &inode0, sizeof(inode0));
	unsigned lane;

	if (!s)
		return 0;
	for (lane = 0; lane < s->count; lane++) {
		if (!s->seats[lane].taken && s->seats[lane].reserved == tid && is_reserved(&s->seats[lane], now))
			return lane;
	}
	if (first && !was_refused(s, tid, now))
		return 0;
	for (lane = first; lane < s->count; lane++) {
		if (!s->seats[lane].taken && !is_reserved(&s->seats[lane], now))
			break;
	}
	if (lane > LANE_MAX)
		return 0;
	if (was_refused(s, tid, now)) {
		struct seat *seat = set_seat(s, lane);

		seat->reserved = tid;
		seat->until = now + RESERVED_MSEC;
	}
	return lane;
}

bool lane_take(struct lanes *l, uint64_t inode0, unsigned first, unsigned lane, pid_t tid, uint64_t now)
{
	struct lane_set *s = set_get(l, inode0, now);
	struct seat *seat = set_seat(s, lane);

	if (lane < first || seat->taken || (is_reserved(seat, now) && seat->reserved != tid)) {
		refuse(s, tid, now);
		return false;
	}
	*seat = (struct seat){ .taken = true };
	forgive(s, tid);
	return true;
}

void lane_drop(struct lanes *l, uint64_t inode0, unsigned lane, uint64_t now)
{
	struct lane_set *s = table_get_n(&l->by_inode, &inode0, sizeof(inode0));

	if (!s || lane >= s->count)
		return;
	s->seats[lane].taken = false;
	if (set_is_idle(s, now))
		set_free(table_del_n(&l->by_inode, &inode0, sizeof(inode0)));
}
