/* The host: which QEMU there is, whether it can use KVM, how much memory is left. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"

#define QEMU_NAME "qemu-system-x86_64"
#define PROBE_MSEC 10000
#define PROBE_MAX (64 * 1024)

int host_boot_id(char out[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, out, 63);
	close(fd);
	if (n <= 0)
		return -EIO;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

gid_t host_kvm_gid(void)
{
	struct stat st;

	/* Root's group is never handed to a guest's process, whatever the device's mode. */
	return stat("/dev/kvm", &st) == 0 && st.st_gid && (st.st_mode & 060) == 060 ? st.st_gid : (gid_t)-1;
}

/* What FD says until its end. 0, -EFBIG, -ETIMEDOUT or -errno. */
static int pipe_read(int fd, size_t max, uint64_t deadline, struct buf *ret)
{
	char part[4096];

	for (;;) {
		uint64_t now = clock_msec();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int got = poll(&p, 1, now < deadline ? (int)(deadline - now) : 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ETIMEDOUT;
		ssize_t n = read(fd, part, sizeof(part));
		if (n <= 0)
			return n ? -errno : 0;
		if (ret->len + (size_t)n > max)
			return -EFBIG;
		buf_add(ret, part, (size_t)n);
	}
}

/* What PROGRAM WORD prints and ends successfully with, at most PROBE_MAX bytes within PROBE_MSEC. */
static int program_ask(char *program, char *const *words, struct buf *ret, struct err *e)
{
	char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin" }, (char[]){ "LC_ALL=C" }, NULL };
	char *argv[4] = { program };
	posix_spawn_file_actions_t actions;
	int out[2], rc, status = 0;
	pid_t pid;

	for (size_t i = 0; i < 2 && words[i]; i++)
		argv[i + 1] = words[i];
	if (pipe2(out, O_CLOEXEC) < 0)
		return fail(e, errno, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&pid, program, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (rc) {
		close(out[0]);
		return fail(e, rc, "%s: %s", program, strerror(rc));
	}
	rc = pipe_read(out[0], PROBE_MAX, clock_msec() + PROBE_MSEC, ret);
	close(out[0]);
	if (rc)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc)
		return fail(e, -rc, "%s %s: %s", program, words[0], strerror(-rc));
	if (status)
		return fail(e, EIO, "%s %s: it failed", program, words[0]);
	return 0;
}

/* QEMU as an absolute path. */
static char *program_find(const char *name)
{
	const char *path = getenv("PATH");
	char *all, *save = NULL, *found = NULL;

	if (strchr(name, '/'))
		return name[0] == '/' && access(name, X_OK) == 0 ? x_strdup(name) : NULL;
	all = x_strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	for (char *dir = strtok_r(all, ":", &save); dir && !found; dir = strtok_r(NULL, ":", &save)) {
		found = x_printf("%s/%s", dir, name);
		if (dir[0] != '/' || access(found, X_OK) < 0) {
			free(found);
			found = NULL;
		}
	}
	free(all);
	return found;
}

/* "QEMU emulator version 7.2.22 (Debian ...)": the number. */
bool host_version(const char *text, char ret[32])
{
	const char *p = strstr(text, "version ");
	size_t n;

	if (!p)
		return false;
	p += strlen("version ");
	n = strspn(p, "0123456789.");
	if (!n || n >= 32 || !isdigit((unsigned char)*p))
		return false;
	memcpy(ret, p, n);
	ret[n] = '\0';
	return true;
}

/* The newest pc-i440fx-N.N of `-M help`; types that a distribution or another hypervisor named are passed over. */
bool host_machine(const char *text, char ret[32])
{
	unsigned best_major = 0, best_minor = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned major, minor;
		char after;

		line += *line == '\n';
		if (sscanf(line, "pc-i440fx-%3u.%3u%c", &major, &minor, &after) != 3 || after != ' ')
			continue;
		if (major > best_major || (major == best_major && minor > best_minor)) {
			best_major = major;
			best_minor = minor;
		}
	}
	if (!best_major)
		return false;
	snprintf(ret, 32, "pc-i440fx-%u.%u", best_major, best_minor);
	return true;
}

/* Whether TEXT, /proc/cpuinfo, has the flags of hardware virtualisation. /dev/kvm alone proves nothing. */
bool host_virtualises(const char *text)
{
	for (const char *p = strstr(text, "\nflags"); p; p = strstr(p + 1, "\nflags")) {
		size_t n = strcspn(p + 1, "\n");
		char *line = x_strndup(p + 1, n), *save = NULL;
		bool found = false;

		for (char *w = strtok_r(line, " \t:", &save); w && !found; w = strtok_r(NULL, " \t:", &save))
			found = strcmp(w, "vmx") == 0 || strcmp(w, "svm") == 0;
		free(line);
		if (found)
			return true;
	}
	return false;
}

