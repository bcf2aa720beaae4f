/* The rows as a tree: inodes, names and listings. */
#include "fs/node.h"

#include <errno.h>
#include <string.h>

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

bool ref_there(const struct ref *r)
{
	for (size_t row = (size_t)(r->node - nodes); row != 0; row = nodes[row].parent) {
		if (nodes[row].there)
			return nodes[row].there(r);
	}
	return true;
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
	return !ret->device || ref_there(ret);
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
#define COOKIE_SHIFT 54
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
