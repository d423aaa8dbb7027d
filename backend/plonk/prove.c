/* The prover: rounds in protocol order. README sections 1 to 5. */
#include "backend/plonk/prove.h"

#include "backend/commit/kzg.h"
#include "backend/field/field_vec.h"
#include "backend/field/system_random.h"
#include "backend/plonk/rounds.h"
#include "ir/support/large_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A restart happens with probability below 2^-220; meeting several in a row means a bug or a broken
 * generator. */
enum { ATTEMPTS_MAX = 8 };

/* Columns of scratch that round_challenge uses behind the values. */
enum { CHALLENGE_WORK = 3 };

/* Elements that a thread takes of simple loops over arrays, and when it wipes. */
enum { ARRAY_CHUNK = 4096, WIPE_CHUNK = 1 << 15 };

static void report(const struct plonk_prover *prover, const char *stage, double fraction)
{
    if (prover->progress != NULL && prover->progress->report != NULL)
        prover->progress->report(prover->progress->context, stage, fraction);
}

/* Lets commitments have the scratch of the rounds that is free now: it is there already, and wiped
 * at the end. */
static void offer_work(struct plonk_prover *prover)
{
    machine_offer(prover->machine, prover->work + prover->work_used,
                  (prover->work_count - prover->work_used) * sizeof *prover->work);
}

enum round_result plonk_write_commitment(struct plonk_prover *prover, const char *label,
                                         const fr *const *column, unsigned arity, size_t count)
{
    g1_affine point;
    offer_work(prover);
    enum status status = kzg_commit_group(&point, prover->key->srs, column, arity, count,
                                          prover->machine, prover->diag);
    machine_offer(prover->machine, NULL, 0);
    if (status != STATUS_OK)
        return ROUND_FAILED;
    bool is_written =
        transcript_write_point(&prover->transcript, &prover->writer, label, &point.x, &point.y);
    return is_written ? ROUND_DONE : ROUND_RESTART;
}

/* Whether more than seven in eight of a column's values are wide, by a sample. */
static bool is_mostly_wide(const fr *value, size_t n)
{
    enum { SAMPLES = 256 };
    size_t stride = n < SAMPLES ? 1 : n / SAMPLES, found = 0, seen = 0;
    for (size_t row = 0; row < n; row += stride) {
        uint64_t limb[4], negative[4];
        fr t;
        fr_to_limbs(limb, &value[row]);
        fr_neg(&t, &value[row]);
        fr_to_limbs(negative, &t);
        seen++;
        found += (limb[2] | limb[3]) != 0 && (negative[2] | negative[3]) != 0;
    }
    return 8 * found > 7 * seen;
}

/*
 * Whether a group is committed by coefficients over the powers: without bases, and where the
 * powers have a window table and the values are as wide as coefficients are.
 */
static bool takes_powers(const struct plonk_prover *prover, const struct plonk_group *group,
                         fr *const *value)
{
    const struct plonk_proving_key *key = prover->key;
    if (!key->has_bases)
        return true;
    return key->srs->powers.levels > 1 && group->arity == 1 &&
           prover->layout->mode == PLONK_MODE_FAST &&
           is_mostly_wide(value[group->column[0]], prover->layout->rows);
}

/* Of each group of a phase, from the values of its columns. */
static void choose_bases(const struct plonk_prover *prover, enum plonk_phase phase,
                         fr *const *value, bool by_powers[PLONK_GROUPS_MAX])
{
    const struct plonk_layout *layout = prover->layout;
    for (unsigned g = layout->phase_first[phase]; g < layout->phase_first[phase + 1]; g++)
        by_powers[g] = takes_powers(prover, &layout->group[g], value);
}

/* Whether group g is the one column that the group before it is, too. */
static bool is_same_group(const struct plonk_layout *layout, fr *const *coefficients,
                          enum plonk_phase phase, unsigned g)
{
    const struct plonk_group *group = &layout->group[g];
    return g > layout->phase_first[phase] && group->arity == 1 && group[-1].arity == 1 &&
           coefficients[group->column[0]] == coefficients[group[-1].column[0]];
}

