/* label: prover libs: test_helpers_backend_plonk */
/*
 * One wrong cell each: check must explain it and the verifier must reject the proof that a careless
 * prover makes of it.
 */
#include "backend/check/check.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <stddef.h>
#include <string.h>

/* Adds `delta` to a cell; rows are named by their place in struct features. */
struct edit {
    size_t row; /* offset of the row number; NO_EDIT ends a list */
    unsigned column;
    int64_t delta;
};

#define AT(field) offsetof(struct features, field)
#define NO_EDIT SIZE_MAX
enum { EDITS = 3 };

struct mutation {
    const char *name;
    enum check_kind kind; /* of a failure that check must report */
    unsigned params;      /* least number of parameter columns */
    bool is_pinned;       /* holds over other parameters, so that only [p] refutes it */
    struct edit edit[EDITS];
};

#define ONE(row, column, delta)                                                                    \
    {                                                                                              \
        {AT(row), column, delta}, {NO_EDIT, 0, 0},                                                 \
        {                                                                                          \
            NO_EDIT, 0, 0                                                                          \
        }                                                                                          \
    }
#define TWO(row, column, delta, row_2, column_2, delta_2)                                          \
    {                                                                                              \
        {AT(row), column, delta}, {AT(row_2), column_2, delta_2},                                  \
        {                                                                                          \
            NO_EDIT, 0, 0                                                                          \
        }                                                                                          \
    }

