/* label: prover */
/*
 * What a setup proof says about the parameters: nothing beyond their ranges. README section 8.
 *
 * tau of the development SRS is known, so a proof can be made without any parameters. Tests: all of
 * an honest proof follows from [p], the [e_k] and the y_k; those are as random as if there were no
 * parameters, also beside any number of inference proofs.
 */
#include "backend/commit/srs_development.h"
#include "backend/plonk/blinding.h"
#include "backend/plonk/protocol.h"
#include "backend/poly/polynomial.h"
#include "tests/backend/plonk/setup_kit.h"
#include "tests/harness/harness.h"

#include <string.h>

enum { LG_ROWS = 5, ROWS = 1 << LG_ROWS, USABLE = ROWS - PLONK_GATED_ROWS, PROOF_BYTES = 8192 };

struct scene {
    struct built built;
    struct proved proved;
    struct setup_ranges ranges;
    struct ntt_domain domain;
    fr tau;
    uint8_t proof[PROOF_BYTES];
    size_t bytes;
};

static void random_fr(fr *r)
{
    uint8_t bytes[64];
    test_random_bytes(bytes, sizeof bytes);
    fr_from_wide_bytes_be(r, bytes);
}

static const uint8_t entropy[PLONK_ENTROPY_BYTES] = {7};

static void scene_init(struct scene *scene)
{
    static const struct setup_trial honest;
    struct diag diag = {0};
    bool holds;
    memset(scene, 0, sizeof *scene);
    built_init(&scene->built, LG_ROWS, 2);
    for (uint32_t row = 0; row < USABLE; row += 3)
        built_parameter(&scene->built, row % 2, row, (int64_t)row * 5 - 60, -100, 77 + row);
    proved_init(&scene->proved, &scene->built, PLONK_MODE_GAS);
    REQUIRE_OK(setup_ranges_init(&scene->ranges, &scene->built.circuit, &diag), &diag);
    REQUIRE_OK(ntt_domain_init(&scene->domain, LG_ROWS, &diag), &diag);
    srs_development_tau(&scene->tau);
    scene->bytes = setup_proof_bytes(&scene->ranges);
    REQUIRE(scene->bytes <= PROOF_BYTES);
    struct plonk_witness witness = built_witness(&scene->built);
    REQUIRE_OK(setup_prove_anything(scene->proof, &holds, &scene->built.circuit,
                                    &scene->proved.key.vk, test_srs(), witness.parameters,
                                    &scene->proved.tail, entropy, NULL, &honest, &diag),
               &diag);
    REQUIRE(holds);
}

static void scene_release(struct scene *scene)
{
    ntt_domain_release(&scene->domain);
    proved_release(&scene->proved);
    built_release(&scene->built);
}

/* *sum += [factor] point */
static void add_multiple(g1 *sum, const g1_affine *point, const fr *factor)
{
    g1 term;
    g1_mul(&term, point, factor);
    g1_add(sum, sum, &term);
}

static void lagrange_at(fr out[ROWS], const struct scene *scene, const fr *x)
{
    fr scratch[ROWS];
    ntt_domain_lagrange(&scene->domain, out, 0, ROWS, x, scratch);
}

/*
 * The constraints at tau as a point: F(tau) [1] = sum_j alpha^j [p_j] + G, where G follows from the
 * values of the bit columns at tau and is linear in each but for its square, which needs the
 * number.
 */
static void constraints_at_tau(g1 *out, const struct scene *scene, const struct setup_alpha *alpha,
                               const fr *bit_at_tau)
{
    fr lagrange[ROWS], value;
    lagrange_at(lagrange, scene, &scene->tau);
    setup_value_at(&value, &scene->ranges, alpha, lagrange, bit_at_tau);
    g1_mul(out, &g1_generator, &value);
    for (unsigned j = 0; j < 2; j++)
        add_multiple(out, &scene->proved.key.vk.parameters[j], &alpha->column[j]);
}

/*
 * Writes the proof that follows from [p], e_k(tau) and y_k. No parameter is read.
 */
