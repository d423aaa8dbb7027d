/*
 * Calibration runs, input ranges, values carried as float keys, and the backward pass of error
 * budgets. See quantize.h.
 */
#include "passes/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/graph_interpret.h"
#include "ir/ops.h"
#include "passes/end_gain.h"
#include "passes/find_encodings.h"
#include "passes/find_exact.h"
#include "passes/find_masks.h"

/* Runs whose values are all kept, to measure amplification on; the others give extremes and outputs
 * only. */
enum { KEPT_RUNS = 4, GENERATED_SETS = 12, DRAWS = 2 };
static const double default_measuring_work = 6e9;

struct quantizing {
    const struct graph *graph;
    const struct quantize_options *options;
    struct quantize_plan *plan;
    struct arena *arena;
    struct arena scratch;
    struct diag *diag;
    struct graph_values kept[KEPT_RUNS];
    size_t kept_count;
    double
        *budget; /* [value_count]: absolute error a value may have; INFINITY while nothing asks */
    double *work_after; /* [node_count]: multiplications of the nodes that follow */
    double work_left;   /* of options->measuring_work */
    uint64_t random;
};

static const uint64_t random_step = 0x9e3779b97f4a7c15u;

/* splitmix64 (Steele, Lea, Flood 2014): the same numbers everywhere. */
static uint64_t next_random(struct quantizing *q)
{
    uint64_t z = q->random += random_step;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* What `count` numbers leave behind. */
static void skip_random(struct quantizing *q, uint64_t count)
{
    q->random += count * random_step;
}

static double random_unit(struct quantizing *q)
{
    return (double)(next_random(q) >> 11) * 0x1p-53;
}

/* ---- input ranges ---- */

static const struct declared_range *find_range(const struct quantize_options *options,
                                               const struct graph_value *value)
{
    for (size_t i = 0; i < options->range_count; i++) {
        if (graph_value_is_called(value, options->ranges[i].name))
            return &options->ranges[i];
    }
    return NULL;
}

static double largest_magnitude(const struct quantizing *q, size_t input)
{
    double largest = 0;
    for (size_t s = 0; s < q->options->set_count; s++) {
        const struct tensor *tensor = q->options->sets[s].inputs[input];
        for (size_t e = 0; e < tensor->count; e++) {
            double value = fabs(tensor_real(tensor, e));
            if (isfinite(value) && value > largest)
                largest = value;
        }
    }
    return largest;
}

/* Smallest power of two that is at least x; x > 0. */
static double power_above(double x)
{
    int exponent = 0;
    double fraction = frexp(x, &exponent);
    return ldexp(1, fraction == 0.5 ? exponent - 1 : exponent);
}

static enum status check_declared(const struct quantizing *q, size_t input)
{
    const struct input_plan *plan = &q->plan->inputs[input];
    const char *name = q->graph->values[q->graph->inputs[input]].name;
    for (size_t s = 0; s < q->options->set_count; s++) {
        const struct tensor *tensor = q->options->sets[s].inputs[input];
        for (size_t e = 0; e < tensor->count; e++) {
            double value = tensor_real(tensor, e);
            if (isfinite(value) && (value < plan->low || value > plan->high))
                return diag_set(q->diag, STATUS_BAD_INPUT,
                                "input '%s': element %zu of calibration set %zu is %.9g, outside "
                                "--range %s=%.9g:%.9g",
                                name, e, s, value, name, plan->low, plan->high);
        }
    }
    return STATUS_OK;
}

static enum status plan_inputs(struct quantizing *q)
{
    for (size_t i = 0; i < q->graph->input_count; i++) {
        struct input_plan *plan = &q->plan->inputs[i];
        const struct graph_value *value = &q->graph->values[q->graph->inputs[i]];
        const struct declared_range *range = find_range(q->options, value);
        double largest = q->options->set_count == 0 ? 0 : largest_magnitude(q, i);
        if (range != NULL) {
            *plan = (struct input_plan){range->low, range->high, true};
            enum status status = check_declared(q, i);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        /* Of zeros alone nobody can tell a size. */
        double bound = q->options->set_count == 0
                           ? 0x1p20
                           : power_above(16 * (largest == 0 ? 1 : fmax(largest, 0x1p-20)));
        if (!element_type_is_float(value->type) && bound < 1)
            bound = 1;
        *plan = (struct input_plan){-bound, bound, false};
    }
    return STATUS_OK;
}

/* ---- generated sets ---- */

/* Declared ranges are filled evenly; others get numbers around 1, now and then larger. */
static double generated_real(struct quantizing *q, const struct input_plan *plan, size_t set)
{
    if (plan->is_declared)
        return plan->low + (plan->high - plan->low) * random_unit(q);
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_unit(q);
    return sum * (set % 4 == 3 ? 4 : 1);
}

static struct tensor *generate_input(struct quantizing *q, size_t input, size_t set)
{
    const struct graph_value *value = &q->graph->values[q->graph->inputs[input]];
    const struct input_plan *plan = &q->plan->inputs[input];
    struct tensor *tensor = tensor_new(q->arena, value->type, &value->shape);
    for (size_t e = 0; tensor != NULL && e < tensor->count; e++) {
        if (element_type_is_float(value->type)) {
            tensor->data.real[e] = element_round(value->type, generated_real(q, plan, set));
        } else {
            uint64_t size = value->text_table != NULL     ? value->text_table->count
                            : value->type == ELEMENT_BOOL ? 2
                                                          : 10;
            double low = 0;
            if (value->text_table != NULL && (value->unknown_words > 0 || size == 0)) {
                /* Words beyond the table too. */
                int64_t unknown = value->unknown_words > 1 ? value->unknown_words : 1;
                low = (double)-unknown;
                size += (uint64_t)unknown;
            }
            if (plan->is_declared && plan->high - plan->low < 0x1p40) {
                low = plan->low;
                size = (uint64_t)(plan->high - plan->low) + 1;
            }
            tensor->data.integer[e] =
                (int64_t)low + (int64_t)(size == 0 ? 0 : next_random(q) % size);
        }
    }
    return tensor;
}

static enum status generate_sets(struct quantizing *q)
{
    for (size_t s = 0; s < q->plan->run_count; s++) {
        for (size_t i = 0; i < q->graph->input_count; i++) {
            q->plan->runs[s].inputs[i] = generate_input(q, i, s);
            if (q->plan->runs[s].inputs[i] == NULL)
                return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for generated inputs");
        }
    }
    return STATUS_OK;
}

/* ---- runs ---- */

static void widen(struct value_plan *plan, const struct tensor *tensor, bool is_first,
                  bool is_generated)
{
    for (size_t e = 0; e < tensor->count; e++) {
        double value = tensor_real(tensor, e);
        plan->saw_infinity |= isinf(value) != 0;
        plan->saw_nan |= isnan(value) != 0 && !is_generated;
        if (!isfinite(value) || (plan->takes_mask && value <= MASK_NUMBER))
            continue;
        bool fresh = is_first && e == 0;
        plan->low = fresh || value < plan->low ? value : plan->low;
        plan->high = fresh || value > plan->high ? value : plan->high;
        if (value != 0 && (plan->smallest == 0 || fabs(value) < plan->smallest))
            plan->smallest = fabs(value);
        if (value != rint(value))
            plan->is_whole = false;
    }
}

/* Copies a tensor of numbers out of the scratch arena. */
static struct tensor *keep(struct arena *arena, const struct tensor *from)
{
    struct tensor *copy = tensor_new(arena, from->type, &from->shape);
    if (copy != NULL && from->count > 0)
        memcpy(copy->data.real, from->data.real, from->count * sizeof *from->data.real);
    return copy;
}

static enum status run_one(struct quantizing *q, size_t run)
{
    const struct graph *graph = q->graph;
    struct calibration_run *calibration = &q->plan->runs[run];
    struct arena_mark mark = arena_checkpoint(&q->scratch);
    struct graph_values values;
    bool is_kept = run < KEPT_RUNS;
    graph_values_init(&values, &q->scratch);
    enum status status = graph_interpret(graph, calibration->inputs, &values, q->diag);
    if (status != STATUS_OK)
        return diag_prefix(q->diag, status, "calibration set %zu", run);
    for (size_t v = 0; v < graph->value_count; v++) {
        if (values.item[v] != NULL && values.item[v]->type != ELEMENT_STRING)
            widen(&q->plan->values[v], values.item[v], run == 0, q->plan->is_generated);
    }
    for (size_t o = 0; o < graph->output_count; o++) {
        calibration->outputs[o] = keep(q->arena, values.item[graph->outputs[o]]);
        if (calibration->outputs[o] == NULL)
            return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for reference outputs");
    }
    if (is_kept)
        q->kept[q->kept_count++] = values;
    else
        arena_rewind(&q->scratch, mark);
    return STATUS_OK;
}

static enum status make_runs(struct quantizing *q)
{
    struct quantize_plan *plan = q->plan;
    plan->is_generated = q->options->set_count == 0;
    plan->run_count = plan->is_generated ? GENERATED_SETS : q->options->set_count;
    plan->runs = arena_array(q->arena, struct calibration_run, plan->run_count);
    if (plan->runs == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for %zu calibration runs",
                        plan->run_count);
    for (size_t s = 0; s < plan->run_count; s++) {
        plan->runs[s].inputs = arena_array(q->arena, const struct tensor *, q->graph->input_count);
        plan->runs[s].outputs =
            arena_array(q->arena, const struct tensor *, q->graph->output_count);
        if (plan->runs[s].inputs == NULL || plan->runs[s].outputs == NULL)
            return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for calibration runs");
        for (size_t i = 0; !plan->is_generated && i < q->graph->input_count; i++)
            plan->runs[s].inputs[i] = q->options->sets[s].inputs[i];
    }
    enum status status = plan->is_generated ? generate_sets(q) : STATUS_OK;
    for (size_t v = 0; v < q->graph->value_count; v++)
        plan->values[v].is_whole = true;
    for (size_t s = 0; s < plan->run_count && status == STATUS_OK; s++)
        status = run_one(q, s);
    return status;
}

/* ---- missing values ---- */

static void share_missing(struct quantizing *q)
{
    int32_t fraction = INT32_MIN;
    double low = 0, high = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < q->graph->input_count; i++) {
            struct value_plan *value = &q->plan->values[q->graph->inputs[i]];
            struct input_plan *input = &q->plan->inputs[i];
            if (!value->takes_nan)
                continue;
            if (round == 0) {
                fraction = value->fraction > fraction ? value->fraction : fraction;
                low = fmin(low, input->low);
                high = fmax(high, input->high);
            } else {
                value->fraction = fraction;
                input->low = low;
                input->high = high;
            }
        }
    }
}

