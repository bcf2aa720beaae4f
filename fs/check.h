/*
 * What the daemon does with configurations without being one: checking and printing. Standard output gets the
 * result.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

int check_files(char *const *files, size_t n); /* the exit code: 1 when one has an error */
int check_dump(const char *file);              /* JSON */

#endif
