/*
 * The operations behind the verbs. Each runs on a pool thread with no lock held, checks first, does nothing more when
 * j->dry, and returns 0 or -errno with the sentence. It takes the domain's job slot by itself. j->domain is the domain.
 */
#ifndef OPERATE_H
#define OPERATE_H

#include "hypervisor/model/model.h"

int domain_start(struct job *j, bool paused, const char *const *words, size_t n, struct err *e);
int domain_destroy(struct job *j, struct err *e);  /* passes the one-job rule: stops the job under way */
int domain_shutdown(struct job *j, struct err *e); /* the request was delivered */
int domain_reboot(struct job *j, struct err *e);   /* the request was delivered */
int domain_reset(struct job *j, struct err *e);
int domain_pause(struct job *j, struct err *e);
int domain_unpause(struct job *j, struct err *e);
int domain_trigger(struct job *j, const char *what, struct err *e);
int domain_sysrq(struct job *j, char letter, struct err *e);
int domain_set_memory(struct job *j, uint64_t mib, struct err *e);       /* off: written into the configuration */
int domain_set_maxmem(struct job *j, uint64_t mib, struct err *e);       /* likewise */
int domain_set_vcpus(struct job *j, unsigned online, struct err *e);     /* likewise */
int domain_set_sched(struct job *j, int weight, int cap, struct err *e); /* likewise; -1: as it is */
int domain_pin(struct job *j, int vcpu /* -1: all */, const struct cpus *hard,
               const struct cpus *soft /* NULL: as it is */, struct err *e);
/* What the configuration S says, with what is usual where it says nothing. */
struct sched spec_sched(const struct spec *s);
/* The guest's memory becomes the new file PATH, made with the caller's rights: there as a whole or not at all. */
int domain_dump_core(struct job *j, const char *path, struct err *e);

/* Devices of a guest that runs. SPEC as in the lists disk= and vif=; what it names is opened with the caller's rights. */
int domain_disk_attach(struct job *j, const char *spec, struct err *e);
int domain_disk_detach(struct job *j, const char *vdev, struct err *e);
int domain_disk_media(struct job *j, const char *vdev, const char *file /* NULL: none */, struct err *e);
int domain_vif_attach(struct job *j, const char *spec, struct err *e);
int domain_vif_detach(struct job *j, const char *which /* number or MAC */, struct err *e);
int domain_cancel(struct job *j, struct err *e);
int domain_commit(struct job *j, struct err *e); /* runtime changes into the configuration */

/* Definitions: on disk when they return. */
int domain_define(struct model *m, struct job *j, const char *name, struct domain **ret, struct err *e);
int domain_undefine(struct job *j, struct err *e);
int domain_rename(struct job *j, const char *name, struct err *e);
int domain_set_config(struct job *j, const char *text, size_t len,
                      struct err *e); /* -EINVAL: rejected, old text stays */
int domain_set_autostart(struct job *j, bool on, struct err *e);
int domain_set_owner(struct job *j, uid_t uid, gid_t gid, mode_t mode, unsigned what /* DOMAIN_SET_* */, struct err *e);
enum { DOMAIN_SET_UID = 1, DOMAIN_SET_GID = 2, DOMAIN_SET_MODE = 4 };
int domain_set_note(struct job *j, bool tags, const char *text, size_t len, struct err *e);
int domain_console_write(struct domain *d, const char *p, size_t n,
                         struct err *e); /* bytes taken, -EAGAIN; any thread */

/* Of the host. create: the text of FILE, read with the caller's rights, becomes the configuration of the domain that it
 * names, which is then started with WORDS. */
int model_create(struct model *m, struct job *j, const char *file, const char *const *words, size_t n, struct err *e);
int model_reload(struct model *m, struct job *j, struct err *e);
/* Deliver shutdown to every guest, autostarted ones in reverse; those it was delivered to are told to EACH. */
int model_shutdown_all(struct model *m, struct job *j, void (*each)(struct domain *, void *), void *arg, struct err *e);

#endif
