/* Proving keys: fixed columns, permutation, tables in memory. The commitments are in vk_make.c. */
#include "backend/plonk/keys.h"

#include "backend/hash/keccak.h"
#include "backend/plonk/constraints.h"
#include "backend/plonk/fixed_columns.h"
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

/* Values of fixed columns; null for zero. */
static void fill_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct plonk_proving_key *key = context;
    const struct fixed_columns fixed = {.circuit = key->circuit,
                                        .rows = key->domain.n,
                                        .omega = key->omega,
                                        .constants = key->constants,
                                        .sigma = key->sigma};
    for (size_t i = begin; i < end; i++)
        if (!fixed_column_full(key->fixed[i], &fixed, PLONK_FIXED_FIRST + (unsigned)i))
            key->fixed[i] = NULL;
}

/* What of a proving key one thread makes: all but vk and the coefficients of columns. */
static enum status prepare(struct plonk_proving_key *key, struct diag *diag)
{
    const struct circuit *circuit = key->circuit;
    struct fixed_columns fixed;
    enum status status = ntt_domain_init(&key->domain, circuit->lg_rows, diag);
    if (status == STATUS_OK)
        status = fixed_columns_init(&fixed, &key->arena, circuit, diag);
    if (status != STATUS_OK)
        return status;
    key->omega = fixed.omega;
    key->constants = fixed.constants;
    key->sigma = fixed.sigma;
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++) {
        key->twin[j] = 0;
        while (key->twin[j] < j && !plonk_permutation_twins(circuit, key->sigma, key->twin[j], j))
            key->twin[j]++;
    }
    bool failed = false;
    for (unsigned i = 0; i < PLONK_FIXED_COLUMNS; i++) {
        key->fixed[i] = arena_array(&key->arena, fr, fixed.rows);
        failed = failed || key->fixed[i] == NULL;
    }
    if (failed)
        return arena_failure(&key->arena, PLONK_FIXED_COLUMNS * fixed.rows * sizeof(fr),
                             "the proving key", diag);
    key->tables = plonk_lookup_index_new(&key->arena, circuit);
    if (key->tables == NULL)
        return arena_failure(&key->arena, 0, "the table index", diag);
    return STATUS_OK;
}

static void make_columns(struct plonk_proving_key *key)
{
    machine_parallel_for(key->machine, PLONK_FIXED_COLUMNS, 1, fill_task, key);
    for (unsigned i = 0; i < PLONK_FIXED_COLUMNS; i++)
        if (key->fixed[i] != NULL)
            ntt_inverse(key->machine, &key->domain, key->fixed[i]);
}

enum status plonk_vk_start(struct plonk_verifying_key *vk, const struct circuit *circuit,
                           const uint8_t *circuit_digest, enum plonk_mode mode,
                           const struct srs *srs, struct diag *diag)
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
    if (circuit_digest == NULL)
        return plonk_circuit_digest(vk->circuit_digest, circuit, diag);
    memcpy(vk->circuit_digest, circuit_digest, sizeof vk->circuit_digest);
    return STATUS_OK;
}

size_t plonk_table_bytes(const struct plonk_layout *layout)
{
    enum { FAST_LEVELS = 3 };
    size_t levels = FAST_LEVELS * layout->srs_points * sizeof(g1_affine);
    return layout->mode == PLONK_MODE_FAST && levels > SRS_TABLE_BYTES ? levels : SRS_TABLE_BYTES;
}

enum status plonk_proving_key_open_bases(struct plonk_proving_key *key, struct diag *diag)
{
    const struct plonk_layout *layout = &key->vk.layout;
    if (key->has_bases)
        return STATUS_OK;
    for (unsigned phase = PLONK_PHASE_ADVICE; phase <= PLONK_PHASE_CHALLENGE; phase++) {
        unsigned arity = layout->group[layout->phase_first[phase]].arity;
        if (phase > PLONK_PHASE_ADVICE && key->bases[PLONK_PHASE_ADVICE].arity == arity)
            break;
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

const struct srs_lagrange *plonk_proving_key_bases(const struct plonk_proving_key *key,
                                                   enum plonk_phase phase)
{
    ASSERT(key->has_bases && phase <= PLONK_PHASE_CHALLENGE);
    return &key->bases[key->bases[phase].arity == 0 ? PLONK_PHASE_ADVICE : phase];
}

enum status plonk_keys_make(struct plonk_proving_key *key, const struct circuit *circuit,
                            enum plonk_mode mode, const struct srs *srs,
                            const fr *const parameters[CIRCUIT_PARAM_MAX],
                            const struct plonk_parameter_tail *tail, struct machine *machine,
                            struct diag *diag)
{
    *key = (struct plonk_proving_key){.circuit = circuit, .srs = srs, .machine = machine};
    enum status status =
        plonk_vk_make(&key->vk, circuit, mode, srs, parameters, tail, machine, diag);
    if (status == STATUS_OK)
        status = prepare(key, diag);
    if (status == STATUS_OK)
        make_columns(key);
    else
        plonk_proving_key_release(key);
    return status;
}

/* Whether the vk of a key is that of its circuit and its SRS. */
static enum status check_vk(const struct plonk_proving_key *key, const uint8_t *circuit_digest,
                            struct diag *diag)
{
    const struct plonk_verifying_key *vk = &key->vk;
    struct plonk_verifying_key expected;
    enum status status =
        plonk_vk_start(&expected, key->circuit, circuit_digest, vk->layout.mode, key->srs, diag);
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
    return STATUS_OK;
}

/* Two things that need not wait for each other. */
enum { CHECK_VK, PREPARE, LOAD_TASKS };

struct load_job {
    struct plonk_proving_key *key;
    const uint8_t *circuit_digest;
    enum status status[LOAD_TASKS];
    struct diag diag[LOAD_TASKS];
};

static void load_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct load_job *job = context;
    for (size_t i = begin; i < end; i++)
        job->status[i] = i == CHECK_VK ? check_vk(job->key, job->circuit_digest, &job->diag[i])
                                       : prepare(job->key, &job->diag[i]);
}

enum status plonk_proving_key_load(struct plonk_proving_key *key, const struct circuit *circuit,
                                   const uint8_t *circuit_digest,
                                   const struct plonk_verifying_key *vk, const struct srs *srs,
                                   struct machine *machine, struct diag *diag)
{
    *key =
        (struct plonk_proving_key){.vk = *vk, .circuit = circuit, .srs = srs, .machine = machine};
    struct load_job job = {.key = key, .circuit_digest = circuit_digest};
    machine_parallel_for(machine, LOAD_TASKS, 1, load_task, &job);
    unsigned told = job.status[CHECK_VK] != STATUS_OK ? CHECK_VK : PREPARE;
    enum status status = job.status[told];
    if (status != STATUS_OK && diag != NULL)
        *diag = job.diag[told];
    if (status == STATUS_OK)
        make_columns(key);
    else
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
