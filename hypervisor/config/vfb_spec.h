/*
 * Framebuffers as vfb=[...] describes them. Pure.
 */
#ifndef VFB_SPEC_H
#define VFB_SPEC_H

#include "buf.h"
#include "hypervisor/config/arena.h"
#include "spec.h"

struct vfb {
	struct display d;
	bool unused;      /* vncunused=1 */
	bool host;        /* says display= or xauthority=, of the host's X server */
	const char *text; /* the parts without passwords, as they were said */
};

/* TEXT taken apart; strings are kept in A. 0, or -EINVAL with *at the offset of what is wrong. */
int vfb_spec_parse(const char *text, struct arena *a, struct vfb *ret, size_t *at, struct err *e);

#endif
