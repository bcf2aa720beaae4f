#include "backends/qemu/events.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"

/* One reboot is two or three resets (the guest's, then firmware's own): within this time they belong together. */
#define BURST_USEC 3000000

static const char *word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void tell_state(struct machine *m, enum run_state run, const char *reason, struct told *t)
{
	m->run = run;
	m->reason = reason;
	t->kind = TOLD_STATE;
	t->state = run == RUN_RUNNING ? STATE_RUNNING : STATE_PAUSED;
	t->reason = reason;
	t->anchor = true;
}

static void tell_end(struct machine *m, enum end end, const char *reason, struct told *t)
{
	if (m->run == RUN_ENDED)
		return;
	m->run = RUN_ENDED;
	m->end = end;
	m->reason = reason;
	t->kind = TOLD_ENDED;
	t->end = end;
	t->reason = reason;
	t->anchor = true;
}

static void take_resume(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	const char *reason = m->run == RUN_NEW ? "started" : m->run == RUN_ENDED ? "rebooted" : "unpaused";

	(void)data;
	if (m->run == RUN_RUNNING)
		return;
	if (m->warm || m->run == RUN_ENDED)
		m->reset_usec = usec;
	m->warm = false;
	m->trouble = NULL;
	tell_state(m, RUN_RUNNING, reason, t);
}

static void take_stop(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	const char *trouble = m->trouble;

	(void)data, (void)usec;
	m->trouble = NULL;
	if (m->run == RUN_ENDED || m->leaving)
		return; /* QEMU stops what has ended */
	tell_state(m, RUN_PAUSED, trouble ? trouble : "paused", t);
	t->unsure = true;
}

static const struct { /* SHUTDOWN's reasons */
	const char *reason, *tell;
	bool leaving;
	enum end end;
} shutdowns[] = {
	{ "guest-shutdown", "poweroff", false, END_POWEROFF }, { "guest-reset", "reboot", false, END_REBOOT },
	{ "guest-panic", "guest-panic", false, END_CRASH },    { "host-qmp-system-reset", "reset", false, END_REBOOT },
	{ "host-qmp-quit", "quit", true, END_DESTROYED },      { "host-signal", "host-signal", true, END_DESTROYED },
	{ "host-ui", "host-ui", true, END_DESTROYED },         { "host-error", "host-error", true, END_DIED },
};

static void take_shutdown(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	const char *reason = word(data, "reason");

	(void)usec;
	for (size_t i = 0; i < COUNT(shutdowns); i++) {
		if (strcmp(shutdowns[i].reason, reason) != 0)
			continue;
		if (shutdowns[i].leaving) {
			m->leaving = shutdowns[i].tell;
		} else if (shutdowns[i].end == END_POWEROFF && m->reboot_wanted) {
			tell_end(m, END_REBOOT, "reboot", t);
		} else {
			tell_end(m, shutdowns[i].end, shutdowns[i].tell, t);
		}
		return;
	}
	tell_end(m, END_POWEROFF, "poweroff", t);
}

static void take_reset(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	bool guest = !strcmp(word(data, "reason"), "guest-reset");
	bool burst = m->reset_usec != 0 && usec >= m->reset_usec && usec - m->reset_usec < BURST_USEC;

	m->resets++;
	if (m->run == RUN_ENDED || m->run == RUN_NEW) {
		m->warm = m->run == RUN_ENDED;
		return;
	}
	m->reset_usec = usec;
	if (guest && burst)
		return;
	if (m->run == RUN_PAUSED)
		m->warm = true;
	tell_state(m, m->run, guest ? "rebooted" : "reset", t);
	t->anchor = false; /* it does not say whether the guest runs */
}

static void take_panic(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	(void)usec;
	if (strcmp(word(data, "action"), "run") != 0)
		tell_end(m, END_CRASH, "guest-panic", t);
}

static void take_balloon(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	const json_t *actual = json_object_get(data, "actual");

	(void)m, (void)usec;
	if (!json_is_integer(actual) || json_integer_value(actual) < 0)
		return;
	t->kind = TOLD_MEMORY;
	t->mib = (uint64_t)json_integer_value(actual) >> 20;
}

/* The disk of an object's name ("disk-xvda", "drive-xvda"), in characters that need no escaping. */
static const char *disk_of(const char *id, char out[40])
{
	size_t n = 0;

	if (!strncmp(id, "disk-", 5))
		id += 5;
	else if (!strncmp(id, "drive-", 6))
		id += 6;
	for (; *id && n < 39; id++)
		if ((*id >= 'a' && *id <= 'z') || (*id >= '0' && *id <= '9'))
			out[n++] = *id;
	out[n] = '\0';
	return n ? out : "unknown";
}

