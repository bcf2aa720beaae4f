/*
 * Names of users and groups. A name service may take its time, so the loop asks a cache, gets the number when the
 * name is not known yet, and the domains that showed the number are touched when it is. Any thread; its lock is a
 * leaf.
 */
#ifndef NAMES_H
#define NAMES_H

#include "hypervisor/model/model.h"

#define USER_TEXT 64

/*
 * The name of a user or group, or its number. OUT is returned. M: whose domains are
 * touched when the name comes later; it lives until pool_drain().
 */
const char *names_user(struct model *m, uid_t uid, char out[USER_TEXT]);
const char *names_group(struct model *m, gid_t gid, char out[USER_TEXT]);

/*
 * A name or a number as an id. -EINVAL with a sentence when there is none. They wait for the name service: not on
 * the loop.
 */
int names_find_user(const char *name, uid_t *ret, struct err *e);
int names_find_group(const char *name, gid_t *ret, struct err *e);

/* Ask the name service again for every name that was asked for; touches M's domains that show another now. It waits. */
void names_renew(struct model *m);

#endif
