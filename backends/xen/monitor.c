/*
 * The monitor thread. xenstore says at once when a domain comes, ends or goes, when it gets a name or a terminal; whether
 * it is paused and what memory it has is said by nobody, so all are listed once a second, in one call, while there is any. What
 * Xen itself says is read with that, and once a minute else.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/xen/xen.h"
#include "log.h"

#define TICK_MSEC 1000
#define HURRY_MSEC 100
#define IDLE_MSEC 60000 /* nobody says when Xen has said something */

struct xen_monitor {
	struct backend *b;
	struct xs_handle *xs;
	struct xen_ring *ring;
	libxl_ctx *ctx;
	int epoll, wake;
	pthread_t thread;
	bool running;       /* [I] once started */
	struct table by_id; /* of struct guest, a reference each */
	uint64_t round;
	uint64_t next; /* scan: clock_msec */
	bool waiting;  /* for a foreign one to be complete */
	atomic_bool stop;
	atomic_int hurry;
};

struct xs_handle *xen_monitor_xs(struct xen_monitor *m)
{
	return m->xs;
}

int xen_monitor_epoll(struct xen_monitor *m)
{
	return m->epoll;
}

int xen_monitor_new(struct backend *b, struct xen_monitor **ret, struct err *e)
{
	struct xen_monitor *m = x_alloc(sizeof(*m));
	struct epoll_event ev = { .events = EPOLLIN };
	int rc;

	m->b = b;
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = xen_ctx_open(b->log, &m->ctx, e);
	m->ring = xen_ring_open(b);
	m->xs = xs_open(0);
	if (!rc && !m->xs)
		rc = fail(e, errno, "xenstore: %s", strerror(errno));
	if (!rc && (!xs_watch(m->xs, "@introduceDomain", "domains") || !xs_watch(m->xs, "@releaseDomain", "domains") ||
	            !xs_watch(m->xs, "/local/domain/0/memory/static-max", "limit 0")))
		rc = fail(e, errno, "xenstore: %s", strerror(errno));
	if (rc) {
		xen_monitor_free(m);
		return rc;
	}
	ev.data.ptr = &m->wake;
	epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->wake, &ev);
	ev.data.ptr = &m->xs;
	epoll_ctl(m->epoll, EPOLL_CTL_ADD, xs_fileno(m->xs), &ev);
	*ret = m;
	return 0;
}

/* ---- whom it knows ---- */

static void watch_folder(struct xen_monitor *m, struct guest *g, bool on)
{
	static const struct {
		const char *name, *token;
	} nodes[] = { { "name", "name" },
		      { "memory/target", "memory" },
		      { "memory/static-max", "limit" },
		      { "console", "tty" },
		      { "serial", "tty" } };
	char path[64], token[32];

	for (size_t i = 0; i < COUNT(nodes); i++) {
		snprintf(path, sizeof(path), "/local/domain/%d/%s", (int)g->id, nodes[i].name);
		snprintf(token, sizeof(token), "%s %d", nodes[i].token, (int)g->id);
		if (on)
			xs_watch(m->xs, path, token);
		else
			xs_unwatch(m->xs, path, token);
	}
	snprintf(path, sizeof(path), "/libxl/%d/device", (int)g->id);
	snprintf(token, sizeof(token), "devices %d", (int)g->id);
	if (on)
		xs_watch(m->xs, path, token);
	else
		xs_unwatch(m->xs, path, token);
}

void xen_monitor_know(struct xen_monitor *m, struct guest *g)
{
	int id = g->id;

	xen_guest_ref(g);
	g->known = true;
	table_put_n(&m->by_id, &id, sizeof(id), g);
	watch_folder(m, g, true);
}

static void forget(struct xen_monitor *m, struct guest *g)
{
	int id = g->id;

	watch_folder(m, g, false);
	table_del_n(&m->by_id, &id, sizeof(id));
	g->known = false;
	if (g->domain || !g->foreign)
		xen_watch_gone(g);
	xen_console_close(g);
	xen_guest_unref(g);
}

static bool same_uuid(const struct guest *g, const libxl_dominfo *info)
{
	return !memcmp(g->uuid.b, info->uuid.uuid, sizeof(g->uuid.b));
}

/* One of ours that is new to the monitor; *being_made: there will be one. */
static struct guest *find_own(struct backend *b, const libxl_dominfo *info, bool *being_made)
{
	struct guest *found = NULL;

	lock_acquire(&b->lock);
	for (struct guest *g = b->guests; g && !found; g = g->next) {
		if (!same_uuid(g, info))
			continue;
		if (atomic_load(&g->built) && g->id == (int)info->domid && !g->known && !xen_guest_gone(g))
			found = g;
		else if (!atomic_load(&g->built))
			*being_made = true;
	}
	lock_release(&b->lock);
	return found;
}

static struct guest *newcomer(struct xen_monitor *m, const libxl_dominfo *info, uint64_t now)
{
	bool being_made = false;
	struct guest *g = find_own(m->b, info, &being_made);
	struct uuid u;

	if (!g && being_made)
		return NULL;
	if (g) {
		xen_monitor_know(m, g);
		return g;
	}
	memcpy(u.b, info->uuid.uuid, sizeof(u.b));
	g = xen_guest_new(m->b, &u, NULL);
	g->foreign = true;
	g->id = (int)info->domid;
	g->since = now;
	xen_monitor_know(m, g);
	xen_guest_unref(g); /* the model's own comes with appeared() */
	return g;
}

