/*
 * Disks and vifs: as they are in force when the domain is on, else as they are desired. A device's number in a
 * struct ref is one more than its index in the specification. Rendered from the model, except counters and sizes:
 * those on pool threads.
 */
#ifndef SHOW_DEVICE_H
#define SHOW_DEVICE_H

#include "fs/facts.h"
#include "fs/node.h"

extern const struct fact disk_facts[], vif_facts[], disk_counter_facts[], vif_counter_facts[];

void devices_count(const struct ref *r, size_t *disks, size_t *vifs);

/* Name of device R. False when there is none (any more). */
bool disk_name(const struct ref *r, char out[256]);
bool vif_name(const struct ref *r, char out[256]);

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
