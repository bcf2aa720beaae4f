/* A domain's configuration: reading it as a complete spec, taking it over, changing single values in its text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/edit.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/operate.h"
#include "log.h"
#include "testpoint.h"

/* In Xen's range. */
void config_mac(const struct uuid *u, unsigned vif, char out[MAC_TEXT])
{
	struct {
		struct uuid uuid;
		unsigned vif;
	} seed = { *u, vif };
	uint64_t h = hash_text(&seed, sizeof(seed));
	uint8_t mac[6] = { 0x00, 0x16, 0x3e, (uint8_t)h & 0x7f, (uint8_t)(h >> 8), (uint8_t)(h >> 16) };

	mac_format(out, mac);
}

static bool lacks_mac(const struct spec *s)
{
	size_t n;
	const struct vif *v = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++)
		if (!v[i].has_mac)
			return true;
	return false;
}

/* The list of vifs in the language's syntax, a MAC added to those without one. */
static void vifs_text(const struct spec *s, const struct uuid *u, struct buf *b)
{
	const char *const *items;
	struct buf item = { 0 };
	char mac[MAC_TEXT];
	size_t n, items_n = spec_list(s, KEY_vif, &items);
	const struct vif *v = spec_vifs(s, &n);

	buf_puts(b, "[ ");
	for (size_t i = 0; i < items_n; i++) {
		buf_reset(&item);
		buf_puts(&item, items[i]);
		if (i < n && !v[i].has_mac) {
			config_mac(u, (unsigned)i, mac);
			buf_printf(&item, "%smac=%s", item.len ? "," : "", mac);
		}
		print_quoted(b, item.p ? item.p : "", item.len);
		buf_puts(b, ", ");
	}
	buf_puts(b, "]");
	buf_free(&item);
}

/* Replace *SPEC by itself with K set. */
static int set_key(struct spec **spec, enum key k, const char *value, struct err *e)
{
	struct spec *with = NULL;
	int rc = spec_with(*spec, k, value, &with, e);

	if (!rc) {
		spec_unref(*spec);
		*spec = with;
	}
	return rc;
}

static int complete(struct spec **spec, const char *name, const struct uuid *u, struct err *e)
{
	char text[UUID_TEXT + 2], uuid[UUID_TEXT];
	struct buf b = { 0 };
	int rc = 0;

	if (!spec_has(*spec, KEY_name)) {
		buf_printf(&b, "'%s'", name);
		rc = set_key(spec, KEY_name, b.p, e);
	}
	if (!rc && !spec_has(*spec, KEY_uuid)) {
		snprintf(text, sizeof(text), "'%s'", uuid_format(uuid, u));
		rc = set_key(spec, KEY_uuid, text, e);
	}
	if (!rc && lacks_mac(*spec)) {
		buf_reset(&b);
		vifs_text(*spec, u, &b);
		rc = set_key(spec, KEY_vif, b.p, e);
	}
	buf_free(&b);
	return rc;
}

static void log_notes(struct domain *d, const struct notes *notes)
{
	const char *line = notes->text.p, *end;

	for (; line && *line && (end = strchr(line, '\n')); line = end + 1)
		domain_log(d, "config:%.*s", (int)(end - line), line);
}

static int fail_name(const char *text, size_t n, const char *said, const char *name, struct err *e)
{
	unsigned line = 1, column = 1;

	config_find(text, n, KEY_name, &line, &column);
	return fail(e, EINVAL,
	            "%u:%u: name=\"%s\": the domain's directory is %s, and its name wins; drop the line or rename it",
	            line, column, said, name);
}

int config_read(struct domain *d, const char *text, size_t n, struct spec **ret, struct err *e)
{
	struct notes notes = { 0 };
	struct spec *spec = NULL;
	struct uuid uuid;
	bool root;
	char *name;
	int rc;

	domain_lock(d);
	name = x_strdup(d->name);
	uuid = d->uuid;
	root = d->owner == 0;
	domain_unlock(d);
	rc = spec_parse(text, n, &spec, &notes, e);
	log_notes(d, &notes);
	if (rc)
		goto out;
	if (strcmp(spec_str(spec, KEY_name, name), name) != 0) {
		rc = fail_name(text, n, spec_str(spec, KEY_name, name), name, e);
		goto out;
	}
	spec_uuid(spec, &uuid);
	rc = spec_check_reach(spec, root, e);
	if (!rc)
		rc = complete(&spec, name, &uuid, e);
	if (!rc && !d->model->scanning)
		rc = holders_check(d, spec, &uuid, e);
	if (!rc) {
		*ret = spec;
		spec = NULL;
	}
out:
	spec_unref(spec);
	notes_free(&notes);
	free(name);
	return rc;
}

