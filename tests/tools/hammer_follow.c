/* Who follows events, and holds what is read after a line against it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hammer.h"

/* ---- after an event's line: that state or a later one ---- */

#define HISTORY 4096 /* states that a follower remembers */
#define OWED 4096

struct told {
	char when[32], state[16], reason[40];
	long long time; /* ms: the status' since, to the letter */
};

/*
 * What was read when the event number `from` had been told, and no event from then on says it yet. A status names its event by
 * `since`; a state was left behind by one that is not later than what the daemon itself said next.
 */
struct owed {
	unsigned long from;
	char state[16], reason[40];
	long long since; /* ms; -1: only the state was read */
	long long until; /* ms: no event after that can explain it */
};

struct follower {
	struct lines lines;
	const char *name;
	unsigned long count; /* of events with a state */
	struct told told[HISTORY];
	struct owed owed[OWED];
	unsigned owed_count;
	struct seen state, status;
	int direct; /* status, past the cache */
};

static const struct told *told_at(const struct follower *f, unsigned long i)
{
	return &f->told[i % HISTORY];
}

/* Has event I left this behind? */
static bool explains(const struct follower *f, unsigned long i, const struct owed *o)
{
	const struct told *t = told_at(f, i);

	return !strcmp(t->state, o->state) && (o->since < 0 || (t->time == o->since && !strcmp(t->reason, o->reason)));
}

static void owed_wrong(const struct follower *f, const struct owed *o)
{
	wrong("%s: after event %lu (%s at %s) of %lu it was read as '%s %s since %lld': no event from there to %lld "
	      "says that",
	      f->name, o->from, told_at(f, o->from)->state, told_at(f, o->from)->when, f->count, o->state, o->reason,
	      o->since, o->until);
}

static void owed_settle(struct follower *f)
{
	unsigned long i = f->count - 1; /* the one that came just now */
	struct owed *o;

	for (unsigned k = 0; k < f->owed_count;) {
		o = &f->owed[k];
		if (explains(f, i, o)) {
			*o = f->owed[--f->owed_count];
		} else if (told_at(f, i)->time > o->until) {
			owed_wrong(f, o);
			*o = f->owed[--f->owed_count];
		} else {
			k++;
		}
	}
}

static void owe(struct follower *f, const struct owed *o)
{
	if (!explains(f, o->from, o))
		f->owed[f->owed_count++] = *o;
}

static void follow_line(struct follower *f, const char *line)
{
	char when[32], name[128], event[64], state[16], reason[40];
	struct told *t = &f->told[f->count % HISTORY];
	unsigned long seq;

	if (f->lines.lost) { /* what was missed may explain what was read */
		f->lines.lost = false;
		f->owed_count = 0;
		f->count = 0;
	}
	if (sscanf(line, "%lu %31s %127s %63s state=%15s reason=%39s", &seq, when, name, event, state, reason) != 6)
		return;
	t = &f->told[f->count % HISTORY];
	t->time = time_parse(when);
	memcpy(t->when, when, sizeof(when));
	memcpy(t->state, state, sizeof(state));
	memcpy(t->reason, reason, sizeof(reason));
	f->count++;
	owed_settle(f);
}

/* False: torn, or not to be read. */
static bool status_owed(struct follower *f, const char *text, ssize_t n, struct owed *o)
{
	char since[64];
	bool torn;

	if (n < 0) {
		wrong("%s: %s", f->status.path, strerror((int)-n));
		return false;
	}
	if (!status_check(text, (size_t)n, &torn))
		return false;
	if (torn) {
		atomic_fetch_add(&hammer->torn, 1);
		return false;
	}
	*o = (struct owed){ .from = f->count - 1 };
	status_value(text, "state", o->state, sizeof(o->state));
	status_value(text, "reason", o->reason, sizeof(o->reason));
	status_value(text, "since", since, sizeof(since));
	o->since = o->until = time_parse(since);
	return true;
}

static bool state_owed(struct follower *f, const char *text, ssize_t n, struct owed *o)
{
	bool torn;

	if (n < 0) {
		wrong("%s: %s", f->state.path, strerror((int)-n));
		return false;
	}
	if (!word_check(text, (size_t)n, &torn))
		return false;
	if (torn) {
		atomic_fetch_add(&hammer->torn, 1);
		return false;
	}
	*o = (struct owed){ .from = f->count - 1, .since = -1 };
	snprintf(o->state, sizeof(o->state), "%.*s", (int)strcspn(text, "\n"), text);
	return true;
}

