#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/qemu/events.h"
#include "buf.h"
#include "tests/unit/test.h"

/* As QEMU 7.2 writes them; the number is the second. */
#define EVENT(at, name, data)                                                                                          \
	"{\"timestamp\": {\"seconds\": " #at ", \"microseconds\": 5}, \"event\": \"" name "\"" data "}\n"
#define DATA(text) ", \"data\": {" text "}"
#define RESUME(at) EVENT(at, "RESUME", "")
#define STOP(at) EVENT(at, "STOP", "")
#define SHUTDOWN(at, reason) EVENT(at, "SHUTDOWN", DATA("\"guest\": true, \"reason\": \"" reason "\""))
#define RESET(at, reason) EVENT(at, "RESET", DATA("\"guest\": true, \"reason\": \"" reason "\""))
#define PANIC(at, action) EVENT(at, "GUEST_PANICKED", DATA("\"action\": \"" action "\""))
#define STATUS(word, running)                                                                                          \
	"{\"return\": {\"status\": \"" word "\", \"singlestep\": false, \"running\": " running                         \
	"}, \"id\": \"status\"}\n"

static const struct {
	const char *what, *lines, *told;
	bool reboot_wanted;
} cases[] = {
	{ "nothing", "", "", false },
	{ "a start", RESUME(1), "running started;", false },
	{ "pause and unpause", RESUME(1) STOP(2) RESUME(3), "running started;paused paused?;running unpaused;", false },
	{ "a power-off keeps its memory and is no pause", RESUME(1) SHUTDOWN(2, "guest-shutdown") STOP(2),
	  "running started;ended 0 poweroff;", false },
	{ "a power-off that was asked for as a reboot", RESUME(1) SHUTDOWN(2, "guest-shutdown") STOP(2),
	  "running started;ended 1 reboot;", true },
	{ "a reboot that is held", RESUME(1) SHUTDOWN(2, "guest-reset") STOP(2), "running started;ended 1 reboot;",
	  false },
	{ "it is told once", RESUME(1) SHUTDOWN(2, "guest-reset") STOP(2) SHUTDOWN(2, "guest-reset"),
	  "running started;ended 1 reboot;", false },
	{ "revived after a power-off, and firmware's own resets",
	  RESUME(1) SHUTDOWN(2, "guest-shutdown") STOP(2) RESET(5, "host-qmp-system-reset") RESUME(6)
	          RESET(6, "guest-reset") RESET(6, "guest-reset"),
	  "running started;ended 0 poweroff;running rebooted;", false },
	{ "a reset is not the revival",
	  RESUME(1) SHUTDOWN(2, "guest-shutdown") STOP(2) RESET(5, "host-qmp-system-reset")
	          STATUS("prelaunch", "false"),
	  "running started;ended 0 poweroff;answer;", false },
	{ "a reboot in place is two or three resets",
	  RESUME(1) RESET(10, "guest-reset") RESET(10, "guest-reset") RESET(11, "guest-reset"),
	  "running started;running rebooted;", false },
	{ "two reboots", RESUME(1) RESET(10, "guest-reset") RESET(10, "guest-reset") RESET(20, "guest-reset"),
	  "running started;running rebooted;running rebooted;", false },
	{ "reset from outside", RESUME(1) RESET(10, "host-qmp-system-reset") RESET(10, "guest-reset"),
	  "running started;running reset;", false },
	{ "reset while paused", RESUME(1) STOP(2) RESET(3, "host-qmp-system-reset") RESUME(20) RESET(20, "guest-reset"),
	  "running started;paused paused?;paused reset;running unpaused;", false },
	{ "a clock that went back", RESUME(1) RESET(100, "guest-reset") RESET(50, "guest-reset"),
	  "running started;running rebooted;running rebooted;", false },
	{ "a panic", RESUME(1) PANIC(2, "pause") STOP(2), "running started;ended 2 guest-panic;", false },
	{ "a panic with the other policy", RESUME(1) PANIC(2, "poweroff") SHUTDOWN(2, "guest-panic") STOP(2),
	  "running started;ended 2 guest-panic;", false },
	{ "a panic that is let run", RESUME(1) PANIC(2, "run"), "running started;", false },
	{ "a panic asked for as a reboot stays one", RESUME(1) PANIC(2, "pause") STOP(2),
	  "running started;ended 2 guest-panic;", true },
	{ "quit", RESUME(1) SHUTDOWN(2, "host-qmp-quit") STOP(2), "running started;leaving quit;", false },
	{ "a signal", RESUME(1) SHUTDOWN(2, "host-signal"), "running started;leaving host-signal;", false },
	{ "a reason of a later QEMU", RESUME(1) SHUTDOWN(2, "snapshot-load"), "running started;ended 0 poweroff;",
	  false },
	{ "memory", EVENT(1, "BALLOON_CHANGE", DATA("\"actual\": 104857600")), "memory 100;", false },
	{ "memory, asked for", "{\"return\": {\"actual\": 167772160}, \"id\": \"memory\"}\n", "memory 160;", false },
	{ "memory that is none",
	  EVENT(1, "BALLOON_CHANGE", DATA("\"actual\": -1")) EVENT(1, "BALLOON_CHANGE", DATA("\"actual\": \"x\"")), "",
	  false },
	{ "a full disk",
	  RESUME(1) EVENT(2, "BLOCK_IO_ERROR",
	                  DATA("\"device\": \"\", \"nospace\": true, \"node-name\": \"drive-xvda\", \"reason\": \"No "
	                       "space left "
	                       "on device\", \"operation\": \"write\", \"action\": \"stop\"")) STOP(2) RESUME(3),
	  "running started;event no-space disk=xvda;paused no-space?;running unpaused;", false },
	{ "a broken disk",
	  RESUME(1) EVENT(
		  2, "BLOCK_IO_ERROR",
		  DATA("\"device\": \"\", \"nospace\": false, \"node-name\": \"drive-hda\", \"reason\": \"Input/output "
	               "error\", \"operation\": \"read\", \"action\": \"stop\"")) STOP(2),
	  "running started;log disk hda: read error: Input/output error;paused io-error?;", false },
	{ "a disk's name that lies",
	  EVENT(2, "BLOCK_IO_ERROR", DATA("\"nospace\": true, \"node-name\": \"x\\n y=\\\"1\"")),
	  "event no-space disk=xy1;", false },
	{ "a tray", EVENT(2, "DEVICE_TRAY_MOVED", DATA("\"device\": \"\", \"id\": \"disk-hdc\", \"tray-open\": true")),
	  "event media disk=hdc tray=open;", false },
	{ "an answer", RESUME(1) STATUS("running", "true"), "running started;answer;", false },
	{ "an answer that knows better", STATUS("running", "true") STATUS("paused", "false") STATUS("running", "true"),
	  "running started answer;paused paused answer;running unpaused answer;", false },
	{ "KVM gave up", RESUME(1) STOP(2) STATUS("internal-error", "false"),
	  "running started;paused paused?;ended 2 internal-error answer;", false },
	{ "asleep", RESUME(1) STATUS("suspended", "false"), "running started;answer;", false },
	{ "a display",
	  "{\"return\": {\"enabled\": true, \"host\": \"127.0.0.1\", \"service\": \"5901\"}, \"id\": \"display\"}\n",
	  "display 127.0.0.1:5901;", false },
	{ "a display of the sixth kind",
	  "{\"return\": {\"enabled\": true, \"host\": \"::1\", \"service\": \"5901\"}, \"id\": \"display\"}\n",
	  "display [::1]:5901;", false },
	{ "no display", "{\"return\": {\"enabled\": false}, \"id\": \"display\"}\n", "", false },
	{ "a refused question", "{\"error\": {\"desc\": \"no\"}, \"id\": \"status\"}\n", "", false },
	{ "nonsense", "{\"event\": 1}\n{\"event\": \"SHUTDOWN\"}\n", "ended 0 poweroff;", false },
	{ "what has no meaning here", EVENT(1, "RTC_CHANGE", DATA("\"offset\": 0")) EVENT(1, "POWERDOWN", ""), "",
	  false },
};

