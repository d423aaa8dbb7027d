/*
 * The quotient of a setup proof.
 *
 * F has degree at most 2 (n - 1), so its values on H and on one coset g H determine it:
 * F = low + X^n high, f_1 = low + high on H, f_g = low + g^n high on g H. On H it is zero but for
 * the tail rows. What is linear in the bits is added up by rows and transformed once; each bit
 * column costs the two transforms of its square.
 */
#include "backend/plonk/setup_quotient.h"

#include "backend/field/field_vec.h"
#include "backend/plonk/protocol.h"

#include <string.h>

/* Rows that a term is worked out for at once. */
enum { SQUARE_ROWS = 256 };

/* ---- sums over the bits --------------------------------------------------------------------- */

struct sum_job {
    const struct setup_table *table;
    const fr *factor;
    fr *out;
};

static void combine_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct sum_job *job = context;
    const struct setup_table *table = job->table;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        fr sum = job->out[i];
        for (size_t w = 0; w < table->words; w++)
            for (uint64_t bits = table->bits[i * table->words + w]; bits != 0; bits &= bits - 1)
                fr_add(&sum, &sum, &job->factor[64 * w + (unsigned)__builtin_ctzll(bits)]);
        job->out[i] = sum;
    }
}

void setup_table_combine(fr *out, const struct setup_table *table, const fr *factor)
{
    struct sum_job job = {table, factor, out};
    machine_parallel_for(table->machine, table->n, 512, combine_task, &job);
    for (unsigned i = 0; i < table->full_count; i++)
        for (unsigned k = 0; k < table->ranges->count; k++) {
            fr term;
            fr_mul(&term, &factor[k], &table->full[k * table->full_count + i]);
            fr_add(&out[table->full_row[i]], &out[table->full_row[i]], &term);
        }
}

static void dot_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct sum_job *job = context;
    const struct setup_table *table = job->table;
    (void)worker;
    for (size_t w = begin; w < end; w++)
        for (size_t i = 0; i < table->n; i++)
            for (uint64_t bits = table->bits[i * table->words + w]; bits != 0; bits &= bits - 1) {
                fr *sum = &job->out[64 * w + (unsigned)__builtin_ctzll(bits)];
                fr_add(sum, sum, &job->factor[i]);
            }
}

void setup_table_dot(fr *out, const struct setup_table *table, const fr *weight)
{
    struct sum_job job = {table, weight, out};
    memset(out, 0, table->ranges->count * sizeof *out);
    machine_parallel_for(table->machine, table->words, 1, dot_task, &job);
    for (unsigned k = 0; k < table->ranges->count; k++)
        for (unsigned i = 0; i < table->full_count; i++) {
            fr term;
            fr_mul(&term, &weight[table->full_row[i]], &table->full[k * table->full_count + i]);
            fr_add(&out[k], &out[k], &term);
        }
}

/* ---- the weights of the bits ---------------------------------------------------------------- */

/*
 * The weight of bit column first[j] + t is by rows: t = 0: c_0 of each cell; t >= 1: 2^(t-1) times
 * 1 in the rows of the cells that are wide enough. Those of one width are shared.
 */
struct weights {
    fr *array[SETUP_BITS_MAX]; /* [n] the distinct ones, on the coset in the end */
    unsigned array_count;
    unsigned array_of[SETUP_BITS_MAX]; /* by bit column */
};

/* Names the arrays of all bit columns. Returns how many there are; weights may be null. */
static unsigned name_weights(struct weights *weights, const struct setup_ranges *ranges)
{
    const struct circuit *circuit = ranges->circuit;
    unsigned count = 0;
    for (unsigned j = 0; j < circuit->param_columns; j++) {
        bool has_width[SETUP_CELL_BITS_MAX + 1] = {false};
        for (size_t i = 0; i < circuit->param_cell_count; i++)
            if (circuit->param_cells[i].column == j)
                has_width[setup_cell_bits(circuit, &circuit->param_cells[i])] = true;
        for (unsigned t = 0; t < ranges->first[j + 1] - ranges->first[j]; t++) {
            /* Cells of t bits have no bit t: a new array where there are any. */
            if (t <= 1 || has_width[t])
                count++;
            if (weights != NULL)
                weights->array_of[ranges->first[j] + t] = count - 1;
        }
    }
    return count;
}

static void fill_weights(struct weights *weights, const struct setup_ranges *ranges)
{
    const struct circuit *circuit = ranges->circuit;
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *param = &circuit->param_cells[i];
        struct setup_cell cell;
        setup_cell_init(&cell, circuit, param);
        const unsigned *array_of = weights->array_of + ranges->first[param->column];
        if (cell.bits > 0)
            weights->array[array_of[0]][param->row] = cell.top;
        for (unsigned t = 1; t < cell.bits; t++)
            weights->array[array_of[t]][param->row] = fr_one;
    }
}

