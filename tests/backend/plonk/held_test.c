/* label: prover */
/* Contraction circuits (README 1.5): proofs, and every way to break them. */
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <string.h>

TEST(contraction_circuits_are_valid_and_survive_their_bytes)
{
    for (unsigned params = 0; params <= 1; params++) {
        struct built built;
        struct features at;
        struct diag diag = {0};
        struct buffer bytes = {0}, again = {0};
        struct circuit parsed;
        built_contraction(&built, &at, 7, params, 3);
        REQUIRE_OK(circuit_validate(&built.circuit, &diag), &diag);
        circuit_serialize(&built.circuit, &bytes);
        REQUIRE_OK(circuit_parse(&parsed, &built.arena, bytes.data, bytes.count, &diag), &diag);
        circuit_serialize(&parsed, &again);
        CHECK_U64(again.count, bytes.count);
        CHECK_BYTES(again.data, bytes.data, bytes.count);
        buffer_release(&bytes);
        buffer_release(&again);
        built_release(&built);
    }
}

static void prove_and_verify(enum plonk_mode mode, unsigned params, uint32_t words, size_t bytes)
{
    struct built built;
    struct features at;
    struct proved proved;
    struct diag diag = {0};
    built_contraction(&built, &at, 7, params, words);
    proved_init(&proved, &built, mode);
    CHECK_U64(proved.key.vk.layout.proof_bytes, bytes);
    REQUIRE_OK(proved_prove(&proved, &built, NULL, &diag), &diag);
    REQUIRE_OK(proved_verify(&proved, &built, &diag), &diag);
    proved_release(&proved);
    built_release(&built);
}

TEST(contractions_are_proved_in_both_modes)
{
    prove_and_verify(PLONK_MODE_GAS, 1, 3, 1184);
    prove_and_verify(PLONK_MODE_GAS, 0, 0, 1152);
    prove_and_verify(PLONK_MODE_FAST, 1, 3, 1824);
    prove_and_verify(PLONK_MODE_FAST, 0, 1, 1728);
}

/* One wrong cell, whose proof must be false and rejected. */
static void refuse_cell(enum plonk_mode mode, unsigned params, unsigned column, uint32_t row,
                        const char *what)
{
    struct built built;
    struct features at;
    struct proved proved;
    struct diag diag = {0};
    fr one;
    built_contraction(&built, &at, 7, params, 2);
    proved_init(&proved, &built, mode);
    fr_from_u64(&one, 1 + row);
    fr_add(&built.column[column][row], &built.column[column][row], &one);
    CHECK_MSG(!proved_force(&proved, &built, NULL), "%s: row %u", what, row);
    CHECK_MSG(proved_verify(&proved, &built, &diag) == STATUS_REJECTED, "%s: row %u", what, row);
    proved_release(&proved);
    built_release(&built);
}

TEST(every_wrong_cell_of_a_contraction_is_rejected)
{
    for (unsigned params = 0; params <= 1; params++) {
        struct built built;
        struct features at;
        built_contraction(&built, &at, 7, params, 2);
        enum plonk_mode mode = params == 0 ? PLONK_MODE_FAST : PLONK_MODE_GAS;
        for (unsigned k = 0; k < 2; k++) {
            for (unsigned m = 0; m < 3; m++) {
                for (unsigned column = A1; column <= A3; column++) {
                    refuse_cell(mode, params, column, at.held_step[k][m], "a step of A");
                    refuse_cell(mode, params, column, at.held_output[k][m], "a step of Y");
                }
            }
            for (unsigned n = 0; n < 4; n++) {
                refuse_cell(mode, params, params > 0 ? W1 : A1, at.held_weight[k][n], "a weight");
                if (k == 1 && n < 3)
                    refuse_cell(mode, params, A3, at.held_weight[k][n], "a3 of a step back");
            }
            refuse_cell(mode, params, A1, at.held_fold[k], "a fold");
        }
        built_release(&built);
    }
}

