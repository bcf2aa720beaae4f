#include <errno.h>
#include <string.h>

#include "access.h"
#include "fs/names.h"
#include "fs/set.h"
#include "fs/show_domain.h"
#include "hypervisor/base/utf8.h"
#include "hypervisor/model/operate.h"

#define NOTES_MAX (64u << 10)

/* Without the blanks around it. */
static char *trim(char *line)
{
	size_t n;

	line += strspn(line, " \t");
	n = strlen(line);
	while (n && strchr(" \t\r", line[n - 1]))
		line[--n] = '\0';
	return line;
}

int parse_switch(const char *s, bool *ret, struct err *e)
{
	if (!strcmp(s, "on") || !strcmp(s, "1"))
		*ret = true;
	else if (!strcmp(s, "off") || !strcmp(s, "0"))
		*ret = false;
	else
		return fail(e, EINVAL, "'%s' is neither on nor off", s);
	return 0;
}

uint64_t memory_target(struct domain *d)
{
	uint64_t mib;

	lock_acquire(&d->lock);
	mib = domain_on(d) ? d->mem_target : spec_memory(d->spec);
	lock_release(&d->lock);
	return mib;
}

int parse_memory(struct domain *d, const char *s, uint64_t *ret, struct err *e)
{
	uint64_t mib;
	int rc = parse_mib(s, memory_target(d), &mib, e);

	if (rc)
		return rc;
	if (!mib)
		return fail(e, EINVAL, "a guest cannot live on no memory: give MiB, such as 512, 1G or +64");
	*ret = mib;
	return 0;
}

int set_mem(struct job *j, const struct ref *r, char *line, struct err *e)
{
	uint64_t mib = 0;
	int rc = parse_memory(r->domain, trim(line), &mib, e);

	if (rc || mib == memory_target(r->domain))
		return rc;
	return domain_set_memory(j, mib, e);
}

int set_vcpus(struct job *j, const struct ref *r, char *line, struct err *e)
{
	struct domain *d = r->domain;
	uint64_t n = 0;
	unsigned now;
	int rc = parse_u64(trim(line), CPUS_MAX, &n, e);

	if (rc)
		return rc;
	lock_acquire(&d->lock);
	now = domain_on(d) ? d->vcpus : spec_vcpus(d->spec);
	lock_release(&d->lock);
	return n == now ? 0 : domain_set_vcpus(j, (unsigned)n, e);
}

/* A line of what show_sched() gives. */
int set_sched(struct job *j, const struct ref *r, char *line, struct err *e)
{
	struct domain *d = r->domain;
	char *rest = trim(line), *name = strsep(&rest, " \t");
	bool weight = !strcmp(name, "weight");
	struct sched now;
	uint64_t n = 0;
	int rc;

	if (!*name)
		return 0;
	if (!weight && strcmp(name, "cap") != 0)
		return fail(e, EINVAL, "'%s' is neither weight nor cap: write lines such as `weight 512`", name);
	rc = parse_u64(rest ? trim(rest) : "", INT32_MAX, &n, e);
	if (rc)
		return fail_in(e, "%s", name);
	lock_acquire(&d->lock);
	now = spec_sched(d->live ? d->live : d->spec);
	lock_release(&d->lock);
	if (n == (weight ? now.weight : now.cap))
		return 0;
	return domain_set_sched(j, weight ? (int)n : -1, weight ? -1 : (int)n, e);
}

int set_autostart(struct job *j, const struct ref *r, char *line, struct err *e)
{
	bool on = false;
	int rc = parse_switch(trim(line), &on, e);

	(void)r;
	return rc ? rc : domain_set_autostart(j, on, e);
}

static bool printable(const char *s, size_t n)
{
	for (size_t step; n; s += step, n -= step) {
		step = utf8_printable(s, n);
		if (!step)
			return false;
	}
	return true;
}

/* One blank between the words, whether blanks or commas were written. */
int set_tags(struct job *j, const struct ref *r, char *line, struct err *e)
{
	struct buf b = { 0 };
	char *rest = NULL;
	int rc;

	(void)r;
	if (!printable(line, strlen(line)))
		return fail(e, EINVAL,
		            "tags are words with blanks or commas between: no tabs or control bytes, and UTF-8 only");
	for (char *word = strtok_r(line, " ,", &rest); word; word = strtok_r(NULL, " ,", &rest))
		buf_printf(&b, "%s%s", b.len ? " " : "", word);
	if (b.len > TAGS_MAX)
		rc = fail(e, EINVAL, "these tags are %zu bytes long: %d is the most", b.len, TAGS_MAX);
	else
		rc = domain_set_note(j, true, b.len ? b.p : "", b.len, e);
	buf_free(&b);
	return rc;
}

/* As chown(2) has it: nobody but root gives a domain away. */
int set_owner(struct job *j, const struct ref *r, char *line, struct err *e)
{
	uid_t uid, now;
	int rc = names_find_user(trim(line), &uid, e);

	if (rc)
		return rc;
	lock_acquire(&r->domain->lock);
	now = r->domain->owner;
	lock_release(&r->domain->lock);
	if (uid == now)
		return 0;
	if (j->caller->user.uid)
		return fail(e, EPERM, "only root gives a domain to another user");
	return domain_set_owner(j, uid, 0, 0, DOMAIN_SET_UID, e);
}

int set_group(struct job *j, const struct ref *r, char *line, struct err *e)
{
	const struct user *u = &j->caller->user;
	uid_t owner;
	gid_t gid, now;
	int rc = names_find_group(trim(line), &gid, e);

	if (rc)
		return rc;
	lock_acquire(&r->domain->lock);
	owner = r->domain->owner;
	now = r->domain->group;
	lock_release(&r->domain->lock);
	if (gid == now)
		return 0;
	if (u->uid && (u->uid != owner || !user_in_group(u, gid)))
		return fail(e, EPERM, "only root, or the owner as one of that group, gives a domain to another group");
	return domain_set_owner(j, 0, gid, 0, DOMAIN_SET_GID, e);
}

int commit_notes(struct job *j, const struct ref *r, const char *p, size_t n, struct err *e)
{
	(void)r;
	if (n > NOTES_MAX)
		return fail(e, EINVAL, "these notes are %zu bytes long: %u is the most", n, NOTES_MAX);
	if (memchr(p, '\0', n))
		return fail(e, EINVAL, "notes are text: there is a zero byte in these");
	if (n == 1 && *p == '\n')
		n = 0;
	return domain_set_note(j, false, p, n, e);
}

int commit_config(struct job *j, const struct ref *r, const char *p, size_t n, struct err *e)
{
	int rc = access_same_world(j->caller->pid, e); /* its paths are looked up where the daemon lives */

	(void)r;
	return rc ? rc : domain_set_config(j, p, n, e);
}

int input_console(const struct ref *r, const char *p, size_t n, struct err *e)
{
	return domain_console_write(r->domain, p, n, e);
}
