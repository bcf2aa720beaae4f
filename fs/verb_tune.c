#include "fs/verb_tune.h"

#include <errno.h>
#include <string.h>

#include "fs/set.h"
#include "hypervisor/model/operate.h"

int verb_mem_max(struct command *c, struct err *e)
{
	uint64_t mib = 0;
	int rc = parse_mib(c->argv[0], 0, &mib, e);

	return rc ? fail_in(e, "mem-max") : domain_set_maxmem(c->job, mib, e);
}

int verb_vcpu_set(struct command *c, struct err *e)
{
	uint64_t n = 0;
	int rc = parse_u64(c->argv[0], CPUS_MAX, &n, e);

	return rc ? fail_in(e, "vcpu-set") : domain_set_vcpus(c->job, (unsigned)n, e);
}

/* A set of CPUs; *ret becomes NULL for "-", which leaves what there is. */
static int set_parse(const char *word, struct cpus *set, const struct cpus **ret, struct err *e)
{
	int rc = strcmp(word, "-") ? parse_cpus(word, set, e) : 0;

	if (rc)
		return fail_in(e, "vcpu-pin");
	*ret = strcmp(word, "-") ? set : NULL;
	return 0;
}

int verb_vcpu_pin(struct command *c, struct err *e)
{
	const struct cpus *hard = NULL, *soft = NULL;
	struct cpus sets[2];
	uint64_t vcpu = 0;
	bool all = !strcmp(c->argv[0], "all");
	int rc = all ? 0 : parse_u64(c->argv[0], CPUS_MAX - 1, &vcpu, e);

	if (rc)
		return fail_in(e, "vcpu-pin: the VCPU is a number or all");
	rc = set_parse(c->argv[1], &sets[0], &hard, e);
	if (!rc && c->argc > 2)
		rc = set_parse(c->argv[2], &sets[1], &soft, e);
	if (!rc && !hard && !soft)
		rc = fail(e, EINVAL, "vcpu-pin: - leaves what there is, so nothing would change");
	return rc ? rc : domain_pin(c->job, all ? -1 : (int)vcpu, hard, soft, e);
}

int verb_sched_credit(struct command *c, struct err *e)
{
	int weight = -1, cap = -1, rc;
	uint64_t n = 0;

	for (int i = 0; i < c->argc; i += 2) {
		bool is_weight = !strcmp(c->argv[i], "-w");

		if ((!is_weight && strcmp(c->argv[i], "-c") != 0) || i + 1 == c->argc)
			return fail(e, EINVAL, "sched-credit: '%s' is not understood: usage: sched-credit %s",
			            c->argv[i], c->verb->usage);
		rc = parse_u64(c->argv[i + 1], INT32_MAX, &n, e);
		if (rc)
			return fail_in(e, "sched-credit: %s", c->argv[i]);
		*(is_weight ? &weight : &cap) = (int)n;
	}
	return domain_set_sched(c->job, weight, cap, e);
}

int verb_dump_core(struct command *c, struct err *e)
{
	if (c->argv[0][0] != '/')
		return fail(e, EINVAL, "dump-core: '%s': give the full path", c->argv[0]);
	return domain_dump_core(c->job, c->argv[0], e);
}
