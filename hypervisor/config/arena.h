/*
 * Memory that is given back all at once: what one spec or one parse is made of. Pointers stay valid until arena_free().
 * One thread at a time. {0} is an empty one.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct chunk;

struct arena {
	struct chunk *chunks;
	size_t left; /* of the newest chunk */
};

void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for anything */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_join(struct arena *a, const char *s, const char *t); /* S and T as one */
size_t arena_size(const struct arena *a);                        /* bytes that it holds */
void arena_free(struct arena *a);                                /* back to {0} */

#endif
