/* label: prover libs: test_helpers_backend_plonk */
/*
 * Thirty false proofs of each kind: of every form of the gate, every reset of an accumulator, every
 * rule of the lookups, the copies, the parameters, the words, and every column that the prover
 * computes itself. check must explain each wrong witness, the prover must notice, the verifier must
 * reject what a prover makes who does not care. tests/soundness/record puts them before the
 * Solidity verifier too.
 */
#include "backend/check/check.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <string.h>

enum { EACH = 30 };

/* 1, -1, 2, then anything but 0. */
static void some_delta(fr *delta, unsigned i)
{
    static const int64_t small[] = {1, -1, 2};
    uint8_t bytes[64];
    if (i < 3) {
        fr_from_i64(delta, small[i]);
        return;
    }
    do {
        test_random_bytes(bytes, sizeof bytes);
        fr_from_wide_bytes_be(delta, bytes);
    } while (fr_is_zero(delta));
}

static bool check_accepts(const struct built *built)
{
    struct check_report report;
    struct diag diag = {0};
    struct plonk_witness witness = built_witness(built);
    enum status status = check_witness(&report, &built->circuit, NULL, &witness, built->word,
                                       built->circuit.public_word_count, &diag);
    check_report_release(&report);
    return status == STATUS_OK;
}

static void refute(struct proved *proved, const struct built *built,
                   const struct plonk_trial *trial, const char *kind, unsigned i)
{
    CHECK_MSG(!proved_force(proved, built, trial), "%s %u: the constraints hold", kind, i);
    CHECK_MSG(proved_verify(proved, built, NULL) == STATUS_REJECTED, "%s %u: the proof is accepted",
              kind, i);
}

/* EACH changes of a cell by itself. */
static void refute_cell(struct proved *proved, struct built *built, unsigned column, uint32_t row,
                        unsigned i, const char *kind)
{
    fr *cell = &built->column[column][row], honest = *cell, delta;
    some_delta(&delta, i);
    fr_add(cell, &honest, &delta);
    CHECK_MSG(!check_accepts(built), "%s %u: check accepts it", kind, i);
    refute(proved, built, NULL, kind, i);
    *cell = honest;
}

static void accept(struct proved *proved, const struct built *built)
{
    struct diag diag = {0};
    CHECK(check_accepts(built));
    CHECK(proved_force(proved, built, NULL));
    CHECK_STATUS(proved_verify(proved, built, &diag), STATUS_OK, &diag);
}

/* ---- every form of the gate ---- */

enum { FORMS = 20 };

struct forms {
    struct built built;
    struct proved proved;
    uint32_t row[FORMS]; /* by 4 chain + term */
};

static int64_t small_number(void)
{
    int64_t value = (int64_t)test_random_below(1000) + 1;
    return test_random_below(2) == 0 ? value : -value;
}

/* Adds a row of the form with random cells; returns its C. */
static int64_t add_form(struct forms *forms, enum gate_chain chain, enum gate_term term,
                        bool is_zero)
{
    static const int64_t coefficients[] = {-2, 1, 3, 5};
    struct built *built = &forms->built;
    int64_t c2 = coefficients[test_random_below(4)], w1 = small_number(), w2 = small_number();
    int64_t a1 = small_number(), a2 = small_number(), c3 = is_zero ? -1 : 2, a3 = small_number();
    int64_t rest = term == TERM_PRODUCT ? a1 * a2 + c2 : c2 * a2;
    if (term == TERM_WEIGHTED)
        rest += w1 * a1 + w2 * a2;
    if (term == TERM_LINEAR3)
        rest -= a1;
    if (is_zero)
        a3 = rest;
    uint32_t row = built_row(built, chain, term, c2, c3);
    built_set_advice(built, row, a1, a2, a3);
    if (term == TERM_WEIGHTED) {
        built_parameter(built, 0, row, w1, -1024, 1023);
        built_parameter(built, 1, row, w2, -1024, 1023);
    }
    forms->row[4 * chain + term] = row;
    return rest + c3 * a3;
}

static void add_plain(struct built *built, enum gate_chain chain, int64_t value)
{
    uint32_t row = built_row(built, chain, TERM_LINEAR, 1, 0);
    built_set(built, A2, row, value);
}

