/*
 * The quotient T = Full / Z_H, coset by coset.
 *
 * T is the sum of three parts. Gated: Z_off (MAIN + alpha PERM + alpha^2 LOOKUP + alpha^10 HOLD) /
 * Z_H, degree 5 (n - 1) + b' - n, is found from its values on four cosets of H, which give it
 * modulo X^(4n) - c, and from the top coefficients of the columns, which give its own two.
 * Boundary: L_0 f / Z_H = f / (n (X - 1)) and L_U f / Z_H = omega^U f / (n (X - omega^U)) are
 * divisions of coefficients. Parameters: w - p vanishes on the first U rows, so Z_off (w - p) / Z_H
 * has degree below b' and is read off the product's coefficients from X^n on.
 */
#include "backend/plonk/rounds.h"

#include "backend/field/field_vec.h"
#include "backend/poly/polynomial.h"

#include <string.h>

/* The gated part has this many coefficients above 4 n. */
enum { TOP = PLONK_GATED_ROWS - 4, COSETS = 4 };
/* Elements that a thread takes of simple loops over arrays. */
enum { ARRAY_CHUNK = 4096 };
_Static_assert(TOP == 2, "find_top gives two coefficients");

/* Columns whose values the gated part needs: all but Tx and Ty, which are folded into Ttag. */
static bool is_needed(unsigned column)
{
    return column != PLONK_TX && column != PLONK_TY;
}

/* Columns that take a buffer of values on a coset; the folded table has one when any of its parts
 * is not zero. */
static unsigned buffered_columns(const struct plonk_proving_key *key)
{
    const struct plonk_layout *layout = &key->vk.layout;
    unsigned missing = CIRCUIT_PARAM_MAX - layout->param_columns + !layout->has_contraction;
    unsigned count = PLONK_FIXED_FIRST - missing + 1;
    for (unsigned column = PLONK_FIXED_FIRST; column < PLONK_COLUMNS; column++)
        if (key->fixed[column - PLONK_FIXED_FIRST] != NULL &&
            (column < PLONK_TTAG || column > PLONK_TY))
            count++;
    return count;
}

size_t plonk_opened_count(const struct plonk_layout *layout)
{
    return layout->quotient_count - (layout->quotient_parts - 1) * layout->rows;
}

size_t plonk_work_count(const struct plonk_proving_key *key)
{
    /* Quotient: a buffer a column, the folded table. Opening: two polynomials of
     * srs_points, and Q. The values of the first rounds need less than the quotient. */
    const struct plonk_layout *layout = &key->vk.layout;
    size_t quotient = (buffered_columns(key) + 1) * layout->rows;
    size_t opening = 2 * layout->srs_points + plonk_opened_count(layout);
    return quotient > opening ? quotient : opening;
}

bool plonk_is_repeated(fr *const *column, unsigned index)
{
    for (unsigned k = 0; k < index && column[index] != NULL; k++)
        if (column[k] == column[index])
            return true;
    return false;
}

/* Pieces that polynomials are cut into to be evaluated, and powers of x that are at hand at once.
 */
enum { EVALUATE_PIECES = 16, EVALUATE_STEP = 256 };

struct evaluate_job {
    fr *const *polynomial;
    unsigned listed[PLONK_COLUMNS]; /* [count] those that are neither zero nor an earlier one */
    size_t count, n, piece;
    const fr *x;
    fr sum[EVALUATE_PIECES][PLONK_COLUMNS];
};

static void evaluate_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct evaluate_job *job = context;
    fr power[EVALUATE_STEP], first, t;
    fr *sum = job->sum[begin / job->piece];
    fr_pow_u64(&first, job->x, begin);
    for (size_t i = 0; i < job->count; i++)
        sum[i] = fr_zero;
    for (size_t at = begin; at < end; at += EVALUATE_STEP) {
        size_t some = end - at < EVALUATE_STEP ? end - at : EVALUATE_STEP;
        fr_vec_powers(power, &first, job->x, some);
        fr_mul(&first, &power[some - 1], job->x);
        for (size_t i = 0; i < job->count; i++) {
            fr_vec_dot(&t, job->polynomial[job->listed[i]] + at, power, some);
            fr_add(&sum[i], &sum[i], &t);
        }
    }
}

