/* The configuration folder as its two rooms see it: files (folder.c) and the thread that follows them (folder_watch.c). */
#ifndef FOLDER_H
#define FOLDER_H

#include "hypervisor/model/internal.h"

struct folder {
	struct model *model;
	char *path;
	int dirfd, autofd;    /* autofd: auto/ */
	int inotify, stop_fd; /* -1 when not watched */
	int watch_dir, watch_auto;
	pthread_t thread;
	bool watched;
	struct table missing; /* name -> when it counts as removed; the watching thread's alone */
	/* autostart_has()'s, by the disk's lock: the names that auto/ links, and its mtime then; zero: to be read again. */
	struct table links;
	struct timespec links_of;
};

/* The domain's name of a file in the folder, when it is one to look at: NAME.cfg, not hidden, not a backup. */
bool folder_name(const char *file, char name[NAME_MAX_LEN + 1]);

/* Read NAME's file: defines, changes or rejects. The disk's lock is held. */
void folder_load(struct folder *f, const char *name);

/* When NAME's file is not there: undefine it, or let it leave when it is off. The disk's lock is held. */
void folder_lost(struct folder *f, const char *name);

#endif
