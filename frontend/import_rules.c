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

static char lower_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many letters have to be put in, taken out or changed, upper and lower case being one. */
static size_t letters_apart(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t length = strlen(b), row[LONGEST + 1];
    if (strlen(a) > LONGEST || length > LONGEST)
        return SIZE_MAX;
    for (size_t k = 0; k <= length; k++)
        row[k] = k;
    for (size_t i = 0; a[i] != 0; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 1; k <= length; k++) {
            size_t changed = corner + (lower_letter(a[i]) != lower_letter(b[k - 1]));
            size_t moved = 1 + (row[k] < row[k - 1] ? row[k] : row[k - 1]);
            corner = row[k];
            row[k] = changed < moved ? changed : moved;
        }
    }
    return row[length];
}

const char *import_rule_similar(const char *domain, const char *op)
{
    const char *best = NULL;
    size_t least = 1 + (strlen(op) < 4 ? 0 : strlen(op) < 8 ? 1 : 2);
    for (size_t i = 0; i < RULE_COUNT; i++) {
        size_t apart =
            strcmp(rules[i].domain, domain) == 0 ? letters_apart(op, rules[i].op) : SIZE_MAX;
        if (apart < least) {
            least = apart;
            best = rules[i].op;
        }
    }
    return best;
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
