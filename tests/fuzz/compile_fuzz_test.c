/* label: fast libs: sertn_runtime */
/*
 * The whole compiler on hostile models: load, import, every pass, placement, and one witness held
 * to all constraints. Models are changed within their messages, made up of single operators, or
 * have bytes flipped; options are drawn from the bytes, so that a file repeats a run. Large models
 * are left out, so that many are tried.
 */
#include <math.h>
#include <string.h>

#include "backend/check/check.h"
#include "backend/witness/digest.h"
#include "backend/witness/fill.h"
#include "frontend/import.h"
#include "passes/bound_ranges.h"
#include "passes/pipeline.h"
#include "passes/place.h"
#include "runtime/digest_spec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/onnx_change.h"
#include "tests/harness/harness.h"

enum { NODES_MAX = 200, ELEMENTS_MAX = 3000, LG_ROWS_MAX = 16 };

/* ---- options from bytes ---- */

static uint64_t hash_of(const uint8_t *bytes, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

struct drawn_options {
    struct pipeline_options pipeline;
    struct declared_range range;
};

static void draw_options(struct drawn_options *drawn, const struct graph *graph, uint64_t state)
{
    static const double ends[] = {0,    1,      1e-30,  1e-300, 1e30,   1e38,
                                  1e-5, 0x1p62, 0x1p63, 1e308,  0x1p31, 255};
    static const double tolerances[] = {1e-3, 1e-3, 1e-7, 0.5, 1e-12, 1e-1};
    enum { END_COUNT = sizeof ends / sizeof *ends };
    *drawn = (struct drawn_options){
        .pipeline = {.inputs = PORT_PRIVATE, .outputs = PORT_PUBLIC, .digest = digest_values}};
    struct pipeline_options *options = &drawn->pipeline;
    options->quantize.relative_tolerance = 1e-3;
    options->quantize.absolute_tolerance = 1e-7;
    options->quantize.measuring_work = 1e6;
    if (draw(&state, 2) == 0)
        return;
    options->quantize.relative_tolerance = tolerances[draw(&state, 6)];
    options->quantize.absolute_tolerance = options->quantize.relative_tolerance * 1e-4;
    options->table_bits = 4 + 2 * (unsigned)draw(&state, 3);
    options->inputs = (enum port_visibility)draw(&state, 3);
    options->outputs = (enum port_visibility)draw(&state, 3);
    options->public_parameters = draw(&state, 2) == 0;
    if (draw(&state, 4) == 0)
        options->capacity_bits = 60 + (unsigned)draw(&state, 194);
    if (graph->input_count == 0 || draw(&state, 3) == 0)
        return;
    double a = ends[draw(&state, END_COUNT)], b = ends[draw(&state, END_COUNT)];
    a = draw(&state, 2) == 0 ? -a : a;
    drawn->range =
        (struct declared_range){graph->values[graph->inputs[draw(&state, graph->input_count)]].name,
                                fmin(a, b), fmax(a, b)};
    options->quantize.ranges = &drawn->range;
    options->quantize.range_count = 1;
}

/* ---- what is too large to try ---- */

static bool is_small(const struct graph *graph)
{
    size_t elements = 0;
    for (size_t v = 0; v < graph->value_count; v++) {
        const struct graph_value *value = &graph->values[v];
        size_t count = 0;
        if (value->shape_known && !shape_count(&value->shape, ELEMENTS_MAX, &count))
            return false;
        elements += count;
    }
    return graph->node_count <= NODES_MAX && elements <= ELEMENTS_MAX;
}

/* ---- a witness ---- */

struct witness {
    const struct relation_values *values;
    struct digest_traces traces;
};

static wide element_of(void *context, uint32_t tensor, uint32_t element)
{
    const struct witness *w = context;
    return relation_value(w->values, tensor, element);
}

static bool digest_word_of(void *context, uint32_t relation, uint32_t word, fr *value)
{
    const struct witness *w = context;
    return digest_traces_word(&w->traces, relation, word, value);
}

/* Every constraint holds on the values. */
static void check_values(const struct circuit *circuit, const struct relation_program *program,
                         const struct relation_values *values, struct arena *arena)
{
    struct diag diag = {0};
    struct check_report report;
    struct witness w = {.values = values};
    struct witness_source source = {element_of, digest_word_of, &w, program};
    fr *column[WITNESS_COLUMNS], *words = arena_array(arena, fr, circuit->public_word_count + 1);
    for (unsigned k = 0; k < WITNESS_COLUMNS; k++)
        column[k] = arena_array(arena, fr, circuit->usable_rows);
    if (words == NULL || column[WITNESS_COLUMNS - 1] == NULL)
        return;
    REQUIRE_OK(digest_traces_init(&w.traces, program, values, &diag), &diag);
    REQUIRE_OK(witness_fill(column, circuit, &source, &diag), &diag);
    REQUIRE_OK(witness_public_words(words, circuit, &source, &diag), &diag);
    struct plonk_witness witness = {{column[0], column[1], column[2]}, {column[3], column[4]}};
    CHECK_STATUS(check_witness(&report, circuit, program, &witness, words,
                               circuit->public_word_count, &diag),
                 STATUS_OK, &diag);
    check_report_release(&report);
    digest_traces_release(&w.traces);
}

static const struct tensor **some_inputs(const struct graph *graph, uint64_t state,
                                         struct arena *arena)
{
    const struct tensor **list = arena_array(arena, const struct tensor *, graph->input_count + 1);
    for (size_t i = 0; list != NULL && i < graph->input_count; i++) {
        const struct graph_value *value = &graph->values[graph->inputs[i]];
        struct tensor *tensor = tensor_new(arena, value->type, &value->shape);
        if (tensor == NULL || value->type == ELEMENT_STRING)
            return NULL;
        for (size_t e = 0; e < tensor->count; e++) {
            double number = (double)draw(&state, 1025) / 256 - 2;
            if (element_type_is_float(value->type))
                tensor->data.real[e] = element_round(value->type, number);
            else
                tensor->data.integer[e] = (int64_t)draw(&state, 2);
        }
        list[i] = tensor;
    }
    return list;
}

/* What is not placed, or has no values on some numbers, says so in a sentence. */
static void place_and_check(const struct pipeline_result *result, const struct graph *graph,
                            uint64_t state, struct arena *arena)
{
    struct diag diag = {0};
    struct digest_spec spec;
    struct circuit circuit;
    struct place_summary summary;
    struct relation_values values;
    struct place_options options = {
        .capacity_bits = 253, .digest = &spec, .lg_rows_max = LG_ROWS_MAX};
    struct relation_program *program = result->program;
    if (!digest_spec_init(&spec, arena))
        return;
    REQUIRE_OK(place_prepare(program, &diag), &diag);
    REQUIRE_OK(relation_validate(program, 253, &diag), &diag);
    REQUIRE_OK(pass_bound_ranges(program, 253, &diag), &diag);
    if (place_circuit(&circuit, &summary, program, &options, arena, &diag) != STATUS_OK) {
        ASSERT(diag.text[0] != 0);
        return;
    }
    REQUIRE_OK(circuit_validate(&circuit, &diag), &diag);
    const struct tensor **inputs = some_inputs(graph, state, arena);
    if (inputs == NULL || relation_values_init(&values, program, arena, &diag) != STATUS_OK)
        return;
    if (pipeline_evaluate(&values, result, inputs, digest_values, NULL, &diag) == STATUS_OK)
        check_values(&circuit, program, &values, arena);
    else
        ASSERT(diag.text[0] != 0);
}

/* ---- the target ---- */

static void compile_graph(struct graph *graph, uint64_t state, struct arena *arena)
{
    struct drawn_options options;
    struct pipeline_result result;
    struct diag_list problems = {0};
    draw_options(&options, graph, state);
    enum status status = pipeline_run(&result, graph, &options.pipeline, arena, &problems);
    ASSERT((status == STATUS_OK) == (problems.count == 0));
    if (status == STATUS_OK)
        place_and_check(&result, graph, state, arena);
    diag_list_release(&problems);
}

static void judge_graph(struct graph *graph, uint64_t state, struct arena *arena,
                        struct diag_list *problems)
{
    struct drawn_options options;
    draw_options(&options, graph, state);
    pipeline_judge(graph, state % 4 == 0 ? NULL : &options.pipeline.quantize, arena, problems);
}

static void compile_bytes(const uint8_t *bytes, size_t count)
{
    struct onnx_file file;
    struct arena arena;
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct graph *graph = NULL;
    if (onnx_load_bytes(&file, bytes, count, "fuzz", &diag) != STATUS_OK)
        return;
    arena_init(&arena, (size_t)256 << 20);
    enum status status = import_graph(&graph, &file, &options, &arena, &problems, &notes);
    if (status == STATUS_OK && is_small(graph))
        compile_graph(graph, hash_of(bytes, count), &arena);
    else if (status != STATUS_OK && graph != NULL && is_small(graph))
        judge_graph(graph, hash_of(bytes, count), &arena, &problems);
    onnx_release(&file);
    diag_list_release(&problems);
    arena_release(&arena);
}

#ifdef SERTN_LIBFUZZER
FUZZ_ENTRY(compile_bytes)
#else

static void run(fuzz_change change)
{
    static const char *const models[] = {"tests/models/mlp", "tests/models/svc_rbf",
                                         "tests/models/tree_classifier", "tests/models/qdq_mlp"};
    struct fuzz_corpus corpus = {0};
    fuzz_add_folder(&corpus, "tests/fuzz/corpus/compile", "");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        fuzz_add_folder(&corpus, models[i], ".onnx");
    fuzz_run_changed(&corpus, compile_bytes, change, FUZZ_SECONDS);
    fuzz_release(&corpus);
}

TEST(changed_models_never_crash_the_compiler)
{
    run(onnx_change);
}

TEST(made_up_models_never_crash_the_compiler)
{
    run(onnx_make_model);
}

TEST(files_never_crash_the_compiler)
{
    run(fuzz_mutate);
}
#endif
