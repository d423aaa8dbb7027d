/*
 * Each point of G2 times a scalar of its own; tests of many points. See mul_each.h.
 *
 * A block of points lies in four arrays of coordinates, so that the affine formulas are passes of
 * field_vec over them. The slope of an addition is e / d = e conj(d) / norm(d), and the norms of a
 * block share one inversion. Special cases of the group law go one by one.
 */
#include "backend/curve/mul_each.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/curve_constants.h"
#include "backend/field/field_vec.h"

/* Points done in step: table and scratch stay in the second-level cache. */
#define BLOCK 256
#define WINDOW_BITS 4
#define MULTIPLES 8 /* 1 .. 2^(WINDOW_BITS - 1) */
#define WINDOWS 17  /* of a part below 2^64, with the last carry */

/* Points by coordinate. */
struct lanes {
    fp x0[BLOCK], x1[BLOCK], y0[BLOCK], y1[BLOCK];
};

/* Scratch of one addition: denominators d, numerators e (later slopes), products. */
struct work {
    fp d0[BLOCK], d1[BLOCK], e0[BLOCK], e1[BLOCK], s[BLOCK], t[BLOCK], x0[BLOCK], x1[BLOCK];
    uint16_t rare[BLOCK];
    g2_affine rare_sum[BLOCK];
};

struct block {
    struct lanes point, sum, addend, image;
    struct lanes table[GLS_PARTS][MULTIPLES];
    struct work work;
    fp constant[4][BLOCK]; /* the coefficients of psi, in every lane */
    signed char digit[GLS_PARTS][WINDOWS][BLOCK];
};

static void read_lane(g2_affine *r, const struct lanes *a, size_t i)
{
    *r = (g2_affine){{a->x0[i], a->x1[i]}, {a->y0[i], a->y1[i]}};
}

static void write_lane(struct lanes *r, size_t i, const g2_affine *a)
{
    r->x0[i] = a->x.c0;
    r->x1[i] = a->x.c1;
    r->y0[i] = a->y.c0;
    r->y1[i] = a->y.c1;
}

static bool both_zero(const fp *a, const fp *b)
{
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++)
        bits |= a->limb[i] | b->limb[i];
    return bits == 0;
}

/* The curve of G2 has odd order, so that y = 0 only at infinity. */
static bool is_infinity(const struct lanes *a, size_t i)
{
    return both_zero(&a->y0[i], &a->y1[i]);
}

/* Turns numerators e and denominators d into slopes, in e. */
static void divide(struct work *w, size_t n)
{
    fp_vec_sqr(w->s, w->d0, n);
    fp_vec_sqr(w->t, w->d1, n);
    fp_vec_add(w->s, w->s, w->t, n);
    fp_vec_batch_inv(w->s, n, w->t);
    fp_vec_mul(w->d0, w->d0, w->s, n);
    fp_vec_mul(w->d1, w->d1, w->s, n); /* 1 / d = d0 - d1 u */
    fp_vec_mul(w->s, w->e0, w->d0, n);
    fp_vec_mul(w->t, w->e1, w->d1, n);
    fp_vec_add(w->s, w->s, w->t, n);
    fp_vec_mul(w->e1, w->e1, w->d0, n);
    fp_vec_mul(w->t, w->e0, w->d1, n);
    fp_vec_sub(w->e1, w->e1, w->t, n);
    memcpy(w->e0, w->s, n * sizeof *w->e0);
}

/* r = the point on the line of slope e through a and a point of abscissa (bx0, bx1). r may be a. */
static void third_point(struct lanes *r, const struct lanes *a, const fp *bx0, const fp *bx1,
                        struct work *w, size_t n)
{
    fp_vec_add(w->s, w->e0, w->e1, n);
    fp_vec_sub(w->t, w->e0, w->e1, n);
    fp_vec_mul(w->x0, w->s, w->t, n);
    fp_vec_mul(w->x1, w->e0, w->e1, n);
    fp_vec_add(w->x1, w->x1, w->x1, n);
    fp_vec_sub(w->x0, w->x0, a->x0, n);
    fp_vec_sub(w->x1, w->x1, a->x1, n);
    fp_vec_sub(w->x0, w->x0, bx0, n);
    fp_vec_sub(w->x1, w->x1, bx1, n);
    /* y = e (a.x - x) - a.y */
    fp_vec_sub(w->d0, a->x0, w->x0, n);
    fp_vec_sub(w->d1, a->x1, w->x1, n);
    fp_vec_mul(w->s, w->e0, w->d0, n);
    fp_vec_mul(w->t, w->e1, w->d1, n);
    fp_vec_sub(w->s, w->s, w->t, n);
    fp_vec_mul(w->e0, w->e0, w->d1, n);
    fp_vec_mul(w->e1, w->e1, w->d0, n);
    fp_vec_add(w->t, w->e0, w->e1, n);
    fp_vec_sub(r->y0, w->s, a->y0, n);
    fp_vec_sub(r->y1, w->t, a->y1, n);
    memcpy(r->x0, w->x0, n * sizeof *r->x0);
    memcpy(r->x1, w->x1, n * sizeof *r->x1);
}

