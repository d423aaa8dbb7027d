/* Keys from a circuit: fixed columns, permutation, commitments. */
#include "backend/plonk/keys.h"

#include "backend/commit/kzg.h"
#include "backend/hash/keccak.h"
#include "backend/plonk/constraints.h"
#include "backend/plonk/lookup.h"
#include "backend/plonk/permutation.h"
#include "ir/support/buffer.h"

#include <string.h>

_Static_assert((int)PLONK_TAIL_ROWS == (int)CIRCUIT_TAIL_ROWS &&
                   (int)PLONK_GATED_ROWS == (int)CIRCUIT_GATED_ROWS,
               "circuit.h and layout.h count the tail alike");

enum status plonk_circuit_digest(uint8_t digest[32], const struct circuit *circuit,
                                 struct diag *diag)
{
    struct buffer bytes = {0};
    circuit_serialize(circuit, &bytes);
    enum status status = buffer_status(&bytes, diag);
    if (status == STATUS_OK)
        keccak256(digest, bytes.data, bytes.count);
    buffer_release(&bytes);
    return status;
}

/*
 * Degree of the gated constraints in one variable on which every column depends linearly, found by
 * differences: the sixth differences of a quintic vanish and the fifth do not.
 */
static unsigned gated_degree(void)
{
    enum { POINTS = 9 };
    struct plonk_challenges challenges;
    memset(&challenges, 0, sizeof challenges);
    fr *number = &challenges.rho;
    for (size_t i = 0; i < sizeof challenges / sizeof(fr); i++)
        fr_from_u64(&number[i], 1000003 * (i + 7));
    fr difference[POINTS], table, x;
    for (unsigned point = 0; point < POINTS; point++) {
        struct plonk_values values;
        fr *value = &values.at[0];
        for (size_t i = 0; i < sizeof values / sizeof(fr); i++)
            fr_from_u64(&value[i], 17 * i * i + 5 + point * (31 * i + 3));
        fr_from_u64(&x, 11 + point * 13);
        plonk_table_tuple(&table, &values.at[PLONK_TTAG], &values.at[PLONK_TX],
                          &values.at[PLONK_TY], &challenges);
        plonk_gated_value(&difference[point], &values, &table, &x, &challenges,
                          (struct plonk_shape){CIRCUIT_PARAM_MAX, true});
    }
    unsigned degree = 0;
    for (unsigned order = 0; order < POINTS; order++) {
        if (!fr_is_zero(&difference[0]))
            degree = order;
        for (unsigned i = 0; i + order + 1 < POINTS; i++)
            fr_sub(&difference[i], &difference[i + 1], &difference[i]);
    }
    return degree;
}

/* deg T = degree (n - 1) + b' - n must leave as many coefficients as the layout reserves. */
static void assert_sizes(const struct plonk_layout *layout, const struct circuit *circuit)
{
    size_t degree = gated_degree() * (layout->rows - 1) + PLONK_GATED_ROWS - layout->rows;
    ASSERT(degree + 1 == layout->quotient_count);
    /* Weights of all lookups together stay far below the modulus. */
    ASSERT((uint64_t)circuit->usable_rows * PLONK_SLOTS * CIRCUIT_TAG_MAX < UINT64_MAX >> 1);
    ASSERT(circuit->usable_rows == layout->usable_rows && circuit->lg_rows == layout->lg_rows);
}

void plonk_fr_from_wide(fr *out, wide value)
{
    bool is_negative = wide_is_negative(value);
    if (is_negative) {
        bool fits = wide_neg(&value, value);
        ASSERT(fits);
    }
    fr_from_signed_limbs(out, value.limb, 4, is_negative);
}

