/* RUN/qemu/SERIAL/run: what a successor of this daemon must know about a guest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "backends/qemu/qemu.h"

#define RECORD_FILE "run"
#define RECORD_MAX (64 * 1024)
#define TAPS_MAX 64

static const char *const phase_names[] = {
	[PHASE_INTENT] = "intent",
	[PHASE_SPAWNED] = "spawned",
	[PHASE_STARTED] = "started",
};

static char *record_text(const struct record *r)
{
	char uuid[UUID_TEXT];
	json_t *taps = json_array(), *o;

	for (size_t i = 0; i < r->ntaps; i++)
		json_array_append_new(taps, r->taps[i] ? json_string(r->taps[i]) : json_null());
	o = json_pack("{s:s s:s s:s s:i s:I s:I s:I s:s s:I s:s s:b s:i s:b s:b s:I s:I s:I s:o}", "phase",
	              phase_names[r->phase], "name", r->name, "uuid", uuid_format(uuid, &r->uuid), "id", r->id,
	              "serial", (json_int_t)r->serial, "pid", (json_int_t)r->pid, "pid_start", (json_int_t)r->pid_start,
	              "boot_id", r->boot_id, "uid", (json_int_t)r->uid, "machine", r->machine, "kvm", r->kvm,
	              "vnc_port", r->vnc_port, "paused", r->paused, "reboot_wanted", r->reboot_wanted, "started_sec",
	              (json_int_t)r->started.tv_sec, "started_nsec", (json_int_t)r->started.tv_nsec, "mem_target",
	              (json_int_t)r->mem_target, "taps", taps);
	if (!o)
		return NULL;
	char *text = json_dumps(o, JSON_INDENT(1));
	json_decref(o);
	return text;
}

int record_save(int dirfd, const struct record *r, struct err *e)
{
	char *text = record_text(r);
	int rc;

	if (!text)
		return fail(e, EINVAL, "record of guest %llu: a value is not UTF-8", (unsigned long long)r->serial);
	rc = file_replace(dirfd, RECORD_FILE, text, strlen(text), 0600, e);
	free(text);
	return rc ? fail_in(e, "record of guest %s", r->name) : 0;
}

static bool text_fits(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		return false;
	snprintf(to, size, "%s", from);
	return true;
}

static bool taps_take(struct record *r, json_t *taps)
{
	size_t n = json_array_size(taps);

	if (!json_is_array(taps) || n > TAPS_MAX)
		return false;
	r->taps = x_array(n ? n : 1, sizeof(*r->taps));
	r->ntaps = n;
	for (size_t i = 0; i < n; i++) {
		json_t *t = json_array_get(taps, i);
		if (!json_is_string(t) && !json_is_null(t))
			return false;
		r->taps[i] = x_strdup(json_string_value(t));
	}
	return true;
}

static bool record_take(struct record *r, json_t *o, char why[JSON_ERROR_TEXT_LENGTH])
{
	const char *phase, *name, *uuid, *boot_id, *machine;
	json_int_t serial, pid, pid_start, uid, sec, nsec, mem_target;
	int kvm, paused, reboot_wanted;
	json_t *taps;
	json_error_t je;
	size_t p;

	if (json_unpack_ex(o, &je, 0, "{s:s s:s s:s s:i s:I s:I s:I s:s s:I s:s s:b s:i s:b s:b s:I s:I s:I s:o}",
	                   "phase", &phase, "name", &name, "uuid", &uuid, "id", &r->id, "serial", &serial, "pid", &pid,
	                   "pid_start", &pid_start, "boot_id", &boot_id, "uid", &uid, "machine", &machine, "kvm", &kvm,
	                   "vnc_port", &r->vnc_port, "paused", &paused, "reboot_wanted", &reboot_wanted, "started_sec",
	                   &sec, "started_nsec", &nsec, "mem_target", &mem_target, "taps", &taps)) {
		snprintf(why, JSON_ERROR_TEXT_LENGTH, "%s", je.text);
		return false;
	}
	snprintf(why, JSON_ERROR_TEXT_LENGTH, "a value is out of range");
	for (p = 0; p < COUNT(phase_names) && strcmp(phase, phase_names[p]) != 0; p++)
		;
	if (p == COUNT(phase_names) || pid < 0 || pid > INT32_MAX || serial < 0 || pid_start < 0 || uid < 0 ||
	    uid >= UINT32_MAX || mem_target < 0 || nsec < 0 || nsec > 999999999 || r->vnc_port < 0 ||
	    r->vnc_port > 65535)
		return false;
	if (!text_fits(r->name, sizeof(r->name), name) || !text_fits(r->boot_id, sizeof(r->boot_id), boot_id) ||
	    !text_fits(r->machine, sizeof(r->machine), machine) || parse_uuid(uuid, &r->uuid, NULL) < 0 ||
	    !taps_take(r, taps))
		return false;
	r->phase = (enum phase)p;
	r->serial = (uint64_t)serial;
	r->pid = (pid_t)pid;
	r->pid_start = (uint64_t)pid_start;
	r->uid = (uid_t)uid;
	r->kvm = kvm;
	r->paused = paused;
	r->reboot_wanted = reboot_wanted;
	r->mem_target = (uint64_t)mem_target;
	r->started = (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = (long)nsec };
	return true;
}

void record_remove(int dirfd)
{
	unlinkat(dirfd, RECORD_FILE, 0);
}

int record_load(int dirfd, struct record *ret, struct err *e)
{
	struct buf text = { 0 };
	struct record r = { 0 };
	char why[JSON_ERROR_TEXT_LENGTH];
	json_error_t je;
	json_t *o = NULL;
	int rc = file_slurp(dirfd, RECORD_FILE, RECORD_MAX, &text, e);

	if (rc)
		return fail_in(e, "record of a guest");
	o = json_loadb(text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES, &je);
	if (!o) {
		rc = fail(e, EINVAL, "record of a guest, line %d: %s", je.line, je.text);
		goto out;
	}
	if (!record_take(&r, o, why)) {
		rc = fail(e, EINVAL, "record of a guest: %s", why);
		goto out;
	}
	*ret = r;
	r = (struct record){ 0 };
	rc = 0;
out:
	json_decref(o);
	record_free(&r);
	buf_free(&text);
	return rc;
}

void record_free(struct record *r)
{
	for (size_t i = 0; i < r->ntaps; i++)
		free(r->taps[i]);
	free(r->taps);
	r->taps = NULL;
	r->ntaps = 0;
}
