/*
 * The manual pages, from the tables that the program is made of: `print-tables SECTION TEMPLATE` prints TEMPLATE with each line
 * that is `@NAME@` replaced by the table of that name, in man(7) macros. SECTION is for the heading of the page.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "fs/options.h"
#include "fs/show_counters.h"
#include "fs/show_device.h"
#include "fs/show_domain.h"
#include "fs/verb.h"

#define TEMPLATE_MAX (1u << 20)

/* TEXT with everything that roff would take for its own made plain. */
static void print_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (*p == '-')
			fputs("\\-", stdout);
		else if (*p == '\'')
			fputs("\\(aq", stdout);
		else
			putchar(*p);
	}
}

/* A paragraph with the tag "TERM REST", TERM in bold. */
static void print_item(const char *term, const char *rest)
{
	fputs(".TP\n\\fB", stdout);
	print_text(term);
	fputs("\\fR", stdout);
	if (*rest)
		putchar(' ');
	print_text(rest);
	putchar('\n');
}

/* A sentence: capital letter, full stop. */
static void print_sentence(const char *text)
{
	char *copy = x_strdup(text);
	size_t n = strlen(copy);

	*copy = (char)toupper((unsigned char)*copy);
	print_text(copy);
	puts(n && copy[n - 1] == '.' ? "" : ".");
	free(copy);
}

/* What a path says in place of a name that comes from the model. */
static const char *row_name(const struct node *n)
{
	if (n->name)
		return n->name;
	if (n->parent == 0)
		return "NAME";
	return strcmp(nodes[n->parent].name, "disks") ? "VIF" : "DISK";
}

static void row_path(const struct node *n, struct buf *b)
{
	if (n == nodes) {
		buf_puts(b, "/vm");
		return;
	}
	row_path(&nodes[n->parent], b);
	buf_printf(b, "/%s", row_name(n));
}

static bool row_is_dir(const struct node *n)
{
	return n->kind == KIND_DIR || n->kind == KIND_EACH;
}

static const char *row_access(const struct node *n)
{
	static const char *const who[] = {
		[WHO_READERS] = "read by readers",
		[WHO_MANAGERS] = "read by managers and the group",
		[WHO_WRITES] = "read by readers, written by managers",
		[WHO_KEEPS] = "read by managers and the group, written by managers",
		[WHO_ROOT] = "read by root",
	};

	return who[n->who];
}

static void print_row(const struct node *n)
{
	char *access = row_is_dir(n) ? x_strdup("")
	                             : x_printf("(%s%s%s)", row_access(n), n->listed ? "" : ", not listed",
	                                        n->kind == KIND_STREAM ? ", blocks" : "");

	print_item(row_name(n), access);
	print_sentence(n->doc);
	free(access);
}

/* Each directory with its files. */
static void print_files(void)
{
	for (const struct node *dir = nodes; dir < nodes + node_count; dir++) {
		struct buf path = { 0 };

		if (!row_is_dir(dir))
			continue;
		row_path(dir, &path);
		printf(".SS \"%s/\"\n", path.p);
		print_sentence(dir->doc);
		for (const struct node *n = nodes + 1; n < nodes + node_count; n++)
			if (&nodes[n->parent] == dir)
				print_row(n);
		buf_free(&path);
	}
}

/* The listing alone, a line each. */
static void print_tree(void)
{
	puts(".nf");
	for (const struct node *n = nodes; n < nodes + node_count; n++) {
		struct buf path = { 0 };

		row_path(n, &path);
		fputs("\\fB", stdout);
		print_text(path.p);
		puts(row_is_dir(n) ? "/\\fR" : "\\fR");
		buf_free(&path);
	}
	puts(".fi");
}

static void print_verbs(const struct verb *table)
{
	for (const struct verb *v = table; v->name; v++) {
		print_item(v->name, v->usage);
		print_sentence(v->doc);
	}
}

static void print_root_verbs(void)
{
	print_verbs(root_verbs);
}

static void print_domain_verbs(void)
{
	print_verbs(domain_verbs);
}

