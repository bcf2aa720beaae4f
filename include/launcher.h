/* A backend may start its guests' processes by way of this program itself, started anew as a small one without threads. */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <stdbool.h>

/* To be called first in main(): runs the launcher and returns true when this process was started as one; *ret is its exit code. */
bool qemu_launcher(int argc, char **argv, int *ret);

#endif
