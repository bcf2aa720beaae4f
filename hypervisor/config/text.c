#include <errno.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "hypervisor/config/keys.h"
#include "hypervisor/config/lexer.h"

/* What the texts of TYPE_STRING keys must be: the functions behind enum text_rule. */

const char *words_find(const char *words, const char *s, struct arena *a)
{
	size_t len = strlen(s), n;

	for (const char *w = words; *w; w += n + (w[n] == ' ')) {
		n = strcspn(w, " ");
		if (n == len && !strncasecmp(w, s, n))
			return arena_strndup(a, w, n);
	}
	return NULL;
}

static int line_check(const char *s, struct err *e)
{
	if (strpbrk(s, "\n\t"))
		return fail(e, EINVAL, "no line ends and tabs here");
	return 0;
}

static int path_check(const char *s, struct err *e)
{
	if (s[0] != '/')
		return fail(e, EINVAL, "\"%s\" is not a full path; give it from / on", s);
	if (strlen(s) >= 4096)
		return fail(e, EINVAL, "a path has less than 4096 bytes");
	return line_check(s, e);
}

static int letters_check(const char *s, const char *letters, const char *what, struct err *e)
{
	size_t n = strspn(s, letters);

	if (s[n])
		return fail(e, EINVAL, "\"%s\": %s", s, what);
	return 0;
}

int listen_split(const char *text, struct arena *a, const char **address, int *display, struct err *e)
{
	const char *colon = strrchr(text, ':'), *first = strchr(text, ':');
	size_t n = strlen(text);
	uint64_t v = 0;

	/* More than one colon without brackets is IPv6 alone. */
	if (colon && (colon == first || colon[-1] == ']')) {
		if (!number_read(colon + 1, &v) || v > 65535 - 5900)
			return fail(e, EINVAL, "\"%s\": a display, 0 to %d, follows the colon", text, 65535 - 5900);
		n = (size_t)(colon - text);
	} else {
		colon = NULL;
	}
	if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-", c))
			return fail(e, EINVAL, "\"%s\" is not ADDRESS or ADDRESS:DISPLAY", text);
	}
	*address = n ? arena_strndup(a, text, n) : NULL;
	*display = colon ? (int)v : -1;
	return 0;
}

bool listen_is_local(const char *address)
{
	return !address || !strcmp(address, "localhost") || !strcmp(address, "::1") ||
	       (!strncmp(address, "127.", 4) && strspn(address, "0123456789.") == strlen(address));
}

static int uuid_text(struct arena *a, const char *text, const char **ret, struct err *e)
{
	char out[UUID_TEXT];
	struct uuid u;
	int rc = parse_uuid(text, &u, e);

	if (rc == 0)
		*ret = arena_strdup(a, uuid_format(out, &u));
	return rc;
}

static int offset_check(const char *s, struct err *e)
{
	uint64_t v;

	if (!number_read(s + (s[0] == '-'), &v) || v > INT32_MAX)
		return fail(e, EINVAL, "\"%s\" is not a number of seconds", s);
	return 0;
}

static int rule_check(enum text_rule rule, struct arena *a, const char *text, const char **ret, struct err *e)
{
	static const char lang[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const char *address;
	int display;

	switch (rule) {
	case TEXT_ANY:
		return 0;
	case TEXT_SOME:
		return line_check(text, e);
	case TEXT_PATH:
		return path_check(text, e);
	case TEXT_KERNEL:
		return strcmp(text, "hvmloader") ? path_check(text, e) : 0;
	case TEXT_UUID:
		return uuid_text(a, text, ret, e);
	case TEXT_BOOT:
		if (strlen(text) > 4)
			return fail(e, EINVAL, "\"%s\": at most four letters", text);
		return letters_check(text, "acdn", "the letters are c (disk), d (cdrom), n (network) and a (floppy)",
		                     e);
	case TEXT_LISTEN:
		return listen_split(text, a, &address, &display, e);
	case TEXT_LANG:
		return letters_check(text, lang, "a keyboard's language is letters, digits, - and _", e);
	case TEXT_NUMBER:
		return offset_check(text, e);
	}
	return 0;
}

int key_text(enum key k, struct arena *a, const char *text, const char **ret, struct err *e)
{
	const struct key_rule *rule = key_rule(k);
	const char *keep = NULL;
	int rc = 0;

	if (strlen(text) > 65536)
		return fail(e, EINVAL, "a text has at most 64 KiB");
	if (rule->words) {
		keep = words_find(rule->words, text, a);
		if (!keep)
			return fail(e, EINVAL, "\"%s\" is none of: %s", text, rule->words);
	} else {
		rc = rule_check(rule->text, a, text, &keep, e);
	}
	if (rc == 0)
		*ret = keep ? keep : arena_strdup(a, text);
	return rc;
}
