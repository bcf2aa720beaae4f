/* The verbs of a domain. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "fs/set.h"
#include "fs/verb_device.h"
#include "fs/verb_tune.h"
#include "fs/verb_wait.h"
#include "hypervisor/model/operate.h"

#define WORDS_MAX 100

static int verb_start(struct command *c, struct err *e)
{
	bool paused = c->argc && !strcmp(c->argv[0], "-p");
	const char *const *words = (const char *const *)c->argv + paused;
	size_t n = (size_t)c->argc - paused;

	for (size_t i = 0; i < n; i++)
		if (!strchr(words[i], '=') || *words[i] == '-')
			return fail(e, EINVAL, "start: '%s' is not understood: usage: start %s", words[i],
			            c->verb->usage);
	return domain_start(c->job, paused, words, n, e);
}

static int verb_destroy(struct command *c, struct err *e)
{
	return domain_destroy(c->job, e);
}

static int verb_pause(struct command *c, struct err *e)
{
	return domain_pause(c->job, e);
}

static int verb_unpause(struct command *c, struct err *e)
{
	return domain_unpause(c->job, e);
}

static int verb_reset(struct command *c, struct err *e)
{
	return domain_reset(c->job, e);
}

static const char *const triggers[] = { "nmi", "reset", "init", "power", "sleep", "s3resume" };

static const char *trigger_name(size_t i, const void *ctx)
{
	(void)ctx;
	return triggers[i];
}

static int verb_trigger(struct command *c, struct err *e)
{
	const char *near;

	for (size_t i = 0; i < COUNT(triggers); i++)
		if (!strcmp(c->argv[0], triggers[i]))
			return domain_trigger(c->job, triggers[i], e);
	near = nearest(c->argv[0], COUNT(triggers), trigger_name, NULL);
	if (near)
		return fail(e, EINVAL, "trigger: there is no '%s': did you mean %s?", c->argv[0], near);
	return fail(e, EINVAL, "trigger: there is no '%s': usage: trigger %s", c->argv[0], c->verb->usage);
}

static int verb_sysrq(struct command *c, struct err *e)
{
	const char *letter = c->argv[0];

	if (!isalnum((unsigned char)letter[0]) || letter[1])
		return fail(e, EINVAL, "sysrq: '%s' is not one letter or digit, such as s", letter);
	return domain_sysrq(c->job, letter[0], e);
}

static int verb_cancel(struct command *c, struct err *e)
{
	return domain_cancel(c->job, e);
}

static int verb_mem_set(struct command *c, struct err *e)
{
	uint64_t mib = 0;
	int rc = parse_memory(c->ref.domain, c->argv[0], &mib, e);

	return rc ? rc : domain_set_memory(c->job, mib, e);
}

static int verb_rename(struct command *c, struct err *e)
{
	return domain_rename(c->job, c->argv[0], e);
}

static int verb_autostart(struct command *c, struct err *e)
{
	bool on = false;
	int rc = parse_switch(c->argv[0], &on, e);

	return rc ? rc : domain_set_autostart(c->job, on, e);
}

static int verb_commit(struct command *c, struct err *e)
{
	return domain_commit(c->job, e);
}

#define GUEST NEEDS_GUEST
#define ON (NEEDS_GUEST | NEEDS_ON)

const struct verb domain_verbs[] = {
	{ "start", "[-p] [key=value ...]", GUEST | NEEDS_PATHS, 0, WORDS_MAX, verb_start,
	  "start the guest; -p leaves it paused; key=value is laid over the configuration, this one time" },
	{ "shutdown", "[-w] [-f] [SECONDS]", ON, 0, 3, verb_shutdown,
	  "ask the guest to go down; -w waits for it (300 seconds), -f destroys it when it does not" },
	{ "reboot", "[-w] [SECONDS]", ON, 0, 2, verb_reboot,
	  "ask the guest to reboot; -w waits until it is up again (300 seconds)" },
	{ "destroy", "", GUEST, 0, 0, verb_destroy, "take the guest's power away, and end what is under way" },
	{ "pause", "", ON, 0, 0, verb_pause, "stop the guest's VCPUs; its memory stays" },
	{ "unpause", "", ON, 0, 0, verb_unpause, "let them go on" },
	{ "reset", "", ON, 0, 0, verb_reset, "press the reset button" },
	{ "trigger", "nmi|reset|init|power|sleep|s3resume", ON, 1, 1, verb_trigger,
	  "send that signal to the guest's hardware" },
	{ "sysrq", "LETTER", ON, 1, 1, verb_sysrq, "send a magic SysRq key to a Linux guest" },
	{ "wait", "STATE... [SECONDS]", GUEST, 1, STATE_COUNT + 1, verb_wait,
	  "wait until the domain is in one of these states; holds nothing up; without seconds there is no limit" },
	{ "cancel", "", GUEST, 0, 0, verb_cancel, "end the verb that is under way" },
	{ "mem-set", "SIZE", GUEST, 1, 1, verb_mem_set, "give or take memory: 512, 1G, +64, -64 (MiB unless said)" },
	{ "mem-max", "SIZE", GUEST, 1, 1, verb_mem_max, "the most memory that mem-set may give it" },
	{ "vcpu-set", "N", GUEST, 1, 1, verb_vcpu_set, "how many VCPUs are online" },
	{ "vcpu-pin", "VCPU|all HARD|all|- [SOFT|all|-]", ON, 2, 3, verb_vcpu_pin,
	  "which host CPUs the VCPU may run on: 0-3,^1, and which of them it prefers; - leaves what there is" },
	{ "sched-credit", "[-w N] [-c N]", GUEST, 2, 4, verb_sched_credit,
	  "its weight against other guests (256 is usual), and the most it gets, in percent of one CPU; 0: no limit" },
	{ "dump-core", "FILE", ON | NEEDS_PATHS, 1, 1, verb_dump_core,
	  "write its memory into the new file FILE, as it runs; pause it before for one instant" },
	{ "block-attach", "SPEC", ON | NEEDS_PATHS, 1, 16, verb_block_attach,
	  "give the guest a disk, as disk= has it: vdev=xvdb,target=/x.img; phy:/dev/x xvdb w" },
	{ "block-detach", "DEV", ON, 1, 1, verb_block_detach, "take the disk from the guest when it lets go of it" },
	{ "cd-insert", "DEV FILE", ON | NEEDS_PATHS, 2, 2, verb_cd_insert,
	  "put the image into the guest's cdrom drive" },
	{ "cd-eject", "DEV", ON, 1, 1, verb_cd_eject, "leave the drive empty" },
	{ "network-attach", "[SPEC]", ON, 0, 16, verb_network_attach,
	  "give the guest an interface, as vif= has it: mac=00:16:3e:1:2:3 bridge=xenbr0" },
	{ "network-detach", "N|MAC", ON, 1, 1, verb_network_detach, "take the interface from the guest" },
	{ "rename", "NEW", GUEST, 1, 1, verb_rename,
	  "give the domain another name; mv of its directory does the same" },
	{ "autostart", "on|off", GUEST, 1, 1, verb_autostart, "whether it is started with the host" },
	{ "commit", "", ON, 0, 0, verb_commit, "write what was changed while it runs into config" },
	{ NULL, NULL, 0, 0, 0, NULL, NULL },
};
