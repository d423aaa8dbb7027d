/* What classifiers of ai.onnx.ml share: class labels and the transform of scores. See
 * import_rules.h. */
#include <string.h>

#include "frontend/import_rules.h"

enum post_transform attr_post_transform(struct import_node *n)
{
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    const char *name = attr_text(n, "post_transform", "NONE");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum post_transform)i;
    rule_fail(n, STATUS_BAD_INPUT, "post_transform '%s' does not exist", name);
    return POST_NONE;
}

/*
 * SOFTMAX_ZERO: e = exp(x - max) where |x| > 1e-7, else x exp(-max); e over the sum of the former
 * alone.
 */
static uint32_t softmax_zero(struct import_node *n, uint32_t x)
{
    enum element_type type = value_type(n, x);
    int64_t last = -1;
    uint32_t axes = constant_ints(n, &last, 1), zero = constant_real(n, type, 0);
    uint32_t largest = emit2(n, OP_REDUCE_MAX, x, axes);
    uint32_t magnitude = emit1(n, OP_ABS, x);
    uint32_t counts = emit2(n, OP_GREATER, magnitude, constant_real(n, type, 1e-7));
    uint32_t shifted = emit2(n, OP_SUB, x, largest);
    uint32_t kept = emit1(n, OP_EXP, shifted);
    uint32_t scale = emit1(n, OP_EXP, emit1(n, OP_NEG, largest));
    uint32_t small = emit2(n, OP_MUL, x, scale);
    uint32_t sum = emit2(n, OP_REDUCE_SUM, emit3(n, OP_WHERE, counts, kept, zero), axes);
    uint32_t numerator = emit3(n, OP_WHERE, counts, kept, small);
    return emit2(n, OP_DIV, numerator, sum);
}

/*
 * PROBIT: sqrt(2) erfinv(2 x - 1) with the closed form that runtimes share: for t = 2 x - 1, l =
 * log(1 - t^2), v = 2 / (pi a) + l / 2, erfinv(t) = sign(t) sqrt(sqrt(v^2 - l / a) - v), a = 0.147
 * (S. Winitzki, "A handy approximation for the error function", 2008).
 */
static uint32_t probit(struct import_node *n, uint32_t x)
{
    enum element_type type = value_type(n, x);
    const double a = 0.147;
    uint32_t one = constant_real(n, type, 1), two = constant_real(n, type, 2);
    uint32_t half = constant_real(n, type, 0.5), inverse = constant_real(n, type, 1 / a);
    uint32_t offset = constant_real(n, type, 2 / (3.14159 * a)),
             root2 = constant_real(n, type, 1.41421356);
    uint32_t t = emit2(n, OP_SUB, emit2(n, OP_MUL, x, two), one);
    uint32_t rest = emit2(n, OP_SUB, one, emit2(n, OP_MUL, t, t));
    uint32_t l = emit1(n, OP_LOG, rest);
    uint32_t v = emit2(n, OP_ADD, offset, emit2(n, OP_MUL, l, half));
    uint32_t la = emit2(n, OP_MUL, l, inverse);
    uint32_t under = emit2(n, OP_SUB, emit2(n, OP_MUL, v, v), la);
    uint32_t inner = emit2(n, OP_SUB, emit1(n, OP_SQRT, under), v);
    uint32_t magnitude = emit1(n, OP_SQRT, inner);
    uint32_t sign = emit1(n, OP_SIGN, t);
    uint32_t erfinv = emit2(n, OP_MUL, sign, magnitude);
    return emit2(n, OP_MUL, erfinv, root2);
}

uint32_t emit_post_transform(struct import_node *n, uint32_t scores, enum post_transform post)
{
    switch (post) {
    case POST_NONE:
        return scores;
    case POST_SOFTMAX:
        stage_int(n, "axis", -1);
        return emit1(n, OP_SOFTMAX, scores);
    case POST_LOGISTIC:
        return emit1(n, OP_SIGMOID, scores);
    case POST_SOFTMAX_ZERO:
        return softmax_zero(n, scores);
    case POST_PROBIT:
        break;
    }
    return probit(n, scores);
}

static struct tensor *counting_list(struct import_node *n, size_t count)
{
    struct shape shape = {.rank = 1, .dim = {(int64_t)count}};
    struct tensor *list = tensor_new(n->importer->arena, ELEMENT_I64, &shape);
    for (size_t i = 0; list != NULL && i < count; i++)
        list->data.integer[i] = (int64_t)i;
    return list;
}

struct class_labels attr_class_labels(struct import_node *n, const char *ints, const char *texts,
                                      size_t classes)
{
    struct class_labels labels = {NULL, NULL};
    size_t int_count, text_count;
    const int64_t *int_list = attr_ints(n, ints, &int_count);
    const char *const *text_list = attr_texts(n, texts, &text_count);
    if (n->status != STATUS_OK)
        return labels;
    if (text_count != 0) {
        labels.pool = text_pool_new(n->importer);
        labels.list = text_numbers(n->importer, labels.pool, text_list, text_count);
    } else {
        labels.list = counting_list(n, int_count != 0 ? int_count : classes);
        if (labels.list != NULL && int_count != 0)
            memcpy(labels.list->data.integer, int_list, int_count * sizeof *int_list);
    }
    if (labels.list == NULL)
        rule_out_of_memory(n);
    else if (labels.list->count == 0 || (classes != 0 && labels.list->count != classes))
        rule_fail(n, STATUS_BAD_INPUT, "%zu class labels where %zu are expected",
                  labels.list->count, classes);
    return labels;
}

/* Whether the labels are 0, 1, 2, ... */
static bool labels_count_up(const struct class_labels *labels)
{
    bool counts = labels->pool == NULL;
    for (size_t i = 0; i < labels->list->count; i++)
        counts = counts && labels->list->data.integer[i] == (int64_t)i;
    return counts;
}

static uint32_t label_constant(struct import_node *n, const struct class_labels *labels,
                               struct tensor *list)
{
    return labels->pool != NULL ? text_constant(n, labels->pool, list) : constant_tensor(n, list);
}

uint32_t emit_labels(struct import_node *n, uint32_t index, const struct class_labels *labels)
{
    if (n->status != STATUS_OK || labels_count_up(labels))
        return index;
    return emit2(n, OP_GATHER, label_constant(n, labels, labels->list), index);
}

/* One label as a constant of rank 0. */
static uint32_t one_label(struct import_node *n, const struct class_labels *labels, size_t i)
{
    struct tensor *one = tensor_new(n->importer->arena, ELEMENT_I64, &(struct shape){0});
    if (one != NULL)
        one->data.integer[0] = labels->list->data.integer[i];
    return label_constant(n, labels, one);
}

uint32_t emit_binary_labels(struct import_node *n, uint32_t condition,
                            const struct class_labels *labels)
{
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    if (labels_count_up(labels))
        return cast_to(n, condition, ELEMENT_I64);
    uint32_t yes = one_label(n, labels, 1), no = one_label(n, labels, 0);
    return emit3(n, OP_WHERE, condition, yes, no);
}
