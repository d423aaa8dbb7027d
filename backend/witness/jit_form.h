/*
 * What of a relation is code, and what is data.
 *
 * Relations of one form run the same native function: the rounds of an unrolled Loop, Scan or
 * recurrent cell, the trees of an ensemble. Code are the kind, the integers computed in, loops,
 * strides, and which views show the same tensor. Data are the tensors themselves, the offsets and
 * lists of views, and numbers (coefficients, divisors, ranges, tables), which the function is
 * given. So a body is compiled once, however often it is written out.
 *
 * Knows no LLVM.
 */
#ifndef SERTN_BACKEND_WITNESS_JIT_FORM_H
#define SERTN_BACKEND_WITNESS_JIT_FORM_H

#include "backend/witness/jit_plan.h"
#include "ir/support/buffer.h"

/* Tensors of one relation: those of its views, its results, and the memory it reads. */
enum { JIT_TENSORS_MAX = JIT_VIEWS_MAX + TABLE_OUTPUT_MAX + 1 };

/* Where the numbers of a relation stand. Pointers stand in the first limb. */
enum jit_number {
    NUMBER_CONSTANT,
    NUMBER_DIVISOR,
    NUMBER_HALF,  /* floor(divisor / 2) */
    NUMBER_MASK,  /* divisor - 1 */
    NUMBER_SHIFT, /* log2 of a divisor that is a power of two */
    NUMBER_FIRST, /* least and greatest argument of a TABLE, index of a READ */
    NUMBER_LAST,
    NUMBER_TABLE,                                 /* its columns */
    NUMBER_LOW = NUMBER_TABLE + TABLE_OUTPUT_MAX, /* ranges of the results, or of a RANGE */
    NUMBER_HIGH = NUMBER_LOW + TABLE_OUTPUT_MAX,
    NUMBER_OFFSET = NUMBER_HIGH + TABLE_OUTPUT_MAX /* of view 0, of view 1, ... */
};

struct jit_form {
    const uint32_t *tensors; /* [tensor_count], each once */
    size_t tensor_count;
    const wide *numbers;
};

/* How a value is held to its range. */
struct jit_check {
    bool is_bad;    /* no value is inside */
    bool low, high; /* the bound may be passed */
};

/* How result `k`, or the operand of a RANGE, is held to its range. */
struct jit_check jit_check_of(const struct relation_program *program,
                              const struct relation *relation, const struct jit_plan *plan,
                              unsigned k);

/* List of view v; coefficient of term k. */
size_t jit_list_number(const struct jit_plan *plan, size_t v);
size_t jit_coefficient_number(const struct jit_plan *plan, size_t k);

/*
 * The form of a relation, in the arena; false without memory. code: cleared, then what its function
 * depends on, equal for relations that share one. Requires: a plan with bits.
 */
bool jit_form_make(struct jit_form *form, struct buffer *code,
                   const struct relation_program *program, const struct relation *relation,
                   const struct jit_plan *plan, struct arena *arena);

/* The relations of a program by form. */
struct jit_group {
    uint32_t first;   /* the first relation of the form */
    uint32_t members; /* how many there are */
    double steps;     /* of all of them */
    const uint8_t *code;
    size_t code_bytes;
    uint64_t hash;
};

struct jit_groups {
    struct jit_group *item; /* [count] */
    size_t count;
    uint32_t *of;           /* [relation_count] index, RELATION_NONE for what has no code */
    struct jit_form *forms; /* [relation_count] */
};

/* Everything in the arena; false without memory. */
bool jit_groups_find(struct jit_groups *groups, const struct relation_program *program,
                     struct arena *arena);

#endif
