/*
 * The terminals of a guest: xenconsoled's for its Xen console, the device model's for an emulated serial port. Who reads a
 * terminal takes the bytes away from others: while `xl console` has one, which its lock tells, it is left to it. So what was
 * read is kept in the guest's folder until the model has it on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/xen/xen.h"
#include "log.h"

#define LOCK_PREFIX "/var/lock/xenconsole."
#define READ_MAX 16384
#define KEEP (256 * 1024) /* of what the guest said */

static const char *const places[XEN_TTY_COUNT] = {
	[XEN_TTY_CONSOLE] = "console/tty",
	[XEN_TTY_SERIAL] = "serial/0/tty",
};

static bool is_taken(const struct xen_tty *t)
{
	char path[96];
	bool taken;
	int fd;

	snprintf(path, sizeof(path), LOCK_PREFIX "%d", (int)t->g->id);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	taken = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return taken;
}

/* A child that is just being forked may have a copy: close(2) alone does not take it from epoll. */
static void tty_close(struct xen_tty *t)
{
	struct xen_monitor *m = t->g->b->monitor;

	lock_acquire(&t->g->lock);
	if (t->fd >= 0 && !t->resting && m)
		epoll_ctl(xen_monitor_epoll(m), EPOLL_CTL_DEL, t->fd, NULL);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->path[0] = '\0';
	t->resting = false;
	lock_release(&t->g->lock);
}

static void tty_listen(struct xen_tty *t, int epoll, bool on)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = t };

	epoll_ctl(epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, t->fd, &ev);
	t->resting = !on;
}

/* Both are the control domain's own words in xenstore, where the guest cannot write them. */
static void tty_open(struct xen_tty *t, const char *path, int epoll)
{
	int fd;

	if (strlen(path) >= sizeof(t->path) || strncmp(path, "/dev/", 5) != 0)
		return;
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !isatty(fd)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	lock_acquire(&t->g->lock);
	snprintf(t->path, sizeof(t->path), "%s", path);
	t->fd = fd;
	lock_release(&t->g->lock);
	tty_listen(t, epoll, true);
}

static void look_vnc(struct guest *g, struct xs_handle *xs)
{
	char path[64], address[64], *port, *listen;

	snprintf(path, sizeof(path), "/local/domain/%d/console/vnc-port", (int)g->id);
	port = xs_read(xs, XBT_NULL, path, NULL);
	if (!port)
		return;
	snprintf(path, sizeof(path), "/local/domain/%d/console/vnc-listen", (int)g->id);
	listen = xs_read(xs, XBT_NULL, path, NULL);
	if (*port == '/') /* without a password it is at a socket */
		snprintf(address, sizeof(address), "unix:%.58s", port);
	else
		snprintf(address, sizeof(address), "%.45s:%.5s", listen && *listen ? listen : "127.0.0.1", port);
	if (g->domain && strcmp(address, g->display) != 0) {
		snprintf(g->display, sizeof(g->display), "%s", address);
		g->b->sink->display(g->domain, address);
	}
	free(port);
	free(listen);
}

void xen_console_look(struct guest *g, struct xs_handle *xs, int epoll)
{
	char path[64], *tty;

	for (size_t i = 0; i < XEN_TTY_COUNT; i++) {
		struct xen_tty *t = &g->tty[i];

		snprintf(path, sizeof(path), "/local/domain/%d/%s", (int)g->id, places[i]);
		tty = xs_read(xs, XBT_NULL, path, NULL);
		if (tty && *tty && strcmp(tty, t->path) != 0) {
			tty_close(t);
			tty_open(t, tty, epoll);
		}
		free(tty);
	}
	look_vnc(g, xs);
}

void xen_console_keep(struct guest *g)
{
	struct stat st;

	if (g->dirfd < 0)
		return;
	g->keptfd = openat(g->dirfd, "console", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (g->keptfd >= 0 && fstat(g->keptfd, &st) == 0)
		g->kept = st.st_size;
	else
		log_warn("%s/%s/console: %s", g->b->dir, g->serial, strerror(errno));
}

/* A file cannot lose its beginning, but what is in it. */
static void keep(struct guest *g, const char *p, size_t n)
{
	off_t upto;

	if (g->keptfd < 0 || write(g->keptfd, p, n) != (ssize_t)n)
		return;
	g->kept += (off_t)n;
	upto = (g->kept - KEEP) & ~(off_t)4095;
	if (g->kept - g->punched > 2 * KEEP &&
	    fallocate(g->keptfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, g->punched, upto - g->punched) == 0)
		g->punched = upto;
}

void xen_console_retell(struct guest *g)
{
	char data[READ_MAX];
	off_t at;
	ssize_t n;

	xen_console_keep(g);
	at = g->kept > KEEP ? g->kept - KEEP : 0;
	while (g->keptfd >= 0 && (n = pread(g->keptfd, data, sizeof(data), at)) > 0) {
		g->b->sink->console(g->domain, data, (size_t)n);
		at += n;
	}
}

void xen_console_saved(struct guest *g)
{
	if (g->keptfd >= 0 && ftruncate(g->keptfd, 0))
		log_warn("%s/%s/console: %s", g->b->dir, g->serial, strerror(errno));
}

void xen_console_read(struct xen_tty *t, int epoll)
{
	char data[READ_MAX];
	ssize_t n;

	if (t->fd < 0)
		return;
	if (!t->g->told || is_taken(t)) {
		tty_listen(t, epoll, false);
		return;
	}
	n = read(t->fd, data, sizeof(data));
	if (n > 0) {
		lock_acquire(&t->g->lock);
		t->g->spoke = (enum xen_tty_kind)(t - t->g->tty);
		lock_release(&t->g->lock);
		if (t->g->domain) {
			keep(t->g, data, (size_t)n);
			t->g->b->sink->console(t->g->domain, data, (size_t)n);
		}
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		tty_close(t); /* its other end has gone */
	}
}

void xen_console_retry(struct guest *g, int epoll)
{
	for (size_t i = 0; i < XEN_TTY_COUNT; i++)
		if (g->tty[i].resting && g->tty[i].fd >= 0 && g->told && !is_taken(&g->tty[i]))
			tty_listen(&g->tty[i], epoll, true);
}

void xen_console_close(struct guest *g)
{
	for (size_t i = 0; i < XEN_TTY_COUNT; i++)
		if (g->tty[i].fd >= 0)
			tty_close(&g->tty[i]);
}

int xen_console_write(struct guest *g, const char *p, size_t n, struct err *e)
{
	ssize_t taken = -1;
	int code = ENODEV, fd;

	lock_acquire(&g->lock);
	fd = g->tty[g->spoke].fd;
	for (size_t i = 0; fd < 0 && i < XEN_TTY_COUNT; i++)
		fd = g->tty[i].fd;
	if (fd >= 0) {
		do
			taken = write(fd, p, n > 65536 ? 65536 : n);
		while (taken < 0 && errno == EINTR);
		code = errno;
	}
	lock_release(&g->lock);
	if (taken >= 0)
		return (int)taken;
	if (fd < 0)
		return fail(e, EAGAIN, "the guest has no console yet");
	return code == EAGAIN ? fail(e, EAGAIN, "the guest does not read its console")
	                      : fail(e, code, "console: %s", strerror(code));
}
