/*
 * The ordered passes; see pipeline.h.
 */
#include "passes/pipeline.h"

#include "passes/saturate_stored.h"
#include "passes/swap_pools.h"

#include <math.h>
#include <string.h>

#include "ir/ops.h"
#include "passes/bound_ranges.h"
#include "passes/fold_constants.h"
#include "passes/fuse_channels.h"
#include "passes/fuse_trees.h"
#include "passes/infer_shapes.h"
#include "passes/place.h"
#include "passes/widen_floats.h"

enum { CAPACITY_BITS = 253, TABLE_BITS = 8 };

/* Few inputs say little of all inputs: widths do not go far below what was planned for them, and
 * with very few inputs not at all. */
enum { ROUNDS_MAX = 7, FIRST_EXTRA_BITS = 1, LEAST_EXTRA_BITS = -4, FEW_RUNS = 4 };

/* Measured errors are to stay below this part of the tolerance, so that other inputs have room. */
static const double error_share = 0.25;

struct pipeline {
    struct graph *graph;
    const struct pipeline_options *options;
    struct pipeline_result *result;
    struct arena *arena;
    struct diag_list *problems;
    struct quantize_plan plan;
    struct lower_options lower;
    struct lowering_result lowered;
    struct arena kept; /* what outlives a round of the search: tables, problems of the first */
    struct arena_mark start; /* of `arena`, before any round */
    struct table_store tables;
    double worst_ratio;
    size_t mismatches;
    bool is_partial;   /* the graph lacks nodes that a problem left out */
    bool knows_values; /* its inputs are those of the model, and so is the data */
};

static enum status note(const struct pipeline *p, enum status status, const struct diag *diag)
{
    return status == STATUS_OK ? status : diag_list_add_diag(p->problems, diag);
}

static void after(const struct pipeline *p, const char *pass)
{
    if (p->options->after_pass != NULL)
        p->options->after_pass(p->options->after_pass_context, pass, p->graph, p->lowered.program);
}

/* ---- evaluation ---- */

static enum status encode_input(struct relation_values *values,
                                const struct relation_program *program, const struct port *port,
                                const struct tensor *input, struct diag *diag)
{
    const struct relation_tensor *t = &program->tensors[port->tensor];
    if (input->count != t->count || input->type == ELEMENT_STRING)
        return diag_set(diag, STATUS_BAD_INPUT, "input '%s' takes %zu numbers, %zu were given",
                        port->name, t->count, input->count);
    bool is_float = element_type_is_float(input->type);
    for (size_t e = 0; e < t->count; e++) {
        double real = is_float ? input->data.real[e] : (double)input->data.integer[e];
        wide value;
        if (!port_encode(&value, t, input->type, real, is_float ? 0 : input->data.integer[e]))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "input '%s' element %zu is %.9g, which has no meaning here", port->name,
                            e, real);
        if (!relation_value_set(values, program, port->tensor, e, value)) {
            double low, high;
            int64_t ignored;
            port_decode(&low, &ignored, t, ELEMENT_F64, t->low);
            port_decode(&high, &ignored, t, ELEMENT_F64, t->high);
            return diag_set(diag, STATUS_BAD_INPUT,
                            "input '%s' element %zu is %.9g, outside the range %.9g to %.9g the "
                            "circuit was compiled for; recompile with --range or with "
                            "--data that covers it",
                            port->name, e, real, low, high);
        }
    }
    return STATUS_OK;
}

enum status pipeline_evaluate(struct relation_values *values, const struct pipeline_result *result,
                              const struct tensor *const *inputs, relation_digest_fn digest,
                              void *digest_context, struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < result->interface.input_count && status == STATUS_OK; i++)
        status =
            encode_input(values, result->program, &result->interface.inputs[i], inputs[i], diag);
    if (status != STATUS_OK)
        return status;
    for (size_t k = 0; k < result->parameter_count; k++) {
        const struct parameter_values *parameter = &result->parameters[k];
        for (size_t e = 0; e < result->program->tensors[parameter->tensor].count; e++)
            ASSERT(relation_value_set(values, result->program, parameter->tensor, e,
                                      parameter->values[e]));
    }
    return relation_interpret(result->program, values, digest, digest_context, diag);
}

/* ---- measuring ---- */

