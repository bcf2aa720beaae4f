/* What the two files of the fake backend share: fake_backend.c tells and is told what to do, fake_ops.c is called. */
#ifndef FAKE_PRIVATE_H
#define FAKE_PRIVATE_H

#include "buf.h"
#include "lock.h"
#include "tests/unit/fake_backend.h"

#define LIMIT 20000 /* ms; only a failing test waits so long */
#define NAMES 16

struct guest {
	struct guest *next;
	char name[NAME_MAX_LEN + 1];
	struct domain *domain;
	int id;
	struct uuid uuid;
	struct spec *spec;
	bool foreign, told, gone;
};

/* One thing to be told. */
struct tell {
	struct tell *next;
	enum {
		TELL_STATE,
		TELL_ENDED,
		TELL_GONE,
		TELL_MEMORY,
		TELL_MAXIMUM,
		TELL_RENAMED,
		TELL_VCPUS,
		TELL_SCHED,
		TELL_CONSOLE,
		TELL_APPEARED,
		TELL_DEVICES
	} what;
	struct guest *guest;
	enum domain_state state;
	enum end end;
	bool held;
	uint64_t mib; /* or how many VCPUs */
	struct sched sched;
	struct spec *live;
	char text[256];
	bool *done;
};

struct backend {
	const struct sink *sink;
	pthread_t thread;
	bool running;
};

struct fake {
	struct lock lock;
	struct cond changed;
	bool ready;
	struct backend backend;
	struct buf calls;
	struct {
		char verb[16];
		int code;
	} fails[NAMES];
	char blocked[NAMES][16];
	struct tell *first, **last;
	struct guest *guests;
	bool stop;
};

extern struct fake fake;

void fake_ready(void) NEEDS(fake.lock);
bool fake_is_blocked(const char *verb) NEEDS(fake.lock);
struct guest *fake_guest_new(const char *name, struct domain *d);
void fake_guest_free(struct guest *g);

/* What is to be told, and the thread that tells: fake_tell() returns when it was. */
struct tell fake_tell_of(int what, struct guest *g, const char *text);
void fake_tell(struct tell t);
void fake_tell_one(struct backend *b, struct tell *t);
void fake_tell_ended(struct guest *g, enum end how, bool held, const char *reason);
void fake_tell_gone(struct guest *g, enum end how, const char *reason);
void *fake_monitor(void *backend);

#endif
