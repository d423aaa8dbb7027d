/* Circuits by hand. */
#include "tests/backend/plonk/circuit_builder.h"

#include "ir/support/buffer.h"
#include "tests/harness/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void built_init(struct built *built, unsigned lg_rows, unsigned param_columns)
{
    memset(built, 0, sizeof *built);
    struct circuit *circuit = &built->circuit;
    circuit->lg_rows = lg_rows;
    circuit->param_columns = param_columns;
    circuit->usable_rows = ((uint32_t)1 << lg_rows) - CIRCUIT_GATED_ROWS;
    uint32_t rows = circuit->usable_rows;
    built->copy_capacity = 4 * (size_t)rows;
    built->cell_capacity = 2 * (size_t)rows;
    circuit->constants = arena_array(&built->arena, wide, BUILT_CONSTANTS);
    circuit->constant_count = 1;
    circuit->rows = arena_array(&built->arena, struct circuit_row, rows);
    circuit->table = arena_array(&built->arena, struct circuit_table_row, rows);
    circuit->origins = arena_array(&built->arena, struct row_origin, rows);
    circuit->copies =
        arena_alloc_array(&built->arena, built->copy_capacity, sizeof *circuit->copies);
    circuit->param_cells = arena_array(&built->arena, struct param_cell, built->cell_capacity);
    circuit->public_parts = arena_array(&built->arena, struct public_part, BUILT_WORDS);
    circuit->fills = arena_array(&built->arena, struct fill, 1);
    for (unsigned column = 0; column < BUILT_COLUMNS; column++)
        built->column[column] = arena_array(&built->arena, fr, rows);
    for (uint32_t row = 0; row < rows; row++)
        circuit->origins[row].relation = UINT32_MAX;
    REQUIRE(built->column[BUILT_COLUMNS - 1] != NULL);
}

void built_release(struct built *built)
{
    arena_release(&built->arena);
}

uint32_t built_constant(struct built *built, int64_t value)
{
    struct circuit *circuit = &built->circuit;
    wide wanted = wide_from_i64(value);
    for (size_t i = 0; i < circuit->constant_count; i++)
        if (wide_compare(circuit->constants[i], wanted) == 0)
            return (uint32_t)i;
    REQUIRE(circuit->constant_count < BUILT_CONSTANTS);
    circuit->constants[circuit->constant_count] = wanted;
    return (uint32_t)circuit->constant_count++;
}

uint32_t built_row(struct built *built, enum gate_chain chain, enum gate_term term, int64_t c2,
                   int64_t c3)
{
    uint32_t row = built->next_row++;
    REQUIRE(row < built->circuit.usable_rows);
    struct circuit_row *fixed = &built->circuit.rows[row];
    fixed->chain = (uint8_t)chain;
    fixed->term = (uint8_t)term;
    fixed->c2 = built_constant(built, c2);
    fixed->c3 = built_constant(built, c3);
    return row;
}

void built_set(struct built *built, unsigned column, uint32_t row, int64_t value)
{
    fr_from_i64(&built->column[column][row], value);
}

void built_set_advice(struct built *built, uint32_t row, int64_t a1, int64_t a2, int64_t a3)
{
    built_set(built, A1, row, a1);
    built_set(built, A2, row, a2);
    built_set(built, A3, row, a3);
}

void built_copy(struct built *built, unsigned column_a, uint32_t row_a, unsigned column_b,
                uint32_t row_b)
{
    struct circuit *circuit = &built->circuit;
    REQUIRE(circuit->copy_count < built->copy_capacity);
    circuit->copies[circuit->copy_count].a = (struct cell){row_a, (uint8_t)column_a};
    circuit->copies[circuit->copy_count++].b = (struct cell){row_b, (uint8_t)column_b};
}

void built_table(struct built *built, uint32_t row, uint16_t tag, int64_t x, int64_t y)
{
    REQUIRE(row < built->circuit.usable_rows && built->circuit.table[row].tag == 0);
    built->circuit.table[row] = (struct circuit_table_row){tag, x, y};
}