/* Commits to all groups of a phase, by coefficients or by values. */
static enum round_result commit_phase(struct plonk_prover *prover, enum plonk_phase phase,
                                      fr *const *value, fr *const *coefficients,
                                      const bool by_powers[PLONK_GROUPS_MAX])
{
    static const char *const label[] = {"phase 0", "phase 1"};
    const struct plonk_proving_key *key = prover->key;
    const struct plonk_layout *layout = prover->layout;
    g1_affine point;
    for (unsigned g = layout->phase_first[phase]; g < layout->phase_first[phase + 1]; g++) {
        const struct plonk_group *group = &layout->group[g];
        const fr *taken[PLONK_ARITY_MAX];
        struct kzg_column values[PLONK_ARITY_MAX];
        for (unsigned i = 0; i < group->arity; i++) {
            taken[i] = coefficients[group->column[i]];
            values[i] = (struct kzg_column){.full = value[group->column[i]]};
        }
        offer_work(prover);
        /* A group that is one repeated column has the point of the group before it. */
        enum status status = is_same_group(layout, coefficients, phase, g) ? STATUS_OK
                             : by_powers[g]
                                 ? kzg_commit_group(&point, key->srs, taken, group->arity,
                                                    layout->rows, prover->machine, prover->diag)
                                 : kzg_commit_values(&point, plonk_proving_key_bases(key, phase),
                                                     values, prover->machine, prover->diag);
        machine_offer(prover->machine, NULL, 0);
        if (status != STATUS_OK)
            return ROUND_FAILED;
        if (!transcript_write_point(&prover->transcript, &prover->writer, label[phase], &point.x,
                                    &point.y))
            return ROUND_RESTART;
    }
    return ROUND_DONE;
}

/* A column as coefficients, from values in row order. */
struct transform_job {
    const fr *source; /* may be the target */
    fr *target;
};

static void copy_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct transform_job *job = context;
    memcpy(job->target + begin, job->source + begin, (end - begin) * sizeof *job->target);
}

/* Takes count columns; null sources are left out. */
static void transform(const struct plonk_prover *prover, fr *const *target, fr *const *source,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct transform_job job = {source[i], target[i]};
        if (job.source == NULL)
            continue;
        if (job.target != job.source)
            machine_parallel_for(prover->machine, prover->layout->rows, ARRAY_CHUNK, copy_task,
                                 &job);
        ntt_inverse(prover->machine, &prover->key->domain, job.target);
    }
}

static void blind_tail(struct plonk_prover *prover, fr *column)
{
    plonk_blinding_draw(&prover->blinding, column + prover->layout->usable_rows + 1,
                        PLONK_TAIL_ROWS);
}

/* Puts a trial's column in the place of the honest one. */
static void replace(const struct plonk_prover *prover, fr *column, const fr *other)
{
    if (other != NULL)
        memcpy(column, other, (prover->layout->usable_rows + 1) * sizeof *column);
}

static void touch(const struct plonk_prover *prover, fr *z, fr *phi, fr *s, fr *h)
{
    const struct plonk_trial *trial = prover->trial;
    if (trial->touch != NULL)
        trial->touch(trial->touch_context, &prover->challenges, z, phi, s, h);
}

/* Makes an advice column one polynomial with the column that it always equals: README section 2.
 * Returns whether it did; a witness that breaks the circuit may have another. */
static bool join_twin(struct plonk_prover *prover, unsigned column)
{
    unsigned twin = column < PLONK_A1 + CIRCUIT_ADVICE
                        ? PLONK_A1 + prover->key->twin[column - PLONK_A1]
                        : column;
    if (twin == column)
        return false;
    size_t rows = prover->layout->usable_rows + 1;
    if (memcmp(prover->value[column], prover->value[twin], rows * sizeof(fr)) != 0)
        return false;
    memcpy(prover->value[column] + rows, prover->value[twin] + rows, PLONK_TAIL_ROWS * sizeof(fr));
    prover->column[column] = prover->column[twin];
    return true;
}

static void fill_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct plonk_prover *prover = context;
    size_t bytes = (end - begin) * sizeof(fr);
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        memcpy(prover->value[PLONK_A1 + j] + begin, prover->witness->advice[j] + begin, bytes);
    for (unsigned j = 0; j < prover->layout->param_columns; j++)
        memcpy(prover->value[PLONK_W1 + j] + begin, prover->witness->parameters[j] + begin, bytes);
    for (size_t row = begin; row < end; row++)
        fr_from_i64(&prover->value[PLONK_M][row], prover->multiplicity[row]);
}

