/*
 * Bounds for work on models and inputs of strangers: how much a process may take, and what it may
 * ask of the kernel.
 *
 * libseccomp does the filter, loaded when first used.
 */
#ifndef SERTN_RUNTIME_SANDBOX_H
#define SERTN_RUNTIME_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/support/status.h"

struct sandbox_limits {
    uint64_t memory_bytes; /* of address space */
    uint64_t seconds;      /* of processor time, all threads together */
};

/* Builds with sanitizers bound no memory: these map terabytes that they do not use. */
bool sandbox_bounds_memory(void);

/* Lowers the resource limits of this process: memory, processor time, no files written, no core
 * dumps. Async-signal-safe: for the child after a fork. False when the system refuses. */
bool sandbox_limit(const struct sandbox_limits *limits);

/* Closes what the process has from its parent but standard input, output and error: connections
 * above all. Async-signal-safe. */
void sandbox_close_files(void);

/*
 * From here on this process and its threads may compute, and read files; not write any, not reach
 * the network, not start programs or touch other processes. Where the kernel has Landlock (Linux
 * 5.13) they may read only what is under `readable` (a list that ends with a null pointer; folders
 * that are not there are passed over), what libraries of the system need (/usr, /lib,
 * /proc/self, ...) and beside the program: not the keystore, nor the memory of the daemon, nor
 * disks where the node is root. What is forbidden fails with EACCES or EPERM, so that caches are
 * left alone. Errors: STATUS_DEVICE when the filter cannot be made.
 */
enum status sandbox_enter(const char *const *readable, struct diag *diag) SERTN_MUST_CHECK;

#endif
