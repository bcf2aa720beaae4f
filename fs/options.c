#include "fs/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "units.h"

#define FILE_NAME "domfs.conf"
#define FILE_BYTES 65536

#define AT(field) offsetof(struct options, field)

const struct option_row option_rows[] = {
	{ "backend", OPTION_TEXT, true, AT(backend), "NAME[:OPTIONS]",
	  "The hypervisor: xen, qemu, or sim, a simulator; what follows the colon is for it. Unless said auto: xen in "
	  "the control domain of Xen, else qemu." },
	{ "config-dir", OPTION_TEXT, false, AT(config_dir), "FOLDER",
	  "The domains' configurations and domfs.conf; /etc/domfs unless said." },
	{ "state-dir", OPTION_TEXT, true, AT(state_dir), "FOLDER",
	  "What must survive the daemon: identifiers, owners, histories; /var/lib/domfs unless said." },
	{ "run-dir", OPTION_TEXT, true, AT(run_dir), "FOLDER",
	  "Sockets and records of running guests, gone with a reboot; /run/domfs unless said." },
	{ "mountpoint", OPTION_TEXT, true, AT(mountpoint), "FOLDER",
	  "Where the tree is mounted, as the last word of the command line does; /vm unless said." },
	{ "define", OPTION_WHO, true, AT(users_define), "root|users",
	  "Who may define domains by mkdir in the root: root, unless said, or every user." },
	{ "qemu", OPTION_TEXT, true, AT(qemu), "PATH", "The QEMU to run; looked up unless said." },
	{ "accel", OPTION_TEXT, true, AT(accel), "auto|kvm|tcg",
	  "How guests are executed; auto takes kvm where it works." },
	{ "uids", OPTION_UIDS, true, AT(uid_first), "FIRST-LAST",
	  "The range of user ids that guests' processes run under, one for each; 2000000000-2000065535 unless said." },
	{ "log-level", OPTION_LEVEL, true, AT(log_level), "error|warn|info|debug",
	  "How much is logged; info unless said." },
	{ "foreground", OPTION_FLAG, false, AT(foreground), NULL,
	  "Do not go into the background; log to standard error." },
	{ "check-config", OPTION_FLAG, false, AT(check_config), NULL,
	  "Check the configurations named as FILE:LINE:COLUMN: sentence, and end: 1 when one has an error." },
	{ "dump-config", OPTION_TEXT, false, AT(dump_config), "FILE", "Print a configuration as JSON, and end." },
	{ "help", OPTION_FLAG, false, AT(help), NULL, "Print this, and end." },
	{ "version", OPTION_FLAG, false, AT(version), NULL, "Print the version, and end." },
	{ 0 },
};

static const char *row_name(size_t i, const void *ctx)
{
	(void)ctx;
	return option_rows[i].name;
}

/* ---- values ---- */

static int set_text(char **to, const char *value)
{
	free(*to);
	*to = x_strdup(value);
	return 0;
}

static int set_flag(bool *to, const char *name, const char *value, struct err *e)
{
	if (value && strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return fail(e, EINVAL, "%s: '%s' is neither on nor off", name, value);
	*to = !value || strcmp(value, "on") == 0;
	return 0;
}

static int set_level(enum log_level *to, const char *name, const char *value, struct err *e)
{
	for (size_t i = 0; i < LOG_LEVELS; i++) {
		if (strcmp(value, log_level_names[i]) == 0) {
			*to = (enum log_level)i;
			return 0;
		}
	}
	return fail(e, EINVAL, "%s: '%s' is none of error, warn, info, debug", name, value);
}

static int set_who(bool *to, const char *name, const char *value, struct err *e)
{
	if (strcmp(value, "root") != 0 && strcmp(value, "users") != 0)
		return fail(e, EINVAL, "%s: '%s' is neither root nor users", name, value);
	*to = strcmp(value, "users") == 0;
	return 0;
}

static int set_uids(struct options *o, const char *name, const char *value, struct err *e)
{
	char *first = x_strdup(value), *last = strchr(first, '-');
	uint64_t a = 0, b = 0;
	int ret;

	if (last)
		*last++ = '\0';
	ret = last ? 0 : fail(e, EINVAL, "%s: '%s' is not FIRST-LAST", name, value);
	if (ret == 0)
		ret = parse_u64(first, UINT32_MAX - 1, &a, e);
	if (ret == 0)
		ret = parse_u64(last, UINT32_MAX - 1, &b, e);
	if (ret == 0 && (a == 0 || a > b))
		ret = fail(e, EINVAL, "%s: '%s' is no range of users other than root", name, value);
	if (ret == 0) {
		o->uid_first = (uid_t)a;
		o->uid_last = (uid_t)b;
	}
	free(first);
	return ret;
}

static int option_set(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	void *at = (char *)o + row->at;

	switch (row->type) {
	case OPTION_TEXT:
		return set_text(at, value);
	case OPTION_FLAG:
		return set_flag(at, row->name, value, e);
	case OPTION_LEVEL:
		return set_level(at, row->name, value, e);
	case OPTION_WHO:
		return set_who(at, row->name, value, e);
	case OPTION_UIDS:
		return set_uids(o, row->name, value, e);
	}
	return -EINVAL;
}

static void options_default(struct options *o)
{
	*o = (struct options){ .log_level = LOG_INFO, .uid_first = 2000000000, .uid_last = 2000065535 };
	set_text(&o->backend, "auto");
	set_text(&o->config_dir, "/etc/domfs");
	set_text(&o->state_dir, "/var/lib/domfs");
	set_text(&o->run_dir, "/run/domfs");
	set_text(&o->mountpoint, "/vm");
	set_text(&o->accel, "auto");
}

void options_free(struct options *o)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->type == OPTION_TEXT)
			free(*(char **)((char *)o + row->at));
	}
	for (size_t i = 0; i < o->nfiles; i++)
		free(o->files[i]);
	free(o->files);
	free(o->backend_options);
	*o = (struct options){ 0 };
}

