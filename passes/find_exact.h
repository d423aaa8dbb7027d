/*
 * Values that are held exactly, whatever the tolerance: what decides integers by ties. Part of
 * quantize.
 */
#ifndef SERTN_PASSES_FIND_EXACT_H
#define SERTN_PASSES_FIND_EXACT_H

#include "passes/quantize.h"

/* Sets least_fraction of values [graph->value_count]; `smallest` of each is read. */
void find_exact(const struct graph *graph, struct value_plan *values);

#endif
