/*
 * The loops of prover_kernels.h for one scalar path; field_kernel.h has the pattern. Included by
 * prover_portable.c and prover_adx.c.
 */
#include "backend/field/field_kernel.h"
#include "backend/plonk/constraints.h"
#include "backend/plonk/prover_kernels.h"

#include <string.h>

/* K_j omega^i of a cell; plonk_permutation_label with the products of this path. */
static void cell_label(fr *out, const struct plonk_proving_key *key, uint32_t cell)
{
    unsigned lg_rows = key->vk.layout.lg_rows;
    *out = key->omega[cell & ((1u << lg_rows) - 1)];
    for (uint32_t column = cell >> lg_rows; column > 0; column--)
        plonk_times_five(out, out);
}

static void permutation_row(fr *numerator, fr *denominator, const struct plonk_rows_job *job,
                            size_t row)
{
    const struct plonk_challenges *c = job->challenges;
    size_t rows = job->key->vk.layout.rows;
    struct plonk_values values;
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++) {
        values.at[PLONK_A1 + j] = job->value[PLONK_A1 + j][row];
        cell_label(&values.at[PLONK_S1 + j], job->key, job->key->sigma[j * rows + row]);
    }
    fr beta_x;
    fr_mul(&beta_x, &c->beta, &job->key->omega[row]);
    plonk_permutation_products(numerator, denominator, &values, &beta_x, c);
}

static void gate_row(fr *out, const struct plonk_rows_job *job, size_t row)
{
    const struct circuit_row *fixed = &job->key->circuit->rows[row];
    const fr *a1 = &job->value[PLONK_A1][row], *a2 = &job->value[PLONK_A2][row],
             *a3 = &job->value[PLONK_A3][row];
    const fr *c2 = &job->key->constants[fixed->c2], *c3 = &job->key->constants[fixed->c3];
    fr t;
    if (fixed->c3 != 0)
        fr_mul(out, c3, a3);
    else
        *out = fr_zero;
    if (fixed->term == TERM_PRODUCT) {
        fr_mul(&t, a1, a2);
        fr_add(out, out, &t);
        fr_add(out, out, c2);
        return;
    }
    if (fixed->c2 != 0) {
        fr_mul(&t, c2, a2);
        fr_add(out, out, &t);
    }
    if (fixed->term == TERM_LINEAR3)
        fr_sub(out, out, a1);
    if (fixed->term == TERM_WEIGHTED) {
        for (unsigned j = 0; j < job->key->vk.layout.param_columns; j++) {
            fr_mul(&t, &job->value[PLONK_W1 + j][row], j == 0 ? a1 : a2);
            fr_add(out, out, &t);
        }
    }
}

/* A fraction of the running sum: number / denominator, subtracted when is_negative. */
struct lookup_fraction {
    fr number;
    bool is_negative;
};

/* Writes the fractions of a row; returns their number, at most 4. */
static unsigned lookup_row(struct lookup_fraction *fraction, fr *denominator,
                           const struct plonk_rows_job *job, size_t row)
{
    const struct circuit_row *fixed = &job->key->circuit->rows[row];
    const struct circuit_table_row *table = &job->key->circuit->table[row];
    const struct plonk_challenges *c = job->challenges;
    const fr *m = &job->value[PLONK_M][row];
    bool has_m = !fr_is_zero(m);
    if (fixed->slot_memory == 0 && fixed->slot_table == 0 && fixed->slot_range == 0 && !has_m)
        return 0;

    struct plonk_values values;
    fr tuple, x, y;
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        values.at[PLONK_A1 + j] = job->value[PLONK_A1 + j][row];
    for (unsigned j = 0; j < job->key->vk.layout.param_columns; j++)
        values.at[PLONK_W1 + j] = job->value[PLONK_W1 + j][row];
    fr_from_u64(&values.at[PLONK_TF], fixed->slot_memory);
    fr_from_u64(&values.at[PLONK_T2], fixed->slot_table);
    fr_from_u64(&values.at[PLONK_T3], fixed->slot_range);
    fr_from_u64(&tuple, table->tag);
    if (table->tag != 0) {
        fr_from_i64(&x, table->x);
        fr_from_i64(&y, table->y);
        plonk_table_tuple(&tuple, &tuple, &x, &y, c);
    }
    struct plonk_denominators d;
    plonk_denominators_of(&d, &values, &tuple, c,
                          (struct plonk_shape){job->key->vk.layout.param_columns, false});

    unsigned count = 0;
    if (fixed->is_provider && has_m) {
        denominator[count] = d.memory;
        fraction[count++] = (struct lookup_fraction){*m, true};
    }
    if (!fixed->is_provider && fixed->slot_memory != 0) {
        denominator[count] = d.memory;
        fraction[count++] = (struct lookup_fraction){values.at[PLONK_TF], false};
    }
    if (fixed->slot_table != 0) {
        denominator[count] = d.table;
        fraction[count++] = (struct lookup_fraction){values.at[PLONK_T2], false};
    }
    if (fixed->slot_range != 0) {
        denominator[count] = d.range;
        fraction[count++] = (struct lookup_fraction){values.at[PLONK_T3], false};
    }
    if (!fixed->is_provider && has_m) {
        denominator[count] = d.provider;
        fraction[count++] = (struct lookup_fraction){*m, true};
    }
    return count;
}

