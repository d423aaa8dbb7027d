/*
 * Lowering of NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. The log probability of each
 * label is read from a memory of all of them, held to the classes of its own element.
 */
#include <string.h>

#include "passes/lower_internal.h"

struct loss {
    uint32_t logs;  /* [elements, classes] */
    uint32_t label; /* [elements]: 0 where the label is ignored */
    uint32_t kept;  /* [elements]: 0 where the label is ignored; RELATION_NONE: nowhere */
    int64_t elements, classes;
};

/* label - ignored [label = ignored], and 1 - [label = ignored]. */
static void drop_ignored(struct lowering *l, struct loss *loss)
{
    const struct graph_attribute *ignored = graph_attribute(l->node, "ignore_index");
    struct shape line = shape_of(1, loss->elements);
    loss->kept = RELATION_NONE;
    if (ignored == NULL)
        return;
    uint32_t is_ignored =
        lowering_is_zero(l, lowering_affine(l, 1, loss->label, wide_from_i64(-ignored->integer)));
    struct relation_term terms[2] = {lowering_term(l, 1, loss->label, &line),
                                     lowering_term(l, -ignored->integer, is_ignored, &line)};
    loss->label = lowering_linear(l, &line, form_integer(), terms, 2, wide_from_i64(0));
    loss->kept = lowering_affine(l, -1, is_ignored, wide_from_i64(1));
}

static uint32_t hold_label(struct lowering *l, uint32_t label, int64_t classes)
{
    struct range valid = range_of_i64(0, classes - 1);
    return range_contains(valid, lowering_range_of(l, label)) ? label
                                                              : lowering_restrict(l, label, valid);
}

/* logs[e, label[e]] */
static uint32_t log_of_label(struct lowering *l, const struct loss *loss)
{
    struct shape line = shape_of(1, loss->elements),
                 flat = shape_of(1, loss->elements * loss->classes);
    wide *first = lowering_array(l, wide, (size_t)loss->elements);
    for (int64_t e = 0; e < loss->elements; e++)
        first[e] = wide_from_i64(e * loss->classes);
    struct relation_term terms[2] = {
        lowering_term(l, 1, loss->label, &line),
        lowering_term(l, 1, lowering_constant(l, &line, form_integer(), first), &line)};
    uint32_t index = lowering_linear(l, &line, form_integer(), terms, 2, wide_from_i64(0));
    return lowering_read(l, lowering_reshape(l, loss->logs, &flat), index);
}

/* weights[label] kept; RELATION_NONE when every element counts the same. */
static uint32_t weights_of(struct lowering *l, const struct loss *loss)
{
    if (!lowering_has_input(l, 2))
        return loss->kept;
    uint32_t weights = lowering_read(l, lowering_input(l, 2), loss->label);
    return loss->kept == RELATION_NONE ? weights : lowering_times(l, loss->kept, weights);
}

static uint32_t sum_of(struct lowering *l, uint32_t x)
{
    struct shape row = shape_of(2, (int64_t)1, (int64_t)lowering_tensor(l, x)->count);
    return lowering_sum_rows(l, lowering_reshape(l, x, &row));
}

/* sum / sum of weights; weights that were never negative have a positive sum. */
static uint32_t mean_of(struct lowering *l, const struct loss *loss, uint32_t sum, uint32_t weights)
{
    if (weights == RELATION_NONE)
        return lowering_divide_by_count(l, sum, loss->elements);
    struct value_plan positive = {.low = 1, .high = (double)loss->elements};
    if (lowering_has_input(l, 2)) {
        const struct value_plan *plan = lowering_input_plan(l, 2);
        positive.low = plan->low;
        positive.high = plan->high * (double)loss->elements;
    }
    struct shape shape = lowering_shape(l, sum);
    return lowering_divide(l, &shape, sum, sum_of(l, weights), lowering_value_fraction(l),
                           &positive, lowering_output_plan(l, 0));
}

/* Output 0 from log probabilities, [elements, classes]. */
static void lower_loss(struct lowering *l, uint32_t logs)
{
    const char *reduction = graph_attribute_text(l->node, "reduction", "mean");
    struct loss loss = {.logs = logs,
                        .elements = lowering_tensor(l, logs)->shape[0],
                        .classes = lowering_tensor(l, logs)->shape[1]};
    struct shape line = shape_of(1, loss.elements);
    loss.label = lowering_reshape(l, lowering_input(l, 1), &line);
    drop_ignored(l, &loss);
    loss.label = hold_label(l, loss.label, loss.classes);
    uint32_t losses = lowering_affine(l, -1, log_of_label(l, &loss), wide_from_i64(0)),
             weights = weights_of(l, &loss);
    if (weights != RELATION_NONE)
        losses = lowering_times(l, weights, losses);
    if (strcmp(reduction, "none") == 0) {
        lowering_output(l, 0, losses);
        return;
    }
    uint32_t sum = sum_of(l, losses);
    lowering_output(l, 0, strcmp(reduction, "sum") == 0 ? sum : mean_of(l, &loss, sum, weights));
}

void lower_negative_log_likelihood_loss(struct lowering *l)
{
    lower_loss(l, lowering_rows(l, lowering_planned_input(l), 1u << 1));
}

/* Outputs: loss, log_prob?. */
void lower_softmax_cross_entropy_loss(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    int32_t fraction = lowering_value_fraction(l);
    if (lowering_has_output(l, 1) && lowering_output_fraction(l, 1) + 1 > fraction)
        fraction = lowering_output_fraction(l, 1) + 1;
    uint32_t logs = lowering_log_softmax_rows(l, lowering_rows(l, x, 1u << 1), fraction);
    lower_loss(l, logs);
    if (lowering_has_output(l, 1))
        lowering_output(l, 1, lowering_from_rows(l, logs, &shape, 1));
}
