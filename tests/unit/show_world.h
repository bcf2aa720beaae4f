/* A model with a domain whose files are read, and a backend that says what is asked of it. */
#ifndef SHOW_WORLD_H
#define SHOW_WORLD_H

#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fs/facts.h"
#include "fs/secrets.h"
#include "fs/set.h"
#include "fs/show_counters.h"
#include "fs/show_domain.h"
#include "fs/show_host.h"
#include "hypervisor/model/internal.h"

#define GROUP 4000000001u /* has no name */

static const struct user root = { 0 }, other = { .uid = 1000, .gid = 1000 }, member = { .uid = 1000, .gid = GROUP };

static inline int fake_vcpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
{
	(void)g;
	(void)e;
	assert_true(max >= 2);
	for (unsigned i = 0; i < 2; i++) {
		ret[i] = (struct vcpu){ .id = i, .cpu = i ? -1 : 5, .state = i ? '-' : 'r', .cpu_usec = 1234 };
		assert_int_equal(parse_cpus(i ? "all" : "0-2,5", &ret[i].affinity, NULL), 0);
	}
	return 2;
}

static inline int fake_counters(struct guest *g, struct counters *ret, struct err *e)
{
	(void)g;
	(void)e;
	ret->cpu_usec = INT64_MAX;
	ret->net_tx_dropped = 17;
	return 0;
}

static inline int fake_disk_counters(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e)
{
	(void)g;
	(void)e;
	ret->read_bytes = disk + 100;
	return 0;
}

static inline void fake_info(struct backend *b, struct buf *text)
{
	(void)b;
	buf_puts(text, "hypervisor fake\naccel none\n");
}

static const struct backend_ops ops = {
	.name = "fake",
	.info = fake_info,
	.vcpu_list = fake_vcpu_list,
	.counters = fake_counters,
	.disk_counters = fake_disk_counters,
};

static const char config[] = "memory = 512\n"
			     "maxmem = 1024\n"
			     "vcpus = 2 # of them\n"
			     "maxvcpus = 4\n"
			     "vncpasswd = 'geheim'\n"
			     "disk = [ 'format=raw,vdev=xvda,access=rw,target=/images/web1.img',\n"
			     "         'format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/iso/d.iso' ]\n"
			     "vif = [ 'mac=00:16:3e:27:53:d4,bridge=xenbr0' ]\n";

struct world {
	struct model m;
	struct domain *d;
};

static inline int world_make(void **state)
{
	struct world *w = x_alloc(sizeof(*w));
	struct err e = { 0 };
	struct domain *d;

	lock_init(&w->m.lock);
	w->m.ops = &ops;
	w->d = d = domain_new(&w->m, "web1");
	d->serial = 7;
	w->m.by_serial = x_array(1, sizeof(struct domain *));
	w->m.by_serial[0] = d;
	w->m.domains = 1;
	assert_int_equal(parse_uuid("06ed00fe-1162-4fc4-b5d8-11993ee4a8b9", &d->uuid, NULL), 0);
	d->since = (struct timespec){ 1795294405, 123000000 };
	d->group = GROUP;
	d->mode = 0750;
	free(d->tags);
	d->tags = x_strdup("prod web");
	free(d->config);
	d->config = x_strdup(config);
	d->config_len = strlen(config);
	spec_unref(d->spec);
	if (spec_parse(config, strlen(config), &d->spec, NULL, &e))
		print_error("%s\n", e.text);
	assert_int_equal(e.code, 0);
	*state = w;
	return 0;
}

static inline void world_on(struct world *w)
{
	struct domain *d = w->d;

	d->id = 3;
	d->state = STATE_RUNNING;
	memcpy(d->reason, "started", sizeof("started"));
	d->started = d->since;
	d->guest = (struct guest *)w;
	d->live = spec_ref(d->spec);
	d->mem_target = 256;
	d->mem_actual = 300;
	d->vcpus = 1;
}

static inline int world_free(void **state)
{
	struct world *w = *state;

	w->d->guest = NULL;
	domain_unref(w->d);
	free(w->m.by_serial);
	lock_destroy(&w->m.lock);
	free(w);
	return 0;
}

/* The row PATH ("web1/..." is any domain's) with the objects that it is about, rendered. The caller frees the text. */
static const struct node *row_at(const struct node *up, const char *name)
{
	for (size_t i = 1; i < node_count; i++) {
		const struct node *n = &nodes[i];

		if (&nodes[n->parent] == up && (n->name ? !strcmp(n->name, name) : !strcmp(name, "*")))
			return n;
	}
	print_error("no row %s\n", name);
	assert_true(false);
	return NULL;
}

static inline char *show_as(struct world *w, const char *path, const struct user *reader, int *code)
{
	char copy[64], *rest = NULL;
	struct ref r = { .model = &w->m, .node = nodes };
	struct buf b = { 0 };
	struct err e = { 0 };

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		if (r.node == nodes && !strcmp(name, "*"))
			r.domain = w->d;
		if (*name >= '0' && *name <= '9') {
			r.device = (unsigned)(*name - '0') + 1;
			*name = '*';
		}
		r.node = row_at(r.node, name);
	}
	*code = r.node->show(&r, reader, &b, &e);
	if (r.node->size)
		assert_true(b.len <= r.node->size(&r));
	return buf_steal(&b);
}

static inline void assert_shows(struct world *w, const char *path, const char *text)
{
	int code;
	char *got = show_as(w, path, &root, &code);

	assert_int_equal(code, 0);
	assert_string_equal(got, text);
	free(got);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_free)

#endif
