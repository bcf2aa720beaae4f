/* The backend's handle of a domain: who uses it, and when it may be forgotten. */
#include <errno.h>

#include "hypervisor/model/folder.h"

struct guest *guest_get(struct domain *d, struct err *e)
{
	struct guest *g = NULL;

	domain_lock(d);
	if (d->guest && !d->guest_gone) {
		g = d->guest;
		d->guest_users++;
	} else {
		fail(e, EHOSTDOWN, domain_on(d) ? "%s: the domain is %s" : "%s: the domain is %s; `start` brings it up",
		     d->name, state_names[d->state]);
	}
	domain_unlock(d);
	return g;
}

void guest_put(struct domain *d)
{
	bool last;

	domain_lock(d);
	last = !--d->guest_users && d->guest_gone;
	domain_unlock(d);
	if (last)
		guest_forget(d);
}

void guest_forget(struct domain *d)
{
	struct guest *g = NULL;

	domain_lock(d);
	if (d->guest && d->guest_gone && !d->guest_users && !d->model->closing) {
		g = d->guest;
		d->guest = NULL;
		d->guest_gone = false;
		domain_touch(d);
	}
	domain_unlock(d);
	if (!g)
		return;
	d->model->ops->forget(g);
	domain_leave(d);
	domain_unref(d); /* the cookie's */
}

/* Its folder and its name go together: a new domain of this name must not find what is left, nor lose what it has made. */
void domain_leave(struct domain *d)
{
	struct model *m = d->model;

	lock_acquire(&m->disk);
	if (registry_leave(d)) {
		domain_lock(d);
		event_emit(d, "undefine", "%s", "");
		domain_unlock(d);
		if (d->foreign)
			folder_load(m->folder, d->name); /* a file of this name had to wait */
		else
			store_domain_remove(d);
	}
	lock_release(&m->disk);
}

void domain_reset_facts(struct domain *d)
{
	spec_unref(d->live);
	d->live = NULL;
	if (!d->restarting) { /* what restarts has the devices that it had */
		spec_unref(d->unchanged);
		d->unchanged = NULL;
	}
	d->id = -1;
	d->started = (struct timespec){ 0 };
	d->display[0] = '\0';
	d->mem_target = d->mem_actual = spec_memory(d->spec);
	d->mem_max = 0;
	d->vcpus = spec_vcpus(d->spec);
	d->tuned = 0;
	d->counters = d->before = (struct counters){ 0 };
	d->sampled_msec = d->before_msec = 0;
	domain_touch(d);
}
