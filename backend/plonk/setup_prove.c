/* The setup prover: README section 8 in its order. */
#include "backend/plonk/setup_rounds.h"

#include "backend/commit/kzg.h"
#include "backend/field/field_vec.h"
#include "backend/field/system_random.h"
#include "backend/plonk/blinding.h"
#include "backend/plonk/protocol.h"
#include "backend/plonk/setup_quotient.h"
#include "backend/poly/polynomial.h"

#include <string.h>

/* A restart happens when a commitment is infinity or xi lies in the domain: below 2^-220. */
enum { ATTEMPTS_MAX = 8, SCRATCH_LIMIT = 1 << 20 };

enum setup_result { SETUP_DONE, SETUP_RESTART, SETUP_FAILED };

struct setup_prover {
    struct setup_table table;
    const struct plonk_verifying_key *vk;
    const struct plonk_layout *layout; /* the key's */
    const struct srs *srs;
    struct srs_lagrange bases; /* of arity 1 */
    const struct plonk_parameter_tail *tail;
    const struct setup_trial *trial;
    struct diag *diag;

    struct transcript transcript;
    struct proof_writer writer;
    struct plonk_blinding blinding;
    struct setup_alpha alpha;
    struct plonk_point point;
    fr bit[SETUP_BITS_MAX];        /* y_k */
    fr factor[SETUP_BITS_MAX + 1]; /* powers of eta */
    g1_affine commitment[SETUP_BITS_MAX];

    /* In the secret block. */
    fr *quotient; /* [table.quotient_count] coefficients of T */
    fr *opened;   /* [table.quotient_count] */
    fr *lagrange; /* [n] */
    fr *work;     /* [table.work_count] */
    bool holds;
};

/* ---- bits ----------------------------------------------------------------------------------- */

/* The bits of a value: c_0 first. A value outside the range gets some. */
static wide split_value(const struct setup_cell *cell, const fr *value)
{
    wide offset, top, low;
    fr difference;
    fr_sub(&difference, value, &cell->low);
    fr_to_limbs(offset.limb, &difference);
    fr_to_limbs(top.limb, &cell->top);
    wide half = wide_power_of_two(cell->bits - 1);
    bool has_top = wide_compare(offset, half) >= 0;
    low = offset;
    if (has_top) {
        bool fits = wide_sub(&low, offset, top);
        ASSERT(fits);
    }
    uint64_t carry = has_top;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t limb = low.limb[i];
        low.limb[i] = limb << 1 | carry;
        carry = limb >> 63;
    }
    return low;
}

static void set_bits(uint64_t *row, unsigned first, unsigned count, const wide *bits)
{
    for (unsigned t = 0; t < count; t++)
        row[(first + t) / 64] |= (bits->limb[t / 64] >> t % 64 & 1) << (first + t) % 64;
}

static void fill_bits(struct setup_prover *prover)
{
    struct setup_table *table = &prover->table;
    const struct circuit *circuit = table->ranges->circuit;
    if (prover->trial->bits != NULL) {
        memcpy(table->bits, prover->trial->bits, table->n * table->words * sizeof *table->bits);
        return;
    }
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        struct setup_cell range;
        setup_cell_init(&range, circuit, cell);
        if (range.bits == 0)
            continue;
        wide bits = split_value(&range, &table->parameter[cell->column][cell->row]);
        set_bits(table->bits + cell->row * table->words, table->ranges->first[cell->column],
                 range.bits, &bits);
    }
}

/* The tail of every bit column, and what a trial adds. */
static void draw_full_rows(struct setup_prover *prover)
{
    struct setup_table *table = &prover->table;
    for (unsigned k = 0; k < table->ranges->count; k++) {
        fr *full = table->full + k * table->full_count;
        plonk_blinding_draw(&prover->blinding, full, SETUP_TAIL_ROWS);
        if (prover->trial->extra != NULL)
            full[SETUP_TAIL_ROWS] = prover->trial->extra[k];
    }
}

/* ---- rounds --------------------------------------------------------------------------------- */

static bool write_point(struct setup_prover *prover, const char *label, const g1_affine *point)
{
    return transcript_write_point(&prover->transcript, &prover->writer, label, &point->x,
                                  &point->y);
}

