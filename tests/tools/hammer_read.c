/* Who only reads: at random, by the tools of the system, and with a buffer that hangs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

/* All lines there are; of the name "changes" they are what is counted as changes. */
void role_count(const char *name)
{
	unsigned long seq, last = 0;
	static struct lines l;
	bool counts = !strcmp(name, "changes");
	char *line;

	lines_open(&l, NULL);
	while (readers_go_on()) {
		line = lines_next(&l, 500);
		did();
		if (!line || !strncmp(line, "lost ", 5))
			continue;
		seq = strtoul(line, NULL, 10);
		if (seq <= last)
			wrong("the line after %lu is '%s'", last, line);
		last = seq;
		atomic_fetch_add(&hammer->lines, 1);
		if (counts)
			changed(1);
	}
}

/* ---- the tools ---- */

static void drain(int fd, const char *tool)
{
	char text[TEXT];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0) {
		if (memchr(text, '\0', (size_t)n))
			wrong("a NUL byte in what %s prints", tool);
		did();
	}
}

void role_walk(const char *name)
{
	static const char *const tools[][6] = {
		{ "find", "", "-type", "f", NULL },     { "ls", "-lR", "", NULL }, { "grep", "-ra", ".", "", NULL },
		{ "grep", "-lr", "running", "", NULL }, { "stat", "", NULL },
	};
	int fds[2];
	pid_t pid;

	for (unsigned i = (unsigned)atoi(name); readers_go_on(); i++) {
		const char *argv[6] = { NULL };

		for (unsigned k = 0; tools[i % 5][k]; k++)
			argv[k] = *tools[i % 5][k] ? tools[i % 5][k] : hammer->vm;
		if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
			wrong("%m");
			return;
		}
		if (pid == 0) {
			dup2(fds[1], 1);
			dup2(open("/dev/null", O_WRONLY), 2); /* what went meanwhile */
			execvp(argv[0], (char *const *)argv);
			_exit(127);
		}
		close(fds[1]);
		drain(fds[0], argv[0]);
		close(fds[0]);
		waitpid(pid, NULL, 0);
		did();
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

	for (int i = 0; i < 40 && readers_go_on() && atomic_load(&hammer->changes) < before + 300; i++)
		poll(NULL, 0, 50);
}

/* While it was held up, the kernel may have cut the file under it, which leaves zeros in place of newlines. */
static void stuck_check(const struct hang *h)
{
	char text[TEXT] = { 0 };
	bool torn;

	memcpy(text, h->stuck.page, h->stuck.size - 1);
	for (ssize_t n = h->n; n > 0 && !text[n - 1]; n--)
		text[n - 1] = '\n';
	status_check(text, (size_t)h->n, &torn);
}

static void hang_once(struct hang *h, const char *path)
{
	pthread_t id;

	if (stuck_open(&h->stuck))
		return;
	h->fd = open_now(path, O_RDONLY);
	if (pthread_create(&id, NULL, hang_run, h))
		return;
	if (stuck_wait(&h->stuck, SECONDS_STUCK * 500))
		hang_hold();
	else
		wrong("nobody hangs in %s", path);
	stuck_let_go(&h->stuck);
	pthread_join(id, NULL);
	if (h->n < 0 && h->n != -ENOENT)
		wrong("%s, when it hung: %s", path, strerror((int)-h->n));
	else if (!h->names && h->n > 0)
		stuck_check(h);
	close(h->fd);
	stuck_close(&h->stuck);
}

static void hang(const char *path, bool names)
{
	struct hang h = { .names = names };

	if (stuck_open(&h.stuck))
		return; /* not on this machine */
	stuck_close(&h.stuck);
	while (writers_go_on()) {
		hang_once(&h, path);
		did();
		for (int i = 0; i < 20 && writers_go_on(); i++) /* let the others have the directory for a while */
			poll(NULL, 0, 100);
	}
}

void role_stuck(const char *name)
{
	hang(path_of(name, "status"), false);
}

void role_list(const char *name)
{
	(void)name;
	hang(hammer->vm, true);
}
