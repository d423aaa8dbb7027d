/*
 * How much one node amplifies an error of one operand, measured on calibration runs with perturbed
 * operands: no operator needs a rule of its own. See quantize.h.
 */
#include <math.h>
#include <string.h>

#include "ir/ops.h"
#include "passes/quantize_internal.h"

/* Perturbed runs of a node for each operand and calibration run. */
enum { DRAWS = 2 };

struct tensor *quantize_keep(struct arena *arena, const struct tensor *from)
{
    struct tensor *copy = tensor_new(arena, from->type, &from->shape);
    if (copy != NULL && from->count > 0)
        memcpy(copy->data.real, from->data.real, from->count * sizeof *from->data.real);
    return copy;
}

double quantize_magnitude(const struct value_plan *plan)
{
    return fmax(fabs(plan->low), fabs(plan->high));
}

double quantize_elements(const struct shape *shape)
{
    double count = 1;
    for (unsigned d = 0; d < shape->rank; d++)
        count *= (double)shape->dim[d];
    return count;
}

static double largest_change(const struct tensor *a, const struct tensor *b)
{
    double largest = 0;
    for (size_t e = 0; e < a->count && a->count == b->count; e++) {
        double change = fabs(a->data.real[e] - b->data.real[e]);
        if (isfinite(change) && change > largest)
            largest = change;
    }
    return largest;
}

/* Largest |dy| / |dx| of matching elements. */
static double largest_quotient(const struct tensor *y, const struct tensor *y0,
                               const struct tensor *x, const struct tensor *x0)
{
    double largest = 0;
    for (size_t e = 0; e < y->count && y->count == x->count; e++) {
        double quotient =
            fabs(y->data.real[e] - y0->data.real[e]) / fabs(x->data.real[e] - x0->data.real[e]);
        if (isfinite(quotient) && quotient > largest)
            largest = quotient;
    }
    return largest;
}

struct tensor *quantize_perturb(struct quantizing *q, const struct tensor *from, double step,
                                double least)
{
    struct tensor *copy = quantize_keep(&q->scratch, from);
    for (size_t e = 0; copy != NULL && e < copy->count; e++) {
        double own = fmin(step, fmax(fabs(from->data.real[e]), least) * 0x1p-8);
        own = least == 0 ? step : own;
        copy->data.real[e] += (quantize_random(q) & 1) != 0 ? own : -own;
    }
    return copy;
}

struct probe {
    const struct graph_node *node;
    const struct tensor **in;
    struct tensor **out;
    struct tensor **moved;
    size_t operand;
};

/* Budgets of operand `operand` from those of the results, by one perturbed run of the node. */
static enum status probe_once(struct quantizing *q, struct probe *probe, bool is_relative,
                              double *best)
{
    const struct graph_node *node = probe->node;
    const struct tensor *original = probe->in[probe->operand];
    const struct value_plan *plan = &q->plan->values[node->inputs[probe->operand]];
    double step = quantize_magnitude(plan) * 0x1p-14;
    struct tensor *changed =
        step == 0 ? NULL : quantize_perturb(q, original, step, is_relative ? plan->smallest : 0);
    if (changed == NULL)
        return STATUS_OK;
    probe->in[probe->operand] = changed;
    struct diag ignored = {0};
    memset(probe->moved, 0, node->output_count * sizeof *probe->moved);
    enum status status =
        graph_interpret_node(q->graph, node, probe->in, probe->moved, NULL, &q->scratch, &ignored);
    probe->in[probe->operand] = original;
    if (status == STATUS_NO_MEMORY)
        return diag_set(q->diag, status, "no memory to measure node %s", node->name);
    for (size_t k = 0; k < node->output_count && status == STATUS_OK; k++) {
        if (node->outputs[k] == GRAPH_NONE || probe->moved[k] == NULL || probe->out[k] == NULL ||
            !element_type_is_float(probe->moved[k]->type) || !isfinite(q->budget[node->outputs[k]]))
            continue;
        double gain = is_relative
                          ? largest_quotient(probe->moved[k], probe->out[k], changed, original)
                          : largest_change(probe->moved[k], probe->out[k]) / step;
        if (gain > 0)
            *best = fmin(*best, q->budget[node->outputs[k]] / gain);
    }
    return STATUS_OK;
}

