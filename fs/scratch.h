/*
 * Scratch files: a new name in a domain's directory is its creator's, in memory and unlisted, until it is renamed
 * over the configuration. Editors and copying tools need them. They are found by number, so a handle or an inode
 * that outlives one finds nothing. At most so many a user; gone a minute after the last close. Any thread; the
 * lock is a leaf.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "buf.h"
#include "fs/node.h"

#define SCRATCH_FILES 1024 /* in all */
#define SCRATCH_USER 16    /* of one user */
#define SCRATCH_BYTES (4u << 20)
#define SCRATCH_MSEC 60000

struct scratch;

struct scratches {
	struct lock lock;
	struct scratch *slots; /* [lock] SCRATCH_FILES */
};

void scratches_init(struct scratches *s);
void scratches_free(struct scratches *s);

/* -EEXIST, -ENOSPC, -ENAMETOOLONG or 0 with the number; it counts as open. */
int scratch_create(struct scratches *s, uint64_t serial, uid_t uid, gid_t gid, const char *name, unsigned *id);
bool scratch_find(struct scratches *s, uint64_t serial, uid_t uid, const char *name, unsigned *id);

/* The rest is -ESTALE when there is no such file any more. */
int scratch_attr(struct scratches *s, unsigned id, struct node_attr *ret);
int scratch_open(struct scratches *s, unsigned id);
void scratch_close(struct scratches *s, unsigned id);
int scratch_read(struct scratches *s, unsigned id, uint64_t offset, size_t n, struct buf *b);
int scratch_write(struct scratches *s, unsigned id, uint64_t offset, bool append, const char *p, size_t n);
int scratch_resize(struct scratches *s, unsigned id, uint64_t size);
int scratch_rename(struct scratches *s, unsigned id, const char *name); /* over another of the same user */
int scratch_unlink(struct scratches *s, unsigned id);                   /* its bytes stay while it is open */

#endif
