/*
 * An operation under way, as the code that carries it out sees it. The job belongs to whoever started it; a backend's
 * function uses it during the call only. Any thread.
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct job;

/* Readable (poll it beside what is waited for) once the job is to stop. Never read from it. */
int job_cancel_fd(const struct job *j);

/* In clock_msec() terms; never 0. */
uint64_t job_deadline(const struct job *j);

/* 0 while the job shall go on; else -EINTR, -ECANCELED or -ETIMEDOUT with the sentence. */
int job_check(const struct job *j, struct err *e);

/* Shown in NAME/job. */
void job_progress(struct job *j, unsigned percent, uint64_t left_bytes, unsigned eta_seconds);

#endif
