/* The shared half of prover and verifier. */
#include "backend/plonk/protocol.h"

#include "ir/support/status.h"

#include <string.h>

void plonk_absorb_statement(struct transcript *transcript, const uint8_t vk_digest[32],
                            const uint8_t context[32], const fr *words, size_t word_count)
{
    transcript_absorb_words(transcript, "vk digest", vk_digest, 32);
    transcript_absorb_words(transcript, "context", context, 32);
    transcript_absorb_u64(transcript, "word count", word_count);
    transcript_absorb_fr(transcript, "words", words, word_count);
}

static void fill_powers(fr *power, unsigned count, const fr *base)
{
    power[0] = fr_one;
    for (unsigned i = 1; i < count; i++)
        fr_mul(&power[i], &power[i - 1], base);
}

void plonk_squeeze_first(struct plonk_challenges *challenges, struct transcript *transcript,
                         const struct plonk_layout *layout)
{
    fr theta, three;
    transcript_squeeze(transcript, "rho", &challenges->rho);
    transcript_squeeze(transcript, "beta", &challenges->beta);
    transcript_squeeze(transcript, "gamma", &challenges->gamma);
    transcript_squeeze(transcript, "theta", &theta);
    transcript_squeeze(transcript, "chi", &challenges->chi);
    fill_powers(challenges->theta, 5, &theta);
    fr_from_u64(&three, 3);
    fr_inv(&challenges->third, &three);
    challenges->sigma = challenges->rho_square = challenges->rho_inverse = fr_zero;
    if (!layout->has_contraction)
        return;
    transcript_squeeze(transcript, "sigma", &challenges->sigma);
    fr_sqr(&challenges->rho_square, &challenges->rho);
    fr_inv(&challenges->rho_inverse, &challenges->rho); /* 0 for 0 */
}

void plonk_squeeze_alpha(struct plonk_challenges *challenges, struct transcript *transcript)
{
    fr alpha;
    transcript_squeeze(transcript, "alpha", &alpha);
    fill_powers(challenges->alpha, 11, &alpha);
}

void plonk_zero_tail(fr *out, const struct plonk_layout *layout, const fr *x)
{
    fr root, power, t;
    fr_root_of_unity(&root, layout->lg_rows);
    fr_pow_u64(&power, &root, layout->usable_rows);
    *out = fr_one;
    for (size_t row = layout->usable_rows; row < layout->rows; row++) {
        fr_sub(&t, x, &power);
        fr_mul(out, out, &t);
        fr_mul(&power, &power, &root);
    }
}

void plonk_zero_tail_coefficients(fr out[PLONK_GATED_ROWS + 1], const struct plonk_layout *layout)
{
    fr root, power, t;
    fr_root_of_unity(&root, layout->lg_rows);
    fr_pow_u64(&power, &root, layout->usable_rows);
    out[0] = fr_one;
    for (unsigned degree = 0; degree < PLONK_GATED_ROWS; degree++) {
        out[degree + 1] = fr_zero;
        for (unsigned k = degree + 2; k-- > 0;) {
            fr_mul(&t, &out[k], &power);
            fr_neg(&t, &t);
            if (k > 0)
                fr_add(&t, &t, &out[k - 1]);
            out[k] = t;
        }
        fr_mul(&power, &power, &root);
    }
}

void plonk_point_init(struct plonk_point *point, const struct plonk_layout *layout, const fr *xi)
{
    fr rows, t;
    point->xi = *xi;
    fr_root_of_unity(&point->omega, layout->lg_rows);
    fr_pow_u64(&point->omega_end, &point->omega, layout->usable_rows);
    point->xi_n = *xi;
    for (unsigned i = 0; i < layout->lg_rows; i++)
        fr_sqr(&point->xi_n, &point->xi_n);
    fr_sub(&point->zero_all, &point->xi_n, &fr_one);
    plonk_zero_tail(&point->zero_tail, layout, xi);

    fr_sub(&t, &point->omega, &fr_one);
    fr_mul(&point->denominator[0], &t, xi);
    fr_from_u64(&rows, layout->rows);
    fr_sub(&t, xi, &fr_one);
    fr_mul(&point->denominator[1], &rows, &t);
    fr_sub(&t, xi, &point->omega_end);
    fr_mul(&point->denominator[2], &rows, &t);
}

