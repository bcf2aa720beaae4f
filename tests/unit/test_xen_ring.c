/* What Xen says is logged once, by whichever daemon; Xen is this program, whose functions stand before those of its libraries. */
#include <stdio.h>
#include <string.h>
#undef __STRICT_ANSI__
#include <xenctrl.h>

#include "tests/unit/folder_world.h"
#include "tests/unit/test.h"

#include "backends/xen/xen.h"
#include "log.h"

static char handle[1]; /* whichever */

xc_interface *xc_interface_open(xentoollog_logger *log, xentoollog_logger *dom, unsigned flags)
{
	(void)log, (void)dom, (void)flags;
	return (xc_interface *)handle;
}

int xc_interface_close(xc_interface *xc)
{
	(void)xc;
	return 0;
}

static char ring[256];       /* all that it ever said */
static uint32_t first, room; /* what is left of that begins there; what a call gives at most */

int xc_readconsolering(xc_interface *xc, char *p, unsigned *n, int clear, int incremental, uint32_t *index)
{
	uint32_t end = (uint32_t)strlen(ring), from = *index > first && *index <= end ? *index : first;

	(void)xc;
	assert_true(incremental && !clear && *n >= room);
	*n = end - from < room ? end - from : room;
	memcpy(p, ring + from, *n);
	*index = from + *n;
	return 0;
}

static char logged[1024];

static void hook(enum log_level level, const char *line)
{
	const char *text = strstr(line, "info ");

	assert_int_equal(level, LOG_INFO);
	snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s|", text + 5);
}

/* What one daemon logs that is killed then. */
static void logs(struct backend *b, const char *lines)
{
	struct xen_ring *r = xen_ring_open(b);

	logged[0] = '\0';
	log_set_level(LOG_INFO);
	log_set_hook(hook);
	xen_ring_read(r);
	xen_ring_read(r);
	log_set_hook(NULL);
	log_set_level(LOG_ERROR);
	xen_ring_close(r);
	assert_string_equal(logged, lines);
}

static void test_ring(void **state)
{
	struct backend world = { .dirfd = folder, .boot_id = "boot" }, *b = &world;
	int fd;

	(void)state;
	for (room = 3; room <= 300; room += 297) {
		unlinkat(b->dirfd, "ring", 0);
		first = 0;
		snprintf(ring, sizeof(ring), "one\r\n\ntwo\nthr");
		logs(b, "one|two|");
		logs(b, "");
		snprintf(ring, sizeof(ring), "one\r\n\ntwo\nthree\nfour\n");
		logs(b, "three|four|");
		logs(b, "");
		first = (uint32_t)strlen(ring); /* meanwhile it came round */
		snprintf(ring, sizeof(ring), "one\r\n\ntwo\nthree\nfour\nfive\nsix\n");
		first += 5;
		logs(b, "six|");
		first = 10;
		b->boot_id[0] ^= 1; /* another Xen */
		logs(b, "three|four|five|six|");
		fd = openat(b->dirfd, "ring", O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_int_equal(write(fd, "ring\n", 5), 5);
		close(fd);
		logs(b, "three|four|five|six|");
	}
}

static int end(void **state)
{
	unlinkat(folder, "ring", 0);
	return folder_drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ring) };

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, folder_make, end);
}
