/*
 * Large arrays of points and scratch.
 */
#ifndef SERTN_IR_SUPPORT_LARGE_MEMORY_H
#define SERTN_IR_SUPPORT_LARGE_MEMORY_H

#include <stddef.h>

/* From this size on huge pages pay: sums of points read their bases in no order, and with 4 kB
 * pages most of those reads miss the TLB. */
#define LARGE_MEMORY_BYTES ((size_t)8 << 20)

/* Returns memory aligned to 64 bytes, on huge pages from LARGE_MEMORY_BYTES on where the system
 * gives them; null without memory. The caller frees it with free(). */
void *large_alloc(size_t bytes);

#endif
