/*
 * Verifying ceremonies. See ceremony.h.
 */
#include "backend/commit/ceremony_parts.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/msm.h"
#include "backend/curve/mul_each.h"
#include "backend/curve/pairing.h"
#include "backend/field/system_random.h"

/* ---- contributions -------------------------------------------------------------------------- */

/* Sides of equations e(a, d) = e(b, c) of one contribution: proofs, and what follows the one
 * before. */
enum { EQUATIONS = 8 };

static const char *const equation_name[EQUATIONS] = {
    "the proof of tau",
    "the proof of alpha",
    "the proof of beta",
    "tau in G1, which does not follow from the contribution before",
    "tau in G2, which does not follow from the contribution before",
    "alpha in G1, which does not follow from the contribution before",
    "beta in G1, which does not follow from the contribution before",
    "beta in G2, which does not follow from the contribution before",
};

struct equations {
    g1_affine a[EQUATIONS], b[EQUATIONS];
    g2_affine c[EQUATIONS], d[EQUATIONS];
};

static void set_equations(struct equations *e, const struct ceremony_contribution *now,
                          const struct ceremony_powers *before,
                          const uint8_t challenge[CEREMONY_HASH_BYTES])
{
    g2_affine q[CEREMONY_SECRETS];
    const struct ceremony_proof *proof = now->proof;
    const struct ceremony_powers *after = &now->after;
    for (int i = 0; i < CEREMONY_SECRETS; i++) {
        ceremony_proof_base(&q[i], (enum ceremony_secret)i, challenge, &proof[i].s, &proof[i].sx);
        e->a[i] = proof[i].s;
        e->b[i] = proof[i].sx;
        e->c[i] = q[i];
        e->d[i] = proof[i].qx;
    }
    const struct {
        const g1_affine *a, *b;
        const g2_affine *c, *d;
    } rest[EQUATIONS - CEREMONY_SECRETS] = {
        {&before->tau_g1, &after->tau_g1, &q[CEREMONY_TAU], &proof[CEREMONY_TAU].qx},
        {&proof[CEREMONY_TAU].s, &proof[CEREMONY_TAU].sx, &before->tau_g2, &after->tau_g2},
        {&before->alpha_g1, &after->alpha_g1, &q[CEREMONY_ALPHA], &proof[CEREMONY_ALPHA].qx},
        {&before->beta_g1, &after->beta_g1, &q[CEREMONY_BETA], &proof[CEREMONY_BETA].qx},
        {&proof[CEREMONY_BETA].s, &proof[CEREMONY_BETA].sx, &before->beta_g2, &after->beta_g2},
    };
    for (int i = CEREMONY_SECRETS; i < EQUATIONS; i++) {
        e->a[i] = *rest[i - CEREMONY_SECRETS].a;
        e->b[i] = *rest[i - CEREMONY_SECRETS].b;
        e->c[i] = *rest[i - CEREMONY_SECRETS].c;
        e->d[i] = *rest[i - CEREMONY_SECRETS].d;
    }
}

/* Checks equations first .. first + count - 1 at once: the product of e(r_i a_i, d_i) e(-r_i b_i,
 * c_i) for random r_i below 2^128. */
static enum status check_equations(bool *holds, const struct equations *e, int first, int count,
                                   struct diag *diag)
{
    g1_affine p[2 * EQUATIONS];
    g2_affine q[2 * EQUATIONS];
    fr random[EQUATIONS];
    if (!ptau_random_scalars(random, (size_t)count))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    for (int i = 0; i < count; i++) {
        g1 product;
        g1_mul(&product, &e->a[first + i], &random[i]);
        g1_to_affine(&p[2 * i], &product);
        g1_mul(&product, &e->b[first + i], &random[i]);
        g1_neg(&product, &product);
        g1_to_affine(&p[2 * i + 1], &product);
        q[2 * i] = e->d[first + i];
        q[2 * i + 1] = e->c[first + i];
    }
    *holds = pairing_check(p, q, (size_t)(2 * count));
    return STATUS_OK;
}

static bool is_good_g1(const g1_affine *p)
{
    return !g1_affine_is_infinity(p) && g1_affine_is_on_curve(p);
}

static bool is_good_g2(const g2_affine *p)
{
    return !g2_affine_is_infinity(p) && g2_affine_in_group(p);
}

static bool has_good_points(const struct ceremony_contribution *c)
{
    bool good = is_good_g1(&c->after.tau_g1) && is_good_g1(&c->after.alpha_g1) &&
                is_good_g1(&c->after.beta_g1) && is_good_g2(&c->after.tau_g2) &&
                is_good_g2(&c->after.beta_g2);
    for (int i = 0; i < CEREMONY_SECRETS; i++)
        good = good && is_good_g1(&c->proof[i].s) && is_good_g1(&c->proof[i].sx) &&
               is_good_g2(&c->proof[i].qx);
    return good;
}

