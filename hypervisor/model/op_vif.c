/* Interfaces of a guest that runs. What was not said of one is chosen here, before it is claimed. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/vif_spec.h"
#include "hypervisor/model/internal.h"
#include "hypervisor/model/op_device.h"
#include "hypervisor/model/operate.h"

static bool number_taken(const struct vif *vifs, size_t n, unsigned index)
{
	for (size_t i = 0; i < n; i++)
		if (vifs[i].index == index)
			return true;
	return false;
}

static bool mac_taken(const struct vif *vifs, size_t n, const uint8_t mac[6])
{
	for (size_t i = 0; i < n; i++)
		if (vifs[i].has_mac && !memcmp(vifs[i].mac, mac, 6))
			return true;
	return false;
}

/* What was not said: the first number that is free, and a MAC. */
static void vif_complete(const struct domain *d, const struct vif *vifs, size_t n, struct vif *v)
{
	char mac[MAC_TEXT];

	while (number_taken(vifs, n, v->index))
		v->index++;
	for (unsigned i = v->index; !v->has_mac; i++) {
		config_mac(&d->uuid, i, mac);
		v->has_mac = !parse_mac(mac, v->mac, NULL) && !mac_taken(vifs, n, v->mac);
	}
}

/* Whether the text SPEC, which is right, says a number. */
static bool number_said(const char *spec)
{
	struct arena a = { 0 };
	struct vif v = { 0 };
	size_t at;
	bool said = !vif_spec_parse(spec, UINT_MAX, false, &a, &v, &at, NULL) && v.index != UINT_MAX;

	arena_free(&a);
	return said;
}

static int vif_add(struct change *c, const char *spec, struct err *e)
{
	size_t n, one;
	const struct vif *vifs = spec_vifs(c->from, &n);
	struct vif *all, *v;
	struct spec *whole = NULL;
	char mac[MAC_TEXT];
	int rc = 0;

	all = x_array(n + 1, sizeof(*all));
	if (n)
		memcpy(all, vifs, n * sizeof(*all));
	v = &all[n];
	*v = *spec_vifs(c->only, &one);
	if (number_said(spec) && number_taken(vifs, n, v->index))
		rc = fail(e, EEXIST, "the guest has an interface %u already", v->index);
	if (!rc && v->has_mac && mac_taken(vifs, n, v->mac))
		rc = fail(e, EEXIST, "the guest has an interface with the MAC address %s already",
		          mac_format(mac, v->mac));
	if (!rc) {
		domain_lock(c->domain);
		vif_complete(c->domain, vifs, n, v);
		domain_unlock(c->domain);
		rc = spec_with_vifs(c->only, v, 1, &whole, e);
	}
	if (!rc) {
		rc = spec_with_vifs(c->from, all, n + 1, &c->live, e);
		spec_unref(c->only);
		c->only = whole;
	}
	free(all);
	return rc;
}

int domain_vif_attach(struct job *j, const char *spec, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	struct change c;
	size_t n;
	int rc = change_begin(&c, j, ops->vif_attach, e);

	if (!rc)
		rc = change_only(&c, KEY_vif, spec, e);
	if (!rc)
		rc = vif_add(&c, spec, e);
	if (!rc)
		rc = change_claim(&c, e);
	if (!rc && !j->dry) {
		(void)spec_vifs(c.live, &n);
		rc = ops->vif_attach(c.guest, c.live, (unsigned)n - 1, j, e);
	}
	return change_end(&c, rc);
}

static int vif_find(const struct spec *s, const char *which, size_t *ret, struct err *e)
{
	size_t n;
	const struct vif *vifs = spec_vifs(s, &n);
	bool is_mac = strchr(which, ':');
	uint64_t number = 0;
	uint8_t mac[6];
	int rc = is_mac ? parse_mac(which, mac, e) : parse_u64(which, UINT32_MAX, &number, e);

	if (rc)
		return fail_in(e, "the interface is a number or a MAC address");
	for (size_t i = 0; i < n; i++) {
		if (is_mac ? !vifs[i].has_mac || memcmp(vifs[i].mac, mac, 6) != 0 : vifs[i].index != number)
			continue;
		*ret = i;
		return 0;
	}
	return fail(e, ENOENT, "there is no interface %s; there are %zu, see its directory vifs", which, n);
}

int domain_vif_detach(struct job *j, const char *which, struct err *e)
{
	const struct backend_ops *ops = j->domain->model->ops;
	const struct vif *vifs;
	struct vif *rest, gone;
	struct change c;
	size_t i = 0, n;
	int rc = change_begin(&c, j, ops->vif_detach, e);

	if (!rc)
		rc = vif_find(c.from, which, &i, e);
	if (rc)
		return change_end(&c, rc);
	vifs = spec_vifs(c.from, &n);
	gone = vifs[i];
	rest = x_array(n, sizeof(*rest));
	memcpy(rest, vifs, i * sizeof(*rest));
	memcpy(rest + i, vifs + i + 1, (n - i - 1) * sizeof(*rest));
	rc = spec_with_vifs(c.from, rest, n - 1, &c.live, e);
	free(rest);
	if (!rc && !j->dry)
		rc = ops->vif_detach(c.guest, c.live, &gone, j, e);
	return change_end(&c, rc);
}
