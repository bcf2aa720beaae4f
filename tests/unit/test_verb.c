#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/verb.h"
#include "fs/verb_wait.h"
#include "hypervisor/model/internal.h"

#define WORDS 8

static void assert_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_error("'%s' is not in: %s\n", part, text);
	assert_non_null(strstr(text, part));
}

static void split_good(void **state)
{
	static const struct {
		const char *line;
		size_t n;
		const char *words[WORDS];
	} cases[] = {
		{ "", 0, { NULL } },
		{ " \t ", 0, { NULL } },
		{ "pause", 1, { "pause" } },
		{ "  pause\t", 1, { "pause" } },
		{ "wait running  60", 3, { "wait", "running", "60" } },
		{ "create '/a b/c.cfg' x=1", 3, { "create", "/a b/c.cfg", "x=1" } },
		{ "a 'it''s' b", 3, { "a", "its", "b" } },
		{ "a \"x 'y' z\"", 2, { "a", "x 'y' z" } },
		{ "a '\"'", 2, { "a", "\"" } },
		{ "a\\ b c", 2, { "a b", "c" } },
		{ "a \\'b", 2, { "a", "'b" } },
		{ "a '' \"\" b", 4, { "a", "", "", "b" } },
		{ "a \"\\n\\\"\\\\\"", 2, { "a", "\\n\"\\" } },
		{ "a '\\'", 2, { "a", "\\" } },
		{ "k='v w'=\"x\"\\y", 1, { "k=v w=xy" } },
		{ "1 2 3 4 5 6 7 8", 8, { "1", "2", "3", "4", "5", "6", "7", "8" } },
		{ "a #b", 2, { "a", "#b" } },
		{ "\xc3\xa4 \xff", 2, { "\xc3\xa4", "\xff" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *line = x_strdup(cases[i].line), *words[WORDS];
		struct err e = { 0 };
		size_t n = 99;

		assert_int_equal(verb_split(line, words, WORDS, &n, &e), 0);
		assert_int_equal(n, cases[i].n);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(words[k], cases[i].words[k]);
		free(line);
	}
}

static void split_bad(void **state)
{
	static const struct {
		const char *line, *sentence;
	} cases[] = {
		{ "a 'b", "column 3: this quote is not closed" },
		{ "a \"b c", "column 3: this quote is not closed" },
		{ "'\\", "column 1: this quote is not closed" },
		{ "a b'c'd\"e", "column 8: this quote is not closed" },
		{ "a \"b\\\"", "column 3: this quote is not closed" },
		{ "a b\\", "column 4: a backslash with nothing behind it" },
		{ "\\", "column 1: a backslash with nothing behind it" },
		{ "1 2 3 4 5 6 7 8 9", "column 17: more than 8 words in a line" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *line = x_strdup(cases[i].line), *words[WORDS];
		struct err e = { 0 };
		size_t n = 99;

		assert_int_equal(verb_split(line, words, WORDS, &n, &e), -EINVAL);
		assert_string_equal(e.text, cases[i].sentence);
		assert_int_equal(n, 99);
		free(line);
	}
}

static const struct backend_ops ops = { .name = "fake" };

static struct domain *domain_make(struct model *m, const char *name)
{
	struct domain *d;

	lock_init(&m->lock);
	m->ops = &ops;
	d = domain_new(m, name);
	return d;
}

static void domain_turn_on(struct domain *d)
{
	d->id = 3;
	d->state = STATE_RUNNING;
	assert_int_equal(spec_parse("", 0, &d->live, NULL, NULL), 0);
}

struct check {
	const char *words[4];
	bool host, on, root;
	int code;
	const char *part; /* of the sentence */
};

static const struct check checks[] = {
	{ { "pause" }, .on = true },
	{ { "-n", "pause" }, .on = true },
	{ { "start" }, .part = NULL },
	{ { "mem-set", "64" }, .part = NULL },
	{ { "pause" }, .code = EHOSTDOWN, .part = "web1 is off and pause needs it on" },
	{ { "pause", "now" }, .on = true, .code = EINVAL, .part = "too many words: usage: pause" },
	{ { "mem-set" }, .on = true, .code = EINVAL, .part = "too few words: usage: mem-set SIZE" },
	{ { "puase" }, .on = true, .code = EINVAL, .part = "did you mean pause?" },
	{ { "Pause" }, .on = true, .code = EINVAL, .part = "there is no verb 'Pause'" },
	{ { "" }, .on = true, .code = EINVAL, .part = "there is no verb ''" },
	{ { "frobnicate" }, .on = true, .code = EINVAL, .part = "reading this file lists them" },
	{ { "-n" }, .on = true, .code = EINVAL, .part = "no verb is given" },
	{ { "destroy" }, .host = true, .root = true, .code = EPERM, .part = "this is the host" },
	{ { "wait", "off" }, .host = true, .root = true, .code = EPERM, .part = "this is the host" },
};

static void check_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(checks); i++) {
		struct model m = { 0 };
		struct domain *d = domain_make(&m, "web1");
		struct caller *caller = caller_new(checks[i].root ? 0 : 1000, 0, NULL, 0, 0);
		struct job *j = job_new(caller, NULL, "test", 1);
		struct command c = { .job = j, .ref = { .model = &m, .domain = checks[i].host ? NULL : d } };
		struct err e = { 0 };
		size_t n = 0;

		if (checks[i].on)
			domain_turn_on(d);
		while (n < 4 && checks[i].words[n])
			n++;
		assert_int_equal(verb_check(domain_verbs, &c, (char **)checks[i].words, n, &e), -checks[i].code);
		if (checks[i].code) {
			assert_part(e.text, checks[i].part);
			assert_null(c.verb);
		} else {
			assert_non_null(c.verb);
			assert_int_equal(c.argc, (int)n - 1 - !strcmp(checks[i].words[0], "-n"));
		}
		job_free(j);
		caller_unref(caller);
		domain_unref(d);
	}
}

static void roots_verbs(void **state)
{
	static const char *const word[] = { "reload" };
	struct model m = { .ops = &ops };

	(void)state;
	for (uid_t uid = 0; uid < 2; uid++) {
		struct caller *caller = caller_new(uid, 0, NULL, 0, 0);
		struct job *j = job_new(caller, NULL, "test", 1);
		struct command c = { .job = j, .ref = { .model = &m } };
		struct err e = { 0 };

		assert_int_equal(verb_check(root_verbs, &c, (char **)word, 1, &e), uid ? -EACCES : 0);
		job_free(j);
		caller_unref(caller);
	}
}

static void tables(void **state)
{
	static const struct verb *const all[] = { domain_verbs, root_verbs };

	(void)state;
	for (size_t t = 0; t < COUNT(all); t++) {
		for (const struct verb *v = all[t]; v->name; v++) {
			assert_true(*v->name && *v->doc);
			assert_non_null(v->run);
			assert_true(v->min <= v->max);
			assert_int_equal(v->max > 0, *v->usage != '\0');
			assert_false((v->needs & NEEDS_ON) && (v->needs & NEEDS_OFF));
			assert_int_equal(!!(v->needs & NEEDS_GUEST), t == 0);
			for (const struct verb *w = all[t]; w < v; w++)
				assert_string_not_equal(w->name, v->name);
		}
	}
}

static void help(void **state)
{
	struct buf b = { 0 };
	size_t lines = 0, verbs = 0;

	(void)state;
	verb_help(domain_verbs, &b);
	for (char *p = b.p; *p; p = strchr(p, '\n') + 1, lines++)
		assert_memory_equal(p, "# ", 2);
	for (const struct verb *v = domain_verbs; v->name; v++, verbs++)
		assert_non_null(strstr(b.p, v->doc));
	assert_int_equal(lines, verbs);
	assert_int_equal(b.len, verb_help_length(domain_verbs));
	buf_free(&b);
}

static void options_of_waiting(void **state)
{
	static const struct {
		const char *words[4];
		bool force, bad, wait, forced;
		unsigned seconds;
	} cases[] = {
		{ { NULL }, .seconds = 300 },
		{ { "-w" }, .wait = true, .seconds = 300 },
		{ { "-w", "60" }, .wait = true, .seconds = 60 },
		{ { "5m", "-w" }, .wait = true, .seconds = 300 },
		{ { "-w", "-f", "10" }, .force = true, .wait = true, .forced = true, .seconds = 10 },
		{ { "-f" }, .force = true, .wait = true, .forced = true, .seconds = 300 },
		{ { "-f" }, .bad = true },
		{ { "60" }, .bad = true },
		{ { "-w", "1", "2" }, .bad = true },
		{ { "-w", "soon" }, .bad = true },
		{ { "-w", "-1" }, .bad = true },
		{ { "-w", "1x" }, .bad = true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct command c = { .verb = domain_verbs, .argv = (char **)cases[i].words };
		struct wait_options o = { .seconds = 7 };
		struct err e = { 0 };

		while (c.argc < 4 && cases[i].words[c.argc])
			c.argc++;
		assert_int_equal(wait_options_parse(&c, cases[i].force, &o, &e), cases[i].bad ? -EINVAL : 0);
		assert_int_equal(o.seconds, cases[i].bad ? 7 : cases[i].seconds);
		assert_int_equal(o.wait, cases[i].wait);
		assert_int_equal(o.force, cases[i].forced);
	}
}

/* Arguments that are refused before anything is asked of the model. */
static void arguments(void **state)
{
	static const struct {
		const struct verb *table;
		const char *words[4];
		const char *part;
	} cases[] = {
		{ domain_verbs, { "wait", "runing" }, "did you mean running?" },
		{ domain_verbs, { "wait", "running", "x60" }, "there is no state 'x60'" },
		{ domain_verbs, { "wait", "60" }, "there is no state '60'" },
		{ domain_verbs, { "wait", "off", "60q" }, "60q" },
		{ domain_verbs, { "start", "-q" }, "usage: start" },
		{ domain_verbs, { "start", "memory" }, "usage: start" },
		{ domain_verbs, { "trigger", "nmy" }, "did you mean nmi?" },
		{ domain_verbs, { "sysrq", "st" }, "not one letter" },
		{ domain_verbs, { "sysrq", "" }, "not one letter" },
		{ domain_verbs, { "autostart", "maybe" }, "neither on nor off" },
		{ domain_verbs, { "mem-set", "lots" }, "lots" },
		{ domain_verbs, { "mem-set", "0" }, "no memory" },
		{ domain_verbs, { "vcpu-pin", "first", "all" }, "the VCPU is a number or all" },
		{ domain_verbs, { "vcpu-pin", "0", "x" }, "vcpu-pin" },
		{ root_verbs, { "create", "web1.cfg" }, "give the full path" },
		{ root_verbs, { "create", "/web1.cfg", "memory" }, "usage: create" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model m = { 0 };
		struct domain *d = domain_make(&m, "web1");
		struct caller *caller = caller_new(0, 0, NULL, 0, getpid());
		struct job *j = job_new(caller, NULL, "test", 1);
		struct command c = { .job = j,
			             .ref = { .model = &m, .domain = cases[i].table == domain_verbs ? d : NULL } };
		struct err e = { 0 };
		size_t n = 0;

		domain_turn_on(d);
		while (n < 4 && cases[i].words[n])
			n++;
		assert_int_equal(verb_check(cases[i].table, &c, (char **)cases[i].words, n, &e), 0);
		assert_int_equal(c.verb->run(&c, &e), -EINVAL);
		assert_part(e.text, cases[i].part);
		job_free(j);
		caller_unref(caller);
		domain_unref(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_good),         cmocka_unit_test(split_bad), cmocka_unit_test(check_table),
		cmocka_unit_test(roots_verbs),        cmocka_unit_test(tables),    cmocka_unit_test(help),
		cmocka_unit_test(options_of_waiting), cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