static void fill_advice(struct plonk_prover *prover)
{
    const struct plonk_layout *layout = prover->layout;
    machine_parallel_for(prover->machine, layout->usable_rows, ARRAY_CHUNK, fill_task, prover);
    for (unsigned column = PLONK_A1; column <= PLONK_M; column++) {
        if (prover->value[column] == NULL)
            continue;
        prover->value[column][layout->usable_rows] = fr_zero;
        if (column == PLONK_M)
            replace(prover, prover->value[column], prover->trial->m);
        if (!join_twin(prover, column))
            blind_tail(prover, prover->value[column]);
    }
}

static enum round_result round_advice(struct plonk_prover *prover)
{
    prover->work_used = prover->value_count;
    fill_advice(prover);
    fr *source[PLONK_Z];
    for (unsigned column = 0; column < PLONK_Z; column++)
        source[column] = plonk_is_repeated(prover->column, column) ? NULL : prover->value[column];
    transform(prover, prover->column, source, PLONK_Z);
    for (unsigned j = 0; j < prover->layout->param_columns; j++) {
        plonk_parameter_values(prover->parameter[j], prover->layout, prover->witness->parameters[j],
                               prover->tail->value[j]);
        ntt_inverse(prover->machine, &prover->key->domain, prover->parameter[j]);
    }
    bool by_powers[PLONK_GROUPS_MAX];
    choose_bases(prover, PLONK_PHASE_ADVICE, prover->value, by_powers);
    enum round_result result =
        commit_phase(prover, PLONK_PHASE_ADVICE, prover->value, prover->column, by_powers);
    if (result == ROUND_DONE)
        plonk_squeeze_first(&prover->challenges, &prover->transcript, prover->layout);
    return result;
}

struct rows_context {
    struct plonk_rows_job job;
    const struct plonk_kernels *kernels;
    atomic_bool met_zero;
};

static void rows_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct rows_context *rows = context;
    if (!rows->kernels->rows(&rows->job, begin, end))
        atomic_store_explicit(&rows->met_zero, true, memory_order_relaxed);
}

/* h by rows: 0 after a row without it. */
static void accumulate_held(fr *h, const struct plonk_prover *prover)
{
    const struct circuit_row *rows = prover->key->circuit->rows;
    const struct plonk_challenges *c = &prover->challenges;
    fr *const *value = prover->value, t;
    h[0] = fr_zero;
    for (size_t row = 0; row < prover->layout->usable_rows; row++) {
        fr *next = &h[row + 1];
        if (rows[row].hold != HOLD_STEP) {
            *next = rows[row].hold == HOLD_NONE ? fr_zero : h[row];
            continue;
        }
        fr_mul(next, &c->rho_square, &value[PLONK_A1][row]);
        fr_mul(&t, &c->rho, &value[PLONK_A2][row]);
        fr_add(next, next, &t);
        fr_add(next, next, &value[PLONK_A3][row]);
        fr_mul(&t, &c->sigma, &h[row]);
        fr_add(next, next, &t);
    }
}

/* Adds to the values C of the rows what they take from h; the step back is accumulate's. */
static void add_held(fr *gate, const struct plonk_prover *prover, const fr *h)
{
    const struct circuit_row *rows = prover->key->circuit->rows;
    for (size_t row = 0; row < prover->layout->usable_rows; row++) {
        if (rows[row].hold != HOLD_WEIGHT && rows[row].hold != HOLD_ADVICE)
            continue;
        fr t;
        fr_mul(&t, &h[row],
               &prover->value[rows[row].hold == HOLD_WEIGHT ? PLONK_W1 : PLONK_A1][row]);
        fr_add(&gate[row], &gate[row], &t);
    }
}

/* (c3 / rho) s where a row with h steps back, added to s'. */
static void step_back(fr *next, const struct plonk_prover *prover, const struct circuit_row *row,
                      const fr *s)
{
    fr t;
    if ((row->hold != HOLD_WEIGHT && row->hold != HOLD_ADVICE) || row->c3 == 0)
        return;
    fr_mul(&t, s, &prover->challenges.rho_inverse);
    fr_mul(&t, &t, &prover->key->constants[row->c3]);
    fr_add(next, next, &t);
}

