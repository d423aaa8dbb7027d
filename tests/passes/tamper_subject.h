/*
 * A placed program with an honest witness, and the means to fill in a dishonest one: what the
 * tampering of tamper_kit.h works on.
 */
#ifndef SERTN_TESTS_PASSES_TAMPER_SUBJECT_H
#define SERTN_TESTS_PASSES_TAMPER_SUBJECT_H

#include "backend/field/field.h"
#include "backend/witness/digest.h"
#include "backend/witness/fill.h"
#include "ir/circuit.h"
#include "ir/relation_interpret.h"
#include "tests/passes/tamper_kit.h"

struct subject {
    struct arena arena;
    struct relation_program program; /* prepared for placement */
    struct relation_program loose;   /* the same without ranges: what a cheat computes with */
    struct circuit circuit;
    struct relation_values values; /* honest */
    struct digest_traces traces;   /* of the values last filled in */
    const struct relation_values *source;
    fr *column[WITNESS_COLUMNS], *words;
    fr *honest[WITNESS_COLUMNS], *honest_words;
    uint32_t *parent; /* copy classes over cells row * 4 + column */
    bool *is_copied;  /* by cell */
    size_t most;      /* changes of each kind to try */
    struct tamper_count count;
};

/* Places the program; the case ends when the honest witness is none. */
void subject_init(struct subject *s, const struct relation_program *program,
                  const struct relation_values *given, size_t most);
void subject_release(struct subject *s);

/* Fills the columns from the values of a run of program or loose; false when a limb cannot hold
 * what it should. */
bool subject_fill(struct subject *s, const struct relation_program *program,
                  const struct relation_values *values);
bool subject_accepts(struct subject *s);
/* Whether the columns are the honest ones: a remainder moved by a multiple of its divisor, for one,
 * has the limbs it had. */
bool subject_is_honest(const struct subject *s);

/* The class of copied cells that a cell, row * 4 + column, is in. */
uint32_t subject_class(struct subject *s, uint32_t cell);

/* Inputs and parameters, of a program. */
void subject_copy_given(const struct relation_program *program, struct relation_values *to,
                        const struct relation_values *from);

#endif
