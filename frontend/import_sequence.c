/*
 * Import rules of sequences and optionals. Their structure is known while the model is imported, so
 * they are lists of names and leave no trace in the graph. A position that depends on data chooses
 * among items of one type and shape; sizes that do are not supported.
 */
#include <stdio.h>
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

/* ---- positions ---- */

/*
 * The position an operand says, when it is known: from the end when negative; `limit` is one past
 * the last that is allowed. False when it is computed; *value is then it, int64 of rank 0.
 */
static bool position_known(struct import_node *n, size_t i, size_t count, size_t limit, size_t *at,
                           uint32_t *value)
{
    *value = required(n, i);
    *at = 0;
    const struct shape *shape = value_shape(n, *value);
    size_t elements = 0;
    if (shape != NULL && (element_type_is_float(value_type(n, *value)) ||
                          !shape_count(shape, 1, &elements) || elements != 1))
        rule_fail(n, STATUS_BAD_INPUT, "the position in the sequence is not one integer");
    const struct tensor *known = value_known(n, *value);
    if (n->status != STATUS_OK)
        return true;
    if (known == NULL) {
        *value = cast_to(n, reshape_to(n, *value, NULL, 0), ELEMENT_I64);
        return false;
    }
    int64_t place = known->data.integer[0];
    if (place < 0)
        place += (int64_t)count;
    if (place < 0 || (uint64_t)place >= limit)
        rule_fail(n, STATUS_BAD_INPUT, "position %lld in a sequence of %zu",
                  (long long)known->data.integer[0], count);
    *at = (size_t)place;
    return true;
}

static bool same_structure(const struct import_node *n, const struct binding *a,
                           const struct binding *b)
{
    if (a->kind != b->kind || (a->kind != BINDING_VALUE && a->kind != BINDING_SEQUENCE))
        return false;
    if (a->kind == BINDING_VALUE) {
        struct value_info x = unit_value_info(n->unit, a->value),
                          y = unit_value_info(n->unit, b->value);
        return x.type == y.type && x.shape_known && y.shape_known &&
               shape_equal(&x.shape, &y.shape) &&
               value_is_text(n, a->value) == value_is_text(n, b->value);
    }
    bool same = a->item_count == b->item_count;
    for (size_t i = 0; same && i < a->item_count; i++)
        same = same_structure(n, &a->item[i], &b->item[i]);
    return same;
}

static void refuse_position(struct import_node *n, uint32_t position, const char *reason)
{
    want_switch(n, position, 1);
    rule_fail(n, STATUS_UNSUPPORTED,
              "the position in the sequence depends on the input data, and %s in type or shape; "
              "bind the input that decides it with --bind, or give all items one shape",
              reason);
}

/* A computed position chooses among items of one structure; which structure there is cannot depend
 * on data. */
static void require_one_structure(struct import_node *n, uint32_t position,
                                  const struct binding *items, size_t count)
{
    for (size_t i = 1; i < count && n->status == STATUS_OK; i++) {
        if (same_structure(n, &items[0], &items[i]))
            continue;
        char reason[64];
        snprintf(reason, sizeof reason, "items 0 and %zu differ", i);
        refuse_position(n, position, reason);
    }
}

/* Item `position` of the sequence; a position outside has no proof, as that of a Gather. */
static void take_item(struct import_node *n, const struct binding *items, size_t count,
                      uint32_t position, struct binding *out)
{
    *out = items[0];
    if (items[0].kind == BINDING_VALUE) {
        uint32_t *rows = arena_array(n->importer->arena, uint32_t, count);
        if (rows == NULL)
            rule_out_of_memory(n);
        for (size_t i = 0; i < count && n->status == STATUS_OK; i++)
            rows[i] = unsqueeze_at(n, items[i].value, 0);
        if (n->status != STATUS_OK)
            return;
        stage_int(n, "axis", 0);
        uint32_t all = emit_list(n, OP_CONCAT, rows, count);
        stage_int(n, "axis", 0);
        out->value = emit2(n, OP_GATHER, all, position);
        return;
    }
    struct binding *column = new_items(n, count);
    out->item = new_items(n, items[0].item_count);
    for (size_t k = 0; k < items[0].item_count && n->status == STATUS_OK; k++) {
        for (size_t i = 0; i < count; i++)
            column[i] = items[i].item[k];
        take_item(n, column, count, position, &out->item[k]);
    }
}

/* condition ? yes : no, for tensors and what holds them. */
static struct binding choose(struct import_node *n, uint32_t condition, const struct binding *yes,
                             const struct binding *no)
{
    struct binding out = *yes;
    if (yes->kind == BINDING_VALUE)
        out.value = emit3(n, OP_WHERE, condition, yes->value, no->value);
    else
        out.item = new_items(n, yes->item_count);
    for (size_t i = 0; yes->kind != BINDING_VALUE && i < yes->item_count && n->status == STATUS_OK;
         i++)
        out.item[i] = choose(n, condition, &yes->item[i], &no->item[i]);
    return out;
}

