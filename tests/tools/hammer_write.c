/*
 * Who changes. A role that is alone with its domain knows what every file must say once it was told that the change is done: by
 * the verb's answer, by the event's line, by POLLPRI.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hammer.h"

/* By a descriptor that is kept, or as a shell does it. */
static void verb(const char *domain, int kept, const char *line)
{
	int ret = kept < 0 ? write_to(path_of(domain, "ctl"), O_TRUNC, line) : write_line(kept, line);

	if (ret)
		wrong("%s: %.*s: %s", domain, (int)strcspn(line, "\n"), line, strerror(-ret));
	else
		changed(1);
}

void role_toggle(const char *name)
{
	struct seen state = see(name, "state"), status = see(name, "status"), job = see(name, "job");
	int ctl = open_now(path_of(name, "ctl"), O_WRONLY);

	for (unsigned i = 0; writers_go_on(); i++) {
		bool pauses = i % 2 == 0;
		const char *after = pauses ? "pause" : "unpause", *word = pauses ? "paused" : "running";

		verb(name, i % 8 < 4 ? ctl : -1, pauses ? "pause\n" : "unpause\n");
		must_be(&state, pauses ? "paused\n" : "running\n", after);
		status_must(&status, "state", word, after);
		status_must(&status, "job", "-", after);
		must_be(&job, "", after);
		did();
	}
}

/* The guest changes by itself, and an event's line tells of it. */
void role_self(const char *name)
{
	struct seen state = see(name, "state"), status = see(name, "status");
	static struct lines l;

	lines_open(&l, name);
	while (writers_go_on()) {
		if (write_to(path_of(name, "console"), 0, "pause\n"))
			wrong("%s: its console cannot be written: %m", name);
		if (!lines_await(&l, name, "paused"))
			return;
		must_be(&state, "paused\n", "the line of paused");
		status_must(&status, "reason", "by-guest", "the line of paused");
		changed(1);
		verb(name, -1, "unpause\n");
		if (!lines_await(&l, name, "unpaused"))
			return;
		must_be(&state, "running\n", "the line of unpaused");
		l.lost = false;
		did();
	}
}

/* POLLPRI, once for each change, and then the new text. */
void role_poll(const char *name)
{
	struct seen state = see(name, "state");
	struct pollfd p = { .fd = state.fd, .events = POLLPRI };

	poll(&p, 1, 0);
	for (unsigned i = 0; writers_go_on(); i++) {
		verb(name, -1, i % 2 ? "unpause\n" : "pause\n");
		if (poll(&p, 1, SECONDS_STUCK * 500) != 1 || !(p.revents & POLLPRI))
			wrong("%s: no POLLPRI after a change", state.path);
		must_be(&state, i % 2 ? "running\n" : "paused\n", "POLLPRI");
		if (poll(&p, 1, 0) == 1 && (p.revents & POLLPRI))
			wrong("%s: POLLPRI twice for one change", state.path);
		did();
	}
}

/* Words that all name N: two texts that were mixed show it. */
char *tags_text(unsigned long n)
{
	static char text[512];
	size_t len = (size_t)snprintf(text, sizeof(text), "n%lu", n);

	for (unsigned i = 0; i < n % 9; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " w%lu", n);
	return text;
}

static char *notes_text(unsigned long n)
{
	static char text[8192];
	size_t len = (size_t)snprintf(text, sizeof(text), "note %lu\n", n);

	for (unsigned i = 0; i < n % 40; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "line %u of note %lu\n", i, n);
	return text;
}

void role_tags(const char *name)
{
	struct seen tags = see(name, "tags"), status = see(name, "status"), notes = see(name, "notes");
	long at = me - hammer->actors;
	char line[600], text[TEXT];
	ssize_t size;
	int ret;

	for (unsigned long n = 1; writers_go_on(); n++) {
		snprintf(line, sizeof(line), "%s\n", tags_text(n));
		atomic_store(&hammer->tags_tried[at], n);
		ret = write_to(tags.path, O_TRUNC, line);
		atomic_store(&hammer->tags_told[at], n);
		if (ret)
			wrong("%s: %s", tags.path, strerror(-ret));
		must_be(&tags, line, "writing it");
		line[strlen(line) - 1] = '\0';
		for (char *p = line; *p; p++)
			*p = *p == ' ' ? ',' : *p;
		status_must(&status, "tags", line, "writing tags");
		changed(1);
		if (n % 4 == 0) {
			ret = write_to(notes.path, O_TRUNC, notes_text(n));
			size = read_new(notes.path, 0, text);
			if (ret || size < 0 || strcmp(text, notes_text(n)) != 0)
				wrong("%s: %s, and says '%s'", notes.path, strerror(-ret), text);
			changed(1);
		}
		did();
	}
}

