/* The configuration folder: every NAME.cfg in it is a domain. It is root's, so what lies there speaks for root. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "hypervisor/model/folder.h"
#include "log.h"

#define WATCHED (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

/* Before the first reading, so that no change falls between it and the following. */
static int watch_open(struct folder *f, struct err *e)
{
	char path[64];

	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (f->inotify < 0 || f->stop_fd < 0)
		return fail(e, errno, "inotify: %m");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->dirfd);
	f->watch_dir = inotify_add_watch(f->inotify, path, WATCHED);
	if (f->watch_dir < 0)
		return fail(e, errno, "%s cannot be watched: %m", f->path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->autofd);
	f->watch_auto = f->autofd < 0 ? -1 : inotify_add_watch(f->inotify, path, WATCHED | IN_CREATE);
	return 0;
}

int folder_open(struct model *m, const char *dir, struct folder **ret, struct err *e)
{
	struct folder *f = x_alloc(sizeof(*f));
	struct stat st;
	int rc = 0;

	f->model = m;
	f->path = x_strdup(dir);
	f->inotify = f->stop_fd = f->autofd = -1;
	f->dirfd = dir_make(dir, 0755, e);
	if (f->dirfd < 0) {
		rc = f->dirfd;
	} else if (fstat(f->dirfd, &st) || st.st_uid != geteuid() || (st.st_mode & 022)) {
		rc = fail(e, EPERM,
		          "%s must belong to the daemon's user and be writable by nobody else: chown root, chmod go-w",
		          dir);
	} else {
		file_sweep(f->dirfd);
		if (mkdirat(f->dirfd, "auto", 0755) && errno != EEXIST)
			log_warn("%s/auto: %m", dir);
		f->autofd = openat(f->dirfd, "auto", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (f->autofd < 0)
			log_warn("%s/auto: %m; no domain starts with the host", dir);
		rc = watch_open(f, e);
	}
	if (rc)
		folder_close(f);
	else
		*ret = f;
	return rc;
}

void folder_close(struct folder *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < 4; i++) {
		int fd = (int[]){ f->inotify, f->stop_fd, f->autofd, f->dirfd }[i];

		if (fd >= 0)
			close(fd);
	}
	table_free(&f->missing);
	table_free(&f->links);
	free(f->path);
	free(f);
}

static const char *file_of(const char *name, char file[NAME_MAX_LEN + 5])
{
	snprintf(file, NAME_MAX_LEN + 5, "%s.cfg", name);
	return file;
}

bool folder_name(const char *file, char name[NAME_MAX_LEN + 1])
{
	size_t n = strlen(file);

	if (n < 5 || n > NAME_MAX_LEN + 4 || strcmp(file + n - 4, ".cfg") != 0 || *file == '.' || *file == '#')
		return false;
	snprintf(name, NAME_MAX_LEN + 1, "%.*s", (int)(n - 4), file);
	return true;
}

/* A file that was dropped in defines a domain of root's, unless an earlier daemon knew it as somebody's. */
static struct domain *define(struct folder *f, const char *name)
{
	struct domain *d;
	struct err e = { 0 };
	bool known;

	if (name_check(name, &e)) {
		log_warn("%s/%s.cfg is not taken: %s", f->path, name, e.text);
		return NULL;
	}
	d = domain_new(f->model, name);
	known = !store_domain_load(d, &e);
	if (!known && e.code != ENOENT)
		log_warn("%s: its owner, uuid and notes begin anew: %s", name, e.text);
	d->autostart = autostart_has(f->model, name);
	if (registry_add(d, &e)) {
		log_warn("%s/%s.cfg is not taken: %s", f->path, name, e.text);
		domain_unref(d);
		return NULL;
	}
	if (!known && store_domain_save(d, &e))
		log_error("%s", e.text);
	if (!f->model->scanning) {
		domain_lock(d);
		event_emit(d, "define", "%s", "");
		domain_unlock(d);
	}
	return d;
}

/* When the text of the file cannot be used, the last valid one is, also after a restart. */
static void fall_back(struct domain *d)
{
	struct buf text = { 0 };
	struct spec *spec = NULL;
	struct err ignored = { 0 };
	bool none;

	domain_lock(d);
	none = !d->config_len;
	domain_unlock(d);
	if (none && !store_valid_load(d, &text, &ignored) && text.len &&
	    !config_read(d, text.p, text.len, &spec, &ignored))
		config_take(d, text.p, text.len, spec);
	buf_free(&text);
}

static void reject(struct domain *d, const char *name, uint64_t hash, const char *why)
{
	fall_back(d);
	domain_lock(d);
	d->config_hash = hash; /* not to be rejected again for the same text */
	domain_unlock(d);
	config_reject(d, why);
	log_warn("%s.cfg: %s", name, why);
}

static void take(struct domain *d, const char *name, const struct buf *text, uint64_t hash)
{
	struct spec *spec = NULL;
	struct err e = { 0 };
	const char *p = text->p ? text->p : "";

	if (config_read(d, p, text->len, &spec, &e)) {
		reject(d, name, hash, e.text);
		return;
	}
	config_take(d, p, text->len, spec);
	if (store_domain_follow(d, p, text->len, &e))
		log_error("%s", e.text);
}

