/* See session.h. */
#include "runtime/session.h"

#include <string.h>

#include "runtime/values.h"

static wide element_of(void *context, uint32_t tensor, uint32_t element)
{
    struct session *session = context;
    return relation_value(&session->values, tensor, element);
}

static bool digest_word_of(void *context, uint32_t relation, uint32_t word, fr *value)
{
    struct session *session = context;
    return digest_traces_word(&session->traces, relation, word, value);
}

static struct witness_source source_of(struct session *session)
{
    return (struct witness_source){element_of, digest_word_of, session, &session->model.program};
}

static enum status allocate(struct session *session, struct diag *diag)
{
    const struct circuit *circuit = &session->model.circuit;
    enum status status =
        relation_values_init(&session->values, &session->model.program, &session->arena, diag);
    unsigned columns = CIRCUIT_ADVICE + circuit->param_columns;
    for (unsigned i = 0; i < columns && status == STATUS_OK; i++) {
        session->column[i] = arena_array(&session->arena, fr, circuit->usable_rows);
        if (session->column[i] == NULL)
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for a witness of %u rows",
                              circuit->usable_rows);
    }
    session->words = arena_array(&session->arena, fr, circuit->public_word_count + 1);
    if (status == STATUS_OK && session->words == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the public words");
    return status;
}

enum status session_open(struct session *session, const char *folder, enum model_part part,
                         unsigned threads, struct diag *diag)
{
    *session = (struct session){0};
    arena_init(&session->arena, 0);
    enum status status = model_load(&session->model, folder, part, diag);
    if (status == STATUS_OK)
        status = allocate(session, diag);
    if (status == STATUS_OK)
        status = model_parameters_load(&session->values, session->parameters_digest,
                                       &session->model, diag);
    if (status == STATUS_OK) {
        session->machine = machine_new(threads);
        if (session->machine == NULL)
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for threads");
    }
    if (status != STATUS_OK)
        session_close(session);
    return status;
}

static void wipe(void *data, size_t bytes)
{
    if (data != NULL)
        explicit_bzero(data, bytes);
}

void session_close(struct session *session)
{
    for (unsigned i = 0; i < WITNESS_COLUMNS; i++)
        wipe(session->column[i], (size_t)session->model.circuit.usable_rows * sizeof(fr));
    for (size_t t = 0; t < session->values.tensor_count; t++) {
        size_t count = session->model.program.tensors[t].count;
        wipe(session->values.narrow[t], count * sizeof(int64_t));
        wipe(session->values.full[t], count * sizeof(wide));
    }
    digest_traces_release(&session->traces);
    jit_free(session->jit);
    if (session->has_srs)
        srs_release(&session->srs);
    if (session->machine != NULL)
        machine_free(session->machine);
    arena_release(&session->arena);
    model_release(&session->model);
    *session = (struct session){0};
}

enum status session_open_srs(struct session *session, const char *path, struct diag *diag)
{
    struct plonk_layout layout;
    plonk_layout_init(&layout, session->model.mode, session->model.circuit.lg_rows,
                      session->model.circuit.param_columns, session->model.circuit.has_contraction);
    enum status status = plonk_require_rows(session->model.circuit.lg_rows, diag);
    if (status != STATUS_OK)
        return status;
    if (path != NULL)
        status = srs_open_file(&session->srs, path, layout.srs_points, session->machine, diag);
    else if (session->model.has_key)
        status = srs_open_digest(&session->srs, session->model.key.srs_digest, layout.srs_points,
                                 session->machine, diag);
    else
        status = srs_open_development(&session->srs, layout.srs_points, session->machine, diag);
    session->has_srs = status == STATUS_OK;
    return status;
}

enum status session_fill_parameters(struct session *session, struct diag *diag)
{
    struct witness_source source = source_of(session);
    fr *const columns[CIRCUIT_PARAM_MAX] = {session->column[CIRCUIT_ADVICE],
                                            session->column[CIRCUIT_ADVICE + 1]};
    return witness_fill_parameters(columns, &session->model.circuit, &source, diag);
}

const char *session_choose_evaluator(struct session *session, enum jit_choice choice, size_t runs,
                                     struct diag *why)
{
    struct diag unsaid = {0};
    const struct relation_program *program = &session->model.program;
    jit_free(session->jit);
    session->jit = NULL;
    bool is_wanted = choice == JIT_ALWAYS || (choice == JIT_AUTO && jit_is_worth_it(program, runs));
    if (is_wanted && jit_new(&session->jit, program, choice, runs, session->machine,
                             choice == JIT_ALWAYS ? why : &unsaid) != STATUS_OK)
        session->jit = NULL;
    return session->jit != NULL ? "llvm" : "interpreter";
}

static enum status evaluate(struct session *session, struct diag *diag)
{
    struct relation_evaluator evaluator = {0};
    if (session->jit != NULL)
        evaluator = jit_evaluator(session->jit);
    return relation_evaluate(&session->model.program, &session->values,
                             session->jit != NULL ? &evaluator : NULL, digest_values, NULL, diag);
}

enum status session_run(struct session *session, const struct tensor *const *inputs,
                        struct diag *diag)
{
    digest_traces_release(&session->traces);
    enum status status = values_set_inputs(&session->values, &session->model, inputs, diag);
    if (status == STATUS_OK && session->salts != NULL)
        status = values_set_salts(&session->values, &session->model, session->salts, diag);
    if (status == STATUS_OK)
        status = evaluate(session, diag);
    if (status == STATUS_OK)
        status =
            digest_traces_init(&session->traces, &session->model.program, &session->values, diag);
    return status;
}

enum status session_fill(struct session *session, struct diag *diag)
{
    struct witness_source source = source_of(session);
    enum status status = witness_fill(session->column, &session->model.circuit, &source, diag);
    if (status == STATUS_OK)
        status = witness_public_words(session->words, &session->model.circuit, &source, diag);
    return status;
}