/* got: what the integers stand for; shown: that number in the declared type, as users get it. */
static void compare_element(struct pipeline *p, struct output_report *report,
                            enum element_type type, double reference, int64_t reference_integer,
                            double got, double shown, int64_t got_integer, double largest,
                            bool is_exact)
{
    const struct quantize_options *options = &p->options->quantize;
    double relative = options->relative_tolerance > 0 ? options->relative_tolerance : 1e-4;
    double absolute = options->absolute_tolerance > 0 ? options->absolute_tolerance : 1e-6;
    report->elements++;
    if (!element_type_is_float(type)) {
        double gap = fabs((double)((__int128)reference_integer - got_integer));
        report->measured_error = fmax(report->measured_error, gap);
        report->mismatches += gap != 0;
        return;
    }
    if (!isfinite(reference)) {
        bool same = isnan(reference) ? isnan(got) : got == reference;
        report->mismatches += is_exact && !same;
        return;
    }
    double error = fabs(reference - shown);
    report->measured_error = fmax(report->measured_error, error);
    if (reference != 0)
        report->measured_relative = fmax(report->measured_relative, error / fabs(reference));
    double scale = fmin(fabs(reference), largest * QUANTIZE_SMALL_OUTPUT);
    report->tolerance_ratio =
        fmax(report->tolerance_ratio, fabs(reference - got) / (absolute + relative * scale));
}

static void compare_output(struct pipeline *p, const struct relation_values *values, size_t output,
                           const struct tensor *reference)
{
    const struct port *port = &p->result->interface.outputs[output];
    const struct relation_tensor *t = &p->result->program->tensors[port->tensor];
    bool is_float = element_type_is_float(port->type);
    const struct value_plan *plan = &p->plan.values[p->graph->outputs[output]];
    double largest = fmax(fabs(plan->low), fabs(plan->high));
    for (size_t e = 0; e < t->count; e++) {
        double got = 0, shown = 0;
        int64_t got_integer = 0;
        wide value = relation_value(values, port->tensor, e);
        port_decode(&got, &got_integer, t, is_float ? ELEMENT_F64 : port->type, value);
        port_decode(&shown, &got_integer, t, port->type, value);
        compare_element(p, &p->result->report.outputs[output], port->type,
                        is_float ? reference->data.real[e] : 0,
                        is_float ? 0 : reference->data.integer[e], got, shown, got_integer, largest,
                        t->has_nan || t->has_infinity || t->encoding == ENCODING_FLOAT_KEY ||
                            t->encoding == ENCODING_FLOAT_BITS);
    }
}

static enum status measure_run(struct pipeline *p, size_t run, struct arena *scratch,
                               struct diag *diag)
{
    struct relation_values values;
    enum status status = relation_values_init(&values, p->result->program, scratch, diag);
    if (status == STATUS_OK)
        status = pipeline_evaluate(&values, p->result, p->plan.runs[run].inputs, p->options->digest,
                                   p->options->digest_context, diag);
    if (status != STATUS_OK)
        return diag_prefix(diag, status, "calibration set %zu", run);
    for (size_t o = 0; o < p->graph->output_count; o++)
        compare_output(p, &values, o, p->plan.runs[run].outputs[o]);
    return STATUS_OK;
}

static enum status measure(struct pipeline *p, struct diag *diag)
{
    struct quantize_report *report = &p->result->report;
    memset(report->outputs, 0, report->output_count * sizeof *report->outputs);
    struct arena scratch;
    enum status status = STATUS_OK;
    arena_init(&scratch, 0);
    size_t done = 0;
    for (size_t r = 0; r < p->plan.run_count && status == STATUS_OK; r++) {
        struct arena_mark mark = arena_checkpoint(&scratch);
        status = measure_run(p, r, &scratch, diag);
        arena_rewind(&scratch, mark);
        done += status == STATUS_OK;
        /* Random numbers may be none the model has an answer for; data always is. */
        bool is_last = r + 1 == p->plan.run_count && done == 0;
        if (p->plan.is_generated && status == STATUS_BAD_INPUT && !is_last)
            status = STATUS_OK;
    }
    arena_release(&scratch);
    report->run_count = done;
    p->worst_ratio = 0;
    p->mismatches = 0;
    for (size_t o = 0; o < report->output_count; o++) {
        p->worst_ratio = fmax(p->worst_ratio, report->outputs[o].tolerance_ratio);
        p->mismatches += report->outputs[o].mismatches;
    }
    return status;
}

