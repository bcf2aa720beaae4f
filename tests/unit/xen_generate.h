/*
 * Configurations out of a number: every key with values of its kind, in every way to write them down. The same number
 * makes the same texts. One thread.
 */
#ifndef TEST_XEN_GENERATE_H
#define TEST_XEN_GENERATE_H

#include <string.h>

#include "hypervisor/config/keys.h"
#include "spec.h"

struct generator {
	uint64_t state; /* not 0 */
};

static unsigned number(struct generator *g, unsigned below)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (unsigned)(g->state >> 11) % below;
}

#define ONE_OF(g, list) list[number(g, COUNT(list))]

static bool once_in(struct generator *g, unsigned n)
{
	return number(g, n) == 0;
}

/* ---- disks and vifs: what is likely in each place, and sometimes what is not ---- */

static const char *const targets[] = {
	"/dev/vg/a", "/a.img", "",         "phy:/dev/x", "file:/i",  "tap:aio:/i", "tap2:/i", "tapdisk:qcow2:/q",
	"qcow2:/q",  "raw:/q", "vhd:/v",   "/a=b",       "phy:vg/x", "drbd:r0",    "nbd:x",   "enbd:y",
	"iscsi:iqn", "aio:/z", "ioemu:/z", "file:",      "x:/x",
};
static const char *const formats[] = { "raw", "qcow2", "qcow", "vhd", "qed", "", "", "", "empty", "cow", "RAW" };
/* The last three only where the old form of a device stands: behind vdev= the two read them in different ways. */
static const char *const vdevs[] = { "xvda",  "hda", "hdc", "sda", "sda1",      "xvdb2",    "vda",       "d0p0",
	                             "xvdaa", "",    "foo", "hdz", "hdc:cdrom", "hda:disk", "hdb:floppy" };
static const char *const accesses[] = { "r", "w", "ro", "rw", "", "x" };
static const char *const disk_parts[] = {
	"access=ro",      "access=rw", "access=",       "format=raw",        "format=qcow2",      "format=",
	"vdev=xvdz",      "vdev=hdd",  "devtype=cdrom", "devtype=disk",      "devtype=x",         "cdrom",
	"script=block-x", "script=",   "backend=dom",   "backendtype=phy",   "backendtype=qdisk", "backendtype=x",
	"direct-io-safe", "discard",   "no-discard",    "specification=xen", "foo=bar",           "access=r",
};

static void generate_disk_item(struct generator *g, struct buf *b)
{
	const char *comma = "";

	if (once_in(g, 3)) { /* by name */
		for (unsigned n = 1 + number(g, 5); n; n--, comma = ",")
			buf_printf(b, "%s%s%s", comma, once_in(g, 4) ? " " : "", ONE_OF(g, disk_parts));
		if (!once_in(g, 4))
			buf_printf(b, ",vdev=%s", vdevs[number(g, COUNT(vdevs) - 3)]);
		if (!once_in(g, 5))
			buf_printf(b, ",target=%s", ONE_OF(g, targets));
		return;
	}
	buf_puts(b, ONE_OF(g, targets));
	if (!strchr(b->p, ':') ? !once_in(g, 20) : once_in(g, 10))
		buf_printf(b, ",%s", ONE_OF(g, formats));
	if (!once_in(g, 20))
		buf_printf(b, ",%s", ONE_OF(g, vdevs));
	if (!once_in(g, 3))
		buf_printf(b, ",%s", ONE_OF(g, accesses));
	while (once_in(g, 3))
		buf_printf(b, ",%s%s", once_in(g, 3) ? " " : "", ONE_OF(g, disk_parts));
}

static void generate_rate(struct generator *g, struct buf *b)
{
	static const char *const counts[] = { "1",       "10",         "250", "8",  "12345",
		                              "1000000", "4294967296", "010", "-1", "1.5" };
	static const char *const units[] = { "b/s",  "B/s",  "Kb/s", "KB/s", "Mb/s", "MB/s",
		                             "Gb/s", "GB/s", "kb/s", "b",    "" };
	static const char *const windows[] = { "",     "",   "",   "@1ms", "@20ms",         "@1s",    "@50us", "@5",
		                               "@250", "@0", "@ ", "@1m",  "@1000000000us", "@5000s", "@1u",   "@1k" };

	buf_printf(b, "rate=%s%s%s", ONE_OF(g, counts), ONE_OF(g, units), ONE_OF(g, windows));
}

