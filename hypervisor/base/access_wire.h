/*
 * What the opener (access.c, access_create.c) and its helper process (access_helper.c) say to each other, over a SOCK_SEQPACKET pair:
 * one request, then parts of a text, then one verdict, and after a bad one the user's name. The helper is one program
 * with the opener, so there are no versions; yet each side checks every size that the other gives.
 */
#ifndef BASE_ACCESS_WIRE_H
#define BASE_ACCESS_WIRE_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define ACCESS_ARGV0 "domfs-access"
#define ACCESS_ARGV1 "--open-as-user"

#define ACCESS_GROUPS_MAX 8192
#define ACCESS_PART 32768 /* bytes of text in a packet */
#define ACCESS_NAME 64

enum access_ask {
	ACCESS_ASK_OPEN,
	ACCESS_ASK_CREATE, /* a file without a name in the path's folder */
	ACCESS_ASK_NAME,   /* the path for the file whose descriptor comes along */
};

struct access_request { /* followed by the groups, then the path without NUL */
	uint32_t uid, gid, ngroups, path_len;
	uint32_t ask;
	int32_t flags; /* of what is opened */
	uint64_t
		read_max; /* SIZE_MAX: hand over the descriptor, if there is one; else send the text, at most so much */
};

#define ACCESS_REQUEST_MAX (sizeof(struct access_request) + ACCESS_GROUPS_MAX * sizeof(gid_t) + PATH_MAX)

/* How far the helper came, so that the sentence can say what was refused. */
enum access_step {
	ACCESS_BECOME,
	ACCESS_FIND,
	ACCESS_KIND,
	ACCESS_OPEN,
	ACCESS_READ,
	ACCESS_FOLDER, /* found or searched */
	ACCESS_CREATE,
	ACCESS_NAME_IT,
	ACCESS_STEPS
};

enum access_what { ACCESS_TEXT, ACCESS_VERDICT, ACCESS_USER };

struct access_reply { /* followed by text, nothing, or a name */
	uint32_t what;
	uint32_t step; /* of a verdict */
	int32_t code;  /* of a verdict: positive errno, or 0 */
};

struct user;
struct buf;

/* access.c: have a helper do what is wished for. The descriptor, 0 where none is due, or -errno with the sentence. */
struct access_wish {
	enum access_ask ask;
	int flags;
	size_t read_max;  /* as in the request */
	int fd;           /* to be named; -1: none */
	struct buf *text; /* where the text goes; NULL: the descriptor is wanted */
};

int access_ask(const struct user *u, const char *path, const struct access_wish *w, uint64_t deadline, struct err *e);

/*
 * access_child.c: the helper as a child. Its end is waited for a moment only (a file system of the user's own can
 * hold it even against SIGKILL); what is left is kept and reaped by later calls, and a user with too many of those
 * gets no further ones.
 */
struct access_child {
	pid_t pid;
	int pidfd; /* -1 when there is none */
	int sock;
	uid_t uid; /* for whom it works */
};

int access_child_start(struct access_child *c, uid_t uid, struct err *e);
void access_child_end(struct access_child *c);

#endif