struct contributions_job {
    const struct ceremony *ceremony;
    uint8_t first_challenge[CEREMONY_HASH_BYTES];
    struct diag *diag;   /* one for each contribution */
    enum status *status; /* the same */
};

static enum status reject(const struct ceremony *ceremony, size_t number, const char *what,
                          struct diag *diag)
{
    return diag_set(diag, STATUS_REJECTED, "%s: contribution %zu is false: %s", ceremony->path,
                    number + 1, what);
}

static enum status check_beacon(const struct ceremony *ceremony, size_t number,
                                const uint8_t challenge[CEREMONY_HASH_BYTES], struct diag *diag)
{
    const struct ceremony_contribution *c = &ceremony->contribution[number];
    uint8_t seed[CEREMONY_SEED_BYTES];
    struct ceremony_key key;
    if (c->lg_rounds > CEREMONY_MOST_LG_ROUNDS)
        return diag_set(diag, STATUS_LIMIT,
                        "%s: contribution %zu is a beacon of 2^%u rounds; at most 2^%u are checked",
                        ceremony->path, number + 1, c->lg_rounds, CEREMONY_MOST_LG_ROUNDS);
    ceremony_beacon_seed(seed, c->beacon, c->beacon_bytes, c->lg_rounds);
    ceremony_key_from_seed(&key, seed, challenge);
    for (int i = 0; i < CEREMONY_SECRETS; i++) {
        if (!g1_affine_eq(&key.proof[i].s, &c->proof[i].s) ||
            !g1_affine_eq(&key.proof[i].sx, &c->proof[i].sx) ||
            !g2_affine_eq(&key.proof[i].qx, &c->proof[i].qx))
            return reject(ceremony, number, "its key does not come from its beacon", diag);
    }
    return STATUS_OK;
}

static enum status check_contribution(const struct contributions_job *job, size_t number,
                                      struct diag *diag)
{
    const struct ceremony *ceremony = job->ceremony;
    const struct ceremony_contribution *c = &ceremony->contribution[number];
    struct ceremony_powers start = {g1_generator, g1_generator, g1_generator, g2_generator,
                                    g2_generator};
    const struct ceremony_powers *before = number > 0 ? &c[-1].after : &start;
    const uint8_t *challenge = number > 0 ? c[-1].next_challenge : job->first_challenge;
    struct equations e;
    bool holds = false;
    if (!has_good_points(c))
        return reject(ceremony, number, "a point of it is not in its group", diag);
    set_equations(&e, c, before, challenge);
    enum status status = check_equations(&holds, &e, 0, EQUATIONS, diag);
    if (status == STATUS_OK && holds)
        return c->is_beacon ? check_beacon(ceremony, number, challenge, diag) : STATUS_OK;
    for (int i = 0; i < EQUATIONS && status == STATUS_OK; i++) {
        status = check_equations(&holds, &e, i, 1, diag);
        if (status == STATUS_OK && !holds)
            return reject(ceremony, number, equation_name[i], diag);
    }
    return status == STATUS_OK ? reject(ceremony, number, "its proofs", diag) : status;
}

static void contributions_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct contributions_job *job = ctx;
    (void)worker;
    for (size_t i = begin; i < end; i++)
        job->status[i] = check_contribution(job, i, &job->diag[i]);
}

static enum status check_contributions(const struct ceremony *ceremony, struct machine *machine,
                                       struct diag *diag)
{
    struct contributions_job job = {.ceremony = ceremony};
    job.diag = calloc(ceremony->count, sizeof *job.diag);
    job.status = calloc(ceremony->count, sizeof *job.status);
    enum status status = STATUS_OK;
    if (job.diag == NULL || job.status == NULL) {
        status =
            diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu contributions", ceremony->count);
    } else {
        ceremony_first_challenge(job.first_challenge, ceremony->ceremony_power);
        machine_parallel_for(machine, ceremony->count, 1, contributions_task, &job);
        for (size_t i = 0; i < ceremony->count && status == STATUS_OK; i++) {
            if (job.status[i] != STATUS_OK)
                status = diag_set(diag, job.status[i], "%s", job.diag[i].text);
        }
    }
    free(job.diag);
    free(job.status);
    return status;
}

/* ---- powers --------------------------------------------------------------------------------- */

struct powers_job {
    const struct ceremony *ceremony;
    struct machine *machine;
    const struct ceremony_progress *progress;
    struct blake2b hash;
    void *points;          /* CEREMONY_CHUNK + 1 of G2 */
    uint8_t *bytes;        /* the same */
    fr *scalar;            /* for G1 */
    uint64_t (*random)[2]; /* for G2 */
    size_t *bad;           /* for each piece of a chunk of G1: the first bad point */
    double done, all;
};