static void generate_vif_item(struct generator *g, struct buf *b)
{
	static const char *const parts[] = {
		"bridge=br0",
		"bridge=xenbr0",
		"bridge=",
		"type=ioemu",
		"type=vif",
		"type=netfront",
		"model=e1000",
		"model=virtio",
		"ip=1.2.3.4",
		"ip=1.2.3.4 5.6.7.8",
		"script=vif-route",
		"vifname=a0",
		"gatewaydev=eth0",
		"netdev=eth1",
		"backend=d",
		"devid=9",
		"devid=010",
		"mtu=1500",
		"mtu=0x5dc",
		"x=y",
		"x",
		"bridge=/etc",
	};

	if (once_in(g, 2))
		buf_printf(b, "mac=00:16:%s:%02x:%02x:%02x", once_in(g, 2) ? "3e" : "3E", number(g, 256),
		           number(g, 256), number(g, 256));
	while (!once_in(g, 3)) {
		buf_printf(b, "%s%s", b->len ? "," : "", once_in(g, 4) ? " " : "");
		if (once_in(g, 3))
			generate_rate(g, b);
		else
			buf_puts(b, ONE_OF(g, parts));
	}
}

static void generate_list_of_one(struct generator *g, struct buf *b, const char *key,
                                 void (*item)(struct generator *, struct buf *))
{
	struct buf text = { 0 };

	buf_puts(&text, "");
	item(g, &text);
	buf_printf(b, "%s = [ '%s' ]\n", key, text.p ? text.p : "");
	buf_free(&text);
}

static void generate_disk(struct generator *g, struct buf *b)
{
	generate_list_of_one(g, b, "disk", generate_disk_item);
}

static void generate_vif(struct generator *g, struct buf *b)
{
	generate_list_of_one(g, b, "vif", generate_vif_item);
}

/* ---- values ---- */

/* S in quotes of either kind, with the escapes that it needs and some that it does not. */
static void quoted(struct generator *g, struct buf *b, const char *s)
{
	char quote = once_in(g, 2) ? '"' : '\'';

	buf_putc(b, quote);
	for (; *s; s++) {
		if (*s == quote || *s == '\\' || ((*s == '"' || *s == '\'') && once_in(g, 2)))
			buf_putc(b, '\\');
		if (*s == '\n')
			buf_puts(b, "\\n");
		else if (*s == '\t' && once_in(g, 2))
			buf_puts(b, "\\t");
		else
			buf_putc(b, *s);
	}
	buf_putc(b, quote);
}

static void any_text(struct generator *g, struct buf *b)
{
	static const char *const pieces[] = { "a",  "B c", "'",        "\"", "\\",  "#", ";",    "[",  "]",
		                              "=",  ",",   "\n",       "\t", " ",   "{", "(",    "+=", "0x",
		                              "%s", "$",   "\xc3\xa9", "/",  "'''", "!", "True", "\\n" };
	struct buf text = { 0 };

	buf_puts(&text, "");
	for (unsigned n = number(g, 8); n; n--)
		buf_puts(&text, ONE_OF(g, pieces));
	quoted(g, b, text.p ? text.p : "");
	buf_free(&text);
}

static void word_of(struct generator *g, struct buf *b, const char *words)
{
	size_t n = 1, pick;

	for (const char *p = words; *p; p++)
		n += *p == ' ';
	for (pick = number(g, (unsigned)n); pick; pick--)
		words = strchr(words, ' ') + 1;
	n = strcspn(words, " ");
	buf_printf(b, once_in(g, 2) ? "'%.*s'" : "\"%.*s\"", (int)n, words);
}

static void text_value(struct generator *g, struct buf *b, enum key k)
{
	static const char *const by_rule[] = { [TEXT_SOME] = "x y",
		                               [TEXT_PATH] = "/a/b c",
		                               [TEXT_KERNEL] = "/boot/vmlinuz",
		                               [TEXT_UUID] = "01234567-89AB-cdef-0123-456789abcdef",
		                               [TEXT_BOOT] = "dc",
		                               [TEXT_LISTEN] = "127.0.0.1",
		                               [TEXT_LANG] = "de",
		                               [TEXT_NUMBER] = "3600" };
	const struct key_rule *rule = key_rule(k);

	if (rule->words)
		word_of(g, b, rule->words);
	else if (rule->text == TEXT_ANY)
		any_text(g, b);
	else
		quoted(g, b, once_in(g, 8) ? "" : by_rule[rule->text]);
}

