/* Lookup, listing, inodes, modes and padding, on a small table of rows of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/node.h"
#include "fs/verb.h"
#include "tests/unit/test.h"

enum { ROOT, CTL, INFO, HIDDEN, LINKS, A_LINK, DOM, STATUS, CONFIG, SECRET, DISKS, DISK, SIZE, ROWS };

static struct model model;
static struct domain domains[5]; /* serials 2, 4, 6, 8, 10, called d0 to d4 */
static bool gone[5];

static bool next_domain(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	(void)r;
	for (size_t i = 0; i < COUNT(domains); i++) {
		if (domains[i].serial <= *cookie || gone[i])
			continue;
		*cookie = domains[i].serial;
		child->domain = domain_ref(&domains[i]);
		snprintf(name, 256, "d%zu", i);
		return true;
	}
	return false;
}

static bool find_domain(const struct ref *r, const char *name, struct ref *child)
{
	size_t i = strlen(name) == 2 ? (size_t)(name[1] - '0') : COUNT(domains);

	(void)r;
	if (name[0] != 'd' || i >= COUNT(domains) || gone[i])
		return false;
	child->domain = domain_ref(&domains[i]);
	return true;
}

static bool next_disk(const struct ref *r, uint64_t *cookie, struct ref *child, char name[256])
{
	if (*cookie >= 3)
		return false;
	child->domain = domain_ref(r->domain);
	child->device = (unsigned)++*cookie;
	snprintf(name, 256, "disk%u", child->device);
	return true;
}

static bool find_disk(const struct ref *r, const char *name, struct ref *child)
{
	if (strcmp(name, "disk2") != 0)
		return false;
	child->domain = domain_ref(r->domain);
	child->device = 2;
	return true;
}

static int show(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	(void)reader, (void)e;
	buf_printf(b, "serial %u\n", r->domain ? (unsigned)r->domain->serial : 0);
	return 0;
}

static char *target(const struct ref *r)
{
	(void)r;
	return x_strdup("../d0");
}

static int commit(struct job *j, const struct ref *r, const char *p, size_t n, struct err *e)
{
	(void)j, (void)r, (void)p, (void)n, (void)e;
	return 0;
}

static size_t size_64(const struct ref *r)
{
	(void)r;
	return 64;
}

static const struct verb verbs[] = { { .name = "do", .usage = "", .doc = "do it" }, { 0 } };

const struct node nodes[] = {
	[ROOT] = { .kind = KIND_DIR, .name = "", .doc = "x" },
	[CTL] = { .kind = KIND_CTL, .who = WHO_WRITES, .listed = true, .name = "ctl", .verbs = verbs },
	[INFO] = { .kind = KIND_LIVE, .listed = true, .name = "info", .show = show, .size = size_64 },
	[HIDDEN] = { .kind = KIND_FACT, .name = ".hidden", .show = show },
	[LINKS] = { .kind = KIND_DIR, .name = ".links" },
	[A_LINK] = { .kind = KIND_LINK,
	             .parent = LINKS,
	             .listed = true,
	             .next = next_domain,
	             .find = find_domain,
	             .target = target },
	[DOM] = { .kind = KIND_EACH, .listed = true, .next = next_domain, .find = find_domain },
	[STATUS] = { .kind = KIND_FACT, .parent = DOM, .listed = true, .name = "status", .show = show },
	[CONFIG] = { .kind = KIND_STAGED,
	             .who = WHO_KEEPS,
	             .parent = DOM,
	             .listed = true,
	             .name = "config",
	             .show = show,
	             .commit = commit },
	[SECRET] = { .kind = KIND_FACT,
	             .who = WHO_ROOT,
	             .parent = DOM,
	             .listed = true,
	             .name = "secret",
	             .show = show },
	[DISKS] = { .kind = KIND_DIR, .parent = DOM, .listed = true, .name = "disks" },
	[DISK] = { .kind = KIND_EACH, .parent = DISKS, .listed = true, .next = next_disk, .find = find_disk },
	[SIZE] = { .kind = KIND_FACT, .parent = DISK, .listed = true, .name = "size", .show = show },
};
const size_t node_count = ROWS;

static int setup(void **state)
{
	static struct domain *by_serial[COUNT(domains)];

	(void)state;
	lock_init(&model.lock);
	for (size_t i = 0; i < COUNT(domains); i++) {
		lock_init(&domains[i].lock);
		domains[i].refs = 1;
		domains[i].serial = 2 + 2 * i;
		domains[i].mode = 0750;
		domains[i].owner = 1000;
		domains[i].group = 100;
		by_serial[i] = &domains[i];
	}
	model.by_serial = by_serial;
	model.domains = COUNT(domains);
	return 0;
}