void plonk_evaluate_all(struct machine *machine, fr *out, fr *const *polynomial, unsigned count,
                        size_t n, const fr *x)
{
    struct evaluate_job job = {.polynomial = polynomial, .n = n, .x = x};
    ASSERT(count <= PLONK_COLUMNS);
    for (unsigned i = 0; i < count; i++)
        if (polynomial[i] != NULL && !plonk_is_repeated(polynomial, i))
            job.listed[job.count++] = i;
    job.piece = (n + EVALUATE_PIECES - 1) / EVALUATE_PIECES;
    machine_parallel_for(machine, n, job.piece, evaluate_task, &job);
    for (unsigned i = 0, k = 0; i < count; i++) {
        out[i] = fr_zero;
        if (k < job.count && job.listed[k] == i) {
            for (size_t at = 0; at < n; at += job.piece)
                fr_add(&out[i], &out[i], &job.sum[at / job.piece][k]);
            k++;
        } else if (polynomial[i] != NULL) {
            unsigned same = 0;
            while (polynomial[same] != polynomial[i])
                same++;
            out[i] = out[same];
        }
    }
}

/* Ttag + theta Tx + theta^2 Ty in coefficients; returns null when all three are zero. */
static fr *fold_table(const struct plonk_prover *prover, fr *buffer)
{
    size_t n = prover->layout->rows;
    bool any = false;
    memset(buffer, 0, n * sizeof *buffer);
    for (unsigned i = 0; i < 3; i++) {
        const fr *column = prover->column[PLONK_TTAG + i];
        if (column == NULL)
            continue;
        any = true;
        fr_vec_axpy(buffer, &prover->challenges.theta[i], column, n);
    }
    return any ? buffer : NULL;
}

/* Values of the columns on one coset. */
struct coset_job {
    const struct plonk_prover *prover;
    const fr *shift;
    fr *power;                       /* [n] of shift */
    const fr *source[PLONK_COLUMNS]; /* null: zero */
    fr *target[PLONK_COLUMNS];
    unsigned listed[PLONK_COLUMNS]; /* [count] columns that are neither zero nor an earlier one */
    size_t count, next;
};

static void coset_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct coset_job *job = context;
    size_t n = job->prover->layout->rows;
    for (size_t i = begin; i < end; i++) {
        unsigned column = job->listed[i];
        fr_vec_mul(job->target[column], job->source[column], job->power, n);
        ntt_forward_scrambled(NULL, &job->prover->key->domain, job->target[column]);
    }
}

static void shift_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct coset_job *job = context;
    unsigned column = job->listed[job->next];
    fr_vec_mul(job->target[column] + begin, job->source[column] + begin, job->power + begin,
               end - begin);
}

/* A column a thread, while there are enough for all threads; then all threads on each. */
static void evaluate_columns(struct coset_job *job)
{
    struct machine *machine = job->prover->machine;
    size_t n = job->prover->layout->rows,
           alone = job->count - job->count % machine_threads(machine);
    machine_parallel_for(machine, alone, 1, coset_task, job);
    for (job->next = alone; job->next < job->count; job->next++) {
        machine_parallel_for(machine, n, ARRAY_CHUNK, shift_task, job);
        ntt_forward_scrambled(machine, &job->prover->key->domain,
                              job->target[job->listed[job->next]]);
    }
}

static void powers_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct coset_job *job = context;
    fr first;
    fr_pow_u64(&first, job->shift, begin);
    fr_vec_powers(job->power + begin, &first, job->shift, end - begin);
}

static void points_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct plonk_quotient_job *job = context;
    if (field_vec_path() != FIELD_VEC_PORTABLE) /* leaves out zero columns */
        plonk_quotient_vec(job, begin, end);
    else
        plonk_kernels()->quotient(job, begin, end);
}

static void fill_tail_roots(fr *root, const struct plonk_prover *prover)
{
    for (unsigned j = 0; j < PLONK_GATED_ROWS; j++)
        root[j] = prover->key->omega[prover->layout->usable_rows + j];
}

