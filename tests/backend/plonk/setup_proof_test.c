/* label: prover */
/* The setup proof accepts parameters inside their declared ranges and no others. */
#include "backend/hash/keccak.h"
#include "tests/backend/plonk/setup_kit.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <string.h>

enum { LG_ROWS = 6, ROWS = 1 << LG_ROWS, WORDS_MAX = KZG_BIT_WORDS(SETUP_BITS_MAX) };

/* Parameter cells alone: what the setup proof sees of a circuit. */
struct cells {
    struct built built;
    struct proved proved;
    struct buffer proof;
};

static void cells_init(struct cells *cells, unsigned param_columns)
{
    memset(cells, 0, sizeof *cells);
    built_init(&cells->built, LG_ROWS, param_columns);
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
                             test_srs(), witness.parameters, &cells->proved.tail, NULL, diag);
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

/* Keys anew, for parameters that a test has changed. */
static void remake_keys(struct cells *cells)
{
    proved_release(&cells->proved);
    proved_init(&cells->proved, &cells->built, PLONK_MODE_GAS);
}

/* Ranges of every kind: of one value, of two, of a power of two's size or not, signed, far from
 * zero, of up to 64 bits. */
static const struct {
    int64_t low, high;
} kinds[] = {{-8, 7},
             {0, 0},
             {-3, 9},
             {-32768, 32767},
             {0, 65535},
             {0, ((int64_t)1 << 32) - 1},
             {-((int64_t)1 << 40), ((int64_t)1 << 40) - 1},
             {5, 5},
             {1024, 2047},
             {0, ((int64_t)1 << 20) + 4},
             {41, 42},
             {-1, 1},
             {INT64_MIN, INT64_MAX}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void add_ranges(struct cells *cells, unsigned column, bool at_high)
{
    for (uint32_t i = 0; i < KINDS; i++)
        built_parameter(&cells->built, column, 3 * i + column,
                        at_high ? kinds[i].high : kinds[i].low, kinds[i].low, kinds[i].high);
}

TEST(values_at_both_ends_of_every_kind_of_range_are_proved)
{
    for (unsigned at_high = 0; at_high <= 1; at_high++)
        for (unsigned columns = 1; columns <= 2; columns++) {
            struct cells cells;
            cells_init(&cells, columns);
            for (unsigned column = 0; column < columns; column++)
                add_ranges(&cells, column, at_high != 0);
            prove_and_check(&cells);
            cells_release(&cells);
        }
}

TEST(keys_of_fast_mode_have_setup_proofs_too)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 2);
    add_ranges(&cells, 0, true);
    add_ranges(&cells, 1, false);
    proved_init(&cells.proved, &cells.built, PLONK_MODE_FAST);
    REQUIRE_OK(make_proof(&cells, &diag), &diag);
    CHECK_STATUS(check_proof(&cells, &diag), STATUS_OK, &diag);
    cells_release(&cells);
}

TEST(every_row_of_both_columns_may_hold_a_parameter)
{
    struct cells cells;
    cells_init(&cells, 2);
    for (uint32_t row = 0; row < cells.built.circuit.usable_rows; row++) {
        built_parameter(&cells.built, 0, row, (int64_t)row * 1000 - 15000, -32768, 65535);
        built_parameter(&cells.built, 1, row, -(int64_t)row, -128, 127);
    }
    prove_and_check(&cells);
    CHECK_U64(cells.proof.count, 32 + 64 * (17 + 8 + 2) + 32 * (17 + 8));
    cells_release(&cells);
}

TEST(a_circuit_without_parameter_columns_has_an_empty_setup_proof)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 0);
    prove_and_check(&cells);
    CHECK_U64(cells.proof.count, 0);
    buffer_put_u8(&cells.proof, 0);
    CHECK_STATUS(check_proof(&cells, &diag), STATUS_REJECTED, &diag);
    cells_release(&cells);
}

static const uint8_t entropy[PLONK_ENTROPY_BYTES] = {9};

