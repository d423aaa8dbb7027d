/* The chain: its circuit, its files, its processes. */
#include "benchmarks/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/commit/srs.h"
#include "backend/plonk/prove.h"
#include "backend/plonk/verify.h"
#include "ir/support/file.h"

/* File format of a proof here: u32 0, then 32 bytes of the word, then the proof. */
enum { WORD_BYTES = 32, CIRCUIT_BYTES_MAX = 1 << 30 };

/* Constants of the circuit, by index. */
enum { ZERO, THREE, MINUS_ONE, ONE };

struct chain {
    struct arena arena;
    struct circuit circuit;
    struct machine *machine;
    struct srs srs;
    struct plonk_proving_key key;
};

static void chain_release(struct chain *chain)
{
    plonk_proving_key_release(&chain->key);
    srs_release(&chain->srs);
    machine_free(chain->machine);
    arena_release(&chain->arena);
}

static unsigned chain_lg_rows(uint32_t steps)
{
    unsigned lg_rows = 6;
    while (((uint32_t)1 << lg_rows) - CIRCUIT_GATED_ROWS < steps + 1)
        lg_rows++;
    return lg_rows;
}

/* Row i: a1 a2 + 3 - a3 = 0 with a1 = a2 = a3 of row i - 1; the last row before U is the public
 * word, a copy of the last a3. */
static void fill_rows(struct circuit *circuit, uint32_t steps)
{
    uint32_t word_row = circuit->usable_rows - 1;
    for (uint32_t i = 0; i < steps; i++) {
        circuit->rows[i] = (struct circuit_row){
            .chain = CHAIN_SINGLE, .term = TERM_PRODUCT, .c2 = THREE, .c3 = MINUS_ONE};
        struct cell next = {i + 1 < steps ? i + 1 : word_row, i + 1 < steps ? 0 : 2};
        circuit->copies[2 * i].a = (struct cell){i, 0};
        circuit->copies[2 * i].b = (struct cell){i, 1};
        circuit->copies[2 * i + 1].a = (struct cell){i, 2};
        circuit->copies[2 * i + 1].b = next;
    }
    circuit->rows[word_row] =
        (struct circuit_row){.chain = CHAIN_START, .term = TERM_LINEAR, .c2 = ZERO, .c3 = ONE};
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        circuit->origins[row].relation = UINT32_MAX;
}

static enum status build_circuit(struct chain *chain, uint32_t steps, struct diag *diag)
{
    struct circuit *circuit = &chain->circuit;
    struct arena *arena = &chain->arena;
    circuit->lg_rows = chain_lg_rows(steps);
    circuit->usable_rows = ((uint32_t)1 << circuit->lg_rows) - CIRCUIT_GATED_ROWS;
    circuit->constants = arena_array(arena, wide, 4);
    circuit->rows = arena_array(arena, struct circuit_row, circuit->usable_rows);
    circuit->table = arena_array(arena, struct circuit_table_row, circuit->usable_rows);
    circuit->origins = arena_array(arena, struct row_origin, circuit->usable_rows);
    circuit->copies = arena_alloc_array(arena, 2 * (size_t)steps, sizeof *circuit->copies);
    circuit->fills = arena_array(arena, struct fill, 1);
    circuit->param_cells = arena_array(arena, struct param_cell, 1);
    circuit->public_parts = arena_array(arena, struct public_part, 1);
    if (!circuit->public_parts || !circuit->copies || !circuit->origins || !circuit->table ||
        !circuit->rows || !circuit->constants || !circuit->fills || !circuit->param_cells)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a chain of %u steps", steps);
    const int64_t constant[4] = {0, 3, -1, 1};
    for (int i = 0; i < 4; i++)
        circuit->constants[circuit->constant_count++] = wide_from_i64(constant[i]);
    circuit->copy_count = 2 * (size_t)steps;
    circuit->public_part_count = circuit->public_word_count = 1;
    circuit->public_parts[0] = (struct public_part){.bits = 254};
    fill_rows(circuit, steps);
    return circuit_validate(circuit, diag);
}

/* Full-size: any number near the modulus squares to one. */
static void chain_start(fr *y)
{
    fr_from_u64(y, 0x5e47);
    fr_inv(y, y);
}

/* The number of steps of a parsed circuit. */
static uint32_t chain_steps(const struct circuit *circuit)
{
    return (uint32_t)(circuit->copy_count / 2);
}