static void write_told(const struct machine *m, const struct told *t, const char **leaving, struct buf *b)
{
	size_t before = b->len;

	switch (t->kind) {
	case TOLD_STATE:
		buf_printf(b, "%s %s", state_names[t->state], t->reason);
		break;
	case TOLD_ENDED:
		buf_printf(b, "ended %d %s", t->end, t->reason);
		break;
	case TOLD_MEMORY:
		buf_printf(b, "memory %llu", (unsigned long long)t->mib);
		break;
	case TOLD_EVENT:
		buf_printf(b, "event %s %s", t->name, t->text);
		break;
	case TOLD_LOG:
		buf_printf(b, "log %s", t->text);
		break;
	case TOLD_DISPLAY:
		buf_printf(b, "display %s", t->text);
		break;
	case TOLD_NOTHING:
		break;
	}
	if (m->leaving != *leaving) {
		*leaving = m->leaving;
		buf_printf(b, "leaving %s", m->leaving);
	}
	if (t->unsure)
		buf_putc(b, '?');
	if (t->answer)
		buf_puts(b, b->len > before ? " answer" : "answer");
	if (b->len > before)
		buf_putc(b, ';');
}

/* Take the lines from P on; the state machine that they leave. */
static struct machine take(const char *p, bool reboot_wanted, struct buf *told, size_t *anchor)
{
	struct machine m = { .reboot_wanted = reboot_wanted };
	const char *start = p, *leaving = NULL;

	while (*p) {
		size_t n = strcspn(p, "\n");
		json_t *line = json_loadb(p, n, 0, NULL);
		struct told t;

		assert_non_null(line);
		events_take(&m, line, &t);
		json_decref(line);
		write_told(&m, &t, &leaving, told);
		if (t.anchor && anchor)
			*anchor = (size_t)(p - start);
		p += n + 1;
	}
	return m;
}

static void test_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		print_message("%s\n", cases[i].what);
		take(cases[i].lines, cases[i].reboot_wanted, &b, NULL);
		assert_string_equal(b.p ? b.p : "", cases[i].told);
		buf_free(&b);
	}
}

/* What stands before the last anchor may be cut off: what follows leaves the guest in the same state. */
static void test_anchor(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };
		size_t anchor = 0;
		struct machine whole, rest;

		print_message("%s\n", cases[i].what);
		whole = take(cases[i].lines, cases[i].reboot_wanted, &b, &anchor);
		rest = take(cases[i].lines + anchor, cases[i].reboot_wanted, &b, NULL);
		assert_int_equal(whole.run == RUN_NEW, rest.run == RUN_NEW);
		if (whole.run == RUN_ENDED) {
			assert_int_equal(rest.run, RUN_ENDED);
			assert_int_equal(rest.end, whole.end);
		} else {
			assert_int_equal(rest.run, whole.run);
		}
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_told), cmocka_unit_test(test_anchor) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
