/* Whether a configuration can be carried out, as far as that can be said without opening anything. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/spec.h"

#define MACHINE_VCPUS 128 /* of the table that hvm and pvh guests read them from */

static bool one_of(const char *s, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(s, *words) == 0)
			return true;
	}
	return false;
}

/* Whether the value asks for anything: pci=[] and gfx_passthru="0" are in many configurations and ask for nothing. */
static bool asks(const struct spec *s, enum key k)
{
	static const char *const nothing[] = { "", "0", "none", "default", NULL };
	const char *const *list;

	switch (key_table[k].type) {
	case TYPE_BOOL:
		return spec_bool(s, k, false);
	case TYPE_INT:
		return spec_int(s, k, 0) != 0;
	case TYPE_LIST:
		return spec_list(s, k, &list) > 0 && !one_of(spec_str(s, k, "?"), nothing);
	case TYPE_STRING:
		return !one_of(spec_str(s, k, ""), nothing);
	default:
		return true;
	}
}

static int check_rows(const struct spec *s, struct err *e)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		if (xen_keys[k].means == KEY_REFUSED && spec_has(s, (enum key)k) && asks(s, (enum key)k))
			return fail(e, EOPNOTSUPP, "%s: %s", key_table[k].name, xen_keys[k].why);
	}
	return 0;
}

/* Keys whose texts libxl puts into QEMU's options as they are. */
static const struct {
	enum key key;
	const char *const *words;
	const char *why;
} word_rules[] = {
	{ KEY_soundhw, (const char *const[]){ "", "hda", "ac97", "es1370", "adlib", "cs4231a", "gus", "sb16", NULL },
	  "hda, ac97, es1370, adlib, cs4231a, gus and sb16 are known" },
	{ KEY_mca_caps, (const char *const[]){ "lmce", NULL }, "lmce is the only one" },
};

static int check_words(const struct spec *s, struct err *e)
{
	for (size_t i = 0; i < COUNT(word_rules); i++) {
		enum key k = word_rules[i].key;
		const char *const *list = (const char *const[]){ spec_str(s, k, "") };
		size_t n = key_table[k].type == TYPE_LIST ? spec_list(s, k, &list) : 1;

		for (size_t j = 0; j < n; j++) {
			if (spec_has(s, k) && !one_of(list[j], word_rules[i].words))
				return fail(e, EOPNOTSUPP, "%s: %s", key_table[k].name, word_rules[i].why);
		}
	}
	return 0;
}

static int check_actions(const struct spec *s, struct err *e)
{
	static const enum key keys[] = { KEY_on_poweroff, KEY_on_reboot, KEY_on_crash };

	for (size_t i = 0; i < COUNT(keys); i++) {
		enum action a = spec_action(s, keys[i], ACTION_DESTROY);

		if (a != ACTION_DESTROY && a != ACTION_RESTART && a != ACTION_PRESERVE)
			return fail(e, EOPNOTSUPP, "%s: %s cannot be done here; destroy, restart and preserve can",
			            key_table[keys[i]].name, action_names[a]);
	}
	return 0;
}

static int check_machine(const struct spec *s, struct err *e)
{
	bool machine = spec_hvm(s) || spec_pvh(s);
	const char *firmware = spec_str(s, KEY_firmware, "");

	if (machine && spec_maxvcpus(s) > MACHINE_VCPUS)
		return fail(e, EOPNOTSUPP, "%s: at most %d", spec_has(s, KEY_maxvcpus) ? "maxvcpus" : "vcpus",
		            MACHINE_VCPUS);
	if (firmware[0] && !spec_hvm(s))
		return fail(e, EOPNOTSUPP,
		            "firmware: a pv or pvh domain boots what kernel says; name the firmware's file there");
	if (spec_has(s, KEY_timer_mode) && !machine)
		return fail(e, EINVAL, "timer_mode: a pv domain has no such timers");
	return 0;
}

/* Everything that xen_config() says, with files that nobody opened. */
static int check_config(const struct spec *s, struct err *e)
{
	struct run run = { .name = "check", .spec = s };
	struct xen_files files = { .kernel = "/dev/null", .vnc = "/dev/null" };
	libxl_domain_config config;
	size_t n;
	const char **paths;
	int rc;

	spec_disks(s, &n);
	paths = x_array(n, sizeof(*paths));
	for (size_t i = 0; i < n; i++)
		paths[i] = "/dev/null";
	files.disks = paths;
	libxl_domain_config_init(&config);
	rc = xen_config(&run, &files, &config, e);
	libxl_domain_config_dispose(&config);
	free(paths);
	return rc;
}

int xen_check(const struct spec *s, struct err *e)
{
	int rc = check_rows(s, e);

	if (!rc)
		rc = check_words(s, e);
	if (!rc)
		rc = check_actions(s, e);
	if (!rc)
		rc = check_machine(s, e);
	return rc ? rc : check_config(s, e);
}
