/* Honest proofs of every shape are accepted. */
#include "backend/plonk/prove.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <string.h>

static void prove_and_verify(enum plonk_mode mode, unsigned lg_rows, unsigned param_columns,
                             uint32_t words)
{
    struct built built;
    struct features at;
    struct proved proved;
    struct diag diag = {0};
    built_features(&built, &at, lg_rows, param_columns, words);
    CHECK_STATUS(circuit_validate(&built.circuit, &diag), STATUS_OK, &diag);
    proved_init(&proved, &built, mode);
    CHECK_STATUS(proved_prove(&proved, &built, NULL, &diag), STATUS_OK, &diag);
    CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_OK, &diag);
    proved_release(&proved);
    built_release(&built);
}

TEST(gas_mode_proves_without_parameters)
{
    prove_and_verify(PLONK_MODE_GAS, 6, 0, 0);
    prove_and_verify(PLONK_MODE_GAS, 6, 0, 1);
}

TEST(gas_mode_proves_with_parameters)
{
    prove_and_verify(PLONK_MODE_GAS, 6, 1, 2);
    prove_and_verify(PLONK_MODE_GAS, 6, 2, 3);
}

TEST(fast_mode_proves_without_parameters)
{
    prove_and_verify(PLONK_MODE_FAST, 6, 0, 0);
    prove_and_verify(PLONK_MODE_FAST, 6, 0, 1);
}

TEST(fast_mode_proves_with_parameters)
{
    prove_and_verify(PLONK_MODE_FAST, 6, 1, 2);
    prove_and_verify(PLONK_MODE_FAST, 6, 2, 3);
}

TEST(both_modes_prove_forty_words)
{
    prove_and_verify(PLONK_MODE_GAS, 7, 2, 40);
    prove_and_verify(PLONK_MODE_FAST, 7, 0, 40);
}

/* y = y^2 + 3, some times; the factors of a row are copies but in the row left out. */
static void square_chain(struct built *built, uint32_t left_out)
{
    enum { STEPS = 4 };
    int64_t y = 1;
    built_init(built, 6, 0);
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t row = built_row(built, CHAIN_SINGLE, TERM_PRODUCT, 3, -1);
        built_set_advice(built, row, y, y, y * y + 3);
        y = y * y + 3;
        if (i != left_out)
            built_copy(built, A1, row, A2, row);
        if (i > 0)
            built_copy(built, A3, row - 1, A1, row);
    }
}

/* Whether the proof has one commitment for a1 and a2. */
static bool shows_twins(const struct proved *proved)
{
    return memcmp(proved->proof, proved->proof + 64, 64) == 0;
}

TEST(columns_that_are_always_equal_are_one_polynomial)
{
    enum { NONE = 99, LEFT_OUT = 2 };
    for (unsigned mode = 0; mode < PLONK_MODES; mode++) {
        struct built built;
        struct proved proved;
        struct diag diag = {0};
        uint8_t before[64];
        square_chain(&built, NONE);
        CHECK_STATUS(circuit_validate(&built.circuit, &diag), STATUS_OK, &diag);
        proved_init(&proved, &built, (enum plonk_mode)mode);
        CHECK(proved.key.twin[0] == 0 && proved.key.twin[1] == 0 && proved.key.twin[2] == 2);
        CHECK_STATUS(proved_prove(&proved, &built, NULL, &diag), STATUS_OK, &diag);
        CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_OK, &diag);
        if (mode == PLONK_MODE_FAST)
            CHECK(shows_twins(&proved));
        memcpy(before, proved.proof, sizeof before);
        CHECK_STATUS(proved_prove(&proved, &built, NULL, &diag), STATUS_OK, &diag);
        CHECK(memcmp(before, proved.proof, sizeof before) != 0);

        /* A witness whose columns differ breaks a copy. */
        built_set(&built, A2, 1, 5);
        CHECK(!proved_force(&proved, &built, NULL));
        CHECK(mode != PLONK_MODE_FAST || !shows_twins(&proved));
        CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_REJECTED, &diag);
        proved_release(&proved);
        built_release(&built);

        /* Equal by chance only: nothing shows it. */
        square_chain(&built, LEFT_OUT);
        proved_init(&proved, &built, (enum plonk_mode)mode);
        CHECK(proved.key.twin[1] == 1);
        CHECK_STATUS(proved_prove(&proved, &built, NULL, &diag), STATUS_OK, &diag);
        CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_OK, &diag);
        CHECK(mode != PLONK_MODE_FAST || !shows_twins(&proved));
        proved_release(&proved);
        built_release(&built);
    }
}
