/*
 * The tree is data: one row a file, and lookup, listing, modes, sizes, help and the manual are loops over the
 * rows. Nothing here knows FUSE. What a file does is in its row; the row's kind says how the operations treat it,
 * and no switch on a row follows anywhere else. The table is constant; any thread.
 */
#ifndef NODE_H
#define NODE_H

#include "hypervisor/model/model.h"

enum kind {
	KIND_DIR,  /* a directory that is always there */
	KIND_EACH, /* a directory for each domain, disk or vif: its name comes from the model */
	KIND_LINK, /* a symbolic link for each domain */
	KIND_FACT, /* a short text that changes by events only; rendered on the loop by READ at offset 0, at most 4096 bytes */
	KIND_LIVE,    /* computed or long; rendered at open, on a pool thread, into the open file */
	KIND_GROWING, /* a text that is appended to */
	KIND_STREAM,  /* reads block; reached by name only */
	KIND_SETTING, /* a FACT that can be written: each line is a value */
	KIND_CTL,     /* verbs are written; reading gives their help, or the answer of the last one */
	KIND_STAGED,  /* collected until the writer closes: config */
	KIND_COUNT
};

/* Who may read and write it, by the domain's directory: its r bit and its w bit (managers). */
enum who {
	WHO_READERS,  /* r read; nobody writes */
	WHO_MANAGERS, /* managers and the group read; nobody writes */
	WHO_WRITES,   /* r read, managers write */
	WHO_KEEPS,    /* managers and the group read, managers write */
	WHO_ROOT,     /* root only */
};

/* FACT rows end within a page, so that one READ is one instant. */
#define FACT_MAX 4096

struct ref;

struct node {
	enum kind kind;
	enum who who;
	unsigned char parent; /* index in nodes[] */
	bool listed;
	bool raw;         /* console bytes: not lines */
	bool personal;    /* what reading gives depends on the reader's rights */
	const char *name; /* NULL for EACH and LINK */
	const char *doc;  /* for the manual and the help */

	/* FACT, LIVE, SETTING, STAGED. E is filled on failure of LIVE (-EHOSTDOWN ...); the others never fail. */
	int (*show)(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);
	/*
	 * LIVE: the size that GETATTR gives and to which the text is padded ('#' line, or blanks when json); NULL:
	 * the length of show() for STAGED and for texts that the model renders without blocking, told by `exact`
	 */
	size_t (*size)(const struct ref *r);
	bool exact, json;
	struct text *(*text)(const struct ref *r);                                 /* GROWING, STREAM */
	int (*set)(struct job *j, const struct ref *r, char *line, struct err *e); /* SETTING; on a pool thread */
	int (*input)(const struct ref *r, const char *p, size_t n,
	             struct err *e); /* GROWING, STREAM: bytes taken or -errno */
	int (*commit)(struct job *j, const struct ref *r, const char *p, size_t n, struct err *e); /* STAGED */
	const struct verb *verbs; /* CTL; ends with a NULL name */

	/*
	 * EACH and LINK: the instances below R, in listing order. next() steps from *cookie (0: the first) and
	 * fills *child (a reference) and NAME; false at the end. find() looks one up.
	 */
	bool (*next)(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256]);
	bool (*find)(const struct ref *r, const char *name, struct ref *child);
	bool (*there)(
		const struct ref *r); /* EACH: R, in it or below, is still there; NULL: as long as its domain is */
	char *(*target)(const struct ref *r); /* LINK: where it points */
};

extern const struct node nodes[];
extern const size_t node_count;

/* Which file of which object. Holds a reference to the domain (NULL: the host's). */
struct ref {
	struct model *model;
	const struct node *node;
	struct domain *domain;
	unsigned device; /* the number of the disk or vif, which is no other's; 0 none */
	unsigned lane;
};
bool ref_there(const struct ref *r); /* the disk or vif has not gone */
void ref_put(struct ref *r);
void ref_copy(struct ref *to, const struct ref *from);

/*
 * Inode: serial of the domain (26 bits; 0 the host, 1 Domain-0) | device (10) | lane (16) | row (12). The root is
 * 1, as FUSE wants it. An inode says everything: there is no inode table.
 */
uint64_t ref_inode(const struct ref *r);
uint64_t ref_inode_lane0(const struct ref *r);                         /* st_ino */
bool ref_from_inode(struct model *m, uint64_t inode, struct ref *ret); /* false: stale */
uint64_t inode_serial(uint64_t inode);
bool ref_of_domain(struct model *m, struct domain *d, uint64_t inode,
                   struct ref *ret); /* D, which passes on success, has its serial */
bool ref_is_host(
	const struct ref *r); /* a file about the host, not one of a domain's (Domain-0 has no struct domain either) */

/* Inodes of scratch files, which have no row: ID has 26 bits. */
uint64_t inode_scratch(uint64_t serial, unsigned id);
bool inode_is_scratch(uint64_t inode, unsigned *id);

/* The child NAME of directory R: -ENOENT, or 0 with a reference in *ret (lane 0). */
int node_lookup(const struct ref *r, const char *name, struct ref *ret);

/* List R: EMIT is called for each listed child until it returns false. *COOKIE resumes. */
void node_list(const struct ref *r, uint64_t *cookie,
               bool (*emit)(void *arg, const char *name, const struct ref *child, uint64_t next), void *arg);

struct node_attr {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec mtime;
	unsigned links;
	uint64_t text; /* hash of what reading gives, of the names in a directory: 0 where the kernel may not keep it */
};
void node_attr(const struct ref *r, const struct user *reader, struct node_attr *ret);

/* Type and permissions of a row where the directory of its domain (or the root) has the permissions DIR. */
mode_t node_mode(const struct node *n, mode_t dir);

/* What reading R gives: the row's text, padded; a ctl's help. 0, or -errno with *e. LIVE: not on the loop. */
int node_render(const struct ref *r, const struct user *reader, struct buf *b, struct err *e);

bool node_writable(const struct node *n);
bool node_is_fact(const struct node *n);   /* a text that changes by events only */
bool node_is_domain(const struct node *n); /* the directory of a domain: */
const struct node *node_domain(void);
bool node_is_dir(const struct node *n);
const struct node *node_staged(
	const struct node *dir); /* the STAGED row in it; NULL: none, it takes no scratch files */

/* Pad B to SIZE: a last line of '#' and blanks, or blanks before the final newline of JSON. Never cuts. */
void node_pad(struct buf *b, size_t size, bool json);

#endif
