#include "backend/curve/msm.h"

#include <stdlib.h>

#include "tests/backend/curve/oracle.h"
#include "tests/harness/harness.h"

/* sum k_i B_i one product at a time. */
static void naive(g1 *out, const g1_affine *bases, const fr *scalars, size_t n)
{
    g1_set_infinity(out);
    for (size_t i = 0; i < n; i++) {
        g1 term;
        g1_mul(&term, &bases[i], &scalars[i]);
        g1_add(out, out, &term);
    }
}

static void *scratch_for(const struct msm_bases *bases, size_t full, size_t small,
                         const struct machine *machine)
{
    size_t bytes = msm_scratch_bytes(bases, full, small, machine);
    void *p = aligned_alloc(64, bytes);
    REQUIRE(p != NULL);
    return p;
}

static const struct msm_bases plain = {.levels = 1};

static const size_t sizes[] = {0, 1, 2, 3, 7, 16, 33, 100, 257, 1000};
#define SIZE_COUNT (sizeof sizes / sizeof *sizes)

TEST(full_scalars_agree_with_naive_sum)
{
    static g1_affine bases[1000];
    static fr scalars[1000];
    random_g1_array(bases, 1000);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t s = 0; s < SIZE_COUNT; s++) {
            size_t n = sizes[s];
            g1 expected, got;
            for (size_t i = 0; i < n; i++) {
                if (kind == 0)
                    random_fr(&scalars[i]);
                else if (kind == 1)
                    random_edge_fr(&scalars[i]);
                else
                    fr_from_i64(&scalars[i], (int64_t)test_random_below(41) - 20);
            }
            void *scratch = scratch_for(&plain, n, 0, NULL);
            msm_g1(&got, bases, scalars, n, NULL, scratch);
            naive(&expected, bases, scalars, n);
            CHECK_MSG(g1_eq(&got, &expected), "kind %d, n = %zu", kind, n);
            free(scratch);
        }
    }
}

TEST(small_scalars_agree_with_naive_sum)
{
    static g1_affine bases[1000];
    static fr scalars[1000];
    static int64_t small[1000];
    /* Magnitude classes: bit, i8, u8, i16, u16, 32, 63 and all 64 bits, and edges. */
    static const uint64_t mask[] = {1, 127, 255, 32767, 65535, 0xffffffff, INT64_MAX, UINT64_MAX};
    random_g1_array(bases, 1000);
    for (size_t kind = 0; kind < 18; kind++) {
        for (size_t s = 0; s < SIZE_COUNT; s++) {
            size_t n = sizes[s];
            g1 expected, got;
            for (size_t i = 0; i < n; i++) {
                uint64_t v = test_random_u64() & mask[kind / 2 % 8];
                small[i] = (int64_t)(kind % 2 && test_random_below(2) ? 0 - v : v);
                if (kind >= 16)
                    small[i] = (int64_t)test_random_edge_u64();
                fr_from_i64(&scalars[i], small[i]);
            }
            void *scratch = scratch_for(&plain, 0, n, NULL);
            msm_g1_small(&got, bases, small, n, NULL, scratch);
            naive(&expected, bases, scalars, n);
            CHECK_MSG(g1_eq(&got, &expected), "kind %zu, n = %zu", kind, n);
            free(scratch);
        }
    }
}
