#include "fs/show_device.h"

#include <stdio.h>
#include <string.h>

#include "fs/show_counters.h"

/* Point into the specification, which `spec` keeps. */
struct disk_view {
	struct spec *spec;
	const char *name, *source, *format, *mode, *type;
};

struct vif_view {
	struct spec *spec;
	const char *name, *mac, *bridge, *model, *link;
	char name_text[12], mac_text[MAC_TEXT];
};

#define DISK(key, doc)                                                                                                 \
	{                                                                                                              \
#key, FACT_WORD, offsetof(struct disk_view, key), doc                                                  \
	}
#define VIF(key, doc)                                                                                                  \
	{                                                                                                              \
#key, FACT_WORD, offsetof(struct vif_view, key), doc                                                   \
	}

const struct fact disk_facts[] = {
	DISK(name, "The guest's name of the disk, as the configuration says it."),
	DISK(source, "The image or device; no value for an empty drive."),
	DISK(format, "The image's format."),
	DISK(mode, "Whether the guest may write: w or r."),
	DISK(type, "What it is: disk or cdrom."),
	{ NULL, FACT_WORD, 0, NULL },
};

const struct fact vif_facts[] = {
	VIF(name, "The interface's number."),
	VIF(mac, "Its MAC address."),
	VIF(bridge, "The bridge that it is on."),
	VIF(model, "The card that the guest sees; no value is the backend's usual one."),
	VIF(link, "Whether its cable is plugged in: up or down."),
	{ NULL, FACT_WORD, 0, NULL },
};

#define COUNTS(key, doc)                                                                                               \
	{                                                                                                              \
#key, FACT_NUMBER, offsetof(struct device_counters, key), doc                                          \
	}

const struct fact disk_counter_facts[] = {
	COUNTS(read_bytes, "Bytes that the guest read."),
	COUNTS(write_bytes, "Bytes that the guest wrote."),
	COUNTS(read_ops, "Its read requests."),
	COUNTS(write_ops, "Its write requests."),
	{ NULL, FACT_WORD, 0, NULL },
};

const struct fact vif_counter_facts[] = {
	COUNTS(rx_bytes, "Bytes that the guest received."),
	COUNTS(tx_bytes, "Bytes that the guest sent."),
	COUNTS(rx_packets, "Packets that the guest received."),
	COUNTS(tx_packets, "Packets that the guest sent."),
	COUNTS(rx_dropped, "Packets to the guest that were dropped."),
	COUNTS(tx_dropped, "Packets from the guest that were dropped."),
	{ NULL, FACT_WORD, 0, NULL },
};

/* The specification that R's device is in, and its index there; -1: there is no such device. */
static struct spec *spec_get(const struct ref *r, enum device_kind kind, int *index)
{
	struct domain *d = r->domain;
	struct spec *s;

	*index = -1;
	if (!d)
		return NULL;
	lock_acquire(&d->lock);
	s = spec_ref(device_spec(d));
	if (r->device)
		*index = device_index(d, kind, r->device);
	lock_release(&d->lock);
	return s;
}

bool next_device(struct ref *r, enum device_kind kind)
{
	unsigned next = 0;

	if (r->domain) {
		lock_acquire(&r->domain->lock);
		next = device_next(r->domain, kind, r->device);
		lock_release(&r->domain->lock);
	}
	if (next)
		r->device = next;
	return next;
}

unsigned device_find(const struct ref *r, enum device_kind kind, const char *name)
{
	unsigned found = 0;

	if (r->domain) {
		lock_acquire(&r->domain->lock);
		found = device_code(r->domain, kind, name);
		lock_release(&r->domain->lock);
	}
	return found;
}

void devices_count(const struct ref *r, size_t *disks, size_t *vifs)
{
	int index;
	struct spec *s = spec_get(r, DEVICE_DISK, &index);

	*disks = *vifs = 0;
	if (s) {
		(void)spec_disks(s, disks);
		(void)spec_vifs(s, vifs);
	}
	spec_unref(s);
}

static bool disk_view(const struct ref *r, struct disk_view *v)
{
	const struct disk *disk;
	int index;
	size_t n;

	memset(v, 0, sizeof(*v));
	v->spec = spec_get(r, DEVICE_DISK, &index);
	if (index < 0)
		return false;
	disk = &spec_disks(v->spec, &n)[index];
	v->name = disk->vdev;
	v->source = disk->source;
	v->format = disk_format_names[disk->format];
	v->mode = disk->readonly ? "r" : "w";
	v->type = disk->cdrom ? "cdrom" : "disk";
	return true;
}

