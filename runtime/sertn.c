/* See sertn.h: the library's functions over runtime. */
#include "runtime/sertn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/value_file.h"
#include "runtime/compile.h"
#include "runtime/prover.h"
#include "runtime/reference.h"

enum { LIST_MAX = 256, NAME_BYTES = 256 };

static int finish(enum status status, const struct diag *diag, struct sertn_error *error)
{
    if (error != NULL)
        snprintf(error->text, sizeof error->text, "%s", status == STATUS_OK ? "" : diag->text);
    return status_exit_code(status);
}

const char *sertn_version(void)
{
    return SERTN_VERSION;
}

void sertn_free(char *text)
{
    free(text);
}

/* ---- compile ---- */

struct parsed_options {
    struct compile_options options;
    struct import_dim dims[LIST_MAX];
    struct declared_range ranges[LIST_MAX];
    char names[2 * LIST_MAX][NAME_BYTES];
    size_t name_count;
};

/* Splits NAME=VALUE; the name is kept in `parsed`. */
static const char *split(struct parsed_options *parsed, const char *text, const char **value)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals - text >= NAME_BYTES)
        return NULL;
    char *name = parsed->names[parsed->name_count++];
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    *value = equals + 1;
    return name;
}

static enum status parse_options(struct parsed_options *parsed,
                                 const struct sertn_compile_options *given, struct diag *diag)
{
    if (given->dim_count > LIST_MAX || given->range_count > LIST_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "at most %d dims and %d ranges", LIST_MAX,
                        LIST_MAX);
    for (size_t i = 0; i < given->dim_count; i++) {
        const char *value = "", *name = split(parsed, given->dims[i], &value);
        char *end;
        long long size = strtoll(value, &end, 10);
        if (name == NULL || *value == '\0' || *end != '\0' || size < 1)
            return diag_set(diag, STATUS_BAD_INPUT, "dim '%s' is not NAME=N with N of at least 1",
                            given->dims[i]);
        parsed->dims[i] = (struct import_dim){name, size};
    }
    for (size_t i = 0; i < given->range_count; i++) {
        const char *value = "", *name = split(parsed, given->ranges[i], &value);
        double low, high;
        char rest;
        if (name == NULL || sscanf(value, "%lf:%lf%c", &low, &high, &rest) != 2 || !(low <= high))
            return diag_set(diag, STATUS_BAD_INPUT, "range '%s' is not INPUT=LO:HI",
                            given->ranges[i]);
        parsed->ranges[i] = (struct declared_range){name, low, high};
    }
    parsed->options =
        (struct compile_options){.dims = parsed->dims,
                                 .dim_count = given->dim_count,
                                 .data_paths = given->data_paths,
                                 .data_count = given->data_count,
                                 .ranges = parsed->ranges,
                                 .range_count = given->range_count,
                                 .tolerance = given->tolerance,
                                 .public_parameters = given->public_parameters != 0,
                                 .threads = given->threads,
                                 .mode = given->fast_mode != 0 ? PLONK_MODE_FAST : PLONK_MODE_GAS};
    return STATUS_OK;
}

int sertn_compile(const char *model_path, const char *folder,
                  const struct sertn_compile_options *options, char **report,
                  struct sertn_error *error)
{
    static const struct sertn_compile_options defaults;
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct compilation c = {0};
    struct parsed_options *parsed = calloc(1, sizeof *parsed);
    if (report != NULL)
        *report = NULL;
    if (parsed == NULL)
        return finish(diag_set(&diag, STATUS_NO_MEMORY, "no memory"), &diag, error);
    enum status status = parse_options(parsed, options == NULL ? &defaults : options, &diag);
    if (status == STATUS_OK) {
        parsed->options.model_path = model_path;
        parsed->options.out_folder = folder;
        status = compile_model(&c, &parsed->options, &problems, &notes);
        if (status != STATUS_OK && problems.count > 0)
            diag = problems.item[0];
        if (status == STATUS_OK && report != NULL) {
            *report = compile_report_json(&c, true);
            if (*report == NULL)
                status = diag_set(&diag, STATUS_NO_MEMORY, "no memory for the report");
        }
        compilation_release(&c);
    }
    diag_list_release(&problems);
    free(parsed);
    return finish(status, &diag, error);
}

/* ---- keys, prove, verify ---- */

