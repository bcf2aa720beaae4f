#include "fs/show_json.h"

#include <stdlib.h>
#include <string.h>

#include "fs/show_counters.h"
#include "fs/show_device.h"
#include "fs/show_domain.h"
#include "fs/show_host.h"

static void json_list(const struct ref *r, const char *name, enum device_kind kind,
                      void (*device_json)(const struct ref *r, struct buf *b), struct buf *b)
{
	struct ref device = *r;

	buf_printf(b, ",\n \"%s\": [", name);
	for (const char *comma = ""; next_device(&device, kind); comma = ", ") {
		buf_printf(b, "%s{", comma);
		device_json(&device, b);
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

static void json_devices(const struct ref *r, struct buf *b)
{
	json_list(r, "disks", DEVICE_DISK, disk_json, b);
	json_list(r, "vifs", DEVICE_VIF, vif_json, b);
	buf_putc(b, '}');
}

static void json_with(const struct ref *r, const struct counters *c, struct buf *b)
{
	struct domain_facts f;

	domain_facts_get(r, &f);
	buf_puts(b, "{\"status\": {");
	facts_json(status_facts, &f, b);
	buf_puts(b, "},\n \"counters\": {");
	facts_json(counter_facts, c, b);
	buf_putc(b, '}');
	json_devices(r, b);
	domain_facts_free(&f);
}

void json_domain(const struct ref *r, uint64_t deadline, struct buf *b)
{
	struct counters c;

	if (r->domain)
		counters_until(r->domain, deadline, &c);
	else
		host_counters(r->model, &c);
	json_with(r, &c, b);
}

int show_domain_json(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	(void)reader;
	(void)e;
	json_domain(r, UINT64_MAX, b);
	buf_putc(b, '\n');
	return 0;
}

size_t size_domain_json(const struct ref *r)
{
	struct counters none = { 0 };
	struct buf b = { 0 };
	size_t n;

	json_with(r, &none, &b);
	n = b.len;
	buf_free(&b);
	return size_round(n + facts_size(counter_facts), 256);
}
