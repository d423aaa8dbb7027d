/*
 * Large arrays. See large_memory.h.
 */
#include "ir/support/large_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *large_alloc(size_t bytes)
{
    size_t unit = bytes >= LARGE_MEMORY_BYTES ? HUGE_PAGE : 64;
    if (bytes > SIZE_MAX - unit)
        return NULL;
    bytes = (bytes + unit - 1) / unit * unit;
    void *memory = aligned_alloc(unit, bytes ? bytes : unit);
#ifdef MADV_HUGEPAGE
    /* A wish: what the system answers does not matter. */
    if (memory && unit == HUGE_PAGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

#ifdef MADV_POPULATE_WRITE
static void populate_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    (void)madvise((char *)context + begin, end - begin, MADV_POPULATE_WRITE);
}
#endif

void large_populate(struct machine *machine, void *memory, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    if (bytes >= LARGE_MEMORY_BYTES)
        machine_parallel_for(machine, bytes, HUGE_PAGE, populate_task, memory);
#else
    (void)machine;
    (void)memory;
    (void)bytes;
#endif
}
