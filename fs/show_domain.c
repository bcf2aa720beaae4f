#include "fs/show_domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/secrets.h"
#include "fs/show_host.h"
#include "hypervisor/model/operate.h"

#define AT(field) offsetof(struct domain_facts, field)

const struct fact status_facts[] = {
	{ "name", FACT_WORD, AT(name), "The domain's name." },
	{ "id", FACT_NUMBER, AT(id), "The number of this run; 0 is the host; never reused while the host is up." },
	{ "uuid", FACT_WORD, AT(uuid), "The UUID, which stays when the domain is renamed." },
	{ "backend", FACT_WORD, AT(backend), "The hypervisor that runs it." },
	{ "state", FACT_WORD, AT(state), "The state, as in the file of that name." },
	{ "reason", FACT_WORD, AT(reason), "Why it is in that state, one word." },
	{ "since", FACT_TIME, AT(since), "Since when it is in that state." },
	{ "started", FACT_TIME, AT(started), "When this run began." },
	{ "mem_mib", FACT_NUMBER, AT(mem_mib), "The memory that it shall have, in MiB." },
	{ "mem_actual_mib", FACT_NUMBER, AT(mem_actual_mib), "The memory that it has now, in MiB." },
	{ "maxmem_mib", FACT_NUMBER, AT(maxmem_mib), "The memory that it can be given at most, in MiB." },
	{ "vcpus", FACT_NUMBER, AT(vcpus), "VCPUs that are online." },
	{ "maxvcpus", FACT_NUMBER, AT(maxvcpus), "VCPUs that can be online." },
	{ "disks", FACT_NUMBER, AT(disks), "How many disks it has." },
	{ "vifs", FACT_NUMBER, AT(vifs), "How many network interfaces it has." },
	{ "autostart", FACT_SWITCH, AT(autostart), "Whether it is started with the host." },
	{ "config", FACT_WORD, AT(config),
	  "current; pending when it differs from what is in force; rejected when the last text written was not "
	  "valid." },
	{ "job", FACT_WORD, AT(job), "The verb under way." },
	{ "owner", FACT_WORD, AT(owner), "The user that it belongs to." },
	{ "group", FACT_WORD, AT(group), "The group that it belongs to." },
	{ "tags", FACT_WORD, AT(tags), "Its tags, with commas between." },
	{ NULL, FACT_WORD, 0, NULL },
};

/* Of what is in force when it is on, else of what is desired. */
static const struct spec *domain_spec(const struct domain *d) NEEDS(d->lock)
{
	return d->live ? d->live : d->spec;
}

static void facts_of_spec(struct domain *d, struct domain_facts *f) NEEDS(d->lock)
{
	const struct spec *s = domain_spec(d);
	size_t n;

	(void)spec_disks(s, &n);
	f->disks = n;
	(void)spec_vifs(s, &n);
	f->vifs = n;
	f->mem_mib = f->on ? d->mem_target : spec_memory(s);
	f->mem_actual_mib = f->on ? d->mem_actual : 0;
	f->maxmem_mib = spec_maxmem(s);
	f->vcpus = f->on ? d->vcpus : spec_vcpus(s);
	f->maxvcpus = spec_maxvcpus(s);
}

static void facts_of_state(struct domain *d, struct domain_facts *f) NEEDS(d->lock)
{
	snprintf(f->reason_text, sizeof(f->reason_text), "%s", d->reason);
	snprintf(f->job_text, sizeof(f->job_text), "%s", d->job ? d->job->verb : "");
	uuid_format(f->uuid_text, &d->uuid);
	f->own_name = x_strdup(d->name);
	f->own_tags = x_strdup(d->tags);
	f->on = domain_on(d);
	f->id = d->id < 0 ? FACT_NONE : (uint64_t)d->id;
	f->state = state_names[d->state];
	f->since = d->since;
	f->started = d->started;
	f->autostart = d->autostart;
	f->config = d->rejected ? "rejected" : domain_pending(d) ? "pending" : "current";
}

void domain_facts_get(const struct ref *r, struct domain_facts *f)
{
	struct domain *d = r->domain;
	uid_t owner;
	gid_t group;

	memset(f, 0, sizeof(*f));
	f->backend = r->model->ops->name;
	if (!d) {
		host_facts_get(r->model, f);
		return;
	}
	lock_acquire(&d->lock);
	facts_of_state(d, f);
	facts_of_spec(d, f);
	owner = d->owner;
	group = d->group;
	lock_release(&d->lock);
	f->name = f->own_name;
	f->uuid = f->uuid_text;
	f->reason = f->reason_text;
	f->job = f->job_text;
	f->owner = names_user(r->model, owner, f->owner_text);
	f->group = names_group(r->model, group, f->group_text);
	for (char *p = f->own_tags; *p; p++)
		if (*p == ' ')
			*p = ',';
	f->tags = f->own_tags;
}

