/*
 * The verifier: parse and absorb in the transcript's order, compute one linear combination of
 * points, one product of two pairings. README sections 2 to 4.
 */
#include "backend/plonk/verify.h"

#include "backend/commit/kzg.h"
#include "backend/curve/msm.h"
#include "backend/hash/keccak.h"
#include "backend/plonk/protocol.h"

#include <stdlib.h>
#include <string.h>

/* Points of the combination: all groups, T in parts, p1, p2, [1], W, W'. */
enum { POINTS_MAX = PLONK_GROUPS_MAX + PLONK_PARTS_MAX + CIRCUIT_PARAM_MAX + 3 };

struct verifier {
    struct plonk_verifying_key vk;
    struct diag *diag;
    struct transcript transcript;
    struct proof_reader reader;
    struct plonk_challenges challenges;
    struct plonk_point point;
    fr public_value;
    g1_affine group[PLONK_GROUPS_MAX];
    g1_affine quotient[PLONK_PARTS_MAX];
    g1_affine opening[2]; /* W, W' */
    fr evaluation[PLONK_EVALUATIONS_MAX];
    fr eta, u, hint;
};

static enum status reject(struct verifier *verifier, const char *reason)
{
    return diag_set(verifier->diag, STATUS_REJECTED, "the proof is rejected: %s", reason);
}

static enum status read_key(struct verifier *verifier, const struct plonk_claim *claim,
                            const struct srs_verifier *srs)
{
    uint8_t digest[32];
    struct diag reason = {0};
    keccak256(digest, claim->vk, claim->vk_bytes);
    if (memcmp(digest, claim->vk_digest, sizeof digest) != 0)
        return reject(verifier, "the verifying key is not the expected one");
    if (plonk_vk_parse(&verifier->vk, claim->vk, claim->vk_bytes, &reason) != STATUS_OK)
        return reject(verifier, reason.text);
    if (memcmp(verifier->vk.srs_digest, srs->digest, sizeof verifier->vk.srs_digest) != 0)
        return reject(verifier, "the verifying key was made with another SRS");
    if (claim->word_count != verifier->vk.word_count)
        return reject(verifier, "the number of public words is not the circuit's");
    if (claim->proof_bytes != verifier->vk.layout.proof_bytes)
        return reject(verifier, "the proof does not have the length of its circuit");
    return STATUS_OK;
}

/* Parses the words and starts the transcript with the statement. */
static enum status read_statement(struct verifier *verifier, fr *word,
                                  const struct plonk_claim *claim)
{
    for (size_t i = 0; i < claim->word_count; i++)
        if (!fr_from_bytes_be(&word[i], claim->words + FIELD_BYTES * i))
            return reject(verifier, "a public word is not below the modulus");
    transcript_init(&verifier->transcript, PLONK_DOMAIN);
    plonk_absorb_statement(&verifier->transcript, verifier->vk.digest, claim->context, word,
                           claim->word_count);
    proof_reader_init(&verifier->reader, claim->proof, claim->proof_bytes);
    return STATUS_OK;
}

static enum status read_points(struct verifier *verifier, const char *label, g1_affine *point,
                               size_t count)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = transcript_read_point(&verifier->transcript, &verifier->reader, label, &point[i].x,
                                       &point[i].y, verifier->diag);
    return status;
}

static enum status read_phase(struct verifier *verifier, enum plonk_phase phase, const char *label)
{
    const unsigned *first = verifier->vk.layout.phase_first;
    return read_points(verifier, label, &verifier->group[first[phase]],
                       first[phase + 1] - first[phase]);
}

