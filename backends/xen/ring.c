/*
 * What the hypervisor itself says (`xl dmesg`) becomes lines of the daemon's log. RUN/xen/ring says how far that has come, so that
 * a successor does not say it again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Xen's headers are written in GNU C, and look whether it is spoken. */
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "backends/xen/xen.h"
#include "log.h"

#define LINE_BYTES 1024

struct xen_ring {
	xc_interface *xc;
	const char *boot_id;
	int fd;
	uint32_t index;      /* where Xen goes on to say */
	uint32_t said, kept; /* the end of the last whole line, and what the file says of it */
	struct buf line;
};

struct xen_ring *xen_ring_open(struct backend *b)
{
	struct xen_ring *r = x_alloc(sizeof(*r));
	char text[128], boot[64];
	ssize_t n;

	r->xc = xc_interface_open(b->log, NULL, 0);
	r->boot_id = b->boot_id;
	r->fd = openat(b->dirfd, "ring", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	n = r->fd < 0 ? -1 : pread(r->fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%63s %u", boot, &r->kept) != 2 || strcmp(boot, b->boot_id) != 0)
		r->kept = 0;
	r->said = r->index = r->kept;
	return r;
}

static void keep(struct xen_ring *r)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%s %10u\n", r->boot_id, r->said);

	if (r->said != r->kept && r->fd >= 0 && pwrite(r->fd, text, (size_t)n, 0) == n)
		r->kept = r->said;
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
			if (data[i] == '\n')
				r->said = r->index - (n - i - 1);
			if (data[i] && data[i] != '\n' && data[i] != '\r')
				buf_putc(&r->line, data[i]);
		}
		n = sizeof(data);
	}
	keep(r);
}

void xen_ring_close(struct xen_ring *r)
{
	if (!r)
		return;
	if (r->xc)
		xc_interface_close(r->xc);
	if (r->fd >= 0)
		close(r->fd);
	buf_free(&r->line);
	free(r);
}