#define PIECE 1024

static void g1_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct powers_job *job = ctx;
    const g1_affine *point = job->points;
    (void)worker;
    job->bad[begin / PIECE] = SIZE_MAX;
    for (size_t i = end; i-- > begin;) {
        if (!is_good_g1(&point[i]))
            job->bad[begin / PIECE] = i;
    }
}

/* Checks each point of a chunk by itself. */
static enum status check_chunk(struct powers_job *job, int id, uint64_t at, size_t n,
                               struct diag *diag)
{
    size_t bad = n;
    enum status status = STATUS_OK;
    if (ceremony_point_bytes(id) == G2_BYTES) {
        status = g2_find_outsider(&bad, job->points, n, job->machine, diag);
    } else {
        machine_parallel_for(job->machine, n, PIECE, g1_task, job);
        for (size_t i = 0; i * PIECE < n; i++)
            bad = job->bad[i] < bad ? job->bad[i] : bad;
    }
    if (status == STATUS_OK && bad < n)
        status = diag_set(diag, STATUS_REJECTED, "%s: point %llu of section %d is not in its group",
                          job->ceremony->path, (unsigned long long)(at + bad), id);
    return status;
}

/* low += sum r_i P_i, high += sum r_i P_(i+1) over n pairs of neighbours, r_i new random numbers.
 */
static enum status sum_g1(struct powers_job *job, g1 *low, g1 *high, size_t n, struct diag *diag)
{
    static const struct msm_bases plain = {.levels = 1};
    const g1_affine *point = job->points;
    void *scratch = machine_borrow(job->machine, msm_scratch_bytes(&plain, n, 0, job->machine));
    enum status status = STATUS_OK;
    if (scratch == NULL) {
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the checks of a ceremony");
    } else if (!ptau_random_scalars(job->scalar, n)) {
        status = diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    } else {
        g1 sum;
        msm_g1(&sum, point, job->scalar, n, job->machine, scratch);
        g1_add(low, low, &sum);
        msm_g1(&sum, point + 1, job->scalar, n, job->machine, scratch);
        g1_add(high, high, &sum);
    }
    machine_give_back(job->machine, scratch);
    return status;
}

static enum status sum_g2(struct powers_job *job, g2 *low, g2 *high, size_t n, struct diag *diag)
{
    g2 sum[2];
    if (!system_random_fill(job->random, n * sizeof *job->random))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    enum status status = g2_sum_shifted(sum, 2, job->points, (const uint64_t(*)[2])job->random, n,
                                        job->machine, diag);
    if (status == STATUS_OK) {
        g2_add(low, low, &sum[0]);
        g2_add(high, high, &sum[1]);
    }
    return status;
}

/* Sums of neighbours of a section, its points checked and hashed. */
struct section_sums {
    g1 low, high;
    g2 low_g2, high_g2;
};

static enum status sum_section(struct section_sums *sums, struct powers_job *job, int id,
                               struct diag *diag)
{
    size_t bytes = ceremony_point_bytes(id);
    uint64_t count = ceremony_section_points(id, job->ceremony->power);
    enum status status = STATUS_OK;
    memset(sums, 0, sizeof *sums); /* infinity */
    for (uint64_t at = 0; at < count && status == STATUS_OK; at += CEREMONY_CHUNK) {
        size_t n = count - at < CEREMONY_CHUNK ? (size_t)(count - at) : CEREMONY_CHUNK;
        size_t pairs = at + n < count ? n : n - 1;
        if (!ceremony_read_points(job->points, &job->ceremony->section[id], id, at, pairs + 1))
            return diag_set(diag, STATUS_REJECTED,
                            "%s: section %d has a coordinate that is not below the modulus",
                            job->ceremony->path, id);
        status = check_chunk(job, id, at, n, diag);
        if (status == STATUS_OK && pairs > 0)
            status = bytes == G2_BYTES ? sum_g2(job, &sums->low_g2, &sums->high_g2, pairs, diag)
                                       : sum_g1(job, &sums->low, &sums->high, pairs, diag);
        ceremony_points_to_bytes(job->bytes, job->points, id, n, false, job->machine);
        blake2b_update(&job->hash, job->bytes, n * bytes);
        job->done += (double)(n * bytes);
        ceremony_report(job->progress, "verify", job->done / job->all);
    }
    return status;
}

/* e(high, [1]_2) = e(low, [tau]_2), or for G2 e([1]_1, high) = e([tau]_1, low). */
static bool has_ratio(const struct section_sums *sums, int id, const struct ceremony_powers *last)
{
    g1_affine p[2];
    g2_affine q[2];
    if (ceremony_point_bytes(id) == G2_BYTES) {
        p[0] = last->tau_g1;
        g1_affine_neg(&p[1], &g1_generator);
        g2_to_affine(&q[0], &sums->low_g2);
        g2_to_affine(&q[1], &sums->high_g2);
    } else {
        g1 minus;
        g1_to_affine(&p[0], &sums->low);
        g1_neg(&minus, &sums->high);
        g1_to_affine(&p[1], &minus);
        q[0] = last->tau_g2;
        q[1] = g2_generator;
    }
    return pairing_check(p, q, 2);
}

