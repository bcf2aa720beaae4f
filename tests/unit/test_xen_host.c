/*
 * Processors, Domain-0 and what other tools write, of a Xen that this program plays: its functions stand before those
 * of Xen's libraries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "tests/unit/folder_world.h"
#include "tests/unit/test.h"

#include "backends/xen/xen.h"
#include "log.h"

/* ---- Xen ---- */

#define CPU_IDS 8 /* of which every second is online: SMT is off */
#define PAGES_MIB 256
#define NO_LIMIT UINT64_C(17179869180)

static char handle[1]; /* whichever */
static uint8_t hard, soft;

int libxl_ctx_alloc(libxl_ctx **ret, int version, unsigned flags, xentoollog_logger *log)
{
	(void)version, (void)flags, (void)log;
	*ret = (libxl_ctx *)handle;
	return 0;
}

int libxl_ctx_free(libxl_ctx *ctx)
{
	(void)ctx;
	return 0;
}

void libxl_childproc_setmode(libxl_ctx *ctx, const libxl_childproc_hooks *hooks, void *user)
{
	(void)ctx, (void)hooks, (void)user;
}

int libxl_get_physinfo(libxl_ctx *ctx, libxl_physinfo *ret)
{
	(void)ctx;
	ret->nr_cpus = CPU_IDS / 2;
	ret->max_cpu_id = CPU_IDS - 1;
	ret->total_pages = 2048 * PAGES_MIB;
	return 0;
}

const libxl_version_info *libxl_get_version_info(libxl_ctx *ctx)
{
	static char words[] = "dom0_mem=512M smt=0";
	static const libxl_version_info info = { .pagesize = 4096, .commandline = words };

	(void)ctx;
	return &info;
}

int libxl_get_max_cpus(libxl_ctx *ctx)
{
	(void)ctx;
	return CPU_IDS;
}

int libxl_cpu_bitmap_alloc(libxl_ctx *ctx, libxl_bitmap *map, int max)
{
	(void)ctx, (void)max;
	map->map = x_alloc(map->size = CPU_IDS / 8);
	return 0;
}

int libxl_set_vcpuaffinity(libxl_ctx *ctx, uint32_t id, uint32_t vcpu, const libxl_bitmap *h, const libxl_bitmap *s)
{
	(void)ctx, (void)id, (void)vcpu;
	hard = h ? h->map[0] : hard;
	soft = s ? s->map[0] : soft;
	return 0;
}

libxl_vcpuinfo *libxl_list_vcpu(libxl_ctx *ctx, uint32_t id, int *vcpus, int *cpus)
{
	libxl_vcpuinfo *list = x_array(2, sizeof(*list));

	(void)id;
	for (unsigned i = 0; i < 2; i++) {
		list[i] = (libxl_vcpuinfo){ .vcpuid = i, .cpu = 6, .online = i == 0, .vcpu_time = 5000 };
		libxl_cpu_bitmap_alloc(ctx, &list[i].cpumap, 0);
		libxl_cpu_bitmap_alloc(ctx, &list[i].cpumap_soft, 0);
		list[i].cpumap.map[0] = hard;
		list[i].cpumap_soft.map[0] = soft;
	}
	*vcpus = 2;
	*cpus = CPU_IDS;
	return list;
}

int libxl_domain_info(libxl_ctx *ctx, libxl_dominfo *ret, uint32_t id)
{
	(void)ctx;
	assert_int_equal(id, 0);
	ret->current_memkb = 480 * 1024;
	ret->max_memkb = NO_LIMIT;
	ret->cpu_time = 7000;
	ret->vcpu_online = 1;
	ret->vcpu_max_id = 3;
	return 0;
}

static const char *stored; /* by xenstore, whatever is asked for */

char *libxl_domid_to_name(libxl_ctx *ctx, uint32_t id)
{
	(void)ctx, (void)id;
	return stored ? x_strdup(stored) : NULL;
}

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned *n)
{
	(void)xs, (void)t, (void)path, (void)n;
	return stored ? x_strdup(stored) : NULL;
}

struct xs_handle *xs_open(unsigned long flags)
{
	(void)flags;
	return (struct xs_handle *)handle;
}

void xs_close(struct xs_handle *xs)
{
	(void)xs;
}

int xs_fileno(struct xs_handle *xs)
{
	static int fd = -1;

	(void)xs;
	return fd < 0 ? fd = eventfd(0, EFD_CLOEXEC) : fd;
}

bool xs_watch(struct xs_handle *xs, const char *path, const char *token)
{
	(void)xs, (void)path, (void)token;
	return true;
}

xc_interface *xc_interface_open(xentoollog_logger *log, xentoollog_logger *dom, unsigned flags)
{
	(void)log, (void)dom, (void)flags;
	return (xc_interface *)handle;
}

int xc_interface_close(xc_interface *xc)
{
	(void)xc;
	return 0;
}

int xc_readconsolering(xc_interface *xc, char *p, unsigned *n, int clear, int incremental, uint32_t *index)
{
	(void)xc, (void)p, (void)n, (void)clear, (void)incremental, (void)index;
	return -1;
}

/* ---- the model ---- */

static char told[128];

static void tell_name(struct domain *d, const char *name)
{
	(void)d;
	snprintf(told, sizeof(told), "%s", name);
}

static void tell_maximum(struct domain *d, uint64_t mib)
{
	(void)d;
	snprintf(told, sizeof(told), "%llu", (unsigned long long)mib);
}

static const struct sink sink = { .renamed = tell_name, .maximum = tell_maximum };

