/* label: fast */
#include "ir/support/machine.h"

#include "tests/harness/harness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct sums {
    const uint64_t *value;
    uint64_t *chunk_sum; /* by number of the chunk */
    _Atomic unsigned *seen;
    size_t chunk;
    unsigned threads;
};

static void add_up(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct sums *sums = ctx;
    CHECK(worker < sums->threads);
    CHECK_U64(begin % sums->chunk, 0);
    for (size_t i = begin; i < end; i++) {
        atomic_fetch_add(&sums->seen[i], 1);
        sums->chunk_sum[begin / sums->chunk] += sums->value[i];
    }
}

TEST(every_element_is_done_once_in_the_same_chunks_on_any_number_of_threads)
{
    enum { LARGEST = 3000 };
    static uint64_t value[LARGEST], reference[LARGEST], chunk_sum[LARGEST];
    static _Atomic unsigned seen[LARGEST];
    for (size_t i = 0; i < LARGEST; i++)
        value[i] = test_random_u64();
    for (unsigned threads = 1; threads <= 9; threads += 4) {
        struct machine *machine = machine_new(threads);
        REQUIRE(machine != NULL);
        CHECK_U64(machine_threads(machine), threads);
        for (int round = 0; round < 300; round++) {
            size_t count = test_random_below(LARGEST + 1), chunk = 1 + test_random_below(400);
            memset(chunk_sum, 0, sizeof chunk_sum);
            memset(reference, 0, sizeof reference);
            for (size_t i = 0; i < LARGEST; i++)
                atomic_store(&seen[i], 0);
            for (size_t i = 0; i < count; i++)
                reference[i / chunk] += value[i];
            struct sums sums = {value, chunk_sum, seen, chunk, threads};
            machine_parallel_for(machine, count, chunk, add_up, &sums);
            for (size_t i = 0; i < LARGEST; i++)
                CHECK_U64(atomic_load(&seen[i]), i < count ? 1 : 0);
            CHECK_BYTES(chunk_sum, reference, sizeof reference);
        }
        machine_free(machine);
    }
}

struct nested {
    struct machine *machine;
    _Atomic size_t total;
};

static void count_elements(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    atomic_fetch_add(&((struct nested *)ctx)->total, end - begin);
}

static void run_inner_loop(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct nested *nested = ctx;
    for (size_t i = begin; i < end; i++)
        machine_parallel_for(nested->machine, 10, 3, count_elements, nested);
}

TEST(a_loop_inside_a_loop_is_done_whole)
{
    struct nested nested = {.machine = machine_new(4)};
    machine_parallel_for(nested.machine, 50, 1, run_inner_loop, &nested);
    CHECK_U64(atomic_load(&nested.total), 500);
    machine_free(nested.machine);
}

TEST(null_is_one_thread)
{
    struct nested nested = {.machine = NULL};
    machine_parallel_for(NULL, 1000, 7, count_elements, &nested);
    CHECK_U64(atomic_load(&nested.total), 1000);
    CHECK_U64(machine_threads(NULL), 1);
    machine_parallel_for(NULL, 0, 7, count_elements, &nested);
    CHECK_U64(atomic_load(&nested.total), 1000);
    machine_free(NULL);
}

TEST(an_unused_pool_starts_no_thread)
{
    for (int i = 0; i < 1000; i++)
        machine_free(machine_new(64));
    CHECK(machine_cpu_count() >= 1);
}

TEST(a_pool_keeps_a_small_block_and_lends_it_to_one_at_a_time)
{
    struct machine *machine = machine_new(1);
    REQUIRE(machine != NULL);
    char *first = machine_borrow(machine, 1000), *second = machine_borrow(machine, 1000);
    REQUIRE(first != NULL && second != NULL);
    CHECK((uintptr_t)first % 64 == 0 && (uintptr_t)second % 64 == 0 && first != second);
    memset(first, 1, 1000);
    memset(second, 2, 1000);
    CHECK(first[999] == 1);
    machine_give_back(machine, second);
    machine_give_back(machine, first);
    CHECK(machine_borrow(machine, 900) == first);
    machine_give_back(machine, first);
    char *larger = machine_borrow(machine, 100000);
    REQUIRE(larger != NULL);
    memset(larger, 3, 100000);
    machine_give_back(machine, larger);
    machine_give_back(machine, NULL);
    machine_free(machine);
    char *alone = machine_borrow(NULL, 10);
    REQUIRE(alone != NULL);
    machine_give_back(NULL, alone);
}

TEST(cpu_is_named_and_features_are_consistent)
{
    const struct cpu_features *cpu = machine_cpu();
    CHECK(cpu == machine_cpu());
    CHECK(strlen(cpu->name) > 0 && cpu->name[0] != ' ');
    CHECK(cpu->has_avx2 || !cpu->has_avx512_ifma);
#if defined(__x86_64__)
    CHECK(cpu->has_avx2 == (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
#endif
}

TEST(clock_and_memory_grow)
{
    double before = machine_seconds();
    uint64_t memory = machine_peak_memory_bytes();
    const size_t more = (size_t)32 << 20;
    char *held = malloc(more);
    REQUIRE(held != NULL);
    for (size_t i = 0; i < more; i += 512)
        ((volatile char *)held)[i] = 1;
    CHECK(machine_peak_memory_bytes() >= memory + more / 2);
    CHECK(machine_seconds() >= before);
    free(held);
}

TEST(offered_memory_is_lent_while_it_suffices)
{
    static char memory[4096];
    struct machine *machine = machine_new(2);
    machine_offer(machine, memory + 1, sizeof memory - 1);
    char *first = machine_borrow(machine, 2000), *second = machine_borrow(machine, 2000);
    CHECK(first >= memory && first + 2000 <= memory + sizeof memory);
    CHECK((uintptr_t)first % 64 == 0);
    CHECK(second < memory || second >= memory + sizeof memory);
    machine_give_back(machine, first);
    CHECK(machine_borrow(machine, 2000) == first);
    machine_give_back(machine, first);
    char *larger = machine_borrow(machine, sizeof memory + 1);
    CHECK(larger < memory || larger >= memory + sizeof memory);
    machine_give_back(machine, larger);
    machine_offer(machine, NULL, 0);
    char *after = machine_borrow(machine, 100);
    CHECK(after < memory || after >= memory + sizeof memory);
    machine_give_back(machine, after);
    machine_give_back(machine, second);
    machine_offer(NULL, memory, sizeof memory);
    machine_free(machine);
}
