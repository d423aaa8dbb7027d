/*
 * The one integer meaning of every relation.
 *
 * Computes all tensors of a relation program from inputs and parameters. The prover's witness,
 * `check` and the tests of every lowering rest on it. Values are computed in int64 while the proven
 * ranges fit, in 256 bits otherwise; the result is the same.
 */
#ifndef SERTN_IR_RELATION_INTERPRET_H
#define SERTN_IR_RELATION_INTERPRET_H

#include "ir/relation.h"

/*
 * Digests need a field, which ir does not know: the caller supplies the function.
 * Writes the digest of `count` packed values under `salt` as a non-negative integer. Errors are the
 * caller's.
 */
typedef enum status (*relation_digest_fn)(void *context, wide *digest, const wide *values,
                                          size_t count, wide low, wide high, wide salt,
                                          struct diag *diag);

struct relation_values {
    size_t tensor_count;
    bool *is_wide;    /* [tensor_count] */
    int64_t **narrow; /* [tensor_count], row-major; NULL when is_wide */
    wide **full;      /* [tensor_count], row-major; NULL when narrow */
};

/* Value of one element. Requires indices in range. */
wide relation_value(const struct relation_values *values, uint32_t tensor, size_t element);

/* Allocates storage in the arena; constants are filled, all else is zero. A tensor is narrow when
 * its range is within +-2^62. */
enum status relation_values_init(struct relation_values *values,
                                 const struct relation_program *program, struct arena *arena,
                                 struct diag *diag) SERTN_MUST_CHECK;
/* Sets an element of an input or parameter; false when it is outside the tensor's range. */
bool relation_value_set(struct relation_values *values, const struct relation_program *program,
                        uint32_t tensor, size_t element, wide value);

/*
 * Runs the relations in order. Inputs and parameters must be set. Every RANGE, TABLE domain, READ
 * index, assert and output range is checked on the way. Errors: STATUS_BAD_INPUT naming node,
 * tensor, element and value when an input drives a value out of its range; STATUS_REJECTED when an
 * assert fails.
 */
enum status relation_interpret(const struct relation_program *program,
                               struct relation_values *values, relation_digest_fn digest,
                               void *digest_context, struct diag *diag) SERTN_MUST_CHECK;

#endif
