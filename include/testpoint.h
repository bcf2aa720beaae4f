/*
 * Named places where a test lets the process die as if by kill -9: the environment variable DOMFS_KILL_AT holds the
 * name. Read once; without it a call costs one comparison. Any thread.
 */
#ifndef TESTPOINT_H
#define TESTPOINT_H

void test_point(const char *name);

#endif
