/*
 * Disk specifications: xl-disk-configuration(5), with xend's prefixes and 'TARGET,VDEV[:cdrom],ACCESS'. Pure.
 */
#ifndef DISK_SPEC_H
#define DISK_SPEC_H

#include "buf.h"
#include "hypervisor/config/arena.h"
#include "spec.h"

/*
 * TEXT taken apart; strings are kept in A. 0, or -EINVAL with *at the offset of what is wrong. After success *at is
 * where a cdrom is said to be writable, which counts nothing; else SIZE_MAX.
 */
int disk_spec_parse(const char *text, struct arena *a, struct disk *ret, size_t *at, struct err *e);

/* The normal form: every part by its name, what is not said left out, target last. Parsing it gives an equal disk. */
void disk_spec_print(const struct disk *d, struct buf *b);

/*
 * The device's name in the guest (hda, sdb1, xvdc, vdd, d0p1) taken apart into vdev, bus, index and partition of *ret.
 */
int vdev_parse(const char *text, struct arena *a, struct disk *ret, struct err *e);

bool vdev_same(const struct disk *x, const struct disk *y);

#endif
