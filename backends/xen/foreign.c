/* Guests that another tool made: what there is to say of them is what libxl keeps of their configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen.h"
#include "log.h"

#define PATIENCE_MSEC 30000 /* for a guest that is being made: libxl keeps its configuration when it is complete */

/* False: libxl has none (yet). Read without libxl's own lock, which another tool may hold for long. */
static bool read_config(libxl_ctx *ctx, uint32_t id, libxl_domain_config *c)
{
	uint8_t *data = NULL;
	int n = 0;
	bool ok = false;

	if (libxl_userdata_retrieve(ctx, id, "libxl-json", &data, &n) == 0 && data && n > 0) {
		char *text = x_strndup((char *)data, (size_t)n);

		ok = libxl_domain_config_from_json(ctx, c, text) == 0;
		free(text);
	}
	free(data);
	return ok;
}

struct spec *xen_foreign_kept(libxl_ctx *ctx, uint32_t id)
{
	struct spec *spec = NULL;
	struct buf text = { 0 };
	libxl_domain_config c;
	struct err e = { 0 };

	libxl_domain_config_init(&c);
	if (read_config(ctx, id, &c)) {
		xen_foreign_print(&c, &text);
		if (spec_parse(text.p ? text.p : "", text.len, &spec, NULL, &e))
			log_warn("the domain with id %u: what libxl keeps of it cannot be told: %s", id, e.text);
	}
	libxl_domain_config_dispose(&c);
	buf_free(&text);
	return spec;
}

/* What is known of any domain. */
static void print_info(const libxl_dominfo *info, struct buf *b)
{
	const char *type = info->domain_type == LIBXL_DOMAIN_TYPE_HVM   ? "hvm"
	                   : info->domain_type == LIBXL_DOMAIN_TYPE_PVH ? "pvh"
	                                                                : "pv";
	unsigned n = info->vcpu_max_id + 1;

	uint64_t mib = (info->current_memkb + 512) / 1024;

	buf_printf(b, "type = \"%s\"\nmemory = %llu\nvcpus = %u\nmaxvcpus = %u\n", type,
	           (unsigned long long)(mib ? mib : 1),
	           info->vcpu_online && info->vcpu_online <= n ? info->vcpu_online : n, n);
}

static struct spec *make_spec(const libxl_dominfo *info, const libxl_domain_config *c)
{
	struct buf text = { 0 };
	struct spec *spec = NULL;
	struct err e = { 0 };

	if (c)
		xen_foreign_print(c, &text);
	if (!c || spec_parse(text.p ? text.p : "", text.len, &spec, NULL, &e)) {
		if (c)
			log_warn("the domain with id %u: its configuration cannot be told: %s", info->domid, e.text);
		buf_reset(&text);
		print_info(info, &text);
		spec_parse(text.p, text.len, &spec, NULL, NULL);
	}
	buf_free(&text);
	return spec;
}

bool xen_foreign_appear(struct guest *g, libxl_ctx *ctx, const libxl_dominfo *info, uint64_t waited_msec)
{
	struct found f = { .uuid = g->uuid, .id = g->id, .started = time_now(), .foreign = true };
	char *name = libxl_domid_to_name(ctx, info->domid);
	libxl_domain_config c;
	uint64_t target = 0;
	bool has;

	libxl_domain_config_init(&c);
	has = read_config(ctx, info->domid, &c);
	if ((!has || !name) && waited_msec < PATIENCE_MSEC && info->paused && !info->shutdown && !info->cpu_time) {
		libxl_domain_config_dispose(&c);
		free(name);
		return false;
	}
	if (!name)
		name = x_printf("id-%u", info->domid);
	g->type = info->domain_type;
	g->spec = make_spec(info, has ? &c : NULL);
	libxl_domain_config_dispose(&c);
	if (libxl_get_memory_target(ctx, info->domid, &target) == 0)
		f.mem_target = (target + xen_video_kib(g) + 512) / 1024;
	free(g->name);
	g->name = name;
	f.name = name;
	f.spec = g->spec;
	g->domain = g->b->sink->appeared(g->b->sink->model, &f, g);
	if (!g->domain) {
		log_warn("the domain %s (id %d) is refused and left alone", name, (int)g->id);
		g->told = true;
	}
	return true;
}
