#include <errno.h>
#include <string.h>
#include <strings.h>

#include "backends/xen/spec.h"

/* Which types of domain a row is for. */
enum { PV = 1, PVH = 2, HVM = 4, ALL = PV | PVH | HVM };

enum member {
	BOOLEAN,
	TEXT,
	NUMBER /* 32 bits */,
	KIB /* 64 bits, said in MiB */,
	WORDS /* a list */,
	WORD /* an enum */
};

/* A key that is one member of libxl's structs, as it is. */
struct row {
	enum key key;
	int types;
	enum member member;
	size_t at;
	const libxl_enum_string_table *words; /* WORD */
};

#define AT(member) offsetof(libxl_domain_config, member)

static const libxl_enum_string_table device_models[] = {
	{ "qemu-xen", LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN },
	{ "qemu-xen-traditional", LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN_TRADITIONAL },
	{ NULL, -1 },
};

static const libxl_enum_string_table vga_kinds[] = {
	{ "stdvga", LIBXL_VGA_INTERFACE_TYPE_STD },
	{ "cirrus", LIBXL_VGA_INTERFACE_TYPE_CIRRUS },
	{ "none", LIBXL_VGA_INTERFACE_TYPE_NONE },
	{ "qxl", LIBXL_VGA_INTERFACE_TYPE_QXL },
	{ NULL, -1 },
};

