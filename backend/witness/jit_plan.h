/*
 * What a relation needs as native code: in which integers, over which loops.
 *
 * Knows no LLVM. A relation is taken when its kind has code in jit_emit and the proven ranges of
 * what it reads bound every partial sum and product below 2^254.
 */
#ifndef SERTN_BACKEND_WITNESS_JIT_PLAN_H
#define SERTN_BACKEND_WITNESS_JIT_PLAN_H

#include "ir/relation.h"
#include "ir/support/arena.h"

/* A relation of more views, or terms, makes a function that takes longer to compile than to
 * interpret. */
enum { JIT_VIEWS_MAX = 96 };

/* One view over the loops. */
struct jit_view {
    uint32_t tensor;
    const int64_t *list; /* source elements by row-major position, or NULL for an affine view */
    int64_t offset, stride[RELATION_RANK_MAX];
    bool is_bounded[RELATION_RANK_MAX]; /* zero outside low .. high - 1 on this loop */
    int64_t low[RELATION_RANK_MAX], high[RELATION_RANK_MAX];
    bool may_miss; /* some position has no element */
};

/*
 * Loops, outermost first. Neighbouring axes that every view walks through without a seam are one
 * loop, axes of one element are none.
 */
struct jit_plan {
    unsigned bits;        /* 64, 128 or 256: every step fits; 0: the relation is not taken */
    wide bound;           /* no step is larger in magnitude; below 2^(bits - 2) */
    unsigned rank, inner; /* loops; those from `inner` on run within one result */
    int64_t count[RELATION_RANK_MAX];
    struct jit_view *views; /* the relation's, term by term and factor by factor, then two more: */
    size_t view_count;      /* [view_count]: row-major position of the result, [view_count + 1]: of
                               the index space; both exist */
    size_t steps;           /* elements read: the measure of its work */
};

/* Fills a plan; views in the arena. plan->bits is 0 for what is not taken, or without memory. */
void jit_plan_relation(struct jit_plan *plan, const struct relation_program *program,
                       const struct relation *relation, struct arena *arena);

bool jit_is_one(wide a);
bool jit_is_power_of_two(wide a);

/* Elements a run of the relation reads. */
size_t jit_relation_steps(const struct relation *relation);

/* The larger magnitude of a tensor's range, at least 1; false when it leaves 254 bits. */
bool jit_magnitude(wide *magnitude, const struct relation_tensor *tensor);

#endif