static void take_io_error(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	const char *id = word(data, "node-name");
	bool space = json_is_true(json_object_get(data, "nospace"));
	char disk[40];

	(void)usec;
	if (!strcmp(word(data, "action"), "stop"))
		m->trouble = space ? "no-space" : "io-error";
	disk_of(*id ? id : word(data, "device"), disk);
	if (space) {
		t->kind = TOLD_EVENT;
		t->name = "no-space";
		snprintf(t->text, sizeof(t->text), "disk=%s", disk);
	} else {
		t->kind = TOLD_LOG;
		snprintf(t->text, sizeof(t->text), "disk %s: %s error: %.60s", disk,
		         !strcmp(word(data, "operation"), "write") ? "write" : "read", word(data, "reason"));
	}
}

static void take_tray(struct machine *m, const json_t *data, uint64_t usec, struct told *t)
{
	char disk[40];
	const char *id = word(data, "id");

	(void)m, (void)usec;
	t->kind = TOLD_EVENT;
	t->name = "media";
	disk_of(*id ? id : word(data, "device"), disk);
	snprintf(t->text, sizeof(t->text), "disk=%s tray=%s", disk,
	         json_is_true(json_object_get(data, "tray-open")) ? "open" : "closed");
}

static const struct {
	const char *name;
	void (*take)(struct machine *m, const json_t *data, uint64_t usec, struct told *t);
} events[] = {
	{ "RESUME", take_resume },           { "STOP", take_stop },
	{ "SHUTDOWN", take_shutdown },       { "RESET", take_reset },
	{ "GUEST_PANICKED", take_panic },    { "BALLOON_CHANGE", take_balloon },
	{ "BLOCK_IO_ERROR", take_io_error }, { "DEVICE_TRAY_MOVED", take_tray },
};

/* What query-status says, against what the events said. */
static void take_status(struct machine *m, const json_t *value, struct told *t)
{
	const char *status = word(value, "status");

	t->answer = true;
	if (!strcmp(status, "internal-error")) {
		tell_end(m, END_CRASH, "internal-error", t);
	} else if (!strcmp(status, "guest-panicked")) {
		tell_end(m, END_CRASH, "guest-panic", t);
	} else if (!strcmp(status, "shutdown")) {
		tell_end(m, m->reboot_wanted ? END_REBOOT : END_POWEROFF, m->reboot_wanted ? "reboot" : "poweroff", t);
	} else if (json_is_true(json_object_get(value, "running"))) {
		if (m->run != RUN_RUNNING)
			tell_state(m, RUN_RUNNING, m->run == RUN_NEW ? "started" : "unpaused", t);
		t->anchor = true;
	} else if (m->run == RUN_RUNNING && strcmp(status, "suspended") != 0) {
		tell_state(m, RUN_PAUSED, !strcmp(status, "io-error") ? "io-error" : "paused", t);
	}
}

static void take_vnc(const json_t *value, struct told *t)
{
	const char *host = word(value, "host"), *service = word(value, "service");

	if (!json_is_true(json_object_get(value, "enabled")) || !*host || !*service)
		return;
	t->kind = TOLD_DISPLAY;
	snprintf(t->text, sizeof(t->text), strchr(host, ':') ? "[%.60s]:%.20s" : "%.60s:%.20s", host, service);
}

void events_take(struct machine *m, const json_t *line, struct told *ret)
{
	const json_t *value = json_object_get(line, "return"), *stamp = json_object_get(line, "timestamp");
	const char *event = word(line, "event"), *id = word(line, "id");
	uint64_t usec = (uint64_t)json_integer_value(json_object_get(stamp, "seconds")) * 1000000 +
	                (uint64_t)json_integer_value(json_object_get(stamp, "microseconds"));

	*ret = (struct told){ 0 };
	if (value && !strcmp(id, "status"))
		take_status(m, value, ret);
	else if (value && !strcmp(id, "memory"))
		take_balloon(m, value, usec, ret);
	else if (value && !strcmp(id, "display"))
		take_vnc(value, ret);
	for (size_t i = 0; i < COUNT(events); i++)
		if (!strcmp(events[i].name, event))
			events[i].take(m, json_object_get(line, "data"), usec, ret);
}
