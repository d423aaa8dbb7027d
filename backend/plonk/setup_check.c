/* The check of a setup proof: README section 8. */
#include "backend/plonk/setup_proof.h"

#include "backend/commit/kzg.h"
#include "backend/curve/msm.h"
#include "backend/plonk/protocol.h"
#include "backend/plonk/setup_rounds.h"
#include "backend/poly/polynomial.h"

#include <string.h>

/* The terms of the opening equation: the bit columns, T, [p1], [p2], [1], W. */
enum { TERMS_MAX = SETUP_BITS_MAX + CIRCUIT_PARAM_MAX + 3 };

struct checker {
    const struct setup_ranges *ranges;
    const struct plonk_verifying_key *vk;
    struct diag *diag;
    struct transcript transcript;
    struct proof_reader reader;
    struct setup_alpha alpha;
    struct plonk_point point;
    fr value; /* G(xi) */
    fr bit[SETUP_BITS_MAX];
    fr eta;
    g1_affine quotient, opening;
    g1_affine term[TERMS_MAX]; /* the bit columns first */
    fr factor[TERMS_MAX];
};

static enum status reject(const struct checker *checker, const char *reason)
{
    return diag_set(checker->diag, STATUS_REJECTED, "the setup proof is rejected: %s", reason);
}

static enum status read_point(struct checker *checker, const char *label, g1_affine *point)
{
    return transcript_read_point(&checker->transcript, &checker->reader, label, &point->x,
                                 &point->y, checker->diag);
}

static enum status read_proof(struct checker *checker)
{
    const struct setup_ranges *ranges = checker->ranges;
    enum status status = STATUS_OK;
    fr alpha, xi;
    transcript_init(&checker->transcript, SETUP_DOMAIN);
    transcript_absorb_words(&checker->transcript, "vk digest", checker->vk->digest, 32);
    for (unsigned k = 0; k < ranges->count && status == STATUS_OK; k++)
        status = read_point(checker, "bits", &checker->term[k]);
    if (status != STATUS_OK)
        return status;
    transcript_squeeze(&checker->transcript, "alpha", &alpha);
    setup_alpha_init(&checker->alpha, ranges, &alpha);
    status = read_point(checker, "T", &checker->quotient);
    if (status != STATUS_OK)
        return status;
    transcript_squeeze(&checker->transcript, "xi", &xi);
    plonk_point_init(&checker->point, &checker->vk->layout, &xi);
    if (fr_is_zero(&checker->point.zero_all))
        return reject(checker, "xi lies in the domain");
    status = transcript_read_fr(&checker->transcript, &checker->reader, "evaluations", checker->bit,
                                ranges->count, checker->diag);
    if (status != STATUS_OK)
        return status;
    transcript_squeeze(&checker->transcript, "eta", &checker->eta);
    status = read_point(checker, "W", &checker->opening);
    return status == STATUS_OK ? proof_reader_finish(&checker->reader, checker->diag) : status;
}

/* checker->value = G(xi). */
static enum status evaluate(struct checker *checker)
{
    const struct plonk_layout *layout = &checker->vk->layout;
    struct ntt_domain domain;
    struct arena arena = {0};
    enum status status = ntt_domain_init(&domain, layout->lg_rows, checker->diag);
    fr *lagrange = arena_array(&arena, fr, layout->rows);
    fr *scratch = arena_array(&arena, fr, layout->rows);
    if (status == STATUS_OK && (lagrange == NULL || scratch == NULL))
        status = arena_failure(&arena, layout->rows * sizeof *lagrange, "the setup proof",
                               checker->diag);
    if (status == STATUS_OK) {
        ntt_domain_lagrange(&domain, lagrange, 0, layout->rows, &checker->point.xi, scratch);
        setup_value_at(&checker->value, checker->ranges, &checker->alpha, lagrange, checker->bit);
    }
    arena_release(&arena);
    ntt_domain_release(&domain);
    return status;
}

/*
 * sum_k eta^k [e_k] + eta^K [Q] - (sum_k eta^k y_k + eta^K q) [1] + xi [W], with
 * [Q] = Z_H(xi) [T] - Z_off(xi) sum_j alpha^j [p_j] and q = Z_off(xi) G(xi).
 */
