/*
 * usage: walk ROUNDS LIST...
 * Reads each file that LIST names, a path a line, as cat does: open, fstat, read to the end, close. A round takes each list
 * in turn, another one first each time; the first round is thrown away. Prints the median of each list in microseconds, one
 * word a list: no process is started and no name is listed, so that what is left is the files.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/figures.h"

struct list {
	char **path;
	size_t n;
	double *usec;
};

static void list_load(const char *file, struct list *l)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t room = 0, allocated = 0;
	ssize_t n;

	if (!f)
		error(1, errno, "%s", file);
	while ((n = getline(&line, &room, f)) > 0) {
		line[n - 1] = '\0';
		if (l->n == allocated) {
			allocated = allocated ? allocated * 2 : 1024;
			l->path = realloc(l->path, allocated * sizeof(*l->path));
		}
		if (!l->path || !(l->path[l->n++] = strdup(line)))
			error(1, errno, "%s", file);
	}
	free(line);
	fclose(f);
}

static void file_read(const char *path)
{
	static char text[131072];
	struct stat st;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		error(1, errno, "%s", path);
	do
		n = read(fd, text, sizeof(text));
	while (n > 0);
	if (n < 0)
		error(1, errno, "%s", path);
	close(fd);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, lists = (size_t)argc - 2;
	struct list *l;

	if (!rounds)
		error(2, 0, "usage: walk ROUNDS LIST...");
	l = calloc(lists, sizeof(*l));
	for (size_t i = 0; i < lists; i++) {
		list_load(argv[i + 2], &l[i]);
		l[i].usec = calloc(rounds + 1, sizeof(double));
	}
	for (size_t r = 0; r <= rounds; r++) {
		for (size_t turn = 0; turn < lists; turn++) {
			size_t i = turn_of(r, turn, lists);
			double before = usec_now();

			for (size_t k = 0; k < l[i].n; k++)
				file_read(l[i].path[k]);
			l[i].usec[r] = usec_now() - before;
		}
	}
	for (size_t i = 0; i < lists; i++)
		printf("%.1f%c", median(l[i].usec + 1, rounds), i + 1 < lists ? ' ' : '\n');
	return 0;
}