/* A product that is a mask wherever its factor is not 0. */
static bool makes_mask(const struct quantizing *q, const struct graph_node *node)
{
    return node->op == OP_MUL && q->plan->values[node->outputs[0]].takes_mask;
}

bool quantize_feeds_decision(const struct quantizing *q, const struct graph_node *node)
{
    const struct graph *graph = q->graph;
    if (makes_mask(q, node))
        return true;
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] != GRAPH_NONE &&
            !element_type_is_float(graph->values[node->outputs[k]].type))
            return true;
    }
    return node->op == OP_TREE_ENSEMBLE || node->op == OP_FLOOR || node->op == OP_CEIL ||
           node->op == OP_ROUND || node->op == OP_SIGN;
}

static bool same_elements(const struct tensor *a, const struct tensor *b)
{
    return a == NULL || b == NULL ||
           (a->count == b->count &&
            memcmp(a->data.real, b->data.real, a->count * sizeof *a->data.real) == 0);
}

/* Whether a step of the operand, up or down at random, leaves every decision as it is. */
static bool decision_stands(struct quantizing *q, struct probe *probe, double step)
{
    const struct tensor *original = probe->in[probe->operand];
    struct tensor *changed = quantize_perturb(q, original, step, 0);
    struct diag ignored = {0};
    if (changed == NULL)
        return false;
    probe->in[probe->operand] = changed;
    memset(probe->moved, 0, probe->node->output_count * sizeof *probe->moved);
    enum status status = graph_interpret_node(q->graph, probe->node, probe->in, probe->moved, NULL,
                                              &q->scratch, &ignored);
    probe->in[probe->operand] = original;
    bool stands = status == STATUS_OK;
    for (size_t k = 0; k < probe->node->output_count && stands; k++) {
        bool is_decision = probe->moved[k] != NULL && !element_type_is_float(probe->moved[k]->type);
        stands = !is_decision || same_elements(probe->moved[k], probe->out[k]);
    }
    return stands;
}

static void load_probe(const struct quantizing *q, struct probe *probe, size_t run)
{
    const struct graph_node *node = probe->node;
    for (size_t j = 0; j < node->input_count; j++)
        probe->in[j] = node->inputs[j] == GRAPH_NONE ? NULL : q->kept[run].item[node->inputs[j]];
    for (size_t k = 0; k < node->output_count; k++)
        probe->out[k] = node->outputs[k] == GRAPH_NONE ? NULL : q->kept[run].item[node->outputs[k]];
}

/*
 * Budget of an operand that decides: an eighth of the largest step, from 2^-13 to 2^-19 of its
 * magnitude, that changes no decision. Decisions close to a tie get the smallest.
 */
static double decision_budget(struct quantizing *q, struct probe *probe)
{
    enum { LARGEST_STEP = 13, SMALLEST_STEP = 19 };
    double size =
        fmax(quantize_magnitude(&q->plan->values[probe->node->inputs[probe->operand]]), 0x1p-20);
    for (int bits = LARGEST_STEP; bits < SMALLEST_STEP; bits++) {
        bool stands = true;
        for (size_t r = 0; r < q->kept_count && stands; r++) {
            load_probe(q, probe, r);
            for (int draw = 0; draw < 2 * DRAWS && stands; draw++)
                stands = decision_stands(q, probe, ldexp(size, -bits));
        }
        if (stands)
            return ldexp(size, -bits - 3);
    }
    return ldexp(size, -SMALLEST_STEP - 3);
}

/*
 * Budget of the argument of a function that is flat far out: calibration may have seen nothing but
 * its flat parts, where any error goes, and other inputs meet the steep one.
 */
