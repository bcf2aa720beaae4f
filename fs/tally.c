#include "fs/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define TALLY_BYTES (TALLY_KINDS * sizeof(uint64_t))

_Atomic uint64_t *tally_counters;

/* Figures that are there go on: a successor counts in the same file. */
static void *file_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), code;
	void *map = MAP_FAILED;

	if (fd < 0)
		return MAP_FAILED;
	if (ftruncate(fd, TALLY_BYTES) == 0)
		map = mmap(NULL, TALLY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code = errno;
	close(fd);
	errno = code;
	return map;
}

void tally_open(void)
{
	const char *path = getenv("DOMFS_TALLY");
	void *map;

	if (!path || !*path)
		return;
	map = file_map(path);
	if (map == MAP_FAILED)
		log_warn("%s: requests are not counted: %s", path, strerror(errno));
	else
		tally_counters = map;
}