/* What a prover gets who proves whatever there is; returns the checker's verdict. */
static enum status force(struct cells *cells, const struct setup_trial *trial, bool *holds,
                         struct diag *diag)
{
    struct setup_ranges ranges;
    struct plonk_witness witness = built_witness(&cells->built);
    REQUIRE_OK(setup_ranges_init(&ranges, &cells->built.circuit, diag), diag);
    buffer_clear(&cells->proof);
    uint8_t *proof = buffer_extend(&cells->proof, setup_proof_bytes(&ranges));
    REQUIRE_OK(setup_prove_anything(proof, holds, &cells->built.circuit, &cells->proved.key.vk,
                                    test_srs(), witness.parameters, &cells->proved.tail, entropy,
                                    NULL, trial, diag),
               diag);
    return check_proof(cells, diag);
}

static const struct setup_trial honest;

static void check_accepted(struct cells *cells, const struct setup_trial *trial)
{
    struct diag diag = {0};
    bool holds = false;
    CHECK_STATUS(force(cells, trial, &holds, &diag), STATUS_OK, &diag);
    CHECK(holds);
}

static void check_rejected(struct cells *cells, const struct setup_trial *trial, const char *what,
                           unsigned number)
{
    struct diag diag = {0};
    bool holds = true;
    CHECK_MSG(force(cells, trial, &holds, &diag) == STATUS_REJECTED, "%s %u", what, number);
    CHECK_MSG(!holds, "%s %u", what, number);
}

TEST(a_value_outside_its_range_is_refused_and_its_proof_rejected)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 2);
    add_ranges(&cells, 0, false);
    add_ranges(&cells, 1, true);
    proved_init(&cells.proved, &cells.built, PLONK_MODE_GAS);
    check_accepted(&cells, &honest);
    for (size_t i = 0; i < cells.built.circuit.param_cell_count; i++) {
        const struct param_cell *cell = &cells.built.circuit.param_cells[i];
        fr *value = &cells.built.column[W1 + cell->column][cell->row], right = *value;
        /* One below the low end, one above the high end. */
        if (cell->column == 0)
            fr_sub(value, value, &fr_one);
        else
            fr_add(value, value, &fr_one);
        remake_keys(&cells);
        CHECK_STATUS(make_proof(&cells, &diag), STATUS_BAD_INPUT, &diag);
        check_rejected(&cells, &honest, "cell", (unsigned)i);
        *value = right;
    }
    cells_release(&cells);
}

TEST(a_parameter_without_a_range_must_be_zero)
{
    struct cells cells;
    struct diag diag = {0};
    cells_init(&cells, 2);
    prove_and_check(&cells); /* no cell and no bit at all */
    CHECK_U64(cells.proof.count, 32 + 2 * 64);
    built_parameter(&cells.built, 0, 7, 1, -8, 7);
    remake_keys(&cells);
    check_accepted(&cells, &honest);
    for (unsigned column = 0; column < 2; column++)
        for (uint32_t row = 0; row < cells.built.circuit.usable_rows; row += 7) {
            if (row == 7 && column == 0)
                continue;
            built_set(&cells.built, W1 + column, row, 1);
            remake_keys(&cells);
            CHECK_STATUS(make_proof(&cells, &diag), STATUS_BAD_INPUT, &diag);
            check_rejected(&cells, &honest, "row", row);
            built_set(&cells.built, W1 + column, row, 0);
        }
    cells_release(&cells);
}

