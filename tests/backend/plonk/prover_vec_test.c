/* The constraints by array functions equal those row by row, whatever columns are missing. */
#include "backend/plonk/prover_kernels.h"
#include "tests/backend/plonk/random_challenges.h"
#include "tests/harness/harness.h"

#include <string.h>

enum { ROWS = 256 };

static fr column[PLONK_COLUMNS][ROWS], root[ROWS / 2];

/* One random coset; each optional column is missing with probability one half. */
static void compare(unsigned params, bool has_contraction, size_t begin, size_t end)
{
    struct plonk_challenges challenges;
    struct plonk_quotient_job job = {
        .root = root, .rows = ROWS, .challenges = &challenges, .shape = {params, has_contraction}};
    fr expected[ROWS], got[ROWS];
    random_challenges(&challenges);
    random_fr(&job.shift);
    random_fr(&job.zero_inverse);
    for (unsigned j = 0; j < PLONK_GATED_ROWS; j++)
        random_fr(&job.tail_root[j]);
    for (size_t i = 0; i < ROWS / 2; i++)
        random_fr(&root[i]);
    for (unsigned i = 0; i < PLONK_COLUMNS; i++) {
        bool is_fixed = i >= PLONK_FIXED_FIRST;
        bool is_absent = (i == PLONK_W1 && params < 1) || (i == PLONK_W2 && params < 2) ||
                         ((i == PLONK_H || i == PLONK_G3) && !has_contraction) ||
                         (i == PLONK_QM && has_contraction) || i == PLONK_TX || i == PLONK_TY ||
                         (is_fixed && test_random_below(2) == 0);
        for (size_t row = 0; row < ROWS; row++)
            random_fr(&column[i][row]);
        job.column[i] = is_absent ? NULL : column[i];
    }
    job.out = expected;
    plonk_kernels_portable.quotient(&job, begin, end);
    job.out = got;
    plonk_quotient_vec(&job, begin, end);
    CHECK_BYTES(got + begin, expected + begin, (end - begin) * sizeof(fr));
}

TEST(blocks_of_rows_equal_single_rows)
{
    for (unsigned i = 0; i < 12; i++) {
        for (unsigned params = 0; params <= 2; params++) {
            compare(params, false, 0, ROWS);
            compare(params, false, 64, 64 + test_random_below(100));
            if (params < 2)
                compare(params, true, ROWS - 1 - test_random_below(ROWS), ROWS);
        }
    }
}

/* The order of a transform of four values: 1, omega^2, omega, omega^3. */
TEST(the_next_point_is_one_power_further)
{
    static const size_t next_of[4] = {2, 3, 1, 0};
    for (size_t i = 0; i < 4; i++)
        CHECK(plonk_next_point(i, 4) == next_of[i]);
    size_t at = 0;
    for (size_t power = 1; power < ROWS; power++) {
        at = plonk_next_point(at, ROWS);
        size_t reversed = 0;
        for (size_t bit = 1; bit < ROWS; bit *= 2)
            reversed |= power & bit ? ROWS / 2 / bit : 0;
        CHECK(at == reversed);
    }
    CHECK(plonk_next_point(at, ROWS) == 0);
}
