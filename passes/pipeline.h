/*
 * The ordered passes from a tensor graph to a relation program.
 *
 * fold_constants (with shape inference), fuse_trees, widen_floats, fuse_channels, swap_pools,
 * saturate_stored, quantize, then lower and measure until the outputs are as exact as asked with no
 * more bits than that takes, bound_ranges, relation_validate. Placement and keys are the caller's.
 * Called by the compiler (runtime) and by tests.
 */
#ifndef SERTN_PASSES_PIPELINE_H
#define SERTN_PASSES_PIPELINE_H

#include "ir/relation_interpret.h"
#include "passes/lower.h"
#include "passes/quantize.h"

/* Visibility of one input or output by name. */
struct named_visibility {
    const char *name;
    enum port_visibility visibility;
};

struct pipeline_options {
    struct quantize_options quantize;     /* calibration sets are of the graph as it comes in */
    enum port_visibility inputs, outputs; /* of those without a name below */
    const struct named_visibility *named;
    size_t named_count;
    bool public_parameters;
    unsigned capacity_bits; /* of the target; 0 means 253 */
    unsigned table_bits;    /* 4 to 8, see lower.h; 0 means 8 */
    bool has_extra_bits;    /* widths are not searched for: the next are added to the planned */
    int32_t extra_bits;
    relation_digest_fn digest; /* needed when something is hashed */
    void *digest_context;
    /* Called after each pass with what there is by then (program NULL before lowering); NULL: not
     * called. Borrowed. */
    void (*after_pass)(void *context, const char *pass, const struct graph *graph,
                       const struct relation_program *program);
    void *after_pass_context;
};

struct input_report {
    const char *name;
    double low, high; /* declared range as the circuit enforces it; keys: the whole float type */
    bool is_declared; /* by the user; else from the data or the default */
    bool is_key;      /* exact float keys */
    int32_t fraction_bits;
};

struct output_report {
    const char *name;
    int32_t fraction_bits;
    unsigned value_bits;   /* width of its public integers */
    double measured_error; /* largest absolute error of what users get, over the calibration runs;
                              integers: largest difference */
    double measured_relative;    /* largest |error| / |reference| where the reference is not 0 */
    double tolerance_ratio;      /* largest |error| / (absolute + relative * |reference|), see
                                    QUANTIZE_SMALL_OUTPUT; at most 1 meets the tolerance */
    size_t elements, mismatches; /* integer, bool and text outputs: compared and different */
    double proven_error;  /* |what its integers stand for - what the model says in real arithmetic|
                             is no more, for every input that the circuit accepts; INFINITY: none */
    const char *no_bound; /* why nothing is proven, NULL otherwise */
};

/* Measured and proven figures depend on weights and data: they belong in the private folder. */
struct quantize_report {
    struct input_report *inputs;
    size_t input_count;
    struct output_report *outputs;
    size_t output_count;
    const struct inserted_range *ranges;
    size_t range_count;
    size_t run_count;       /* calibration runs measured */
    bool is_generated;      /* no data was given: the runs are random numbers in the input ranges */
    uint64_t widened_count; /* numbers of 16 bits that count as float32: see widen_floats.h */
    int32_t extra_bits;     /* what measuring added to the planned fractions */
    bool meets_tolerance;
};

struct pipeline_result {
    struct relation_program *program;
    struct interface interface;
    const struct parameter_values *parameters;
    size_t parameter_count;
    struct quantize_report report;
};

/*
 * Rewrites the graph in place (fold_constants) and fills the result, all of it in `arena`. graph
 * lives on: names are borrowed from it. Requires: a graph that graph_validate accepts, with bound
 * dimensions. Errors: everything that shapes, attributes and options refuse goes to `problems`
 * together, then every node that does not lower; the status is that of the first.
 */
enum status pipeline_run(struct pipeline_result *result, struct graph *graph,
                         const struct pipeline_options *options, struct arena *arena,
                         struct diag_list *problems) SERTN_MUST_CHECK;

/*
 * Lists what pipeline_run refuses of a graph whatever its values are: shapes that stay open, nodes
 * that do not lower, a size that no table holds. Of a small graph, also what its values show:
 * widths that the field does not hold, arguments that no table takes; quantize has the data and
 * ranges, NULL where they are not known. Rewrites the graph like pipeline_run. For what could be
 * imported of a model with problems: what hangs on those is not in it.
 */
void pipeline_judge(struct graph *graph, const struct quantize_options *quantize,
                    struct arena *arena, struct diag_list *problems);

/*
 * Encodes graph inputs, sets parameters (salts stay zero), runs the program. values: initialised
 * with relation_values_init for result->program. Errors: BAD_INPUT naming the input and the element
 * that has no place in its range.
 */
enum status pipeline_evaluate(struct relation_values *values, const struct pipeline_result *result,
                              const struct tensor *const *inputs, relation_digest_fn digest,
                              void *digest_context, struct diag *diag) SERTN_MUST_CHECK;

#endif
