/*
 * Quantization: which integers stand for which real numbers.
 *
 * For every value of a graph: its encoding, how many fraction bits it needs so that the outputs
 * meet the tolerance, and what magnitudes calibration saw. The only code that sees both meanings of
 * a graph. Fraction bits come from a backward pass of absolute error budgets: how much one node
 * amplifies an error of one operand is measured on calibration runs (ir/graph_interpret) with
 * perturbed operands, so no operator needs a rule of its own. passes/pipeline then measures the
 * lowered program and moves all widths together until the outputs are as exact as asked and no
 * wider.
 *
 * Everything that leaves this module and depends on calibration or weights is a power of two.
 */
#ifndef SERTN_PASSES_QUANTIZE_H
#define SERTN_PASSES_QUANTIZE_H

#include "ir/graph.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"

/* One full set of graph inputs, in the order of graph->inputs; all borrowed. */
struct calibration_set {
    const struct tensor *const *inputs; /* [graph->input_count] */
};

/* A range the user declares for an input by name. */
struct declared_range {
    const char *name;
    double low, high; /* inclusive, finite, low <= high */
};

struct quantize_options {
    const struct calibration_set *sets; /* [set_count]; none: generated from the ranges */
    size_t set_count;
    const struct declared_range *ranges;
    size_t range_count;
    double relative_tolerance, absolute_tolerance; /* aim for outputs; 0 means 1e-4 and 1e-6 */
    /* Multiplications that may be spent on measuring what errors do to the outputs (end_gain); 0
     * means 6e9, some seconds. */
    double measuring_work;
};

/*
 * Relative tolerance is taken of the output, and of no more than this part of the largest output
 * seen: other inputs may give smaller outputs than calibration did.
 */
#define QUANTIZE_SMALL_OUTPUT 0.03125

/* What is known and decided about one value. */
struct value_plan {
    double low,
        high; /* extremes over calibration, NaN and infinity left out; 0, 0 when nothing was seen */
    bool saw_infinity;      /* a float run had infinity: low and high say little */
    bool saw_nan;           /* a float run on given data had NaN */
    double smallest;        /* smallest magnitude above zero that was seen; 0 when none */
    int32_t fraction;       /* fraction bits the value needs */
    int32_t least_fraction; /* fewest fraction bits, whatever the tolerance: the numbers seen are
                               exact with them. INT32_MIN when nothing asks */
    bool is_output;         /* of the graph */
    bool is_key;            /* carried as float keys: only moved, compared and cast */
    bool is_bits;           /* carried as IEEE patterns: only moved to and from BitCast */
    bool is_whole;          /* calibration saw whole numbers only */
    bool takes_nan;      /* may hold NaN, as the lowest integer of its input: moved to an IsNaN */
    bool traces_nan;     /* computed, and an IsNaN, or who reads an output that had NaN in
                            calibration, wants to know where a float run has NaN */
    bool takes_mask;     /* may be minus infinity, on its way to a softmax */
    bool mask_is_finite; /* takes_mask: great negative numbers stand for it, never infinity: a row
                            of nothing else has equal probabilities, where infinity leaves none */
    bool keeps_sign;  /* an input in fixed point, or moved from such: only 0 is 0, and what is too
                         small for its bits is one unit of its own sign, since it is held
                         against 0 */
    uint8_t key_bits; /* of keys: 32 or 64 */
};

/* Declared range of a graph input, as real numbers: [-2^k, 2^k) or what the user gave. */
struct input_plan {
    double low, high;
    bool is_declared; /* by the user */
};

/* Result of the float64 run of one calibration set. */
struct calibration_run {
    const struct tensor **inputs;  /* [input_count] */
    const struct tensor **outputs; /* [output_count] */
};

struct quantize_plan {
    struct value_plan *values; /* [graph->value_count] */
    struct input_plan *inputs; /* [graph->input_count] */
    struct calibration_run *runs;
    size_t run_count;
    bool is_generated;  /* no data was given */
    int32_t extra_bits; /* added to every fraction of `values` by lowering; moved by the pipeline */
};

/*
 * Runs the calibration sets (or generated ones) and fills the plan. Requires: a graph with known
 * shapes that graph_validate accepts. plan and everything in it live in `arena`. Errors: BAD_INPUT
 * when a set does not fit or lies outside a declared range; what graph_interpret says.
 */
enum status pass_quantize(struct quantize_plan *plan, const struct graph *graph,
                          const struct quantize_options *options, struct arena *arena,
                          struct diag *diag) SERTN_MUST_CHECK;

/* Multiplications of one float run, roughly. Requires: known shapes. */
double quantize_work(const struct graph *graph);

#endif