static double steep_budget(const struct quantizing *q, const struct graph_node *node)
{
    static const double least_gain = 0x1p-4; /* a quarter of the greatest, or less */
    switch (node->op) {
    case OP_SOFTMAX:
    case OP_SIGMOID:
    case OP_TANH:
    case OP_ERF:
    case OP_ATAN:
    case OP_SOFTSIGN:
        return q->budget[node->outputs[0]] / least_gain;
    default:
        return INFINITY;
    }
}

/*
 * Budget of what is cast to integers: an eighth of one, whatever the size of the greatest number. A
 * time in seconds would be off by minutes else.
 */
static double whole_budget(const struct quantizing *q, const struct graph_node *node)
{
    const struct graph *graph = q->graph;
    bool is_cast = node->op == OP_CAST || node->op == OP_CAST_LIKE;
    bool is_whole = is_cast && element_type_is_integer(graph->values[node->outputs[0]].type);
    return is_whole && quantize_magnitude(&q->plan->values[node->inputs[0]]) < 0x1p63 ? 0x1p-3
                                                                                      : INFINITY;
}

/* Whether a result is made of operand `i` as it is. */
static bool only_moves(const struct graph_node *node, size_t i)
{
    unsigned traits = op_info(node->op)->traits;
    return (traits & TRAIT_MOVEMENT) != 0 && (traits & TRAIT_ELEMENTWISE) == 0 &&
           (i == 0 || node->op == OP_CONCAT);
}

/*
 * Budget of an operand that is only moved: that of the results. Slices and stacks of a long
 * sequence would take a time that grows with the square of its length to probe; what probing would
 * have drawn is skipped, so that the other probes draw what they always drew.
 */
static double moved_budget(struct quantizing *q, const struct graph_node *node, uint32_t v)
{
    double best = q->budget[v];
    if (quantize_magnitude(&q->plan->values[v]) == 0)
        return best;
    for (size_t k = 0; k < node->output_count; k++) {
        uint32_t out = node->outputs[k];
        if (out != GRAPH_NONE && quantize_elements(&q->graph->values[out].shape) > 0)
            best = fmin(best, q->budget[out]);
    }
    for (size_t r = 0; r < q->kept_count; r++)
        quantize_skip_random(q, DRAWS * q->kept[r].item[v]->count);
    return best;
}

enum status quantize_probe_node(struct quantizing *q, const struct graph_node *node)
{
    const struct graph *graph = q->graph;
    struct arena_mark mark = arena_checkpoint(&q->scratch);
    struct probe probe = {
        .node = node,
        .in = arena_array(&q->scratch, const struct tensor *, node->input_count + 1),
        .out = arena_array(&q->scratch, struct tensor *, node->output_count + 1),
        .moved = arena_array(&q->scratch, struct tensor *, node->output_count + 1)};
    if (probe.in == NULL || probe.out == NULL || probe.moved == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory to measure node %s", node->name);
    bool is_elementwise = (op_info(node->op)->traits & TRAIT_ELEMENTWISE) != 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < node->input_count && status == STATUS_OK; i++) {
        uint32_t v = node->inputs[i];
        if (v == GRAPH_NONE || !element_type_is_float(graph->values[v].type) ||
            q->plan->values[v].is_key || q->plan->values[v].is_bits ||
            op_input_is_constant(node->op, i)) /* no number of the circuit */
            continue;
        if (only_moves(node, i) && !quantize_feeds_decision(q, node)) {
            q->budget[v] = moved_budget(q, node, v);
            continue;
        }
        double best = fmin(q->budget[v], steep_budget(q, node));
        probe.operand = i;
        if (quantize_feeds_decision(q, node))
            best = fmin(fmin(best, decision_budget(q, &probe)), whole_budget(q, node));
        for (size_t r = 0; r < q->kept_count && status == STATUS_OK && !makes_mask(q, node); r++) {
            load_probe(q, &probe, r);
            for (int draw = 0; draw < DRAWS && status == STATUS_OK; draw++)
                status = probe_once(q, &probe, false, &best);
            if (is_elementwise && status == STATUS_OK)
                status = probe_once(q, &probe, true, &best);
        }
        q->budget[v] = best;
    }
    arena_rewind(&q->scratch, mark);
    return status;
}