static void simulate(uint8_t *proof, const struct scene *scene, const fr *bit_at_tau,
                     const fr *value)
{
    const struct plonk_verifying_key *vk = &scene->proved.key.vk;
    unsigned count = scene->ranges.count;
    struct transcript transcript;
    struct proof_writer writer;
    struct setup_alpha alpha;
    struct plonk_point point, at_tau;
    g1 sum, quotient;
    g1_affine affine, quotient_affine;
    fr challenge, eta, power = fr_one, t, lagrange[ROWS], rest;

    setup_proof_head(proof, &scene->ranges);
    proof_writer_init(&writer, proof + SETUP_HEAD_BYTES, scene->bytes - SETUP_HEAD_BYTES);
    transcript_init(&transcript, SETUP_DOMAIN);
    transcript_absorb_words(&transcript, "vk digest", vk->digest, 32);
    for (unsigned k = 0; k < count; k++) {
        g1_mul(&sum, &g1_generator, &bit_at_tau[k]);
        g1_to_affine(&affine, &sum);
        REQUIRE(transcript_write_point(&transcript, &writer, "bits", &affine.x, &affine.y));
    }
    transcript_squeeze(&transcript, "alpha", &challenge);
    setup_alpha_init(&alpha, &scene->ranges, &challenge);

    /* T(tau) = Z_off(tau) F(tau) / Z_H(tau) */
    plonk_point_init(&at_tau, &vk->layout, &scene->tau);
    constraints_at_tau(&sum, scene, &alpha, bit_at_tau);
    fr_inv(&t, &at_tau.zero_all);
    fr_mul(&t, &t, &at_tau.zero_tail);
    g1_to_affine(&affine, &sum);
    g1_mul(&quotient, &affine, &t);
    g1_to_affine(&quotient_affine, &quotient);
    REQUIRE(
        transcript_write_point(&transcript, &writer, "T", &quotient_affine.x, &quotient_affine.y));
    transcript_squeeze(&transcript, "xi", &challenge);
    plonk_point_init(&point, &vk->layout, &challenge);
    transcript_write_fr(&transcript, &writer, "evaluations", value, count);
    transcript_squeeze(&transcript, "eta", &eta);

    /* W(tau) (tau - xi) = sum_k eta^k (e_k(tau) - y_k) + eta^K (Q(tau) - q) */
    rest = fr_zero;
    for (unsigned k = 0; k < count; k++) {
        fr_sub(&t, &bit_at_tau[k], &value[k]);
        fr_mul(&t, &t, &power);
        fr_add(&rest, &rest, &t);
        fr_mul(&power, &power, &eta);
    }
    lagrange_at(lagrange, scene, &point.xi);
    setup_value_at(&t, &scene->ranges, &alpha, lagrange, value);
    fr_mul(&t, &t, &point.zero_tail);
    fr_mul(&t, &t, &power);
    fr_sub(&rest, &rest, &t);
    g1_mul(&sum, &g1_generator, &rest);
    fr_mul(&t, &power, &point.zero_all);
    add_multiple(&sum, &quotient_affine, &t);
    for (unsigned j = 0; j < 2; j++) {
        fr_mul(&t, &power, &point.zero_tail);
        fr_mul(&t, &t, &alpha.column[j]);
        fr_neg(&t, &t);
        add_multiple(&sum, &vk->parameters[j], &t);
    }
    fr_sub(&t, &scene->tau, &point.xi);
    fr_inv(&t, &t);
    g1_to_affine(&affine, &sum);
    g1_mul(&sum, &affine, &t);
    g1_to_affine(&affine, &sum);
    REQUIRE(transcript_write_point(&transcript, &writer, "W", &affine.x, &affine.y));
    REQUIRE(writer.used == writer.capacity);
}

