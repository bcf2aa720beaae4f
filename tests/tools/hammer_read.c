/* Who only reads: at random, all lines there are, and with a buffer that hangs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hammer.h"
#include "stuck.h"

/* ---- at random ---- */

#define OPEN_FILES 64

/* UUID, names of the right length: what has one shape is looked at for its shape. */
static void look(const char *file, const char *text, size_t n)
{
	bool torn = false;

	if (!strcmp(file, "status"))
		status_check(text, n, &torn);
	else if (memchr(text, '\0', n))
		wrong("%s has a NUL byte in %zu", file, n);
	else if (strcmp(file, "config") != 0 && strcmp(file, "job") != 0)
		word_check(text, n, &torn);
	if (!strcmp(file, "uuid") && n != 37)
		wrong("a uuid of %zu bytes: '%s'", n, text);
	if (torn)
		atomic_fetch_add(&hammer->torn, 1);
}

void role_verify(const char *name)
{
	static const char *const files[] = { "state", "status", "tags", "name",   "uuid", "owner",
		                             "mem",   "job",    "id",   "config", "vcpus" };
	static struct {
		int fd;
		const char *file;
	} kept[OPEN_FILES];
	unsigned seed = (unsigned)getpid(), count = 0, slot;
	char text[TEXT], path[600];
	const char *file;
	struct dirent *d;
	ssize_t n;
	DIR *dir;

	(void)name;
	while (readers_go_on()) {
		dir = opendir(hammer->vm);
		while (dir && (d = readdir(dir))) {
			if (d->d_type != DT_DIR || *d->d_name == '.')
				continue;
			file = files[(unsigned)rand_r(&seed) % (sizeof(files) / sizeof(files[0]))];
			snprintf(path, sizeof(path), "%s/%s/%s", hammer->vm, d->d_name, file);
			slot = (unsigned)rand_r(&seed) % OPEN_FILES;
			if (slot < count) {
				n = read_old(kept[slot].fd, text);
				if (n >= 0)
					look(kept[slot].file, text, (size_t)n);
				close(kept[slot].fd);
				kept[slot] = kept[--count];
			}
			kept[count].fd = open(path, O_RDONLY | O_CLOEXEC);
			kept[count].file = file;
			if (kept[count].fd < 0)
				continue; /* it went meanwhile */
			n = read_old(kept[count].fd, text);
			if (n >= 0)
				look(file, text, (size_t)n);
			if (count < OPEN_FILES - 1)
				count++;
			else
				close(kept[count].fd);
		}
		if (dir)
			closedir(dir);
		list_must_stay();
		did();
	}
}

/* The tags of another actor's domain: what was told before the reading began or was tried before it ended, and whole. */
void role_retag(const char *name)
{
	struct seen tags = see(name, "tags");
	char text[TEXT], want[600];
	unsigned long told, tried, n;
	ssize_t size;
	int at = 0;

	while (at < hammer->count &&
	       (strcmp(hammer->actors[at].role, "tags") != 0 || strcmp(hammer->actors[at].name, name) != 0))
		at++;
	for (unsigned turn = 0; readers_go_on(); turn++) {
		told = atomic_load(&hammer->tags_told[at]);
		size = turn % 2 ? read_old(tags.fd, text) : read_new(tags.path, 0, text);
		tried = atomic_load(&hammer->tags_tried[at]);
		did();
		if (size < 0) {
			wrong("%s: %s", tags.path, strerror((int)-size));
			continue;
		}
		if (!told)
			continue;
		n = *text == 'n' ? strtoul(text + 1, NULL, 10) : 0;
		snprintf(want, sizeof(want), "%s\n", tags_text(n));
		if (told == tried && n != told) {
			wrong("%s says '%s' when %lu was told", tags.path, text, told);
		} else if (!strcmp(text, want)) {
			if (n < told || n > tried)
				wrong("%s says '%s', between %lu and %lu", tags.path, text, told, tried);
		} else if (told == tried || memchr(text, '\0', (size_t)size)) {
			wrong("%s says '%s', not '%s'", tags.path, text, want);
		} else { /* overtaken: newlines after it, or cut */
			size_t len = (size_t)size;

			while (len && text[len - 1] == '\n')
				len--;
			for (n = told; n <= tried && strncmp(text, tags_text(n), len) != 0; n++)
				;
			if (n > tried)
				wrong("%s says '%s', which is no beginning of %lu to %lu", tags.path, text, told,
				      tried);
			atomic_fetch_add(&hammer->torn, 1);
		}
	}
}

