/*
 * A backend for the tests of the model: it does at once what it is asked, or what the test says. Calls are written down as
 * lines "VERB GUEST". What is told to the sink comes from a thread of its own, in order. One at a time; any thread.
 */
#ifndef FAKE_BACKEND_H
#define FAKE_BACKEND_H

#include "backend.h"

extern const struct backend_ops fake_backend;         /* without restart */
extern const struct backend_ops fake_restart_backend; /* with it */

/* Forget what was arranged and written down; to be called before each model_open(). */
void fake_reset(void);

/* The next call of VERB fails with this number; 0: none does. */
void fake_fail(const char *verb, int code);

/* Calls of VERB block until fake_release(), or until their job is to stop, then they fail as that says. */
void fake_block(const char *verb);
void fake_release(const char *verb);

/* Wait until LINE was called COUNT times in all. False: not within the limit. */
bool fake_called(const char *line, unsigned count);
unsigned fake_count(const char *line); /* so far */

/* Tell the sink; the call returns when it was told. The guest is looked up by the name that it was started with. */
void fake_state(const char *name, enum domain_state s, const char *reason);
void fake_ended(const char *name, enum end how, bool held, const char *reason);
void fake_gone(const char *name, enum end how, const char *reason);
void fake_memory(const char *name, uint64_t mib);
void fake_maximum(const char *name, uint64_t mib);
void fake_renamed(const char *name, const char *to);
void fake_sched(const char *name, struct sched s);
void fake_console(const char *name, const char *text);
void fake_devices(const char *name, const char *spec); /* in force, as another tool made it */

/* A guest that already runs: told by adopt() when called before model_open(), else at once. SPEC may be NULL. */
struct domain *fake_appear(const char *name, const struct uuid *u, int id, const char *spec, bool foreign);

unsigned fake_guests(void); /* handles that were not forgotten */

extern struct fake_options {
	bool gone_in_start;  /* the guest is gone before start() returned 0 */
	bool ended_in_start; /* it has powered off, held, before start() returned 0 */
	bool end_at_adopt;   /* adopted guests have ended, held: END_REBOOT */
	uint64_t cpu_usec;   /* counters() says it, and adds cpu_step */
	uint64_t cpu_step;
	uint64_t total_mib;  /* the host's; 0: plenty */
	bool leaks_to_start; /* start() of a cancelled job succeeds all the same */
	struct timespec run; /* when the guests that are told of were started; zero: now */
} fake_options;

#endif
