/*
 * usage: hammer VM ETC PID CHANGES ROLE:NAME...
 * Actors, each a process, change and read the tree at VM at full speed until CHANGES were made: a role each, for the domain
 * NAME. ETC is the configuration folder, PID the daemon. First who changes ends, then who reads; then every file of every domain is
 * read by every way, and they agree. An actor that makes no step for a minute hangs: where it and the daemon are is
 * printed. A change is one that was asked for and answered, or told by an event's line; each counts once. Status 0 when nothing was
 * wrong.
 */
#include "hammer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRONG_MAX 20 /* sentences */

struct hammer *hammer;
struct actor *me;

#define WRITER false
#define READER true

static const struct role {
	const char *name;
	void (*run)(const char *domain);
	bool reader;
	enum subject subject;
} roles[] = {
	{ "toggle", role_toggle, WRITER, STAYS },
	{ "self", role_self, WRITER, STAYS },
	{ "poll", role_poll, WRITER, STAYS },
	{ "tags", role_tags, WRITER, STAYS },
	{ "owner", role_owner, WRITER, STAYS },
	{ "rename", role_rename, WRITER, VARIES },
	{ "power", role_power, WRITER, STAYS },
	{ "memory", role_memory, WRITER, STAYS },
	{ "make", role_make, WRITER, VARIES },
	{ "file", role_file, WRITER, VARIES },
	{ "device", role_device, WRITER, STAYS_DEVICES },
	{ "contend", role_contend, WRITER, STAYS },
	{ "stuck", role_stuck, WRITER, STAYS },
	{ "list", role_list, WRITER, NO_DOMAIN },
	{ "follow", role_follow, READER, STAYS },
	{ "churn", role_churn, READER, VARIES },
	{ "verify", role_verify, READER, NO_DOMAIN },
	{ "retag", role_retag, READER, STAYS },
	{ "count", role_count, READER, NO_DOMAIN },
	{ "walk", role_walk, READER, NO_DOMAIN },
};

void did(void)
{
	atomic_fetch_add(&me->steps, 1);
}

void changed(unsigned long n)
{
	atomic_fetch_add(&hammer->changes, n);
	atomic_fetch_add(&me->changes, n);
}

bool writers_go_on(void)
{
	return atomic_load(&hammer->phase) == PHASE_ALL;
}

bool readers_go_on(void)
{
	return atomic_load(&hammer->phase) < (me->reader ? PHASE_OVER : PHASE_READERS);
}

long long now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void wrong(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (atomic_fetch_add(&hammer->wrong, 1) < WRONG_MAX) {
		printf("%s:%s: %s\n", me->role, me->name, text);
		fflush(stdout);
	}
}

/* ---- where it hangs ---- */

static void print_file(const char *path)
{
	char text[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n > 0)
		printf("  %s: %.*s\n", path, (int)n, text);
}

static void print_stacks(pid_t pid)
{
	char path[600];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (*d->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/wchan", pid, d->d_name);
		print_file(path);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stack", pid, d->d_name);
		print_file(path);
	}
	if (dir)
		closedir(dir);
}

static void print_hang(const struct actor *a)
{
	printf("%s:%s makes no step for %d seconds; it and the daemon are at\n", a->role, a->name, SECONDS_STUCK);
	print_stacks(a->pid);
	print_stacks(hammer->daemon);
	fflush(stdout);
}

/* ---- actors ---- */

static const struct role *role_find(const char *name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (!strcmp(roles[i].name, name))
			return &roles[i];
	return NULL;
}

static bool actor_add(char *word)
{
	struct actor *a = &hammer->actors[hammer->count];
	char *name = strchr(word, ':');

	if (!name || hammer->count == ACTORS)
		return false;
	*name++ = '\0';
	snprintf(a->role, sizeof(a->role), "%s", word);
	snprintf(a->name, sizeof(a->name), "%s", name);
	if (!role_find(a->role))
		return false;
	a->reader = role_find(a->role)->reader;
	a->subject = role_find(a->role)->subject;
	hammer->count++;
	return true;
}

