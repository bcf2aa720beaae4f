/*
 * The instances of rows that have many: domains by the names of their directories, disks and vifs by theirs. See
 * struct node for what next and find promise. They never wait; any thread.
 */
#ifndef EACH_H
#define EACH_H

#include "fs/node.h"

bool next_domain(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256]);
bool find_domain(const struct ref *r, const char *name, struct ref *child);

bool next_disk(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256]);
bool find_disk(const struct ref *r, const char *name, struct ref *child);
bool there_disk(const struct ref *r);

bool next_vif(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256]);
bool find_vif(const struct ref *r, const char *name, struct ref *child);
bool there_vif(const struct ref *r);

#endif
