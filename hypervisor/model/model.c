/* The model as a whole: opening, running, closing; who may do what. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "hypervisor/model/internal.h"
#include "log.h"

static struct text *log_text; /* [I] while the model is open */

static void log_line(enum log_level level, const char *line)
{
	(void)level;
	text_append(log_text, line, strlen(line));
	text_append(log_text, "\n", 1);
}

static int make_folder(const char *path, mode_t mode, struct err *e)
{
	int fd = dir_make(path, mode, e);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static struct model *model_new(const struct model_config *c)
{
	struct model *m = x_alloc(sizeof(*m));

	lock_init(&m->disk);
	lock_init(&m->lock);
	lock_init(&m->follow);
	lock_init(&m->order);
	lock_init(&m->noting);
	holders_init(&m->holders);
	m->ops = c->ops;
	m->sink = model_sink;
	m->sink.model = m;
	m->started = time_now();
	text_init(&m->events, TEXT_KEEP);
	text_init(&m->history, TEXT_KEEP);
	text_init(&m->log, TEXT_KEEP);
	log_text = &m->log;
	log_set_hook(log_line);
	return m;
}

/* What lies on the disk, before anything of the backend is known. */
static int read_folders(struct model *m, struct err *e)
{
	int rc;

	m->seq = store_seq(m->store);
	lock_acquire(&m->disk);
	store_history_load(m);
	store_rename_recover(m);
	lock_release(&m->disk);
	m->scanning = true;
	rc = folder_scan(m, e);
	m->scanning = false;
	return rc;
}

int model_open(const struct model_config *c, struct model **ret, struct err *e)
{
	struct model *m = model_new(c);
	int rc;

	rc = store_open(c->state_dir, &m->store, e);
	if (!rc)
		rc = folder_open(m, c->config_dir, &m->folder, e);
	if (!rc)
		rc = make_folder(c->backend.run_dir, 0755, e);
	if (!rc)
		rc = read_folders(m, e);
	if (!rc)
		rc = c->ops->open(&c->backend, &m->sink, &m->backend, e);
	if (!rc)
		rc = c->ops->adopt(m->backend, e);
	if (rc)
		model_close(m);
	else
		*ret = m;
	return rc;
}

int model_run(struct model *m, struct err *e)
{
	int rc = folder_watch(m, e);

	if (rc)
		return rc;
	policy_enable(m);
	restart_found(m);
	if (store_first_boot(m->store))
		pool_run(autostart_run, m, false);
	return 0;
}

void model_stop(struct model *m)
{
	struct domain *d;
	uint64_t after = 0;
	struct err ignored;

	m->closing = true;
	wait_stop_all(m);
	/* Who has seen `closing` unset holds the domain's lock or has queued its work when this is done. */
	while ((d = model_next(m, after))) {
		after = d->serial;
		job_cancel(d, &caller_self, &ignored);
		domain_unref(d);
	}
}

/* Off the registry, with what a successor wants to know. The guest's handle was the backend's to free. */
static void let_go(struct domain *d)
{
	struct err e = { 0 };
	bool cookie = d->guest;

	store_console_save(d);
	if ((d->guest_gone || d->unchanged) && store_domain_save(d, &e))
		log_error("%s", e.text);
	registry_del(d);
	if (cookie)
		domain_unref(d);
}

void model_close(struct model *m)
{
	struct domain *d;

	if (!m)
		return;
	model_stop(m);
	folder_unwatch(m->folder);
	pool_drain(); /* while the backend still tells what those under way wait for */
	if (m->backend)
		m->ops->close(m->backend);
	model_follow(m, NULL, NULL);
	lock_acquire(&m->disk);
	while ((d = model_next(m, 0))) {
		let_go(d);
		domain_unref(d);
	}
	lock_release(&m->disk);
	log_set_hook(NULL);
	folder_close(m->folder);
	store_close(m->store);
	table_free(&m->by_name);
	free(m->by_serial);
	text_destroy(&m->events);
	text_destroy(&m->history);
	text_destroy(&m->log);
	holders_destroy(&m->holders);
	lock_destroy(&m->order);
	lock_destroy(&m->noting);
	lock_destroy(&m->follow);
	lock_destroy(&m->lock);
	lock_destroy(&m->disk);
	free(m);
}

bool user_in_group(const struct user *u, gid_t g)
{
	if (u->gid == g)
		return true;
	for (size_t i = 0; i < u->ngroups; i++)
		if (u->groups[i] == g)
			return true;
	return false;
}

bool domain_may(struct domain *d, const struct user *u, int r4w2)
{
	mode_t mode;
	bool may;

	domain_lock(d);
	mode = u->uid == d->owner ? d->mode >> 6 : user_in_group(u, d->group) ? d->mode >> 3 : d->mode;
	may = u->uid == 0 || (mode & (mode_t)r4w2) == (mode_t)r4w2;
	domain_unlock(d);
	return may;
}
