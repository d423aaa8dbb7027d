/*
 * Dispatch of shape rules and the rules that many operators share. Called by graph_interpret and by
 * passes/infer_shapes; the rules of a family stand in graph_infer_<family>.c.
 */
#include "ir/graph_kernel_shared.h"
#include "ir/ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ORDER op_kind: indexed by operator; operators without a row stay NULL. */
static const infer_rule rule_of[OP_COUNT] = {
#define K(op, rule, run) [op] = rule,
#include "ir/graph_kernel.def"
#undef K
};

bool graph_op_is_supported(enum op_kind op)
{
    return op < OP_COUNT && rule_of[op] != NULL;
}

struct value_info value_info_of_tensor(const struct tensor *tensor)
{
    return (struct value_info){
        .type = tensor->type, .shape_known = true, .shape = tensor->shape, .data = tensor};
}

/* Appends to a text that may be full already. */
static void text_append(char *text, size_t bytes, const char *more)
{
    size_t used = strlen(text);
    if (used + 1 < bytes)
        snprintf(text + used, bytes - used, "%s", more);
}

void value_info_text(char *text, size_t bytes, const struct value_info *info)
{
    char dim[32];
    ASSERT(bytes > 0);
    text[0] = '\0';
    /* Strings are numbers of a table here, and nowhere else. */
    text_append(text, bytes,
                element_type_name(info->text_table != NULL ? ELEMENT_STRING : info->type));
    if (!info->shape_known) {
        text_append(text, bytes, " [?]");
        return;
    }
    text_append(text, bytes, " [");
    for (unsigned i = 0; i < info->shape.rank; i++) {
        snprintf(dim, sizeof dim, "%s%" PRId64, i > 0 ? ", " : "", info->shape.dim[i]);
        text_append(text, bytes, dim);
    }
    text_append(text, bytes, "]");
}

/* Puts the node and its operands before the reason that a rule or a kernel has given. */
enum status kernel_blame(const struct graph_node *node, const struct value_info *const *in,
                         size_t in_count, struct diag *diag, enum status status)
{
    char operands[320] = "", one[96];
    for (size_t i = 0; i < in_count; i++) {
        if (i > 0)
            text_append(operands, sizeof operands, ", ");
        if (in[i] == NULL) {
            text_append(operands, sizeof operands, "-");
            continue;
        }
        value_info_text(one, sizeof one, in[i]);
        text_append(operands, sizeof operands, one);
    }
    return diag_prefix(diag, status, "node %s (%s, opset %d) on (%s)", node->name,
                       op_name(node->op), node->opset, operands);
}

/* Moved texts keep their table, when all operands that give elements share it. */
static void keep_text_table(struct infer_call *call)
{
    enum op_kind op = call->node->op;
    if (op == OP_LABEL_ENCODER)
        call->out[0].text_table = call->in[2]->text_table;
    if ((op_info(op)->traits & TRAIT_MOVEMENT) == 0)
        return;
    const struct tensor *table = call->in[0]->text_table;
    for (size_t i = 1; op == OP_CONCAT && i < call->in_count; i++)
        if (call->in[i]->text_table != table)
            table = NULL;
    for (size_t i = 0; i < call->out_count; i++)
        call->out[i].text_table = table;
}

enum status graph_infer_node(const struct graph_node *node, const struct value_info *in,
                             struct value_info *out, struct arena *arena, struct diag *diag)
{
    const struct value_info *few[16];
    const struct value_info **operands = few;
    if (node->input_count > sizeof few / sizeof *few) {
        operands = kernel_alloc(arena, node->input_count, sizeof *operands, diag);
        if (operands == NULL)
            return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < node->input_count; i++)
        operands[i] = node->inputs[i] == GRAPH_NONE ? NULL : &in[i];
    if (node->output_count > 0)
        memset(out, 0, node->output_count * sizeof *out);
    struct infer_call call = {.node = node,
                              .in = operands,
                              .in_count = node->input_count,
                              .out = out,
                              .out_count = node->output_count,
                              .arena = arena,
                              .diag = diag};
    enum status status;
    if (!graph_op_is_supported(node->op))
        status = infer_fail(&call, STATUS_UNSUPPORTED, "this operator is not supported");
    else
        status = rule_of[node->op](&call);
    if (status != STATUS_OK)
        return kernel_blame(node, operands, node->input_count, diag, status);
    keep_text_table(&call);
    return STATUS_OK;
}

const struct value_info *infer_in(const struct infer_call *call, size_t i)
{
    return i < call->in_count ? call->in[i] : NULL;
}

