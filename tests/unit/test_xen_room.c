#include "tests/unit/config.h"

#include "backends/xen/xen.h"

static void as_xl_decides(void **state)
{
	static const struct {
		const char *autoballoon, *xen;
		bool gives;
	} cases[] = {
		{ NULL, "", true },
		{ NULL, "placeholder loglvl=all", true },
		{ NULL, "dom0_mem=512M,max:512M", false },
		{ NULL, "loglvl=all dom0_mem=max:1G no-real-mode", false },
		{ NULL, "loglvl=all xdom0_mem=1G", true },
		{ NULL, "xdom0_mem=1G dom0_mem=1G", false },
		{ "auto", "dom0_mem=1G", false },
		{ "auto", "loglvl=all", true },
		{ "on", "dom0_mem=1G", true },
		{ "1", "dom0_mem=1G", true },
		{ "off", "", false },
		{ "0", "", false },
		{ "maybe", "", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(xen_room_given(cases[i].autoballoon, cases[i].xen), cases[i].gives);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_xl_decides) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