void config_take(struct domain *d, const char *text, size_t n, struct spec *spec)
{
	struct spec *old;
	char *old_text;

	domain_lock(d);
	old = d->spec;
	old_text = d->config;
	d->spec = spec;
	d->config = x_strndup(text, n);
	d->config_len = n;
	d->config_hash = hash_text(text, n);
	d->rejected = false;
	spec_uuid(spec, &d->uuid);
	if (!domain_on(d)) {
		d->mem_target = d->mem_actual = spec_memory(spec);
		d->vcpus = spec_vcpus(spec);
	}
	domain_touch(d);
	if (!d->model->scanning)
		event_emit(d, "config", "config=%s", domain_pending(d) ? "pending" : "current");
	domain_unlock(d);
	spec_unref(old);
	free(old_text);
}

void config_reject(struct domain *d, const char *why)
{
	domain_lock(d);
	d->rejected = true;
	domain_touch(d);
	event_emit(d, "config", "config=rejected text=%s", why);
	domain_unlock(d);
	domain_log(d, "config rejected: %s", why);
}

bool domain_pending(const struct domain *d)
{
	return d->live && !spec_equal(d->live, d->spec);
}

static struct uuid uuid_of(struct domain *d)
{
	struct uuid u;

	domain_lock(d);
	u = d->uuid;
	domain_unlock(d);
	return u;
}

/* On disk first, then in force. The disk's lock is held. */
static int config_write(struct domain *d, const char *text, size_t len, struct spec *spec, struct err *e)
{
	char *name = domain_name(d);
	struct err meta = { 0 };
	struct uuid before = uuid_of(d), after;
	int rc = store_valid_save(d, text, len, e);

	test_point("config-valid");
	if (!rc)
		rc = folder_write(d->model, name, text, len, e);
	test_point("config-written");
	if (!rc) {
		config_take(d, text, len, spec_ref(spec));
		after = uuid_of(d);
		/* The text is in force, whatever becomes of this. */
		if (memcmp(&before, &after, sizeof(after)) != 0 && store_domain_save(d, &meta))
			log_error("%s: %s", name, meta.text);
	}
	free(name);
	return rc;
}

static int set_config(struct job *j, const char *text, size_t len, struct err *e)
{
	struct domain *d = j->domain;
	struct spec *spec = NULL;
	int rc;

	if (d->foreign)
		return fail(e, EPERM, "this domain was made by another tool, which keeps its configuration");
	if (d->gone || d->orphan)
		return fail(e, ENOENT,
		            "its file was removed from the configuration folder: the domain leaves when it is off");
	rc = config_read(d, text, len, &spec, e);
	if (rc && !j->dry)
		config_reject(d, e->text);
	if (!rc && !j->dry)
		rc = config_write(d, text, len, spec, e);
	spec_unref(spec);
	return rc;
}

int domain_set_config(struct job *j, const char *text, size_t len, struct err *e)
{
	struct lock *disk = &j->domain->model->disk;
	uid_t uid = j->caller->user.uid;
	bool his;
	int rc;

	domain_lock(j->domain);
	his = uid == 0 || uid == j->domain->owner;
	domain_unlock(j->domain);
	if (!his)
		return fail(e, EPERM,
		            "a configuration is written by its owner: the files in it are opened with his rights");
	lock_acquire(disk);
	rc = set_config(j, text, len, e);
	lock_release(disk);
	return rc;
}

int config_check_file(struct domain *d, struct err *e)
{
	bool differs;

	domain_lock(d);
	differs = d->config_hash != hash_text(d->config, d->config_len);
	domain_unlock(d);
	return differs ? fail(e, EINVAL, "%s: its file in the configuration folder was rejected; correct it first",
	                      d->name)
	               : 0;
}

int config_rewrite(struct job *j,
                   int (*edit)(const char *text, size_t n, const struct spec *spec, void *arg, struct buf *ret,
                               struct err *e),
                   void *arg, struct err *e)
{
	struct buf text = { 0 }, changed = { 0 };
	struct domain *d = j->domain;
	struct spec *spec;
	int rc;

	lock_acquire(&d->model->disk);
	domain_lock(d);
	buf_add(&text, d->config, d->config_len);
	spec = spec_ref(d->spec);
	domain_unlock(d);
	rc = config_check_file(d, e);
	if (!rc)
		rc = edit(text.p ? text.p : "", text.len, spec, arg, &changed, e);
	if (!rc)
		rc = set_config(j, changed.p ? changed.p : "", changed.len, e);
	lock_release(&d->model->disk);
	spec_unref(spec);
	buf_free(&text);
	buf_free(&changed);
	return rc;
}

struct assignment {
	enum key k;
	const char *value;
};

static int edit_value(const char *text, size_t n, const struct spec *spec, void *arg, struct buf *ret, struct err *e)
{
	const struct assignment *a = arg;

	(void)spec;
	return config_edit(text, n, a->k, a->value, ret, e);
}

int config_change(struct job *j, enum key k, const char *value, struct err *e)
{
	return config_rewrite(j, edit_value, &(struct assignment){ k, value }, e);
}

int config_set_memory(struct job *j, uint64_t mib, struct err *e)
{
	char value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)mib);
	return config_change(j, KEY_memory, value, e);
}
