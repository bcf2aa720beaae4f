/*
 * Directories as the kernel knows them follow the model's domains: what another hand than mkdir(2), rmdir(2) or rename(2) has
 * made, removed or renamed, the herald does again through the kernel. One operation a view at a time; what fails is tried
 * again, and meanwhile a domain is found by who asks for it. naming_look(): the invalidator's thread.
 */
#ifndef NAMING_H
#define NAMING_H

#include <stdbool.h>

struct invalidator;
struct view;

/* Has V's directory put right. True when its domain is gone and so is the directory: the view is to go as well. */
bool naming_look(struct invalidator *inv, struct view *v);

#endif
