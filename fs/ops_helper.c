/* What the herald's helper does, so that inotify sees it: the model has changed before. */
#include <errno.h>
#include <string.h>

#include "fs/dirname.h"
#include "fs/ops.h"

void helper_mkdir(fuse_req_t req, const struct ref *dir, const char *name)
{
	struct ref child;

	if (views_made(ops_views(req), name, NULL) && ops_lookup(req, dir, name, &child) == 0) {
		ops_reply_entry(req, &child);
		ref_put(&child);
	} else {
		fuse_reply_err(req, EEXIST);
	}
}

void helper_rmdir(fuse_req_t req, const char *name)
{
	fuse_reply_err(req, views_removed(ops_views(req), name, true) ? 0 : ENOENT);
}

/*
 * It may have waited for long, and the domain have got another name meanwhile: it cannot get one between the look and the
 * deed, or its last name would be the wrong one until the next round.
 */
void helper_rename(fuse_req_t req, const char *name, const char *newname)
{
	struct domain *d = views_find(ops_views(req), name, true);
	char want[DIRNAME_TEXT];
	bool done = false;

	if (d) {
		lock_acquire(&d->lock);
		done = dirname_encode(d->name, want) && !strcmp(want, newname) &&
		       views_renamed(ops_views(req), name, newname);
		lock_release(&d->lock);
		domain_unref(d);
	}
	fuse_reply_err(req, done ? 0 : ENOENT);
}

/* A domain that came meanwhile may have the name now, and is not to lose its files. */
int helper_unlink(const struct ref *dir)
{
	bool gone = false;

	if (dir->domain) {
		lock_acquire(&dir->domain->lock);
		gone = dir->domain->gone;
		lock_release(&dir->domain->lock);
	}
	return gone ? 0 : -ENOENT;
}
