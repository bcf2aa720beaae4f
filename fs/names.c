#include "fs/names.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX (256u << 10) /* a group's record lists all its members */
#define NAMES_MAX 4096          /* ids come from chown, so that a user could fill the cache */

struct name_key {
	uint32_t group; /* 1: a group */
	uint32_t id;
};

struct name {
	struct name_key key;
	struct model *model;
	bool known;
	char text[USER_TEXT];
};

static struct {
	struct lock lock; /* a leaf */
	struct table table;
} names = { .lock = LOCK_INIT };

static bool user_lookup(uid_t uid, char out[USER_TEXT])
{
	char *p = x_alloc(RECORD_MAX);
	struct passwd pw, *found = NULL;

	if (!getpwuid_r(uid, &pw, p, RECORD_MAX, &found) && found)
		snprintf(out, USER_TEXT, "%s", pw.pw_name);
	free(p);
	return found;
}

static bool group_lookup(gid_t gid, char out[USER_TEXT])
{
	char *p = x_alloc(RECORD_MAX);
	struct group gr, *found = NULL;

	if (!getgrgid_r(gid, &gr, p, RECORD_MAX, &found) && found)
		snprintf(out, USER_TEXT, "%s", gr.gr_name);
	free(p);
	return found;
}

static bool shows(const struct domain *d, const struct name_key *k) NEEDS(d->lock)
{
	if (k->group)
		return d->group == k->id;
	return d->owner == k->id || (d->job && d->job->caller->user.uid == k->id);
}

static void domains_touch(struct model *m, const struct name_key *k)
{
	struct domain *d;
	uint64_t serial = 0;

	while (m && (d = model_next(m, serial))) {
		serial = d->serial;
		domain_lock(d);
		if (shows(d, k))
			domain_touch(d);
		domain_unlock(d);
		domain_unref(d);
	}
}

/* WANT says what to look for. What was dropped from the cache meanwhile is asked for by those who show it. */
static void name_ask(struct name *want)
{
	bool found, changed;
	struct name *n;

	found = want->key.group ? group_lookup(want->key.id, want->text) : user_lookup(want->key.id, want->text);
	lock_acquire(&names.lock);
	n = table_get_n(&names.table, &want->key, sizeof(want->key));
	changed = n ? n->known != found || (found && strcmp(n->text, want->text) != 0) : found;
	if (n) {
		memcpy(n->text, want->text, sizeof(n->text));
		n->known = found;
	}
	lock_release(&names.lock);
	if (changed)
		domains_touch(want->model, &want->key);
}

static void name_resolve(void *arg)
{
	name_ask(arg);
	free(arg);
}

static void cache_empty(void) NEEDS(names.lock)
{
	size_t pos = 0;
	void *n;

	while (table_next(&names.table, &pos, NULL, &n))
		free(n);
	table_free(&names.table);
}

static const char *name_get(struct model *m, bool group, uint32_t id, char out[USER_TEXT])
{
	struct name_key key = { group, id };
	struct name *n, *want = NULL;

	if (!id) {
		snprintf(out, USER_TEXT, "root");
		return out;
	}
	snprintf(out, USER_TEXT, "%u", id);
	lock_acquire(&names.lock);
	n = table_get_n(&names.table, &key, sizeof(key));
	if (!n) {
		if (names.table.count >= NAMES_MAX)
			cache_empty();
		n = x_alloc(sizeof(*n));
		n->key = key;
		table_put_n(&names.table, &key, sizeof(key), n);
		want = x_alloc(sizeof(*want));
		want->key = key;
		want->model = m;
	} else if (n->known) {
		memcpy(out, n->text, USER_TEXT);
	}
	lock_release(&names.lock);
	if (want)
		pool_run(name_resolve, want, false);
	return out;
}

const char *names_user(struct model *m, uid_t uid, char out[USER_TEXT])
{
	return name_get(m, false, uid, out);
}

const char *names_group(struct model *m, gid_t gid, char out[USER_TEXT])
{
	return name_get(m, true, gid, out);
}

int names_find_user(const char *name, uid_t *ret, struct err *e)
{
	struct passwd pw, *found = NULL;
	uint64_t number;
	char *p;

	if (!parse_u64(name, UINT32_MAX - 1, &number, NULL)) {
		*ret = (uid_t)number;
		return 0;
	}
	p = x_alloc(RECORD_MAX);
	if (!getpwnam_r(name, &pw, p, RECORD_MAX, &found) && found)
		*ret = pw.pw_uid;
	free(p);
	return found ? 0 : fail(e, EINVAL, "there is no user %s: give a user's name or number", name);
}

int names_find_group(const char *name, gid_t *ret, struct err *e)
{
	struct group gr, *found = NULL;
	uint64_t number;
	char *p;

	if (!parse_u64(name, UINT32_MAX - 1, &number, NULL)) {
		*ret = (gid_t)number;
		return 0;
	}
	p = x_alloc(RECORD_MAX);
	if (!getgrnam_r(name, &gr, p, RECORD_MAX, &found) && found)
		*ret = gr.gr_gid;
	free(p);
	return found ? 0 : fail(e, EINVAL, "there is no group %s: give a group's name or number", name);
}

void names_renew(struct model *m)
{
	struct name *all, *n;
	size_t count = 0, pos = 0;
	void *value;

	lock_acquire(&names.lock);
	all = x_array(names.table.count + 1, sizeof(*all));
	while (table_next(&names.table, &pos, NULL, &value)) {
		n = value;
		all[count].model = m;
		all[count++].key = n->key;
	}
	lock_release(&names.lock);
	for (size_t i = 0; i < count; i++)
		name_ask(&all[i]);
	free(all);
}
