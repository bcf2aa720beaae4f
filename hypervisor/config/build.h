/*
 * From a parsed text to a spec: which key, which type, is the value one that the key can have. A draft is what was
 * said so far, a value for each key, in the arena of the text. E is never NULL here. Pure.
 */
#ifndef BUILD_H
#define BUILD_H

#include "hypervisor/config/parser.h"
#include "spec.h"

struct vfb;

struct draft {
	struct node *keys[KEY_COUNT]; /* NULL: not said */
};

/*
 * Lay the statements of A over D, later ones over earlier ones. Unknown names are noted when NOTES, else an error. 0
 * or -EINVAL.
 */
int draft_lay(struct draft *d, struct arena *arena, const struct assign *a, struct notes *notes, struct err *e);

/*
 * 0 and the caller's reference in *ret, or -EINVAL with "LINE:COLUMN: KEY: sentence" (no place where the node has
 * none).
 */
int draft_build(const struct draft *d, struct spec **ret, struct notes *notes, struct err *e);

/* A note about the place of N (may be NULL). NOTES may be NULL. */
void note(struct notes *notes, unsigned line, unsigned column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* For the rooms of the build only. */
struct build {
	const struct draft *d;
	struct arena arena;       /* of the spec while it is made, with all that is left over */
	struct spec *spec;        /* its values so far, in order of their keys */
	const struct node *where; /* what is judged, for the place of an error; NULL: the key's value */
	size_t at;                /* offset in its text */
	struct vfb *vfb;          /* the first framebuffer; NULL: none */
	struct notes *notes;
	struct err *e;
};

/* Take N's items apart into b->spec (and b->vfb). ITEMS get their normal forms. 0 or -EINVAL without a place. */
int build_disks(struct build *b, const struct node *n, const char **items);
int build_vifs(struct build *b, const struct node *n, const char **items);
int build_vfbs(struct build *b, const struct node *n, const char **items);

/* What other keys add when all values are there: cdrom=, nics=, the display. */
int build_more_disks(struct build *b);
void build_more_vifs(struct build *b);
void build_display(struct build *b);

#endif
