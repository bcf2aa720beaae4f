/* The verbs that give a guest devices while it runs, and take them. See struct verb. */
#ifndef VERB_DEVICE_H
#define VERB_DEVICE_H

#include "fs/verb.h"

int verb_block_attach(struct command *c, struct err *e);
int verb_block_detach(struct command *c, struct err *e);
int verb_cd_insert(struct command *c, struct err *e);
int verb_cd_eject(struct command *c, struct err *e);
int verb_network_attach(struct command *c, struct err *e);
int verb_network_detach(struct command *c, struct err *e);

#endif
