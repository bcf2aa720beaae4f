#include "tests/unit/fake_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Write the call down; fail or block when the test wants it. */
static int enter(const char *verb, const char *name, const struct job *j, struct err *e)
{
	int rc = 0;

	lock_acquire(&fake.lock);
	buf_printf(&fake.calls, "%s %s\n", verb, name);
	cond_broadcast(&fake.changed);
	for (size_t i = 0; i < NAMES; i++) {
		if (fake.fails[i].code && !strcmp(fake.fails[i].verb, verb)) {
			rc = fail(e, fake.fails[i].code, "%s: as the test wants it", verb);
			fake.fails[i].code = 0;
		}
	}
	while (!rc && fake_is_blocked(verb)) {
		rc = j ? job_check(j, e) : 0;
		if (!rc) /* a job's descriptor would have to be polled: looking is enough for a test */
			cond_wait(&fake.changed, &fake.lock, clock_msec() + 5);
	}
	lock_release(&fake.lock);
	return rc;
}

static int fake_open(const struct backend_config *c, const struct sink *sink, struct backend **ret, struct err *e)
{
	int rc;

	(void)c;
	lock_acquire(&fake.lock);
	fake_ready();
	lock_release(&fake.lock);
	rc = enter("open", "-", NULL, e);
	if (rc)
		return rc;
	fake.backend = (struct backend){ .sink = sink };
	*ret = &fake.backend;
	return 0;
}

static void fake_close(struct backend *b)
{
	struct guest *g, *next;

	lock_acquire(&fake.lock);
	fake.stop = true;
	cond_broadcast(&fake.changed);
	lock_release(&fake.lock);
	if (b->running)
		pthread_join(b->thread, NULL);
	b->running = fake.stop = false;
	for (g = fake.guests; g; g = next) {
		next = g->next;
		fake_guest_free(g);
	}
	fake.guests = NULL;
}

static int fake_adopt(struct backend *b, struct err *e)
{
	int rc = enter("adopt", "-", NULL, e);

	for (struct guest *g = fake.guests; !rc && g; g = g->next) {
		struct tell t = fake_tell_of(TELL_APPEARED, g, "");

		g->told = true;
		fake_tell_one(b, &t);
		if (!g->domain)
			continue;
		b->sink->state(g->domain, STATE_RUNNING, "adopted");
		if (fake_options.end_at_adopt)
			b->sink->ended(g->domain, END_REBOOT, true, "reboot");
	}
	if (!rc && pthread_create(&b->thread, NULL, fake_monitor, b))
		return fail(e, EAGAIN, "no thread");
	lock_acquire(&fake.lock);
	b->running = !rc;
	lock_release(&fake.lock);
	return rc;
}

static int fake_host(struct backend *b, struct host *ret, struct err *e)
{
	uint64_t total = fake_options.total_mib ? fake_options.total_mib : 1 << 20;

	(void)b;
	*ret = (struct host){ .total_mib = total, .free_mib = total, .cpus = 4 };
	return enter("host", "-", NULL, e);
}

static int fake_check(struct backend *b, const struct spec *s, struct err *e)
{
	(void)b;
	(void)s;
	return enter("check", "-", NULL, e);
}

static int fake_start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e)
{
	int rc = enter("start", run->name, j, e);
	struct guest *g;
	struct tell t;

	(void)b;
	if (rc && !fake_options.leaks_to_start)
		return rc;
	g = fake_guest_new(run->name, run->domain);
	g->id = run->id;
	g->uuid = run->uuid;
	t = fake_tell_of(TELL_STATE, g, "started");
	t.state = run->paused ? STATE_PAUSED : STATE_RUNNING;
	fake_tell(t);
	if (fake_options.gone_in_start)
		fake_tell_gone(g, END_DIED, "died");
	if (fake_options.ended_in_start)
		fake_tell_ended(g, END_POWEROFF, true, "poweroff");
	*ret = g;
	return 0;
}

