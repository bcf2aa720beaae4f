/* How much of the host a guest gets while it runs, and its core. What changed is recorded for a successor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Xen's headers are written in GNU C, and look whether it is spoken. */
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "backends/xen/xen.h"
#include "log.h"

#define VCPUS_MSEC 60000 /* for the guest's kernel to take a VCPU or to let it go */
#define SLICE_MSEC 100   /* how soon a cancelled job is noticed */

/* For functions that libxl has no asynchronous form of; all of them are short. */
static int begin(struct guest *g, struct xen_call **c, struct err *e)
{
	int rc = xen_guest_alive(g, NULL, e);

	return rc ? rc : xen_call_begin(g->b, g, c, e);
}

/* K is in force with VALUE (NULL: it is not said). */
static void record_key(struct guest *g, enum key k, const char *value)
{
	struct spec *with = NULL;
	struct err late = { 0 };
	int rc;

	lock_acquire(&g->lock);
	rc = spec_with(g->spec, k, value, &with, &late);
	if (!rc) {
		spec_unref(g->spec);
		g->spec = with;
	}
	lock_release(&g->lock);
	if (!rc)
		rc = xen_record_live(g, &late);
	if (rc)
		log_warn("%s/%s: what is in force is not recorded: %s", g->b->dir, g->serial, late.text);
}

static void record_number(struct guest *g, enum key k, uint64_t n)
{
	char value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)n);
	record_key(g, k, value);
}

/* ---- memory at most ---- */

int xen_set_maxmem(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	int rc = begin(g, &c, e);

	(void)j;
	if (!rc) {
		rc = libxl_domain_setmaxmem(xen_call_ctx(c), (uint32_t)g->id, mib * 1024);
		rc = xen_call_error(c, rc > 0 ? ERROR_FAIL : rc, "mem-max", e);
	}
	xen_call_end(c);
	if (!rc)
		record_number(g, KEY_maxmem, mib);
	return rc;
}

/* ---- how many VCPUs ---- */

static unsigned online_now(struct guest *g)
{
	unsigned n;

	lock_acquire(&g->lock);
	n = g->online;
	lock_release(&g->lock);
	return n;
}

static int wait_vcpus(struct guest *g, unsigned wanted, struct job *j, struct err *e)
{
	uint64_t end = clock_msec() + VCPUS_MSEC;
	bool gone = false;
	int rc = 0;

	while (!rc && online_now(g) != wanted) {
		lock_acquire(&g->lock);
		gone = g->gone || g->ended;
		if (!gone && g->online != wanted)
			cond_wait(&g->changed, &g->lock, clock_msec() + SLICE_MSEC);
		lock_release(&g->lock);
		if (gone)
			rc = fail(e, EHOSTDOWN, "the guest has ended");
		else if (clock_msec() >= end)
			rc = -ETIMEDOUT;
		else
			rc = job_check(j, e);
	}
	if (rc == -ETIMEDOUT)
		return fail(e, ETIMEDOUT,
		            "the guest was told, and has %u VCPUs online; its kernel does not %s (it may still)",
		            online_now(g),
		            online_now(g) < wanted ? "bring more of them online" : "let go of more of them");
	return rc;
}

/* An HVM guest's VCPUs come by its virtual hardware, where they do not go: what counts is what it was given, not what it uses. */
static bool is_less_hardware(struct guest *g, unsigned wanted)
{
	struct spec *s = xen_guest_spec(g);
	bool ret = g->type == LIBXL_DOMAIN_TYPE_HVM && wanted < spec_vcpus(s);

	spec_unref(s);
	return ret;
}

static int check_vcpus(struct guest *g, unsigned wanted, struct err *e)
{
	enum domain_state state;
	int rc = xen_guest_alive(g, &state, e);

	if (rc)
		return rc;
	if (state != STATE_RUNNING)
		return fail(e, EINVAL, "the guest is paused and would not hear of it; unpause it first");
	if (is_less_hardware(g, wanted))
		return fail(e, EOPNOTSUPP, "an HVM guest has no way to give a VCPU back; start it with vcpus=%u",
		            wanted);
	return 0;
}

