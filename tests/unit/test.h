/*
 * cmocka and what it needs, for every unit test. Its fail() makes way for the project's.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail

#define LIMIT 20000 /* ms; only a failing test waits so long */

#endif