static void actor_start(struct actor *a)
{
	a->pid = fork();
	if (a->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* when the time is over */
	me = a;
	role_find(a->role)->run(a->name);
	exit(0);
}

/* A look each second: who ended, who makes no step. 0 when all of KIND have ended. */
static int look_after(bool readers)
{
	static unsigned long steps[ACTORS];
	static int still[ACTORS];
	int left = 0, status;

	for (int i = 0; i < hammer->count; i++) {
		struct actor *a = &hammer->actors[i];
		unsigned long now = atomic_load(&a->steps);

		if (a->pid > 0 && waitpid(a->pid, &status, WNOHANG) == a->pid) {
			if (status) {
				printf("%s:%s ended with status %x\n", a->role, a->name, (unsigned)status);
				atomic_fetch_add(&hammer->wrong, 1);
			}
			a->pid = 0;
		}
		if (a->pid <= 0)
			continue;
		left += a->reader == readers;
		still[i] = now == steps[i] ? still[i] + 1 : 0;
		steps[i] = now;
		if (still[i] < SECONDS_STUCK)
			continue;
		print_hang(a);
		kill(a->pid, SIGKILL);
		a->pid = 0; /* it may not even die */
		atomic_fetch_add(&hammer->wrong, 1);
	}
	return left;
}

static void tick(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
}

/* look_after() counts looks: five ticks make one. */
static void run_phases(unsigned long wanted)
{
	unsigned ticks = 0;

	while (atomic_load(&hammer->changes) < wanted && !atomic_load(&hammer->wrong)) {
		tick();
		if (++ticks % 5 == 0)
			look_after(false);
	}
	atomic_store(&hammer->phase, PHASE_READERS);
	do
		tick();
	while (++ticks % 5 || look_after(false));
	atomic_store(&hammer->phase, PHASE_OVER);
	do
		tick();
	while (++ticks % 5 || look_after(true));
}

/* ---- at the end: every way of reading says the same ---- */

static void final_domain(const char *name)
{
	static const char *const files[] = { "state", "status", "tags", "name",  "uuid", "owner",    "group",
		                             "mem",   "job",    "id",   "vcpus", "vnc",  "autostart" };
	char cached[TEXT], direct[TEXT], path[320];
	struct stat st;
	ssize_t n, m;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s", path_of(name, files[i]));
		n = read_new(path, 0, cached);
		m = read_new(path, O_DIRECT, direct);
		if (n != m || n < 0 || memcmp(cached, direct, (size_t)n) != 0)
			wrong("in the end %s says '%s' (%zd), and past the cache '%s' (%zd)", path, cached, n, direct,
			      m);
		if (stat(path, &st) == 0 && st.st_size != n)
			wrong("in the end %s has %lld bytes by stat, and %zd are read", path, (long long)st.st_size, n);
	}
}

/* Nobody reads all that comes at full speed, but who missed most of it proves nothing. */
static void final_actor(const struct actor *a)
{
	unsigned long lines = atomic_load(&a->lines), lost = atomic_load(&a->lost);

	if (!atomic_load(&a->steps))
		wrong("%s:%s did nothing", a->role, a->name);
	if (lost > lines)
		wrong("%s:%s missed %lu lines and got %lu", a->role, a->name, lost, lines);
}

static void final_look(void)
{
	for (int i = 0; i < hammer->count; i++)
		final_actor(&hammer->actors[i]);
	list_must_end(final_domain);
}

static void print_figures(long long seconds)
{
	unsigned long lines = 0, lost = 0, n;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		n = 0;
		for (int k = 0; k < hammer->count; k++)
			if (!strcmp(hammer->actors[k].role, roles[i].name))
				n += atomic_load(&hammer->actors[k].changes);
		if (n)
			printf("%s %lu, ", roles[i].name, n);
	}
	for (int k = 0; k < hammer->count; k++) {
		lines += atomic_load(&hammer->actors[k].lines);
		lost += atomic_load(&hammer->actors[k].lost);
	}
	printf("%lu changes; %lu lines read and %lu missed, %lu looks behind them, %lu listings of which %lu were "
	       "right after a "
	       "while, %lu reads of which %lu were torn, %lld s, %d wrong\n",
	       atomic_load(&hammer->changes), lines, lost, atomic_load(&hammer->looks), atomic_load(&hammer->listings),
	       atomic_load(&hammer->later), atomic_load(&hammer->reads), atomic_load(&hammer->torn), seconds,
	       atomic_load(&hammer->wrong));
}

int main(int argc, char **argv)
{
	static struct actor self = { .role = "hammer" };
	long long from, to;

	hammer = mmap(NULL, sizeof(*hammer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc < 6 || hammer == MAP_FAILED)
		return 2;
	snprintf(hammer->vm, sizeof(hammer->vm), "%s", argv[1]);
	snprintf(hammer->etc, sizeof(hammer->etc), "%s", argv[2]);
	hammer->daemon = atoi(argv[3]);
	for (int i = 5; i < argc; i++) {
		if (!actor_add(argv[i])) {
			fprintf(stderr, "%s: no such role, or too many\n", argv[i]);
			return 2;
		}
	}
	me = &self;
	from = now_msec();
	for (int i = 0; i < hammer->count; i++)
		actor_start(&hammer->actors[i]);
	run_phases(strtoul(argv[4], NULL, 10));
	to = now_msec();
	final_look();
	print_figures((to - from) / 1000);
	return atomic_load(&hammer->wrong) ? 1 : 0;
}
