/*
 * Disk images. They are written by guests and by whoever uploads them, so nothing in them is believed: a format is
 * never guessed, and a header that names another file is refused before QEMU sees it. Its owner can still change it
 * in between: `backing` is always given to QEMU, and a data file would be opened as the guest's own powerless user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"

#define HEADER_READ (64 * 1024)
#define HEADER_V2 72
#define HEADER_V3 104

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Bits of incompatible_features. */
#define FEATURE_CORRUPT (1u << 1)
#define FEATURE_DATA_FILE (1u << 2)
#define FEATURES_HARMLESS ((1u << 0) | (1u << 3) | (1u << 4)) /* dirty, compression type, extended L2 entries */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static const struct {
	uint32_t type;
	const char *why;
} bad_extensions[] = {
	{ 0x44415441, "it keeps its data in another file; use qemu-img convert to make a plain qcow2 of it" },
	{ 0x0537be77, "it is encrypted, which is not supported" },
};

/* Extensions lie between the header and the end of the first cluster: type, length, data filled up to 8 bytes. */
static int check_extensions(const uint8_t *p, size_t n, size_t at, size_t cluster, struct err *e)
{
	size_t end = cluster < n ? cluster : n;

	while (end - at >= 8) {
		uint32_t type = be32(p + at), len = be32(p + at + 4);

		if (type == 0)
			return 0;
		for (size_t i = 0; i < COUNT(bad_extensions); i++) {
			if (bad_extensions[i].type == type)
				return fail(e, EINVAL, "qcow2: %s", bad_extensions[i].why);
		}
		at += 8;
		if (len > end - at || ((len + 7) & ~7u) > end - at)
			return fail(e, EINVAL, "qcow2: a header extension of %u bytes does not fit into the header",
			            len);
		at += (len + 7) & ~7u;
	}
	/* The list may end with the cluster, but not where the part that was read ends. */
	return end == cluster ? 0 : fail(e, EINVAL, "qcow2: its header is longer than %zu bytes", n);
}

static int check_v3(const uint8_t *p, size_t n, struct err *e)
{
	uint64_t incompatible;

	if (n < HEADER_V3)
		return fail(e, EINVAL, "qcow2: the file ends within the header");
	incompatible = be64(p + 72);
	if (incompatible & FEATURE_DATA_FILE)
		return fail(e, EINVAL, "qcow2: %s", bad_extensions[0].why);
	if (incompatible & FEATURE_CORRUPT)
		return fail(e, EINVAL, "qcow2: it is marked as corrupt; qemu-img check -r all may repair it");
	if (incompatible & ~(uint64_t)FEATURES_HARMLESS)
		return fail(e, EINVAL, "qcow2: it needs features that are not known (0x%llx)",
		            (unsigned long long)incompatible);
	if (be32(p + 96) > 6)
		return fail(e, EINVAL, "qcow2: reference counts of 2^%u bits", be32(p + 96));
	return 0;
}

int disk_check_qcow2(const uint8_t *p, size_t n, struct err *e)
{
	uint32_t version, bits;
	size_t header = HEADER_V2;
	int rc;

	if (n < HEADER_V2 || be32(p) != 0x514649fb)
		return fail(e, EINVAL, "not a qcow2 image");
	version = be32(p + 4);
	if (version != 2 && version != 3)
		return fail(e, EINVAL, "qcow2: version %u, where 2 and 3 are known", version);
	if (be64(p + 8) || be32(p + 16))
		return fail(e, EINVAL,
		            "qcow2: it has a backing file; use qemu-img convert to make a plain qcow2 of it");
	bits = be32(p + 20);
	if (bits < 9 || bits > 21)
		return fail(e, EINVAL, "qcow2: clusters of 2^%u bytes", bits);
	if (be32(p + 32))
		return fail(e, EINVAL, "qcow2: it is encrypted, which is not supported");
	if (version == 3) {
		rc = check_v3(p, n, e);
		if (rc)
			return rc;
		header = be32(p + 100);
		if (header < HEADER_V3 || header % 8 || header > (1u << bits) || header > n)
			return fail(e, EINVAL, "qcow2: a header of %zu bytes", header);
	}
	return check_extensions(p, n, header, (size_t)1 << bits, e);
}

