#include <string.h>

#include "hypervisor/config/keys.h"
#include "hypervisor/config/spec_parts.h"

/* What follows from the keys, with xl's defaults. */

bool spec_hvm(const struct spec *s)
{
	return !strcmp(spec_str(s, KEY_type, spec_str(s, KEY_builder, "pv")), "hvm");
}

bool spec_pvh(const struct spec *s)
{
	return !strcmp(spec_str(s, KEY_type, "pv"), "pvh");
}

uint64_t spec_memory(const struct spec *s)
{
	return spec_int(s, KEY_memory, 0);
}

uint64_t spec_maxmem(const struct spec *s)
{
	uint64_t memory = spec_memory(s), most = spec_int(s, KEY_maxmem, memory);

	return most < memory ? memory : most;
}

unsigned spec_vcpus(const struct spec *s)
{
	return (unsigned)spec_int(s, KEY_vcpus, 1);
}

unsigned spec_maxvcpus(const struct spec *s)
{
	unsigned n = spec_vcpus(s), most = (unsigned)spec_int(s, KEY_maxvcpus, n);

	return most < n ? n : most;
}

bool spec_uuid(const struct spec *s, struct uuid *ret)
{
	const char *text = spec_str(s, KEY_uuid, NULL);

	return text && parse_uuid(text, ret, NULL) == 0;
}

bool spec_vcpu_affinity(const struct spec *s, unsigned vcpu, struct cpus *ret)
{
	const struct value *v = spec_value(s, KEY_cpus);

	if (v)
		return (v->alone || vcpu < v->count) && parse_cpus(v->items[v->alone ? 0 : vcpu], ret, NULL) == 0;
	if (!spec_has(s, KEY_cpu))
		return false;
	memset(ret, 0, sizeof(*ret));
	cpus_add(ret, (unsigned)spec_int(s, KEY_cpu, 0));
	return true;
}

uint64_t spec_cap(const struct spec *s)
{
	return spec_int(s, KEY_cap, spec_int(s, KEY_cpu_cap, 0));
}

bool spec_direct_kernel(const struct spec *s)
{
	const char *kernel = spec_str(s, KEY_kernel, NULL), *slash;

	if (!kernel)
		return false;
	slash = strrchr(kernel, '/');
	return !spec_hvm(s) || strcmp(slash ? slash + 1 : kernel, "hvmloader") != 0;
}

/* xm's keys for a kernel that configures its network itself. */
static void add_ip(const struct spec *s, struct buf *b)
{
	const char *dhcp = spec_str(s, KEY_dhcp, "off");

	if (!spec_has(s, KEY_ip) && !strcmp(dhcp, "off"))
		return;
	buf_printf(b, " ip=%s:%s:%s:%s:%s:%s:%s", spec_str(s, KEY_ip, ""), spec_str(s, KEY_nfs_server, "127.0.255.255"),
	           spec_str(s, KEY_gateway, ""), spec_str(s, KEY_netmask, ""), spec_str(s, KEY_hostname, ""),
	           spec_str(s, KEY_interface, "eth0"), dhcp);
}

bool spec_cmdline(const struct spec *s, struct buf *b)
{
	const char *text = spec_str(s, KEY_cmdline, NULL);
	struct buf line = { 0 };
	bool any;

	if (text) {
		buf_puts(b, text);
		return true;
	}
	add_ip(s, &line);
	if (spec_has(s, KEY_root))
		buf_printf(&line, " root=%s", spec_str(s, KEY_root, ""));
	if (spec_has(s, KEY_nfs_root))
		buf_printf(&line, " nfsroot=%s:%s", spec_str(s, KEY_nfs_server, ""), spec_str(s, KEY_nfs_root, ""));
	if (spec_has(s, KEY_extra))
		buf_printf(&line, " %s", spec_str(s, KEY_extra, ""));
	any = line.len > 0;
	if (any)
		buf_add(b, line.p + 1, line.len - 1);
	buf_free(&line);
	return any;
}
