#include "hypervisor/config/vif_spec.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "hypervisor/config/lexer.h"
#include "hypervisor/config/parts.h"

#define RATE_WINDOW 50000 /* microseconds, when a rate says none */
#define RATE_MAX (UINT64_C(1) << 50)
#define DEVID_MAX 65535

/* Digits at *p, at most MAX. With a 0 before them they would be octal to xl, and decimal to whoever wrote them. */
static bool digits(const char **p, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	const char *s = *p;

	if (s[0] == '0' && s[1] >= '0' && s[1] <= '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	if (s == *p)
		return false;
	*p = s;
	*ret = v;
	return true;
}

static bool window_parse(const char *p, unsigned *usec)
{
	static const struct {
		const char *suffix;
		unsigned usec;
	} units[] = { { "us", 1 }, { "u", 1 }, { "ms", 1000 }, { "m", 1000 }, { "s", 1000000 }, { "", 1000000 } };
	uint64_t v;

	if (!digits(&p, UINT32_MAX, &v))
		return false;
	for (size_t i = 0; i < COUNT(units); i++) {
		if (strcmp(p, units[i].suffix) != 0)
			continue;
		v *= units[i].usec;
		if (v == 0 || v > UINT32_MAX)
			return false;
		*usec = (unsigned)v;
		return true;
	}
	return false;
}

int rate_parse(const char *text, uint64_t *bytes, unsigned *usec, struct err *e)
{
	static const char units[] = "KMG";
	const char *p = text, *unit;
	unsigned window = RATE_WINDOW;
	uint64_t v;

	if (!digits(&p, RATE_MAX, &v))
		goto wrong;
	unit = *p ? strchr(units, *p) : NULL;
	for (const char *u = units; unit && u <= unit; u++) {
		v *= 1000;
		if (v > RATE_MAX)
			goto wrong;
	}
	p += unit != NULL;
	if (*p == 'b')
		v /= 8;
	else if (*p != 'B')
		goto wrong;
	if (strncmp(p + 1, "/s", 2) != 0)
		goto wrong;
	p += 3;
	if ((*p && *p != '@') || (*p && !window_parse(p + 1, &window)))
		goto wrong;
	if (v == 0)
		return fail(e, EINVAL, "\"%s\" comes to no byte a second", text);
	*bytes = v;
	*usec = window;
	return 0;
wrong:
	return fail(e, EINVAL, "\"%s\" is not a rate like 10Mb/s, 250KB/s or 1MB/s@20ms", text);
}

static int set_mac(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct vif *v = obj;
	int rc = parse_mac(value, v->mac, e);

	(void)a;
	if (rc == 0)
		v->has_mac = true;
	return rc;
}

static int set_type(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct vif *v = obj;

	(void)a;
	if (!strcmp(value, "ioemu"))
		v->type = "ioemu";
	else if (!strcmp(value, "vif") || !strcmp(value, "netfront"))
		v->type = "vif";
	else
		return fail(e, EINVAL, "\"%s\" is not a type of interface: ioemu, vif or netfront", value);
	return 0;
}

static int word(const char *value, const char **ret, const char *more, size_t max, struct err *e)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++) {
		char c = value[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c && strchr(more, c)))
			continue;
		return fail(e, EINVAL, "\"%s\" is not a name: letters, digits and %s", value, more);
	}
	if (n > max)
		return fail(e, EINVAL, "\"%s\" is longer than %zu bytes", value, max);
	*ret = value;
	return 0;
}

static int set_model(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return word(value, &((struct vif *)obj)->model, "-_.", 63, e);
}

static int set_bridge(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a; /* Open vSwitch has NAME.VLAN:TRUNK */
	return word(value, &((struct vif *)obj)->bridge, "-_.:+@", 63, e);
}

static int set_vifname(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return word(value, &((struct vif *)obj)->vifname, "-_.+@", 15, e);
}

static int set_gatewaydev(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct vif *v = obj;

	(void)a;
	if (v->gatewaydev)
		return fail(e, EINVAL, "gatewaydev and netdev are the same");
	return word(value, &v->gatewaydev, "-_.:+@", 63, e);
}

