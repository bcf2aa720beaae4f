/* What the rooms of the model share with each other and with nobody else. */
#ifndef INTERNAL_H
#define INTERNAL_H

#include "hypervisor/model/model.h"

/* ---- registry.c ---- */

/* A new domain that is off, not yet registered and without a serial. The caller's reference. */
struct domain *domain_new(struct model *m, const char *name);
/* Gives it the next serial when it has none or another's; takes a reference of its own. -EEXIST. */
int registry_add(struct domain *d, struct err *e);
void registry_del(struct domain *d);
bool registry_leave(struct domain *d); /* the same, when it is foreign or an orphan and nothing of a guest is left */
int registry_rename(struct domain *d, const char *name, struct err *e);

/* ---- holders.c ---- */

void holders_update(struct domain *d) NEEDS(d->lock); /* D is counted for what it has now, for nothing when gone */
/* -EEXIST: another domain than D has this uuid or one of SPEC's MACs. No lock held. */
int holders_check(struct domain *d, const struct spec *spec, const struct uuid *u, struct err *e);

/* ---- store.c: what is on disk beside the configurations. Blocks. ---- */

int store_open(const char *dir, struct store **ret, struct err *e); /* -EBUSY: another daemon has it */
void store_close(struct store *s);
int store_serial(struct store *s, uint64_t *ret,
                 struct err *e);                    /* never given before, which is on disk when it returns 0 */
int store_id(struct store *s, struct err *e);       /* likewise, from 1 on after each boot of the host; or -errno */
void store_id_seen(struct store *s, int id);        /* a guest of an earlier daemon has it */
uint64_t store_seq(struct store *s);                /* where event numbers go on */
void store_seq_used(struct store *s, uint64_t seq); /* does not block */
bool store_first_boot(struct store *s);             /* true once after each boot of the host */

/* Down to the next line: model->disk is held. */

/* The domain's folder: owner, mode, tags, notes, last state; last valid configuration; history and console. */
int store_domain_save(struct domain *d, struct err *e);
int store_domain_load(struct domain *d, struct err *e); /* not registered yet. -ENOENT: it is new */
void store_domain_remove(struct domain *d);
/* D as its file says it, TEXT: what the disk does not say already is written to it. Not for what a verb is answered after. */
int store_domain_follow(struct domain *d, const char *text, size_t n, struct err *e);
int store_valid_save(struct domain *d, const char *text, size_t n, struct err *e);
int store_valid_load(struct domain *d, struct buf *ret, struct err *e);
void store_console_save(struct domain *d);
void store_history(struct model *m, struct domain *d, const char *line); /* append; D NULL: the root's */
void store_history_load(struct model *m);

/* A rename under way, on disk: what was begun is finished by the next daemon too. TO's file gets these N bytes. */
int store_rename_begin(struct model *m, const char *from, const char *to, const char *text, size_t n, struct err *e);
int store_rename_finish(struct model *m, const char *from, const char *to, struct err *e);
void store_rename_recover(struct model *m); /* before anything is read */

/* ---- folder.c: the configuration folder. Writing it: model->disk is held. ---- */

int folder_open(struct model *m, const char *dir, struct folder **ret, struct err *e); /* changes count from now on */
int folder_scan(struct model *m, struct err *e);  /* read all of it; takes the disk's lock */
int folder_watch(struct model *m, struct err *e); /* a thread that follows it */
void folder_unwatch(struct folder *f);            /* until that thread has ended; accepts NULL */
void folder_close(struct folder *f);              /* not watched; accepts NULL */
int folder_write(struct model *m, const char *name, const char *text, size_t n, struct err *e);
int folder_remove(struct model *m, const char *name, struct err *e); /* its text goes to .removed/ */
int folder_unlink(struct model *m, const char *name, struct err *e); /* without */
bool folder_has(struct model *m, const char *name);
int folder_read(struct model *m, const char *name, struct buf *ret, struct err *e);

/* ---- autostart.c ---- */

void autostart_scan(struct model *m); /* sets d->autostart by the links in auto/ */
int autostart_set(struct model *m, const char *name, bool on, struct err *e);
int autostart_rename(struct model *m, const char *from, const char *to, struct err *e); /* keeps the link's number */
bool autostart_has(struct model *m, const char *name);                                  /* model->disk is held */
/* Domains to start with the host, in order: their names appended to *B, newlines between them. */
void autostart_order(struct model *m, struct buf *b);
void autostart_run(void *model); /* on a pool thread */

/* ---- config of a domain (op_config.c) ---- */

/* TEXT as a complete spec: name and uuid checked against D's, missing uuid and MACs filled in. Notes go to D's log. */
int config_read(struct domain *d, const char *text, size_t n, struct spec **ret, struct err *e);
/* Make TEXT and SPEC (reference taken over) the desired configuration. */
void config_take(struct domain *d, const char *text, size_t n, struct spec *spec);
void config_reject(struct domain *d, const char *why);
int config_set_memory(struct job *j, uint64_t mib, struct err *e); /* edits the value in the text */
/* -EINVAL when D's file holds a text that was rejected: somebody's work, not to be lost by editing the one before. */
int config_check_file(struct domain *d, struct err *e);
/* The affinity of each VCPU as the value of cpus=, nothing (p is NULL) when all run anywhere; D's guest is asked. */
int config_pins(struct domain *d, struct buf *ret, struct err *e);

/* ---- policy.c ---- */

void policy_apply(struct domain *d)
	NEEDS(d->lock);              /* an end that is held: destroy, restart or preserve, on a pool thread */
void policy_enable(struct model *m); /* ends told before this are applied now */

/* ---- op_start.c ---- */

/* Start SPEC as J's domain, whose slot J holds and which is off: ids, memory, images, then the backend. */
int domain_run(struct job *j, struct spec *spec, bool paused, struct err *e);

/* ---- op_define.c ---- */

void domain_tell_name(
	void *domain); /* on a pool thread; a reference: the backend learns the name that its guest has now */

/* ---- op_live.c ---- */
void domain_retarget(struct domain *d, uint64_t mib) NEEDS(d->lock); /* its memory at run time, not as configured */

/* ---- guest.c ---- */

void guest_forget(struct domain *d); /* when nobody uses it; no lock held */
void domain_leave(struct domain *d); /* foreign or an orphan, and off for good: unregister it; no lock held */
void domain_reset_facts(struct domain *d) NEEDS(d->lock); /* nothing runs: what the configuration says */

/* ---- wait.c ---- */

void wait_stop_all(struct model *m);
bool wait_cancel(struct domain *d); /* the cancellable ones; false: there is none */

#endif
