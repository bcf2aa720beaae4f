/* Verbs that change how much of the host a guest gets, and the one that keeps its memory in a file. */
#ifndef VERB_TUNE_H
#define VERB_TUNE_H

#include "fs/verb.h"

int verb_mem_max(struct command *c, struct err *e);
int verb_vcpu_set(struct command *c, struct err *e);
int verb_vcpu_pin(struct command *c, struct err *e);
int verb_sched_credit(struct command *c, struct err *e);
int verb_dump_core(struct command *c, struct err *e);

#endif