static void add_chain(struct forms *forms, enum gate_chain chain, enum gate_term term)
{
    struct built *built = &forms->built;
    if (chain == CHAIN_SINGLE) {
        add_form(forms, chain, term, true);
        return;
    }
    if (chain == CHAIN_START) {
        add_plain(built, CHAIN_END, -add_form(forms, chain, term, false));
        return;
    }
    int64_t before = small_number();
    add_plain(built, CHAIN_START, before);
    if (chain == CHAIN_HORNER) {
        add_plain(built, CHAIN_CONTINUE, -before);
        before = 0;
    }
    uint32_t first = built->next_row - 1;
    int64_t gate = add_form(forms, chain, term, false);
    if (chain == CHAIN_END)
        built_set(built, A2, first, -gate);
    else
        add_plain(built, CHAIN_END, -before - gate);
}

static void forms_init(struct forms *forms)
{
    static const int64_t words[2] = {77, -3};
    memset(forms, 0, sizeof *forms);
    built_init(&forms->built, 7, 2);
    for (unsigned chain = CHAIN_START; chain <= CHAIN_HORNER; chain++)
        for (unsigned term = TERM_LINEAR; term <= TERM_LINEAR3; term++)
            add_chain(forms, (enum gate_chain)chain, (enum gate_term)term);
    built_words(&forms->built, words, 2);
    struct diag diag = {0};
    REQUIRE_OK(circuit_validate(&forms->built.circuit, &diag), &diag);
    proved_init(&forms->proved, &forms->built, PLONK_MODE_GAS);
    accept(&forms->proved, &forms->built);
}

static void forms_release(struct forms *forms)
{
    proved_release(&forms->proved);
    built_release(&forms->built);
}

static void refute_forms(enum gate_chain chain)
{
    static const char *const names[] = {"linear", "weighted", "product", "linear3"};
    struct forms forms;
    forms_init(&forms);
    for (unsigned term = TERM_LINEAR; term <= TERM_LINEAR3; term++) {
        uint32_t row = forms.row[4 * chain + term];
        for (unsigned i = 0; i < EACH; i++) {
            unsigned first = term == TERM_LINEAR ? A2 : A1;
            refute_cell(&forms.proved, &forms.built, first + i % (3 - first), row, i, names[term]);
        }
    }
    forms_release(&forms);
}

TEST(gates_that_start_a_chain)
{
    refute_forms(CHAIN_START);
}

TEST(gates_alone)
{
    refute_forms(CHAIN_SINGLE);
}

TEST(gates_that_go_on)
{
    refute_forms(CHAIN_CONTINUE);
}

TEST(gates_that_end_a_chain)
{
    refute_forms(CHAIN_END);
}

TEST(gates_of_random_combinations)
{
    refute_forms(CHAIN_HORNER);
}

/* ---- copies, words, parameters ---- */

struct features_case {
    struct built built;
    struct features at;
    struct proved proved;
};

static void features_init(struct features_case *f, unsigned params)
{
    memset(f, 0, sizeof *f);
    built_features(&f->built, &f->at, 6, params, 3);
    proved_init(&f->proved, &f->built, PLONK_MODE_GAS);
    accept(&f->proved, &f->built);
}

static void features_release(struct features_case *f)
{
    proved_release(&f->proved);
    built_release(&f->built);
}

TEST(copies)
{
    struct features_case f;
    features_init(&f, 2);
    for (unsigned i = 0; i < EACH; i++)
        refute_cell(&f.proved, &f.built, i / 3 % 3, f.at.copy_row[i / 3 % 3], i, "a copied cell");
    features_release(&f);
}

TEST(words)
{
    struct features_case f;
    features_init(&f, 1);
    for (unsigned i = 0; i < EACH; i++) {
        fr *word = &f.built.word[i % 3], honest = *word, delta;
        some_delta(&delta, i);
        fr_add(word, &honest, &delta);
        CHECK_MSG(!check_accepts(&f.built), "word %u", i);
        refute(&f.proved, &f.built, NULL, "a word", i);
        *word = honest;
        refute_cell(&f.proved, &f.built, A3, f.at.first_word + i % 3, i, "the cell of a word");
    }
    features_release(&f);
}