int xen_set_vcpus(struct guest *g, unsigned wanted, struct job *j, struct err *e)
{
	struct xen_call *c = NULL;
	libxl_bitmap map;
	int rc = check_vcpus(g, wanted, e);

	if (rc)
		return rc;
	libxl_bitmap_init(&map);
	rc = xen_call_begin(g->b, g, &c, e);
	if (!rc && libxl_cpu_bitmap_alloc(xen_call_ctx(c), &map, XEN_VCPUS_MAX))
		rc = fail(e, ENOMEM, "vcpu-set: no memory");
	for (unsigned i = 0; !rc && i < wanted; i++)
		libxl_bitmap_set(&map, (int)i);
	if (!rc)
		rc = xen_call_finish(c, libxl_set_vcpuonline(xen_call_ctx(c), (uint32_t)g->id, &map, xen_call_how(c)),
		                     j, "vcpu-set", e);
	xen_call_end(c);
	libxl_bitmap_dispose(&map);
	if (rc)
		return rc;
	xen_monitor_hurry(g->b->monitor, 1);
	rc = wait_vcpus(g, wanted, j, e);
	xen_monitor_hurry(g->b->monitor, -1);
	if (!rc) {
		struct spec *s = xen_guest_spec(g);

		if (!spec_has(s, KEY_maxvcpus)) /* there can be as many as before */
			record_number(g, KEY_maxvcpus, spec_maxvcpus(s));
		record_number(g, KEY_vcpus, wanted);
		spec_unref(s);
	}
	return rc;
}

/* ---- where VCPUs run ---- */

/* What is said of none of them is not said in the configuration, as the model has it. */
static void record_pins(struct guest *g, bool soft)
{
	struct vcpu vcpus[XEN_VCPUS_MAX];
	struct buf b = { 0 };
	char text[CPUS_TEXT];
	bool bound = false;
	int n = xen_vcpu_list(g, vcpus, XEN_VCPUS_MAX, NULL);

	for (int i = 0; i < n; i++) {
		cpus_format(text, soft ? &vcpus[i].soft : &vcpus[i].affinity);
		bound |= *text && strcmp(text, "all") != 0;
		buf_printf(&b, "%s\"%s\"", i ? ", " : "[ ", *text ? text : "all");
	}
	buf_puts(&b, " ]");
	if (n > 0)
		record_key(g, soft ? KEY_cpus_soft : KEY_cpus, bound ? b.p : NULL);
	buf_free(&b);
}

static int pin(struct guest *g, unsigned vcpu, const struct cpus *cpus, bool soft, struct err *e)
{
	libxl_bitmap map;
	char text[CPUS_TEXT];
	struct xen_call *c = NULL;
	unsigned n = 0;
	int rc;

	libxl_bitmap_init(&map);
	if (libxl_cpu_bitmap_alloc(g->b->query, &map, 0))
		return fail(e, EREMOTEIO, "vcpu-pin: Xen does not tell its CPUs");
	for (unsigned i = 0; i < g->b->cpus; i++) {
		if (cpus_has(cpus, i)) {
			libxl_bitmap_set(&map, (int)i);
			n++;
		}
	}
	if (!n) {
		libxl_bitmap_dispose(&map);
		return fail(e, EINVAL, "none of the CPUs %s is one of the host's, 0 to %u", cpus_format(text, cpus),
		            g->b->cpus - 1);
	}
	rc = begin(g, &c, e);
	if (!rc)
		rc = xen_call_error(c,
		                    libxl_set_vcpuaffinity(xen_call_ctx(c), (uint32_t)g->id, vcpu, soft ? NULL : &map,
		                                           soft ? &map : NULL),
		                    "vcpu-pin", e);
	xen_call_end(c);
	libxl_bitmap_dispose(&map);
	if (!rc)
		record_pins(g, soft);
	return rc;
}

int xen_pin(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	(void)j;
	return pin(g, vcpu, cpus, false, e);
}

int xen_pin_soft(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	(void)j;
	return pin(g, vcpu, cpus, true, e);
}

/* ---- shares of the CPUs ---- */

static bool has_shares(libxl_scheduler s)
{
	return s == LIBXL_SCHEDULER_CREDIT || s == LIBXL_SCHEDULER_CREDIT2;
}

int xen_set_sched(struct guest *g, const struct sched *s, struct job *j, struct err *e)
{
	libxl_domain_sched_params params;
	struct xen_call *c = NULL;
	int rc = begin(g, &c, e);

	(void)j;
	libxl_domain_sched_params_init(&params);
	if (!rc)
		rc = xen_call_error(c, libxl_domain_sched_params_get(xen_call_ctx(c), (uint32_t)g->id, &params),
		                    "sched-credit", e);
	if (!rc && !has_shares(params.sched))
		rc = fail(e, EOPNOTSUPP, "the guest's CPUs are shared out by Xen's scheduler %s, which knows no shares",
		          libxl_scheduler_to_string(params.sched));
	if (!rc) {
		params.weight = (int)s->weight;
		params.cap = (int)s->cap;
		rc = libxl_domain_sched_params_set(xen_call_ctx(c), (uint32_t)g->id, &params);
		if (rc == ERROR_INVAL) { /* what the weight and the cap may be depends on the scheduler and the guest */
			xen_call_error(c, rc, "weight and cap", e);
			e->code = EINVAL;
			rc = -EINVAL;
		} else {
			rc = xen_call_error(c, rc, "sched-credit", e);
		}
	}
	libxl_domain_sched_params_dispose(&params);
	xen_call_end(c);
	if (!rc) {
		record_number(g, KEY_cpu_weight, s->weight);
		record_number(g, KEY_cap, s->cap);
	}
	return rc;
}

