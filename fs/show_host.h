/*
 * The host: its facts, the table of domains that people read, and Domain-0, which is the host as a domain. The
 * show functions read procfs and ask the backend: on a pool thread, except where it is said. They hold no lock
 * while they do.
 */
#ifndef SHOW_HOST_H
#define SHOW_HOST_H

#include "fs/node.h"

struct domain_facts;

void host_facts_get(const struct model *m, struct domain_facts *f);    /* never waits; any thread */
void host_counters(const struct model *m, struct counters *ret);       /* of the host as a domain */
int host_vcpus(const struct model *m, struct vcpu *ret, unsigned max); /* likewise: how many, or -errno */
unsigned host_cpu_ids(const struct model *m);                          /* those of its CPUs are less; never waits */

int show_info(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_info(const struct ref *r);
int show_list(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_list(const struct ref *r);

int show_domains_json(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_domains_json(const struct ref *r);

/* N rounded up so that a text has room to grow. */
size_t size_round(size_t n, size_t step);

#endif
