/* Compositions of few operators that many rules need. */
#include "frontend/import_node.h"

uint32_t cast_to(struct import_node *n, uint32_t value, enum element_type type)
{
    if (n->status != STATUS_OK || value_type(n, value) == type)
        return value;
    if (value_is_text(n, value)) {
        rule_fail(n, STATUS_UNSUPPORTED, "strings where numbers are expected");
        return GRAPH_NONE;
    }
    stage_int(n, "to", type);
    return emit1(n, OP_CAST, value);
}

uint32_t reshape_to(struct import_node *n, uint32_t value, const int64_t *dims, size_t count)
{
    return emit2(n, OP_RESHAPE, value, constant_ints(n, dims, count));
}

uint32_t unsqueeze_at(struct import_node *n, uint32_t value, int64_t axis)
{
    return emit2(n, OP_UNSQUEEZE, value, constant_ints(n, &axis, 1));
}

uint32_t transpose_to(struct import_node *n, uint32_t value, const int64_t *perm, size_t rank)
{
    stage_ints(n, "perm", perm, rank);
    return emit1(n, OP_TRANSPOSE, value);
}

uint32_t join_along(struct import_node *n, uint32_t a, uint32_t b, int64_t axis)
{
    if (a == GRAPH_NONE)
        return b;
    stage_int(n, "axis", axis);
    return emit2(n, OP_CONCAT, a, b);
}

uint32_t slice_along(struct import_node *n, uint32_t value, int64_t axis, int64_t from, int64_t to)
{
    uint32_t in[4] = {value, constant_ints(n, &from, 1), constant_ints(n, &to, 1),
                      constant_ints(n, &axis, 1)};
    return emit_list(n, OP_SLICE, in, 4);
}

uint32_t take_along(struct import_node *n, uint32_t value, int64_t axis, int64_t index)
{
    uint32_t at = constant_int(n, index);
    stage_int(n, "axis", axis);
    return emit2(n, OP_GATHER, value, at);
}

uint32_t constant_zeros(struct import_node *n, enum element_type type, const int64_t *dims,
                        size_t rank)
{
    struct shape one = {1, {1}};
    if (n->status != STATUS_OK)
        return GRAPH_NONE; /* and `type` may be that of a value that is not there */
    struct tensor *value = tensor_new(n->importer->arena, type, &one);
    if (value == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    uint32_t shape = constant_ints(n, dims, rank);
    stage_tensor(n, "value", value);
    return emit1(n, OP_CONSTANT_OF_SHAPE, shape);
}

unsigned rank_of(struct import_node *n, uint32_t value)
{
    const struct shape *shape = value_shape(n, value);
    return shape == NULL ? 0 : shape->rank;
}

int64_t size_along(struct import_node *n, uint32_t value, unsigned axis)
{
    const struct shape *shape = value_shape(n, value);
    if (shape != NULL && axis >= shape->rank)
        rule_fail(n, STATUS_BAD_INPUT, "an operand has %u dimensions, more are expected",
                  shape->rank);
    return n->status == STATUS_OK && shape != NULL ? shape->dim[axis] : 0;
}

void need_divisor(struct import_node *n, int64_t size, int64_t parts, const char *what)
{
    if (n->status == STATUS_OK && (parts < 1 || size < 0 || size % parts != 0))
        rule_fail(n, STATUS_BAD_INPUT, "%lld %s do not divide %lld", (long long)parts, what,
                  (long long)size);
}