/* ---- lowering until it is exact enough ---- */

static enum status lower_once(struct pipeline *p, struct diag *diag)
{
    enum { TABLE_ROUNDS = 3 };
    enum status status = STATUS_OK;
    for (unsigned round = 0; status == STATUS_OK && round < TABLE_ROUNDS; round++) {
        arena_rewind(p->arena, p->start);
        p->tables.has_grown = false;
        status = lower_graph(&p->lowered, p->graph, &p->plan, &p->lower, p->arena, diag);
        if (!p->tables.has_grown)
            break;
    }
    if (status != STATUS_OK)
        return status;
    struct pipeline_result *result = p->result;
    result->program = p->lowered.program;
    result->interface = p->lowered.interface;
    result->parameters = p->lowered.parameters;
    result->parameter_count = p->lowered.parameter_count;
    result->report.ranges = p->lowered.ranges;
    result->report.range_count = p->lowered.range_count;
    result->report.extra_bits = p->plan.extra_bits;
    return measure(p, diag);
}

/* Bits to add (or, negative, to give back) after a measured ratio. */
static int32_t bits_to_move(double ratio, size_t mismatches)
{
    if (ratio <= 0)
        return mismatches > 0 ? 4 : 0;
    enum { MOST_UP = 12, MOST_DOWN = 6 };
    double bits = log2(ratio / error_share);
    int32_t step = (int32_t)fmax(fmin(ceil(bits > 0 ? bits : bits + 1e-9), MOST_UP), -MOST_DOWN);
    return mismatches > 0 && step < 4 ? 4 : step;
}

/* One round of the search. */
struct trial {
    int32_t extra;
    double ratio;
    size_t mismatches;
};

static bool is_good(const struct trial *trial)
{
    return trial->ratio <= error_share && trial->mismatches == 0;
}

/* Fewer wrong labels, then the tolerance, then fewer bits; beyond the tolerance the smaller error.
 */
static bool is_better(const struct trial *a, const struct trial *b)
{
    if (a->mismatches != b->mismatches)
        return a->mismatches < b->mismatches;
    if (is_good(a) != is_good(b))
        return is_good(a);
    return is_good(a) ? a->extra < b->extra : a->ratio < 0.9 * b->ratio;
}

/* What a round that has no result asks of the next: more bits where a value left its range, fewer
 * where one has no room. */
static int32_t bits_after_failure(enum status status)
{
    enum { STEP = 6 };
    return status == STATUS_BAD_INPUT ? STEP : status == STATUS_LIMIT ? -STEP : 0;
}

/* Lowers with the bits of a trial, in the place of the one before; one that fails is the worst
 * there is. */
static enum status try_widths(struct pipeline *p, struct trial *trial, struct diag *diag)
{
    p->plan.extra_bits = trial->extra;
    enum status status = lower_once(p, diag);
    trial->ratio = status == STATUS_OK ? p->worst_ratio : INFINITY;
    trial->mismatches = status == STATUS_OK ? p->mismatches : SIZE_MAX;
    return status;
}

/*
 * Each round lowers with other widths. Stops at the fewest bits that meet the share, or when more
 * bits no longer help: then the error is the rounding of the float run itself.
 */
