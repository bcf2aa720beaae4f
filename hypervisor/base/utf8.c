#include "hypervisor/base/utf8.h"

#include <stdbool.h>
#include <stdint.h>

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_printable(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c;

	if (n == 0 || u[0] < 0x20 || u[0] == 0x7f)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (n >= 2 && u[0] >= 0xc2 && u[0] <= 0xdf && is_tail(u[1]))
		return u[0] == 0xc2 && u[1] < 0xa0 ? 0 : 2; /* C1 controls move terminals as escape sequences do */
	if (n >= 3 && (u[0] & 0xf0) == 0xe0 && is_tail(u[1]) && is_tail(u[2])) {
		c = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
		return c < 0x800 || (c >= 0xd800 && c <= 0xdfff) || c == 0x2028 || c == 0x2029 ? 0 : 3;
	}
	if (n >= 4 && (u[0] & 0xf8) == 0xf0 && is_tail(u[1]) && is_tail(u[2]) && is_tail(u[3])) {
		c = (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
		return c < 0x10000 || c > 0x10ffff ? 0 : 4;
	}
	return 0;
}
