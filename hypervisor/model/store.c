/*
 * STATE: `lock` (held by the one daemon), `ids` (numbers that are never given twice), `history`, and a folder for each
 * domain, domains/NAME (store_domain.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "hypervisor/model/store.h"
#include "log.h"

/* Event numbers are reserved in blocks, the next when half of one is used, by a pool thread: events are told with locks held. */
#define SEQ_BLOCK 8192
#define SERIAL_BLOCK 64
#define SERIAL_FIRST 2 /* 1 is the root directory's */

static int boot_id(char out[40], struct err *e)
{
	struct buf b = { 0 };
	int rc = file_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &b, e);

	if (!rc)
		snprintf(out, 40, "%.36s", b.p);
	buf_free(&b);
	return rc;
}

/* Without this file a number could come twice, so a failure to write it is told to whoever wanted one. */
static int ids_save(struct store *s, struct err *e)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I}", "boot", s->boot, "autostarted", s->autostarted, "next_id",
	                      (json_int_t)s->next_id, "serial_limit", (json_int_t)s->serial_limit, "seq_limit",
	                      (json_int_t)s->seq_limit);
	char *text = json_dumps(o, JSON_INDENT(1));
	int rc = file_replace(s->dirfd, "ids", text, strlen(text), 0600, e);

	if (rc)
		log_error("the state folder: %s", e->text);
	free(text);
	json_decref(o);
	return rc;
}

static bool ids_sane(json_int_t id, json_int_t serial, json_int_t seq)
{
	return id >= 1 && id < INT_MAX && serial >= SERIAL_FIRST && seq >= 0;
}

static int ids_load(struct store *s, struct err *e)
{
	struct err missing = { 0 };
	struct buf b = { 0 };
	json_t *o = NULL;
	const char *boot = "", *autostarted = "";
	json_int_t id = 1, serial = SERIAL_FIRST, seq = 0;
	int rc = file_slurp(s->dirfd, "ids", 4096, &b, &missing);

	if (rc && rc != -ENOENT)
		return fail(e, -rc, "%s", missing.text);
	if (!rc) {
		o = json_loadb(b.p, b.len, 0, NULL);
		if (!o ||
		    json_unpack(o, "{s:s, s:s, s:I, s:I, s:I}", "boot", &boot, "autostarted", &autostarted, "next_id",
		                &id, "serial_limit", &serial, "seq_limit", &seq) ||
		    !ids_sane(id, serial, seq)) {
			rc = fail(e, EINVAL, "%s/ids is damaged: numbers could come twice; move it away to begin anew",
			          s->path);
			goto out;
		}
	}
	/* After a boot of the host no guest runs, and ids begin again. */
	s->next_id = strcmp(boot, s->boot) ? 1 : (uint64_t)id;
	s->next_serial = s->serial_limit = (uint64_t)serial;
	s->seq = (uint64_t)seq;
	snprintf(s->autostarted, sizeof(s->autostarted), "%s", autostarted);
	s->seq_limit = s->seq + SEQ_BLOCK;
	rc = ids_save(s, e);
out:
	json_decref(o);
	buf_free(&b);
	return rc;
}

/* The process's own, as fcntl(2) has it: what a killed daemon was just starting, or left behind, does not have it too. */
static int lock_take(struct store *s, struct err *e)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	s->lockfd = openat(s->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lockfd < 0)
		return fail(e, errno, "%s/lock: %m", s->path);
	if (fcntl(s->lockfd, F_SETLK, &whole) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return fail(e, errno, "%s/lock: %m", s->path);
	return fail(e, EBUSY, "another daemon manages the domains of %s; stop it first or give another --state-dir",
	            s->path);
}

int store_open(const char *dir, struct store **ret, struct err *e)
{
	struct store *s = x_alloc(sizeof(*s));
	int rc;

	lock_init(&s->lock);
	s->path = x_strdup(dir);
	s->dirfd = s->lockfd = s->domainsfd = -1;
	s->dirfd = dir_make(dir, 0700, e);
	rc = s->dirfd < 0 ? s->dirfd : lock_take(s, e);
	if (!rc)
		file_sweep(s->dirfd);
	if (!rc)
		rc = boot_id(s->boot, e);
	if (!rc)
		rc = ids_load(s, e);
	if (!rc && mkdirat(s->dirfd, "domains", 0700) && errno != EEXIST)
		rc = fail(e, errno, "%s/domains: %m", dir);
	if (!rc) {
		s->domainsfd = openat(s->dirfd, "domains", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->domainsfd < 0)
			rc = fail(e, errno, "%s: %m", dir);
	}
	if (rc)
		store_close(s);
	else
		*ret = s;
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	close_fd(s->domainsfd);
	close_fd(s->lockfd);
	close_fd(s->dirfd);
	lock_destroy(&s->lock);
	free(s->path);
	free(s);
}

int store_serial(struct store *s, uint64_t *ret, struct err *e)
{
	uint64_t limit;
	int rc = 0;

	lock_acquire(&s->lock);
	limit = s->serial_limit;
	*ret = s->next_serial++;
	if (*ret >= limit) {
		s->serial_limit = *ret + SERIAL_BLOCK;
		rc = ids_save(s, e);
		if (rc)
			s->serial_limit = limit;
	}
	lock_release(&s->lock);
	return rc;
}

int store_id(struct store *s, struct err *e)
{
	int id, rc;

	lock_acquire(&s->lock);
	id = (int)s->next_id++;
	rc = ids_save(s, e);
	lock_release(&s->lock);
	return rc ? rc : id;
}

void store_id_seen(struct store *s, int id)
{
	lock_acquire(&s->lock);
	if (id >= 0 && (uint64_t)id >= s->next_id)
		s->next_id = (uint64_t)id + 1; /* durable with the next id that is given */
	lock_release(&s->lock);
}

uint64_t store_seq(struct store *s)
{
	return s->seq;
}

static void seq_extend(void *arg)
{
	struct store *s = arg;
	struct err e = { 0 };

	lock_acquire(&s->lock);
	s->seq_limit += SEQ_BLOCK;
	if (ids_save(s, &e))
		s->seq_limit -= SEQ_BLOCK; /* the next event asks again */
	lock_release(&s->lock);
	s->seq_extending = false;
}

void store_seq_used(struct store *s, uint64_t seq)
{
	if (seq + SEQ_BLOCK / 2 >= s->seq_limit && !atomic_exchange(&s->seq_extending, true))
		pool_run(seq_extend, s, true);
}

bool store_first_boot(struct store *s)
{
	struct err e = { 0 };
	bool first;

	lock_acquire(&s->lock);
	first = strcmp(s->autostarted, s->boot) != 0;
	if (first) {
		memcpy(s->autostarted, s->boot, sizeof(s->autostarted));
		ids_save(s, &e);
	}
	lock_release(&s->lock);
	return first;
}