/* r = 2 a; r may be a. Infinity has slope 0 / 0 = 0 and stays what it is. */
static void double_lanes(struct lanes *r, const struct lanes *a, struct work *w, size_t n)
{
    fp_vec_add(w->s, a->x0, a->x1, n);
    fp_vec_sub(w->t, a->x0, a->x1, n);
    fp_vec_mul(w->s, w->s, w->t, n);
    fp_vec_mul(w->t, a->x0, a->x1, n);
    fp_vec_add(w->t, w->t, w->t, n);
    fp_vec_add(w->e0, w->s, w->s, n);
    fp_vec_add(w->e0, w->e0, w->s, n);
    fp_vec_add(w->e1, w->t, w->t, n);
    fp_vec_add(w->e1, w->e1, w->t, n);
    fp_vec_add(w->d0, a->y0, a->y0, n);
    fp_vec_add(w->d1, a->y1, a->y1, n);
    divide(w, n);
    third_point(r, a, a->x0, a->x1, w, n);
}

/* The sum in one lane, whatever the points are. */
static void add_rare(g2_affine *r, const struct lanes *a, const struct lanes *b, size_t i)
{
    g2_affine p, q;
    g2 sum;
    read_lane(&p, a, i);
    read_lane(&q, b, i);
    if (is_infinity(a, i)) {
        *r = q;
    } else if (is_infinity(b, i)) {
        *r = p;
    } else {
        g2_from_affine(&sum, &p);
        g2_add_affine(&sum, &sum, &q);
        g2_to_affine(r, &sum);
    }
}

/* r = a + b; r may be a. */
static void add_lanes(struct lanes *r, const struct lanes *a, const struct lanes *b, struct work *w,
                      size_t n)
{
    size_t rare_count = 0;
    fp_vec_sub(w->d0, b->x0, a->x0, n);
    fp_vec_sub(w->d1, b->x1, a->x1, n);
    fp_vec_sub(w->e0, b->y0, a->y0, n);
    fp_vec_sub(w->e1, b->y1, a->y1, n);
    for (size_t i = 0; i < n; i++) {
        if (!both_zero(&w->d0[i], &w->d1[i]) && !is_infinity(a, i) && !is_infinity(b, i))
            continue;
        add_rare(&w->rare_sum[rare_count], a, b, i);
        w->rare[rare_count++] = (uint16_t)i;
    }
    divide(w, n);
    third_point(r, a, b->x0, b->x1, w, n);
    for (size_t i = 0; i < rare_count; i++)
        write_lane(r, w->rare[i], &w->rare_sum[i]);
}

/* (r0, r1) = conj(a) k for constants g in every lane. Requires: r is not a. */
static void mul_conj(fp *r0, fp *r1, const fp *a0, const fp *a1, const fp *k0, const fp *k1,
                     struct work *w, size_t n)
{
    fp_vec_mul(w->s, a0, k0, n);
    fp_vec_mul(w->t, a1, k1, n);
    fp_vec_add(r0, w->s, w->t, n);
    fp_vec_mul(w->s, a0, k1, n);
    fp_vec_mul(w->t, a1, k0, n);
    fp_vec_sub(r1, w->s, w->t, n);
}

/* r = psi(a); r is not a. */
static void psi_lanes(struct lanes *r, const struct lanes *a, struct block *b, size_t n)
{
    mul_conj(r->x0, r->x1, a->x0, a->x1, b->constant[0], b->constant[1], &b->work, n);
    mul_conj(r->y0, r->y1, a->y0, a->y1, b->constant[2], b->constant[3], &b->work, n);
}

static void fill_constants(struct block *b)
{
    for (size_t i = 0; i < BLOCK; i++) {
        b->constant[0][i] = frobenius_coefficient[1].c0;
        b->constant[1][i] = frobenius_coefficient[1].c1;
        b->constant[2][i] = frobenius_coefficient[2].c0;
        b->constant[3][i] = frobenius_coefficient[2].c1;
    }
}

/* ---- products ------------------------------------------------------------------------------- */

