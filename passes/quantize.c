/*
 * Calibration runs, input ranges, and values carried as float keys. See quantize.h.
 */
#include "passes/quantize.h"

#include <math.h>
#include <string.h>

#include "passes/find_encodings.h"
#include "passes/find_exact.h"
#include "passes/find_masks.h"
#include "passes/quantize_internal.h"

enum { GENERATED_SETS = 12 };

static const uint64_t random_step = 0x9e3779b97f4a7c15u;

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t quantize_random(struct quantizing *q)
{
    uint64_t z = q->random += random_step;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void quantize_skip_random(struct quantizing *q, uint64_t count)
{
    q->random += count * random_step;
}

static double random_unit(struct quantizing *q)
{
    return (double)(quantize_random(q) >> 11) * 0x1p-53;
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
            if (plan->is_declared && plan->high - plan->low < 0x1p40 &&
                fmax(fabs(plan->low), fabs(plan->high)) < 0x1p62) {
                low = plan->low;
                size = (uint64_t)(plan->high - plan->low) + 1;
            }
            tensor->data.integer[e] =
                (int64_t)low + (int64_t)(size == 0 ? 0 : quantize_random(q) % size);
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
static enum status run_one(struct quantizing *q, size_t run)
{
    const struct graph *graph = q->graph;
    struct calibration_run *calibration = &q->plan->runs[run];
    struct arena_mark mark = arena_checkpoint(&q->scratch);
    struct graph_values values;
    bool is_kept = run < QUANTIZE_KEPT_RUNS;
    graph_values_init(&values, &q->scratch);
    enum status status = graph_interpret(graph, calibration->inputs, &values, q->diag);
    if (status != STATUS_OK)
        return diag_prefix(q->diag, status, "calibration set %zu", run);
    for (size_t v = 0; v < graph->value_count; v++) {
        if (values.item[v] != NULL && values.item[v]->type != ELEMENT_STRING)
            widen(&q->plan->values[v], values.item[v], run == 0, q->plan->is_generated);
    }
    for (size_t o = 0; o < graph->output_count; o++) {
        calibration->outputs[o] = quantize_keep(q->arena, values.item[graph->outputs[o]]);
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
        status = quantize_plan_fractions(q);
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
