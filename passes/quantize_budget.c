/*
 * The backward pass of error budgets, and the fraction bits they ask for. See quantize.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/quantize_internal.h"

static const double default_measuring_work = 6e9;

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
        bool found = quantize_feeds_decision(q, node);
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
    double largest = quantize_magnitude(&q->plan->values[v]);
    return largest > 0 && isfinite(q->budget[v]) && q->budget[v] > 0 ? log2(largest / q->budget[v])
                                                                     : 0;
}

/* Multiplications of a node, roughly. */
static double work_of(const struct graph *graph, const struct graph_node *node)
{
    double work = 0;
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] != GRAPH_NONE)
            work += quantize_elements(&graph->values[node->outputs[k]].shape);
    }
    bool is_convolution = node->op == OP_CONV || node->op == OP_CONV_TRANSPOSE;
    bool is_product = node->op == OP_MAT_MUL || node->op == OP_GEMM || is_convolution;
    if (!is_product || node->input_count < 2 || work == 0)
        return work;
    const struct shape *a = &graph->values[node->inputs[0]].shape,
                       *b = &graph->values[node->inputs[1]].shape;
    if (is_convolution && b->rank > 0 && b->dim[0] > 0)
        return work * quantize_elements(b) / (double)b->dim[0];
    return a->rank > 0 ? work * (double)a->dim[a->rank - 1] : work;
}

double quantize_work(const struct graph *graph)
{
    double work = 0;
    for (size_t n = 0; n < graph->node_count; n++)
        work += work_of(graph, &graph->nodes[n]);
    return work;
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
    return end_gain_budget(budget, &q->gain, &q->kept[r], v, moved, step, q->budget, &q->scratch,
                           q->diag);
}

static enum status measure_step(struct quantizing *q, size_t n, uint32_t v, size_t r, double step,
                                double *budget)
{
    struct arena_mark mark = arena_checkpoint(&q->scratch);
    struct tensor *moved = quantize_perturb(q, q->kept[r].item[v], step, 0);
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
    struct tensor *moved = quantize_keep(&q->scratch, q->kept[r].item[v]);
    double part = q->graph->values[v].type == ELEMENT_F64 ? 0x1p-54 : 0x1p-26, budget = INFINITY;
    for (size_t e = 0; moved != NULL && e < moved->count; e++)
        moved->data.real[e] *= (quantize_random(q) & 1) != 0 ? 1 + part : 1 - part;
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
    double largest = quantize_magnitude(&q->plan->values[v]);
    struct measured_step last = {largest * 0x1p-14, INFINITY};
    size_t worst = 0;
    *budget = INFINITY;
    enum status status = measure_runs(q, n, v, last.step, &worst, &last.budget);
    *is_felt = isfinite(last.budget);
    bool is_rounding = false, was_looked_for = false;
    double now = last.budget;
    if (!*is_felt)
        return status;
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
        double largest = quantize_magnitude(&q->plan->values[v]), measured;
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
        double least = quantize_magnitude(&q->plan->values[v]) * QUANTIZE_SMALL_OUTPUT;
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
    double largest = quantize_magnitude(value);
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

enum status quantize_plan_fractions(struct quantizing *q)
{
    q->budget = arena_array(&q->scratch, double, q->graph->value_count + 1);
    if (q->budget == NULL)
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for error budgets");
    output_budgets(q);
    bool *decides = find_deciding(q);
    q->work_after = find_work(q);
    q->work_left =
        q->options->measuring_work > 0 ? q->options->measuring_work : default_measuring_work;
    if (decides == NULL || q->work_after == NULL || !end_gain_init(&q->gain, q->graph, &q->scratch))
        return diag_set(q->diag, STATUS_NO_MEMORY, "no memory for error budgets");
    double trusted = 0;
    for (size_t o = 0; o < q->graph->output_count; o++)
        trusted = fmax(trusted, bits_asked(q, q->graph->outputs[o]));
    enum status status = STATUS_OK;
    for (size_t n = q->graph->node_count; n-- > 0 && status == STATUS_OK;) {
        status = soften(q, n, decides, &trusted);
        if (status == STATUS_OK)
            status = quantize_probe_node(q, &q->graph->nodes[n]);
    }
    for (size_t v = 0; v < q->graph->value_count; v++)
        q->plan->values[v].fraction = element_type_is_float(q->graph->values[v].type)
                                          ? fraction_for(q->budget[v], &q->plan->values[v])
                                          : 0;
    return status == STATUS_OK ? share_rounds(q) : status;
}
