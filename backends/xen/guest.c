#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xen/xen.h"

#define SLICE_MSEC 100 /* how soon a wait for the monitor notices that its job was cancelled */

struct guest *xen_guest_new(struct backend *b, const struct uuid *u, const struct spec *spec)
{
	struct guest *g = x_alloc(sizeof(*g));

	g->b = b;
	g->uuid = *u;
	g->spec = spec ? spec_ref(spec) : NULL;
	g->dirfd = g->keptfd = -1;
	g->look = true;
	for (size_t i = 0; i < XEN_TTY_COUNT; i++) {
		g->tty[i].g = g;
		g->tty[i].fd = -1;
	}
	atomic_init(&g->refs, 1);
	atomic_init(&g->id, -1);
	lock_init(&g->lock);
	cond_init(&g->changed);
	g->state = STATE_STARTING;
	return g;
}

void xen_guest_list(struct guest *g)
{
	lock_acquire(&g->b->lock);
	g->next = g->b->guests;
	g->b->guests = g;
	lock_release(&g->b->lock);
}

/* A list of domains has PVH among HVM. */
libxl_domain_type xen_guest_type(struct backend *b, const libxl_dominfo *info)
{
	libxl_domain_type type = info->domain_type;
	char path[64], *word;

	snprintf(path, sizeof(path), "/libxl/%u/type", info->domid);
	word = xs_read(xen_monitor_xs(b->monitor), XBT_NULL, path, NULL);
	if (word && libxl_domain_type_from_string(word, &type))
		type = info->domain_type;
	free(word);
	return type;
}

void xen_guest_ref(struct guest *g)
{
	atomic_fetch_add(&g->refs, 1);
}

void xen_guest_unref(struct guest *g)
{
	if (!g || atomic_fetch_sub(&g->refs, 1) > 1)
		return;
	lock_acquire(&g->b->lock);
	for (struct guest **at = &g->b->guests; *at; at = &(*at)->next) {
		if (*at != g)
			continue;
		*at = g->next;
		break;
	}
	lock_release(&g->b->lock);
	xen_console_close(g);
	if (g->keptfd >= 0)
		close(g->keptfd);
	for (size_t i = 0; i < g->nloops; i++)
		close(g->loops[i].fd);
	free(g->loops);
	if (g->dirfd >= 0)
		close(g->dirfd);
	spec_unref(g->spec);
	buf_free(&g->log);
	cond_destroy(&g->changed);
	lock_destroy(&g->lock);
	free(g->name);
	free(g);
}

int xen_guest_wait(struct guest *g, bool (*done)(const struct guest *g, uint64_t arg), uint64_t arg, struct job *job,
                   struct err *e)
{
	int rc = 0;

	lock_acquire(&g->lock);
	while (!done(g, arg)) {
		if (g->gone ||
		    (g->ended && done != xen_guest_is_gone)) { /* what has stopped by itself changes no more */
			rc = fail(e, EHOSTDOWN, "the guest has ended");
			break;
		}
		cond_wait(&g->changed, &g->lock, clock_msec() + SLICE_MSEC);
		lock_release(&g->lock);
		rc = job ? job_check(job, e) : 0;
		lock_acquire(&g->lock);
		if (rc)
			break;
	}
	if (rc && done(g, arg)) /* it came while the job was asked */
		rc = 0;
	lock_release(&g->lock);
	return rc;
}

bool xen_guest_is(const struct guest *g, uint64_t state)
{
	return g->state == (enum domain_state)state && !g->ended;
}

bool xen_guest_is_gone(const struct guest *g, uint64_t unused)
{
	(void)unused;
	return g->gone;
}

bool xen_guest_gone(struct guest *g)
{
	bool gone;

	lock_acquire(&g->lock);
	gone = g->gone;
	lock_release(&g->lock);
	return gone;
}

bool xen_guest_runs(struct guest *g)
{
	bool runs;

	lock_acquire(&g->lock);
	runs = xen_guest_is(g, STATE_RUNNING);
	lock_release(&g->lock);
	return runs;
}

int xen_guest_alive(struct guest *g, enum domain_state *state, struct err *e)
{
	bool ended, gone;

	lock_acquire(&g->lock);
	ended = g->ended;
	gone = g->gone;
	if (state)
		*state = g->state;
	lock_release(&g->lock);
	if (gone)
		return fail(e, EHOSTDOWN, "the guest has ended");
	if (ended)
		return fail(e, EINVAL, "the guest has stopped by itself; only destroy and a restart are left");
	return 0;
}