void domain_facts_free(struct domain_facts *f)
{
	free(f->own_name);
	free(f->own_tags);
}

int show_status(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain_facts f;

	(void)reader;
	(void)e;
	domain_facts_get(r, &f);
	facts_lines(status_facts, &f, b);
	domain_facts_free(&f);
	return 0;
}

static void value_of(const struct ref *r, const char *key, struct buf *b)
{
	struct domain_facts f;

	domain_facts_get(r, &f);
	fact_value(fact_find(status_facts, key), &f, b);
	domain_facts_free(&f);
}

int show_value(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	(void)reader;
	(void)e;
	value_of(r, r->node->name, b);
	return 0;
}

int show_mem(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	(void)reader;
	(void)e;
	value_of(r, "mem_mib", b);
	return 0;
}

int show_sched(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;
	struct sched s;
	bool has;

	(void)reader;
	(void)e;
	lock_acquire(&d->lock);
	has = !d->live || r->model->ops->set_sched;
	s = spec_sched(domain_spec(d));
	lock_release(&d->lock);
	if (has)
		buf_printf(b, "weight %u\ncap %u\n", s.weight, s.cap);
	return 0;
}

int show_tags(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;

	(void)reader;
	(void)e;
	lock_acquire(&d->lock);
	if (*d->tags)
		buf_printf(b, "%s\n", d->tags);
	lock_release(&d->lock);
	return 0;
}

int show_notes(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;

	(void)reader;
	(void)e;
	lock_acquire(&d->lock);
	buf_puts(b, d->notes);
	lock_release(&d->lock);
	return 0;
}

int show_vnc(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;

	(void)reader;
	(void)e;
	lock_acquire(&d->lock);
	if (*d->display)
		buf_printf(b, "%s\n", d->display);
	lock_release(&d->lock);
	return 0;
}

struct job_facts {
	const char *verb, *by;
	uint64_t percent, left_bytes, eta_seconds;
	struct timespec since;
};

const struct fact job_facts[] = {
	{ "verb", FACT_WORD, offsetof(struct job_facts, verb), "The verb." },
	{ "percent", FACT_NUMBER, offsetof(struct job_facts, percent), "How much of it is done." },
	{ "left_bytes", FACT_NUMBER, offsetof(struct job_facts, left_bytes), "Bytes that are still to be moved." },
	{ "eta_seconds", FACT_NUMBER, offsetof(struct job_facts, eta_seconds), "Seconds that it will take." },
	{ "by", FACT_WORD, offsetof(struct job_facts, by), "The user who asked for it." },
	{ "since", FACT_TIME, offsetof(struct job_facts, since), "When it began." },
	{ NULL, FACT_WORD, 0, NULL },
};

int show_job(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;
	char verb[sizeof(d->job->verb)] = "", by[USER_TEXT];
	struct job_facts f = { .verb = verb, .by = by };
	uid_t uid = 0;

	(void)reader;
	(void)e;
	lock_acquire(&d->lock);
	if (d->job) {
		snprintf(verb, sizeof(verb), "%s", d->job->verb);
		f.percent = d->job->percent;
		f.left_bytes = d->job->left;
		f.eta_seconds = d->job->eta;
		f.since = d->job->since;
		uid = d->job->caller->user.uid;
	}
	lock_release(&d->lock);
	if (!*verb)
		return 0;
	names_user(r->model, uid, by);
	facts_lines(job_facts, &f, b);
	return 0;
}

int show_config(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;
	struct buf text = { 0 };

	(void)e;
	lock_acquire(&d->lock);
	buf_add(&text, d->config, d->config_len);
	lock_release(&d->lock);
	if (domain_may(d, reader, 2))
		buf_add(b, text.p, text.len);
	else
		secrets_mask(text.p, text.len, b);
	buf_free(&text);
	return 0;
}

int show_live(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;
	struct spec *live;

	(void)e;
	lock_acquire(&d->lock);
	live = d->live ? spec_ref(d->live) : NULL;
	lock_release(&d->lock);
	if (live)
		spec_print(live, domain_may(d, reader, 2), b);
	spec_unref(live);
	return 0;
}

int show_pending(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct domain *d = r->domain;
	struct spec *live, *desired;

	(void)reader;
	(void)e;
	lock_acquire(&d->lock);
	live = d->live ? spec_ref(d->live) : NULL;
	desired = spec_ref(d->spec);
	lock_release(&d->lock);
	if (live)
		spec_diff(live, desired, b); /* shows no passwords */
	spec_unref(live);
	spec_unref(desired);
	return 0;
}