/* ---- error budgets ---- */

static double magnitude(const struct value_plan *plan)
{
    return fmax(fabs(plan->low), fabs(plan->high));
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

/*
 * A copy whose elements are moved by +-step; or, when least is not 0, by a part of their own size,
 * of `least` where they are 0, and by no more than step.
 */
static struct tensor *perturb(struct quantizing *q, const struct tensor *from, double step,
                              double least)
{
    struct tensor *copy = keep(&q->scratch, from);
    for (size_t e = 0; copy != NULL && e < copy->count; e++) {
        double own = fmin(step, fmax(fabs(from->data.real[e]), least) * 0x1p-8);
        own = least == 0 ? step : own;
        copy->data.real[e] += (next_random(q) & 1) != 0 ? own : -own;
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
    double step = magnitude(plan) * 0x1p-14;
    struct tensor *changed =
        step == 0 ? NULL : perturb(q, original, step, is_relative ? plan->smallest : 0);
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

/* Whether an operand's size decides something that is not a float: a comparison, a rounding, an
 * index; or that a product is a mask. */
static bool feeds_decision(const struct quantizing *q, const struct graph_node *node)
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
    struct tensor *changed = perturb(q, original, step, 0);
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
    double size = fmax(magnitude(&q->plan->values[probe->node->inputs[probe->operand]]), 0x1p-20);
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

static double elements_of(const struct shape *shape)
{
    double count = 1;
    for (unsigned d = 0; d < shape->rank; d++)
        count *= (double)shape->dim[d];
    return count;
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
    if (magnitude(&q->plan->values[v]) == 0)
        return best;
    for (size_t k = 0; k < node->output_count; k++) {
        uint32_t out = node->outputs[k];
        if (out != GRAPH_NONE && elements_of(&q->graph->values[out].shape) > 0)
            best = fmin(best, q->budget[out]);
    }
    for (size_t r = 0; r < q->kept_count; r++)
        skip_random(q, DRAWS * q->kept[r].item[v]->count);
    return best;
}

static enum status probe_node(struct quantizing *q, const struct graph_node *node)
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
            q->plan->values[v].is_key || q->plan->values[v].is_bits)
            continue;
        if (only_moves(node, i) && !feeds_decision(q, node)) {
            q->budget[v] = moved_budget(q, node, v);
            continue;
        }
        double best = q->budget[v];
        probe.operand = i;
        if (feeds_decision(q, node))
            best = fmin(best, decision_budget(q, &probe));
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

/* ---- budgets measured to the end ---- */

/*
 * Values whose error may change a decision: what decides asks for bits that no measured error
 * tells.
 */
static bool *find_deciding(struct quantizing *q)
{
    const struct graph *graph = q->graph;
    bool *decides = arena_array(&q->scratch, bool, graph->value_count + 1);
    for (size_t n = graph->node_count; decides != NULL && n-- > 0;) {
        const struct graph_node *node = &graph->nodes[n];
        bool found = feeds_decision(q, node);
        for (size_t k = 0; k < node->output_count; k++)
            found |= node->outputs[k] != GRAPH_NONE && decides[node->outputs[k]];
        for (size_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] != GRAPH_NONE)
                decides[node->inputs[i]] |= found;
        }
    }
    return decides;
}

