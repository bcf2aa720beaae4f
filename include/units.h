/*
 * Numbers, sizes, times, addresses and CPU sets as text. Parsers take the whole string or fail with -EINVAL and a
 * sentence; results are untouched on failure. Formatters write into the given array and return it. Pure, any thread.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "err.h"

int parse_u64(const char *s, uint64_t max, uint64_t *ret, struct err *e); /* decimal or 0x hex, no sign, no blanks */

/* "512", "512M", "1G", "2T", "1024K" or (when NOW is not 0) "+64", "-64" relative to NOW; in MiB. */
int parse_mib(const char *s, uint64_t now, uint64_t *ret, struct err *e);

/* "90" seconds, "90s", "5m", "1h". */
int parse_seconds(const char *s, unsigned *ret, struct err *e);

#define TIME_TEXT 32                                                    /* 2026-11-21T20:53:25.123Z */
const char *time_format(char out[TIME_TEXT], const struct timespec *t); /* RFC 3339, UTC, milliseconds; "-" when zero */
struct timespec time_now(void);                                         /* CLOCK_REALTIME */
uint64_t clock_msec(void);                                              /* CLOCK_BOOTTIME, for deadlines */

#define UUID_TEXT 37
struct uuid {
	uint8_t b[16];
};
int parse_uuid(const char *s, struct uuid *ret, struct err *e); /* with or without dashes, any case */
const char *uuid_format(char out[UUID_TEXT], const struct uuid *u);
struct uuid uuid_random(void); /* version 4 */

#define MAC_TEXT 18
int parse_mac(const char *s, uint8_t ret[6], struct err *e); /* unicast only */
const char *mac_format(char out[MAC_TEXT], const uint8_t mac[6]);
void mac_random(uint8_t ret[6]); /* 00:16:3e:0-7f:x:x */

#define CPUS_MAX 1024
#define CPUS_TEXT 512
struct cpus { /* a set of host CPUs; "all" is every bit below CPUS_MAX */
	uint64_t w[CPUS_MAX / 64];
};
/* xl's syntax: "all", "0-3,5", "0-3,^1", "^2" (all but 2). "nodes:" is refused with a sentence. */
int parse_cpus(const char *s, struct cpus *ret, struct err *e);
/* "all", "0-2,5", "" when empty; what does not fit ends in ",...". */
const char *cpus_format(char out[CPUS_TEXT], const struct cpus *c);
bool cpus_has(const struct cpus *c, unsigned cpu);
void cpus_add(struct cpus *c, unsigned cpu);
bool cpus_equal(const struct cpus *a, const struct cpus *b);

/* A domain's name: [A-Za-z_][A-Za-z0-9._+-]*, at most 80 bytes, not a reserved word. */
#define NAME_MAX_LEN 80
int name_check(const char *s, struct err *e);

/* The nearest of COUNT names (read with NAME(i, ctx)) to S, for "did you mean"; NULL when none is near. */
const char *nearest(const char *s, size_t count, const char *(*name)(size_t i, const void *ctx), const void *ctx);

#endif
