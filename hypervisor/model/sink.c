/* What a backend observed enters the model here, on its monitor thread, and nowhere else. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/model/internal.h"
#include "log.h"

/* The uuid decides; among copies of one configuration, and when it was changed meanwhile, the name. */
static struct domain *own_domain(struct model *m, const struct found *f)
{
	struct domain *named = model_find(m, f->name), *d;
	bool same = false;

	if (named) {
		domain_lock(named);
		same = !named->foreign && !memcmp(&named->uuid, &f->uuid, sizeof(f->uuid));
		domain_unlock(named);
	}
	if (same)
		return named;
	d = model_find_uuid(m, &f->uuid);
	if (d) {
		domain_unref(named);
		return d;
	}
	return named;
}

/* Whose it was is in the state folder still. Only adopt() comes here, before there is anything to wait for. */
static void load_orphan(struct domain *d)
{
	struct err e = { 0 };

	lock_acquire(&d->model->disk);
	if (store_domain_load(d, &e) && e.code != ENOENT)
		log_warn("%s: its owner and notes are lost: %s", d->name, e.text);
	lock_release(&d->model->disk);
}

/* Another tool's domain whose guest is gone holds its name until its handle is forgotten, which is too long for the next one. */
static void leaver_out(struct model *m, const char *name)
{
	struct domain *d = model_find(m, name);
	bool leaves;

	if (!d)
		return;
	domain_lock(d);
	leaves = d->foreign && !domain_on(d);
	domain_unlock(d);
	if (leaves) {
		registry_del(d);
		domain_lock(d);
		event_emit(d, "undefine", "%s", "");
		domain_unlock(d);
	}
	domain_unref(d);
}

/* A domain that runs without a configuration of ours: made by another tool, or its file went while no daemon ran. */
static struct domain *new_domain(struct model *m, const struct found *f)
{
	struct domain *d = domain_new(m, f->name);
	struct err e = { 0 };
	int rc;

	if (!f->foreign)
		load_orphan(d);
	d->uuid = f->uuid;
	d->foreign = f->foreign;
	d->orphan = !f->foreign;
	if (f->spec) {
		struct buf text = { 0 };

		spec_print(f->spec, true, &text);
		d->config_len = text.len;
		d->config_hash = hash_text(text.p, text.len);
		free(d->config);
		d->config = buf_steal(&text);
		spec_unref(d->spec);
		d->spec = spec_ref(f->spec);
	}
	leaver_out(m, f->name);
	rc = registry_add(d, &e);
	if (rc == -EEXIST && f->foreign) { /* ours has the name */
		free(d->name);
		d->name = x_printf("%s.%d", f->name, f->id);
		rc = registry_add(d, &e);
	}
	if (rc) {
		log_error("a running guest is left alone: %s", e.text);
		domain_unref(d);
		return NULL;
	}
	domain_lock(d);
	event_emit(d, "define", "%s", "");
	domain_unlock(d);
	return d;
}

static struct domain *sink_appeared(struct model *m, const struct found *f, struct guest *g)
{
	struct domain *d = f->foreign || m->closing ? NULL : own_domain(m, f);

	if (m->closing)
		return NULL;
	if (!d)
		d = new_domain(m, f);
	if (!d)
		return NULL;
	store_id_seen(m->store, f->id);
	domain_lock(d);
	if (d->guest || domain_on(d)) {
		log_error("%s: two guests claim to be it; the second (id %d) is left alone", d->name, f->id);
		domain_unlock(d);
		domain_unref(d);
		return NULL;
	}
	d->guest = g;
	d->guest_gone = false;
	d->id = f->id;
	d->started = f->started;
	d->live = f->spec ? spec_ref(f->spec) : spec_ref(d->spec);
	devices_found(d);
	d->mem_target = d->mem_actual = spec_memory(d->live);
	d->mem_max = spec_maxmem(d->live);
	if (f->mem_target)
		domain_retarget(d, f->mem_target);
	d->vcpus = spec_vcpus(d->live);
	domain_set_state(d, STATE_STARTING, f->foreign ? "found" : "adopted");
	domain_unlock(d);
	return d; /* our reference is the cookie's */
}

static void sink_id(struct domain *d, int id)
{
	domain_lock(d);
	d->id = id;
	domain_touch(d);
	domain_unlock(d);
}

/* The configuration of ours says its name, on disk: that is a job's to change. */
static void renamed_own(struct domain *d, const char *name)
{
	domain_lock(d);
	free(d->called);
	d->called = x_strdup(name);
	if (!d->model->closing)
		pool_run(domain_follow_name, domain_ref(d), false);
	domain_unlock(d);
}

static void sink_renamed(struct domain *d, const char *name)
{
	char *from = domain_name(d);
	struct err e = { 0 };

	if (!d->foreign) {
		renamed_own(d, name);
	} else if (strcmp(from, name) != 0 && registry_rename(d, name, &e)) {
		log_warn("%s: another tool calls it %s: %s", from, name, e.text);
	} else if (strcmp(from, name) != 0) {
		domain_lock(d);
		event_emit(d, "rename", "from=%s", from);
		domain_unlock(d);
	}
	free(from);
}

static void sink_target(struct domain *d, uint64_t mib)
{
	domain_lock(d);
	if (d->live && d->mem_target != mib) {
		domain_retarget(d, mib);
		event_emit(d, "mem", "target_mib=%llu", (unsigned long long)mib);
	}
	domain_unlock(d);
}

