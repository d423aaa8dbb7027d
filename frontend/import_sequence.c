/*
 * Import rules of sequences and optionals. Their structure is known while the model is imported, so
 * they are lists of names and leave no trace in the graph; a position or a size that depends on
 * data is not supported.
 */
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* Operand i as a sequence, or NULL, failing the node. */
static const struct binding *sequence_operand(struct import_node *n, size_t i)
{
    if (i < n->in_count && n->in[i].kind == BINDING_SEQUENCE)
        return &n->in[i];
    rule_fail(n, STATUS_UNSUPPORTED, "input %zu is not a sequence whose structure is known", i);
    return NULL;
}

static struct binding *new_items(struct import_node *n, size_t count)
{
    struct binding *items = arena_array(n->importer->arena, struct binding, count);
    if (items == NULL)
        rule_out_of_memory(n);
    return items;
}

static void give_sequence(struct import_node *n, struct binding *items, size_t count)
{
    set_output_binding(
        n, 0, &(struct binding){.kind = BINDING_SEQUENCE, .item = items, .item_count = count});
}

/* The position an operand says, from the end when negative; `limit` is one past the last that is
 * allowed. */
static size_t position_operand(struct import_node *n, size_t i, size_t count, size_t limit)
{
    uint32_t value = required(n, i);
    const struct tensor *known = value_known(n, value);
    if (known == NULL)
        want_known(n, value);
    if (n->status == STATUS_OK &&
        (known == NULL || known->count != 1 || element_type_is_float(known->type)))
        rule_fail(n, STATUS_UNSUPPORTED,
                  "the position in the sequence is not known at compile time");
    if (n->status != STATUS_OK)
        return 0;
    int64_t at = known->data.integer[0];
    if (at < 0)
        at += (int64_t)count;
    if (at < 0 || (uint64_t)at >= limit)
        rule_fail(n, STATUS_BAD_INPUT, "position %lld in a sequence of %zu",
                  (long long)known->data.integer[0], count);
    return (size_t)at;
}

/* SequenceConstruct */
void import_sequence_construct(struct import_node *n)
{
    struct binding *items = new_items(n, n->in_count);
    for (size_t i = 0; i < n->in_count && n->status == STATUS_OK; i++) {
        required(n, i);
        items[i] = n->in[i];
    }
    give_sequence(n, items, n->in_count);
}

/* SequenceEmpty */
void import_sequence_empty(struct import_node *n)
{
    give_sequence(n, new_items(n, 0), 0);
}

/* SequenceInsert */
void import_sequence_insert(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    required(n, 1);
    if (list == NULL || n->status != STATUS_OK)
        return;
    size_t count = list->item_count;
    size_t at = n->in_count > 2 ? position_operand(n, 2, count, count + 1) : count;
    struct binding *items = new_items(n, count + 1);
    if (n->status != STATUS_OK)
        return;
    for (size_t i = 0; i <= count; i++)
        items[i] = i == at ? n->in[1] : list->item[i < at ? i : i - 1];
    give_sequence(n, items, count + 1);
}

/* SequenceErase */
void import_sequence_erase(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    if (list == NULL)
        return;
    size_t count = list->item_count;
    if (count == 0)
        rule_fail(n, STATUS_BAD_INPUT, "nothing can be erased from an empty sequence");
    size_t at = n->in_count > 1 ? position_operand(n, 1, count, count) : count - 1;
    struct binding *items = new_items(n, count);
    if (n->status != STATUS_OK)
        return;
    for (size_t i = 0; i + 1 < count; i++)
        items[i] = list->item[i < at ? i : i + 1];
    give_sequence(n, items, count - 1);
}

/* SequenceAt */
void import_sequence_at(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    if (list == NULL)
        return;
    size_t at = position_operand(n, 1, list->item_count, list->item_count);
    if (n->status == STATUS_OK)
        set_output_binding(n, 0, &list->item[at]);
}

/* SequenceLength */
void import_sequence_length(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    if (list != NULL)
        set_output(n, 0, constant_int(n, (int64_t)list->item_count));
}

/* ConcatFromSequence: new_axis = 1 stacks. */
void import_concat_from_sequence(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    uint32_t *in =
        list == NULL ? NULL : arena_array(n->importer->arena, uint32_t, list->item_count);
    int64_t axis = attr_int(n, "axis", 0);
    if (in == NULL || list->item_count == 0) {
        rule_fail(n, STATUS_BAD_INPUT, "an empty sequence cannot be concatenated");
        return;
    }
    for (size_t i = 0; i < list->item_count; i++)
        in[i] = attr_int(n, "new_axis", 0) != 0 ? unsqueeze_at(n, list->item[i].value, axis)
                                                : list->item[i].value;
    stage_int(n, "axis", axis);
    set_output(n, 0, emit_list(n, OP_CONCAT, in, list->item_count));
}

