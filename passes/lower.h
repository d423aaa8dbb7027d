/*
 * Lowering: tensor graph to relation program.
 *
 * Every operator becomes a composition of relations with one possible output. Fractions of values
 * follow passes/quantize; accumulators stay exact and are rescaled where a nonlinear operator needs
 * it, or when they would grow too wide.
 *
 * Chief invariant: apart from the values in struct parameter_values the result depends on shapes,
 * public constants, options and power-of-two widths only, never on a private parameter.
 */
#ifndef SERTN_PASSES_LOWER_H
#define SERTN_PASSES_LOWER_H

#include "ir/graph.h"
#include "ir/interface.h"
#include "ir/relation.h"
#include "passes/quantize.h"

/* The integers of one PARAMETER tensor. */
struct parameter_values {
    uint32_t tensor;
    const wide *values; /* [tensor's count] */
};

/* A range that calibration put where interval arithmetic gave too wide a bound, or a divisor that
 * must be positive. */
struct inserted_range {
    const char *value; /* name of the graph value or of the step inside a node */
    const char *node;
    double low, high; /* real numbers */
    bool saturates;   /* greater numbers have a proof and count as `high`: their exp, infinite in
                         the graph's float type, only divides or is compared */
};

/* Function tables that earlier lowerings of the graph made: to compute their entries takes longer
 * than all else. Starts zeroed but for the arena, which everything in it lives in, so that it
 * outlives the lowerings. */
struct table_store {
    struct arena *arena;
    struct relation_table *tables;
    size_t count, capacity;
    struct table_reach *reaches;
    size_t reach_count, reach_capacity;
    bool has_grown; /* a reach, since this was last set to false */
};

/* How far arguments of a function go at nodes that may share a table; the next lowering makes it as
 * wide as any of them needs. Arguments that go less than a quarter as far are a reach of their own.
 */
struct table_reach {
    unsigned function; /* what has tables of its own */
    double widest;
};
enum { TABLE_REACH_RATIO = 4 };

struct lower_options {
    const enum port_visibility *inputs;  /* [graph->input_count] */
    const enum port_visibility *outputs; /* [graph->output_count] */
    bool public_parameters;
    unsigned capacity_bits;
    unsigned table_bits; /* 4 to 8: function tables have about 2^table_bits entries; larger ones
                            take fewer rows an element */
    struct table_store *store; /* may be NULL */
};

/* How far what an output shows may be from what the model says in real arithmetic, for every input
 * that the circuit accepts: see error_bound.h. */
struct output_bound {
    double error;    /* INFINITY when nothing is proven */
    const char *gap; /* why not; NULL when there is a bound */
};

struct lowering_result {
    struct relation_program *program; /* initialised by lower_graph */
    struct parameter_values *parameters;
    size_t parameter_count;
    struct interface interface;  /* inputs and outputs in the order of the graph */
    struct output_bound *bounds; /* of the outputs; they depend on the weights, which are private */
    struct inserted_range *ranges;
    size_t range_count;
    /* Of every node that does not lower, those left out that hang on one, and of the rounds of one
     * node of a body all but the first. */
    struct diag *failures;
    size_t failure_count;
};

/* Returns whether the operator lowers at all. */
bool lower_op_is_supported(enum op_kind op);

/*
 * Lists every node that lowering refuses whatever the values are: by its operator, its shapes,
 * attributes and known operands. lower_graph asks the same of each node. Of the rounds of one node
 * of a body the first is listed. Requires: known shapes, constants folded. scratch: for the asking.
 * Returns the status of the first.
 */
enum status lower_check_graph(const struct graph *graph, struct arena *scratch,
                              struct diag_list *problems) SERTN_MUST_CHECK;

/*
 * Requires: known shapes, constants folded. Everything lives in `arena`.
 * Errors: UNSUPPORTED naming the node and why; LIMIT when a value leaves the target's capacity;
 * NO_MEMORY. diag has the first of result->failures.
 */
enum status lower_graph(struct lowering_result *result, const struct graph *graph,
                        const struct quantize_plan *plan, const struct lower_options *options,
                        struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

#endif
