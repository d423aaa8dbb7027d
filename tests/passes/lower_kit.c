/* See lower_kit.h. */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/graph_interpret.h"
#include "ir/relation_codec.h"
#include "passes/find_masks.h"
#include "tests/passes/tamper_kit.h"

enum { SETS_MAX = 64 };

void kit_init(struct kit *kit)
{
    memset(kit, 0, sizeof *kit);
    arena_init(&kit->arena, 0);
    kit->graph = graph_new(&kit->arena, "test");
    kit->options.inputs = PORT_PRIVATE;
    kit->options.outputs = PORT_PUBLIC;
    kit->options.quantize.sets = arena_array(&kit->arena, struct calibration_set, SETS_MAX);
    diag_list_init(&kit->problems);
}

void kit_release(struct kit *kit)
{
    diag_list_release(&kit->problems);
    arena_release(&kit->arena);
}

struct shape kit_shape(unsigned rank, ...)
{
    struct shape shape = {.rank = (uint8_t)rank};
    va_list dims;
    va_start(dims, rank);
    for (unsigned d = 0; d < rank; d++)
        shape.dim[d] = va_arg(dims, int);
    va_end(dims);
    return shape;
}

double kit_random(double scale)
{
    return scale * ((double)test_random_below(1u << 21) / (1 << 20) - 1);
}

static void set_shape(struct kit *kit, uint32_t v, struct shape shape)
{
    kit->graph->values[v].shape = shape;
    kit->graph->values[v].shape_known = true;
}

uint32_t kit_input(struct kit *kit, const char *name, enum element_type type, struct shape shape)
{
    uint32_t v = graph_add_value(kit->graph, name, VALUE_INPUT, type);
    set_shape(kit, v, shape);
    uint32_t *list = arena_array(&kit->arena, uint32_t, kit->graph->input_count + 1);
    if (kit->graph->input_count > 0)
        memcpy(list, kit->graph->inputs, kit->graph->input_count * sizeof *list);
    list[kit->graph->input_count++] = v;
    kit->graph->inputs = list;
    return v;
}

struct tensor *kit_tensor(struct kit *kit, struct shape shape, const double *values)
{
    struct tensor *tensor = tensor_new(&kit->arena, ELEMENT_F32, &shape);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->data.real[i] = element_round(ELEMENT_F32, values[i]);
    return tensor;
}

struct tensor *kit_integers(struct kit *kit, enum element_type type, struct shape shape,
                            const int64_t *values)
{
    struct tensor *tensor = tensor_new(&kit->arena, type, &shape);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->data.integer[i] = element_wrap(type, values[i]);
    return tensor;
}

struct tensor *kit_random_tensor(struct kit *kit, struct shape shape, double scale)
{
    struct tensor *tensor = tensor_new(&kit->arena, ELEMENT_F32, &shape);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->data.real[i] = element_round(ELEMENT_F32, kit_random(scale));
    return tensor;
}

static uint32_t stored(struct kit *kit, const char *name, enum graph_value_kind kind,
                       struct tensor *tensor)
{
    uint32_t v = graph_add_value(kit->graph, name, kind, tensor->type);
    set_shape(kit, v, tensor->shape);
    kit->graph->values[v].data = tensor;
    return v;
}

uint32_t kit_parameter(struct kit *kit, const char *name, struct shape shape, const double *values)
{
    return stored(kit, name, VALUE_PARAMETER, kit_tensor(kit, shape, values));
}

uint32_t kit_random_parameter(struct kit *kit, const char *name, struct shape shape, double scale)
{
    return stored(kit, name, VALUE_PARAMETER, kit_random_tensor(kit, shape, scale));
}

uint32_t kit_constant_i64(struct kit *kit, struct shape shape, const int64_t *values)
{
    struct tensor *tensor = tensor_new(&kit->arena, ELEMENT_I64, &shape);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->data.integer[i] = values[i];
    return stored(kit, "constant", VALUE_CONSTANT, tensor);
}

