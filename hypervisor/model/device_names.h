/*
 * The names that the disks and interfaces of a domain have had while this daemon runs. Each has a code, from 1 on, that stays
 * its own whatever comes and goes beside it: what is known of a device by its code is never another's. When no code is
 * left, a new name takes that of one that is no more. Under the domain's lock.
 */
#ifndef DEVICE_NAMES_H
#define DEVICE_NAMES_H

#include <stddef.h>

#include "spec.h"

struct domain;

enum device_kind { DEVICE_DISK, DEVICE_VIF, DEVICE_KINDS };

#define DEVICE_CODES 1023
#define DEVICE_TEXT 12 /* of an interface's number */

struct device_names {
	char **names; /* of code 1 and so on */
	unsigned n;
	struct spec *seen; /* a reference: all of its devices are there */
};

/* What is in force when the domain is on, else what is desired. */
const struct spec *device_spec(const struct domain *d);

/* The name of the device at INDEX of S, which is below the number of them; NUMBER is where that of an interface is put. */
const char *device_name_at(const struct spec *s, enum device_kind kind, size_t index, char number[DEVICE_TEXT]);

/* The code of the device that is called NAME; 0: there is none. */
unsigned device_code(struct domain *d, enum device_kind kind, const char *name);

/* The next code above AFTER of a device that is there; 0: there is none. */
unsigned device_next(struct domain *d, enum device_kind kind, unsigned after);

/* Its index in device_spec(); -1: there is no such device (any more). */
int device_index(struct domain *d, enum device_kind kind, unsigned code);

void device_names_free(struct domain *d);

#endif