static int fake_destroy(struct guest *g, struct job *j, struct err *e)
{
	int rc = enter("destroy", g->name, j, e);

	if (!rc)
		fake_tell_gone(g, END_DESTROYED, "destroyed");
	return rc;
}

/* A call that ends in a state. */
static int to_state(struct guest *g, const char *verb, enum domain_state s, const char *reason, struct job *j,
                    struct err *e)
{
	struct tell t = fake_tell_of(TELL_STATE, g, reason);
	int rc = enter(verb, g->name, j, e);

	t.state = s;
	if (!rc)
		fake_tell(t);
	return rc;
}

static int fake_restart(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "restart", STATE_RUNNING, "restarted", j, e);
}

static int fake_pause(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "pause", STATE_PAUSED, "paused", j, e);
}

static int fake_unpause(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "unpause", STATE_RUNNING, "unpaused", j, e);
}

static int fake_reset_guest(struct guest *g, struct job *j, struct err *e)
{
	return to_state(g, "reset", STATE_RUNNING, "reset", j, e);
}

static int fake_shutdown(struct guest *g, struct job *j, struct err *e)
{
	return enter("shutdown", g->name, j, e);
}

static int fake_reboot(struct guest *g, struct job *j, struct err *e)
{
	return enter("reboot", g->name, j, e);
}

static int fake_sysrq(struct guest *g, char letter, struct job *j, struct err *e)
{
	(void)letter;
	return enter("sysrq", g->name, j, e);
}

static int fake_set_memory(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	struct tell t = fake_tell_of(TELL_MEMORY, g, "");
	int rc = enter("mem", g->name, j, e);

	t.mib = mib;
	if (!rc)
		fake_tell(t);
	return rc;
}

static int fake_pin(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	(void)vcpu;
	(void)cpus;
	return enter("pin", g->name, j, e);
}

static int fake_disk_attach(struct guest *g, const struct spec *live, unsigned disk, const struct user *by,
                            struct job *j, struct err *e)
{
	size_t n;
	char *what = x_printf("%s %s by %u", g->name, spec_disks(live, &n)[disk].vdev, by->uid);
	int rc = enter("disk+", what, j, e);

	free(what);
	return rc;
}

static int fake_disk_detach(struct guest *g, const struct spec *live, const struct disk *disk, struct job *j,
                            struct err *e)
{
	char *what = x_printf("%s %s", g->name, disk->vdev);
	int rc = enter("disk-", what, j, e);

	(void)live;
	free(what);
	return rc;
}

static int fake_disk_media(struct guest *g, const struct spec *live, unsigned disk, const struct user *by,
                           struct job *j, struct err *e)
{
	size_t n;
	const struct disk *drive = &spec_disks(live, &n)[disk];
	char *what = x_printf("%s %s %s", g->name, drive->vdev, drive->source ? drive->source : "-");
	int rc = enter("media", what, j, e);

	(void)by;
	free(what);
	return rc;
}

static int fake_vif_attach(struct guest *g, const struct spec *live, unsigned vif, struct job *j, struct err *e)
{
	size_t n;
	char *what = x_printf("%s %u", g->name, spec_vifs(live, &n)[vif].index);
	int rc = enter("vif+", what, j, e);

	free(what);
	return rc;
}

static int fake_vif_detach(struct guest *g, const struct spec *live, const struct vif *vif, struct job *j,
                           struct err *e)
{
	char *what = x_printf("%s %u", g->name, vif->index);
	int rc = enter("vif-", what, j, e);

	(void)live;
	free(what);
	return rc;
}

static int fake_pin_soft(struct guest *g, unsigned vcpu, const struct cpus *cpus, struct job *j, struct err *e)
{
	(void)vcpu;
	(void)cpus;
	return enter("soft", g->name, j, e);
}