uint32_t kit_node(struct kit *kit, enum op_kind op, const uint32_t *inputs, size_t count)
{
    char *name = arena_printf(&kit->arena, "%s_%zu", op_name(op), kit->graph->node_count);
    uint32_t out = graph_add_value(kit->graph, name, VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(kit->graph, op, name, inputs, count, &out, 1);
    return out;
}

uint32_t kit_unary(struct kit *kit, enum op_kind op, uint32_t x)
{
    return kit_node(kit, op, &x, 1);
}

uint32_t kit_binary(struct kit *kit, enum op_kind op, uint32_t a, uint32_t b)
{
    return kit_node(kit, op, (const uint32_t[]){a, b}, 2);
}

static struct graph_attribute *new_attribute(struct kit *kit, const char *name,
                                             enum attribute_kind kind)
{
    struct graph_node *node = &kit->graph->nodes[kit->graph->node_count - 1];
    struct graph_attribute *list =
        arena_array(&kit->arena, struct graph_attribute, node->attribute_count + 1);
    if (node->attribute_count > 0)
        memcpy(list, node->attributes, node->attribute_count * sizeof *list);
    node->attributes = list;
    list[node->attribute_count] = (struct graph_attribute){.name = name, .kind = kind};
    return &list[node->attribute_count++];
}

void kit_attribute_int(struct kit *kit, const char *name, int64_t value)
{
    new_attribute(kit, name, ATTRIBUTE_INT)->integer = value;
}

void kit_attribute_float(struct kit *kit, const char *name, double value)
{
    new_attribute(kit, name, ATTRIBUTE_FLOAT)->real = value;
}

void kit_attribute_text(struct kit *kit, const char *name, const char *value)
{
    new_attribute(kit, name, ATTRIBUTE_TEXT)->text = value;
}

void kit_attribute_texts(struct kit *kit, const char *name, const char *const *texts, size_t count)
{
    struct graph_attribute *attribute = new_attribute(kit, name, ATTRIBUTE_TEXTS);
    attribute->texts = texts;
    attribute->count = count;
}

void kit_attribute_ints(struct kit *kit, const char *name, const int64_t *values, size_t count)
{
    struct graph_attribute *attribute = new_attribute(kit, name, ATTRIBUTE_INTS);
    attribute->integers = arena_memdup(&kit->arena, values, count * sizeof *values);
    attribute->count = count;
}

void kit_attribute_tensor(struct kit *kit, const char *name, enum element_type type,
                          const double *values, size_t count)
{
    struct shape shape = kit_shape(1, (int)count);
    struct tensor *tensor = tensor_new(&kit->arena, type, &shape);
    for (size_t i = 0; i < count; i++)
        tensor->data.real[i] = element_round(type, values[i]);
    new_attribute(kit, name, ATTRIBUTE_TENSOR)->tensor = tensor;
}

void kit_output(struct kit *kit, uint32_t value)
{
    uint32_t *list = arena_array(&kit->arena, uint32_t, kit->graph->output_count + 1);
    if (kit->graph->output_count > 0)
        memcpy(list, kit->graph->outputs, kit->graph->output_count * sizeof *list);
    list[kit->graph->output_count++] = value;
    kit->graph->outputs = list;
}

void kit_set(struct kit *kit, const struct tensor *const *inputs)
{
    size_t count = kit->graph->input_count;
    const struct tensor **list = arena_array(&kit->arena, const struct tensor *, count + 1);
    memcpy(list, inputs, count * sizeof *list);
    REQUIRE(kit->options.quantize.set_count < SETS_MAX);
    struct calibration_set *sets = (struct calibration_set *)(uintptr_t)kit->options.quantize.sets;
    sets[kit->options.quantize.set_count++] = (struct calibration_set){list};
}

void kit_run(struct kit *kit)
{
    kit->was_tampered = false;
    enum status status =
        pipeline_run(&kit->result, kit->graph, &kit->options, &kit->arena, &kit->problems);
    if (status == STATUS_OK)
        return;
    for (size_t i = 0; i < kit->problems.count; i++)
        test_fail(__FILE__, __LINE__, "%s", kit->problems.item[i].text);
    test_end_case();
}

/* ---- what lowering may know of weights ---- */

/*
 * The same numbers in another order: element i is element i + shift of the tensor. One shift for
 * all tensors leaves what is made of neighbours in several of them the same numbers too, and their
 * widths, which may be known.
 */
static struct tensor *turned(struct kit *kit, const struct tensor *tensor, size_t shift)
{
    struct tensor *out = tensor_new(&kit->arena, tensor->type, &tensor->shape);
    for (size_t i = 0; i < tensor->count; i++) {
        size_t from = (i + shift) % tensor->count;
        if (element_type_is_float(tensor->type))
            out->data.real[i] = tensor->data.real[from];
        else
            out->data.integer[i] = tensor->data.integer[from];
    }
    return out;
}

/* Bases and exponents of powers are public once they are stored: see passes/lower_power.c. */
static bool is_of_power(const struct graph *graph, uint32_t v)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        if (node->op == OP_POW && (node->inputs[0] == v || node->inputs[1] == v))
            return true;
    }
    return false;
}