void built_parameter(struct built *built, unsigned column, uint32_t row, int64_t value, int64_t low,
                     int64_t high)
{
    struct circuit *circuit = &built->circuit;
    REQUIRE(circuit->param_cell_count < built->cell_capacity && column < circuit->param_columns);
    struct param_cell *cell = &circuit->param_cells[circuit->param_cell_count++];
    *cell = (struct param_cell){.row = row, .column = (uint8_t)column};
    cell->low = built_constant(built, low);
    cell->high = built_constant(built, high);
    built_set(built, W1 + column, row, value);
}

/* The row whose a1 is fixed to zero by -a1 = 0. */
static uint32_t zero_row(struct built *built)
{
    for (uint32_t row = 0; row < built->next_row; row++) {
        const struct circuit_row *fixed = &built->circuit.rows[row];
        if (fixed->chain == CHAIN_SINGLE && fixed->term == TERM_LINEAR3 && fixed->c2 == 0 &&
            fixed->c3 == 0)
            return row;
    }
    return built_row(built, CHAIN_SINGLE, TERM_LINEAR3, 0, 0);
}

uint32_t built_fixed_cell(struct built *built, int64_t value)
{
    uint32_t zero = zero_row(built);
    uint32_t row = built_row(built, CHAIN_SINGLE, TERM_PRODUCT, value, -1);
    built_set_advice(built, row, 0, 0, value);
    built_copy(built, A1, zero, A1, row);
    built_copy(built, A1, zero, A2, row);
    return row;
}

void built_words(struct built *built, const int64_t *value, uint32_t count)
{
    struct circuit *circuit = &built->circuit;
    REQUIRE(count <= BUILT_WORDS && built->next_row + count <= circuit->usable_rows);
    built->next_row = circuit->usable_rows - count;
    circuit->public_word_count = count;
    circuit->public_part_count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = built_row(built, i == 0 ? CHAIN_START : CHAIN_HORNER, TERM_LINEAR, 0, 1);
        built_set(built, A3, row, value[i]);
        fr_from_i64(&built->word[i], value[i]);
        circuit->public_parts[i] = (struct public_part){.word = i, .bits = 62};
    }
}

struct plonk_witness built_witness(const struct built *built)
{
    struct plonk_witness witness = {{NULL}, {NULL}};
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        witness.advice[j] = built->column[j];
    for (unsigned j = 0; j < built->circuit.param_columns; j++)
        witness.parameters[j] = built->column[W1 + j];
    return witness;
}

static void add_single_rows(struct built *built, struct features *at)
{
    at->product = built_row(built, CHAIN_SINGLE, TERM_PRODUCT, 2, -1);
    built_set_advice(built, at->product, 3, 5, 17);
    at->linear = built_row(built, CHAIN_SINGLE, TERM_LINEAR, 4, -2);
    built_set_advice(built, at->linear, 99, 6, 12);
    at->linear3 = built_row(built, CHAIN_SINGLE, TERM_LINEAR3, 3, -7);
    built_set_advice(built, at->linear3, 16, 10, 2);
    at->fixed = built_fixed_cell(built, 1);
    at->zero = zero_row(built);
}

/* w1 a1 + w2 a2 + 5 a2 + 2 a3 = 0, w2 as far as there is one. */
static void add_weighted_rows(struct built *built, struct features *at)
{
    unsigned columns = built->circuit.param_columns;
    at->weighted = built_row(built, CHAIN_SINGLE, TERM_WEIGHTED, 5, 2);
    int64_t w1 = columns > 0 ? -7 : 0, w2 = columns > 1 ? 3 : 0;
    built_set_advice(built, at->weighted, 4, 6, -(w1 * 4 + w2 * 6 + 30) / 2);
    if (columns > 0)
        built_parameter(built, 0, at->weighted, w1, -8, 7);
    if (columns > 1)
        built_parameter(built, 1, at->weighted, w2, 0, 3);
}

