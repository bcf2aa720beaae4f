/* The tree. A row joins together with what it does; tests walk the table and check it. */
#include "fs/each.h"
#include "fs/set.h"
#include "fs/show_counters.h"
#include "fs/show_device.h"
#include "fs/show_domain.h"
#include "fs/show_host.h"
#include "fs/show_json.h"
#include "fs/verb.h"

static struct text *host_events(const struct ref *r)
{
	return &r->model->events;
}

static struct text *host_history(const struct ref *r)
{
	return &r->model->history;
}

static struct text *host_log(const struct ref *r)
{
	return &r->model->log;
}

static struct text *domain_console(const struct ref *r)
{
	return &r->domain->console;
}

static struct text *domain_events(const struct ref *r)
{
	return &r->domain->events;
}

static struct text *domain_history(const struct ref *r)
{
	return &r->domain->history;
}

static struct text *domain_logged(const struct ref *r)
{
	return &r->domain->log;
}

enum {
	N_ROOT,
	N_CTL,
	N_INFO,
	N_LIST,
	N_EVENTS,
	N_FOLLOW,
	N_HISTORY,
	N_LOG,
	N_JSON,

	N_HOST,
	N_HOST_CTL,
	N_HOST_STATE,
	N_HOST_STATUS,
	N_HOST_COUNT,
	N_HOST_JSON,
	N_HOST_MEM,
	N_HOST_VCPUS,
	N_HOST_VCPU_LIST,
	N_HOST_NAME,
	N_HOST_ID,
	N_HOST_UUID,

	N_DOM,
	N_DOM_CTL,
	N_DOM_STATE,
	N_DOM_STATUS,
	N_DOM_COUNT,
	N_DOM_JSON,
	N_DOM_CONFIG,
	N_DOM_LIVE,
	N_DOM_PENDING,
	N_DOM_MEM,
	N_DOM_VCPUS,
	N_DOM_VCPU_LIST,
	N_DOM_SCHED,
	N_DOM_CONSOLE,
	N_DOM_TERMINAL,
	N_DOM_SCREEN,
	N_DOM_VNC,
	N_DOM_EVENTS,
	N_DOM_FOLLOW,
	N_DOM_HISTORY,
	N_DOM_LOG,
	N_DOM_JOB,
	N_DOM_NOTES,
	N_DOM_TAGS,
	N_DOM_NAME,
	N_DOM_ID,
	N_DOM_UUID,
	N_DOM_OWNER,
	N_DOM_GROUP,
	N_DOM_AUTOSTART,

	N_DISKS,
	N_DISK,
	N_DISK_STATUS,
	N_DISK_COUNT,
	N_DISK_SOURCE,
	N_DISK_FORMAT,
	N_DISK_MODE,
	N_DISK_SIZE,

	N_VIFS,
	N_VIF,
	N_VIF_STATUS,
	N_VIF_COUNT,
	N_VIF_MAC,
	N_VIF_BRIDGE,
	N_VIF_MODEL,
	N_VIF_LINK,
};

#define DIR(up, n, d)                                                                                                  \
	{                                                                                                              \
		.kind = KIND_DIR, .parent = up, .listed = true, .name = n, .doc = d                                    \
	}
#define EACH(up, next_one, find_one, d)                                                                                \
	{                                                                                                              \
		.kind = KIND_EACH, .parent = up, .listed = true, .next = next_one, .find = find_one, .doc = d          \
	}
#define DEVICE(up, next_one, find_one, there_one, d)                                                                   \
	{                                                                                                              \
		.kind = KIND_EACH, .parent = up, .listed = true, .next = next_one, .find = find_one,                   \
		.there = there_one, .doc = d                                                                           \
	}
#define CTL(up, v, d)                                                                                                  \
	{                                                                                                              \
		.kind = KIND_CTL, .who = WHO_WRITES, .parent = up, .listed = true, .name = "ctl", .verbs = v, .doc = d \
	}
#define FACT(up, n, s, d)                                                                                              \
	{                                                                                                              \
		.kind = KIND_FACT, .parent = up, .listed = true, .name = n, .show = s, .doc = d                        \
	}
#define SETTING(up, n, s, w, d)                                                                                        \
	{                                                                                                              \
		.kind = KIND_SETTING, .who = WHO_WRITES, .parent = up, .listed = true, .name = n, .show = s, .set = w, \
		.doc = d                                                                                               \
	}
