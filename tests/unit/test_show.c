#include "show_world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(status_off), IN_WORLD(status_on),      IN_WORLD(values),        IN_WORLD(job),
		IN_WORLD(counters),   IN_WORLD(passwords),      cmocka_unit_test(masks), IN_WORLD(json),
		IN_WORLD(lists),      IN_WORLD(screen_of_none), cmocka_unit_test(sizes), cmocka_unit_test(tables),
		IN_WORLD(settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