static void add_chains(struct built *built, struct features *at)
{
    at->chain[0] = built_row(built, CHAIN_START, TERM_LINEAR, 1, 2); /* 3 + 8 = 11 */
    built_set_advice(built, at->chain[0], 0, 3, 4);
    at->chain[1] = built_row(built, CHAIN_CONTINUE, TERM_PRODUCT, 1, 0); /* 2 7 + 1 = 15 */
    built_set_advice(built, at->chain[1], 2, 7, 0);
    at->chain[2] = built_row(built, CHAIN_CONTINUE, TERM_LINEAR3, 1, 1); /* -20 + 1 + 3 = -16 */
    built_set_advice(built, at->chain[2], 20, 1, 3);
    at->chain[3] = built_row(built, CHAIN_END, TERM_LINEAR, -1, 0); /* -10 */
    built_set_advice(built, at->chain[3], 0, 10, 0);
    at->second[0] = built_row(built, CHAIN_START, TERM_LINEAR, 1, 0);
    built_set_advice(built, at->second[0], 0, 5, 0);
    at->second[1] = built_row(built, CHAIN_CONTINUE, TERM_LINEAR, 1, 0);
    built_set_advice(built, at->second[1], 0, 6, 0);
    at->second[2] = built_row(built, CHAIN_END, TERM_LINEAR, 1, 0);
    built_set_advice(built, at->second[2], 0, -11, 0);
    /* rho^2 (4 - 4) + rho (9 - 9) + 0 */
    static const int64_t value[6] = {4, -4, 9, -9, 0, 0};
    static const uint8_t chain[6] = {CHAIN_START,    CHAIN_CONTINUE, CHAIN_HORNER,
                                     CHAIN_CONTINUE, CHAIN_HORNER,   CHAIN_END};
    for (unsigned i = 0; i < 6; i++) {
        at->horner[i] = built_row(built, (enum gate_chain)chain[i], TERM_LINEAR, 1, 0);
        built_set_advice(built, at->horner[i], 0, value[i], 0);
    }
}

static void add_lookups(struct built *built, struct features *at)
{
    struct circuit_row *rows = built->circuit.rows;
    at->table_lookup = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
    rows[at->table_lookup].slot_table = TAG_SQUARE;
    built_set_advice(built, at->table_lookup, 9, -3, 0);
    at->range_lookup = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
    rows[at->range_lookup].slot_range = TAG_RANGE;
    built_set_advice(built, at->range_lookup, 0, 0, RANGE_SIZE - 1);

    /* Memory [index]: (2, 11), (1, 7), (6, 5); a missing parameter column reads as zero. */
    static const int64_t first[3] = {2, 1, 6}, second[3] = {11, 7, 5};
    unsigned columns = built->circuit.param_columns;
    at->paired_range = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
    rows[at->paired_range].slot_table = TAG_RANGE;
    built_set_advice(built, at->paired_range, 0, 5, 0);
    at->memory_read = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
    at->all_slots = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
    rows[at->all_slots].slot_table = TAG_SQUARE;
    rows[at->all_slots].slot_range = TAG_RANGE;
    /* Index 1 is the square of its value 1. */
    built_set_advice(built, at->all_slots, 1, 1, columns > 1 ? 7 : 0);
    if (columns == 0)
        return;
    rows[at->memory_read].slot_memory = TAG_MEMORY;
    rows[at->all_slots].slot_memory = TAG_MEMORY;
    built_set_advice(built, at->memory_read, 2, 6, columns > 1 ? 5 : 0);
    for (unsigned i = 0; i < 3; i++) {
        at->memory_row[i] = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
        built_table(built, at->memory_row[i], TAG_MEMORY, i, 0);
        built_parameter(built, 0, at->memory_row[i], first[i], 0, 7);
        if (columns > 1)
            built_parameter(built, 1, at->memory_row[i], second[i], -16, 15);
    }
}

/* A row of a chain with held sums; back: s is divided by rho instead of what the chain says. */
static uint32_t held_row(struct built *built, enum gate_chain chain, enum gate_hold hold, bool back)
{
    uint32_t row = built_row(built, back ? CHAIN_START : chain, TERM_LINEAR, 0, back ? 1 : 0);
    built->circuit.rows[row].hold = (uint8_t)hold;
    return row;
}

