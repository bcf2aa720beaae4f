/*
 * A page that holds up the kernel: the first access to it waits until stuck_let_go(). What a system call writes there, a
 * directory's listing or a file's text, so hangs in its middle, with the locks that it holds. By userfaultfd(2), which
 * needs root.
 */
#ifndef STUCK_H
#define STUCK_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct stuck {
	int fd;
	void *page;
	size_t size;
};

/* 0, or -1 where the machine does not let us. */
static inline int stuck_open(struct stuck *s)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->size = (size_t)sysconf(_SC_PAGESIZE);
	s->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0)
		return -1;
	s->page = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)s->page;
	reg.range.len = s->size;
	if (s->page == MAP_FAILED || ioctl(s->fd, UFFDIO_API, &api) || ioctl(s->fd, UFFDIO_REGISTER, &reg))
		return -1;
	return 0;
}

/* 1 when somebody hangs there, 0 after MSEC without. */
static inline int stuck_wait(const struct stuck *s, int msec)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	struct uffd_msg m;

	return poll(&p, 1, msec) == 1 && read(s->fd, &m, sizeof(m)) == (ssize_t)sizeof(m) &&
	       m.event == UFFD_EVENT_PAGEFAULT;
}

static inline void stuck_let_go(const struct stuck *s)
{
	struct uffdio_zeropage zero = { .range = { .start = (unsigned long)s->page, .len = s->size } };

	ioctl(s->fd, UFFDIO_ZEROPAGE, &zero);
}

static inline void stuck_close(struct stuck *s)
{
	munmap(s->page, s->size);
	close(s->fd);
}

#endif