static enum status search_widths(struct pipeline *p)
{
    struct trial best = {0, INFINITY, SIZE_MAX}, now = {FIRST_EXTRA_BITS, 0, 0};
    int32_t failed = INT32_MIN,
            least = p->plan.run_count < FEW_RUNS ? FIRST_EXTRA_BITS : LEAST_EXTRA_BITS;
    struct diag first = {0};
    enum status failure = STATUS_OK;
    const struct diag *others = NULL;
    size_t other_count = 0;
    bool succeeded = false;
    p->start = arena_checkpoint(p->arena);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct diag diag = {0};
        enum status status = try_widths(p, &now, &diag);
        if (status != STATUS_OK && failure == STATUS_OK) {
            failure = status;
            first = diag;
            if (p->lowered.failure_count > 0)
                others = arena_memdup(&p->kept, p->lowered.failures,
                                      p->lowered.failure_count * sizeof *others);
            other_count = others == NULL ? 0 : p->lowered.failure_count;
        }
        bool helped = is_better(&now, &best);
        bool went_up = succeeded && now.extra > best.extra;
        succeeded |= status == STATUS_OK;
        if (helped)
            best = now;
        if (!is_good(&now) && now.extra > failed)
            failed = now.extra;
        if (went_up && !helped)
            break;
        int32_t next = now.extra + (status == STATUS_OK ? bits_to_move(now.ratio, now.mismatches)
                                                        : bits_after_failure(status));
        if (is_good(&best) && next <= failed)
            next = failed + 1;
        if (is_good(&best) && next < least)
            next = least;
        if (is_good(&best) && next >= best.extra && failed != INT32_MIN && failed + 1 < best.extra)
            next = best.extra - 1;
        if (next == now.extra || (is_good(&best) && next >= best.extra))
            break;
        now.extra = next;
    }
    if (!succeeded) {
        enum status status = note(p, failure, &first);
        for (size_t i = 1; i < other_count; i++)
            diag_list_add_diag(p->problems, &others[i]);
        return status;
    }
    if (p->plan.extra_bits == best.extra)
        return STATUS_OK;
    return note(p, try_widths(p, &best, &first), &first);
}

/* Lowers with the bits that the caller gives. */
static enum status take_widths(struct pipeline *p)
{
    struct trial only = {.extra = p->options->extra_bits};
    struct diag diag = {0};
    p->start = arena_checkpoint(p->arena);
    return note(p, try_widths(p, &only, &diag), &diag);
}

/* ---- report ---- */

static void fill_report(struct pipeline *p)
{
    struct pipeline_result *result = p->result;
    struct quantize_report *report = &result->report;
    for (size_t i = 0; i < report->input_count; i++) {
        const struct relation_tensor *t =
            &result->program->tensors[result->interface.inputs[i].tensor];
        struct input_report *input = &report->inputs[i];
        int64_t ignored;
        *input = (struct input_report){.name = result->interface.inputs[i].name,
                                       .is_declared = p->plan.inputs[i].is_declared,
                                       .is_key = t->encoding == ENCODING_FLOAT_KEY,
                                       .fraction_bits = -t->scale.exponent};
        if (!input->is_key) {
            port_decode(&input->low, &ignored, t, ELEMENT_F64, t->low);
            port_decode(&input->high, &ignored, t, ELEMENT_F64, t->high);
        }
    }
    for (size_t o = 0; o < report->output_count; o++) {
        const struct relation_tensor *t =
            &result->program->tensors[result->interface.outputs[o].tensor];
        struct output_report *output = &report->outputs[o];
        output->name = result->interface.outputs[o].name;
        output->proven_error = p->lowered.bounds[o].error;
        output->no_bound = p->lowered.bounds[o].gap;
        output->fraction_bits = -t->scale.exponent;
        output->value_bits =
            range_bits((struct range){t->low, t->high}) + (wide_is_negative(t->low) ? 1 : 0);
    }
    report->is_generated = p->plan.is_generated;
    report->meets_tolerance = p->worst_ratio <= 1 && p->mismatches == 0;
}

/* ---- options ---- */

static enum port_visibility visibility_of(const struct pipeline *p, uint32_t value,
                                          enum port_visibility fallback)
{
    for (size_t i = 0; i < p->options->named_count; i++) {
        if (graph_value_is_called(&p->graph->values[value], p->options->named[i].name))
            fallback = p->options->named[i].visibility;
    }
    return fallback;
}

static bool is_input_name(const struct graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->input_count; i++) {
        if (graph_value_is_called(&graph->values[graph->inputs[i]], name))
            return true;
    }
    return false;
}

static bool is_port_name(const struct graph *graph, const char *name)
{
    if (is_input_name(graph, name))
        return true;
    for (size_t o = 0; o < graph->output_count; o++) {
        if (graph_value_is_called(&graph->values[graph->outputs[o]], name))
            return true;
    }
    return false;
}

