/* A device keeps its code, and no other gets it. */
#include "tests/unit/model_world.h"

static void give(struct domain *d, const char *text)
{
	struct spec *spec = NULL;

	assert_int_equal(spec_parse(text, strlen(text), &spec, NULL, NULL), 0);
	domain_lock(d);
	spec_unref(d->spec);
	d->spec = spec;
	domain_unlock(d);
}

static unsigned code(struct domain *d, enum device_kind kind, const char *name)
{
	unsigned n;

	domain_lock(d);
	n = device_code(d, kind, name);
	domain_unlock(d);
	return n;
}

static int index_of(struct domain *d, enum device_kind kind, unsigned n)
{
	int i;

	domain_lock(d);
	i = device_index(d, kind, n);
	domain_unlock(d);
	return i;
}

static void test_codes(void **state)
{
	struct world w = world_make();
	struct domain *d;

	(void)state;
	world_open(&w, &fake_backend);
	d = world_define(&w, "web1", NULL);
	assert_int_equal(code(d, DEVICE_DISK, "xvda"), 0);
	assert_int_equal(index_of(d, DEVICE_DISK, 0), -1);
	assert_int_equal(index_of(d, DEVICE_DISK, 1), -1);
	give(d, "disk=['/a,raw,xvda,w','/b,raw,xvdb,w']\nvif=['','devid=7']\n");
	assert_int_equal(code(d, DEVICE_DISK, "xvdb"), 2);
	assert_int_equal(code(d, DEVICE_DISK, "xvda"), 1);
	assert_int_equal(code(d, DEVICE_VIF, "7"), 2);
	assert_int_equal(code(d, DEVICE_VIF, "1"), 0);
	give(d, "disk=['/b,raw,xvdb,w','/c,raw,xvdc,w']\nvif=['devid=7']\n");
	assert_int_equal(index_of(d, DEVICE_DISK, 1), -1);
	assert_int_equal(index_of(d, DEVICE_DISK, 2), 0);
	assert_int_equal(code(d, DEVICE_DISK, "xvdc"), 3);
	assert_int_equal(index_of(d, DEVICE_VIF, 2), 0);
	assert_int_equal(code(d, DEVICE_DISK, "xvda"), 0);
	give(d, "disk=['/c,raw,xvdc,w','/x,raw,xvda,w']\n");
	assert_int_equal(code(d, DEVICE_DISK, "xvda"), 1);
	assert_int_equal(index_of(d, DEVICE_DISK, 1), 1);
	domain_lock(d);
	assert_int_equal(device_next(d, DEVICE_DISK, 0), 1);
	assert_int_equal(device_next(d, DEVICE_DISK, 1), 3);
	assert_int_equal(device_next(d, DEVICE_DISK, 3), 0);
	assert_int_equal(device_next(d, DEVICE_VIF, 0), 0);
	domain_unlock(d);
	world_end(&w);
}

/* More names than there are codes: those that are there keep theirs, a new one gets that of one that is not. */
static void test_full(void **state)
{
	struct world w = world_make();
	struct domain *d;
	unsigned n;
	char *text;

	(void)state;
	world_open(&w, &fake_backend);
	d = world_define(&w, "web1", NULL);
	give(d, "disk=['/a,raw,xvda,w']\nvif=['devid=0']\n");
	assert_int_equal(code(d, DEVICE_VIF, "0"), 1);
	for (unsigned i = 1; i < 3 * DEVICE_CODES; i++) {
		char number[12];

		text = x_printf("vif=['devid=0','devid=%u']\n", i);
		snprintf(number, sizeof(number), "%u", i);
		give(d, text);
		n = code(d, DEVICE_VIF, number);
		assert_true(n > 1 && n <= DEVICE_CODES);
		assert_int_equal(index_of(d, DEVICE_VIF, n), 1);
		assert_int_equal(code(d, DEVICE_VIF, "0"), 1);
		free(text);
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_full),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
