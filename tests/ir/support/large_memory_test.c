/* Memory that is asked for at once is there, and what stands in it stays. */
#include "ir/support/large_memory.h"
#include "tests/harness/harness.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages_of(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page;
}

/* Pages of memory that begins with a page which the system has given. */
static size_t resident_pages(void *memory, size_t bytes)
{
    size_t pages = pages_of(bytes), count = 0;
    unsigned char *is_there = malloc(pages);
    REQUIRE(is_there != NULL);
    REQUIRE(mincore(memory, bytes, is_there) == 0);
    for (size_t i = 0; i < pages; i++)
        count += is_there[i] & 1;
    free(is_there);
    return count;
}

/* Whether the system gives pages that are asked for, and says which it has given. */
static bool can_populate(void)
{
#ifdef MADV_POPULATE_WRITE
    size_t bytes = 4 * (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    bool can = resident_pages(memory, bytes) == 0 &&
               madvise(memory, bytes, MADV_POPULATE_WRITE) == 0 &&
               resident_pages(memory, bytes) == 4;
    munmap(memory, bytes);
    return can;
#else
    return false;
#endif
}

static const size_t sizes[] = {1,
                               63,
                               4097,
                               LARGE_MEMORY_BYTES - 1,
                               LARGE_MEMORY_BYTES,
                               LARGE_MEMORY_BYTES + 1,
                               LARGE_MEMORY_BYTES + 4095,
                               LARGE_MEMORY_BYTES + ((size_t)2 << 20),
                               LARGE_MEMORY_BYTES + ((size_t)2 << 20) + 1,
                               LARGE_MEMORY_BYTES + 5000077};
#define SIZES (sizeof sizes / sizeof *sizes)

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 4096 + 1);
}

TEST(what_stands_in_memory_stays_when_all_of_it_is_asked_for)
{
    struct machine *machine = machine_new(3);
    for (size_t k = 0; k < SIZES; k++)
        for (int threads = 0; threads < 2; threads++) {
            size_t bytes = sizes[k], wrong = 0;
            uint8_t *memory = large_alloc(bytes);
            REQUIRE(memory != NULL);
            for (size_t i = 0; i < bytes; i++)
                memory[i] = byte_at(i);
            large_populate(threads == 0 ? NULL : machine, memory, bytes);
            for (size_t i = 0; i < bytes; i++)
                wrong += memory[i] != byte_at(i);
            CHECK_MSG(wrong == 0, "%zu of %zu bytes changed", wrong, bytes);
            free(memory);
        }
    machine_free(machine);
}

TEST(all_pages_of_large_memory_are_there_after_they_were_asked_for)
{
    if (!can_populate())
        test_skip("this system does not give pages that are asked for");
    struct machine *machine = machine_new(3);
    for (size_t k = 0; k < SIZES; k++)
        for (int threads = 0; threads < 2; threads++) {
            size_t bytes = sizes[k];
            if (bytes < LARGE_MEMORY_BYTES)
                continue;
            uint8_t *memory = large_alloc(bytes);
            REQUIRE(memory != NULL);
            /* Nothing of it: the heap may give what somebody had before. */
            REQUIRE(madvise(memory, bytes, MADV_DONTNEED) == 0);
            REQUIRE(resident_pages(memory, bytes) == 0);
            large_populate(threads == 0 ? NULL : machine, memory, bytes);
            CHECK_U64(resident_pages(memory, bytes), pages_of(bytes));
            free(memory);
        }
    machine_free(machine);
}

TEST(nothing_is_asked_for_without_memory)
{
    struct machine *machine = machine_new(3);
    large_populate(NULL, NULL, 0);
    large_populate(machine, NULL, 0);
    void *memory = large_alloc(0);
    CHECK(memory != NULL);
    large_populate(machine, memory, 0);
    free(memory);
    machine_free(machine);
}