static const struct mutation mutations[] = {
    {"product: a1", CHECK_GATE, 0, false, ONE(product, A1, 1)},
    {"product: a2", CHECK_GATE, 0, false, ONE(product, A2, 1)},
    {"product: a3", CHECK_GATE, 0, false, ONE(product, A3, -1)},
    {"linear: a2", CHECK_GATE, 0, false, ONE(linear, A2, 1)},
    {"linear: a3", CHECK_GATE, 0, false, ONE(linear, A3, 1)},
    {"linear3: a1", CHECK_GATE, 0, false, ONE(linear3, A1, 1)},
    {"linear3: a2", CHECK_GATE, 0, false, ONE(linear3, A2, 1)},
    {"linear3: a3", CHECK_GATE, 0, false, ONE(linear3, A3, 1)},
    {"weighted: a1", CHECK_GATE, 1, false, ONE(weighted, A1, 1)},
    {"weighted: a2", CHECK_GATE, 0, false, ONE(weighted, A2, 1)},
    {"weighted: a3", CHECK_GATE, 0, false, ONE(weighted, A3, 1)},
    {"weighted: w1", CHECK_GATE, 1, false, ONE(weighted, W1, 1)},
    {"weighted: w2", CHECK_GATE, 2, false, ONE(weighted, W2, -1)},
    {"weighted: w1 and a3 agree, [p1] does not", CHECK_KINDS, 1, true,
     TWO(weighted, W1, 1, weighted, A3, -2)},
    {"weighted: w2 and a3 agree, [p2] does not", CHECK_KINDS, 2, true,
     TWO(weighted, W2, -1, weighted, A3, 3)},
    {"zero cell", CHECK_GATE, 0, false, ONE(zero, A1, 1)},
    {"fixed cell", CHECK_GATE, 0, false, ONE(fixed, A3, 1)},
    {"fixed cell's zero operand", CHECK_COPY, 0, false, ONE(fixed, A1, 1)},
    {"chain: start", CHECK_GATE, 0, false, ONE(chain[0], A2, 1)},
    {"chain: product in the middle", CHECK_GATE, 0, false, ONE(chain[1], A1, 1)},
    {"chain: linear3 in the middle", CHECK_GATE, 0, false, ONE(chain[2], A1, 1)},
    {"chain: end", CHECK_GATE, 0, false, ONE(chain[3], A2, 1)},
    {"second chain: start", CHECK_GATE, 0, false, ONE(second[0], A2, 1)},
    {"second chain: middle", CHECK_GATE, 0, false, ONE(second[1], A2, -1)},
    {"second chain: end", CHECK_GATE, 0, false, ONE(second[2], A2, 1)},
    {"two chains that balance each other", CHECK_GATE, 0, false,
     TWO(chain[3], A2, 1, second[2], A2, 1)},
    {"random combination: first term", CHECK_GATE, 0, false, ONE(horner[0], A2, 1)},
    {"random combination: last term", CHECK_GATE, 0, false, ONE(horner[5], A2, 1)},
    {"random combination: two powers that balance", CHECK_GATE, 0, false,
     TWO(horner[0], A2, 1, horner[2], A2, -1)},
    {"random combination: the power rho^0", CHECK_GATE, 0, false, ONE(horner[4], A2, 1)},
    {"table: wrong value", CHECK_TABLE, 0, false, ONE(table_lookup, A1, 1)},
    {"table: argument outside", CHECK_TABLE, 0, false, ONE(table_lookup, A2, -1)},
    {"table: another argument with this value's sign", CHECK_TABLE, 0, false,
     ONE(table_lookup, A2, 1)},
    {"range: one above", CHECK_RANGE, 0, false, ONE(range_lookup, A3, 1)},
    {"range: minus one", CHECK_RANGE, 0, false, ONE(range_lookup, A3, -RANGE_SIZE)},
    {"range: an argument of another table", CHECK_RANGE, 0, false,
     ONE(range_lookup, A3, -RANGE_SIZE - 2)},
    {"range in slot 2: a1 is not zero", CHECK_TABLE, 0, false, ONE(paired_range, A1, 1)},
    {"range in slot 2: outside", CHECK_TABLE, 0, false, ONE(paired_range, A2, RANGE_SIZE)},
    {"memory: index of no entry", CHECK_MEMORY, 1, false, ONE(memory_read, A1, 1)},
    {"memory: index of another entry", CHECK_MEMORY, 1, false, ONE(memory_read, A1, -1)},
    {"memory: first value", CHECK_MEMORY, 1, false, ONE(memory_read, A2, 1)},
    {"memory: second value", CHECK_MEMORY, 1, false, ONE(memory_read, A3, 1)},
    {"memory: w1 changed with its reader", CHECK_KINDS, 1, true,
     TWO(memory_read, A2, 1, memory_row[2], W1, 1)},
    {"memory: w2 changed with its reader", CHECK_KINDS, 2, true,
     TWO(memory_read, A3, 1, memory_row[2], W2, 1)},
    {"memory: fixed tag looked up with values", CHECK_PARAMETER, 1, true,
     ONE(memory_row[0], W1, 6)},
    {"all slots: a1", CHECK_TABLE, 0, false, ONE(all_slots, A1, 1)},
    {"all slots: a2", CHECK_TABLE, 0, false, ONE(all_slots, A2, 1)},
    {"all slots: a3", CHECK_RANGE, 0, false, ONE(all_slots, A3, 100)},
    {"all slots: a3 of another entry", CHECK_MEMORY, 1, false, ONE(all_slots, A3, 1)},
    {"witness memory: first value read", CHECK_MEMORY, 0, false, ONE(witness_read[0], A1, 1)},
    {"witness memory: second value read", CHECK_MEMORY, 0, false, ONE(witness_read[1], A2, 1)},
    {"witness memory: index read", CHECK_MEMORY, 0, false, ONE(witness_read[0], A3, -1)},
    {"witness memory: provided value", CHECK_MEMORY, 0, false, ONE(provider[1], A1, 1)},
    {"witness memory: provider's index", CHECK_COPY, 0, false,
     TWO(provider[1], A3, 1, witness_read[0], A3, 1)},
    {"copy: first cell", CHECK_COPY, 0, false, ONE(copy_row[0], A1, 1)},
    {"copy: middle cell", CHECK_COPY, 0, false, ONE(copy_row[1], A2, 1)},
    {"copy: last cell", CHECK_COPY, 0, false, ONE(copy_row[2], A3, 1)},
    {"word: the cell", CHECK_WORD, 0, false, ONE(first_word, A3, 1)},
};

enum { MUTATIONS = sizeof mutations / sizeof mutations[0] };

static void apply(struct built *built, const struct features *at, const struct mutation *mutation,
                  int64_t sign)
{
    for (unsigned i = 0; i < EDITS && mutation->edit[i].row != NO_EDIT; i++) {
        const struct edit *edit = &mutation->edit[i];
        uint32_t row;
        memcpy(&row, (const char *)at + edit->row, sizeof row);
        fr delta, *cell = &built->column[edit->column][row];
        fr_from_i64(&delta, sign * edit->delta);
        fr_add(cell, cell, &delta);
    }
}

