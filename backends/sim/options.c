#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MAX 3600000

struct parse {
	struct options *opt;
	struct fault *faults;
};

static int number(const char *value, uint64_t min, uint64_t max, uint64_t *ret, struct err *e)
{
	uint64_t n;
	int r;

	if ((r = parse_u64(value, max, &n, e)))
		return r;
	if (n < min)
		return fail(e, EINVAL, "%s is less than %llu", value, (unsigned long long)min);
	*ret = n;
	return 0;
}

static int set_domains(struct parse *p, char *value, struct err *e)
{
	uint64_t n;
	int r;

	if ((r = number(value, 0, SIM_DOMAINS_MAX, &n, e)))
		return r;
	p->opt->domains = (unsigned)n;
	return 0;
}

static int set_delay(struct parse *p, char *value, struct err *e)
{
	return number(value, 0, DELAY_MAX, &p->opt->delay, e);
}

static int set_churn(struct parse *p, char *value, struct err *e)
{
	return number(value, 1, DELAY_MAX, &p->opt->churn, e);
}

static int set_total(struct parse *p, char *value, struct err *e)
{
	return parse_mib(value, 0, &p->opt->total, e);
}

static int set_ignore(struct parse *p, char *value, struct err *e)
{
	if (!strcmp(value, "shutdown"))
		p->opt->ignore_shutdown = true;
	else if (!strcmp(value, "reboot"))
		p->opt->ignore_reboot = true;
	else
		return fail(e, EINVAL, "'%s' cannot be ignored, only shutdown or reboot", value);
	return 0;
}

static int errno_find(const char *name)
{
	for (int code = 1; code < 134; code++)
		if (!strcmp(err_name(code), name))
			return code;
	return 0;
}

static const char *verb_name(size_t i, const void *ctx)
{
	(void)ctx;
	return sim_verbs[i].name;
}

static int set_fail(struct parse *p, char *value, struct err *e)
{
	char *verb = strsep(&value, ":"), *code = strsep(&value, ":"), *times = value;
	struct fault f = { .left = UINT64_MAX };
	size_t v;
	int r;

	for (v = 0; v < VERB_COUNT && strcmp(verb, sim_verbs[v].name) != 0; v++)
		;
	if (v == VERB_COUNT) {
		const char *near = nearest(verb, VERB_COUNT, verb_name, NULL);

		return fail(e, EINVAL, "there is no '%s' that could fail%s%s%s", verb, near ? "; did you mean " : "",
		            near ? near : "", near ? "?" : "");
	}
	f.code = code ? errno_find(code) : 0;
	if (!f.code)
		return fail(e, EINVAL, "'%s' is not the name of an errno; write fail=%s:EREMOTEIO", code ? code : "",
		            verb);
	if (times && (r = number(times, 1, UINT32_MAX, &f.left, e)))
		return r;
	p->faults[v] = f;
	return 0;
}

static const struct option {
	const char *name, *arg;
	int (*set)(struct parse *, char *value, struct err *);
	const char *doc;
} options[] = {
	{ "domains", "N", set_domains, "guests vm1 to vmN run already" },
	{ "delay", "MS", set_delay, "every changing verb takes that long" },
	{ "fail", "VERB:ERRNO[:TIMES]", set_fail, "a verb or query fails, always or that many times" },
	{ "churn", "MS", set_churn, "a foreign guest comes or goes that often" },
	{ "ignore", "shutdown|reboot", set_ignore, "guests do not obey" },
	{ "total", "MIB", set_total, "memory of the host" },
};

static int option_set(struct parse *p, char *word, struct err *e)
{
	struct buf known = { 0 };
	char *value = word;
	int r;

	strsep(&value, "=");
	for (size_t i = 0; i < COUNT(options); i++) {
		if (strcmp(word, options[i].name) != 0)
			continue;
		if (!value)
			return fail(e, EINVAL, "sim: %s needs a value: %s=%s (%s)", word, word, options[i].arg,
			            options[i].doc);
		return options[i].set(p, value, e) ? fail_in(e, "sim: %s", word) : 0;
	}
	for (size_t i = 0; i < COUNT(options); i++)
		buf_printf(&known, " %s=%s", options[i].name, options[i].arg);
	r = fail(e, EINVAL, "sim: '%s' is not an option; there are%s", word, known.p);
	buf_free(&known);
	return r;
}

int sim_options_parse(const char *text, struct options *ret, struct fault faults[VERB_COUNT], struct err *e)
{
	struct options opt = { .total = SIM_MEMORY };
	struct fault f[VERB_COUNT] = { 0 };
	struct parse p = { &opt, f };
	char *copy = x_strdup(text ? text : ""), *rest = copy, *word;
	int r = 0;

	while (!r && (word = strsep(&rest, ",")))
		if (*word)
			r = option_set(&p, word, e);
	free(copy);
	if (r)
		return r;
	*ret = opt;
	memcpy(faults, f, sizeof(f));
	return 0;
}
