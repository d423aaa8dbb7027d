/*
 * A CONTRACT relation read as products of polynomials, so that a prover can check all of it at one
 * random point (backend/plonk/README.md, 1.5).
 *
 * One operand moves, the other stays. Every axis of the relation's index space is one of: group (an
 * output axis of both operands), position (an output axis of the moving one alone), column (an
 * output axis of the still one alone), inner (summed). A position axis o may have an inner axis k
 * as its kernel axis: the moving element then depends on p = step o + dilation k alone, as in a
 * convolution. p = step (o + shift(k)) + residue(k), so for each residue the elements form one
 * sequence, and the kernel element k meets it shifted:
 *
 *   Y[g, n](X) = sum over classes c, kernel elements k of c:  W[g, c, k, n] X^-shift(k) x[g, c](X)
 *
 * with a class for each combination of residues and of inner axes that are no kernel axes. Position
 * and shift are numbers in one mixed radix, so X is a single variable.
 *
 * Who calls it: passes/place_contract lays the rows, backend/witness computes the coefficients of
 * the products that are no outputs. Nothing is allocated.
 *
 * Source: C. Ju, H. Lee, H. Chung, J. Seo, S. Kim, "Efficient Sum-Check Protocol for Convolution",
 * IEEE Access 2021, for convolution as a product of polynomials.
 */
#ifndef SERTN_IR_RELATION_BILINEAR_H
#define SERTN_IR_RELATION_BILINEAR_H

#include "ir/relation.h"

enum bilinear_axis { BILINEAR_GROUP, BILINEAR_POSITION, BILINEAR_COLUMN, BILINEAR_INNER };

struct bilinear_form {
    const struct relation *relation;
    const struct relation_view *moving, *still;
    uint8_t kind[RELATION_RANK_MAX];   /* enum bilinear_axis */
    int8_t partner[RELATION_RANK_MAX]; /* position axis <-> its kernel axis; -1: none */
    /* of position axes: the element moves by unit p, p = step o + dilation k */
    int64_t unit[RELATION_RANK_MAX], step[RELATION_RANK_MAX], dilation[RELATION_RANK_MAX];
    int64_t shift_low[RELATION_RANK_MAX]; /* least floor(dilation k / step) */
    int64_t lanes[RELATION_RANK_MAX];     /* values of o + shift */
    int64_t weight[RELATION_RANK_MAX];    /* of a lane in the mixed radix */

    size_t groups, classes, columns;
    size_t kernels;  /* kernel elements of all residues together */
    size_t sequence; /* length of the sequence of a class: positions 0 .. sequence - 1 */
    size_t span;     /* largest shift; the products have sequence + span coefficients */
};

/*
 * Reads a relation with view 0 moving, or view 1 when swapped, and the kernel axes that make it
 * cheapest. The form borrows the relation. Returns false when it is no CONTRACT relation or not of
 * this shape: views are affine, every output axis moves an operand, every summed axis both.
 */
bool bilinear_form_init(struct bilinear_form *form, const struct relation *relation, bool swapped);

/* Rows that checking it takes, for `instances` relations over one still operand (1 when span > 0).
 */
size_t bilinear_form_rows(const struct bilinear_form *form, size_t instances);

/* Element of the moving tensor at a position of a class's sequence, or -1 for zero. */
int64_t bilinear_moving(const struct bilinear_form *form, const struct relation_view *moving,
                        size_t group, size_t class, size_t position);

/*
 * The kernel elements of a class in the order of their shifts. kernel and shift have room for
 * form->kernels numbers. Returns how many there are.
 */
size_t bilinear_kernels(const struct bilinear_form *form, size_t class, size_t *kernel,
                        size_t *shift);

/* Element of the still tensor for a kernel element of a class, or -1 for zero. */
int64_t bilinear_still(const struct bilinear_form *form, size_t group, size_t class, size_t kernel,
                       size_t column);

/*
 * Element of the output for coefficient i of the products, i = 0 .. sequence + span - 1: that of
 * position i - span. -1 when it belongs to no output.
 */
int64_t bilinear_output(const struct bilinear_form *form, size_t group, size_t column, size_t i);

#endif