static void sink_maximum(struct domain *d, uint64_t mib)
{
	domain_lock(d);
	if (d->live && d->mem_max != mib)
		tune_maximum(d, mib);
	domain_unlock(d);
}

static bool booted(const struct domain *d, enum domain_state s, const char *reason) NEEDS(d->lock)
{
	if (s != STATE_RUNNING && s != STATE_PAUSED)
		return false;
	return d->state == STATE_STARTING || d->state == STATE_STOPPING || d->state == STATE_CRASHED ||
	       !strcmp(reason, "rebooted") || !strcmp(reason, "reset");
}

static void sink_state(struct domain *d, enum domain_state s, const char *reason)
{
	bool boots;

	domain_lock(d);
	boots = booted(d, s, reason);
	d->boots += boots;
	if (!d->started.tv_sec) {
		d->started = time_now();
		domain_touch(d);
	}
	if (s != STATE_UNRESPONSIVE)
		d->ended_held = false;
	domain_set_state(d, s, reason);
	if (boots)
		wait_check(d); /* a reset after a reset is a boot, though the state stays */
	domain_unlock(d);
}

static void sink_ended(struct domain *d, enum end how, bool held, const char *reason)
{
	domain_lock(d);
	d->ended = how;
	d->ended_held = held;
	domain_set_state(d, how == END_CRASH || how == END_DIED ? STATE_CRASHED : STATE_STOPPING, reason);
	if (held)
		policy_apply(d);
	domain_unlock(d);
}

static void after_gone(void *arg)
{
	struct domain *d = arg;
	struct err e = { 0 };

	lock_acquire(&d->model->disk);
	store_console_save(d);
	if (store_domain_save(d, &e))
		log_error("how the domain ended is lost at the daemon's end: %s", e.text);
	lock_release(&d->model->disk);
	guest_forget(d);
	domain_unref(d);
}

static void sink_gone(struct domain *d, enum end how, const char *reason)
{
	domain_ref(d); /* after_gone() may drop the cookie's before the lock is let go */
	domain_lock(d);
	if (!d->ended_held)
		d->ended = how;
	/* A guest that ended by itself before it was released has told its own reason, which stays. */
	if (d->state == STATE_CRASHED)
		domain_touch(d);
	else if (how == END_DIED || how == END_CRASH)
		domain_set_state(d, STATE_CRASHED, reason);
	else
		domain_set_state(d, STATE_OFF, d->ended_held ? d->reason : reason);
	d->ended_held = false;
	d->guest_gone = true;
	domain_reset_facts(d);
	wait_check(d);
	/* A model that closes saves it by itself, and leaves the handle to the backend, which closes too. */
	if (!d->model->closing)
		pool_run(after_gone, domain_ref(d), true);
	domain_unlock(d);
	domain_unref(d);
}

static void sink_memory(struct domain *d, uint64_t actual_mib)
{
	domain_lock(d);
	if (d->mem_actual != actual_mib) {
		d->mem_actual = actual_mib;
		domain_touch(d);
		event_emit(d, "mem", "actual_mib=%llu", (unsigned long long)actual_mib);
	}
	domain_unlock(d);
}

static void sink_vcpus(struct domain *d, unsigned online)
{
	domain_lock(d);
	if (d->vcpus != online) {
		d->vcpus = online;
		domain_touch(d);
		event_emit(d, "vcpus", "online=%u", online);
	}
	domain_unlock(d);
}

static void sink_display(struct domain *d, const char *address)
{
	domain_lock(d);
	snprintf(d->display, sizeof(d->display), "%s", address);
	domain_touch(d);
	domain_unlock(d);
}

static void sink_console(struct domain *d, const char *p, size_t n)
{
	text_append(&d->console, p, n);
}

static void sink_log(struct domain *d, const char *line)
{
	domain_log(d, "%s", line);
}

static void sink_event(struct domain *d, const char *name, const char *detail)
{
	domain_lock(d);
	event_emit(d, name, "%s", detail);
	domain_unlock(d);
}

static void after_devices(void *arg)
{
	tune_save(arg);
	domain_unref(arg);
}

/* While a verb changes them, what it has done is in force first: what is told then was seen after it. */
static void sink_devices(struct domain *d, const struct spec *live)
{
	domain_lock(d);
	if (d->changing) {
		spec_unref(d->told);
		d->told = spec_ref(live);
	} else if (devices_take(d, live) && !d->model->closing) { /* a model that closes saves it by itself */
		pool_run(after_devices, domain_ref(d), true);
	}
	domain_unlock(d);
}

static void sink_sched(struct domain *d, const struct sched *s)
{
	domain_lock(d);
	if (d->live)
		tune_sched(d, s);
	domain_unlock(d);
}

const struct sink model_sink = {
	.appeared = sink_appeared,
	.id = sink_id,
	.renamed = sink_renamed,
	.target = sink_target,
	.maximum = sink_maximum,
	.state = sink_state,
	.ended = sink_ended,
	.gone = sink_gone,
	.memory = sink_memory,
	.vcpus = sink_vcpus,
	.display = sink_display,
	.console = sink_console,
	.log = sink_log,
	.event = sink_event,
	.devices = sink_devices,
	.sched = sink_sched,
};