static enum setup_result round_bits(struct setup_prover *prover)
{
    const struct setup_table *table = &prover->table;
    struct kzg_bits bits = {.count = table->ranges->count,
                            .row = table->bits,
                            .full = table->full,
                            .full_row = table->full_row,
                            .full_count = table->full_count};
    fr alpha;
    draw_full_rows(prover);
    if (kzg_commit_bits(prover->commitment, &prover->bases, &bits, table->machine, prover->diag) !=
        STATUS_OK)
        return SETUP_FAILED;
    for (unsigned k = 0; k < bits.count; k++)
        if (!write_point(prover, "bits", &prover->commitment[k]))
            return SETUP_RESTART;
    transcript_squeeze(&prover->transcript, "alpha", &alpha);
    setup_alpha_init(&prover->alpha, table->ranges, &alpha);
    return SETUP_DONE;
}

static enum setup_result commit(struct setup_prover *prover, const char *label,
                                const fr *coefficient, size_t count)
{
    g1_affine point;
    if (kzg_commit(&point, prover->srs, coefficient, count, prover->table.machine, prover->diag) !=
        STATUS_OK)
        return SETUP_FAILED;
    return write_point(prover, label, &point) ? SETUP_DONE : SETUP_RESTART;
}

static enum setup_result round_quotient(struct setup_prover *prover)
{
    fr xi;
    setup_quotient(prover->quotient, &prover->table, &prover->alpha, prover->layout, prover->work);
    enum setup_result result = commit(prover, "T", prover->quotient, prover->table.quotient_count);
    if (result != SETUP_DONE)
        return result;
    transcript_squeeze(&prover->transcript, "xi", &xi);
    plonk_point_init(&prover->point, prover->layout, &xi);
    return fr_is_zero(&prover->point.zero_all) ? SETUP_RESTART : SETUP_DONE;
}

/* Whether Q(xi) is what the checker computes from the evaluations. */
static bool holds_at_xi(const struct setup_prover *prover)
{
    const struct setup_table *table = &prover->table;
    const struct plonk_point *point = &prover->point;
    fr left, right, t;
    polynomial_evaluate(table->machine, &left, prover->quotient, table->quotient_count, &point->xi);
    fr_mul(&left, &left, &point->zero_all);
    setup_value_at(&right, table->ranges, &prover->alpha, prover->lagrange, prover->bit);
    for (unsigned j = 0; j < prover->layout->param_columns; j++) {
        fr_vec_dot(&t, table->parameter[j], prover->lagrange, table->n);
        fr_mul(&t, &t, &prover->alpha.column[j]);
        fr_add(&right, &right, &t);
    }
    fr_mul(&right, &right, &point->zero_tail);
    return fr_eq(&left, &right);
}

static enum setup_result round_open(struct setup_prover *prover)
{
    const struct setup_table *table = &prover->table;
    const struct plonk_point *point = &prover->point;
    unsigned count = table->ranges->count;
    size_t n = table->n;
    fr eta, weight, *opened = prover->opened;
    ntt_domain_lagrange(&table->domain, prover->lagrange, 0, n, &point->xi, prover->work);
    setup_table_dot(prover->bit, table, prover->lagrange);
    transcript_write_fr(&prover->transcript, &prover->writer, "evaluations", prover->bit, count);
    prover->holds = holds_at_xi(prover);

    transcript_squeeze(&prover->transcript, "eta", &eta);
    fr_vec_powers(prover->factor, &fr_one, &eta, count + 1);
    const fr *last = &prover->factor[count];
    memset(opened, 0, table->quotient_count * sizeof *opened);
    setup_table_combine(opened, table, prover->factor);
    for (unsigned j = 0; j < prover->layout->param_columns; j++) {
        fr_mul(&weight, last, &point->zero_tail);
        fr_mul(&weight, &weight, &prover->alpha.column[j]);
        fr_neg(&weight, &weight);
        fr_vec_axpy(opened, &weight, table->parameter[j], n);
    }
    ntt_inverse(table->machine, &table->domain, opened);
    fr_mul(&weight, last, &point->zero_all);
    fr_vec_axpy(opened, &weight, prover->quotient, table->quotient_count);
    polynomial_divide_linear(table->machine, opened, NULL, opened, table->quotient_count,
                             &point->xi);
    return commit(prover, "W", opened, table->quotient_count - 1);
}

