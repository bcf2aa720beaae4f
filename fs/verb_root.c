/* The verbs of the host. */
#include <errno.h>
#include <string.h>

#include "fs/names.h"
#include "fs/verb_wait.h"
#include "hypervisor/model/operate.h"

#define WORDS_MAX 100

static int verb_create(struct command *c, struct err *e)
{
	const char *file = c->argv[0], *const *words = (const char *const *)c->argv + 1;
	size_t n = (size_t)c->argc - 1;

	if (*file != '/')
		return fail(e, EINVAL, "create: '%s' is a relative path: give the full path", file);
	for (size_t i = 0; i < n; i++)
		if (!strchr(words[i], '='))
			return fail(e, EINVAL, "create: '%s' is not understood: usage: create %s", words[i],
			            c->verb->usage);
	return model_create(c->ref.model, c->job, file, words, n, e);
}

static int verb_reload(struct command *c, struct err *e)
{
	if (!c->job->dry)
		names_renew(c->ref.model);
	return model_reload(c->ref.model, c->job, e);
}

const struct verb root_verbs[] = {
	{ "create", "FILE [key=value ...]", NEEDS_PATHS, 1, WORDS_MAX, verb_create,
	  "define the domain of this configuration and start it; one that is off gets the new text" },
	{ "reload", "", NEEDS_ROOT, 0, 0, verb_reload, "read the configuration folder and the names of users again" },
	{ "shutdown-all", "[-w] [SECONDS]", NEEDS_ROOT, 0, 2, verb_shutdown_all,
	  "ask every guest to go down, autostarted ones in reverse; -w waits for them (300 seconds)" },
	{ NULL, NULL, 0, 0, 0, NULL, NULL },
};