/* One hypercall a second, where libxl would look for the name of the pool in xenstore as well. */
void xen_watch_sched(struct guest *g, const libxl_dominfo *info)
{
	struct backend *b = g->b;
	struct xen_domctl_sched_credit2 two;
	struct xen_domctl_sched_credit one;
	struct sched s;

	if (!g->sched_known || g->cpupool != info->cpupool) {
		libxl_domain_sched_params params;

		libxl_domain_sched_params_init(&params);
		g->sched_known = libxl_domain_sched_params_get(b->query, (uint32_t)g->id, &params) == 0;
		g->scheduler = params.sched;
		g->cpupool = info->cpupool;
		libxl_domain_sched_params_dispose(&params);
	}
	if (!g->sched_known)
		return;
	if (g->scheduler == LIBXL_SCHEDULER_CREDIT2 && !xc_sched_credit2_domain_get(b->xc, (uint32_t)g->id, &two))
		s = (struct sched){ .weight = two.weight, .cap = two.cap };
	else if (g->scheduler == LIBXL_SCHEDULER_CREDIT && !xc_sched_credit_domain_get(b->xc, (uint32_t)g->id, &one))
		s = (struct sched){ .weight = one.weight, .cap = one.cap };
	else
		return;
	if (s.weight == g->sched_told.weight && s.cap == g->sched_told.cap)
		return;
	g->sched_told = s;
	b->sink->sched(g->domain, &s);
}

/* ---- the core ---- */

struct dump {
	struct guest *g;
	int fd;
	struct job *j;
	struct err *e;
	int rc;
	uint64_t done, total;
	unsigned percent;
};

static int dump_check(struct dump *d)
{
	unsigned percent = d->total ? (unsigned)(d->done * 100 / d->total) : 0;

	if (percent > 99) /* what comes last is not counted */
		percent = 99;
	if (percent != d->percent) {
		d->percent = percent;
		job_progress(d->j, percent, d->done < d->total ? d->total - d->done : 0, 0);
	}
	if (xen_guest_gone(d->g))
		return fail(d->e, EHOSTDOWN, "the guest has ended");
	return job_check(d->j, d->e);
}

static int dump_put(xc_interface *xc, void *arg, char *p, unsigned n)
{
	struct dump *d = arg;

	(void)xc;
	d->rc = dump_check(d);
	while (!d->rc && n > 0) {
		ssize_t did = write(d->fd, p, n);

		if (did < 0 && errno != EINTR)
			d->rc = fail(d->e, errno, "the core cannot be written: %s", strerror(errno));
		if (did < 0)
			continue;
		p += did;
		n -= (unsigned)did;
		d->done += (uint64_t)did;
	}
	return d->rc ? -1 : 0;
}

/* CODE is errno, which is 0 where Xen read all and found no list of the guest's pages: a paravirtual one makes it as it boots. */
static int no_core(struct guest *g, int code, struct err *e)
{
	if (xen_guest_gone(g))
		return fail(e, EHOSTDOWN, "the guest has ended");
	if (!code)
		return fail(e, EREMOTEIO, "the guest has not said yet where its memory is: let it boot first");
	return fail(e, EREMOTEIO, "Xen does not give the guest's memory: %s", strerror(code));
}

/* libxl's own cannot be stopped, and opens the file by its name. */
int xen_dump_core(struct guest *g, int fd, struct job *j, struct err *e)
{
	struct dump d = { .g = g, .fd = fd, .j = j, .e = e };
	xc_interface *xc = xc_interface_open(g->b->log, NULL, 0);
	int rc;

	if (!xc)
		return fail(e, errno, "Xen: %s", strerror(errno));
	lock_acquire(&g->lock);
	d.total = g->actual_kib * 1024;
	lock_release(&g->lock);
	errno = 0;
	rc = xc_domain_dumpcore_via_callback(xc, (uint32_t)g->id, &d, dump_put);
	if (rc && !d.rc)
		d.rc = no_core(g, errno, e);
	xc_interface_close(xc);
	return d.rc;
}
