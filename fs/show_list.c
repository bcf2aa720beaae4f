/* The files that show many domains at once: rendered on pool threads, each reader's own. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/show_domain.h"
#include "fs/show_host.h"
#include "fs/dirname.h"
#include "fs/show_counters.h"
#include "fs/show_json.h"

#define SAMPLE_MSEC 200 /* that one such file spends on asking hypervisors */
#define LINE_MAX_LIST 128
#define LIST_STEP 128 /* small: people see the padding */
#define JSON_STEP 1024

/* What the last rendering came to, padded: the sizes that GETATTR gives. */
static atomic_size_t list_size, json_size;

/* Every domain, in the order of their making, referenced: *N of them, given back with domains_put(). */
static struct domain **domains_get(struct model *m, size_t *n)
{
	struct domain **all = NULL, *d;
	size_t used = 0, room = 0;

	for (uint64_t serial = 0; (d = model_next(m, serial));) {
		serial = d->serial;
		if (used == room) {
			room = room ? 2 * room : 64;
			all = x_grow(all, room, sizeof(struct domain *));
		}
		all[used++] = d;
	}
	*n = used;
	return all;
}

static void domains_put(struct domain **d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		domain_unref(d[i]);
	free(d);
}

struct line {
	int id;
	char text[LINE_MAX_LIST];
};

/* The letters that xl prints: running, blocked, paused, shut down, crashed, dying. */
static const char *const state_letters[STATE_COUNT] = {
	[STATE_OFF] = "------",     [STATE_STARTING] = "------",     [STATE_RUNNING] = "r-----",
	[STATE_PAUSED] = "--p---",  [STATE_STOPPING] = "---s--",     [STATE_SAVING] = "------",
	[STATE_SAVED] = "------",   [STATE_MIGRATING] = "r-----",    [STATE_INCOMING] = "------",
	[STATE_CRASHED] = "----c-", [STATE_UNRESPONSIVE] = "------",
};

static void line_format(char out[LINE_MAX_LIST], const char *name, int id, uint64_t mib, unsigned vcpus,
                        const char *letters, uint64_t cpu_usec)
{
	snprintf(out, LINE_MAX_LIST, "%-40.80s %5d %5" PRIu64 " %5u     %s  %8.1f", name, id, mib, vcpus, letters,
	         (double)cpu_usec / 1e6);
}

/* False when the domain is off. */
static bool line_of(struct domain *d, uint64_t deadline, struct line *l)
{
	char name[DIRNAME_TEXT];
	struct counters c;
	bool on;

	counters_until(d, deadline, &c);
	lock_acquire(&d->lock);
	on = domain_on(d) && d->id >= 0; /* one that has no number yet is being made */
	if (on) {
		l->id = d->id;
		dirname_encode(d->name, name);
		line_format(l->text, name, d->id, d->mem_actual, d->vcpus, state_letters[d->state], c.cpu_usec);
	}
	lock_release(&d->lock);
	return on;
}

static int by_id(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void list_host(const struct model *m, struct buf *b)
{
	struct domain_facts f = { 0 };
	struct counters c;
	char text[LINE_MAX_LIST];

	host_facts_get(m, &f);
	host_counters(m, &c);
	line_format(text, f.name, 0, f.mem_mib, (unsigned)f.vcpus, state_letters[STATE_RUNNING], c.cpu_usec);
	buf_printf(b, "Name                                        ID   Mem VCPUs\tState\tTime(s)\n%s\n", text);
}

int show_list(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	uint64_t deadline = clock_msec() + SAMPLE_MSEC;
	size_t n, on = 0, hidden = 0;
	struct domain **all = domains_get(r->model, &n);
	struct line *lines = x_array(n + 1, sizeof(*lines)), unseen;

	(void)e;
	list_host(r->model, b);
	for (size_t i = 0; i < n; i++) {
		if (domain_may(all[i], reader, 4))
			on += line_of(all[i], deadline, &lines[on]);
		else
			hidden += line_of(all[i], 0, &unseen) ? strlen(unseen.text) + 1 : 0;
	}
	qsort(lines, on, sizeof(*lines), by_id);
	for (size_t i = 0; i < on; i++)
		buf_printf(b, "%s\n", lines[i].text);
	/* One size for all readers, so who sees few domains reads more padding. */
	list_size = size_round(b->len + hidden, LIST_STEP);
	free(lines);
	domains_put(all, n);
	return 0;
}

static size_t domains_count(struct model *m)
{
	size_t n;

	lock_acquire(&m->lock);
	n = m->domains;
	lock_release(&m->lock);
	return n;
}

size_t size_list(const struct ref *r)
{
	size_t n = list_size;

	return n ? n : size_round((domains_count(r->model) + 2) * LINE_MAX_LIST, LIST_STEP);
}

int show_domains_json(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	uint64_t deadline = clock_msec() + SAMPLE_MSEC;
	struct buf hidden = { 0 };
	struct ref each = *r;
	struct domain **all;
	bool first = true;
	size_t n;

	(void)e;
	all = domains_get(r->model, &n);
	buf_puts(b, "[\n");
	for (size_t i = 0; i < n; i++) {
		each.domain = all[i];
		if (!domain_may(all[i], reader, 4)) {
			json_domain(&each, 0, &hidden);
			continue;
		}
		buf_puts(b, first ? "" : ",\n");
		json_domain(&each, deadline, b);
		first = false;
	}
	buf_puts(b, first ? "]\n" : "\n]\n");
	json_size = size_round(b->len + hidden.len, JSON_STEP);
	buf_free(&hidden);
	domains_put(all, n);
	return 0;
}

size_t size_domains_json(const struct ref *r)
{
	size_t n = json_size;

	return n ? n : size_round(domains_count(r->model) * 2048 + 16, JSON_STEP);
}
