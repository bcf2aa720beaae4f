/*
 * A rename touches three folders, so it is written down first: STATE/rename holds "FROM TO HASH" from before the first
 * change until after the last. Whoever finds it finishes it when TO's file is there with the text of that hash (or FROM's
 * is not there any more); otherwise nothing was done. Finishing may be done again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "atomic_file.h"
#include "hypervisor/model/store.h"
#include "log.h"

#define JOURNAL "rename"
#define JOURNAL_MAX 1024

int store_rename_begin(struct model *m, const char *from, const char *to, const char *text, size_t n, struct err *e)
{
	char line[2 * NAME_MAX_LEN + 24];
	int len;

	store_rename_recover(m); /* the last step of an earlier one may have failed */
	len = snprintf(line, sizeof(line), "%s %s %016llx\n", from, to, (unsigned long long)hash_text(text, n));
	return file_replace(m->store->dirfd, JOURNAL, line, (size_t)len, 0600, e);
}

int store_rename_finish(struct model *m, const char *from, const char *to, struct err *e)
{
	struct store *s = m->store;
	int rc = folder_unlink(m, from, e);

	/* What lies under the new name is of a domain of long ago; once FROM's is moved it is not. */
	if (!rc && !faccessat(s->domainsfd, from, F_OK, AT_SYMLINK_NOFOLLOW))
		store_purge(s, to);
	if (!rc && renameat(s->domainsfd, from, s->domainsfd, to) && errno != ENOENT)
		rc = fail(e, errno, "%s/domains/%s to %s: %m", s->path, from, to);
	fsync(s->domainsfd);
	if (!rc)
		rc = autostart_rename(m, from, to, e);
	if (!rc && unlinkat(s->dirfd, JOURNAL, 0) && errno != ENOENT)
		rc = fail(e, errno, "%s/" JOURNAL ": %m", s->path);
	return rc;
}

static bool was_written(struct model *m, const char *from, const char *to, unsigned long long hash)
{
	struct buf text = { 0 };
	struct err ignored;
	bool written = !folder_read(m, to, &text, &ignored) &&
	               (!folder_has(m, from) || hash_text(text.p ? text.p : "", text.len) == hash);

	buf_free(&text);
	return written;
}

void store_rename_recover(struct model *m)
{
	char from[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1];
	unsigned long long hash;
	struct buf b = { 0 };
	struct err e = { 0 };

	if (file_slurp(m->store->dirfd, JOURNAL, JOURNAL_MAX, &b, &e))
		return;
	if (b.p && sscanf(b.p, "%80s %80s %16llx", from, to, &hash) == 3 && !name_check(from, &e) &&
	    !name_check(to, &e) && was_written(m, from, to, hash)) {
		log_info("the rename of %s to %s is finished", from, to);
		if (store_rename_finish(m, from, to, &e))
			log_error("the rename of %s to %s could not be finished: %s", from, to, e.text);
	} else {
		unlinkat(m->store->dirfd, JOURNAL, 0);
	}
	buf_free(&b);
}
