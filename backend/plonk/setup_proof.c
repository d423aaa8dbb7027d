/* Proofs of the setup circuits and their check. */
#include "backend/plonk/setup_proof.h"

#include "backend/commit/kzg.h"

#include <string.h>

static enum status no_memory(struct diag *diag)
{
    return diag_set(diag, STATUS_NO_MEMORY, "no memory for the setup proof");
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
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        if (is_in_range(circuit, cell, &parameters[cell->column][cell->row]))
            continue;
        char low[80], high[80];
        wide_format(low, circuit->constants[cell->low]);
        wide_format(high, circuit->constants[cell->high]);
        return diag_set(diag, STATUS_BAD_INPUT,
                        "element %u of parameter tensor %u is outside the range %s .. %s that the "
                        "circuit declares",
                        cell->element, cell->tensor, low, high);
    }
    return STATUS_OK;
}

/* Proves one setup circuit into `proof`. */
static enum status prove_one(uint8_t *proof, const struct plonk_setup *setup, size_t index,
                             const struct plonk_proving_key *key, const struct circuit *circuit,
                             const struct plonk_verifying_key *vk,
                             const fr *const parameters[CIRCUIT_PARAM_MAX],
                             const struct plonk_parameter_tail *tail, struct diag *diag)
{
    struct arena arena = {0};
    unsigned column = setup->circuits[index].column;
    struct plonk_witness witness = {{NULL}, {parameters[column]}};
    struct plonk_parameter_tail own_tail = {
        .value = {{tail->value[column][0], tail->value[column][1]}}};
    struct plonk_statement statement = {.context = vk->digest};
    fr *advice[CIRCUIT_ADVICE];
    bool failed = false;
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++) {
        advice[j] = arena_array(&arena, fr, circuit->usable_rows);
        witness.advice[j] = advice[j];
        failed = failed || advice[j] == NULL;
    }
    enum status status = failed ? no_memory(diag) : STATUS_OK;
    if (status == STATUS_OK) {
        plonk_setup_fill(advice, setup, index, circuit, parameters[column]);
        status = plonk_prove(proof, key, &own_tail, &witness, &statement, NULL, NULL, diag);
        for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
            fr_wipe(advice[j], circuit->usable_rows);
    }
    plonk_parameter_tail_wipe(&own_tail);
    arena_release(&arena);
    return status;
}

/* Bases for the columns of setup circuits, when there are any circuits. */
static enum status open_bases(struct srs_lagrange *bases, const struct plonk_setup *setup,
                              const struct circuit *circuit, const struct srs *srs,
                              struct machine *machine, struct diag *diag)
{
    *bases = (struct srs_lagrange){.arity = 0};
    return setup->count == 0 ? STATUS_OK
                             : srs_lagrange_open(bases, srs, circuit->lg_rows, 1, machine, diag);
}