/* Bits between a value's magnitude and its budget. */
static double bits_asked(const struct quantizing *q, uint32_t v)
{
    double largest = magnitude(&q->plan->values[v]);
    return largest > 0 && isfinite(q->budget[v]) && q->budget[v] > 0 ? log2(largest / q->budget[v])
                                                                     : 0;
}

/* Multiplications of a node, roughly. */
static double work_of(const struct graph *graph, const struct graph_node *node)
{
    double work = 0;
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] != GRAPH_NONE)
            work += elements_of(&graph->values[node->outputs[k]].shape);
    }
    bool is_convolution = node->op == OP_CONV || node->op == OP_CONV_TRANSPOSE;
    bool is_product = node->op == OP_MAT_MUL || node->op == OP_GEMM || is_convolution;
    if (!is_product || node->input_count < 2 || work == 0)
        return work;
    const struct shape *a = &graph->values[node->inputs[0]].shape,
                       *b = &graph->values[node->inputs[1]].shape;
    if (is_convolution && b->rank > 0 && b->dim[0] > 0)
        return work * elements_of(b) / (double)b->dim[0];
    return a->rank > 0 ? work * (double)a->dim[a->rank - 1] : work;
}

/* work[n]: multiplications of all that follows node n. */
static double *find_work(struct quantizing *q)
{
    const struct graph *graph = q->graph;
    double *work = arena_array(&q->scratch, double, graph->node_count + 1);
    for (size_t n = graph->node_count; work != NULL && n-- > 0;)
        work[n] =
            n + 1 < graph->node_count ? work[n + 1] + work_of(graph, &graph->nodes[n + 1]) : 0;
    return work;
}