static enum status read_proof(struct verifier *verifier, const fr *word, size_t word_count)
{
    const struct plonk_layout *layout = &verifier->vk.layout;
    fr xi;
    enum status status = read_phase(verifier, PLONK_PHASE_ADVICE, "phase 0");
    if (status != STATUS_OK)
        return status;
    plonk_squeeze_first(&verifier->challenges, &verifier->transcript, layout);
    plonk_public_value(&verifier->public_value, word, word_count, &verifier->challenges.rho);
    status = read_phase(verifier, PLONK_PHASE_CHALLENGE, "phase 1");
    if (status != STATUS_OK)
        return status;
    plonk_squeeze_alpha(&verifier->challenges, &verifier->transcript);
    status = read_points(verifier, "T", verifier->quotient, layout->quotient_parts);
    if (status != STATUS_OK)
        return status;
    transcript_squeeze(&verifier->transcript, "xi", &xi);
    plonk_point_init(&verifier->point, layout, &xi);
    status = transcript_read_fr(&verifier->transcript, &verifier->reader, "evaluations",
                                verifier->evaluation, layout->evaluation_count, verifier->diag);
    if (status != STATUS_OK)
        return status;
    transcript_squeeze(&verifier->transcript, "eta", &verifier->eta);
    status = read_points(verifier, "W", &verifier->opening[0], 1);
    if (status != STATUS_OK)
        return status;
    transcript_squeeze(&verifier->transcript, "u", &verifier->u);
    status = read_points(verifier, "W'", &verifier->opening[1], 1);
    if (status == STATUS_OK && !layout->has_contraction)
        status =
            proof_reader_fr(&verifier->reader, "inverse hint", &verifier->hint, verifier->diag);
    if (status == STATUS_OK)
        status = proof_reader_finish(&verifier->reader, verifier->diag);
    return status;
}

/* inverse[i] = 1 / factor[i] by the hint, or without one when it is null; false when the product is
 * zero or the hint is not its inverse. */
static bool invert_by_hint(fr *inverse, const fr *factor, unsigned count, const fr *hint)
{
    fr before[PLONK_FACTORS_MAX], product = fr_one, after;
    for (unsigned i = 0; i < count; i++) {
        before[i] = product;
        fr_mul(&product, &product, &factor[i]);
    }
    if (hint == NULL)
        fr_inv(&after, &product);
    else
        after = *hint;
    fr_mul(&product, &product, &after);
    if (!fr_is_one(&product))
        return false;
    for (unsigned i = count; i-- > 0;) {
        fr_mul(&inverse[i], &after, &before[i]);
        fr_mul(&after, &after, &factor[i]);
    }
    return true;
}

/* R_g(u): u_power = u^arity, spread = 1 / ((omega - 1) xi). */
static void remainder_at(fr *out, const struct verifier *verifier, const struct plonk_group *group,
                         const fr *u_power, const fr *spread)
{
    const fr *value = verifier->evaluation + group->first_evaluation;
    fr lambda, t;
    fr_sub(&lambda, u_power, &verifier->point.xi);
    fr_mul(&lambda, &lambda, spread);
    *out = fr_zero;
    for (unsigned i = group->arity; i-- > 0;) {
        fr term = value[i];
        if (group->rotated) {
            fr_sub(&t, &value[group->arity + i], &term);
            fr_mul(&t, &t, &lambda);
            fr_add(&term, &term, &t);
        }
        fr_mul(out, out, &verifier->u);
        fr_add(out, out, &term);
    }
}

/* The combination of points that the pairing equation needs. */
struct combination {
    g1_affine point[POINTS_MAX];
    fr scalar[POINTS_MAX];
    unsigned count;
};

static void add_term(struct combination *sum, const g1_affine *point, const fr *scalar)
{
    ASSERT(sum->count < POINTS_MAX);
    sum->point[sum->count] = *point;
    sum->scalar[sum->count++] = *scalar;
}

/* c [Q] = c (Z_H(xi) [T] + Z_off(xi) sum_j alpha^(3+j) [p_j]) */
static void add_quotient(struct combination *sum, const struct verifier *verifier, const fr *c)
{
    const struct plonk_layout *layout = &verifier->vk.layout;
    const struct plonk_point *point = &verifier->point;
    fr scalar;
    fr_mul(&scalar, c, &point->zero_all);
    for (unsigned k = 0; k < layout->quotient_parts; k++) {
        add_term(sum, &verifier->quotient[k], &scalar);
        fr_mul(&scalar, &scalar, &point->xi_n);
    }
    for (unsigned j = 0; j < layout->param_columns; j++) {
        fr_mul(&scalar, c, &point->zero_tail);
        fr_mul(&scalar, &scalar, &verifier->challenges.alpha[3 + j]);
        add_term(sum, &verifier->vk.parameters[j], &scalar);
    }
}

