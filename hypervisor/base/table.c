#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "buf.h"

/* Open addressing, linear; a removal shifts what follows back, so that there are no graves to step over. */
struct table_slot {
	uint64_t hash;
	char *key;
	size_t len;
	void *value; /* NULL: the slot is free */
};

#define CAP_FIRST 16

uint64_t hash_text(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

static uint64_t key_hash(const struct table *t, const void *key, size_t n)
{
	return XXH3_64bits_withSeed(key, n, t->seed);
}

/* The slot of KEY, or the free one where it belongs. The table has slots. */
static struct table_slot *slot_find(const struct table *t, const void *key, size_t n, uint64_t hash)
{
	struct table_slot *s;
	size_t i = hash & (t->cap - 1);

	for (;; i = (i + 1) & (t->cap - 1)) {
		s = &t->slots[i];
		if (!s->value || (s->hash == hash && s->len == n && (n == 0 || memcmp(s->key, key, n) == 0)))
			return s;
	}
}

/* At most three quarters are ever in use. */
static void table_grow(struct table *t)
{
	struct table_slot *old = t->slots;
	size_t cap = t->cap, i;

	if (cap && (t->count + 1) * 4 <= cap * 3)
		return;
	if (!cap && getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uintptr_t)t;
	t->cap = cap ? cap * 2 : CAP_FIRST;
	t->slots = x_array(t->cap, sizeof(*t->slots));
	for (i = 0; i < cap; i++) {
		if (old[i].value)
			*slot_find(t, old[i].key, old[i].len, old[i].hash) = old[i];
	}
	free(old);
}

void *table_get_n(const struct table *t, const void *key, size_t n)
{
	return t->count ? slot_find(t, key, n, key_hash(t, key, n))->value : NULL;
}

void *table_put_n(struct table *t, const void *key, size_t n, void *value)
{
	struct table_slot *s;
	uint64_t hash;
	void *old;

	assert(value);
	table_grow(t);
	hash = key_hash(t, key, n);
	s = slot_find(t, key, n, hash);
	old = s->value;
	if (!old) {
		s->key = x_alloc(n + 1);
		if (n)
			memcpy(s->key, key, n);
		s->len = n;
		s->hash = hash;
		t->count++;
	}
	s->value = value;
	return old;
}

void *table_del_n(struct table *t, const void *key, size_t n)
{
	size_t mask = t->cap - 1, hole, i, home;
	struct table_slot *s;
	void *old;

	if (!t->count)
		return NULL;
	s = slot_find(t, key, n, key_hash(t, key, n));
	old = s->value;
	if (!old)
		return NULL;
	free(s->key);
	t->count--;
	hole = (size_t)(s - t->slots);
	for (i = (hole + 1) & mask; t->slots[i].value; i = (i + 1) & mask) {
		home = t->slots[i].hash & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct table_slot){ 0 };
	return old;
}

void *table_get(const struct table *t, const char *key)
{
	return table_get_n(t, key, strlen(key));
}

void *table_put(struct table *t, const char *key, void *value)
{
	return table_put_n(t, key, strlen(key), value);
}

void *table_del(struct table *t, const char *key)
{
	return table_del_n(t, key, strlen(key));
}

bool table_next(const struct table *t, size_t *pos, const char **key, void **value)
{
	const struct table_slot *s;

	while (*pos < t->cap) {
		s = &t->slots[(*pos)++];
		if (!s->value)
			continue;
		if (key)
			*key = s->key;
		if (value)
			*value = s->value;
		return true;
	}
	return false;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->cap; i++)
		free(t->slots[i].key);
	free(t->slots);
	*t = (struct table){ 0 };
}
