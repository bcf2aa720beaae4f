#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "units.h"
#include "tests/unit/test.h"

#define UNTOUCHED 0xa5a5a5a5u

/* R and, when it is 0, GOT against what the row wants; on failure there is a sentence and the result is untouched. */
static void check(const char *text, int r, const struct err *e, uint64_t got, bool good, uint64_t want)
{
	if (r != (good ? 0 : -EINVAL) || got != (good ? want : UNTOUCHED))
		print_error("case \"%s\": %d %llu %s\n", text, r, (unsigned long long)got, e->text);
	assert_int_equal(r, good ? 0 : -EINVAL);
	assert_true(got == (good ? want : UNTOUCHED));
	assert_int_equal(e->code, good ? 0 : EINVAL);
	assert_true(good || strlen(e->text) > 10);
}

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t want;
	} cases[] = {
		{ "0", 0, true, 0 },
		{ "42", 100, true, 42 },
		{ "010", 100, true, 10 },
		{ "0x1F", 100, true, 31 },
		{ "0XfF", 255, true, 255 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "0xffffffffffffffff", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999999999999999999", UINT64_MAX, false, 0 },
		{ "101", 100, false, 0 },
		{ "", 100, false, 0 },
		{ "0x", 100, false, 0 },
		{ "x1", 100, false, 0 },
		{ "-1", UINT64_MAX, false, 0 },
		{ "+1", 100, false, 0 },
		{ " 1", 100, false, 0 },
		{ "1 ", 100, false, 0 },
		{ "1.0", 100, false, 0 },
		{ "1f", 100, false, 0 },
		{ "0x-1", 100, false, 0 },
		{ "0x1g", 100, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		uint64_t v = UNTOUCHED;
		int r = parse_u64(cases[i].text, cases[i].max, &v, &e);

		check(cases[i].text, r, &e, v, cases[i].good, cases[i].want);
	}
}

static void test_mib(void **state)
{
	static const struct {
		const char *text;
		uint64_t now;
		bool good;
		uint64_t want;
	} cases[] = {
		{ "512", 0, true, 512 },
		{ "512M", 0, true, 512 },
		{ "512m", 0, true, 512 },
		{ "1G", 0, true, 1024 },
		{ "2T", 0, true, 2097152 },
		{ "1024K", 0, true, 1 },
		{ "1048576k", 0, true, 1024 },
		{ "0", 0, true, 0 },
		{ "+64", 512, true, 576 },
		{ "-64", 512, true, 448 },
		{ "+1G", 512, true, 1536 },
		{ "-512", 512, true, 0 },
		{ "700", 512, true, 700 },
		{ "17592186044415", 0, true, 17592186044415 },
		{ "17592186044416", 0, false, 0 },
		{ "16777216T", 0, false, 0 },
		{ "18446744073709551615T", 0, false, 0 },
		{ "18446744073709551616", 0, false, 0 },
		{ "+17592186044415", 1, false, 0 },
		{ "-513", 512, false, 0 },
		{ "+64", 0, false, 0 },
		{ "-64", 0, false, 0 },
		{ "1000K", 0, false, 0 },
		{ "", 0, false, 0 },
		{ "+", 512, false, 0 },
		{ "M", 0, false, 0 },
		{ "512MB", 0, false, 0 },
		{ "512 M", 0, false, 0 },
		{ "1.5G", 0, false, 0 },
		{ "--64", 512, false, 0 },
		{ "0x200", 0, false, 0 },
		{ "512P", 0, false, 0 },
		{ " 512", 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		uint64_t v = UNTOUCHED;
		int r = parse_mib(cases[i].text, cases[i].now, &v, &e);

		check(cases[i].text, r, &e, v, cases[i].good, cases[i].want);
	}
}

static void test_seconds(void **state)
{
	static const struct {
		const char *text;
		bool good;
		unsigned want;
	} cases[] = {
		{ "0", true, 0 },
		{ "90", true, 90 },
		{ "90s", true, 90 },
		{ "5m", true, 300 },
		{ "1h", true, 3600 },
		{ "2147483", true, 2147483 },
		{ "2147484", false, 0 },
		{ "597h", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "", false, 0 },
		{ "s", false, 0 },
		{ "5d", false, 0 },
		{ "5ms", false, 0 },
		{ "-5", false, 0 },
		{ "5 ", false, 0 },
		{ "307445734561825861m", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		unsigned v = UNTOUCHED;
		int r = parse_seconds(cases[i].text, &v, &e);

		check(cases[i].text, r, &e, v, cases[i].good, cases[i].want);
	}
}

static void test_time(void **state)
{
	static const struct {
		struct timespec t;
		const char *want;
	} cases[] = {
		{ { 0, 0 }, "-" },
		{ { 1, 0 }, "1970-01-01T00:00:01.000Z" },
		{ { 0, 1000000 }, "1970-01-01T00:00:00.001Z" },
		{ { 1795294405, 123999999 }, "2026-11-21T20:53:25.123Z" },
		{ { 253402300799, 999999999 }, "9999-12-31T23:59:59.999Z" },
		{ { 253402300800, 0 }, "-" },
		{ { INT64_MAX, 0 }, "-" },
		{ { INT64_MIN, 0 }, "-" },
		{ { 1, -5 }, "1970-01-01T00:00:01.000Z" },
	};
	char out[TIME_TEXT];
	uint64_t a, b;

	(void)state;
	setenv("TZ", "Asia/Kathmandu", 1);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(time_format(out, &cases[i].t), cases[i].want);
	assert_true(time_now().tv_sec > 1700000000);
	a = clock_msec();
	b = clock_msec();
	assert_true(a > 0 && b >= a);
}

static void test_uuid(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "01234567-89ab-cdef-0123-456789abcdef", true },  { "0123456789ABCDEF0123456789ABCDEF", true },
		{ "01234567-89AB-cdef-0123-456789abcdef", true },  { "", false },
		{ "01234567-89ab-cdef-0123-456789abcde", false },  { "01234567-89ab-cdef-0123-456789abcdef0", false },
		{ "01234567-89ab-cdef-0123-456789abcdeg", false }, { "0123456789abcdef0123456789abcde", false },
		{ "0123456789abcdef0123456789abcdef00", false },   { "0123456-789ab-cdef-0123-456789abcdef", false },
		{ "0123456789ab-cdef-0123-456789abcdef", false },  { "0123456789abcdef0123456789abcdef----", false },
		{ "------------------------------------", false },
	};
	static const uint8_t want[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
		                          0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	struct uuid u, v;
	char out[UUID_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };

		memset(&u, 0x5a, sizeof(u));
		v = u;
		if (cases[i].good)
			memcpy(&v, want, sizeof(want));
		assert_int_equal(parse_uuid(cases[i].text, &u, &e), cases[i].good ? 0 : -EINVAL);
		assert_memory_equal(&u, &v, sizeof(u));
	}
	memcpy(u.b, want, sizeof(want));
	assert_string_equal(uuid_format(out, &u), cases[0].text);
	for (int i = 0; i < 100; i++) {
		u = uuid_random();
		uuid_format(out, &u);
		assert_int_equal(out[14], '4');
		assert_non_null(strchr("89ab", out[19]));
		assert_int_equal(parse_uuid(out, &v, NULL), 0);
		assert_memory_equal(&u, &v, sizeof(u));
	}
	v = uuid_random();
	assert_memory_not_equal(&u, &v, sizeof(u));
}

static void test_mac(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "00:16:3e:01:02:0f", true },  { "00:16:3E:01:02:0F", true },     { "01:16:3e:01:02:0f", false },
		{ "ff:ff:ff:ff:ff:ff", false }, { "00:00:00:00:00:00", false },    { "", false },
		{ "00:16:3e:01:02", false },    { "00:16:3e:01:02:0f:00", false }, { "00:16:3e:01:02:0f ", false },
		{ "00:16:3e:1:2:f", false },    { "00163e01020f", false },         { "00:16:3g:01:02:0f", false },
		{ "00-16-3e-01-02-0f", false }, { "00:16:3e:01:02:0", false },     { ":::::", false },
	};
	static const uint8_t want[6] = { 0x00, 0x16, 0x3e, 0x01, 0x02, 0x0f }, before[6] = { 9, 9, 9, 9, 9, 9 };
	char out[MAC_TEXT];
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };

		memcpy(mac, before, 6);
		assert_int_equal(parse_mac(cases[i].text, mac, &e), cases[i].good ? 0 : -EINVAL);
		assert_memory_equal(mac, cases[i].good ? want : before, 6);
	}
	assert_string_equal(mac_format(out, want), cases[0].text);
	for (int i = 0; i < 100; i++) {
		mac_random(mac);
		assert_memory_equal(mac, want, 3);
		assert_in_range(mac[3], 0, 0x7f);
		assert_int_equal(parse_mac(mac_format(out, mac), mac, NULL), 0);
	}
}