/* The gated part modulo X^n - shift^n, as coefficients in out. */
static void divide_on_coset(fr *out, const struct plonk_prover *prover, struct coset_job *job,
                            const fr *shift)
{
    size_t n = prover->layout->rows;
    const struct ntt_domain *domain = &prover->key->domain;
    struct plonk_quotient_job points = {.root = domain->twiddle, .rows = n, .out = out};
    fr inverse;
    fr_inv(&inverse, &domain->twiddle[0]);
    fr_mul(&points.shift, shift, &inverse); /* twiddles have a factor */
    points.challenges = &prover->challenges;
    points.shape = plonk_shape_of(prover->layout);
    fill_tail_roots(points.tail_root, prover);
    fr_pow_u64(&points.zero_inverse, shift, n);
    fr_sub(&points.zero_inverse, &points.zero_inverse, &fr_one);
    fr_inv(&points.zero_inverse, &points.zero_inverse);
    job->shift = shift;
    job->power = out; /* not written before all columns are there */
    machine_parallel_for(prover->machine, n, ARRAY_CHUNK, powers_task, job);
    evaluate_columns(job);
    for (unsigned column = 0; column < PLONK_COLUMNS; column++)
        points.column[column] = job->source[column] != NULL ? job->target[column] : NULL;
    machine_parallel_for(prover->machine, n, 64, points_task, &points);
    fr_inv(&inverse, shift);
    ntt_inverse_scrambled(prover->machine, domain, out);
    ntt_scale_by_powers(prover->machine, out, n, &inverse);
}

/*
 * r[j] = sum_k c_j^k T_k with c_j = c_0 i^j for the four cosets j becomes T_k in place: the inverse
 * transform of order four over i, then a division by c_0^k. Blocks of n coefficients.
 */
struct unmix_job {
    fr *block[COSETS];
    fr i;             /* root of order four */
    fr scale[COSETS]; /* 1 / (4 c_0^k) */
};

static void unmix_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct unmix_job *job = context;
    for (size_t m = begin; m < end; m++) {
        fr even, even_difference, odd, odd_difference, t;
        fr_add(&even, &job->block[0][m], &job->block[2][m]);
        fr_sub(&even_difference, &job->block[0][m], &job->block[2][m]);
        fr_add(&odd, &job->block[1][m], &job->block[3][m]);
        fr_sub(&odd_difference, &job->block[1][m], &job->block[3][m]);
        fr_mul(&odd_difference, &odd_difference, &job->i);
        fr_add(&t, &even, &odd);
        fr_mul(&job->block[0][m], &t, &job->scale[0]);
        fr_sub(&t, &even, &odd);
        fr_mul(&job->block[2][m], &t, &job->scale[2]);
        fr_sub(&t, &even_difference, &odd_difference);
        fr_mul(&job->block[1][m], &t, &job->scale[1]);
        fr_add(&t, &even_difference, &odd_difference);
        fr_mul(&job->block[3][m], &t, &job->scale[3]);
    }
}

/* Points that tell all coefficients of a polynomial of degree GATED_DEGREE. */
enum { GATED_DEGREE = 5, POINTS = GATED_DEGREE + 1 };

/* f[k] = the k-th difference at 0 of a polynomial with the values f[0], f[1], ... at 0, 1, ... */
static void take_differences(fr f[POINTS])
{
    for (unsigned order = 1; order < POINTS; order++)
        for (unsigned i = POINTS; i-- > order;)
            fr_sub(&f[i], &f[i], &f[i - 1]);
}

/*
 * The part of degree 5 in all columns of MAIN + alpha PERM + ... : the coefficient of s^5 in its
 * value at s times the given values, which is the fifth difference over 5!. The identity of the
 * permutation is left out; it is of degree 1 in X only.
 */
static void highest_part(fr *out, const struct plonk_values *values,
                         const struct plonk_prover *prover)
{
    fr f[POINTS], factor = fr_zero, t;
    for (unsigned s = 0; s < POINTS; s++) {
        struct plonk_values scaled;
        fr_vec_scale(scaled.at, values->at, &factor, PLONK_COLUMNS);
        fr_vec_scale(scaled.next, values->next, &factor, PLONK_CHALLENGE_COLUMNS);
        plonk_gated_value(&f[s], &scaled, &scaled.at[PLONK_TTAG], &fr_zero, &prover->challenges,
                          plonk_shape_of(prover->layout));
        fr_add(&factor, &factor, &fr_one);
    }
    take_differences(f);
    fr_from_u64(&t, 120);
    fr_inv(&t, &t);
    fr_mul(out, &f[GATED_DEGREE], &t);
}

/* The coefficients of X^degree of the columns and, in next, of those shifted by omega. */
static void coefficients_at(struct plonk_values *out, const struct plonk_prover *prover,
                            fr *const *polynomial, size_t degree)
{
    fr power;
    fr_pow_u64(&power, &prover->key->domain.root, degree);
    for (unsigned column = 0; column < PLONK_COLUMNS; column++)
        out->at[column] = polynomial[column] != NULL ? polynomial[column][degree] : fr_zero;
    for (unsigned j = 0; j < PLONK_CHALLENGE_COLUMNS; j++)
        fr_mul(&out->next[j], &out->at[PLONK_Z + j], &power);
}

