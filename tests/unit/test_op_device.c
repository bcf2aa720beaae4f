/* Devices of a guest that runs: what is in force, pending, claimed, told and committed. */
#include "tests/unit/model_world.h"

static char web1[] = "# mine\nmemory=64\ndisk=[ '/i/a.img,raw,xvda,w', # root\n\t'/i/b.img,raw,xvdb,r' ]\n"
		     "vif=[ 'bridge=br0,mac=00:16:3e:00:00:01', 'bridge=br1,mac=00:16:3e:00:00:02' ]\n";

static int setup(void **state)
{
	static struct world w;

	w = world_make();
	world_open(&w, &fake_backend);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	world_end(*state);
	return 0;
}

static bool dry;

#define CALL(name, expression)                                                                                         \
	static int call_##name(struct job *j, void *arg, struct err *e)                                                \
	{                                                                                                              \
		(void)arg;                                                                                             \
		j->dry = dry;                                                                                          \
		return expression;                                                                                     \
	}
CALL(attach, domain_disk_attach(j, arg, e))
CALL(detach, domain_disk_detach(j, arg, e))
CALL(insert, domain_disk_media(j, "hdc", arg, e))
CALL(insert_a, domain_disk_media(j, "xvda", arg, e))
CALL(net, domain_vif_attach(j, arg, e))
CALL(unnet, domain_vif_detach(j, arg, e))
#undef CALL

static const struct verb {
	const char *name;
	int (*call)(struct job *, void *, struct err *);
} attach = { "block-attach", call_attach }, detach = { "block-detach", call_detach },
  insert = { "cd-insert", call_insert }, insert_a = { "cd-insert", call_insert_a },
  net = { "network-attach", call_net }, unnet = { "network-detach", call_unnet };

static int as(struct world *w, struct domain *d, uid_t uid, const struct verb *v, const char *arg)
{
	char *copy = x_strdup(arg), *command = x_printf("%s %s", v->name, arg ? arg : "");
	int rc = world_call(w, d, uid, command, v->call, copy);

	free(command);
	free(copy);
	return rc;
}

static int do_(struct world *w, struct domain *d, const struct verb *v, const char *arg)
{
	return as(w, d, 0, v, arg);
}

static bool says(struct domain *d, const char *what)
{
	return text_has(&d->events, what);
}

