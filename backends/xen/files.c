/*
 * libxl takes paths, and opens them as root. So what a configuration names is opened here with its owner's rights: a kernel
 * becomes a sealed copy in memory, a file a loop device over the open descriptor, a block device goes by its number.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "access.h"
#include "atomic_file.h"
#include "backends/xen/xen.h"

#define OPEN_MSEC 30000
#define KERNEL_MAX (256u << 20)
#define LOOP_TRIES 64

/* What is built from cannot change under the builder, nor end before it does. */
static int copy_sealed(int fd, const char *path, struct err *e)
{
	int mem = memfd_create("kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *block = x_alloc(1 << 20);
	size_t total = 0;
	ssize_t n = 0;
	int rc = 0;

	if (mem < 0)
		rc = fail(e, errno, "%s: %s", path, strerror(errno));
	while (!rc && (n = read(fd, block, 1 << 20)) > 0) {
		total += (size_t)n;
		if (total > KERNEL_MAX)
			rc = fail(e, EFBIG, "%s: more than %u MiB is no kernel", path, KERNEL_MAX >> 20);
		for (ssize_t at = 0, w; !rc && at < n; at += w)
			if ((w = write(mem, block + at, (size_t)(n - at))) < 0)
				rc = fail(e, errno, "%s: %s", path, strerror(errno));
	}
	if (!rc && n < 0)
		rc = fail(e, errno, "%s: %s", path, strerror(errno));
	if (!rc && fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		rc = fail(e, errno, "%s: %s", path, strerror(errno));
	free(block);
	if (rc && mem >= 0)
		close(mem);
	return rc ? rc : mem;
}

/* By a name that the device model, another process, can open too. */
static int open_kernel(const struct run *run, enum key k, uint64_t deadline, int *fd, char **path, struct err *e)
{
	const char *source = k == KEY_kernel ? xen_spec_kernel(run->spec) : spec_str(run->spec, k, NULL);
	int file, mem;

	if (!source || !*source)
		return 0;
	file = access_open(run->owner, source, O_RDONLY, deadline, e);
	if (file < 0)
		return fail_in(e, "%s", key_table[k].name);
	mem = copy_sealed(file, source, e);
	close(file);
	if (mem < 0)
		return mem;
	*fd = mem;
	*path = x_printf("/proc/%d/fd/%d", (int)getpid(), mem);
	return 0;
}

/* The loop device goes when the last who has it open closes it. */
static int loop_make(int file, bool readonly, char **path, struct err *e)
{
	struct loop_config c = { .fd = (unsigned)file,
		                 .info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0) };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd = -1, rc = -EBUSY;

	if (control < 0)
		return fail(e, errno, "/dev/loop-control: %s", strerror(errno));
	for (int i = 0; i < LOOP_TRIES && rc == -EBUSY; i++) { /* others take them as well */
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		char *name = x_printf("/dev/loop%d", number);

		fd = number < 0 ? -1 : open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		rc = fd < 0 ? -errno : ioctl(fd, LOOP_CONFIGURE, &c) ? -errno : 0;
		if (rc)
			free(name);
		else
			*path = name;
		if (rc && fd >= 0)
			close(fd);
	}
	close(control);
	return rc ? fail(e, -rc, "a loop device for it: %s", strerror(-rc)) : fd;
}

static bool is_device(const char *path, dev_t device)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device;
}

/* A name in /dev, where only root makes any: by its number, which is udev's work, or else the kernel's own name for it. */
static char *device_path(dev_t device)
{
	char *path = x_printf("/dev/block/%u:%u", major(device), minor(device)), *own = NULL, *name;
	char *sys = x_printf("/sys/dev/block/%u:%u/uevent", major(device), minor(device));
	struct buf b = { 0 };

	if (!is_device(path, device) && !file_slurp(AT_FDCWD, sys, 4096, &b, NULL) && b.p &&
	    (name = strstr(b.p, "DEVNAME="))) {
		name += strlen("DEVNAME=");
		own = x_printf("/dev/%.*s", (int)strcspn(name, "\n"), name);
	}
	if (own && is_device(own, device)) {
		free(path);
		path = own;
	} else {
		free(own);
	}
	free(sys);
	buf_free(&b);
	return path;
}

/* *FILE as it is. Root's goes by its name, which means the same to other tools and to a successor; another's is kept open. */
static void by_itself(const struct user *by, const struct disk *d, int *file, char **path, int *held)
{
	if (by->uid == 0) {
		*path = x_strdup(d->source);
		return;
	}
	*path = x_printf("/proc/%d/fd/%d", (int)getpid(), *file);
	*held = *file;
	*file = -1;
}