static bool vif_view(const struct ref *r, struct vif_view *v)
{
	const struct vif *vif;
	int index;
	size_t n;

	memset(v, 0, sizeof(*v));
	v->spec = spec_get(r, DEVICE_VIF, &index);
	if (index < 0)
		return false;
	vif = &spec_vifs(v->spec, &n)[index];
	snprintf(v->name_text, sizeof(v->name_text), "%u", vif->index);
	v->name = v->name_text;
	v->mac = vif->has_mac ? mac_format(v->mac_text, vif->mac) : NULL;
	v->bridge = vif->bridge;
	v->model = vif->model;
	v->link = "up";
	return true;
}

bool disk_name(const struct ref *r, char out[256])
{
	struct disk_view v;
	bool found = disk_view(r, &v) && strlen(v.name) < 256;

	if (found)
		snprintf(out, 256, "%s", v.name);
	spec_unref(v.spec);
	return found;
}

bool vif_name(const struct ref *r, char out[256])
{
	struct vif_view v;
	bool found = vif_view(r, &v);

	if (found)
		snprintf(out, 256, "%s", v.name);
	spec_unref(v.spec);
	return found;
}

void disk_source(const struct ref *r, char **source, const char **format)
{
	struct disk_view v;

	if (disk_view(r, &v)) {
		*source = x_strdup(v.source);
		*format = v.format;
	}
	spec_unref(v.spec);
}

int show_disk_status(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct disk_view v;

	(void)reader;
	(void)e;
	if (disk_view(r, &v))
		facts_lines(disk_facts, &v, b);
	spec_unref(v.spec);
	return 0;
}

int show_vif_status(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct vif_view v;

	(void)reader;
	(void)e;
	if (vif_view(r, &v))
		facts_lines(vif_facts, &v, b);
	spec_unref(v.spec);
	return 0;
}

int show_disk_value(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct disk_view v;

	(void)reader;
	(void)e;
	if (disk_view(r, &v))
		fact_value(fact_find(disk_facts, r->node->name), &v, b);
	spec_unref(v.spec);
	return 0;
}

int show_vif_value(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct vif_view v;

	(void)reader;
	(void)e;
	if (vif_view(r, &v))
		fact_value(fact_find(vif_facts, r->node->name), &v, b);
	spec_unref(v.spec);
	return 0;
}

/* Zero when the domain is off or does not answer: a listed file never fails. */
static void device_counters(const struct ref *r, bool disk, struct device_counters *ret)
{
	const struct backend_ops *ops = r->model->ops;
	int (*get)(struct guest *, unsigned, struct device_counters *, struct err *) =
		disk ? ops->disk_counters : ops->vif_counters;
	struct err ignored = { 0 };
	struct guest *g;
	int index;

	memset(ret, 0, sizeof(*ret));
	g = get ? guest_get(r->domain, &ignored) : NULL;
	if (!g)
		return;
	spec_unref(spec_get(r, disk ? DEVICE_DISK : DEVICE_VIF, &index));
	if (index >= 0)
		get(g, (unsigned)index, ret, &ignored);
	guest_put(r->domain);
}

int show_disk_counters(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct device_counters c;

	(void)reader;
	(void)e;
	device_counters(r, true, &c);
	facts_lines(disk_counter_facts, &c, b);
	return 0;
}

int show_vif_counters(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct device_counters c;

	(void)reader;
	(void)e;
	device_counters(r, false, &c);
	facts_lines(vif_counter_facts, &c, b);
	return 0;
}

size_t size_disk_counters(const struct ref *r)
{
	(void)r;
	return facts_size(disk_counter_facts);
}

size_t size_vif_counters(const struct ref *r)
{
	(void)r;
	return facts_size(vif_counter_facts);
}

void disk_json(const struct ref *r, struct buf *b)
{
	struct disk_view v;

	if (disk_view(r, &v))
		facts_json(disk_facts, &v, b);
	spec_unref(v.spec);
}

void vif_json(const struct ref *r, struct buf *b)
{
	struct vif_view v;

	if (vif_view(r, &v))
		facts_json(vif_facts, &v, b);
	spec_unref(v.spec);
}