/* Signed digits of the parts of scalar i. */
static void recode(struct block *b, size_t i, const fr *scalar)
{
    struct gls_parts parts;
    gls_split(&parts, scalar);
    for (int p = 0; p < GLS_PARTS; p++) {
        int carry = 0;
        for (unsigned j = 0; j < WINDOWS; j++) {
            unsigned bit = j * WINDOW_BITS;
            int d = (bit < 64 ? (int)(parts.part[p] >> bit & 15) : 0) + carry;
            carry = d > MULTIPLES;
            d -= carry * 16;
            b->digit[p][j][i] = (signed char)(parts.negative[p] ? -d : d);
        }
    }
    explicit_bzero(&parts, sizeof parts);
}

static void look_up(struct block *b, int part, unsigned window, size_t n)
{
    struct lanes *r = &b->addend;
    for (size_t i = 0; i < n; i++) {
        int d = b->digit[part][window][i];
        if (d == 0) {
            r->x0[i] = r->x1[i] = r->y0[i] = r->y1[i] = fp_zero;
            continue;
        }
        const struct lanes *t = &b->table[part][(d < 0 ? -d : d) - 1];
        r->x0[i] = t->x0[i];
        r->x1[i] = t->x1[i];
        if (d > 0) {
            r->y0[i] = t->y0[i];
            r->y1[i] = t->y1[i];
        } else {
            fp_neg(&r->y0[i], &t->y0[i]);
            fp_neg(&r->y1[i], &t->y1[i]);
        }
    }
}

/* b->sum = the digits times b->point. */
static void mul_block(struct block *b, size_t n)
{
    b->table[0][0] = b->point;
    memset(&b->sum, 0, sizeof b->sum);
    double_lanes(&b->table[0][1], &b->point, &b->work, n);
    for (int m = 2; m < MULTIPLES; m++)
        add_lanes(&b->table[0][m], &b->table[0][m - 1], &b->table[0][0], &b->work, n);
    for (int part = 1; part < GLS_PARTS; part++) {
        for (int m = 0; m < MULTIPLES; m++)
            psi_lanes(&b->table[part][m], &b->table[part - 1][m], b, n);
    }
    for (unsigned window = WINDOWS; window-- > 0;) {
        for (int i = 0; i < WINDOW_BITS && window + 1 < WINDOWS; i++)
            double_lanes(&b->sum, &b->sum, &b->work, n);
        for (int part = 0; part < GLS_PARTS; part++) {
            look_up(b, part, window, n);
            add_lanes(&b->sum, &b->sum, &b->addend, &b->work, n);
        }
    }
}

struct job {
    g2_affine *point;
    const g2_affine *tested;
    const fr *scalar;
    size_t *bad; /* for each chunk: the first outsider, or SIZE_MAX */
    struct block *block;
};

static void mul_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = ctx;
    struct block *b = &job->block[worker];
    size_t n = end - begin;
    fill_constants(b);
    for (size_t i = 0; i < n; i++) {
        write_lane(&b->point, i, &job->point[begin + i]);
        recode(b, i, &job->scalar[begin + i]);
    }
    mul_block(b, n);
    for (size_t i = 0; i < n; i++)
        read_lane(&job->point[begin + i], &b->sum, i);
}

enum status g2_mul_each(g2_affine *point, const fr *scalar, size_t n, struct machine *machine,
                        struct diag *diag)
{
    struct job job = {.point = point, .scalar = scalar};
    size_t threads = machine_threads(machine);
    job.block = malloc(threads * sizeof *job.block);
    if (job.block == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for products of %zu points", n);
    machine_parallel_for(machine, n, BLOCK, mul_task, &job);
    explicit_bzero(job.block, threads * sizeof *job.block);
    free(job.block);
    return STATUS_OK;
}

/* ---- the group ------------------------------------------------------------------------------ */

static void negate_lanes(struct lanes *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fp_neg(&a->y0[i], &a->y0[i]);
        fp_neg(&a->y1[i], &a->y1[i]);
    }
}

/* b->sum = [x] b->point. */
static void mul_by_x(struct block *b, size_t n)
{
    b->sum = b->point;
    b->addend = b->point;
    negate_lanes(&b->addend, n);
    for (int i = BN_X_DIGITS - 2; i >= 0; i--) {
        double_lanes(&b->sum, &b->sum, &b->work, n);
        if (bn_x_digit[i] != 0)
            add_lanes(&b->sum, &b->sum, bn_x_digit[i] > 0 ? &b->point : &b->addend, &b->work, n);
    }
}

/* A point P of the curve is in the group when [x + 1] P + psi([x] P) + psi^2([x] P) =
 * psi^3([2 x] P). */
