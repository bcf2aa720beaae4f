/*
 * A folder of its own for a test that is one thread: folder_make() makes and opens it, folder_drop() removes it, and fails
 * when anything is left in it.
 */
#ifndef FOLDER_WORLD_H
#define FOLDER_WORLD_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/domfs-test-XXXXXX";
static int folder = -1;

static inline int folder_make(void **state)
{
	(void)state;
	folder = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return folder < 0 ? -1 : 0;
}

static inline int folder_drop(void **state)
{
	(void)state;
	close(folder);
	return rmdir(dir);
}

#endif