/* The value of a fixed column in a row; below U but for the sigma columns. */
static void fixed_value(fr *out, const struct plonk_proving_key *key, unsigned column, uint32_t row)
{
    if (column <= PLONK_S3) {
        uint32_t cell = ((column - PLONK_S1) << key->circuit->lg_rows) + row;
        plonk_permutation_label(out, key->sigma[cell], key->circuit->lg_rows, key->omega);
        return;
    }
    const struct circuit_row *fixed = &key->circuit->rows[row];
    const struct circuit_table_row *table = &key->circuit->table[row];
    switch (column) {
    case PLONK_TTAG:
        fr_from_u64(out, table->tag);
        break;
    case PLONK_TX:
        fr_from_i64(out, table->x);
        break;
    case PLONK_TY:
        fr_from_i64(out, table->y);
        break;
    case PLONK_TF:
        fr_from_u64(out, fixed->slot_memory);
        break;
    case PLONK_T2:
        fr_from_u64(out, fixed->slot_table);
        break;
    case PLONK_T3:
        fr_from_u64(out, fixed->slot_range);
        break;
    case PLONK_QM:
        fr_from_u64(out, fixed->is_provider);
        break;
    case PLONK_G1:
        fr_from_u64(out, fixed->chain);
        break;
    case PLONK_G2:
        fr_from_u64(out, fixed->term);
        break;
    case PLONK_G3:
        fr_from_u64(out, fixed->hold);
        break;
    case PLONK_C2:
        *out = key->constants[fixed->c2];
        break;
    default:
        ASSERT(column == PLONK_C3);
        *out = key->constants[fixed->c3];
    }
}

/* Coefficients of one fixed column; the sigma columns go on through the tail, where every cell maps
 * to itself. */
static void build_fixed_column(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct plonk_proving_key *key = context;
    size_t rows = (size_t)1 << key->circuit->lg_rows;
    for (size_t i = begin; i < end; i++) {
        unsigned column = PLONK_FIXED_FIRST + (unsigned)i;
        fr *value = key->fixed[i];
        size_t filled = column <= PLONK_S3 ? rows : key->circuit->usable_rows;
        uint64_t any = 0;
        for (size_t row = 0; row < filled; row++) {
            fixed_value(&value[row], key, column, (uint32_t)row);
            any |=
                value[row].limb[0] | value[row].limb[1] | value[row].limb[2] | value[row].limb[3];
        }
        if (any != 0)
            ntt_inverse(NULL, &key->domain, value);
        else
            key->fixed[i] = NULL;
    }
}

static enum status allocate(struct plonk_proving_key *key, struct diag *diag)
{
    size_t rows = (size_t)1 << key->circuit->lg_rows;
    key->omega = arena_array(&key->arena, fr, rows);
    key->constants = arena_array(&key->arena, fr, key->circuit->constant_count);
    key->sigma = arena_array(&key->arena, uint32_t, CIRCUIT_ADVICE * rows);
    bool failed = key->omega == NULL || key->constants == NULL || key->sigma == NULL;
    for (unsigned i = 0; i < PLONK_FIXED_COLUMNS; i++) {
        key->fixed[i] = arena_array(&key->arena, fr, rows);
        failed = failed || key->fixed[i] == NULL;
    }
    if (failed)
        return arena_failure(&key->arena, (PLONK_FIXED_COLUMNS + 1) * rows * sizeof(fr),
                             "the proving key", diag);
    return STATUS_OK;
}

/* Everything of a proving key but vk. */
static enum status build(struct plonk_proving_key *key, const struct circuit *circuit,
                         const struct srs *srs, struct machine *machine, struct diag *diag)
{
    key->circuit = circuit;
    key->srs = srs;
    key->machine = machine;
    enum status status = ntt_domain_init(&key->domain, circuit->lg_rows, diag);
    if (status == STATUS_OK)
        status = allocate(key, diag);
    if (status != STATUS_OK)
        return status;
    key->omega[0] = fr_one;
    for (size_t i = 1; i < key->domain.n; i++)
        fr_mul(&key->omega[i], &key->omega[i - 1], &key->domain.root);
    for (size_t i = 0; i < circuit->constant_count; i++)
        plonk_fr_from_wide(&key->constants[i], circuit->constants[i]);

    struct arena_mark mark = arena_checkpoint(&key->arena);
    uint32_t *scratch = arena_array(&key->arena, uint32_t, CIRCUIT_ADVICE * key->domain.n);
    if (scratch == NULL)
        return arena_failure(&key->arena, 0, "the permutation", diag);
    plonk_permutation_build(key->sigma, circuit, scratch);
    arena_rewind(&key->arena, mark);

    key->tables = plonk_lookup_index_new(&key->arena, circuit);
    if (key->tables == NULL)
        return arena_failure(&key->arena, 0, "the table index", diag);
    machine_parallel_for(machine, PLONK_FIXED_COLUMNS, 1, build_fixed_column, key);
    return STATUS_OK;
}

