#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two hex digits into *ret. S may end early. */
static bool byte_take(const char *s, uint8_t *ret)
{
	int hi = hex_value(s[0]), lo = hi < 0 ? -1 : hex_value(s[1]);

	if (lo < 0)
		return false;
	*ret = (uint8_t)(hi << 4 | lo);
	return true;
}

static void random_fill(void *p, size_t n)
{
	ssize_t r;

	do {
		r = getrandom(p, n, 0);
	} while (r < 0 && errno == EINTR);
	if (r != (ssize_t)n)
		abort();
}

int parse_uuid(const char *s, struct uuid *ret, struct err *e)
{
	bool dashes = strlen(s) == UUID_TEXT - 1;
	const char *p = s;
	struct uuid u;
	size_t i;

	for (i = 0; i < sizeof(u.b); i++) {
		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			break;
		if (!byte_take(p, &u.b[i]))
			break;
		p += 2;
	}
	if (i < sizeof(u.b) || *p)
		return fail(e, EINVAL, "\"%.64s\" is not a uuid", s);
	*ret = u;
	return 0;
}

const char *uuid_format(char out[UUID_TEXT], const struct uuid *u)
{
	size_t o = 0;

	for (size_t i = 0; i < sizeof(u->b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[o++] = '-';
		snprintf(out + o, UUID_TEXT - o, "%02x", u->b[i]);
		o += 2;
	}
	return out;
}

struct uuid uuid_random(void)
{
	struct uuid u;

	random_fill(&u, sizeof(u));
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return u;
}

int parse_mac(const char *s, uint8_t ret[6], struct err *e)
{
	static const uint8_t zero[6];
	const char *p = s;
	uint8_t mac[6];
	size_t i;

	for (i = 0; i < 6; i++) {
		if (i > 0 && *p++ != ':')
			break;
		if (!byte_take(p, &mac[i]))
			break;
		p += 2;
	}
	if (i < 6 || *p)
		return fail(e, EINVAL, "\"%.64s\" is not a MAC address like 00:16:3e:12:34:56", s);
	if (mac[0] & 1)
		return fail(e, EINVAL, "%.64s is a multicast address, a guest needs one of its own", s);
	if (memcmp(mac, zero, sizeof(mac)) == 0)
		return fail(e, EINVAL, "%.64s is no guest's address", s);
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

const char *mac_format(char out[MAC_TEXT], const uint8_t mac[6])
{
	snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return out;
}

void mac_random(uint8_t ret[6])
{
	static const uint8_t xen[3] = { 0x00, 0x16, 0x3e };

	memcpy(ret, xen, sizeof(xen));
	random_fill(ret + 3, 3);
	ret[3] &= 0x7f;
}
