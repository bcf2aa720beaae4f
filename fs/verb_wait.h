/*
 * Verbs that end by waiting for a state. They register the command's own wait and return VERB_WAITS; no thread waits.
 */
#ifndef VERB_WAIT_H
#define VERB_WAIT_H

#include "fs/verb.h"

#define WAIT_SECONDS 300 /* of -w without a number */

/* What [-w] [-f] [SECONDS] said; -f waits as well. */
struct wait_options {
	bool wait, force;
	unsigned seconds;
};

/* -EINVAL with what is wrong; *ret is untouched then. FORCE: -f is known. */
int wait_options_parse(const struct command *c, bool force, struct wait_options *ret, struct err *e);

int verb_shutdown(struct command *c, struct err *e);
int verb_reboot(struct command *c, struct err *e);
int verb_wait(struct command *c, struct err *e);

/* Of the host: -w goes from one domain to the next. */
int verb_shutdown_all(struct command *c, struct err *e);

#endif
