/*
 * The rules of the keys: what keys.def cannot say in a column, one row for a key that has any. Constant tables, any
 * thread.
 */
#ifndef KEYS_H
#define KEYS_H

#include "hypervisor/config/arena.h"
#include "spec.h"

/* What the text of a TYPE_STRING must be. For all but the first, an empty text counts as not said. */
enum text_rule {
	TEXT_ANY,
	TEXT_SOME,
	TEXT_PATH,
	TEXT_KERNEL,
	TEXT_UUID,
	TEXT_BOOT,
	TEXT_LISTEN,
	TEXT_LANG,
	TEXT_NUMBER
};

/* What the items of a TYPE_LIST are. */
enum list_rule {
	LIST_ITEMS,
	LIST_ALONE /* or one string */,
	LIST_SPLIT /* or one string, split at blanks */,
	LIST_NESTED /* of lists */
};

struct key_rule {
	uint64_t min, max; /* of a TYPE_INT; max 0: any */
	const char *words; /* a TYPE_STRING is one of these */
	enum text_rule text;
	enum list_rule list;
	const char *harmless; /* values of a REACH_HOST key that anyone may say */
};

/* Never NULL. */
const struct key_rule *key_rule(enum key k);

/* Index in key_table without regard to case; -1 when unknown. */
int key_find_any_case(const char *name);

/* The known key nearest to NAME, NULL when none is near. */
const char *key_nearest(const char *name);

/* The word of the blank-separated WORDS that S is, whatever its case, copied; NULL: none. */
const char *words_find(const char *words, const char *s, struct arena *a);

/* Check and normalise the text of a TYPE_STRING key. *ret is the text to keep, in A. 0 or -EINVAL. */
int key_text(enum key k, struct arena *a, const char *text, const char **ret, struct err *e);

/* "ADDRESS" or "ADDRESS:DISPLAY" taken apart; *display is -1 when there is none. 0 or -EINVAL. */
int listen_split(const char *text, struct arena *a, const char **address, int *display, struct err *e);
bool listen_is_local(const char *address); /* loopback, or NULL */

#endif