/* The part of a verifying key that needs no commitment. */
static enum status start_vk(struct plonk_verifying_key *vk, const struct circuit *circuit,
                            enum plonk_mode mode, const struct srs *srs, struct diag *diag)
{
    memset(vk, 0, sizeof *vk);
    plonk_layout_init(&vk->layout, mode, circuit->lg_rows, circuit->param_columns,
                      circuit->has_contraction);
    assert_sizes(&vk->layout, circuit);
    vk->word_count = circuit->public_word_count;
    vk->fixed_count = vk->layout.group_count - vk->layout.phase_first[PLONK_PHASE_FIXED];
    memcpy(vk->srs_digest, srs->digest, 32);
    if (srs->powers.count < vk->layout.srs_points)
        return diag_set(diag, STATUS_LIMIT,
                        "a circuit of %zu rows in %s mode needs an SRS of %zu powers and this one "
                        "has %zu; give a larger .ptau",
                        vk->layout.rows, plonk_mode_name(mode), vk->layout.srs_points,
                        (size_t)srs->powers.count);
    return plonk_circuit_digest(vk->circuit_digest, circuit, diag);
}

/* A fixed column of fast mode from its values. */
static enum status commit_fixed_values(g1_affine *out, struct plonk_proving_key *key,
                                       unsigned column, const struct srs_lagrange *bases,
                                       struct diag *diag)
{
    struct arena_mark mark = arena_checkpoint(&key->arena);
    fr *value = arena_array(&key->arena, fr, key->domain.n);
    if (value == NULL)
        return arena_failure(&key->arena, key->domain.n * sizeof *value, "a fixed column", diag);
    for (uint32_t row = 0; row < key->circuit->usable_rows; row++)
        fixed_value(&value[row], key, column, row);
    struct kzg_column values = {.full = value};
    enum status status = kzg_commit_values(out, bases, &values, key->machine, diag);
    arena_rewind(&key->arena, mark);
    return status;
}

/* Sigma columns that move few cells have few coefficients; the others are small integers by row. */
static enum status commit_fixed(struct plonk_proving_key *key, const struct srs_lagrange *bases,
                                struct diag *diag)
{
    const struct plonk_layout *layout = &key->vk.layout;
    unsigned first = layout->phase_first[PLONK_PHASE_FIXED];
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < key->vk.fixed_count && status == STATUS_OK; i++) {
        const struct plonk_group *group = &layout->group[first + i];
        const fr *column[PLONK_ARITY_MAX];
        for (unsigned j = 0; j < group->arity; j++)
            column[j] = key->fixed[group->column[j] - PLONK_FIXED_FIRST];
        if (bases != NULL && group->arity == 1 && group->column[0] > PLONK_S3 && column[0] != NULL)
            status = commit_fixed_values(&key->vk.fixed[i], key, group->column[0], bases, diag);
        else
            status = kzg_commit_group(&key->vk.fixed[i], key->srs, column, group->arity,
                                      layout->rows, key->machine, diag);
    }
    return status;
}

enum status plonk_proving_key_open_bases(struct plonk_proving_key *key, struct diag *diag)
{
    const struct plonk_layout *layout = &key->vk.layout;
    if (key->has_bases)
        return STATUS_OK;
    for (unsigned phase = PLONK_PHASE_ADVICE; phase <= PLONK_PHASE_CHALLENGE; phase++) {
        unsigned arity = layout->group[layout->phase_first[phase]].arity;
        enum status status = srs_lagrange_open(&key->bases[phase], key->srs, layout->lg_rows, arity,
                                               key->machine, diag);
        if (status != STATUS_OK) {
            srs_lagrange_release(&key->bases[PLONK_PHASE_ADVICE]);
            return status;
        }
    }
    key->has_bases = true;
    return STATUS_OK;
}

void plonk_parameter_values(fr *out, const struct plonk_layout *layout, const fr *cells,
                            const fr tail[2])
{
    memcpy(out, cells, layout->usable_rows * sizeof *out);
    out[layout->usable_rows] = tail[0];
    out[layout->usable_rows + 1] = tail[1];
    memset(out + layout->usable_rows + 2, 0, (PLONK_GATED_ROWS - 2) * sizeof *out);
}

