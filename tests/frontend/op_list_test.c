/* label: fast */
#include "frontend/op_list.h"

#include <string.h>

#include "frontend/import_node.h"
#include "tests/harness/harness.h"

TEST(every_operator_is_listed_once)
{
    struct op_support row, other;
    size_t count = 0;
    for (; op_list_row(count, &row); count++) {
        CHECK_MSG(row.since >= 1 && row.until >= row.since, "%s %d to %d", row.name, row.since,
                  row.until);
        CHECK(row.types != NULL && row.types[0] != 0);
        for (size_t i = 0; i < count && op_list_row(i, &other); i++)
            CHECK_MSG(strcmp(row.name, other.name) != 0 || strcmp(row.domain, other.domain) != 0,
                      "%s twice", row.name);
    }
    CHECK(count > 150);
    CHECK(!op_list_row(count, &row));
}

TEST(ranges_of_versions_join)
{
    struct op_support row;
    bool found = false;
    for (size_t i = 0; op_list_row(i, &row); i++) {
        if (strcmp(row.name, "Slice") != 0)
            continue;
        found = true;
        CHECK_I64(row.since, 1);
        CHECK_I64(row.until, OPSET_NEWEST);
        CHECK_TEXT(row.domain, "ai.onnx");
    }
    CHECK(found);
}

TEST(rows_of_the_table_do_not_overlap_and_leave_no_gap)
{
    const struct import_rule *before = NULL, *rule;
    for (size_t i = 0; (rule = import_rule_at(i)) != NULL; i++) {
        bool same = before != NULL && strcmp(before->op, rule->op) == 0 &&
                    strcmp(before->domain, rule->domain) == 0;
        if (same)
            CHECK_MSG(rule->since == before->until + 1, "%s %d", rule->op, rule->since);
        else if (before != NULL)
            CHECK_MSG(before->until == 0 || strcmp(before->op, "DynamicSlice") == 0,
                      "%s ends at %d", before->op, before->until);
        bool exact;
        CHECK(import_rule_find(rule->domain, rule->op, rule->since, &exact) == rule && exact);
        before = rule;
    }
}
