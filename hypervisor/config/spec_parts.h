/*
 * What a spec is made of, for the rooms that make and print it. One allocation or a few: everything is in its arena.
 * Immutable but for the count of references.
 */
#ifndef SPEC_PARTS_H
#define SPEC_PARTS_H

#include <stdatomic.h>

#include "hypervisor/config/arena.h"
#include "spec.h"

#define DISKS_LIMIT 64
#define VIFS_LIMIT 16

struct value {
	uint16_t key;
	bool alone;     /* TYPE_CPUS: one set for all VCPUs */
	uint32_t count; /* items; 1 for the rest */
	union {
		uint64_t number;  /* TYPE_INT, TYPE_BOOL, TYPE_ACTION */
		const char *text; /* TYPE_STRING */
		const char *const
			*items; /* TYPE_LIST, TYPE_CPUS: behind a byte that says what each is, see item_nested() */
	};
};

struct spec {
	atomic_uint refs; /* [a]; the rest [I] */
	uint16_t count;   /* values, in order of their keys */
	uint8_t ndisks, nvifs;
	const struct value *values;
	const struct disk *disks;
	const struct vif *vifs;
	struct display display;
	struct arena arena;
};

const struct value *spec_value(const struct spec *s, enum key k); /* NULL: not said */

/* A copy of S (which may lie anywhere) packed into an arena of its own; the caller's reference. */
struct spec *spec_pack(const struct spec *s);

/* An item that is a list itself is kept as its text in the language; the byte before an item tells it from a string. */
#define ITEM_STRING 's'
#define ITEM_NESTED 'l'
bool item_nested(const char *item);
char *item_new(struct arena *a, char what, const char *text);

/* S as a string of the language, in double quotes. */
void print_quoted(struct buf *b, const char *s, size_t len);

/* "KEY = VALUE" without a newline. */
void print_value(const struct value *v, bool secrets, struct buf *b);

#endif
