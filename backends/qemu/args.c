/*
 * A configuration as QEMU's argument vector. Nothing is opened or asked here: what comes out depends on what goes in.
 *
 * The machine is always pc-i440fx, for pv and for hvm: its IDE controller is one that every kernel and firmware
 * drives (the AHCI of q35 is missing from the kernels that distributions make for clouds), and devices are plugged
 * straight into its bus. The type is a versioned one, so that a guest sees the same machine after QEMU was upgraded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/qemu/qemu.h"

/* QEMU's own default for translated code is a part of the guest's memory that no plan for the host's counts with. */
#define TCG_CACHE_MIB 64

void args_add(struct args *a, const char *option, char *value)
{
	a->v = x_grow(a->v, a->n + 3, sizeof(*a->v));
	a->v[a->n++] = x_strdup(option);
	if (value)
		a->v[a->n++] = value;
	a->v[a->n] = NULL;
}

int args_json(struct args *a, const char *option, json_t *o, struct err *e)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	if (!text)
		return fail(e, EINVAL, "%s: a value is not UTF-8", option);
	args_add(a, option, x_strdup(text));
	free(text);
	return 0;
}

void args_free(char **argv)
{
	for (char **p = argv; p && *p; p++)
		free(*p);
	free(argv);
}

void args_disk_id(char out[40], const struct disk *d)
{
	snprintf(out, 40, "disk-%s", d->vdev);
}

void args_nic_id(char out[40], unsigned vif)
{
	snprintf(out, 40, "nic%u", vif);
}

const char *args_kernel(const struct spec *s)
{
	return spec_direct_kernel(s) ? spec_str(s, KEY_kernel, NULL) : NULL;
}

bool args_vnc(const struct spec *s)
{
	return spec_display(s)->vnc && !spec_bool(s, KEY_nographic, false);
}

static const char *on(const struct spec *s, enum key k)
{
	return spec_bool(s, k, true) ? "on" : "off";
}

/*
 * Emulated, a processor that stays the same from one QEMU to the next and is the least that distributions ask for today
 * (x86-64-v2). "max" is no faster, and in 7.2 with svm=off the guest's programs crash.
 */
static char *processor(const struct args_in *in)
{
	const char *model = in->record->kvm ? "host" : "Nehalem";
	const char *nx = spec_bool(in->spec, KEY_nx, true) ? "" : ",nx=off";

	if (!spec_bool(in->spec, KEY_nestedhvm, false))
		return x_printf("%s,vmx=off,svm=off%s", model, nx);
	return x_printf("%s%s%s", model, in->record->kvm ? "" : ",svm=on", nx);
}

static void add_machine(struct args *a, const struct args_in *in)
{
	const struct spec *s = in->spec;

	args_add(a, "-name", x_printf("guest=%s,debug-threads=on", in->record->name));
	args_add(a, "-M",
	         x_printf("%s,usb=off,dump-guest-core=off,acpi=%s,hpet=%s", in->record->machine, on(s, KEY_acpi),
	                  on(s, KEY_hpet)));
	args_add(a, "-accel",
	         in->record->kvm ? x_strdup("kvm") : x_printf("tcg,thread=multi,tb-size=%d", TCG_CACHE_MIB));
	args_add(a, "-cpu", processor(in));
	if (spec_bool(s, KEY_acpi, true) && !spec_bool(s, KEY_acpi_s3, true))
		args_add(a, "-global", x_strdup("PIIX4_PM.disable_s3=1"));
	if (spec_bool(s, KEY_acpi, true) && !spec_bool(s, KEY_acpi_s4, true))
		args_add(a, "-global", x_strdup("PIIX4_PM.disable_s4=1"));
	args_add(a, "-m", x_printf("%lluM", (unsigned long long)spec_memory(s)));
	args_add(a, "-smp",
	         x_printf("%u,maxcpus=%u,sockets=%u,cores=1,threads=1", spec_vcpus(s), spec_maxvcpus(s),
	                  spec_maxvcpus(s)));
}

static void add_process(struct args *a, const struct args_in *in)
{
	char uuid[UUID_TEXT];
	/* A guest that restarts does so in place; every other end is held until its policy has been looked up. */
	bool restarts = spec_action(in->spec, KEY_on_reboot, ACTION_RESTART) == ACTION_RESTART;

	args_add(a, "-uuid", x_strdup(uuid_format(uuid, &in->record->uuid)));
	args_add(a, "-nodefaults", NULL);
	args_add(a, "-no-user-config", NULL);
	args_add(a, "-display", x_strdup("none"));
	args_add(a, "-S", NULL);
	args_add(a, "-rtc", x_printf("base=%s", spec_bool(in->spec, KEY_localtime, false) ? "localtime" : "utc"));
	args_add(a, "-sandbox", x_strdup("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"));
	args_add(a, "-action", x_printf("reboot=%s,shutdown=pause,panic=pause", restarts ? "reset" : "shutdown"));
}