/* Whether the first points of a section are what the last contribution says. */
static bool has_first_points(const struct ceremony *ceremony, int id,
                             const struct ceremony_powers *last)
{
    g1_affine p[2] = {{{{0}}, {{0}}}};
    g2_affine q[2] = {{{{{0}}, {{0}}}, {{{0}}, {{0}}}}};
    size_t n = id == PTAU_G1 || id == PTAU_G2 ? 2 : 1;
    bool is_g2 = ceremony_point_bytes(id) == G2_BYTES;
    if (!ceremony_read_points(is_g2 ? (void *)q : (void *)p, &ceremony->section[id], id, 0, n))
        return false;
    switch (id) {
    case PTAU_G1:
        return g1_affine_eq(&p[0], &g1_generator) && g1_affine_eq(&p[1], &last->tau_g1);
    case PTAU_G2:
        return g2_affine_eq(&q[0], &g2_generator) && g2_affine_eq(&q[1], &last->tau_g2);
    case PTAU_ALPHA_G1:
        return g1_affine_eq(&p[0], &last->alpha_g1);
    case PTAU_BETA_G1:
        return g1_affine_eq(&p[0], &last->beta_g1);
    default:
        return g2_affine_eq(&q[0], &last->beta_g2);
    }
}

static enum status check_section(struct powers_job *job, int id, const struct ceremony_powers *last,
                                 struct diag *diag)
{
    struct section_sums sums;
    enum status status = sum_section(&sums, job, id, diag);
    if (status != STATUS_OK)
        return status;
    if (!has_first_points(job->ceremony, id, last))
        return diag_set(diag, STATUS_REJECTED,
                        "%s: section %d does not start with the points of the last contribution",
                        job->ceremony->path, id);
    if (id != PTAU_BETA_G2 && !has_ratio(&sums, id, last))
        return diag_set(diag, STATUS_REJECTED,
                        "%s: the points of section %d are not the powers of the tau of the last "
                        "contribution",
                        job->ceremony->path, id);
    return STATUS_OK;
}

static enum status check_powers(struct powers_job *job, struct diag *diag)
{
    const struct ceremony *ceremony = job->ceremony;
    const struct ceremony_contribution *last = &ceremony->contribution[ceremony->count - 1];
    uint8_t digest[BLAKE2B_BYTES];
    enum status status = STATUS_OK;
    blake2b_init(&job->hash);
    blake2b_update(&job->hash, last->response, sizeof last->response);
    for (int id = PTAU_G1; id <= PTAU_BETA_G2; id++)
        job->all += (double)ceremony->section[id].bytes;
    for (int id = PTAU_G1; id <= PTAU_BETA_G2 && status == STATUS_OK; id++)
        status = check_section(job, id, &last->after, diag);
    if (status != STATUS_OK)
        return status;
    blake2b_final(&job->hash, digest);
    if (ceremony->power == ceremony->ceremony_power &&
        memcmp(digest, last->next_challenge, sizeof digest) != 0)
        return diag_set(
            diag, STATUS_REJECTED,
            "%s: the digest of the powers is not the challenge that the last contribution "
            "states",
            ceremony->path);
    return STATUS_OK;
}

enum status ceremony_verify(const struct ceremony *ceremony, struct machine *machine,
                            const struct ceremony_progress *progress, struct diag *diag)
{
    struct powers_job job = {.ceremony = ceremony, .machine = machine, .progress = progress};
    if (ceremony->count == 0)
        return diag_set(diag, STATUS_REJECTED,
                        "%s: nobody has contributed, everybody knows its secrets", ceremony->path);
    enum status status = check_contributions(ceremony, machine, diag);
    if (status != STATUS_OK)
        return status;
    job.points = malloc((CEREMONY_CHUNK + 1) * G2_BYTES);
    job.bytes = malloc(CEREMONY_CHUNK * G2_BYTES);
    job.scalar = malloc(CEREMONY_CHUNK * sizeof *job.scalar);
    job.random = malloc(CEREMONY_CHUNK * sizeof *job.random);
    job.bad = malloc((CEREMONY_CHUNK / PIECE + 1) * sizeof *job.bad);
    if (job.points == NULL || job.bytes == NULL || job.scalar == NULL || job.random == NULL ||
        job.bad == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the checks of a ceremony");
    else
        status = check_powers(&job, diag);
    free(job.points);
    free(job.bytes);
    free(job.scalar);
    free(job.random);
    free(job.bad);
    return status;
}