/* A copy of a parameter that is another number in a cell which nothing else reads. */
TEST(parameters)
{
    struct features_case f;
    features_init(&f, 2);
    for (unsigned column = 0; column < 2; column++)
        for (unsigned i = 0; i < EACH; i++) {
            fr *cell = &f.built.column[W1 + column][f.at.null_row], honest = *cell;
            some_delta(cell, i);
            /* The table row there answers nothing; only w - p can tell. */
            CHECK(proved_force(&f.proved, &f.built, NULL));
            CHECK_MSG(proved_verify(&f.proved, &f.built, NULL) == STATUS_REJECTED, "w%u %u",
                      column + 1, i);
            *cell = honest;
            uint32_t row = f.at.memory_row[i % 3];
            cell = &f.built.column[W1 + column][row];
            honest = *cell;
            some_delta(cell, i);
            fr_add(cell, cell, &honest);
            (void)proved_force(&f.proved, &f.built, NULL);
            CHECK_MSG(proved_verify(&f.proved, &f.built, NULL) == STATUS_REJECTED,
                      "w%u of a memory %u", column + 1, i);
            *cell = honest;
        }
    features_release(&f);
}

/* ---- lookups (H1.6) ---- */

TEST(lookups_of_values_that_no_table_has)
{
    static const struct {
        const char *name;
        size_t row;
        unsigned column;
    } kinds[] = {
        {"a range", offsetof(struct features, range_lookup), A3},
        {"a range in slot 2", offsetof(struct features, paired_range), A2},
        {"the zero value of a range in slot 2", offsetof(struct features, paired_range), A1},
        {"an argument of a table", offsetof(struct features, table_lookup), A2},
        {"a value of a table", offsetof(struct features, table_lookup), A1},
        {"the index of a parameter memory", offsetof(struct features, memory_read), A1},
        {"the first value of a parameter memory", offsetof(struct features, memory_read), A2},
        {"the second value of a parameter memory", offsetof(struct features, memory_read), A3},
        {"the second value of a witness memory", offsetof(struct features, witness_read), A1},
        {"the value of a witness memory", offsetof(struct features, witness_read), A2},
        {"the index of a witness memory", offsetof(struct features, witness_read), A3},
        {"a cell of three lookups: a1", offsetof(struct features, all_slots), A1},
        {"a cell of three lookups: a2", offsetof(struct features, all_slots), A2},
        {"a cell of three lookups: a3", offsetof(struct features, all_slots), A3},
        {"what a witness memory provides", offsetof(struct features, provider) + 4, A2},
        {"the second value it provides", offsetof(struct features, provider) + 4, A1},
        {"its index", offsetof(struct features, provider) + 4, A3},
    };
    struct features_case f;
    features_init(&f, 2);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        uint32_t row;
        memcpy(&row, (const char *)&f.at + kinds[k].row, sizeof row);
        for (unsigned i = 0; i < EACH; i++) {
            fr *cell = &f.built.column[kinds[k].column][row], honest = *cell, delta;
            /* Far enough that the range does not have the value again. */
            if (i < 3)
                fr_from_i64(&delta, (i == 1 ? -1 : 1) * (RANGE_SIZE + (int64_t)i));
            else
                some_delta(&delta, i);
            fr_add(cell, &honest, &delta);
            CHECK_MSG(!check_accepts(&f.built), "%s %u: check accepts it", kinds[k].name, i);
            refute(&f.proved, &f.built, NULL, kinds[k].name, i);
            *cell = honest;
        }
    }
    features_release(&f);
}

/* Tuples of one table under the tag of another: the tag has its own power of theta. */
TEST(lookups_of_another_table)
{
    struct features_case f;
    features_init(&f, 2);
    struct circuit_row *rows = f.built.circuit.rows;
    (void)rows;
    for (unsigned i = 0; i < EACH; i++) {
        /* (x, x^2) is no entry of the range table, (x, 0) none of the squares but 0, and the
         * entries of a memory are none of either. */
        int64_t x = (int64_t)(i % 3) + 1;
        uint32_t row = i % 2 == 0 ? f.at.paired_range : f.at.table_lookup;
        fr a1 = f.built.column[A1][row], a2 = f.built.column[A2][row];
        built_set(&f.built, A2, row, x);
        built_set(&f.built, A1, row, i % 2 == 0 ? x * x : 0);
        CHECK(!check_accepts(&f.built));
        refute(&f.proved, &f.built, NULL, "an entry of another table", i);
        f.built.column[A1][row] = a1;
        f.built.column[A2][row] = a2;
    }
    features_release(&f);
}