static const struct row rows[] = {
	{ KEY_pool, ALL, TEXT, AT(c_info.pool_name), NULL },
	{ KEY_hap, PVH | HVM, BOOLEAN, AT(c_info.hap), NULL },
	{ KEY_oos, PVH | HVM, BOOLEAN, AT(c_info.oos), NULL },
	{ KEY_driver_domain, ALL, BOOLEAN, AT(c_info.driver_domain), NULL },
	{ KEY_passthrough, ALL, WORD, AT(c_info.passthrough), libxl_passthrough_string_table },
	{ KEY_xend_suspend_evtchn_compat, ALL, BOOLEAN, AT(c_info.xend_suspend_evtchn_compat), NULL },
	{ KEY_cpu_weight, ALL, NUMBER, AT(b_info.sched_params.weight), NULL },
	{ KEY_max_grant_frames, ALL, NUMBER, AT(b_info.max_grant_frames), NULL },
	{ KEY_max_maptrack_frames, ALL, NUMBER, AT(b_info.max_maptrack_frames), NULL },
	{ KEY_max_grant_version, ALL, NUMBER, AT(b_info.max_grant_version), NULL },
	{ KEY_nomigrate, ALL, BOOLEAN, AT(b_info.disable_migrate), NULL },
	{ KEY_vmtrace_buf_kb, ALL, NUMBER, AT(b_info.vmtrace_buf_kb), NULL },
	{ KEY_vpmu, ALL, BOOLEAN, AT(b_info.vpmu), NULL },
	{ KEY_max_event_channels, ALL, NUMBER, AT(b_info.event_channels), NULL },
	{ KEY_bootloader, PV | PVH, TEXT, AT(b_info.bootloader), NULL },
	{ KEY_bootloader_args, PV | PVH, WORDS, AT(b_info.bootloader_args), NULL },
	{ KEY_e820_host, PV, BOOLEAN, AT(b_info.u.pv.e820_host), NULL },
	{ KEY_pvshim, PVH, BOOLEAN, AT(b_info.u.pvh.pvshim), NULL },
	{ KEY_pvshim_path, PVH, TEXT, AT(b_info.u.pvh.pvshim_path), NULL },
	{ KEY_pvshim_cmdline, PVH, TEXT, AT(b_info.u.pvh.pvshim_cmdline), NULL },
	{ KEY_pvshim_extra, PVH, TEXT, AT(b_info.u.pvh.pvshim_extra), NULL },
	{ KEY_shadow_memory, PVH | HVM, KIB, AT(b_info.shadow_memkb), NULL },
	{ KEY_tsc_mode, ALL, WORD, AT(b_info.tsc_mode), libxl_tsc_mode_string_table },
	{ KEY_localtime, ALL, BOOLEAN, AT(b_info.localtime), NULL },
	{ KEY_timer_mode, PVH | HVM, WORD, AT(b_info.timer_mode), libxl_timer_mode_string_table },
	{ KEY_acpi, PVH | HVM, BOOLEAN, AT(b_info.acpi), NULL },
	{ KEY_apic, PVH | HVM, BOOLEAN, AT(b_info.apic), NULL },
	{ KEY_nestedhvm, PVH | HVM, BOOLEAN, AT(b_info.nested_hvm), NULL },
	{ KEY_altp2m, PVH | HVM, WORD, AT(b_info.altp2m), libxl_altp2m_mode_string_table },
	{ KEY_msr_relaxed, ALL, BOOLEAN, AT(b_info.arch_x86.msr_relaxed), NULL },
	{ KEY_dm_restrict, HVM, BOOLEAN, AT(b_info.dm_restrict), NULL },
	{ KEY_device_model_user, ALL, TEXT, AT(b_info.device_model_user), NULL },
	{ KEY_device_model_version, ALL, WORD, AT(b_info.device_model_version), device_models },
	{ KEY_device_model_override, ALL, TEXT, AT(b_info.device_model), NULL },
	{ KEY_device_model_stubdomain_override, HVM, BOOLEAN, AT(b_info.device_model_stubdomain), NULL },
	{ KEY_device_model_stubdomain_seclabel, HVM, TEXT, AT(b_info.device_model_ssid_label), NULL },
	{ KEY_stubdomain_kernel, HVM, TEXT, AT(b_info.stubdomain_kernel), NULL },
	{ KEY_stubdomain_cmdline, HVM, TEXT, AT(b_info.stubdomain_cmdline), NULL },
	{ KEY_stubdomain_ramdisk, HVM, TEXT, AT(b_info.stubdomain_ramdisk), NULL },
	{ KEY_stubdomain_memory, HVM, KIB, AT(b_info.stubdomain_memkb), NULL },
	{ KEY_device_model_args, ALL, WORDS, AT(b_info.extra), NULL },
	{ KEY_device_model_args_pv, ALL, WORDS, AT(b_info.extra_pv), NULL },
	{ KEY_device_model_args_hvm, ALL, WORDS, AT(b_info.extra_hvm), NULL },
	{ KEY_boot, HVM, TEXT, AT(b_info.u.hvm.boot), NULL },
	{ KEY_hdtype, HVM, WORD, AT(b_info.u.hvm.hdtype), libxl_hdtype_string_table },
	{ KEY_bios, HVM, WORD, AT(b_info.u.hvm.bios), libxl_bios_type_string_table },
	{ KEY_bios_path_override, HVM, TEXT, AT(b_info.u.hvm.system_firmware), NULL },
	{ KEY_pae, HVM, BOOLEAN, AT(b_info.u.hvm.pae), NULL },
	{ KEY_acpi_s3, HVM, BOOLEAN, AT(b_info.u.hvm.acpi_s3), NULL },
	{ KEY_acpi_s4, HVM, BOOLEAN, AT(b_info.u.hvm.acpi_s4), NULL },
	{ KEY_acpi_laptop_slate, HVM, BOOLEAN, AT(b_info.u.hvm.acpi_laptop_slate), NULL },
	{ KEY_nx, HVM, BOOLEAN, AT(b_info.u.hvm.nx), NULL },
	{ KEY_hpet, HVM, BOOLEAN, AT(b_info.u.hvm.hpet), NULL },
	{ KEY_altp2mhvm, HVM, BOOLEAN, AT(b_info.u.hvm.altp2m), NULL },
	{ KEY_acpi_firmware, HVM, TEXT, AT(b_info.u.hvm.acpi_firmware), NULL },
	{ KEY_smbios_firmware, HVM, TEXT, AT(b_info.u.hvm.smbios_firmware), NULL },
	{ KEY_vpt_align, HVM, BOOLEAN, AT(b_info.u.hvm.vpt_align), NULL },
	{ KEY_mmio_hole, HVM, KIB, AT(b_info.u.hvm.mmio_hole_memkb), NULL },
	{ KEY_xen_platform_pci, HVM, BOOLEAN, AT(b_info.u.hvm.xen_platform_pci), NULL },
	{ KEY_vendor_device, HVM, WORD, AT(b_info.u.hvm.vendor_device), libxl_vendor_device_string_table },
	{ KEY_videoram, HVM, KIB, AT(b_info.video_memkb), NULL },
	{ KEY_vga, HVM, WORD, AT(b_info.u.hvm.vga.kind), vga_kinds },
	{ KEY_nographic, HVM, BOOLEAN, AT(b_info.u.hvm.nographic), NULL },
	{ KEY_spice, HVM, BOOLEAN, AT(b_info.u.hvm.spice.enable), NULL },
	{ KEY_spicehost, HVM, TEXT, AT(b_info.u.hvm.spice.host), NULL },
	{ KEY_spiceport, HVM, NUMBER, AT(b_info.u.hvm.spice.port), NULL },
	{ KEY_spicetls_port, HVM, NUMBER, AT(b_info.u.hvm.spice.tls_port), NULL },
	{ KEY_spicedisable_ticketing, HVM, BOOLEAN, AT(b_info.u.hvm.spice.disable_ticketing), NULL },
	{ KEY_spicepasswd, HVM, TEXT, AT(b_info.u.hvm.spice.passwd), NULL },
	{ KEY_spiceagent_mouse, HVM, BOOLEAN, AT(b_info.u.hvm.spice.agent_mouse), NULL },
	{ KEY_spicevdagent, HVM, BOOLEAN, AT(b_info.u.hvm.spice.vdagent), NULL },
	{ KEY_spice_clipboard_sharing, HVM, BOOLEAN, AT(b_info.u.hvm.spice.clipboard_sharing), NULL },
	{ KEY_spiceusbredirection, HVM, NUMBER, AT(b_info.u.hvm.spice.usbredirection), NULL },
	{ KEY_spice_image_compression, HVM, TEXT, AT(b_info.u.hvm.spice.image_compression), NULL },
	{ KEY_spice_streaming_video, HVM, TEXT, AT(b_info.u.hvm.spice.streaming_video), NULL },
	{ KEY_display, HVM, TEXT, AT(b_info.u.hvm.sdl.display), NULL },
	{ KEY_xauthority, HVM, TEXT, AT(b_info.u.hvm.sdl.xauthority), NULL },
	{ KEY_serial, HVM, WORDS, AT(b_info.u.hvm.serial_list), NULL },
	{ KEY_soundhw, HVM, TEXT, AT(b_info.u.hvm.soundhw), NULL },
	{ KEY_vkb_device, HVM, BOOLEAN, AT(b_info.u.hvm.vkb_device), NULL },
	{ KEY_usb, HVM, BOOLEAN, AT(b_info.u.hvm.usb), NULL },
	{ KEY_usbversion, HVM, NUMBER, AT(b_info.u.hvm.usbversion), NULL },
	{ KEY_usbdevice, HVM, WORDS, AT(b_info.u.hvm.usbdevice_list), NULL },
};