/* ---- on the coset --------------------------------------------------------------------------- */

/* Arrays on the coset g H are in bit-reversed order. */
struct coset_job {
    const struct setup_table *table;
    const struct setup_alpha *alpha;
    const fr *power; /* [n] g^i */
    struct weights weights;
    struct machine *inner; /* of the loops over rows; null where columns are side by side */
    fr *scratch;           /* [worker][2 n]: a bit column, the sum of this worker */
    unsigned workers;
    fr scale[SETUP_BITS_MAX]; /* -alpha^j 2^(t-1) of a bit column, -alpha^j of the first */
};

/* Workers that have scratch: every thread as long as it is little, else one, which has all threads
 * for the loops over rows. */
static unsigned worker_count(const struct setup_table *table)
{
    unsigned threads = machine_threads(table->machine);
    return 2 * table->n <= table->scratch_limit / threads ? threads : 1;
}

static void to_coset(const struct coset_job *job, fr *value)
{
    ntt_inverse(job->inner, &job->table->domain, value);
    fr_vec_mul(value, value, job->power, job->table->n);
    ntt_forward_scrambled(job->inner, &job->table->domain, value);
}

static void weight_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct coset_job *job = context;
    (void)worker;
    for (size_t i = begin; i < end; i++)
        to_coset(job, job->weights.array[i]);
}

static void scatter_bits(fr *out, const struct setup_table *table, unsigned column)
{
    const uint64_t *word = table->bits + column / 64;
    for (size_t i = 0; i < table->n; i++)
        out[i] = word[i * table->words] >> column % 64 & 1 ? fr_one : fr_zero;
    for (unsigned i = 0; i < table->full_count; i++)
        fr_add(&out[table->full_row[i]], &out[table->full_row[i]],
               &table->full[column * table->full_count + i]);
}

struct square_job {
    const struct coset_job *coset;
    size_t column;
    const fr *bit;
    fr *sum;
};

/* sum += e (alpha^(J + k) e - alpha^j c) */
static void square_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct square_job *job = context;
    const struct coset_job *coset = job->coset;
    const fr *weight = coset->weights.array[coset->weights.array_of[job->column]];
    fr term[SQUARE_ROWS];
    size_t count = end - begin;
    (void)worker;
    fr_vec_scale(term, job->bit + begin, &coset->alpha->bit[job->column], count);
    fr_vec_axpy(term, &coset->scale[job->column], weight + begin, count);
    fr_vec_mul_add(job->sum + begin, job->bit + begin, term, count);
}

static void bit_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct coset_job *job = context;
    size_t n = job->table->n;
    fr *bit = job->scratch + 2 * n * worker;
    for (size_t k = begin; k < end; k++) {
        struct square_job square = {job, k, bit, bit + n};
        scatter_bits(bit, job->table, (unsigned)k);
        to_coset(job, bit);
        machine_parallel_for(job->inner, n, SQUARE_ROWS, square_task, &square);
    }
}

/* coset += what is not linear in F: each worker adds up its columns. */
static void add_columns(fr *coset, struct coset_job *job)
{
    size_t n = job->table->n;
    struct machine *outer = job->workers > 1 ? job->table->machine : NULL;
    job->inner = job->workers > 1 ? NULL : job->table->machine;
    for (unsigned worker = 0; worker < job->workers; worker++)
        memset(job->scratch + (2 * worker + 1) * n, 0, n * sizeof *coset);
    machine_parallel_for(outer, job->weights.array_count, 1, weight_task, job);
    machine_parallel_for(outer, job->table->ranges->count, 1, bit_task, job);
    to_coset(job, coset);
    for (unsigned worker = 0; worker < job->workers; worker++)
        fr_vec_add(coset, coset, job->scratch + (2 * worker + 1) * n, n);
}

static void fill_scales(struct coset_job *job, const struct setup_ranges *ranges)
{
    for (unsigned j = 0; j < ranges->circuit->param_columns; j++) {
        fr scale;
        fr_neg(&scale, &job->alpha->column[j]);
        for (unsigned k = ranges->first[j]; k < ranges->first[j + 1]; k++) {
            job->scale[k] = scale;
            if (k > ranges->first[j])
                fr_double(&scale, &scale);
        }
    }
}

