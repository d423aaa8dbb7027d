/*
 * Proven errors: how far the integers of a relation program may be from what the model says.
 *
 * Each tensor of a program stands for ideal numbers: those that the same expressions give in real
 * arithmetic, from the numbers that users put in and the numbers that the model stores. A bound of
 * a tensor holds for all its elements and for every witness that the circuit accepts, since it
 * rests on proven ranges. Sums and products are followed relation by relation here; a relation that
 * decides (a comparison, a table, a floor) says nothing of numbers near those it was given, so its
 * result is exact where its operands are, and has no bound elsewhere. Where a composition of such
 * relations stands for a continuous function, the lowering of the function states the bound
 * (passes/lower_bound.h). No number is made up: where nothing is proven there is a reason.
 *
 * All in units of the last place of the tensor, rounded upwards. Bounds depend on weights: they are
 * the owner's, and no part of a circuit.
 */
#ifndef SERTN_PASSES_ERROR_BOUND_H
#define SERTN_PASSES_ERROR_BOUND_H

#include "ir/relation.h"

/* Why a tensor has no bound. */
enum bound_gap {
    BOUND_UNKNOWN,  /* nothing was said of it */
    BOUND_PROVEN,   /* it has one */
    BOUND_DECISION, /* the node decides on inexact numbers */
    BOUND_ZERO,     /* the node takes computed numbers for 0 that are none */
    BOUND_NO_RULE,  /* the operator has no rule */
    BOUND_POLE,     /* as far as is proven, the exact operand may be one that has no result: a
                       divisor of 0, a logarithm of it */
    BOUND_SPECIAL,  /* NaN or infinity may stand for numbers */
    BOUND_OVERFLOW  /* the bound is no number of float64 */
};

struct error_bound {
    double least; /* integer >= least; no more than the range says, unless a lowering knows more */
    double most;  /* |integer| <= most, by the stored numbers as they are */
    double error; /* |integer - ideal| <= error; this and the next only where gap is BOUND_PROVEN */
    double ideal; /* |ideal| <= ideal */
    enum bound_gap gap;
    uint32_t node;     /* of the graph, where the gap comes from; RELATION_NONE for none */
    const wide *known; /* elements, when they are stored numbers; NULL otherwise; borrowed */
};

/* Arithmetic of numbers >= 0 that never rounds down. 0 is exact. */
double bound_add(double a, double b);
double bound_mul(double a, double b);
/* Requires: b > 0. */
double bound_div(double a, double b);
/* sqrt(a) */
double bound_root(double a);
/* |a|, not rounded down. */
double bound_of_wide(wide a);
/* a, not rounded up. */
double bound_below(wide a);
/* x 2^bits for x >= 0. */
double bound_scale(double x, int32_t bits);

bool bound_is_proven(const struct error_bound *bound);
/* Whether the integers are the ideal numbers. */
bool bound_is_exact(const struct error_bound *bound);
/* A bound of `error`, and |ideal| <= most + error; what is no number becomes BOUND_OVERFLOW. */
void bound_set(struct error_bound *bound, double error);
/* |integer| <= most and |ideal| <= ideal, so that the error is no more than both together. */
void bound_limit(struct error_bound *bound, double most, double ideal);
void bound_leave(struct error_bound *bound, enum bound_gap gap, uint32_t node);

/*
 * Fills in the outputs of a relation from the bounds of its operands. bounds: [tensor_count], one a
 * tensor of the program. Cost: one visit of each stored number of a CONTRACT.
 */
void bound_relation(struct error_bound *bounds, const struct relation_program *program,
                    const struct relation *relation);

#endif
