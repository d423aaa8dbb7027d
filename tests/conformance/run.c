/* One conformance test in this process; see conformance.h. */
#include "tests/conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/check/check.h"
#include "backend/witness/digest.h"
#include "backend/witness/fill.h"
#include "ir/graph_interpret.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "runtime/compile.h"
#include "runtime/compile_data.h"

struct run {
    struct conformance_result *result;
    struct conformance_tolerance tolerance;
    char set[CONFORMANCE_SETS_MAX][4096]; /* folders */
    const char *set_path[CONFORMANCE_SETS_MAX];
    size_t set_count;
    struct compile_options options;
    struct compilation compilation;
    struct compile_data data;
    struct arena arena;
};

static void set_stage(struct run *run, const char *stage)
{
    snprintf(run->result->stage, sizeof run->result->stage, "%s", stage);
}

/* Names the stage that comes after the one that is done. */
static void after_pass(void *context, const char *pass, const struct graph *graph,
                       const struct relation_program *program)
{
    (void)graph;
    (void)program;
    for (size_t i = 0; compile_pass_name(i) != NULL; i++)
        if (strcmp(compile_pass_name(i), pass) == 0)
            set_stage(context, compile_pass_name(i + 1) != NULL ? compile_pass_name(i + 1) : "run");
}

static void set_reason(struct run *run, const char *text)
{
    snprintf(run->result->reason, sizeof run->result->reason, "%.479s", text);
}

/* ---- reference outputs against the float interpreter ---- */

static enum status compare_interpreted(struct run *run, const struct graph *graph,
                                       const struct tensor *const *inputs,
                                       const struct expected *expected, struct diag *diag)
{
    struct graph_values values;
    graph_values_init(&values, &run->arena);
    enum status status = graph_interpret(graph, inputs, &values, diag);
    struct computed *computed = arena_array(&run->arena, struct computed, graph->output_count + 1);
    if (status == STATUS_OK && computed == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory to compare");
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < graph->output_count; i++) {
        const struct graph_value *value = &graph->values[graph->outputs[i]];
        computed[i] = (struct computed){value->name, value->sequence, value->text_table,
                                        values.item[graph->outputs[i]]};
        if (computed[i].tensor == NULL)
            return diag_set(diag, STATUS_REJECTED, "output '%s' has no value", value->name);
    }
    return expected_compare(expected, computed, graph->output_count, run->tolerance, diag);
}

static enum status read_data(struct run *run, struct diag *diag)
{
    struct compilation *c = &run->compilation;
    enum status status = compile_data_read(&run->data, &c->file, &run->options, &run->arena, diag);
    return status == STATUS_OK ? compile_data_order(&run->data, c->graph, &run->arena, diag)
                               : status;
}

/* Of the graph as the compiler left it, also when it refused it later. */
static enum status interpret(struct run *run, struct diag *diag)
{
    struct compilation *c = &run->compilation;
    if (c->graph == NULL)
        return diag_set(diag, STATUS_UNSUPPORTED, "not imported");
    enum status status = graph_validate(c->graph, diag);
    if (status == STATUS_OK)
        status = read_data(run, diag);
    for (size_t s = 0; status == STATUS_OK && s < run->data.set_count; s++) {
        struct expected expected;
        struct arena_mark mark = arena_checkpoint(&run->arena);
        status = expected_read(&expected, &c->file, run->set[s], &run->arena, diag);
        if (status == STATUS_OK)
            status = compare_interpreted(run, c->graph, run->data.sets[s].inputs, &expected, diag);
        arena_rewind(&run->arena, mark);
    }
    return status;
}

/* ---- the circuit ---- */

static wide element_of(void *context, uint32_t tensor, uint32_t element)
{
    return relation_value(context, tensor, element);
}