/* Budget of a value by run r of all that follows node n, which makes it, once its elements are
 * `moved` by up to a step. */
static enum status measure_moved(struct quantizing *q, size_t n, uint32_t v, size_t r,
                                 struct tensor *moved, double step, double *budget)
{
    q->work_left -= q->work_after[n];
    if (moved == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory to move '%s'",
                        q->graph->values[v].name);
    return end_gain_budget(budget, q->graph, &q->kept[r], n + 1, v, moved, step, q->budget,
                           &q->scratch, q->diag);
}

static enum status measure_step(struct quantizing *q, size_t n, uint32_t v, size_t r, double step,
                                double *budget)
{
    struct arena_mark mark = arena_checkpoint(&q->scratch);
    struct tensor *moved = perturb(q, q->kept[r].item[v], step, 0);
    enum status status = measure_moved(q, n, v, r, moved, step, budget);
    arena_rewind(&q->scratch, mark);
    return status;
}

/* The run that leaves v the least, which is the one that further steps are measured on. */
static enum status measure_runs(struct quantizing *q, size_t n, uint32_t v, double step,
                                size_t *worst, double *budget)
{
    enum status status = STATUS_OK;
    *budget = INFINITY;
    for (size_t r = 0; r < q->kept_count && status == STATUS_OK; r++) {
        double found = INFINITY;
        if (q->kept[r].item[v] != NULL)
            status = measure_step(q, n, v, r, step, &found);
        if (found < *budget) {
            *budget = found;
            *worst = r;
        }
    }
    return status;
}

