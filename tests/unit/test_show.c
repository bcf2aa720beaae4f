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

static int fake_vcpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
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

static int fake_counters(struct guest *g, struct counters *ret, struct err *e)
{
	(void)g;
	(void)e;
	ret->cpu_usec = INT64_MAX;
	ret->net_tx_dropped = 17;
	return 0;
}

static int fake_disk_counters(struct guest *g, unsigned disk, struct device_counters *ret, struct err *e)
{
	(void)g;
	(void)e;
	ret->read_bytes = disk + 100;
	return 0;
}

static void fake_info(struct backend *b, struct buf *text)
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

static int world_make(void **state)
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

static void world_on(struct world *w)
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

static int world_free(void **state)
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

static char *show_as(struct world *w, const char *path, const struct user *reader, int *code)
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

static void assert_shows(struct world *w, const char *path, const char *text)
{
	int code;
	char *got = show_as(w, path, &root, &code);

	assert_int_equal(code, 0);
	assert_string_equal(got, text);
	free(got);
}

static void status_off(void **state)
{
	(void)state;
	assert_shows(
		*state, "*/status",
		"name web1\nid -\nuuid 06ed00fe-1162-4fc4-b5d8-11993ee4a8b9\nbackend fake\nstate off\nreason defined\n"
		"since 2026-11-21T20:53:25.123Z\nstarted -\nmem_mib 512\nmem_actual_mib 0\nmaxmem_mib 1024\nvcpus 2\n"
		"maxvcpus 4\ndisks 2\nvifs 1\nautostart off\nconfig current\njob -\nowner root\ngroup 4000000001\n"
		"tags prod,web\n");
}

static void status_on(void **state)
{
	struct world *w = *state;

	world_on(w);
	w->d->group = 0;
	w->d->autostart = true;
	w->d->rejected = true;
	free(w->d->tags);
	w->d->tags = x_strdup("");
	assert_shows(
		w, "*/status",
		"name web1\nid 3\nuuid 06ed00fe-1162-4fc4-b5d8-11993ee4a8b9\nbackend fake\nstate running\nreason "
		"started\n"
		"since 2026-11-21T20:53:25.123Z\nstarted 2026-11-21T20:53:25.123Z\nmem_mib 256\nmem_actual_mib 300\n"
		"maxmem_mib 1024\nvcpus 1\nmaxvcpus 4\ndisks 2\nvifs 1\nautostart on\nconfig rejected\njob -\nowner "
		"root\n"
		"group root\ntags -\n");
}

