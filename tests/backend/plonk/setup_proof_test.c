/* label: prover */
/* The setup proof accepts parameters inside their declared ranges and no others. */
#include "backend/plonk/setup_proof.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <string.h>

/* Parameter cells alone: what the setup proof sees of a circuit. */
struct cells {
    struct built built;
    struct proved proved;
    struct buffer proof;
};

static void cells_init(struct cells *cells, unsigned lg_rows, unsigned param_columns)
{
    memset(cells, 0, sizeof *cells);
    built_init(&cells->built, lg_rows, param_columns);
}

static void cells_release(struct cells *cells)
{
    buffer_release(&cells->proof);
    proved_release(&cells->proved);
    built_release(&cells->built);
}

static enum status make_proof(struct cells *cells, struct diag *diag)
{
    struct plonk_witness witness = built_witness(&cells->built);
    buffer_clear(&cells->proof);
    return plonk_setup_prove(&cells->proof, &cells->built.circuit, &cells->proved.key.vk,
                             test_srs(), witness.parameters, &cells->proved.tail, NULL, NULL, diag);
}

static enum status check_proof(struct cells *cells, struct diag *diag)
{
    return plonk_setup_check(cells->proof.data, cells->proof.count, &cells->built.circuit,
                             &cells->proved.key.vk, test_srs(), NULL, diag);
}

static void prove_and_check(struct cells *cells)
{
    struct diag diag = {0};
    proved_init(&cells->proved, &cells->built, PLONK_MODE_GAS);
    REQUIRE_OK(make_proof(cells, &diag), &diag);
    CHECK_STATUS(check_proof(cells, &diag), STATUS_OK, &diag);
}

/* One cell of every kind of range: in one table, of several limbs, signed, unsigned, odd but short.
 */
static void add_ranges(struct cells *cells, unsigned column, bool at_high)
{
    static const struct {
        int64_t low, high;
    } range[] = {{-8, 7},
                 {0, 0},
                 {-3, 9},
                 {-32768, 32767},
                 {0, 65535},
                 {0, ((int64_t)1 << 32) - 1},
                 {-((int64_t)1 << 40), ((int64_t)1 << 40) - 1},
                 {5, 5},
                 {1024, 2047}};
    for (uint32_t i = 0; i < sizeof range / sizeof range[0]; i++)
        built_parameter(&cells->built, column, 3 * i, at_high ? range[i].high : range[i].low,
                        range[i].low, range[i].high);
}

TEST(values_at_both_ends_of_every_kind_of_range_are_proved)
{
    for (unsigned at_high = 0; at_high <= 1; at_high++)
        for (unsigned columns = 1; columns <= 2; columns++) {
            struct cells cells;
            cells_init(&cells, 6, columns);
            for (unsigned column = 0; column < columns; column++)
                add_ranges(&cells, column, at_high != 0);
            prove_and_check(&cells);
            cells_release(&cells);
        }
}

TEST(crowded_parameters_take_several_circuits)
{
    struct cells cells;
    struct plonk_setup setup;
    struct diag diag = {0};
    cells_init(&cells, 6, 2);
    for (uint32_t row = 0; row < 30; row++) {
        built_parameter(&cells.built, 0, row, (int64_t)row * 1000 - 15000, -32768, 32767);
        built_parameter(&cells.built, 1, row + 14, -(int64_t)row, -128, 127);
    }
    REQUIRE_OK(plonk_setup_circuits(&setup, &cells.built.circuit, &diag), &diag);
    CHECK(setup.count > 1);
    CHECK_U64(setup.item_count, 60);
    size_t away = 0;
    /* Each cell once, in rows of its own, beside no fixed table row. */
    for (size_t i = 0; i < setup.item_count; i++) {
        const struct plonk_setup_item *a = &setup.items[i];
        uint32_t row = cells.built.circuit.param_cells[a->cell].row;
        const struct circuit *circuit = &setup.circuits[a->circuit].circuit;
        away += a->is_away;
        if (a->is_away) {
            CHECK(circuit->table[row].tag != 0);
            CHECK_U64(circuit->rows[a->first].slot_memory, circuit->table[row].tag);
        } else {
            CHECK(a->first <= row && row < a->first + a->rows);
            CHECK_U64(circuit->rows[row].term, TERM_WEIGHTED);
            CHECK_U64(circuit->table[row].tag, 0);
        }
        CHECK_U64(setup.circuits[a->circuit].column,
                  cells.built.circuit.param_cells[a->cell].column);
        for (size_t k = 0; k < i; k++) {
            const struct plonk_setup_item *b = &setup.items[k];
            CHECK(a->cell != b->cell);
            CHECK(a->circuit != b->circuit || a->first + a->rows <= b->first ||
                  b->first + b->rows <= a->first);
        }
    }
    CHECK(away > 0 && away < setup.item_count);
    plonk_setup_release(&setup);
    prove_and_check(&cells);
    cells_release(&cells);
}

TEST(a_circuit_without_parameters_has_an_empty_setup_proof)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 5, 0);
    prove_and_check(&cells);
    CHECK_U64(cells.proof.count, 0);
    buffer_put_u8(&cells.proof, 0);
    CHECK_STATUS(check_proof(&cells, &diag), STATUS_REJECTED, &diag);
    cells_release(&cells);
}

