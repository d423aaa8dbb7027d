/*
 * Polynomials in coefficient form; see polynomial.h. The loops are in polynomial_loops.h.
 *
 * Threaded loops cut the coefficients into at most PIECES_MAX pieces, whose values at the point are
 * found side by side and then joined from the top down.
 */
#include "backend/poly/polynomial.h"

#include "backend/field/field_vec.h"
#include "backend/poly/polynomial_kernels.h"

#include <string.h>

#define PIECES_MAX 64
#define PIECE_MIN 2048

static const struct polynomial_kernels *kernels(void)
{
#if FIELD_BUILD_ADX
    if (field_path() == FIELD_PATH_ADX)
        return &polynomial_kernels_adx;
#endif
    return &polynomial_kernels_portable;
}

struct pieces_job {
    const struct polynomial_kernels *kernels;
    const fr *a;
    fr *quotient;
    size_t n;
    size_t piece; /* coefficients a piece, but for the last */
    const fr *x;
    fr value[PIECES_MAX]; /* of the piece at x, its first coefficient counting as X^0 */
    fr carry[PIECES_MAX]; /* b[end of the piece], see divide_linear in polynomial_loops.h */
    size_t t;             /* of X^t - c */
    fr *in_place;
};

/* Returns the number of pieces and sets piece. */
static size_t cut(struct pieces_job *job)
{
    job->piece = (job->n + PIECES_MAX - 1) / PIECES_MAX;
    if (job->piece < PIECE_MIN)
        job->piece = PIECE_MIN;
    return (job->n + job->piece - 1) / job->piece;
}

static size_t piece_end(const struct pieces_job *job, size_t k)
{
    size_t end = (k + 1) * job->piece;
    return end < job->n ? end : job->n;
}

static void evaluate_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct pieces_job *job = ctx;
    (void)worker;
    for (size_t k = begin; k < end; k++)
        job->kernels->horner(&job->value[k], job->a + k * job->piece,
                             piece_end(job, k) - k * job->piece, job->x);
}

void polynomial_evaluate(struct machine *machine, fr *r, const fr *a, size_t n, const fr *x)
{
    struct pieces_job job = {.kernels = kernels(), .a = a, .n = n, .x = x};
    size_t pieces = cut(&job);
    machine_parallel_for(machine, pieces, 1, evaluate_task, &job);
    fr power, sum = fr_zero;
    fr_pow_u64(&power, x, job.piece);
    for (size_t k = pieces; k-- > 0;) {
        fr_mul(&sum, &sum, &power);
        fr_add(&sum, &sum, &job.value[k]);
    }
    *r = sum;
}

static void divide_linear_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct pieces_job *job = ctx;
    (void)worker;
    if (end - begin == POLYNOMIAL_LANES && end * job->piece <= job->n) {
        job->kernels->divide_pieces(job->quotient + begin * job->piece, job->a + begin * job->piece,
                                    job->piece, job->x, &job->carry[begin]);
        return;
    }
    for (size_t k = begin; k < end; k++)
        job->kernels->divide_linear(job->quotient + k * job->piece, &job->value[k],
                                    job->a + k * job->piece, piece_end(job, k) - k * job->piece,
                                    job->x, &job->carry[k]);
}

void polynomial_divide_linear(struct machine *machine, fr *quotient, fr *remainder, const fr *a,
                              size_t n, const fr *z)
{
    ASSERT(n >= 1);
    /* The top coefficient is the first carry; the pieces are cut from the n - 1 below it. */
    struct pieces_job job = {
        .kernels = kernels(), .a = a, .quotient = quotient, .n = n - 1, .x = z};
    fr carry = a[n - 1];
    size_t pieces = cut(&job);
    if (pieces < POLYNOMIAL_LANES) {
        job.kernels->divide_linear(quotient, &carry, a, n - 1, z, &carry);
    } else {
        machine_parallel_for(machine, pieces, 1, evaluate_task, &job);
        for (size_t k = pieces; k-- > 0;) {
            fr power;
            job.carry[k] = carry;
            fr_pow_u64(&power, z, piece_end(&job, k) - k * job.piece);
            fr_mul(&carry, &carry, &power);
            fr_add(&carry, &carry, &job.value[k]);
        }
        machine_parallel_for(machine, pieces, POLYNOMIAL_LANES, divide_linear_task, &job);
    }
    if (remainder)
        *remainder = carry;
}

static void divide_binomial_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct pieces_job *job = ctx;
    (void)worker;
    job->kernels->divide_binomial(job->in_place, job->n, job->t, job->x, begin, end);
}

void polynomial_divide_binomial(struct machine *machine, fr *a, size_t n, size_t t, const fr *c)
{
    ASSERT(t >= 1);
    struct pieces_job job = {.kernels = kernels(), .in_place = a, .n = n, .t = t, .x = c};
    /* The coefficients of one residue mod t depend on each other alone. */
    struct machine *threads = n >= PIECE_MIN ? machine : NULL;
    machine_parallel_for(threads, t, (t + 1) / 2, divide_binomial_task, &job);
}

void polynomial_divide_two_binomials(struct machine *machine, fr *a, size_t n, size_t t,
                                     const fr *c, const fr *d)
{
    ASSERT(t >= 1 && n >= 2 * t);
    polynomial_divide_binomial(machine, a, n, t, c);
    polynomial_divide_binomial(machine, a + t, n - t, t, d);
    /* a = (q (X^t - d) + r1)(X^t - c) + r0, so the remainder is r1 (X^t - c) + r0. */
    for (size_t i = 0; i < t; i++) {
        fr term;
        fr_mul(&term, c, &a[t + i]);
        fr_sub(&a[i], &a[i], &term);
    }
}

/* ---- Domains ---- */

void ntt_domain_vanishing(const struct ntt_domain *domain, fr *r, const fr *x)
{
    fr power = *x;
    for (unsigned i = 0; i < domain->lg_n; i++)
        fr_sqr(&power, &power);
    fr_sub(r, &power, &fr_one);
}

void ntt_domain_lagrange(const struct ntt_domain *domain, fr *out, size_t first, size_t count,
                         const fr *x, fr *scratch)
{
    ASSERT(first <= domain->n && count <= domain->n - first);
    fr vanishing, element;
    ntt_domain_vanishing(domain, &vanishing, x);
    ntt_domain_element(domain, &element, first);
    if (fr_is_zero(&vanishing)) {
        /* x is root^j: every basis polynomial but L_j is 0 there. */
        for (size_t i = 0; i < count; i++) {
            out[i] = fr_eq(&element, x) ? fr_one : fr_zero;
            fr_mul(&element, &element, &domain->root);
        }
        return;
    }
    /* L_j(x) = ((x^n - 1) / n) / (x / root^j - 1): inverse powers, one less product an element. */
    fr factor, ratio, root_inverse;
    fr_inv(&root_inverse, &domain->root);
    fr_inv(&ratio, &element);
    fr_mul(&ratio, &ratio, x);
    fr_vec_powers(out, &ratio, &root_inverse, count);
    for (size_t i = 0; i < count; i++)
        fr_sub(&out[i], &out[i], &fr_one);
    fr_vec_batch_inv(out, count, scratch);
    fr_mul(&factor, &vanishing, &domain->n_inv);
    fr_vec_scale(out, out, &factor, count);
}

void ntt_domain_evaluate(const struct ntt_domain *domain, fr *r, const fr *value, const fr *x,
                         fr *scratch)
{
    ntt_domain_lagrange(domain, scratch, 0, domain->n, x, scratch + domain->n);
    fr_vec_dot(r, scratch, value, domain->n);
}
