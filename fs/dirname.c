#include "fs/dirname.h"

#include <ctype.h>
#include <string.h>

static const char digits[] = "0123456789ABCDEF";

/* A first letter of '.' would hide the domain. */
static bool plain(const char *name, const char *p)
{
	return isalnum((unsigned char)*p) || *p == '_' || *p == '-' || *p == '+' || (*p == '.' && p != name);
}

bool dirname_encode(const char *name, char out[DIRNAME_TEXT])
{
	char *to = out;

	for (const char *p = name; *p; p++) {
		if (to - out > DIRNAME_TEXT - 4) {
			out[0] = '\0';
			return false;
		}
		if (plain(name, p)) {
			*to++ = *p;
		} else {
			*to++ = '%';
			*to++ = digits[(unsigned char)*p >> 4];
			*to++ = digits[*p & 15];
		}
	}
	*to = '\0';
	return to > out;
}

bool dirname_decode(const char *dir, char out[DIRNAME_TEXT])
{
	char again[DIRNAME_TEXT], *to = out;

	for (const char *p = dir; *p && to - out < DIRNAME_TEXT - 1; p++) {
		const char *high, *low;

		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		high = p[1] ? strchr(digits, p[1]) : NULL;
		low = high && p[2] ? strchr(digits, p[2]) : NULL;
		if (!low)
			break;
		*to++ = (char)((high - digits) << 4 | (low - digits));
		p += 2;
	}
	*to = '\0';
	if (dirname_encode(out, again) && !strcmp(again, dir))
		return true;
	out[0] = '\0';
	return false;
}