#define STAGED(up, w, n, s, c, d)                                                                                      \
	{                                                                                                              \
		.kind = KIND_STAGED, .who = w, .parent = up, .listed = true, .name = n, .show = s, .commit = c,        \
		.exact = true, .doc = d                                                                                \
	}
#define LIVE(up, n, s, z, d)                                                                                           \
	{                                                                                                              \
		.kind = KIND_LIVE, .parent = up, .listed = true, .name = n, .show = s, .size = z, .doc = d             \
	}
#define JSON(up, n, s, z, d)                                                                                           \
	{                                                                                                              \
		.kind = KIND_LIVE, .parent = up, .listed = true, .name = n, .show = s, .size = z, .json = true,        \
		.doc = d                                                                                               \
	}
/* From the model alone, so that its length is known without waiting. */
#define EXACT(up, w, n, s, d)                                                                                          \
	{                                                                                                              \
		.kind = KIND_LIVE, .who = w, .parent = up, .listed = true, .name = n, .show = s, .exact = true,        \
		.doc = d                                                                                               \
	}
#define GROWING(up, w, n, t, d)                                                                                        \
	{                                                                                                              \
		.kind = KIND_GROWING, .who = w, .parent = up, .listed = true, .name = n, .text = t, .doc = d           \
	}
#define STREAM(up, w, n, t, d)                                                                                         \
	{                                                                                                              \
		.kind = KIND_STREAM, .who = w, .parent = up, .name = n, .text = t, .doc = d                            \
	}