/*
 * Row `position` of a table [rows, columns] of booleans: whether column < row + shift. A position
 * outside of the rows has no proof.
 */
static uint32_t columns_before(struct import_node *n, uint32_t position, size_t rows,
                               size_t columns, size_t shift)
{
    struct shape shape = {.rank = 2, .dim = {(int64_t)rows, (int64_t)columns}};
    struct tensor *table = tensor_new(n->importer->arena, ELEMENT_BOOL, &shape);
    for (size_t k = 0; table != NULL && k < table->count; k++)
        table->data.integer[k] = k % columns < k / columns + shift;
    stage_int(n, "axis", 0);
    return emit2(n, OP_GATHER, constant_tensor(n, table), position);
}

/* A position for an insertion, 0 .. count, as it is or counted from the end; one outside becomes
 * count + 1. */
static uint32_t insert_position(struct import_node *n, uint32_t position, size_t count)
{
    uint32_t zero = constant_int(n, 0), size = constant_int(n, (int64_t)count),
             outside = constant_int(n, (int64_t)count + 1);
    uint32_t from_end = emit2(n, OP_ADD, position, size);
    position = emit3(n, OP_WHERE, emit2(n, OP_LESS, position, zero), from_end, position);
    return emit3(n, OP_WHERE, emit2(n, OP_LESS, position, zero), outside, position);
}

/* ---- operators ---- */

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
    size_t count = list->item_count, at = count;
    uint32_t position = GRAPH_NONE;
    bool is_known =
        operand(n, 2) == GRAPH_NONE || position_known(n, 2, count, count + 1, &at, &position);
    struct binding *items = new_items(n, count + 1);
    if (n->status != STATUS_OK)
        return;
    items[at] = n->in[1];
    for (size_t i = 0; i < count; i++)
        items[i < at ? i : i + 1] = list->item[i];
    if (!is_known) {
        require_one_structure(n, position, list->item, count);
        if (count > 0 && !same_structure(n, &list->item[0], &n->in[1]))
            refuse_position(n, position, "the new item differs from those of the sequence");
        position = insert_position(n, position, count);
        uint32_t before = columns_before(n, position, count + 1, count + 1, 0),
                 until = columns_before(n, position, count + 1, count + 1, 1);
        for (size_t i = 0; i <= count && n->status == STATUS_OK; i++) {
            uint32_t is_old = take_along(n, before, 0, (int64_t)i),
                     is_new = take_along(n, until, 0, (int64_t)i);
            struct binding rest =
                i == 0 ? n->in[1] : choose(n, is_new, &n->in[1], &list->item[i - 1]);
            items[i] = i == count ? rest : choose(n, is_old, &list->item[i], &rest);
        }
    }
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
    size_t at = count - 1;
    uint32_t position = GRAPH_NONE;
    bool is_known =
        operand(n, 1) == GRAPH_NONE || position_known(n, 1, count, count, &at, &position);
    struct binding *items = new_items(n, count);
    if (n->status != STATUS_OK)
        return;
    for (size_t i = 0; is_known && i + 1 < count; i++)
        items[i] = list->item[i < at ? i : i + 1];
    if (!is_known && count > 1) {
        require_one_structure(n, position, list->item, count);
        uint32_t before = columns_before(n, position, count, count - 1, 0);
        for (size_t i = 0; i + 1 < count && n->status == STATUS_OK; i++)
            items[i] =
                choose(n, take_along(n, before, 0, (int64_t)i), &list->item[i], &list->item[i + 1]);
    }
    give_sequence(n, items, count - 1);
}

/* SequenceAt */
void import_sequence_at(struct import_node *n)
{
    const struct binding *list = sequence_operand(n, 0);
    if (list == NULL)
        return;
    size_t at;
    uint32_t position;
    bool is_known = position_known(n, 1, list->item_count, list->item_count, &at, &position);
    if (n->status == STATUS_OK && list->item_count == 0)
        rule_fail(n, STATUS_BAD_INPUT, "an empty sequence has no item to take");
    if (n->status != STATUS_OK || is_known) {
        set_output_binding(n, 0, &list->item[at]);
        return;
    }
    struct binding out = {.kind = BINDING_NONE};
    require_one_structure(n, position, list->item, list->item_count);
    if (n->status == STATUS_OK)
        take_item(n, list->item, list->item_count, position, &out);
    if (out.kind == BINDING_VALUE)
        set_output(n, 0, out.value);
    else
        set_output_binding(n, 0, &out);
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
    *count = is_list ? split->count : (size_t)(size / chunk + (size % chunk != 0));
    int64_t *sizes = arena_array(n->importer->arena, int64_t, *count);
    if (sizes == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        int64_t left = is_list ? 0 : size - (int64_t)i * chunk;
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
