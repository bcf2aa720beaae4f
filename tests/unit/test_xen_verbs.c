/* Who is asked how: by Xen's own way, by the power button where there is one, or not at all. libxl and call.c are told here. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/config.h"

#include "backends/xen/xen.h"

struct xen_call {
	libxl_asyncop_how how;
};

static int answer; /* libxl's, to both ways of asking */
static int asked, pressed, press_answer;

int libxl_domain_shutdown(libxl_ctx *ctx, uint32_t id, const libxl_asyncop_how *how)
{
	(void)ctx;
	(void)id;
	(void)how;
	asked++;
	return answer;
}

int libxl_domain_reboot(libxl_ctx *ctx, uint32_t id, const libxl_asyncop_how *how)
{
	return libxl_domain_shutdown(ctx, id, how);
}

int libxl_send_trigger(libxl_ctx *ctx, uint32_t id, libxl_trigger t, uint32_t vcpu, const libxl_asyncop_how *how)
{
	(void)ctx;
	(void)id;
	(void)vcpu;
	(void)how;
	assert_int_equal(t, LIBXL_TRIGGER_POWER);
	pressed++;
	return press_answer;
}

int xen_call_begin(struct backend *b, struct guest *g, struct xen_call **ret, struct err *e)
{
	(void)b;
	(void)g;
	(void)e;
	*ret = x_alloc(sizeof(**ret));
	return 0;
}

libxl_ctx *xen_call_ctx(struct xen_call *c)
{
	(void)c;
	return NULL;
}

const libxl_asyncop_how *xen_call_how(struct xen_call *c)
{
	return &c->how;
}

int xen_call_error(struct xen_call *c, int rc, const char *what, struct err *e)
{
	(void)c;
	return !rc ? 0 : fail(e, rc == ERROR_NOPARAVIRT ? EOPNOTSUPP : EREMOTEIO, "%s: %d", what, rc);
}

int xen_call_finish(struct xen_call *c, int rc, struct job *j, const char *what, struct err *e)
{
	(void)j;
	return xen_call_error(c, rc, what, e);
}

void xen_call_end(struct xen_call *c)
{
	free(c);
}

pid_t xen_fork(void *user)
{
	(void)user;
	return -1;
}

int xen_ctx_open(xentoollog_logger *log, libxl_ctx **ret, struct err *e)
{
	(void)log;
	(void)ret;
	return fail(e, EIO, "no Xen");
}

xentoollog_logger *xen_log_quiet(void)
{
	return NULL;
}

enum { HEARS = 0, DEAF = ERROR_NOPARAVIRT, BROKEN = ERROR_FAIL };

static void test_ask(void **state)
{
	static const struct {
		bool reboot, foreign;
		libxl_domain_type type;
		int answer, press_answer;
		bool before; /* a reboot was asked for before */
		int rc, pressed;
		bool wanted; /* its next power-off is a reboot */
	} rows[] = {
		{ false, false, LIBXL_DOMAIN_TYPE_PV, HEARS, 0, false, 0, 0, false },
		{ true, false, LIBXL_DOMAIN_TYPE_PV, HEARS, 0, false, 0, 0, false },
		{ false, false, LIBXL_DOMAIN_TYPE_PVH, DEAF, 0, false, -EOPNOTSUPP, 0, false },
		{ true, false, LIBXL_DOMAIN_TYPE_PVH, DEAF, 0, false, -EOPNOTSUPP, 0, false },
		{ false, false, LIBXL_DOMAIN_TYPE_HVM, DEAF, 0, false, 0, 1, false },
		{ true, false, LIBXL_DOMAIN_TYPE_HVM, DEAF, 0, false, 0, 1, true },
		{ true, false, LIBXL_DOMAIN_TYPE_HVM, DEAF, 0, true, 0, 1, true },
		{ false, false, LIBXL_DOMAIN_TYPE_HVM, DEAF, 0, true, 0, 1, false },
		{ false, false, LIBXL_DOMAIN_TYPE_HVM, HEARS, 0, true, 0, 0, false },
		{ true, false, LIBXL_DOMAIN_TYPE_HVM, HEARS, 0, false, 0, 0, false },
		{ true, false, LIBXL_DOMAIN_TYPE_HVM, DEAF, BROKEN, false, -EREMOTEIO, 1, false },
		{ true, false, LIBXL_DOMAIN_TYPE_HVM, BROKEN, 0, false, -EREMOTEIO, 0, false },
		{ false, true, LIBXL_DOMAIN_TYPE_HVM, DEAF, 0, false, 0, 1, false },
		{ true, true, LIBXL_DOMAIN_TYPE_HVM, DEAF, 0, false, -EOPNOTSUPP, 0, false },
	};
	struct backend b = { 0 };
	struct uuid u = uuid_random();

	(void)state;
	lock_init(&b.lock);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guest *g = xen_guest_new(&b, &u, NULL);
		struct err e = { 0 };
		int rc;

		g->state = STATE_RUNNING;
		g->type = rows[i].type;
		g->foreign = rows[i].foreign;
		g->record.reboot_wanted = rows[i].before;
		answer = rows[i].answer;
		press_answer = rows[i].press_answer;
		asked = pressed = 0;
		rc = rows[i].reboot ? xen_reboot(g, NULL, &e) : xen_shutdown(g, NULL, &e);
		if (rc != rows[i].rc || pressed != rows[i].pressed || g->record.reboot_wanted != rows[i].wanted)
			fail_msg("row %zu: %d, pressed %d times, %swanted", i, rc, pressed,
			         g->record.reboot_wanted ? "" : "not ");
		assert_int_equal(asked, 1);
		xen_guest_unref(g);
	}
	lock_destroy(&b.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
