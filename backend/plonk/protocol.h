/*
 * What prover and verifier both compute: the transcript's order, the value of all constraints at
 * xi, the factors of the opening equation. README sections 2 to 4. Private to this folder and its
 * tests.
 */
#ifndef SERTN_BACKEND_PLONK_PROTOCOL_H
#define SERTN_BACKEND_PLONK_PROTOCOL_H

#include "backend/field/field.h"
#include "backend/hash/transcript.h"
#include "backend/plonk/constraints.h"
#include "backend/plonk/layout.h"

/* The domain string a transcript begins with. */
#define PLONK_DOMAIN "sertn-plonk-v1"

/* Absorbs what is being proved, first of all: vk digest, context, word count, words. */
void plonk_absorb_statement(struct transcript *transcript, const uint8_t vk_digest[32],
                            const uint8_t context[32], const fr *words, size_t word_count);

/* rho, beta, gamma, theta, chi, and sigma where there is h, after the phase-0 commitments. */
void plonk_squeeze_first(struct plonk_challenges *challenges, struct transcript *transcript,
                         const struct plonk_layout *layout);

/* alpha, after the phase-1 commitments. */
void plonk_squeeze_alpha(struct plonk_challenges *challenges, struct transcript *transcript);

/* Numbers that depend on the domain and xi alone. */
struct plonk_point {
    fr xi;
    fr omega;          /* root of order n */
    fr xi_n;           /* xi^n */
    fr zero_all;       /* Z_H(xi) = xi^n - 1 */
    fr zero_tail;      /* Z_off(xi) */
    fr omega_end;      /* omega^U */
    fr denominator[3]; /* (omega - 1) xi, n (xi - 1), n (xi - omega^U) */
};

/* Computes the point; xi may be anything, denominators may be zero. */
void plonk_point_init(struct plonk_point *point, const struct plonk_layout *layout, const fr *xi);

/* Z_off(x) = prod over j = U..n-1 of (x - omega^j). */
void plonk_zero_tail(fr *out, const struct plonk_layout *layout, const fr *x);

/* Z_off as coefficients, the lowest first. */
void plonk_zero_tail_coefficients(fr out[PLONK_GATED_ROWS + 1], const struct plonk_layout *layout);

/* Public value: sum of word_i rho^(count - 1 - i). */
void plonk_public_value(fr *out, const fr *words, size_t word_count, const fr *rho);

/*
 * The value of Full at xi without its terms in p1, p2: what Q opens to.
 * evaluations: in the layout's order. inverse: the inverses of point->denominator[1], [2].
 */
void plonk_full_value(fr *out, const struct plonk_layout *layout, const struct plonk_point *point,
                      const struct plonk_challenges *challenges, const fr *evaluations,
                      const fr inverse[2], const fr *public_value);

/*
 * Z_g(u) for every group and Q: zeros[g] for g <= group_count. powers, when not null, gets u^arity
 * of each.
 */
void plonk_group_zeros(fr *zeros, fr *powers, const struct plonk_layout *layout,
                       const struct plonk_point *point, const fr *u);

/* Most factors of the inverse hint's product: groups 1.., Q, three denominators. */
enum { PLONK_FACTORS_MAX = PLONK_GROUPS_MAX + 3 };

static inline struct plonk_shape plonk_shape_of(const struct plonk_layout *layout)
{
    return (struct plonk_shape){layout->param_columns, layout->has_contraction};
}

/* The factors of P, in the order of README section 3. Returns their number. */
unsigned plonk_hint_factors(fr *factors, const struct plonk_layout *layout,
                            const struct plonk_point *point, const fr *zeros);

#endif
