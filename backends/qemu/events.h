/*
 * What a guest's events amount to: a state machine that takes the lines of ev.out one after the other. Pure: the lines
 * may be new, or replayed from the file by a successor that was not there when they happened. A struct machine belongs to one
 * thread; {0} is a guest that has not run yet. Strings in it are static.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <jansson.h>

#include "domain.h"

enum run_state { RUN_NEW, RUN_RUNNING, RUN_PAUSED, RUN_ENDED };

struct machine {
	enum run_state run;
	const char *reason;  /* of the present state, or of the end; NULL while new */
	enum end end;        /* while RUN_ENDED: its memory is still there */
	const char *leaving; /* why the process is about to end; NULL: it is not */
	const char *trouble; /* why the STOP that follows comes; NULL: somebody asked */
	bool warm;           /* reset while it did not run: firmware will reset once more by itself */
	uint64_t reset_usec; /* QEMU's time of the newest reset, or of the start after one */
	unsigned resets;     /* all that were seen */
	bool reboot_wanted;  /* from outside: when it powers off, that is a reboot */
};

enum told_kind { TOLD_NOTHING, TOLD_STATE, TOLD_ENDED, TOLD_MEMORY, TOLD_EVENT, TOLD_LOG, TOLD_DISPLAY };

struct told {
	enum told_kind kind;
	enum domain_state state; /* TOLD_STATE: running or paused */
	const char *reason;      /* TOLD_STATE, TOLD_ENDED */
	enum end end;            /* TOLD_ENDED; its memory is held */
	uint64_t mib;            /* TOLD_MEMORY */
	const char *name;        /* TOLD_EVENT */
	char text[160];          /* TOLD_EVENT, TOLD_LOG, TOLD_DISPLAY */
	bool answer;             /* the line answers "status": QEMU is alive */
	bool unsure;             /* worth asking for "status", which tells more than the event */
	bool anchor;             /* the lines before this one do not matter any more */
};

/* LINE is an event, or the answer to a question below. Anything else, and any nonsense, is told as nothing. */
void events_take(struct machine *m, const json_t *line, struct told *ret);

/* What may be written into ev.in: whole lines, each answered in ev.out in order with the events. */
#define ASK_HELLO "{\"execute\":\"qmp_capabilities\",\"id\":\"hello\"}\n"
#define ASK_STATUS "{\"execute\":\"query-status\",\"id\":\"status\"}\n"
#define ASK_CONT "{\"execute\":\"cont\",\"id\":\"cont\"}\n"
#define ASK_REBOOT_HELD "{\"execute\":\"set-action\",\"arguments\":{\"reboot\":\"shutdown\"},\"id\":\"action\"}\n"
#define ASK_MEMORY "{\"execute\":\"query-balloon\",\"id\":\"memory\"}\n"
#define ASK_DISPLAY "{\"execute\":\"query-vnc\",\"id\":\"display\"}\n"

#endif