/* The order is that of listings, and of the manual. */
const struct node nodes[] = {
	[N_ROOT] = DIR(N_ROOT, "",
	               "The mount point. What is listed here as a directory is a guest, what is listed as a file is "
	               "about the host."),
	[N_CTL] = CTL(N_ROOT, root_verbs, "The verbs of the host."),
	[N_INFO] = LIVE(N_ROOT, "info", show_info, size_info,
	                "Facts about the host: the keys of xl info that apply, what the "
	                "hypervisor says of itself, and tree, the version of this tree."),
	[N_LIST] = LIVE(N_ROOT, "list", show_list, size_list,
	                "A table for people, column for column what xl list prints: the "
	                "domains that are on and that the reader may read, the host first."),
	[N_LIST].personal = true,
	[N_EVENTS] = GROWING(N_ROOT, WHO_ROOT, "events", host_events,
	                     "The latest events of every domain. Root's, as it says "
	                     "something of everybody's domains."),
	[N_FOLLOW] = STREAM(N_ROOT, WHO_ROOT, ".events", host_events, "The same from now on; a read blocks. Root's."),
	[N_HISTORY] = GROWING(N_ROOT, WHO_ROOT, "history", host_history,
	                      "Who wrote what to the host's ctl, and how it ended. "
	                      "Root's."),
	[N_LOG] = GROWING(N_ROOT, WHO_ROOT, "log", host_log,
	                  "The daemon's own log, with what the hypervisor says of itself. Root's."),
	[N_JSON] = JSON(N_ROOT, "domains.json", show_domains_json, size_domains_json,
	                "The domain.json of each domain that the "
	                "reader may read, as one array."),
	[N_JSON].personal = true,

	[N_HOST] = { .kind = KIND_DIR,
	             .parent = N_ROOT,
	             .name = HOST_NAME,
	             .doc = "The host as a domain: there by name, not "
	                    "listed. Its verbs answer EPERM." },
	[N_HOST_CTL] = CTL(N_HOST, domain_verbs, "The verbs of a domain, none of which is for the host."),
	[N_HOST_STATE] = EXACT(N_HOST, WHO_READERS, "state", show_value, "The word running."),
	[N_HOST_STATUS] =
		EXACT(N_HOST, WHO_READERS, "status", show_status, "Facts about the host, with the keys of a domain."),
	[N_HOST_COUNT] = LIVE(N_HOST, "counters", show_counters, size_counters,
	                      "What the host used, with the keys of a domain."),
	[N_HOST_JSON] = JSON(N_HOST, "domain.json", show_domain_json, size_domain_json, "Both as one JSON object."),
	[N_HOST_MEM] = EXACT(N_HOST, WHO_READERS, "mem", show_mem, "The host's memory, in MiB."),
	[N_HOST_VCPUS] = EXACT(N_HOST, WHO_READERS, "vcpus", show_value, "How many of the host's CPUs are online."),
	[N_HOST_VCPU_LIST] =
		LIVE(N_HOST, "vcpu-list", show_vcpu_list, size_vcpu_list, "A line for each CPU, as in a domain's."),
	[N_HOST_NAME] = EXACT(N_HOST, WHO_READERS, "name", show_value, "The name of the host as a domain."),
	[N_HOST_ID] = EXACT(N_HOST, WHO_READERS, "id", show_value, "The number 0."),
	[N_HOST_UUID] = EXACT(N_HOST, WHO_READERS, "uuid", show_value, "A UUID of zeros."),

	[N_DOM] = EACH(N_ROOT, next_domain, find_domain,
	               "A domain. mkdir defines one, mv renames it, rmdir undefines one that "
	               "is off."),
	[N_DOM_CTL] = CTL(N_DOM, domain_verbs, "The verbs of the domain."),
	[N_DOM_STATE] = FACT(N_DOM, "state", show_value,
	                     "One word, the most-read fact: off starting running paused stopping "
	                     "saving saved migrating incoming crashed unresponsive."),
	[N_DOM_STATUS] = FACT(N_DOM, "status", show_status, "Facts that change only when something happened."),
	[N_DOM_COUNT] = LIVE(N_DOM, "counters", show_counters, size_counters,
	                     "Figures that grow, sampled at most a second ago."),
	[N_DOM_JSON] = JSON(N_DOM, "domain.json", show_domain_json, size_domain_json,
	                    "Status, counters, disks and vifs as one "
	                    "JSON object."),
	[N_DOM_CONFIG] = STAGED(N_DOM, WHO_KEEPS, "config", show_config, commit_config,
	                        "The desired configuration, verbatim; only its owner writes it. "
	                        "It is parsed when the writer closes; the old text stays until the new one is whole "
	                        "and valid. Passwords are "
	                        "shown to those who may write it."),
	[N_DOM_CONFIG].personal = true,
	[N_DOM_LIVE] = EXACT(N_DOM, WHO_MANAGERS, "live", show_live,
	                     "The configuration in force, normalised, in the same "
	                     "syntax; empty when the domain is off."),
	[N_DOM_LIVE].personal = true,
	[N_DOM_PENDING] = EXACT(N_DOM, WHO_READERS, "pending", show_pending,
	                        "A line KEY LIVE -> CONFIG for each difference; "
	                        "empty when there is none."),
	[N_DOM_MEM] = SETTING(N_DOM, "mem", show_mem, set_mem,
	                      "The memory that the guest shall have, in MiB. Write 512, 512M, "
	                      "1G, +64 or -64."),
	[N_DOM_VCPUS] = SETTING(N_DOM, "vcpus", show_value, set_vcpus, "How many VCPUs are online."),
	[N_DOM_VCPU_LIST] = LIVE(
		N_DOM, "vcpu-list", show_vcpu_list, size_vcpu_list,
		"A line for each VCPU: its number, the host "
		"CPU it ran on last, its state (r running, b blocked, p paused, - offline), the CPU time it used in "
		"microseconds, the host CPUs it may run on."),
	[N_DOM_SCHED] =
		SETTING(N_DOM, "sched", show_sched, set_sched,
	                "Its shares of the host's CPUs: weight, which counts against that of other guests, and cap, "
	                "the most that it gets in percent of one CPU, 0 for no limit. Each is a line, to be read "
	                "and written. Empty while it runs where the hypervisor has no shares."),
	[N_DOM_CONSOLE] = { .kind = KIND_GROWING,
	                    .who = WHO_KEEPS,
	                    .parent = N_DOM,
	                    .listed = true,
	                    .raw = true,
	                    .name = "console",
	                    .text = domain_console,
	                    .input = input_console,
	                    .doc = "What the guest wrote to its console, also in earlier runs. "
	                           "What is written here is its keyboard." },
	[N_DOM_TERMINAL] = { .kind = KIND_STREAM,
	                     .who = WHO_KEEPS,
	                     .parent = N_DOM,
	                     .raw = true,
	                     .name = ".console",
	                     .text = domain_console,
	                     .input = input_console,
	                     .doc = "The same from now on, for terminals; a read blocks." },
	[N_DOM_SCREEN] = { .kind = KIND_LIVE,
	                   .who = WHO_MANAGERS,
	                   .parent = N_DOM,
	                   .name = ".screen.png",
	                   .show = show_screen,
	                   .doc = "The guest's display when the file is opened, as a PNG picture." },
	[N_DOM_VNC] = FACT(N_DOM, "vnc", show_vnc, "The address of the VNC server; empty when there is none."),
	[N_DOM_EVENTS] = GROWING(N_DOM, WHO_READERS, "events", domain_events,
	                         "The domain's latest events, a line each: SEQ TIME "
	                         "DOMAIN EVENT [key=value ...]."),
	[N_DOM_FOLLOW] = STREAM(N_DOM, WHO_READERS, ".events", domain_events,
	                        "The same from now on; a read blocks. A slow "
	                        "reader finds a line 'lost N' in place of what it missed."),
	[N_DOM_HISTORY] = GROWING(N_DOM, WHO_MANAGERS, "history", domain_history,
	                          "Who did what to the domain and how it ended: "
	                          "time, user, process, ok or the error's name, the command, the sentence."),
	[N_DOM_LOG] = GROWING(N_DOM, WHO_MANAGERS, "log", domain_logged, "What the hypervisor said about the domain."),
	[N_DOM_JOB] = FACT(N_DOM, "job", show_job, "The verb under way; empty when there is none."),
	[N_DOM_NOTES] = STAGED(N_DOM, WHO_WRITES, "notes", show_notes, commit_notes, "Free text, for people."),
	[N_DOM_TAGS] = SETTING(N_DOM, "tags", show_tags, set_tags, "Words, for people and their grep."),
	[N_DOM_NAME] = FACT(N_DOM, "name", show_value, "The domain's name."),
	[N_DOM_ID] = FACT(N_DOM, "id", show_value, "The number of this run; empty when the domain is off."),
	[N_DOM_UUID] = FACT(N_DOM, "uuid", show_value, "The domain's UUID."),
	[N_DOM_OWNER] = SETTING(N_DOM, "owner", show_value, set_owner,
	                        "The user whom the domain belongs to. Writing a name or "
	                        "number is chown."),
	[N_DOM_GROUP] = SETTING(N_DOM, "group", show_value, set_group,
	                        "The group that the domain belongs to. Writing a name or "
	                        "number is chgrp."),
	[N_DOM_AUTOSTART] = SETTING(N_DOM, "autostart", show_value, set_autostart,
	                            "Whether the domain is started with the host: on or off."),

	/* What the configuration's strings are shown in may be longer than a FACT. */
	[N_DISKS] = DIR(N_DOM, "disks", "The disks: those in force when the domain is on, else the desired ones."),
	[N_DISK] = DEVICE(N_DISKS, next_disk, find_disk, there_disk, "A disk, by its guest's name."),
	[N_DISK_STATUS] = EXACT(N_DISK, WHO_READERS, "status", show_disk_status, "Facts about the disk."),
	[N_DISK_COUNT] = LIVE(N_DISK, "counters", show_disk_counters, size_disk_counters,
	                      "What the guest did with the disk; zeros "
	                      "when it is off."),
	[N_DISK_SOURCE] =
		EXACT(N_DISK, WHO_READERS, "source", show_disk_value, "The image or device; empty for an empty drive."),
	[N_DISK_FORMAT] = FACT(N_DISK, "format", show_disk_value, "The image's format."),
	[N_DISK_MODE] = FACT(N_DISK, "mode", show_disk_value, "Whether the guest may write: w or r."),
	[N_DISK_SIZE] = LIVE(N_DISK, "size", show_disk_size, size_disk_size,
	                     "Bytes that the disk has for the guest, after blanks; "
	                     "blanks alone when the image cannot be looked at."),

	[N_VIFS] = DIR(N_DOM, "vifs",
	               "The network interfaces: those in force when the domain is on, else the desired ones."),
	[N_VIF] = DEVICE(N_VIFS, next_vif, find_vif, there_vif, "An interface, by its number."),
	[N_VIF_STATUS] = EXACT(N_VIF, WHO_READERS, "status", show_vif_status, "Facts about the interface."),
	[N_VIF_COUNT] = LIVE(N_VIF, "counters", show_vif_counters, size_vif_counters,
	                     "What went through it, as the guest sees it; "
	                     "zeros when it is off."),
	[N_VIF_MAC] = FACT(N_VIF, "mac", show_vif_value, "The MAC address."),
	[N_VIF_BRIDGE] = EXACT(N_VIF, WHO_READERS, "bridge", show_vif_value, "The bridge; empty when none is named."),
	[N_VIF_MODEL] = EXACT(N_VIF, WHO_READERS, "model", show_vif_value,
	                      "The card that the guest sees; "
	                      "empty for the usual one."),
	[N_VIF_LINK] = FACT(N_VIF, "link", show_vif_value, "Whether its cable is plugged in: up or down."),
};

const size_t node_count = COUNT(nodes);