/* Where a mask is minus infinity is structure: see passes/find_masks.h. */
static bool is_mask(const struct tensor *tensor)
{
    bool found = false;
    for (size_t i = 0; element_type_is_float(tensor->type) && i < tensor->count; i++)
        found |= tensor->data.real[i] <= MASK_NUMBER;
    return found;
}

/* Puts the weights of the graph into another order; false when there are none. */
static bool turn_weights(struct kit *kit)
{
    bool changed = false;
    size_t shift = 1 + test_random_below(1000);
    for (uint32_t v = 0; v < kit->graph->value_count; v++) {
        struct graph_value *value = &kit->graph->values[v];
        if (value->kind != VALUE_PARAMETER || value->data == NULL || value->data->count < 2 ||
            value->data->type == ELEMENT_STRING || is_of_power(kit->graph, v) ||
            is_mask(value->data))
            continue;
        value->data = turned(kit, value->data, shift);
        changed = true;
    }
    return changed;
}

/* Lowers with a plan made before; false when that fails. */
static bool lower_with(struct kit *kit, const struct quantize_plan *plan, struct buffer *out)
{
    const struct graph *graph = kit->graph;
    struct lowering_result result;
    struct diag diag = {0};
    enum port_visibility *inputs =
                             arena_array(&kit->arena, enum port_visibility, graph->input_count + 1),
                         *outputs = arena_array(&kit->arena, enum port_visibility,
                                                graph->output_count + 1);
    for (size_t i = 0; i < graph->input_count; i++)
        inputs[i] = kit->result.interface.inputs[i].visibility;
    for (size_t o = 0; o < graph->output_count; o++)
        outputs[o] = kit->result.interface.outputs[o].visibility;
    struct lower_options options = {
        .inputs = inputs, .outputs = outputs, .capacity_bits = 253, .table_bits = 8};
    if (lower_graph(&result, graph, plan, &options, &kit->arena, &diag) != STATUS_OK)
        return false;
    relation_program_serialize(result.program, out);
    return true;
}

/*
 * With the same widths and the weights in another order the program is the same, byte for byte: it
 * depends on no private number.
 */