/* What is in force of its devices: "xvda xvdb 0 1". */
static void assert_devices(struct domain *d, const char *names)
{
	struct buf b = { 0 };
	char number[DEVICE_TEXT];
	size_t n;

	domain_lock(d);
	(void)spec_disks(d->live, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", b.len ? " " : "", device_name_at(d->live, DEVICE_DISK, i, number));
	(void)spec_vifs(d->live, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", b.len ? " " : "", device_name_at(d->live, DEVICE_VIF, i, number));
	domain_unlock(d);
	assert_string_equal(b.p ? b.p : "", names);
	buf_free(&b);
}

static bool pending(struct domain *d)
{
	bool is;

	domain_lock(d);
	is = domain_pending(d);
	domain_unlock(d);
	return is;
}

static struct domain *running(struct world *w, const char *name, char *text)
{
	struct domain *d = world_define(w, name, text);

	assert_int_equal(world_start(w, d), 0);
	return d;
}

static void test_disks(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", web1);

	assert_int_equal(do_(w, d, &attach, "/i/c.img,raw,xvdc,w"), -EHOSTDOWN);
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(as(w, d, 1000, &attach, "file:/i/c.img,xvdc,w"), 0);
	assert_int_equal(fake_count("disk+ web1 xvdc by 1000"), 1);
	assert_devices(d, "xvda xvdb xvdc 0 1");
	assert_true(pending(d));
	assert_true(says(d, "disk-attach disk=xvdc text=/i/c.img\n"));
	assert_int_equal(do_(w, d, &detach, "xvda"), 0);
	assert_int_equal(fake_count("disk- web1 xvda"), 1);
	assert_devices(d, "xvdb xvdc 0 1");
	assert_true(says(d, "disk-detach disk=xvda\n"));
	/* Another name of the same place. */
	assert_int_equal(do_(w, d, &attach, "/i/d.img,raw,vdc,w"), -EEXIST);
	assert_int_equal(do_(w, d, &detach, "xvda"), -ENOENT);
	assert_non_null(strstr(w->e.text, "xvdb, xvdc"));
	/* What the backend refuses has not happened. */
	fake_fail("disk+", EREMOTEIO);
	assert_int_equal(do_(w, d, &attach, "/i/d.img,raw,xvdd,w"), -EREMOTEIO);
	fake_fail("disk-", EBUSY);
	assert_int_equal(do_(w, d, &detach, "xvdb"), -EBUSY);
	assert_devices(d, "xvdb xvdc 0 1");
	assert_false(says(d, "xvdd"));
	/* What is checked only is not done. */
	dry = true;
	assert_int_equal(do_(w, d, &attach, "/i/d.img,raw,xvdd,w"), 0);
	assert_int_equal(do_(w, d, &attach, "/i/d.img,raw,xvdb,w"), -EEXIST);
	assert_int_equal(do_(w, d, &detach, "xvdb"), 0);
	assert_int_equal(do_(w, d, &unnet, "0"), 0);
	dry = false;
	assert_devices(d, "xvdb xvdc 0 1");
	assert_int_equal(fake_count("disk+ web1 xvdd by 0"), 1);
}

static void test_refused(void **state)
{
	static const struct {
		const struct verb *verb;
		uid_t uid;
		const char *arg;
		int rc;
		const char *says;
	} cases[] = {
		{ &attach, 0, "", -EINVAL, "name in the guest" },
		{ &attach, 0, "x.img,raw,xvdc,w", -EINVAL, "full path" },
		{ &attach, 0, "/x.img,raw,xvdc,maybe", -EINVAL, "maybe" },
		{ &attach, 0, "/x.img,raw,xvdc,w', 'x", -EINVAL, "" },
		{ &attach, 0, "/x.img,raw,xvdc,w\"", -EINVAL, "" },
		{ &attach, 1000, "vdev=xvdc,script=block-x,target=x", -EPERM, "script" },
		{ &attach, 1000, "vdev=xvdc,backend=other,target=/x", -EPERM, "backend" },
		{ &detach, 0, "nvme0", -EINVAL, "nvme0" },
		{ &detach, 0, "xvdq", -ENOENT, "xvda, xvdb" },
		{ &insert_a, 0, "/x.iso", -EINVAL, "no cdrom drive" },
		{ &insert, 0, "/x.iso", -ENOENT, "hdc" },
		{ &net, 0, "mac=no", -EINVAL, "no" },
		{ &net, 0, "devid=1", -EEXIST, "interface 1" },
		{ &net, 0, "mac=00:16:3e:00:00:01", -EEXIST, "00:16:3e:00:00:01" },
		{ &net, 1000, "script=/x", -EPERM, "script" },
		{ &net, 1000, "vifname=eth0", -EPERM, "vifname" },
		{ &unnet, 0, "x", -EINVAL, "number or a MAC" },
		{ &unnet, 0, "00:16:3e", -EINVAL, "number or a MAC" },
		{ &unnet, 0, "2", -ENOENT, "there are 2" },
		{ &unnet, 0, "00:16:3e:00:00:09", -ENOENT, "00:16:3e:00:00:09" },
	};
	struct world *w = *state;
	struct domain *d = running(w, "web1", web1);

	for (size_t i = 0; i < COUNT(cases); i++) {
		int rc = as(w, d, cases[i].uid, cases[i].verb, cases[i].arg);

		if (rc != cases[i].rc || !strstr(w->e.text, cases[i].says))
			print_error("%s %s: %d %s\n", cases[i].verb->name, cases[i].arg, rc, w->e.text);
		assert_int_equal(rc, cases[i].rc);
		assert_non_null(strstr(w->e.text, cases[i].says));
	}
	assert_devices(d, "xvda xvdb 0 1");
	assert_false(pending(d));
}

static void test_vifs(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", web1);
	struct spec *live;
	size_t n;

	assert_int_equal(do_(w, d, &unnet, "0"), 0);
	assert_devices(d, "xvda xvdb 1");
	assert_true(says(d, "vif-detach vif=0 mac=00:16:3e:00:00:01\n"));
	assert_int_equal(do_(w, d, &net, "bridge=br2"), 0);
	assert_devices(d, "xvda xvdb 1 0");
	assert_int_equal(fake_count("vif+ web1 0"), 1);
	assert_int_equal(do_(w, d, &net, "devid=9,mac=00:16:3e:00:00:09"), 0);
	assert_devices(d, "xvda xvdb 1 0 9");
	assert_int_equal(do_(w, d, &unnet, "00:16:3e:00:00:09"), 0);
	domain_lock(d);
	live = spec_ref(d->live);
	domain_unlock(d);
	assert_true(spec_vifs(live, &n)[1].has_mac);
	assert_memory_not_equal(spec_vifs(live, &n)[0].mac, spec_vifs(live, &n)[1].mac, 6);
	spec_unref(live);
}

/* Of two domains one gets an image, or a MAC; also while it is being attached. */
static void test_claims(void **state)
{
	static char two_text[] = "memory=64\n";
	struct world *w = *state;
	struct domain *one = running(w, "one", (char[]){ "memory=64\n" }), *two = running(w, "two", two_text);
	struct background bg;

	assert_int_equal(do_(w, one, &attach, "/i/x.img,raw,xvda,w"), 0);
	assert_int_equal(do_(w, two, &attach, "/i/x.img,raw,xvda,r"), -EBUSY);
	assert_non_null(strstr(w->e.text, "in use by the domain one"));
	assert_int_equal(do_(w, one, &detach, "xvda"), 0);
	assert_int_equal(do_(w, two, &attach, "/i/x.img,raw,xvda,r"), 0);
	assert_int_equal(do_(w, one, &attach, "/i/x.img,raw,xvda,r"), 0);
	fake_block("disk+");
	background_begin(&bg, w, one, "block-attach", call_attach, (char[]){ "/i/y.img,raw,xvdb,w" });
	assert_true(fake_called("disk+ one xvdb by 0", 1));
	assert_int_equal(do_(w, two, &attach, "/i/y.img,raw,xvdb,w"), -EBUSY);
	assert_int_equal(do_(w, one, &detach, "xvda"), -EBUSY); /* the slot */
	fake_release("disk+");
	assert_int_equal(background_end(&bg), 0);
	assert_devices(one, "xvda xvdb");
	/* One that comes to nothing gives it back. */
	fake_fail("disk+", EREMOTEIO);
	assert_int_equal(do_(w, one, &attach, "/i/z.img,raw,xvdc,w"), -EREMOTEIO);
	assert_int_equal(do_(w, two, &attach, "/i/z.img,raw,xvdc,w"), 0);
	/* A MAC: in a configuration, and in force alone. */
	assert_int_equal(do_(w, one, &net, "mac=00:16:3e:00:00:05"), 0);
	assert_int_equal(do_(w, two, &net, "mac=00:16:3e:00:00:05"), -EEXIST);
	assert_non_null(strstr(w->e.text, "the domain one"));
	assert_int_equal(
		world_call(w, two, 0, "config", call_config, (char[]){ "memory=64\nvif=['mac=00:16:3e:00:00:05']\n" }),
		-EEXIST);
	assert_int_equal(do_(w, one, &unnet, "0"), 0);
	assert_int_equal(do_(w, two, &net, "mac=00:16:3e:00:00:05"), 0);
	assert_int_equal(world_call(w, two, 0, "commit", call_commit, NULL), 0);
	assert_int_equal(do_(w, one, &net, "mac=00:16:3e:00:00:05"), -EEXIST);
	/* What has ended holds nothing. */
	assert_int_equal(world_call(w, two, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(do_(w, one, &attach, "/i/z.img,raw,xvdc,w"), 0);
}

static void test_media(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", (char[]){ "memory=64\ncdrom='/i/a.iso'\ndisk=['/i/a.img,raw,hda,w']\n" });

	assert_devices(d, "hda hdc");
	assert_int_equal(do_(w, d, &insert, "/i/b.iso"), 0);
	assert_int_equal(fake_count("media web1 hdc /i/b.iso"), 1);
	assert_devices(d, "hda hdc");
	assert_true(says(d, "media disk=hdc text=/i/b.iso\n"));
	assert_int_equal(do_(w, d, &insert, NULL), 0);
	assert_int_equal(fake_count("media web1 hdc -"), 1);
	assert_true(says(d, "media disk=hdc\n"));
	assert_true(pending(d));
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_false(pending(d));
	assert_null(strstr(d->config, "cdrom='"));
	assert_non_null(strstr(d->config, "vdev=hdc"));
}

/* What was not changed stays as it is written, or as it has been written since. */
static void test_commit(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", web1);

	assert_int_equal(do_(w, d, &attach, "/i/c.img,raw,xvdc,w"), 0);
	assert_int_equal(do_(w, d, &detach, "xvdb"), 0);
	assert_int_equal(do_(w, d, &unnet, "0"), 0);
	assert_int_equal(world_call(w, d, 0, "config", call_config,
	                            (char[]){ "# mine\nmemory=96\ndisk=[ '/i/other.img,raw,xvda,w', # root\n"
	                                      "\t'/i/b.img,raw,xvdb,r' ]\n"
	                                      "vif=[ 'bridge=br0,mac=00:16:3e:00:00:01', "
	                                      "'bridge=br1,mac=00:16:3e:00:00:02' ]\n" }),
	                 0);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_string_equal(d->config, "# mine\nmemory=96\ndisk=[ '/i/other.img,raw,xvda,w', "
	                               "\"format=raw,vdev=xvdc,access=rw,target=/i/c.img\" ]\n"
	                               "vif=[ \"mac=00:16:3e:00:00:02,bridge=br1,devid=1\" ]\n");
	assert_true(pending(d)); /* what the owner wrote meanwhile */
	/* The same again, in another order. */
	assert_int_equal(world_call(w, d, 0, "destroy", call_destroy, NULL), 0);
	assert_int_equal(world_start(w, d), 0);
	assert_int_equal(do_(w, d, &detach, "xvda"), 0);
	assert_int_equal(do_(w, d, &attach, "/i/other.img,raw,xvda,w"), 0);
	assert_true(pending(d));
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_false(pending(d));
	/* Once committed there is nothing more to be. */
	assert_int_equal(world_call(w, d, 0, "config", call_config, web1), 0);
	assert_int_equal(world_call(w, d, 0, "commit", call_commit, NULL), 0);
	assert_string_equal(d->config, web1);
}

/* Another tool's doing: told as ours is; while we change something it waits. */
static void test_told(void **state)
{
	struct world *w = *state;
	struct domain *d = running(w, "web1", (char[]){ "memory=64\ndisk=['/i/a.img,raw,xvda,w']\nvif=['']\n" });
	struct background bg;

	fake_devices("web1",
	             "disk=['/i/a.img,raw,xvda,w','/i/b.img,raw,xvdb,r']\nvif=['devid=3,mac=00:16:3e:00:00:07']\n");
	assert_devices(d, "xvda xvdb 3");
	assert_true(says(d, "disk-attach disk=xvdb text=/i/b.img\n"));
	assert_true(says(d, "vif-detach vif=0 mac="));
	assert_true(says(d, "vif-attach vif=3 mac=00:16:3e:00:00:07\n"));
	domain_lock(d);
	assert_int_equal(spec_memory(d->live), 64);
	domain_unlock(d);
	assert_int_equal(do_(w, d, &detach, "xvdb"), 0);
	fake_block("disk+");
	background_begin(&bg, w, d, "block-attach", call_attach, (char[]){ "/i/y.img,raw,xvdc,w" });
	assert_true(fake_called("disk+ web1 xvdc by 0", 1));
	fake_devices("web1", "disk=['/i/a.img,raw,xvda,w','/i/y.img,raw,xvdc,w','/i/z.img,raw,xvdd,r']\n");
	assert_devices(d, "xvda 3");
	fake_release("disk+");
	assert_int_equal(background_end(&bg), 0);
	assert_devices(d, "xvda xvdc xvdd");
	assert_true(says(d, "disk-attach disk=xvdc text=/i/y.img\n"));
	assert_true(says(d, "disk-attach disk=xvdd text=/i/z.img\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_disks), T(test_refused), T(test_vifs), T(test_claims),
		T(test_media), T(test_commit),  T(test_told),
#undef T
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
