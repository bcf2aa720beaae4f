/*
 * An error is a number plus a sentence. Functions return 0 or -errno; the sentence (what is wrong, what to do) is left in
 * *e. Neither is ever derived from the other. A struct err belongs to one thread at a time.
 */
#ifndef ERR_H
#define ERR_H

#define ERR_TEXT 1024

struct err {
	int code;            /* positive errno, 0 when nothing failed */
	char text[ERR_TEXT]; /* one line, no newline, control bytes replaced by '?' */
};

/* Set *e (which may be NULL) and return -code. CODE is a positive errno. */
int fail(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put "PREFIX: " before the sentence of *e, keeping its number; returns -e->code. */
int fail_in(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* "EBUSY" for 16 or -16, "ok" for 0. Never NULL. */
const char *err_name(int code);

#endif
