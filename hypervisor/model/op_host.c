/* Verbs of the host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "hypervisor/config/edit.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"

/* The name that a word or the text gives, else that of the file without .cfg. */
static char *name_of(const char *file, const struct buf *text, const char *const *words, size_t n, struct err *e)
{
	const char *base = strrchr(file, '/') + 1;
	size_t len = strlen(base);
	struct spec *spec = NULL, *named = NULL;
	char *name = NULL;

	if (spec_parse(text->p ? text->p : "", text->len, &spec, NULL, e) || spec_override(spec, words, n, &named, e))
		goto out;
	if (len > 4 && !strcmp(base + len - 4, ".cfg"))
		len -= 4;
	name = spec_has(named, KEY_name) ? x_strdup(spec_str(named, KEY_name, "")) : x_strndup(base, len);
out:
	spec_unref(named);
	spec_unref(spec);
	return name;
}

/* The file's text, its name= made the domain's. */
static int named_text(const struct buf *text, const char *name, struct buf *ret, struct err *e)
{
	const char *p = text->p ? text->p : "";
	unsigned line, column;
	char *value;
	int rc;

	if (!config_find(p, text->len, KEY_name, &line, &column)) {
		buf_add(ret, p, text->len);
		return 0;
	}
	value = x_printf("\"%s\"", name);
	rc = config_edit(p, text->len, KEY_name, value, ret, e);
	free(value);
	return rc;
}

static int check_new_text(struct domain *d, const char *name, const struct caller *c, struct err *e)
{
	bool on;

	domain_lock(d);
	on = domain_on(d);
	domain_unlock(d);
	if (!domain_may(d, &c->user, 2))
		return fail(e, EACCES, "the domain %s is another user's", name);
	return on ? fail(e, EEXIST, "%s: the domain is on already", name) : 0;
}

int model_create(struct model *m, struct job *j, const char *file, const char *const *words, size_t n, struct err *e)
{
	struct buf text = { 0 }, named = { 0 };
	struct domain *d = NULL;
	struct job *sub = NULL;
	char *name = NULL;
	bool made = false;
	int rc = access_read(&j->caller->user, file, CONFIG_MAX, j->deadline, &text, e);

	if (rc)
		goto out;
	name = name_of(file, &text, words, n, e);
	rc = name ? named_text(&text, name, &named, e) : -e->code;
	if (rc) {
		fail_in(e, "%s", file);
		goto out;
	}
	d = model_find(m, name);
	if (!d) {
		rc = domain_define(m, j, name, &d, e);
		made = !rc;
		if (rc || j->dry)
			goto out;
	}
	rc = check_new_text(d, name, j->caller, e);
	if (rc)
		goto out;
	sub = job_new(j->caller, d, j->command, 300);
	sub->dry = j->dry;
	rc = domain_set_config(sub, named.p ? named.p : "", named.len, e);
	if (!rc)
		rc = domain_start(sub, false, words, n, e);
	if (rc && made) { /* as xl does: what was not created is not there */
		struct err ignored;

		domain_undefine(sub, &ignored);
	}
out:
	job_free(sub);
	domain_unref(d);
	free(name);
	buf_free(&named);
	buf_free(&text);
	return rc;
}

int model_reload(struct model *m, struct job *j, struct err *e)
{
	int rc = j->dry ? 0 : folder_scan(m, e);

	if (!rc && !j->dry)
		autostart_scan(m);
	return rc;
}

struct all { /* what shutdown-all hands on */
	struct job *job;
	void (*each)(struct domain *, void *);
	void *arg;
	int rc; /* the first failure, and its sentence */
	struct err *e;
};

static void shutdown_one(struct all *all, struct domain *d)
{
	struct job *sub = job_new(all->job->caller, d, "shutdown", 30);
	struct err e = { 0 };
	int rc;

	sub->dry = all->job->dry;
	rc = domain_shutdown(sub, &e);
	if (!sub->dry)
		history_add(d->model, d, sub->caller, "shutdown", rc, rc ? e.text : "");
	if (!rc && !sub->dry && all->each)
		all->each(d, all->arg);
	if (rc && !all->rc) {
		all->rc = rc;
		if (all->e)
			*all->e = e;
	}
	job_free(sub);
}

static bool takes_part(struct domain *d, bool autostart, const struct caller *c)
{
	bool part;

	domain_lock(d);
	part = d->autostart == autostart && domain_on(d) && d->state != STATE_STOPPING && d->state != STATE_CRASHED;
	domain_unlock(d);
	return part && domain_may(d, &c->user, 2);
}

/* Those that start with the host go down in reverse of their order, the others before them. */
int model_shutdown_all(struct model *m, struct job *j, void (*each)(struct domain *, void *), void *arg, struct err *e)
{
	struct all all = { .job = j, .each = each, .arg = arg, .e = e };
	struct buf order = { 0 };
	struct domain *d;
	uint64_t after = 0;
	char *line;

	while (!job_check(j, NULL) && (d = model_next(m, after))) {
		after = d->serial;
		if (takes_part(d, false, j->caller))
			shutdown_one(&all, d);
		domain_unref(d);
	}
	autostart_order(m, &order);
	while (order.len && !job_check(j, NULL)) {
		line = memrchr(order.p, '\n', order.len);
		line = line ? line + 1 : order.p;
		d = *line ? model_find(m, line) : NULL;
		if (d && takes_part(d, true, j->caller))
			shutdown_one(&all, d);
		domain_unref(d);
		order.len = (size_t)(line - order.p);
		if (order.len)
			order.p[--order.len] = '\0';
	}
	buf_free(&order);
	return all.rc ? all.rc : job_check(j, e);
}