/* out = sum_j alpha^j (p_j - low_j) - sum_k alpha^(J + k) e_k by rows: what is linear in F. */
static void fill_linear(fr *out, const struct setup_table *table, const struct setup_alpha *alpha)
{
    const struct circuit *circuit = table->ranges->circuit;
    memset(out, 0, table->n * sizeof *out);
    setup_table_combine(out, table, alpha->bit);
    for (size_t i = 0; i < table->n; i++)
        fr_neg(&out[i], &out[i]);
    for (unsigned j = 0; j < circuit->param_columns; j++)
        fr_vec_axpy(out, &alpha->column[j], table->parameter[j], table->n);
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *param = &circuit->param_cells[i];
        struct setup_cell cell;
        fr term;
        setup_cell_init(&cell, circuit, param);
        fr_mul(&term, &cell.low, &alpha->column[param->column]);
        fr_sub(&out[param->row], &out[param->row], &term);
    }
}

/* value = F by rows: zero below the tail, where every bit weighs nothing and e_k is not a bit. */
static void keep_tail(fr *value, const struct setup_table *table, const struct setup_alpha *alpha,
                      size_t usable_rows)
{
    memset(value, 0, usable_rows * sizeof *value);
    for (unsigned i = 0; i < table->full_count; i++) {
        if (table->full_row[i] < usable_rows)
            continue;
        for (unsigned k = 0; k < table->ranges->count; k++) {
            fr square;
            fr_sqr(&square, &table->full[k * table->full_count + i]);
            fr_mul(&square, &square, &alpha->bit[k]);
            fr_add(&value[table->full_row[i]], &value[table->full_row[i]], &square);
        }
    }
}

/* ---- T -------------------------------------------------------------------------------------- */

/*
 * With P = Z_off F = (X^n - 1) T the coefficient of X^(n + m) is T_m - T_(m + n), and T ends at
 * m = n + b' - 2: T_m = P_(n + m) + P_(2n + m). F has 2 n coefficients here, the last one zero.
 */
static void divide(fr *quotient, const fr *f, const struct setup_table *table,
                   const struct plonk_layout *layout)
{
    fr zero[PLONK_GATED_ROWS + 1], term;
    size_t n = table->n;
    plonk_zero_tail_coefficients(zero, layout);
    memset(quotient, 0, table->quotient_count * sizeof *quotient);
    for (size_t e = 0; e <= PLONK_GATED_ROWS; e++) {
        size_t count = n + e < table->quotient_count ? n + e : table->quotient_count;
        fr_vec_axpy(quotient, &zero[e], f + n - e, count);
        for (size_t m = 0; m < e; m++) {
            fr_mul(&term, &zero[e], &f[2 * n + m - e]);
            fr_add(&quotient[m], &quotient[m], &term);
        }
    }
}

size_t setup_work_count(const struct setup_table *table)
{
    size_t arrays = name_weights(NULL, table->ranges) + 4;
    return table->n * (arrays + 2 * (size_t)worker_count(table));
}

void setup_quotient(fr *quotient, const struct setup_table *table, const struct setup_alpha *alpha,
                    const struct plonk_layout *layout, fr *work)
{
    size_t n = table->n;
    struct coset_job job = {.table = table, .alpha = alpha};
    fr *f = work, *coset = work + n, *power = work + 2 * n, *linear = work + 3 * n;
    fr generator, inverse, t;
    work += 4 * n;
    fr_from_u64(&generator, FR_GENERATOR);
    fr_vec_powers(power, &fr_one, &generator, n);
    job.power = power;
    job.weights.array_count = name_weights(&job.weights, table->ranges);
    for (unsigned i = 0; i < job.weights.array_count; i++, work += n) {
        job.weights.array[i] = work;
        memset(work, 0, n * sizeof *work);
    }
    fill_weights(&job.weights, table->ranges);
    fill_scales(&job, table->ranges);
    job.scratch = work;
    job.workers = worker_count(table);

    fill_linear(linear, table, alpha);
    memcpy(coset, linear, n * sizeof *coset);
    keep_tail(linear, table, alpha, layout->usable_rows);
    add_columns(coset, &job);

    /* f_1 and f_g as coefficients, then high = (f_g - f_1) / (g^n - 1), low = f_1 - high. */
    ntt_inverse(table->machine, &table->domain, linear);
    ntt_inverse_scrambled(table->machine, &table->domain, coset);
    fr_inv(&inverse, &generator);
    ntt_scale_by_powers(table->machine, coset, n, &inverse);
    fr_pow_u64(&t, &generator, n);
    fr_sub(&t, &t, &fr_one);
    fr_inv(&t, &t);
    fr_vec_sub(coset, coset, linear, n);
    fr_vec_scale(coset, coset, &t, n);
    fr_vec_sub(f, linear, coset, n);
    divide(quotient, f, table, layout);
}