/* Every line there is, in order; what is missed is told, to the number. By the name "changes" a pause and its end are counted. */
void role_count(const char *name)
{
	unsigned long seq, last = 0, missed = 0;
	bool counts = !strcmp(name, "changes");
	static struct lines l;
	char *line;

	lines_open(&l, NULL);
	while (readers_go_on()) {
		line = lines_next(&l, 500);
		did();
		if (!line)
			continue;
		seq = strtoul(line, NULL, 10);
		if (!strncmp(line, "lost ", 5)) {
			missed += strtoul(line + 5, NULL, 10);
			continue;
		}
		if (last && seq != last + missed + 1)
			wrong("after the line %lu, and %lu that were lost, there is '%s'", last, missed, line);
		last = seq;
		missed = 0;
		if (counts && (strstr(line, " paused state=") || strstr(line, " unpaused state=")))
			changed(1);
	}
}

/* ---- with a buffer that hangs ---- */

struct hang {
	struct stuck stuck;
	int fd;
	bool names;
	long n;
};

static void *hang_run(void *arg)
{
	struct hang *h = arg;

	h->n = h->names ? getdents64(h->fd, h->stuck.page, h->stuck.size) : read(h->fd, h->stuck.page, h->stuck.size);
	if (h->n < 0)
		h->n = -errno;
	return NULL;
}

/* Until some hundred changes were made meanwhile, but no more than seconds: it keeps others from making directories. */
static void hang_hold(void)
{
	unsigned long before = atomic_load(&hammer->changes);

	for (int i = 0; i < 40 && writers_go_on() && atomic_load(&hammer->changes) < before + 300; i++)
		poll(NULL, 0, 50);
}

/* It is from an event that was told before it was read, or from a later one. TIME: that one's. */
static void since_must(const char *path, char *text, ssize_t n, long long time, const char *how)
{
	char since[64];
	bool torn;

	if (n < 0) {
		wrong("%s, %s: %s", path, how, strerror((int)-n));
		return;
	}
	/* While it was held up, the kernel may have cut the file under it, which leaves zeros in place of newlines. */
	for (char *end = text + n; end > text && !end[-1]; end--)
		end[-1] = '\n';
	if (!status_check(text, (size_t)n, &torn) || torn || !status_value(text, "since", since, sizeof(since)))
		return;
	if (time_parse(since) < time)
		wrong("%s, %s, is of %s, and %lld ms later another state had been told", path, how, since,
		      time - time_parse(since));
}

/* The time of the last line with a state that is there; waits for one. 0: nothing comes any more. */
static long long state_told(struct lines *l)
{
	long long time = 0;
	char *line;

	while ((line = lines_next(l, time || !writers_go_on() ? 0 : 200)) || (!time && writers_go_on()))
		if (line && strstr(line, " state="))
			time = l->time;
	return time;
}

static bool hang_begin(struct hang *h, const char *path, pthread_t *id)
{
	bool hangs;

	if (stuck_open(&h->stuck)) {
		wrong("userfaultfd: %m");
		exit(1);
	}
	h->fd = open_now(path, O_RDONLY);
	if (pthread_create(id, NULL, hang_run, h))
		exit(1);
	hangs = stuck_wait(&h->stuck, SECONDS_STUCK * 500);
	if (!hangs)
		wrong("nobody hangs in %s", path);
	return hangs;
}

static void hang_end(struct hang *h, const char *path, pthread_t id)
{
	stuck_let_go(&h->stuck);
	pthread_join(id, NULL);
	if (h->n < 0)
		wrong("%s, when it hung: %s", path, strerror((int)-h->n));
}

static void hang_close(struct hang *h)
{
	close(h->fd);
	stuck_close(&h->stuck);
	did();
	for (int i = 0; i < 20 && writers_go_on(); i++) /* let the others have the directory for a while */
		poll(NULL, 0, 100);
}

/* A reader who is held up in the middle brings back nothing that is old, neither for himself nor into the cache. */
void role_stuck(const char *name)
{
	char path[320], text[TEXT] = { 0 };
	static struct lines l;
	struct hang h = { .names = false };
	long long time;
	pthread_t id;

	snprintf(path, sizeof(path), "%s", path_of(name, "status"));
	lines_open(&l, name);
	while (writers_go_on()) {
		time = state_told(&l);
		if (hang_begin(&h, path, &id))
			hang_hold();
		hang_end(&h, path, id);
		memcpy(text, h.stuck.page, h.stuck.size - 1);
		since_must(path, text, h.n, time, "when it hung");
		time = state_told(&l);
		since_must(path, text, read_old(h.fd, text), time, "after it hung");
		since_must(path, text, read_new(path, 0, text), time, "after it hung, anew");
		hang_close(&h);
	}
}

void role_list(const char *name)
{
	struct hang h = { .names = true };
	pthread_t id;

	(void)name;
	while (writers_go_on()) {
		list_hangs(true);
		if (hang_begin(&h, hammer->vm, &id))
			hang_hold();
		hang_end(&h, hammer->vm, id);
		list_hangs(false);
		list_must_stay();
		hang_close(&h);
	}
}
