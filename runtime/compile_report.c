/* See compile_report.h. Prices of gas and time come from backend/plan; nothing is computed twice.
 */
#include "runtime/compile_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "backend/plan.h"
#include "backend/plonk/keys.h"
#include "ir/support/buffer.h"
#include "runtime/json_fields.h"
#include "runtime/metadata.h"
#include "runtime/proof.h"

/* ---- rows by node ---- */

static int by_rows(const void *a, const void *b)
{
    const struct node_rows *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* The node whose relation put a row there; node_count for shared rows. */
static size_t node_of(const struct compilation *c, uint32_t row)
{
    const struct relation_program *program = c->result.program;
    uint32_t relation = c->circuit.origins[row].relation;
    return relation != RELATION_NONE && program->relations[relation].node < program->node_count
               ? program->relations[relation].node
               : program->node_count;
}

static enum status count_nodes(struct compilation *c, struct diag *diag)
{
    const struct relation_program *program = c->result.program;
    struct node_rows *nodes = arena_array(&c->arena, struct node_rows, program->node_count + 1);
    if (nodes == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the report");
    for (size_t i = 0; i < program->node_count; i++)
        nodes[i].name = program->node_names[i];
    nodes[program->node_count].name = "(shared)";
    for (uint32_t row = 0; row < c->circuit.usable_rows; row++) {
        bool used = circuit_row_is_used(&c->circuit.rows[row]);
        nodes[node_of(c, row)].rows += used;
        c->report.used_rows += used;
    }
    for (size_t i = 0; i < c->circuit.fill_count; i++)
        nodes[node_of(c, c->circuit.fills[i].row)].cells++;
    c->report.used_cells = (uint32_t)c->circuit.fill_count;
    qsort(nodes, program->node_count + 1, sizeof *nodes, by_rows);
    c->report.nodes = nodes;
    while (c->report.node_count <= program->node_count && nodes[c->report.node_count].rows > 0)
        c->report.node_count++;
    return STATUS_OK;
}

enum status compile_report_init(struct compilation *c, const struct compile_options *options,
                                struct diag *diag)
{
    struct compile_report *report = &c->report;
    const struct circuit *circuit = &c->circuit;
    struct plan plan;
    plan_circuit(&plan, circuit, options->mode, options->threads);
    report->lg_rows = circuit->lg_rows;
    report->rows = (uint32_t)1 << circuit->lg_rows;
    report->param_columns = circuit->param_columns;
    report->columns = plan.columns;
    report->word_count = circuit->public_word_count;
    report->copies = circuit->copy_count;
    report->table_rows = report->summary.table_rows + report->summary.memory_rows;
    report->has_proof = plan.has_proof;
    report->proof_bytes = plan.proof_bytes;
    report->vk_bytes = plan.vk_bytes;
    report->gas = plan.gas;
    report->prove_seconds = plan.prove_seconds;
    report->verify_seconds = plan.verify_seconds;
    report->keys_seconds = plan.keys_seconds;
    report->prove_memory_bytes = plan.prove_memory_bytes;
    report->srs_power = plan.srs_power;
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        report->lookups +=
            (circuit->rows[row].slot_memory != 0 && !circuit->rows[row].is_provider) +
            (circuit->rows[row].slot_table != 0) + (circuit->rows[row].slot_range != 0);
    for (size_t i = 0; i < c->result.program->tensor_count; i++) {
        if (c->result.program->tensors[i].role == ROLE_PARAMETER)
            report->parameter_elements += c->result.program->tensors[i].count;
    }
    enum status status = plonk_circuit_digest(report->circuit_digest, circuit, diag);
    return status == STATUS_OK ? count_nodes(c, diag) : status;
}

/* ---- JSON ---- */

static bool add_number(cJSON *object, const char *name, double value)
{
    return cJSON_AddNumberToObject(object, name, value) != NULL;
}

/* Seconds and memory are prices of the machine that asks, so they stay out of what is published. */
static bool add_times(cJSON *root, const struct compile_report *r)
{
    return add_number(root, "prove_seconds", r->prove_seconds) &&
           add_number(root, "verify_seconds", r->verify_seconds) &&
           add_number(root, "keys_seconds", r->keys_seconds) &&
           add_number(root, "prove_memory_bytes", (double)r->prove_memory_bytes);
}

static bool add_costs(cJSON *root, const struct compile_report *r)
{
    return add_number(root, "rows", r->rows) && add_number(root, "used_rows", r->used_rows) &&
           add_number(root, "dot_gate_rows", (double)r->summary.dot_gate_rows) &&
           cJSON_AddBoolToObject(root, "has_proof", r->has_proof) != NULL &&
           add_number(root, "used_cells", r->used_cells) &&
           add_number(root, "columns", r->columns) &&
           add_number(root, "param_columns", r->param_columns) &&
           add_number(root, "table_rows", (double)r->table_rows) &&
           add_number(root, "lookups", (double)r->lookups) &&
           add_number(root, "copies", (double)r->copies) &&
           add_number(root, "public_words", r->word_count) &&
           add_number(root, "proof_bytes", (double)r->proof_bytes) &&
           add_number(root, "vk_bytes", (double)r->vk_bytes) && add_number(root, "gas", r->gas) &&
           add_number(root, "ptau_power", r->srs_power) &&
           add_number(root, "limb_bits", r->summary.limb_bits) &&
           add_number(root, "parameters", (double)r->parameter_elements) &&
           json_add_hex(root, "circuit_digest", r->circuit_digest, 32);
}

static bool add_nodes(cJSON *root, const struct compile_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(root, "nodes");
    for (size_t i = 0; i < r->node_count && list != NULL; i++) {
        cJSON *node = cJSON_CreateObject();
        if (node == NULL || !cJSON_AddItemToArray(list, node) ||
            !json_add_text(node, "node", r->nodes[i].name) ||
            !add_number(node, "rows", r->nodes[i].rows) ||
            !add_number(node, "cells", r->nodes[i].cells))
            return false;
    }
    return list != NULL;
}

static bool add_inputs(cJSON *root, const struct quantize_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(root, "inputs");
    for (size_t i = 0; i < r->input_count && list != NULL; i++) {
        const struct input_report *in = &r->inputs[i];
        cJSON *item = cJSON_CreateObject();
        if (item == NULL || !cJSON_AddItemToArray(list, item) ||
            !json_add_text(item, "name", in->name))
            return false;
        if (in->is_key ? !json_add_text(item, "encoding", "float key")
                       : !add_number(item, "low", in->low) || !add_number(item, "high", in->high) ||
                             !add_number(item, "fraction_bits", in->fraction_bits))
            return false;
    }
    return list != NULL;
}

/* What is proven of an output, or why nothing is. */
static bool add_bound(cJSON *item, const struct output_report *out)
{
    if (out->no_bound != NULL)
        return json_add_text(item, "no_bound", out->no_bound);
    return add_number(item, "proven_error", out->proven_error);
}

static bool add_outputs(cJSON *root, const struct quantize_report *r, bool measured)
{
    cJSON *list = cJSON_AddArrayToObject(root, "outputs");
    for (size_t i = 0; i < r->output_count && list != NULL; i++) {
        const struct output_report *out = &r->outputs[i];
        cJSON *item = cJSON_CreateObject();
        if (item == NULL || !cJSON_AddItemToArray(list, item) ||
            !json_add_text(item, "name", out->name) ||
            !add_number(item, "fraction_bits", out->fraction_bits) ||
            !add_number(item, "value_bits", out->value_bits))
            return false;
        if (measured &&
            (!add_bound(item, out) || !add_number(item, "measured_error", out->measured_error) ||
             !add_number(item, "measured_relative", out->measured_relative) ||
             !add_number(item, "tolerance_ratio", out->tolerance_ratio) ||
             !add_number(item, "elements", (double)out->elements) ||
             !add_number(item, "mismatches", (double)out->mismatches)))
            return false;
    }
    return list != NULL;
}

static bool add_ranges(cJSON *root, const struct quantize_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(root, "inserted_ranges");
    for (size_t i = 0; i < r->range_count && list != NULL; i++) {
        cJSON *item = cJSON_CreateObject();
        if (item == NULL || !cJSON_AddItemToArray(list, item) ||
            !json_add_text(item, "value", r->ranges[i].value) ||
            !json_add_text(item, "node", r->ranges[i].node) ||
            !add_number(item, "low", r->ranges[i].low) ||
            !add_number(item, "high", r->ranges[i].high) ||
            cJSON_AddBoolToObject(item, "saturates", r->ranges[i].saturates) == NULL)
            return false;
    }
    return list != NULL;
}

static bool add_notes(cJSON *root, const struct import_notes *notes)
{
    cJSON *list = cJSON_AddArrayToObject(root, "notes");
    for (size_t i = 0; i < notes->count && list != NULL; i++) {
        if (!cJSON_AddItemToArray(list, cJSON_CreateString(notes->text[i])))
            return false;
    }
    return list != NULL;
}

char *compile_report_json(const struct compilation *c, bool measured)
{
    const struct quantize_report *q = &c->result.report;
    cJSON *root = cJSON_CreateObject();
    bool done =
        root != NULL && add_costs(root, &c->report) && add_inputs(root, q) &&
        add_outputs(root, q, measured) && add_ranges(root, q) && add_nodes(root, &c->report) &&
        (q->widened_count == 0 || add_number(root, "widened_numbers", (double)q->widened_count));
    if (done && measured)
        done = add_times(root, &c->report) && add_notes(root, c->notes) &&
               add_number(root, "calibration_runs", (double)q->run_count) &&
               cJSON_AddBoolToObject(root, "meets_tolerance", q->meets_tolerance) != NULL;
    char *text = done ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    return text;
}

/* ---- metadata ---- */

char *compile_metadata_json(const struct compilation *c, const struct compile_options *options)
{
    struct model model = {
        .mode = options->mode, .interface = c->result.interface, .circuit = c->circuit};
    memcpy(model.circuit_digest, c->report.circuit_digest, sizeof model.circuit_digest);
    cJSON *root = metadata_json(&model, c->graph->name != NULL ? c->graph->name : "",
                                !options->public_parameters);
    char *text = root != NULL ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    return text;
}

/* ---- text ---- */

void compile_bound_text(char text[COMPILE_BOUND_TEXT], double bound)
{
    double shown = bound;
    do {
        snprintf(text, COMPILE_BOUND_TEXT, "%.3g", shown);
        shown *= 1.001;
    } while (strtod(text, NULL) < bound);
}

char *compile_report_text(const struct compilation *c)
{
    const struct compile_report *r = &c->report;
    const struct quantize_report *q = &c->result.report;
    struct buffer out;
    size_t count;
    buffer_init(&out);
    buffer_printf(&out, "rows        2^%u = %u (%u used; %zu table rows; limbs of %u bits)\n",
                  r->lg_rows, r->rows, r->used_rows, r->table_rows, r->summary.limb_bits);
    if (r->summary.dot_gate_rows != r->rows)
        buffer_printf(&out, "            %llu with a gate for each product\n",
                      (unsigned long long)r->summary.dot_gate_rows);
    buffer_printf(&out, "columns     %u (%u of private parameters, %zu numbers)\n", r->columns,
                  r->param_columns, r->parameter_elements);
    buffer_printf(&out, "public      %u words\n", r->word_count);
    if (!r->has_proof) {
        buffer_puts(&out,
                    "proof       none: the table can be checked, and is too large for keys\n");
    } else {
        buffer_printf(&out, "proof       %zu bytes, %.0f gas\n", r->proof_bytes, r->gas);
        buffer_printf(&out, "prove       %.3g s, %.1f MB (predicted)\n", r->prove_seconds,
                      (double)r->prove_memory_bytes / 1e6);
        buffer_printf(&out, "keys        %.3g s (predicted); a .ptau of power %u\n",
                      r->keys_seconds, r->srs_power);
    }
    for (size_t i = 0; i < q->input_count; i++) {
        const struct input_report *in = &q->inputs[i];
        if (in->is_key)
            buffer_printf(&out, "input       %s: exact floats\n", in->name);
        else
            buffer_printf(&out, "input       %s: %.6g..%.6g, %d fraction bits%s\n", in->name,
                          in->low, in->high, in->fraction_bits,
                          in->is_declared ? "" : " (range from data or default)");
    }
    for (size_t i = 0; i < q->output_count; i++) {
        const struct output_report *o = &q->outputs[i];
        char bound[COMPILE_BOUND_TEXT];
        compile_bound_text(bound, o->proven_error);
        buffer_printf(&out,
                      "output      %s: %d fraction bits, measured error %.3g absolute, %.3g "
                      "relative, %zu of %zu differ\n",
                      o->name, o->fraction_bits, o->measured_error, o->measured_relative,
                      o->mismatches, o->elements);
        if (o->no_bound != NULL)
            buffer_printf(&out, "proven      %s: no bound: %s; measured %.3g\n", o->name,
                          o->no_bound, o->measured_error);
        else
            buffer_printf(&out,
                          "proven      %s: |error| <= %s for every input accepted; measured %.3g\n",
                          o->name, bound, o->measured_error);
    }
    for (size_t i = 0; i < q->range_count; i++)
        buffer_printf(
            &out, "range       %s at %s: %.6g..%.6g%s\n", q->ranges[i].value, q->ranges[i].node,
            q->ranges[i].low, q->ranges[i].high,
            q->ranges[i].saturates ? "; greater ones, whose exp is infinite, count as this" : "");
    if (!q->meets_tolerance)
        buffer_printf(&out,
                      "accuracy    the tolerance asked for is NOT met on the calibration data\n");
    if (q->widened_count > 0)
        buffer_printf(
            &out,
            "note        %llu numbers of 16 bits are computed as float32 and not rounded, "
            "as that would take more rows than all else\n",
            (unsigned long long)q->widened_count);
    for (size_t i = 0; i < c->notes->count; i++)
        buffer_printf(&out, "note        %s\n", c->notes->text[i]);
    for (size_t i = 0; i < r->node_count && i < 12; i++)
        buffer_printf(&out, "rows of     %-40s %u, %u cells\n", r->nodes[i].name, r->nodes[i].rows,
                      r->nodes[i].cells);
    buffer_put_u8(&out, 0);
    return out.failed ? NULL : (char *)buffer_take(&out, &count);
}
