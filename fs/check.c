#include "fs/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spec.h"

static int read_config(const char *file, struct buf *b, struct err *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return fail(e, errno, "%s", strerror(errno));
	ret = buf_read(b, fd, CONFIG_MAX);
	close(fd);
	if (ret == -EFBIG)
		return fail(e, EFBIG, "longer than 1 MiB");
	return ret ? fail(e, -ret, "%s", strerror(-ret)) : 0;
}

/* Each line of TEXT begins with LINE:COLUMN. */
static void print_lines(const char *file, const char *text)
{
	size_t n;

	for (; text && *text; text += n + (text[n] ? 1 : 0)) {
		n = strcspn(text, "\n");
		printf("%s:%.*s\n", file, (int)n, text);
	}
}

static int check_file(const char *file)
{
	struct buf text = { 0 };
	struct notes notes = { 0 };
	struct spec *spec = NULL;
	struct err e = { 0 };
	int ret = read_config(file, &text, &e);

	if (ret)
		fprintf(stderr, "domfs: %s: %s\n", file, e.text);
	else
		ret = spec_parse(text.p, text.len, &spec, &notes, &e);
	if (text.p && ret && e.text[0])
		print_lines(file, e.text);
	print_lines(file, notes.text.p);
	notes_free(&notes);
	spec_unref(spec);
	buf_free(&text);
	return ret;
}

int check_files(char *const *files, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		if (check_file(files[i]))
			status = 1;
	}
	return status;
}

int check_dump(const char *file)
{
	struct buf text = { 0 }, json = { 0 };
	struct spec *spec = NULL;
	struct err e = { 0 };
	int ret = read_config(file, &text, &e);

	if (ret == 0)
		ret = spec_parse(text.p, text.len, &spec, NULL, &e);
	if (ret) {
		fprintf(stderr, "%s:%s\n", file, e.text);
	} else {
		spec_json(spec, true, &json);
		printf("%s%s", json.p, json.len && json.p[json.len - 1] == '\n' ? "" : "\n");
	}
	spec_unref(spec);
	buf_free(&text);
	buf_free(&json);
	return ret ? 1 : 0;
}
