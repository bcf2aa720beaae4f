/* Whether a configuration can be carried out, as far as that can be said without opening anything. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/spec.h"

#define MACHINE_VCPUS 128 /* of the table that hvm and pvh guests read them from */

/* Keys whose texts libxl puts into QEMU's options as they are. */
static const struct key_words only[] = {
	{ KEY_soundhw, (const char *const[]){ "", "hda", "ac97", "es1370", "adlib", "cs4231a", "gus", "sb16", NULL },
	  "hda, ac97, es1370, adlib, cs4231a, gus and sb16 are known" },
	{ KEY_mca_caps, (const char *const[]){ "lmce", NULL }, "lmce is the only one" },
};

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
	int rc = spec_check_uses(s, xen_keys, only, COUNT(only), e);

	if (!rc)
		rc = check_machine(s, e);
	return rc ? rc : check_config(s, e);
}