/* Sizes of the parts of SplitToSequence; NULL after a failure. */
static int64_t *part_sizes(struct import_node *n, int64_t size, bool has_split, size_t *count)
{
    uint32_t value = has_split ? required(n, 1) : GRAPH_NONE;
    const struct tensor *split = value_known(n, value);
    if (has_split && split == NULL)
        want_known(n, value);
    if (has_split && (split == NULL || element_type_is_float(split->type))) {
        rule_fail(n, STATUS_UNSUPPORTED, "the sizes of the parts are not known at compile time");
        return NULL;
    }
    bool is_list = split != NULL && split->shape.rank == 1;
    int64_t chunk = split == NULL ? 1 : is_list ? 0 : split->data.integer[0];
    if (!is_list && chunk <= 0) {
        rule_fail(n, STATUS_BAD_INPUT, "parts of size %lld", (long long)chunk);
        return NULL;
    }
    *count = is_list ? split->count : (size_t)((size + chunk - 1) / chunk);
    int64_t *sizes = arena_array(n->importer->arena, int64_t, *count);
    if (sizes == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        int64_t left = size - (int64_t)i * chunk;
        sizes[i] = is_list ? split->data.integer[i] : left < chunk ? left : chunk;
    }
    return sizes;
}

/* SplitToSequence: without sizes, parts of one, whose axis goes unless keepdims. */
void import_split_to_sequence(struct import_node *n)
{
    uint32_t x = required(n, 0);
    bool has_split = n->in_count > 1 && n->in[1].kind == BINDING_VALUE;
    int64_t axis = attr_int(n, "axis", 0);
    const struct shape *shape = value_shape(n, x);
    if (shape == NULL)
        return;
    int64_t at = axis < 0 ? axis + shape->rank : axis;
    if (at < 0 || at >= shape->rank) {
        rule_fail(n, STATUS_BAD_INPUT, "axis %lld", (long long)axis);
        return;
    }
    size_t count = 0;
    int64_t *sizes = part_sizes(n, shape->dim[at], has_split, &count);
    uint32_t *out = arena_array(n->importer->arena, uint32_t, count);
    struct binding *items = new_items(n, count);
    if (sizes == NULL || out == NULL || n->status != STATUS_OK)
        return;
    uint32_t operands[2] = {x, constant_ints(n, sizes, count)};
    uint32_t axes = constant_ints(n, &at, 1);
    stage_int(n, "axis", at);
    emit_outputs(n, OP_SPLIT, operands, 2, out, count);
    bool drop = !has_split && attr_int(n, "keepdims", 1) == 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t part = drop ? emit2(n, OP_SQUEEZE, out[i], axes) : out[i];
        items[i] = (struct binding){.kind = BINDING_VALUE, .value = part};
    }
    give_sequence(n, items, count);
}

/* SequenceMap: its body once for every item; the other operands are sequences as long, whose items
 * go together, or tensors, which every turn gets. */
void import_sequence_map(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    const Onnx__Graph *body = attr_graph(n, "body");
    if (body == NULL)
        rule_fail(n, STATUS_BAD_INPUT, "its body is missing");
    if (list == NULL || n->status != STATUS_OK)
        return;
    for (size_t i = 1; i < n->in_count; i++)
        if (n->in[i].kind == BINDING_SEQUENCE && n->in[i].item_count != list->item_count)
            rule_fail(n, STATUS_BAD_INPUT, "its sequences have %zu and %zu items", list->item_count,
                      n->in[i].item_count);
    struct binding *in = new_items(n, n->in_count), *out = new_items(n, n->out_count);
    struct binding *items = new_items(n, n->out_count * list->item_count);
    for (size_t turn = 0; turn < list->item_count && n->status == STATUS_OK; turn++) {
        for (size_t i = 0; i < n->in_count; i++)
            in[i] = n->in[i].kind == BINDING_SEQUENCE ? n->in[i].item[turn] : n->in[i];
        import_inline_turn(n, body, turn, in, n->in_count, out, n->out_count);
        for (size_t k = 0; k < n->out_count && n->status == STATUS_OK; k++)
            items[k * list->item_count + turn] = out[k];
    }
    for (size_t k = 0; k < n->out_count && n->status == STATUS_OK; k++) {
        struct binding all = {.kind = BINDING_SEQUENCE,
                              .item = items + k * list->item_count,
                              .item_count = list->item_count};
        if (binding_is_whole(&all))
            set_output_binding(n, k, &all);
    }
}

/* Optional and OptionalGetElement: what is inside, if anything. */
void import_optional(struct import_node *n)
{
    bool is_get = strcmp(n->proto->op_type, "OptionalGetElement") == 0;
    struct binding inside = {.kind = BINDING_ABSENT};
    if (n->in_count > 0)
        inside = n->in[0];
    if (is_get && inside.kind == BINDING_ABSENT)
        rule_fail(n, STATUS_BAD_INPUT, "the optional is empty");
    set_output_binding(n, 0, &inside);
}

/* OptionalHasElement */
void import_optional_has(struct import_node *n)
{
    struct tensor *answer = tensor_new(n->importer->arena, ELEMENT_BOOL, &(struct shape){0});
    if (answer != NULL)
        answer->data.integer[0] = n->in_count > 0 && (n->in[0].kind == BINDING_VALUE ||
                                                      n->in[0].kind == BINDING_SEQUENCE);
    set_output(n, 0, constant_tensor(n, answer));
}
