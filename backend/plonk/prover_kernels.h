/*
 * The prover's hot loops, one table of functions for each scalar path of the field. Private to this
 * folder.
 */
#ifndef SERTN_BACKEND_PLONK_PROVER_KERNELS_H
#define SERTN_BACKEND_PLONK_PROVER_KERNELS_H

#include "backend/field/field_limbs_adx.h"
#include "backend/plonk/constraints.h"
#include "backend/plonk/keys.h"

/* What rows 0..U-1 contribute to z, phi and s, the held sum left out. */
struct plonk_rows_job {
    const struct plonk_proving_key *key;
    const fr *value[PLONK_Z]; /* a1, a2, a3, w1, w2, m: values by row; null for a missing parameter
                                 column */
    const struct plonk_challenges *challenges;
    fr *ratio;  /* [U] z_(i+1) / z_i */
    fr *lookup; /* [U] phi_(i+1) - phi_i */
    fr *gate;   /* [U] C of the row */
};

/* Values of (MAIN + alpha PERM + alpha^2 LOOKUP [+ alpha^10 HOLD]) Z_off / Z_H on one coset of H,
 * in bit-reversed order, which transforms leave and take without moving anything. */
struct plonk_quotient_job {
    const fr *column[PLONK_COLUMNS]; /* values on the coset; null for zero. Ttag: the tuple of
                                        plonk_table_tuple; Tx, Ty unused */
    const fr *root; /* [n / 2]: points 2 i and 2 i + 1 are shift root[i] and -shift root[i] */
    size_t rows;
    fr shift;
    fr tail_root[PLONK_GATED_ROWS]; /* omega^U .. omega^(n-1) */
    fr zero_inverse;                /* 1 / Z_H on the coset, which is constant there */
    const struct plonk_challenges *challenges;
    struct plonk_shape shape;
    fr *out; /* [n] */
};

/* Where omega x stands among n points in bit-reversed order when x stands at i: one is added from
 * the top. */
static inline size_t plonk_next_point(size_t i, size_t n)
{
    size_t bit = n / 2;
    for (; i & bit; bit /= 2)
        i ^= bit;
    return i | bit;
}

/* Rows that share one inversion. */
enum { PLONK_ROWS_CHUNK = 64 };

struct plonk_kernels {
    /* Rows begin .. end - 1, end - begin <= PLONK_ROWS_CHUNK. Returns false when a denominator is
     * zero. */
    bool (*rows)(const struct plonk_rows_job *job, size_t begin, size_t end);
    void (*quotient)(const struct plonk_quotient_job *job, size_t begin, size_t end);
};

extern const struct plonk_kernels plonk_kernels_portable;
#if FIELD_BUILD_ADX
extern const struct plonk_kernels plonk_kernels_adx;
#endif

/* The quotient by array functions of the path in use: for paths whose arrays are wide. */
void plonk_quotient_vec(const struct plonk_quotient_job *job, size_t begin, size_t end);

/* The table of the path in use. */
const struct plonk_kernels *plonk_kernels(void);

#endif