static enum status check(struct run *run, struct relation_values *values, struct diag *diag)
{
    const struct circuit *circuit = &run->compilation.circuit;
    struct witness_source source = {element_of, NULL, values, run->compilation.result.program};
    struct check_report report = {0};
    fr *column[WITNESS_COLUMNS] = {0};
    fr *words = arena_array(&run->arena, fr, circuit->public_word_count + 1);
    bool has_room = words != NULL;
    for (unsigned i = 0; i < CIRCUIT_ADVICE + circuit->param_columns; i++) {
        column[i] = arena_array(&run->arena, fr, circuit->usable_rows);
        has_room = has_room && column[i] != NULL;
    }
    enum status status =
        has_room ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory for the witness");
    if (status == STATUS_OK)
        status = witness_fill(column, circuit, &source, diag);
    if (status == STATUS_OK)
        status = witness_public_words(words, circuit, &source, diag);
    struct plonk_witness witness = {{column[0], column[1], column[2]}, {column[3], column[4]}};
    if (status == STATUS_OK)
        status = check_witness(&report, circuit, run->compilation.result.program, &witness, words,
                               circuit->public_word_count, diag);
    check_report_release(&report);
    return status;
}

/* The real numbers of one output port. */
static struct tensor *decode(struct run *run, const struct port *port,
                             struct relation_values *values)
{
    const struct relation_tensor *from = &run->compilation.result.program->tensors[port->tensor];
    struct tensor *made = tensor_new(&run->arena, port->type, &port->shape);
    bool is_float = element_type_is_float(port->type);
    for (size_t i = 0; made != NULL && i < made->count; i++) {
        double real = 0;
        int64_t integer = 0;
        port_decode(&real, &integer, from, port->type, relation_value(values, port->tensor, i));
        if (is_float)
            made->data.real[i] = real;
        else
            made->data.integer[i] = integer;
    }
    return made;
}

/* No output may be further from the float run than is proven, and than float32 may be off itself.
 */
static enum status hold_to_bounds(struct run *run, size_t set, const struct computed *computed,
                                  struct diag *diag)
{
    const struct compilation *c = &run->compilation;
    const struct interface *interface = &c->result.interface;
    struct graph_values values;
    graph_values_init(&values, &run->arena);
    set_stage(run, "bound");
    run->result->outputs = (unsigned)interface->output_count;
    run->result->proven = 0;
    enum status status = graph_interpret(c->graph, run->data.sets[set].inputs, &values, diag);
    for (size_t i = 0; i < interface->output_count && status == STATUS_OK; i++) {
        const struct output_report *report = &c->result.report.outputs[i];
        if (report->no_bound != NULL) {
            snprintf(run->result->gap, sizeof run->result->gap, "%.479s", report->no_bound);
            continue;
        }
        struct tensor *item = values.item[c->graph->outputs[i]];
        struct expected_output output = {computed[i].name, &item, 1};
        struct computed one = {computed[i].name, NULL, NULL, computed[i].tensor};
        struct conformance_tolerance tolerance = {2e-5, report->proven_error + 1e-6};
        run->result->proven++;
        status = expected_compare(&(struct expected){&output, 1}, &one, 1, tolerance, diag);
        if (status != STATUS_OK)
            status = diag_prefix(diag, status, "beyond the proven %.3g", report->proven_error);
    }
    return status;
}

static enum status compare(struct run *run, size_t set, struct relation_values *values,
                           struct diag *diag)
{
    const struct interface *interface = &run->compilation.result.interface;
    struct computed *computed =
        arena_array(&run->arena, struct computed, interface->output_count + 1);
    struct expected expected;
    enum status status = computed == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory to compare")
                                          : expected_read(&expected, &run->compilation.file,
                                                          run->set[set], &run->arena, diag);
    for (size_t i = 0; status == STATUS_OK && i < interface->output_count; i++) {
        const struct port *port = &interface->outputs[i];
        computed[i] = (struct computed){port->name, port->sequence, port->text_table,
                                        decode(run, port, values)};
        if (computed[i].tensor == NULL)
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory to compare");
    }
    if (status == STATUS_OK)
        status =
            expected_compare(&expected, computed, interface->output_count, run->tolerance, diag);
    return status == STATUS_OK ? hold_to_bounds(run, set, computed, diag) : status;
}

static enum status run_set(struct run *run, size_t set, struct diag *diag)
{
    struct compilation *c = &run->compilation;
    struct relation_values values;
    set_stage(run, "run");
    enum status status = relation_values_init(&values, c->result.program, &run->arena, diag);
    if (status == STATUS_OK)
        status = pipeline_evaluate(&values, &c->result, run->data.sets[set].inputs, digest_values,
                                   NULL, diag);
    if (status == STATUS_OK) {
        set_stage(run, "check");
        status = check(run, &values, diag);
    }
    if (status == STATUS_OK) {
        set_stage(run, "compare");
        status = compare(run, set, &values, diag);
    }
    return status;
}

