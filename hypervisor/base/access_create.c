/* New files of users: without a name until they are whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "hypervisor/base/access_wire.h"

int access_create(const struct user *u, const char *path, uint64_t deadline, struct err *e)
{
	const struct access_wish w = { .ask = ACCESS_ASK_CREATE, .flags = O_RDWR, .read_max = SIZE_MAX, .fd = -1 };

	return access_ask(u, path, &w, deadline, e);
}

int access_name(const struct user *u, const char *path, int fd, uint64_t deadline, struct err *e)
{
	const struct access_wish w = { .ask = ACCESS_ASK_NAME, .flags = O_RDWR, .read_max = SIZE_MAX, .fd = fd };

	if (fsync(fd) < 0)
		return fail(e, errno, "%s: %s", path, strerror(errno));
	return access_ask(u, path, &w, deadline, e);
}
