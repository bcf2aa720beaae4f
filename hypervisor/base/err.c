#include "err.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/base/utf8.h"

static const char ellipsis[] = "...";

/* TEXT, as printable characters only, into OUT; what does not fit ends at a whole character and in dots. */
static void sentence_copy(char out[ERR_TEXT], const char *text)
{
	size_t n = strlen(text), i = 0, o = 0, cut = 0, len;

	while (i < n) {
		len = utf8_printable(text + i, n - i);
		if (o + (len ? len : 1) >= ERR_TEXT) {
			o = cut;
			memcpy(out + o, ellipsis, sizeof(ellipsis) - 1);
			o += sizeof(ellipsis) - 1;
			break;
		}
		if (len == 0) {
			out[o++] = '?';
			i++;
		} else {
			memcpy(out + o, text + i, len);
			o += len;
			i += len;
		}
		if (o + sizeof(ellipsis) <= ERR_TEXT)
			cut = o;
	}
	out[o] = '\0';
}

int fail(struct err *e, int code, const char *fmt, ...)
{
	char text[ERR_TEXT + 8]; /* longer, so that what vsnprintf() cuts is cut again at a character */
	int saved = errno;
	va_list ap;

	assert(code > 0);
	if (e) {
		va_start(ap, fmt);
		if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
			text[0] = '\0';
		va_end(ap);
		sentence_copy(e->text, text); /* the arguments may have lain in *e */
		e->code = code;
	}
	errno = saved;
	return -code;
}

int fail_in(struct err *e, const char *fmt, ...)
{
	char prefix[ERR_TEXT], text[2 * ERR_TEXT + 2];
	int saved = errno;
	va_list ap;

	if (!e)
		return -EIO;
	if (e->code <= 0) /* never a success out of a failure whose number was lost */
		e->code = EIO;
	va_start(ap, fmt);
	if (vsnprintf(prefix, sizeof(prefix), fmt, ap) < 0)
		prefix[0] = '\0';
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", prefix, e->text);
	sentence_copy(e->text, text);
	errno = saved;
	return -e->code;
}

void err_clear(struct err *e)
{
	if (e) {
		e->code = 0;
		e->text[0] = '\0';
	}
}

const char *err_name(int code)
{
	const char *name;

	if (code == 0)
		return "ok";
	name = code == INT_MIN ? NULL : strerrorname_np(abs(code));
	return name && *name != '0' ? name : "EUNKNOWN";
}