static enum status prepare_options(struct pipeline *p)
{
    const struct graph *graph = p->graph;
    const struct pipeline_options *options = p->options;
    enum port_visibility *inputs =
        arena_array(p->arena, enum port_visibility, graph->input_count + 1);
    enum port_visibility *outputs =
        arena_array(p->arena, enum port_visibility, graph->output_count + 1);
    struct quantize_report *report = &p->result->report;
    report->inputs = arena_array(p->arena, struct input_report, graph->input_count + 1);
    report->outputs = arena_array(p->arena, struct output_report, graph->output_count + 1);
    if (inputs == NULL || outputs == NULL || report->inputs == NULL || report->outputs == NULL)
        return diag_list_add(p->problems, STATUS_NO_MEMORY, "no memory for the report");
    for (size_t i = 0; i < graph->input_count; i++)
        inputs[i] = visibility_of(p, graph->inputs[i], options->inputs);
    for (size_t o = 0; o < graph->output_count; o++)
        outputs[o] = visibility_of(p, graph->outputs[o], options->outputs);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < options->named_count; i++) {
        if (!is_port_name(graph, options->named[i].name))
            status = diag_list_add(
                p->problems, STATUS_BAD_INPUT,
                "visibility is asked for '%s', which is neither an input nor an output",
                options->named[i].name);
    }
    for (size_t i = 0; i < options->quantize.range_count; i++) {
        const struct declared_range *range = &options->quantize.ranges[i];
        if (!is_input_name(graph, range->name) || !isfinite(range->low) || !isfinite(range->high) ||
            range->low > range->high)
            status = diag_list_add(p->problems, STATUS_BAD_INPUT,
                                   "--range %s=%g:%g names no input or is no range", range->name,
                                   range->low, range->high);
    }
    report->input_count = graph->input_count;
    report->output_count = graph->output_count;
    p->lower = (struct lower_options){
        .inputs = inputs,
        .outputs = outputs,
        .public_parameters = options->public_parameters,
        .capacity_bits = options->capacity_bits == 0 ? CAPACITY_BITS : options->capacity_bits,
        .table_bits = options->table_bits == 0 ? TABLE_BITS : options->table_bits,
        .store = &p->tables};
    return status;
}

/* ---- models that are refused before anything is computed ---- */

/*
 * Rows that each number a node gives takes, of more than 16 bits as all of them but toys have:
 * where it compares, one that uses the bit and two that find it, and two that round what is
 * compared.
 */
static uint64_t element_rows(enum op_kind op)
{
    switch (op) {
    case OP_RELU:
    case OP_LEAKY_RELU:
    case OP_PRELU:
    case OP_CLIP:
    case OP_MAX:
    case OP_MIN:
        return 5;
    default:
        return (op_info(op)->traits & TRAIT_FUNCTION) != 0 ? 1 : 0;
    }
}

static bool takes_weight(enum op_kind op)
{
    return op == OP_CONV || op == OP_CONV_TRANSPOSE || op == OP_MAT_MUL || op == OP_GEMM;
}

/*
 * Rows that the weights of a node take at least. One that takes part in three products and more has
 * a row of its own, in a held sum or for its products; of others two stand in a row at best.
 */
static uint64_t weight_rows(const struct graph *graph, const struct graph_node *node)
{
    const struct tensor *weights = graph->values[node->inputs[1]].data;
    const struct shape *out = &graph->values[node->outputs[0]].shape;
    size_t count = 0;
    unsigned channel = node->op == OP_CONV ? 1 : (unsigned)out->rank - 1;
    bool is_plain = node->op == OP_CONV || weights->shape.rank == 2;
    if (node->op == OP_CONV_TRANSPOSE || !is_plain || out->rank < 2 ||
        !shape_count(out, SIZE_MAX, &count))
        return weights->count / 2;
    bool is_often = count >= 3 * (uint64_t)out->dim[channel];
    return is_often ? weights->count : weights->count / 2;
}

/* Models that no table holds, by the rows of their largest parts: to find that out by lowering them
 * would take minutes. Of what a left-out node reads nobody knows in how few rows it would go. */
