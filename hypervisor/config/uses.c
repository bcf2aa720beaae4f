/* What a spec says that a backend does not do: by that backend's tables. */
#include <errno.h>
#include <string.h>

#include "spec.h"

bool word_is(const char *s, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(s, *words) == 0)
			return true;
	}
	return false;
}

/* Whether the value asks for anything: sdl=0, pci=[] and bios="" are in many configurations and ask for nothing. */
static bool asks(const struct spec *s, enum key k)
{
	static const char *const nothing[] = { "", "0", "none", "default", NULL };
	const char *const *list;

	switch (key_table[k].type) {
	case TYPE_BOOL:
		return spec_bool(s, k, false);
	case TYPE_INT:
		return spec_int(s, k, 0) != 0;
	case TYPE_LIST:
		return spec_list(s, k, &list) > 0 && !word_is(spec_str(s, k, "?"), nothing);
	case TYPE_STRING:
		return !word_is(spec_str(s, k, ""), nothing);
	default:
		return true;
	}
}

static int check_rows(const struct spec *s, const struct key_use *uses, struct err *e)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		if (uses[k].means == KEY_REFUSED && spec_has(s, (enum key)k) && asks(s, (enum key)k))
			return fail(e, EOPNOTSUPP, "%s: %s", key_table[k].name, uses[k].why);
	}
	return 0;
}

static int check_words(const struct spec *s, const struct key_words *only, struct err *e)
{
	enum key k = only->key;
	const char *const *list = (const char *const[]){ spec_str(s, k, "") };
	size_t n = key_table[k].type == TYPE_LIST ? spec_list(s, k, &list) : 1;

	for (size_t i = 0; i < n; i++) {
		if (spec_has(s, k) && !word_is(list[i], only->words))
			return fail(e, EOPNOTSUPP, "%s: %s", key_table[k].name, only->why);
	}
	return 0;
}

static int check_actions(const struct spec *s, struct err *e)
{
	static const enum key keys[] = { KEY_on_poweroff, KEY_on_reboot, KEY_on_crash };

	for (size_t i = 0; i < COUNT(keys); i++) {
		enum action a = spec_action(s, keys[i], ACTION_DESTROY);

		if (a != ACTION_DESTROY && a != ACTION_RESTART && a != ACTION_PRESERVE)
			return fail(e, EOPNOTSUPP, "%s: %s cannot be done here; destroy, restart and preserve can",
			            key_table[keys[i]].name, action_names[a]);
	}
	return 0;
}

int spec_check_uses(const struct spec *s, const struct key_use *uses, const struct key_words *only, size_t n,
                    struct err *e)
{
	int rc = check_rows(s, uses, e);

	for (size_t i = 0; !rc && i < n; i++)
		rc = check_words(s, &only[i], e);
	return rc ? rc : check_actions(s, e);
}