static void number_value(struct generator *g, struct buf *b, enum key k)
{
	const struct key_rule *rule = key_rule(k);
	uint64_t most = rule->max && rule->max < 1000 ? rule->max : 1000;
	unsigned v = key_table[k].type == TYPE_BOOL ? number(g, 2)
	                                            : (unsigned)rule->min + number(g, (unsigned)(most - rule->min + 1));
	char text[32];

	switch (number(g, 8)) {
	case 0:
		snprintf(text, sizeof(text), "0x%x", v);
		break;
	case 1:
		snprintf(text, sizeof(text), "0%o", v);
		break;
	case 2:
		snprintf(text, sizeof(text), "'%u'", v);
		break;
	case 3:
		snprintf(text, sizeof(text), "\"0x%X\"", v);
		break;
	case 4:
		snprintf(text, sizeof(text), "' %u'", v);
		break;
	default:
		snprintf(text, sizeof(text), "%u", v);
	}
	buf_puts(b, text);
}

/* Blanks, and inside of brackets line ends and comments. */
static void gap(struct generator *g, struct buf *b, bool lines)
{
	static const char *const gaps[] = { "", "", " ", "\t", "  ", "\n", "\n\n\t", " # a ' \" [\n", "#\n" };

	buf_puts(b, gaps[number(g, lines ? COUNT(gaps) : 5)]);
}

static void item_value(struct generator *g, struct buf *b, enum key k)
{
	struct buf text = { 0 };

	buf_puts(&text, "");
	if (k == KEY_disk)
		generate_disk_item(g, &text);
	else if (k == KEY_vif)
		generate_vif_item(g, &text);
	else if (k == KEY_vfb)
		buf_puts(&text, "type=vnc,vncdisplay=1");
	else if (key_table[k].type == TYPE_CPUS)
		buf_puts(&text, once_in(g, 2) ? "0-3,^1" : "all");
	if (text.len || k == KEY_vif)
		quoted(g, b, text.p ? text.p : "");
	else if (key_rule(k)->list == LIST_NESTED)
		buf_puts(b, "[ 'a=1', [ \"b\" ],'c' ]");
	else if (once_in(g, 6))
		buf_puts(b, "17");
	else
		any_text(g, b);
	buf_free(&text);
}

static void list_value(struct generator *g, struct buf *b, enum key k)
{
	bool more = !once_in(g, 8);

	buf_putc(b, '[');
	gap(g, b, true);
	while (more) {
		item_value(g, b, k);
		gap(g, b, true);
		more = once_in(g, 2);
		if (more || once_in(g, 3))
			buf_putc(b, ',');
		gap(g, b, true);
	}
	buf_putc(b, ']');
}

static void value_of(struct generator *g, struct buf *b, enum key k)
{
	switch (key_table[k].type) {
	case TYPE_STRING:
		text_value(g, b, k);
		break;
	case TYPE_INT:
	case TYPE_BOOL:
		number_value(g, b, k);
		break;
	case TYPE_ACTION:
		quoted(g, b, action_names[number(g, ACTION_COUNT)]);
		break;
	case TYPE_CPUS:
		if (once_in(g, 2))
			quoted(g, b, "1-2");
		else
			list_value(g, b, k);
		break;
	case TYPE_LIST:
		if (key_rule(k)->list == LIST_ALONE && once_in(g, 3))
			quoted(g, b, "pty");
		else
			list_value(g, b, k);
		break;
	}
}

static void statement(struct generator *g, struct buf *b, enum key k)
{
	static const char *const ends[] = { "\n", "\n", "\n", ";", " ;\t", "\n\n", " # ' a\n", ";;\n", "#\n" };
	bool text = key_table[k].type == TYPE_STRING && !key_rule(k)->words && key_rule(k)->text == TEXT_ANY;
	bool joins = (text || (key_table[k].type == TYPE_LIST && key_rule(k)->list != LIST_ALONE)) && k != KEY_disk &&
	             k != KEY_vif;

	if (once_in(g, 12))
		buf_printf(b, "un_known.%u = [ 1, 'a' ]\n", number(g, 10));
	gap(g, b, false);
	buf_puts(b, key_table[k].name);
	gap(g, b, false);
	buf_puts(b, joins && once_in(g, 3) ? "+=" : "=");
	gap(g, b, false);
	value_of(g, b, k);
	buf_puts(b, ONE_OF(g, ends));
}

static void generate_text(struct generator *g, struct buf *b)
{
	enum key k = KEY_name;

	buf_puts(b, "");
	gap(g, b, false);
	for (unsigned n = 1 + number(g, 8); n; n--) {
		if (!once_in(g, 5)) /* else the same again */
			k = (enum key)number(g, KEY_COUNT);
		statement(g, b, k);
	}
}

#endif
