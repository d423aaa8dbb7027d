/*
 * check for chains with held sums (README 1.5): whether the polynomial in rho and sigma that such a
 * chain computes is zero, and which monomial is not. Private to this folder.
 */
#ifndef SERTN_BACKEND_CHECK_HELD_H
#define SERTN_BACKEND_CHECK_HELD_H

#include "backend/check/explain.h"
#include "ir/support/arena.h"

/* A chain, first row to the row that ends it, and the values C of its rows. */
struct held_chain {
    const struct explain *explain;
    uint32_t first, last;
    const fr *gate; /* [last - first + 1] C without what the row takes from h */
};

/* Two random numbers at which chains are evaluated. */
struct held_point {
    fr rho, rho_inverse, sigma;
};

/* Draws a point. False when the operating system gives no randomness. */
bool held_point_draw(struct held_point *point);

/* Whether the chain is zero at the point: a chain that is not zero as a polynomial is with
 * probability below 2^-220. */
bool held_chain_is_zero(const struct held_chain *chain, const struct held_point *point);

/* A cell whose products do not add up to what it holds, and by how much. */
struct held_failure {
    uint32_t row;
    uint8_t column;
    fr excess;
};

/*
 * Finds the monomials that are not zero and names for each the cell that was stepped into it last:
 * at most `most` of them. Returns their number; 0 when there is no memory.
 */
size_t held_chain_failures(struct held_failure *failure, size_t most,
                           const struct held_chain *chain, struct arena *arena);

#endif
