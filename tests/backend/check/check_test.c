/* label: fast libs: test_helpers_backend_plonk */
/* What check says: every failure, where it is, which values, which node and element. */
#include "backend/check/check.h"
#include "tests/backend/plonk/circuit_builder.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct built built;
    struct features at;
    struct check_report report;
    struct diag diag;
    struct relation relations[2];
    struct relation_tensor tensors[2];
    const char *nodes[1];
    struct relation_program program;
};

static void init(struct fixture *fixture, unsigned params, uint32_t words)
{
    memset(fixture, 0, sizeof *fixture);
    built_features(&fixture->built, &fixture->at, 6, params, words);
    fixture->nodes[0] = "fc1 (Gemm)";
    fixture->tensors[0].name = "y";
    fixture->tensors[1].name = "weight";
    fixture->relations[0] = (struct relation){.kind = RELATION_HINT, .node = RELATION_NONE};
    fixture->relations[1] = (struct relation){.kind = RELATION_CONTRACT, .output_count = 1};
    fixture->program = (struct relation_program){.relations = fixture->relations,
                                                 .relation_count = 2,
                                                 .tensors = fixture->tensors,
                                                 .tensor_count = 2,
                                                 .node_names = fixture->nodes,
                                                 .node_count = 1};
}

static void release(struct fixture *fixture)
{
    check_report_release(&fixture->report);
    built_release(&fixture->built);
}

static enum status run(struct fixture *fixture)
{
    struct plonk_witness witness = built_witness(&fixture->built);
    check_report_release(&fixture->report);
    fixture->diag = (struct diag){0};
    return check_witness(&fixture->report, &fixture->built.circuit, &fixture->program, &witness,
                         fixture->built.word, fixture->built.circuit.public_word_count,
                         &fixture->diag);
}

/* The one failure's text. */
static void check_only(struct fixture *fixture, enum check_kind kind, uint32_t row,
                       const char *text)
{
    CHECK_STATUS(run(fixture), STATUS_REJECTED, &fixture->diag);
    REQUIRE(fixture->report.count == 1);
    CHECK_TEXT(check_kind_name(fixture->report.failures[0].kind), check_kind_name(kind));
    CHECK_U64(fixture->report.failures[0].row, row);
    CHECK_TEXT(fixture->report.failures[0].text, text);
}

TEST(a_failing_gate_shows_its_equation_values_and_node)
{
    struct fixture f;
    init(&f, 2, 1);
    f.built.circuit.origins[f.at.product] = (struct row_origin){1, 3};
    built_set(&f.built, A3, f.at.product, 16);
    check_only(&f, CHECK_GATE, f.at.product,
               "the gate must be 0 and is 1; row 0: a1 a2 + 2 + -1 a3 with a1 = 3, a2 = 5, a3 = 16"
               " [contract relation 1 of node 'fc1 (Gemm)', element 3 of 'y']");
    CHECK_U64(f.report.failures[0].relation, 1);
    CHECK_U64(f.report.failures[0].element, 3);
    release(&f);
}

TEST(a_failing_chain_shows_all_its_rows)
{
    struct fixture f;
    init(&f, 0, 1);
    built_set(&f.built, A2, f.at.second[1], 7);
    CHECK_STATUS(run(&f), STATUS_REJECTED, &f.diag);
    REQUIRE(f.report.count == 1);
    char expected[400];
    uint32_t row = f.at.second[0];
    snprintf(expected, sizeof expected,
             "the sum of rows %u to %u must be 0 and is 1; row %u: 0 + 1 a2 with a1 = 0, a2 = 5, "
             "a3 = 0; row %u: 0 + 1 a2 "
             "with a1 = 0, a2 = 7, a3 = 0; row %u: 0 + 1 a2 with a1 = 0, a2 = -11, a3 = 0",
             row, row + 2, row, row + 1, row + 2);
    CHECK_TEXT(f.report.failures[0].text, expected);
    release(&f);
}

TEST(failing_lookups_say_what_the_table_holds)
{
    struct fixture f;
    init(&f, 2, 1);
    built_set(&f.built, A1, f.at.table_lookup, 8);
    check_only(&f, CHECK_TABLE, f.at.table_lookup,
               "a2 = -3 with a1 = 8 is not in table 5, which has y = 9 there");
    built_set(&f.built, A1, f.at.table_lookup, 9);
    built_set(&f.built, A3, f.at.range_lookup, -1);
    check_only(&f, CHECK_RANGE, f.at.range_lookup,
               "a3 = -1 is not in table 3, which has 16 entries from 0 to 15");
    built_set(&f.built, A3, f.at.range_lookup, 1);
    built_set(&f.built, A3, f.at.memory_read, 4);
    check_only(&f, CHECK_MEMORY, f.at.memory_read,
               "memory 9 has no entry (a1, a2, a3) = (2, 6, 4), where there is (6, 5)");
    built_set(&f.built, A3, f.at.memory_read, 5);
    CHECK_STATUS(run(&f), STATUS_OK, &f.diag);
    release(&f);
}

TEST(a_parameter_outside_its_range_is_named)
{
    struct fixture f;
    init(&f, 1, 1);
    for (size_t i = 0; i < f.built.circuit.param_cell_count; i++) {
        struct param_cell *cell = &f.built.circuit.param_cells[i];
        cell->tensor = 1;
        cell->element = (uint32_t)i;
    }
    built_set(&f.built, W1, f.at.memory_row[0], 8);
    CHECK_STATUS(run(&f), STATUS_REJECTED, &f.diag);
    REQUIRE(f.report.count == 1);
    CHECK(strstr(f.report.failures[0].text,
                 "must be in 0 .. 7 and is 8 [element 1 of parameter 'weight']") != NULL);
    release(&f);
}

TEST(all_failures_are_reported_in_row_order)
{
    struct fixture f;
    init(&f, 2, 2);
    built_set(&f.built, A3, f.at.range_lookup, 99);
    built_set(&f.built, A3, f.at.product, 99);
    built_set(&f.built, A1, f.at.copy_row[0], 99);
    fr_add(&f.built.word[1], &f.built.word[1], &fr_one);
    CHECK_STATUS(run(&f), STATUS_REJECTED, &f.diag);
    CHECK_U64(f.report.count, 4);
    for (size_t i = 1; i < f.report.count; i++)
        CHECK(f.report.failures[i - 1].row <= f.report.failures[i].row);
    CHECK(strstr(f.diag.text, "(and 3 more)") != NULL);
    release(&f);
}

TEST(more_failures_than_are_kept_are_counted)
{
    struct built built;
    struct check_report report;
    struct diag diag = {0};
    built_init(&built, 11, 0);
    for (uint32_t row = 0; row < 1500; row++)
        built_set(&built, A1, built_row(&built, CHAIN_SINGLE, TERM_LINEAR3, 0, 0), row + 1);
    struct plonk_witness witness = built_witness(&built);
    CHECK_STATUS(check_witness(&report, &built.circuit, NULL, &witness, NULL, 0, &diag),
                 STATUS_REJECTED, &diag);
    CHECK_U64(report.count, CHECK_FAILURES_MAX);
    CHECK_U64(report.lost, 1500 - CHECK_FAILURES_MAX);
    check_report_release(&report);
    CHECK_STATUS(check_witness(&report, &built.circuit, NULL, &witness, NULL, 1, &diag),
                 STATUS_BAD_INPUT, &diag);
    check_report_release(&report);
    built_release(&built);
}
