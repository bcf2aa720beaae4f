#include "buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/base/utf8.h"

static _Noreturn void memory_gone(void)
{
	static const char text[] = "out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

void *x_alloc(size_t n)
{
	return x_array(n, 1);
}

void *x_array(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		memory_gone();
	return p;
}

void *x_grow(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n ? n : 1, size ? size : 1);

	if (!q)
		memory_gone();
	return q;
}

char *x_strdup(const char *s)
{
	return s ? x_strndup(s, strlen(s)) : NULL;
}

char *x_strndup(const char *s, size_t n)
{
	size_t len;
	char *p;

	if (!s)
		return NULL;
	len = strnlen(s, n);
	p = x_alloc(len + 1);
	memcpy(p, s, len);
	return p;
}

char *x_printf(const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return buf_steal(&b);
}

/* Room for N more bytes and the NUL. */
static void buf_room(struct buf *b, size_t n)
{
	size_t need, cap;

	if (n > SIZE_MAX / 2 - b->len - 1)
		memory_gone();
	need = b->len + n + 1;
	if (need <= b->cap)
		return;
	cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	b->p = x_grow(b->p, cap, 1);
	b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_room(b, n);
	if (n)
		memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	buf_room(b, 80);
	va_copy(again, ap);
	n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	if (n < 0)
		memory_gone(); /* what else ends it is a text of 2 GiB or a wrong format */
	if ((size_t)n >= b->cap - b->len) {
		buf_room(b, (size_t)n);
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
	}
	va_end(again);
	b->len += (size_t)n;
}

void buf_escape(struct buf *b, const char *s, size_t n)
{
	size_t i = 0, len;

	buf_room(b, n);
	while (i < n) {
		len = utf8_printable(s + i, n - i);
		if (len) {
			buf_add(b, s + i, len);
			i += len;
			continue;
		}
		if (s[i] == '\n')
			buf_puts(b, "\\n");
		else if (s[i] == '\t')
			buf_puts(b, "\\t");
		else
			buf_printf(b, "\\x%02x", (unsigned char)s[i]);
		i++;
	}
	b->p[b->len] = '\0';
}

void buf_drop(struct buf *b, size_t n)
{
	if (!b->p)
		return;
	if (n > b->len)
		n = b->len;
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}

void buf_reset(struct buf *b)
{
	buf_drop(b, b->len);
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

char *buf_steal(struct buf *b)
{
	char *p = b->p ? b->p : x_strdup("");

	*b = (struct buf){ 0 };
	return p;
}

int buf_read(struct buf *b, int fd, size_t max)
{
	size_t got = 0, room;
	ssize_t n;
	char probe;

	buf_room(b, 0);
	b->p[b->len] = '\0';
	for (;;) {
		room = max - got < 65536 ? max - got : 65536;
		buf_room(b, room);
		n = room ? read(fd, b->p + b->len, room) : read(fd, &probe, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (room == 0)
			return -EFBIG;
		got += (size_t)n;
		b->len += (size_t)n;
		b->p[b->len] = '\0';
	}
	return n < 0 ? -errno : 0;
}