/* A step of a value, and the budget that is in proportion to what it did to the outputs. */
struct measured_step {
    double step, budget;
};

/* How often the step uses up the budget of an output; 0 when no output moved. */
static double overshoot(const struct measured_step *m)
{
    return m->step / m->budget;
}

/* How often the outputs' budgets are used up by what the float run rounds: by moves of all elements
 * that their own type does not tell. */
static enum status measure_rounding(struct quantizing *q, size_t n, uint32_t v, size_t r,
                                    double *times)
{
    struct arena_mark mark = arena_checkpoint(&q->scratch);
    struct tensor *moved = keep(&q->scratch, q->kept[r].item[v]);
    double part = q->graph->values[v].type == ELEMENT_F64 ? 0x1p-54 : 0x1p-26, budget = INFINITY;
    for (size_t e = 0; moved != NULL && e < moved->count; e++)
        moved->data.real[e] *= (next_random(q) & 1) != 0 ? 1 + part : 1 - part;
    enum status status = measure_moved(q, n, v, r, moved, 1, &budget);
    *times = 1 / budget;
    arena_rewind(&q->scratch, mark);
    return status;
}

/*
 * Whether it is the rounding of the float run that was seen, or that hid all, when a small step did
 * not what `large` promised; then says what a step does that is felt through it.
 */
static enum status measure_above_rounding(struct quantizing *q, size_t n, uint32_t v, size_t r,
                                          const struct measured_step *large,
                                          const struct measured_step *small, double *budget,
                                          bool *is_rounding)
{
    enum { ABOVE = 16 };
    double level;
    *is_rounding = false;
    enum status status = measure_rounding(q, n, v, r, &level);
    if (status != STATUS_OK || overshoot(small) > 4 * level + 4)
        return status;
    level = fmax(level, 1);
    struct measured_step felt = {large->budget * ABOVE * level, INFINITY};
    while (status == STATUS_OK && !isfinite(felt.budget) && felt.step < large->step) {
        status = measure_step(q, n, v, r, felt.step, &felt.budget);
        felt.step *= isfinite(felt.budget) ? 1 : ABOVE;
    }
    if (felt.step >= large->step)
        felt = *large;
    *is_rounding = status == STATUS_OK && overshoot(&felt) >= ABOVE / 4 * level;
    *budget = felt.budget;
    return status;
}

/*
 * A budget that was tried: steps of its own size move the outputs no more than it says, or not much
 * more, or as far as the rounding of the float run lets see. INFINITY when none is found above the
 * one that is known, as where small steps and large ones do different things. *is_felt: false when
 * no output moved at all.
 */
static enum status measure_to_end(struct quantizing *q, size_t n, uint32_t v, double *budget,
                                  bool *is_felt)
{
    enum { ROUNDS = 8, VISIBLE_BITS = 20 };
    double largest = magnitude(&q->plan->values[v]);
    struct measured_step last = {largest * 0x1p-14, INFINITY};
    size_t worst = 0;
    *budget = INFINITY;
    enum status status = measure_runs(q, n, v, last.step, &worst, &last.budget);
    *is_felt = isfinite(last.budget);
    bool is_rounding = false, was_looked_for = false;
    double now = last.budget;
    for (int round = 1; round < ROUNDS && now > q->budget[v] && status == STATUS_OK; round++) {
        struct measured_step next = {now, INFINITY};
        status = measure_step(q, n, v, worst, now, &next.budget);
        bool is_visible = now >= ldexp(largest, -VISIBLE_BITS);
        if (status == STATUS_OK && (is_visible || isfinite(next.budget)) && overshoot(&next) <= 4) {
            *budget = fmin(next.step, next.budget);
            return STATUS_OK;
        }
        if (status == STATUS_OK && !is_visible && !was_looked_for) {
            double found;
            was_looked_for = true;
            status = measure_above_rounding(q, n, v, worst, &last, &next, &found, &is_rounding);
            if (is_rounding) {
                *budget = found;
                return status;
            }
        }
        if (!isfinite(next.budget))
            return status;
        last = next;
        now = fmin(now / 4, next.budget);
    }
    return status;
}

