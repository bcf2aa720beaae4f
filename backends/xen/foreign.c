/* Guests that another tool made: what there is to say of them is what libxl keeps of their configuration. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "backends/xen/xen.h"
#include "log.h"

#define PATIENCE_MSEC 30000 /* for a guest that is being made: libxl keeps its configuration when it is complete */

/* ---- images ---- */

/* NULL: the block script has made no loop device for it, or not yet. */
static char *loop_file(struct xs_handle *xs, const char *backend)
{
	char *path = x_printf("%s/node", backend), *node = xs_read(xs, XBT_NULL, path, NULL), *file = NULL;
	struct buf b = { 0 };

	free(path);
	path = node && !strncmp(node, "/dev/loop", 9) ? x_printf("/sys/block/%s/loop/backing_file", node + 5) : NULL;
	if (path && !file_slurp(AT_FDCWD, path, 8192, &b, NULL) && b.len)
		file = x_strndup(b.p, strcspn(b.p, "\n"));
	buf_free(&b);
	free(path);
	free(node);
	return file;
}

/* The device model opens it by NAME, where it was started. */
static char *model_file(struct xs_handle *xs, uint32_t id, const char *name)
{
	char path[64], folder[4096], *pid;
	ssize_t n;

	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", id);
	pid = xs_read(xs, XBT_NULL, path, NULL);
	snprintf(path, sizeof(path), "/proc/%ld/cwd", pid ? strtol(pid, NULL, 10) : -1);
	free(pid);
	n = readlink(path, folder, sizeof(folder));
	return n > 0 && folder[0] == '/' ? x_printf("%.*s/%s", (int)n, folder, name) : NULL;
}

/* A path that is not a full one begins where the other tool ran. Who has the image open knows where that is. */
static void complete(libxl_ctx *ctx, uint32_t id, libxl_device_disk *d)
{
	struct xs_handle *xs;
	libxl_diskinfo info;
	char *file = NULL;

	if (!d->pdev_path || !*d->pdev_path || d->pdev_path[0] == '/' || d->script || !(xs = xs_open(0)))
		return;
	libxl_diskinfo_init(&info);
	if (libxl_device_disk_getinfo(ctx, id, d, &info) == 0 && info.backend)
		file = strstr(info.backend, "/backend/qdisk/") ? model_file(xs, id, d->pdev_path)
		                                               : loop_file(xs, info.backend);
	libxl_diskinfo_dispose(&info);
	xs_close(xs);
	if (file) {
		free(d->pdev_path);
		d->pdev_path = file;
	}
}

/* ---- what libxl keeps ---- */

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
	for (int i = 0; ok && i < c->num_disks; i++)
		complete(ctx, id, &c->disks[i]);
	return ok;
}

struct spec *xen_foreign_kept(libxl_ctx *ctx, struct guest *g, struct buf *left)
{
	struct spec *spec = NULL;
	libxl_domain_config c;

	libxl_domain_config_init(&c);
	if (read_config(ctx, (uint32_t)g->id, &c))
		spec = xen_foreign_spec(&c, left);
	libxl_domain_config_dispose(&c);
	return spec;
}

void xen_foreign_say(struct guest *g, const struct buf *left)
{
	uint64_t hash = left->len ? hash_text(left->p, left->len) : 0;

	if (hash == g->left)
		return;
	g->left = hash;
	lock_acquire(&g->lock);
	if (left->len && g->log.len < XEN_LOG_MAX)
		buf_add(&g->log, left->p, left->len);
	lock_release(&g->lock);
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

static struct spec *info_spec(const libxl_dominfo *info)
{
	struct buf text = { 0 };
	struct spec *spec = NULL;

	print_info(info, &text);
	spec_parse(text.p, text.len, &spec, NULL, NULL);
	buf_free(&text);
	return spec;
}

bool xen_foreign_appear(struct guest *g, libxl_ctx *ctx, const libxl_dominfo *info, uint64_t waited_msec)
{
	struct found f = { .uuid = g->uuid, .id = g->id, .started = time_now(), .foreign = true };
	char *name = libxl_domid_to_name(ctx, info->domid);
	struct buf left = { 0 };
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
	g->type = xen_guest_type(g->b, info);
	g->spec = has ? xen_foreign_spec(&c, &left) : info_spec(info);
	libxl_domain_config_dispose(&c);
	xen_foreign_say(g, &left);
	buf_free(&left);
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
