/* Who follows events, and holds what is read after a line against it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hammer.h"

/* ---- after an event's line: that state or a later one ---- */

#define HISTORY 4096 /* states that a follower remembers */
#define OWED 4096

struct told {
	char state[16], reason[40];
	long long time; /* ms */
};

/* What was read when the event number `from` had been told, and no event from then on says it yet. */
struct owed {
	unsigned long from;
	char state[16], reason[40];
	long long since; /* ms; -1: only the state was read */
};

struct follower {
	struct lines lines;
	unsigned long count; /* of events with a state */
	struct told told[HISTORY];
	struct owed owed[OWED];
	unsigned owed_count;
	struct seen state, status;
};

static long long time_parse(const char *s)
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

static const struct told *told_at(const struct follower *f, unsigned long i)
{
	return &f->told[i % HISTORY];
}

/* Can event I have left this behind? A state begins after the line before it was written, and before its own was. */
static bool explains(const struct follower *f, unsigned long i, const struct owed *o)
{
	const struct told *t = told_at(f, i);

	if (strcmp(t->state, o->state) != 0)
		return false;
	if (o->since < 0)
		return true;
	return !strcmp(t->reason, o->reason) && o->since <= t->time && (i == 0 || o->since >= told_at(f, i - 1)->time);
}

static void owed_settle(struct follower *f)
{
	unsigned long i = f->count - 1; /* the one that came just now */

	for (unsigned k = 0; k < f->owed_count;) {
		if (i >= f->owed[k].from && explains(f, i, &f->owed[k]))
			f->owed[k] = f->owed[--f->owed_count];
		else
			k++;
	}
}

static void owe(struct follower *f, const struct owed *o)
{
	if (explains(f, o->from, o))
		return;
	if (f->owed_count < OWED)
		f->owed[f->owed_count++] = *o;
}

static void follow_line(struct follower *f, const char *line)
{
	char when[64], name[128], event[64], state[16], reason[40];
	unsigned long seq;

	if (f->lines.lost) { /* what was missed may explain what was read */
		f->lines.lost = false;
		f->owed_count = 0;
		f->count = 0;
	}
	if (sscanf(line, "%lu %63s %127s %63s state=%15s reason=%39s", &seq, when, name, event, state, reason) != 6)
		return;
	f->told[f->count % HISTORY].time = time_parse(when);
	memcpy(f->told[f->count % HISTORY].state, state, sizeof(state));
	memcpy(f->told[f->count % HISTORY].reason, reason, sizeof(reason));
	f->count++;
	owed_settle(f);
}

static void follow_state(struct follower *f, const char *text, ssize_t n)
{
	struct owed o = { .from = f->count - 1, .since = -1 };
	bool torn;

	if (n < 0) {
		wrong("%s: %s", f->state.path, strerror((int)-n));
	} else if (word_check(text, (size_t)n, &torn)) {
		if (torn)
			atomic_fetch_add(&hammer->torn, 1);
		snprintf(o.state, sizeof(o.state), "%.*s", (int)strcspn(text, "\n"), text);
		if (!torn)
			owe(f, &o);
	}
}

static void follow_status(struct follower *f, const char *text, ssize_t n)
{
	struct owed o = { .from = f->count - 1 };
	char since[64];
	bool torn;

	if (n < 0) {
		wrong("%s: %s", f->status.path, strerror((int)-n));
	} else if (status_check(text, (size_t)n, &torn)) {
		if (torn) {
			atomic_fetch_add(&hammer->torn, 1);
			return;
		}
		status_value(text, "state", o.state, sizeof(o.state));
		status_value(text, "reason", o.reason, sizeof(o.reason));
		status_value(text, "since", since, sizeof(since));
		o.since = time_parse(since);
		owe(f, &o);
	}
}

static void follow_read(struct follower *f)
{
	char text[TEXT];
	ssize_t n;

	n = read_old(f->state.fd, text);
	follow_state(f, text, n);
	n = read_new(f->state.path, 0, text);
	follow_state(f, text, n);
	n = read_old(f->status.fd, text);
	follow_status(f, text, n);
	n = read_new(f->status.path, 0, text);
	follow_status(f, text, n);
}

void role_follow(const char *name)
{
	static struct follower f;
	char *line, last[32];
	bool some = false;

	f.state = see(name, "state");
	f.status = see(name, "status");
	lines_open(&f.lines, name);
	while (readers_go_on()) {
		line = lines_next(&f.lines, some ? 0 : 200);
		if (line) {
			follow_line(&f, line);
			some = true;
		} else if (some && f.count) { /* all that there is: whoever reads now was told of it */
			follow_read(&f);
			some = false;
		}
		did();
	}
	while ((line = lines_next(&f.lines,
	                          1000))) /* nobody changes anything any more, but for what is under way by itself */
		follow_line(&f, line);
	for (unsigned k = 0; k < f.owed_count; k++)
		wrong("%s: after event %lu (%s) of %lu it was read as '%s %s since %lld': no event from there on says "
		      "that",
		      name, f.owed[k].from, told_at(&f, f.owed[k].from)->state, f.count, f.owed[k].state,
		      f.owed[k].reason, f.owed[k].since);
	if (!f.count)
		return;
	snprintf(last, sizeof(last), "%s\n", told_at(&f, f.count - 1)->state);
	must_be(&f.state, last, "the last event");
	status_must(&f.status, "state", told_at(&f, f.count - 1)->state, "the last event");
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

static long long now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What was read before the time of a line of undefine is gone once that line is read. */
void role_churn(const char *name)
{
	char path[320], *line, at[64], who[128], event[64];
	unsigned long seq, gone = 0, last = 0, now;
	long long read_at = 0;
	static struct lines l;

	snprintf(path, sizeof(path), "%s", path_of(name, "uuid"));
	lines_open(&l, NULL);
	while (readers_go_on()) {
		line = lines_next(&l, 500);
		did();
		if (!line || sscanf(line, "%lu %63s %127s %63s", &seq, at, who, event) != 4 || strcmp(who, name) != 0)
			continue;
		if (!strcmp(event, "undefine")) {
			changed(1);
			if (last && read_at < time_parse(at))
				gone = last;
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
