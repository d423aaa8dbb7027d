/* Pools (AveragePool-22, MaxPool-22, LpPool-22, Global*-22). See graph_interpret.h. */
#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

/* One window at one output position: visits its input offsets in row-major order. */
struct pool_window {
    const struct window *window;
    const int64_t *at; /* output index */
    int64_t k[TENSOR_RANK_MAX];
    size_t left; /* kernel positions still to visit */
};

static size_t kernel_positions(const struct window *window)
{
    size_t count = 1;
    for (unsigned i = 0; i < window->rank; i++)
        count *= (size_t)window->axis[i].kernel;
    return count;
}

enum position { POSITION_INSIDE, POSITION_PADDING, POSITION_BEYOND };

/* Where the current kernel position falls; *offset into the input plane when inside. Then moves on.
 */
static enum position pool_next(struct pool_window *pool, int64_t *offset)
{
    enum position position = POSITION_INSIDE;
    *offset = 0;
    for (unsigned i = 0; i < pool->window->rank; i++) {
        const struct window_axis *axis = &pool->window->axis[i];
        int64_t from = pool->at[i] * axis->stride + pool->k[i] * axis->dilation - axis->pad_begin;
        *offset = *offset * axis->in + from;
        if (from >= axis->in + axis->pad_end)
            position = POSITION_BEYOND;
        else if ((from < 0 || from >= axis->in) && position == POSITION_INSIDE)
            position = POSITION_PADDING;
    }
    for (unsigned i = pool->window->rank; i-- > 0;) {
        if (++pool->k[i] < pool->window->axis[i].kernel)
            break;
        pool->k[i] = 0;
    }
    pool->left--;
    return position;
}

static void advance(int64_t *at, const struct window *window)
{
    for (unsigned i = window->rank; i-- > 0;) {
        if (++at[i] < window->axis[i].out)
            return;
        at[i] = 0;
    }
}

static size_t plane_of(const struct window *window, bool out)
{
    size_t size = 1;
    for (unsigned i = 0; i < window->rank; i++)
        size *= (size_t)(out ? window->axis[i].out : window->axis[i].in);
    return size;
}

/* The value of one window for AveragePool and LpPool. */
static double pool_real(struct kernel_call *call, const double *x, struct pool_window *pool)
{
    bool lp = call->node->op == OP_LP_POOL;
    bool with_pads = graph_attribute_int(call->node, "count_include_pad", 0) != 0;
    double p = (double)graph_attribute_int(call->node, "p", 2), sum = 0.0;
    size_t counted = 0;
    while (pool->left > 0) {
        int64_t offset;
        enum position position = pool_next(pool, &offset);
        if (position == POSITION_INSIDE)
            sum += lp ? rounded_pow(fabs(x[offset]), p) : x[offset];
        counted +=
            position == POSITION_INSIDE || (position == POSITION_PADDING && with_pads) ? 1 : 0;
    }
    if (lp)
        return p == 2.0 ? sqrt(sum) : rounded_pow(sum, 1.0 / p);
    return sum / (double)counted;
}

enum status run_pool(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct window window;
    enum status status = window_read(call->diag, call->node, &x->shape, NULL, &window);
    if (status != STATUS_OK)
        return status;
    size_t planes = (size_t)x->shape.dim[0] * (size_t)x->shape.dim[1];
    size_t in_size = plane_of(&window, false), out_size = plane_of(&window, true);
    for (size_t plane = 0; plane < planes; plane++) {
        int64_t at[TENSOR_RANK_MAX] = {0};
        for (size_t i = 0; i < out_size; i++, advance(at, &window)) {
            struct pool_window pool = {
                .window = &window, .at = at, .left = kernel_positions(&window)};
            tensor_set_real(call->out[0], plane * out_size + i,
                            pool_real(call, x->data.real + plane * in_size, &pool));
        }
    }
    return STATUS_OK;
}

/* The offset in a plane with its axes in reverse order (storage_order = 1). */
static int64_t column_major(int64_t offset, const struct window *window)
{
    int64_t index[TENSOR_RANK_MAX], result = 0;
    for (unsigned i = window->rank; i-- > 0;) {
        index[i] = offset % window->axis[i].in;
        offset /= window->axis[i].in;
    }
    for (unsigned i = window->rank; i-- > 0;)
        result = result * window->axis[i].in + index[i];
    return result;
}

enum status run_max_pool(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct tensor *indices = call->out_count > 1 ? call->out[1] : NULL;
    bool by_column = graph_attribute_int(call->node, "storage_order", 0) != 0;
    struct window window;
    enum status status = window_read(call->diag, call->node, &x->shape, NULL, &window);
    if (status != STATUS_OK)
        return status;
    size_t planes = (size_t)x->shape.dim[0] * (size_t)x->shape.dim[1];
    size_t in_size = plane_of(&window, false), out_size = plane_of(&window, true);
    for (size_t plane = 0; plane < planes; plane++) {
        int64_t at[TENSOR_RANK_MAX] = {0};
        for (size_t i = 0; i < out_size; i++, advance(at, &window)) {
            struct pool_window pool = {
                .window = &window, .at = at, .left = kernel_positions(&window)};
            int64_t best = -1, offset;
            while (pool.left > 0) {
                if (pool_next(&pool, &offset) != POSITION_INSIDE)
                    continue;
                size_t candidate = plane * in_size + (size_t)offset;
                if (best < 0 ||
                    tensor_real(x, candidate) > tensor_real(x, plane * in_size + (size_t)best))
                    best = offset;
            }
            if (best < 0)
                return kernel_fail(call, STATUS_BAD_INPUT, "a window lies in the padding");
            if (call->out[0] != NULL)
                tensor_copy_element(call->out[0], plane * out_size + i, x,
                                    plane * in_size + (size_t)best);
            if (indices != NULL)
                indices->data.integer[plane * out_size + i] =
                    (int64_t)(plane * in_size) + (by_column ? column_major(best, &window) : best);
        }
    }
    return STATUS_OK;
}

enum status run_global_pool(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    enum op_kind op = call->node->op;
    double p = (double)graph_attribute_int(call->node, "p", 2);
    size_t planes = call->out[0]->count, size = planes > 0 ? x->count / planes : 0;
    for (size_t plane = 0; plane < planes; plane++) {
        const double *from = x->data.real + plane * size;
        double result = op == OP_GLOBAL_MAX_POOL ? -INFINITY : 0.0;
        for (size_t i = 0; i < size; i++) {
            if (op == OP_GLOBAL_MAX_POOL)
                result = isnan(result) || result > from[i] ? result : from[i];
            else
                result += op == OP_GLOBAL_LP_POOL ? rounded_pow(fabs(from[i]), p) : from[i];
        }
        if (op == OP_GLOBAL_AVERAGE_POOL)
            result /= (double)size;
        else if (op == OP_GLOBAL_LP_POOL)
            result = rounded_pow(result, 1.0 / p);
        tensor_set_real(call->out[0], plane, result);
    }
    return STATUS_OK;
}
