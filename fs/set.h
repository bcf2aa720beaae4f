/*
 * Writers of settings, of the configuration and of the console. set_* and commit_* functions run on a pool thread
 * and may block; LINE is the writer's, cut of its newline, and may be changed. input_* never blocks; any thread.
 */
#ifndef SET_H
#define SET_H

#include "fs/node.h"

int set_mem(struct job *j, const struct ref *r, char *line, struct err *e);
int set_vcpus(struct job *j, const struct ref *r, char *line, struct err *e);
int set_sched(struct job *j, const struct ref *r, char *line, struct err *e);
int set_autostart(struct job *j, const struct ref *r, char *line, struct err *e);
int set_tags(struct job *j, const struct ref *r, char *line, struct err *e);
int set_owner(struct job *j, const struct ref *r, char *line, struct err *e);
int set_group(struct job *j, const struct ref *r, char *line, struct err *e);

int commit_config(struct job *j, const struct ref *r, const char *p, size_t n, struct err *e);
int commit_notes(struct job *j, const struct ref *r, const char *p, size_t n, struct err *e);

int input_console(const struct ref *r, const char *p, size_t n, struct err *e);

/* What verbs and settings have in common. */
int parse_switch(const char *s, bool *ret, struct err *e); /* on off 1 0 */
uint64_t memory_target(struct domain *d);                  /* MiB: what +64 and -64 are relative to */
int parse_memory(struct domain *d, const char *s, uint64_t *ret, struct err *e);

#endif
