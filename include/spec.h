/*
 * A domain's configuration, parsed: what xl.cfg(5) and the older xm files can say. The keys are rows of keys.def, so that a
 * spec is a sorted list of (key, value) plus what the richer keys were taken apart into: disks, vifs, display.
 * A spec is immutable once made and shared by reference; every pointer in it lives as long as the spec.
 */
#ifndef SPEC_H
#define SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "units.h"

enum key {
#define KEY(name, type, reach, doc) KEY_##name,
#include "keys.def"
#undef KEY
	KEY_COUNT
};

enum key_type {
	TYPE_STRING,
	TYPE_INT,    /* decimal or hex; a quoted number is one too */
	TYPE_BOOL,   /* 0 or 1 (quoted or not), or True/False as xm wrote them */
	TYPE_LIST,   /* of strings; one string alone is a list of one where xl.cfg says so */
	TYPE_CPUS,   /* a CPU list as a string, a number, or a list with one for each VCPU */
	TYPE_ACTION, /* destroy restart rename-restart preserve coredump-destroy coredump-restart soft-reset */
};

/* Who may say it (see "Trust" in CONTRIBUTING): anyone; anyone, opened with the owner's rights; root's domains only. */
enum key_reach { REACH_GUEST, REACH_PATH, REACH_HOST };

struct key_info {
	const char *name;
	enum key_type type;
	enum key_reach reach;
	const char *doc; /* one sentence, for the manual */
};
extern const struct key_info key_table[KEY_COUNT];

/* What a key means to a backend. A backend's table has one row for each key (a unit test sees to it). */
enum key_means { KEY_HONOURED, KEY_IDLE /* not applicable here; said in the domain's log */, KEY_REFUSED };
struct key_use {
	enum key_means means;
	const char *why; /* for idle and refused ones: a clause that completes "KEY: ..." */
};

/* Keys of which only some words can be done; a list ends with NULL, as words do. */
struct key_words {
	enum key key;
	const char *const *words;
	const char *why; /* a clause, as above */
};
bool word_is(const char *s, const char *const *words);

enum action {
	ACTION_DESTROY,
	ACTION_RESTART,
	ACTION_RENAME_RESTART,
	ACTION_PRESERVE,
	ACTION_COREDUMP_DESTROY,
	ACTION_COREDUMP_RESTART,
	ACTION_SOFT_RESET,
	ACTION_COUNT
};
extern const char *const action_names[ACTION_COUNT];

enum disk_format {
	FORMAT_RAW,
	FORMAT_QCOW2,
	FORMAT_QCOW,
	FORMAT_QED,
	FORMAT_VHD,
	FORMAT_VHDX,
	FORMAT_EMPTY,
	FORMAT_COUNT
};
extern const char *const disk_format_names[FORMAT_COUNT];

enum disk_bus { BUS_IDE /* hdX */, BUS_SCSI /* sdX */, BUS_VIRTIO /* xvdX, vdX */ };

struct disk {
	const char *vdev; /* as the configuration says it: xvda, hdc, sda1 */
	enum disk_bus bus;
	unsigned index;     /* a is 0 */
	unsigned partition; /* 0: the whole disk */
	enum disk_format format;
	const char *source; /* absolute path (with a script: what the script takes); NULL: an empty drive */
	bool cdrom, readonly, direct_io_safe;
	bool untrusted, virtio;  /* untrusted; specification=virtio */
	int discard;             /* -1 not said, 0, 1 */
	const char *script;      /* NULL: none; REACH_HOST */
	const char *backend;     /* domain name, NULL: the host; REACH_HOST */
	const char *backendtype; /* phy, tap, qdisk, standalone; NULL: any */
};

struct vif {
	unsigned index;
	uint8_t mac[6];
	bool has_mac;
	const char *type;   /* as said: ioemu, vif; NULL: not said */
	bool emulated;      /* type=ioemu, or an HVM domain's vif without type=vif or netfront */
	const char *model;  /* NULL: the backend's default. rtl8139, e1000, virtio, netfront ... */
	const char *bridge; /* NULL: none named */
	const char *ip, *script, *vifname, *gatewaydev, *backend; /* NULL: not said */
	uint64_t rate_bytes;                                      /* a second; 0: no limit */
	unsigned rate_usec;                                       /* the window; 50000 unless said */
	unsigned mtu;                                             /* 0: not said */
	bool untrusted;
};

/*
 * The first of vfb=[...], then the keys vnc, vncdisplay ... over it. VNC is on for hvm unless vnc=0 (or nographic=1 or
 * vga="none" without vnc=1), for others only with a vfb or vnc=1. vncunused=1 beside a number means any that is free.
 */
