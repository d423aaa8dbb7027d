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

/* Whether a tensor's values are kept in int64: its range is within +-2^62. */
bool relation_tensor_is_narrow(const struct relation_tensor *tensor);

/* Allocates storage in the arena; constants are filled, all else is zero. */
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

/*
 * A faster way to run some relations, native code for instance. `run` computes the outputs of
 * relation `index` and returns whether every check of the interpreter would pass; values are then
 * those of the interpreter, bit by bit. After false (a relation it does not take, a value out of
 * range) its outputs may hold anything, and the interpreter runs the relation, which words the
 * refusal.
 */
struct relation_evaluator {
    bool (*run)(void *context, size_t index, struct relation_values *values);
    void *context;
};

/* relation_interpret with an evaluator, which may be NULL. */
enum status relation_evaluate(const struct relation_program *program,
                              struct relation_values *values,
                              const struct relation_evaluator *evaluator, relation_digest_fn digest,
                              void *digest_context, struct diag *diag) SERTN_MUST_CHECK;

#endif