static bool has_kind(const struct check_report *report, enum check_kind kind)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->failures[i].kind == kind)
            return true;
    return false;
}

static enum status run_check(struct check_report *report, const struct built *built,
                             struct diag *diag)
{
    struct plonk_witness witness = built_witness(built);
    return check_witness(report, &built->circuit, NULL, &witness, built->word,
                         built->circuit.public_word_count, diag);
}

/* kind CHECK_KINDS: the witness is fine by itself and belongs to other parameters, so only the
 * proof can tell. */
static void check_mutation(const struct built *built, const struct mutation *mutation)
{
    struct check_report report;
    struct diag diag = {0};
    enum status status = run_check(&report, built, &diag);
    if (mutation->kind == CHECK_KINDS) {
        CHECK_MSG(status == STATUS_OK, "%s: check says %s", mutation->name, diag.text);
    } else {
        CHECK_MSG(status == STATUS_REJECTED, "%s: check accepts it", mutation->name);
        CHECK_MSG(has_kind(&report, mutation->kind), "%s: check says %s", mutation->name,
                  diag.text);
    }
    check_report_release(&report);
}

static void run_mutations(enum plonk_mode mode, unsigned params)
{
    struct built built;
    struct features at;
    struct proved proved;
    struct diag diag = {0};
    built_features(&built, &at, 6, params, 2);
    proved_init(&proved, &built, mode);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        const struct mutation *mutation = &mutations[i];
        if (mutation->params > params)
            continue;
        apply(&built, &at, mutation, 1);
        check_mutation(&built, mutation);
        CHECK_MSG(proved_force(&proved, &built, NULL) == mutation->is_pinned,
                  "%s: the prover notices %s", mutation->name,
                  mutation->is_pinned ? "it" : "nothing");
        CHECK_MSG(proved_verify(&proved, &built, NULL) == STATUS_REJECTED,
                  "%s: the proof is accepted", mutation->name);
        enum status expected = mutation->is_pinned ? STATUS_OK : STATUS_REJECTED;
        CHECK_MSG(proved_prove(&proved, &built, NULL, NULL) == expected, "%s: the prover's answer",
                  mutation->name);
        apply(&built, &at, mutation, -1);
    }
    CHECK_STATUS(proved_prove(&proved, &built, NULL, &diag), STATUS_OK, &diag);
    CHECK_STATUS(proved_verify(&proved, &built, &diag), STATUS_OK, &diag);
    proved_release(&proved);
    built_release(&built);
}

TEST(every_wrong_cell_is_rejected_over_two_parameter_columns_in_gas_mode)
{
    run_mutations(PLONK_MODE_GAS, 2);
}

TEST(every_wrong_cell_is_rejected_in_gas_mode_with_fewer_parameters)
{
    run_mutations(PLONK_MODE_GAS, 1);
}

TEST(every_wrong_cell_is_rejected_in_fast_mode)
{
    run_mutations(PLONK_MODE_FAST, 2);
    run_mutations(PLONK_MODE_FAST, 0);
}

TEST(the_honest_witness_passes_check)
{
    for (unsigned params = 0; params <= 2; params++) {
        struct built built;
        struct features at;
        struct check_report report;
        struct diag diag = {0};
        built_features(&built, &at, 6, params, 3);
        CHECK_STATUS(run_check(&report, &built, &diag), STATUS_OK, &diag);
        CHECK_U64(report.count, 0);
        check_report_release(&report);
        built_release(&built);
    }
}

TEST(every_wrong_word_is_rejected)
{
    struct built built;
    struct features at;
    struct proved proved;
    built_features(&built, &at, 6, 1, 4);
    proved_init(&proved, &built, PLONK_MODE_GAS);
    for (unsigned i = 0; i < 4; i++) {
        struct check_report report;
        struct diag diag = {0};
        fr honest = built.word[i];
        fr_add(&built.word[i], &honest, &fr_one);
        CHECK_STATUS(run_check(&report, &built, &diag), STATUS_REJECTED, &diag);
        CHECK(has_kind(&report, CHECK_WORD) && report.count == 1);
        check_report_release(&report);
        CHECK(!proved_force(&proved, &built, NULL));
        CHECK_STATUS(proved_verify(&proved, &built, NULL), STATUS_REJECTED, NULL);
        built.word[i] = honest;
    }
    proved_release(&proved);
    built_release(&built);
}
