#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "hypervisor/model/jobs.h"

struct caller caller_self = { .refs = 1, .login = (uid_t)-1 };

/* Who logged in: a small read of procfs, which does not wait. */
static uid_t login_of(pid_t pid)
{
	char path[40], text[16] = "";
	unsigned long uid;
	FILE *f;

	if (pid <= 0)
		return (uid_t)-1;
	snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return (uid_t)-1;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	uid = text[0] ? strtoul(text, NULL, 10) : (uid_t)-1;
	return (uid_t)uid;
}

struct caller *caller_new(uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups, pid_t pid)
{
	struct caller *c = x_alloc(sizeof(*c));
	gid_t *copy = x_array(ngroups + 1, sizeof(*copy));

	if (ngroups)
		memcpy(copy, groups, ngroups * sizeof(*copy));
	c->refs = 1;
	c->user = (struct user){ .uid = uid, .gid = gid, .groups = copy, .ngroups = ngroups };
	c->pid = pid;
	c->login = login_of(pid);
	return c;
}

struct caller *caller_ref(struct caller *c)
{
	c->refs++;
	return c;
}

void caller_unref(struct caller *c)
{
	if (!c || c == &caller_self || --c->refs)
		return;
	free((void *)c->user.groups);
	free(c->name);
	free(c);
}

#define NAME_TEXT 36
#define NAME_MSEC 2000

/* Names of users who were asked for lately, each in the place that its id has. */
static struct {
	struct lock lock;
	struct name {
		uid_t uid;
		uint64_t until; /* clock_msec; 0: none */
		char text[NAME_TEXT];
	} of[16]; /* [lock] */
} names = { .lock = LOCK_INIT };

static bool name_known(uid_t uid, char out[NAME_TEXT])
{
	struct name *n = &names.of[uid % COUNT(names.of)];
	bool known;

	lock_acquire(&names.lock);
	known = n->uid == uid && n->until > clock_msec();
	if (known)
		memcpy(out, n->text, sizeof(n->text));
	lock_release(&names.lock);
	return known;
}

static void user_name(uid_t uid, char out[NAME_TEXT])
{
	struct name n = { .uid = uid, .until = clock_msec() + NAME_MSEC };
	struct passwd pw, *found = NULL;
	char text[1024];

	if (name_known(uid, out))
		return;
	if (!getpwuid_r(uid, &pw, text, sizeof(text), &found) && found)
		snprintf(n.text, sizeof(n.text), "%s", found->pw_name);
	else
		snprintf(n.text, sizeof(n.text), "%u", (unsigned)uid);
	memcpy(out, n.text, sizeof(n.text));
	lock_acquire(&names.lock);
	names.of[uid % COUNT(names.of)] = n;
	lock_release(&names.lock);
}

static void name_ask(const struct caller *c, char out[CALLER_TEXT])
{
	char user[NAME_TEXT], login[NAME_TEXT];

	user_name(c->user.uid, user);
	if (c->login == (uid_t)-1 || c->login == c->user.uid) {
		snprintf(out, CALLER_TEXT, "%s", user);
	} else {
		user_name(c->login, login);
		snprintf(out, CALLER_TEXT, "%s(%s)", user, login);
	}
}

const char *caller_name(const struct caller *c, char out[CALLER_TEXT])
{
	_Atomic(char *) *kept = &((struct caller *)c)->name;
	char *name, *none = NULL;

	if (c == &caller_self)
		return memcpy(out, "domfs", 6);
	if ((name = atomic_load(kept)))
		return memcpy(out, name, strlen(name) + 1);
	name_ask(c, out);
	name = x_strdup(out);
	if (!atomic_compare_exchange_strong(kept, &none, name))
		free(name);
	return out;
}
