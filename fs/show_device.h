/*
 * Disks and vifs: as they are in force when the domain is on, else as they are desired. A device's number in a
 * struct ref is its code (device_names.h), which stays its own. Rendered from the model, except counters and sizes: those on
 * pool threads. Of a device that is no more nothing is shown.
 */
#ifndef SHOW_DEVICE_H
#define SHOW_DEVICE_H

#include "fs/facts.h"
#include "fs/node.h"

extern const struct fact disk_facts[], vif_facts[], disk_counter_facts[], vif_counter_facts[];

void devices_count(const struct ref *r, size_t *disks, size_t *vifs);

/* From R, a device or (device 0) what it is in, to the next: false when there is none. */
bool next_device(struct ref *r, enum device_kind kind);

/* Name of device R. False when there is none (any more). */
bool disk_name(const struct ref *r, char out[256]);
bool vif_name(const struct ref *r, char out[256]);
unsigned device_find(const struct ref *r, enum device_kind kind, const char *name); /* its number; 0: there is none */

/*
 * The disk's source, copied (NULL: an empty drive), and its format. Both stay as they are when there is no such
 * disk.
 */
void disk_source(const struct ref *r, char **source, const char **format);

int show_disk_status(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_vif_status(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
/* The status key of the row's name. */
int show_disk_value(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_vif_value(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);

int show_disk_counters(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
int show_vif_counters(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_disk_counters(const struct ref *r);
size_t size_vif_counters(const struct ref *r);

/*
 * Bytes of the disk as the guest sees it, by looking at its image with the owner's rights; right-aligned, so that
 * its size is known.
 */
int show_disk_size(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
size_t size_disk_size(const struct ref *r);

void disk_json(const struct ref *r, struct buf *b);
void vif_json(const struct ref *r, struct buf *b);

#endif
