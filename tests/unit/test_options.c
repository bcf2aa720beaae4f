/* The table of options: command lines and lines of the file, good and bad. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fs/options.h"
#include "tests/unit/test.h"

static void rows(void **state)
{
	(void)state;
	for (const struct option_row *r = option_rows; r->name; r++) {
		assert_true(strlen(r->doc) > 10 && r->doc[strlen(r->doc) - 1] == '.');
		assert_int_equal(r->type == OPTION_FLAG, !r->arg);
		assert_true(r->at < sizeof(struct options));
		for (const struct option_row *o = option_rows; o < r; o++)
			assert_string_not_equal(o->name, r->name);
	}
}

static void bad_command_lines(void **state)
{
	static const struct {
		const char *words[4];
		const char *part;
	} cases[] = {
		{ { "--foregruond" }, "did you mean --foreground?" },
		{ { "--qqqqqqqqqqqq" }, "--help" },
		{ { "-f" }, "not understood" },
		{ { "--backend" }, "missing" },
		{ { "--log-level", "loud" }, "none of" },
		{ { "--uids", "5" }, "FIRST-LAST" },
		{ { "--uids", "9-5" }, "no range" },
		{ { "--uids", "0-5" }, "no range" },
		{ { "--uids", "5-99999999999" }, "" },
		{ { "--define", "all" }, "neither" },
		{ { "/a", "/b" }, "one mount point" },
		{ { "--check-config" }, "which files" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *argv[8] = { "domfs", "--config-dir", "/nonexistent" };
		struct options o;
		struct err e = { 0 };
		int argc = 3;

		for (size_t k = 0; k < COUNT(cases[i].words) && cases[i].words[k]; k++)
			argv[argc++] = (char *)cases[i].words[k];
		assert_int_equal(options_read(argc, argv, &o, &e), -EINVAL);
		if (!strstr(e.text, cases[i].part))
			print_error("'%s' is not in: %s\n", cases[i].part, e.text);
		assert_non_null(strstr(e.text, cases[i].part));
		options_free(&o);
	}
}

static void lines(void **state)
{
	static const struct {
		const char *line;
		int ret;
	} cases[] = {
		{ "", 0 },
		{ "  # qemu = x", 0 },
		{ "qemu = /q", 0 },
		{ "  log-level=debug  ", 0 },
		{ "define = users", 0 },
		{ "qemu", -EINVAL },
		{ "qumu = /q", -EINVAL },
		{ "foreground = on", -EINVAL },
		{ "help =", -EINVAL },
		{ "log-level = x", -EINVAL },
		{ "= x", -EINVAL },
	};
	struct options o = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *line = x_strdup(cases[i].line);
		struct err e = { 0 };

		assert_int_equal(options_line(&o, line, &e), cases[i].ret);
		free(line);
	}
	assert_string_equal(o.qemu, "/q");
	assert_true(o.users_define);
	assert_int_equal(o.log_level, LOG_DEBUG);
	options_free(&o);
}

static void write_file(const char *dir, const char *text)
{
	char *path = x_printf("%s/domfs.conf", dir);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static void command_line_wins(void **state)
{
	char dir[] = "/tmp/domfs-options-XXXXXX", *path;
	struct options o;
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "backend = sim:delay=5,x=1\naccel = tcg\nmountpoint = /file\n");
	char *argv[] = { "domfs", "--config-dir", dir, "--accel=kvm", "/word", NULL };
	assert_int_equal(options_read(5, argv, &o, &e), 0);
	assert_string_equal(o.backend, "sim");
	assert_string_equal(o.backend_options, "delay=5,x=1");
	assert_string_equal(o.accel, "kvm");
	assert_string_equal(o.mountpoint, "/word");
	assert_string_equal(o.state_dir, "/var/lib/domfs");
	options_free(&o);

	write_file(dir, "accel = tcg\nbakend = sim\n");
	assert_int_equal(options_read(5, argv, &o, &e), -EINVAL);
	assert_non_null(strstr(e.text, "domfs.conf:2: "));
	assert_non_null(strstr(e.text, "did you mean backend?"));
	options_free(&o);

	/* A file with mistakes does not keep anybody from checking configurations. */
	char *check[] = { "domfs", "--config-dir", dir, "--check-config", "/a", "/b", NULL };
	assert_int_equal(options_read(6, check, &o, &e), 0);
	assert_int_equal(o.nfiles, 2);
	options_free(&o);
	path = x_printf("%s/domfs.conf", dir);
	unlink(path);
	rmdir(dir);
	free(path);
}

static void help_has_every_row(void **state)
{
	struct buf b = { 0 };

	(void)state;
	options_help(&b);
	for (const struct option_row *r = option_rows; r->name; r++)
		assert_non_null(strstr(b.p, r->name));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(bad_command_lines),
		cmocka_unit_test(lines),
		cmocka_unit_test(command_line_wins),
		cmocka_unit_test(help_has_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
