/*
 * Changing one value in a configuration's text and nothing else: comments, order and blanks stay byte for byte. For
 * commit, autostart, and the UUID and MAC addresses that are made once. Pure.
 */
#ifndef EDIT_H
#define EDIT_H

#include "buf.h"
#include "err.h"
#include "spec.h"

/*
 * Append to *ret the text with the value of K replaced by VALUE, which is in the language's syntax ("512", "'x'", "[
 * 'a' ]"). The assignment that counts is changed, and += behind it goes; when K is absent a line is appended. VALUE
 * NULL removes K. 0, or -EINVAL when TEXT or VALUE does not parse.
 */
int config_edit(const char *text, size_t len, enum key k, const char *value, struct buf *ret, struct err *e);

/*
 * The same for item INDEX of the list K. INDEX one behind the last (0 when K is absent) appends; ITEM NULL removes the
 * item. -ENOENT: there is no such item.
 */
int config_edit_item(const char *text, size_t len, enum key k, size_t index, const char *item, struct buf *ret,
                     struct err *e);

/* Where the value that counts is said. False: K is absent or TEXT does not parse. */
bool config_find(const char *text, size_t len, enum key k, unsigned *line, unsigned *column);

#endif
