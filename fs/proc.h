/*
 * Small reads of procfs. They do not wait for devices, but take longer the more the host has: not on the loop. Pure.
 */
#ifndef PROC_H
#define PROC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define PROC_MAX (256u << 10)

/* The first PROC_MAX bytes of the file PATH into the empty *ret; what cannot be read leaves it empty. */
void proc_read(const char *path, struct buf *ret);

/*
 * What follows the first line's "KEY" and blanks or a colon in TEXT, to the end of the line, copied. OUT is ""
 * when there is none.
 */
void proc_field(const char *text, const char *key, char *out, size_t size);

/* CPU time used by host CPU N (-1: all), in microseconds, from the text of /proc/stat. -1: no such line. */
int64_t proc_cpu_usec(const char *stat, int n);

#endif