static void check_weights_unseen(struct kit *kit)
{
    struct quantize_plan plan;
    struct buffer before, after;
    struct diag diag = {0};
    struct graph_value *values =
        arena_memdup(&kit->arena, kit->graph->values, kit->graph->value_count * sizeof *values);
    if (kit->options.public_parameters)
        return;
    buffer_init(&before);
    buffer_init(&after);
    REQUIRE_OK(pass_quantize(&plan, kit->graph, &kit->options.quantize, &kit->arena, &diag), &diag);
    plan.extra_bits = kit->result.report.extra_bits;
    bool lowers = lower_with(kit, &plan, &before);
    if (lowers && turn_weights(kit)) {
        CHECK_MSG(lower_with(kit, &plan, &after),
                  "with its weights in another order it is refused");
        CHECK_MSG(before.count == after.count && memcmp(before.data, after.data, before.count) == 0,
                  "the program depends on the order of weights");
    }
    memcpy(kit->graph->values, values, kit->graph->value_count * sizeof *values);
    buffer_release(&before);
    buffer_release(&after);
}

/* ---- proven bounds ---- */

static enum element_type finer(enum element_type type)
{
    return type == ELEMENT_F32 ? ELEMENT_F64 : type;
}

static struct tensor *refined(struct kit *kit, const struct tensor *tensor)
{
    struct tensor *copy = arena_memdup(&kit->arena, tensor, sizeof *tensor);
    copy->type = finer(tensor->type);
    return copy;
}

/* A Cast of float64 to float32 rounds as the model says. */
static void refine_attributes(struct kit *kit, struct graph_node *node)
{
    bool rounds = node->op == OP_CAST && kit->graph->values[node->inputs[0]].type == ELEMENT_F64;
    node->attributes = arena_memdup(&kit->arena, node->attributes,
                                    node->attribute_count * sizeof *node->attributes);
    for (size_t a = 0; a < node->attribute_count; a++) {
        struct graph_attribute *attribute = &node->attributes[a];
        bool is_type = strcmp(attribute->name, "to") == 0 ||
                       strcmp(attribute->name, "dtype") == 0 ||
                       strcmp(attribute->name, "output_dtype") == 0;
        if (is_type && attribute->integer == ELEMENT_F32 && !rounds)
            attribute->integer = ELEMENT_F64;
        if (attribute->kind == ATTRIBUTE_TENSOR)
            attribute->tensor = refined(kit, attribute->tensor);
    }
}

/* The graph with float64 for float32. */
static struct graph refined_graph(struct kit *kit)
{
    struct graph graph = *kit->graph;
    graph.values =
        arena_memdup(&kit->arena, graph.values, graph.value_capacity * sizeof *graph.values);
    graph.nodes = arena_memdup(&kit->arena, graph.nodes, graph.node_capacity * sizeof *graph.nodes);
    for (size_t v = 0; v < graph.value_count; v++) {
        graph.values[v].type = finer(graph.values[v].type);
        if (graph.values[v].data != NULL)
            graph.values[v].data = refined(kit, graph.values[v].data);
    }
    for (size_t n = 0; n < graph.node_count; n++)
        refine_attributes(kit, &graph.nodes[n]);
    return graph;
}

/* Patterns of float32 have no other meaning, and the scale of DynamicQuantizeLinear is float32
 * whatever it quantizes. */
static bool rereads_bits(const struct graph *graph)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        if (graph->nodes[n].op == OP_BIT_CAST || graph->nodes[n].op == OP_DYNAMIC_QUANTIZE_LINEAR)
            return true;
    }
    return false;
}