/* a[i] = 1 / a[i] with one inversion. Requires: none is zero. */
static void invert_all(fr *a, size_t count, fr *scratch)
{
    fr product = fr_one, t;
    for (size_t i = 0; i < count; i++) {
        scratch[i] = product;
        fr_mul(&product, &product, &a[i]);
    }
    fr_inv(&product, &product);
    for (size_t i = count; i-- > 0;) {
        fr_mul(&t, &product, &scratch[i]);
        fr_mul(&product, &product, &a[i]);
        a[i] = t;
    }
}

static bool run_rows(const struct plonk_rows_job *job, size_t begin, size_t end)
{
    enum { MOST = 5 * PLONK_ROWS_CHUNK };
    fr denominator[MOST], scratch[MOST], numerator[PLONK_ROWS_CHUNK];
    struct lookup_fraction fraction[4 * PLONK_ROWS_CHUNK];
    uint8_t fractions[PLONK_ROWS_CHUNK];
    size_t used = 0, kept = 0;
    for (size_t row = begin; row < end; row++) {
        size_t i = row - begin;
        permutation_row(&numerator[i], &denominator[used++], job, row);
        fractions[i] = (uint8_t)lookup_row(&fraction[kept], &denominator[used], job, row);
        used += fractions[i];
        kept += fractions[i];
        gate_row(&job->gate[row], job, row);
    }
    for (size_t i = 0; i < used; i++)
        if (fr_is_zero(&denominator[i]))
            return false;
    invert_all(denominator, used, scratch);
    used = kept = 0;
    for (size_t row = begin; row < end; row++) {
        fr_mul(&job->ratio[row], &numerator[row - begin], &denominator[used++]);
        fr sum = fr_zero, t;
        for (unsigned k = 0; k < fractions[row - begin]; k++, used++, kept++) {
            fr_mul(&t, &fraction[kept].number, &denominator[used]);
            if (fraction[kept].is_negative)
                fr_sub(&sum, &sum, &t);
            else
                fr_add(&sum, &sum, &t);
        }
        job->lookup[row] = sum;
    }
    return true;
}

static void run_quotient(const struct plonk_quotient_job *job, size_t begin, size_t end)
{
    struct plonk_values values;
    memset(&values, 0, sizeof values);
    for (size_t i = begin; i < end; i++) {
        size_t next = plonk_next_point(i, job->rows);
        for (unsigned column = 0; column < PLONK_COLUMNS; column++)
            if (job->column[column] != NULL)
                values.at[column] = job->column[column][i];
        for (unsigned j = 0; j < PLONK_CHALLENGE_COLUMNS; j++)
            if (job->column[PLONK_Z + j] != NULL)
                values.next[j] = job->column[PLONK_Z + j][next];
        fr x, gate, tail, t;
        fr_mul(&x, &job->shift, &job->root[i / 2]);
        if (i % 2 == 1)
            fr_neg(&x, &x);
        plonk_gated_value(&gate, &values, &values.at[PLONK_TTAG], &x, job->challenges, job->shape);
        fr_mul(&tail, &job->zero_inverse, &gate);
        for (unsigned j = 0; j < PLONK_GATED_ROWS; j++) {
            fr_sub(&t, &x, &job->tail_root[j]);
            fr_mul(&tail, &tail, &t);
        }
        job->out[i] = tail;
    }
}

const struct plonk_kernels FIELD_PATH_NAME(plonk_kernels) = {run_rows, run_quotient};
