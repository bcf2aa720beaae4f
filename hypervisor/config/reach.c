#include <errno.h>
#include <string.h>

#include "hypervisor/config/keys.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vfb_spec.h"

/* What a spec says that only root's domains may say. */

static int refuse(struct err *e, enum key k, const char *what)
{
	return fail(e, EPERM, "%s: %s is for domains of root", key_table[k].name, what);
}

static bool all_harmless(const struct value *v, const char *words, struct arena *a)
{
	switch (key_table[v->key].type) {
	case TYPE_BOOL:
		return !v->number && words_find(words, "0", a);
	case TYPE_STRING:
		return words_find(words, v->text, a);
	case TYPE_LIST:
		for (size_t i = 0; i < v->count; i++)
			if (!words_find(words, v->items[i], a))
				return false;
		return true;
	case TYPE_INT:
	case TYPE_CPUS:
	case TYPE_ACTION:
		break;
	}
	return false;
}

static int value_check(const struct value *v, struct arena *a, struct err *e)
{
	const char *harmless = key_rule(v->key)->harmless, *address;
	int display;

	if (key_table[v->key].reach != REACH_HOST)
		return 0;
	if (v->key == KEY_vnclisten) {
		if (listen_split(v->text, a, &address, &display, e) == 0 && listen_is_local(address))
			return 0;
		return refuse(e, v->key, "listening beyond loopback");
	}
	if (!harmless)
		return refuse(e, v->key, "this key");
	return all_harmless(v, harmless, a)
	               ? 0
	               : fail(e, EPERM, "%s: all but %s is for domains of root", key_table[v->key].name, harmless);
}

static int disks_check(const struct spec *s, struct err *e)
{
	size_t n;
	const struct disk *d = spec_disks(s, &n);

	for (size_t i = 0; i < n; i++) {
		if (d[i].script)
			return refuse(e, KEY_disk, "a script");
		if (d[i].backend)
			return refuse(e, KEY_disk, "a backend domain");
	}
	return 0;
}

static int vifs_check(const struct spec *s, struct err *e)
{
	size_t n;
	const struct vif *v = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++) {
		if (v[i].script)
			return refuse(e, KEY_vif, "a script");
		if (v[i].vifname)
			return refuse(e, KEY_vif, "a name for the host's interface (vifname)");
		if (v[i].backend)
			return refuse(e, KEY_vif, "a backend domain");
		if (v[i].gatewaydev)
			return refuse(e, KEY_vif, "an interface of the host (gatewaydev)");
	}
	return 0;
}

static int vfbs_check(const struct spec *s, struct arena *a, struct err *e)
{
	const char *const *items;
	size_t n = spec_list(s, KEY_vfb, &items), at;

	for (size_t i = 0; i < n; i++) {
		struct vfb v;
		int rc = vfb_spec_parse(items[i], a, &v, &at, e);

		if (rc < 0)
			return rc;
		if (v.d.sdl || v.d.opengl || v.host)
			return refuse(e, KEY_vfb, "the host's X display");
		if (!listen_is_local(v.d.listen))
			return refuse(e, KEY_vfb, "listening beyond loopback");
	}
	return 0;
}

int spec_check_reach(const struct spec *s, bool root, struct err *e)
{
	struct arena a = { 0 };
	int rc = 0;

	for (size_t i = 0; !root && rc == 0 && i < s->count; i++)
		rc = value_check(&s->values[i], &a, e);
	if (!root && rc == 0)
		rc = disks_check(s, e);
	if (!root && rc == 0)
		rc = vifs_check(s, e);
	if (!root && rc == 0)
		rc = vfbs_check(s, &a, e);
	arena_free(&a);
	return rc;
}
