/* Disks and interfaces that come and go: to a simulated guest they are what its configuration says, and it minds none of it. */
#include "sim.h"

int sim_do_devices(struct backend *s, struct request *r, struct err *e)
{
	(void)s;
	(void)e;
	spec_unref(r->guest->spec);
	r->guest->spec = spec_ref(r->live);
	return 0;
}

static int change(struct guest *g, enum verb v, const struct spec *live, struct job *j, struct err *e)
{
	struct request r = { .verb = v, .guest = g, .live = live };

	return sim_request_run(g->sim, &r, j, e);
}

int sim_disk_attach(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                    struct err *e)
{
	(void)disk;
	(void)by; /* nothing is opened: the images are simulated too */
	return change(g, VERB_DISK_ATTACH, live, j, e);
}

int sim_disk_detach(struct guest *g, const struct spec *live, const struct disk *disk, struct job *j, struct err *e)
{
	(void)disk;
	return change(g, VERB_DISK_DETACH, live, j, e);
}

int sim_disk_media(struct guest *g, const struct spec *live, unsigned disk, const struct user *by, struct job *j,
                   struct err *e)
{
	(void)disk;
	(void)by;
	return change(g, VERB_DISK_MEDIA, live, j, e);
}

int sim_vif_attach(struct guest *g, const struct spec *live, unsigned vif, struct job *j, struct err *e)
{
	(void)vif;
	return change(g, VERB_VIF_ATTACH, live, j, e);
}

int sim_vif_detach(struct guest *g, const struct spec *live, const struct vif *vif, struct job *j, struct err *e)
{
	(void)vif;
	return change(g, VERB_VIF_DETACH, live, j, e);
}