int xen_file_disk(const struct user *by, const struct disk *d, bool drive, uint64_t deadline, char **path, int *held,
                  struct err *e)
{
	struct stat st;
	int file, rc = 0;

	if (xen_disk_way(d) != XEN_DISK_BLOCK)
		return 0;
	file = access_open(by, d->source, d->readonly ? O_RDONLY : O_RDWR, deadline, e);
	if (file < 0)
		return fail_in(e, "disk %s", d->vdev);
	if (fstat(file, &st)) {
		rc = fail(e, errno, "disk %s: %s", d->vdev, strerror(errno));
	} else if (S_ISBLK(st.st_mode)) {
		*path = device_path(st.st_rdev);
	} else if (drive || (d->backendtype && !strcmp(d->backendtype, "qdisk"))) {
		/* QEMU serves it. On a loop device the kernel's backend would keep what was taken out of a drive. */
		by_itself(by, d, &file, path, held);
	} else {
		rc = loop_make(file, d->readonly, path, e);
		if (rc < 0)
			fail_in(e, "disk %s", d->vdev);
		else
			*held = rc;
	}
	if (file >= 0)
		close(file);
	return rc < 0 ? rc : 0;
}

int xen_file_medium(const struct user *by, const struct disk *d, uint64_t deadline, char **path, int *held,
                    struct err *e)
{
	struct stat st;
	int file, rc = 0;

	if (xen_disk_way(d) == XEN_DISK_EMPTY)
		return 0;
	file = access_open(by, d->source, O_RDONLY, deadline, e);
	if (file < 0)
		return fail_in(e, "disk %s", d->vdev);
	if (fstat(file, &st) || !S_ISREG(st.st_mode))
		rc = fail(e, EOPNOTSUPP, "disk %s: %s is a device; while the guest runs libxl puts files in alone",
		          d->vdev, d->source);
	else
		by_itself(by, d, &file, path, held);
	if (file >= 0)
		close(file);
	return rc;
}

static int open_disk(const struct run *run, const struct disk *d, uint64_t deadline, struct xen_opened *o, char **path,
                     struct err *e)
{
	struct xen_loop *loop = &o->loops[o->nloops];
	bool drive = d->cdrom && spec_hvm(run->spec);
	int fd = -1, rc = xen_file_disk(run->owner, d, drive, deadline, path, &fd, e);

	if (fd >= 0) {
		loop->fd = fd;
		snprintf(loop->vdev, sizeof(loop->vdev), "%s", d->vdev);
		o->nloops++;
	}
	return rc;
}

int xen_files_open(const struct run *run, struct job *j, struct xen_opened *ret, struct err *e)
{
	struct xen_opened o = { .fds = { -1, -1 } };
	uint64_t deadline = clock_msec() + OPEN_MSEC;
	const struct disk *disks = spec_disks(run->spec, &o.ndisks);
	int rc = 0;

	if (job_deadline(j) < deadline)
		deadline = job_deadline(j);
	o.disks = x_array(o.ndisks ? o.ndisks : 1, sizeof(*o.disks));
	o.loops = x_array(o.ndisks ? o.ndisks : 1, sizeof(*o.loops));
	for (size_t i = 0; !rc && i < o.ndisks; i++)
		rc = open_disk(run, &disks[i], deadline, &o, &o.disks[i], e);
	if (!rc && xen_spec_kernel(run->spec)) {
		rc = open_kernel(run, KEY_kernel, deadline, &o.fds[0], &o.kernel, e);
		if (!rc)
			rc = open_kernel(run, KEY_ramdisk, deadline, &o.fds[1], &o.ramdisk, e);
	}
	if (rc)
		xen_files_close(&o);
	else
		*ret = o;
	return rc;
}

void xen_files_close(struct xen_opened *o)
{
	for (size_t i = 0; i < o->ndisks; i++)
		free(o->disks[i]);
	for (size_t i = 0; i < o->nloops; i++)
		close(o->loops[i].fd);
	for (size_t i = 0; i < COUNT(o->fds); i++)
		if (o->fds[i] >= 0)
			close(o->fds[i]);
	free(o->disks);
	free(o->loops);
	free(o->kernel);
	free(o->ramdisk);
	*o = (struct xen_opened){ .fds = { -1, -1 } };
}
