/* The words of verbs that tune a guest: what is refused before anything is asked of the model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/verb_tune.h"
#include "hypervisor/model/internal.h"
#include "tests/unit/test.h"

static void words(void **state)
{
	static const struct {
		const char *words[6];
		const char *part;
	} cases[] = {
		{ { "mem-max", "much" }, "mem-max: " },
		{ { "mem-max", "" }, "mem-max: " },
		{ { "mem-max", "-64" }, "mem-max: " },
		{ { "vcpu-set", "two" }, "vcpu-set: " },
		{ { "vcpu-set", "-1" }, "vcpu-set: " },
		{ { "vcpu-set", "99999999999999999999" }, "vcpu-set: " },
		{ { "vcpu-pin", "first", "all" }, "the VCPU is a number or all" },
		{ { "vcpu-pin", "0", "x" }, "vcpu-pin: " },
		{ { "vcpu-pin", "0", "all", "x" }, "vcpu-pin: " },
		{ { "vcpu-pin", "0", "-" }, "nothing would change" },
		{ { "vcpu-pin", "all", "-", "-" }, "nothing would change" },
		{ { "sched-credit", "-w", "heavy" }, "sched-credit: -w: " },
		{ { "sched-credit", "-c", "-5" }, "sched-credit: -c: " },
		{ { "sched-credit", "-c", "99999999999" }, "sched-credit: -c: " },
		{ { "sched-credit", "512", "-w" }, "'512' is not understood: usage: sched-credit [-w N] [-c N]" },
		{ { "sched-credit", "-w", "512", "-c" }, "'-c' is not understood" },
		{ { "dump-core", "core" }, "dump-core: 'core': give the full path" },
		{ { "dump-core", "" }, "give the full path" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static const struct backend_ops ops = { .name = "fake" };
		struct model m = { .ops = &ops };
		struct domain *d;
		struct job *j;
		struct command c = { 0 };
		struct err e = { 0 };
		size_t n = 0;

		lock_init(&m.lock);
		d = domain_new(&m, "web1");
		j = job_new(&caller_self, NULL, "test", 1);
		assert_int_equal(spec_parse("", 0, &d->live, NULL, NULL), 0);
		c.job = j;
		c.ref = (struct ref){ .model = &m, .domain = d };
		while (n < COUNT(cases[i].words) && cases[i].words[n])
			n++;
		if (strcmp(cases[i].words[0], "dump-core")) /* it names a path, and this is no request */
			assert_int_equal(verb_check(domain_verbs, &c, (char **)cases[i].words, n, &e), 0);
		else {
			c.argc = (int)n - 1;
			c.argv = (char **)cases[i].words + 1;
			for (c.verb = domain_verbs; strcmp(c.verb->name, cases[i].words[0]); c.verb++)
				;
		}
		assert_int_equal(c.verb->run(&c, &e), -EINVAL);
		if (!strstr(e.text, cases[i].part))
			print_error("%s: %s\n", cases[i].part, e.text);
		assert_non_null(strstr(e.text, cases[i].part));
		job_free(j);
		domain_unref(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