static void print_facts(const struct fact *table)
{
	for (const struct fact *f = table; f->name; f++) {
		print_item(f->name, "");
		print_sentence(f->doc);
	}
}

static void print_status(void)
{
	print_facts(status_facts);
}

static void print_counters(void)
{
	print_facts(counter_facts);
}

static void print_job(void)
{
	print_facts(job_facts);
}

static void print_devices(void)
{
	puts(".SS \"status of a disk\"");
	print_facts(disk_facts);
	puts(".SS \"counters of a disk\"");
	print_facts(disk_counter_facts);
	puts(".SS \"status of a vif\"");
	print_facts(vif_facts);
	puts(".SS \"counters of a vif\"");
	print_facts(vif_counter_facts);
}

static void print_states(void)
{
	for (size_t i = 0; i < STATE_COUNT; i++)
		printf("%s%s", state_names[i], i + 1 < STATE_COUNT ? ", " : ".\n");
}

static void print_use(const char *backend, const struct key_use *u)
{
	if (u->means == KEY_HONOURED)
		return;
	print_text(backend);
	fputs(u->means == KEY_IDLE ? ": without effect: " : ": refused: ", stdout);
	print_text(u->why);
	puts(".");
}

static void print_keys(void)
{
	static const char *const types[] = {
		[TYPE_STRING] = "string", [TYPE_INT] = "number", [TYPE_BOOL] = "0 or 1",
		[TYPE_LIST] = "list",     [TYPE_CPUS] = "CPUs",  [TYPE_ACTION] = "action",
	};
	static const char *const reach[] = {
		[REACH_GUEST] = "", [REACH_PATH] = ", opened as the owner", [REACH_HOST] = ", root"
	};

	for (size_t i = 0; i < KEY_COUNT; i++) {
		const struct key_info *k = &key_table[i];
		char *rest = x_printf("(%s%s)", types[k->type], reach[k->reach]);

		print_item(k->name, rest);
		print_sentence(k->doc);
		print_use(qemu_backend.name, &qemu_backend.keys[i]);
		free(rest);
	}
}

static void print_options(void)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		char *term = x_printf("--%s", row->name);

		print_item(term, row->arg ? row->arg : "");
		print_sentence(row->doc);
		if (!row->in_file)
			puts("Not in the file.");
		free(term);
	}
}

static const struct {
	const char *name;
	void (*print)(void);
} tables[] = {
	{ "@TREE@", print_tree },
	{ "@FILES@", print_files },
	{ "@HOST-VERBS@", print_root_verbs },
	{ "@DOMAIN-VERBS@", print_domain_verbs },
	{ "@STATES@", print_states },
	{ "@STATUS@", print_status },
	{ "@COUNTERS@", print_counters },
	{ "@JOB@", print_job },
	{ "@DEVICES@", print_devices },
	{ "@KEYS@", print_keys },
	{ "@OPTIONS@", print_options },
};

/* False when LINE names a table that there is not. */
static bool print_line(const char *line)
{
	size_t n = strlen(line);

	if (n < 3 || line[0] != '@' || line[n - 1] != '@')
		return puts(line) >= 0;
	for (size_t i = 0; i < COUNT(tables); i++) {
		if (!strcmp(line, tables[i].name)) {
			tables[i].print();
			return true;
		}
	}
	fprintf(stderr, "print-tables: there is no table %s\n", line);
	return false;
}

int main(int argc, char **argv)
{
	struct buf template = { 0 };
	char *rest = NULL;
	bool ok = true;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: print-tables SECTION TEMPLATE\n");
		return 2;
	}
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read(&template, fd, TEMPLATE_MAX)) {
		fprintf(stderr, "print-tables: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	close(fd);
	buf_puts(&template, "");
	printf(".\\\" Made by print-tables from %s: edit that, or the tables.\n", argv[2]);
	printf(".TH DOMFS %s\n", argv[1]);
	for (char *line = template.p; line && *line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		ok &= print_line(line);
	}
	buf_free(&template);
	return ok && !fflush(stdout) ? 0 : 1;
}
