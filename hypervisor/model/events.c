/* Event lines, history lines and the domain's log: growing texts, one writer function each. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/model/internal.h"

/* SEQ and order agree because lines of all domains pass one lock. */
static struct lock order = LOCK_INIT;

/* As its directory is named: other tools give names with blanks and worse. */
static void add_name(struct buf *b, const char *name)
{
	for (; *name; name++)
		buf_printf(b, isalnum((unsigned char)*name) || strchr("_.+-", *name) ? "%c" : "%%%02X",
		           (unsigned char)*name);
}

static void event_line(struct model *m, struct domain *d, const char *domain, const char *name, const char *detail)
{
	char when[TIME_TEXT];
	struct timespec now = time_now();
	struct buf b = { 0 };

	lock_acquire(&order);
	buf_printf(&b, "%llu %s ", (unsigned long long)++m->seq, time_format(when, &now));
	add_name(&b, domain);
	buf_printf(&b, " %s", name);
	if (*detail)
		buf_printf(&b, " %s", detail);
	buf_putc(&b, '\n');
	if (d)
		text_append(&d->events, b.p, b.len);
	text_append(&m->events, b.p, b.len);
	lock_release(&order);
	store_seq_used(m->store, m->seq);
	buf_free(&b);
}

void event_emit(struct domain *d, const char *name, const char *fmt, ...)
{
	struct buf detail = { 0 }, escaped = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&detail, fmt, ap);
	va_end(ap);
	if (detail.len)
		buf_escape(&escaped, detail.p, detail.len);
	event_line(d->model, d, d->name, name, escaped.len ? escaped.p : "");
	buf_free(&detail);
	buf_free(&escaped);
}

void model_event(struct model *m, const char *domain, const char *name, const char *detail)
{
	event_line(m, NULL, domain, name, detail);
}

void history_add(struct model *m, struct domain *d, const struct caller *c, const char *command, int code,
                 const char *sentence)
{
	char when[TIME_TEXT], who[CALLER_TEXT];
	struct timespec now = time_now();
	struct buf b = { 0 };

	buf_printf(&b, "%s %s %d %s '", time_format(when, &now), caller_name(c, who), (int)c->pid, err_name(code));
	buf_escape(&b, command, strlen(command));
	buf_putc(&b, '\'');
	if (*sentence) {
		buf_putc(&b, ' ');
		buf_escape(&b, sentence, strlen(sentence));
	}
	buf_putc(&b, '\n');
	lock_acquire(&m->disk); /* so that both have their lines in the same order */
	text_append(d ? &d->history : &m->history, b.p, b.len);
	store_history(m, d, b.p);
	lock_release(&m->disk);
	buf_free(&b);
}

void domain_log(struct domain *d, const char *fmt, ...)
{
	char when[TIME_TEXT];
	struct timespec now = time_now();
	struct buf text = { 0 }, b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_printf(&b, "%s ", time_format(when, &now));
	if (text.len)
		buf_escape(&b, text.p, text.len);
	buf_putc(&b, '\n');
	text_append(&d->log, b.p, b.len);
	buf_free(&text);
	buf_free(&b);
}