static void combine(g1_affine *out, struct checker *checker)
{
    const struct plonk_point *point = &checker->point;
    unsigned count = checker->ranges->count;
    fr power = fr_one, constant = fr_zero, t;
    for (unsigned k = 0; k < count; k++) {
        checker->factor[k] = power;
        fr_mul(&t, &power, &checker->bit[k]);
        fr_add(&constant, &constant, &t);
        fr_mul(&power, &power, &checker->eta);
    }
    fr_mul(&t, &point->zero_tail, &checker->value);
    fr_mul(&t, &t, &power);
    fr_add(&constant, &constant, &t);
    fr_mul(&checker->factor[count], &power, &point->zero_all);
    checker->term[count++] = checker->quotient;
    fr_mul(&power, &power, &point->zero_tail);
    fr_neg(&power, &power);
    for (unsigned j = 0; j < checker->vk->layout.param_columns; j++) {
        fr_mul(&checker->factor[count], &power, &checker->alpha.column[j]);
        checker->term[count++] = checker->vk->parameters[j];
    }
    fr_neg(&checker->factor[count], &constant);
    checker->term[count++] = g1_generator;
    checker->factor[count] = point->xi;
    checker->term[count++] = checker->opening;
    g1 sum;
    msm_g1_few(&sum, checker->term, checker->factor, count);
    g1_to_affine(out, &sum);
}

enum status setup_check_proof(const uint8_t *proof, const struct setup_ranges *ranges,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              struct diag *diag)
{
    uint8_t head[SETUP_HEAD_BYTES];
    struct srs_verifier verifier;
    g1_affine left;
    struct arena arena = {0};
    struct checker *checker = arena_new(&arena, struct checker);
    if (checker == NULL)
        return arena_failure(&arena, sizeof *checker, "the setup proof", diag);
    checker->ranges = ranges;
    checker->vk = vk;
    checker->diag = diag;
    setup_proof_head(head, ranges);
    enum status status = STATUS_OK;
    if (memcmp(proof, head, sizeof head) != 0)
        status = reject(checker, "it was made by another version, or for another circuit");
    proof_reader_init(&checker->reader, proof + sizeof head,
                      setup_proof_bytes(ranges) - sizeof head);
    if (status == STATUS_OK)
        status = read_proof(checker);
    if (status == STATUS_OK)
        status = evaluate(checker);
    if (status == STATUS_OK) {
        srs_verifier_init(&verifier, srs->origin, &srs->tau_g2);
        combine(&left, checker);
        if (!kzg_check(&verifier, &left, &checker->opening))
            status = reject(checker, "the opening equation does not hold");
    }
    arena_release(&arena);
    return status;
}

/* Recomputes the verifying key over its own parameter commitments. */
static enum status check_key(const struct circuit *circuit, const struct plonk_verifying_key *vk,
                             const struct srs *srs, struct machine *machine, struct diag *diag)
{
    struct plonk_verifying_key again;
    if (vk->layout.param_columns != circuit->param_columns)
        return diag_set(diag, STATUS_REJECTED, "the verifying key is not that of the circuit");
    enum status status =
        plonk_vk_make_over(&again, circuit, vk->layout.mode, srs, vk->parameters, machine, diag);
    if (status != STATUS_OK || memcmp(again.digest, vk->digest, sizeof vk->digest) == 0)
        return status;
    bool is_same_srs = memcmp(again.srs_digest, vk->srs_digest, sizeof vk->srs_digest) == 0;
    return diag_set(diag, STATUS_REJECTED, "the verifying key is not that of the circuit%s",
                    is_same_srs ? "" : ": it was made with another SRS");
}

enum status plonk_setup_check(const uint8_t *proof, size_t proof_bytes,
                              const struct circuit *circuit, const struct plonk_verifying_key *vk,
                              const struct srs *srs, struct machine *machine, struct diag *diag)
{
    struct setup_ranges ranges;
    enum status status = check_key(circuit, vk, srs, machine, diag);
    if (status == STATUS_OK)
        status = setup_ranges_init(&ranges, circuit, diag);
    if (status != STATUS_OK)
        return status;
    if (proof_bytes != setup_proof_bytes(&ranges))
        return diag_set(diag, STATUS_REJECTED,
                        "the setup proof has %zu bytes and the circuit asks for %zu", proof_bytes,
                        setup_proof_bytes(&ranges));
    if (proof_bytes == 0)
        return STATUS_OK;
    return setup_check_proof(proof, &ranges, vk, srs, diag);
}