void plonk_public_value(fr *out, const fr *words, size_t word_count, const fr *rho)
{
    *out = fr_zero;
    for (size_t i = 0; i < word_count; i++) {
        fr_mul(out, out, rho);
        fr_add(out, out, &words[i]);
    }
}

static void gather_values(struct plonk_values *values, const struct plonk_layout *layout,
                          const fr *evaluations)
{
    memset(values, 0, sizeof *values);
    for (unsigned g = 0; g < layout->group_count; g++) {
        const struct plonk_group *group = &layout->group[g];
        const fr *first = evaluations + group->first_evaluation;
        for (unsigned i = 0; i < group->arity; i++) {
            values->at[group->column[i]] = first[i];
            if (group->rotated)
                values->next[group->column[i] - PLONK_Z] = first[group->arity + i];
        }
    }
}

/* scale (alpha^k (z - 1) + alpha^(k+1) phi [+ alpha^(k+2) (s - public)]) added to *sum. */
static void add_boundary(fr *sum, const fr *scale, const struct plonk_values *values,
                         const fr *alpha, const fr *public_value)
{
    fr total, t;
    fr_sub(&t, &values->at[PLONK_Z], &fr_one);
    fr_mul(&total, &t, &alpha[0]);
    fr_mul(&t, &values->at[PLONK_PHI], &alpha[1]);
    fr_add(&total, &total, &t);
    if (public_value != NULL) {
        fr_sub(&t, &values->at[PLONK_S], public_value);
        fr_mul(&t, &t, &alpha[2]);
        fr_add(&total, &total, &t);
    }
    fr_mul(&total, &total, scale);
    fr_add(sum, sum, &total);
}

void plonk_full_value(fr *out, const struct plonk_layout *layout, const struct plonk_point *point,
                      const struct plonk_challenges *challenges, const fr *evaluations,
                      const fr inverse[2], const fr *public_value)
{
    struct plonk_values values;
    gather_values(&values, layout, evaluations);
    fr table, sum, t, basis;
    plonk_table_tuple(&table, &values.at[PLONK_TTAG], &values.at[PLONK_TX], &values.at[PLONK_TY],
                      challenges);
    plonk_gated_value(&sum, &values, &table, &point->xi, challenges, plonk_shape_of(layout));
    for (unsigned j = 0; j < layout->param_columns; j++) {
        fr_mul(&t, &challenges->alpha[3 + j], &values.at[PLONK_W1 + j]);
        fr_add(&sum, &sum, &t);
    }
    fr_mul(&sum, &sum, &point->zero_tail);

    /* L_0(xi) = Z_H(xi) / (n (xi - 1)),  L_U(xi) = omega^U Z_H(xi) / (n (xi - omega^U)) */
    fr_mul(&basis, &point->zero_all, &inverse[0]);
    add_boundary(&sum, &basis, &values, &challenges->alpha[5], NULL);
    fr_mul(&basis, &point->zero_all, &inverse[1]);
    fr_mul(&basis, &basis, &point->omega_end);
    add_boundary(&sum, &basis, &values, &challenges->alpha[7], public_value);
    *out = sum;
}

void plonk_group_zeros(fr *zeros, fr *powers, const struct plonk_layout *layout,
                       const struct plonk_point *point, const fr *u)
{
    fr power[PLONK_ARITY_MAX + 1], rotated_xi, t;
    fill_powers(power, PLONK_ARITY_MAX + 1, u);
    fr_mul(&rotated_xi, &point->omega, &point->xi);
    for (unsigned g = 0; g <= layout->group_count; g++) {
        bool is_quotient = g == layout->group_count;
        unsigned arity = is_quotient ? 1 : layout->group[g].arity;
        fr_sub(&zeros[g], &power[arity], &point->xi);
        if (!is_quotient && layout->group[g].rotated) {
            fr_sub(&t, &power[arity], &rotated_xi);
            fr_mul(&zeros[g], &zeros[g], &t);
        }
        if (powers != NULL)
            powers[g] = power[arity];
    }
}

unsigned plonk_hint_factors(fr *factors, const struct plonk_layout *layout,
                            const struct plonk_point *point, const fr *zeros)
{
    unsigned count = 0;
    for (unsigned g = 1; g <= layout->group_count; g++)
        factors[count++] = zeros[g];
    for (unsigned i = 0; i < 3; i++)
        factors[count++] = point->denominator[i];
    ASSERT(count <= PLONK_FACTORS_MAX);
    return count;
}
