/* The tools of the system walk the tree: they find what stays, and complain of nothing but what went meanwhile. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hammer.h"

#define FOUND (4 << 20) /* bytes that a tool may print to be looked at as a whole */

static const char *const tools[][6] = {
	{ "find", "", "-type", "f", NULL },     { "ls", "-lR", "", NULL }, { "grep", "-ra", ".", "", NULL },
	{ "grep", "-lr", "running", "", NULL }, { "stat", "", NULL },
};

static size_t drain(int fd, const char *tool, char *found)
{
	char text[TEXT];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0) {
		if (memchr(text, '\0', (size_t)n))
			wrong("a NUL byte in what %s prints", tool);
		if (len + (size_t)n < FOUND)
			memcpy(found + len, text, (size_t)n);
		len += (size_t)n;
		did();
	}
	return len < FOUND ? len : FOUND - 1;
}

/* The states of all domains that stay, each once. */
static void found_must(char *found)
{
	int seen[ACTORS] = { 0 };

	for (char *line = strtok(found, "\n"); line; line = strtok(NULL, "\n"))
		for (int i = 0; i < hammer->count; i++)
			seen[i] += !strcmp(line, path_of(hammer->actors[i].name, "state"));
	for (int i = 0; i < hammer->count; i++)
		if ((hammer->actors[i].subject == STAYS || hammer->actors[i].subject == STAYS_DEVICES) && seen[i] != 1)
			wrong("find finds %s %d times", path_of(hammer->actors[i].name, "state"), seen[i]);
}

/* A line for each thing that it could not read, and its status says that there were some. */
static void complaints_must(int fd, const char *tool, int status)
{
	static char text[TEXT];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	bool some = n > 0;

	text[n > 0 ? n : 0] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!varies(line) ||
		    (!strstr(line, ": No such file or directory") && !strstr(line, ": Stale file handle")))
			wrong("%s says: %s", tool, line);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 2 || (WEXITSTATUS(status) != 0 && !some))
		wrong("%s ended with status %x", tool, (unsigned)status);
}

static pid_t tool_start(const char *const *words, int out, int err)
{
	const char *argv[6] = { NULL };
	pid_t pid;

	for (unsigned k = 0; words[k]; k++)
		argv[k] = *words[k] ? words[k] : hammer->vm;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("LC_ALL", "C", 1);
		dup2(out, 1);
		dup2(err, 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

void role_walk(const char *name)
{
	static char found[FOUND];
	int fds[2], err, status;
	pid_t pid;

	for (unsigned i = (unsigned)atoi(name); readers_go_on(); i++) {
		const char *const *words = tools[i % (sizeof(tools) / sizeof(tools[0]))];

		err = memfd_create("complaints", MFD_CLOEXEC);
		if (err < 0 || pipe2(fds, O_CLOEXEC) < 0 || (pid = tool_start(words, fds[1], err)) < 0) {
			wrong("%m");
			return;
		}
		close(fds[1]);
		found[drain(fds[0], words[0], found)] = '\0';
		close(fds[0]);
		waitpid(pid, &status, 0);
		complaints_must(err, words[0], status);
		close(err);
		if (!strcmp(words[0], "find"))
			found_must(found);
		did();
	}
}
