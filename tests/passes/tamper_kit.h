/*
 * Holds the circuit of a lowered program to the program: every cell of a small witness changed by
 * itself, every copied value changed everywhere, every result of a relation replaced with all that
 * follows from it computed anew, inputs inside and outside their ranges. `check` must reject each
 * change, and accept exactly what the interpreter accepts.
 *
 * The tests of lowering call it for each operator, so a new operator comes with these tests.
 */
#ifndef SERTN_TESTS_PASSES_TAMPER_KIT_H
#define SERTN_TESTS_PASSES_TAMPER_KIT_H

#include "tests/passes/lower_kit.h"

/* As many changes as a quick test can afford, none where a program is large; as many as a slow test
 * can, which is all where a program is small. */
#define TAMPER_SOME ((size_t)0)
#define TAMPER_MANY (SIZE_MAX - 1)

/* How many changes were tried and rejected. */
struct tamper_count {
    size_t cells;   /* one cell */
    size_t classes; /* all cells of a copied value */
    size_t results; /* a relation's result, what follows computed from it */
    size_t inputs;  /* other inputs: accepted by both or rejected by both */
};

/*
 * Places the kit's program and tampers with its witness on `inputs`. About `most` changes of
 * each kind are tried, chosen at random; SIZE_MAX tries all. The case fails for every change that
 * goes unnoticed.
 * Requires: kit_run.
 */
struct tamper_count kit_tamper_circuit(struct kit *kit, const struct tensor *const *inputs,
                                       size_t most);

/* The same for a program by itself, with the values of its inputs and parameters set. */
struct tamper_count tamper_program(const struct relation_program *program,
                                   const struct relation_values *given, size_t most);

#endif