static void test_cpus(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{ "all", "all" },
		{ "ALL", "all" },
		{ "0", "0" },
		{ "0-3,5", "0-3,5" },
		{ "0-3,^1", "0,2-3" },
		{ "^2", "0-1,3-1023" },
		{ "5,4,3,1", "1,3-5" },
		{ "0-7,^2-4", "0-1,5-7" },
		{ "^2,^3", "0-1,4-1023" },
		{ " 0, 2 , 3", "0,2-3" },
		{ "1023", "1023" },
		{ "63,64", "63-64" },
		{ "0-1023", "all" },
		{ "all,^0", "1-1023" },
		{ "0-3,^1,1", "0-3" },
		{ "2-2", "2" },
		{ "^0-1022", "1023" },
		{ "", NULL },
		{ ",", NULL },
		{ "0,", NULL },
		{ ",0", NULL },
		{ "0,,1", NULL },
		{ "1024", NULL },
		{ "0-1024", NULL },
		{ "3-1", NULL },
		{ "1-", NULL },
		{ "-1", NULL },
		{ "1-2-3", NULL },
		{ "a", NULL },
		{ "0x1", NULL },
		{ "^", NULL },
		{ "^^1", NULL },
		{ "0,^0", NULL },
		{ "^all", NULL },
		{ "nodes:0", NULL },
		{ "node:0-1", NULL },
		{ "0,nodes:1", NULL },
		{ "1 2", NULL },
		{ "99999999999999999999", NULL },
		{ "4294967296", NULL },
		{ "all,^nodes:1", NULL },
	};
	char out[CPUS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cpus c = { { UNTOUCHED } }, again;
		struct err e = { 0 };
		int r = parse_cpus(cases[i].text, &c, &e);

		if (r != (cases[i].want ? 0 : -EINVAL))
			print_error("case \"%s\": %d %s\n", cases[i].text, r, e.text);
		assert_int_equal(r, cases[i].want ? 0 : -EINVAL);
		if (!cases[i].want) {
			assert_true(c.w[0] == UNTOUCHED);
			continue;
		}
		assert_string_equal(cpus_format(out, &c), cases[i].want);
		assert_int_equal(parse_cpus(out, &again, NULL), 0);
		assert_true(cpus_equal(&c, &again));
	}
}