/* What a prover gets who proves the setup circuits over parameters of his own. */
static enum status force(struct cells *cells, struct diag *diag)
{
    static const uint8_t entropy[PLONK_ENTROPY_BYTES] = {9};
    static const struct plonk_trial nothing = {0};
    struct plonk_setup setup;
    struct plonk_witness witness = built_witness(&cells->built);
    REQUIRE_OK(plonk_setup_circuits(&setup, &cells->built.circuit, diag), diag);
    buffer_clear(&cells->proof);
    for (size_t i = 0; i < setup.count; i++) {
        struct plonk_proving_key key;
        struct plonk_lookup_miss miss;
        bool holds;
        fr advice[CIRCUIT_ADVICE][64], *column[CIRCUIT_ADVICE] = {advice[0], advice[1], advice[2]};
        unsigned own = setup.circuits[i].column;
        struct plonk_parameter_tail tail = {
            .value = {{cells->proved.tail.value[own][0], cells->proved.tail.value[own][1]}}};
        REQUIRE_OK(plonk_keys_make_over(&key, &setup.circuits[i].circuit, PLONK_MODE_FAST,
                                        test_srs(), &cells->proved.key.vk.parameters[own], NULL,
                                        NULL, diag),
                   diag);
        witness.parameters[0] = cells->built.column[W1 + own];
        plonk_setup_fill(column, &setup, i, &cells->built.circuit, witness.parameters[0]);
        for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
            witness.advice[j] = advice[j];
        struct plonk_statement statement = {.context = cells->proved.key.vk.digest};
        uint8_t *proof = buffer_extend(&cells->proof, key.vk.layout.proof_bytes);
        REQUIRE_OK(plonk_prove_anything(proof, &holds, &miss, &key, &tail, &witness, &statement,
                                        entropy, NULL, &nothing, diag),
                   diag);
        plonk_proving_key_release(&key);
    }
    plonk_setup_release(&setup);
    return check_proof(cells, diag);
}

TEST(a_value_outside_its_range_is_refused_and_its_proof_rejected)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 6, 2);
    add_ranges(&cells, 0, false);
    add_ranges(&cells, 1, true);
    proved_init(&cells.proved, &cells.built, PLONK_MODE_GAS);
    CHECK_STATUS(force(&cells, &diag), STATUS_OK, &diag);
    for (size_t i = 0; i < cells.built.circuit.param_cell_count; i++) {
        const struct param_cell *cell = &cells.built.circuit.param_cells[i];
        fr *value = &cells.built.column[W1 + cell->column][cell->row], honest = *value;
        /* One below the low end, one above the high end. */
        if (cell->column == 0)
            fr_sub(value, value, &fr_one);
        else
            fr_add(value, value, &fr_one);
        proved_release(&cells.proved);
        proved_init(&cells.proved, &cells.built, PLONK_MODE_GAS);
        CHECK_STATUS(make_proof(&cells, &diag), STATUS_BAD_INPUT, &diag);
        CHECK_MSG(force(&cells, &diag) == STATUS_REJECTED, "row %u, w%u", cell->row,
                  cell->column + 1u);
        *value = honest;
    }
    cells_release(&cells);
}

TEST(a_setup_proof_belongs_to_its_parameters_and_its_key)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 6, 1);
    add_ranges(&cells, 0, false);
    prove_and_check(&cells);
    for (unsigned i = 0; i < 60; i++) {
        size_t at = test_random_below(cells.proof.count);
        uint8_t flip = (uint8_t)(1u << test_random_below(8));
        cells.proof.data[at] ^= flip;
        CHECK_MSG(check_proof(&cells, &diag) == STATUS_REJECTED, "byte %zu", at);
        cells.proof.data[at] ^= flip;
    }
    cells.proof.count--;
    CHECK_STATUS(check_proof(&cells, &diag), STATUS_REJECTED, &diag);
    cells.proof.count++;
    CHECK_STATUS(check_proof(&cells, &diag), STATUS_OK, &diag);

    /* Another blinding of the same parameters is another key. */
    fr_add(&cells.proved.tail.value[0][0], &cells.proved.tail.value[0][0], &fr_one);
    struct plonk_witness witness = built_witness(&cells.built);
    struct plonk_proving_key other;
    REQUIRE_OK(plonk_keys_make(&other, &cells.built.circuit, PLONK_MODE_GAS, test_srs(),
                               witness.parameters, &cells.proved.tail, NULL, &diag),
               &diag);
    CHECK_STATUS(plonk_setup_check(cells.proof.data, cells.proof.count, &cells.built.circuit,
                                   &other.vk, test_srs(), NULL, &diag),
                 STATUS_REJECTED, &diag);
    plonk_proving_key_release(&other);

    /* A key with a fixed commitment that is not the circuit's. */
    struct plonk_verifying_key vk = cells.proved.key.vk;
    uint8_t bytes[PLONK_VK_BYTES_MAX];
    g1_affine_neg(&vk.fixed[0], &vk.fixed[0]);
    plonk_vk_serialize(bytes, &vk);
    CHECK_STATUS(plonk_setup_check(cells.proof.data, cells.proof.count, &cells.built.circuit, &vk,
                                   test_srs(), NULL, &diag),
                 STATUS_REJECTED, &diag);
    cells_release(&cells);
}

TEST(ranges_that_no_limbs_fit_are_refused)
{
    struct plonk_setup setup;
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 6, 1);
    built_parameter(&cells.built, 0, 0, 0, 0, ((int64_t)1 << 20) + 4);
    CHECK_STATUS(plonk_setup_circuits(&setup, &cells.built.circuit, &diag), STATUS_LIMIT, &diag);
    cells_release(&cells);
    cells_init(&cells, 4, 1);
    for (uint32_t row = 0; row < 9; row++)
        built_parameter(&cells.built, 0, row, 0, 0, 255);
    CHECK_STATUS(plonk_setup_circuits(&setup, &cells.built.circuit, &diag), STATUS_LIMIT, &diag);
    cells_release(&cells);
}
