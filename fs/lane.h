/*
 * Lanes: the kernel locks an inode while it is written, and a verb may block for minutes in its write. So a file
 * that can be written has many inodes with one st_ino, and every writing open gets one of its own: LOOKUP gives
 * the lowest that nobody writes. Two that looked up at the same time are told apart at OPEN: the second gets
 * ESTALE, the kernel looks up again, and that lookup reserves a lane for the thread that asks. The loop only.
 */
#ifndef LANE_H
#define LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "table.h"

#define LANE_MAX 65535

struct lanes {
	struct table by_inode; /* inode of lane 0 -> struct lane_set; idle ones are removed */
};

void lanes_free(struct lanes *l);

/* The lane for a LOOKUP of INODE0 by thread TID. Those below FIRST are for readers; a TID that was not refused may be one. */
unsigned lane_pick(struct lanes *l, uint64_t inode0, unsigned first, pid_t tid, uint64_t now);

/*
 * TID opens for writing: false when the lane is written, reserved for another, or below FIRST; TID's next lane_pick reserves
 * one then.
 */
bool lane_take(struct lanes *l, uint64_t inode0, unsigned first, unsigned lane, pid_t tid, uint64_t now);

void lane_drop(struct lanes *l, uint64_t inode0, unsigned lane, uint64_t now);

#endif