/* What the daemon says; where the kernel thinks that the file is longer, it adds what its cache has there. */
static ssize_t status_direct(int fd, char text[TEXT])
{
	ssize_t n = read_old(fd, text);
	char *tags = n > 0 ? strstr(text, "\ntags ") : NULL, *end = tags ? strchr(tags + 1, '\n') : NULL;

	return end ? end + 1 - text : n;
}

/* Whoever reads now was told of the last event. By the old descriptors, or by new ones. */
static void follow_look(struct follower *f, bool anew)
{
	struct owed state, status, direct;
	bool has_state, has_status;
	char text[TEXT];
	ssize_t n;

	if (f->owed_count + 3 > OWED)
		return; /* it lags that far behind: the debts come first */
	n = anew ? read_new(f->state.path, 0, text) : read_old(f->state.fd, text);
	has_state = state_owed(f, text, n, &state);
	n = anew ? read_new(f->status.path, 0, text) : read_old(f->status.fd, text);
	has_status = status_owed(f, text, n, &status);
	n = status_direct(f->direct, text);
	if (!status_owed(f, text, n, &direct))
		return;
	state.until = direct.until;
	if (has_state)
		owe(f, &state);
	if (has_status)
		owe(f, &status);
	owe(f, &direct);
	atomic_fetch_add(&hammer->looks, 1);
}

static void follow_end(struct follower *f)
{
	const struct told *last = told_at(f, f->count - 1);
	char state[32];

	for (unsigned k = 0; k < f->owed_count; k++)
		owed_wrong(f, &f->owed[k]);
	if (!f->count)
		return;
	snprintf(state, sizeof(state), "%s\n", last->state);
	must_be(&f->state, state, "the last event");
	status_must(&f->status, "state", last->state, "the last event");
	status_must(&f->status, "since", last->when, "the last event");
}

void role_follow(const char *name)
{
	static struct follower f;
	bool some = false;
	char *line;

	f.name = name;
	f.state = see(name, "state");
	f.status = see(name, "status");
	f.direct = open_now(f.status.path, O_RDONLY | O_DIRECT);
	lines_open(&f.lines, name);
	while (readers_go_on()) {
		line = lines_next(&f.lines, some ? 0 : 200);
		if (line)
			follow_line(&f, line);
		if (f.count && (line || some))
			follow_look(&f, !line);
		some = line;
		did();
	}
	while ((line = lines_next(&f.lines,
	                          1000))) /* nobody changes anything any more, but for what is under way by itself */
		follow_line(&f, line);
	follow_end(&f);
}

/* ---- a foreign guest that comes and goes: each is another one, and none comes back ---- */

static unsigned long churn_number(const char *path)
{
	char text[TEXT];
	ssize_t n = read_new(path, 0, text);

	if (n == -ENOENT || n == -ESTALE)
		return 0;
	if (n != 37)
		wrong("%s: %zd bytes '%s'", path, n, n < 0 ? strerror((int)-n) : text);
	return n == 37 ? strtoul(text + 24, NULL, 16) : 0;
}

/* A line that says it was otherwise all the time cannot come from after the listing had ended. */
static void churn_listed(const struct listing *l, const char *name, bool came, long long time)
{
	if (l->ended && l->there == came && time > l->ended)
		wrong("%s was %slisted, and %s only then", name, came ? "" : "not ", came ? "came" : "went");
}

/* What was read before the time of a line of undefine is gone once that line is read. */
void role_churn(const char *name)
{
	char path[320], *line, at[64], who[128], event[64];
	unsigned long seq, gone = 0, last = 0, now;
	struct listing listing = { .ended = 0 };
	long long read_at = 0;
	static struct lines l;
	bool came;

	snprintf(path, sizeof(path), "%s", path_of(name, "uuid"));
	lines_open(&l, NULL);
	while (readers_go_on()) {
		line = lines_next(&l, 500);
		did();
		if (l.lost)
			listing.ended = 0;
		l.lost = false;
		if (!line || sscanf(line, "%lu %63s %127s %63s", &seq, at, who, event) != 4 || strcmp(who, name) != 0)
			continue;
		came = !strcmp(event, "define");
		if (!strcmp(event, "undefine")) {
			changed(1);
			if (last && read_at < time_parse(at))
				gone = last;
		}
		if (came || !strcmp(event, "undefine")) {
			churn_listed(&listing, name, came, l.time);
			listing = list_look(name, l.time);
		}
		now = churn_number(path);
		if (now && (now < last || now <= gone))
			wrong("%s is number %lu after number %lu and the line of undefine of %lu", path, now, last,
			      gone);
		if (now > last) {
			last = now;
			read_at = now_msec();
		}
	}
}
