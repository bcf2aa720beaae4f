#include "fs/facts.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "hypervisor/base/utf8.h"
#include "units.h"

const struct fact *fact_find(const struct fact *table, const char *name)
{
	for (const struct fact *f = table; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

static const void *fact_at(const struct fact *f, const void *of)
{
	return (const char *)of + f->at;
}

static bool fact_none(const struct fact *f, const void *of)
{
	const void *at = fact_at(f, of);
	const char *word;
	const struct timespec *t;

	switch (f->type) {
	case FACT_WORD:
		word = *(const char *const *)at;
		return !word || !*word;
	case FACT_NUMBER:
		return *(const uint64_t *)at == FACT_NONE;
	case FACT_TIME:
		t = at;
		return !t->tv_sec && !t->tv_nsec;
	case FACT_SWITCH:
		break;
	}
	return false;
}

static void fact_text(const struct fact *f, const void *of, struct buf *b)
{
	const void *at = fact_at(f, of);
	char time[TIME_TEXT];
	const char *word;

	switch (f->type) {
	case FACT_WORD:
		word = *(const char *const *)at;
		buf_escape(b, word, strlen(word));
		break;
	case FACT_NUMBER:
		buf_printf(b, "%" PRIu64, *(const uint64_t *)at);
		break;
	case FACT_TIME:
		buf_puts(b, time_format(time, at));
		break;
	case FACT_SWITCH:
		buf_puts(b, *(const bool *)at ? "on" : "off");
		break;
	}
}

void facts_lines(const struct fact *table, const void *of, struct buf *b)
{
	for (const struct fact *f = table; f->name; f++) {
		buf_printf(b, "%s ", f->name);
		if (fact_none(f, of))
			buf_putc(b, '-');
		else
			fact_text(f, of, b);
		buf_putc(b, '\n');
	}
}

void fact_value(const struct fact *f, const void *of, struct buf *b)
{
	if (fact_none(f, of))
		return;
	fact_text(f, of, b);
	buf_putc(b, '\n');
}

static void fact_json(const struct fact *f, const void *of, struct buf *b)
{
	if (fact_none(f, of)) {
		buf_puts(b, "null");
	} else if (f->type == FACT_WORD) {
		json_quote(b, *(const char *const *)fact_at(f, of));
	} else if (f->type == FACT_SWITCH) {
		buf_puts(b, *(const bool *)fact_at(f, of) ? "true" : "false");
	} else if (f->type == FACT_TIME) {
		buf_putc(b, '"');
		fact_text(f, of, b);
		buf_putc(b, '"');
	} else {
		fact_text(f, of, b);
	}
}

void facts_json(const struct fact *table, const void *of, struct buf *b)
{
	for (const struct fact *f = table; f->name; f++) {
		buf_printf(b, "%s\"%s\": ", f == table ? "" : ", ", f->name);
		fact_json(f, of, b);
	}
}

void json_quote(struct buf *b, const char *s)
{
	size_t left, n;

	if (!s) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '"');
	for (left = strlen(s); left; s += n, left -= n) {
		n = utf8_printable(s, left);
		if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else if (n)
			buf_add(b, s, n);
		else if ((unsigned char)*s < 0x80)
			buf_printf(b, "\\u%04x", (unsigned char)*s);
		else
			buf_puts(b, "\\ufffd");
		n = n ? n : 1;
	}
	buf_putc(b, '"');
}