static enum status commit_parameters(struct plonk_proving_key *key,
                                     const fr *const parameters[CIRCUIT_PARAM_MAX],
                                     const struct plonk_parameter_tail *tail, struct diag *diag)
{
    const struct plonk_layout *layout = &key->vk.layout;
    struct arena_mark mark = arena_checkpoint(&key->arena);
    fr *value = arena_array(&key->arena, fr, layout->rows);
    if (value == NULL)
        return arena_failure(&key->arena, layout->rows * sizeof *value, "a parameter column", diag);
    enum status status = STATUS_OK;
    for (unsigned j = 0; status == STATUS_OK && j < layout->param_columns; j++) {
        plonk_parameter_values(value, layout, parameters[j], tail->value[j]);
        ntt_inverse(key->machine, &key->domain, value);
        status =
            kzg_commit(&key->vk.parameters[j], key->srs, value, layout->rows, key->machine, diag);
        if (status == STATUS_OK && g1_affine_is_infinity(&key->vk.parameters[j]))
            status = diag_set(diag, STATUS_IO,
                              "the random tail of the parameters is zero; make the keys again");
    }
    fr_wipe(value, layout->rows);
    arena_rewind(&key->arena, mark);
    return status;
}

/* Sets the digest. */
static void finish_vk(struct plonk_verifying_key *vk)
{
    uint8_t bytes[PLONK_VK_BYTES_MAX];
    plonk_vk_serialize(bytes, vk);
}

enum status plonk_keys_make(struct plonk_proving_key *key, const struct circuit *circuit,
                            enum plonk_mode mode, const struct srs *srs,
                            const fr *const parameters[CIRCUIT_PARAM_MAX],
                            const struct plonk_parameter_tail *tail, struct machine *machine,
                            struct diag *diag)
{
    memset(key, 0, sizeof *key);
    enum status status = start_vk(&key->vk, circuit, mode, srs, diag);
    if (status == STATUS_OK)
        status = build(key, circuit, srs, machine, diag);
    if (status == STATUS_OK)
        status = commit_fixed(key, NULL, diag);
    if (status == STATUS_OK)
        status = commit_parameters(key, parameters, tail, diag);
    if (status == STATUS_OK)
        finish_vk(&key->vk);
    else
        plonk_proving_key_release(key);
    return status;
}

enum status plonk_keys_make_over(struct plonk_proving_key *key, const struct circuit *circuit,
                                 enum plonk_mode mode, const struct srs *srs,
                                 const g1_affine *parameters, const struct srs_lagrange *bases,
                                 struct machine *machine, struct diag *diag)
{
    memset(key, 0, sizeof *key);
    enum status status = start_vk(&key->vk, circuit, mode, srs, diag);
    if (status == STATUS_OK)
        status = build(key, circuit, srs, machine, diag);
    if (status == STATUS_OK)
        status = commit_fixed(key, bases, diag);
    if (status != STATUS_OK) {
        plonk_proving_key_release(key);
        return status;
    }
    for (unsigned j = 0; j < circuit->param_columns; j++)
        key->vk.parameters[j] = parameters[j];
    finish_vk(&key->vk);
    return STATUS_OK;
}

enum status plonk_proving_key_load(struct plonk_proving_key *key, const struct circuit *circuit,
                                   const struct plonk_verifying_key *vk, const struct srs *srs,
                                   struct machine *machine, struct diag *diag)
{
    memset(key, 0, sizeof *key);
    struct plonk_verifying_key expected;
    enum status status = start_vk(&expected, circuit, vk->layout.mode, srs, diag);
    if (status != STATUS_OK)
        return status;
    if (memcmp(expected.circuit_digest, vk->circuit_digest, 32) != 0 ||
        expected.word_count != vk->word_count || expected.layout.lg_rows != vk->layout.lg_rows ||
        expected.layout.param_columns != vk->layout.param_columns ||
        expected.layout.has_contraction != vk->layout.has_contraction)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the verifying key belongs to another circuit; make the keys again");
    if (memcmp(expected.srs_digest, vk->srs_digest, 32) != 0)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "the keys were made with another SRS; give that one or make the keys again");
    key->vk = *vk;
    status = build(key, circuit, srs, machine, diag);
    if (status != STATUS_OK)
        plonk_proving_key_release(key);
    return status;
}

void plonk_proving_key_release(struct plonk_proving_key *key)
{
    srs_lagrange_release(&key->bases[0]);
    srs_lagrange_release(&key->bases[1]);
    ntt_domain_release(&key->domain);
    arena_release(&key->arena);
    memset(key, 0, sizeof *key);
}