enum status infer_need(struct infer_call *call, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (infer_in(call, i) == NULL)
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu is missing", i);
    if (call->out_count == 0)
        return infer_fail(call, STATUS_BAD_INPUT, "the node has no output");
    return STATUS_OK;
}

void infer_result(struct infer_call *call, size_t i, enum element_type type,
                  const struct shape *shape)
{
    if (i >= call->out_count)
        return;
    call->out[i].type = type;
    call->out[i].shape_known = shape != NULL;
    if (shape != NULL)
        call->out[i].shape = *shape;
}

const struct shape *infer_shape_of(const struct value_info *info)
{
    return info->shape_known ? &info->shape : NULL;
}

enum status infer_broadcast(struct infer_call *call, size_t first, size_t count,
                            struct shape *shape, bool *known)
{
    *known = true;
    *shape = (struct shape){0};
    for (size_t i = first; i < first + count; i++) {
        const struct value_info *in = infer_in(call, i);
        if (in == NULL)
            continue;
        if (!in->shape_known) {
            *known = false;
            continue;
        }
        struct shape so_far = *shape;
        if (!shape_broadcast(shape, &so_far, &in->shape))
            return infer_fail(call, STATUS_BAD_INPUT, "the operands' shapes do not broadcast");
    }
    return STATUS_OK;
}

/* The operands of one call must agree in type; some exporters mix integer widths, which is an
 * error. */
enum status infer_same_type(struct infer_call *call, size_t first, size_t count)
{
    const struct value_info *a = NULL;
    for (size_t i = first; i < first + count; i++) {
        const struct value_info *b = infer_in(call, i);
        if (b == NULL)
            continue;
        if (a != NULL && a->type != b->type)
            return infer_fail(call, STATUS_BAD_INPUT,
                              "operands are %s and %s; they must be of one type",
                              element_type_name(a->type), element_type_name(b->type));
        a = a == NULL ? b : a;
    }
    return STATUS_OK;
}

enum status infer_need_small_integers(struct infer_call *call, const size_t *operand, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct value_info *in = infer_in(call, operand[i]);
        if (in != NULL && (!element_type_is_integer(in->type) || element_type_bits(in->type) > 32))
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu is %s; it must be quantized",
                              operand[i], element_type_name(in->type));
    }
    return STATUS_OK;
}

enum status infer_need_floats(struct infer_call *call, const size_t *operand, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct value_info *in = infer_in(call, operand[i]);
        if (in != NULL && !element_type_is_float(in->type))
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu is %s; it must be a float",
                              operand[i], element_type_name(in->type));
    }
    return STATUS_OK;
}

/* Output 0 like operand 0. */
enum status infer_same(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, infer_shape_of(call->in[0]));
    call->out[0].text_table = call->in[0]->text_table;
    return STATUS_OK;
}

/* Output 0 like operand 0, which must be of a float type. */
enum status infer_same_float(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status == STATUS_OK && !element_type_is_float(call->in[0]->type))
        return infer_fail(call, STATUS_BAD_INPUT, "operand 0 is %s; it must be of a float type",
                          element_type_name(call->in[0]->type));
    return status;
}

/* All operands broadcast; the result has their type. */
enum status infer_elementwise(struct infer_call *call)
{
    struct shape shape;
    bool known;
    enum status status = infer_need(call, call->in_count);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    if (status == STATUS_OK)
        status = infer_broadcast(call, 0, call->in_count, &shape, &known);
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, known ? &shape : NULL);
    return status;
}

/* Two operands of one type broadcast to bool. */
enum status infer_compare(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_elementwise(call);
    if (status == STATUS_OK)
        call->out[0].type = ELEMENT_BOOL;
    return status;
}

/* bool like operand 0. */
enum status infer_predicate(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status == STATUS_OK)
        call->out[0].type = ELEMENT_BOOL;
    return status;
}

enum status infer_type_attribute(struct infer_call *call, const char *name,
                                 enum element_type fallback, enum element_type *type)
{
    int64_t given = graph_attribute_int(call->node, name, 0);
    *type = fallback;
    if (given == 0)
        return STATUS_OK;
    if (given < 0 || given > ELEMENT_I2 || element_type_bits((enum element_type)given) == 0)
        return infer_fail(call, STATUS_UNSUPPORTED, "%s names element type %" PRId64, name, given);
    *type = (enum element_type)given;
    return STATUS_OK;
}

enum status infer_axis(struct infer_call *call, const char *attribute, int64_t fallback,
                       const struct shape *shape, unsigned *axis)
{
    int64_t given = graph_attribute_int(call->node, attribute, fallback);
    return normalize_axis(call->diag, given, shape->rank, axis);
}
