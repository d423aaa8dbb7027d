/* label: prover */
/*
 * Nothing published depends on weights: two models of one shape and equal widths give the same
 * public folder but for the key (its parameter commitments), the setup proof and the contract that
 * holds the key. And a proof made with other weights is rejected. The models are made by
 * make_pairs.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/compile.h"
#include "runtime/prover.h"
#include "tests/harness/harness.h"

static void compile(const char *pair, const char *side, const char *folder, size_t inputs)
{
    char model[1024], data_path[1024];
    const char *data = data_path;
    struct declared_range range = {"x", -4, 4};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct compilation c;
    char name[256];
    snprintf(name, sizeof name, "tests/privacy/%s/%s.onnx", pair, side);
    snprintf(model, sizeof model, "%s", test_source_path(name));
    snprintf(name, sizeof name, "tests/privacy/data_%zu.json", inputs);
    snprintf(data_path, sizeof data_path, "%s", test_source_path(name));
    struct compile_options options = {.model_path = model,
                                      .out_folder = folder,
                                      .ranges = &range,
                                      .range_count = 1,
                                      .data_paths = &data,
                                      .data_count = 1};
    enum status status = compile_model(&c, &options, &problems, &notes);
    CHECK_MSG(status == STATUS_OK, "%s: %s", model,
              problems.count > 0 ? problems.item[0].text : "failed");
    compilation_release(&c);
    diag_list_release(&problems);
}

static void make_keys(const char *folder)
{
    struct session session;
    struct keys_result result;
    struct diag diag = {0};
    REQUIRE(session_open(&session, folder, MODEL_TO_KEY, 2, &diag) == STATUS_OK);
    CHECK_STATUS(prover_make_keys(&result, &session, NULL, NULL, &diag), STATUS_OK, &diag);
    session_close(&session);
}

static struct buffer read(const char *folder, const char *name)
{
    struct buffer out;
    struct diag diag = {0};
    char *path = file_join(folder, name);
    buffer_init(&out);
    CHECK_STATUS(file_read(path, 1 << 24, &out, &diag), STATUS_OK, &diag);
    free(path);
    return out;
}

static bool same(const char *a, const char *b, const char *name)
{
    struct buffer x = read(a, name), y = read(b, name);
    bool equal = x.count == y.count && memcmp(x.data, y.data, x.count) == 0;
    buffer_release(&x);
    buffer_release(&y);
    return equal;
}

/* Metadata but for the two digests made from [p]: of the key, and of circuit and [p]. */
static cJSON *read_metadata(const char *folder)
{
    static const char *const of_parameters[] = {"vk_hash", "model_hash"};
    struct buffer text = read(folder, "public/metadata.json");
    cJSON *metadata = cJSON_ParseWithLength((const char *)text.data, text.count);
    for (size_t i = 0; i < 2; i++) {
        CHECK(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(metadata, of_parameters[i])));
        cJSON_DeleteItemFromObjectCaseSensitive(metadata, of_parameters[i]);
    }
    buffer_release(&text);
    return metadata;
}

static bool same_metadata(const char *a, const char *b)
{
    cJSON *x = read_metadata(a), *y = read_metadata(b);
    bool equal = x != NULL && cJSON_Compare(x, y, true);
    cJSON_Delete(y);
    cJSON_Delete(x);
    return equal;
}

/* Key bytes before the parameter commitments: everything the circuit and the SRS determine. */
static void check_keys(const char *a, const char *b)
{
    struct model x, y;
    struct diag diag = {0};
    REQUIRE(model_load(&x, a, MODEL_WHOLE, &diag) == STATUS_OK &&
            model_load(&y, b, MODEL_WHOLE, &diag) == STATUS_OK);
    size_t commitments = 64 * (size_t)x.circuit.param_columns;
    CHECK(x.vk_bytes == y.vk_bytes && memcmp(x.vk, y.vk, x.vk_bytes - commitments) == 0);
    CHECK(memcmp(x.vk + x.vk_bytes - commitments, y.vk + y.vk_bytes - commitments, commitments) !=
          0);
    model_release(&y);
    model_release(&x);
}

