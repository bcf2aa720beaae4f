/*
 * What a simulated guest does with its console: it prints at boot, echoes what is typed, and takes each line as a word
 * of the table below, so that a test makes a guest do something by itself.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define PRINT_MAX 1000000
#define CHUNK 4096

void sim_console_printf(struct backend *s, struct guest *g, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	sim_tell_console(s, g, b.p, b.len);
	buf_free(&b);
}

void sim_console_boot(struct backend *s, struct guest *g)
{
	g->announced = g->boots;
	sim_console_printf(s, g, "%s booted %u\r\n", g->name, g->boots);
}

/* ---- words: the guest may be freed when one returns ---- */

static void word_poweroff(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_guest_end(s, g, END_POWEROFF, "poweroff");
}

static void word_reboot(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_guest_end(s, g, END_REBOOT, "reboot");
}

static void word_crash(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_guest_end(s, g, END_CRASH, "crash");
}

static void word_die(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_guest_vanish(s, g, END_DIED, "died");
}

static void word_vanish(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_guest_vanish(s, g, END_DESTROYED, "vanished");
}

static void word_pause(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_guest_pause(s, g, "by-guest");
}

static void number_wanted(struct backend *s, struct guest *g, const struct err *e) NEEDS(s->lock)
{
	sim_console_printf(s, g, "%s\r\n", e->text);
}

static void word_hang(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	uint64_t msec = SIM_NEVER;
	struct err e;

	if (*arg && parse_u64(arg, 1u << 30, &msec, &e))
		number_wanted(s, g, &e);
	else
		sim_guest_hang(s, g, msec);
}

static void word_clock(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	uint64_t msec;
	struct err e;

	if (parse_u64(arg, 1u << 30, &msec, &e))
		number_wanted(s, g, &e);
	else
		s->skew += msec;
}

static void word_print(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	struct buf b = { 0 };
	struct err e;
	uint64_t n;

	if (parse_u64(arg, PRINT_MAX, &n, &e)) {
		number_wanted(s, g, &e);
		return;
	}
	for (uint64_t i = 1; i <= n; i++) {
		buf_printf(&b, "line %llu\r\n", (unsigned long long)i);
		if (b.len >= CHUNK || i == n) {
			sim_tell_console(s, g, b.p, b.len);
			buf_reset(&b);
		}
	}
	buf_free(&b);
}

static void word_free(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	(void)arg;
	sim_console_printf(s, g, "memory %llu MiB\r\n", (unsigned long long)g->actual);
}

static void word_log(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	sim_tell_log(s, g, arg);
}

static void word_event(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	size_t n = strcspn(arg, " ");
	char *name = x_strndup(arg, n);

	if (n)
		sim_tell_event(s, g, name, arg + n + strspn(arg + n, " "));
	free(name);
}

static void word_rename(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock)
{
	char *detail;
	struct err e;

	if (name_check(arg, &e)) {
		sim_console_printf(s, g, "%s\r\n", e.text);
		return;
	}
	free(g->name);
	g->name = x_strdup(arg);
	detail = x_printf("name=%s", arg);
	sim_tell_event(s, g, "rename", detail);
	free(detail);
}

static void word_help(struct backend *s, struct guest *g, const char *arg) NEEDS(s->lock);

static const struct word {
	const char *name, *arg;
	void (*run)(struct backend *, struct guest *, const char *arg);
	const char *doc;
} words[] = {
	{ "poweroff", "", word_poweroff, "power off" },
	{ "reboot", "", word_reboot, "reboot" },
	{ "crash", "", word_crash, "crash; the memory is held" },
	{ "die", "", word_die, "the hypervisor's process dies" },
	{ "vanish", "", word_vanish, "another tool destroys the guest" },
	{ "pause", "", word_pause, "stop executing" },
	{ "hang", "[MS]", word_hang, "the hypervisor does not answer, for MS milliseconds or until it is destroyed" },
	{ "clock", "MS", word_clock, "move the simulator's clock forward" },
	{ "print", "N", word_print, "print N lines" },
	{ "free", "", word_free, "print how much memory there is" },
	{ "log", "TEXT", word_log, "the hypervisor says TEXT" },
	{ "event", "NAME [KEY=VALUE ...]", word_event, "the hypervisor tells an event" },
	{ "rename", "NAME", word_rename, "another tool renames the guest" },
	{ "help", "", word_help, "print this" },
};

static void word_help(struct backend *s, struct guest *g, const char *arg)
{
	struct buf b = { 0 };

	(void)arg;
	for (size_t i = 0; i < COUNT(words); i++)
		buf_printf(&b, "%s%s%s  %s\r\n", words[i].name, *words[i].arg ? " " : "", words[i].arg, words[i].doc);
	sim_tell_console(s, g, b.p, b.len);
	buf_free(&b);
}

static void line_run(struct backend *s, struct guest *g, char *line) NEEDS(s->lock)
{
	char *arg;

	line += strspn(line, " \t");
	arg = line + strcspn(line, " \t");
	if (*arg)
		*arg++ = '\0';
	arg += strspn(arg, " \t");
	if (!*line)
		return;
	for (size_t i = 0; i < COUNT(words); i++) {
		if (!strcmp(line, words[i].name)) {
			words[i].run(s, g, arg);
			return;
		}
	}
	sim_console_printf(s, g, "%s: not found\r\n", line);
}

void sim_console_read(struct backend *s, struct timer *t)
{
	struct guest *g = HOLDER(struct guest, input, t);
	struct buf echo = { 0 };
	char *line = NULL;
	size_t n = 0;

	if (!sim_guest_executing(g))
		return;
	while (n < g->in.len && !line) {
		char c = g->in.p[n++];

		if (c == '\r' || c == '\n') {
			buf_puts(&echo, "\r\n");
			line = buf_steal(&g->line);
		} else {
			buf_putc(&echo, c);
			if (c && g->line.len < SIM_LINE_MAX)
				buf_putc(&g->line, c);
		}
	}
	buf_drop(&g->in, n);
	if (g->in.len)
		sim_timer_arm(s, t, sim_now(s));
	else
		buf_free(&g->in);
	sim_tell_console(s, g, echo.p, echo.len);
	if (line)
		line_run(s, g, line); /* last: the guest may be freed by it */
	free(line);
	buf_free(&echo);
}
