/*
 * Lines that were written, carried out one after the other on pool threads: the write is answered when the last one has
 * ended, or the first has failed. One struct commands a write; it owns its lines, its caller and its reference.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "fs/verb.h"

struct commands;

/*
 * TEXT holds whole lines. DONE is called once, on a pool thread, with 0 or -errno and the sentence (""); after it the
 * struct is gone. A line whose last word is `&` is detached: it goes on by itself and counts as done.
 */
struct commands *commands_run(const struct ref *r, struct caller *caller, const char *text, size_t n,
                              void (*done)(void *arg, int result, const char *sentence), void *arg);

/* The caller was interrupted: stop what is under way. Harmless after the end as long as DONE has not been called. */
void commands_interrupt(struct commands *c);

void commands_stop_all(void); /* the process ends: interrupt everything, detached commands too */

/* For verbs that wait: the `done` of their struct wait. */
void command_waited(struct wait *w, int result);

/*
 * One operation by another hand than a ctl (mkdir, chown, config): FN(job, arg) on a pool thread, in history as
 * COMMAND. It owns CALLER. DONE as above.
 */
void commands_call(struct model *m, struct domain *d, struct caller *caller, const char *command,
                   int (*fn)(struct job *, void *arg, struct err *e), void *arg,
                   void (*done)(void *arg, int result, const char *sentence));

#endif
