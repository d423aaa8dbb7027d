/*
 * How much an error of one value moves the outputs of a graph, by running what follows it once
 * more.
 *
 * The product of the gains of single nodes is a bound of that, which grows far beyond it with the
 * depth of a graph: errors rarely add up as badly as they might.
 */
#ifndef SERTN_PASSES_END_GAIN_H
#define SERTN_PASSES_END_GAIN_H

#include "ir/graph.h"
#include "ir/graph_interpret.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"

/* Who reads what in a graph, and room for one measurement: a step that dies out after a few rounds
 * of a long loop costs those rounds, not a look at all that follows. */
struct end_gain {
    const struct graph *graph;
    struct graph_uses uses;
    struct tensor **now; /* [value_count]: values that changed; all NULL between measurements */
    uint32_t *changed;   /* [value_count]: which they are */
    size_t changed_count;
    bool *waits;       /* [node_count]: stands in the heap; all false between measurements */
    uint32_t *waiting; /* [node_count]: nodes to run, a heap with the first of them on top */
    size_t waiting_count;
};

/* Memory is the arena's. Returns false when there is none. */
bool end_gain_init(struct end_gain *gain, const struct graph *graph,
                   struct arena *arena) SERTN_MUST_CHECK;

/*
 * *budget: the error of value v that uses up the budget of some output, taken in proportion from
 * what happens when v is `moved`, whose elements differ by up to `step`; INFINITY when no output
 * with a budget changes.
 * run: every value of one run; budgets: [value_count], of which those of the outputs are read.
 * Requires: step > 0. Memory of the run goes to `scratch`, which the caller rewinds. Cost: the
 * nodes that a change reaches. Errors: NO_MEMORY alone; a run that fails says INFINITY.
 */
enum status end_gain_budget(double *budget, struct end_gain *gain, const struct graph_values *run,
                            uint32_t v, struct tensor *moved, double step, const double *budgets,
                            struct arena *scratch, struct diag *diag) SERTN_MUST_CHECK;

#endif
