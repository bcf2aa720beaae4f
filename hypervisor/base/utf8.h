/*
 * Which bytes of a stranger's text can stand in a line as they are: UTF-8 without control characters. Pure, any thread.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes (1 to 4) of the printable character that the N bytes at S begin with; 0 for none: a control, not UTF-8. */
size_t utf8_printable(const char *s, size_t n);

#endif
