#include "hypervisor/model/device_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/model/internal.h"

const struct spec *device_spec(const struct domain *d)
{
	return d->live ? d->live : d->spec;
}

static size_t count(const struct spec *s, enum device_kind kind)
{
	size_t n;

	if (kind == DEVICE_DISK)
		(void)spec_disks(s, &n);
	else
		(void)spec_vifs(s, &n);
	return n;
}

const char *device_name_at(const struct spec *s, enum device_kind kind, size_t index, char number[DEVICE_TEXT])
{
	size_t n;

	if (kind == DEVICE_DISK)
		return spec_disks(s, &n)[index].vdev;
	snprintf(number, DEVICE_TEXT, "%u", spec_vifs(s, &n)[index].index);
	return number;
}

static int find(const struct spec *s, enum device_kind kind, const char *name)
{
	char number[DEVICE_TEXT];
	size_t n = count(s, kind);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(device_name_at(s, kind, i, number), name))
			return (int)i;
	return -1;
}

/* 0: it has none. */
static unsigned code_of(const struct device_names *t, const char *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!strcmp(t->names[i], name))
			return i + 1;
	return 0;
}

static void add(struct device_names *t, const struct spec *s, enum device_kind kind, const char *name)
{
	unsigned i = t->n;

	if (t->n < DEVICE_CODES) {
		t->names = x_grow(t->names, t->n + 1, sizeof(*t->names));
		t->n++;
	} else { /* a domain has far fewer devices at a time */
		for (i = 0; find(s, kind, t->names[i]) >= 0; i++)
			;
		free(t->names[i]);
	}
	t->names[i] = x_strdup(name);
}

/* In the order of the specification, so that a listing has it too. */
static struct device_names *update(struct domain *d, enum device_kind kind)
{
	struct device_names *t = &d->device_names[kind];
	const struct spec *s = device_spec(d);
	char number[DEVICE_TEXT];
	size_t n = count(s, kind);

	if (t->seen == s)
		return t;
	for (size_t i = 0; i < n; i++) {
		const char *name = device_name_at(s, kind, i, number);

		if (!code_of(t, name))
			add(t, s, kind, name);
	}
	spec_unref(t->seen);
	t->seen = spec_ref(s);
	return t;
}

unsigned device_code(struct domain *d, enum device_kind kind, const char *name)
{
	struct device_names *t = update(d, kind);

	return find(device_spec(d), kind, name) < 0 ? 0 : code_of(t, name);
}

unsigned device_next(struct domain *d, enum device_kind kind, unsigned after)
{
	struct device_names *t = update(d, kind);

	for (unsigned i = after; i < t->n; i++)
		if (find(device_spec(d), kind, t->names[i]) >= 0)
			return i + 1;
	return 0;
}

int device_index(struct domain *d, enum device_kind kind, unsigned code)
{
	struct device_names *t = update(d, kind);

	return code == 0 || code > t->n ? -1 : find(device_spec(d), kind, t->names[code - 1]);
}

void device_names_free(struct domain *d)
{
	for (size_t k = 0; k < DEVICE_KINDS; k++) {
		struct device_names *t = &d->device_names[k];

		for (unsigned i = 0; i < t->n; i++)
			free(t->names[i]);
		free(t->names);
		spec_unref(t->seen);
		*t = (struct device_names){ 0 };
	}
}
