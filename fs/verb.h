/*
 * Verbs: what may be written into a ctl. A table's row is the verb, its usage, what it needs and its
 * documentation; help, the manual and "did you mean" come from the rows. A command is one line under way: verb
 * functions run on a pool thread.
 */
#ifndef VERB_H
#define VERB_H

#include "fs/node.h"

enum needs {
	NEEDS_NOTHING = 0,
	NEEDS_ON = 1,    /* EHOSTDOWN when the domain is off */
	NEEDS_OFF = 2,   /* EBUSY when it is on */
	NEEDS_GUEST = 4, /* not for Domain-0: EPERM */
	NEEDS_ROOT = 8,
	NEEDS_PATHS = 16, /* its words may name paths: EPERM for who sees another tree of files than the daemon */
};

struct command {
	struct job *job;
	struct ref ref; /* borrowed: the ctl's */
	const struct verb *verb;
	int argc; /* words after the verb */
	char **argv;
	struct wait wait; /* for verbs that end by waiting; done must be command_waited */
	/*
	 * After a wait: called on a pool thread with its result; turns it into the verb's own (0, -errno with *e).
	 * May be NULL.
	 */
	int (*after)(struct command *c, int result, struct err *e);
	void *data; /* the verb's own between run and after */
};

/* A verb's function returned this: c->wait was given to domain_wait(); the command goes on when it is done. */
#define VERB_WAITS 1

struct verb {
	const char *name;
	const char *usage; /* of the arguments: "[-w] [SECONDS]" */
	unsigned needs;
	unsigned min, max; /* how many words may follow */
	int (*run)(struct command *c, struct err *e);
	const char *doc;
};

extern const struct verb domain_verbs[], root_verbs[];
/* disk and vif ctls come with their own tables when there is a verb for them */

/*
 * Split LINE as a shell splits words: blanks, '...', "...", backslash. At most MAX words; -EINVAL with the column.
 * Pure.
 */
int verb_split(char *line, char **words, size_t max, size_t *n, struct err *e);

/* The verb of the table, its needs and the number of words checked; -EINVAL names near verbs, -EHOSTDOWN and so on. */
int verb_check(const struct verb *table, struct command *c, char **words, size_t n, struct err *e);

/* The help that reading a ctl gives: a '#' line each. */
void verb_help(const struct verb *table, struct buf *b);
size_t verb_help_length(const struct verb *table); /* of what that gives */

#endif
