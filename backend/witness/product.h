/*
 * Coefficients of the products of polynomials that contraction circuits check (FILL_REST of
 * ir/circuit.h): those of outputs and those that belong to none. Private to this folder.
 */
#ifndef SERTN_BACKEND_WITNESS_PRODUCT_H
#define SERTN_BACKEND_WITNESS_PRODUCT_H

#include "backend/witness/fill.h"
#include "ir/relation_bilinear.h"

/* The coefficients of one relation, kept until another is asked for. Safe to release when zeroed. */
struct product_rest {
    uint32_t relation; /* + 1; 0: none */
    bool swapped;
    fr *coefficient; /* [groups][columns][sequence + span] */
    size_t count;
};

/*
 * *value = the coefficient that a FILL_REST element of a relation names.
 * Errors: STATUS_BAD_INPUT when there is no such relation or coefficient; STATUS_NO_MEMORY.
 */
enum status product_rest_get(struct product_rest *rest, fr *value,
                             const struct witness_source *source, uint32_t relation,
                             uint32_t element, struct diag *diag) SERTN_MUST_CHECK;

void product_rest_release(struct product_rest *rest);

#endif
