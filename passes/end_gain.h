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

/*
 * *budget: the error of value v that uses up the budget of some output, taken in proportion from
 * what happens when v is `moved`, whose elements differ by up to `step`; INFINITY when no output
 * with a budget changes.
 * run: every value of one run; budgets: [value_count], of which those of the outputs are read.
 * Requires: `first` is the first node that may use v; step > 0. Memory of the run goes to
 * `scratch`, which the caller rewinds. Errors: NO_MEMORY alone; a run that fails says INFINITY.
 */
enum status end_gain_budget(double *budget, const struct graph *graph,
                            const struct graph_values *run, size_t first, uint32_t v,
                            struct tensor *moved, double step, const double *budgets,
                            struct arena *scratch, struct diag *diag) SERTN_MUST_CHECK;

#endif
