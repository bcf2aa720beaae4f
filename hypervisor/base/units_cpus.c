#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_BITS 64

bool cpus_has(const struct cpus *c, unsigned cpu)
{
	return cpu < CPUS_MAX && (c->w[cpu / WORD_BITS] >> cpu % WORD_BITS & 1);
}

void cpus_add(struct cpus *c, unsigned cpu)
{
	if (cpu < CPUS_MAX)
		c->w[cpu / WORD_BITS] |= UINT64_C(1) << cpu % WORD_BITS;
}

static void cpus_remove(struct cpus *c, unsigned cpu)
{
	c->w[cpu / WORD_BITS] &= ~(UINT64_C(1) << cpu % WORD_BITS);
}

bool cpus_equal(const struct cpus *a, const struct cpus *b)
{
	return memcmp(a->w, b->w, sizeof(a->w)) == 0;
}

static bool is_all(const struct cpus *c)
{
	struct cpus all;

	memset(&all, 0xff, sizeof(all));
	return cpus_equal(c, &all);
}

/* "N" or "N-M" or "all" in the N bytes at P. */
static int range_parse(const char *p, size_t n, unsigned *first, unsigned *last, struct err *e)
{
	unsigned v[2] = { 0, 0 };
	int shown = (int)(n < 64 ? n : 64);
	size_t i = 0, part;

	if (n == 3 && strncasecmp(p, "all", 3) == 0) {
		*first = 0;
		*last = CPUS_MAX - 1;
		return 0;
	}
	if (n >= 4 && strncasecmp(p, "node", 4) == 0)
		return fail(e, EINVAL, "%.*s: NUMA nodes are not taken here, name the CPUs", shown, p);
	for (part = 0; part < 2; part++) {
		size_t begin = i;

		for (; i < n && p[i] >= '0' && p[i] <= '9'; i++) {
			v[part] = v[part] * 10 + (unsigned)(p[i] - '0');
			if (v[part] >= CPUS_MAX)
				return fail(e, EINVAL, "%.*s: the highest CPU is %u", shown, p, CPUS_MAX - 1);
		}
		if (i == begin)
			break;
		if (part == 0 && i < n && p[i] == '-')
			i++;
		else
			break;
	}
	if (i < n || n == 0 || p[n - 1] == '-')
		return fail(e, EINVAL, "\"%.*s\" is not a CPU or a range of CPUs", shown, p);
	if (part == 0)
		v[1] = v[0];
	if (v[1] < v[0])
		return fail(e, EINVAL, "%.*s: the range runs backwards", shown, p);
	*first = v[0];
	*last = v[1];
	return 0;
}

int parse_cpus(const char *s, struct cpus *ret, struct err *e)
{
	static const struct cpus none;
	struct cpus c = { 0 };
	const char *p = s;
	unsigned first = 0, last = 0;
	bool out, more;
	size_t n, len;
	int r;

	do {
		p += strspn(p, " \t");
		n = strcspn(p, ",");
		more = p[n] == ',';
		out = n > 0 && *p == '^';
		if (out && p == s + strspn(s, " \t"))
			memset(&c, 0xff, sizeof(c));
		for (len = n - out; len > 0 && (p[out + len - 1] == ' ' || p[out + len - 1] == '\t');)
			len--;
		r = range_parse(p + out, len, &first, &last, e);
		if (r < 0)
			return r;
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (out)
				cpus_remove(&c, cpu);
			else
				cpus_add(&c, cpu);
		}
		p += n + 1;
	} while (more);
	if (cpus_equal(&c, &none))
		return fail(e, EINVAL, "\"%.64s\" leaves no CPU", s);
	*ret = c;
	return 0;
}

const char *cpus_format(char out[CPUS_TEXT], const struct cpus *c)
{
	char item[24];
	size_t o = 0, n;
	unsigned last;

	out[0] = '\0';
	if (is_all(c)) {
		memcpy(out, "all", sizeof("all"));
		return out;
	}
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu = last + 1) {
		last = cpu;
		if (!cpus_has(c, cpu))
			continue;
		while (cpus_has(c, last + 1))
			last++;
		if (last == cpu)
			n = (size_t)snprintf(item, sizeof(item), "%s%u", o ? "," : "", cpu);
		else
			n = (size_t)snprintf(item, sizeof(item), "%s%u-%u", o ? "," : "", cpu, last);
		if (o + n + sizeof(",...") > CPUS_TEXT) {
			memcpy(out + o, ",...", sizeof(",..."));
			break;
		}
		memcpy(out + o, item, n + 1);
		o += n;
	}
	return out;
}
