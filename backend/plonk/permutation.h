/*
 * The copy constraint as a permutation of cells. PLONK, eprint 2019/953, section 5.
 *
 * Cells are numbered column * n + row over a1, a2, a3. Each class of cells joined by copies is one
 * cycle of sigma; every other cell, the tail rows among them, maps to itself.
 */
#ifndef SERTN_BACKEND_PLONK_PERMUTATION_H
#define SERTN_BACKEND_PLONK_PERMUTATION_H

#include "backend/field/field.h"
#include "ir/circuit.h"

#include <stdbool.h>
#include <stdint.h>

/* Fills sigma, 3 n entries. scratch has 3 n entries. */
void plonk_permutation_build(uint32_t *sigma, const struct circuit *circuit, uint32_t *scratch);

/*
 * Whether two advice columns are equal in every row of every witness, by the circuit alone: the
 * cells of a row are copies of one another, or neither is copied nor filled, and so zero. Only
 * short classes are searched: a "no" may be wrong, a "yes" never is.
 */
bool plonk_permutation_twins(const struct circuit *circuit, const uint32_t *sigma, unsigned a,
                             unsigned b);

/* K_j omega^i of the cell column * n + row; omega has n powers, in natural order. */
void plonk_permutation_label(fr *out, uint32_t cell, unsigned lg_rows, const fr *omega);

#endif