struct display {
	bool vnc, sdl, opengl;
	const char *listen; /* NULL: 127.0.0.1 */
	int number;         /* VNC display; -1: any that is free */
	const char *passwd; /* NULL: none; shown to managers only */
	const char *keymap;
};

struct spec; /* opaque; made by the configuration rooms */

struct spec *spec_ref(const struct spec *s);
void spec_unref(const struct spec *s); /* accepts NULL */

bool spec_has(const struct spec *s, enum key k);
uint64_t spec_int(const struct spec *s, enum key k, uint64_t otherwise);       /* TYPE_INT */
bool spec_bool(const struct spec *s, enum key k, bool otherwise);              /* TYPE_BOOL */
const char *spec_str(const struct spec *s, enum key k, const char *otherwise); /* TYPE_STRING, or a list's first */
enum action spec_action(const struct spec *s, enum key k, enum action otherwise);
size_t spec_list(const struct spec *s, enum key k, const char *const **ret); /* its length; *ret is borrowed */

const struct disk *spec_disks(const struct spec *s, size_t *n);
const struct vif *spec_vifs(const struct spec *s, size_t *n);
const struct display *spec_display(const struct spec *s); /* never NULL; vnc and sdl false: none */

/* Derived, with xl's defaults. */
bool spec_hvm(const struct spec *s);           /* type= or builder= */
bool spec_pvh(const struct spec *s);           /* type= */
bool spec_direct_kernel(const struct spec *s); /* kernel= is to be booted: not without one, nor hvmloader with hvm */
bool spec_cmdline(const struct spec *s, struct buf *b); /* append cmdline=, else xm's ip, root, extra; false: none */
uint64_t spec_cap(const struct spec *s);                /* percent of one CPU: cap= or cpu_cap=; 0: no limit */
uint64_t spec_memory(const struct spec *s);             /* MiB; 0 when not said */
uint64_t spec_maxmem(const struct spec *s);             /* MiB, at least spec_memory */
unsigned spec_vcpus(const struct spec *s);              /* at least 1 */
unsigned spec_maxvcpus(const struct spec *s);           /* at least spec_vcpus */
bool spec_uuid(const struct spec *s, struct uuid *ret); /* false when not said */
bool spec_vcpu_affinity(const struct spec *s, unsigned vcpu, struct cpus *ret); /* cpus=; false: anywhere */

/* What the parser has to say besides an error: unknown keys, other case, keys that mean nothing. */
struct notes {
	struct buf text; /* a line each: LINE:COLUMN: sentence */
	size_t count;
};
void notes_free(struct notes *n);

#define CONFIG_MAX (1u << 20) /* bytes of a configuration's text, also of one that is printed */

/*
 * Parse TEXT (at most CONFIG_MAX). 0, or -EINVAL with "LINE:COLUMN: sentence" in *e. *notes (may be NULL) gets the warnings.
 * *ret is the caller's reference.
 */
int spec_parse(const char *text, size_t len, struct spec **ret, struct notes *notes, struct err *e);

/*
 * A copy of S with "key=value" words laid over it, as `xl create FILE key=value` does. A value is in the language's
 * syntax or plain text: boot=d, cdrom=/x.iso, vif+=bridge=br0. Sentences name the key.
 */
int spec_override(const struct spec *s, const char *const *words, size_t n, struct spec **ret, struct err *e);

/* The same with one key given as text in the language's syntax ("512", "'x'", "[ 'a' ]"); VALUE NULL removes the key. */
int spec_with(const struct spec *s, enum key k, const char *value, struct spec **ret, struct err *e);

/* The spec in the language's own syntax, normalised: spec_parse of it gives an equal spec. Passwords only if SECRETS. */
void spec_print(const struct spec *s, bool secrets, struct buf *b);

/* One JSON object, keys as in xl.cfg; disks and vifs as objects with every field filled in. */
void spec_json(const struct spec *s, bool secrets, struct buf *b);

/* -EPERM with a sentence that names the key when S says what only root's domains may; 0 when ROOT. */
int spec_check_reach(const struct spec *s, bool root, struct err *e);

/*
 * -EOPNOTSUPP with a sentence that names the key when S asks for what USES (KEY_COUNT rows) refuses, for other words than ONLY
 * (N rows) has, or for an end that no policy of the model brings about.
 */
int spec_check_uses(const struct spec *s, const struct key_use *uses, const struct key_words *only, size_t n,
                    struct err *e);

bool spec_equal(const struct spec *a, const struct spec *b);

/* "KEY LIVE -> CONFIG" for each key that differs, a line each. */
void spec_diff(const struct spec *live, const struct spec *config, struct buf *b);

/* Index in key_table, -1 when unknown. Exact case. */
int key_find(const char *name);

#endif