/*
 * Where the gains of single nodes have come to ask for many more bits than any value before, what
 * a value needs is measured once, and the walk goes on from there. A value whose steps no output
 * feels, as in early rounds of a long recurrence that forgets, gets a few bits more than any value
 * before: the gains of its rounds multiply without end, and its circuit would grow with the square
 * of their number. Once measuring has taken all the time it may, no value asks for more than those
 * that are trusted and BITS_BEYOND: what that costs, the error of the whole tells.
 */
static enum status soften(struct quantizing *q, size_t n, const bool *decides, double *trusted)
{
    enum { BITS_BEYOND = 6, BITS_UNFELT = 3 };
    const struct graph_node *node = &q->graph->nodes[n];
    enum status status = STATUS_OK;
    for (size_t k = 0; k < node->output_count && status == STATUS_OK; k++) {
        uint32_t v = node->outputs[k];
        if (v == GRAPH_NONE || decides[v] || !element_type_is_float(q->graph->values[v].type) ||
            q->plan->values[v].is_output || q->plan->values[v].is_key ||
            q->plan->values[v].is_bits || bits_asked(q, v) <= *trusted + BITS_BEYOND)
            continue;
        double largest = magnitude(&q->plan->values[v]), measured;
        bool is_felt;
        if (q->work_left <= 0) {
            q->budget[v] = largest * pow(2, -ceil(*trusted) - BITS_BEYOND);
            continue;
        }
        status = measure_to_end(q, n, v, &measured, &is_felt);
        if (!is_felt) {
            q->budget[v] = largest * pow(2, -ceil(*trusted) - BITS_UNFELT);
            continue;
        }
        if (isfinite(measured))
            q->budget[v] = fmax(q->budget[v], measured);
        *trusted = fmax(*trusted, bits_asked(q, v));
    }
    return status;
}

static void output_budgets(struct quantizing *q)
{
    double relative = q->options->relative_tolerance > 0 ? q->options->relative_tolerance : 1e-4;
    double absolute = q->options->absolute_tolerance > 0 ? q->options->absolute_tolerance : 1e-6;
    for (size_t v = 0; v < q->graph->value_count; v++)
        q->budget[v] = INFINITY;
    for (size_t o = 0; o < q->graph->output_count; o++) {
        uint32_t v = q->graph->outputs[o];
        q->plan->values[v].is_output = true;
        if (!element_type_is_float(q->graph->values[v].type))
            continue;
        double least = magnitude(&q->plan->values[v]) * QUANTIZE_SMALL_OUTPUT;
        for (size_t r = 0; r < q->plan->run_count; r++) {
            const struct tensor *tensor = q->plan->runs[r].outputs[o];
            for (size_t e = 0; e < tensor->count; e++) {
                if (isfinite(tensor->data.real[e]))
                    least = fmin(least, fabs(tensor->data.real[e]));
            }
        }
        q->budget[v] = absolute + relative * least;
    }
}

/*
 * Fraction bits for an absolute error budget: half a unit of the last place is half the budget or
 * less. Gains are those of small steps, so that a budget as large as the value itself says nothing:
 * 1 / (1 + exp(50)) does not feel steps of 50, and yet is not 1 / (1 + exp(0)).
 */
static int32_t fraction_for(double budget, const struct value_plan *value)
{
    double largest = magnitude(value);
    if (!isfinite(budget))
        budget = fmax(largest, 0x1p-20) * 0x1p-16;
    if (!value->is_output && largest > 0)
        budget = fmin(budget, largest * 0x1p-4);
    int exponent = 0;
    frexp(budget, &exponent);
    int32_t fraction = 1 - exponent;
    return fraction < -40 ? -40 : fraction > 90 ? 90 : fraction;
}

/* ---- rounds of a loop ---- */

/* Output k of a node. */
struct round_value {
    uint64_t repeat;
    enum op_kind op;
    size_t k;
    uint32_t v;
};

static int compare_rounds(const void *x, const void *y)
{
    const struct round_value *a = x, *b = y;
    if (a->repeat != b->repeat)
        return a->repeat < b->repeat ? -1 : 1;
    if (a->op != b->op)
        return a->op < b->op ? -1 : 1;
    if (a->k != b->k)
        return a->k < b->k ? -1 : 1;
    return a->v < b->v ? -1 : a->v > b->v;
}

static bool is_planned(const struct quantizing *q, uint32_t v)
{
    const struct value_plan *plan = &q->plan->values[v];
    return element_type_is_float(q->graph->values[v].type) && !plan->is_output && !plan->is_key &&
           !plan->is_bits;
}

