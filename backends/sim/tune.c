/* Processors, their shares, memory at most, and cores. */
#include "sim.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WEIGHT_USUAL 256
#define DUMP_HEADER 4096
#define DUMP_STEP (1 << 20)

void sim_tune_new(struct guest *g)
{
	g->maxmem = spec_maxmem(g->spec);
	g->online = g->most = spec_vcpus(g->spec);
	g->sched.weight = (unsigned)spec_int(g->spec, KEY_cpu_weight, WEIGHT_USUAL);
	g->sched.cap = (unsigned)spec_cap(g->spec);
}

void sim_tune_free(struct guest *g)
{
	free(g->pins);
	free(g->soft);
}

static struct cpus every_cpu(void)
{
	struct cpus c;

	memset(&c, 0xff, sizeof(c));
	return c;
}

struct cpus sim_tune_hard(const struct guest *g, unsigned vcpu)
{
	struct cpus c;

	if (g->pins)
		return g->pins[vcpu];
	return spec_vcpu_affinity(g->spec, vcpu, &c) ? c : every_cpu();
}

struct cpus sim_tune_soft(const struct guest *g, unsigned vcpu)
{
	return g->soft ? g->soft[vcpu] : every_cpu();
}

/* ---- memory at most, and VCPUs ---- */

int sim_set_maxmem(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_SET_MAXMEM, .guest = g, .number = mib };

	return sim_request_run(g->sim, &r, j, e);
}

int sim_do_set_maxmem(struct backend *s, struct request *r, struct err *e)
{
	struct guest *g = r->guest;

	(void)s;
	if (r->number < g->actual || r->number < g->goal)
		return fail(e, EINVAL, "%s: it has %llu MiB", g->name,
		            (unsigned long long)(g->actual > g->goal ? g->actual : g->goal));
	g->maxmem = r->number;
	return 0;
}

int sim_set_vcpus(struct guest *g, unsigned online, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_SET_VCPUS, .guest = g, .number = online };

	return sim_request_run(g->sim, &r, j, e);
}

int sim_do_set_vcpus(struct backend *s, struct request *r, struct err *e)
{
	struct guest *g = r->guest;

	if (r->number < 1 || r->number > spec_maxvcpus(g->spec))
		return fail(e, EINVAL, "%s: it has 1 to %u VCPUs", g->name, spec_maxvcpus(g->spec));
	if (!sim_guest_executing(g))
		return fail(e, EINVAL, "%s: it is paused and would not hear of it; unpause it first", g->name);
	if (g->online == r->number)
		return 0;
	g->online = (unsigned)r->number;
	if (g->online > g->most)
		g->most = g->online;
	sim_tell_vcpus(s, g);
	return 0;
}

/* ---- where VCPUs run, and how much ---- */

static int pin(struct guest *g, enum verb v, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	struct request r = { .verb = v, .guest = g, .number = vcpu, .cpus = cpus };

	return sim_request_run(g->sim, &r, j, e);
}

int sim_pin(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	return pin(g, VERB_PIN, vcpu, cpus, j, e);
}

int sim_pin_soft(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	return pin(g, VERB_PIN_SOFT, vcpu, cpus, j, e);
}

int sim_do_pin(struct backend *s, struct request *r, struct err *e)
{
	struct guest *g = r->guest;
	bool soft = r->verb == VERB_PIN_SOFT;
	struct cpus **pins = soft ? &g->soft : &g->pins;
	unsigned n = spec_maxvcpus(g->spec), cpu;

	(void)s;
	if (r->number >= n)
		return fail(e, EINVAL, "%s: there is no VCPU %llu, only 0 to %u", g->name,
		            (unsigned long long)r->number, n - 1);
	for (cpu = 0; cpu < SIM_CPUS && !cpus_has(r->cpus, cpu); cpu++)
		;
	if (cpu == SIM_CPUS)
		return fail(e, EINVAL, "%s: none of these CPUs is one of the host's, 0 to %u", g->name, SIM_CPUS - 1);
	if (!*pins) {
		struct cpus *fresh = x_array(n, sizeof(*fresh));

		for (unsigned i = 0; i < n; i++)
			fresh[i] = soft ? sim_tune_soft(g, i) : sim_tune_hard(g, i);
		*pins = fresh;
	}
	(*pins)[r->number] = *r->cpus;
	return 0;
}

