/*
 * A hash table from names (or any key of bytes) to pointers. Keys are copied, values are borrowed: whoever deletes or
 * frees the table disposes of them first. Not locked: the owner's lock covers it. {0} is an empty table.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot;

struct table {
	struct table_slot *slots; /* a power of two of them, or NULL */
	size_t cap, count;
	uint64_t seed; /* random, so that no user can choose names that collide */
};

/* XXH3 of N bytes, the same in every process: for noticing that a text changed, not against forgers. */
uint64_t hash_text(const void *p, size_t n);

/* The value of KEY; NULL when there is none. */
void *table_get(const struct table *t, const char *key);

/* Set KEY to VALUE, which is not NULL. The value it had before, or NULL. */
void *table_put(struct table *t, const char *key, void *value);

/* Remove KEY. The value it had, or NULL. */
void *table_del(struct table *t, const char *key);

/* The same for keys of N bytes of any kind, such as an id: table_get_n(t, &id, sizeof(id)). */
void *table_get_n(const struct table *t, const void *key, size_t n);
void *table_put_n(struct table *t, const void *key, size_t n, void *value);
void *table_del_n(struct table *t, const void *key, size_t n);

/*
 * Walk: from *pos = 0 on, true for each entry, in no order. KEY (NUL-terminated, may be NULL) and VALUE are set. The
 * table must not change on the way.
 */
bool table_next(const struct table *t, size_t *pos, const char **key, void **value);

/* Back to {0}; the values are not touched. */
void table_free(struct table *t);

#endif