bool disk_is_block(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISBLK(st.st_mode);
}

/* The beginning of FD, as much as there is up to SIZE. */
static ssize_t head_read(int fd, uint8_t *p, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(fd, p + got, size - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int check_header(int fd, const struct disk *d, struct err *e)
{
	if (d->format == FORMAT_RAW)
		return 0; /* and its first bytes may be anything: QEMU is told that it is raw */
	if (disk_is_block(fd))
		return fail(e, EINVAL, "a block device can be raw only");

	uint8_t *p = x_alloc(HEADER_READ);
	ssize_t n = head_read(fd, p, HEADER_READ);
	int rc = n < 0 ? fail(e, (int)-n, "%s", strerror((int)-n)) : disk_check_qcow2(p, (size_t)n, e);

	free(p);
	return rc;
}

int disk_open(const struct user *owner, const struct disk *d, uint64_t deadline, int *fd, enum disk_format *format,
              struct err *e)
{
	bool readonly = d->readonly || d->cdrom;
	int f, rc;

	if (!d->source || d->format == FORMAT_EMPTY) {
		if (!d->cdrom)
			return fail(e, EINVAL, "disk %s: no image is named, which only a cdrom drive can do without",
			            d->vdev);
		*fd = -1;
		*format = FORMAT_EMPTY;
		return 0;
	}
	if (d->format != FORMAT_RAW && d->format != FORMAT_QCOW2)
		return fail(e, EOPNOTSUPP, "disk %s: format %s; convert it to raw or qcow2", d->vdev,
		            disk_format_names[d->format]);
	f = access_open(owner, d->source, readonly ? O_RDONLY : O_RDWR, deadline, e);
	if (f < 0)
		return fail_in(e, "disk %s", d->vdev);
	rc = check_header(f, d, e);
	if (rc) {
		close(f);
		return fail_in(e, "disk %s: %s", d->vdev, d->source);
	}
	*fd = f;
	*format = d->format;
	return 0;
}

/* As much of FD as there is, into TO. */
static int copy(int from, int to, const char *path, uint64_t max, uint64_t deadline, struct err *e)
{
	uint8_t *block = x_alloc(HEADER_READ);
	uint64_t done = 0;
	int rc = 0;

	for (;;) {
		ssize_t n = read(from, block, HEADER_READ);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n ? fail(e, errno, "%s: %s", path, strerror(errno)) : 0;
			break;
		}
		done += (uint64_t)n;
		if (done > max) {
			rc = fail(e, EFBIG, "%s: larger than %llu MiB", path, (unsigned long long)(max >> 20));
			break;
		}
		if (clock_msec() > deadline) {
			rc = fail(e, ETIMEDOUT, "%s: reading it takes too long", path);
			break;
		}
		if (write(to, block, (size_t)n) != n) {
			rc = fail(e, ENOMEM, "%s: no memory for a copy", path);
			break;
		}
	}
	free(block);
	if (!rc && !done)
		rc = fail(e, EINVAL, "%s: empty", path);
	return rc;
}

int disk_memfd(const struct user *owner, const char *path, uint64_t max, uint64_t deadline, struct err *e)
{
	int from = -1, to = -1, rc;

	from = access_open(owner, path, O_RDONLY, deadline, e);
	if (from < 0)
		return from;
	if (disk_is_block(from)) {
		rc = fail(e, EINVAL, "%s: not a regular file", path);
		goto out;
	}
	to = memfd_create("boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0) {
		rc = fail(e, errno, "memfd: %s", strerror(errno));
		goto out;
	}
	rc = copy(from, to, path, max, deadline, e);
	/* QEMU opens it anew through /proc/self/fd under its own id, hence the mode; the seals keep it as read. */
	if (!rc && (fchmod(to, 0444) < 0 || fcntl(to, F_ADD_SEALS, SEALS) < 0))
		rc = fail(e, errno, "memfd: %s", strerror(errno));
	if (!rc) {
		rc = to;
		to = -1;
	}
out:
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc;
}
