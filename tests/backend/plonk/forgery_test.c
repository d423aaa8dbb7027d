/* label: prover */
/*
 * Provers that cheat beside the witness: in the accumulator, the multiplicities, the running
 * product and sum. Every reset of s and every lookup rule has its forger here.
 */
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <string.h>

/* The trial's proof must be false and be rejected. */
static void check_refuted(struct proved *proved, const struct built *built,
                          const struct plonk_trial *trial, const char *what)
{
    CHECK_MSG(!proved_force(proved, built, trial), "%s: the constraints hold", what);
    CHECK_MSG(proved_verify(proved, built, NULL) == STATUS_REJECTED, "%s: the proof is accepted",
              what);
}

static void check_accepted(struct proved *proved, const struct built *built,
                           const struct plonk_trial *trial, const char *what)
{
    struct diag diag = {0};
    CHECK_MSG(proved_force(proved, built, trial), "%s: the constraints do not hold", what);
    CHECK_MSG(proved_verify(proved, built, &diag) == STATUS_OK, "%s: %s", what, diag.text);
}

/* A circuit of chains: every way in which an accumulator begins. */
struct chains {
    struct built built;
    struct proved proved;
    uint32_t first, after_end, after_single, after_open, horner, words; /* rows that reset s */
    fr s[64];
};

static uint32_t chain_row(struct chains *chains, enum gate_chain chain, int64_t value)
{
    uint32_t row = built_row(&chains->built, chain, TERM_LINEAR, 1, 0);
    built_set(&chains->built, A2, row, value);
    return row;
}

static void chains_init(struct chains *chains)
{
    memset(chains, 0, sizeof *chains);
    built_init(&chains->built, 6, 0);
    chains->first = chain_row(chains, CHAIN_START, 5);
    chain_row(chains, CHAIN_END, -5);
    chains->after_end = chain_row(chains, CHAIN_START, 3);
    chain_row(chains, CHAIN_CONTINUE, 4);
    chain_row(chains, CHAIN_END, -7);
    chain_row(chains, CHAIN_SINGLE, 0);
    chains->after_single = chain_row(chains, CHAIN_START, 9);
    chain_row(chains, CHAIN_END, -9);
    chain_row(chains, CHAIN_START, 100);
    chain_row(chains, CHAIN_CONTINUE, 1);
    chains->after_open = chain_row(chains, CHAIN_START, -6);
    chain_row(chains, CHAIN_END, 6);
    chains->horner = chain_row(chains, CHAIN_START, 0);
    chain_row(chains, CHAIN_HORNER, 0);
    chain_row(chains, CHAIN_END, 0);
    static const int64_t word[1] = {41};
    built_words(&chains->built, word, 1);
    chains->words = chains->built.circuit.usable_rows - 1;
    proved_init(&chains->proved, &chains->built, PLONK_MODE_GAS);
}

static void chains_release(struct chains *chains)
{
    proved_release(&chains->proved);
    built_release(&chains->built);
}

/* The C of a row of this circuit. */
static const fr *gate_of(const struct chains *chains, uint32_t row)
{
    return row == chains->words ? &chains->built.column[A3][row] : &chains->built.column[A2][row];
}

/* s by rows, the horner chain left out (its sums are zero); before row `reset` it is `carried`, and
 * goes on from there. */
static void fill_s(struct chains *chains, uint32_t reset, const fr *carried)
{
    const struct circuit *circuit = &chains->built.circuit;
    chains->s[0] = fr_zero;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        if (row == reset)
            chains->s[row] = *carried;
        fr *next = &chains->s[row + 1];
        enum gate_chain kind = (enum gate_chain)circuit->rows[row].chain;
        bool goes_on = kind == CHAIN_CONTINUE || row == reset;
        *next = fr_zero;
        if (goes_on)
            *next = chains->s[row];
        if (kind == CHAIN_START || kind == CHAIN_CONTINUE)
            fr_add(next, next, gate_of(chains, row));
    }
}

/* Adds d to the C of a resetting row and begins that row's chain at -d, so that its end still sums
 * to zero. */
static void forge_reset(struct chains *chains, uint32_t row, const char *what)
{
    fr d, minus_d, honest;
    fr *cell = &chains->built.column[row == chains->words ? A3 : A2][row];
    struct plonk_trial trial = {.s = chains->s};
    fr_from_u64(&d, 12345);
    fr_neg(&minus_d, &d);
    honest = *cell;
    fr_add(cell, cell, &d);
    fill_s(chains, row, &minus_d);
    check_refuted(&chains->proved, &chains->built, &trial, what);
    *cell = honest;
}

