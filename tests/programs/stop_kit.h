/*
 * Stopping a program at a chosen moment, by a signal.
 *
 * kit_stop_at runs it under ptrace(2) and sends the signal just before its n-th system call that
 * changes a file or a folder, so that n = 1, 2, ... visits every state a kill can leave on the
 * disk. kit_stop_after sends it when some time has passed, wherever the program is then.
 */
#ifndef SERTN_TESTS_PROGRAMS_STOP_KIT_H
#define SERTN_TESTS_PROGRAMS_STOP_KIT_H

#include <stdbool.h>

/* How the program ended. */
struct kit_stop {
    bool stopped;    /* by the signal; else it had ended before */
    int exit_status; /* when it ended by itself; 128 + n when another signal ended it */
};

/* argument: as test_run. Skips the case where the system does not allow ptrace. */
struct kit_stop kit_stop_at(const char *const *argument, unsigned n, int signal);
struct kit_stop kit_stop_after(const char *const *argument, unsigned microseconds, int signal);

#endif