/*
 * T = R + (t_0 + t_1 X) (X^(4n) - c) for R = T mod X^(4n) - c. t_1 and t_0 are the two highest
 * coefficients of the gated part's numerator, so those of
 * Z_off = X^b' - (sum of its roots) X^(b'-1) + ... times those of the part of degree 5: with
 * e = 1 / X and columns X^(n-1) (a + b e + ...) they are its value and its derivative at e = 0.
 */
static void find_top(fr *quotient, const struct plonk_prover *prover, fr *const *polynomial,
                     const fr *c)
{
    size_t n = prover->layout->rows;
    struct plonk_values highest, step;
    fr f[POINTS], root[PLONK_GATED_ROWS], t;
    coefficients_at(&highest, prover, polynomial, n - 1);
    coefficients_at(&step, prover, polynomial, n - 2);
    for (unsigned e = 0; e < POINTS; e++) {
        highest_part(&f[e], &highest, prover);
        fr_vec_add(highest.at, highest.at, step.at, PLONK_COLUMNS);
        fr_vec_add(highest.next, highest.next, step.next, PLONK_CHALLENGE_COLUMNS);
    }
    take_differences(f);
    fr *top = quotient + COSETS * n;
    top[1] = f[0];
    top[0] = fr_zero;
    /* f'(0) = sum (-1)^(k+1) / k times the k-th difference */
    for (unsigned k = 1; k < POINTS; k++) {
        fr_from_i64(&t, k % 2 == 1 ? (int64_t)k : -(int64_t)k);
        fr_inv(&t, &t);
        fr_mul(&t, &t, &f[k]);
        fr_add(&top[0], &top[0], &t);
    }
    fill_tail_roots(root, prover);
    for (unsigned j = 0; j < PLONK_GATED_ROWS; j++) {
        fr_mul(&t, &root[j], &top[1]);
        fr_sub(&top[0], &top[0], &t);
    }
    for (unsigned i = 0; i < TOP; i++) {
        fr_mul(&t, &top[i], c);
        fr_sub(&quotient[i], &quotient[i], &t);
    }
}

static void add_gated(fr *quotient, const struct plonk_prover *prover)
{
    size_t n = prover->layout->rows;
    fr *table = fold_table(prover, prover->work);
    struct coset_job job = {.prover = prover};
    fr *polynomial[PLONK_COLUMNS], *free = prover->work + n;
    for (unsigned column = 0; column < PLONK_COLUMNS; column++) {
        polynomial[column] = is_needed(column) ? prover->column[column] : NULL;
        if (column == PLONK_TTAG)
            polynomial[column] = table;
        job.source[column] = polynomial[column];
        if (plonk_is_repeated(polynomial, column)) {
            unsigned k = 0;
            while (polynomial[k] != polynomial[column])
                k++;
            job.target[column] = job.target[k];
        } else if (polynomial[column] != NULL) {
            job.listed[job.count++] = column;
            job.target[column] = free;
            free += n;
        }
    }
    ASSERT((size_t)(free - prover->work) <= prover->work_count);
    fr generator, step, shift, c0, c0_inverse;
    fr_from_u64(&generator, FR_GENERATOR);
    fr_root_of_unity(&step, prover->layout->lg_rows + 2);
    shift = generator;
    struct unmix_job unmix;
    for (unsigned j = 0; j < COSETS; j++) {
        unmix.block[j] = quotient + j * n;
        divide_on_coset(unmix.block[j], prover, &job, &shift);
        fr_mul(&shift, &shift, &step);
    }
    fr_pow_u64(&unmix.i, &step, n);
    fr_pow_u64(&c0, &generator, n);
    fr_inv(&c0_inverse, &c0);
    fr_half(&unmix.scale[0], &fr_one);
    fr_half(&unmix.scale[0], &unmix.scale[0]);
    for (unsigned k = 1; k < COSETS; k++)
        fr_mul(&unmix.scale[k], &unmix.scale[k - 1], &c0_inverse);
    machine_parallel_for(prover->machine, n, 256, unmix_task, &unmix);
    fr_sqr(&c0, &c0);
    fr_sqr(&c0, &c0);
    find_top(quotient, prover, polynomial, &c0);
}

struct boundary_job {
    fr *const *column;
    fr *f, *quotient;
    const fr *alpha, *scale;
    bool with_public;
};

