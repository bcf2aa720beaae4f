/*
 * The grammar: NAME = VALUE and NAME += VALUE, a line or a ';' each; a value is a string, a number, True, False or a
 * list. What comes out is the text as a tree, with places, and nothing judged. Pure; everything lives in the caller's
 * arena.
 */
#ifndef PARSER_H
#define PARSER_H

#include "err.h"
#include "hypervisor/config/arena.h"
#include "hypervisor/config/lexer.h"
#include "spec.h"

#define DEPTH_LIMIT 8
#define ITEMS_LIMIT 1024

enum node_kind { NODE_STRING, NODE_NUMBER, NODE_WORD, NODE_LIST };

struct node {
	enum node_kind kind;
	bool plain;            /* the bytes of text are those of the source, from column + quote on */
	bool bare;             /* given without quotes outside of the language, as in a verb's key=value */
	unsigned line, column; /* 0: not from a text with lines */
	unsigned quote;
	const char *text; /* not of lists */
	size_t len;
	struct node *first, *last, *next; /* items of a list, in order */
	size_t count;
	size_t begin, end; /* bytes in the source */
};

struct assign {
	const char *name;
	bool plus;
	unsigned line, column;
	struct node *value;
	size_t begin, end;
	struct assign *next;
};

/* All statements of TEXT, in order (NULL when there are none). 0, or -EINVAL with "LINE:COLUMN: sentence". */
int parser_run(const char *text, size_t len, struct arena *a, struct assign **ret, struct err *e);

#endif
