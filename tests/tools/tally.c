/*
 * usage: tally FILE [zero]
 * Prints the requests that a daemon with DOMFS_TALLY=FILE has counted, a line "OPEN 3" for each kind that came, in the
 * order of their opcodes; zero sets all to zero afterwards, at once with the reading of each.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define KINDS 128

static const char *const names[KINDS] = {
#define NAME(kind) [FUSE_##kind] = #kind
	NAME(LOOKUP),       NAME(FORGET),        NAME(GETATTR),
	NAME(SETATTR),      NAME(READLINK),      NAME(SYMLINK),
	NAME(MKNOD),        NAME(MKDIR),         NAME(UNLINK),
	NAME(RMDIR),        NAME(RENAME),        NAME(LINK),
	NAME(OPEN),         NAME(READ),          NAME(WRITE),
	NAME(STATFS),       NAME(RELEASE),       NAME(FSYNC),
	NAME(SETXATTR),     NAME(GETXATTR),      NAME(LISTXATTR),
	NAME(REMOVEXATTR),  NAME(FLUSH),         NAME(INIT),
	NAME(OPENDIR),      NAME(READDIR),       NAME(RELEASEDIR),
	NAME(FSYNCDIR),     NAME(GETLK),         NAME(SETLK),
	NAME(SETLKW),       NAME(ACCESS),        NAME(CREATE),
	NAME(INTERRUPT),    NAME(BMAP),          NAME(DESTROY),
	NAME(IOCTL),        NAME(POLL),          NAME(NOTIFY_REPLY),
	NAME(BATCH_FORGET), NAME(FALLOCATE),     NAME(READDIRPLUS),
	NAME(RENAME2),      NAME(LSEEK),         NAME(COPY_FILE_RANGE),
	NAME(SETUPMAPPING), NAME(REMOVEMAPPING),
#ifdef FUSE_SYNCFS
	NAME(SYNCFS),
#endif
#undef NAME
	[51] = "TMPFILE",   [52] = "STATX",      [KINDS - 1] = "OTHERS",
};

int main(int argc, char **argv)
{
	int zero = argc == 3 && !strcmp(argv[2], "zero"), fd;
	_Atomic uint64_t *counters;
	uint64_t n;

	if (argc != 2 && !zero)
		return 2;
	fd = open(argv[1], zero ? O_RDWR : O_RDONLY);
	counters = fd < 0 ? MAP_FAILED
	                  : mmap(NULL, KINDS * sizeof(*counters), zero ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
	                         fd, 0);
	if (counters == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < KINDS; i++) {
		n = zero ? atomic_exchange(&counters[i], 0) : atomic_load(&counters[i]);
		if (!n)
			continue;
		if (names[i])
			printf("%s %llu\n", names[i], (unsigned long long)n);
		else
			printf("OPCODE%d %llu\n", i, (unsigned long long)n);
	}
	return 0;
}
