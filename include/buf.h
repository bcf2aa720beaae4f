/*
 * A growing byte buffer and the allocators of the whole program. Memory that cannot be had ends the process: guests
 * do not depend on it, and every size that comes from outside is bounded before it gets here. A struct buf is owned
 * by one thread at a time; {0} is an empty one. p is always NUL-terminated when not NULL.
 */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *p;
	size_t len, cap;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Append S with control bytes, and what is not UTF-8, as \n, \t or \xNN: for text of others that goes into lines. */
void buf_escape(struct buf *b, const char *s, size_t n);

/* Drop the first N bytes (all of them when N is larger). */
void buf_drop(struct buf *b, size_t n);
void buf_reset(struct buf *b); /* length 0, memory kept */
void buf_free(struct buf *b);  /* back to {0} */

/* Hand the text over to the caller, who frees it; "" when empty, never NULL. *b is {0} afterwards. */
char *buf_steal(struct buf *b);

/* Append the whole of the file FD, at most MAX bytes. 0, -EFBIG or -errno; what was read stays in *b. */
int buf_read(struct buf *b, int fd, size_t max);

void *x_alloc(size_t n); /* zeroed */
void *x_array(size_t n, size_t size);
void *x_grow(void *p, size_t n, size_t size); /* realloc of n*size, overflow checked, new part not zeroed */
char *x_strdup(const char *s);                /* NULL gives NULL */
char *x_strndup(const char *s, size_t n);
char *x_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
