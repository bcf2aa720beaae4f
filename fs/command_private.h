/*
 * Shared by the two rooms of commands: command.c, what is under way, and command_line.c, one line of it.
 */
#ifndef COMMAND_PRIVATE_H
#define COMMAND_PRIVATE_H

#include <stdatomic.h>

#include "fs/command.h"

#define COMMAND_SECONDS 300 /* a verb that gives no time of its own */
#define COMMAND_WORDS 256
#define COMMANDS_USER 64 /* of one user other than root at a time */

/*
 * Lines are carried out by whichever pool thread has them: one runs the verb, another goes on after a wait, perhaps before the
 * first has returned from it. So a line is shared by reference, and after VERB_WAITS only `of` is looked at.
 */
struct line {
	struct command command;
	struct commands *of; /* a reference */
	atomic_uint refs;
	char *text;  /* as written, for history */
	char *split; /* the words lie in it */
	char *words[COMMAND_WORDS];
	bool detach;
};

struct commands {
	atomic_uint refs;
	struct commands *next, **at; /* [running.lock] */
	struct ref ref;              /* [I] */
	struct caller *caller;       /* [I] */
	bool urgent;                 /* [I] */
	struct buf text;             /* what is left from `from` on; of the thread that has it */
	size_t from;
	bool noted; /* likewise: a line of it is in history, perhaps not on disk */
	void (*done)(void *arg, int result, const char *sentence); /* [I] NULL: nobody waits */
	void *arg;                                                 /* [I] */
	struct lock lock;
	struct line *current; /* [lock] */
	bool interrupted;     /* [lock] */
};

/* ---- command.c ---- */
struct commands *commands_new(const struct ref *r, struct caller *caller);
struct commands *commands_ref(struct commands *c);
void commands_unref(struct commands *c);
bool commands_list(struct commands *c); /* counts as under way; false when the user has enough */
void commands_unlist(struct commands *c);
void commands_end(struct commands *c, int result, const char *sentence);
void commands_step(void *c);             /* the same, for a pool thread */
void commands_go_on(struct commands *c); /* with the next line; the caller holds a reference, or C's own */

/* ---- command_line.c ---- */
struct line *line_new(struct commands *c, const char *text);
void line_unref(struct line *l);
int line_check(struct line *l, struct err *e);
int line_detach(struct line *l, struct err *e);
bool line_begin(struct line *l);                          /* true when it is done and the next may come */
bool line_end(struct line *l, int result, struct err *e); /* likewise */
const char *sentence_of(int result, struct err *e);       /* "" for success, never for a failure */
bool domain_is_gone(struct domain *d);

#endif
