#include "fs/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/verb.h"

#define ROW_BITS 12
#define LANE_BITS 16
#define DEVICE_BITS 10
#define SERIAL_BITS 26

#define LANE_SHIFT ROW_BITS
#define DEVICE_SHIFT (LANE_SHIFT + LANE_BITS)
#define SERIAL_SHIFT (DEVICE_SHIFT + DEVICE_BITS)

static uint64_t field(uint64_t inode, unsigned shift, unsigned bits)
{
	return inode >> shift & ((1ull << bits) - 1);
}

#define SERIAL_HOST 0    /* of files about the host */
#define SERIAL_DOMAIN0 1 /* the host as a domain: its files are a domain's, without a domain behind them */
#define ROW_SCRATCH ((1u << ROW_BITS) - 1)

/* Rows below a domain's directory, and links to one. */
static bool row_of_domain(size_t row)
{
	for (; row != 0; row = nodes[row].parent) {
		if (!nodes[row].name)
			return true;
	}
	return false;
}

bool ref_is_host(const struct ref *r)
{
	return !r->domain && !row_of_domain((size_t)(r->node - nodes));
}

/* The row is counted from 1, which makes the root's inode the 1 that FUSE wants. */
static uint64_t inode_pack(const struct ref *r, unsigned lane)
{
	uint64_t serial = r->domain ? r->domain->serial : ref_is_host(r) ? SERIAL_HOST : SERIAL_DOMAIN0;

	return serial << SERIAL_SHIFT | (uint64_t)r->device << DEVICE_SHIFT | (uint64_t)lane << LANE_SHIFT |
	       ((uint64_t)(r->node - nodes) + 1);
}

uint64_t inode_scratch(uint64_t serial, unsigned id)
{
	return serial << SERIAL_SHIFT | (uint64_t)id << LANE_SHIFT | ROW_SCRATCH;
}

bool inode_is_scratch(uint64_t inode, unsigned *id)
{
	if (field(inode, 0, ROW_BITS) != ROW_SCRATCH)
		return false;
	*id = (unsigned)field(inode, LANE_SHIFT, LANE_BITS + DEVICE_BITS);
	return true;
}

uint64_t ref_inode(const struct ref *r)
{
	return inode_pack(r, r->lane);
}

uint64_t ref_inode_lane0(const struct ref *r)
{
	return inode_pack(r, 0);
}

void ref_put(struct ref *r)
{
	domain_unref(r->domain);
	*r = (struct ref){ 0 };
}

void ref_copy(struct ref *to, const struct ref *from)
{
	*to = *from;
	if (to->domain)
		domain_ref(to->domain);
}

uint64_t inode_serial(uint64_t inode)
{
	return field(inode, SERIAL_SHIFT, SERIAL_BITS);
}

bool ref_from_inode(struct model *m, uint64_t inode, struct ref *ret)
{
	uint64_t serial = inode_serial(inode);
	struct domain *d = serial > SERIAL_DOMAIN0 ? model_find_serial(m, serial) : NULL;

	if ((d || serial <= SERIAL_DOMAIN0) && ref_of_domain(m, d, inode, ret))
		return true;
	domain_unref(d);
	return false;
}

bool ref_of_domain(struct model *m, struct domain *d, uint64_t inode, struct ref *ret)
{
	uint64_t row = field(inode, 0, ROW_BITS);

	if (row == 0 || row > node_count)
		return false;
	if ((inode_serial(inode) == SERIAL_HOST) == row_of_domain(row - 1))
		return false;
	*ret = (struct ref){
		.model = m,
		.node = &nodes[row - 1],
		.domain = d,
		.device = (unsigned)field(inode, DEVICE_SHIFT, DEVICE_BITS),
		.lane = (unsigned)field(inode, LANE_SHIFT, LANE_BITS),
	};
	return true;
}

bool node_writable(const struct node *n)
{
	return n->set || n->verbs || n->commit || n->input;
}

bool node_is_fact(const struct node *n)
{
	return n->kind == KIND_FACT || n->kind == KIND_SETTING;
}

bool node_is_domain(const struct node *n)
{
	return n->kind == KIND_EACH && n->parent == 0;
}

const struct node *node_domain(void)
{
	const struct node *n = nodes;

	while (!node_is_domain(n))
		n++;
	return n;
}

bool node_is_dir(const struct node *n)
{
	return n->kind == KIND_DIR || n->kind == KIND_EACH;
}