static void test_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = ctx;
    struct block *b = &job->block[worker];
    size_t n = end - begin;
    fill_constants(b);
    job->bad[begin / BLOCK] = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        write_lane(&b->point, i, &job->tested[begin + i]);
    mul_by_x(b, n);
    add_lanes(&b->point, &b->point, &b->sum, &b->work, n);
    psi_lanes(&b->image, &b->sum, b, n);
    add_lanes(&b->point, &b->point, &b->image, &b->work, n);
    psi_lanes(&b->addend, &b->image, b, n);
    add_lanes(&b->point, &b->point, &b->addend, &b->work, n);
    psi_lanes(&b->image, &b->addend, b, n);
    double_lanes(&b->image, &b->image, &b->work, n);
    for (size_t i = n; i-- > 0;) {
        const g2_affine *p = &job->tested[begin + i];
        g2_affine left, right;
        read_lane(&left, &b->point, i);
        read_lane(&right, &b->image, i);
        if (g2_affine_is_infinity(p) || !g2_affine_is_on_curve(p) || !g2_affine_eq(&left, &right))
            job->bad[begin / BLOCK] = begin + i;
    }
}

enum status g2_find_outsider(size_t *bad, const g2_affine *point, size_t n, struct machine *machine,
                             struct diag *diag)
{
    size_t chunks = n / BLOCK + 1;
    struct job job = {.tested = point};
    job.block = malloc(machine_threads(machine) * sizeof *job.block);
    job.bad = malloc(chunks * sizeof *job.bad);
    *bad = n;
    enum status status = STATUS_OK;
    if (job.block == NULL || job.bad == NULL) {
        status = diag_set(diag, STATUS_NO_MEMORY, "out of memory for the test of %zu points", n);
    } else {
        machine_parallel_for(machine, n, BLOCK, test_task, &job);
        for (size_t i = 0; i * BLOCK < n; i++)
            *bad = job.bad[i] < *bad ? job.bad[i] : *bad;
    }
    free(job.block);
    free(job.bad);
    return status;
}

/* ---- sums ----------------------------------------------------------------------------------- */

#define SUM_BITS 128

struct sum_job {
    const g2_affine *point;
    const uint64_t (*scalar)[2];
    size_t n;
    unsigned window_bits, windows;
    g2 *bucket; /* 2^window_bits - 1 for each thread */
    g2 *sum;    /* [shift][window] */
};

/* Task number t sums window t % windows over the array shifted by t / windows. */
static void sum_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct sum_job *job = ctx;
    size_t buckets = ((size_t)1 << job->window_bits) - 1;
    g2 *bucket = job->bucket + worker * buckets;
    for (size_t t = begin; t < end; t++) {
        const g2_affine *point = job->point + t / job->windows;
        unsigned bit = (unsigned)(t % job->windows) * job->window_bits;
        for (size_t i = 0; i < buckets; i++)
            g2_set_infinity(&bucket[i]);
        for (size_t i = 0; i < job->n; i++) {
            const uint64_t *k = job->scalar[i];
            uint64_t d = k[bit / 64] >> (bit % 64);
            if (bit % 64 + job->window_bits > 64 && bit / 64 == 0)
                d |= k[1] << (64 - bit % 64);
            d &= buckets;
            if (d != 0)
                g2_add_affine(&bucket[d - 1], &bucket[d - 1], &point[i]);
        }
        g2 running, total;
        g2_set_infinity(&running);
        g2_set_infinity(&total);
        for (size_t i = buckets; i-- > 0;) {
            g2_add(&running, &running, &bucket[i]);
            g2_add(&total, &total, &running);
        }
        job->sum[t] = total;
    }
}

static unsigned choose_window(size_t n)
{
    unsigned c = 2;
    while (c < 13 && ((size_t)8 << c) < n)
        c++;
    return c;
}

enum status g2_sum_shifted(g2 *out, size_t count, const g2_affine *point,
                           const uint64_t (*scalar)[2], size_t n, struct machine *machine,
                           struct diag *diag)
{
    struct sum_job job = {point, scalar, n, choose_window(n), 0, NULL, NULL};
    job.windows = (SUM_BITS + job.window_bits - 1) / job.window_bits;
    job.bucket = malloc((machine_threads(machine) << job.window_bits) * sizeof *job.bucket);
    job.sum = malloc(count * job.windows * sizeof *job.sum);
    enum status status = STATUS_OK;
    if (job.bucket == NULL || job.sum == NULL) {
        status = diag_set(diag, STATUS_NO_MEMORY, "out of memory for a sum of %zu points", n);
    } else {
        machine_parallel_for(machine, count * job.windows, 1, sum_task, &job);
        for (size_t k = 0; k < count; k++) {
            g2_set_infinity(&out[k]);
            for (unsigned w = job.windows; w-- > 0;) {
                for (unsigned i = 0; i < job.window_bits; i++)
                    g2_double(&out[k], &out[k]);
                g2_add(&out[k], &out[k], &job.sum[k * job.windows + w]);
            }
        }
    }
    free(job.bucket);
    free(job.sum);
    return status;
}
