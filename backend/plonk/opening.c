/*
 * The grouped SHPLONK opening, prover's side: README section 2, "Opening". W and W' are quotients,
 * so remainders and the constants R_g(u) never need to be computed here: division by a root drops
 * them.
 *
 * (F - R) / (X^t - xi) = sum_i X^i (f_i(Y) - f_i(xi)) / (Y - xi) at Y = X^t: a division by columns.
 * Groups of one arity and rotation share their divisor, so their columns are added up first: one
 * division for each such class.
 */
#include "backend/plonk/rounds.h"

#include "backend/field/field_vec.h"
#include "backend/poly/polynomial.h"

#include <string.h>

/* Groups with one divisor; group_count stands for Q. */
struct opening_class {
    unsigned arity;
    bool rotated;
    unsigned member[PLONK_GROUPS_MAX + 1];
    unsigned member_count;
    size_t count; /* coefficients of the longest column */
};

struct opening {
    const struct plonk_prover *prover;
    const struct opening_class *class;
    const fr *weight; /* by group */
    fr *sum;          /* arity columns of class->count elements */
    fr *out;          /* gets sum's columns interleaved, added */
};

static unsigned find_classes(struct opening_class *class, const struct plonk_prover *prover)
{
    const struct plonk_layout *layout = prover->layout;
    unsigned classes = 0;
    for (unsigned g = 0; g <= layout->group_count; g++) {
        bool is_quotient = g == layout->group_count;
        unsigned arity = is_quotient ? 1 : layout->group[g].arity;
        bool rotated = !is_quotient && layout->group[g].rotated;
        unsigned i = 0;
        while (i < classes && (class[i].arity != arity || class[i].rotated != rotated))
            i++;
        if (i == classes)
            class[classes++] =
                (struct opening_class){.arity = arity, .rotated = rotated, .count = layout->rows};
        class[i].member[class[i].member_count++] = g;
        if (is_quotient && prover->opened_count > class[i].count)
            class[i].count = prover->opened_count;
    }
    return classes;
}

/* Coefficients of column i of a group, or of Q; null for zero. */
static const fr *member_column(const struct plonk_prover *prover, unsigned group, unsigned i,
                               size_t *count)
{
    *count = prover->layout->rows;
    if (group < prover->layout->group_count)
        return prover->column[prover->layout->group[group].column[i]];
    *count = prover->opened_count;
    return prover->opened;
}

/* sum_i = sum over members of weight_g f_(g, i), coefficients begin .. end - 1. */
static void add_up_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct opening *job = context;
    const struct opening_class *class = job->class;
    for (unsigned i = 0; i < class->arity; i++) {
        fr *sum = job->sum + i * class->count;
        memset(sum + begin, 0, (end - begin) * sizeof *sum);
        for (unsigned k = 0; k < class->member_count; k++) {
            size_t count;
            const fr *column = member_column(job->prover, class->member[k], i, &count);
            size_t last = end < count ? end : count;
            if (column != NULL && begin < last)
                fr_vec_axpy(sum + begin, &job->weight[class->member[k]], column + begin,
                            last - begin);
        }
    }
}

static void interleave_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct opening *job = context;
    const struct opening_class *class = job->class;
    for (size_t k = begin; k < end; k++) {
        for (unsigned i = 0; i < class->arity; i++) {
            fr *target = &job->out[k * class->arity + i];
            fr_add(target, target, &job->sum[i * class->count + k]);
        }
    }
}

/* f = (f - f(x)) / (X - x), of count coefficients, the last one 0. */
static void divide(struct machine *machine, fr *f, size_t count, const fr *x)
{
    polynomial_divide_linear(machine, f, NULL, f, count, x);
    f[count - 1] = fr_zero;
}