static void add_channels(struct args *a, const struct args_in *in)
{
	args_add(a, "-chardev", x_printf("socket,id=mon,fd=%d,server=on,wait=off", in->qmp_fd));
	args_add(a, "-mon", x_strdup("chardev=mon,mode=control"));
	args_add(a, "-chardev", x_printf("pipe,id=ev,path=%s/ev", in->dir));
	args_add(a, "-mon", x_strdup("chardev=ev,mode=control"));
	args_add(a, "-chardev", x_printf("pipe,id=ser0,path=%s/ser", in->dir));
	args_add(a, "-serial", x_strdup("chardev:ser0"));
}

static void add_kernel(struct args *a, const struct args_in *in)
{
	struct buf line = { 0 };

	if (in->kernel_fd < 0) {
		args_add(a, "-boot", x_strdup("strict=on"));
		return;
	}
	args_add(a, "-kernel", x_printf("/proc/self/fd/%d", in->kernel_fd));
	if (in->ramdisk_fd >= 0)
		args_add(a, "-initrd", x_printf("/proc/self/fd/%d", in->ramdisk_fd));
	spec_cmdline(in->spec, &line);
	args_add(a, "-append", buf_steal(&line));
}

static int add_vnc(struct args *a, const struct args_in *in, struct err *e)
{
	const struct display *d = spec_display(in->spec);
	const char *listen = d->listen && d->listen[0] ? d->listen : "127.0.0.1";
	const char *map = d->keymap;
	struct in6_addr addr;
	bool six;

	/* QEMU opens a keyboard map by its name as a file. */
	if (map && map[0]) {
		if (strlen(map) > 8 || map[strspn(map, "abcdefghijklmnopqrstuvwxyz-")])
			return fail(e, EINVAL, "keymap %s: a language such as de or en-us is wanted", map);
		args_add(a, "-k", x_strdup(map));
	}
	if (!args_vnc(in->spec))
		return 0;
	six = inet_pton(AF_INET6, listen, &addr) == 1;
	if (!six && inet_pton(AF_INET, listen, &addr) != 1)
		return fail(e, EINVAL, "vnclisten %s: an address in numbers is wanted", listen);
	if (d->number > 65535 - 5900)
		return fail(e, EINVAL, "vncdisplay %d: too large", d->number);
	/* With password=on nobody gets in until a password is set, which never stands in an argument vector. */
	if (d->number >= 0)
		args_add(a, "-vnc", x_printf(six ? "[%s]:%d,password=on" : "%s:%d,password=on", listen, d->number));
	else
		args_add(a, "-vnc", x_printf(six ? "[%s]:0,to=999,password=on" : "%s:0,to=999,password=on", listen));
	return 0;
}

static int check_in(const struct args_in *in, struct err *e)
{
	/* Both go into option texts, where a comma would begin another option. */
	if (strchr(in->record->name, ',') || !in->record->name[0])
		return fail(e, EINVAL, "name %s: not one that QEMU can take", in->record->name);
	if (in->dir[0] != '/' || strchr(in->dir, ','))
		return fail(e, EINVAL, "%s: the run directory must be absolute and without a comma", in->dir);
	if (in->qmp_fd < 0)
		return fail(e, EINVAL, "no socket for QEMU's monitor");
	if (spec_memory(in->spec) == 0)
		return fail(e, EINVAL, "memory: not said; add memory=256 to the configuration");
	if (args_kernel(in->spec) && in->kernel_fd < 0)
		return fail(e, EINVAL, "kernel: it was not opened");
	return 0;
}

int args_build(const char *qemu, const struct args_in *in, char ***ret, struct err *e)
{
	struct args a = { 0 };
	int rc = check_in(in, e);

	if (rc)
		return rc;
	args_add(&a, qemu, NULL);
	add_machine(&a, in);
	add_process(&a, in);
	add_channels(&a, in);
	add_kernel(&a, in);
	rc = args_devices(&a, in, e);
	if (!rc)
		rc = add_vnc(&a, in, e);
	if (rc) {
		args_free(a.v);
		return rc;
	}
	*ret = a.v;
	return 0;
}