static enum setup_result attempt(struct setup_prover *prover, uint8_t *proof,
                                 const uint8_t *entropy, uint64_t number)
{
    const struct setup_table *table = &prover->table;
    size_t bytes = setup_proof_bytes(table->ranges);
    setup_proof_head(proof, table->ranges);
    proof_writer_init(&prover->writer, proof + SETUP_HEAD_BYTES, bytes - SETUP_HEAD_BYTES);
    transcript_init(&prover->transcript, SETUP_DOMAIN);
    transcript_observe(&prover->transcript, prover->trial->observer,
                       prover->trial->observer_context);
    transcript_absorb_words(&prover->transcript, "vk digest", prover->vk->digest, 32);
    plonk_blinding_init_setup(&prover->blinding, entropy, prover->vk, table->bits,
                              table->n * table->words, prover->tail, number);
    enum setup_result result = round_bits(prover);
    plonk_blinding_wipe(&prover->blinding);
    if (result == SETUP_DONE)
        result = round_quotient(prover);
    if (result == SETUP_DONE)
        result = round_open(prover);
    ASSERT(result != SETUP_DONE || prover->writer.used == bytes - SETUP_HEAD_BYTES);
    return result;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Cuts the secret block up; returns the elements used. With block null it only counts. */
static size_t lay_out(struct setup_prover *prover, fr *block)
{
    struct setup_table *table = &prover->table;
    size_t used = 0;
#define TAKE(count) (used += (count), block == NULL ? NULL : block + used - (count))
    fr *bits = TAKE((table->n * table->words + 3) / 4);
    table->bits = bits == NULL ? NULL : bits->limb;
    table->full = TAKE((size_t)table->ranges->count * table->full_count);
    for (unsigned j = 0; j < prover->layout->param_columns; j++)
        table->parameter[j] = TAKE(table->n);
    prover->quotient = TAKE(table->quotient_count);
    prover->opened = TAKE(table->quotient_count);
    prover->lagrange = TAKE(table->n);
    prover->work = TAKE(setup_work_count(table));
#undef TAKE
    return used;
}

static enum status prepare(struct setup_prover *prover, const struct setup_ranges *ranges,
                           struct machine *machine)
{
    struct setup_table *table = &prover->table;
    table->ranges = ranges;
    table->machine = machine;
    table->n = prover->layout->rows;
    table->words = KZG_BIT_WORDS(ranges->count);
    table->quotient_count = table->n + PLONK_GATED_ROWS - 1;
    table->scratch_limit =
        prover->trial->scratch_limit != 0 ? prover->trial->scratch_limit : SCRATCH_LIMIT;
    for (uint32_t i = 0; i < SETUP_TAIL_ROWS; i++)
        table->full_row[i] = (uint32_t)prover->layout->usable_rows + 1 + i;
    table->full_row[SETUP_TAIL_ROWS] = prover->trial->extra_row;
    table->full_count = SETUP_TAIL_ROWS + (prover->trial->extra != NULL);
    if (prover->srs->powers.count < table->quotient_count)
        return diag_set(prover->diag, STATUS_LIMIT,
                        "the setup proof of %zu rows needs an SRS of %zu powers and this one has "
                        "%zu; give a larger .ptau",
                        table->n, table->quotient_count, (size_t)prover->srs->powers.count);
    enum status status = ntt_domain_init(&table->domain, prover->layout->lg_rows, prover->diag);
    if (status == STATUS_OK)
        status = srs_lagrange_open(&prover->bases, prover->srs, prover->layout->lg_rows, 1, machine,
                                   prover->diag);
    return status;
}

static enum status attempt_all(struct setup_prover *prover, uint8_t *proof, const uint8_t *entropy)
{
    for (uint64_t number = 0; number < ATTEMPTS_MAX; number++) {
        enum setup_result result = attempt(prover, proof, entropy, number);
        if (result == SETUP_DONE)
            return STATUS_OK;
        if (result == SETUP_FAILED)
            return prover->diag->status;
    }
    return diag_set(prover->diag, STATUS_IO,
                    "the random numbers of this machine repeat; no setup proof can be made");
}

enum status setup_prove_anything(uint8_t *proof, bool *holds, const struct circuit *circuit,
                                 const struct plonk_verifying_key *vk, const struct srs *srs,
                                 const fr *const parameters[CIRCUIT_PARAM_MAX],
                                 const struct plonk_parameter_tail *tail,
                                 const uint8_t entropy[PLONK_ENTROPY_BYTES],
                                 struct machine *machine, const struct setup_trial *trial,
                                 struct diag *diag)
{
    struct diag local = {0};
    struct setup_ranges ranges;
    struct arena arena = {0};
    enum status status = setup_ranges_init(&ranges, circuit, diag);
    *holds = false;
    if (status != STATUS_OK)
        return status;
    struct setup_prover *prover = arena_new(&arena, struct setup_prover);
    if (prover == NULL)
        return arena_failure(&arena, sizeof *prover, "the setup proof", diag);
    prover->vk = vk;
    prover->layout = &vk->layout;
    prover->srs = srs;
    prover->tail = tail;
    prover->trial = trial;
    prover->diag = diag != NULL ? diag : &local;
    status = prepare(prover, &ranges, machine);
    size_t count = lay_out(prover, NULL);
    fr *block = status == STATUS_OK ? arena_array(&arena, fr, count) : NULL;
    if (status == STATUS_OK && block == NULL)
        status = arena_failure(&arena, count * sizeof *block, "the setup proof", diag);
    if (status == STATUS_OK) {
        lay_out(prover, block);
        for (unsigned j = 0; j < vk->layout.param_columns; j++)
            plonk_parameter_values(prover->table.parameter[j], &vk->layout, parameters[j],
                                   tail->value[j]);
        fill_bits(prover);
        status = attempt_all(prover, proof, entropy);
        *holds = status == STATUS_OK && prover->holds;
        fr_wipe(block, count);
    }
    srs_lagrange_release(&prover->bases);
    ntt_domain_release(&prover->table.domain);
    arena_release(&arena);
    return status;
}

/* Whether low <= value <= high as integers in (-r/2, r/2). */
static bool is_in_range(const struct circuit *circuit, const struct param_cell *cell,
                        const fr *value)
{
    fr low;
    wide offset, size;
    plonk_fr_from_wide(&low, circuit->constants[cell->low]);
    fr_sub(&low, value, &low);
    fr_to_limbs(offset.limb, &low);
    return wide_sub(&size, circuit->constants[cell->high], circuit->constants[cell->low]) &&
           wide_compare(offset, size) <= 0;
}

static enum status check_ranges(const struct circuit *circuit,
                                const fr *const parameters[CIRCUIT_PARAM_MAX], struct diag *diag)
{
    struct arena arena = {0};
    bool *is_used = arena_array(&arena, bool, (size_t)CIRCUIT_PARAM_MAX * circuit->usable_rows);
    if (is_used == NULL)
        return arena_failure(&arena, circuit->usable_rows, "the parameters", diag);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < circuit->param_cell_count && status == STATUS_OK; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        is_used[cell->column * circuit->usable_rows + cell->row] = true;
        if (is_in_range(circuit, cell, &parameters[cell->column][cell->row]))
            continue;
        char low[80], high[80];
        wide_format(low, circuit->constants[cell->low]);
        wide_format(high, circuit->constants[cell->high]);
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "element %u of parameter tensor %u is outside the range %s .. %s that "
                          "the circuit declares",
                          cell->element, cell->tensor, low, high);
    }
    for (unsigned j = 0; j < circuit->param_columns && status == STATUS_OK; j++)
        for (uint32_t row = 0; row < circuit->usable_rows && status == STATUS_OK; row++)
            if (!is_used[j * circuit->usable_rows + row] && !fr_is_zero(&parameters[j][row]))
                status = diag_set(diag, STATUS_BAD_INPUT,
                                  "row %u of parameter column w%u has a value but the circuit "
                                  "declares no range for it; compile the model again",
                                  row, j + 1);
    arena_release(&arena);
    return status;
}

enum status plonk_setup_prove(struct buffer *out, const struct circuit *circuit,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              const fr *const parameters[CIRCUIT_PARAM_MAX],
                              const struct plonk_parameter_tail *tail, struct machine *machine,
                              struct diag *diag)
{
    static const struct setup_trial nothing = {0};
    uint8_t entropy[PLONK_ENTROPY_BYTES];
    struct setup_ranges ranges;
    enum status status = check_ranges(circuit, parameters, diag);
    if (status == STATUS_OK)
        status = setup_ranges_init(&ranges, circuit, diag);
    if (status != STATUS_OK || circuit->param_columns == 0)
        return status;
    if (!system_random_fill(entropy, sizeof entropy))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    uint8_t *proof = buffer_extend(out, setup_proof_bytes(&ranges));
    if (proof == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the setup proof");
    bool holds;
    status = setup_prove_anything(proof, &holds, circuit, vk, srs, parameters, tail, entropy,
                                  machine, &nothing, diag);
    explicit_bzero(entropy, sizeof entropy);
    if (status == STATUS_OK && !holds)
        status = diag_set(diag, STATUS_REJECTED,
                          "the setup proof does not hold; the verifying key or the parameters are "
                          "not those of the circuit");
    return status;
}