/* ---- the whole ---- */

static void find_sets(struct run *run, const char *folder)
{
    for (size_t k = 0; k < CONFORMANCE_SETS_MAX; k++) {
        snprintf(run->set[k], sizeof run->set[k], "%s/test_data_set_%zu", folder, k);
        if (!file_exists(run->set[k]))
            break;
        run->set_path[run->set_count++] = run->set[k];
    }
}

static enum status compile(struct run *run, const char *path)
{
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    run->options = (struct compile_options){.model_path = path,
                                            .data_paths = run->set_path,
                                            .data_count = run->set_count,
                                            .threads = 1,
                                            .after_pass = after_pass,
                                            .after_pass_context = run};
    double start = machine_seconds();
    set_stage(run, "import");
    enum status status = compile_model(&run->compilation, &run->options, &problems, &notes);
    run->result->compile_seconds = machine_seconds() - start;
    run->result->compile_memory_bytes = machine_peak_memory_bytes();
    run->result->is_refused = status == STATUS_UNSUPPORTED || status == STATUS_LIMIT;
    if (status == STATUS_OK) {
        run->result->rows = run->compilation.report.rows;
        run->result->dot_gate_rows = run->compilation.report.summary.dot_gate_rows;
    } else {
        set_reason(run, problems.count > 0 ? problems.item[0].text : status_name(status));
    }
    diag_list_release(&problems);
    return status;
}

static enum status run_circuit(struct run *run)
{
    struct diag diag = {0};
    double start = machine_seconds();
    enum status status = STATUS_OK;
    if (run->data.sets == NULL)
        status = read_data(run, &diag);
    for (size_t s = 0; status == STATUS_OK && s < run->data.set_count; s++) {
        struct arena_mark mark = arena_checkpoint(&run->arena);
        status = run_set(run, s, &diag);
        arena_rewind(&run->arena, mark);
    }
    run->result->check_seconds = machine_seconds() - start;
    if (status != STATUS_OK)
        set_reason(run, diag.text);
    return status;
}

static void note_scope(struct run *run, const char *folder)
{
    struct onnx_file *file = &run->compilation.file;
    const Onnx__Graph *graph = file->model != NULL ? file->model->graph : NULL;
    if (graph == NULL)
        return;
    if (graph->n_node == 1 && graph->node[0]->op_type != NULL)
        snprintf(run->result->operator_of, sizeof run->result->operator_of, "%s",
                 graph->node[0]->op_type);
    const char *why = conformance_out_of_scope(file, folder, &run->arena);
    if (why != NULL && run->result->outcome == CONFORMANCE_FAILED) {
        run->result->outcome = CONFORMANCE_OUT_OF_SCOPE;
        set_reason(run, why);
    } else if (run->result->outcome == CONFORMANCE_FAILED) {
        conformance_contradicts(run->result->reason, sizeof run->result->reason, file, folder,
                                &run->arena);
    }
}

void conformance_run(struct conformance_result *result, const char *folder,
                     struct conformance_tolerance tolerance)
{
    struct run *run = calloc(1, sizeof *run);
    struct diag diag = {0};
    char path[4096];
    *result = (struct conformance_result){0};
    if (run == NULL)
        return;
    run->result = result;
    run->tolerance = tolerance;
    arena_init(&run->arena, 0);
    find_sets(run, folder);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    enum status status = compile(run, path);
    result->is_interpreted = interpret(run, &diag) == STATUS_OK;
    if (status == STATUS_OK)
        status = run_circuit(run);
    if (status != STATUS_OK && !result->is_interpreted && diag.text[0] != 0 &&
        strcmp(result->stage, "compare") == 0) {
        /* The float run is wrong already: that is the reason to show. */
        set_stage(run, "interpret");
        set_reason(run, diag.text);
    }
    if (status == STATUS_OK) {
        result->outcome = CONFORMANCE_PASSED;
        result->stage[0] = 0;
    }
    note_scope(run, folder);
    result->peak_memory_bytes = machine_peak_memory_bytes();
    compilation_release(&run->compilation);
    arena_release(&run->arena);
    free(run);
}