/* README 1.5: h takes column k of A, s takes row k of B, one way and back; then Y by three columns
 * and by one. */
static void add_contraction(struct built *built, struct features *at)
{
    static const int64_t a[3][2] = {{3, -4}, {5, 6}, {-7, 8}},
                         b[2][4] = {{2, -3, 5, 7}, {-1, 4, 0, 6}};
    bool is_param = built->circuit.param_columns > 0;
    enum gate_hold product = is_param ? HOLD_WEIGHT : HOLD_ADVICE;
    at->held_first = held_row(built, CHAIN_START, HOLD_NONE, false);
    for (unsigned k = 0; k < 2; k++) {
        if (k > 0)
            at->held_reset = held_row(built, CHAIN_CONTINUE, HOLD_NONE, false);
        for (unsigned m = 0; m < 3; m++) {
            at->held_step[k][m] = held_row(built, CHAIN_CONTINUE, HOLD_STEP, false);
            built_set_advice(built, at->held_step[k][m], 0, 0, a[m][k]);
        }
        for (unsigned i = 0; i < 4; i++) {
            unsigned n = k == 0 ? i : 3 - i;
            uint32_t row =
                held_row(built, i == 0 ? CHAIN_CONTINUE : CHAIN_HORNER, product, k == 1 && i > 0);
            at->held_weight[k][n] = row;
            if (is_param)
                built_parameter(built, 0, row, b[k][n], -8, 7);
            else
                built_set(built, A1, row, b[k][n]);
            if (k == 1 && i > 0)
                built_copy(built, A1, at->zero, A3, row);
        }
    }
    held_row(built, CHAIN_HORNER, HOLD_NONE, false);
    held_row(built, CHAIN_HORNER, HOLD_NONE, false);
    for (unsigned part = 0; part < 2; part++) {
        for (unsigned m = 0; m < 3; m++) {
            int64_t y[4];
            for (unsigned n = 0; n < 4; n++)
                y[n] = a[m][0] * b[0][n] + a[m][1] * b[1][n];
            at->held_output[part][m] = held_row(built, CHAIN_CONTINUE, HOLD_STEP, false);
            built_set_advice(built, at->held_output[part][m], part == 0 ? y[0] : 0,
                             part == 0 ? y[1] : 0, part == 0 ? y[2] : y[3]);
        }
        at->held_fold[part] =
            held_row(built, part == 0 ? CHAIN_CONTINUE : CHAIN_HORNER, HOLD_ADVICE, false);
        built_set(built, A1, at->held_fold[part], -1);
        if (part == 0)
            held_row(built, CHAIN_CONTINUE, HOLD_NONE, false);
    }
    at->held_last = held_row(built, CHAIN_END, HOLD_NONE, false);
}

