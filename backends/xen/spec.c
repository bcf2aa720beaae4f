#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backends/xen/spec.h"

/* ---- memory and processors ---- */

static void bitmap_new(libxl_bitmap *ret, unsigned bits)
{
	ret->size = (bits + 7) / 8;
	ret->map = x_alloc(ret->size);
}

/* *ret (overwritten) as a set of CPUS; libxl_bitmap_dispose() frees it. */
static void bitmap_of(libxl_bitmap *ret, const struct cpus *cpus)
{
	bitmap_new(ret, CPUS_MAX);
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		if (cpus_has(cpus, i))
			libxl_bitmap_set(ret, (int)i);
	}
}

/* cpus_soft=: one set is for all of them. */
static bool soft_affinity(const struct spec *s, unsigned vcpu, struct cpus *ret)
{
	const char *const *items;
	size_t n = spec_list(s, KEY_cpus_soft, &items);

	if (n == 1)
		vcpu = 0;
	return vcpu < n && parse_cpus(items[vcpu], ret, NULL) == 0;
}

/* The sets of the first VCPUs, as many as have one: that is how libxl counts them. */
static void set_affinity(const struct spec *s, bool (*of)(const struct spec *, unsigned, struct cpus *), int *n,
                         libxl_bitmap **ret)
{
	unsigned max = spec_maxvcpus(s);
	libxl_bitmap *maps = x_array(max, sizeof(*maps));
	struct cpus cpus;
	unsigned i = 0;

	while (i < max && of(s, i, &cpus))
		bitmap_of(&maps[i++], &cpus);
	*n = (int)i;
	*ret = i ? maps : NULL;
	if (!i)
		free(maps);
}

static void set_cpus(const struct spec *s, libxl_domain_build_info *b)
{
	/* No larger than need be: libxl copies all of it into a table of 16 bytes. */
	bitmap_new(&b->avail_vcpus, spec_vcpus(s));
	for (unsigned i = 0; i < spec_vcpus(s); i++)
		libxl_bitmap_set(&b->avail_vcpus, (int)i);
	b->max_vcpus = (int)spec_maxvcpus(s);
	set_affinity(s, spec_vcpu_affinity, &b->num_vcpu_hard_affinity, &b->vcpu_hard_affinity);
	set_affinity(s, soft_affinity, &b->num_vcpu_soft_affinity, &b->vcpu_soft_affinity);
	/* Who says where it runs does not want it placed. */
	if (b->num_vcpu_hard_affinity || b->num_vcpu_soft_affinity)
		libxl_defbool_set(&b->numa_placement, false);
	if (spec_cap(s))
		b->sched_params.cap = (int)spec_cap(s);
}

static int set_cpuid(const struct spec *s, libxl_domain_build_info *b, struct err *e)
{
	const char *const *items;
	size_t n = spec_list(s, KEY_cpuid, &items);

	for (size_t i = 0; i < n; i++) {
		char *text = x_strdup(items[i]), *rest = text, *part = strsep(&rest, ",");
		int rc = 0;

		if (strcmp(part, "host") != 0) /* xend's way: a leaf with its registers */
			rc = libxl_cpuid_parse_config_xend(&b->cpuid, items[i]);
		else
			while (!rc && (part = strsep(&rest, ",")) != NULL)
				rc = libxl_cpuid_parse_config(&b->cpuid, part);
		free(text);
		if (rc)
			return fail(e, EINVAL,
			            "cpuid: \"%s\" is neither 'host,NAME=VALUE...' nor 'LEAF:REGISTER=BITS...'",
			            items[i]);
	}
	return 0;
}

/* ---- what is booted ---- */

const char *xen_spec_kernel(const struct spec *s)
{
	bool loader = spec_str(s, KEY_bootloader, "")[0] && !spec_hvm(s);

	return spec_direct_kernel(s) && !loader ? spec_str(s, KEY_kernel, NULL) : NULL;
}

