/*
 * Which float values may be minus infinity on their way to a softmax: attention masks. Part of
 * quantize; decided by the structure of the graph alone, never by data. Where a stored number is
 * minus infinity is structure too, and public.
 */
#ifndef SERTN_PASSES_FIND_MASKS_H
#define SERTN_PASSES_FIND_MASKS_H

#include "passes/quantize.h"

/* From this number on down a stored number stands for minus infinity in a mask. */
#define MASK_NUMBER (-0x1p50)

/*
 * Whether a stored finite factor makes a mask, all of it as low: (1 - m) * -3.4e38. What is not 0
 * of the other factor, and it has some 20 bits, leaves a number whose exponential is 0.
 */
bool is_mask_factor(const struct graph_value *value);

/*
 * Sets takes_mask and mask_is_finite of values [graph->value_count]. Errors: NO_MEMORY.
 */
enum status find_masks(const struct graph *graph, struct value_plan *values, struct arena *scratch,
                       struct diag *diag) SERTN_MUST_CHECK;

#endif