/* Divides the sums of a class by its Z. */
static void divide_class(const struct opening *job)
{
    const struct plonk_point *point = &job->prover->point;
    fr rotated_xi;
    fr_mul(&rotated_xi, &point->omega, &point->xi);
    for (unsigned i = 0; i < job->class->arity; i++) {
        fr *sum = job->sum + i * job->class->count;
        divide(job->prover->machine, sum, job->class->count, &point->xi);
        if (job->class->rotated)
            divide(job->prover->machine, sum, job->class->count, &rotated_xi);
    }
}

/* out += sum_g weight_g F_g, each class divided by its Z when `is_quotient`. scratch has srs_points
 * elements. */
static void combine(const struct plonk_prover *prover, const struct opening_class *class,
                    unsigned classes, fr *out, fr *scratch, const fr *weight, bool is_quotient)
{
    for (unsigned i = 0; i < classes; i++) {
        struct opening job = {prover, &class[i], weight, scratch, out};
        machine_parallel_for(prover->machine, class[i].count, 512, add_up_task, &job);
        if (is_quotient)
            divide_class(&job);
        machine_parallel_for(prover->machine, class[i].count, 512, interleave_task, &job);
    }
}

/* weight_g = eta^g becomes c_g = eta^g Z_0(u) / Z_g(u). Sets *hint to the inverse of the product of
 * README section 3; returns false when that is zero. */
static bool weigh_at(fr *weight, fr *hint, fr *zero_first, const struct plonk_prover *prover,
                     const fr *u)
{
    const struct plonk_layout *layout = prover->layout;
    fr zeros[PLONK_GROUPS_MAX + 1], factor[PLONK_FACTORS_MAX], product = fr_one;
    plonk_group_zeros(zeros, NULL, layout, &prover->point, u);
    *zero_first = zeros[0];
    unsigned factors = plonk_hint_factors(factor, layout, &prover->point, zeros);
    for (unsigned i = 0; i < factors; i++)
        fr_mul(&product, &product, &factor[i]);
    if (fr_is_zero(&product))
        return false;
    fr_inv(hint, &product);
    for (unsigned g = 1; g <= layout->group_count; g++) {
        fr_inv(&zeros[g], &zeros[g]);
        fr_mul(&weight[g], &weight[g], zero_first);
        fr_mul(&weight[g], &weight[g], &zeros[g]);
    }
    return true;
}

enum round_result plonk_round_open(struct plonk_prover *prover)
{
    const struct plonk_layout *layout = prover->layout;
    size_t count = layout->srs_points;
    fr *opened = prover->work + prover->opened_count, *scratch = opened + count;
    struct opening_class class[PLONK_GROUPS_MAX + 1];
    unsigned classes = find_classes(class, prover);
    fr eta, u, hint, zero_first, weight[PLONK_GROUPS_MAX + 1];

    prover->work_used = prover->opened_count + count;
    transcript_squeeze(&prover->transcript, "eta", &eta);
    weight[0] = fr_one;
    for (unsigned g = 1; g <= layout->group_count; g++)
        fr_mul(&weight[g], &weight[g - 1], &eta);
    memset(opened, 0, count * sizeof *opened);
    combine(prover, class, classes, opened, scratch, weight, true);
    const fr *column = opened;
    enum round_result result = plonk_write_commitment(prover, "W", &column, 1, count);
    if (result != ROUND_DONE)
        return result;

    transcript_squeeze(&prover->transcript, "u", &u);
    if (!weigh_at(weight, &hint, &zero_first, prover, &u))
        return ROUND_RESTART;
    /* L = sum_g c_g F_g - Z_0(u) W in W's place, then W' = L / (X - u). */
    fr_neg(&zero_first, &zero_first);
    fr_vec_scale(opened, opened, &zero_first, count);
    combine(prover, class, classes, opened, scratch, weight, false);
    divide(prover->machine, opened, count, &u);
    result = plonk_write_commitment(prover, "W'", &column, 1, count);
    if (result == ROUND_DONE && !layout->has_contraction)
        proof_writer_fr(&prover->writer, &hint);
    return result;
}
