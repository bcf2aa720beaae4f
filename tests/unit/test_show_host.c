#include "show_world.h"

static void info(void **state)
{
	int code;
	char *text = show_as(*state, "info", &other, &code);

	assert_int_equal(code, 0);
	assert_memory_equal(text, "host ", 5);
	assert_non_null(strstr(text, "\nhypervisor fake\n"));
	assert_non_null(strstr(text, "\nnr_cpus "));
	assert_non_null(strstr(text, "\ntotal_memory "));
	assert_string_equal(text + strlen(text) - 8, "\ntree 1\n");
	free(text);
}

static void see_more(struct backend *b, struct processors *ret)
{
	(void)b;
	assert_true(ret->cpus > 0 && ret->nodes > 0 && ret->cores_per_socket > 0 && ret->threads_per_core > 0);
	*ret = (struct processors){ 4096, 8191, 16, 64, 4, 2394007 };
}

/* What the hypervisor sees, and not what its own domain does as well. */
static void info_more(void **state)
{
	struct world *w = *state;
	struct backend_ops more = ops;
	int code;
	char *text;

	more.processors = see_more;
	w->m.ops = &more;
	text = show_as(w, "info", &other, &code);
	w->m.ops = &ops;
	assert_int_equal(code, 0);
	assert_non_null(strstr(text, "\nnr_cpus 4096\nmax_cpu_id 8191\nnr_nodes 16\ncores_per_socket 64\n"
	                             "threads_per_core 4\ncpu_mhz 2394.007\n"));
	assert_null(strstr(strstr(text, "\nnr_cpus ") + 1, "\nnr_cpus "));
	free(text);
}

#define HOST_CPUS 64

static void see_own(struct backend *b, struct own *ret)
{
	(void)b;
	assert_true(ret->mib && ret->max_mib && ret->vcpus && ret->maxvcpus);
	*ret = (struct own){ .mib = 480, .max_mib = 512, .cpu_usec = 12340000, .vcpus = 1, .maxvcpus = 2 };
}

static void see_host(struct backend *b, struct processors *ret)
{
	(void)b;
	ret->max_id = HOST_CPUS - 1;
}

static int see_vcpus(struct backend *b, struct vcpu *ret, unsigned max)
{
	(void)b;
	assert_true(max >= 2);
	ret[0] = (struct vcpu){ .id = 0, .cpu = 62, .state = 'b', .cpu_usec = UINT64_MAX };
	ret[1] = (struct vcpu){ .id = 1, .cpu = -1, .state = '-', .cpu_usec = UINT64_MAX };
	for (unsigned i = 0; i < HOST_CPUS; i += 2) {
		cpus_add(&ret[0].affinity, i);
		cpus_add(&ret[1].affinity, i);
	}
	return 2;
}

/* Where the hypervisor knows the host's own domain, that is what is shown; else the host is. */
static void own(void **state)
{
	struct world *w = *state;
	struct backend_ops more = ops;
	struct vcpu host[1];
	char *text;
	int code;

	assert_int_equal(host_vcpus(&w->m, host, 1), 1);
	assert_true(host[0].cpu == 0 && cpus_has(&host[0].affinity, 0) && !cpus_has(&host[0].affinity, 1));
	text = show_as(w, "Domain-0/vcpu-list", &other, &code);
	assert_memory_equal(text, "0 0 ", 4);
	free(text);
	more.own = see_own;
	more.own_vcpus = see_vcpus;
	more.processors = see_host;
	w->m.ops = &more;
	text = show_as(w, "Domain-0/vcpu-list", &other, &code);
	assert_memory_equal(text, "0 62 b 18446744073709551615 0,2,4,6,", 36);
	assert_non_null(strstr(text, "\n1 - - 18446744073709551615 0,2,4,6,"));
	free(text);
	text = show_as(w, "Domain-0/status", &other, &code);
	assert_non_null(strstr(text, "\nmem_mib 480\nmem_actual_mib 480\nmaxmem_mib 512\nvcpus 1\nmaxvcpus 2\n"));
	free(text);
	text = show_as(w, "Domain-0/counters", &other, &code);
	assert_non_null(strstr(text, "\ncpu_usec 12340000\n"));
	assert_non_null(strstr(text, "\nmem_host_bytes 503316480\n"));
	free(text);
	text = show_as(w, "list", &other, &code);
	assert_non_null(
		strstr(text, "\nDomain-0                                     0   480     1     r-----      12.3\n"));
	free(text);
	w->m.ops = &ops;
}

int main(void)
{
	const struct CMUnitTest tests[] = { IN_WORLD(info), IN_WORLD(info_more), IN_WORLD(own) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
