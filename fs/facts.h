/*
 * Facts as tables: a row is a key, its type, where the value lies in a struct, and its documentation. `key value`
 * lines, JSON, the one-value files and the manual are loops over the rows. Pure, any thread; the struct is the
 * caller's.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"

enum fact_type {
	FACT_WORD,   /* const char *; NULL or "" is no value */
	FACT_NUMBER, /* uint64_t; FACT_NONE is no value */
	FACT_TIME,   /* struct timespec; zero is no value */
	FACT_SWITCH, /* bool: on, off; true and false in JSON */
};

#define FACT_NONE UINT64_MAX

struct fact {
	const char *name; /* NULL ends a table */
	enum fact_type type;
	size_t at;
	const char *doc;
};

/* The row NAME; NULL when there is none. */
const struct fact *fact_find(const struct fact *table, const char *name);

/* A line `key value` for each row; no value is `-`. */
void facts_lines(const struct fact *table, const void *of, struct buf *b);

/* The value alone and a newline; nothing at all when there is no value. */
void fact_value(const struct fact *f, const void *of, struct buf *b);

/* The members of a JSON object, without its braces; no value is null. */
void facts_json(const struct fact *table, const void *of, struct buf *b);

/* S as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. NULL is null. */
void json_quote(struct buf *b, const char *s);

#endif