static void mode_must(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	if (stat(path, &st) < 0)
		wrong("%s: %m", path);
	else if (st.st_uid != uid || st.st_gid != gid)
		wrong("%s is %u's and %u's after chown, not %u's and %u's", path, st.st_uid, st.st_gid, uid, gid);
}

/* By chown(2) and by writing: the files, the status and stat(2) of everything agree. */
void role_owner(const char *name)
{
	struct seen owner = see(name, "owner"), group = see(name, "group"), status = see(name, "status");
	uid_t uid;
	gid_t gid = 0;
	char dir[320], text[32];
	int ret;

	snprintf(dir, sizeof(dir), "%s", path_of(name, NULL));
	for (unsigned i = 0; writers_go_on(); i++) {
		uid = 20000 + i * 7 % 90000; /* of 5 and 6 digits */
		snprintf(text, sizeof(text), "%u\n", uid);
		if (i % 2) {
			ret = write_to(owner.path, O_TRUNC, text);
		} else {
			gid = 30000 + i * 11 % 90000;
			ret = chown(dir, uid, gid) < 0 ? -errno : 0;
		}
		if (ret)
			wrong("%s: chown: %s", dir, strerror(-ret));
		must_be(&owner, text, "chown");
		text[strlen(text) - 1] = '\0';
		status_must(&status, "owner", text, "chown");
		mode_must(dir, uid, gid);
		mode_must(status.path, uid, gid);
		mode_must(path_of(name, "ctl"), uid, gid);
		mode_must(path_of(name, "config"), uid, gid);
		snprintf(text, sizeof(text), "%u\n", gid);
		must_be(&group, text, "chown");
		changed(1);
		did();
	}
}

