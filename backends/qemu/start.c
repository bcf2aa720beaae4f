/*
 * The start of a guest. Each step leaves on disk what a successor needs to finish or to undo it, before the next one
 * begins; the test points are where a daemon's death is tried out.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/qemu/guest.h"
#include "testpoint.h"

#define OPEN_MSEC 30000 /* for a file that a network may have to bring */
#define KERNEL_MAX (256u << 20)
#define UNDO_MSEC 10000
#define STATS_SECONDS 5 /* how often a guest is asked for its memory's use */

struct opened { /* what QEMU inherits; ours until it has */
	struct arg_disk *disks;
	size_t ndisks;
	struct arg_net *nets;
	size_t nnets;
	int kernel, ramdisk, qmp, lock, errors;
};

static void opened_close(struct opened *o)
{
	int fds[] = { o->kernel, o->ramdisk, o->qmp, o->lock, o->errors };

	for (size_t i = 0; i < o->ndisks; i++)
		if (o->disks[i].fd >= 0)
			close(o->disks[i].fd);
	for (size_t i = 0; i < o->nnets; i++)
		if (o->nets[i].tap_fd >= 0)
			close(o->nets[i].tap_fd);
	for (size_t i = 0; i < COUNT(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(o->disks);
	free(o->nets);
}

static int open_disks(struct opened *o, const struct run *run, uint64_t deadline, struct err *e)
{
	size_t n;
	const struct disk *disks = spec_disks(run->spec, &n);

	o->disks = x_array(n + 1, sizeof(*o->disks));
	for (size_t i = 0; i < n; i++) {
		struct arg_disk *a = &o->disks[i];
		int rc;

		a->disk = &disks[i];
		a->format = FORMAT_EMPTY;
		a->fd = -1;
		o->ndisks = i + 1;
		if (!disks[i].source || disks[i].format == FORMAT_EMPTY)
			continue;
		rc = disk_open(run->owner, &disks[i], deadline, &a->fd, &a->format, e);
		if (rc < 0)
			return rc;
		a->block = disk_is_block(a->fd);
	}
	return 0;
}

static int open_nets(struct opened *o, const struct run *run, struct guest *g, struct err *e)
{
	size_t n;
	const struct vif *vifs = spec_vifs(run->spec, &n);

	o->nets = x_array(n + 1, sizeof(*o->nets));
	g->record.taps = x_array(n + 1, sizeof(*g->record.taps));
	for (size_t i = 0; i < n; i++) {
		struct arg_net *a = &o->nets[i];
		char *name;

		a->vif = &vifs[i];
		a->tap_fd = -1;
		o->nnets = g->record.ntaps = i + 1;
		if (vifs[i].has_mac)
			memcpy(a->mac, vifs[i].mac, sizeof(a->mac));
		else
			mac_random(a->mac);
		if (!vifs[i].bridge)
			continue;
		name = vifs[i].vifname ? x_strdup(vifs[i].vifname) : x_printf("vif%d.%zu", run->id, i);
		g->record.taps[i] = name;
		if (strlen(name) >= IF_NAMESIZE)
			return fail(e, EINVAL, "vif %zu: %s is too long for an interface's name", i, name);
		a->tap_fd = net_tap(name, vifs[i].bridge, g->uid, e);
		if (a->tap_fd < 0)
			return a->tap_fd;
	}
	return 0;
}

static int open_kernel(struct opened *o, const struct run *run, uint64_t deadline, struct err *e)
{
	const char *kernel = args_kernel(run->spec), *ramdisk = spec_str(run->spec, KEY_ramdisk, NULL);

	if (!kernel)
		return 0;
	o->kernel = disk_memfd(run->owner, kernel, KERNEL_MAX, deadline, e);
	if (o->kernel < 0)
		return o->kernel;
	if (!ramdisk || !*ramdisk)
		return 0;
	o->ramdisk = disk_memfd(run->owner, ramdisk, KERNEL_MAX, deadline, e);
	return o->ramdisk < 0 ? o->ramdisk : 0;
}

static int open_all(struct opened *o, const struct run *run, struct guest *g, struct job *j, struct err *e)
{
	uint64_t deadline = clock_msec() + OPEN_MSEC;
	int rc;

	if (job_deadline(j) < deadline)
		deadline = job_deadline(j);
	rc = open_disks(o, run, deadline, e);
	if (rc == 0)
		rc = open_kernel(o, run, deadline, e);
	if (rc == 0)
		rc = job_check(j, e);
	if (rc == 0)
		rc = open_nets(o, run, g, e);
	return rc;
}

static int record_intent(struct guest *g, const struct run *run, struct err *e)
{
	struct record *r = &g->record;

	r->phase = PHASE_INTENT;
	snprintf(r->name, sizeof(r->name), "%s", run->name);
	r->uuid = run->uuid;
	r->id = run->id;
	r->serial = run->serial;
	snprintf(r->boot_id, sizeof(r->boot_id), "%s", g->b->boot_id);
	r->uid = g->uid;
	snprintf(r->machine, sizeof(r->machine), "%s", g->b->features.machine_pc);
	r->kvm = g->b->features.kvm;
	r->paused = run->paused;
	r->started = run->started;
	return record_save(g->dirfd, r, e);
}

static int record_phase(struct guest *g, enum phase phase, struct err *e)
{
	g->record.phase = phase;
	return record_save(g->dirfd, &g->record, e);
}

static int spawn(struct guest *g, struct opened *o, struct err *e)
{
	struct args_in in = {
		.features = &g->b->features,
		.record = &g->record,
		.spec = g->spec,
		.disks = o->disks,
		.ndisks = o->ndisks,
		.nets = o->nets,
		.nnets = o->nnets,
		.kernel_fd = o->kernel,
		.ramdisk_fd = o->ramdisk,
		.qmp_fd = o->qmp,
		.dir = g->dir,
	};
	int *fds = x_array(o->ndisks + o->nnets + 3, sizeof(*fds));
	struct spawn s = {
		.uid = g->uid,
		.kvm_gid = g->record.kvm ? host_kvm_gid() : (gid_t)-1,
		.fds = fds,
		.lock_fd = o->lock,
		.stderr_fd = o->errors,
	};
	char **argv = NULL;
	int rc;

	for (size_t i = 0; i < o->ndisks; i++)
		if (o->disks[i].fd >= 0)
			fds[s.nfds++] = o->disks[i].fd;
	for (size_t i = 0; i < o->nnets; i++)
		if (o->nets[i].tap_fd >= 0)
			fds[s.nfds++] = o->nets[i].tap_fd;
	if (o->kernel >= 0)
		fds[s.nfds++] = o->kernel;
	if (o->ramdisk >= 0)
		fds[s.nfds++] = o->ramdisk;
	fds[s.nfds++] = o->qmp;
	rc = args_build(g->b->qemu, &in, &argv, e);
	if (rc == 0) {
		s.argv = argv;
		rc = process_spawn(&s, &g->record.pid, &g->pidfd, e);
	}
	if (rc == 0)
		g->record.pid_start = process_start_time(g->record.pid);
	args_free(argv);
	free(fds);
	return rc;
}

/* Everything up to a QEMU that waits for its first instruction, and nothing of it open here any more. */
static int prepare(struct guest *g, const struct run *run, struct job *j, struct err *e)
{
	struct opened o = { .kernel = -1, .ramdisk = -1, .qmp = -1, .lock = -1, .errors = -1 };
	int rc;

	rc = record_intent(g, run, e);
	test_point("start-intent");
	if (rc == 0)
		rc = run_folder_write_config(g, e);
	if (rc == 0)
		rc = o.lock = run_folder_lock(g->dirfd, e);
	if (rc >= 0)
		rc = o.qmp = run_folder_listen(g, "qmp", e);
	if (rc >= 0)
		rc = guest_ask(g, ASK_HELLO) < 0 ? fail(e, EIO, "%s/ev.in: %s", g->dir, strerror(errno)) : 0;
	if (rc == 0) {
		o.errors = openat(g->dirfd, "stderr", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
		rc = o.errors < 0 ? fail(e, errno, "%s/stderr: %s", g->dir, strerror(errno)) : 0;
	}
	if (rc == 0)
		rc = open_all(&o, run, g, j, e);
	test_point("start-opened");
	if (rc == 0)
		rc = job_check(j, e);
	if (rc == 0)
		rc = spawn(g, &o, e);
	test_point("start-spawned");
	opened_close(&o);
	if (rc == 0)
		rc = record_phase(g, PHASE_SPAWNED, e);
	test_point("start-recorded");
	return rc;
}

static int set_up_vnc(struct guest *g, struct job *j, struct err *e)
{
	const char *password = spec_display(g->spec)->passwd;
	int rc;

	if (!args_vnc(g->spec))
		return 0;
	if (password && *password) { /* without one nobody is let in */
		rc = guest_call(g, "set_password", json_pack("{s:s, s:s}", "protocol", "vnc", "password", password), j,
		                0, NULL, e);
		if (rc == 0)
			rc = guest_call(g, "expire_password",
			                json_pack("{s:s, s:s}", "protocol", "vnc", "time", "never"), j, 0, NULL, e);
		if (rc < 0)
			return rc;
	}
	guest_ask(g, ASK_DISPLAY);
	return 0;
}

/* QEMU has started and waits: what only a running QEMU can be told. */
static int set_up(struct guest *g, struct job *j, struct err *e)
{
	json_t *stats = json_pack("{s:s, s:s, s:i}", "path", "/machine/peripheral/balloon0", "property",
	                          "guest-stats-polling-interval", "value", STATS_SECONDS);
	int rc = cpu_learn(g, j, 0, e);

	if (rc == 0)
		rc = cpu_pin_all(g, e);
	if (rc == 0)
		rc = set_up_vnc(g, j, e);
	if (rc == 0)
		rc = guest_call(g, "qom-set", stats, j, 0, NULL, e);
	else
		json_decref(stats);
	if (rc == 0)
		guest_ask(g, ASK_MEMORY);
	test_point("start-set-up");
	return rc;
}

static int go(struct guest *g, const struct run *run, struct job *j, struct err *e)
{
	int rc = job_check(j, e);

	if (rc == 0)
		rc = record_phase(g, PHASE_STARTED, e);
	test_point("start-started");
	if (rc < 0)
		return rc;
	monitor_add(g->b->monitor, watch_new(g));
	if (!run->paused)
		rc = guest_call(g, "cont", NULL, j, 0, NULL, e);
	test_point("start-continued");
	if (rc == 0)
		rc = guest_wait(g, guest_is, run->paused ? STATE_PAUSED : STATE_RUNNING, UINT64_MAX, j, e);
	return rc;
}

/* Nothing may be left, whatever failed; and QEMU's own words belong into the sentence. */
static int undo(struct guest *g, int rc, struct err *e)
{
	char words[256];
	struct err why;

	monitor_drop(g->b->monitor, g);
	if (g->pidfd >= 0 && process_kill(g->pidfd, clock_msec() + UNDO_MSEC, &why) < 0)
		return fail(e, EIO, "%s; and its undoing failed: %s", (char *)e->text, why.text);
	if (g->dirfd >= 0 && rc != -EINTR && rc != -ECANCELED && g->pidfd >= 0 &&
	    run_folder_last_words(g->dirfd, words, sizeof(words)))
		rc = fail(e, EREMOTEIO, "QEMU does not start: %s", words);
	run_folder_remove(g->b->dirfd, g->serial);
	return rc;
}

int guest_start(struct backend *b, const struct run *run, struct guest **ret, struct job *j, struct err *e)
{
	struct guest *g;
	struct err own;
	char serial[24];
	int rc;

	if (!e)
		e = &own;
	rc = job_check(j, e);
	if (rc < 0)
		return rc;
	snprintf(serial, sizeof(serial), "%llu", (unsigned long long)run->serial);
	g = guest_new(b, serial, run->spec);
	g->domain = run->domain;
	rc = guest_take_uid(g, e);
	if (rc == 0)
		rc = run_folder_make(g, e);
	if (rc < 0) {
		guest_unref(g);
		return rc;
	}
	test_point("start-folder");
	rc = prepare(g, run, j, e);
	if (rc == 0)
		rc = job_check(j, e);
	if (rc == 0)
		rc = set_up(g, j, e);
	if (rc == 0)
		rc = go(g, run, j, e);
	if (rc < 0) {
		rc = undo(g, rc, e);
		guest_unref(g);
		return rc;
	}
	*ret = g;
	return 0;
}
