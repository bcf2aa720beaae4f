/*
 * CONFIGDIR/auto: links named after the domains that start with the host, NAME.cfg or NN-NAME.cfg. The name alone counts.
 * Equal numbers start together, the next number when those before run, or after a minute; without a number: last.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hypervisor/model/folder.h"
#include "hypervisor/model/operate.h"
#include "log.h"

#define GROUP_MSEC 60000
#define NO_NUMBER 1000000u

/* "10-dns.cfg" is dns in group 10. */
static bool link_name(const char *file, char name[NAME_MAX_LEN + 1], unsigned *group)
{
	size_t digits = strspn(file, "0123456789");

	*group = NO_NUMBER;
	if (digits && digits < 6 && file[digits] == '-') {
		*group = (unsigned)strtoul(file, NULL, 10);
		file += digits + 1;
	}
	return folder_name(file, name);
}

/* Call FN for each link; FILE is its own name. */
static void each_link(struct model *m, void (*fn)(const char *file, const char *name, unsigned group, void *arg),
                      void *arg)
{
	int fd = m->folder->autofd < 0 ? -1 : openat(m->folder->autofd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char name[NAME_MAX_LEN + 1];
	struct dirent *entry;
	unsigned group;

	while (dir && (entry = readdir(dir)))
		if (link_name(entry->d_name, name, &group))
			fn(entry->d_name, name, group, arg);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

struct search {
	const char *name;
	bool found;
	int remove_from; /* -1: only look */
	const char *to;  /* not NULL: give it this name instead */
};

/* "../to.cfg" as FILE, or with FILE's number in front. */
static int make_link(int dirfd, const char *number, int digits, const char *name)
{
	char file[NAME_MAX_LEN + 16], target[NAME_MAX_LEN + 8];

	snprintf(file, sizeof(file), "%.*s%s.cfg", digits, number, name);
	snprintf(target, sizeof(target), "../%s.cfg", name);
	return symlinkat(target, dirfd, file) && errno != EEXIST ? -errno : 0;
}

static void match(const char *file, const char *name, unsigned group, void *arg)
{
	struct search *s = arg;

	(void)group;
	if (strcmp(name, s->name) != 0)
		return;
	s->found = true;
	if (s->to && make_link(s->remove_from, file, (int)(strlen(file) - strlen(name) - strlen(".cfg")), s->to))
		log_warn("auto/%s cannot get the name of %s: %m", file, s->to);
	else if (s->remove_from >= 0 && unlinkat(s->remove_from, file, 0))
		log_warn("auto/%s: %m", file);
}

static void remember(const char *file, const char *name, unsigned group, void *arg)
{
	struct folder *f = arg;

	(void)file;
	(void)group;
	table_put(&f->links, name, f);
}

/* A folder that was changed just now may be changed again without its time saying so. */
static struct timespec settled(const struct timespec *mtime)
{
	return time_now().tv_sec > mtime->tv_sec + 1 ? *mtime : (struct timespec){ 0 };
}

bool autostart_has(struct model *m, const char *name)
{
	struct folder *f = m->folder;
	struct stat st;

	if (fstat(f->autofd, &st))
		st = (struct stat){ 0 };
	if (!f->links_of.tv_sec || memcmp(&st.st_mtim, &f->links_of, sizeof(f->links_of)) != 0) {
		f->links_of = settled(&st.st_mtim);
		table_free(&f->links);
		each_link(m, remember, f);
	}
	return table_get(&f->links, name) != NULL;
}

static int links_sync(struct model *m, struct err *e)
{
	return m->folder->autofd >= 0 && fsync(m->folder->autofd) ? fail(e, errno, "auto: %m") : 0;
}

int autostart_set(struct model *m, const char *name, bool on, struct err *e)
{
	struct search s = { .name = name, .remove_from = on ? -1 : m->folder->autofd };
	int rc;

	each_link(m, match, &s);
	if (!on || s.found)
		return links_sync(m, e);
	rc = make_link(m->folder->autofd, "", 0, name);
	return rc ? fail(e, -rc, "auto/%s.cfg: %s", name, strerror(-rc)) : links_sync(m, e);
}

int autostart_rename(struct model *m, const char *from, const char *to, struct err *e)
{
	struct search s = { .name = from, .remove_from = m->folder->autofd, .to = to };

	if (!autostart_has(m, from))
		return 0;
	each_link(m, match, &s);
	return s.found ? links_sync(m, e) : 0;
}

struct entry {
	unsigned group;
	char name[NAME_MAX_LEN + 1];
};

struct entries {
	struct entry *list;
	size_t count;
};

static void collect(const char *file, const char *name, unsigned group, void *arg)
{
	struct entries *all = arg;

	(void)file;
	all->list = x_grow(all->list, all->count + 1, sizeof(*all->list));
	all->list[all->count].group = group;
	snprintf(all->list[all->count++].name, NAME_MAX_LEN + 1, "%s", name);
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->group != y->group ? (x->group < y->group ? -1 : 1) : strcmp(x->name, y->name);
}

static struct entries sorted(struct model *m)
{
	struct entries all = { 0 };

	each_link(m, collect, &all);
	if (all.count)
		qsort(all.list, all.count, sizeof(*all.list), entry_compare);
	return all;
}

void autostart_order(struct model *m, struct buf *b)
{
	struct entries all = sorted(m);

	for (size_t i = 0; i < all.count; i++)
		buf_printf(b, "%s%s", i ? "\n" : "", all.list[i].name);
	free(all.list);
}

void autostart_scan(struct model *m)
{
	struct entries all = sorted(m);
	struct table names = { 0 };
	struct domain *d;
	uint64_t after = 0;
	bool on;

	for (size_t i = 0; i < all.count; i++)
		table_put(&names, all.list[i].name, &all);
	while ((d = model_next(m, after))) {
		after = d->serial;
		domain_lock(d);
		on = table_get(&names, d->name) != NULL;
		if (on != d->autostart) {
			d->autostart = on;
			domain_touch(d);
		}
		domain_unlock(d);
		domain_unref(d);
	}
	table_free(&names);
	free(all.list);
}

/* Domains that are started together; shared by those that start them and the one that waits for all. */
struct together {
	struct model *model;
	struct lock lock;
	struct cond done;
	unsigned left; /* [lock] */
	atomic_uint refs;
};

struct one {
	struct together *of;
	struct domain *domain;
};

static void together_unref(struct together *t)
{
	if (--t->refs)
		return;
	cond_destroy(&t->done);
	lock_destroy(&t->lock);
	free(t);
}

static void start_domain(struct domain *d)
{
	struct job *j = job_new(&caller_self, d, "start", 300);
	struct err e = { 0 };
	int rc = domain_start(j, false, NULL, 0, &e);

	if (rc != -EBUSY) /* it runs already */
		history_add(d->model, d, &caller_self, "start", rc, rc ? e.text : "");
	if (rc && rc != -EBUSY)
		log_error("autostart: %s", e.text);
	job_free(j);
}

static void start_one(void *arg)
{
	struct one *o = arg;
	struct together *t = o->of;

	if (!t->model->closing)
		start_domain(o->domain);
	lock_acquire(&t->lock);
	t->left--;
	cond_broadcast(&t->done);
	lock_release(&t->lock);
	together_unref(t);
	domain_unref(o->domain);
	free(o);
}

/* Begin to start those of the list; returns when all have come up or failed, or after a minute. */
static void start_together(struct model *m, const struct entry *list, size_t n)
{
	struct together *t = x_alloc(sizeof(*t));
	uint64_t deadline = clock_msec() + GROUP_MSEC;
	struct domain *d;

	lock_init(&t->lock);
	cond_init(&t->done);
	t->model = m;
	t->refs = 1;
	for (size_t i = 0; i < n; i++) {
		struct one *o;

		d = model_find(m, list[i].name);
		if (!d) {
			log_warn("autostart: there is no domain %s", list[i].name);
			continue;
		}
		o = x_alloc(sizeof(*o));
		*o = (struct one){ .of = t, .domain = d };
		t->refs++;
		lock_acquire(&t->lock);
		t->left++;
		lock_release(&t->lock);
		pool_run(start_one, o, false);
	}
	lock_acquire(&t->lock);
	while (t->left && cond_wait(&t->done, &t->lock, deadline))
		;
	lock_release(&t->lock);
	together_unref(t);
}

void autostart_run(void *model)
{
	struct model *m = model;
	struct entries all = sorted(m);

	for (size_t i = 0, end; i < all.count && !m->closing; i = end) {
		for (end = i; end < all.count && all.list[end].group == all.list[i].group; end++)
			;
		start_together(m, all.list + i, end - i);
	}
	free(all.list);
}