/* s by rows: s' = N^-1 (A s + rho H s + C) where N is 1; where N is 0 the next row does not read s,
 * which is zero there. */
static void accumulate(fr *s, const struct plonk_prover *prover, const fr *gate)
{
    const struct circuit_row *rows = prover->key->circuit->rows;
    s[0] = fr_zero;
    for (size_t row = 0; row < prover->layout->usable_rows; row++) {
        fr *next = &s[row + 1];
        switch (rows[row].chain) {
        case CHAIN_START:
            *next = gate[row];
            break;
        case CHAIN_CONTINUE:
            fr_add(next, &s[row], &gate[row]);
            break;
        case CHAIN_HORNER:
            fr_mul(next, &s[row], &prover->challenges.rho);
            fr_add(next, next, &gate[row]);
            break;
        default:
            *next = fr_zero;
        }
        if (prover->layout->has_contraction)
            step_back(next, prover, &rows[row], &s[row]);
    }
    /* A last row with N = 0 leaves s free at the end row, where it must be the public value. */
    uint8_t last = rows[prover->layout->usable_rows - 1].chain;
    if (last == CHAIN_SINGLE || last == CHAIN_END)
        s[prover->layout->usable_rows] = prover->public_value;
}

/* Commits to the columns of phase 1 and leaves their coefficients: those that are committed by
 * coefficients become them before, the others after. */
static enum round_result commit_challenge(struct plonk_prover *prover)
{
    const struct plonk_layout *layout = prover->layout;
    bool by_powers[PLONK_GROUPS_MAX];
    fr *early[PLONK_CHALLENGE_COLUMNS] = {NULL}, *late[PLONK_CHALLENGE_COLUMNS];
    fr *const *column = &prover->column[PLONK_Z];
    choose_bases(prover, PLONK_PHASE_CHALLENGE, prover->column, by_powers);
    memcpy(late, column, sizeof late);
    for (unsigned g = layout->phase_first[PLONK_PHASE_CHALLENGE];
         g < layout->phase_first[PLONK_PHASE_CHALLENGE + 1]; g++) {
        const struct plonk_group *group = &layout->group[g];
        for (unsigned i = 0; i < group->arity && by_powers[g]; i++) {
            unsigned k = group->column[i] - PLONK_Z;
            early[k] = column[k];
            late[k] = NULL;
        }
    }
    transform(prover, column, early, PLONK_CHALLENGE_COLUMNS);
    enum round_result result =
        commit_phase(prover, PLONK_PHASE_CHALLENGE, prover->column, prover->column, by_powers);
    transform(prover, column, late, PLONK_CHALLENGE_COLUMNS);
    return result;
}

static enum round_result round_challenge(struct plonk_prover *prover)
{
    size_t n = prover->layout->rows, usable = prover->layout->usable_rows;
    struct rows_context rows = {.kernels = prover->kernels};
    rows.job = (struct plonk_rows_job){.key = prover->key, .challenges = &prover->challenges};
    for (unsigned column = 0; column < PLONK_Z; column++)
        rows.job.value[column] = prover->value[column];
    rows.job.ratio = prover->work + prover->value_count;
    rows.job.lookup = rows.job.ratio + n;
    rows.job.gate = rows.job.lookup + n;
    machine_parallel_for(prover->machine, usable, PLONK_ROWS_CHUNK, rows_task, &rows);
    if (rows.met_zero)
        return ROUND_RESTART;

    fr *z = prover->column[PLONK_Z], *phi = prover->column[PLONK_PHI], *s = prover->column[PLONK_S],
       *h = prover->column[PLONK_H];
    prover->work_used = 0;
    plonk_public_value(&prover->public_value, prover->statement->words,
                       prover->statement->word_count, &prover->challenges.rho);
    z[0] = fr_one;
    phi[0] = fr_zero;
    for (size_t row = 0; row < usable; row++) {
        fr_mul(&z[row + 1], &z[row], &rows.job.ratio[row]);
        fr_add(&phi[row + 1], &phi[row], &rows.job.lookup[row]);
    }
    if (h != NULL) {
        accumulate_held(h, prover);
        replace(prover, h, prover->trial->h);
        touch(prover, NULL, NULL, NULL, h);
        add_held(rows.job.gate, prover, h);
        blind_tail(prover, h);
    }
    accumulate(s, prover, rows.job.gate);
    replace(prover, z, prover->trial->z);
    replace(prover, phi, prover->trial->phi);
    replace(prover, s, prover->trial->s);
    touch(prover, z, phi, s, NULL);
    blind_tail(prover, z);
    blind_tail(prover, phi);
    blind_tail(prover, s);
    enum round_result result = commit_challenge(prover);
    if (result == ROUND_DONE)
        plonk_squeeze_alpha(&prover->challenges, &prover->transcript);
    return result;
}

