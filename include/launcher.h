/* A backend may start its guests' processes by way of this program itself, started anew as a small one without threads. */
#ifndef LAUNCHER_H
#define LAUNCHER_H

/* To be called first in main(): does not return when this process was started as a launcher. */
void qemu_launcher(int argc, char **argv);

#endif
