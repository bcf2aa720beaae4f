/*
 * A domain's name as the name of its directory: bytes that no name of ours may have (another tool made the domain)
 * are %XX. Pure.
 */
#ifndef DIRNAME_H
#define DIRNAME_H

#include <stdbool.h>

#define DIRNAME_TEXT 256

/* False when it would be too long; OUT is then "". */
bool dirname_encode(const char *name, char out[DIRNAME_TEXT]);

/* False when DIR is not what dirname_encode() makes of any name; OUT is then "". */
bool dirname_decode(const char *dir, char out[DIRNAME_TEXT]);

#endif
