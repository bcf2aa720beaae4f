/*
 * A configuration as libxl wants it. Nothing is opened here and nobody is asked: what comes out depends on what goes in.
 * Any thread; what is returned is the caller's.
 *
 * What a tenant names was opened with his rights before, and stands here by a path whose meaning he cannot change: a loop
 * device, /dev/block/MAJOR:MINOR, or a file of our own.
 */
#ifndef XEN_SPEC_H
#define XEN_SPEC_H

#include <libxl.h>
#include <libxl_utils.h>

#include "backend.h"

/* keys.c: what each key of a configuration means on Xen. */
extern const struct key_use xen_keys[KEY_COUNT];

/* spec_check.c: refused keys and values, EOPNOTSUPP or EINVAL with the reason. */
int xen_check(const struct spec *s, struct err *e);

/* How a disk reaches the guest. */
enum xen_disk_way {
	XEN_DISK_EMPTY, /* no medium */
	XEN_DISK_BLOCK, /* to be opened: a block device as it is, a file by way of a loop device */
	XEN_DISK_QEMU,  /* a file in a format that QEMU reads: by its name, and root's alone */
	XEN_DISK_SAID,  /* a script or another domain knows what the source is; not opened */
};
enum xen_disk_way xen_disk_way(const struct disk *d);

/* The kernel that is to be opened for the guest, NULL when it boots by firmware or bootloader. */
const char *xen_spec_kernel(const struct spec *s);

struct xen_files {
	/* Readable by this process and, for hvm, by QEMU; NULL: none. Without a comma, as are the disks'. */
	const char *kernel, *ramdisk;
	/* For each of spec_disks(), in its order, what stands for its source; NULL for those that were not opened. */
	const char *const *disks;
	/* A socket to be, in a folder of root's: where a display without a password is. */
	const char *vnc;
};

/*
 * Fill *ret, which the caller has initialised by libxl_domain_config_init() and frees by libxl_domain_config_dispose(),
 * also after an error. Name, UUID, spec and owner are RUN's. The on_ keys are all "preserve" in it: libxl does nothing by
 * itself when a guest ends, and another tool that reads them finds that the end is not his to deal with. 0, or -EINVAL,
 * -EOPNOTSUPP, -EPERM with a sentence.
 */
int xen_config(const struct run *run, const struct xen_files *files, libxl_domain_config *ret, struct err *e);

/*
 * The parts, for devices that come later: *ret is initialised and disposed of by the caller in libxl's way. PATH is what
 * stands for the disk's source. TENANT: the owner is not root.
 */
int xen_spec_disk(const struct disk *d, const char *path, bool hvm, bool tenant, libxl_device_disk *ret, struct err *e);
int xen_spec_vif(const struct vif *v, bool hvm, libxl_device_nic *ret, struct err *e);

/* Between spec.c and its parts: spec_rows.c has the keys that are one member of the structs, spec_devices.c the devices. */
int xen_spec_rows(const struct spec *s, libxl_domain_config *ret, struct err *e);
int xen_spec_devices(const struct run *run, const struct xen_files *files, libxl_domain_config *ret, struct err *e);
int xen_spec_vnc(const struct display *d, const char *socket, libxl_vnc_info *ret, struct err *e);
/* A word of libxl's, by its name or by its number as older configurations have it. 0 or -EINVAL. */
int xen_word(const char *text, const libxl_enum_string_table *words, int *ret);

#endif
