/*
 * STATE/domains/NAME: `meta` (what a configuration does not say), `valid` (the last valid configuration), `history` and
 * `console`. All may be missing: the configuration folder alone says which domains there are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "hypervisor/model/store.h"
#include "log.h"

#define HISTORY_MAX (1u << 20) /* on disk; what is shown is TEXT_KEEP at most */
#define CONSOLE_KEEP (64u << 10)
#define META_MAX (1u << 20)
#define DEVICES_MAX (128u << 10) /* JSON makes up to six bytes of one: with room to spare in META_MAX */

static int folder_of(struct store *s, const char *name, bool make)
{
	if (make && mkdirat(s->domainsfd, name, 0700) && errno != EEXIST)
		return -1;
	return openat(s->domainsfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* JSON has room for UTF-8 only, and a path may be any bytes: they are escaped as the language reads them. */
static void add_ascii(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x80)
			buf_putc(b, s[i]);
		else
			buf_printf(b, "\\x%02x", (unsigned char)s[i]);
}

/* What a commit compares the devices with, and which guest it is of. */
static void devices_pack(const struct domain *d, json_t *o, const struct spec *s, const struct timespec *of)
{
	struct buf text = { 0 }, ascii = { 0 };
	struct err e = { 0 };
	int rc = spec_print_devices(s, &text, &e);

	if (!rc)
		add_ascii(&ascii, text.p ? text.p : "", text.len);
	if (!rc && ascii.len > DEVICES_MAX)
		rc = fail(&e, EFBIG, "they are too long");
	if (rc)
		log_warn("%s: the changes of its devices are lost at the daemon's end: %s", d->name, e.text);
	else
		json_object_set_new(o, "devices",
		                    json_pack("{s:I, s:I, s:s%}", "sec", (json_int_t)of->tv_sec, "nsec",
		                              (json_int_t)of->tv_nsec, "unchanged", ascii.p ? ascii.p : "", ascii.len));
	buf_free(&text);
	buf_free(&ascii);
}

static json_t *meta_pack(struct domain *d)
{
	char uuid[UUID_TEXT];
	struct spec *unchanged;
	struct timespec of;
	json_t *o;

	lock_acquire(&d->lock);
	o = json_pack("{s:I, s:s, s:i, s:i, s:i, s:s%, s:s%, s:s, s:s, s:i}", "serial", (json_int_t)d->serial, "uuid",
	              uuid_format(uuid, &d->uuid), "owner", (int)d->owner, "group", (int)d->group, "mode", (int)d->mode,
	              "tags", d->tags, strlen(d->tags), "notes", d->notes, strlen(d->notes), "state",
	              d->state == STATE_CRASHED ? "crashed" : "off", "reason", d->reason, "tuned", (int)d->tuned);
	unchanged = d->unchanged ? spec_ref(d->unchanged) : NULL;
	of = d->unchanged_of;
	lock_release(&d->lock);
	if (o && unchanged)
		devices_pack(d, o, unchanged, &of);
	spec_unref(unchanged);
	return o;
}

/* Nothing is kept of other tools' domains; one that is unregistered has lost its folder, perhaps to another of its name. */
static bool keeps_folder(struct domain *d)
{
	bool keeps;

	lock_acquire(&d->lock);
	keeps = !d->foreign && !d->gone;
	lock_release(&d->lock);
	return keeps;
}

int store_file_save(struct domain *d, const char *file, const char *p, size_t n, struct err *e)
{
	char *name = domain_name(d);
	int dirfd = -1, rc = 0;

	if (!keeps_folder(d))
		goto out;
	dirfd = folder_of(d->model->store, name, true);
	if (dirfd < 0)
		rc = fail(e, errno, "%s/domains/%s: %m", d->model->store->path, name);
	else
		rc = file_replace(dirfd, file, p, n, 0600, e);
	if (dirfd >= 0)
		close(dirfd);
out:
	free(name);
	return rc;
}

int store_file_load(struct domain *d, const char *file, size_t max, struct buf *ret, struct err *e)
{
	char *name = domain_name(d);
	int dirfd = folder_of(d->model->store, name, false),
	    rc = dirfd < 0 ? fail(e, errno, "%s: %m", name) : file_slurp(dirfd, file, max, ret, e);

	if (dirfd >= 0)
		close(dirfd);
	free(name);
	return rc;
}

void store_file_drop(struct domain *d, const char *file)
{
	char *name = domain_name(d);
	int dirfd = folder_of(d->model->store, name, false);

	if (dirfd >= 0 && unlinkat(dirfd, file, 0) && errno != ENOENT)
		log_warn("%s: %s: %m", name, file);
	if (dirfd >= 0)
		close(dirfd);
	free(name);
}

static char *meta_text(struct domain *d, struct err *e)
{
	json_t *o = meta_pack(d);
	char *text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;

	if (!text)
		fail(e, EINVAL, "notes and tags must be UTF-8 text");
	json_decref(o);
	return text;
}

int store_domain_save(struct domain *d, struct err *e)
{
	char *text = meta_text(d, e);
	int rc = text ? store_file_save(d, "meta", text, strlen(text), e) : -EINVAL;

	free(text);
	return rc;
}

static void devices_unpack(struct domain *d, json_t *o)
{
	struct spec *s = NULL;
	struct err e = { 0 };
	json_int_t sec, nsec;
	const char *text;
	size_t n;
	int rc;

	if (!o)
		return;
	if (json_unpack(o, "{s:I, s:I, s:s%}", "sec", &sec, "nsec", &nsec, "unchanged", &text, &n) || n > DEVICES_MAX)
		rc = fail(&e, EINVAL, "its meta file is damaged");
	else
		rc = spec_parse(text, n, &s, NULL, &e);
	if (rc) {
		log_warn("%s: the changes of its devices are lost: %s", d->name, e.text);
		return;
	}
	spec_unref(d->unchanged);
	d->unchanged = s;
	d->unchanged_of = (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = (long)nsec };
}

static int meta_unpack(struct domain *d, const struct buf *b, struct err *e)
{
	json_t *o = json_loadb(b->p, b->len, 0, NULL);
	const char *uuid, *tags, *notes, *state, *reason;
	json_int_t serial;
	int owner, group, mode, tuned = 0, rc = 0;
	struct uuid u;

	if (!o ||
	    json_unpack(o, "{s:I, s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s?i}", "serial", &serial, "uuid", &uuid,
	                "owner", &owner, "group", &group, "mode", &mode, "tags", &tags, "notes", &notes, "state",
	                &state, "reason", &reason, "tuned", &tuned) ||
	    serial <= 1) {
		rc = fail(e, EINVAL, "%s: its meta file is damaged", d->name);
		goto out;
	}
	rc = parse_uuid(uuid, &u, e);
	if (rc)
		goto out;
	d->uuid = u;
	d->serial = (uint64_t)serial;
	d->owner = (uid_t)owner;
	d->group = (gid_t)group;
	d->mode = (mode_t)mode & 0777;
	free(d->tags);
	free(d->notes);
	d->tags = x_strdup(tags);
	d->notes = x_strdup(notes);
	d->state = strcmp(state, "crashed") ? STATE_OFF : STATE_CRASHED;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	d->tuned = (unsigned)tuned; /* if its guest is still there */
	devices_unpack(d, json_object_get(o, "devices"));
out:
	json_decref(o);
	return rc;
}

/* At most the last MAX bytes of B, from the beginning of a line. */
static void tail_trim(struct buf *b, size_t max)
{
	const char *newline;

	if (b->len > max)
		buf_drop(b, b->len - max);
	newline = b->len ? memchr(b->p, '\n', b->len) : NULL;
	if (newline)
		buf_drop(b, (size_t)(newline + 1 - b->p));
}

/* A text of the domain's folder, at most its last MAX bytes. */
static int tail_load(int dirfd, const char *name, size_t max, struct text *t)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct buf b = { 0 };
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		if ((size_t)st.st_size > max)
			lseek(fd, -(off_t)max, SEEK_END);
		buf_read(&b, fd, max);
		if ((size_t)st.st_size > max)
			tail_trim(&b, max);
		text_append(t, b.p, b.len);
	}
	buf_free(&b);
	close(fd);
	return 0;
}

