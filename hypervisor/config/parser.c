#include "hypervisor/config/parser.h"

#include <errno.h>
#include <string.h>

struct parser {
	struct lexer lexer;
	struct token token; /* the one looked at */
	struct arena *arena;
	struct err *e;
};

static int advance(struct parser *p)
{
	return lexer_next(&p->lexer, &p->token, p->e);
}

static bool at_sign(const struct parser *p, char sign)
{
	return p->token.kind == TOKEN_SIGN && p->token.sign == sign;
}

static int wrong(const struct parser *p, const char *what)
{
	return fail(p->e, EINVAL, "%u:%u: %s", p->token.line, p->token.column, what);
}

static struct node *node_new(struct parser *p, enum node_kind kind)
{
	const struct token *t = &p->token;
	struct node *n = arena_alloc(p->arena, sizeof(*n));

	*n = (struct node){ .kind = kind,
		            .plain = t->plain,
		            .line = t->line,
		            .column = t->column,
		            .quote = t->quote,
		            .text = t->text,
		            .len = t->len,
		            .begin = t->begin,
		            .end = t->end };
	return n;
}

static int value(struct parser *p, unsigned depth, struct node **ret);

static int list(struct parser *p, unsigned depth, struct node **ret)
{
	struct node *l = node_new(p, NODE_LIST), *item = NULL;
	int rc;

	if (depth >= DEPTH_LIMIT)
		return wrong(p, "lists inside of lists go no deeper than 8");
	rc = advance(p);
	while (rc == 0 && !at_sign(p, ']')) {
		if (l->count == ITEMS_LIMIT)
			return wrong(p, "a list has at most 1024 items");
		rc = value(p, depth + 1, &item);
		if (rc < 0 || !item)
			return rc;
		if (l->last)
			l->last->next = item;
		else
			l->first = item;
		l->last = item;
		l->count++;
		if (at_sign(p, ']'))
			break;
		if (!at_sign(p, ','))
			return wrong(p, "a comma or ] is missing before this");
		rc = advance(p);
	}
	if (rc < 0)
		return rc;
	l->end = p->token.end;
	rc = advance(p);
	if (rc == 0)
		*ret = l;
	return rc;
}

static int value(struct parser *p, unsigned depth, struct node **ret)
{
	static const enum node_kind kinds[] = {
		[TOKEN_WORD] = NODE_WORD,
		[TOKEN_NUMBER] = NODE_NUMBER,
		[TOKEN_STRING] = NODE_STRING,
	};
	const struct token *t = &p->token;
	struct node *n;
	int rc;

	switch (t->kind) {
	case TOKEN_WORD:
		if (strcmp(t->text, "True") != 0 && strcmp(t->text, "False") != 0)
			return fail(p->e, EINVAL, "%u:%u: text needs quotes: \"%.80s\"", t->line, t->column, t->text);
		break;
	case TOKEN_NUMBER:
	case TOKEN_STRING:
		break;
	case TOKEN_SIGN:
		if (t->sign == '[')
			return list(p, depth, ret);
		return wrong(p, "a value is missing before this");
	case TOKEN_LINE:
		return wrong(p, "a value is missing at the end of the line");
	case TOKEN_END:
		return wrong(p, p->lexer.brackets ? "the text ends inside [ ]"
		                                  : "a value is missing at the end of the text");
	}
	n = node_new(p, kinds[t->kind]);
	rc = advance(p);
	if (rc == 0)
		*ret = n;
	return rc;
}

static int statement(struct parser *p, struct assign **ret)
{
	struct assign *a;
	int rc;

	if (p->token.kind != TOKEN_WORD)
		return wrong(p, "a line begins with the name of a key");
	a = arena_alloc(p->arena, sizeof(*a));
	*a = (struct assign){
		.name = p->token.text, .line = p->token.line, .column = p->token.column, .begin = p->token.begin
	};
	rc = advance(p);
	if (rc < 0)
		return rc;
	if (!at_sign(p, '=') && !at_sign(p, '+'))
		return fail(p->e, EINVAL,
		            "%u:%u: \"%.80s\" is followed by neither = nor +=; Python's statements are not understood",
		            a->line, a->column, a->name);
	a->plus = p->token.sign == '+';
	rc = advance(p);
	if (rc == 0)
		rc = value(p, 0, &a->value);
	if (rc < 0 || !a->value)
		return rc;
	a->end = a->value->end;
	if (p->token.kind != TOKEN_LINE && p->token.kind != TOKEN_END && !at_sign(p, ';'))
		return wrong(p, "the line should end here: a value stands alone, and strings are not joined");
	*ret = a;
	return 0;
}

int parser_run(const char *text, size_t len, struct arena *arena, struct assign **ret, struct err *e)
{
	struct parser p = { .arena = arena, .e = e };
	struct assign *first = NULL, **tail = &first;
	int rc;

	if (len > CONFIG_MAX)
		return fail(e, EINVAL, "1:1: a configuration has at most 1 MiB, this one has %zu bytes", len);
	lexer_init(&p.lexer, text ? text : "", text ? len : 0, arena);
	rc = advance(&p);
	while (rc == 0 && p.token.kind != TOKEN_END) {
		if (p.token.kind == TOKEN_LINE || at_sign(&p, ';')) {
			rc = advance(&p);
			continue;
		}
		rc = statement(&p, tail);
		if (*tail)
			tail = &(*tail)->next;
	}
	if (rc == 0)
		*ret = first;
	return rc;
}
