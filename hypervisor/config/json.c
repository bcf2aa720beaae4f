#include <string.h>

#include "hypervisor/base/utf8.h"
#include "hypervisor/config/spec_parts.h"
#include "hypervisor/config/vfb_spec.h"

/*
 * A spec as one JSON object. Bytes that are no UTF-8 become U+FFFD: they are rare, and the text itself is in the
 * configuration.
 */

static void json_text(struct buf *b, const char *s)
{
	size_t len, n;

	if (!s) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '"');
	for (len = strlen(s); len; s += n, len -= n) {
		n = utf8_printable(s, len);
		if (n > 1 || (n == 1 && *s != '"' && *s != '\\')) {
			buf_add(b, s, n);
			continue;
		}
		n = 1;
		if (*s == '"' || *s == '\\')
			buf_add(b, (char[]){ '\\', *s }, 2);
		else if ((unsigned char)*s < 0x80)
			buf_printf(b, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			buf_puts(b, "\\ufffd");
	}
	buf_putc(b, '"');
}

static void member_text(struct buf *b, const char *name, const char *s)
{
	buf_printf(b, ",\"%s\":", name);
	json_text(b, s);
}

static void member_number(struct buf *b, const char *name, uint64_t v)
{
	buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)v);
}

static void member_bool(struct buf *b, const char *name, bool v)
{
	buf_printf(b, ",\"%s\":%s", name, v ? "true" : "false");
}

static void json_disk(const struct disk *d, struct buf *b)
{
	static const char *const buses[] = { [BUS_IDE] = "ide", [BUS_SCSI] = "scsi", [BUS_VIRTIO] = "virtio" };

	buf_puts(b, "{\"vdev\":");
	json_text(b, d->vdev);
	member_text(b, "bus", buses[d->bus]);
	member_number(b, "index", d->index);
	member_number(b, "partition", d->partition);
	member_text(b, "format", disk_format_names[d->format]);
	member_text(b, "target", d->source);
	member_text(b, "access", d->readonly ? "ro" : "rw");
	member_text(b, "devtype", d->cdrom ? "cdrom" : "disk");
	member_text(b, "backend", d->backend);
	member_text(b, "backendtype", d->backendtype);
	member_text(b, "script", d->script);
	member_bool(b, "direct-io-safe", d->direct_io_safe);
	member_bool(b, "discard", d->discard != 0);
	member_bool(b, "trusted", !d->untrusted);
	member_text(b, "specification", d->virtio ? "virtio" : "xen");
	buf_putc(b, '}');
}

static void json_vif(const struct vif *v, struct buf *b)
{
	char mac[MAC_TEXT];

	buf_printf(b, "{\"devid\":%u", v->index);
	member_text(b, "mac", v->has_mac ? mac_format(mac, v->mac) : NULL);
	member_text(b, "bridge", v->bridge);
	member_text(b, "type", v->emulated ? "ioemu" : "vif");
	member_text(b, "model", v->model);
	member_text(b, "ip", v->ip);
	member_text(b, "script", v->script);
	member_text(b, "vifname", v->vifname);
	member_text(b, "gatewaydev", v->gatewaydev);
	member_text(b, "backend", v->backend);
	if (v->rate_bytes)
		member_number(b, "rate_bytes", v->rate_bytes);
	else
		buf_puts(b, ",\"rate_bytes\":null");
	member_number(b, "rate_usec", v->rate_usec);
	if (v->mtu)
		member_number(b, "mtu", v->mtu);
	else
		buf_puts(b, ",\"mtu\":null");
	member_bool(b, "trusted", !v->untrusted);
	buf_putc(b, '}');
}

static void json_disks(const struct spec *s, struct buf *b)
{
	size_t n;
	const struct disk *d = spec_disks(s, &n);

	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? "," : "[");
		json_disk(&d[i], b);
	}
	buf_puts(b, n ? "]" : "[]");
}

static void json_vifs(const struct spec *s, struct buf *b)
{
	size_t n;
	const struct vif *v = spec_vifs(s, &n);

	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? "," : "[");
		json_vif(&v[i], b);
	}
	buf_puts(b, n ? "]" : "[]");
}

/*
 * A nested list is text in the language: quoted strings, numbers, brackets and commas, as print.c and build.c write
 * it.
 */
static void json_nested(const char *s, struct buf *b)
{
	struct buf text = { 0 };

	while (*s) {
		if (*s != '"') { /* numbers and words as strings: JSON knows neither hex nor True */
			size_t n = strspn(s, "[], ");

			buf_add(b, s, n);
			s += n;
			n = strcspn(s, "[], \"");
			if (n) {
				buf_add(b, "\"", 1);
				buf_add(b, s, n);
				buf_add(b, "\"", 1);
			}
			s += n;
			continue;
		}
		buf_reset(&text);
		for (s++; *s && *s != '"'; s++) {
			bool escaped = *s == '\\' && s[1];

			s += escaped;
			buf_putc(&text, escaped && *s == 'n' ? '\n' : escaped && *s == 't' ? '\t' : *s);
		}
		s += *s == '"';
		json_text(b, text.p ? text.p : "");
	}
	buf_free(&text);
}

static void json_item(enum key k, const char *item, bool secrets, struct buf *b)
{
	struct arena a = { 0 };
	struct vfb vfb;
	size_t at;

	if (item_nested(item)) {
		json_nested(item, b);
		return;
	}
	if (k == KEY_vfb && !secrets && vfb_spec_parse(item, &a, &vfb, &at, NULL) == 0)
		item = vfb.text;
	json_text(b, item);
	arena_free(&a);
}

static void json_value(const struct value *v, bool secrets, struct buf *b)
{
	switch (key_table[v->key].type) {
	case TYPE_STRING:
		json_text(b, v->text);
		break;
	case TYPE_INT:
		buf_printf(b, "%llu", (unsigned long long)v->number);
		break;
	case TYPE_BOOL:
		buf_puts(b, v->number ? "true" : "false");
		break;
	case TYPE_ACTION:
		json_text(b, action_names[v->number]);
		break;
	case TYPE_LIST:
	case TYPE_CPUS:
		if (v->alone) {
			json_text(b, v->items[0]);
			break;
		}
		for (size_t i = 0; i < v->count; i++) {
			buf_puts(b, i ? "," : "[");
			json_item(v->key, v->items[i], secrets, b);
		}
		buf_puts(b, v->count ? "]" : "[]");
		break;
	}
}

void spec_json(const struct spec *s, bool secrets, struct buf *b)
{
	const char *comma = "";

	buf_putc(b, '{');
	for (int k = 0; k < KEY_COUNT; k++) {
		const struct value *v = spec_value(s, k);
		bool devices =
			(k == KEY_disk && s->ndisks) || (k == KEY_vif && s->nvifs); /* cdrom= and nics= make some too */

		if ((!v && !devices) || (!secrets && (k == KEY_vncpasswd || k == KEY_spicepasswd)))
			continue;
		buf_printf(b, "%s\"%s\":", comma, key_table[k].name);
		comma = ",";
		if (k == KEY_disk)
			json_disks(s, b);
		else if (k == KEY_vif)
			json_vifs(s, b);
		else
			json_value(v, secrets, b);
	}
	buf_putc(b, '}');
}
