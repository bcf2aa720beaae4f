#include "fs/show_counters.h"

#include <string.h>

#include "fs/show_host.h"

const struct fact counter_facts[] = {
	{ "sampled", FACT_TIME, offsetof(struct counters, sampled),
	  "When these figures were taken; no value when the domain is off." },
#define COUNTER(name, doc) { #name, FACT_NUMBER, offsetof(struct counters, name), doc },
#include "counters.def"
#undef COUNTER
	{ NULL, FACT_WORD, 0, NULL },
};

void counters_until(struct domain *d, uint64_t deadline, struct counters *ret)
{
	bool on;

	lock_acquire(&d->lock);
	on = domain_on(d);
	if (on)
		*ret = d->counters;
	else
		memset(ret, 0, sizeof(*ret));
	lock_release(&d->lock);
	if (on && clock_msec() < deadline)
		domain_sample(d, ret);
}

int show_counters(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct counters c;

	(void)reader;
	(void)e;
	if (r->domain)
		counters_until(r->domain, UINT64_MAX, &c);
	else
		host_counters(r->model, &c);
	facts_lines(counter_facts, &c, b);
	return 0;
}

size_t facts_size(const struct fact *table)
{
	size_t n = 0;

	for (const struct fact *f = table; f->name; f++)
		n += strlen(f->name) +
		     (f->type == FACT_TIME ? sizeof("2026-11-21T20:53:25.123Z") : sizeof("18446744073709551615")) + 1;
	return size_round(n, 64);
}

size_t size_counters(const struct ref *r)
{
	(void)r;
	return facts_size(counter_facts);
}
