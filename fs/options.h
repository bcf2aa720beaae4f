/*
 * The daemon's options: one table of rows. The command line, the help, the configuration file (`key = value` lines, the
 * long names as keys) and the manual are loops over it. Pure but for reading the files named.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"
#include "log.h"

enum option_type {
	OPTION_TEXT,
	OPTION_FLAG,  /* no argument; on or off in the file */
	OPTION_LEVEL, /* a log level */
	OPTION_WHO,   /* root or users */
	OPTION_UIDS,  /* FIRST-LAST */
};

struct option_row {
	const char *name;
	enum option_type type;
	bool in_file;    /* may stand in the configuration file */
	size_t at;       /* in struct options */
	const char *arg; /* what the help calls its argument; NULL: none */
	const char *doc;
};
extern const struct option_row option_rows[]; /* ends with a NULL name */

struct options {                         /* texts are owned */
	char *backend, *backend_options; /* of --backend NAME[:OPTIONS] */
	char *config_dir, *state_dir, *run_dir, *mountpoint, *qemu, *accel, *dump_config;
	bool foreground, check_config, help, version;
	bool users_define;
	enum log_level log_level;
	uid_t uid_first, uid_last;
	char **files; /* of --check-config */
	size_t nfiles;
};

/*
 * Read the command line and, unless it asks for something that needs no daemon, the configuration file; the
 * command line wins. 0, or -EINVAL (usage) or another -errno with the sentence. options_free() in any case.
 */
int options_read(int argc, char **argv, struct options *ret, struct err *e);
void options_free(struct options *o);

/* One line of a configuration file, without its newline. Comments and blank lines are 0. */
int options_line(struct options *o, char *line, struct err *e);

struct buf;
void options_help(struct buf *b);

#endif