static void add_witness_memory(struct built *built, struct features *at)
{
    uint32_t index[2] = {at->zero, at->fixed};
    for (unsigned i = 0; i < 2; i++) {
        at->provider[i] = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
        built->circuit.rows[at->provider[i]].is_provider = 1;
        built->circuit.rows[at->provider[i]].slot_memory = TAG_WITNESS_MEMORY;
        built_set_advice(built, at->provider[i], 100 + i, -50 - (int64_t)i, i);
        built_copy(built, i == 0 ? A1 : A3, index[i], A3, at->provider[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        at->witness_read[i] = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
        built->circuit.rows[at->witness_read[i]].slot_memory = TAG_WITNESS_MEMORY;
        built_set_advice(built, at->witness_read[i], 101, -51, 1);
    }
}

static void add_copies(struct built *built, struct features *at)
{
    for (unsigned i = 0; i < 3; i++) {
        at->copy_row[i] = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
        built_set(built, i, at->copy_row[i], 123456789);
        if (i > 0)
            built_copy(built, i - 1, at->copy_row[i - 1], i, at->copy_row[i]);
    }
}

/* Whether a fixed table row may not stand here. */
static bool is_taken(const struct built *built, uint32_t row)
{
    if (built->circuit.rows[row].is_provider)
        return true;
    for (size_t i = 0; i < built->circuit.param_cell_count; i++)
        if (built->circuit.param_cells[i].row == row)
            return true;
    return false;
}

/* Fixed table rows from row 0 up, beside no parameter. */
static void add_tables(struct built *built, struct features *at)
{
    uint32_t row = 0;
    for (int64_t i = 0; i < RANGE_SIZE + 7; i++, row++) {
        while (is_taken(built, row))
            row++;
        if (i == 0)
            at->range_row = row;
        if (i == RANGE_SIZE)
            at->table_row = row;
        if (i < RANGE_SIZE)
            built_table(built, row, TAG_RANGE, i, 0);
        else
            built_table(built, row, TAG_SQUARE, i - RANGE_SIZE - 3,
                        (i - RANGE_SIZE - 3) * (i - RANGE_SIZE - 3));
    }
}

static void build(struct built *built, struct features *at, unsigned lg_rows,
                  unsigned param_columns, uint32_t words, bool has_contraction)
{
    memset(at, 0, sizeof *at);
    built_init(built, lg_rows, param_columns);
    built->circuit.has_contraction = has_contraction;
    add_single_rows(built, at);
    add_weighted_rows(built, at);
    add_chains(built, at);
    add_lookups(built, at);
    if (has_contraction)
        add_contraction(built, at);
    else
        add_witness_memory(built, at);
    add_copies(built, at);
    at->null_row = built_row(built, CHAIN_START, TERM_LINEAR, 0, 0);
    add_tables(built, at);
    int64_t value[BUILT_WORDS];
    for (uint32_t i = 0; i < words; i++)
        value[i] = (int64_t)i * i * 1000003 - 77;
    built_words(built, value, words);
    at->first_word = built->circuit.usable_rows - words;
}

void built_features(struct built *built, struct features *at, unsigned lg_rows,
                    unsigned param_columns, uint32_t words)
{
    build(built, at, lg_rows, param_columns, words, false);
}

void built_contraction(struct built *built, struct features *at, unsigned lg_rows,
                       unsigned param_columns, uint32_t words)
{
    build(built, at, lg_rows, param_columns, words, true);
}

const struct srs *test_srs(void)
{
    static struct srs srs;
    static bool is_open;
    if (!is_open) {
        struct diag diag = {0};
        REQUIRE_OK(srs_open_development(&srs, 7 << 8, NULL, &diag), &diag);
        is_open = true;
    }
    return &srs;
}

const struct srs_verifier *test_srs_verifier(void)
{
    static struct srs_verifier verifier;
    static bool is_made;
    if (!is_made)
        srs_verifier_init_development(&verifier);
    is_made = true;
    return &verifier;
}

void proved_init(struct proved *proved, const struct built *built, enum plonk_mode mode)
{
    proved_init_over(proved, built, mode, test_srs(), NULL);
}

void proved_init_over(struct proved *proved, const struct built *built, enum plonk_mode mode,
                      const struct srs *srs, struct machine *machine)
{
    struct diag diag = {0};
    memset(proved, 0, sizeof *proved);
    for (unsigned i = 0; i < 2 * CIRCUIT_PARAM_MAX; i++)
        fr_from_u64(&proved->tail.value[i / 2][i % 2], 1000 + i);
    struct plonk_witness witness = built_witness(built);
    REQUIRE_OK(plonk_keys_make(&proved->key, &built->circuit, mode, srs, witness.parameters,
                               &proved->tail, machine, &diag),
               &diag);
    plonk_vk_serialize(proved->vk, &proved->key.vk);
    for (unsigned i = 0; i < PLONK_CONTEXT_BYTES; i++)
        proved->context[i] = (uint8_t)(i * 7 + 1);
}

void proved_release(struct proved *proved)
{
    plonk_proving_key_release(&proved->key);
}

static struct plonk_statement statement_of(const struct proved *proved, const struct built *built)
{
    return (struct plonk_statement){proved->context, built->word, built->circuit.public_word_count};
}

enum status proved_prove(struct proved *proved, const struct built *built, const uint8_t *entropy,
                         struct diag *diag)
{
    struct plonk_witness witness = built_witness(built);
    struct plonk_statement statement = statement_of(proved, built);
    return plonk_prove(proved->proof, &proved->key, &proved->tail, &witness, &statement, entropy,
                       NULL, diag);
}

bool proved_force(struct proved *proved, const struct built *built, const struct plonk_trial *trial)
{
    static const uint8_t entropy[PLONK_ENTROPY_BYTES] = {1, 2, 3};
    static const struct plonk_trial nothing = {0};
    struct plonk_witness witness = built_witness(built);
    struct plonk_statement statement = statement_of(proved, built);
    struct plonk_lookup_miss miss;
    struct diag diag = {0};
    bool holds;
    REQUIRE_OK(plonk_prove_anything(proved->proof, &holds, &miss, &proved->key, &proved->tail,
                                    &witness, &statement, entropy, NULL,
                                    trial != NULL ? trial : &nothing, &diag),
               &diag);
    return holds && miss.count == 0;
}

struct plonk_claim proved_claim(struct proved *proved, const struct built *built)
{
    for (uint32_t i = 0; i < built->circuit.public_word_count; i++)
        fr_to_bytes_be(proved->words + 32 * i, &built->word[i]);
    return (struct plonk_claim){
        .vk_digest = proved->key.vk.digest,
        .vk = proved->vk,
        .vk_bytes = proved->key.vk.layout.vk_bytes,
        .context = proved->context,
        .words = proved->words,
        .word_count = built->circuit.public_word_count,
        .proof = proved->proof,
        .proof_bytes = proved->key.vk.layout.proof_bytes,
    };
}

/*
 * SERTN_RECORD names a file that every claim of gas mode is added to with the C verifier's answer,
 * so that the Solidity verifier can be held to it (contracts/test/Claims.t.sol). A record, numbers
 * big-endian: u32 bytes that follow, u8 accepted, key digest, context, u16 bytes and key, u16 bytes
 * and words, u16 bytes and proof. Test programs run side by side, so one write adds it.
 */
static void record_claim(const struct plonk_claim *claim, bool is_accepted)
{
    const char *path = getenv("SERTN_RECORD");
    if (path == NULL || claim->vk_bytes < 6 || claim->vk[5] != PLONK_MODE_GAS)
        return;
    const uint8_t *parts[3] = {claim->vk, claim->words, claim->proof};
    size_t bytes[3] = {claim->vk_bytes, 32 * claim->word_count, claim->proof_bytes};
    struct buffer record = {0};
    uint32_t total = (uint32_t)(1 + 64 + 6 + bytes[0] + bytes[1] + bytes[2]);
    for (unsigned i = 0; i < 4; i++)
        buffer_put_u8(&record, (uint8_t)(total >> (24 - 8 * i)));
    buffer_put_u8(&record, is_accepted);
    buffer_put(&record, claim->vk_digest, 32);
    buffer_put(&record, claim->context, PLONK_CONTEXT_BYTES);
    for (unsigned i = 0; i < 3; i++) {
        buffer_put_u8(&record, (uint8_t)(bytes[i] >> 8));
        buffer_put_u8(&record, (uint8_t)bytes[i]);
        buffer_put(&record, parts[i], bytes[i]);
    }
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    REQUIRE(file >= 0);
    CHECK(write(file, record.data, record.count) == (ssize_t)record.count);
    CHECK(close(file) == 0);
    buffer_release(&record);
}

enum status claim_verify(const struct plonk_claim *claim, struct diag *diag)
{
    enum status status = plonk_verify(claim, test_srs_verifier(), diag);
    REQUIRE(status == STATUS_OK || status == STATUS_REJECTED);
    record_claim(claim, status == STATUS_OK);
    return status;
}

enum status proved_verify(struct proved *proved, const struct built *built, struct diag *diag)
{
    struct plonk_claim claim = proved_claim(proved, built);
    return claim_verify(&claim, diag);
}