static void test_cpus_set(void **state)
{
	struct cpus c = { { 0 } };
	char out[CPUS_TEXT];
	size_t n;

	(void)state;
	assert_string_equal(cpus_format(out, &c), "");
	cpus_add(&c, CPUS_MAX);
	cpus_add(&c, ~0u);
	assert_string_equal(cpus_format(out, &c), "");
	assert_false(cpus_has(&c, CPUS_MAX));
	assert_false(cpus_has(&c, ~0u));
	for (unsigned i = 0; i < CPUS_MAX; i += 2)
		cpus_add(&c, i);
	assert_true(cpus_has(&c, 1022));
	assert_false(cpus_has(&c, 1023));
	n = strlen(cpus_format(out, &c)); /* the longest text does not fit: it ends at a whole number */
	assert_in_range(n, CPUS_TEXT - 12, CPUS_TEXT - 1);
	assert_string_equal(out + n - 4, ",...");
}

static void test_name_check(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "web1", true },       { "_x", true },        { "A.b_c-d+e", true }, { "Ctl", true },
		{ "ctl2", true },       { "Domain-1", true },  { "domain-0", true },  { "x", true },
		{ "", false },          { "1web", false },     { ".web", false },     { "-web", false },
		{ "..", false },        { "a/b", false },      { "a b", false },      { "a\n", false },
		{ "a%41", false },      { "\xc3\xbc", false }, { "a~", false },       { "#a", false },
		{ "ctl", false },       { "info", false },     { "list", false },     { "events", false },
		{ "history", false },   { "log", false },      { "metrics", false },  { "domains.json", false },
		{ "Domain-0", false },  { "networks", false }, { "pools", false },    { "images", false },
		{ "templates", false }, { "hosts", false },    { "jobs", false },     { "tags", false },
	};
	char longest[NAME_MAX_LEN + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };

		if (name_check(cases[i].text, &e) != (cases[i].good ? 0 : -EINVAL))
			print_error("case \"%s\": %s\n", cases[i].text, e.text);
		assert_int_equal(name_check(cases[i].text, &e), cases[i].good ? 0 : -EINVAL);
	}
	memset(longest, 'n', sizeof(longest));
	longest[NAME_MAX_LEN + 1] = '\0';
	assert_int_equal(name_check(longest, NULL), -EINVAL);
	longest[NAME_MAX_LEN] = '\0';
	assert_int_equal(name_check(longest, NULL), 0);
}

static const char *word(size_t i, const void *ctx)
{
	return ((const char *const *)ctx)[i];
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "start",          "pause",   NULL,      "unpause",
		                             "shutdown",       "destroy", "mem-set", "network-attach",
		                             "network-detach", "save",    "x" };
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "strat", "start" },
		{ "puase", "pause" },
		{ "PAUSE", "pause" },
		{ "shutdwon", "shutdown" },
		{ "destory", "destroy" },
		{ "memset", "mem-set" },
		{ "network-atach", "network-attach" },
		{ "sav", "save" },
		{ "start", "start" },
		{ "unpuase", "unpause" },
		{ "halt", NULL },
		{ "", NULL },
		{ "y", NULL },
		{ "x", NULL },
		{ "qwertyuiop", NULL },
		{ "xy", NULL },
	};
	char big[5000];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = nearest(cases[i].text, COUNT(words), word, words);

		if (!cases[i].want)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].want);
	}
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_null(nearest(big, COUNT(words), word, words));
	assert_null(nearest("start", 0, word, words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),     cmocka_unit_test(test_mib),      cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_time),    cmocka_unit_test(test_uuid),     cmocka_unit_test(test_mac),
		cmocka_unit_test(test_cpus),    cmocka_unit_test(test_cpus_set), cmocka_unit_test(test_name_check),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
