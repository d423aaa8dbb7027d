/*
 * Words for what check finds: values, gates, lookups and where a row comes from. Private to this
 * folder.
 */
#ifndef SERTN_BACKEND_CHECK_EXPLAIN_H
#define SERTN_BACKEND_CHECK_EXPLAIN_H

#include "backend/plonk/lookup.h"
#include "backend/plonk/prove.h"
#include "ir/circuit.h"
#include "ir/relation.h"
#include "ir/support/buffer.h"

/* What the sentences are about. All borrowed; program may be null. */
struct explain {
    const struct circuit *circuit;
    const struct relation_program *program;
    const struct plonk_witness *witness;
};

/* The integer in (-r/2, r/2) where that is short, else the canonical integer in hexadecimal. */
void explain_value(struct buffer *text, const fr *value);

/* "; row 5: a1 a2 + 2 - a3 with a1 = 3, a2 = 5, a3 = 16" */
void explain_gate(struct buffer *text, const struct explain *explain, uint32_t row);

/* " [linear relation 4 of node 'fc1 (Gemm)', element 3 of 'y']", or nothing for a row of no
 * relation. */
void explain_origin(struct buffer *text, const struct explain *explain, uint32_t row);

/* " [element 3 of parameter 'weight']" */
void explain_parameter(struct buffer *text, const struct explain *explain,
                       const struct param_cell *cell);

/* What was looked up and what is there instead. */
void explain_lookup(struct buffer *text, const struct explain *explain, enum plonk_slot slot,
                    const struct plonk_tuple *tuple);

#endif
