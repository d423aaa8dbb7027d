/* The table of import rules: see import_rules.def. */
#include <string.h>

#include "frontend/import_rules.h"

#define ONNX "ai.onnx"
#define ML "ai.onnx.ml"
#define MS "com.microsoft"
#define PREVIEW "ai.onnx.preview"
#define TRAINING "ai.onnx.preview.training"

static const struct import_rule rules[] = {
#define RULE(domain, op, since, until, kind, run, attributes, types, restriction)                  \
    {domain, op, since, until, OP_##kind, run, attributes, types, restriction},
#include "frontend/import_rules.def"
#undef RULE
};

enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

const struct import_rule *import_rule_at(size_t index)
{
    return index < RULE_COUNT ? &rules[index] : NULL;
}

const struct import_rule *import_rule_find(const char *domain, const char *op, int version,
                                           bool *exact)
{
    const struct import_rule *first = NULL, *last = NULL;
    *exact = true;
    for (size_t i = 0; i < RULE_COUNT; i++) {
        const struct import_rule *rule = &rules[i];
        if (strcmp(rule->op, op) != 0 || strcmp(rule->domain, domain) != 0)
            continue;
        if (version >= rule->since && (rule->until == 0 || version <= rule->until))
            return rule;
        first = first == NULL ? rule : first;
        last = rule;
    }
    *exact = false;
    return first != NULL && version < first->since ? first : last;
}
