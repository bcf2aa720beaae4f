/*
 * Passwords in a configuration's text, which only a domain's managers see. Pure, any thread.
 */
#ifndef SECRETS_H
#define SECRETS_H

#include "buf.h"

/*
 * Append the N bytes at TEXT with the value of every password key replaced by three asterisks: vncpasswd and
 * spicepasswd, at the top level, within a quoted specification (vfb) or in a comment.
 * Everything else stays as it is.
 */
void secrets_mask(const char *text, size_t n, struct buf *b);

#endif