static enum round_result round_quotient(struct plonk_prover *prover)
{
    plonk_round_quotient(prover);
    for (unsigned k = 0; k < prover->layout->quotient_parts; k++) {
        const fr *part = prover->quotient[k];
        enum round_result result =
            plonk_write_commitment(prover, "T", &part, 1, prover->quotient_count[k]);
        if (result != ROUND_DONE)
            return result;
    }
    fr xi;
    transcript_squeeze(&prover->transcript, "xi", &xi);
    plonk_point_init(&prover->point, prover->layout, &xi);
    bool is_usable = !fr_is_zero(&prover->point.zero_all);
    for (unsigned i = 0; i < 3; i++)
        is_usable = is_usable && !fr_is_zero(&prover->point.denominator[i]);
    return is_usable ? ROUND_DONE : ROUND_RESTART;
}

/* A sum of polynomials. */
struct sum_job {
    fr *sum;
    const fr *term[PLONK_PARTS_MAX + CIRCUIT_PARAM_MAX];
    size_t length[PLONK_PARTS_MAX + CIRCUIT_PARAM_MAX];
    fr weight[PLONK_PARTS_MAX + CIRCUIT_PARAM_MAX];
    unsigned terms;
};

static void sum_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct sum_job *job = context;
    memset(job->sum + begin, 0, (end - begin) * sizeof *job->sum);
    for (unsigned k = 0; k < job->terms; k++) {
        size_t last = end < job->length[k] ? end : job->length[k];
        if (begin < last)
            fr_vec_axpy(job->sum + begin, &job->weight[k], job->term[k] + begin, last - begin);
    }
}

/* Q = Z_H(xi) T + Z_off(xi) sum_j alpha^(3+j) p_j, with T recombined from its parts. */
static void form_opened(struct plonk_prover *prover)
{
    const struct plonk_layout *layout = prover->layout;
    const struct plonk_point *point = &prover->point;
    struct sum_job job = {.sum = prover->opened};
    fr weight = point->zero_all;
    for (unsigned k = 0; k < layout->quotient_parts; k++) {
        job.term[job.terms] = prover->quotient[k];
        job.length[job.terms] = prover->quotient_count[k];
        job.weight[job.terms++] = weight;
        fr_mul(&weight, &weight, &point->xi_n);
    }
    for (unsigned j = 0; j < layout->param_columns; j++) {
        job.term[job.terms] = prover->parameter[j];
        job.length[job.terms] = layout->rows;
        fr_mul(&job.weight[job.terms++], &point->zero_tail, &prover->challenges.alpha[3 + j]);
    }
    machine_parallel_for(prover->machine, prover->opened_count, ARRAY_CHUNK, sum_task, &job);
}

static void round_evaluations(struct plonk_prover *prover)
{
    const struct plonk_layout *layout = prover->layout;
    struct plonk_point *point = &prover->point;
    fr at[PLONK_COLUMNS], next[PLONK_CHALLENGE_COLUMNS], rotated_xi, inverse[2], expected, value;
    plonk_evaluate_all(prover->machine, at, prover->column, PLONK_COLUMNS, layout->rows,
                       &point->xi);
    fr_mul(&rotated_xi, &point->omega, &point->xi);
    plonk_evaluate_all(prover->machine, next, &prover->column[PLONK_Z], PLONK_CHALLENGE_COLUMNS,
                       layout->rows, &rotated_xi);
    for (unsigned g = 0; g < layout->group_count; g++) {
        const struct plonk_group *group = &layout->group[g];
        for (unsigned i = 0; i < group->arity; i++) {
            prover->evaluation[group->first_evaluation + i] = at[group->column[i]];
            if (group->rotated)
                prover->evaluation[group->first_evaluation + group->arity + i] =
                    next[group->column[i] - PLONK_Z];
        }
    }
    transcript_write_fr(&prover->transcript, &prover->writer, "evaluations", prover->evaluation,
                        layout->evaluation_count);

    form_opened(prover);
    plonk_evaluate_all(prover->machine, &value, &prover->opened, 1, prover->opened_count,
                       &point->xi);
    for (unsigned i = 0; i < 2; i++)
        fr_inv(&inverse[i], &point->denominator[1 + i]);
    plonk_full_value(&expected, layout, point, &prover->challenges, prover->evaluation, inverse,
                     &prover->public_value);
    prover->holds = fr_eq(&expected, &value);
}

