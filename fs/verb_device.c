#include "fs/verb_device.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/model/operate.h"

/* A specification may come in several words, which stand for its parts, as for xl. */
static int with_words(struct command *c, int (*fn)(struct job *, const char *, struct err *), struct err *e)
{
	struct buf spec = { 0 };
	int rc;

	for (int i = 0; i < c->argc; i++)
		buf_printf(&spec, "%s%s", i ? "," : "", c->argv[i]);
	rc = fn(c->job, spec.p ? spec.p : "", e);
	buf_free(&spec);
	return rc;
}

int verb_block_attach(struct command *c, struct err *e)
{
	return with_words(c, domain_disk_attach, e);
}

int verb_block_detach(struct command *c, struct err *e)
{
	return domain_disk_detach(c->job, c->argv[0], e);
}

int verb_cd_insert(struct command *c, struct err *e)
{
	const char *file = c->argv[1];

	if (*file != '/')
		return fail(e, EINVAL, "cd-insert: '%s' is a relative path: give the full path", file);
	return domain_disk_media(c->job, c->argv[0], file, e);
}

int verb_cd_eject(struct command *c, struct err *e)
{
	return domain_disk_media(c->job, c->argv[0], NULL, e);
}

int verb_network_attach(struct command *c, struct err *e)
{
	return with_words(c, domain_vif_attach, e);
}

int verb_network_detach(struct command *c, struct err *e)
{
	return domain_vif_detach(c->job, c->argv[0], e);
}
