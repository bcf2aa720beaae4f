/*
 * usage: stuck_list VM
 * One reader of the directory VM stops before it comes to the end, a domain is removed, another reader begins, and then the first one
 * goes on: what it had read before is not what the other gets in the middle of its listing. Status 1: it is.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "stuck-list"

/* How often NAME is among the entries that SIZE bytes hold; -1: that was the end. */
static int names(int fd, size_t size)
{
	_Alignas(struct dirent64) char text[65536];
	const struct dirent64 *d;
	ssize_t n = getdents64(fd, text, size);
	int seen = 0;

	for (const char *p = text; p < text + n; p += d->d_reclen) {
		d = (const void *)p;
		seen += !strcmp(d->d_name, NAME);
	}
	return n > 0 ? seen : -1;
}

int main(int argc, char **argv)
{
	int first, second, seen, n;
	char path[512];

	if (argc != 2)
		return 2;
	snprintf(path, sizeof(path), "%s/%s", argv[1], NAME);
	if (mkdir(path, 0755)) {
		perror(path);
		return 2;
	}
	first = open(argv[1], O_RDONLY | O_DIRECTORY);
	seen = names(first, 65536);
	if (rmdir(path)) {
		perror(path);
		return 2;
	}
	second = open(argv[1], O_RDONLY | O_DIRECTORY);
	n = names(second, 120); /* a few */
	while (names(first, 65536) >= 0)
		;
	printf("the first listed it %d times", seen);
	for (seen = 0; n >= 0; n = names(second, 65536))
		seen += n;
	printf(", the second one, which began when it was gone, %d times\n", seen);
	return seen > 0;
}
