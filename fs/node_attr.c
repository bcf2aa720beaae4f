/* What a row is like: its mode, its size, its text. */
#include "fs/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/verb.h"

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
		return verb_help_length(n->verbs);
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

	if (r->device && !ref_there(r))
		return fail(e, ESTALE, "the device is gone");
	if (n->kind == KIND_CTL)
		verb_help(n->verbs, b);
	else if (n->show)
		ret = n->show(r, reader, b, e);
	if (ret == 0 && n->kind == KIND_LIVE && n->size)
		node_pad(b, before + n->size(r), n->json);
	if (ret == 0 && node_is_fact(n) && b->len - before > FACT_MAX)
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