/* A program of the host finds the kernel in the domain's disk: then kernel= is a name in there. */
static int set_loader(const struct spec *s, libxl_domain_build_info *b, struct err *e)
{
	const char *args = spec_str(s, KEY_bootargs, "");

	if (!b->bootloader)
		return fail(e, EINVAL, "kernel: not said; a pv or pvh domain boots a kernel, or by a bootloader");
	b->kernel = x_strdup(spec_str(s, KEY_kernel, NULL));
	b->ramdisk = x_strdup(spec_str(s, KEY_ramdisk, NULL));
	if (args[0] && !b->bootloader_args) {
		b->bootloader_args = x_array(2, sizeof(char *));
		b->bootloader_args[0] = x_strdup(args);
	}
	return 0;
}

static int set_kernel(const struct spec *s, const struct xen_files *files, libxl_domain_build_info *b, struct err *e)
{
	struct buf line = { 0 };
	int rc = 0;

	if (xen_spec_kernel(s)) {
		if (!files->kernel)
			return fail(e, EINVAL, "kernel: it was not opened");
		b->kernel = x_strdup(files->kernel);
		b->ramdisk = x_strdup(files->ramdisk);
	} else if (!spec_hvm(s)) {
		rc = set_loader(s, b, e);
	}
	if (!rc && (b->kernel || b->bootloader) && spec_cmdline(s, &line))
		b->cmdline = buf_steal(&line);
	buf_free(&line);
	return rc;
}

/* ---- what only full machines have ---- */

static int set_viridian(const struct spec *s, libxl_domain_build_info *b, struct err *e)
{
	libxl_bitmap *on = &b->u.hvm.viridian_enable, *off = &b->u.hvm.viridian_disable;
	const char *const *items;
	size_t n = spec_list(s, KEY_viridian, &items);

	if (n == 0)
		return 0;
	if (n == 1 && (!strcmp(items[0], "0") || !strcmp(items[0], "1"))) {
		libxl_defbool_set(&b->u.hvm.viridian, items[0][0] == '1');
		return 0;
	}
	bitmap_new(on, LIBXL_BUILDINFO_HVM_VIRIDIAN_ENABLE_DISABLE_WIDTH);
	bitmap_new(off, LIBXL_BUILDINFO_HVM_VIRIDIAN_ENABLE_DISABLE_WIDTH);
	for (size_t i = 0; i < n; i++) {
		bool not = items[i][0] == '!';
		libxl_viridian_enlightenment group;

		if (!strcmp(items[i], "all")) {
			libxl_bitmap_set_any(on);
		} else if (!strcmp(items[i], "defaults")) {
			libxl_defbool_set(&b->u.hvm.viridian, true);
		} else if (libxl_viridian_enlightenment_from_string(items[i] + not, &group) == 0) {
			libxl_bitmap_set(not ? off : on, (int)group);
			libxl_bitmap_reset(not ? on : off, (int)group);
		} else {
			return fail(e, EINVAL, "viridian: \"%s\" is not a group of enlightenments", items[i]);
		}
	}
	return 0;
}

static int set_firmware(const struct spec *s, libxl_domain_build_info *b, struct err *e)
{
	const char *firmware = spec_str(s, KEY_firmware, "");
	int bios = LIBXL_BIOS_TYPE_UNKNOWN;

	if (firmware[0] == '/')
		b->u.hvm.firmware = x_strdup(firmware);
	else if (!strcmp(firmware, "uefi"))
		b->u.hvm.bios = LIBXL_BIOS_TYPE_OVMF;
	else if (xen_word(firmware, libxl_bios_type_string_table, &bios) == 0)
		b->u.hvm.bios = (libxl_bios_type)bios;
	else if (firmware[0] && strcmp(firmware, "bios") != 0)
		return fail(e, EINVAL, "firmware: \"%s\" is none of bios, uefi, seabios, rombios, ovmf and no path",
		            firmware);
	return 0;
}

