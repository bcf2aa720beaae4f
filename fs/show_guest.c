/* What is asked of the hypervisor, or of an image, when the file is opened: on pool threads. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "fs/show_device.h"
#include "fs/show_domain.h"
#include "fs/show_host.h"

#define VCPUS_MAX 1024
#define SIZE_MSEC 500 /* to open an image */
#define SIZE_TEXT 21  /* 20 digits and the newline */
#define QCOW2_MAGIC "QFI\xfb"

static void vcpu_lines(const struct vcpu *v, int n, struct buf *b)
{
	char affinity[CPUS_TEXT];

	for (int i = 0; i < n; i++) {
		buf_printf(b, "%u ", v[i].id);
		if (v[i].cpu < 0)
			buf_puts(b, "- ");
		else
			buf_printf(b, "%d ", v[i].cpu);
		buf_printf(b, "%c %" PRIu64 " %s\n", v[i].state, v[i].cpu_usec, cpus_format(affinity, &v[i].affinity));
	}
}

int show_vcpu_list(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct err ignored = { 0 };
	struct vcpu *vcpus;
	struct guest *g = NULL;
	int n;

	(void)reader;
	(void)e;
	if (r->domain)
		g = r->model->ops->vcpu_list ? guest_get(r->domain, &ignored) : NULL;
	if (r->domain && !g)
		return 0;
	vcpus = x_array(VCPUS_MAX, sizeof(*vcpus));
	n = g ? r->model->ops->vcpu_list(g, vcpus, VCPUS_MAX, &ignored) : host_vcpus(r->model, vcpus, VCPUS_MAX);
	if (g)
		guest_put(r->domain);
	if (n > 0)
		vcpu_lines(vcpus, n < VCPUS_MAX ? n : VCPUS_MAX, b);
	free(vcpus);
	return 0;
}

size_t size_vcpu_list(const struct ref *r)
{
	size_t affinity = 3 * (size_t)host_cpu_ids(r->model) + 8, vcpus;
	struct domain_facts f;

	domain_facts_get(r, &f);
	vcpus = f.on ? f.maxvcpus : 0;
	domain_facts_free(&f);
	return size_round(
		vcpus * (sizeof("1023 1023 r 18446744073709551615") + (affinity < CPUS_TEXT ? affinity : CPUS_TEXT)),
		64);
}

int show_screen(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	struct guest *g;
	int rc;

	(void)reader;
	if (!r->model->ops->screen)
		return fail(e, EOPNOTSUPP, "%s gives no pictures of a guest's display", r->model->ops->name);
	g = guest_get(r->domain, e);
	if (!g)
		return -e->code;
	rc = r->model->ops->screen(g, b, e);
	guest_put(r->domain);
	return rc;
}

static uint64_t big_endian(const unsigned char *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

/* What the image FD holds for the guest; FACT_NONE when that cannot be said. */
static uint64_t image_size(int fd, const char *format)
{
	unsigned char head[32];
	struct stat st;
	uint64_t bytes;

	if (!strcmp(format, disk_format_names[FORMAT_QCOW2])) {
		if (pread(fd, head, sizeof(head), 0) != sizeof(head) || memcmp(head, QCOW2_MAGIC, 4) != 0)
			return FACT_NONE;
		return big_endian(head + 24);
	}
	if (strcmp(format, disk_format_names[FORMAT_RAW]) != 0 || fstat(fd, &st))
		return FACT_NONE;
	if (S_ISREG(st.st_mode))
		return (uint64_t)st.st_size;
	return ioctl(fd, BLKGETSIZE64, &bytes) ? FACT_NONE : bytes;
}

static uint64_t source_size(const struct ref *r, const char *source, const char *format)
{
	struct err ignored = { 0 };
	gid_t *groups = NULL;
	struct user owner;
	uint64_t n;
	uid_t uid;
	int fd;

	lock_acquire(&r->domain->lock);
	uid = r->domain->owner;
	lock_release(&r->domain->lock);
	if (access_user(uid, &owner, &groups, &ignored))
		return FACT_NONE;
	fd = access_open(&owner, source, O_RDONLY, clock_msec() + SIZE_MSEC, &ignored);
	free(groups);
	if (fd < 0)
		return FACT_NONE;
	n = image_size(fd, format);
	close(fd);
	return n;
}

int show_disk_size(const struct ref *r, const struct user *reader, struct buf *b, struct err *e)
{
	char *source = NULL;
	const char *format = NULL;
	uint64_t n = FACT_NONE;

	(void)reader;
	(void)e;
	disk_source(r, &source, &format);
	if (source)
		n = source_size(r, source, format);
	if (n == FACT_NONE)
		buf_printf(b, "%*s\n", SIZE_TEXT - 1, "");
	else
		buf_printf(b, "%*" PRIu64 "\n", SIZE_TEXT - 1, n);
	free(source);
	return 0;
}

size_t size_disk_size(const struct ref *r)
{
	(void)r;
	return SIZE_TEXT;
}