TEST(a_proof_made_from_tau_and_commitments_alone_is_accepted)
{
    struct scene scene;
    struct diag diag = {0};
    fr bit_at_tau[SETUP_BITS_MAX], value[SETUP_BITS_MAX];
    uint8_t proof[PROOF_BYTES];
    scene_init(&scene);
    for (unsigned k = 0; k < scene.ranges.count; k++) {
        random_fr(&bit_at_tau[k]);
        random_fr(&value[k]);
    }
    simulate(proof, &scene, bit_at_tau, value);
    CHECK_STATUS(setup_check_proof(proof, &scene.ranges, &scene.proved.key.vk, test_srs(), &diag),
                 STATUS_OK, &diag);
    scene_release(&scene);
}

/* e_k(x) of the honest proof, from the bits and the blinders that its entropy gives. */
static void secrets_at(fr *out, const struct scene *scene, const fr *x)
{
    uint64_t bits[ROWS * KZG_BIT_WORDS(SETUP_BITS_MAX)];
    unsigned count = scene->ranges.count;
    struct plonk_blinding blinding;
    fr lagrange[ROWS], tail[SETUP_TAIL_ROWS], t;
    setup_kit_bits(bits, &scene->built, &scene->ranges);
    lagrange_at(lagrange, scene, x);
    plonk_blinding_init_setup(&blinding, entropy, &scene->proved.key.vk, bits,
                              ROWS * KZG_BIT_WORDS(count), &scene->proved.tail, 0);
    for (unsigned k = 0; k < count; k++) {
        out[k] = fr_zero;
        for (uint32_t row = 0; row < USABLE; row++)
            if (setup_kit_bit(bits, &scene->ranges, row, k))
                fr_add(&out[k], &out[k], &lagrange[row]);
        plonk_blinding_draw(&blinding, tail, SETUP_TAIL_ROWS);
        for (unsigned i = 0; i < SETUP_TAIL_ROWS; i++) {
            fr_mul(&t, &tail[i], &lagrange[USABLE + 1 + i]);
            fr_add(&out[k], &out[k], &t);
        }
    }
}

TEST(an_honest_proof_is_the_simulated_one_of_its_commitments_and_values)
{
    struct scene scene;
    fr bit_at_tau[SETUP_BITS_MAX], value[SETUP_BITS_MAX];
    uint8_t proof[PROOF_BYTES];
    scene_init(&scene);
    unsigned count = scene.ranges.count;
    const uint8_t *point = scene.proof + SETUP_HEAD_BYTES, *values = point + 64 * (count + 1);
    for (unsigned k = 0; k < count; k++) {
        REQUIRE(fr_from_bytes_be(&value[k], values + 32 * k));
        random_fr(&bit_at_tau[k]);
    }
    /* With other e_k(tau) it is another proof; so the comparison below can fail. */
    simulate(proof, &scene, bit_at_tau, value);
    CHECK(memcmp(proof, scene.proof, scene.bytes) != 0);

    secrets_at(bit_at_tau, &scene, &scene.tau);
    simulate(proof, &scene, bit_at_tau, value);
    CHECK_BYTES(proof, scene.proof, scene.bytes);
    scene_release(&scene);
}

/* ---- what all proofs together say ----------------------------------------------------------- */

/*
 * Linear facts that the published numbers fix about the parameters and their bits, by rank. The
 * unknowns: the U cells of p and its two tail rows; the U bits of each of BITS columns with their
 * tails; the tails of w in PROOFS proofs. Bits are unknowns of their own here, which only makes the
 * adversary stronger. Facts = rank of the view - rank of its random part.
 */
enum {
    BITS = 4,
    PROOFS = 12,
    OWN = USABLE,
    P_TAIL = OWN + BITS * USABLE, /* the random unknowns from here on */
    E_TAIL = P_TAIL + 2,
    W_TAIL = E_TAIL + BITS * SETUP_TAIL_ROWS,
    UNKNOWNS = W_TAIL + PROOFS * PLONK_TAIL_ROWS,
    VIEW_MAX = 2 + 2 * BITS + 3 * PROOFS
};

struct view {
    fr row[VIEW_MAX][UNKNOWNS];
    unsigned count;
};

static fr *add_fact(struct view *view)
{
    fr *row = view->row[view->count++];
    memset(row, 0, UNKNOWNS * sizeof *row);
    return row;
}

