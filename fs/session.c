#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_log.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "atomic_file.h"
#include "fs/guard.h"
#include "fs/ops.h"
#include "fs/tally.h"
#include "log.h"

#define ENDING_MSEC 5 /* between two looks whether the last round is over */
#define BATCH 64      /* requests between two looks at signals and timers */
#define STACKED_MAX 8 /* dead mounts on one another */

static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void session_block_signals(void)
{
	sigset_t set;

	ending_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- what libfuse says ---- */

static void log_fuse(enum fuse_log_level level, const char *fmt, va_list ap)
{
	struct buf b = { 0 };

	buf_vprintf(&b, fmt, ap);
	while (b.len && b.p[b.len - 1] == '\n')
		b.p[--b.len] = '\0';
	log_at(level <= FUSE_LOG_ERR ? LOG_ERROR : level <= FUSE_LOG_WARNING ? LOG_WARN : LOG_DEBUG, "%s", b.p);
	buf_free(&b);
}

/* ---- mounting ---- */

/*
 * ENOTCONN: a daemon was killed, and its mount is still there. The singleton lock says that none lives. The kernel keeps
 * attributes of the dead, so stat(2) would not tell.
 */
static void unmount_dead(const char *path)
{
	struct statfs st;

	for (int i = 0; i < STACKED_MAX && statfs(path, &st) < 0 && errno == ENOTCONN; i++) {
		log_info("%s: removing the mount of a daemon that is gone", path);
		if (umount2(path, MNT_DETACH) < 0)
			log_error("%s: %m", path);
	}
}

static int mountpoint_make(const char *path, char **ret, struct err *e)
{
	int fd;

	unmount_dead(path);
	fd = dir_make(path, 0755, e);
	if (fd < 0)
		return fd;
	close(fd);
	*ret = realpath(path, NULL);
	if (!*ret)
		return fail(e, errno, "%s: %m", path);
	return 0;
}

/* By ourselves, not by libfuse: it would fall back to a setuid helper, and could not let go of the mount before the descriptor. */
static int device_mount(const char *mountpoint, struct err *e)
{
	char *data = NULL;
	int fd, ret;

	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail(e, errno, "/dev/fuse: %m; is the module fuse loaded, and are you root?");
	data = x_printf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	ret = mount("domfs", mountpoint, "fuse.domfs", MS_NOSUID | MS_NODEV, data) < 0 ? -errno : 0;
	free(data);
	if (ret == 0)
		return fd;
	close(fd);
	return fail(e, -ret, "%s cannot be mounted: %s", mountpoint, strerror(-ret));
}

static int session_mount(struct session *s, struct err *e)
{
	char *argv[] = { "domfs", NULL }, *path;
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int fd, ret = 0;

	fuse_set_log_func(log_fuse);
	s->fuse = fuse_session_new(&args, &fuse_ops, sizeof(fuse_ops), s);
	fuse_opt_free_args(&args);
	if (!s->fuse)
		return fail(e, EINVAL, "libfuse gives no session");
	fd = device_mount(s->mountpoint, e);
	if (fd < 0)
		return fd;
	s->mounted = true;
	path = x_printf("/dev/fd/%d", fd); /* libfuse takes it from there, and closes it with the session */
	if (fuse_session_mount(s->fuse, path) != 0) {
		ret = fail(e, EIO, "libfuse does not take the mount");
		close(fd);
	}
	free(path);
	return ret;
}

int session_open(struct model *m, const char *mountpoint, mode_t root_mode, struct session **ret, struct err *e)
{
	struct session *s = x_alloc(sizeof(*s));
	int r;

	s->model = m;
	s->root_mode = root_mode;
	invalidator_init(&s->invalidator, m);
	handles_init(&s->handles);
	flights_init(&s->flights);
	scratches_init(&s->scratches);
	r = streams_init(&s->streams);
	if (r)
		fail(e, -r, "the streams' thread cannot be started: %s", strerror(-r));
	if (r == 0)
		r = mountpoint_make(mountpoint, &s->mountpoint, e);
	if (r == 0)
		r = session_mount(s, e);
	if (r == 0)
		r = guard_start(s->mountpoint, e);
	if (r == 0)
		r = invalidator_start(&s->invalidator, s->fuse, s->mountpoint, e);
	if (r == 0)
		*ret = s;
	else
		session_close(s);
	return r;
}

/* ---- the loop ---- */

/* Requests that are there. 0, or 1 at the end, or -errno. */
static int take_requests(struct session *s, struct fuse_buf *buf)
{
	int n;

	for (int i = 0; i < BATCH; i++) {
		n = fuse_session_receive_buf(s->fuse, buf);
		if (n == -EAGAIN || n == -EINTR)
			return 0;
		if (n <= 0)
			return n < 0 ? n : 1;
		tally_count(buf->mem);
		fuse_session_process_buf(s->fuse, buf);
		if (fuse_session_exited(s->fuse))
			return 1;
	}
	return 0;
}

static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int session_loop(struct session *s, int signals)
{
	struct pollfd fds[2] = {
		{ .fd = fuse_session_fd(s->fuse), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	struct fuse_buf buf = { 0 };
	bool ending = false;
	int ret = 0, wait;

	while (ret == 0 && !(ending && invalidator_ended(&s->invalidator))) {
		wait = sooner(flights_look(&s->flights), inputs_look(&s->inputs));
		if (poll(fds, ending ? 1 : 2, ending ? ENDING_MSEC : wait) < 0 && errno != EINTR) {
			ret = -errno;
			break;
		}
		if (!ending && (fds[1].revents & POLLIN)) {
			ending = true;
			invalidator_end(&s->invalidator);
		}
		if (fds[0].revents)
			ret = take_requests(s, &buf);
	}
	free(buf.mem);
	return ret;
}

int session_run(struct session *s, void (*ready)(void *arg), void *arg, struct err *e)
{
	int signals, ret;
	sigset_t set;

	ending_signals(&set);
	tally_open();
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return fail(e, errno, "no descriptor for signals: %m");
	ready(arg);
	ret = session_loop(s, signals);
	close(signals);
	return ret < 0 ? fail(e, -ret, "the connection to the kernel broke: %s", strerror(-ret)) : 0;
}

/*
 * First nobody new comes in, then everybody is answered, then the descriptor is closed: a reply after that could go to
 * another file with its number.
 */
void session_close(struct session *s)
{
	if (s->mounted && umount2(s->mountpoint, MNT_DETACH) < 0 && errno != EINVAL)
		log_warn("%s: %m", s->mountpoint);
	if (s->fuse)
		fuse_session_exit(s->fuse);
	invalidator_stop(&s->invalidator);
	commands_stop_all();
	inputs_stop(&s->inputs);
	streams_stop(&s->streams);
	pool_drain();
	handles_free(&s->handles);
	invalidator_free(&s->invalidator);
	streams_free(&s->streams);
	if (s->fuse)
		fuse_session_destroy(s->fuse);
	flights_free(&s->flights);
	scratches_free(&s->scratches);
	lanes_free(&s->lanes);
	free(s->mountpoint);
	free(s);
}
