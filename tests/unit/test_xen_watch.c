/* How a guest ended, as Xen says it and as the model is told: a power-off that `reboot` asked for is a reboot. */
#include <string.h>

#include "tests/unit/config.h"

#include "backends/xen/xen.h"

static enum end ended;
static bool held;
static char reason[32];

static void tell_nothing(struct domain *d, const char *line)
{
	(void)d;
	(void)line;
}

static void tell_state(struct domain *d, enum domain_state s, const char *why)
{
	(void)d;
	(void)s;
	(void)why;
}

static void tell_ended(struct domain *d, enum end how, bool is_held, const char *why)
{
	(void)d;
	ended = how;
	held = is_held;
	snprintf(reason, sizeof(reason), "%s", why);
}

static void test_ends(void **state)
{
	static const struct {
		libxl_shutdown_reason said;
		bool wanted;
		enum end end;
		const char *word;
	} rows[] = {
		{ LIBXL_SHUTDOWN_REASON_POWEROFF, false, END_POWEROFF, "poweroff" },
		{ LIBXL_SHUTDOWN_REASON_POWEROFF, true, END_REBOOT, "reboot" },
		{ LIBXL_SHUTDOWN_REASON_REBOOT, false, END_REBOOT, "reboot" },
		{ LIBXL_SHUTDOWN_REASON_REBOOT, true, END_REBOOT, "reboot" },
		{ LIBXL_SHUTDOWN_REASON_CRASH, true, END_CRASH, "crash" },
		{ LIBXL_SHUTDOWN_REASON_WATCHDOG, true, END_CRASH, "watchdog" },
	};
	struct sink sink = { .log = tell_nothing, .state = tell_state, .ended = tell_ended };
	struct backend b = { .sink = &sink };
	struct uuid u = uuid_random();

	(void)state;
	lock_init(&b.lock);
	for (size_t i = 0; i < COUNT(rows); i++) {
		libxl_dominfo info = { .shutdown = true, .shutdown_reason = rows[i].said };
		struct guest *g = xen_guest_new(&b, &u, NULL);

		g->told = true;
		g->record.reboot_wanted = rows[i].wanted;
		xen_watch_see(g, &info);
		assert_int_equal(ended, rows[i].end);
		assert_string_equal(reason, rows[i].word);
		assert_true(held);
		xen_guest_unref(g);
	}
	lock_destroy(&b.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
