/*
 * The comma-separated parts of a specification ('mac=..., bridge=...'): split, trimmed, and handed to the row of a
 * table that has the part's name. Pure.
 */
#ifndef PARTS_H
#define PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hypervisor/config/arena.h"

#define PARTS_LIMIT 8192 /* bytes of a specification */

struct part {
	const char *key;   /* NULL: no "key=" before it */
	const char *value; /* NUL-terminated, blanks around dropped */
	size_t at;         /* where it begins in the text */
};

struct parts {
	const char *text;
	size_t at;       /* SIZE_MAX: nothing is left */
	const char *all; /* the key whose value is all the rest, NULL: none */
	struct arena *arena;
};

/* False when no part is left. Empty parts are parts: one more than there are commas, and none in an empty text. */
bool parts_next(struct parts *p, struct part *ret);

/* One name that a part can have. SET gets the value (empty: not said, so it is not called); OBJ is the caller's. */
struct part_row {
	const char *name;
	int (*set)(void *obj, const char *value, struct arena *a, struct err *e);
	bool flag; /* stands alone; SET gets "" */
};

/*
 * Hand P to its row among the N (at most 64) of ROWS. *SEEN has a bit for each row that had its turn. 0; -EINVAL:
 * unknown, with the nearest, or said twice; -ENOENT without a sentence: P has no key and is no flag; or what the row
 * said.
 */
int parts_apply(const struct part *p, const struct part_row *rows, size_t n, uint64_t *seen, void *obj, struct arena *a,
                struct err *e);

/* 0, 1, True, False, yes, no, y, n. */
bool bool_read(const char *s, bool *ret);

#endif