static enum status check_size(const struct pipeline *p)
{
    const struct graph *graph = p->graph;
    uint64_t weights = 0, elements = 0, rows = 0;
    bool *is_counted = arena_array(p->arena, bool, graph->value_count + 1),
         *is_read = arena_array(p->arena, bool, graph->value_count + 1);
    if (is_counted == NULL || is_read == NULL)
        return diag_list_add(p->problems, STATUS_NO_MEMORY, "no memory to size the model");
    for (size_t o = 0; p->is_partial && o < graph->output_count; o++)
        is_read[graph->outputs[o]] = true;
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        size_t count = 0;
        if (takes_weight(node->op) && graph->values[node->inputs[1]].data != NULL &&
            !is_counted[node->inputs[1]]) {
            is_counted[node->inputs[1]] = true;
            weights += graph->values[node->inputs[1]].data->count;
            rows += weight_rows(graph, node);
        }
        if (element_rows(node->op) == 0 || node->outputs[0] == GRAPH_NONE ||
            is_read[node->outputs[0]] ||
            !shape_count(&graph->values[node->outputs[0]].shape, SIZE_MAX, &count))
            continue;
        elements += count;
        rows += element_rows(node->op) * count;
    }
    if (rows <= (uint64_t)1 << PLACE_LG_ROWS_MAX)
        return STATUS_OK;
    return diag_list_add(
        p->problems, STATUS_LIMIT,
        "the model needs more than %llu million rows and the limit is 2^%d: it multiplies by %llu "
        "weights, and compares or looks up %llu numbers; give its inputs smaller sizes with --dim, "
        "or take a smaller model",
        (unsigned long long)(rows / 1000000), PLACE_LG_ROWS_MAX, (unsigned long long)weights,
        (unsigned long long)elements);
}

/* After problems the graph is what is left without them, and goes through the same passes. */
static enum status fold(struct pipeline *p)
{
    struct arena scratch;
    struct diag diag = {0};
    bool changed = false;
    arena_init(&scratch, 0);
    const enum status first = pass_fold_constants(p->graph, &scratch, p->problems);
    enum status status = first == STATUS_NO_MEMORY ? first : STATUS_OK;
    if (status == STATUS_OK)
        status = note(p, pass_fuse_trees(p->graph, &changed, &diag), &diag);
    if (status == STATUS_OK)
        status =
            note(p, pass_widen_floats(p->graph, &p->result->report.widened_count, &diag), &diag);
    changed = changed || p->result->report.widened_count > 0;
    if (status == STATUS_OK)
        status = note(p, pass_fuse_channels(p->graph, &changed, &diag), &diag);
    if (status == STATUS_OK && changed)
        status = pass_fold_constants(p->graph, &scratch, p->problems);
    arena_release(&scratch);
    if (status == STATUS_OK)
        status = note(p, pass_swap_pools(p->graph, &diag), &diag);
    if (status == STATUS_OK)
        status = note(p, pass_saturate_stored(p->graph, &diag), &diag);
    return first == STATUS_OK ? status : first;
}

/* Ranges of inputs that are there. */
static enum status keep_ranges(const struct pipeline *p, struct quantize_options *options)
{
    struct declared_range *kept =
        arena_array(p->arena, struct declared_range, options->range_count + 1);
    size_t count = 0;
    for (size_t i = 0; kept != NULL && i < options->range_count; i++) {
        const struct declared_range *range = &options->ranges[i];
        if (is_input_name(p->graph, range->name) && isfinite(range->low) && isfinite(range->high) &&
            range->low <= range->high)
            kept[count++] = *range;
    }
    options->ranges = kept;
    options->range_count = count;
    return kept == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static void add_new_problem(struct diag_list *problems, const struct diag *diag)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->item[i].text, diag->text) == 0)
            return;
    diag_list_add_diag(problems, diag);
}

/* Lowers with fewer and fewer bits until it goes; the problems are those of the first time. */
static void judge_lowering(struct pipeline *p, struct diag_list *found)
{
    p->plan.extra_bits = FIRST_EXTRA_BITS;
    p->start = arena_checkpoint(p->arena);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct diag diag = {0};
        arena_rewind(p->arena, p->start);
        enum status status =
            lower_graph(&p->lowered, p->graph, &p->plan, &p->lower, p->arena, &diag);
        if (status == STATUS_OK) {
            found->count = 0;
            return;
        }
        if (round == 0 && p->lowered.failure_count == 0)
            diag_list_add_diag(found, &diag);
        for (size_t i = 0; round == 0 && i < p->lowered.failure_count; i++)
            diag_list_add_diag(found, &p->lowered.failures[i]);
        if (bits_after_failure(status) == 0)
            return;
        p->plan.extra_bits += bits_after_failure(status);
    }
}

