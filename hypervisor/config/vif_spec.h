/*
 * Network interface specifications: xl-network-configuration(5), with xm's names. Pure.
 */
#ifndef VIF_SPEC_H
#define VIF_SPEC_H

#include "buf.h"
#include "hypervisor/config/arena.h"
#include "spec.h"

/*
 * TEXT taken apart; "" is an interface with all defaults. INDEX is its place unless devid= says another; HVM decides
 * what no type= means. Strings are kept in A. 0, or -EINVAL with *at the offset of what is wrong.
 */
int vif_spec_parse(const char *text, unsigned index, bool hvm, struct arena *a, struct vif *ret, size_t *at,
                   struct err *e);

/*
 * The normal form: what was said, each part by its name; devid only where it is not INDEX. Parsing it gives an equal
 * vif.
 */
void vif_spec_print(const struct vif *v, unsigned index, struct buf *b);

/* "10Mb/s", "250KB/s", "1MB/s@20ms" in bytes a second and a window in microseconds. 0 or -EINVAL. */
int rate_parse(const char *text, uint64_t *bytes, unsigned *usec, struct err *e);

#endif
