#include "backends/qemu/qemu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

static const char int_max[] = "9223372036854775807";

/*
 * QEMU counts in 64 bits without a sign (2^64-1 is "the guest does not say"), and the parser refuses what is above
 * 2^63-1: such digits are replaced by the largest that fits. Returns how many bytes of P belong to the number.
 */
static size_t clamp(char *p, size_t n)
{
	size_t digits = strspn(p, "0123456789");
	size_t most = sizeof(int_max) - 1;

	if (digits < n && strchr(".eE", p[digits]))
		return digits;
	if (digits > most || (digits == most && memcmp(p, int_max, most) > 0)) {
		memcpy(p, int_max, most);
		memset(p + most, ' ', digits - most);
	}
	return digits;
}

/* False when brackets are nested too deep. */
static bool prepare(char *p, size_t n)
{
	unsigned depth = 0;
	bool string = false;

	for (size_t i = 0; i < n; i++) {
		if (string) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				string = false;
		} else if (p[i] == '"') {
			string = true;
		} else if (p[i] == '{' || p[i] == '[') {
			if (++depth > DEPTH_MAX)
				return false;
		} else if (p[i] == '}' || p[i] == ']') {
			depth -= depth > 0;
		} else if (p[i] >= '0' && p[i] <= '9') {
			size_t number = clamp(p + i, n - i);

			/* Behind the point digits have no limit. */
			i += number;
			while (i < n && p[i] != '\0' && strchr("0123456789.eE+-", p[i]))
				i++;
			i--;
		}
	}
	return true;
}

json_t *qmp_parse(const char *line, size_t n, struct err *e)
{
	json_error_t why;
	json_t *ret = NULL;
	char *copy = x_strndup(line, n);

	if (strlen(copy) != n)
		fail(e, EREMOTEIO, "a NUL byte in QMP");
	else if (!prepare(copy, n))
		fail(e, EREMOTEIO, "QMP nested deeper than %d", DEPTH_MAX);
	else if (!(ret = json_loadb(copy, n, JSON_REJECT_DUPLICATES, &why)))
		fail(e, EREMOTEIO, "not QMP: %s", why.text);
	else if (!json_is_object(ret)) {
		json_decref(ret);
		ret = NULL;
		fail(e, EREMOTEIO, "not QMP: no object");
	}
	free(copy);
	return ret;
}
