/*
 * usage: stuck read|getdents PATH
 * read(2) of a file or getdents64(2) of a directory into a page that is not there: says "stuck" when the kernel hangs in it, lets
 * it go on when a line (or the end) comes on standard input, and prints what was read: the text, or the names. Status 77: the
 * machine has no userfaultfd for us; 3: the call failed, "error NAME".
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "stuck.h"

struct call {
	int fd, names;
	struct stuck *stuck;
	long n;
	int code;
};

static void *call_run(void *arg)
{
	struct call *c = arg;

	c->n = c->names ? getdents64(c->fd, c->stuck->page, c->stuck->size)
	                : read(c->fd, c->stuck->page, c->stuck->size);
	c->code = errno;
	return NULL;
}

static void print_names(const char *p, long n)
{
	const struct dirent64 *d;

	for (const char *end = p + n; p < end; p += d->d_reclen) {
		d = (const void *)p;
		puts(d->d_name);
	}
}

int main(int argc, char **argv)
{
	struct stuck s;
	struct call c = { .stuck = &s };
	pthread_t id;
	int ch;

	if (argc != 3 || (strcmp(argv[1], "read") != 0 && strcmp(argv[1], "getdents") != 0))
		return 2;
	c.names = argv[1][0] == 'g';
	if (stuck_open(&s))
		return 77;
	c.fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (c.fd < 0 || pthread_create(&id, NULL, call_run, &c)) {
		perror(argv[2]);
		return 1;
	}
	if (!stuck_wait(&s, 20000)) {
		puts("nothing hangs there");
		return 1;
	}
	puts("stuck");
	fflush(stdout);
	while ((ch = getchar()) != '\n' && ch != EOF)
		;
	stuck_let_go(&s);
	pthread_join(id, NULL);
	if (c.n < 0) {
		printf("error %s\n", strerrorname_np(c.code));
		return 3;
	}
	if (c.names)
		print_names(s.page, c.n);
	else
		fwrite(s.page, 1, (size_t)c.n, stdout);
	return 0;
}