/* The text as it was when no file was read yet has no hash. */
static bool is_new(struct domain *d, uint64_t hash)
{
	bool same;

	domain_lock(d);
	same = d->config_hash == hash;
	d->orphan = false;
	domain_unlock(d);
	return !same;
}

void folder_load(struct folder *f, const char *name)
{
	char file[NAME_MAX_LEN + 5];
	struct buf text = { 0 };
	struct err e = { 0 };
	struct domain *d = model_find(f->model, name);
	uint64_t hash;
	int rc;

	if (d && d->foreign) {
		log_warn("%s/%s.cfg waits: another tool runs a domain of this name", f->path, name);
		goto out;
	}
	rc = folder_read(f->model, name, &text, &e);
	if (rc) {
		if (rc != -ENOENT && d && is_new(d, ~0ull))
			reject(d, name, ~0ull, e.text);
		else if (rc != -ENOENT)
			log_warn("%s/%s is not taken: %s", f->path, file_of(name, file), e.text);
		goto out;
	}
	hash = hash_text(text.p ? text.p : "", text.len);
	if (!d)
		d = define(f, name); /* registry_add() took a reference of its own, this one is ours */
	if (d && is_new(d, hash))
		take(d, name, &text, hash);
out:
	domain_unref(d);
	buf_free(&text);
}

void folder_lost(struct folder *f, const char *name)
{
	struct domain *d = folder_has(f->model, name) ? NULL : model_find(f->model, name);
	bool leaves = false;

	if (!d || d->foreign)
		goto out;
	domain_lock(d);
	leaves = !domain_on(d) && !d->guest && !d->job;
	if (!leaves && !d->orphan) {
		d->orphan = true;
		domain_touch(d);
		event_emit(d, "config", "config=removed");
	}
	domain_unlock(d);
	if (!leaves)
		goto out;
	registry_del(d);
	domain_lock(d);
	event_emit(d, "undefine", "%s", "");
	domain_unlock(d);
	store_domain_remove(d);
out:
	domain_unref(d);
}

/* Domains without a file. A domain is registered and its file written under one hold of the disk's lock. */
static void lose_missing(struct model *m)
{
	struct domain *d;
	uint64_t after = 0;

	while ((d = model_next(m, after))) {
		char *each;

		after = d->serial;
		lock_acquire(&m->disk);
		each = domain_name(d);
		if (!d->foreign)
			folder_lost(m->folder, each);
		lock_release(&m->disk);
		free(each);
		domain_unref(d);
	}
}

int folder_scan(struct model *m, struct err *e)
{
	struct folder *f = m->folder;
	char name[NAME_MAX_LEN + 1];
	struct dirent *entry;
	DIR *dir;
	int rc, fd = openat(f->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		rc = fail(e, errno, "%s: %m", f->path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((entry = readdir(dir))) {
		if (!folder_name(entry->d_name, name))
			continue;
		lock_acquire(&m->disk);
		folder_load(f, name);
		lock_release(&m->disk);
	}
	closedir(dir);
	lose_missing(m);
	return 0;
}

int folder_read(struct model *m, const char *name, struct buf *ret, struct err *e)
{
	char file[NAME_MAX_LEN + 5];

	return file_slurp(m->folder->dirfd, file_of(name, file), CONFIG_MAX, ret, e);
}

bool folder_has(struct model *m, const char *name)
{
	char file[NAME_MAX_LEN + 5];

	return !faccessat(m->folder->dirfd, file_of(name, file), F_OK, AT_SYMLINK_NOFOLLOW);
}

int folder_write(struct model *m, const char *name, const char *text, size_t n, struct err *e)
{
	char file[NAME_MAX_LEN + 5];

	return file_replace(m->folder->dirfd, file_of(name, file), text, n, 0600, e);
}

int folder_unlink(struct model *m, const char *name, struct err *e)
{
	struct folder *f = m->folder;
	char file[NAME_MAX_LEN + 5];

	if (unlinkat(f->dirfd, file_of(name, file), 0) && errno != ENOENT)
		return fail(e, errno, "%s/%s: %m", f->path, file);
	fsync(f->dirfd);
	return 0;
}

int folder_remove(struct model *m, const char *name, struct err *e)
{
	struct folder *f = m->folder;
	char file[NAME_MAX_LEN + 5], kept[NAME_MAX_LEN + TIME_TEXT + 16], when[TIME_TEXT];
	struct timespec now = time_now();

	if (mkdirat(f->dirfd, ".removed", 0700) && errno != EEXIST)
		return fail(e, errno, "%s/.removed: %m", f->path);
	snprintf(kept, sizeof(kept), ".removed/%s.%s.cfg", name, time_format(when, &now));
	if (renameat(f->dirfd, file_of(name, file), f->dirfd, kept) && errno != ENOENT)
		return fail(e, errno, "%s/%s to %s: %m", f->path, file, kept);
	fsync(f->dirfd);
	return 0;
}