/*
 * What only values show, of a model that is refused already: the same passes with the same data go
 * as far as they come. What they say beyond the nodes' own problems, as that data has no meaning
 * somewhere, may be due to what is missing and is not listed. Larger models would take too long.
 */
static void judge_values(struct pipeline *p)
{
    static const double most_work = 1e6; /* multiplications of a run */
    struct pipeline_options options = *p->options;
    const struct pipeline_options *own = p->options;
    struct diag ignored = {0};
    struct diag_list found = {0};
    options.named_count = 0;
    options.quantize.measuring_work = 1;
    if (p->graph->output_count == 0 || quantize_work(p->graph) > most_work ||
        graph_validate(p->graph, &ignored) != STATUS_OK ||
        keep_ranges(p, &options.quantize) != STATUS_OK)
        return;
    p->options = &options;
    if (prepare_options(p) == STATUS_OK &&
        pass_quantize(&p->plan, p->graph, &options.quantize, p->arena, &ignored) == STATUS_OK)
        judge_lowering(p, &found);
    for (size_t i = 0; i < found.count; i++)
        add_new_problem(p->problems, &found.item[i]);
    diag_list_release(&found);
    p->options = own;
}

/* Everything that is refused before a number is computed, and of small models that are refused so
 * what values show. */
static enum status judge(struct pipeline *p)
{
    struct arena scratch;
    enum status folded = fold(p), first = folded;
    if (folded == STATUS_OK)
        after(p, "fold_constants");
    if (folded == STATUS_NO_MEMORY)
        return folded;
    p->is_partial |= folded != STATUS_OK;
    arena_init(&scratch, 0);
    enum status checked = lower_check_graph(p->graph, &scratch, p->problems);
    first = first == STATUS_OK ? checked : first;
    arena_release(&scratch);
    enum status sized = check_size(p);
    first = first == STATUS_OK ? sized : first;
    /* Without all of its outputs nobody knows what the options name. */
    enum status prepared = folded == STATUS_OK ? prepare_options(p) : STATUS_OK;
    first = first == STATUS_OK ? prepared : first;
    if ((first != STATUS_OK || p->is_partial) && sized == STATUS_OK && p->knows_values)
        judge_values(p);
    return first;
}

void pipeline_judge(struct graph *graph, const struct quantize_options *quantize,
                    struct arena *arena, struct diag_list *problems)
{
    struct pipeline_options options = {0};
    struct pipeline_result result = {0};
    if (quantize != NULL)
        options.quantize = *quantize;
    struct pipeline p = {.graph = graph,
                         .options = &options,
                         .result = &result,
                         .arena = arena,
                         .problems = problems,
                         .is_partial = true,
                         .knows_values = quantize != NULL};
    arena_init(&p.kept, 0);
    p.tables.arena = &p.kept;
    enum status status = judge(&p);
    (void)status; /* the list says it all */
    arena_release(&p.kept);
}

static enum status prove_program(struct pipeline *p)
{
    struct diag diag = {0};
    enum status status = pass_bound_ranges(p->result->program, p->lower.capacity_bits, &diag);
    after(p, "bound_ranges");
    if (status == STATUS_OK)
        status = relation_validate(p->result->program, p->lower.capacity_bits, &diag);
    after(p, "validate");
    return note(p, status, &diag);
}

enum status pipeline_run(struct pipeline_result *result, struct graph *graph,
                         const struct pipeline_options *options, struct arena *arena,
                         struct diag_list *problems)
{
    memset(result, 0, sizeof *result);
    struct pipeline p = {.graph = graph,
                         .options = options,
                         .result = result,
                         .arena = arena,
                         .problems = problems,
                         .knows_values = true};
    struct diag diag = {0};
    arena_init(&p.kept, 0);
    p.tables.arena = &p.kept;
    enum status status = judge(&p);
    if (status == STATUS_OK)
        status = note(&p, pass_quantize(&p.plan, graph, &options->quantize, arena, &diag), &diag);
    if (status == STATUS_OK) {
        after(&p, "quantize");
        status = options->has_extra_bits ? take_widths(&p) : search_widths(&p);
    }
    if (status == STATUS_OK) {
        after(&p, "lower");
        status = prove_program(&p);
    }
    if (status == STATUS_OK)
        fill_report(&p);
    arena_release(&p.kept);
    return status;
}
