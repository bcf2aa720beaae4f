#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* Digits of BASE from *S on into *ret; *S stands behind them. -EINVAL when there are none, -ERANGE when too large. */
static int digits_take(const char **s, unsigned base, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = *s, *d;
	uint64_t v = 0;

	for (; *p; p++) {
		d = strchr(digits, tolower((unsigned char)*p));
		if (!d || (unsigned)(d - digits) >= base)
			break;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(d - digits), &v))
			return -ERANGE;
	}
	if (p == *s)
		return -EINVAL;
	*s = p;
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret, struct err *e)
{
	const char *p = s;
	unsigned base = 10;
	uint64_t v = 0;
	int r;

	if (*s == '\0')
		return fail(e, EINVAL, "a number is missing");
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	r = digits_take(&p, base, &v);
	if (r == -EINVAL || (r == 0 && *p))
		return fail(e, EINVAL, "\"%.64s\" is not a number", s);
	if (r == -ERANGE || v > max)
		return fail(e, EINVAL, "%.64s is too large, at most %llu", s, (unsigned long long)max);
	*ret = v;
	return 0;
}

/* The unit of a size as a power of two; -1 for what is none. */
static int size_shift(const char *s)
{
	static const struct {
		char letter;
		int shift;
	} units[] = { { 'k', 10 }, { 'm', 20 }, { 'g', 30 }, { 't', 40 } };

	if (*s == '\0')
		return 20;
	for (size_t i = 0; s[1] == '\0' && i < sizeof(units) / sizeof(units[0]); i++) {
		if (tolower((unsigned char)*s) == units[i].letter)
			return units[i].shift;
	}
	return -1;
}

int parse_mib(const char *s, uint64_t now, uint64_t *ret, struct err *e)
{
	const uint64_t max = UINT64_MAX >> 20; /* its bytes can be counted */
	char sign = *s == '+' || *s == '-' ? *s : '\0';
	const char *p = sign ? s + 1 : s;
	uint64_t v = 0;
	int r, shift;

	if (*s == '\0')
		return fail(e, EINVAL, "a size is missing");
	if (sign && now == 0)
		return fail(e, EINVAL, "%.64s: a size without a sign is wanted here", s);
	r = digits_take(&p, 10, &v);
	shift = size_shift(p);
	if (r == -EINVAL || (r == 0 && shift < 0))
		return fail(e, EINVAL, "\"%.64s\" is not a size: a number of MiB, or with K, M, G or T", s);
	if (r == 0 && shift == 10 && v % 1024)
		return fail(e, EINVAL, "%.64s is not a whole number of MiB", s);
	if (r == 0) {
		if (shift == 10)
			v >>= 10;
		else if (v > max >> (shift - 20))
			r = -ERANGE;
		else
			v <<= shift - 20;
	}
	if (r < 0 || v > max)
		return fail(e, EINVAL, "%.64s is too large", s);
	if (sign == '-' && v > now)
		return fail(e, EINVAL, "%.64s is more than the %llu MiB there are", s, (unsigned long long)now);
	if (sign == '+' && (now > max || v > max - now))
		return fail(e, EINVAL, "%.64s is too large", s);
	*ret = sign == '-' ? now - v : sign == '+' ? now + v : v;
	return 0;
}

int parse_seconds(const char *s, unsigned *ret, struct err *e)
{
	const uint64_t max = INT_MAX / 1000; /* its milliseconds fit poll() */
	const char *p = s;
	uint64_t v = 0, unit = 1;
	int r;

	if (*s == '\0')
		return fail(e, EINVAL, "a time is missing");
	r = digits_take(&p, 10, &v);
	if (r == 0 && *p) {
		unit = *p == 's' ? 1 : *p == 'm' ? 60 : *p == 'h' ? 3600 : 0;
		if (unit == 0 || p[1])
			r = -EINVAL;
	}
	if (r == -EINVAL)
		return fail(e, EINVAL, "\"%.64s\" is not a time: seconds, or a number with s, m or h", s);
	if (r == -ERANGE || v > max / unit)
		return fail(e, EINVAL, "%.64s is too long, at most %llu seconds", s, (unsigned long long)max);
	*ret = (unsigned)(v * unit);
	return 0;
}