static enum round_result run_rounds(struct plonk_prover *prover)
{
    report(prover, "columns", 0.0);
    enum round_result result = round_advice(prover);
    if (result == ROUND_DONE) {
        report(prover, "permutation and lookups", 0.2);
        result = round_challenge(prover);
    }
    if (result == ROUND_DONE) {
        report(prover, "quotient", 0.35);
        result = round_quotient(prover);
    }
    if (result == ROUND_DONE) {
        report(prover, "opening", 0.65);
        round_evaluations(prover);
        result = plonk_round_open(prover);
    }
    if (result == ROUND_DONE)
        report(prover, "done", 1.0);
    return result;
}

/* Cuts the secret block up. Returns the elements used; with block null only counts. */
static size_t lay_out(struct plonk_prover *prover, fr *block)
{
    const struct plonk_layout *layout = prover->layout;
    size_t n = layout->rows, used = 0;
#define TAKE(count) (used += (count), block == NULL ? NULL : block + used - (count))
    prover->work_count = plonk_work_count(prover->key);
    prover->work = TAKE(prover->work_count);
    /* What lives at the start of the scratch: values until the quotient needs it, then Q. */
    prover->value_count = 0;
    for (unsigned column = 0; column < PLONK_FIXED_FIRST; column++) {
        bool is_missing = plonk_evaluation_index(layout, (enum plonk_column)column, false) < 0;
        if (column < PLONK_Z) {
            prover->value[column] =
                is_missing || block == NULL ? NULL : prover->work + prover->value_count;
            prover->value_count += is_missing ? 0 : n;
        }
        prover->column[column] = is_missing ? NULL : TAKE(n);
    }
    for (unsigned j = 0; j < layout->param_columns; j++)
        prover->parameter[j] = TAKE(n);
    for (unsigned k = 0; k < layout->quotient_parts; k++) {
        bool is_last = k + 1 == layout->quotient_parts;
        prover->quotient_count[k] = is_last ? layout->quotient_count - k * n : n + 1;
        prover->quotient[k] = TAKE(prover->quotient_count[k]);
    }
#undef TAKE
    prover->opened_count = plonk_opened_count(layout);
    prover->opened = prover->work;
    ASSERT(prover->value_count + CHALLENGE_WORK * n <= prover->work_count &&
           prover->opened_count + 2 * layout->srs_points <= prover->work_count);
    return used;
}

static enum status attempt_all(struct plonk_prover *prover, uint8_t *proof, const uint8_t *entropy)
{
    for (uint64_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        transcript_init(&prover->transcript, PLONK_DOMAIN);
        transcript_observe(&prover->transcript, prover->trial->observer,
                           prover->trial->observer_context);
        plonk_absorb_statement(&prover->transcript, prover->key->vk.digest,
                               prover->statement->context, prover->statement->words,
                               prover->statement->word_count);
        proof_writer_init(&prover->writer, proof, prover->layout->proof_bytes);
        plonk_blinding_init(&prover->blinding, entropy, prover->key, prover->witness,
                            prover->statement, attempt);
        enum round_result result = run_rounds(prover);
        plonk_blinding_wipe(&prover->blinding);
        if (result == ROUND_DONE) {
            ASSERT(prover->writer.used == prover->layout->proof_bytes);
            return STATUS_OK;
        }
        if (result == ROUND_FAILED)
            return prover->diag != NULL ? prover->diag->status : STATUS_NO_MEMORY;
    }
    return diag_set(prover->diag, STATUS_IO,
                    "the random numbers of this machine repeat; no proof can be made");
}