/* m of one row other than it is. */
TEST(multiplicities)
{
    struct features_case f;
    features_init(&f, 2);
    struct plonk_witness witness = built_witness(&f.built);
    struct plonk_lookup_miss miss;
    struct arena arena = {0};
    int64_t honest[64] = {0};
    fr m[64];
    struct plonk_trial trial = {.m = m};
    REQUIRE(plonk_lookup_multiplicities(honest, &miss, f.proved.key.tables, &f.built.circuit,
                                        &witness, &arena));
    arena_release(&arena);
    for (unsigned row = 0; row < 64; row++)
        fr_from_i64(&m[row], honest[row]);
    const uint32_t rows[] = {f.at.range_row,   f.at.table_row, f.at.memory_row[1], f.at.provider[0],
                             f.at.provider[1], f.at.null_row,  f.at.memory_row[2], f.at.first_word};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        for (unsigned i = 0; i < EACH; i++) {
            fr kept = m[rows[k]], delta;
            some_delta(&delta, i);
            fr_add(&m[rows[k]], &kept, &delta);
            refute(&f.proved, &f.built, &trial, "a multiplicity", (unsigned)(EACH * k) + i);
            m[rows[k]] = kept;
        }
    features_release(&f);
}

/* A value that the end row or the tail would have to answer: they take part in nothing. */
TEST(the_end_row_and_the_tail_answer_no_lookup)
{
    struct features_case f;
    features_init(&f, 2);
    fr m[64] = {{{0}}};
    uint32_t row = f.at.range_lookup, end = f.built.circuit.usable_rows;
    fr honest = f.built.column[A3][row];
    struct plonk_trial trial = {.m = m};
    for (unsigned i = 0; i < EACH; i++) {
        some_delta(&f.built.column[A3][row], i + 3);
        fr_from_u64(&m[end], TAG_RANGE);
        refute(&f.proved, &f.built, &trial, "the end row", i);
    }
    f.built.column[A3][row] = honest;
    features_release(&f);
}

/* ---- columns of phase 1 ---- */

/* What becomes of the honest columns. */
struct touched {
    enum plonk_column column;
    uint32_t row;  /* UINT32_MAX: all rows */
    uint32_t rows; /* U + 1 */
    bool scales;   /* else adds */
    fr value;
    const struct circuit *circuit; /* of a forged reset of h: goes on from the row as h does */
};

static void touch_cell(const struct touched *t, fr *cell)
{
    if (t->scales)
        fr_mul(cell, cell, &t->value);
    else
        fr_add(cell, cell, &t->value);
}

static void touch(void *context, const struct plonk_challenges *challenges, fr *z, fr *phi, fr *s,
                  fr *h)
{
    const struct touched *t = context;
    fr *columns[] = {z, phi, s, h}, *column = columns[t->column - PLONK_Z];
    if (column == NULL)
        return;
    if (t->row != UINT32_MAX && t->circuit == NULL)
        touch_cell(t, &column[t->row]);
    for (uint32_t row = 0; t->row == UINT32_MAX && row < t->rows; row++)
        touch_cell(t, &column[row]);
    fr delta = t->value;
    for (uint32_t row = t->row; t->circuit != NULL && row < t->rows; row++) {
        fr_add(&column[row], &column[row], &delta);
        uint8_t hold = row + 1 < t->rows ? t->circuit->rows[row].hold : HOLD_NONE;
        if (hold == HOLD_NONE)
            break;
        if (hold == HOLD_STEP)
            fr_mul(&delta, &delta, &challenges->sigma);
    }
}

static void refute_touch(struct proved *proved, const struct built *built, struct touched *t,
                         const char *kind, unsigned i)
{
    struct plonk_trial trial = {.touch = touch, .touch_context = t};
    t->rows = built->circuit.usable_rows + 1;
    refute(proved, built, &trial, kind, i);
}