static void fill_witness(fr *const column[CIRCUIT_ADVICE], fr *word, const struct circuit *circuit)
{
    fr y, three;
    chain_start(&y);
    fr_from_u64(&three, 3);
    for (uint32_t i = 0; i < chain_steps(circuit); i++) {
        column[0][i] = column[1][i] = y;
        fr_sqr(&y, &y);
        fr_add(&y, &y, &three);
        column[2][i] = y;
    }
    column[2][circuit->usable_rows - 1] = *word = y;
}

static enum status write_in(const char *folder, const char *name, const void *bytes, size_t count,
                            struct diag *diag)
{
    char *path = file_join(folder, name);
    if (!path)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a path");
    enum status status = file_write(path, bytes, count, FILE_MODE_PUBLIC, false, diag);
    free(path);
    return status;
}

static enum status read_in(const char *folder, const char *name, struct buffer *buffer,
                           struct diag *diag)
{
    char *path = file_join(folder, name);
    if (!path)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a path");
    enum status status = file_read(path, CIRCUIT_BYTES_MAX, buffer, diag);
    free(path);
    return status;
}

/* Opens as many powers as keys and proofs in fast mode need. */
static enum status open_srs(struct chain *chain, struct diag *diag)
{
    struct plonk_layout layout;
    plonk_layout_init(&layout, PLONK_MODE_FAST, chain->circuit.lg_rows, 0, false);
    return srs_open_development(&chain->srs, layout.srs_points, chain->machine, diag);
}

/* What `sertn-run prove` opens, in the cache from setup on. */
static enum status open_tables(struct chain *chain, struct diag *diag)
{
    enum status status = plonk_proving_key_open_bases(&chain->key, diag);
    if (status == STATUS_OK)
        srs_use_table(&chain->srs, plonk_table_bytes(&chain->key.vk.layout), chain->machine);
    return status;
}

static enum status setup(struct chain *chain, const char *folder, uint32_t steps, struct diag *diag)
{
    uint8_t vk[PLONK_VK_BYTES_MAX];
    struct buffer bytes = {0};
    struct plonk_parameter_tail tail = {0};
    const fr *no_parameters[CIRCUIT_PARAM_MAX] = {NULL};
    enum status status;
    if ((status = build_circuit(chain, steps, diag)) != STATUS_OK ||
        (status = open_srs(chain, diag)) != STATUS_OK ||
        (status = plonk_keys_make(&chain->key, &chain->circuit, PLONK_MODE_FAST, &chain->srs,
                                  no_parameters, &tail, chain->machine, diag)) != STATUS_OK ||
        (status = open_tables(chain, diag)) != STATUS_OK)
        return status;
    plonk_vk_serialize(vk, &chain->key.vk);
    circuit_serialize(&chain->circuit, &bytes);
    if ((status = buffer_status(&bytes, diag)) == STATUS_OK &&
        (status = write_in(folder, "circuit", bytes.data, bytes.count, diag)) == STATUS_OK)
        status = write_in(folder, "vk", vk, chain->key.vk.layout.vk_bytes, diag);
    buffer_release(&bytes);
    return status;
}

static enum status load(struct chain *chain, const char *folder, struct diag *diag)
{
    struct buffer circuit = {0}, vk = {0};
    struct plonk_verifying_key key;
    enum status status;
    if ((status = read_in(folder, "circuit", &circuit, diag)) == STATUS_OK &&
        (status = read_in(folder, "vk", &vk, diag)) == STATUS_OK &&
        (status = circuit_parse(&chain->circuit, &chain->arena, circuit.data, circuit.count,
                                diag)) == STATUS_OK &&
        (status = plonk_vk_parse(&key, vk.data, vk.count, diag)) == STATUS_OK &&
        (status = open_srs(chain, diag)) == STATUS_OK)
        status = plonk_proving_key_load(&chain->key, &chain->circuit, NULL, &key, &chain->srs,
                                        chain->machine, diag);
    if (status == STATUS_OK)
        status = open_tables(chain, diag);
    buffer_release(&circuit);
    buffer_release(&vk);
    return status;
}