static void wipe_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    fr_wipe((fr *)context + begin, end - begin);
}

enum status plonk_prove_anything(uint8_t *proof, bool *holds, struct plonk_lookup_miss *miss,
                                 const struct plonk_proving_key *key,
                                 const struct plonk_parameter_tail *tail,
                                 const struct plonk_witness *witness,
                                 const struct plonk_statement *statement,
                                 const uint8_t entropy[PLONK_ENTROPY_BYTES],
                                 const struct plonk_progress *progress,
                                 const struct plonk_trial *trial, struct diag *diag)
{
    struct plonk_prover prover = {
        .key = key, .layout = &key->vk.layout, .kernels = plonk_kernels()};
    struct diag local = {0};
    prover.machine = key->machine;
    prover.witness = witness;
    prover.statement = statement;
    prover.tail = tail;
    prover.progress = progress;
    prover.trial = trial;
    prover.diag = diag != NULL ? diag : &local;
    memset(proof, 0, key->vk.layout.proof_bytes);

    struct arena arena;
    arena_init(&arena, 0);
    size_t count = lay_out(&prover, NULL), rows = prover.layout->rows;
    fr *block = large_alloc(count * sizeof *block);
    prover.multiplicity = arena_array(&arena, int64_t, rows);
    enum status status = STATUS_OK;
    if (block == NULL || prover.multiplicity == NULL ||
        !plonk_lookup_multiplicities(prover.multiplicity, miss, key->tables, key->circuit, witness,
                                     &arena)) {
        status = arena_failure(&arena, count * sizeof *block, "the prover", prover.diag);
    } else {
        large_populate(key->machine, block, count * sizeof *block);
        lay_out(&prover, block);
        for (unsigned i = 0; i < PLONK_FIXED_COLUMNS; i++)
            prover.column[PLONK_FIXED_FIRST + i] = key->fixed[i];
        status = attempt_all(&prover, proof, entropy);
    }
    if (block != NULL)
        machine_parallel_for(key->machine, count, WIPE_CHUNK, wipe_task, block);
    free(block);
    arena_release(&arena);
    *holds = status == STATUS_OK && prover.holds;
    if (status != STATUS_OK)
        memset(proof, 0, key->vk.layout.proof_bytes);
    return status;
}

static enum status refuse_miss(const struct plonk_lookup_miss *miss, struct diag *diag)
{
    static const char *const slot_name[PLONK_SLOTS] = {"memory read", "table lookup",
                                                       "range lookup"};
    return diag_set(diag, STATUS_REJECTED,
                    "the witness breaks the circuit: the %s of row %u finds no such entry%s; run "
                    "`check` for all failures",
                    slot_name[miss->slot], miss->row,
                    miss->count > 1 ? " (and it is not the only one)" : "");
}

enum status plonk_prove(uint8_t *proof, const struct plonk_proving_key *key,
                        const struct plonk_parameter_tail *tail,
                        const struct plonk_witness *witness,
                        const struct plonk_statement *statement, const uint8_t *entropy,
                        const struct plonk_progress *progress, struct diag *diag)
{
    uint8_t drawn[PLONK_ENTROPY_BYTES];
    if (statement->word_count != key->vk.word_count)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the circuit has %u public words and %zu were given", key->vk.word_count,
                        statement->word_count);
    if (entropy == NULL && !system_random_fill(drawn, sizeof drawn))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    static const struct plonk_trial nothing = {0};
    struct plonk_lookup_miss miss;
    bool holds = false;
    enum status status =
        plonk_prove_anything(proof, &holds, &miss, key, tail, witness, statement,
                             entropy != NULL ? entropy : drawn, progress, &nothing, diag);
    memset(drawn, 0, sizeof drawn);
    __asm__ volatile("" : : "r"(drawn) : "memory");
    if (status == STATUS_OK && miss.count > 0)
        status = refuse_miss(&miss, diag);
    if (status == STATUS_OK && !holds)
        status =
            diag_set(diag, STATUS_REJECTED,
                     "the witness breaks the circuit; run `check` for the constraints that fail");
    if (status != STATUS_OK)
        memset(proof, 0, key->vk.layout.proof_bytes);
    return status;
}
