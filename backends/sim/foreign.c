/* Guests that nobody started by domfs: those of domains= and the one that comes and goes by churn=. */
#include "sim.h"

#include <stdlib.h>

/* KIND and N are recognisable in `ls .by-uuid`: 73696d is "sim". */
static struct uuid foreign_uuid(uint8_t kind, uint64_t n)
{
	struct uuid u = { { 's', 'i', 'm', kind, 0, 0, 0x40, 0, 0x80, 0 } };

	for (int i = 15; i >= 10; i--, n >>= 8)
		u.b[i] = (uint8_t)n;
	return u;
}

/* Found running, or made by another tool just now: its start is not domfs's. */
static int foreign_new(struct backend *s, const char *name, const struct uuid *u, int id, struct guest **ret,
                       struct err *e)
{
	static const unsigned vcpus[] = { 1, 2, 1, 4 };
	struct spec *spec = NULL;
	char uuid[UUID_TEXT];
	struct buf text = { 0 };
	int r;

	buf_printf(&text,
	           "name = '%s'\nuuid = '%s'\nmemory = %d\nmaxmem = %d\nvcpus = %u\nkernel = '/sim/vmlinuz'\n"
	           "disk = [ 'format=raw, vdev=xvda, access=rw, target=/sim/%s.img' ]\n"
	           "vif = [ 'mac=00:16:3e:%02x:%02x:%02x, bridge=simbr0' ]\n",
	           name, uuid_format(uuid, u), 64 + id % 4 * 16, 256, vcpus[id % 4], name, u->b[13] & 0x7f, u->b[14],
	           u->b[15]);
	r = spec_parse(text.p, text.len, &spec, NULL, e);
	buf_free(&text);
	if (r) {
		fail_in(e, "the simulator's own guest %s", name);
		return r;
	}
	*ret = sim_guest_new(s, name, u, id, spec);
	spec_unref(spec);
	return 0;
}

/* Tells of G, which is in the list. */
static void foreign_appear(struct backend *s, struct guest *g) NEEDS(s->lock)
{
	struct found f = {
		.name = g->name, .uuid = g->uuid, .id = g->id, .spec = g->spec, .started = time_now(), .foreign = true
	};
	struct domain *d;

	g->announced = g->boots;
	lock_release(&s->lock);
	d = s->sink.appeared(s->sink.model, &f, g);
	lock_acquire(&s->lock);
	g->domain = d;
	sim_tell_memory(s, g);
	sim_tell_vcpus(s, g);
	sim_guest_execute(s, g, "found");
}

int sim_foreign_adopt(struct backend *s, struct err *e)
{
	int ret;

	lock_acquire(&s->lock);
	ret = sim_fault_hit(s, VERB_ADOPT, "adopt", e);
	for (unsigned i = 1; !ret && i <= s->opt.domains; i++) {
		struct uuid u = foreign_uuid('v', i);
		char *name = x_printf("vm%u", i);
		struct guest *g;

		ret = foreign_new(s, name, &u, (int)i, &g, e);
		free(name);
		if (ret)
			break;
		sim_guest_insert(s, g);
		foreign_appear(s, g);
	}
	if (!ret && s->opt.churn) {
		s->churn.fire = sim_foreign_churn;
		sim_timer_arm(s, &s->churn, sim_now(s) + s->opt.churn);
	}
	lock_release(&s->lock);
	return ret;
}

void sim_foreign_churn(struct backend *s, struct timer *t)
{
	sim_timer_arm(s, t, sim_now(s) + s->opt.churn);
	if (s->churner) {
		sim_guest_vanish(s, s->churner, END_DESTROYED, "vanished");
	} else {
		struct uuid u = foreign_uuid('c', ++s->churned);
		struct guest *g;
		struct err e;

		if (foreign_new(s, "churn", &u, s->last_id + 1, &g, &e))
			return;
		sim_guest_insert(s, g);
		s->churner = g;
		foreign_appear(s, g);
	}
}
