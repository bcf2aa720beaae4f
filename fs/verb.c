#include "fs/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "access.h"

#define USAGE_MAX 160

/* What a backslash within "..." can take the meaning from, as in a shell. */
static bool escapable(char c)
{
	return c == '"' || c == '\\' || c == '$' || c == '`';
}

/*
 * The word at P, unquoted in place to *OUT, which never passes P. Where it ends, or NULL with *OPEN at what is not
 * closed, and *WHY.
 */
static char *word_take(char *p, char **out, char **open, const char **why)
{
	char quote = '\0', *to = *out, *begun = p;

	for (; *p; p++) {
		if (!quote && (*p == ' ' || *p == '\t'))
			break;
		if (quote && *p == quote) {
			quote = '\0';
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			begun = p;
		} else if (*p == '\\' && quote != '\'' && (!quote || escapable(p[1]))) {
			if (!p[1]) {
				quote = *p;
				begun = p;
				break;
			}
			*to++ = *++p;
		} else {
			*to++ = *p;
		}
	}
	*out = to;
	*open = begun;
	*why = quote == '\\' ? "a backslash with nothing behind it" : "this quote is not closed";
	return quote ? NULL : p;
}

int verb_split(char *line, char **words, size_t max, size_t *n, struct err *e)
{
	char *p = line, *out, *open;
	const char *why;
	size_t count = 0;
	bool last;

	for (p += strspn(p, " \t"); *p; p += strspn(p, " \t")) {
		char *word = p;

		if (count == max)
			return fail(e, EINVAL, "column %zu: more than %zu words in a line", (size_t)(p - line) + 1,
			            max);
		out = p;
		p = word_take(p, &out, &open, &why);
		if (!p)
			return fail(e, EINVAL, "column %zu: %s", (size_t)(open - line) + 1, why);
		last = !*p;
		*out = '\0';
		words[count++] = word;
		if (last)
			break;
		p++;
	}
	*n = count;
	return 0;
}

static const char *verb_name(size_t i, const void *table)
{
	return ((const struct verb *)table)[i].name;
}

static const struct verb *verb_find(const struct verb *table, const char *name, struct err *e)
{
	const struct verb *v;
	const char *near;

	for (v = table; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	near = nearest(name, (size_t)(v - table), verb_name, table);
	if (near)
		fail(e, EINVAL, "there is no verb '%s': did you mean %s? Reading this file lists them", name, near);
	else
		fail(e, EINVAL, "there is no verb '%s': reading this file lists them", name);
	return NULL;
}

static int needs_check(const struct verb *v, const struct command *c, size_t args, struct err *e)
{
	struct domain *d = c->ref.domain;
	char name[NAME_MAX_LEN + 1];
	enum domain_state state;
	bool on;

	if ((v->needs & NEEDS_GUEST) && !d)
		return fail(e, EPERM, "this is the host: %s is for guests", v->name);
	if ((v->needs & NEEDS_ROOT) && c->job->caller->user.uid)
		return fail(e, EACCES, "%s is for root", v->name);
	if ((v->needs & NEEDS_PATHS) && args && access_same_world(c->job->caller->pid, e))
		return -e->code;
	if (!d || !(v->needs & (NEEDS_ON | NEEDS_OFF)))
		return 0;
	lock_acquire(&d->lock);
	on = domain_on(d);
	state = d->state;
	snprintf(name, sizeof(name), "%s", d->name);
	lock_release(&d->lock);
	if ((v->needs & NEEDS_ON) && !on)
		return fail(e, EHOSTDOWN, "%s is %s and %s needs it on: start it first", name, state_names[state],
		            v->name);
	if ((v->needs & NEEDS_OFF) && on)
		return fail(e, EBUSY, "%s is %s and %s needs it off: shut it down first", name, state_names[state],
		            v->name);
	return 0;
}

int verb_check(const struct verb *table, struct command *c, char **words, size_t n, struct err *e)
{
	const struct verb *v;
	int rc;

	if (n && !strcmp(words[0], "-n")) {
		words++;
		n--;
	}
	if (!n)
		return fail(e, EINVAL, "no verb is given: reading this file lists them");
	v = verb_find(table, words[0], e);
	if (!v)
		return -EINVAL;
	if (n - 1 < v->min || n - 1 > v->max)
		return fail(e, EINVAL, "%s: %s: usage: %s%s%s", v->name,
		            n - 1 < v->min ? "too few words" : "too many words", v->name, *v->usage ? " " : "",
		            v->usage);
	rc = needs_check(v, c, n - 1, e);
	if (rc)
		return rc;
	c->verb = v;
	c->argc = (int)n - 1;
	c->argv = words + 1;
	return 0;
}

#define USAGE_WIDTH 36

void verb_help(const struct verb *table, struct buf *b)
{
	char usage[USAGE_MAX];

	for (const struct verb *v = table; v->name; v++) {
		snprintf(usage, sizeof(usage), "%s%s%s", v->name, *v->usage ? " " : "", v->usage);
		buf_printf(b, "# %-*s %s\n", USAGE_WIDTH, usage, v->doc);
	}
}

/* Asked for whenever anything of a domain changes: nothing is printed. */
size_t verb_help_length(const struct verb *table)
{
	size_t all = 0, usage;

	for (const struct verb *v = table; v->name; v++) {
		usage = strlen(v->name) + strlen(v->usage) + (*v->usage ? 1 : 0);
		usage = usage < USAGE_WIDTH ? USAGE_WIDTH : usage < USAGE_MAX ? usage : USAGE_MAX - 1;
		all += strlen("#  \n") + usage + strlen(v->doc);
	}
	return all;
}