int sertn_make_keys(const char *folder, const char *ptau_path, unsigned threads,
                    struct sertn_error *error)
{
    struct diag diag = {0};
    struct keys_result result;
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return finish(diag_set(&diag, STATUS_NO_MEMORY, "no memory"), &diag, error);
    enum status status = session_open(session, folder, MODEL_TO_KEY, threads, &diag);
    if (status == STATUS_OK)
        status = prover_make_keys(&result, session, ptau_path, NULL, &diag);
    session_close(session);
    free(session);
    return finish(status, &diag, error);
}

static enum status read_input(const struct tensor ***inputs, const struct model *model,
                              const char *path, const char *json, struct arena *arena,
                              struct diag *diag)
{
    struct value_sets sets = {0};
    struct value_spec *specs;
    enum status status = values_specs(&specs, model, arena, diag);
    if (status == STATUS_OK)
        status = reference_fixed_inputs(&sets, model, arena, diag);
    if (status != STATUS_OK)
        return status;
    if (json != NULL)
        status = value_bytes_read(&sets, "input.json", json, strlen(json), specs,
                                  model->interface.input_count, arena, diag);
    else
        status = value_file_read(&sets, path, specs, model->interface.input_count, arena, diag);
    if (status == STATUS_OK && sets.count != 1)
        status = diag_set(diag, STATUS_BAD_INPUT, "give one set of inputs, not %zu", sets.count);
    if (status == STATUS_OK)
        *inputs = (const struct tensor **)sets.set[0].tensor;
    return status;
}

int sertn_prove(const char *folder, const char *input_path, const char *input_json,
                const unsigned char *context, unsigned threads, char **proof_text,
                struct sertn_error *error)
{
    static const uint8_t zero[PROOF_CONTEXT_BYTES];
    struct diag diag = {0};
    struct arena arena;
    struct proof proof = {0};
    const struct tensor **inputs = NULL;
    struct prover *prover = calloc(1, sizeof *prover);
    *proof_text = NULL;
    if (prover == NULL)
        return finish(diag_set(&diag, STATUS_NO_MEMORY, "no memory"), &diag, error);
    arena_init(&arena, 0);
    enum status status = prover_open(prover, folder, NULL, threads, NULL, &diag);
    if (status == STATUS_OK)
        status = read_input(&inputs, &prover->session.model, input_path, input_json, &arena, &diag);
    if (status == STATUS_OK)
        status =
            prover_prove(&proof, prover, inputs, context == NULL ? zero : context, NULL, &diag);
    if (status == STATUS_OK) {
        *proof_text = proof_print(&proof, &prover->session.model);
        if (*proof_text == NULL)
            status = diag_set(&diag, STATUS_NO_MEMORY, "no memory for the proof");
    }
    proof_release(&proof);
    prover_close(prover);
    arena_release(&arena);
    free(prover);
    return finish(status, &diag, error);
}

int sertn_verify(const char *folder, const char *proof_text, const unsigned char *context,
                 char **values, struct sertn_error *error)
{
    static const uint8_t zero[PROOF_CONTEXT_BYTES];
    struct diag diag = {0};
    struct model model = {0};
    struct proof proof = {0};
    struct srs_verifier *srs = calloc(1, sizeof *srs);
    cJSON *json = NULL;
    if (values != NULL)
        *values = NULL;
    if (srs == NULL)
        return finish(diag_set(&diag, STATUS_NO_MEMORY, "no memory"), &diag, error);
    enum status status = model_load(&model, folder, MODEL_HEAD, &diag);
    if (status == STATUS_OK)
        status = proof_parse(&proof, proof_text, strlen(proof_text), "proof", &diag);
    if (status == STATUS_OK && !model.has_key)
        status = diag_set(&diag, STATUS_BAD_INPUT, "'%s' has no verifying key", folder);
    if (status == STATUS_OK)
        status = proof_open_verifier(srs, &model, NULL, &diag);
    if (status == STATUS_OK)
        status = proof_verify(&json, &proof, &model, context == NULL ? zero : context, srs, &diag);
    if (status == STATUS_OK && values != NULL) {
        *values = cJSON_PrintUnformatted(json);
        if (*values == NULL)
            status = diag_set(&diag, STATUS_NO_MEMORY, "no memory for the values");
    }
    cJSON_Delete(json);
    proof_release(&proof);
    if (model.folder != NULL)
        model_release(&model);
    free(srs);
    return finish(status, &diag, error);
}