TEST(every_bit_of_a_cell_counts)
{
    struct cells cells;
    struct setup_ranges ranges;
    struct diag diag = {0};
    static uint64_t bits[ROWS * WORDS_MAX];
    struct setup_trial trial = {.bits = bits};
    cells_init(&cells, 2);
    built_parameter(&cells.built, 0, 3, 77, 0, 300);
    built_parameter(&cells.built, 0, 4, -5, -8, 7);
    built_parameter(&cells.built, 1, 3, 999, -1024, 1023);
    proved_init(&cells.proved, &cells.built, PLONK_MODE_GAS);
    REQUIRE_OK(setup_ranges_init(&ranges, &cells.built.circuit, &diag), &diag);
    setup_kit_bits(bits, &cells.built, &ranges);
    check_accepted(&cells, &trial);
    for (size_t i = 0; i < cells.built.circuit.param_cell_count; i++) {
        const struct param_cell *cell = &cells.built.circuit.param_cells[i];
        unsigned width = setup_cell_bits(&cells.built.circuit, cell);
        for (unsigned t = 0; t < width; t++) {
            unsigned k = ranges.first[cell->column] + t;
            bits[cell->row] ^= (uint64_t)1 << k;
            check_rejected(&cells, &trial, "bit column", k);
            bits[cell->row] ^= (uint64_t)1 << k;
        }
    }
    /* A bit that weighs nothing in its row may be anything. */
    bits[4] |= (uint64_t)1 << (ranges.first[0] + 6);
    bits[50] = ~(uint64_t)0 >> (64 - ranges.count);
    check_accepted(&cells, &trial);
    cells_release(&cells);
}

TEST(what_is_no_bit_is_rejected_in_every_column_and_row)
{
    struct cells cells;
    struct setup_ranges ranges;
    struct diag diag = {0};
    fr extra[SETUP_BITS_MAX];
    struct setup_trial trial = {.extra = extra};
    cells_init(&cells, 2);
    built_parameter(&cells.built, 0, 3, 77, 0, 300);
    built_parameter(&cells.built, 1, 9, 999, -1024, 1023);
    proved_init(&cells.proved, &cells.built, PLONK_MODE_GAS);
    REQUIRE_OK(setup_ranges_init(&ranges, &cells.built.circuit, &diag), &diag);
    memset(extra, 0, sizeof extra);
    trial.extra_row = 3;
    check_accepted(&cells, &trial);
    for (size_t i = 0; i < cells.built.circuit.param_cell_count; i++) {
        const struct param_cell *param = &cells.built.circuit.param_cells[i];
        struct setup_cell cell;
        setup_cell_init(&cell, &cells.built.circuit, param);
        unsigned first = ranges.first[param->column];
        trial.extra_row = param->row;
        for (unsigned t = 0; t + 1 < cell.bits; t++) {
            /* Bits t and t + 1 change against each other, so that the sum stays right. */
            fr weight = t == 0 ? cell.top : fr_one;
            memset(extra, 0, sizeof extra);
            if (t > 0)
                fr_double(&extra[first + t], &fr_one);
            else
                extra[first] = fr_one;
            fr_neg(&extra[first + t + 1], &weight);
            check_rejected(&cells, &trial, "bit column", first + t);
        }
    }
    /* Where it weighs nothing it must be a bit all the same. */
    for (unsigned k = 0; k < ranges.count; k++) {
        memset(extra, 0, sizeof extra);
        fr_from_i64(&extra[k], -1);
        trial.extra_row = 57 - k % 50;
        check_rejected(&cells, &trial, "bit column", k);
    }
    cells_release(&cells);
}

/* A small proof, its ranges and its key. */
static void make_small(struct cells *cells, struct setup_ranges *ranges)
{
    struct diag diag = {0};
    cells_init(cells, 2);
    built_parameter(&cells->built, 0, 3, 5, 0, 6);
    built_parameter(&cells->built, 1, 20, -2, -4, 3);
    prove_and_check(cells);
    REQUIRE_OK(setup_ranges_init(ranges, &cells->built.circuit, &diag), &diag);
}

static bool is_accepted(const struct cells *cells, const struct setup_ranges *ranges)
{
    struct diag diag = {0};
    return setup_check_proof(cells->proof.data, ranges, &cells->proved.key.vk, test_srs(), &diag) ==
           STATUS_OK;
}

TEST(every_flipped_byte_is_rejected)
{
    struct cells cells;
    struct setup_ranges ranges;
    make_small(&cells, &ranges);
    CHECK(is_accepted(&cells, &ranges));
    for (size_t at = 0; at < cells.proof.count; at++) {
        uint8_t flip = (uint8_t)(1u << test_random_below(8));
        cells.proof.data[at] ^= flip;
        CHECK_MSG(!is_accepted(&cells, &ranges), "byte %zu", at);
        cells.proof.data[at] ^= flip;
    }
    CHECK(is_accepted(&cells, &ranges));
    cells_release(&cells);
}