static int set_ip(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return word(value, &((struct vif *)obj)->ip, ".:/- ", 1023, e);
}

static int set_script(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	(void)e;
	((struct vif *)obj)->script = value;
	return 0;
}

static int set_backend(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	(void)e;
	((struct vif *)obj)->backend = value;
	return 0;
}

static int set_rate(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct vif *v = obj;

	(void)a;
	return rate_parse(value, &v->rate_bytes, &v->rate_usec, e);
}

static int number(const char *value, unsigned min, unsigned max, unsigned *ret, struct err *e)
{
	uint64_t v;

	if (!number_read(value, &v) || v < min || v > max)
		return fail(e, EINVAL, "\"%s\" is not a number from %u to %u", value, min, max);
	*ret = (unsigned)v;
	return 0;
}

static int set_devid(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return number(value, 0, DEVID_MAX, &((struct vif *)obj)->index, e);
}

static int set_mtu(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return number(value, 68, 65535, &((struct vif *)obj)->mtu, e);
}

static int set_trusted(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	if (((struct vif *)obj)->untrusted)
		return fail(e, EINVAL, "trusted and untrusted exclude each other");
	return 0;
}

static int set_untrusted(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	(void)e;
	((struct vif *)obj)->untrusted = true;
	return 0;
}

static const struct part_row rows[] = {
	{ "mac", set_mac, false },           { "bridge", set_bridge, false },   { "type", set_type, false },
	{ "model", set_model, false },       { "ip", set_ip, false },           { "rate", set_rate, false },
	{ "script", set_script, false },     { "vifname", set_vifname, false }, { "gatewaydev", set_gatewaydev, false },
	{ "netdev", set_gatewaydev, false }, { "backend", set_backend, false }, { "devid", set_devid, false },
	{ "mtu", set_mtu, false },           { "trusted", set_trusted, true },  { "untrusted", set_untrusted, true },
};

int vif_spec_parse(const char *text, unsigned index, bool hvm, struct arena *a, struct vif *ret, size_t *at,
                   struct err *e)
{
	struct vif v = { .index = index, .rate_usec = RATE_WINDOW };
	struct parts parts = { .text = text, .arena = a };
	struct part p;
	uint64_t seen = 0;
	int rc = 0;

	while (rc == 0 && parts_next(&parts, &p)) {
		rc = parts_apply(&p, rows, COUNT(rows), &seen, &v, a, e);
		if (rc == -ENOENT)
			rc = p.value[0] ? fail(e, EINVAL, "\"%s\" is no part of an interface; parts are NAME=VALUE",
			                       p.value)
			                : 0;
		if (rc < 0)
			*at = p.at;
	}
	if (rc < 0)
		return rc;
	v.emulated = v.type ? !strcmp(v.type, "ioemu") : hvm;
	*ret = v;
	return 0;
}

void vif_spec_print(const struct vif *v, unsigned index, struct buf *b)
{
	const struct {
		const char *name, *value;
	} texts[] = { { "bridge", v->bridge },         { "type", v->type },
		      { "model", v->model },           { "ip", v->ip },
		      { "script", v->script },         { "vifname", v->vifname },
		      { "gatewaydev", v->gatewaydev }, { "backend", v->backend } };
	const char *comma = "";
	char mac[MAC_TEXT];

	if (v->has_mac) {
		buf_printf(b, "mac=%s", mac_format(mac, v->mac));
		comma = ",";
	}
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (!texts[i].value)
			continue;
		buf_printf(b, "%s%s=%s", comma, texts[i].name, texts[i].value);
		comma = ",";
	}
	if (v->rate_bytes) {
		buf_printf(b, "%srate=%lluB/s", comma, (unsigned long long)v->rate_bytes);
		comma = ",";
		if (v->rate_usec != RATE_WINDOW)
			buf_printf(b, "@%uus", v->rate_usec);
	}
	if (v->index != index) {
		buf_printf(b, "%sdevid=%u", comma, v->index);
		comma = ",";
	}
	if (v->mtu) {
		buf_printf(b, "%smtu=%u", comma, v->mtu);
		comma = ",";
	}
	if (v->untrusted)
		buf_printf(b, "%suntrusted", comma);
}