int store_domain_load(struct domain *d, struct err *e)
{
	struct store *s = d->model->store;
	int dirfd = folder_of(s, d->name, false), rc;
	struct buf b = { 0 };

	if (dirfd < 0)
		return fail(e, errno, "%s/domains/%s: %m", s->path, d->name);
	file_sweep(dirfd);
	d->restart_found = faccessat(dirfd, RESTART_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	rc = file_slurp(dirfd, "meta", META_MAX, &b, e);
	if (!rc)
		rc = meta_unpack(d, &b, e);
	tail_load(dirfd, "console", CONSOLE_KEEP, &d->console);
	tail_load(dirfd, "history", TEXT_KEEP, &d->history);
	buf_free(&b);
	close(dirfd);
	return rc;
}

/* Whatever it holds: a death while a file was replaced leaves one under a name of its own. */
void store_purge(struct store *s, const char *name)
{
	int dirfd = folder_of(s, name, false);
	DIR *dir = dirfd < 0 ? NULL : fdopendir(dirfd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (dirfd >= 0)
		close(dirfd);
	if (unlinkat(s->domainsfd, name, AT_REMOVEDIR) && errno != ENOENT)
		log_warn("%s/domains/%s: %m", s->path, name);
}

void store_domain_remove(struct domain *d)
{
	char *name = domain_name(d);

	store_purge(d->model->store, name);
	free(name);
}

int store_valid_save(struct domain *d, const char *text, size_t n, struct err *e)
{
	return store_file_save(d, "valid", text, n, e);
}

static bool file_says(int dirfd, const char *file, const char *p, size_t n)
{
	struct buf b = { 0 };
	struct err ignored;
	bool same = !file_slurp(dirfd, file, 1 << 20, &b, &ignored) && b.len == n && (!n || !memcmp(b.p, p, n));

	buf_free(&b);
	return same;
}

int store_domain_follow(struct domain *d, const char *text, size_t n, struct err *e)
{
	char *name = domain_name(d), *meta = meta_text(d, e);
	int dirfd = folder_of(d->model->store, name, false), rc = meta ? 0 : -EINVAL;

	if (!rc && (dirfd < 0 || !file_says(dirfd, "valid", text, n)))
		rc = store_valid_save(d, text, n, e);
	if (!rc && (dirfd < 0 || !file_says(dirfd, "meta", meta, strlen(meta))))
		rc = store_file_save(d, "meta", meta, strlen(meta), e);
	if (dirfd >= 0)
		close(dirfd);
	free(meta);
	free(name);
	return rc;
}

int store_valid_load(struct domain *d, struct buf *ret, struct err *e)
{
	int dirfd = folder_of(d->model->store, d->name, false), rc;

	if (dirfd < 0)
		return fail(e, errno, "%s: it has no valid configuration yet", d->name);
	rc = file_slurp(dirfd, "valid", 1 << 20, ret, e);
	close(dirfd);
	return rc;
}

void store_console_save(struct domain *d)
{
	struct buf b = { 0 };
	struct err e = { 0 };

	text_copy(&d->console, &b);
	if (b.len > CONSOLE_KEEP)
		tail_trim(&b, CONSOLE_KEEP);
	if (b.len && store_file_save(d, "console", b.p, b.len, &e))
		log_error("the console's history is lost at the daemon's end: %s", e.text);
	buf_free(&b);
}

static int history_folder(struct model *m, struct domain *d)
{
	char *name;
	int fd;

	if (!d)
		return fcntl(m->store->dirfd, F_DUPFD_CLOEXEC, 0);
	if (!keeps_folder(d))
		return -1;
	name = domain_name(d);
	fd = folder_of(m->store, name, true);
	free(name);
	return fd;
}

/* Append LINE; of a file that grew beyond its limit the end is kept. */
void store_history(struct model *m, struct domain *d, const char *line)
{
	struct buf kept = { 0 };
	struct err e = { 0 };
	struct stat st = { 0 };
	int dirfd = history_folder(m, d), fd = -1, rc;

	if (dirfd < 0)
		return;
	fd = openat(dirfd, "history", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write(fd, line, strlen(line)) < 0 || fstat(fd, &st)) {
		log_error("history: a line is lost at the daemon's end: %m");
	} else if (st.st_size > HISTORY_MAX) {
		rc = file_slurp(dirfd, "history", (size_t)st.st_size, &kept, &e);
		if (!rc)
			tail_trim(&kept, TEXT_KEEP);
		if (rc || file_replace(dirfd, "history", kept.p, kept.len, 0600, &e))
			log_error("history: %s", e.text);
	}
	buf_free(&kept);
	if (fd >= 0)
		close(fd);
	close(dirfd);
}

void store_history_load(struct model *m)
{
	tail_load(m->store->dirfd, "history", TEXT_KEEP, &m->history);
}
