#include <errno.h>
#include <string.h>

#include "hypervisor/config/disk_spec.h"
#include "units.h"

#define INDEX_MAX ((1u << 20) - 1)

/* The names that guests know disks by, and how far xen-vbd-interface(7) counts each. */
static const struct {
	const char *prefix;
	enum disk_bus bus;
	unsigned index_max, partition_max;
} buses[] = {
	{ "xvd", BUS_VIRTIO, INDEX_MAX, 255 },
	{ "vd", BUS_VIRTIO, INDEX_MAX, 255 },
	{ "hd", BUS_IDE, 3, 63 },
	{ "sd", BUS_SCSI, 15, 15 },
};

/* Decimal without leading zeros at *p; -1 when there is none or it is over MAX. */
static long decimal(const char **p, unsigned long max)
{
	unsigned long v = 0;
	const char *s = *p;

	if (*s == '0' && s[1] >= '0' && s[1] <= '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (unsigned long)(*s - '0');
		if (v > max)
			return -1;
	}
	if (s == *p)
		return -1;
	*p = s;
	return (long)v;
}

/* a is 0, z 25, aa 26. -1 when there are no letters or it is over MAX. */
static long letters(const char **p, unsigned long max)
{
	unsigned long v = 0;
	const char *s = *p;

	for (; *s >= 'a' && *s <= 'z'; s++) {
		v = v * 26 + (unsigned long)(*s - 'a') + 1;
		if (v > max + 1)
			return -1;
	}
	if (s == *p)
		return -1;
	*p = s;
	return (long)v - 1;
}

static bool numbered(const char *text, long *index, long *partition)
{
	const char *p = text;

	if (*p++ != 'd')
		return false;
	*index = decimal(&p, INDEX_MAX);
	if (*index < 0 || *p++ != 'p')
		return false;
	*partition = decimal(&p, 255);
	return *partition >= 0 && !*p;
}

int vdev_parse(const char *text, struct arena *a, struct disk *ret, struct err *e)
{
	long index = -1, partition = 0;
	enum disk_bus bus = BUS_VIRTIO;

	if (numbered(text, &index, &partition))
		goto found;
	for (size_t i = 0; i < COUNT(buses); i++) {
		const char *p = text + strlen(buses[i].prefix);

		if (strncmp(text, buses[i].prefix, strlen(buses[i].prefix)) != 0)
			continue;
		bus = buses[i].bus;
		index = letters(&p, buses[i].index_max);
		if (index < 0)
			break;
		if (*p) {
			partition = decimal(&p, buses[i].partition_max);
			if (partition <= 0 || *p)
				break;
		}
		goto found;
	}
	return fail(e, EINVAL,
	            "\"%s\" is not a device's name in the guest: hda to hdd, sda to sdp, xvda..., vda..., d0p0..., "
	            "a partition's number behind it",
	            text);
found:
	ret->vdev = arena_strdup(a, text);
	ret->bus = bus;
	ret->index = (unsigned)index;
	ret->partition = (unsigned)partition;
	return 0;
}

bool vdev_same(const struct disk *x, const struct disk *y)
{
	return x->bus == y->bus && x->index == y->index && x->partition == y->partition;
}