static void values(void **state)
{
	static const struct {
		const char *path, *off, *on;
	} cases[] = {
		{ "*/state", "off\n", "running\n" },
		{ "*/name", "web1\n", "web1\n" },
		{ "*/id", "", "3\n" },
		{ "*/uuid", "06ed00fe-1162-4fc4-b5d8-11993ee4a8b9\n", "06ed00fe-1162-4fc4-b5d8-11993ee4a8b9\n" },
		{ "*/mem", "512\n", "256\n" },
		{ "*/vcpus", "2\n", "1\n" },
		{ "*/owner", "root\n", "root\n" },
		{ "*/autostart", "off\n", "off\n" },
		{ "*/tags", "prod web\n", "prod web\n" },
		{ "*/notes", "", "" },
		{ "*/vnc", "", "" },
		{ "*/job", "", "" },
		{ "*/pending", "", "" },
		{ "*/vcpu-list", "", "0 5 r 1234 0-2,5\n1 - - 1234 all\n" },
		{ "*/config", config, config },
		{ "*/disks/0/status", "name xvda\nsource /images/web1.img\nformat raw\nmode w\ntype disk\n", NULL },
		{ "*/disks/1/status", "name hdc\nsource /iso/d.iso\nformat raw\nmode r\ntype cdrom\n", NULL },
		{ "*/disks/0/source", "/images/web1.img\n", NULL },
		{ "*/disks/1/mode", "r\n", NULL },
		{ "*/disks/1/counters", "read_bytes 0\nwrite_bytes 0\nread_ops 0\nwrite_ops 0\n",
		  "read_bytes 101\nwrite_bytes 0\nread_ops 0\nwrite_ops 0\n" },
		{ "*/disks/7/status", "", "" },
		{ "*/vifs/0/mac", "00:16:3e:27:53:d4\n", NULL },
		{ "*/vifs/0/bridge", "xenbr0\n", NULL },
		{ "*/vifs/0/model", "", "" },
		{ "*/vifs/0/link", "up\n", NULL },
		{ "*/vifs/0/status", "name 0\nmac 00:16:3e:27:53:d4\nbridge xenbr0\nmodel -\nlink up\n", NULL },
		{ "*/vifs/0/counters",
		  "rx_bytes 0\ntx_bytes 0\nrx_packets 0\ntx_packets 0\nrx_dropped 0\ntx_dropped 0\n", NULL },
		{ "Domain-0/state", "running\n", NULL },
		{ "Domain-0/id", "0\n", NULL },
		{ "Domain-0/name", "Domain-0\n", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_shows(*state, cases[i].path, cases[i].off);
	world_on(*state);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_shows(*state, cases[i].path, cases[i].on ? cases[i].on : cases[i].off);
}

static void job(void **state)
{
	struct world *w = *state;
	struct job *j = job_new(&caller_self, w->d, "reboot -w", 10);

	j->since = w->d->since;
	j->percent = 40;
	j->left = 4096;
	w->d->job = j;
	assert_shows(
		w, "*/job",
		"verb reboot\npercent 40\nleft_bytes 4096\neta_seconds 0\nby root\nsince 2026-11-21T20:53:25.123Z\n");
	w->d->job = NULL;
	job_free(j);
}

static void counters(void **state)
{
	struct world *w = *state;
	int code;
	char *text = show_as(w, "*/counters", &root, &code);

	assert_ptr_equal(strstr(text, "sampled -\nuptime_seconds 0\ncpu_usec 0\ncpu_percent 0\n"), text);
	free(text);
	world_on(w);
	text = show_as(w, "*/counters", &root, &code);
	assert_memory_equal(text, "sampled 20", 10);
	assert_non_null(strstr(text, "\ncpu_usec 9223372036854775807\n"));
	assert_string_equal(text + strlen(text) - strlen("\nnet_tx_dropped 17\n"), "\nnet_tx_dropped 17\n");
	free(text);
}

/* Whoever may not write the configuration does not see its password. */
static void passwords(void **state)
{
	static const struct {
		const char *path;
		const struct user *reader;
		bool seen;
	} cases[] = {
		{ "*/config", &root, true },     { "*/config", &member, false }, { "*/config", &other, false },
		{ "*/live", &root, true },       { "*/live", &member, false },   { "*/pending", &root, false },
		{ "*/pending", &member, false }, { "*/pending", &other, false },
	};
	static const char changed[] = "vncpasswd = 'streng'\nvfb = [ 'type=vnc,vncpasswd=streng' ]";
	struct world *w = *state;

	world_on(w);
	spec_unref(w->d->spec);
	assert_int_equal(spec_parse(changed, strlen(changed), &w->d->spec, NULL, NULL), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int code;
		char *text = show_as(w, cases[i].path, cases[i].reader, &code);

		assert_int_equal(code, 0);
		assert_true(*text);
		if (!cases[i].seen)
			assert_true(!strstr(text, "geheim") && !strstr(text, "streng"));
		else
			assert_non_null(strstr(text, "geheim"));
		free(text);
	}
}

static void masks(void **state)
{
	static const struct {
		const char *text, *masked;
	} cases[] = {
		{ "", "" },
		{ "memory = 512\n", "memory = 512\n" },
		{ "vncpasswd='a b'\nx=1\n", "vncpasswd='***'\nx=1\n" },
		{ "VncPasswd = \"a'b\\\"c\" # it\n", "VncPasswd = \"***\" # it\n" },
		{ "vncpasswd = 1234\nx=1", "vncpasswd = ***\nx=1" },
		{ "vncpasswd=''", "vncpasswd='***'" },
		{ "vncpasswd='open\nx=1", "vncpasswd='***'\nx=1" },
		{ "vfb=['type=vnc,vncpasswd=s e,vncunused=1']", "vfb=['type=vnc,vncpasswd=***,vncunused=1']" },
		{ "vfb=['vncpasswd=se']", "vfb=['vncpasswd=***']" },
		{ "# vncpasswd=old\nx=1\n", "# vncpasswd=***\nx=1\n" },
		{ "spicepasswd='x'", "spicepasswd='***'" },
		{ "vncpasswd \\\n = \\\n 'x'", "vncpasswd \\\n = \\\n '***'" },
		{ "# vncpasswd is said below\nx=1\n", "# vncpasswd is said below\nx=1\n" },
		{ "myvncpasswd=1", "myvncpasswd=1" },
		{ "vncpasswds=1", "vncpasswds=1" },
		{ "vncpasswd", "vncpasswd" },
		{ "vncpasswd=", "vncpasswd=" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		secrets_mask(cases[i].text, strlen(cases[i].text), &b);
		assert_string_equal(b.p ? b.p : "", cases[i].masked);
		buf_free(&b);
	}
}

static void json(void **state)
{
	static const char *const paths[] = { "*/domain.json", "Domain-0/domain.json" };
	struct world *w = *state;

	world_on(w);
	free(w->d->tags);
	w->d->tags = x_strdup("a\"b\\c \xff\x01 \xc3\xa4");
	for (size_t i = 0; i < COUNT(paths); i++) {
		json_error_t error;
		int code;
		char *text = show_as(w, paths[i], &root, &code);
		json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, &error), *status;

		if (!all)
			print_error("%s\n%s\n", error.text, text);
		assert_non_null(all);
		status = json_object_get(all, "status");
		assert_true(json_is_string(json_object_get(status, "state")));
		assert_true(json_is_integer(json_object_get(status, "mem_mib")));
		assert_true(json_is_boolean(json_object_get(status, "autostart")));
		assert_true(json_is_null(json_object_get(status, "job")));
		assert_true(json_is_integer(json_object_get(json_object_get(all, "counters"), "disk_read_bytes")));
		assert_int_equal(json_array_size(json_object_get(all, "disks")), i ? 0 : 2);
		assert_int_equal(json_array_size(json_object_get(all, "vifs")), i ? 0 : 1);
		if (!i)
			assert_string_equal(json_string_value(json_object_get(status, "tags")),
			                    "a\"b\\c,\xef\xbf\xbd\x01,\xc3\xa4");
		json_decref(all);
		free(text);
	}
}

/* Each reader sees the domains he may read, and who is on. */
static void lists(void **state)
{
	struct world *w = *state;
	static const char head[] =
		"Name                                        ID   Mem VCPUs\tState\tTime(s)\nDomain-0   ";
	char *text;
	int code;

	text = show_as(w, "list", &root, &code);
	assert_memory_equal(text, head, strlen(head));
	assert_null(strstr(text, "web1"));
	free(text);
	world_on(w);
	w->d->counters.cpu_usec = 12340000;
	w->d->sampled_msec = clock_msec();
	text = show_as(w, "list", &root, &code);
	assert_non_null(
		strstr(text, "\nweb1                                         3   300     1     r-----      12.3\n"));
	free(text);
	text = show_as(w, "list", &other, &code);
	assert_memory_equal(text, head, strlen(head));
	assert_null(strstr(text, "web1"));
	free(text);
	text = show_as(w, "domains.json", &other, &code);
	assert_string_equal(text, "[\n]\n");
	free(text);
	text = show_as(w, "domains.json", &member, &code);
	assert_non_null(strstr(text, "\"web1\""));
	free(text);
}

static void info(void **state)
{
	int code;
	char *text = show_as(*state, "info", &other, &code);

	assert_int_equal(code, 0);
	assert_memory_equal(text, "host ", 5);
	assert_non_null(strstr(text, "\nhypervisor fake\n"));
	assert_non_null(strstr(text, "\nnr_cpus "));
	assert_non_null(strstr(text, "\ntotal_memory "));
	assert_string_equal(text + strlen(text) - 8, "\ntree 1\n");
	free(text);
}

static void see_more(struct backend *b, struct processors *ret)
{
	(void)b;
	assert_true(ret->cpus > 0 && ret->nodes > 0 && ret->cores_per_socket > 0 && ret->threads_per_core > 0);
	*ret = (struct processors){ 4096, 8191, 16, 64, 4, 2394007 };
}

/* What the hypervisor sees, and not what its own domain does as well. */
static void info_more(void **state)
{
	struct world *w = *state;
	struct backend_ops more = ops;
	int code;
	char *text;

	more.processors = see_more;
	w->m.ops = &more;
	text = show_as(w, "info", &other, &code);
	w->m.ops = &ops;
	assert_int_equal(code, 0);
	assert_non_null(strstr(text, "\nnr_cpus 4096\nmax_cpu_id 8191\nnr_nodes 16\ncores_per_socket 64\n"
	                             "threads_per_core 4\ncpu_mhz 2394.007\n"));
	assert_null(strstr(strstr(text, "\nnr_cpus ") + 1, "\nnr_cpus "));
	free(text);
}

#define HOST_CPUS 64

static void see_own(struct backend *b, struct own *ret)
{
	(void)b;
	assert_true(ret->mib && ret->max_mib && ret->vcpus && ret->maxvcpus);
	*ret = (struct own){ .mib = 480, .max_mib = 512, .cpu_usec = 12340000, .vcpus = 1, .maxvcpus = 2 };
}

static void see_host(struct backend *b, struct processors *ret)
{
	(void)b;
	ret->max_id = HOST_CPUS - 1;
}

static int see_vcpus(struct backend *b, struct vcpu *ret, unsigned max)
{
	(void)b;
	assert_true(max >= 2);
	ret[0] = (struct vcpu){ .id = 0, .cpu = 62, .state = 'b', .cpu_usec = UINT64_MAX };
	ret[1] = (struct vcpu){ .id = 1, .cpu = -1, .state = '-', .cpu_usec = UINT64_MAX };
	for (unsigned i = 0; i < HOST_CPUS; i += 2) {
		cpus_add(&ret[0].affinity, i);
		cpus_add(&ret[1].affinity, i);
	}
	return 2;
}

/* Where the hypervisor knows the host's own domain, that is what is shown; else the host is. */
static void own(void **state)
{
	struct world *w = *state;
	struct backend_ops more = ops;
	struct vcpu host[1];
	char *text;
	int code;

	assert_int_equal(host_vcpus(&w->m, host, 1), 1);
	assert_true(host[0].cpu == 0 && cpus_has(&host[0].affinity, 0) && !cpus_has(&host[0].affinity, 1));
	text = show_as(w, "Domain-0/vcpu-list", &other, &code);
	assert_memory_equal(text, "0 0 ", 4);
	free(text);
	more.own = see_own;
	more.own_vcpus = see_vcpus;
	more.processors = see_host;
	w->m.ops = &more;
	text = show_as(w, "Domain-0/vcpu-list", &other, &code);
	assert_memory_equal(text, "0 62 b 18446744073709551615 0,2,4,6,", 36);
	assert_non_null(strstr(text, "\n1 - - 18446744073709551615 0,2,4,6,"));
	free(text);
	text = show_as(w, "Domain-0/status", &other, &code);
	assert_non_null(strstr(text, "\nmem_mib 480\nmem_actual_mib 480\nmaxmem_mib 512\nvcpus 1\nmaxvcpus 2\n"));
	free(text);
	text = show_as(w, "Domain-0/counters", &other, &code);
	assert_non_null(strstr(text, "\ncpu_usec 12340000\n"));
	assert_non_null(strstr(text, "\nmem_host_bytes 503316480\n"));
	free(text);
	text = show_as(w, "list", &other, &code);
	assert_non_null(
		strstr(text, "\nDomain-0                                     0   480     1     r-----      12.3\n"));
	free(text);
	w->m.ops = &ops;
}

static void screen_of_none(void **state)
{
	int code;

	free(show_as(*state, "*/.screen.png", &root, &code));
	assert_int_equal(code, -EOPNOTSUPP);
}

/* The longest figures there can be fit into the size that is promised. */
static void sizes(void **state)
{
	struct buf b = { 0 };
	struct counters c;

	(void)state;
	memset(&c, 0xff, sizeof(c));
	c.sampled = time_now();
	for (const struct fact *f = counter_facts; f->name; f++)
		if (f->type == FACT_NUMBER)
			*(uint64_t *)((char *)&c + f->at) = UINT64_MAX - 1;
	facts_lines(counter_facts, &c, &b);
	assert_true(b.len <= facts_size(counter_facts));
	buf_free(&b);
}

static void tables(void **state)
{
	static const struct fact *const all[] = { status_facts, job_facts, counter_facts };

	(void)state;
	for (size_t t = 0; t < COUNT(all); t++) {
		for (const struct fact *f = all[t]; f->name; f++) {
			assert_true(f->doc && *f->doc);
			assert_false(strpbrk(f->name, " -\n"));
			assert_ptr_equal(fact_find(all[t], f->name), f);
		}
	}
}

/* What was read from it can be written back and changes nothing; a wrong value is refused before anything is asked. */
static void settings(void **state)
{
	static const struct {
		int (*set)(struct job *, const struct ref *, char *, struct err *);
		const char *line;
		int code;
	} cases[] = {
		{ set_mem, "512", 0 },
		{ set_mem, " 512M ", 0 },
		{ set_mem, "+0", 0 },
		{ set_mem, "", EINVAL },
		{ set_mem, "much", EINVAL },
		{ set_mem, "0", EINVAL },
		{ set_mem, "-600", EINVAL },
		{ set_owner, "root", 0 },
		{ set_owner, "0", 0 },
		{ set_owner, "nobody-of-that-name", EINVAL },
		{ set_owner, "1", EPERM },
		{ set_group, "4000000001", 0 },
		{ set_group, "no such group", EINVAL },
		{ set_group, "51", EPERM },
		{ set_autostart, "perhaps", EINVAL },
		{ set_tags, "a\x01", EINVAL },
		{ set_tags, "\xff", EINVAL },
	};
	struct world *w = *state;
	struct caller *c = caller_new(1000, 1000, NULL, 0, 0);
	struct job *j = job_new(c, w->d, "test", 10);
	const struct ref r = { .model = &w->m, .domain = w->d };

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *line = x_strdup(cases[i].line);
		struct err e = { 0 };
		int rc = cases[i].set(j, &r, line, &e);

		if (rc != -cases[i].code)
			print_error("'%s': %s\n", cases[i].line, e.text);
		assert_int_equal(rc, -cases[i].code);
		assert_int_equal(!!*e.text, !!cases[i].code);
		free(line);
	}
	job_free(j);
	caller_unref(c);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(status_off),     IN_WORLD(status_on),     IN_WORLD(values),         IN_WORLD(job),
		IN_WORLD(counters),       IN_WORLD(passwords),     cmocka_unit_test(masks),  IN_WORLD(json),
		IN_WORLD(lists),          IN_WORLD(info),          IN_WORLD(info_more),      IN_WORLD(own),
		IN_WORLD(screen_of_none), cmocka_unit_test(sizes), cmocka_unit_test(tables), IN_WORLD(settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
