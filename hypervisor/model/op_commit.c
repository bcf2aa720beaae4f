/* What was changed at run time becomes the configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/edit.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"

#define PINNED_MAX 128 /* VCPUs whose affinity is told */

static const struct cpus *set_of(const struct vcpu *v, bool soft)
{
	return soft ? &v->soft : &v->affinity;
}

static bool is_bound(const struct cpus *c)
{
	char text[CPUS_TEXT];

	cpus_format(text, c);
	return *text && strcmp(text, "all") != 0;
}

int config_pins(struct domain *d, bool soft, struct buf *ret, struct err *e)
{
	struct vcpu vcpus[PINNED_MAX];
	char cpus[CPUS_TEXT];
	struct guest *g;
	bool bound = false;
	int n;

	if (!d->model->ops->vcpu_list)
		return fail(e, EOPNOTSUPP, "the hypervisor in use does not say where VCPUs may run");
	g = guest_get(d, e);
	if (!g)
		return -e->code;
	n = d->model->ops->vcpu_list(g, vcpus, COUNT(vcpus), e);
	guest_put(d);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		bound |= is_bound(set_of(&vcpus[i], soft));
	for (int i = 0; bound && i < n; i++)
		buf_printf(ret, "%s\"%s\"", i ? ", " : "[ ",
		           is_bound(set_of(&vcpus[i], soft)) ? cpus_format(cpus, set_of(&vcpus[i], soft)) : "all");
	if (bound)
		buf_puts(ret, " ]");
	return 0;
}

#define COMMIT_MAX 8

/* All in one step: one value may be wrong while another is the old one. */
struct commit {
	struct {
		enum key key;
		char *value; /* NULL: the key goes */
	} set[COMMIT_MAX];
	size_t n;
};

static int edit_all(const char *text, size_t n, const struct spec *spec, void *arg, struct buf *ret, struct err *e)
{
	const struct commit *c = arg;
	struct buf now = { 0 };
	int rc = 0;

	(void)spec;
	buf_add(&now, text, n);
	for (size_t i = 0; !rc && i < c->n; i++) {
		struct buf next = { 0 };

		rc = config_edit(now.p ? now.p : "", now.len, c->set[i].key, c->set[i].value, &next, e);
		buf_free(&now);
		now = next;
	}
	if (!rc)
		buf_add(ret, now.p, now.len);
	buf_free(&now);
	return rc;
}

static int commit_pins(struct commit *c, struct domain *d, bool soft, struct err *e)
{
	struct buf b = { 0 };
	int rc = config_pins(d, soft, &b, e);

	if (rc) {
		buf_free(&b);
		return rc;
	}
	c->set[c->n].key = soft ? KEY_cpus_soft : KEY_cpus;
	c->set[c->n++].value = b.p ? buf_steal(&b) : NULL;
	return 0;
}

static const struct {
	unsigned tuned;
	enum key key;
} numbers[] = {
	{ TUNED_MEMORY, KEY_memory },  { TUNED_MAXMEM, KEY_maxmem },    { TUNED_VCPUS, KEY_vcpus },
	{ TUNED_VCPUS, KEY_maxvcpus }, { TUNED_SCHED, KEY_cpu_weight }, { TUNED_SCHED, KEY_cap },
};

static int commit_collect(struct commit *c, struct domain *d, unsigned tuned, const struct spec *live, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (!(tuned & numbers[i].tuned) || !spec_has(live, numbers[i].key))
			continue;
		c->set[c->n].key = numbers[i].key;
		c->set[c->n++].value = x_printf("%llu", (unsigned long long)spec_int(live, numbers[i].key, 0));
	}
	if (tuned & TUNED_PINS)
		rc = commit_pins(c, d, false, e);
	if (!rc && tuned & TUNED_SOFT)
		rc = commit_pins(c, d, true, e);
	return rc;
}

static int tune_commit(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	struct commit c = { 0 };
	struct spec *live;
	unsigned tuned;
	int rc = 0;

	domain_lock(d);
	tuned = d->tuned;
	d->tuned = 0; /* what is changed meanwhile is for the next time */
	live = d->live ? spec_ref(d->live) : NULL;
	domain_unlock(d);
	if (live)
		rc = commit_collect(&c, d, tuned, live, e);
	if (!rc && c.n > 0)
		rc = config_rewrite(j, edit_all, &c, e);
	domain_lock(d);
	if ((rc || j->dry) && domain_on(d))
		d->tuned |= tuned;
	domain_unlock(d);
	for (size_t i = 0; i < c.n; i++)
		free(c.set[i].value);
	spec_unref(live);
	return rc;
}

int domain_commit(struct job *j, struct err *e)
{
	int rc = tune_commit(j, e);

	if (!rc)
		rc = devices_commit(j, e);
	if (rc || j->dry)
		return rc;
	domain_lock(j->domain);
	domain_touch(j->domain);
	domain_unlock(j->domain);
	tune_save(j->domain);
	return 0;
}
