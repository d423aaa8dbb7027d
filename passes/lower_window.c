/* Contractions axis by axis, operands through windows; see lower_window.h. */
#include "passes/lower_window.h"

#include <math.h>
#include <string.h>

void space_add_out(struct space *space, int64_t size, int64_t a, int64_t b)
{
    ASSERT(space->out_count < 2 * TENSOR_RANK_MAX);
    space->out[space->out_count++] = (struct space_axis){size, a, b};
}

void space_add_sum(struct space *space, int64_t size, int64_t a, int64_t b)
{
    ASSERT(space->sum_count < 2 * TENSOR_RANK_MAX);
    space->sum[space->sum_count++] = (struct space_axis){size, a, b};
}

/* Leaves out axes of one element and joins neighbours that both operands step through as one. */
static unsigned join_axes(struct space_axis *axis, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        struct space_axis *last = kept > 0 ? &axis[kept - 1] : NULL;
        if (axis[i].size == 1)
            continue;
        if (last != NULL && last->a == axis[i].a * axis[i].size &&
            last->b == axis[i].b * axis[i].size)
            *last = (struct space_axis){last->size * axis[i].size, axis[i].a, axis[i].b};
        else
            axis[kept++] = axis[i];
    }
    return kept;
}

static uint32_t contract_affine(struct lowering *l, struct space_operand a, struct space_operand b,
                                const struct space *space, struct form form)
{
    struct shape shape = {.rank = (uint8_t)(space->out_count + space->sum_count)};
    struct relation_view view[2] = {{.tensor = a.tensor, .offset = a.offset},
                                    {.tensor = b.tensor, .offset = b.offset}};
    for (unsigned d = 0; d < shape.rank; d++) {
        const struct space_axis *axis =
            d < space->out_count ? &space->out[d] : &space->sum[d - space->out_count];
        shape.dim[d] = axis->size;
        view[0].stride[d] = axis->a;
        view[1].stride[d] = axis->b;
        view[0].high[d] = view[1].high[d] = axis->size;
    }
    return lowering_contract(l, &shape, (uint8_t)space->sum_count, &view[0], &view[1], form);
}

/* One contraction for each index of the first output axis. */
static uint32_t contract_slices(struct lowering *l, struct space_operand a, struct space_operand b,
                                const struct space *space, struct form form)
{
    struct space rest = *space;
    struct space_axis first = space->out[0];
    int64_t width = 1;
    uint32_t *pieces = lowering_array(l, uint32_t, (size_t)first.size);
    rest.out_count--;
    memmove(rest.out, rest.out + 1, rest.out_count * sizeof *rest.out);
    for (unsigned d = 0; d < rest.out_count; d++)
        width *= rest.out[d].size;
    struct shape line = shape_of(1, width);
    for (int64_t i = 0; i < first.size; i++) {
        struct space_operand ai = {a.tensor, a.offset + i * first.a},
                             bi = {b.tensor, b.offset + i * first.b};
        pieces[i] = lowering_reshape(l, lowering_contract_space(l, ai, bi, &rest, form), &line);
    }
    return lowering_stack(l, pieces, first.size, width);
}

uint32_t lowering_contract_space(struct lowering *l, struct space_operand a, struct space_operand b,
                                 const struct space *space, struct form form)
{
    struct space joined = *space;
    joined.out_count = join_axes(joined.out, joined.out_count);
    joined.sum_count = join_axes(joined.sum, joined.sum_count);
    if (joined.out_count + joined.sum_count <= RELATION_RANK_MAX)
        return contract_affine(l, a, b, &joined, form);
    if (joined.out_count == 0)
        lowering_fail(l, STATUS_LIMIT, "a sum over %u axes", joined.sum_count);
    return contract_slices(l, a, b, &joined, form);
}

void lowering_strides(int64_t stride[TENSOR_RANK_MAX], const struct shape *shape)
{
    int64_t step = 1;
    for (unsigned d = shape->rank; d-- > 0;) {
        stride[d] = step;
        step *= shape->dim[d];
    }
}

uint32_t lowering_one(struct lowering *l)
{
    return lowering_constant_i64(l, 1);
}

/* Elements an axis needs: from the first one read to the last. */
static int64_t reach_of(const struct window_axis *axis)
{
    return (axis->out - 1) * axis->stride + (axis->kernel - 1) * axis->dilation + 1;
}

struct window_view lowering_window_view(struct lowering *l, uint32_t x, const struct window *window)
{
    struct shape shape = lowering_shape(l, x), padded = shape;
    struct window_view result = {.operand = {x, 0}};
    int64_t stride[TENSOR_RANK_MAX];
    bool is_inside = true;
    lowering_strides(stride, &shape);
    memcpy(result.stride, stride, sizeof stride);
    for (unsigned i = 0; i < window->rank; i++) {
        const struct window_axis *axis = &window->axis[i];
        is_inside &= axis->pad_begin <= 0 && reach_of(axis) - axis->pad_begin <= axis->in;
        result.operand.offset -= axis->pad_begin * stride[i + 2];
        padded.dim[i + 2] = reach_of(axis);
    }
    if (is_inside)
        return result;
    struct relation_view view = {.tensor = x, .offset = result.operand.offset};
    for (unsigned d = 0; d < shape.rank; d++) {
        view.stride[d] = stride[d];
        view.high[d] = padded.dim[d];
        if (d < 2)
            continue;
        const struct window_axis *axis = &window->axis[d - 2];
        view.low[d] = axis->pad_begin > 0 ? axis->pad_begin : 0;
        if (view.high[d] > axis->in + axis->pad_begin)
            view.high[d] = axis->in + axis->pad_begin;
    }
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    result.operand =
        (struct space_operand){lowering_moved(l, &padded, lowering_form(l, x), &term, 1), 0};
    lowering_strides(result.stride, &padded);
    return result;
}

void lowering_require(struct lowering *l, enum status status)
{
    if (status == STATUS_OK)
        return;
    l->status = diag_prefix(l->diag, status, "node %s (%s, opset %d)", l->node->name,
                            op_name(l->node->op), l->node->opset);
    longjmp(*l->escape, 1);
}

int32_t lowering_coefficient_bits(const struct lowering *l, double largest, double count)
{
    enum { LEAST = 12, MOST = 52, SPARE = 3 };
    double size = log2(fmin(fmax(largest, 1), 0x1p300) * fmax(count, 1));
    int32_t bits = lowering_output_fraction(l, 0) + (int32_t)ceil(size) + SPARE;
    return bits < LEAST ? LEAST : bits > MOST ? MOST : bits;
}