static int set_hvm(const struct spec *s, const struct xen_files *files, libxl_domain_build_info *b, struct err *e)
{
	const struct display *d = spec_display(s);
	int rc = set_firmware(s, b, e);

	if (!rc)
		rc = set_viridian(s, b, e);
	if (!rc)
		rc = xen_spec_vnc(d, files->vnc, &b->u.hvm.vnc, e);
	if (rc)
		return rc;
	b->u.hvm.keymap = x_strdup(d->keymap);
	libxl_defbool_set(&b->u.hvm.sdl.enable, d->sdl);
	libxl_defbool_set(&b->u.hvm.sdl.opengl, d->opengl);
	if (!spec_has(s, KEY_vga) && spec_has(s, KEY_stdvga))
		b->u.hvm.vga.kind = spec_bool(s, KEY_stdvga, false) ? LIBXL_VGA_INTERFACE_TYPE_STD
		                                                    : LIBXL_VGA_INTERFACE_TYPE_CIRRUS;
	if (!spec_has(s, KEY_serial)) /* what the console of the domain is read from */
		b->u.hvm.serial = x_strdup("pty");
	if (spec_list(s, KEY_mca_caps, &(const char *const *){ NULL }))
		b->u.hvm.mca_caps = 1; /* lmce, the only one there is */
	if (!strcmp(spec_str(s, KEY_ms_vm_genid, ""), "generate") &&
	    getrandom(b->u.hvm.ms_vm_genid.bytes, sizeof(b->u.hvm.ms_vm_genid.bytes), 0) < 0)
		return fail(e, errno, "ms_vm_genid: no random bytes");
	return 0;
}

/* ---- all of it ---- */

static void set_names(const struct run *run, libxl_domain_create_info *c, libxl_domain_build_info *b)
{
	const char *label = spec_str(run->spec, KEY_seclabel, NULL),
		   *first = spec_str(run->spec, KEY_init_seclabel, NULL);

	c->name = x_strdup(run->name);
	memcpy(&c->uuid, run->uuid.b, sizeof(run->uuid.b));
	libxl_defbool_set(&c->run_hotplug_scripts, true);
	c->ssid_label = x_strdup(first ? first : label);
	if (first)
		b->exec_ssid_label = x_strdup(label);
}

int xen_config(const struct run *run, const struct xen_files *files, libxl_domain_config *ret, struct err *e)
{
	const struct spec *s = run->spec;
	libxl_domain_build_info *b = &ret->b_info;
	int rc;

	if (spec_memory(s) == 0)
		return fail(e, EINVAL, "memory: not said; add memory=256 to the configuration");
	ret->c_info.type = spec_hvm(s)   ? LIBXL_DOMAIN_TYPE_HVM
	                   : spec_pvh(s) ? LIBXL_DOMAIN_TYPE_PVH
	                                 : LIBXL_DOMAIN_TYPE_PV;
	libxl_domain_build_info_init_type(b, ret->c_info.type);
	set_names(run, &ret->c_info, b);
	b->target_memkb = spec_memory(s) * 1024;
	b->max_memkb = spec_maxmem(s) * 1024;
	libxl_defbool_set(&b->claim_mode, true);
	b->rtc_timeoffset = (uint32_t)strtol(spec_str(s, KEY_rtc_timeoffset, "0"), NULL, 0);
	set_cpus(s, b);
	ret->on_poweroff = ret->on_reboot = ret->on_watchdog = ret->on_crash = ret->on_soft_reset =
		LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	rc = xen_spec_rows(s, ret, e);
	if (!rc)
		rc = set_cpuid(s, b, e);
	if (!rc)
		rc = set_kernel(s, files, b, e);
	if (!rc && spec_hvm(s))
		rc = set_hvm(s, files, b, e);
	return rc ? rc : xen_spec_devices(run, files, ret, e);
}