static enum status form_combination(struct combination *sum, struct verifier *verifier)
{
    const struct plonk_layout *layout = &verifier->vk.layout;
    const struct plonk_point *point = &verifier->point;
    if (fr_is_zero(&point->zero_all))
        return reject(verifier, "xi lies in the domain");
    if (layout->has_contraction && fr_is_zero(&verifier->challenges.rho))
        return reject(verifier, "rho is zero");
    fr zero[PLONK_GROUPS_MAX + 1], power[PLONK_GROUPS_MAX + 1];
    fr factor[PLONK_FACTORS_MAX], inverse[PLONK_FACTORS_MAX];
    plonk_group_zeros(zero, power, layout, point, &verifier->u);
    unsigned factors = plonk_hint_factors(factor, layout, point, zero);
    if (!invert_by_hint(inverse, factor, factors, layout->has_contraction ? NULL : &verifier->hint))
        return reject(verifier, "the inverse hint is wrong");
    const fr *spread = &inverse[layout->group_count];

    fr value, constant = fr_zero, power_of_eta = fr_one, c, t;
    plonk_full_value(&value, layout, point, &verifier->challenges, verifier->evaluation, spread + 1,
                     &verifier->public_value);
    unsigned first_fixed = layout->phase_first[PLONK_PHASE_FIXED];
    for (unsigned g = 0; g <= layout->group_count; g++) {
        c = power_of_eta;
        if (g > 0) {
            fr_mul(&c, &c, &zero[0]);
            fr_mul(&c, &c, &inverse[g - 1]);
        }
        if (g == layout->group_count) {
            add_quotient(sum, verifier, &c);
            t = value;
        } else {
            add_term(sum,
                     g < first_fixed ? &verifier->group[g] : &verifier->vk.fixed[g - first_fixed],
                     &c);
            remainder_at(&t, verifier, &layout->group[g], &power[g], spread);
        }
        fr_mul(&t, &t, &c);
        fr_add(&constant, &constant, &t);
        fr_mul(&power_of_eta, &power_of_eta, &verifier->eta);
    }
    fr_neg(&constant, &constant);
    add_term(sum, &g1_generator, &constant);
    fr_neg(&t, &zero[0]);
    add_term(sum, &verifier->opening[0], &t);
    add_term(sum, &verifier->opening[1], &verifier->u);
    return STATUS_OK;
}

/* e(A, [1]_2) = e(W', [tau]_2) */
static enum status check_pairing(struct verifier *verifier, const struct combination *sum,
                                 const struct srs_verifier *srs)
{
    g1 left;
    g1_affine affine;
    msm_g1_few(&left, sum->point, sum->scalar, sum->count);
    g1_to_affine(&affine, &left);
    if (kzg_check(srs, &affine, &verifier->opening[1]))
        return STATUS_OK;
    return reject(verifier, "the opening equation does not hold");
}

enum status plonk_verify(const struct plonk_claim *claim, const struct srs_verifier *srs,
                         struct diag *diag)
{
    struct verifier verifier = {.diag = diag};
    struct combination sum = {.count = 0};
    enum status status = read_key(&verifier, claim, srs);
    if (status != STATUS_OK)
        return status;
    fr *word = calloc(claim->word_count + 1, sizeof *word);
    if (word == NULL)
        return reject(&verifier, "there is no memory for its public words");
    status = read_statement(&verifier, word, claim);
    if (status == STATUS_OK)
        status = read_proof(&verifier, word, claim->word_count);
    if (status == STATUS_OK)
        status = form_combination(&sum, &verifier);
    if (status == STATUS_OK)
        status = check_pairing(&verifier, &sum, srs);
    free(word);
    return status;
}