/*
 * Every round of a body takes the width of the one that needs most bits: rounds whose widths differ
 * look functions up in tables that differ, which takes more rows than bits do.
 */
static enum status share_rounds(struct quantizing *q)
{
    const struct graph *graph = q->graph;
    size_t count = 0;
    for (size_t n = 0; n < graph->node_count; n++)
        count += graph->nodes[n].repeat != 0 ? graph->nodes[n].output_count : 0;
    struct round_value *rounds = arena_array(&q->scratch, struct round_value, count + 1);
    if (rounds == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for the rounds of loops");
    count = 0;
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t k = 0; node->repeat != 0 && k < node->output_count; k++) {
            if (node->outputs[k] != GRAPH_NONE && is_planned(q, node->outputs[k]))
                rounds[count++] = (struct round_value){node->repeat, node->op, k, node->outputs[k]};
        }
    }
    qsort(rounds, count, sizeof *rounds, compare_rounds);
    for (size_t i = 0, end = 0; i < count; i = end) {
        int32_t most = INT32_MIN;
        for (end = i; end < count && rounds[end].repeat == rounds[i].repeat &&
                      rounds[end].op == rounds[i].op && rounds[end].k == rounds[i].k;
             end++) {
            uint32_t v = rounds[end].v;
            if (isfinite(q->budget[v]) && q->plan->values[v].fraction > most)
                most = q->plan->values[v].fraction;
        }
        for (size_t j = i; j < end && most != INT32_MIN; j++)
            q->plan->values[rounds[j].v].fraction = most;
    }
    return STATUS_OK;
}

static enum status plan_fractions(struct quantizing *q)
{
    q->budget = arena_array(&q->scratch, double, q->graph->value_count + 1);
    if (q->budget == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for error budgets");
    output_budgets(q);
    bool *decides = find_deciding(q);
    q->work_after = find_work(q);
    q->work_left =
        q->options->measuring_work > 0 ? q->options->measuring_work : default_measuring_work;
    if (decides == NULL || q->work_after == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for error budgets");
    double trusted = 0;
    for (size_t o = 0; o < q->graph->output_count; o++)
        trusted = fmax(trusted, bits_asked(q, q->graph->outputs[o]));
    enum status status = STATUS_OK;
    for (size_t n = q->graph->node_count; n-- > 0 && status == STATUS_OK;) {
        status = soften(q, n, decides, &trusted);
        if (status == STATUS_OK)
            status = probe_node(q, &q->graph->nodes[n]);
    }
    for (size_t v = 0; v < q->graph->value_count; v++)
        q->plan->values[v].fraction = element_type_is_float(q->graph->values[v].type)
                                          ? fraction_for(q->budget[v], &q->plan->values[v])
                                          : 0;
    return status == STATUS_OK ? share_rounds(q) : status;
}

static enum status quantize(struct quantizing *q)
{
    struct quantize_plan *plan = q->plan;
    memset(plan, 0, sizeof *plan);
    plan->values = arena_array(q->arena, struct value_plan, q->graph->value_count + 1);
    plan->inputs = arena_array(q->arena, struct input_plan, q->graph->input_count + 1);
    if (plan->values == NULL || plan->inputs == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory to plan %zu values",
                        q->graph->value_count);
    enum status status = find_masks(q->graph, plan->values, &q->scratch, q->diag);
    if (status == STATUS_OK)
        status = plan_inputs(q);
    if (status == STATUS_OK)
        status = make_runs(q);
    if (status == STATUS_OK) {
        status = find_encodings(q->graph, plan->values, &q->scratch, q->diag);
    }
    if (status == STATUS_OK) {
        find_exact(q->graph, plan->values);
        status = plan_fractions(q);
        share_missing(q);
    }
    return status;
}

enum status pass_quantize(struct quantize_plan *plan, const struct graph *graph,
                          const struct quantize_options *options, struct arena *arena,
                          struct diag *diag)
{
    struct quantizing q = {.graph = graph,
                           .options = options,
                           .plan = plan,
                           .arena = arena,
                           .diag = diag,
                           .random = 0x5e12};
    arena_init(&q.scratch, 0);
    enum status status = quantize(&q);
    arena_release(&q.scratch);
    return status;
}