static void swap(uint8_t *a, uint8_t *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

TEST(exchanged_points_and_values_are_rejected)
{
    struct cells cells;
    struct setup_ranges ranges;
    make_small(&cells, &ranges);
    size_t points = ranges.count + 1, values = ranges.count;
    uint8_t *point = cells.proof.data + SETUP_HEAD_BYTES, *value = point + 64 * points;
    for (size_t i = 0; i + 1 < points; i++) {
        swap(point + 64 * i, point + 64 * (i + 1), 64);
        CHECK_MSG(!is_accepted(&cells, &ranges), "points %zu and %zu", i, i + 1);
        swap(point + 64 * i, point + 64 * (i + 1), 64);
    }
    for (size_t i = 0; i + 1 < values; i++) {
        swap(value + 32 * i, value + 32 * (i + 1), 32);
        CHECK_MSG(!is_accepted(&cells, &ranges), "values %zu and %zu", i, i + 1);
        swap(value + 32 * i, value + 32 * (i + 1), 32);
    }
    /* The same residue plus the modulus is another string of bytes. */
    uint64_t carry = 0;
    for (unsigned i = 0; i < 32; i++) {
        uint8_t *byte = value + 31 - i;
        carry += *byte + (fr_modulus[i / 8] >> 8 * (i % 8) & 0xff);
        *byte = (uint8_t)carry;
        carry >>= 8;
    }
    CHECK(!is_accepted(&cells, &ranges));
    cells_release(&cells);
}

TEST(a_setup_proof_belongs_to_its_parameters_its_key_and_its_circuit)
{
    struct cells cells, wider;
    struct setup_ranges ranges;
    struct diag diag = {0};
    make_small(&cells, &ranges);
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

    /* A circuit that declares another range of as many bits: a proof over its own key for the very
     * same parameters, and yet. */
    cells_init(&wider, 2);
    built_parameter(&wider.built, 0, 3, 5, 0, 7);
    built_parameter(&wider.built, 1, 20, -2, -4, 3);
    prove_and_check(&wider);
    CHECK_U64(wider.proof.count, cells.proof.count);
    CHECK_STATUS(plonk_setup_check(wider.proof.data, wider.proof.count, &cells.built.circuit,
                                   &cells.proved.key.vk, test_srs(), NULL, &diag),
                 STATUS_REJECTED, &diag);
    CHECK_STATUS(plonk_setup_check(wider.proof.data, wider.proof.count, &cells.built.circuit,
                                   &wider.proved.key.vk, test_srs(), NULL, &diag),
                 STATUS_REJECTED, &diag);
    cells_release(&wider);
    cells_release(&cells);
}

TEST(setup_proofs_do_not_depend_on_threads)
{
    struct cells cells;
    struct setup_ranges ranges;
    struct diag diag = {0};
    make_small(&cells, &ranges);
    struct plonk_witness witness = built_witness(&cells.built);
    uint8_t proof[3][4096];
    REQUIRE(setup_proof_bytes(&ranges) <= sizeof proof[0]);
    /* One thread; three with columns side by side; three in each column. */
    for (unsigned i = 0; i < 3; i++) {
        bool holds;
        struct machine *machine = i == 0 ? NULL : machine_new(3);
        struct setup_trial trial = {.scratch_limit = i == 2};
        REQUIRE_OK(setup_prove_anything(proof[i], &holds, &cells.built.circuit,
                                        &cells.proved.key.vk, test_srs(), witness.parameters,
                                        &cells.proved.tail, entropy, machine, &trial, &diag),
                   &diag);
        CHECK(holds);
        CHECK_BYTES(proof[i], proof[0], setup_proof_bytes(&ranges));
        machine_free(machine);
    }
    cells_release(&cells);
}

static void write_step(void *context, enum transcript_step step, const char *label,
                       const uint8_t *bytes, size_t count)
{
    (void)bytes;
    buffer_printf(context, "%s %s %zu\n", step == TRANSCRIPT_ABSORB ? "absorb" : "squeeze", label,
                  count);
}

/* The order of README section 8.2, and the bytes of one proof: a change of either needs another
 * domain string. */
TEST(transcript_and_bytes_of_a_setup_proof_are_pinned)
{
    struct cells cells;
    struct setup_ranges ranges;
    struct buffer steps = {0};
    struct diag diag = {0};
    bool holds;
    uint8_t digest[32];
    make_small(&cells, &ranges);
    struct setup_trial trial = {.observer = write_step, .observer_context = &steps};
    /* The circuit's own digest changes with the format of circuit files. */
    struct plonk_verifying_key *vk = &cells.proved.key.vk;
    struct plonk_witness witness = built_witness(&cells.built);
    memset(vk->digest, 7, sizeof vk->digest);
    REQUIRE_OK(setup_prove_anything(cells.proof.data, &holds, &cells.built.circuit, vk, test_srs(),
                                    witness.parameters, &cells.proved.tail, entropy, NULL, &trial,
                                    &diag),
               &diag);
    CHECK(is_accepted(&cells, &ranges));
    CHECK_TEXT(buffer_text(&steps), "absorb vk digest 32\n"
                                    "absorb bits 64\nabsorb bits 64\nabsorb bits 64\n"
                                    "absorb bits 64\nabsorb bits 64\nabsorb bits 64\n"
                                    "squeeze alpha 32\nabsorb T 64\nsqueeze xi 32\n"
                                    "absorb evaluations 32\nabsorb evaluations 32\n"
                                    "absorb evaluations 32\nabsorb evaluations 32\n"
                                    "absorb evaluations 32\nabsorb evaluations 32\n"
                                    "squeeze eta 32\nabsorb W 64\n");
    char text[65];
    keccak256(digest, cells.proof.data, cells.proof.count);
    for (unsigned i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    CHECK_TEXT(text, "d9e7d36d67dd5767a38ac07f7933f0b81514b071e4d1f4c9b87649720a4f2e93");
    buffer_release(&steps);
    cells_release(&cells);
}

/* Every value of a range is a sum of weights, and every sum is a value of the range. */
TEST(weights_give_exactly_the_values_of_their_range)
{
    for (int64_t size = 1; size <= 130; size++) {
        struct built built;
        struct setup_cell cell;
        bool is_met[130] = {false};
        built_init(&built, 5, 1);
        built_parameter(&built, 0, 0, 0, -size / 2, size - size / 2 - 1);
        const struct param_cell *param = built.circuit.param_cells;
        setup_cell_init(&cell, &built.circuit, param);
        fr low;
        plonk_fr_from_wide(&low, built.circuit.constants[param->low]);
        CHECK(fr_eq(&cell.low, &low));
        int64_t top, met = 0;
        REQUIRE(fr_to_i64(&top, &cell.top));
        for (uint32_t subset = 0; subset < (uint32_t)1 << cell.bits; subset++) {
            int64_t sum = (subset & 1) * top + (subset >> 1);
            REQUIRE(sum >= 0 && sum < size);
            met += !is_met[sum];
            is_met[sum] = true;
        }
        CHECK_I64(met, size);
        CHECK(size == 1 || (int64_t)1 << (cell.bits - 1) < size);
        built_release(&built);
    }
}

TEST(a_range_as_wide_as_the_field_is_refused)
{
    struct built built;
    struct setup_ranges ranges;
    struct diag diag = {0};
    built_init(&built, 5, 1);
    built_parameter(&built, 0, 0, 0, 0, 1);
    wide *high = &built.circuit.constants[built.circuit.param_cells[0].high];
    bool fits = wide_sub(high, wide_power_of_two(253), wide_from_i64(1));
    REQUIRE(fits);
    REQUIRE_OK(setup_ranges_init(&ranges, &built.circuit, &diag), &diag);
    CHECK_U64(ranges.count, 253);
    *high = wide_power_of_two(253);
    CHECK_STATUS(setup_ranges_init(&ranges, &built.circuit, &diag), STATUS_LIMIT, &diag);
    built_release(&built);
}
