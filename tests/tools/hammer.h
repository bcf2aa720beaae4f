/*
 * What the actors of the hammer share: each is a process that changes or reads the tree at full speed and checks what it
 * reads. struct hammer is shared memory. A role's function runs until its phase is over, calls did() at every step, and reports
 * what is wrong by wrong().
 */
#ifndef HAMMER_H
#define HAMMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACTORS 128
#define TEXT 65536
#define SECONDS_STUCK 60 /* without a step: something hangs */

enum phase { PHASE_ALL, PHASE_READERS, PHASE_OVER };

/* What the name of an actor is: a domain's that is there all the time, whose directories come and go, or that comes and goes. */
enum subject { NO_DOMAIN, STAYS, STAYS_DEVICES, VARIES };

struct actor {
	char role[16], name[64];
	pid_t pid;
	bool reader; /* stays for the second phase */
	enum subject subject;
	atomic_ulong steps, changes;
	atomic_ulong lines, lost; /* of a stream: that it got, and was told that it missed */
};

struct hammer {
	char vm[200], etc[200];
	pid_t daemon;
	atomic_ulong changes, torn, reads;   /* torn: text that a change overtook within one read(2) */
	atomic_ulong looks, listings, later; /* by followers; held against the truth; of them: right after a while */
	atomic_llong listing;                /* when a listing hung last, ms; -1: it does now */
	atomic_int phase, wrong;
	atomic_ulong tags_told[ACTORS], tags_tried[ACTORS]; /* by the actor's index */
	int count;
	struct actor actors[ACTORS];
};

extern struct hammer *hammer;
extern struct actor *me;

/* ---- hammer.c ---- */
void did(void);                /* a step */
void changed(unsigned long n); /* so many changes were made and told to be done */
bool writers_go_on(void);
bool readers_go_on(void);
long long now_msec(void); /* as in an event's line */
void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- hammer_io.c ---- */
char *path_of(const char *domain, const char *file); /* below the mount, in a ring of static buffers */
int open_now(const char *path, int flags);           /* or ends the actor */
ssize_t read_old(int fd, char text[TEXT]);           /* lseek to 0 and one read(2); ends with a NUL. -errno */
ssize_t read_new(const char *path, int flags, char text[TEXT]);
int write_to(const char *path, int flags, const char *text); /* open, one write(2), close: 0 or -errno */
int write_line(int fd, const char *line);                    /* 0 or -errno */

/* A file that is the same thing by an old descriptor, a new one, past the cache and in its size: that it says WANT. */
struct seen {
	char path[320];
	int fd;
};
struct seen see(const char *domain, const char *file);
void must_be(const struct seen *s, const char *want, const char *after);
void status_must(const struct seen *s, const char *key, const char *want, const char *after);

/* VALUE of KEY in a status, up to its line's end; false: not there. */
bool status_value(const char *text, const char *key, char *value, size_t size);
/* Is it a status, whole, or as a change within one read(2) may leave it (*torn)? Says what is wrong. */
bool status_check(const char *text, size_t n, bool *torn);
bool word_check(const char *text, size_t n, bool *torn); /* a line */

/* A stream, line by line. */
struct lines {
	int fd;
	size_t len;
	bool lost;
	long long time; /* of the last line, ms */
	char part[TEXT];
};
void lines_open(struct lines *l, const char *domain); /* NULL: the root's */
long long time_parse(const char *s);                  /* ms, or -1 */
char *lines_next(struct lines *l, int msec);          /* NULL: none yet */
/* Waits for a line of DOMAIN with EVENT, or until lines were lost; false: it does not come. */
bool lines_await(struct lines *l, const char *domain, const char *event);

/* ---- hammer_list.c ---- */
/* Is NAME, once, in the listing of the directory DIR, or not at all? */
void list_must(const char *dir, const char *name, bool there, const char *after);
/* The same of the mount, by who was told in a line of TIME, or by a verb begun then, what another hand than his has made so. */
void list_must_told(const char *name, bool there, const char *after, long long time);
/* A look at the mount after a line of TIME; `ended` is 0 when nothing follows from it. */
struct listing {
	bool there;
	long long ended; /* ms */
};
struct listing list_look(const char *name, long long time);
void list_hangs(bool hangs);
/* Every name that stays is in the listing of the mount, once. */
void list_must_stay(void);
/* It has what /vm/domains.json has, and nothing else; EACH is called for each but the foreign one that comes and goes. */
void list_must_end(void (*each)(const char *name));
bool varies(const char *line); /* names a file that comes and goes */

/* ---- roles: the domain that it is about ---- */
void role_toggle(const char *name);
void role_self(const char *name);
void role_poll(const char *name);
void role_tags(const char *name);
void role_owner(const char *name);
void role_rename(const char *name);
void role_power(const char *name);
void role_memory(const char *name);
void role_make(const char *name);
void role_file(const char *name);
void role_contend(const char *name);
void role_device(const char *name);

void role_follow(const char *name);
void role_churn(const char *name);
void role_verify(const char *name);
void role_retag(const char *name);
void role_count(const char *name);
void role_walk(const char *name);
void role_stuck(const char *name);
void role_list(const char *name);

char *tags_text(unsigned long n);

#endif