static enum status prove_all(struct buffer *out, const struct plonk_setup *setup,
                             const struct srs_lagrange *bases, const struct circuit *circuit,
                             const struct plonk_verifying_key *vk, const struct srs *srs,
                             const fr *const parameters[CIRCUIT_PARAM_MAX],
                             const struct plonk_parameter_tail *tail, struct machine *machine,
                             const struct plonk_progress *progress, struct diag *diag)
{
    for (size_t i = 0; i < setup->count; i++) {
        if (progress != NULL && progress->report != NULL)
            progress->report(progress->context, "setup proof", (double)i / (double)setup->count);
        struct plonk_proving_key key;
        enum status status =
            plonk_keys_make_over(&key, &setup->circuits[i].circuit, PLONK_MODE_FAST, srs,
                                 &vk->parameters[setup->circuits[i].column], bases, machine, diag);
        if (status != STATUS_OK)
            return status;
        uint8_t *proof = buffer_extend(out, key.vk.layout.proof_bytes);
        status = plonk_proving_key_open_bases(&key, diag);
        if (status == STATUS_OK)
            status = proof == NULL
                         ? no_memory(diag)
                         : prove_one(proof, setup, i, &key, circuit, vk, parameters, tail, diag);
        plonk_proving_key_release(&key);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status plonk_setup_prove(struct buffer *out, const struct circuit *circuit,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              const fr *const parameters[CIRCUIT_PARAM_MAX],
                              const struct plonk_parameter_tail *tail, struct machine *machine,
                              const struct plonk_progress *progress, struct diag *diag)
{
    struct plonk_setup setup;
    enum status status = check_ranges(circuit, parameters, diag);
    if (status == STATUS_OK)
        status = plonk_setup_circuits(&setup, circuit, diag);
    if (status != STATUS_OK)
        return status;
    struct srs_lagrange bases;
    status = open_bases(&bases, &setup, circuit, srs, machine, diag);
    if (status == STATUS_OK)
        status = prove_all(out, &setup, &bases, circuit, vk, srs, parameters, tail, machine,
                           progress, diag);
    srs_lagrange_release(&bases);
    plonk_setup_release(&setup);
    return status;
}

/* Recomputes the verifying key over its own parameter commitments. */
static enum status check_key(const struct circuit *circuit, const struct plonk_verifying_key *vk,
                             const struct srs *srs, struct machine *machine, struct diag *diag)
{
    struct plonk_proving_key key;
    if (vk->layout.param_columns != circuit->param_columns)
        return diag_set(diag, STATUS_REJECTED, "the verifying key is not that of the circuit");
    enum status status = plonk_keys_make_over(&key, circuit, vk->layout.mode, srs, vk->parameters,
                                              NULL, machine, diag);
    if (status != STATUS_OK)
        return status;
    bool is_same = memcmp(key.vk.digest, vk->digest, sizeof vk->digest) == 0;
    bool is_same_srs = memcmp(key.vk.srs_digest, vk->srs_digest, sizeof vk->srs_digest) == 0;
    plonk_proving_key_release(&key);
    if (is_same)
        return STATUS_OK;
    return diag_set(diag, STATUS_REJECTED, "the verifying key is not that of the circuit%s",
                    is_same_srs ? "" : ": it was made with another SRS");
}

static enum status check_one(const uint8_t *proof, const struct srs_lagrange *bases,
                             const struct plonk_setup_circuit *setup,
                             const struct plonk_verifying_key *vk, const struct srs *srs,
                             const struct srs_verifier *verifier, struct machine *machine,
                             struct diag *diag)
{
    struct plonk_proving_key key;
    enum status status = plonk_keys_make_over(&key, &setup->circuit, PLONK_MODE_FAST, srs,
                                              &vk->parameters[setup->column], bases, machine, diag);
    if (status != STATUS_OK)
        return status;
    uint8_t bytes[PLONK_VK_BYTES_MAX];
    plonk_vk_serialize(bytes, &key.vk);
    struct plonk_claim claim = {.vk_digest = key.vk.digest,
                                .vk = bytes,
                                .vk_bytes = key.vk.layout.vk_bytes,
                                .context = vk->digest,
                                .proof = proof,
                                .proof_bytes = key.vk.layout.proof_bytes};
    status = plonk_verify(&claim, verifier, diag);
    plonk_proving_key_release(&key);
    return status;
}

static enum status check_all(const struct plonk_setup *setup, const struct srs_lagrange *bases,
                             const uint8_t *proof, size_t proof_bytes,
                             const struct circuit *circuit, const struct plonk_verifying_key *vk,
                             const struct srs *srs, struct machine *machine, struct diag *diag)
{
    struct plonk_layout layout;
    struct srs_verifier verifier;
    plonk_layout_init(&layout, PLONK_MODE_FAST, circuit->lg_rows, 1, false);
    if (proof_bytes != setup->count * layout.proof_bytes)
        return diag_set(diag, STATUS_REJECTED,
                        "the setup proof has %zu bytes and the circuit asks for %zu", proof_bytes,
                        setup->count * layout.proof_bytes);
    srs_verifier_init(&verifier, srs->origin, &srs->tau_g2);
    for (size_t i = 0; i < setup->count; i++) {
        enum status status = check_one(proof + i * layout.proof_bytes, bases, &setup->circuits[i],
                                       vk, srs, &verifier, machine, diag);
        if (status != STATUS_OK)
            return diag_prefix(diag, status, "setup proof %zu of %zu", i + 1, setup->count);
    }
    return STATUS_OK;
}

enum status plonk_setup_check(const uint8_t *proof, size_t proof_bytes,
                              const struct circuit *circuit, const struct plonk_verifying_key *vk,
                              const struct srs *srs, struct machine *machine, struct diag *diag)
{
    struct plonk_setup setup;
    enum status status = check_key(circuit, vk, srs, machine, diag);
    if (status == STATUS_OK)
        status = plonk_setup_circuits(&setup, circuit, diag);
    if (status != STATUS_OK)
        return status;
    struct srs_lagrange bases;
    status = open_bases(&bases, &setup, circuit, srs, machine, diag);
    if (status == STATUS_OK)
        status = check_all(&setup, &bases, proof, proof_bytes, circuit, vk, srs, machine, diag);
    srs_lagrange_release(&bases);
    plonk_setup_release(&setup);
    return status;
}
