/* A walk over every row: the table itself is what is tested. */
#include "test.h"

#include <string.h>

#include "fs/verb.h"

static bool is_dir(const struct node *n)
{
	return n->kind == KIND_DIR || n->kind == KIND_EACH;
}

static bool writable(const struct node *n)
{
	return n->set || n->input || n->commit || n->verbs;
}

#define EVERY(n) (const struct node *n = nodes; n < nodes + node_count; n++)

static void parents(void **state)
{
	(void)state;
	assert_int_equal(nodes[0].parent, 0);
	assert_string_equal(nodes[0].name, "");
	assert_true(node_count < 256);
	for
		EVERY(n)
		{
			assert_true(n->parent < node_count);
			assert_true(is_dir(&nodes[n->parent]));
			if (n > nodes)
				assert_true(n->parent < (size_t)(n - nodes));
		}
}

static void names(void **state)
{
	(void)state;
	for
		EVERY(n)
		{
			assert_int_equal(!n->name, n->kind == KIND_EACH || n->kind == KIND_LINK);
			if (!n->name || n == nodes)
				continue;
			assert_true(*n->name && !strchr(n->name, '/') && strlen(n->name) < 64);
			for (const struct node *m = nodes + 1; m < n; m++)
				assert_false(m->parent == n->parent && m->name && !strcmp(m->name, n->name));
		}
}

static void documentation(void **state)
{
	(void)state;
	for
		EVERY(n)
		{
			assert_non_null(n->doc);
			assert_true(strlen(n->doc) > 8);
			assert_int_equal(n->doc[strlen(n->doc) - 1], '.');
		}
}

/* What the kind promises is there, and nothing else. */
static void handlers(void **state)
{
	static const struct {
		bool show, text, set, commit, verbs, each, size;
	} has[KIND_COUNT] = {
		[KIND_DIR] = { 0 },
		[KIND_EACH] = { .each = true },
		[KIND_FACT] = { .show = true },
		[KIND_LIVE] = { .show = true, .size = true },
		[KIND_GROWING] = { .text = true },
		[KIND_STREAM] = { .text = true },
		[KIND_SETTING] = { .show = true, .set = true },
		[KIND_CTL] = { .verbs = true },
		[KIND_STAGED] = { .show = true, .commit = true },
	};

	(void)state;
	for
		EVERY(n)
		{
			assert_true(n->kind < KIND_COUNT && n->kind != KIND_LINK);
			assert_int_equal(!!n->show, has[n->kind].show);
			assert_int_equal(!!n->text, has[n->kind].text);
			assert_int_equal(!!n->set, has[n->kind].set);
			assert_int_equal(!!n->commit, has[n->kind].commit);
			assert_int_equal(!!n->verbs, has[n->kind].verbs);
			assert_int_equal(!!n->next, has[n->kind].each);
			assert_int_equal(!!n->find, has[n->kind].each);
			assert_false(n->size && !has[n->kind].size);
			assert_false(n->size && n->exact);
			if (n->input)
				assert_true(n->raw && (n->kind == KIND_GROWING || n->kind == KIND_STREAM));
		}
}

static void modes(void **state)
{
	(void)state;
	for
		EVERY(n)
		{
			if (is_dir(n))
				continue;
			assert_int_equal(writable(n), n->who == WHO_WRITES || n->who == WHO_KEEPS);
		}
}

/* Nothing that is listed blocks; what does not is listed. The host is there by name. */
static void listing(void **state)
{
	(void)state;
	for
		EVERY(n)
		{
			bool dot = n->name && n->name[0] == '.';

			if (n->kind == KIND_STREAM)
				assert_true(dot);
			assert_int_equal(!n->listed, dot || (n->name && !strcmp(n->name, "Domain-0")));
			/* A listed file has a length, without which cp and tar make nothing of it. */
			if (n->listed && n->kind == KIND_LIVE)
				assert_true(n->size || n->exact);
		}
}

static const struct node *row(const char *dir, const char *name)
{
	for
		EVERY(n)
		{
			const char *parent = nodes[n->parent].name;

			if (n->name && !strcmp(n->name, name) && parent && !strcmp(parent, dir))
				return n;
		}
	return NULL;
}

/* Each object has its ctl, status and counters; configurations are not for everybody. */
static void shape(void **state)
{
	static const char *const files[] = { "ctl", "status", "state", "counters" };
	const struct node *domain = NULL;

	(void)state;
	for
		EVERY(n)
	if (n->kind == KIND_EACH && n->parent == 0)
		domain = n;
	assert_non_null(domain);
	for (size_t i = 0; i < COUNT(files); i++) {
		bool found = false;

		assert_non_null(row("Domain-0", files[i]));
		for
			EVERY(n)
		found |= &nodes[n->parent] == domain && n->name && !strcmp(n->name, files[i]);
		assert_true(found);
	}
	for
		EVERY(n)
		{
			if (!n->name || &nodes[n->parent] != domain)
				continue;
			if (!strcmp(n->name, "config") || strstr(n->name, "console"))
				assert_int_equal(n->who, WHO_KEEPS);
			if (!strcmp(n->name, "history") || !strcmp(n->name, "log") || !strcmp(n->name, "live"))
				assert_int_equal(n->who, WHO_MANAGERS);
		}
	assert_int_equal(row("", "history")->who, WHO_ROOT);
	assert_int_equal(row("", "log")->who, WHO_ROOT);
	assert_int_equal(row("", "events")->who, WHO_ROOT);
	assert_int_equal(row("", ".events")->who, WHO_ROOT);
}

/* An installed text is the first staged row of its directory. */
static void config_first(void **state)
{
	(void)state;
	for
		EVERY(n)
		{
			if (n->kind != KIND_STAGED)
				continue;
			assert_string_equal(n->name, "config");
			return;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parents),  cmocka_unit_test(names),        cmocka_unit_test(documentation),
		cmocka_unit_test(handlers), cmocka_unit_test(modes),        cmocka_unit_test(listing),
		cmocka_unit_test(shape),    cmocka_unit_test(config_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
