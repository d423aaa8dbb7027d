/* See compile.h. */
#include "runtime/compile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "backend/witness/digest.h"
#include "ir/relation_codec.h"
#include "ir/support/file.h"
#include "passes/bound_ranges.h"
#include "runtime/compile_data.h"
#include "runtime/compile_report.h"
#include "runtime/digest_spec.h"
#include "runtime/prover.h"
#include "runtime/reference.h"

static enum status note(struct diag_list *problems, enum status status, const struct diag *diag)
{
    return status == STATUS_OK ? status : diag_list_add_diag(problems, diag);
}

/* ---- the passes ---- */

const char *compile_pass_name(size_t index)
{
    static const char *const names[] = {"import",       "fold_constants", "quantize", "lower",
                                        "bound_ranges", "validate",       "place"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static void after(const struct compilation *c, const struct compile_options *options,
                  const char *pass, const struct relation_program *program)
{
    if (options->after_pass != NULL)
        options->after_pass(options->after_pass_context, pass, c->graph, program);
}

static enum status read_functions(struct compilation *c, const struct compile_options *options,
                                  struct diag *diag)
{
    c->function_files = arena_array(&c->arena, struct onnx_file, options->function_path_count + 1);
    if (c->function_files == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for --functions");
    for (size_t i = 0; i < options->function_path_count; i++) {
        enum status status =
            onnx_load_functions(&c->function_files[i], options->function_paths[i], diag);
        if (status != STATUS_OK)
            return diag_prefix(diag, status, "--functions");
        c->function_file_count++;
    }
    return STATUS_OK;
}

/* A small tensor as a literal of --bind; NULL without memory. */
static const char *literal_of(const struct tensor *tensor, struct arena *arena)
{
    const char *text = tensor->shape.rank == 0 ? "" : "[";
    for (size_t i = 0; i < tensor->count && text != NULL; i++) {
        const char *comma = i == 0 ? "" : ", ";
        if (element_type_is_float(tensor->type))
            text = arena_printf(arena, "%s%s%.17g", text, comma, tensor->data.real[i]);
        else
            text = arena_printf(arena, tensor->shape.rank == 0 ? "%s%s%lld" : "%s%s\"%lld\"", text,
                                comma, (long long)tensor->data.integer[i]);
    }
    return text == NULL || tensor->shape.rank == 0 ? text : arena_printf(arena, "%s]", text);
}

static bool is_graph_input(const struct graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->input_count; i++)
        if (strcmp(graph->values[graph->inputs[i]].name, name) == 0)
            return true;
    return false;
}

static bool is_same_real(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool is_same_tensor(const struct tensor *a, const struct tensor *b)
{
    bool is_same = a->count == b->count && a->type == b->type;
    for (size_t i = 0; i < a->count && is_same; i++)
        is_same = element_type_is_float(a->type) ? is_same_real(a->data.real[i], b->data.real[i])
                                                 : a->data.integer[i] == b->data.integer[i];
    return is_same;
}

/* An input that was taken from the first data set has the same values in the others. */
static enum status check_taken(const struct compile_data *data, const struct import_sample *taken,
                               struct diag *diag)
{
    for (size_t s = 1; s < data->set_count; s++)
        for (size_t i = 0; i < data->spec_count; i++)
            if (strcmp(data->specs[i].name, taken->input) == 0 && data->rows[s][i] != NULL &&
                !is_same_tensor(data->rows[s][i], taken->tensor))
                return diag_set(diag, STATUS_BAD_INPUT,
                                "--data: set %zu gives input '%s' other values than the first set, "
                                "and it has to be known when the model is compiled; give it with "
                                "--bind, and compile once for each value",
                                s, taken->input);
    return STATUS_OK;
}

enum { FIXED_ELEMENTS_MAX = 1 << 16 };

static void add_fixed(struct compilation *c, const char *name, const struct tensor *tensor)
{
    if (tensor->type != ELEMENT_STRING && tensor->count <= FIXED_ELEMENTS_MAX)
        c->fixed[c->fixed_count++] = (struct import_bind){name, tensor};
}

/* Inputs of the data that the graph does not have any more, and nobody bound. */
static enum status list_taken(struct compilation *c, const struct compile_data *data,
                              struct diag *diag)
{
    c->taken = arena_array(&c->arena, struct compile_bind, data->sample_count + 1);
    c->fixed =
        arena_array(&c->arena, struct import_bind, data->sample_count + data->bind_count + 1);
    if (c->taken == NULL || c->fixed == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for --data");
    for (size_t b = 0; b < data->bind_count; b++)
        add_fixed(c, data->binds[b].input, data->binds[b].tensor);
    for (size_t i = 0; i < data->sample_count; i++) {
        const struct import_sample *sample = &data->samples[i];
        bool is_bound = is_graph_input(c->graph, sample->input);
        for (size_t b = 0; b < data->bind_count; b++)
            is_bound = is_bound || strcmp(data->binds[b].input, sample->input) == 0;
        if (is_bound || sample->tensor->type == ELEMENT_STRING)
            continue;
        const char *literal = literal_of(sample->tensor, &c->arena);
        if (literal == NULL)
            return diag_set(diag, STATUS_NO_MEMORY, "no memory for --data");
        enum status status = check_taken(data, sample, diag);
        if (status != STATUS_OK)
            return status;
        c->taken[c->taken_count++] = (struct compile_bind){sample->input, literal};
        add_fixed(c, sample->input, sample->tensor);
    }
    return STATUS_OK;
}

/* What is fixed has no range. */
static enum status check_ranges(const struct compilation *c, const struct compile_options *options,
                                struct diag *diag)
{
    for (size_t i = 0; i < options->range_count; i++)
        for (size_t f = 0; f < c->fixed_count; f++)
            if (strcmp(options->ranges[i].name, c->fixed[f].input) == 0)
                return diag_set(diag, STATUS_BAD_INPUT,
                                "--range %s: this input has to be known when the model is "
                                "compiled, and is fixed by --bind or --data",
                                options->ranges[i].name);
    return STATUS_OK;
}

static enum status import(struct compilation *c, const struct compile_options *options,
                          struct compile_data *data, struct diag_list *problems,
                          struct import_notes *notes)
{
    struct diag diag = {0};
    enum status status =
        note(problems, onnx_load_file(&c->file, options->model_path, &diag), &diag);
    if (status == STATUS_OK)
        status = note(problems, read_functions(c, options, &diag), &diag);
    if (status != STATUS_OK)
        return status;
    const enum status read = compile_data_read(data, &c->file, options, &c->arena, &diag);
    /* Inputs that the model declares in a way nobody can read are listed by the importer, with
     * whatever else is wrong. */
    if (read != STATUS_OK && data->specs != NULL)
        return note(problems, read, &diag);
    struct import_options import_options = {
        options->dims,         options->dim_count, data->samples,       data->sample_count,
        data->binds,           data->bind_count,   options->max_dims,   options->max_dim_count,
        data->trees,           options->seed,      options->seed_input, c->function_files,
        c->function_file_count};
    status = import_graph(&c->graph, &c->file, &import_options, &c->arena, problems, notes);
    if (status == STATUS_OK && read != STATUS_OK)
        return note(problems, read, &diag);
    if (status == STATUS_OK)
        status = note(problems, compile_data_order(data, c->graph, &c->arena, &diag), &diag);
    if (status == STATUS_OK)
        status = note(problems, list_taken(c, data, &diag), &diag);
    if (status == STATUS_OK)
        status = note(problems, check_ranges(c, options, &diag), &diag);
    if (status == STATUS_OK)
        after(c, options, "import", NULL);
    return status;
}

/* What is chosen for a circuit. */
struct lowering_choice {
    unsigned table_bits;
    bool has_extra_bits; /* else searched for */
    int32_t extra_bits;
};

/* What one choice gives. */
struct lowered {
    struct pipeline_result result;
    struct circuit circuit;
    struct place_summary summary;
};

static struct quantize_options quantize_options(const struct compile_options *options,
                                                const struct compile_data *data)
{
    double tolerance = options->tolerance > 0 ? options->tolerance : COMPILE_TOLERANCE;
    return (struct quantize_options){.sets = data->sets,
                                     .set_count = data->set_count,
                                     .ranges = options->ranges,
                                     .range_count = options->range_count,
                                     .relative_tolerance = tolerance,
                                     .absolute_tolerance = tolerance * 1e-4};
}

static enum status quantize_and_lower(struct lowered *out, struct compilation *c,
                                      const struct compile_options *options,
                                      const struct compile_data *data,
                                      const struct lowering_choice *choice,
                                      struct diag_list *problems)
{
    struct pipeline_options pipeline = {
        .quantize = quantize_options(options, data),
        .inputs = options->inputs,
        .outputs = options->outputs_given ? options->outputs : PORT_PUBLIC,
        .named = options->named,
        .named_count = options->named_count,
        .public_parameters = options->public_parameters,
        .capacity_bits = MODEL_CAPACITY_BITS,
        .table_bits = choice->table_bits,
        .has_extra_bits = choice->has_extra_bits,
        .extra_bits = choice->extra_bits,
        .digest = digest_values,
        .after_pass = options->after_pass,
        .after_pass_context = options->after_pass_context,
    };
    return pipeline_run(&out->result, c->graph, &pipeline, &c->arena, problems);
}

static void set_program_digest(struct lowered *out)
{
    struct buffer program, interface;
    buffer_init(&program);
    buffer_init(&interface);
    relation_program_serialize(out->result.program, &program);
    interface_serialize(&out->result.interface, &interface);
    model_program_digest(out->circuit.program_digest, &program, &interface);
    buffer_release(&interface);
    buffer_release(&program);
}

static enum status place(struct lowered *out, struct compilation *c, struct diag_list *problems)
{
    struct diag diag = {0};
    struct digest_spec spec;
    struct place_options place = {.capacity_bits = MODEL_CAPACITY_BITS, .digest = &spec};
    enum status status = STATUS_OK;
    if (!digest_spec_init(&spec, &c->arena))
        status = diag_set(&diag, STATUS_NO_MEMORY, "no memory to place the model");
    if (status == STATUS_OK)
        status = place_prepare(out->result.program, &diag);
    if (status == STATUS_OK)
        status = relation_validate(out->result.program, MODEL_CAPACITY_BITS, &diag);
    if (status == STATUS_OK)
        status = pass_bound_ranges(out->result.program, MODEL_CAPACITY_BITS, &diag);
    if (status == STATUS_OK)
        status = place_circuit(&out->circuit, &out->summary, out->result.program, &place, &c->arena,
                               &diag);
    if (status == STATUS_OK)
        status = circuit_validate(&out->circuit, &diag);
    if (status == STATUS_OK)
        set_program_digest(out);
    return note(problems, status, &diag);
}

static enum status lower_and_place(struct lowered *out, struct compilation *c,
                                   const struct compile_options *options,
                                   const struct compile_data *data,
                                   const struct lowering_choice *choice, struct diag_list *problems)
{
    enum status status = quantize_and_lower(out, c, options, data, choice, problems);
    if (status == STATUS_OK)
        status = place(out, c, problems);
    if (status == STATUS_OK)
        after(c, options, "place", out->result.program);
    return status;
}

/* Whether function tables take rows that the gates do not need. */
static bool is_filled_by_tables(const struct lowered *lowered)
{
    uint32_t gates = lowered->summary.gate_rows + lowered->summary.public_rows;
    return lowered->result.program->table_count > 0 &&
           gates + CIRCUIT_GATED_ROWS < (uint32_t)1 << (lowered->circuit.lg_rows - 1);
}

static double worst_ratio(const struct lowered *lowered)
{
    const struct quantize_report *report = &lowered->result.report;
    double worst = 0;
    for (size_t o = 0; o < report->output_count; o++)
        worst = fmax(worst, report->outputs[o].tolerance_ratio);
    return worst;
}

/* Whether a circuit costs the same as another, but for a public word, and its outputs are nearer to
 * the model. */
static bool is_finer(const struct lowered *a, const struct lowered *b)
{
    enum { MORE_WORDS = 1 }; /* 600 gas each */
    return a->circuit.lg_rows == b->circuit.lg_rows &&
           a->circuit.param_columns == b->circuit.param_columns &&
           a->circuit.has_contraction == b->circuit.has_contraction &&
           a->circuit.public_word_count <= b->circuit.public_word_count + MORE_WORDS &&
           a->result.report.meets_tolerance >= b->result.report.meets_tolerance &&
           worst_ratio(a) < worst_ratio(b);
}

/* Bits that may fit into the rows that a circuit leaves empty. */
static int32_t bits_of_room(const struct lowered *lowered)
{
    enum { MOST = 8 };
    static const double growth = 1.04; /* of the rows, for a bit */
    const struct place_summary *summary = &lowered->summary;
    double used = (double)summary->gate_rows + summary->public_rows;
    int32_t bits = 0;
    for (; bits < MOST && used * growth <= lowered->circuit.usable_rows; bits++)
        used *= growth;
    return bits;
}

/*
 * Widths that calibration finds enough may not be for outputs of other inputs that are closer to 0
 * than any that calibrated. Rows up to the next power of two cost a proof next to nothing: they go
 * to further bits.
 */
static void fill_rows(struct lowered *best, struct lowering_choice choice, struct compilation *c,
                      const struct compile_options *options, const struct compile_data *data)
{
    enum { LG_ROWS_MOST = 16 }; /* beyond, trying takes too long */
    int32_t own = best->result.report.extra_bits;
    bool is_exact = worst_ratio(best) == 0, found = false;
    if (best->circuit.lg_rows > LG_ROWS_MOST || is_exact)
        return;
    choice.has_extra_bits = true;
    for (int32_t bits = bits_of_room(best); bits > 0 && !found; bits /= 2) {
        struct lowered now = {0};
        struct diag_list ignored = {0};
        choice.extra_bits = own + bits;
        found = lower_and_place(&now, c, options, data, &choice, &ignored) == STATUS_OK &&
                is_finer(&now, best);
        diag_list_release(&ignored);
        if (found)
            *best = now;
    }
}

/* Large function tables give the fewest gate rows; smaller ones are taken as long as that makes the
 * whole smaller. The status is that of the large ones. */
static enum status make_circuit(struct compilation *c, const struct compile_options *options,
                                const struct compile_data *data, struct diag_list *problems)
{
    static const unsigned table_bits[] = {8, 6, 4};
    struct lowered best = {0};
    struct lowering_choice chosen = {0};
    enum status first = STATUS_OK;
    for (size_t i = 0; i < sizeof table_bits / sizeof *table_bits; i++) {
        struct lowered now = {0};
        struct diag_list ignored = {0}, *list = i == 0 ? problems : &ignored;
        struct lowering_choice choice = {.table_bits = table_bits[i]};
        enum status status = lower_and_place(&now, c, options, data, &choice, list);
        diag_list_release(&ignored);
        if (i == 0)
            first = status;
        if (status != STATUS_OK)
            break;
        bool is_smaller = now.circuit.lg_rows < best.circuit.lg_rows;
        if (i == 0 || (is_smaller &&
                       now.result.report.meets_tolerance >= best.result.report.meets_tolerance)) {
            best = now;
            chosen = choice;
        }
        if (!is_filled_by_tables(&best))
            break;
    }
    if (first == STATUS_OK)
        fill_rows(&best, chosen, c, options, data);
    c->result = best.result;
    c->circuit = best.circuit;
    c->report.summary = best.summary;
    return first;
}

/* ---- the folder ---- */

static enum status write_file(const char *folder, const char *name, const void *bytes, size_t count,
                              unsigned mode, struct diag *diag)
{
    char *path = model_path(folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write '%s'", folder);
    enum status status = file_write(path, bytes, count, mode, false, diag);
    free(path);
    return status;
}

static enum status make_dir(const char *folder, const char *name, unsigned mode, struct diag *diag)
{
    char *path = model_path(folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write '%s'", folder);
    enum status status = file_make_dir(path, mode, diag);
    free(path);
    return status;
}

static enum status write_parameters(const struct compilation *c, const char *folder,
                                    struct diag *diag)
{
    struct arena arena;
    struct relation_values values;
    struct buffer bytes;
    struct model model = {.program = *c->result.program, .circuit = c->circuit};
    arena_init(&arena, 0);
    buffer_init(&bytes);
    enum status status = relation_values_init(&values, c->result.program, &arena, diag);
    for (size_t i = 0; i < c->result.parameter_count && status == STATUS_OK; i++) {
        const struct parameter_values *p = &c->result.parameters[i];
        for (size_t e = 0; e < c->result.program->tensors[p->tensor].count && status == STATUS_OK;
             e++) {
            if (!relation_value_set(&values, c->result.program, p->tensor, e, p->values[e]))
                status =
                    diag_set(diag, STATUS_LIMIT,
                             "weight '%s' element %zu is outside the range it was declared with",
                             c->result.program->tensors[p->tensor].name, e);
        }
    }
    if (status == STATUS_OK)
        status = model_parameters_serialize(&bytes, &model, &values, diag);
    if (status == STATUS_OK)
        status = write_file(folder, "private/parameters", bytes.data, bytes.count,
                            FILE_MODE_PRIVATE, diag);
    if (bytes.data != NULL)
        explicit_bzero(bytes.data, bytes.count);
    buffer_release(&bytes);
    arena_release(&arena);
    return status;
}

static enum status write_text(const char *folder, const char *name, char *text, unsigned mode,
                              struct diag *diag)
{
    enum status status = text == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory to write '%s'", name)
                             : write_file(folder, name, text, strlen(text), mode, diag);
    free(text);
    return status;
}

static enum status write_folder(const struct compilation *c, const struct compile_options *options,
                                const char *folder, struct diag *diag)
{
    struct buffer bytes;
    buffer_init(&bytes);
    enum status status = make_dir(folder, "public", 0755, diag);
    if (status == STATUS_OK)
        status = make_dir(folder, "private", 0700, diag);
    if (status == STATUS_OK)
        status = model_serialize(&bytes, c->result.program, &c->result.interface, &c->circuit,
                                 options->mode, diag);
    if (status == STATUS_OK)
        status =
            write_file(folder, "public/circuit", bytes.data, bytes.count, FILE_MODE_PUBLIC, diag);
    buffer_release(&bytes);
    if (status == STATUS_OK)
        status = write_text(folder, "public/report.json", compile_report_json(c, false),
                            FILE_MODE_PUBLIC, diag);
    if (status == STATUS_OK)
        status = write_text(folder, "public/metadata.json", compile_metadata_json(c, options),
                            FILE_MODE_PUBLIC, diag);
    if (status == STATUS_OK)
        status = write_text(folder, "private/accuracy.json", compile_report_json(c, true),
                            FILE_MODE_PRIVATE, diag);
    if (status == STATUS_OK)
        status = write_text(folder, "private/source.json", reference_source_json(c, options),
                            FILE_MODE_PRIVATE, diag);
    if (status == STATUS_OK)
        status = write_parameters(c, folder, diag);
    return status;
}

/* Keys of the staged folder, so that both appear together. */
static enum status make_keys(const char *folder, const struct compile_options *options,
                             struct diag *diag)
{
    struct keys_result result;
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for keys");
    enum status status = session_open(session, folder, MODEL_TO_KEY, options->threads, diag);
    if (status == STATUS_OK)
        status = prover_make_keys(&result, session, options->srs_path, NULL, diag);
    session_close(session);
    free(session);
    return status;
}

/* Without a folder, whether the SRS would do. */
static enum status check_srs(const struct compilation *c, const struct compile_options *options,
                             struct diag *diag)
{
    struct srs srs = {0};
    struct plonk_layout layout;
    struct machine *machine = machine_new(options->threads);
    plonk_layout_init(&layout, options->mode, c->circuit.lg_rows, c->circuit.param_columns,
                      c->circuit.has_contraction);
    enum status status = plonk_require_rows(c->circuit.lg_rows, diag);
    if (status != STATUS_OK) {
        machine_free(machine);
        return status;
    }
    status = machine == NULL
                 ? diag_set(diag, STATUS_NO_MEMORY, "no memory for threads")
                 : srs_open_file(&srs, options->srs_path, layout.srs_points, machine, diag);
    if (status == STATUS_OK)
        srs_release(&srs);
    machine_free(machine);
    return status;
}

static enum status write_model(const struct compilation *c, const struct compile_options *options,
                               struct diag *diag)
{
    struct file_staging staging;
    enum status status = file_staging_begin(&staging, options->out_folder, "public/circuit", diag);
    if (status != STATUS_OK)
        return status;
    status = write_folder(c, options, staging.staged, diag);
    if (status == STATUS_OK && options->srs_path != NULL)
        status = make_keys(staging.staged, options, diag);
    if (status == STATUS_OK)
        return file_staging_commit(&staging, diag);
    file_staging_abandon(&staging);
    return status;
}

/* ---- entry ---- */

/* What could be imported of a model with problems. Values are known where all inputs of what is
 * left are the model's own, and the data has them. */
static void judge(struct compilation *c, const struct compile_options *options,
                  struct compile_data *data, struct diag_list *problems)
{
    struct diag ignored = {0};
    bool knows = data->specs != NULL;
    for (size_t i = 0; i < c->graph->input_count && knows; i++) {
        knows = false;
        for (size_t k = 0; k < data->spec_count && !knows; k++)
            knows = strcmp(c->graph->values[c->graph->inputs[i]].name, data->specs[k].name) == 0;
    }
    knows = knows && compile_data_order(data, c->graph, &c->arena, &ignored) == STATUS_OK;
    struct quantize_options quantize = quantize_options(options, data);
    pipeline_judge(c->graph, knows ? &quantize : NULL, &c->arena, problems);
}

enum status compile_model(struct compilation *c, const struct compile_options *options,
                          struct diag_list *problems, struct import_notes *notes)
{
    *c = (struct compilation){.notes = notes};
    arena_init(&c->arena, 0);
    struct compile_data data = {0};
    struct diag diag = {0};
    enum status status = import(c, options, &data, problems, notes);
    /* What could be imported is judged all the same: a model is mended once, not stage by stage. */
    if (status != STATUS_OK && c->graph != NULL)
        judge(c, options, &data, problems);
    if (status == STATUS_OK)
        status = make_circuit(c, options, &data, problems);
    if (status == STATUS_OK)
        status = note(problems, compile_report_init(c, options, &diag), &diag);
    if (status == STATUS_OK && options->out_folder != NULL)
        status = note(problems, write_model(c, options, &diag), &diag);
    else if (status == STATUS_OK && options->srs_path != NULL)
        status = note(problems, check_srs(c, options, &diag), &diag);
    return status;
}

void compilation_release(struct compilation *c)
{
    onnx_release(&c->file);
    for (size_t i = 0; i < c->function_file_count; i++)
        onnx_release(&c->function_files[i]);
    arena_release(&c->arena);
    *c = (struct compilation){0};
}