static struct ref find(const char *path)
{
	struct ref at = { .model = &model, .node = nodes }, next;
	char *copy = x_strdup(path), *rest = copy, *name;

	while ((name = strsep(&rest, "/"))) {
		assert_int_equal(node_lookup(&at, name, &next), 0);
		ref_put(&at);
		at = next;
	}
	free(copy);
	return at;
}

static void lookup(void **state)
{
	static const struct {
		const char *path;
		int row;
	} cases[] = {
		{ "ctl", CTL },
		{ ".hidden", HIDDEN },
		{ "d3", DOM },
		{ "d3/status", STATUS },
		{ ".links/d1", A_LINK },
		{ "d0/disks/disk2", DISK },
		{ "d0/disks/disk2/size", SIZE },
	};
	struct ref root = { .model = &model, .node = nodes }, ret;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ref r = find(cases[i].path);

		assert_ptr_equal(r.node, &nodes[cases[i].row]);
		assert_int_equal(r.lane, 0);
		ref_put(&r);
	}
	assert_int_equal(node_lookup(&root, "d9", &ret), -ENOENT);
	assert_int_equal(node_lookup(&root, "", &ret), -ENOENT);
	assert_int_equal(node_lookup(&root, "status", &ret), -ENOENT);
}

static void inodes(void **state)
{
	static const char *const paths[] = { "ctl", "d0", "d4/config", "d2/disks", "d2/disks/disk2/size", ".links/d3" };
	struct ref root = { .model = &model, .node = nodes };
	uint64_t seen[2 * COUNT(paths)], inode;

	(void)state;
	assert_int_equal(ref_inode(&root), 1);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct ref r = find(paths[i]), back;

		for (unsigned k = 0; k < 2; k++) {
			r.lane = k ? 65535 : 0;
			inode = seen[2 * i + k] = ref_inode(&r);
			assert_true(ref_from_inode(&model, inode, &back));
			assert_ptr_equal(back.node, r.node);
			assert_ptr_equal(back.domain, r.domain);
			assert_int_equal(back.device, r.device);
			assert_int_equal(back.lane, r.lane);
			assert_int_equal(ref_inode_lane0(&back), seen[2 * i]);
			for (size_t j = 0; j < 2 * i + k; j++)
				assert_int_not_equal(seen[j], inode);
			ref_put(&back);
		}
		ref_put(&r);
	}
}

static void stale_inodes(void **state)
{
	struct ref r = find("d1/status"), back;
	uint64_t good = ref_inode(&r), host = good & 0xfff;
	unsigned id;

	(void)state;
	ref_put(&r);
	assert_false(ref_from_inode(&model, 0, &back));
	assert_false(ref_from_inode(&model, good + (1ull << 38), &back));    /* serial 5 */
	assert_false(ref_from_inode(&model, host, &back));                   /* a domain's row of the host */
	assert_false(ref_from_inode(&model, CTL + 1 + (2ull << 38), &back)); /* the host's row of a domain */
	assert_false(ref_from_inode(&model, ROWS + 1, &back));
	assert_false(ref_from_inode(&model, UINT64_MAX, &back));
	assert_false(inode_is_scratch(good, &id));
	assert_true(inode_is_scratch(inode_scratch(4, 0x3ffffff), &id));
	assert_int_equal(id, 0x3ffffff);
	assert_false(ref_from_inode(&model, inode_scratch(4, 77), &back));
	/* Domain-0: a domain's row without a struct domain. */
	assert_true(ref_from_inode(&model, host + (1ull << 38), &back));
	assert_null(back.domain);
	assert_false(ref_is_host(&back));
	assert_int_equal(ref_inode(&back), host + (1ull << 38));
}

struct listed {
	char names[256];
	unsigned room; /* entries until it is full */
	uint64_t next;
};

static bool emit(void *arg, const char *name, const struct ref *child, uint64_t next)
{
	struct listed *l = arg;
	size_t n = strlen(l->names);

	assert_non_null(child->node);
	if (l->room == 0)
		return false;
	l->room--;
	l->next = next;
	snprintf(l->names + n, sizeof(l->names) - n, "%s ", name);
	return true;
}

/* Whatever the size of the reader's buffer, and also when it goes on from the cookie of an entry, not from the last. */
static void listing(void **state)
{
	struct ref root = { .model = &model, .node = nodes };

	(void)state;
	for (unsigned room = 1; room < 10; room++) {
		struct listed l = { .room = room };
		uint64_t cookie = 0;

		for (int i = 0; i < 10; i++) {
			l.room = room;
			node_list(&root, &cookie, emit, &l);
			if (l.room < room)
				cookie = l.next;
			assert_true(cookie < INT64_MAX);
		}
		assert_string_equal(l.names, "ctl info d0 d1 d2 d3 d4 ");
	}
}