void kit_check_bounds(struct kit *kit, const struct tensor *const *inputs, double *worst)
{
    struct diag diag = {0};
    struct graph_values values;
    struct relation_values integers;
    bool refines = !rereads_bits(kit->graph);
    struct graph graph = refines ? refined_graph(kit) : *kit->graph;
    const struct tensor **in =
        arena_array(&kit->arena, const struct tensor *, graph.input_count + 1);
    for (size_t i = 0; i < graph.input_count; i++)
        in[i] = refines ? refined(kit, inputs[i]) : inputs[i];
    graph_values_init(&values, &kit->arena);
    REQUIRE_OK(graph_interpret(&graph, in, &values, &diag), &diag);
    REQUIRE_OK(relation_values_init(&integers, kit->result.program, &kit->arena, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&integers, &kit->result, inputs, kit->options.digest,
                                 kit->options.digest_context, &diag),
               &diag);
    for (size_t o = 0; o < graph.output_count; o++) {
        const struct port *port = &kit->result.interface.outputs[o];
        const struct output_report *report = &kit->result.report.outputs[o];
        const struct tensor *exact = values.item[graph.outputs[o]];
        bool is_float = element_type_is_float(port->type);
        if (worst != NULL)
            worst[o] = 0;
        CHECK((report->no_bound == NULL) == (isfinite(report->proven_error) != 0));
        for (size_t e = 0; e < exact->count && report->no_bound == NULL; e++) {
            double got, expected = tensor_real(exact, e);
            int64_t integer;
            port_decode(&got, &integer, &kit->result.program->tensors[port->tensor],
                        is_float ? ELEMENT_F64 : port->type,
                        relation_value(&integers, port->tensor, e));
            double error = is_float ? fabs(got - expected)
                                    : fabs((double)((__int128)exact->data.integer[e] - integer));
            /* float64 has errors of its own. */
            double slack = 0x1p-40 * fabs(expected) + 0x1p-60;
            if (isnan(got) || isinf(got) || !isfinite(expected))
                continue;
            CHECK_MSG(error <= report->proven_error + slack,
                      "output %zu element %zu is off by %.6g, and %.6g is proven", o, e, error,
                      report->proven_error);
            if (worst != NULL)
                worst[o] = fmax(worst[o], error);
        }
    }
}

double kit_compare(struct kit *kit, const struct tensor *const *inputs, double absolute,
                   double relative)
{
    struct diag diag = {0};
    struct graph_values values;
    struct relation_values integers;
    graph_values_init(&values, &kit->arena);
    REQUIRE_OK(graph_interpret(kit->graph, inputs, &values, &diag), &diag);
    REQUIRE_OK(relation_values_init(&integers, kit->result.program, &kit->arena, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&integers, &kit->result, inputs, kit->options.digest,
                                 kit->options.digest_context, &diag),
               &diag);
    double largest = 0;
    for (size_t o = 0; o < kit->graph->output_count; o++) {
        const struct port *port = &kit->result.interface.outputs[o];
        const struct tensor *reference = values.item[kit->graph->outputs[o]];
        bool is_float = element_type_is_float(port->type);
        for (size_t e = 0; e < reference->count; e++) {
            double got;
            int64_t integer;
            port_decode(&got, &integer, &kit->result.program->tensors[port->tensor],
                        is_float ? ELEMENT_F64 : port->type,
                        relation_value(&integers, port->tensor, e));
            if (!is_float) {
                CHECK_MSG(integer == reference->data.integer[e],
                          "output %zu element %zu: %lld, expected %lld", o, e, (long long)integer,
                          (long long)reference->data.integer[e]);
                continue;
            }
            double expected = reference->data.real[e];
            if (isnan(expected) || isinf(expected)) {
                CHECK_MSG(isnan(expected) ? isnan(got) : got == expected,
                          "output %zu element %zu: %.12g, expected %.12g", o, e, got, expected);
                continue;
            }
            double error = fabs(got - expected), allowed = absolute + relative * fabs(expected);
            CHECK_MSG(error <= allowed, "output %zu element %zu: %.12g, expected %.12g", o, e, got,
                      expected);
            largest = fmax(largest, error);
        }
    }
    kit_check_bounds(kit, inputs, NULL);
    if (!kit->was_tampered) {
        const char *share = getenv("SERTN_TAMPER");
        bool many = share != NULL && strcmp(share, "many") == 0;
        kit->was_tampered = true;
        check_weights_unseen(kit);
        kit_tamper_circuit(kit, inputs, many ? TAMPER_MANY : TAMPER_SOME);
    }
    return largest;
}

