#include "backend/curve/msm.h"

#include <stdlib.h>
#include <string.h>

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

TEST(every_thread_count_and_path_gives_the_same_bytes)
{
    enum { N = 3000 };
    static g1_affine bases[N];
    static fr scalars[N];
    static int64_t small[N];
    random_g1_array(bases, N);
    for (int i = 0; i < N; i++) {
        random_fr(&scalars[i]);
        small[i] = (int64_t)test_random_below(511) - 255;
    }
    g1 full_one, small_one;
    enum field_path best = field_path();
    for (unsigned threads = 0; threads <= 3; threads++) {
        struct machine *machine = threads ? machine_new(threads) : NULL;
        if (threads == 3)
            field_force_path(FIELD_PATH_PORTABLE);
        void *scratch = scratch_for(&plain, N, 0, machine);
        g1 full, sum;
        msm_g1(&full, bases, scalars, N, machine, scratch);
        msm_g1_small(&sum, bases, small, N, machine, scratch);
        if (threads == 0) {
            full_one = full;
            small_one = sum;
        }
        CHECK_MSG(memcmp(&full, &full_one, sizeof full) == 0, "%u threads", threads);
        CHECK_MSG(memcmp(&sum, &small_one, sizeof sum) == 0, "%u threads", threads);
        free(scratch);
        machine_free(machine);
    }
    field_force_path(best);
}

TEST(equal_opposite_and_infinite_bases_are_handled)
{
    enum { N = 600 };
    static g1_affine bases[N];
    static fr scalars[N];
    for (int kind = 0; kind < 4; kind++) {
        g1_affine p;
        random_g1(&p);
        for (int i = 0; i < N; i++) {
            bases[i] = p;
            if (kind == 1 && i % 2)
                g1_affine_neg(&bases[i], &p);
            if (kind == 2 && i % 3 == 0)
                g1_affine_set_infinity(&bases[i]);
            if (kind == 3)
                random_fr(&scalars[i]);
            else
                fr_from_u64(&scalars[i], kind == 1 ? 77 : test_random_below(3));
        }
        g1 expected, got;
        void *scratch = scratch_for(&plain, N, 0, NULL);
        msm_g1(&got, bases, scalars, N, NULL, scratch);
        naive(&expected, bases, scalars, N);
        CHECK_MSG(g1_eq(&got, &expected), "kind %d", kind);
        CHECK(kind != 1 || g1_is_infinity(&got));
        free(scratch);
    }
}

TEST(few_points_agree_with_naive_sum)
{
    static g1_affine bases[40];
    static fr scalars[40];
    random_g1_array(bases, 40);
    g1_affine_set_infinity(&bases[3]);
    for (size_t n = 0; n <= 40; n++) {
        g1 expected, got;
        for (size_t i = 0; i < n; i++)
            random_edge_fr(&scalars[i]);
        msm_g1_few(&got, bases, scalars, n);
        naive(&expected, bases, scalars, n);
        CHECK_MSG(g1_eq(&got, &expected), "n = %zu", n);
    }
}

/* Full and small pieces side by side, with strides, over tables of every shape. */
TEST(tables_and_pieces_agree_with_naive_sum)
{
    enum { ROWS = 90, COLUMNS = 3, COUNT = ROWS * COLUMNS, FULL = 7 };
    static const unsigned shapes[][3] = {/* window, windows a level, levels */
                                         {8, 1, 32}, {9, 1, 29},  {11, 1, 24}, {12, 2, 11},
                                         {7, 4, 10}, {16, 1, 16}, {5, 26, 2},  {0, 0, 1}};
    static g1_affine bases[COUNT];
    static int64_t small[COLUMNS][ROWS];
    static fr full[COLUMNS][ROWS], scalars[COUNT];
    random_g1_array(bases, COUNT);
    struct msm_piece piece[2 * COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        for (size_t j = 0; j < ROWS; j++) {
            small[c][j] = (int64_t)(test_random_edge_u64() >> (c * 24));
            random_edge_fr(&full[c][j]);
            if (j < ROWS - FULL)
                fr_from_i64(&scalars[j * COLUMNS + c], small[c][j]);
            else
                scalars[j * COLUMNS + c] = full[c][j - (ROWS - FULL)];
        }
        piece[2 * c] = (struct msm_piece){
            .small = small[c], .count = ROWS - FULL, .first = c, .stride = COLUMNS};
        piece[2 * c + 1] = (struct msm_piece){.full = full[c],
                                              .count = FULL,
                                              .first = (ROWS - FULL) * COLUMNS + c,
                                              .stride = COLUMNS};
    }
    g1 expected;
    naive(&expected, bases, scalars, COUNT);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct msm_bases table = {.count = COUNT, .levels = shapes[s][2]};
        table.window_bits = shapes[s][0];
        table.shift_bits = shapes[s][0] * shapes[s][1];
        g1_affine *point = malloc(COUNT * table.levels * sizeof *point);
        fp *fill = malloc(MSM_TABLE_SCRATCH);
        REQUIRE(point != NULL && fill != NULL);
        memcpy(point, bases, sizeof bases);
        table.point = point;
        msm_fill_table(point, &table, NULL, fill);
        void *scratch = scratch_for(&table, COLUMNS * FULL, COUNT - COLUMNS * FULL, NULL);
        g1 got;
        msm_g1_pieces(&got, &table, piece, 2 * COLUMNS, NULL, scratch);
        CHECK_MSG(g1_eq(&got, &expected), "window %u, %u levels", shapes[s][0], shapes[s][2]);
        free(scratch);
        free(fill);
        free(point);
    }
}

TEST(chosen_tables_cover_every_scalar)
{
    for (size_t n = 1; n < 100000; n = n * 3 + 1)
        for (unsigned limit = 1; limit <= 40; limit++) {
            struct msm_bases shape = {.count = n};
            msm_choose_table(&shape, n, limit);
            CHECK(shape.levels >= 1 && shape.levels <= limit);
            if (shape.levels == 1)
                continue;
            CHECK(shape.shift_bits % shape.window_bits == 0);
            CHECK(shape.levels * shape.shift_bits >= 254);
            CHECK((shape.levels - 1) * shape.shift_bits < 254);
            CHECK(shape.window_bits <= MSM_MOST_WINDOW_BITS);
        }
}