static bool kvm_usable(char why[128])
{
	struct buf text = { 0 };
	int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	bool flags;

	if (fd >= 0) {
		/* The first processors are enough: a large host's text is longer than what is read. */
		buf_read(&text, fd, PROBE_MAX);
		close(fd);
	}
	flags = text.p && host_virtualises(text.p);
	buf_free(&text);
	if (!flags) {
		snprintf(why, 128, "the processor shows neither vmx nor svm");
		return false;
	}
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		snprintf(why, 128, "/dev/kvm: %s", strerror(errno));
		return false;
	}
	close(fd);
	snprintf(why, 128, "the processor and /dev/kvm offer it");
	return true;
}

static int accel_choose(const char *wish, struct qemu_features *f, struct err *e)
{
	bool usable = kvm_usable(f->kvm_why);

	if (!wish || strcmp(wish, "auto") == 0) {
		f->kvm = usable;
	} else if (strcmp(wish, "tcg") == 0) {
		f->kvm = false;
		snprintf(f->kvm_why, sizeof(f->kvm_why), "tcg was asked for");
	} else if (strcmp(wish, "kvm") == 0) {
		if (!usable)
			return fail(e, EOPNOTSUPP, "accel kvm: this host cannot: %s; use auto or tcg", f->kvm_why);
		f->kvm = true;
	} else {
		return fail(e, EINVAL, "accel %s: auto, kvm and tcg are known", wish);
	}
	return 0;
}

int host_probe(const struct backend_config *c, char **qemu, struct qemu_features *ret, struct err *e)
{
	const char *name = c->qemu ? c->qemu : QEMU_NAME;
	char *program = program_find(name);
	struct qemu_features f = { 0 };
	struct buf version = { 0 }, machines = { 0 };
	int rc;

	if (!program) {
		rc = fail(e, ENOENT, "%s: there is none to execute%s", name,
		          c->qemu ? "" : " in PATH (apt install qemu-system-x86)");
		goto out;
	}
	rc = accel_choose(c->accel, &f, e);
	if (rc)
		goto out;
	rc = program_ask(program, (char *[]){ (char[]){ "-version" }, NULL }, &version, e);
	if (rc)
		goto out;
	if (!version.p || !host_version(version.p, f.version)) {
		rc = fail(e, EINVAL, "%s -version: it does not look like QEMU", program);
		goto out;
	}
	rc = program_ask(program, (char *[]){ (char[]){ "-M" }, (char[]){ "help" }, NULL }, &machines, e);
	if (rc)
		goto out;
	if (!machines.p || !host_machine(machines.p, f.machine_pc)) {
		rc = fail(e, EOPNOTSUPP, "%s: it has no machine pc-i440fx-N.N", program);
		goto out;
	}
	*qemu = program;
	*ret = f;
	program = NULL;
out:
	free(program);
	buf_free(&version);
	buf_free(&machines);
	return rc;
}

/* "MemTotal:       2048 kB" of /proc/meminfo, in MiB. */
static bool meminfo_find(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, n) == 0 && p[n] == ':') {
			*ret = strtoull(p + n + 1, NULL, 10) >> 10;
			return true;
		}
	}
	return false;
}

int host_memory(uint64_t promised_mib, struct host *ret, struct err *e)
{
	struct buf text = { 0 };
	struct host h = { 0 };
	uint64_t available;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC), rc = -EIO;

	if (fd >= 0) {
		rc = buf_read(&text, fd, PROBE_MAX);
		close(fd);
	}
	if (rc < 0 || !text.p || !meminfo_find(text.p, "MemTotal", &h.total_mib) ||
	    !meminfo_find(text.p, "MemAvailable", &available)) {
		rc = fail(e, EIO, "/proc/meminfo: it cannot be read");
		goto out;
	}
	/* A guest takes what it was promised only as it touches it: not all that is available now is free to give. */
	h.free_mib = h.total_mib > promised_mib ? h.total_mib - promised_mib : 0;
	if (available < h.free_mib)
		h.free_mib = available;
	h.cpus = cpus > 0 ? (unsigned)cpus : 1;
	*ret = h;
	rc = 0;
out:
	buf_free(&text);
	return rc;
}