static enum status prove(struct chain *chain, const char *folder, struct diag *diag)
{
    static const uint8_t context[PLONK_CONTEXT_BYTES];
    enum status status = load(chain, folder, diag);
    if (status != STATUS_OK)
        return status;
    size_t proof_bytes = chain->key.vk.layout.proof_bytes;
    fr *column[CIRCUIT_ADVICE], word;
    struct plonk_witness witness = {{NULL}, {NULL}};
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        witness.advice[j] = column[j] = arena_array(&chain->arena, fr, chain->circuit.usable_rows);
    uint8_t *file = arena_alloc(&chain->arena, WORD_BYTES + proof_bytes);
    if (!file || !column[0] || !column[1] || !column[2])
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the witness of the chain");
    fill_witness(column, &word, &chain->circuit);
    fr_to_bytes_be(file, &word);
    const struct plonk_statement statement = {context, &word, 1};
    const struct plonk_parameter_tail tail = {0};
    status =
        plonk_prove(file + WORD_BYTES, &chain->key, &tail, &witness, &statement, NULL, NULL, diag);
    if (status != STATUS_OK)
        return status;
    return write_in(folder, "proof", file, WORD_BYTES + proof_bytes, diag);
}

static enum status verify(const char *folder, struct diag *diag)
{
    static const uint8_t context[PLONK_CONTEXT_BYTES];
    struct buffer vk = {0}, proof = {0};
    struct plonk_verifying_key key;
    struct srs_verifier srs;
    enum status status;
    if ((status = read_in(folder, "vk", &vk, diag)) == STATUS_OK &&
        (status = read_in(folder, "proof", &proof, diag)) == STATUS_OK &&
        (status = plonk_vk_parse(&key, vk.data, vk.count, diag)) == STATUS_OK) {
        const struct plonk_claim claim = {.vk_digest = key.digest,
                                          .vk = vk.data,
                                          .vk_bytes = vk.count,
                                          .context = context,
                                          .words = proof.data,
                                          .word_count = 1,
                                          .proof = proof.data + WORD_BYTES,
                                          .proof_bytes = proof.count - WORD_BYTES};
        srs_verifier_init_development(&srs);
        status = proof.count < WORD_BYTES
                     ? diag_set(diag, STATUS_REJECTED, "%s/proof is too short", folder)
                     : plonk_verify(&claim, &srs, diag);
    }
    buffer_release(&vk);
    buffer_release(&proof);
    return status;
}

enum status chain_step(const char *step, const char *folder, uint32_t steps, unsigned threads,
                       struct diag *diag)
{
    if (strcmp(step, "verify") == 0)
        return verify(folder, diag);
    struct chain chain = {.machine = machine_new(threads)};
    enum status status;
    if (strcmp(step, "setup") == 0)
        status = setup(&chain, folder, steps, diag);
    else if (strcmp(step, "prove") == 0)
        status = prove(&chain, folder, diag);
    else
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "there is no chain step '%s'; there are setup, prove and verify", step);
    chain_release(&chain);
    return status;
}

/* The command of one step. Requires: room for 10 entries. */
static void step_command(const char **argv, const struct bench_options *options, const char *step,
                         const char *folder, const char *steps, const char *threads)
{
    const char *whole[] = {options->self, "--chain-step", step,    folder,
                           steps,         "--threads",    threads, NULL};
    memcpy(argv, whole, sizeof whole);
}

enum status chain_measure(struct chain_figures *figures, const struct bench_options *options,
                          uint32_t steps, struct bench_rival *rival, struct diag *diag)
{
    const char *argv[10];
    char count[16], threads[16];
    *figures = (struct chain_figures){.steps = steps, .lg_rows = chain_lg_rows(steps)};
    snprintf(count, sizeof count, "%u", steps);
    snprintf(threads, sizeof threads, "%u", options->threads);
    char *folder = file_join(options->work, "chain");
    if (!folder)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a path");
    struct bench_process process = {0};
    enum status status = file_make_dir(folder, 0755, diag);
    bench_say(options, "chain of %u steps: keys, prove, verify", steps);
    if (status == STATUS_OK) {
        step_command(argv, options, "setup", folder, count, threads);
        status = bench_process_succeed(&process, argv, diag);
        figures->setup_seconds = process.seconds;
        bench_process_release(&process);
    }
    if (status == STATUS_OK) {
        step_command(argv, options, "prove", folder, count, threads);
        status = bench_process_repeat(&figures->prove, argv, options->runs, rival, diag);
    }
    if (status == STATUS_OK) {
        step_command(argv, options, "verify", folder, count, threads);
        status = bench_process_repeat(&figures->verify, argv, options->runs, NULL, diag);
    }
    if (status == STATUS_OK) {
        char *path = file_join(folder, "proof");
        uint64_t bytes = path ? file_size_bytes(path) : 0;
        figures->proof_bytes = bytes > WORD_BYTES ? bytes - WORD_BYTES : 0;
        free(path);
    }
    free(folder);
    return status;
}
