/*
 * The herald's helper process seen from the herald's thread, which alone may call these but peer_is(): that is any
 * thread's. It is told one thing at a time, and is started again when it has died, at most once a second.
 */
#ifndef HERALD_PEER_H
#define HERALD_PEER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct herald_request;

struct peer {
	char *mountpoint;
	atomic_int pid; /* 0: there is none */
	int pidfd;      /* -1 like the socket when there is none */
	int sock;
	bool stuck;        /* it has not answered within a second, and not yet since */
	bool told;         /* that it cannot be started: once is enough */
	uint64_t serial;   /* of the last request */
	uint64_t start_at; /* not started again before */
};

void peer_init(struct peer *p, const char *mountpoint);
int peer_start(struct peer *p); /* 0 or -errno; there is none yet */
void peer_end(struct peer *p);  /* kills it; one that hangs in the kernel is left to end by itself */

/*
 * Send the N bytes of Q (its serial is filled in) and return what the helper answers; -ETIMEDOUT after a second, or at once while
 * it is stuck, -EIO when there is none or it dies, -ECANCELED when WAKE becomes readable.
 */
int peer_ask(struct peer *p, struct herald_request *q, size_t n, int wake);

/* Whether a request can be sent: a late answer is taken now, a dead one started again. */
bool peer_ready(struct peer *p);

/* The socket is readable while nothing is asked: a late answer, or its death. */
void peer_look(struct peer *p);

/* How long poll() may wait for the socket (and others) until peer_ready() can say something else. */
int peer_wait(const struct peer *p);

bool peer_is(const struct peer *p, pid_t tid);

#endif