TEST(no_chain_begins_where_the_prover_likes)
{
    static struct chains chains;
    chains_init(&chains);
    struct plonk_trial trial = {.s = chains.s};
    fill_s(&chains, UINT32_MAX, &fr_zero);
    check_accepted(&chains.proved, &chains.built, &trial, "the accumulator by hand");
    forge_reset(&chains, chains.first, "the first row");
    forge_reset(&chains, chains.after_end, "after the end of a chain");
    forge_reset(&chains, chains.after_single, "after a single row");
    forge_reset(&chains, chains.after_open, "after a chain that was left open");
    forge_reset(&chains, chains.horner, "a random combination");
    forge_reset(&chains, chains.words, "the first public word");
    chains_release(&chains);
}

TEST(an_accumulator_may_not_jump_inside_a_chain)
{
    static struct chains chains;
    chains_init(&chains);
    struct plonk_trial trial = {.s = chains.s};
    for (uint32_t row = 0; row < chains.built.circuit.usable_rows; row++) {
        enum gate_chain kind = (enum gate_chain)chains.built.circuit.rows[row].chain;
        fill_s(&chains, UINT32_MAX, &fr_zero);
        fr_add(&chains.s[row + 1], &chains.s[row + 1], &fr_one);
        if (kind == CHAIN_SINGLE || kind == CHAIN_END)
            check_accepted(&chains.proved, &chains.built, &trial,
                           "s after the end of a chain, which nothing reads");
        else if (row < chains.words && row > chains.horner + 2)
            continue; /* rows that are off behave alike */
        else
            check_refuted(&chains.proved, &chains.built, &trial, "s inside a chain");
    }
    fill_s(&chains, UINT32_MAX, &fr_zero);
    fr_add(&chains.s[0], &chains.s[0], &fr_one);
    check_accepted(&chains.proved, &chains.built, &trial,
                   "s before the first row, which nothing reads");
    chains_release(&chains);
}

/* The circuit of every feature with its honest multiplicities. */
struct lookups {
    struct built built;
    struct features at;
    struct proved proved;
    fr m[64];
};

static void lookups_init(struct lookups *lookups)
{
    memset(lookups, 0, sizeof *lookups);
    built_features(&lookups->built, &lookups->at, 6, 2, 1);
    proved_init(&lookups->proved, &lookups->built, PLONK_MODE_GAS);
    struct plonk_witness witness = built_witness(&lookups->built);
    struct plonk_lookup_miss miss;
    struct arena arena = {0};
    int64_t m[64] = {0};
    REQUIRE(plonk_lookup_multiplicities(m, &miss, lookups->proved.key.tables,
                                        &lookups->built.circuit, &witness, &arena));
    CHECK_U64(miss.count, 0);
    arena_release(&arena);
    for (unsigned row = 0; row < 64; row++)
        fr_from_i64(&lookups->m[row], m[row]);
}

static void lookups_release(struct lookups *lookups)
{
    proved_release(&lookups->proved);
    built_release(&lookups->built);
}

/* Refuted with m of one row changed by `delta`. */
static void forge_m(struct lookups *lookups, uint32_t row, int64_t delta, const char *what)
{
    struct plonk_trial trial = {.m = lookups->m};
    fr honest = lookups->m[row], d;
    fr_from_i64(&d, delta);
    fr_add(&lookups->m[row], &lookups->m[row], &d);
    check_refuted(&lookups->proved, &lookups->built, &trial, what);
    lookups->m[row] = honest;
}

TEST(only_the_honest_multiplicities_are_accepted)
{
    static struct lookups lookups;
    lookups_init(&lookups);
    const struct features *at = &lookups.at;
    struct plonk_trial trial = {.m = lookups.m};
    check_accepted(&lookups.proved, &lookups.built, &trial, "the multiplicities by hand");
    /* Row of value 15: looked up once in slot 3. Its weight is the tag: a count is not enough. */
    uint32_t last = 0;
    for (uint32_t row = 0; row < lookups.built.circuit.usable_rows; row++)
        if (lookups.built.circuit.table[row].tag == TAG_RANGE &&
            lookups.built.circuit.table[row].x == RANGE_SIZE - 1)
            last = row;
    forge_m(&lookups, last, 1 - TAG_RANGE, "a count in place of a weight");
    forge_m(&lookups, last, TAG_SQUARE - TAG_RANGE, "the weight of another tag");
    forge_m(&lookups, last, -TAG_RANGE, "a multiplicity of zero");
    forge_m(&lookups, at->table_row, TAG_SQUARE, "a multiplicity too much on a table row");
    forge_m(&lookups, at->memory_row[0], TAG_MEMORY, "a multiplicity too much on a memory row");
    forge_m(&lookups, at->memory_row[2], -TAG_MEMORY, "a memory row that answered nothing");
    forge_m(&lookups, at->provider[1], 1, "a multiplicity too much on a provider");
    forge_m(&lookups, at->provider[1], -TAG_WITNESS_MEMORY,
            "a provider that answered one read less");
    forge_m(&lookups, at->null_row, TAG_RANGE, "a multiplicity on a null row");
    lookups_release(&lookups);
}

