#include "hypervisor/config/keys.h"

#include <string.h>
#include <strings.h>

#include "buf.h"

const struct key_info key_table[KEY_COUNT] = {
#define KEY(id, value_type, value_reach, text)                                                                         \
	[KEY_##id] = { .name = #id, .type = value_type, .reach = value_reach, .doc = text },
#include "keys.def"
#undef KEY
};

const char *const action_names[ACTION_COUNT] = {
	[ACTION_DESTROY] = "destroy",
	[ACTION_RESTART] = "restart",
	[ACTION_RENAME_RESTART] = "rename-restart",
	[ACTION_PRESERVE] = "preserve",
	[ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	[ACTION_COREDUMP_RESTART] = "coredump-restart",
	[ACTION_SOFT_RESET] = "soft-reset",
};

static const struct key_rule rules[KEY_COUNT] = {
	[KEY_name] = { .text = TEXT_SOME },
	[KEY_type] = { .words = "pv pvh hvm" },
	[KEY_builder] = { .words = "generic linux hvm" },
	[KEY_vcpus] = { .min = 1, .max = CPUS_MAX },
	[KEY_maxvcpus] = { .min = 1, .max = CPUS_MAX },
	[KEY_cpu_weight] = { .min = 1, .max = 65535 },
	[KEY_cap] = { .max = 100 * CPUS_MAX },
	[KEY_cpu_cap] = { .max = 100 * CPUS_MAX },
	[KEY_cpu] = { .max = CPUS_MAX - 1 },
	[KEY_memory] = { .min = 1, .max = UINT64_C(1) << 26 },
	[KEY_maxmem] = { .min = 1, .max = UINT64_C(1) << 26 },
	[KEY_vnuma] = { .list = LIST_NESTED },
	[KEY_kernel] = { .text = TEXT_KERNEL },
	[KEY_ramdisk] = { .text = TEXT_PATH },
	[KEY_firmware] = { .text = TEXT_SOME },
	[KEY_pvshim_path] = { .text = TEXT_PATH },
	[KEY_uuid] = { .text = TEXT_UUID },
	[KEY_max_grant_frames] = { .max = UINT32_MAX },
	[KEY_max_maptrack_frames] = { .max = UINT32_MAX },
	[KEY_max_grant_version] = { .min = 1, .max = 2 },
	[KEY_device_tree] = { .text = TEXT_PATH },
	[KEY_passthrough] = { .words = "disabled enabled sync_pt share_pt default", .harmless = "disabled default" },
	[KEY_vmtrace_buf_kb] = { .max = UINT32_MAX },
	[KEY_gfx_passthru] = { .words = "0 1 default igd", .harmless = "0" },
	[KEY_rdm_mem_boundary] = { .max = UINT32_MAX },
	[KEY_max_event_channels] = { .max = 131071 },
	[KEY_vsnd] = { .list = LIST_NESTED },
	[KEY_tee] = { .words = "none optee", .harmless = "none" },
	[KEY_bootloader_args] = { .list = LIST_SPLIT },
	[KEY_boot] = { .text = TEXT_BOOT },
	[KEY_hdtype] = { .words = "ide ahci" },
	[KEY_shadow_memory] = { .max = UINT32_MAX },
	[KEY_bios] = { .words = "seabios rombios ovmf" },
	[KEY_bios_path_override] = { .text = TEXT_PATH },
	[KEY_altp2m] = { .words = "disabled mixed external limited" },
	[KEY_cpuid] = { .list = LIST_ALONE },
	[KEY_acpi_firmware] = { .text = TEXT_PATH },
	[KEY_smbios_firmware] = { .text = TEXT_PATH },
	[KEY_ms_vm_genid] = { .words = "generate none" },
	[KEY_tsc_mode] = { .words = "default always_emulate native native_paravirt 0 1 2 3" },
	[KEY_rtc_timeoffset] = { .text = TEXT_NUMBER },
	[KEY_timer_mode] = { .words = "delay_for_missed_ticks no_delay_for_missed_ticks no_missed_ticks_pending "
	                              "one_missed_tick_pending 0 1 2 3" },
	[KEY_mmio_hole] = { .min = 256, .max = 3840 },
	[KEY_viridian] = { .list = LIST_ALONE },
	[KEY_videoram] = { .max = 65536 },
	[KEY_vga] = { .words = "none stdvga cirrus qxl" },
	[KEY_vnclisten] = { .text = TEXT_LISTEN },
	[KEY_vncdisplay] = { .max = 65535 - 5900 },
	[KEY_keymap] = { .text = TEXT_LANG },
	[KEY_sdl] = { .harmless = "0" },
	[KEY_opengl] = { .harmless = "0" },
	[KEY_spice] = { .harmless = "0" },
	[KEY_monitor] = { .harmless = "0" },
	[KEY_spiceport] = { .max = 65535 },
	[KEY_spicetls_port] = { .max = 65535 },
	[KEY_spiceusbredirection] = { .max = 4 },
	[KEY_spice_image_compression] = { .words = "auto_glz auto_lz quic glz lz off" },
	[KEY_spice_streaming_video] = { .words = "filter all off" },
	[KEY_serial] = { .list = LIST_ALONE, .harmless = "pty none null vc" },
	[KEY_soundhw] = { .text = TEXT_SOME },
	[KEY_usbversion] = { .max = 3 },
	[KEY_usbdevice] = { .list = LIST_ALONE, .harmless = "tablet mouse keyboard" },
	[KEY_vendor_device] = { .words = "none xenserver" },
	[KEY_device_model_version] = { .words = "qemu-xen qemu-xen-traditional", .harmless = "qemu-xen" },
	[KEY_device_model_override] = { .text = TEXT_PATH },
	[KEY_stubdomain_kernel] = { .text = TEXT_PATH },
	[KEY_stubdomain_ramdisk] = { .text = TEXT_PATH },
	[KEY_stubdomain_memory] = { .min = 1, .max = UINT32_MAX },
	[KEY_device_model] = { .text = TEXT_SOME },
	[KEY_gic_version] = { .words = "v2 v3 default" },
	[KEY_vuart] = { .words = "sbsa_uart" },
	[KEY_nics] = { .max = 16 },
	[KEY_cdrom] = { .text = TEXT_PATH },
	[KEY_fda] = { .text = TEXT_PATH },
	[KEY_fdb] = { .text = TEXT_PATH },
	[KEY_restart] = { .words = "onreboot always never" },
	[KEY_on_xend_start] = { .words = "ignore start" },
	[KEY_on_xend_stop] = { .words = "ignore shutdown suspend" },
	[KEY_access_control] = { .list = LIST_ALONE },
	[KEY_machine_address_size] = { .max = 64 },
};

const struct key_rule *key_rule(enum key k)
{
	return &rules[k];
}

int key_find(const char *name)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		if (key_table[k].name[0] == name[0] && !strcmp(key_table[k].name, name))
			return k;
	}
	return -1;
}

int key_find_any_case(const char *name)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		if (!strcasecmp(key_table[k].name, name))
			return k;
	}
	return -1;
}

static const char *key_name(size_t i, const void *ctx)
{
	(void)ctx;
	return key_table[i].name;
}

const char *key_nearest(const char *name)
{
	return nearest(name, KEY_COUNT, key_name, NULL);
}