TEST(the_running_product_and_sum_in_every_row)
{
    struct features_case f;
    features_init(&f, 2);
    for (unsigned k = 0; k < 2; k++) {
        enum plonk_column column = k == 0 ? PLONK_Z : PLONK_PHI;
        for (uint32_t row = 0; row <= f.built.circuit.usable_rows; row++) {
            struct touched t = {.column = column, .row = row};
            some_delta(&t.value, row);
            refute_touch(&f.proved, &f.built, &t, k == 0 ? "z in one row" : "phi in one row", row);
        }
        /* The step from row to row holds; the two ends do not. */
        for (unsigned i = 0; i < EACH; i++) {
            struct touched t = {.column = column, .row = UINT32_MAX, .scales = k == 0};
            do
                some_delta(&t.value, i + 1);
            while (k == 0 && fr_is_one(&t.value));
            refute_touch(&f.proved, &f.built, &t, k == 0 ? "z times a number" : "phi and a number",
                         i);
        }
    }
    features_release(&f);
}

/* ---- resets of s ---- */

/* Rows at which an accumulator begins, each after another kind of row. */
struct resets {
    struct built built;
    struct proved proved;
    uint32_t row[6];
};

static uint32_t add_step(struct built *built, enum gate_chain chain, int64_t value)
{
    add_plain(built, chain, value);
    return built->next_row - 1;
}

static void resets_init(struct resets *r)
{
    static const int64_t word[1] = {41};
    memset(r, 0, sizeof *r);
    built_init(&r->built, 6, 0);
    struct built *b = &r->built;
    r->row[0] = add_step(b, CHAIN_START, 5); /* the first row of all */
    add_step(b, CHAIN_END, -5);
    r->row[1] = add_step(b, CHAIN_START, 3); /* after the end of a chain */
    add_step(b, CHAIN_CONTINUE, 4);
    add_step(b, CHAIN_END, -7);
    add_step(b, CHAIN_SINGLE, 0);
    r->row[2] = add_step(b, CHAIN_START, 9); /* after a single row */
    add_step(b, CHAIN_END, -9);
    add_step(b, CHAIN_START, 100);
    add_step(b, CHAIN_CONTINUE, 1);
    r->row[3] = add_step(b, CHAIN_START, -6); /* after a chain left open */
    add_step(b, CHAIN_END, 6);
    r->row[4] = add_step(b, CHAIN_START, 0); /* of a random combination */
    add_step(b, CHAIN_HORNER, 0);
    add_step(b, CHAIN_END, 0);
    built_words(b, word, 1);
    r->row[5] = b->circuit.usable_rows - 1; /* of the public words */
    proved_init(&r->proved, b, PLONK_MODE_GAS);
    accept(&r->proved, b);
}

/* s of the row that begins a chain is d, and the row takes d less: its end cannot tell. */
struct carried {
    const struct circuit *circuit;
    uint32_t row;
    fr d;
};

static void carry(void *context, const struct plonk_challenges *challenges, fr *z, fr *phi, fr *s,
                  fr *h)
{
    const struct carried *c = context;
    (void)z, (void)phi, (void)h;
    if (s == NULL)
        return;
    /* The honest prover began at zero: what follows the row is short of d. */
    fr d = c->d;
    s[c->row] = d;
    for (uint32_t row = c->row; row < c->circuit->usable_rows; row++) {
        uint8_t chain = c->circuit->rows[row].chain;
        if (row > c->row && (chain == CHAIN_START || chain == CHAIN_SINGLE || chain == CHAIN_END))
            break;
        if (chain == CHAIN_HORNER)
            fr_mul(&d, &d, &challenges->rho);
        fr_add(&s[row + 1], &s[row + 1], &d);
    }
}

TEST(every_reset_of_the_accumulator)
{
    static const char *const names[] = {"the first row",        "after an end",
                                        "after a single row",   "after an open chain",
                                        "a random combination", "the public words"};
    struct resets r;
    resets_init(&r);
    for (unsigned k = 0; k < 6; k++)
        for (unsigned i = 0; i < EACH; i++) {
            struct carried c = {.circuit = &r.built.circuit, .row = r.row[k]};
            struct plonk_trial trial = {.touch = carry, .touch_context = &c};
            fr *cell = &r.built.column[k == 5 ? A3 : A2][r.row[k]], honest = *cell;
            some_delta(&c.d, i);
            fr_sub(cell, &honest, &c.d);
            refute(&r.proved, &r.built, &trial, names[k], i);
            *cell = honest;
        }
    proved_release(&r.proved);
    built_release(&r.built);
}

