/*
 * Large arrays of points and scratch.
 */
#ifndef SERTN_IR_SUPPORT_LARGE_MEMORY_H
#define SERTN_IR_SUPPORT_LARGE_MEMORY_H

#include <stddef.h>

#include "ir/support/machine.h"

/* From this size on huge pages pay: sums of points read their bases in no order, and with 4 kB
 * pages most of those reads miss the TLB. */
#define LARGE_MEMORY_BYTES ((size_t)8 << 20)

/* Returns memory aligned to 64 bytes, on huge pages from LARGE_MEMORY_BYTES on where the system
 * gives them; null without memory. The caller frees it with free(). */
void *large_alloc(size_t bytes);

/* Has the system give every page of memory of large_alloc now, on all threads: each page is cleared
 * when it is first touched, and one thread that touches them one by one takes longer than it needs
 * to fill them. A wish: nothing happens on systems that cannot. For memory that will all be used.
 */
void large_populate(struct machine *machine, void *memory, size_t bytes);

#endif
