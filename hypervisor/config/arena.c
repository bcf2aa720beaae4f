#include "hypervisor/config/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* The first chunk holds an ordinary configuration; each later one is twice as large, so that a big one needs few. */
#define CHUNK_FIRST 960
#define CHUNK_LAST 65536

struct chunk {
	struct chunk *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static void *take(struct arena *a, size_t n)
{
	struct chunk *c = a->chunks;

	if (!c || a->left < n) {
		size_t size = c ? 2 * c->size : CHUNK_FIRST;

		if (size > CHUNK_LAST)
			size = CHUNK_LAST;
		if (size < n)
			size = n;
		c = x_alloc(sizeof(*c) + size);
		c->size = size;
		c->next = a->chunks;
		a->chunks = c;
		a->left = size;
	}
	void *p = c->bytes + (c->size - a->left);

	a->left -= n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (a->chunks) {
		size_t odd = (a->chunks->size - a->left) % alignof(max_align_t);
		size_t pad = odd ? alignof(max_align_t) - odd : 0;

		a->left -= pad < a->left ? pad : a->left;
	}
	return take(a, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = take(a, n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_join(struct arena *a, const char *s, const char *t)
{
	size_t n = strlen(s), m = strlen(t);
	char *p = take(a, n + m + 1);

	memcpy(mempcpy(p, s, n), t, m + 1);
	return p;
}

size_t arena_size(const struct arena *a)
{
	size_t n = 0;

	for (const struct chunk *c = a->chunks; c; c = c->next)
		n += sizeof(*c) + c->size;
	return n;
}

void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	a->left = 0;
}