TEST(the_end_row_and_the_tail_take_part_in_no_lookup)
{
    static struct lookups lookups;
    lookups_init(&lookups);
    uint32_t end = lookups.built.circuit.usable_rows, row = lookups.at.range_lookup;
    struct plonk_trial trial = {.m = lookups.m};
    /* m of the end row is free; the tail's is random in every proof: neither answers a lookup. */
    fr_from_i64(&lookups.m[end], TAG_RANGE);
    check_accepted(&lookups.proved, &lookups.built, &trial, "a multiplicity on the end row");
    fr missed;
    fr_from_u64(&missed, RANGE_SIZE);
    fr honest = lookups.built.column[A3][row];
    lookups.built.column[A3][row] = missed;
    check_refuted(&lookups.proved, &lookups.built, &trial,
                  "a value that only the end row could answer");
    /* The value that a row of zeros below the tables would answer, under no tag. */
    lookups.built.column[A3][row] = fr_zero;
    for (uint32_t i = 0; i < end; i++)
        if (lookups.built.circuit.table[i].tag == TAG_RANGE &&
            lookups.built.circuit.table[i].x == RANGE_SIZE - 1)
            lookups.m[i] = fr_zero;
    check_refuted(&lookups.proved, &lookups.built, &trial, "a weight that is nowhere counted");
    lookups.built.column[A3][row] = honest;
    lookups_release(&lookups);
}

TEST(a_missing_tuple_cannot_be_made_up_by_other_rows)
{
    static struct lookups lookups;
    lookups_init(&lookups);
    struct plonk_trial trial = {.m = lookups.m};
    uint32_t row = lookups.at.range_lookup;
    fr honest = lookups.built.column[A3][row];
    for (int64_t value = -2; value < RANGE_SIZE + 4; value++) {
        if (value >= 0 && value < RANGE_SIZE)
            continue;
        fr_from_i64(&lookups.built.column[A3][row], value);
        check_refuted(&lookups.proved, &lookups.built, &trial,
                      "the multiplicities of an honest witness");
    }
    lookups.built.column[A3][row] = honest;
    lookups_release(&lookups);
}

TEST(the_running_product_and_sum_are_bound_at_both_ends)
{
    static struct lookups lookups;
    lookups_init(&lookups);
    uint32_t end = lookups.built.circuit.usable_rows;
    fr ones[64], zeros[64] = {{{0}}};
    for (unsigned i = 0; i < 64; i++)
        ones[i] = fr_one;
    struct plonk_trial zero_z = {.z = zeros}, one_z = {.z = ones}, zero_phi = {.phi = zeros};
    check_refuted(&lookups.proved, &lookups.built, &zero_z, "z = 0 everywhere");
    check_refuted(&lookups.proved, &lookups.built, &one_z, "z = 1 everywhere");
    check_refuted(&lookups.proved, &lookups.built, &zero_phi, "phi = 0 everywhere");
    /* m and phi zero: no table row answers anything. */
    struct plonk_trial nothing = {.phi = zeros, .m = zeros};
    check_refuted(&lookups.proved, &lookups.built, &nothing, "phi = m = 0 everywhere");
    /* A copy is broken and z is 1 at its end all the same. */
    fr honest = lookups.built.column[A2][lookups.at.copy_row[1]];
    lookups.built.column[A2][lookups.at.copy_row[1]] = fr_one;
    check_refuted(&lookups.proved, &lookups.built, &one_z, "z = 1 over a broken copy");
    check_refuted(&lookups.proved, &lookups.built, &zero_z, "z = 0 over a broken copy");
    zeros[end] = fr_one;
    check_refuted(&lookups.proved, &lookups.built, &zero_z, "z = 1 at the end row alone");
    zeros[0] = fr_one;
    check_refuted(&lookups.proved, &lookups.built, &zero_z, "z = 1 at both ends, 0 between");
    lookups.built.column[A2][lookups.at.copy_row[1]] = honest;
    lookups_release(&lookups);
}

TEST(a_circuit_without_lookups_or_copies_needs_no_multiplicity)
{
    struct built built;
    struct proved proved;
    struct diag diag = {0};
    built_init(&built, 4, 0);
    uint32_t row = built_row(&built, CHAIN_SINGLE, TERM_PRODUCT, 0, -1);
    built_set_advice(&built, row, 6, 7, 42);
    for (unsigned mode = 0; mode < PLONK_MODES; mode++) {
        proved_init(&proved, &built, (enum plonk_mode)mode);
        CHECK_STATUS(proved_prove(&proved, &built, NULL, &diag), STATUS_OK, &diag);
        CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_OK, &diag);
        fr m[64] = {{{0}}};
        struct plonk_trial trial = {.m = m};
        fr_from_u64(&m[3], 1);
        check_refuted(&proved, &built, &trial, "a multiplicity on a null row and no lookup at all");
        proved_release(&proved);
    }
    built_release(&built);
}