static int begin(void **state)
{
	struct backend_config c = { .options = "", .run_dir = dir, .state_dir = dir };
	struct err e = { 0 };

	if (folder_make(state))
		return -1;
	if (!xen_backend.open(&c, &sink, (struct backend **)state, &e))
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int end(void **state)
{
	xen_backend.close(*state);
	unlinkat(folder, "xen/ring", 0);
	unlinkat(folder, "xen", AT_REMOVEDIR);
	return folder_drop(state);
}

/* ---- processors ---- */

static void pins(struct guest *g, const char *cpus, uint8_t map)
{
	bool bound = strcmp(cpus, "all") != 0; /* else there is nothing to be said */
	struct spec *s;
	struct cpus c;

	assert_int_equal(parse_cpus(cpus, &c, NULL), 0);
	hard = soft = 0;
	assert_int_equal(xen_pin(g, 0, &c, NULL, NULL), 0);
	assert_int_equal(hard, map);
	assert_int_equal(xen_pin_soft(g, 0, &c, NULL, NULL), 0);
	assert_int_equal(soft, map);
	s = xen_guest_spec(g);
	assert_true(spec_has(s, KEY_cpus) == bound && spec_has(s, KEY_cpus_soft) == bound);
	spec_unref(s);
}

static void affinity_is(struct guest *g, uint8_t map, const char *cpus)
{
	char text[CPUS_TEXT];
	struct vcpu v[4];

	hard = soft = map;
	assert_int_equal(xen_vcpu_list(g, v, 4, NULL), 2);
	assert_string_equal(cpus_format(text, &v[1].affinity), cpus);
	assert_string_equal(cpus_format(text, &v[1].soft), cpus);
}

/* Those that are offline have numbers too, among those of the others. */
static void test_ids(void **state)
{
	struct uuid u = uuid_random();
	struct spec *s = NULL;
	struct err e = { 0 };
	struct guest *g;
	struct cpus none;

	assert_int_equal(spec_parse("memory = 64\n", 12, &s, NULL, &e), 0);
	g = xen_guest_new(*state, &u, s);
	spec_unref(s);
	g->id = 5;
	pins(g, "all", 0xff);
	pins(g, "4", 0x10);
	pins(g, "4,6", 0x50);
	pins(g, "6-20", 0xc0);
	pins(g, "all", 0xff);
	affinity_is(g, 0xff, "all");
	affinity_is(g, 0x50, "4,6");
	affinity_is(g, 0x0f, "0-3");
	assert_int_equal(parse_cpus("8-20", &none, NULL), 0);
	assert_int_equal(xen_pin(g, 0, &none, NULL, &e), -EINVAL);
	assert_non_null(strstr(e.text, "0 to 7"));
	xen_guest_unref(g);
}

static void test_own(void **state)
{
	struct backend *b = *state;
	struct own own = { .mib = 1 };
	char text[CPUS_TEXT];
	struct vcpu v[1];

	xen_backend.own(b, &own);
	assert_true(own.mib == 480 && own.vcpus == 1 && own.maxvcpus == 4 && own.cpu_usec == 7);
	assert_int_equal(own.max_mib, 2048); /* without a limit it is the host that has one */
	atomic_store(&b->own_max_kib, 512 * 1024);
	xen_backend.own(b, &own);
	assert_int_equal(own.max_mib, 512);
	hard = 0xff;
	assert_int_equal(xen_backend.own_vcpus(b, v, 1), 1);
	assert_true(v[0].id == 0 && v[0].cpu == 6 && v[0].state == 'b' && v[0].cpu_usec == 5);
	assert_string_equal(cpus_format(text, &v[0].affinity), "all");
}

/* ---- what other tools write ---- */

static struct guest *guest(struct backend *b, const char *name)
{
	struct uuid u = uuid_random();
	struct guest *g = xen_guest_new(b, &u, NULL);

	g->id = 5;
	g->foreign = !name;
	g->domain = (struct domain *)handle;
	snprintf(g->called, sizeof(g->called), "%s", name ? name : "");
	return g;
}

static void tells(void (*watch)(struct guest *g), struct guest *g, const char *text, const char *what)
{
	stored = text;
	told[0] = '\0';
	watch(g);
	assert_string_equal(told, what);
	stored = NULL;
}

static void watch_name(struct guest *g)
{
	xen_watch_name(g, NULL);
}

static void test_name(void **state)
{
	struct guest *g = guest(*state, "web1");

	tells(watch_name, g, NULL, "");
	tells(watch_name, g, "web1", "");
	tells(watch_name, g, "db1", "db1");
	tells(watch_name, g, "db1", "");
	tells(watch_name, g, "web1", "web1");
	snprintf(g->called, sizeof(g->called), "db1"); /* by us */
	tells(watch_name, g, "db1", "");
	tells(watch_name, g, "db1--migratedaway", ""); /* xl has moved it, and has not */
	tells(watch_name, g, "db1", "");
	tells(watch_name, g, "--migratedaway", "--migratedaway");
	xen_guest_unref(g);
	g = guest(*state, "web1"); /* adopted, and called so meanwhile */
	tells(watch_name, g, "db1", "db1");
	xen_guest_unref(g);
	g = guest(*state, NULL);
	tells(watch_name, g, "theirs", ""); /* it appeared with that */
	tells(watch_name, g, "theirs--migratedaway", "theirs--migratedaway");
	xen_guest_unref(g);
}

static void test_maximum(void **state)
{
	struct guest *g = guest(*state, "web1");

	tells(xen_watch_maximum, g, "163840", "160");
	tells(xen_watch_maximum, g, "164863", "160");
	tells(xen_watch_maximum, g, NULL, "");
	tells(xen_watch_maximum, g, "", "");
	tells(xen_watch_maximum, g, "-1", "");
	tells(xen_watch_maximum, g, "99999999999999", "");
	g->domain = NULL;
	tells(xen_watch_maximum, g, "163840", "");
	xen_guest_unref(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_maximum),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, begin, end);
}
