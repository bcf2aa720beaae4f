/*
 * A call to libxl has a context of its own, so that none waits for another, and is driven to its end on the thread that
 * made it: beside libxl's own descriptors the job's cancel descriptor is polled.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libxl_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
/* Xen's headers are written in GNU C, and look whether it is spoken. */
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "backends/xen/xen.h"
#include "log.h"

#define FUSE_MINOR 229
#define CHILD_MSEC 3000
#define CHILD_TRIES 5

struct xen_call {
	xentoollog_logger log; /* first: libxl hands it back */
	pid_t pid;
	struct guest *g;
	char words[512]; /* of the first error */
	libxl_ctx *ctx;
	libxl_asyncop_how how;
	bool done;
	int rc;
};

/* ---- children of libxl: hotplug scripts, device models, and a fork without exec that waits for a domain to die ---- */

/* None may keep the mount alive when the daemon is dead. */
static void child_close(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *ent;
	struct stat st;

	while (d && (ent = readdir(d))) {
		int fd = atoi(ent->d_name);

		if (ent->d_name[0] != '.' && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 10 &&
		    minor(st.st_rdev) == FUSE_MINOR)
			close(fd);
	}
	if (d)
		closedir(d);
}

/* Takes each lock that Xen's libraries share between handles, and gives it back. */
static void try_locks(xentoollog_logger *log)
{
	xc_interface *xc = xc_interface_open(log, NULL, 0);
	xen_extraversion_t text;

	if (!xc)
		return;
	xc_version(xc, XENVER_extraversion, text);
	xc_interface_close(xc);
}

