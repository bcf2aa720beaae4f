/* The daemon: what its options say is put together here, and only here are backends known by name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "access.h"
#include "backend.h"
#include "fs/background.h"
#include "fs/check.h"
#include "fs/guard.h"
#include "fs/options.h"
#include "fs/session.h"
#include "launcher.h"
#include "log.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

/* In the order in which `auto` asks whether the host is theirs. */
static const struct backend_ops *const backends[] = {
#ifdef HAVE_XEN
	&xen_backend,
#endif
	&qemu_backend,
	&sim_backend,
};

static const char *backend_name(size_t i, const void *ctx)
{
	(void)ctx;
	return backends[i]->name;
}

static int find_backend(const char *name, const struct backend_ops **ret, struct err *e)
{
	char names[64] = "";
	const char *near;

	bool any = strcmp(name, "auto") == 0;

	for (size_t i = 0; i < COUNT(backends); i++) {
		if (any ? !backends[i]->here || backends[i]->here() : strcmp(backends[i]->name, name) == 0) {
			*ret = backends[i];
			return 0;
		}
	}
	for (size_t i = 0; i < COUNT(backends); i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "", backends[i]->name);
	near = nearest(name, COUNT(backends), backend_name, NULL);
	return near ? fail(e, EINVAL, "there is no backend '%s': did you mean %s?", name, near)
	            : fail(e, EINVAL, "there is no backend '%s': there are %s", name, names);
}

static int open_model(const struct options *o, struct model **ret, struct err *e)
{
	struct model_config c = {
		.backend = {
			.options = o->backend_options,
			.run_dir = o->run_dir,
			.state_dir = o->state_dir,
			.qemu = o->qemu,
			.accel = o->accel,
			.uid_first = o->uid_first,
			.uid_last = o->uid_last,
		},
		.config_dir = o->config_dir,
		.state_dir = o->state_dir,
	};
	int r = find_backend(o->backend, &c.ops, e);

	return r ? r : model_open(&c, ret, e);
}

struct starting {
	struct background background;
	struct session *session;
};

static void starting_ready(void *arg)
{
	struct starting *st = arg;

	log_info("serving on %s", st->session->mountpoint);
	sd_notify(0, "READY=1");
	background_ready(&st->background, st->session->mountpoint);
}

static int serve(const struct options *o, struct starting *st, struct err *e)
{
	struct model *model = NULL;
	int r;

	session_block_signals();
	r = open_model(o, &model, e);
	if (r == 0)
		r = session_open(model, o->mountpoint, o->users_define ? 01777 : 0755, &st->session, e);
	if (r == 0) {
		r = model_run(model, e);
		if (r == 0)
			r = session_run(st->session, starting_ready, st, e);
		sd_notify(0, "STOPPING=1");
		model_stop(model);
		session_close(st->session);
	}
	if (model)
		model_close(model);
	return r;
}

static int run_daemon(const struct options *o)
{
	struct starting st = { .background.pipe = -1 };
	struct err e = { 0 };
	int status, r;

	log_set_level(o->log_level);
	if (!o->foreground && !background_begin(&st.background, &status))
		return status;
	r = serve(o, &st, &e);
	if (r) {
		if (st.session)
			log_error("%s", e.text);
		else
			fprintf(stderr, "domfs: %s\n", e.text);
	}
	background_failed(&st.background);
	return r ? 1 : 0;
}

static int print_help(void)
{
	struct buf b = { 0 };

	options_help(&b);
	fputs(b.p, stdout);
	buf_free(&b);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	int status;

	if (access_helper(argc, argv, &status) || herald_helper(argc, argv, &status) ||
	    guard_helper(argc, argv, &status))
		return status;
	qemu_launcher(argc, argv);
	if (options_read(argc, argv, &o, &e)) {
		fprintf(stderr, "domfs: %s\n", e.text);
		status = 2;
	} else if (o.help) {
		status = print_help();
	} else if (o.version) {
		puts("domfs " VERSION);
		status = 0;
	} else if (o.check_config) {
		status = check_files(o.files, o.nfiles);
	} else if (o.dump_config) {
		status = check_dump(o.dump_config);
	} else {
		status = run_daemon(&o);
	}
	options_free(&o);
	return status;
}