/* Proves with the weights of `secret` under the key of `published`. */
static void check_other_weights(const char *published, const char *secret, size_t inputs)
{
    struct session session;
    struct diag diag = {0};
    struct plonk_parameter_tail tail;
    struct plonk_proving_key key = {0};
    struct proof proof = {0};
    struct srs_verifier *srs = calloc(1, sizeof *srs);
    uint8_t context[PROOF_CONTEXT_BYTES] = {0};
    cJSON *values;
    struct model model;
    REQUIRE(session_open(&session, secret, MODEL_WHOLE, 2, &diag) == STATUS_OK &&
            model_load(&model, published, MODEL_WHOLE, &diag) == STATUS_OK);
    CHECK_STATUS(keys_load_tail(&tail, &session, &diag), STATUS_OK, &diag);
    /* The thief has everything of the published model but its weights and tail. */
    session.model.key = model.key;
    memcpy(session.model.vk, model.vk, model.vk_bytes);
    struct shape shape = {.rank = 2, .dim = {1, (int64_t)inputs}};
    struct tensor *x = tensor_new(&session.arena, ELEMENT_F32, &shape);
    for (size_t i = 0; i < inputs; i++)
        x->data.real[i] = 0.25 * (double)i - 0.5;
    const struct tensor *given[1] = {x};
    CHECK_STATUS(session_open_srs(&session, NULL, &diag), STATUS_OK, &diag);
    CHECK_STATUS(plonk_proving_key_load(&key, &session.model.circuit, session.model.circuit_digest,
                                        &model.key, &session.srs, session.machine, &diag),
                 STATUS_OK, &diag);
    CHECK_STATUS(session_run(&session, given, &diag), STATUS_OK, &diag);
    CHECK_STATUS(session_fill(&session, &diag), STATUS_OK, &diag);
    CHECK_STATUS(proof_make(&proof, &session, &key, &tail, context, NULL, &diag), STATUS_OK, &diag);
    CHECK_STATUS(proof_open_verifier(srs, &model, NULL, &diag), STATUS_OK, &diag);
    CHECK_STATUS(proof_verify(&values, &proof, &model, context, srs, &diag), STATUS_REJECTED,
                 &diag);
    proof_release(&proof);
    plonk_proving_key_release(&key);
    session_close(&session);
    model_release(&model);
    free(srs);
}

/* Widths are public and chosen by calibration: same ranges and scales of all tensors. */
static bool has_equal_widths(const char *a, const char *b)
{
    struct model x, y;
    struct diag diag = {0};
    REQUIRE(model_load(&x, a, MODEL_HEAD, &diag) == STATUS_OK &&
            model_load(&y, b, MODEL_HEAD, &diag) == STATUS_OK);
    bool equal = x.program.tensor_count == y.program.tensor_count;
    for (size_t i = 0; equal && i < x.program.tensor_count; i++) {
        const struct relation_tensor *p = &x.program.tensors[i], *q = &y.program.tensors[i];
        equal = p->count == q->count && wide_compare(p->low, q->low) == 0 &&
                wide_compare(p->high, q->high) == 0 && p->scale.exponent == q->scale.exponent;
    }
    model_release(&y);
    model_release(&x);
    return equal;
}

/* Compiles sides b0, b1, ... into b until one has the widths of a. */
static void compile_equal(const char *pair, const char *a, const char *b, size_t inputs,
                          unsigned candidates)
{
    for (unsigned i = 0; i < candidates; i++) {
        char side[16];
        snprintf(side, sizeof side, "b%u", i);
        compile(pair, side, b, inputs);
        if (has_equal_widths(a, b))
            return;
    }
    CHECK_MSG(false, "%s: no b side has the widths of side a; make more with make_pairs.py", pair);
    test_end_case();
}

static char *path_of(const char *base, const char *pair, const char *side)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s", pair, side);
    return file_join(base, name);
}

static void check_pair(const char *pair, size_t inputs, unsigned candidates)
{
    const char *base = test_temp_dir();
    char *a = path_of(base, pair, "a.sertn"), *b = path_of(base, pair, "b.sertn");
    static const char *const files[] = {"public/circuit", "public/report.json",
                                        "public/PlonkVerifier.sol", "public/IPlonkVerifier.sol"};
    compile(pair, "a", a, inputs);
    compile_equal(pair, a, b, inputs, candidates);
    CHECK(!same(a, b, "private/parameters"));
    make_keys(a);
    make_keys(b);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK_MSG(same(a, b, files[i]), "%s: %s depends on weights", pair, files[i]);
    CHECK_MSG(same_metadata(a, b), "%s: the metadata depends on weights", pair);
    CHECK(!same(a, b, "public/vk") && !same(a, b, "public/setup") &&
          !same(a, b, "public/ModelVerifier.sol"));
    check_keys(a, b);
    check_other_weights(a, b, inputs);
    free(b);
    free(a);
}

TEST(networks_with_zeros_ones_and_equal_weights)
{
    check_pair("mlp", 4, 8);
}

TEST(linear_models_with_weights_in_attributes)
{
    check_pair("linear", 4, 1);
}

TEST(tree_ensembles_of_two_structures)
{
    check_pair("trees", 3, 1);
}
