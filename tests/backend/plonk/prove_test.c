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
