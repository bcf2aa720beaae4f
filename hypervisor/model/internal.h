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
/* A file of the domain's folder, besides those that have functions of their own. 0 and nothing for a foreign one. */
int store_file_save(struct domain *d, const char *file, const char *p, size_t n, struct err *e);
int store_file_load(struct domain *d, const char *file, size_t max, struct buf *ret, struct err *e);
void store_file_drop(struct domain *d, const char *file);
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
/* EDIT appends to *ret what becomes of the text TEXT, which SPEC says, and gives 0 or -errno. */
int config_rewrite(struct job *j,
                   int (*edit)(const char *text, size_t n, const struct spec *spec, void *arg, struct buf *ret,
                               struct err *e),
                   void *arg, struct err *e);
/* The MAC of the interface VIF of a domain that says none: it stays the same as long as the domain's uuid does. */
void config_mac(const struct uuid *u, unsigned vif, char out[MAC_TEXT]);
/* -EINVAL when D's file holds a text that was rejected: somebody's work, not to be lost by editing the one before. */
int config_check_file(struct domain *d, struct err *e);
/* Change the value of K in the text, everything else verbatim. */
int config_change(struct job *j, enum key k, const char *value, struct err *e);

/* ---- restart.c ---- */

#define RESTART_FILE "restart" /* of the domain's folder */

/* Before a guest is ended to be started again, and after; no lock held. */
void restart_save(struct domain *d, const struct spec *spec, bool paused);
void restart_end(struct domain *d, int rc); /* what the daemon's own end cut short is left to its successor */
void restart_found(struct model *m);        /* those that the daemon before did not get to start */

/* ---- policy.c ---- */

void policy_apply(struct domain *d)
	NEEDS(d->lock);              /* an end that is held: destroy, restart or preserve, on a pool thread */
void policy_enable(struct model *m); /* ends told before this are applied now */
/* Destroy D's guest and start it again as it was configured then; J, which cannot be stopped between, has the slot. */
int domain_renew(struct domain *d, struct job *j, bool paused, struct err *e);

/* ---- op_start.c ---- */

/* Start SPEC as J's domain, whose slot J holds and which is off: ids, memory, images, then the backend. */
int domain_run(struct job *j, struct spec *spec, bool paused, struct err *e);

/* -EBUSY: another domain than D, which is on, has an image of SPEC in use. The lock of the registry is held. */
int images_check(struct model *m, struct domain *d, const struct spec *spec, struct err *e) NEEDS(m->lock);

/* ---- devices.c ---- */

/* S with these disks or these interfaces in the place of its own. */
int spec_with_disks(const struct spec *s, const struct disk *disks, size_t n, struct spec **ret, struct err *e);
int spec_with_vifs(const struct spec *s, const struct vif *vifs, size_t n, struct spec **ret, struct err *e);
/* The devices of S alone, in the language. */
int spec_print_devices(const struct spec *s, struct buf *ret, struct err *e);
/* The devices of LIVE are in force now: facts and events follow. True: tune_save() is needed, once the lock is let go. */
bool devices_take(struct domain *d, const struct spec *live) NEEDS(d->lock);
/* D's guest was found and is in force: what is remembered of the devices of one before it is not of this one. */
void devices_found(struct domain *d) NEEDS(d->lock);

/* ---- devices_commit.c ---- */
int devices_commit(struct job *j, struct err *e); /* what was changed at run time, into the configuration */

/* ---- op_define.c ---- */

int name_check_free(struct model *m, const char *name, struct err *e); /* -EEXIST. model->disk is held */

/* ---- op_rename.c: on pool threads; a reference each ---- */

void domain_tell_name(void *domain);   /* the backend learns the name that its guest has now */
void domain_follow_name(void *domain); /* d->called becomes its name, or the guest gets back the one that it had */

/* ---- op_live.c ---- */

int fail_missing(struct err *e, const char *verb); /* -EOPNOTSUPP: the backend has no slot for it */
/* Take the slot and the guest for one call of the backend, which CAN do it; NULL: *e says why not. live_end() gives both back. */
struct guest *live_begin(struct job *j, bool can, struct err *e);
void live_end(struct job *j);
void live_set(struct domain *d, enum key k, const char *value) NEEDS(d->lock); /* in force from now on */
void domain_retarget(struct domain *d, uint64_t mib) NEEDS(d->lock); /* its memory at run time, not as configured */

/* ---- op_commit.c ---- */

/*
 * Where each VCPU may run (SOFT: prefers to) as the value of cpus= (cpus_soft=), nothing (p is NULL) when that is anywhere; D's guest
 * is asked.
 */
int config_pins(struct domain *d, bool soft, struct buf *ret, struct err *e);

/* ---- op_tune.c ---- */

void tune_save(struct domain *d); /* what was tuned, for a successor; no lock held */
void tune_sched(struct domain *d, const struct sched *s) NEEDS(d->lock); /* its shares, by whoever gave them */
void tune_maximum(struct domain *d, uint64_t mib) NEEDS(d->lock);        /* likewise what its memory may be at most */

/* ---- guest.c ---- */

void guest_forget(struct domain *d); /* when nobody uses it; no lock held */
void domain_leave(struct domain *d); /* foreign or an orphan, and off for good: unregister it; no lock held */
void domain_reset_facts(struct domain *d) NEEDS(d->lock); /* nothing runs: what the configuration says */

/* ---- wait.c ---- */

void wait_stop_all(struct model *m);
bool wait_cancel(struct domain *d); /* the cancellable ones; false: there is none */

#endif
