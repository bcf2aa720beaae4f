#include "units.h"

#include <stdio.h>
#include <stdlib.h>

const char *time_format(char out[TIME_TEXT], const struct timespec *t)
{
	struct tm tm;
	int msec = t->tv_nsec >= 0 && t->tv_nsec < 1000000000 ? (int)(t->tv_nsec / 1000000) : 0;

	if ((t->tv_sec == 0 && t->tv_nsec == 0) || !gmtime_r(&t->tv_sec, &tm) || tm.tm_year < -1900 ||
	    tm.tm_year > 8099)
		snprintf(out, TIME_TEXT, "-");
	else
		snprintf(out, TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
		         (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
		         (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)msec % 1000);
	return out;
}

struct timespec time_now(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) < 0)
		abort();
	return t;
}

uint64_t clock_msec(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_BOOTTIME, &t) < 0)
		abort();
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