static bool is_instances(const struct node *n)
{
	return !n->name;
}

static bool is_child(const struct ref *r, size_t row)
{
	return row != 0 && nodes[row].parent == r->node - nodes;
}

const struct node *node_staged(const struct node *dir)
{
	for (size_t i = 1; i < node_count; i++) {
		if (nodes[i].parent == dir - nodes && nodes[i].kind == KIND_STAGED)
			return &nodes[i];
	}
	return NULL;
}

int node_lookup(const struct ref *r, const char *name, struct ref *ret)
{
	struct ref child;

	for (size_t i = 1; i < node_count; i++) {
		if (!is_child(r, i) || is_instances(&nodes[i]) || strcmp(nodes[i].name, name) != 0)
			continue;
		ref_copy(&child, r);
		child.node = &nodes[i];
		child.lane = 0;
		*ret = child;
		return 0;
	}
	for (size_t i = 1; i < node_count; i++) {
		if (!is_child(r, i) || !is_instances(&nodes[i]) || !nodes[i].find)
			continue;
		child = (struct ref){ .model = r->model, .node = &nodes[i] };
		if (!nodes[i].find(r, name, &child))
			continue;
		child.model = r->model;
		child.node = &nodes[i];
		child.lane = 0;
		*ret = child;
		return 0;
	}
	return -ENOENT;
}

/*
 * A cookie is the row to go on with and, in an EACH row, how far its own cookie has come. Both mean the same whatever
 * comes and goes between two calls.
 */
#define COOKIE_SHIFT 48
#define COOKIE_MASK ((1ull << COOKIE_SHIFT) - 1)

static bool list_instances(const struct ref *r, size_t row, uint64_t *cookie,
                           bool (*emit)(void *arg, const char *name, const struct ref *child, uint64_t next), void *arg)
{
	uint64_t at = *cookie & COOKIE_MASK;
	char name[256];
	struct ref child;
	bool go;

	for (;;) {
		child = (struct ref){ .model = r->model, .node = &nodes[row] };
		if (!nodes[row].next(r, &at, &child, name))
			return true;
		child.model = r->model;
		child.node = &nodes[row];
		child.lane = 0;
		go = emit(arg, name, &child, (uint64_t)row << COOKIE_SHIFT | (at & COOKIE_MASK));
		ref_put(&child);
		if (!go)
			return false;
		*cookie = (uint64_t)row << COOKIE_SHIFT | (at & COOKIE_MASK);
	}
}

void node_list(const struct ref *r, uint64_t *cookie,
               bool (*emit)(void *arg, const char *name, const struct ref *child, uint64_t next), void *arg)
{
	struct ref child = *r; /* borrows the domain */
	uint64_t next;

	for (uint64_t row = *cookie >> COOKIE_SHIFT; row < node_count; row++) {
		next = (row + 1) << COOKIE_SHIFT;
		if (!is_child(r, row) || !nodes[row].listed) {
			*cookie = next;
			continue;
		}
		if (is_instances(&nodes[row])) {
			if (!list_instances(r, row, cookie, emit, arg))
				return;
		} else {
			child.node = &nodes[row];
			child.lane = 0;
			if (!emit(arg, nodes[row].name, &child, next))
				return;
		}
		*cookie = next;
	}
}

/*
 * Who may do what to a file follows from the directory of its domain (for the host's files: the root directory), class by
 * class: r there is r on what readers may see, w there ("manages") is w on what can be written. What only managers and
 * the group may see gives others nothing, the group its r, and a managing class its r as well. Root's own rows give nothing
 * to anyone else. Directories below a domain cannot be written.
 */
mode_t node_mode(const struct node *n, mode_t dir)
{
	mode_t manages = dir & 0222, mode = 0;

	if (n->kind == KIND_LINK)
		return S_IFLNK | 0777;
	if (n == &nodes[0] || n->kind == KIND_EACH || n->kind == KIND_DIR)
		return S_IFDIR | (n == &nodes[0] || node_is_domain(n) ? dir & 01777 : dir & 0555);
	switch (n->who) {
	case WHO_READERS:
	case WHO_WRITES:
		mode = dir & 0444;
		break;
	case WHO_MANAGERS:
	case WHO_KEEPS:
		mode = (dir & 0440) | (manages << 1 & 0440);
		break;
	case WHO_ROOT:
		mode = node_writable(n) ? 0600 : 0400;
		break;
	}
	if (n->who == WHO_WRITES)
		mode |= manages;
	if (n->who == WHO_KEEPS)
		mode |= manages & 0220;
	return S_IFREG | mode;
}

