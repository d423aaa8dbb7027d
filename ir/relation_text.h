/*
 * A relation program as text: one line a tensor, one line a relation, everything that a prover is
 * bound to. For dumps and golden files.
 */
#ifndef SERTN_IR_RELATION_TEXT_H
#define SERTN_IR_RELATION_TEXT_H

#include <stdio.h>

#include "ir/relation.h"

/*
 * Writes the program. Tensors: %index role name [shape] low..high encoding 2^exponent, constants
 * with their values. Relations: outputs = kind, terms and views, the node they come from. A view is
 * %tensor, and unless it is the whole tensor in its own shape {offset + strides} with the box of
 * indices it covers, or its list of elements.
 */
void relation_print(FILE *out, const struct relation_program *program);

#endif
