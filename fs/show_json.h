/*
 * A domain as one JSON object: the tables of its files, put together. On pool threads.
 */
#ifndef SHOW_JSON_H
#define SHOW_JSON_H

#include "fs/node.h"

/*
 * Of R's domain (or the host), no newline behind it; the hypervisor is asked when DEADLINE (clock_msec) has not
 * passed.
 */
void json_domain(const struct ref *r, uint64_t deadline, struct buf *b);

int show_domain_json(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_domain_json(const struct ref *r); /* never waits */

#endif
