/*
 * Words of the configuration language: names, numbers, strings and signs, each with its place. Comments and blanks are
 * dropped, inside brackets line ends too. Pure; strings are kept in the caller's arena.
 */
#ifndef LEXER_H
#define LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hypervisor/config/arena.h"

enum token_kind { TOKEN_END, TOKEN_LINE, TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_SIGN };

struct token {
	enum token_kind kind;
	char sign;             /* = [ ] , ; and '+' for += */
	unsigned line, column; /* from 1, column in bytes */
	unsigned quote;        /* bytes of the opening quotes */
	bool plain;            /* the text is byte for byte as in the source, on one line */
	const char *text;      /* of words, numbers and strings; NUL-terminated */
	size_t len;
	size_t begin, end; /* bytes in the source */
};

struct lexer {
	const char *start, *p, *end, *line_start;
	unsigned line;
	unsigned brackets;
	struct arena *arena;
};

void lexer_init(struct lexer *l, const char *text, size_t len, struct arena *a);

/* The next token. 0, or -EINVAL with "LINE:COLUMN: sentence". After TOKEN_END comes TOKEN_END. */
int lexer_next(struct lexer *l, struct token *ret, struct err *e);

/*
 * Decimal, hex (0x) or octal (0) as the language has it; blanks around are dropped. False: it is none, or over 64
 * bits.
 */
bool number_read(const char *s, uint64_t *ret);

#endif