static int type_bit(const struct spec *s)
{
	return spec_hvm(s) ? HVM : spec_pvh(s) ? PVH : PV;
}

/* NULL for an empty list: libxl takes the mere presence of some lists for a wish. */
static libxl_string_list string_list(const struct spec *s, enum key k)
{
	const char *const *items;
	size_t n = spec_list(s, k, &items);
	char **list = n ? x_array(n + 1, sizeof(*list)) : NULL;

	for (size_t i = 0; i < n; i++)
		list[i] = x_strdup(items[i]);
	return list;
}

int xen_word(const char *text, const libxl_enum_string_table *words, int *ret)
{
	uint64_t number = UINT64_MAX;

	parse_u64(text, INT32_MAX, &number, NULL);
	for (; words->s; words++) {
		if (strcasecmp(words->s, text) != 0 && (words->v < 0 || (uint64_t)words->v != number))
			continue;
		*ret = words->v;
		return 0;
	}
	return -EINVAL;
}

static int set_row(const struct spec *s, const struct row *r, void *at, struct err *e)
{
	const char *text = spec_str(s, r->key, NULL);

	switch (r->member) {
	case BOOLEAN:
		libxl_defbool_set(at, spec_bool(s, r->key, false));
		return 0;
	case TEXT:
		if (text && text[0])
			*(char **)at = x_strdup(text);
		return 0;
	case NUMBER:
		*(uint32_t *)at = (uint32_t)spec_int(s, r->key, 0);
		return 0;
	case KIB:
		*(uint64_t *)at = spec_int(s, r->key, 0) * 1024;
		return 0;
	case WORDS:
		*(libxl_string_list *)at = string_list(s, r->key);
		return 0;
	case WORD:
		if (text && text[0] && xen_word(text, r->words, at) < 0)
			return fail(e, EOPNOTSUPP, "%s: \"%s\" is not known to libxl", key_table[r->key].name, text);
		return 0;
	}
	return 0;
}

int xen_spec_rows(const struct spec *s, libxl_domain_config *c, struct err *e)
{
	int type = type_bit(s), rc = 0;

	for (size_t i = 0; i < COUNT(rows) && !rc; i++) {
		if (spec_has(s, rows[i].key) && rows[i].types & type)
			rc = set_row(s, &rows[i], (char *)c + rows[i].at, e);
	}
	return rc;
}