/* Names that stay are seen exactly once though others come and go in the middle. */
static void listing_while_domains_go(void **state)
{
	struct ref root = { .model = &model, .node = nodes };
	struct listed l = { .room = 4 };
	uint64_t cookie = 0;

	(void)state;
	gone[2] = true;
	node_list(&root, &cookie, emit, &l);
	gone[0] = gone[1] = true;
	gone[2] = false;
	l.room = 10;
	node_list(&root, &cookie, emit, &l);
	gone[0] = gone[1] = false;
	assert_string_equal(l.names, "ctl info d0 d1 d2 d3 d4 ");
}

static void modes(void **state)
{
	static const struct {
		enum who who;
		bool writable;
		mode_t dir, mode;
	} cases[] = {
		{ WHO_READERS, false, 0755, 0444 },  { WHO_READERS, false, 0750, 0440 },
		{ WHO_READERS, false, 0700, 0400 },  { WHO_WRITES, true, 0755, 0644 },
		{ WHO_WRITES, true, 0770, 0660 },    { WHO_WRITES, true, 0777, 0666 },
		{ WHO_MANAGERS, false, 0755, 0440 }, { WHO_MANAGERS, false, 0705, 0400 },
		{ WHO_MANAGERS, false, 0777, 0440 }, { WHO_KEEPS, true, 0755, 0640 },
		{ WHO_KEEPS, true, 0775, 0660 },     { WHO_KEEPS, true, 0777, 0660 },
		{ WHO_ROOT, true, 0777, 0600 },      { WHO_ROOT, false, 0777, 0400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct node n = {
			.kind = KIND_FACT, .who = cases[i].who, .name = "x", .verbs = cases[i].writable ? verbs : NULL
		};

		assert_int_equal(node_mode(&n, cases[i].dir), S_IFREG | cases[i].mode);
	}
	assert_int_equal(node_mode(&nodes[ROOT], 01777), S_IFDIR | 01777);
	assert_int_equal(node_mode(&nodes[DOM], 0770), S_IFDIR | 0770);
	assert_int_equal(node_mode(&nodes[DISK], 0770), S_IFDIR | 0550);
	assert_int_equal(node_mode(&nodes[DISKS], 0755), S_IFDIR | 0555);
	assert_int_equal(node_mode(&nodes[A_LINK], 0), S_IFLNK | 0777);
}

static void attributes(void **state)
{
	const struct user nobody = { .uid = 65534, .gid = 65534 };
	struct node_attr a;
	struct ref r = find("d1/status");

	(void)state;
	node_attr(&r, &nobody, &a);
	assert_int_equal(a.mode, S_IFREG | 0440);
	assert_int_equal(a.uid, 1000);
	assert_int_equal(a.gid, 100);
	assert_int_equal(a.size, strlen("serial 4\n"));
	ref_put(&r);
	r = find("d1/secret");
	node_attr(&r, &nobody, &a);
	assert_int_equal(a.uid, 0);
	ref_put(&r);
	r = find("info");
	node_attr(&r, &nobody, &a);
	assert_int_equal(a.size, 64);
	ref_put(&r);
	r = find(".links/d1");
	node_attr(&r, &nobody, &a);
	assert_int_equal(a.size, strlen("../d0"));
	ref_put(&r);
}

/* A LIVE row is as long as its size says. */
static void rendering(void **state)
{
	const struct user root = { 0 };
	struct ref r = find("info");
	struct buf b = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(node_render(&r, &root, &b, &e), 0);
	assert_int_equal(b.len, 64);
	assert_memory_equal(b.p, "serial 0\n# ", 11);
	buf_free(&b);
	ref_put(&r);
}

static void padding(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool json;
		const char *padded;
	} cases[] = {
		{ "a 1\n", 10, false, "a 1\n#    \n" },
		{ "a 1\n", 6, false, "a 1\n#\n" },
		{ "a 1\n", 5, false, "a 1\n\n" },
		{ "a 1\n", 4, false, "a 1\n" },
		{ "a 1\n", 2, false, "a 1\n" },
		{ "", 3, false, "# \n" },
		{ "{}\n", 6, true, "{}   \n" },
		{ "{}", 4, true, "{}  " },
		{ "{}\n", 1, true, "{}\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		buf_puts(&b, cases[i].text);
		node_pad(&b, cases[i].size, cases[i].json);
		assert_string_equal(b.p, cases[i].padded);
		assert_int_equal(b.len, strlen(cases[i].padded));
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookup),
		cmocka_unit_test(inodes),
		cmocka_unit_test(stale_inodes),
		cmocka_unit_test(listing),
		cmocka_unit_test(listing_while_domains_go),
		cmocka_unit_test(modes),
		cmocka_unit_test(attributes),
		cmocka_unit_test(rendering),
		cmocka_unit_test(padding),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
