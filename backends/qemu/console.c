#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/qemu/guest.h"

#define SCREEN_MAX (16u << 20)
#define SCREEN_MSEC 2000

int console_write(struct guest *g, const char *p, size_t n, struct err *e)
{
	ssize_t taken;

	if (n == 0)
		return 0;
	do
		taken = write(g->ser_in, p, n > 65536 ? 65536 : n);
	while (taken < 0 && errno == EINTR);
	if (taken < 0 && errno == EAGAIN)
		return fail(e, EAGAIN, "the guest does not read its console");
	return taken < 0 ? fail(e, errno, "console: %s", strerror(errno)) : (int)taken;
}

int console_sysrq(struct guest *g, char letter, struct job *j, struct err *e)
{
	enum domain_state state;
	int rc = guest_alive(g, &state, e);

	if (rc < 0)
		return rc;
	if (state != STATE_RUNNING)
		return fail(e, EINVAL, "a paused guest does not read its console; unpause it first");
	/* On a serial console SysRq is a break followed by the letter. */
	rc = guest_call(g, "chardev-send-break", json_pack("{s:s}", "id", "ser0"), j, 0, NULL, e);
	if (rc == 0)
		rc = console_write(g, &letter, 1, e);
	return rc < 0 ? rc : 0;
}

/* A file that QEMU may write: the name is ours, and so is the descriptor by which it is read back. */
static int screen_file(struct guest *g, char name[40], struct err *e)
{
	struct uuid u = uuid_random();
	char text[UUID_TEXT];
	int fd;

	snprintf(name, 40, "%.12s.png", uuid_format(text, &u) + 24);
	fd = openat(g->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(e, errno, "%s/%s: %s", g->dir, name, strerror(errno));
	if (fchown(fd, g->record.uid, (gid_t)g->record.uid) < 0) {
		int rc = fail(e, errno, "%s/%s: %s", g->dir, name, strerror(errno));

		close(fd);
		unlinkat(g->dirfd, name, 0);
		return rc;
	}
	return fd;
}

int screen_dump(struct guest *g, struct buf *png, struct err *e)
{
	static const char magic[] = "\x89PNG";
	struct buf b = { 0 };
	char name[40];
	char *path = NULL;
	int fd, rc;

	if (!args_vnc(g->spec) && spec_bool(g->spec, KEY_nographic, false))
		return fail(e, EOPNOTSUPP, "the guest has no graphics card (nographic=1)");
	fd = screen_file(g, name, e);
	if (fd < 0)
		return fd;
	path = x_printf("%s/%s", g->dir, name);
	rc = guest_call(g, "screendump", json_pack("{s:s, s:s}", "filename", path, "format", "png"), NULL, SCREEN_MSEC,
	                NULL, e);
	if (rc == 0 && (rc = buf_read(&b, fd, SCREEN_MAX)) < 0)
		rc = fail(e, EREMOTEIO, "QEMU's picture: %s", rc == -EFBIG ? "too large" : strerror(-rc));
	if (rc == 0 && (b.len < 8 || memcmp(b.p, magic, sizeof(magic) - 1) != 0))
		rc = fail(e, EREMOTEIO, "QEMU's picture is no PNG");
	if (rc == 0)
		buf_add(png, b.p, b.len);
	buf_free(&b);
	free(path);
	close(fd);
	unlinkat(g->dirfd, name, 0);
	return rc;
}
