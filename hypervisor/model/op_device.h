/*
 * One change of the devices of a guest that runs: begun in the job's slot, claimed, made by the backend, ended. On the
 * job's thread, with no lock held. c->from, c->live and c->only are the change's own references.
 */
#ifndef OP_DEVICE_H
#define OP_DEVICE_H

#include "hypervisor/model/model.h"

struct change {
	struct job *job;
	struct domain *domain;
	struct guest *guest;
	struct spec *from, *live; /* in force before, and once it is done */
	struct spec *only;        /* what is new of it; NULL: nothing */
};

/* CAN: the backend has a function for it. change_end() follows, whatever it returns. */
int change_begin(struct change *c, struct job *j, bool can, struct err *e);

/* c->only becomes TEXT in LIST alone. Who says it reaches no further by it than by a configuration of his own. */
int change_only(struct change *c, enum key list, const char *text, struct err *e);

/* c->live is claimed, or what is in the way is said: in one step. */
int change_claim(struct change *c, struct err *e);

/* RC is the backend's, and returned: what it has done is in force, and after it what another tool did. */
int change_end(struct change *c, int rc);

#endif