TEST(the_accumulator_in_every_row_that_is_read)
{
    struct resets r;
    resets_init(&r);
    for (uint32_t row = 0; row < r.built.circuit.usable_rows; row++) {
        uint8_t chain = r.built.circuit.rows[row].chain;
        if (chain == CHAIN_SINGLE || chain == CHAIN_END)
            continue; /* nothing reads s behind these */
        struct touched t = {.column = PLONK_S, .row = row + 1};
        some_delta(&t.value, row);
        refute_touch(&r.proved, &r.built, &t, "s in one row", row + 1);
    }
    proved_release(&r.proved);
    built_release(&r.built);
}

/* ---- held sums ---- */

static void contraction_init(struct features_case *f, unsigned params)
{
    memset(f, 0, sizeof *f);
    built_contraction(&f->built, &f->at, 7, params, 2);
    proved_init(&f->proved, &f->built, PLONK_MODE_GAS);
    accept(&f->proved, &f->built);
}

TEST(cells_of_held_sums)
{
    static const struct {
        const char *name;
        size_t row;
        unsigned column, params;
    } kinds[] = {
        {"a step of A: a1", offsetof(struct features, held_step), A1, 1},
        {"a step of A: a2", offsetof(struct features, held_step) + 4, A2, 1},
        {"a step of A: a3", offsetof(struct features, held_step) + 8, A3, 1},
        {"a step of Y: a1", offsetof(struct features, held_output), A1, 1},
        {"a step of Y: a2", offsetof(struct features, held_output) + 4, A2, 1},
        {"a step of Y: a3", offsetof(struct features, held_output) + 8, A3, 1},
        {"an advice factor", offsetof(struct features, held_weight), A1, 0},
        {"an advice factor on the way back", offsetof(struct features, held_weight) + 16, A1, 0},
        {"a3 of a step back", offsetof(struct features, held_weight) + 16, A3, 1},
        {"the factor that takes Y off", offsetof(struct features, held_fold), A1, 1},
    };
    for (unsigned params = 0; params < 2; params++) {
        struct features_case f;
        contraction_init(&f, params);
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            uint32_t row;
            memcpy(&row, (const char *)&f.at + kinds[k].row, sizeof row);
            for (unsigned i = 0; i < EACH && kinds[k].params == params; i++)
                refute_cell(&f.proved, &f.built, kinds[k].column, row, i, kinds[k].name);
        }
        features_release(&f);
    }
}

TEST(the_held_sum_in_every_row_that_is_read)
{
    struct features_case f;
    contraction_init(&f, 1);
    for (uint32_t row = f.at.held_first; row <= f.at.held_last; row++)
        for (unsigned i = 0; i < 2; i++) {
            struct touched t = {.column = PLONK_H, .row = row + 1};
            some_delta(&t.value, 3 + i);
            refute_touch(&f.proved, &f.built, &t, "h in one row", row + 1);
        }
    features_release(&f);
}

/* h begins at d in a row behind one that clears it, and goes on from there as it should. */
TEST(every_reset_of_the_held_sum)
{
    struct features_case f;
    contraction_init(&f, 1);
    const struct circuit_row *rows = f.built.circuit.rows;
    unsigned resets = 0;
    for (uint32_t row = f.at.held_first; row <= f.at.held_last; row++) {
        if (rows[row].hold != HOLD_NONE || rows[row + 1].hold == HOLD_NONE)
            continue;
        resets++;
        for (unsigned i = 0; i < EACH; i++) {
            struct touched t = {.column = PLONK_H, .row = row + 1, .circuit = &f.built.circuit};
            some_delta(&t.value, i);
            refute_touch(&f.proved, &f.built, &t, "a held sum that begins where it likes", i);
        }
    }
    CHECK(resets > 0);
    features_release(&f);
}
