#include "hypervisor/base/self_spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>

int self_spawn(pid_t *pid, char *const argv[], int fd, const sigset_t *blocked)
{
	const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char *envp[] = { NULL };
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_init(&attr);
	if (r)
		return -r;
	r = posix_spawn_file_actions_init(&files);
	if (r)
		goto out;
	/* FD goes first: it may be one of 0 to 2 here. */
	r = posix_spawn_file_actions_adddup2(&files, fd, SELF_FD);
	for (int i = 0; r == 0 && i < SELF_FD; i++)
		r = posix_spawn_file_actions_addopen(&files, i, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attr, blocked ? blocked : &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(&attr, &all);
	if (r == 0)
		r = posix_spawnattr_setflags(&attr, flags);
	if (r == 0)
		r = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&files);
out:
	posix_spawnattr_destroy(&attr);
	return -r;
}