static void see(struct xen_monitor *m, struct guest *g, const libxl_dominfo *info, uint64_t now)
{
	g->round = m->round;
	if (g->foreign && !g->told) {
		if (!xen_foreign_appear(g, m->ctx, info, now - g->since)) {
			m->waiting = true;
			return;
		}
		if (g->domain) {
			xen_guest_ref(g); /* until forget() */
			/* what was there before there was anybody to tell */
			xen_console_look(g, m->xs, m->epoll);
			xen_watch_maximum(g);
		}
	}
	if (g->domain)
		xen_watch_see(g, info);
	if (g->domain && atomic_load(&g->look))
		xen_device_look(g, m->ctx, m->xs);
}

void xen_monitor_scan(struct xen_monitor *m)
{
	uint64_t now = clock_msec();
	int n = 0, *left = NULL;
	size_t pos = 0, gone = 0;
	libxl_dominfo *list = libxl_list_domain(m->ctx, &n);
	void *value;

	if (!list) {
		m->next = now + TICK_MSEC;
		return;
	}
	m->round++;
	m->waiting = false;
	for (int i = 0; i < n; i++) {
		int id = (int)list[i].domid;
		struct guest *g = table_get_n(&m->by_id, &id, sizeof(id));

		if (id == 0 || list[i].dying)
			continue;
		if (g && !same_uuid(g, &list[i])) { /* the number came round */
			forget(m, g);
			g = NULL;
		}
		if (!g)
			g = newcomer(m, &list[i], now);
		if (g)
			see(m, g, &list[i], now);
	}
	libxl_dominfo_list_free(list, n);
	left = x_array(m->by_id.count ? m->by_id.count : 1, sizeof(*left));
	while (table_next(&m->by_id, &pos, NULL, &value)) {
		struct guest *g = value;

		if (g->round != m->round)
			left[gone++] = g->id;
		else
			xen_console_retry(g, m->epoll);
	}
	while (gone > 0)
		forget(m, table_get_n(&m->by_id, &left[--gone], sizeof(*left)));
	free(left);
	xen_ring_read(m->ring);
	m->next = now + (m->waiting || atomic_load(&m->hurry) > 0 ? HURRY_MSEC
	                 : m->by_id.count                         ? TICK_MSEC
	                                                          : IDLE_MSEC);
}

/* ---- what wakes it ---- */

void xen_monitor_kick(struct xen_monitor *m)
{
	uint64_t one = 1;

	while (write(m->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void xen_monitor_hurry(struct xen_monitor *m, int by)
{
	atomic_fetch_add(&m->hurry, by);
	xen_monitor_kick(m);
}

/* True: the domains are to be listed. */
static bool serve_store(struct xen_monitor *m)
{
	bool scan = false;
	char **w;

	while ((w = xs_check_watch(m->xs))) {
		const char *token = w[XS_WATCH_TOKEN], *number = strchr(token, ' ');
		int id = number ? atoi(number + 1) : -1;
		struct guest *g = number ? table_get_n(&m->by_id, &id, sizeof(id)) : NULL;

		if (!number)
			scan = true;
		else if (id == 0)
			atomic_store(&m->b->own_max_kib, xen_memory_kib(m->b, id, "static-max"));
		else if (g && token[0] == 'n')
			xen_watch_name(g, m->ctx);
		else if (g && token[0] == 'd')
			atomic_store(&g->look, scan = true); /* once for all that a change writes */
		else if (g && token[0] == 'm')
			xen_watch_target(g, m->ctx);
		else if (g && token[0] == 'l')
			xen_watch_maximum(g);
		else if (g)
			xen_console_look(g, m->xs, m->epoll);
		free(w);
	}
	return scan;
}

static void step(struct xen_monitor *m)
{
	struct epoll_event ev[32];
	uint64_t now = clock_msec(), count;
	int wait = m->next > now ? (int)(m->next - now) : 0;
	int n = epoll_wait(m->epoll, ev, COUNT(ev), wait);
	bool scan = clock_msec() >= m->next;

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &m->wake) {
			scan = true;
			if (read(m->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
				log_error("the monitor's eventfd: %s", strerror(errno));
		} else if (ev[i].data.ptr == &m->xs) {
			scan = serve_store(m) || scan;
		} else {
			xen_console_read(ev[i].data.ptr, m->epoll);
		}
	}
	/* Last: it may free what the descriptors belong to. */
	if (scan)
		xen_monitor_scan(m);
}

static void *run(void *arg)
{
	struct xen_monitor *m = arg;
	sigset_t child;

	/* libxl wants to hear of its children on some thread. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &child, NULL);
	while (!atomic_load(&m->stop))
		step(m);
	return NULL;
}

int xen_monitor_start(struct xen_monitor *m, struct err *e)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&m->thread, NULL, run, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	m->running = rc == 0;
	return rc ? fail(e, rc, "the monitor thread: %s", strerror(rc)) : 0;
}

void xen_monitor_free(struct xen_monitor *m)
{
	size_t pos = 0;
	void *value;

	if (!m)
		return;
	if (m->running) {
		atomic_store(&m->stop, true);
		xen_monitor_kick(m);
		pthread_join(m->thread, NULL);
	}
	while (table_next(&m->by_id, &pos, NULL, &value)) {
		struct guest *g = value;

		if (g->foreign && g->domain)
			xen_guest_unref(g); /* the model leaves its handles to the backend */
		xen_guest_unref(g);
	}
	table_free(&m->by_id);
	xen_ring_close(m->ring);
	if (m->xs)
		xs_close(m->xs);
	if (m->ctx)
		libxl_ctx_free(m->ctx);
	close(m->epoll);
	close(m->wake);
	free(m);
}