/* By mv and by the verb, between a short name and a long one. */
void role_rename(const char *name)
{
	struct seen file = see(name, "name"), status = see(name, "status");
	char names[2][80], paths[2][320], line[100];
	long long begun;
	struct stat st;
	int ret;

	snprintf(names[0], sizeof(names[0]), "%s", name);
	snprintf(names[1], sizeof(names[1]), "%s-with-another-name", name);
	for (int i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s", path_of(names[i], NULL));
	for (unsigned i = 0; writers_go_on() || i % 2; i++) { /* ends where it began */
		unsigned from = i % 2, to = !from;

		begun = now_msec();
		snprintf(line, sizeof(line), "rename %s\n", names[to]);
		if (i % 4 < 2)
			ret = rename(paths[from], paths[to]) < 0 ? -errno : 0;
		else
			ret = write_to(path_of(names[from], "ctl"), O_TRUNC, line);
		if (ret) {
			wrong("%s to %s: %s", paths[from], paths[to], strerror(-ret));
			exit(1);
		}
		if (i % 4 < 2) {
			list_must(hammer->vm, names[from], false, "mv");
			list_must(hammer->vm, names[to], true, "mv");
		} else {
			list_must_told(names[from], false, "rename", begun);
			list_must_told(names[to], true, "rename", begun);
		}
		snprintf(line, sizeof(line), "%s\n", names[to]);
		snprintf(file.path, sizeof(file.path), "%s", path_of(names[to], "name"));
		snprintf(status.path, sizeof(status.path), "%s", path_of(names[to], "status"));
		must_be(&file, line, i % 4 < 2 ? "mv" : "rename");
		status_must(&status, "name", names[to], i % 4 < 2 ? "mv" : "rename");
		if (stat(paths[from], &st) == 0)
			wrong("%s is still there after %s", paths[from], i % 4 < 2 ? "mv" : "rename");
		changed(1);
		did();
	}
}

void role_power(const char *name)
{
	struct seen state = see(name, "state"), status = see(name, "status"), id = see(name, "id");
	char text[TEXT];
	long last = 0, now;

	while (writers_go_on()) {
		verb(name, -1, "start\n");
		must_be(&state, "running\n", "start");
		status_must(&status, "reason", "started", "start");
		read_old(id.fd, text);
		now = atol(text);
		if (now <= last)
			wrong("%s is %ld after start, and was %ld before", id.path, now, last);
		last = now;
		must_be(&id, text, "start");
		verb(name, -1, "destroy\n");
		must_be(&state, "off\n", "destroy");
		status_must(&status, "reason", "destroyed", "destroy");
		must_be(&id, "", "destroy");
		did();
	}
}

void role_memory(const char *name)
{
	struct seen mem = see(name, "mem"), status = see(name, "status");
	char line[64], text[32];

	for (unsigned i = 0; writers_go_on(); i++) {
		unsigned mib = i % 2 ? 100 + i % 28 : 32 + i % 60;

		snprintf(text, sizeof(text), "%u\n", mib);
		snprintf(line, sizeof(line), "mem-set %u\n", mib);
		if (i % 3)
			verb(name, -1, line);
		else if (write_to(mem.path, O_TRUNC, text))
			wrong("%s: %m", mem.path);
		else
			changed(1);
		must_be(&mem, text, "mem-set");
		text[strlen(text) - 1] = '\0';
		status_must(&status, "mem_mib", text, "mem-set");
		status_must(&status, "mem_actual_mib", text, "mem-set");
		did();
	}
}

/* mkdir and rmdir of one name: each time another domain. */
void role_make(const char *name)
{
	char dir[320], file[320], text[TEXT];
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", path_of(name, NULL));
	snprintf(file, sizeof(file), "%s", path_of(name, "state"));
	while (writers_go_on()) {
		if (mkdir(dir, 0755) < 0)
			wrong("mkdir %s: %m", dir);
		list_must(hammer->vm, name, true, "mkdir");
		if (read_new(file, 0, text) != 4 || strcmp(text, "off\n") != 0)
			wrong("%s says '%s' after mkdir", file, text);
		if (rmdir(dir) < 0)
			wrong("rmdir %s: %m", dir);
		list_must(hammer->vm, name, false, "rmdir");
		if (stat(file, &st) == 0 || stat(dir, &st) == 0)
			wrong("%s is there after rmdir", dir);
		changed(2);
		did();
	}
}

/* Its file in the configuration folder comes, is changed, is replaced and goes. */
void role_file(const char *name)
{
	char file[320], other[320], text[64], want[32];
	static struct lines l;
	struct seen mem = { .fd = -1 }, status = { .fd = -1 };
	struct stat st;

	lines_open(&l, NULL);
	snprintf(file, sizeof(file), "%s/%s.cfg", hammer->etc, name);
	snprintf(other, sizeof(other), "%s/.%s.new", hammer->etc, name);
	for (unsigned i = 0; writers_go_on(); i++) {
		unsigned mib = 16 + i * 37 % 2000;

		snprintf(text, sizeof(text), "memory = %u\n", mib);
		snprintf(want, sizeof(want), "%u\n", mib);
		if (write_to(i % 2 ? other : file, O_CREAT | O_TRUNC, text) || (i % 2 && rename(other, file) < 0))
			wrong("%s: %m", file);
		if (!lines_await(&l, name, "config"))
			return;
		if (l.lost) { /* that line was perhaps among them: the next change has another */
			l.lost = false;
			continue;
		}
		if (mem.fd < 0) {
			list_must_told(name, true, "the line of config", l.time);
			mem = see(name, "mem");
			status = see(name, "status");
		}
		must_be(&mem, want, "the line of config");
		want[strlen(want) - 1] = '\0';
		status_must(&status, "mem_mib", want, "the line of config");
		changed(1);
		did();
		if (i % 32 != 31)
			continue;
		if (unlink(file) < 0)
			wrong("%s: %m", file);
		if (!lines_await(&l, name, "undefine"))
			return;
		if (!l.lost && stat(mem.path, &st) == 0)
			wrong("%s is there after the line of undefine", mem.path);
		if (!l.lost)
			list_must_told(name, false, "the line of undefine", l.time);
		close(mem.fd);
		close(status.fd);
		mem.fd = -1;
		changed(1);
	}
}

/* Several at one domain: what is refused is refused, what is done is told, and counted, by its events. */
void role_contend(const char *name)
{
	static const char *const verbs[] = { "pause\n", "unpause\n", "pause\n",   "unpause\n",
		                             "pause\n", "unpause\n", "destroy\n", "start\n" };
	unsigned seed = (unsigned)getpid(),
		 kinds = strncmp(name, "vm", 2) ? 8 : 6; /* another tool's guest is gone when destroyed */
	int ret;

	while (writers_go_on()) {
		ret = write_to(path_of(name, "ctl"), O_TRUNC, verbs[(unsigned)rand_r(&seed) % kinds]);
		if (ret && ret != -EBUSY && ret != -EHOSTDOWN && ret != -EINVAL && ret != -EREMOTEIO &&
		    ret != -ECANCELED)
			wrong("%s: %s", name, strerror(-ret));
		did();
	}
}