static unsigned rank_of(const struct view *view, unsigned first)
{
    static struct view work;
    unsigned rank = 0;
    work = *view;
    for (unsigned column = first; column < UNKNOWNS && rank < work.count; column++) {
        unsigned pivot = rank;
        while (pivot < work.count && fr_is_zero(&work.row[pivot][column]))
            pivot++;
        if (pivot == work.count)
            continue;
        for (unsigned j = first; j < UNKNOWNS; j++) {
            fr t = work.row[pivot][j];
            work.row[pivot][j] = work.row[rank][j];
            work.row[rank][j] = t;
        }
        fr inverse, factor, t;
        fr_inv(&inverse, &work.row[rank][column]);
        for (unsigned i = rank + 1; i < work.count; i++) {
            fr_mul(&factor, &work.row[i][column], &inverse);
            for (unsigned j = column; j < UNKNOWNS; j++) {
                fr_mul(&t, &factor, &work.row[rank][j]);
                fr_sub(&work.row[i][j], &work.row[i][j], &t);
            }
        }
        rank++;
    }
    return rank;
}

/* p(x): what [p] says at tau, and a proof that opened p would say at xi. */
static void add_parameter(struct view *view, const struct scene *scene, const fr *x)
{
    fr lagrange[ROWS], *row = add_fact(view);
    lagrange_at(lagrange, scene, x);
    memcpy(row, lagrange, USABLE * sizeof *row);
    memcpy(row + P_TAIL, lagrange + USABLE, 2 * sizeof *row);
}

static void add_bits(struct view *view, const struct scene *scene, const fr *x, unsigned tail_rows)
{
    fr lagrange[ROWS];
    lagrange_at(lagrange, scene, x);
    for (unsigned k = 0; k < BITS; k++) {
        fr *row = add_fact(view);
        memcpy(row + OWN + k * USABLE, lagrange, USABLE * sizeof *row);
        memcpy(row + E_TAIL + k * SETUP_TAIL_ROWS, lagrange + USABLE + 1, tail_rows * sizeof *row);
    }
}

static void add_copies(struct view *view, const struct scene *scene)
{
    for (unsigned proof = 0; proof < PROOFS; proof++) {
        fr xi, lagrange[ROWS];
        random_fr(&xi);
        for (unsigned at_tau = 0; at_tau < 2; at_tau++) {
            fr *row = add_fact(view);
            lagrange_at(lagrange, scene, at_tau ? &scene->tau : &xi);
            memcpy(row, lagrange, USABLE * sizeof *row);
            memcpy(row + W_TAIL + proof * PLONK_TAIL_ROWS, lagrange + USABLE + 1,
                   PLONK_TAIL_ROWS * sizeof *row);
        }
    }
}

static unsigned facts(const struct view *view)
{
    return rank_of(view, 0) - rank_of(view, P_TAIL);
}

TEST(setup_and_inference_proofs_together_say_nothing_about_parameters)
{
    static struct view view;
    struct scene scene;
    fr xi;
    scene_init(&scene);
    random_fr(&xi);
    view.count = 0;
    add_parameter(&view, &scene, &scene.tau);
    add_bits(&view, &scene, &scene.tau, SETUP_TAIL_ROWS);
    add_bits(&view, &scene, &xi, SETUP_TAIL_ROWS);
    add_copies(&view, &scene);
    CHECK_U64(facts(&view), 0);

    /* The measure finds what there is to find: columns with one random row each, opened once, say
     * one fact each; p opened at two points beside its commitment says one. */
    view.count = 0;
    add_bits(&view, &scene, &scene.tau, 1);
    add_bits(&view, &scene, &xi, 1);
    CHECK_U64(facts(&view), BITS);
    view.count = 0;
    add_parameter(&view, &scene, &scene.tau);
    add_parameter(&view, &scene, &xi);
    CHECK_U64(facts(&view), 0);
    random_fr(&xi);
    add_parameter(&view, &scene, &xi);
    CHECK_U64(facts(&view), 1);
    scene_release(&scene);
}
