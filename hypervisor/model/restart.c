/*
 * STATE/domains/NAME/restart: a guest of this boot of the host was ended only to be started again, like this. Whoever finds the
 * file when the daemon comes up and the domain off, a daemon ended in between, and starts it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "hypervisor/model/store.h"
#include "log.h"

#define FIRST_LINE_MAX 64
#define RESTART_SECONDS 300

static void first_line(const struct domain *d, bool paused, struct buf *b)
{
	buf_printf(b, "# %s %s\n", d->model->store->boot, paused ? "paused" : "running");
}

void restart_save(struct domain *d, const struct spec *spec, bool paused)
{
	struct buf text = { 0 };
	struct err e = { 0 };

	first_line(d, paused, &text);
	spec_print(spec, true, &text);
	lock_acquire(&d->model->disk);
	if (store_file_save(d, RESTART_FILE, text.p, text.len, &e))
		log_warn("it stays off if the daemon is killed before it has started again: %s", e.text);
	lock_release(&d->model->disk);
	buf_free(&text);
}

void restart_end(struct domain *d, int rc)
{
	lock_acquire(&d->model->disk);
	if (!rc || !d->model->closing)
		store_file_drop(d, RESTART_FILE);
	lock_release(&d->model->disk);
	domain_lock(d);
	d->restarting = false;
	domain_unlock(d);
}

/* -ENOENT: there is none of this boot. */
static int load(struct domain *d, struct spec **ret, bool *paused, struct err *e)
{
	struct buf text = { 0 }, line = { 0 };
	int rc;

	lock_acquire(&d->model->disk);
	rc = store_file_load(d, RESTART_FILE, CONFIG_MAX + FIRST_LINE_MAX, &text, e);
	lock_release(&d->model->disk);
	for (int i = 0; !rc && i < 2; i++) {
		buf_reset(&line);
		first_line(d, i, &line);
		if (text.len < line.len || memcmp(text.p, line.p, line.len) != 0)
			continue;
		*paused = i;
		rc = spec_parse(text.p + line.len, text.len - line.len, ret, NULL, e);
		goto out;
	}
	if (!rc)
		rc = fail(e, ENOENT, "it is of an earlier boot of the host");
out:
	buf_free(&line);
	buf_free(&text);
	return rc;
}

static int start_again(struct job *j, struct err *e)
{
	struct domain *d = j->domain;
	struct spec *spec = NULL;
	bool paused = false, off;
	int rc = load(d, &spec, &paused, e);

	domain_lock(d);
	off = !domain_on(d) && !(d->guest && !d->guest_gone);
	d->restarting = off && !rc;
	domain_unlock(d);
	if (!rc && off) {
		domain_log(d, "it was being restarted when the daemon before ended");
		rc = domain_run(j, spec, paused, e);
	}
	restart_end(d, rc);
	spec_unref(spec);
	return off ? rc : -ENOENT;
}

static void restart_job(void *arg)
{
	struct domain *d = arg;
	struct job *j = job_new(&caller_self, d, "restart", RESTART_SECONDS);
	struct err e = { 0 };
	int rc = job_begin_ever(j, &e);

	if (!rc) {
		rc = start_again(j, &e);
		job_end(j);
	}
	if (rc != -ENOENT)
		history_add(d->model, d, &caller_self, j->command, rc, rc ? e.text : "");
	if (rc && rc != -ENOENT)
		log_error("%s: %s: %s", j->verb, err_name(rc), e.text);
	job_free(j);
	domain_unref(d);
}

void restart_found(struct model *m)
{
	struct domain *d;
	uint64_t after = 0;
	bool found;

	while ((d = model_next(m, after))) {
		after = d->serial;
		domain_lock(d);
		found = d->restart_found;
		d->restart_found = false;
		domain_unlock(d);
		if (found)
			pool_run(restart_job, domain_ref(d), true);
		domain_unref(d);
	}
}
