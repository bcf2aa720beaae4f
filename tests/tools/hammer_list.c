/* What the listing of a directory has, held against what must be in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hammer.h"

/* A line waits for the directory of its domain that long; after a listing that hung the next try comes after as long. */
#define TOLD_MSEC 1000
#define SECONDS_LATER 30

/* How often; -1 with errno. */
static int listed(const char *path, const char *name)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int n = 0;

	if (!dir)
		return -1;
	atomic_fetch_add(&hammer->listings, 1);
	while ((errno = 0, d = readdir(dir)))
		n += !strcmp(d->d_name, name);
	if (errno)
		n = -1;
	closedir(dir);
	return n;
}

void list_must(const char *dir, const char *name, bool there, const char *after)
{
	int n = listed(dir, name);

	if (n != there)
		wrong("%s lists %s %d times after %s, and then %d times", dir, name, n, after, listed(dir, name));
}

/* Who holds the directory up while its entries are to change has it change later, and lines are told without it. */
static bool is_excused(long long time, long long now)
{
	long long hung = atomic_load(&hammer->listing);

	return now - time >= TOLD_MSEC || hung < 0 || (hung && now - hung < 3 * TOLD_MSEC);
}

void list_must_told(const char *name, bool there, const char *after, long long time)
{
	bool excused =
		is_excused(time, now_msec()); /* before the look: what begins after it was told has no part in it */
	int n = listed(hammer->vm, name);

	if (n == there)
		return;
	if (!excused) {
		wrong("the mount lists %s %d times after %s, told %lld ms after it was so", name, n, after,
		      now_msec() - time);
		return;
	}
	atomic_fetch_add(&hammer->later, 1);
	for (int i = 0; i < SECONDS_LATER * 20 && n != there; i++) {
		poll(NULL, 0, 50);
		did();
		n = listed(hammer->vm, name);
	}
	if (n != there)
		wrong("the mount lists %s %d times long after %s", name, n, after);
}

struct listing list_look(const char *name, long long time)
{
	struct listing l = { .ended = 0 };
	int n;

	if (is_excused(time, now_msec()))
		return l;
	n = listed(hammer->vm, name);
	l.there = n > 0;
	if (n >= 0)
		l.ended = now_msec();
	return l;
}

void list_hangs(bool hangs)
{
	atomic_store(&hammer->listing, hangs ? -1 : now_msec());
}

/* ---- what stays ---- */

static bool stays(const struct actor *a)
{
	return a->subject == STAYS || a->subject == STAYS_DEVICES;
}

void list_must_stay(void)
{
	DIR *dir = opendir(hammer->vm);
	int seen[ACTORS] = { 0 };
	struct dirent *d;

	atomic_fetch_add(&hammer->listings, 1);
	while (dir && (d = readdir(dir)))
		for (int i = 0; i < hammer->count; i++)
			seen[i] += !strcmp(d->d_name, hammer->actors[i].name);
	for (int i = 0; i < hammer->count; i++)
		if (stays(&hammer->actors[i]) && seen[i] != 1)
			wrong("the mount lists %s %d times", hammer->actors[i].name, seen[i]);
	if (dir)
		closedir(dir);
	else
		wrong("%s: %m", hammer->vm);
}

bool varies(const char *line)
{
	char part[80];

	for (int i = 0; i < hammer->count; i++) {
		const struct actor *a = &hammer->actors[i];

		if (a->subject == VARIES)
			snprintf(part, sizeof(part), "/vm/%s", a->name);
		else if (a->subject == STAYS_DEVICES)
			snprintf(part, sizeof(part), "/vm/%s/", a->name);
		else
			continue;
		if (strstr(line, part))
			return true;
	}
	return false;
}

/* ---- in the end ---- */

void list_must_end(void (*each)(const char *name))
{
	static const char key[] = "{\"status\": {\"name\": \"";
	static char text[4 << 20];
	char name[128];
	int fd = open_now(path_of(NULL, "domains.json"), O_RDONLY), there = 0, n = 0;
	size_t len = 0;
	struct dirent *d;
	ssize_t got;
	DIR *dir;

	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	for (char *p = text; (p = strstr(p, key));) {
		p += sizeof(key) - 1;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, "\""), p);
		if (!strcmp(name, "churn") || !strcmp(name, "Domain-0"))
			continue;
		list_must(hammer->vm, name, true, "all is over");
		each(name);
		there++;
	}
	dir = opendir(hammer->vm);
	while (dir && (d = readdir(dir)))
		n += d->d_type == DT_DIR && *d->d_name != '.' && strcmp(d->d_name, "churn") != 0;
	if (dir)
		closedir(dir);
	if (n != there || !n)
		wrong("the mount lists %d directories, and there are %d domains", n, there);
}