static int fake_set_maxmem(struct guest *g, uint64_t mib, struct job *j, struct err *e)
{
	(void)mib;
	return enter("maxmem", g->name, j, e);
}

static int fake_set_vcpus(struct guest *g, unsigned online, struct job *j, struct err *e)
{
	struct tell t = fake_tell_of(TELL_VCPUS, g, "");
	int rc = enter("online", g->name, j, e);

	t.mib = online;
	if (!rc)
		fake_tell(t);
	return rc;
}

static int fake_set_sched(struct guest *g, const struct sched *s, struct job *j, struct err *e)
{
	struct tell t = fake_tell_of(TELL_SCHED, g, "");
	int rc = enter("sched", g->name, j, e);

	t.sched = *s;
	if (!rc)
		fake_tell(t);
	return rc;
}

/* What is written before the test's failure or block is what must not be seen. */
static int fake_dump_core(struct guest *g, int fd, struct job *j, struct err *e)
{
	if (write(fd, "core", 4) != 4)
		return fail(e, errno, "the core cannot be written: %s", strerror(errno));
	return enter("dump", g->name, j, e);
}

static int fake_rename(struct guest *g, const char *name, struct job *j, struct err *e)
{
	(void)g;
	return enter("rename", name, j, e);
}

static int fake_counters(struct guest *g, struct counters *ret, struct err *e)
{
	int rc = enter("counters", g->name, NULL, e);

	if (rc)
		return rc;
	lock_acquire(&fake.lock);
	ret->cpu_usec = fake_options.cpu_usec;
	fake_options.cpu_usec += fake_options.cpu_step;
	lock_release(&fake.lock);
	return 0;
}

static int fake_vcpu_list(struct guest *g, struct vcpu *ret, unsigned max, struct err *e)
{
	int rc = enter("vcpus", g->name, NULL, e);

	if (rc || !max)
		return rc;
	ret[0] = (struct vcpu){ .cpu = -1, .state = 'r' };
	cpus_add(&ret[0].affinity, 1);
	cpus_add(&ret[0].soft, 2);
	return 1;
}

static int fake_console_write(struct guest *g, const char *p, size_t n, struct err *e)
{
	int rc = enter("type", g->name, NULL, e);

	(void)p;
	return rc ? rc : (int)n;
}

static void fake_forget(struct guest *g)
{
	struct guest **at;

	enter("forget", g->name, NULL, NULL);
	lock_acquire(&fake.lock);
	for (at = &fake.guests; *at && *at != g; at = &(*at)->next)
		;
	if (!*at)
		abort(); /* forgotten twice */
	*at = g->next;
	lock_release(&fake.lock);
	fake_guest_free(g);
}

#define OPS                                                                                                            \
	.name = "fake", .open = fake_open, .close = fake_close, .adopt = fake_adopt, .host = fake_host,                \
	.check = fake_check, .start = fake_start, .destroy = fake_destroy, .shutdown = fake_shutdown,                  \
	.reboot = fake_reboot, .reset = fake_reset_guest, .pause = fake_pause, .unpause = fake_unpause,                \
	.sysrq = fake_sysrq, .set_memory = fake_set_memory, .pin = fake_pin, .rename = fake_rename,                    \
	.pin_soft = fake_pin_soft, .set_maxmem = fake_set_maxmem, .set_vcpus = fake_set_vcpus,                         \
	.set_sched = fake_set_sched, .dump_core = fake_dump_core, .counters = fake_counters,                           \
	.vcpu_list = fake_vcpu_list, .console_write = fake_console_write, .disk_attach = fake_disk_attach,             \
	.disk_detach = fake_disk_detach, .disk_media = fake_disk_media, .vif_attach = fake_vif_attach,                 \
	.vif_detach = fake_vif_detach, .forget = fake_forget

const struct backend_ops fake_backend = { OPS };
const struct backend_ops fake_restart_backend = { OPS, .restart = fake_restart };