static uint64_t shown_length(const struct ref *r, const struct user *reader)
{
	struct buf b = { 0 };
	struct err e = { 0 };
	uint64_t n = 0;

	if (r->node->show && r->node->show(r, reader, &b, &e) == 0)
		n = b.len;
	buf_free(&b);
	return n;
}

static bool hash_name(void *arg, const char *name, const struct ref *child, uint64_t next)
{
	struct buf *names = arg;

	(void)child;
	(void)next;
	buf_add(names, name, strlen(name) + 1);
	return true;
}

/* Of the devices in a directory; where the names are rows, they stay. */
static uint64_t names_hash(const struct ref *r)
{
	struct buf names = { 0 };
	uint64_t cookie = 0, hash;

	node_list(r, &cookie, hash_name, &names);
	hash = hash_text(names.p, names.len);
	buf_free(&names);
	return hash;
}

static void fact_attr(const struct ref *r, const struct user *reader, struct node_attr *a)
{
	struct buf b = { 0 };
	struct err e = { 0 };

	if (r->node->show(r, reader, &b, &e))
		buf_reset(&b);
	a->size = b.len;
	a->text = hash_text(b.p, b.len);
	buf_free(&b);
}

static uint64_t node_size(const struct ref *r, const struct user *reader)
{
	const struct node *n = r->node;
	struct buf b = { 0 };
	struct text *t;
	uint64_t size = 0;
	char *target;

	switch (n->kind) {
	case KIND_STAGED:
		return shown_length(r, reader);
	case KIND_LIVE:
		if (n->size)
			return n->size(r);
		return n->exact ? shown_length(r, reader) : 0;
	case KIND_GROWING:
		t = n->text(r);
		return t ? text_size(t) : 0;
	case KIND_CTL:
		verb_help(n->verbs, &b);
		size = b.len;
		buf_free(&b);
		return size;
	case KIND_LINK:
		target = n->target ? n->target(r) : NULL;
		size = target ? strlen(target) : 0;
		free(target);
		return size;
	default:
		return 0;
	}
}

void node_attr(const struct ref *r, const struct user *reader, struct node_attr *ret)
{
	struct node_attr a = { .mtime = r->model->started };
	mode_t dir = 0755;

	if (r->domain) {
		lock_acquire(&r->domain->lock);
		a.uid = r->node->who == WHO_ROOT ? 0 : r->domain->owner;
		a.gid = r->node->who == WHO_ROOT ? 0 : r->domain->group;
		if (!node_is_dir(r->node) && r->node->kind != KIND_CTL)
			a.mtime = r->domain->since;
		dir = r->domain->mode;
		lock_release(&r->domain->lock);
	}
	a.mode = node_mode(r->node, dir);
	if (node_is_fact(r->node))
		fact_attr(r, reader, &a);
	else if (r->domain && r->node->kind == KIND_DIR)
		a.text = names_hash(r);
	else
		a.size = node_size(r, reader);
	a.links = 1; /* find(1) takes a directory with one link for one whose subdirectories are not counted */
	*ret = a;
}

int node_render(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	const struct node *n = r->node;
	size_t before = b->len;
	int ret = 0;

	if (n->kind == KIND_CTL)
		verb_help(n->verbs, b);
	else if (n->show)
		ret = n->show(r, reader, b, e);
	if (ret == 0 && n->kind == KIND_LIVE && n->size)
		node_pad(b, before + n->size(r), n->json);
	if (ret == 0 && (n->kind == KIND_FACT || n->kind == KIND_SETTING) && b->len - before > FACT_MAX)
		ret = fail(e, EFBIG, "%s is longer than a page", n->name ? n->name : "it");
	return ret;
}

void node_pad(struct buf *b, size_t size, bool json)
{
	size_t n;

	if (b->len >= size)
		return;
	n = size - b->len;
	if (json) {
		bool newline = b->len > 0 && b->p[b->len - 1] == '\n';

		if (newline)
			b->len--;
		for (size_t i = 0; i < n; i++)
			buf_putc(b, ' ');
		if (newline)
			buf_putc(b, '\n');
		return;
	}
	if (n == 1) { /* no room for both '#' and the newline */
		buf_putc(b, '\n');
		return;
	}
	buf_putc(b, '#');
	for (size_t i = 2; i < n; i++)
		buf_putc(b, ' ');
	buf_putc(b, '\n');
}
