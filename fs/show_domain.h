/*
 * Renderers of a domain's facts and settings, and of the host's as Domain-0. They read the model under the
 * domain's lock and never wait, unless it is said. Any thread. All are show functions of rows (fs/node.h).
 */
#ifndef SHOW_DOMAIN_H
#define SHOW_DOMAIN_H

#include "fs/facts.h"
#include "fs/names.h"
#include "fs/node.h"

/* What the status of a domain says, at one instant. Points into itself: not to be copied. */
struct domain_facts {
	const char *name, *uuid, *backend, *state, *reason, *config, *job, *owner, *group, *tags;
	uint64_t id, mem_mib, mem_actual_mib, maxmem_mib, vcpus, maxvcpus, disks, vifs;
	struct timespec since, started;
	bool autostart, on;
	char uuid_text[UUID_TEXT], job_text[32], owner_text[USER_TEXT], group_text[USER_TEXT], reason_text[48];
	char *own_name, *own_tags;
};

extern const struct fact status_facts[], job_facts[];

#define TAGS_MAX 1024 /* bytes of a domain's tags */
#define HOST_NAME "Domain-0"

/* Of R's domain, or of the host. */
void domain_facts_get(const struct ref *r, struct domain_facts *f);
void domain_facts_free(struct domain_facts *f);

int show_status(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_value(const struct ref *r, const struct user *reader, struct buf *b,
               struct err *e); /* the status key of the row's name */
int show_mem(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_sched(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_tags(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_notes(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_vnc(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_job(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_config(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_live(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_pending(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);

/* Of the hypervisor, so on a pool thread only. */
int show_vcpu_list(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_screen(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_vcpu_list(const struct ref *r);

#endif
