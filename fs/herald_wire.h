/*
 * What the herald (herald.c) and its helper process (herald_helper.c) say to each other over a SOCK_SEQPACKET pair: one
 * request, one reply, and only then the next. Both are one program, so there are no versions; yet each checks what the
 * other sends.
 */
#ifndef HERALD_WIRE_H
#define HERALD_WIRE_H

#include <stdint.h>

#define HERALD_ARGV0 "domfs-herald"
#define HERALD_ARGV1 "--touch-mount" /* argv[2] is the mount point */

#define HERALD_TOUCH 4          /* after the public operations: name */
#define HERALD_PACKET_MAX 16384 /* two paths of PATH_MAX fit */

struct herald_request { /* followed by the names, each with its NUL */
	uint64_t serial;
	uint32_t op;
	uint32_t zero; /* so that no byte is left to chance */
};

struct herald_reply {
	uint64_t serial;
	int32_t result; /* 0 or -errno */
	uint32_t zero;
};

#endif
