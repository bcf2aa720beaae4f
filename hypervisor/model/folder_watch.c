/* The thread that follows the configuration folder: changes are loaded at once, a removal counts after a second. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "hypervisor/model/folder.h"
#include "log.h"

#define GRACE_MSEC 1000 /* editors remove and write anew */

struct moved { /* the first half of a rename within the folder */
	uint32_t cookie;
	char name[NAME_MAX_LEN + 1];
};

static void miss(struct folder *f, const char *name)
{
	uint64_t *when = table_get(&f->missing, name);

	if (!when) {
		when = x_alloc(sizeof(*when));
		table_put(&f->missing, name, when);
	}
	*when = clock_msec() + GRACE_MSEC;
}

/* Those whose second is over and who did not come back. Milliseconds until the next, -1 when there is none. */
static int miss_check(struct folder *f)
{
	uint64_t now = clock_msec(), next = 0, *when;
	const char *key;
	char name[NAME_MAX_LEN + 1];
	size_t pos = 0;
	void *value;

	while (table_next(&f->missing, &pos, &key, &value)) {
		when = value;
		if (*when > now) {
			if (!next || *when < next)
				next = *when;
			continue;
		}
		snprintf(name, sizeof(name), "%s", key);
		free(table_del(&f->missing, name));
		lock_acquire(&f->model->disk);
		folder_lost(f, name);
		lock_release(&f->model->disk);
		pos = 0; /* the table changed */
		next = 0;
	}
	return next ? (int)(next - now) : -1;
}

static void load(struct folder *f, const char *name)
{
	lock_acquire(&f->model->disk);
	folder_load(f, name);
	lock_release(&f->model->disk);
}

/* False: it cannot be; the one name counts as removed then, the other as dropped in. */
static bool rename_domain(struct folder *f, struct domain *d, const char *from, const char *to)
{
	struct model *m = f->model;
	struct err e = { 0 };

	if (d->foreign || name_check(to, &e) || registry_rename(d, to, &e))
		return false;
	store_rename_recover(m); /* of an earlier one, whose journal would be lost */
	if (store_rename_finish(m, from, to, &e))
		log_error("%s", e.text);
	domain_lock(d);
	d->config_hash = 0; /* the text is read again: it may say the old name */
	event_emit(d, "rename", "from=%s", from);
	domain_unlock(d);
	if (!m->closing)
		pool_run(domain_tell_name, domain_ref(d), false);
	return true;
}

/* mv old.cfg new.cfg in the folder is a rename of the domain: its file has the new name already. */
static void renamed(struct folder *f, const char *from, const char *to)
{
	struct domain *d;

	lock_acquire(&f->model->disk);
	d = folder_has(f->model, from) ? NULL : model_find(f->model, from);
	if (d && !rename_domain(f, d, from, to))
		miss(f, from);
	folder_load(f, to);
	lock_release(&f->model->disk);
	domain_unref(d);
}

static void overflow(struct folder *f)
{
	struct err e = { 0 };

	log_warn("%s changes faster than it can be followed: it is read anew", f->path);
	if (folder_scan(f->model, &e))
		log_error("%s", e.text);
	autostart_scan(f->model);
}

static void event_take(struct folder *f, const struct inotify_event *ev, struct moved *moved)
{
	char name[NAME_MAX_LEN + 1];

	if (ev->mask & IN_Q_OVERFLOW) {
		overflow(f);
		return;
	}
	if (!ev->len || !folder_name(ev->name, name))
		return;
	if (ev->mask & IN_MOVED_FROM) {
		moved->cookie = ev->cookie;
		snprintf(moved->name, sizeof(moved->name), "%s", name);
		miss(f, name);
	} else if (ev->mask & IN_DELETE) {
		miss(f, name);
	} else if ((ev->mask & IN_MOVED_TO) && moved->cookie && ev->cookie == moved->cookie) {
		free(table_del(&f->missing, moved->name));
		renamed(f, moved->name, name);
	} else {
		load(f, name);
	}
}

/* However many links in auto/ have changed, they are looked at once. */
static void events_take(struct folder *f, const char *p, ssize_t n, struct moved *moved)
{
	bool links = false;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *ev = (const struct inotify_event *)(p + at);

		if (ev->wd == f->watch_auto && ev->wd >= 0)
			links = true;
		else
			event_take(f, ev, moved);
		at += (ssize_t)(sizeof(*ev) + ev->len);
	}
	if (links)
		autostart_scan(f->model);
}

static void *follow(void *arg)
{
	struct folder *f = arg;
	char room[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct pollfd fds[2] = { { .fd = f->inotify, .events = POLLIN }, { .fd = f->stop_fd, .events = POLLIN } };
	struct moved moved = { 0 };
	ssize_t n;

	for (;;) {
		if (poll(fds, 2, miss_check(f)) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		n = fds[0].revents ? read(f->inotify, room, sizeof(room)) : 0;
		events_take(f, room, n, &moved);
	}
	for (size_t pos = 0;;) {
		void *value;

		if (!table_next(&f->missing, &pos, NULL, &value))
			break;
		free(value);
	}
	return NULL;
}

void folder_unwatch(struct folder *f)
{
	uint64_t one = 1;

	if (!f || !f->watched)
		return;
	if (write(f->stop_fd, &one, sizeof(one)) != sizeof(one))
		log_error("%s: its thread cannot be told to end: %m", f->path);
	pthread_join(f->thread, NULL);
	f->watched = false;
}

int folder_watch(struct model *m, struct err *e)
{
	struct folder *f = m->folder;

	if (pthread_create(&f->thread, NULL, follow, f))
		return fail(e, EAGAIN, "no thread to watch %s", f->path);
	f->watched = true;
	return 0;
}
