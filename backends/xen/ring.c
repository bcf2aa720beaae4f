/* What the hypervisor itself says (`xl dmesg`) becomes lines of the daemon's log. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* Xen's headers are written in GNU C, and look whether it is spoken. */
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "backends/xen/xen.h"
#include "log.h"

#define LINE_BYTES 1024

struct xen_ring {
	xc_interface *xc;
	uint32_t index; /* where Xen goes on to say */
	struct buf line;
};

struct xen_ring *xen_ring_open(struct backend *b)
{
	struct xen_ring *r = x_alloc(sizeof(*r));

	r->xc = xc_interface_open(b->log, NULL, 0);
	return r;
}

static void end_line(struct xen_ring *r)
{
	if (r->line.len > 0)
		log_info("%s", r->line.p);
	buf_reset(&r->line);
}

void xen_ring_read(struct xen_ring *r)
{
	char data[16384];
	unsigned n = sizeof(data);

	while (r->xc && xc_readconsolering(r->xc, data, &n, 0, 1, &r->index) == 0 && n > 0) {
		for (unsigned i = 0; i < n; i++) {
			if (data[i] == '\n' || r->line.len >= LINE_BYTES)
				end_line(r);
			if (data[i] && data[i] != '\n' && data[i] != '\r')
				buf_putc(&r->line, data[i]);
		}
		n = sizeof(data);
	}
}

void xen_ring_close(struct xen_ring *r)
{
	if (!r)
		return;
	if (r->xc)
		xc_interface_close(r->xc);
	buf_free(&r->line);
	free(r);
}