/* Y may be any matrix when h or s is what the prover likes: both must be their recurrences. */
static void refuse_column(bool is_h, unsigned params)
{
    struct built built;
    struct features at;
    built_contraction(&built, &at, 7, params, 2);
    for (uint32_t row = at.held_first + 1; row <= at.held_last; row++) {
        struct proved proved;
        struct diag diag = {0};
        proved_init(&proved, &built, PLONK_MODE_GAS);
        uint32_t rows = built.circuit.usable_rows;
        fr *other = arena_array(&built.arena, fr, rows + 1);
        REQUIRE(other != NULL);
        fr_from_u64(&other[row], 77);
        struct plonk_trial trial = {.h = is_h ? other : NULL, .s = is_h ? NULL : other};
        CHECK(!proved_force(&proved, &built, &trial));
        CHECK(proved_verify(&proved, &built, &diag) == STATUS_REJECTED);
        proved_release(&proved);
    }
    built_release(&built);
}

TEST(held_sums_and_accumulators_are_bound_in_every_row)
{
    refuse_column(true, 1);
    refuse_column(false, 0);
}

TEST(every_changed_byte_of_a_contraction_proof_is_rejected)
{
    for (unsigned mode = 0; mode < PLONK_MODES; mode++) {
        struct built built;
        struct features at;
        struct proved proved;
        struct diag diag = {0};
        built_contraction(&built, &at, 7, 1, 2);
        proved_init(&proved, &built, (enum plonk_mode)mode);
        REQUIRE_OK(proved_prove(&proved, &built, NULL, &diag), &diag);
        size_t count = proved.key.vk.layout.proof_bytes;
        for (size_t i = 0; i < count; i++) {
            proved.proof[i] ^= (uint8_t)(1 + i % 255);
            CHECK_MSG(proved_verify(&proved, &built, &diag) == STATUS_REJECTED, "byte %zu", i);
            proved.proof[i] ^= (uint8_t)(1 + i % 255);
        }
        REQUIRE_OK(proved_verify(&proved, &built, &diag), &diag);
        proved_release(&proved);
        built_release(&built);
    }
}

static void refuse_circuit(struct built *built, const char *what)
{
    struct diag diag = {0};
    CHECK_MSG(circuit_validate(&built->circuit, &diag) == STATUS_BAD_INPUT, "%s", what);
}

TEST(held_rows_that_prove_nothing_are_no_circuit)
{
    struct built built;
    struct features at;
    built_contraction(&built, &at, 7, 1, 2);
    struct circuit_row *rows = built.circuit.rows, kept = rows[0];
    rows[0].hold = HOLD_STEP;
    refuse_circuit(&built, "a held sum that begins in the first row");
    rows[0] = kept;
    kept = rows[at.held_fold[0]];
    rows[at.held_fold[0]].hold = HOLD_WEIGHT;
    refuse_circuit(&built, "an unused weight");
    rows[at.held_fold[0]] = kept;
    kept = rows[at.held_weight[0][0]];
    rows[at.held_weight[0][0]].term = TERM_WEIGHTED;
    refuse_circuit(&built, "a term of its own");
    rows[at.held_weight[0][0]] = kept;
    rows[at.held_weight[0][0]].chain = CHAIN_START;
    rows[at.held_weight[0][0]].c3 = built_constant(&built, 1);
    refuse_circuit(&built, "a step back with a free a3");
    rows[at.held_weight[0][0]] = kept;
    kept = rows[at.held_weight[1][0]];
    rows[at.held_weight[1][0]].c3 = built_constant(&built, 2);
    refuse_circuit(&built, "another coefficient");
    rows[at.held_weight[1][0]] = kept;
    rows[at.held_weight[1][0]].chain = CHAIN_CONTINUE;
    refuse_circuit(&built, "both ways at once");
    rows[at.held_weight[1][0]] = kept;
    rows[at.product].is_provider = 1;
    refuse_circuit(&built, "a provider beside a held sum");
    rows[at.product].is_provider = 0;
    built.circuit.has_contraction = false;
    refuse_circuit(&built, "held rows without the column");
    built_release(&built);
}
