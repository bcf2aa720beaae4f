#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "backends/qemu/guest.h"

/* QEMU's word is not enough: the thread must be one of its own. */
static bool own_thread(const struct guest *g, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", g->record.pid, tid);
	return tid > 0 && access(path, F_OK) == 0;
}

int cpu_learn(struct guest *g, struct job *j, uint64_t limit, struct err *e)
{
	pid_t tid[VCPUS_MAX] = { 0 };
	unsigned n = 0;
	json_t *list = NULL;
	const json_t *row;
	size_t i;
	int rc;

	lock_acquire(&g->lock);
	n = g->nvcpus;
	lock_release(&g->lock);
	if (n > 0)
		return 0;
	rc = guest_call(g, "query-cpus-fast", NULL, j, limit, &list, e);
	if (rc < 0)
		return rc;
	json_array_foreach(list, i, row)
	{
		json_int_t index = json_integer_value(json_object_get(row, "cpu-index"));
		pid_t thread = (pid_t)json_integer_value(json_object_get(row, "thread-id"));

		if (index < 0 || index >= VCPUS_MAX || !own_thread(g, thread))
			continue;
		tid[index] = thread;
		if ((unsigned)index >= n)
			n = (unsigned)index + 1;
	}
	json_decref(list);
	if (n == 0)
		return fail(e, EREMOTEIO, "QEMU names no VCPUs");
	lock_acquire(&g->lock);
	memcpy(g->vcpu_tid, tid, sizeof(tid));
	g->nvcpus = n;
	lock_release(&g->lock);
	return 0;
}

static unsigned copy_tids(struct guest *g, pid_t tid[VCPUS_MAX], enum domain_state *state)
{
	unsigned n;

	lock_acquire(&g->lock);
	memcpy(tid, g->vcpu_tid, sizeof(g->vcpu_tid));
	n = g->nvcpus;
	*state = g->ended ? STATE_PAUSED : g->state;
	lock_release(&g->lock);
	return n;
}

static void affinity(pid_t tid, struct cpus *ret)
{
	long online = sysconf(_SC_NPROCESSORS_CONF);
	bool all = true;
	cpu_set_t set;

	memset(ret, 0, sizeof(*ret));
	CPU_ZERO(&set);
	if (tid > 0)
		sched_getaffinity(tid, sizeof(set), &set);
	for (unsigned i = 0; i < CPU_SETSIZE && i < CPUS_MAX; i++) {
		if (CPU_ISSET(i, &set))
			cpus_add(ret, i);
		else if ((long)i < online)
			all = false;
	}
	if (all)
		memset(ret, 0xff, sizeof(*ret));
}

int cpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
{
	pid_t tid[VCPUS_MAX];
	enum domain_state state;
	unsigned n;
	int rc = cpu_learn(g, NULL, 100, e);

	if (rc < 0)
		return rc;
	n = copy_tids(g, tid, &state);
	if (n > max)
		n = max;
	for (unsigned i = 0; i < n; i++) {
		ret[i] = (struct vcpu){ .id = i, .cpu = -1, .state = '-' };
		affinity(tid[i], &ret[i].affinity);
		if (tid[i] > 0)
			ret[i].cpu_usec = process_cpu_usec(g->record.pid, tid[i], &ret[i].cpu, &ret[i].state);
		if (tid[i] > 0 && state == STATE_PAUSED)
			ret[i].state = 'p';
	}
	return (int)n;
}

uint64_t cpu_usec(struct guest *g)
{
	pid_t tid[VCPUS_MAX];
	enum domain_state state;
	unsigned n = copy_tids(g, tid, &state);
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		if (tid[i] > 0)
			sum += process_cpu_usec(g->record.pid, tid[i], NULL, NULL);
	return sum;
}

static int pin(struct guest *g, unsigned vcpu, const struct cpus *c, struct err *e)
{
	char text[CPUS_TEXT];
	pid_t tid = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < CPU_SETSIZE && i < CPUS_MAX; i++)
		if (cpus_has(c, i))
			CPU_SET(i, &set);
	lock_acquire(&g->lock);
	if (vcpu < g->nvcpus)
		tid = g->vcpu_tid[vcpu];
	lock_release(&g->lock);
	if (tid <= 0 || !own_thread(g, tid))
		return fail(e, EINVAL, "the guest has no VCPU %u online", vcpu);
	if (sched_setaffinity(tid, sizeof(set), &set) == 0)
		return 0;
	if (errno == EINVAL)
		return fail(e, EINVAL, "VCPU %u: none of the CPUs %s is there; the host has 0-%ld", vcpu,
		            cpus_format(text, c), sysconf(_SC_NPROCESSORS_CONF) - 1);
	return fail(e, errno, "VCPU %u: %s", vcpu, strerror(errno));
}

int cpu_pin(struct guest *g, unsigned vcpu, const struct cpus *c, struct job *j, struct err *e)
{
	int rc = guest_alive(g, NULL, e);

	if (rc == 0)
		rc = cpu_learn(g, j, 0, e);
	return rc < 0 ? rc : pin(g, vcpu, c, e);
}

int cpu_pin_all(struct guest *g, struct err *e)
{
	pid_t tid[VCPUS_MAX];
	enum domain_state state;
	unsigned n = copy_tids(g, tid, &state);
	struct cpus c;
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++)
		if (tid[i] > 0 && spec_vcpu_affinity(g->spec, i, &c))
			rc = pin(g, i, &c, e);
	return rc;
}
