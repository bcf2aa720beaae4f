/*
 * Any text: it is refused, or what is printed of it parses to an equal spec. Overlays, edits and JSON must survive it
 * too.
 */
#include <stdlib.h>
#include <string.h>

#include "hypervisor/config/edit.h"
#include "spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void again(const struct spec *s, bool secrets)
{
	struct buf text = { 0 };
	struct spec *t = NULL;
	struct err e = { 0 };

	spec_print(s, secrets, &text);
	if (spec_parse(text.p ? text.p : "", text.len, &t, NULL, &e) < 0)
		abort();
	if (secrets && !spec_equal(s, t))
		abort();
	spec_unref(t);
	buf_free(&text);
}

static void uses(const struct spec *s)
{
	struct buf text = { 0 };
	struct spec *t = NULL;
	struct err e = { 0 };
	struct uuid u;
	struct cpus c;

	spec_json(s, true, &text);
	spec_json(s, false, &text);
	spec_cmdline(s, &text);
	spec_check_reach(s, false, &e);
	spec_vcpu_affinity(s, 0, &c);
	spec_uuid(s, &u);
	if (spec_with(s, KEY_name, "'other'", &t, &e) < 0)
		abort();
	spec_diff(s, t, &text);
	spec_unref(t);
	buf_free(&text);
}

static void edits(const char *text, size_t len)
{
	static const enum key keys[] = { KEY_memory, KEY_vif };
	static const char *const values[] = { "512", "[ '' ]" };

	for (size_t i = 0; i < COUNT(keys); i++) {
		struct buf out = { 0 }, list = { 0 };
		struct spec *s = NULL;
		struct err e = { 0 };
		unsigned line, column;

		if (config_edit(text, len, keys[i], values[i], &out, &e) < 0)
			abort();
		if (!config_find(out.p, out.len, keys[i], &line, &column) && out.len <= (1u << 20))
			abort();
		config_edit(text, len, keys[i], NULL, &list, &e);
		buf_reset(&list);
		config_edit_item(text, len, keys[i], len % 3, len & 1 ? "'x'" : NULL, &list, &e);
		if (spec_parse(out.p, out.len, &s, NULL, &e) == 0)
			spec_unref(s);
		buf_free(&out);
		buf_free(&list);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = x_strndup((const char *)data, len);
	struct notes notes = { 0 };
	struct spec *s = NULL;
	struct err e = { 0 };

	if (memchr(data, 0, len)) { /* x_strndup may stop there; the parser must not */
		free(text);
		text = x_alloc(len + 1);
		memcpy(text, data, len);
	}
	if (spec_parse(text, len, &s, &notes, &e) == 0) {
		again(s, true);
		again(s, false);
		uses(s);
		edits(text, len);
		spec_unref(s);
	} else if (e.code != 22 || !strchr(e.text, ':')) {
		abort();
	}
	notes_free(&notes);
	free(text);
	return 0;
}
