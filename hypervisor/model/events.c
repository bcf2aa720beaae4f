/* Event lines, history lines and the domain's log: growing texts, one writer function each. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/model/internal.h"

/* A line that is not to be read yet, or one of history that is not on disk yet. */
struct line {
	struct line *next;
	uint64_t seq;
	struct domain *domain; /* a reference; history: NULL for the root's */
	size_t len;
	char text[]; /* and a NUL */
};

/* As its directory is named: other tools give names with blanks and worse. */
static void add_name(struct buf *b, const char *name)
{
	for (; *name; name++)
		buf_printf(b, isalnum((unsigned char)*name) || strchr("_.+-", *name) ? "%c" : "%%%02X",
		           (unsigned char)*name);
}

static struct line *line_new(struct domain *d, const struct buf *b)
{
	struct line *l = x_alloc(sizeof(*l) + b->len + 1);

	*l = (struct line){ .domain = d ? domain_ref(d) : NULL, .len = b->len };
	memcpy(l->text, b->p, b->len);
	l->text[b->len] = '\0';
	return l;
}

static void line_free(struct line *l)
{
	domain_unref(l->domain);
	free(l);
}

static void line_tell(struct domain *d, const char *p, size_t n)
{
	text_append(&d->events, p, n);
	text_append(&d->model->events, p, n);
}

static void line_hold(struct model *m, struct domain *d, const struct buf *b) NEEDS(m->order)
{
	struct line *l = line_new(d, b);

	l->seq = m->seq;
	if (m->held)
		m->held_last->next = l;
	else
		m->held = l;
	m->held_last = l;
}

/* The first that is held, off the list and told, if it is not above SEQ. */
static struct line *line_take(struct model *m, uint64_t seq)
{
	struct line *l;

	lock_acquire(&m->order);
	l = m->held && m->held->seq <= seq ? m->held : NULL;
	if (l) {
		m->held = l->next;
		line_tell(l->domain, l->text, l->len);
	}
	lock_release(&m->order);
	return l;
}

void model_publish(struct model *m, uint64_t seq)
{
	struct line *l;

	while ((l = line_take(m, seq)))
		line_free(l);
}

void model_follow(struct model *m, void (*fn)(void *arg, struct domain *d), void *arg)
{
	lock_acquire(&m->follow);
	m->on_change = fn;
	m->on_change_arg = arg;
	lock_release(&m->follow);
	if (!fn)
		model_publish(m, UINT64_MAX);
}

uint64_t model_last_event(struct model *m)
{
	uint64_t seq;

	lock_acquire(&m->order);
	seq = m->seq;
	lock_release(&m->order);
	return seq;
}

/* Behind those that are held; its SEQ. */
static uint64_t line_add(struct domain *d, const struct timespec *at, const char *name, const char *detail, bool hold)
	NEEDS(d->lock)
{
	struct model *m = d->model;
	char when[TIME_TEXT];
	struct buf b = { 0 };
	uint64_t seq;

	lock_acquire(&m->order);
	seq = ++m->seq;
	buf_printf(&b, "%llu %s ", (unsigned long long)seq, time_format(when, at));
	add_name(&b, d->name);
	buf_printf(&b, " %s", name);
	if (*detail)
		buf_printf(&b, " %s", detail);
	buf_putc(&b, '\n');
	if (hold || m->held)
		line_hold(m, d, &b);
	else
		line_tell(d, b.p, b.len);
	lock_release(&m->order);
	buf_free(&b);
	return seq;
}

static void event_line(struct domain *d, const struct timespec *at, const char *name, const char *detail) NEEDS(d->lock)
{
	struct model *m = d->model;
	uint64_t seq;

	lock_acquire(&m->follow);
	seq = line_add(d, at, name, detail, m->on_change);
	if (m->on_change)
		m->on_change(m->on_change_arg, d);
	lock_release(&m->follow);
	store_seq_used(m->store, seq);
}

void event_emit(struct domain *d, const char *name, const char *fmt, ...)
{
	struct buf detail = { 0 }, escaped = { 0 };
	struct timespec now = time_now();
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&detail, fmt, ap);
	va_end(ap);
	if (detail.len)
		buf_escape(&escaped, detail.p, detail.len);
	event_line(d, &now, name, escaped.len ? escaped.p : "");
	buf_free(&detail);
	buf_free(&escaped);
}

void event_state(struct domain *d, const char *name)
{
	struct buf detail = { 0 };

	buf_printf(&detail, "state=%s reason=", state_names[d->state]);
	buf_escape(&detail, d->reason, strlen(d->reason));
	event_line(d, &d->since, name, detail.p);
	buf_free(&detail);
}

void history_note(struct model *m, struct domain *d, const struct caller *c, const char *command, int code,
                  const char *sentence)
{
	char when[TIME_TEXT], who[CALLER_TEXT];
	struct timespec now = time_now();
	struct buf b = { 0 };
	struct line *l;

	buf_printf(&b, "%s %s %d %s '", time_format(when, &now), caller_name(c, who), (int)c->pid, err_name(code));
	buf_escape(&b, command, strlen(command));
	buf_putc(&b, '\'');
	if (*sentence) {
		buf_putc(&b, ' ');
		buf_escape(&b, sentence, strlen(sentence));
	}
	buf_putc(&b, '\n');
	l = line_new(d, &b);
	lock_acquire(&m->noting); /* so that both have their lines in the same order */
	text_append(d ? &d->history : &m->history, b.p, b.len);
	if (m->noted)
		m->noted_last->next = l;
	else
		m->noted = l;
	m->noted_last = l;
	lock_release(&m->noting);
	buf_free(&b);
}

static struct line *noted_take(struct model *m)
{
	struct line *l;

	lock_acquire(&m->noting);
	l = m->noted;
	if (l)
		m->noted = l->next;
	lock_release(&m->noting);
	return l;
}

void history_save(struct model *m)
{
	struct line *l;

	do {
		lock_acquire(&m->disk); /* from the list to the disk they keep their order */
		l = noted_take(m);
		if (l)
			store_history(m, l->domain, l->text);
		lock_release(&m->disk);
		if (l)
			line_free(l);
	} while (l);
}

void history_add(struct model *m, struct domain *d, const struct caller *c, const char *command, int code,
                 const char *sentence)
{
	history_note(m, d, c, command, code, sentence);
	history_save(m);
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