int sim_set_sched(struct guest *g, const struct sched *sched, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_SET_SCHED, .guest = g, .sched = sched };

	return sim_request_run(g->sim, &r, j, e);
}

int sim_do_set_sched(struct backend *s, struct request *r, struct err *e)
{
	struct guest *g = r->guest;
	struct domain *d = g->domain;

	if (r->sched->cap > spec_maxvcpus(g->spec) * 100)
		return fail(e, EINVAL, "%s: a cap is %u at most, as it has %u VCPUs", g->name,
		            spec_maxvcpus(g->spec) * 100, spec_maxvcpus(g->spec));
	g->sched = *r->sched;
	if (!d)
		return 0;
	lock_release(&s->lock);
	s->sink.sched(d, r->sched);
	lock_acquire(&s->lock);
	return 0;
}

/* ---- a core: a header, and zeros as long as the memory ---- */

static int put(int fd, const void *p, size_t n, struct err *e)
{
	for (ssize_t done; n > 0; p = (const char *)p + done, n -= (size_t)done) {
		done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			return fail(e, errno, "the core cannot be written: %s", strerror(errno));
		if (done < 0)
			done = 0;
	}
	return 0;
}

static int put_header(int fd, uint64_t bytes, struct err *e)
{
	union {
		struct {
			Elf64_Ehdr header;
			Elf64_Phdr memory;
		} elf;
		char page[DUMP_HEADER];
	} u = { 0 };

	memcpy(u.elf.header.e_ident, ELFMAG, SELFMAG);
	u.elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	u.elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	u.elf.header.e_ident[EI_VERSION] = EV_CURRENT;
	u.elf.header.e_type = ET_CORE;
	u.elf.header.e_machine = EM_X86_64;
	u.elf.header.e_version = EV_CURRENT;
	u.elf.header.e_ehsize = sizeof(u.elf.header);
	u.elf.header.e_phoff = sizeof(u.elf.header);
	u.elf.header.e_phentsize = sizeof(u.elf.memory);
	u.elf.header.e_phnum = 1;
	u.elf.memory.p_type = PT_LOAD;
	u.elf.memory.p_offset = DUMP_HEADER;
	u.elf.memory.p_filesz = u.elf.memory.p_memsz = bytes;
	return put(fd, u.page, sizeof(u.page), e);
}

/* What it has cannot change while its only changing call is this one. */
int sim_do_dump_core(struct backend *s, struct request *r, struct err *e)
{
	(void)s;
	(void)e;
	r->number = r->guest->actual;
	return 0;
}

static bool is_gone(struct guest *g)
{
	bool gone;

	lock_acquire(&g->sim->lock);
	gone = g->gone;
	lock_release(&g->sim->lock);
	return gone;
}

int sim_dump_core(struct guest *g, int fd, struct job *j, struct err *e)
{
	struct request r = { .verb = VERB_DUMP_CORE, .guest = g };
	char *zeros;
	int rc = sim_request_run(g->sim, &r, j, e);

	if (!rc)
		rc = put_header(fd, r.number << 20, e);
	zeros = x_alloc(DUMP_STEP);
	for (uint64_t i = 0; !rc && i < r.number; i++) {
		rc = job_check(j, e);
		if (!rc && is_gone(g))
			rc = fail(e, EHOSTDOWN, "the guest is gone");
		if (!rc)
			rc = put(fd, zeros, DUMP_STEP, e);
		if (!rc && i % 64 == 0)
			job_progress(j, (unsigned)(i * 100 / r.number), (r.number - i) << 20, 0);
	}
	free(zeros);
	return rc;
}