static void combine_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct boundary_job *job = context;
    fr *f = job->f + begin;
    fr_vec_scale(f, job->column[PLONK_Z] + begin, &job->alpha[0], end - begin);
    fr_vec_axpy(f, &job->alpha[1], job->column[PLONK_PHI] + begin, end - begin);
    if (job->with_public)
        fr_vec_axpy(f, &job->alpha[2], job->column[PLONK_S] + begin, end - begin);
}

static void add_boundary_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct boundary_job *job = context;
    fr_vec_axpy(job->quotient + begin, job->scale, job->f + begin, end - begin);
}

/* quotient += scale (f - f(root)) / (X - root), with f = alpha[0] z + alpha[1] phi [+ alpha[2] s].
 * What f has to be at the root is a constant, which the quotient does not depend on. */
static void add_boundary(fr *quotient, const struct plonk_prover *prover, const fr *alpha,
                         const fr *scale, const fr *root, bool with_public)
{
    size_t n = prover->layout->rows;
    fr *f = prover->work;
    struct boundary_job job = {prover->column, f, quotient, alpha, scale, with_public};
    machine_parallel_for(prover->machine, n, ARRAY_CHUNK, combine_task, &job);
    polynomial_divide_linear(prover->machine, f, NULL, f, n, root);
    machine_parallel_for(prover->machine, n - 1, ARRAY_CHUNK, add_boundary_task, &job);
}

/* quotient += the coefficients from X^n on of Z_off sum_j alpha^(3+j) (w_j - p_j). */
static void add_parameters(fr *quotient, const struct plonk_prover *prover)
{
    size_t n = prover->layout->rows;
    fr tail[PLONK_GATED_ROWS + 1], top[PLONK_GATED_ROWS], t;
    plonk_zero_tail_coefficients(tail, prover->layout);
    for (unsigned i = 0; i < PLONK_GATED_ROWS; i++) {
        top[i] = fr_zero;
        for (unsigned j = 0; j < prover->layout->param_columns; j++) {
            size_t k = n - PLONK_GATED_ROWS + i;
            fr_sub(&t, &prover->column[PLONK_W1 + j][k], &prover->parameter[j][k]);
            fr_mul(&t, &t, &prover->challenges.alpha[3 + j]);
            fr_add(&top[i], &top[i], &t);
        }
    }
    /* X^(n + k) comes from Z_off's X^(k + b' - i) times X^(n - b' + i). */
    for (unsigned k = 0; k < PLONK_GATED_ROWS; k++)
        for (unsigned i = k; i < PLONK_GATED_ROWS; i++) {
            fr_mul(&t, &tail[k + PLONK_GATED_ROWS - i], &top[i]);
            fr_add(&quotient[k], &quotient[k], &t);
        }
}

/* Blinders r_0, r_1, r_2 between the four parts of T: README section 2. */
static void split(struct plonk_prover *prover)
{
    fr blinder[PLONK_PARTS_MAX - 1];
    plonk_blinding_draw(&prover->blinding, blinder, PLONK_PARTS_MAX - 1);
    size_t n = prover->layout->rows;
    for (unsigned k = PLONK_PARTS_MAX; k-- > 0;) {
        fr *part = prover->quotient[k];
        /* Parts lie apart by one element more than n: the last moves first. */
        memmove(part, prover->quotient[0] + k * n,
                (k + 1 < PLONK_PARTS_MAX ? n : n + TOP) * sizeof *part);
    }
    for (unsigned k = 0; k < PLONK_PARTS_MAX; k++) {
        fr *part = prover->quotient[k];
        if (k + 1 < PLONK_PARTS_MAX)
            part[n] = blinder[k];
        if (k > 0)
            fr_sub(&part[0], &part[0], &blinder[k - 1]);
    }
    fr_wipe(blinder, PLONK_PARTS_MAX - 1);
}

void plonk_round_quotient(struct plonk_prover *prover)
{
    fr *quotient = prover->quotient[0];
    const fr *alpha = prover->challenges.alpha;
    add_gated(quotient, prover);
    fr scale = prover->key->domain.n_inv;
    const fr *omega_end = &prover->key->omega[prover->layout->usable_rows];
    add_boundary(quotient, prover, &alpha[5], &scale, &fr_one, false);
    fr_mul(&scale, &scale, omega_end);
    add_boundary(quotient, prover, &alpha[7], &scale, omega_end, true);
    add_parameters(quotient, prover);
    if (prover->layout->quotient_parts > 1)
        split(prover);
}
