/* Parts of pass_quantize, private to quantize*.c: runs and ranges (quantize.c), what single nodes
 * do to errors (quantize_probe.c), budgets and widths (quantize_budget.c). */
#ifndef SERTN_PASSES_QUANTIZE_INTERNAL_H
#define SERTN_PASSES_QUANTIZE_INTERNAL_H

#include "ir/graph_interpret.h"
#include "passes/end_gain.h"
#include "passes/quantize.h"

/* Runs whose values are all kept, to measure amplification on; the others give extremes and outputs
 * only. */
enum { QUANTIZE_KEPT_RUNS = 4 };

struct quantizing {
    const struct graph *graph;
    const struct quantize_options *options;
    struct quantize_plan *plan;
    struct arena *arena;
    struct arena scratch;
    struct diag *diag;
    struct graph_values kept[QUANTIZE_KEPT_RUNS];
    size_t kept_count;
    double
        *budget; /* [value_count]: absolute error a value may have; INFINITY while nothing asks */
    double *work_after; /* [node_count]: multiplications of the nodes that follow */
    double work_left;   /* of options->measuring_work */
    struct end_gain gain;
    uint64_t random;
};

/* The next number of q->random, and what `count` of them leave behind: the same everywhere. */
uint64_t quantize_random(struct quantizing *q);
void quantize_skip_random(struct quantizing *q, uint64_t count);

/* The greatest magnitude that calibration saw. */
double quantize_magnitude(const struct value_plan *plan);
/* The number of elements, as a double: it may be large. */
double quantize_elements(const struct shape *shape);
/* A copy of a tensor with data of its own; NULL without memory. */
struct tensor *quantize_keep(struct arena *arena, const struct tensor *from);
/*
 * A copy whose elements are moved by +-step; or, when least is not 0, by a part of their own size,
 * of `least` where they are 0, and by no more than step. NULL without memory.
 */
struct tensor *quantize_perturb(struct quantizing *q, const struct tensor *from, double step,
                                double least);

/* Whether the size of an operand decides something that is not a float: a comparison, a rounding,
 * an index. */
bool quantize_feeds_decision(const struct quantizing *q, const struct graph_node *node);

/* Lowers the budgets of a node's operands to what those of its results allow. Errors: NO_MEMORY. */
enum status quantize_probe_node(struct quantizing *q,
                                const struct graph_node *node) SERTN_MUST_CHECK;

/* Fills the fractions of q->plan from the runs. Errors: NO_MEMORY. */
enum status quantize_plan_fractions(struct quantizing *q) SERTN_MUST_CHECK;

#endif