/* A child, once it has said that it gets on; 0 in that child, -1: it did not. */
static pid_t fork_once(void)
{
	xentoollog_logger *log = xen_log_quiet(); /* which says nothing in a child */
	int said[2];
	struct pollfd p = { .events = POLLIN };
	sigset_t none;
	char byte = 0;
	pid_t pid;

	if (pipe2(said, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		child_close();
		try_locks(log);
		(void)!write(said[1], &byte, 1);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	close(said[1]);
	p.fd = said[0];
	if (pid > 0 && (poll(&p, 1, CHILD_MSEC) <= 0 || read(said[0], &byte, 1) != 1)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		errno = EAGAIN;
		pid = -1;
	}
	close(said[0]);
	return pid;
}

/*
 * Xen's libraries have locks that fork(2) knows nothing of, for the list of their handles and for the memory of hypercalls, and
 * some of libxl's children go on to use both: one that was forked while another thread had such a lock would wait for ever,
 * and with it the end of its domain. It is another's turn then.
 */
pid_t xen_fork(void *user)
{
	pid_t pid = -1;

	(void)user;
	for (int i = 0; i < CHILD_TRIES && pid < 0; i++)
		pid = fork_once();
	return pid;
}

static const libxl_childproc_hooks child_hooks = {
	.chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
	.fork_replacement = xen_fork,
};

/* ---- what libxl says ---- */

static void put_line(struct guest *g, const char *line)
{
	lock_acquire(&g->lock);
	if (g->log.len < XEN_LOG_MAX) {
		buf_puts(&g->log, line);
		buf_putc(&g->log, '\n');
	}
	lock_release(&g->lock);
}

static void say(struct xentoollog_logger *logger, xentoollog_level level, int errnoval, const char *context,
                const char *format, va_list ap)
{
	struct xen_call *c = (void *)logger;
	char line[1024];
	int n;

	/* A forked child has copies of locks that nobody lets go of. */
	if (level < XTL_INFO || getpid() != c->pid)
		return;
	n = vsnprintf(line, sizeof(line), format, ap);
	if (n < 0)
		return;
	if (errnoval >= 0 && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n, ": %s", strerror(errnoval));
	if (level >= XTL_ERROR && !c->words[0])
		snprintf(c->words, sizeof(c->words), "%.500s", line);
	log_debug("%s: %s", context ? context : "libxl", line);
	if (c->g)
		put_line(c->g, line);
}

static void progress(struct xentoollog_logger *logger, const char *context, const char *what, int percent,
                     unsigned long done, unsigned long total)
{
	(void)logger, (void)context, (void)what, (void)percent, (void)done, (void)total;
}

static void quit(struct xentoollog_logger *logger)
{
	(void)logger;
}

static pid_t quiet_pid;

static void say_quietly(struct xentoollog_logger *logger, xentoollog_level level, int errnoval, const char *context,
                        const char *format, va_list ap)
{
	char line[1024];

	(void)logger;
	(void)errnoval;
	if (level < XTL_WARN || getpid() != quiet_pid)
		return;
	vsnprintf(line, sizeof(line), format, ap);
	log_debug("%s: %s", context ? context : "libxl", line);
}

xentoollog_logger *xen_log_quiet(void)
{
	static xentoollog_logger quiet = { .vmessage = say_quietly, .progress = progress, .destroy = quit };

	quiet_pid = getpid();
	return &quiet;
}

/* ---- contexts ---- */

int xen_ctx_open(xentoollog_logger *log, libxl_ctx **ret, struct err *e)
{
	libxl_ctx *ctx = NULL;

	if (libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, log))
		return fail(e, EIO, "Xen does not answer: is this its control domain, and does xenstored run?");
	libxl_childproc_setmode(ctx, &child_hooks, NULL);
	*ret = ctx;
	return 0;
}

static void finished(libxl_ctx *ctx, int rc, void *arg)
{
	struct xen_call *c = arg;

	(void)ctx;
	c->rc = rc;
	c->done = true;
}

int xen_call_begin(struct backend *b, struct guest *g, struct xen_call **ret, struct err *e)
{
	struct xen_call *c = x_alloc(sizeof(*c));
	int rc;

	(void)b;
	c->log = (xentoollog_logger){ .vmessage = say, .progress = progress, .destroy = quit };
	c->pid = getpid();
	c->g = g;
	c->how.callback = finished;
	c->how.u.for_callback = c;
	rc = xen_ctx_open(&c->log, &c->ctx, e);
	if (rc) {
		free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

libxl_ctx *xen_call_ctx(struct xen_call *c)
{
	return c->ctx;
}

const libxl_asyncop_how *xen_call_how(struct xen_call *c)
{
	c->done = false;
	return &c->how;
}

void xen_call_end(struct xen_call *c)
{
	if (!c)
		return;
	libxl_ctx_free(c->ctx);
	free(c);
}

/* ---- errors ---- */

static const struct {
	int rc, code;
	const char *why; /* NULL: what libxl said, if it said anything */
} codes[] = {
	{ ERROR_NI, EOPNOTSUPP, "this Xen cannot do it" },
	{ ERROR_NOMEM, ENOMEM, NULL },
	{ ERROR_GUEST_TIMEDOUT, ETIMEDOUT, "the guest did not answer in time" },
	{ ERROR_TIMEDOUT, ETIMEDOUT, NULL },
	{ ERROR_NOPARAVIRT, EOPNOTSUPP, "the guest has no drivers for Xen that would hear of it" },
	{ ERROR_DOMAIN_NOTFOUND, EHOSTDOWN, "the guest has ended" },
	{ ERROR_DOMAIN_DESTROYED, EHOSTDOWN, "the guest has ended" },
	{ ERROR_ABORTED, ECANCELED, "it was stopped" },
};

int xen_call_error(struct xen_call *c, int rc, const char *what, struct err *e)
{
	int code = EREMOTEIO;
	const char *why = NULL;

	if (rc >= 0)
		return 0;
	for (size_t i = 0; i < COUNT(codes); i++) {
		if (codes[i].rc == rc) {
			code = codes[i].code;
			why = codes[i].why;
		}
	}
	if (why)
		return fail(e, code, "%s: %s", what, why);
	return c->words[0] ? fail(e, code, "%s: Xen says: %s", what, c->words)
	                   : fail(e, code, "%s: Xen refuses (error %d)", what, rc);
}

/* ---- the loop ---- */

struct polled {
	struct pollfd *fds;
	int room;
};

static void poll_once(struct xen_call *c, struct polled *p, int cancel, int msec)
{
	struct timeval now;
	int n, timeout;

	for (;;) {
		n = p->room > 0 ? p->room - 1 : 0;
		timeout = msec;
		gettimeofday(&now, NULL);
		if (p->room > 0 && libxl_osevent_beforepoll(c->ctx, &n, p->fds, &timeout, now) == 0)
			break;
		if (p->room == 0)
			n = 15;
		p->fds = x_grow(p->fds, (size_t)n + 1, sizeof(*p->fds));
		p->room = n + 1;
	}
	p->fds[n] = (struct pollfd){ .fd = cancel, .events = POLLIN };
	poll(p->fds, (nfds_t)n + 1, timeout);
	gettimeofday(&now, NULL);
	libxl_osevent_afterpoll(c->ctx, n, p->fds, now);
}

int xen_call_finish(struct xen_call *c, int rc, struct job *j, const char *what, struct err *e)
{
	struct polled p = { 0 };
	struct err why = { 0 };
	bool aborted = false;

	if (rc)
		return xen_call_error(c, rc, what, e);
	while (!c->done) {
		uint64_t now = clock_msec(), end = j ? job_deadline(j) : UINT64_MAX;
		int msec = aborted || end == UINT64_MAX ? -1
		           : end > now                  ? (int)(end - now < 60000 ? end - now : 60000)
		                                        : 0;

		poll_once(c, &p, j && !aborted ? job_cancel_fd(j) : -1, msec);
		if (!c->done && !aborted && j && job_check(j, &why)) {
			libxl_ao_abort(c->ctx, &c->how);
			aborted = true;
		}
	}
	free(p.fds);
	if (c->rc && aborted)
		return fail(e, why.code, "%s", (char *)why.text);
	return xen_call_error(c, c->rc, what, e);
}