/* ---- the file ---- */

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

int options_line(struct options *o, char *line, struct err *e)
{
	const struct option_row *row;
	char *value, *key = trim(line);
	const char *near;

	if (*key == '\0' || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value)
		return fail(e, EINVAL, "'%s' is no `key = value` line", key);
	*value++ = '\0';
	key = trim(key);
	for (row = option_rows; row->name; row++) {
		if (row->in_file && strcmp(row->name, key) == 0)
			return option_set(o, row, trim(value), e);
	}
	near = nearest(key, COUNT(option_rows) - 1, row_name, NULL);
	if (near && strcmp(near, key) == 0)
		return fail(e, EINVAL, "%s is for the command line only", key);
	return near ? fail(e, EINVAL, "there is no option '%s': did you mean %s?", key, near)
	            : fail(e, EINVAL, "there is no option '%s'", key);
}

static int file_lines(struct options *o, char *text, const char *path, struct err *e)
{
	char *rest = text, *line;
	unsigned number = 0;
	int ret;

	while ((line = strsep(&rest, "\n"))) {
		number++;
		ret = options_line(o, line, e);
		if (ret)
			return fail_in(e, "%s:%u", path, number);
	}
	return 0;
}

/* It need not exist. */
static int file_read(struct options *o, struct err *e)
{
	char *path = x_printf("%s/%s", o->config_dir, FILE_NAME);
	struct buf text = { 0 };
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		ret = errno == ENOENT ? 0 : fail(e, errno, "%s: %m", path);
		goto out;
	}
	ret = buf_read(&text, fd, FILE_BYTES);
	if (ret)
		fail(e, -ret, "%s: %s", path, strerror(-ret));
	else
		ret = file_lines(o, text.p, path, e);
	close(fd);
out:
	buf_free(&text);
	free(path);
	return ret;
}

/* ---- the command line ---- */

static int unknown(const char *word, struct err *e)
{
	const char *name = word + strspn(word, "-"), *near;
	char *key = x_strndup(name, strcspn(name, "="));

	near = nearest(key, COUNT(option_rows) - 1, row_name, NULL);
	free(key);
	return near ? fail(e, EINVAL, "'%s' is not understood: did you mean --%s?", word, near)
	            : fail(e, EINVAL, "'%s' is not understood: see --help", word);
}

/* What follows the options: files to be checked, or the mount point. */
static int take_words(struct options *o, char **words, size_t n, struct err *e)
{
	if (o->check_config) {
		if (n == 0)
			return fail(e, EINVAL, "--check-config: which files?");
		o->files = x_array(n, sizeof(*o->files));
		for (size_t i = 0; i < n; i++)
			o->files[o->nfiles++] = x_strdup(words[i]);
		return 0;
	}
	if (n > 1)
		return fail(e, EINVAL, "'%s': one mount point is enough", words[1]);
	return n ? set_text(&o->mountpoint, words[0]) : 0;
}

static int command_line(struct options *o, int argc, char **argv, struct err *e)
{
	struct option longs[COUNT(option_rows)] = { 0 };
	int i, c, ret;

	for (i = 0; option_rows[i].name; i++)
		longs[i] = (struct option){ option_rows[i].name, option_rows[i].arg ? required_argument : no_argument,
			                    NULL, 256 + i };
	optind = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == ':')
			return fail(e, EINVAL, "%s: its argument is missing", argv[optind - 1]);
		if (c == '?')
			return unknown(argv[optind - 1], e);
		ret = option_set(o, &option_rows[c - 256], optarg, e);
		if (ret)
			return ret;
	}
	return take_words(o, argv + optind, (size_t)(argc - optind), e);
}

static void split_backend(struct options *o)
{
	char *colon = strchr(o->backend, ':');

	o->backend_options = x_strdup(colon ? colon + 1 : "");
	if (colon)
		*colon = '\0';
}

int options_read(int argc, char **argv, struct options *ret, struct err *e)
{
	struct options first;
	int r;

	options_default(ret);
	options_default(&first);
	r = command_line(&first, argc, argv, e); /* says which folder has the file */
	if (r == 0) {
		set_text(&ret->config_dir, first.config_dir);
		if (!first.help && !first.version && !first.check_config && !first.dump_config)
			r = file_read(ret, e);
	}
	options_free(&first);
	if (r == 0)
		r = command_line(ret, argc, argv, e);
	if (r == 0)
		split_backend(ret);
	return r;
}

void options_help(struct buf *b)
{
	buf_puts(b, "usage: domfs [OPTIONS] [MOUNTPOINT]\n"
	            "       domfs --check-config FILE...\n"
	            "       domfs --dump-config FILE\n\n"
	            "Serves virtual machines as files. Options, which CONFIGDIR/" FILE_NAME
	            " may give as `key = value` lines too:\n\n");
	for (const struct option_row *row = option_rows; row->name; row++)
		buf_printf(b, "  --%s%s%s\n        %s%s\n", row->name, row->arg ? " " : "", row->arg ? row->arg : "",
		           row->doc, row->in_file ? "" : " Not in the file.");
	buf_puts(b, "\nExit status: 0; 1 after an error; 2 when the command line or the file is not understood.\n");
}
