/*
 * Ways to use a file that no shell has.
 * usage: ways splice FILE		its first page, as splice(2) gives it
 *	  ways exec FILE TEXT		writes TEXT, and leaves the closing to execve(2) of true(1)
 *	  ways exit FILE TEXT		writes TEXT, and leaves the closing to its own end
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void splice_out(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), p[2];
	char page[4096];
	ssize_t n;

	if (fd < 0 || pipe(p))
		error(1, errno, "%s", path);
	n = splice(fd, NULL, p[1], NULL, sizeof(page), 0);
	if (n < 0)
		error(1, errno, "%s", path);
	if (n && (read(p[0], page, (size_t)n) != n || write(STDOUT_FILENO, page, (size_t)n) != n))
		error(1, errno, "a pipe");
}

static void leave(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		error(1, errno, "%s", path);
}

int main(int argc, char **argv)
{
	char *const no_words[] = { (char *)"true", NULL };

	if (argc == 3 && !strcmp(argv[1], "splice")) {
		splice_out(argv[2]);
	} else if (argc == 4 && !strcmp(argv[1], "exec")) {
		leave(argv[2], argv[3]);
		execv("/bin/true", no_words);
		return 1;
	} else if (argc == 4 && !strcmp(argv[1], "exit")) {
		leave(argv[2], argv[3]);
		_exit(0);
	} else {
		error(2, 0, "usage: ways splice FILE, ways exec|exit FILE TEXT");
	}
	return 0;
}