void kit_compare_sets(struct kit *kit, const struct tensor *const (*sets)[2], size_t count,
                      double absolute, double relative)
{
    for (size_t i = 0; i < count; i++)
        kit_set(kit, sets[i]);
    kit_run(kit);
    for (size_t i = 0; i < count; i++)
        kit_compare(kit, sets[i], absolute, relative);
}

void kit_refuse(struct kit *kit, const struct tensor *const *inputs)
{
    struct diag diag = {0};
    struct relation_values values;
    REQUIRE_OK(relation_values_init(&values, kit->result.program, &kit->arena, &diag), &diag);
    CHECK_STATUS(pipeline_evaluate(&values, &kit->result, inputs, NULL, NULL, &diag),
                 STATUS_BAD_INPUT, &diag);
}

/* ---- hints ---- */

static enum status run_tampered(struct kit *kit, const struct relation_program *program,
                                const struct relation_values *honest, uint32_t tensor,
                                size_t element, int64_t offset)
{
    struct diag diag = {0};
    struct arena scratch;
    arena_init(&scratch, 0);
    struct relation_values values;
    REQUIRE_OK(relation_values_init(&values, program, &scratch, &diag), &diag);
    bool is_inside = true;
    for (uint32_t t = 0; t < program->tensor_count; t++) {
        if (program->tensors[t].role == ROLE_WITNESS || program->tensors[t].role == ROLE_CONSTANT)
            continue;
        for (size_t e = 0; e < program->tensors[t].count; e++) {
            wide value = relation_value(honest, t, e);
            if (t == tensor && e == element)
                ASSERT(wide_add(&value, value, wide_from_i64(offset)));
            is_inside &= relation_value_set(&values, program, t, e, value);
        }
    }
    enum status status = is_inside ? relation_interpret(program, &values, kit->options.digest,
                                                        kit->options.digest_context, &diag)
                                   : STATUS_BAD_INPUT;
    arena_release(&scratch);
    return status;
}

size_t kit_tamper_hints(struct kit *kit, const struct tensor *const *inputs)
{
    struct diag diag = {0};
    struct relation_values honest;
    REQUIRE_OK(relation_values_init(&honest, kit->result.program, &kit->arena, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&honest, &kit->result, inputs, kit->options.digest,
                                 kit->options.digest_context, &diag),
               &diag);
    struct relation_program copy = *kit->result.program;
    copy.tensors =
        arena_memdup(&kit->arena, copy.tensors, copy.tensor_count * sizeof *copy.tensors);
    copy.relations = arena_array(&kit->arena, struct relation, copy.relation_count + 1);
    size_t kept = 0, tried = 0;
    for (size_t i = 0; i < copy.relation_count; i++) {
        const struct relation *relation = &kit->result.program->relations[i];
        if (relation->kind == RELATION_HINT)
            copy.tensors[relation->outputs[0]].role = ROLE_PRIVATE_INPUT;
        else
            copy.relations[kept++] = *relation;
    }
    copy.relation_count = kept;
    static const int64_t offsets[] = {1, -1, 2, -7, 1000};
    for (size_t i = 0; i < kit->result.program->relation_count; i++) {
        const struct relation *relation = &kit->result.program->relations[i];
        if (relation->kind != RELATION_HINT)
            continue;
        uint32_t t = relation->outputs[0];
        size_t element = test_random_below(copy.tensors[t].count);
        CHECK_STATUS(run_tampered(kit, &copy, &honest, t, element, 0), STATUS_OK, NULL);
        for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++, tried++)
            CHECK_MSG(run_tampered(kit, &copy, &honest, t, element, offsets[k]) != STATUS_OK,
                      "hint '%s' element %zu moved by %lld is accepted", copy.tensors[t].name,
                      element, (long long)offsets[k]);
    }
    return tried;
}
