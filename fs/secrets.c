#include "fs/secrets.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *const secret_keys[] = { "vncpasswd", "spicepasswd" };

static bool key_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of the password key that begins at P, which is not in the midst of a word; 0: none. */
static size_t secret_key(const char *text, const char *p, const char *end)
{
	if (p > text && key_byte(p[-1]))
		return 0;
	for (size_t i = 0; i < COUNT(secret_keys); i++) {
		size_t n = strlen(secret_keys[i]);

		if ((size_t)(end - p) >= n && !strncasecmp(p, secret_keys[i], n) && (p + n == end || !key_byte(p[n])))
			return n;
	}
	return 0;
}

/* Past blanks, and past line ends where the language goes on behind a backslash. */
static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\\' || (*p == '\n' && p[-1] == '\\')))
		p++;
	return p;
}

/* The end of the value at P: behind its closing quote, or where a value without quotes must end. */
static const char *value_end(const char *p, const char *end)
{
	char quote = *p;

	if (quote == '\'' || quote == '"') {
		for (p++; p < end && *p != quote && *p != '\n'; p++)
			if (*p == '\\' && p + 1 < end)
				p++;
		return p < end && *p == quote ? p + 1 : p;
	}
	while (p < end && !strchr(",'\"\n", *p))
		p++;
	return p;
}

/* Mask the value that follows a key at P, if there is one; the first byte behind what was taken. */
static const char *mask_value(const char *p, const char *end, struct buf *b)
{
	const char *value = skip_blanks(p, end), *behind;

	if (value == end || *value != '=')
		return p;
	value = skip_blanks(value + 1, end);
	buf_add(b, p, (size_t)(value - p));
	if (value == end)
		return value;
	behind = value_end(value, end);
	if (*value == '\'' || *value == '"')
		buf_printf(b, "%c***%c", *value, *value);
	else if (behind != value)
		buf_puts(b, "***");
	return behind;
}

void secrets_mask(const char *text, size_t n, struct buf *b)
{
	const char *end, *p = text;

	if (!n)
		return;
	end = text + n;
	while (p < end) {
		size_t key = secret_key(text, p, end);

		if (!key) {
			buf_putc(b, *p++);
			continue;
		}
		buf_add(b, p, key);
		p = mask_value(p + key, end, b);
	}
}
