/* The list of operators: see op_list.h. */
#include "frontend/op_list.h"

#include <string.h>

#include "frontend/import_node.h"

/* Whether a rule continues the one before it: the same operator in a later range of versions. */
static bool continues(const struct import_rule *rule, const struct import_rule *before)
{
    return before != NULL && strcmp(rule->op, before->op) == 0 &&
           strcmp(rule->domain, before->domain) == 0;
}

static int newest(const char *domain)
{
    return strcmp(domain, "ai.onnx") == 0      ? OPSET_NEWEST
           : strcmp(domain, "ai.onnx.ml") == 0 ? OPSET_ML_NEWEST
                                               : 1;
}

bool op_list_row(size_t index, struct op_support *row)
{
    const struct import_rule *rule;
    for (size_t i = 0; (rule = import_rule_at(i)) != NULL; i++) {
        bool is_first = i == 0 || !continues(rule, import_rule_at(i - 1));
        if (!is_first || !graph_op_is_supported(rule->kind))
            continue;
        if (index-- != 0)
            continue;
        *row = (struct op_support){rule->domain, rule->op,    rule->since, 0,
                                   rule->kind,   rule->types, NULL};
        for (const struct import_rule *next = rule;
             next != NULL && (next == rule || continues(next, rule)); next = import_rule_at(++i)) {
            row->until = next->until != 0 ? next->until : newest(next->domain);
            row->types = next->types;
            row->restriction = next->restriction != NULL ? next->restriction : row->restriction;
        }
        return true;
    }
    return false;
}
