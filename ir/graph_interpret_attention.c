/*
 * Attention-25, RotaryEmbedding-23, TensorScatter-24, DeformConv-22 and their shape rules. Scores,
 * softmax and the weighted sum of an attention are float64 throughout. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

#include <inttypes.h>
#include <string.h>

/* --- Attention: sizes
 * -------------------------------------------------------------------------------- */

/* One of Q, K, V as [batch, head, position, feature], stored so or as [batch, position, all heads].
 */
struct heads {
    size_t batch, count, length, width;
    bool packed; /* rank 3 */
};

static bool heads_read(const struct shape *shape, int64_t count, struct heads *heads)
{
    heads->batch = (size_t)shape->dim[0];
    heads->packed = shape->rank == 3;
    if (shape->rank == 4) {
        heads->count = (size_t)shape->dim[1];
        heads->length = (size_t)shape->dim[2];
        heads->width = (size_t)shape->dim[3];
        return true;
    }
    if (shape->rank != 3 || count < 1 || shape->dim[2] % count != 0)
        return false;
    heads->count = (size_t)count;
    heads->length = (size_t)shape->dim[1];
    heads->width = (size_t)(shape->dim[2] / count);
    return true;
}

static size_t heads_at(const struct heads *h, size_t batch, size_t head, size_t position)
{
    size_t row = h->packed ? (batch * h->length + position) * h->count + head
                           : (batch * h->count + head) * h->length + position;
    return row * h->width;
}

struct attention {
    struct heads q, k, v;
    size_t past, total; /* positions of K and V before this call, and after it */
};

/* A cache must be [batch, kv heads, past, width]. */
static bool past_fits(const struct shape *past, const struct heads *heads, size_t *length)
{
    *length = past != NULL && past->rank == 4 ? (size_t)past->dim[2] : 0;
    return past == NULL ||
           (past->rank == 4 && past->dim[0] == (int64_t)heads->batch &&
            past->dim[1] == (int64_t)heads->count && past->dim[3] == (int64_t)heads->width);
}

/* shape[i]: of operand i, NULL when absent. */
static enum status attention_read(struct diag *diag, const struct graph_node *node,
                                  const struct shape *const shape[7], struct attention *a)
{
    int64_t q_heads = graph_attribute_int(node, "q_num_heads", 0);
    int64_t kv_heads = graph_attribute_int(node, "kv_num_heads", 0);
    size_t past_v = 0;
    *a = (struct attention){0};
    bool fits = shape[0]->rank >= 3 && shape[1]->rank >= 3 && shape[2]->rank >= 3 &&
                heads_read(shape[0], q_heads, &a->q) && heads_read(shape[1], kv_heads, &a->k) &&
                heads_read(shape[2], kv_heads, &a->v);
    fits = fits && a->q.batch == a->k.batch && a->k.batch == a->v.batch &&
           a->q.width == a->k.width && a->k.count == a->v.count && a->k.length == a->v.length &&
           a->k.count > 0 && a->q.count % a->k.count == 0 && a->q.width > 0;
    fits = fits && past_fits(shape[4], &a->k, &a->past) && past_fits(shape[5], &a->v, &past_v) &&
           a->past == past_v;
    a->total = a->past + a->k.length;
    if (fits && shape[3] != NULL) {
        struct shape full = {
            4, {(int64_t)a->q.batch, (int64_t)a->q.count, (int64_t)a->q.length, (int64_t)a->total}};
        struct shape mask = *shape[3], joined;
        fits = mask.rank >= 1 && mask.rank <= 4 && mask.dim[mask.rank - 1] <= full.dim[3];
        if (fits && mask.dim[mask.rank - 1] > 1)
            mask.dim[mask.rank - 1] = full.dim[3]; /* a shorter mask is padded */
        fits = fits && shape_broadcast(&joined, &full, &mask) && shape_equal(&joined, &full);
    }
    if (fits && shape[6] != NULL)
        fits = shape[6]->rank == 1 && shape[6]->dim[0] == (int64_t)a->q.batch;
    if (!fits)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "queries, keys, values, caches and mask do not fit");
    return STATUS_OK;
}

enum status infer_attention(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1, 2, 4, 5}, 5);
    if (status != STATUS_OK)
        return status;
    const struct shape *shape[7] = {NULL};
    bool known = true;
    for (size_t i = 0; i < call->out_count; i++)
        infer_result(call, i, call->in[i == 2 ? 2 : i == 1 ? 1 : 0]->type, NULL);
    for (size_t i = 0; i < 7; i++) {
        const struct value_info *in = infer_in(call, i);
        known = known && (in == NULL || in->shape_known);
        shape[i] = in != NULL ? &in->shape : NULL;
    }
    const struct value_info *mask = infer_in(call, 3), *lengths = infer_in(call, 6);
    if ((mask != NULL && mask->type != ELEMENT_BOOL && !element_type_is_float(mask->type)) ||
        (lengths != NULL && !element_type_is_integer(lengths->type)))
        return infer_fail(call, STATUS_BAD_INPUT, "the mask or the lengths are of a wrong type");
    if (!known)
        return STATUS_OK;
    struct attention a;
    status = attention_read(call->diag, call->node, shape, &a);
    if (status != STATUS_OK)
        return status;
    int64_t b = (int64_t)a.q.batch, h = (int64_t)a.q.count, n = (int64_t)a.q.length;
    int64_t kv = (int64_t)a.k.count, t = (int64_t)a.total, w = (int64_t)a.v.width;
    struct shape y = {4, {b, h, n, w}}, packed = {3, {b, n, h * w}};
    struct shape keys = {4, {b, kv, t, (int64_t)a.k.width}}, values = {4, {b, kv, t, w}};
    struct shape scores = {4, {b, h, n, t}};
    infer_result(call, 0, call->in[0]->type, a.q.packed ? &packed : &y);
    infer_result(call, 1, call->in[1]->type, &keys);
    infer_result(call, 2, call->in[2]->type, &values);
    infer_result(call, 3, call->in[0]->type, &scores);
    return STATUS_OK;
}

/* --- Attention: the run
 * -------------------------------------------------------------------------------- */

/* past and now joined along the positions: [batch, head, total, width]. */
static double *joined_cache(struct kernel_call *call, const struct tensor *past,
                            const struct tensor *now, const struct heads *heads, size_t past_length)
{
    size_t total = past_length + heads->length, rows = heads->batch * heads->count;
    double *cache =
        kernel_alloc(call->arena, rows * total * heads->width, sizeof *cache, call->diag);
    for (size_t row = 0; cache != NULL && row < rows; row++)
        for (size_t t = 0; t < total; t++) {
            const double *from =
                t < past_length ? past->data.real + (row * past_length + t) * heads->width
                                : now->data.real + heads_at(heads, row / heads->count,
                                                            row % heads->count, t - past_length);
            memcpy(cache + (row * total + t) * heads->width, from, heads->width * sizeof *cache);
        }
    return cache;
}

/* What is added to the score of query i and key t: 0, the mask's entry, or minus infinity. */
struct bias {
    const struct tensor *mask;
    int64_t stride[4]; /* of batch, head, query, key; 0 where the mask broadcasts */
    int64_t width;     /* keys that the mask speaks of; those after them are masked */
    const struct tensor *lengths;
    bool causal;
    int64_t left, right; /* keys before and after the query's own that count; -1: all */
    int64_t past, queries;
};

static void bias_begin(struct kernel_call *call, const struct attention *a, struct bias *bias)
{
    *bias = (struct bias){.mask = kernel_in(call, 3),
                          .lengths = kernel_in(call, 6),
                          .causal = graph_attribute_int(call->node, "is_causal", 0) != 0,
                          .left = graph_attribute_int(call->node, "left_window_size", -1),
                          .right = graph_attribute_int(call->node, "right_window_size", -1),
                          .past = kernel_in(call, 4) != NULL ? (int64_t)a->past : -1,
                          .queries = (int64_t)a->q.length,
                          .width = (int64_t)a->total};
    if (bias->mask == NULL)
        return;
    const struct shape *shape = &bias->mask->shape;
    int64_t own[TENSOR_RANK_MAX];
    shape_strides(own, shape);
    for (unsigned i = 0; i < shape->rank; i++)
        bias->stride[4 - shape->rank + i] = shape->dim[i] == 1 ? 0 : own[i];
    if (shape->dim[shape->rank - 1] > 1)
        bias->width = shape->dim[shape->rank - 1];
}

/* A length that nothing added to it overflows; none is as large. */
static int64_t kept_length(int64_t length)
{
    const int64_t most = INT64_C(1) << 60;
    return length < -most ? -most : length > most ? most : length;
}

/* Position of a query among the keys: after those of the past; with a cache that is kept outside,
 * at the end of those that count. */
static int64_t query_position(const struct bias *bias, size_t batch, size_t i)
{
    int64_t offset = 0;
    if (bias->past >= 0)
        offset = bias->past;
    else if (bias->lengths != NULL)
        offset = kept_length(bias->lengths->data.integer[batch]) - bias->queries;
    return offset + (int64_t)i;
}

static double bias_at(const struct bias *bias, size_t batch, size_t head, size_t i, size_t t)
{
    double sum = 0.0;
    int64_t ahead = (int64_t)t - query_position(bias, batch, i);
    if ((bias->causal && ahead > 0) || (bias->right >= 0 && ahead > bias->right) ||
        (bias->left >= 0 && -ahead > bias->left))
        return -INFINITY;
    if (bias->lengths != NULL && (int64_t)t >= bias->lengths->data.integer[batch])
        return -INFINITY;
    if (bias->mask == NULL)
        return 0.0;
    if ((int64_t)t >= bias->width)
        return -INFINITY;
    int64_t at = (int64_t)batch * bias->stride[0] + (int64_t)head * bias->stride[1] +
                 (int64_t)i * bias->stride[2] + (int64_t)t * bias->stride[3];
    if (bias->mask->type == ELEMENT_BOOL)
        sum = bias->mask->data.integer[at] != 0 ? 0.0 : -INFINITY;
    else
        sum = bias->mask->data.real[at];
    return sum;
}

/* A row of nothing but minus infinity becomes zeros. */
static void softmax_row(double *row, size_t count)
{
    double top = -INFINITY, sum = 0.0;
    for (size_t t = 0; t < count; t++)
        top = isnan(row[t]) || row[t] > top ? row[t] : top;
    if (top == -INFINITY) {
        memset(row, 0, count * sizeof *row);
        return;
    }
    for (size_t t = 0; t < count; t++) {
        row[t] = rounded_exp(row[t] - top);
        sum += row[t];
    }
    for (size_t t = 0; t < count; t++)
        row[t] /= sum;
}

/* Which stage of the scores output 3 shows: 0 product, 1 softcap, 2 bias, 3 softmax. */
static void show_scores(struct kernel_call *call, size_t at, const double *row, size_t count,
                        int64_t stage)
{
    if (call->out_count < 4 || call->out[3] == NULL ||
        graph_attribute_int(call->node, "qk_matmul_output_mode", 0) != stage)
        return;
    for (size_t t = 0; t < count; t++)
        tensor_set_real(call->out[3], at + t, row[t]);
}

/* The probabilities of one query over all keys. */
static void score_row(struct kernel_call *call, const struct attention *a, const struct bias *bias,
                      const double *q, const double *keys, size_t batch, size_t head, size_t i,
                      double *row)
{
    double scale = graph_attribute_float(call->node, "scale", 1.0 / sqrt((double)a->q.width));
    double cap = graph_attribute_float(call->node, "softcap", 0.0);
    size_t at = ((batch * a->q.count + head) * a->q.length + i) * a->total;
    for (size_t t = 0; t < a->total; t++) {
        double sum = 0.0;
        for (size_t d = 0; d < a->q.width; d++)
            sum += q[d] * keys[t * a->q.width + d];
        row[t] = sum * scale;
    }
    show_scores(call, at, row, a->total, 0);
    for (size_t t = 0; cap > 0.0 && t < a->total; t++)
        row[t] = cap * rounded_tanh(row[t] / cap);
    show_scores(call, at, row, a->total, 1);
    for (size_t t = 0; t < a->total; t++)
        row[t] += bias_at(bias, batch, head, i, t);
    show_scores(call, at, row, a->total, 2);
    softmax_row(row, a->total);
    show_scores(call, at, row, a->total, 3);
}

static void set_all(struct tensor *out, const double *values)
{
    for (size_t i = 0; out != NULL && i < out->count; i++)
        tensor_set_real(out, i, values[i]);
}

enum status run_attention(struct kernel_call *call)
{
    const struct shape *shape[7] = {NULL};
    struct attention a;
    struct bias bias;
    for (size_t i = 0; i < 7; i++)
        shape[i] = kernel_in(call, i) != NULL ? &call->in[i]->shape : NULL;
    enum status status = attention_read(call->diag, call->node, shape, &a);
    if (status != STATUS_OK)
        return status;
    double *keys = joined_cache(call, kernel_in(call, 4), call->in[1], &a.k, a.past);
    double *values = joined_cache(call, kernel_in(call, 5), call->in[2], &a.v, a.past);
    double *row = kernel_alloc(call->arena, a.total, sizeof *row, call->diag);
    if (keys == NULL || values == NULL || row == NULL)
        return STATUS_NO_MEMORY;
    set_all(call->out_count > 1 ? call->out[1] : NULL, keys);
    set_all(call->out_count > 2 ? call->out[2] : NULL, values);
    bias_begin(call, &a, &bias);
    struct heads y = a.q;
    y.width = a.v.width;
    size_t group = a.q.count / a.k.count;
    for (size_t b = 0; b < a.q.batch; b++)
        for (size_t h = 0; h < a.q.count; h++)
            for (size_t i = 0; i < a.q.length; i++) {
                size_t first = (b * a.k.count + h / group) * a.total;
                score_row(call, &a, &bias, call->in[0]->data.real + heads_at(&a.q, b, h, i),
                          keys + first * a.k.width, b, h, i, row);
                for (size_t d = 0; d < a.v.width; d++) {
                    double sum = 0.0;
                    for (size_t t = 0; t < a.total; t++)
                        sum += row[t] * values[(first + t) * a.v.width + d];
                    tensor_set_real(call->out[0], heads_at(&y, b, h, i) + d, sum);
                }
            }
    return STATUS_OK;
}

/* --- RotaryEmbedding
 * --------------------------------------------------------------------------------------- */

/* Operands 0 to 2 as shapes, positions as a shape or NULL. */
static enum status rotary_read(struct diag *diag, const struct graph_node *node,
                               const struct shape *x, const struct shape *cache,
                               const struct shape *sine, const struct shape *positions,
                               struct heads *heads, size_t *rotated)
{
    int64_t given = graph_attribute_int(node, "rotary_embedding_dim", 0);
    bool fits = x->rank >= 3 && heads_read(x, graph_attribute_int(node, "num_heads", 0), heads);
    *rotated = fits ? (given > 0 ? (size_t)given : heads->width) : 0;
    fits = fits && *rotated <= heads->width && *rotated % 2 == 0 && shape_equal(cache, sine) &&
           cache->rank == (positions != NULL ? 2 : 3) &&
           cache->dim[cache->rank - 1] == (int64_t)*rotated / 2;
    if (fits && positions != NULL)
        fits = positions->rank == 2 && positions->dim[0] == x->dim[0] &&
               positions->dim[1] == (int64_t)heads->length;
    else if (fits)
        fits = cache->dim[0] == x->dim[0] && cache->dim[1] == (int64_t)heads->length;
    if (!fits)
        return diag_set(diag, STATUS_BAD_INPUT, "the caches do not fit the operand");
    return STATUS_OK;
}

enum status infer_rotary_embedding(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1, 2}, 3);
    if (status == STATUS_OK)
        status = infer_same(call);
    const struct value_info *positions = infer_in(call, 3);
    if (status != STATUS_OK || !call->in[0]->shape_known || !call->in[1]->shape_known ||
        !call->in[2]->shape_known || (positions != NULL && !positions->shape_known))
        return status;
    if (positions != NULL && !element_type_is_integer(positions->type))
        return infer_fail(call, STATUS_BAD_INPUT, "positions must be integers");
    struct heads heads;
    size_t rotated;
    return rotary_read(call->diag, call->node, &call->in[0]->shape, &call->in[1]->shape,
                       &call->in[2]->shape, positions != NULL ? &positions->shape : NULL, &heads,
                       &rotated);
}

enum status run_rotary_embedding(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *positions = kernel_in(call, 3);
    struct heads heads;
    size_t rotated;
    enum status status =
        rotary_read(call->diag, call->node, &x->shape, &call->in[1]->shape, &call->in[2]->shape,
                    positions != NULL ? &positions->shape : NULL, &heads, &rotated);
    if (status != STATUS_OK)
        return status;
    bool interleaved = graph_attribute_int(call->node, "interleaved", 0) != 0;
    size_t half = rotated / 2;
    for (size_t i = 0; i < x->count; i++)
        tensor_set_real(call->out[0], i, x->data.real[i]);
    for (size_t b = 0; b < heads.batch; b++)
        for (size_t t = 0; t < heads.length; t++) {
            size_t row = b * heads.length + t;
            if (positions != NULL) {
                int64_t p = positions->data.integer[row];
                if (p < 0 || p >= call->in[1]->shape.dim[0])
                    return kernel_fail(call, STATUS_BAD_INPUT, "position %" PRId64 " is outside",
                                       p);
                row = (size_t)p;
            }
            for (size_t h = 0; h < heads.count; h++)
                for (size_t k = 0; k < half; k++) {
                    size_t at = heads_at(&heads, b, h, t);
                    size_t first = at + (interleaved ? 2 * k : k);
                    size_t second = at + (interleaved ? 2 * k + 1 : k + half);
                    double c = call->in[1]->data.real[row * half + k];
                    double s = call->in[2]->data.real[row * half + k];
                    double u = x->data.real[first], v = x->data.real[second];
                    tensor_set_real(call->out[0], first, c * u - s * v);
                    tensor_set_real(call->out[0], second, s * u + c * v);
                }
        }
    return STATUS_OK;
}

/* --- TensorScatter
 * ------------------------------------------------------------------------------------------ */

enum status infer_tensor_scatter(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, 2);
    if (status == STATUS_OK)
        status = infer_same(call);
    const struct value_info *start = infer_in(call, 2);
    if (status != STATUS_OK || !call->in[0]->shape_known || !call->in[1]->shape_known ||
        (start != NULL && !start->shape_known))
        return status;
    const struct shape *cache = &call->in[0]->shape, *update = &call->in[1]->shape;
    unsigned axis;
    status = infer_axis(call, "axis", -2, cache, &axis);
    if (status != STATUS_OK)
        return status;
    bool fits = axis > 0 && update->rank == cache->rank;
    for (unsigned i = 0; fits && i < cache->rank; i++)
        fits = i == axis ? update->dim[i] <= cache->dim[i] : update->dim[i] == cache->dim[i];
    if (fits && start != NULL)
        fits = element_type_is_integer(start->type) && start->shape.rank == 1 &&
               start->shape.dim[0] == cache->dim[0];
    if (!fits)
        return infer_fail(call, STATUS_BAD_INPUT, "the update does not fit the cache");
    return STATUS_OK;
}

enum status run_tensor_scatter(struct kernel_call *call)
{
    const struct tensor *cache = call->in[0], *update = call->in[1], *start = kernel_in(call, 2);
    bool circular = strcmp(graph_attribute_text(call->node, "mode", "linear"), "circular") == 0;
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", -2),
                                        cache->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    struct axis_view to = axis_view_of(&cache->shape, axis);
    struct axis_view from = axis_view_of(&update->shape, axis);
    size_t per_batch = cache->shape.dim[0] > 0 ? to.outer / (size_t)cache->shape.dim[0] : 1;
    memcpy(call->out[0]->data.integer, cache->data.integer, cache->count * sizeof(int64_t));
    for (size_t outer = 0; outer < to.outer; outer++) {
        int64_t first = start != NULL ? start->data.integer[outer / per_batch] : 0;
        for (size_t k = 0; k < from.length; k++) {
            size_t row = (size_t)first + k;
            if (first < 0 || first > INT32_MAX || (!circular && row >= to.length))
                return kernel_fail(call, STATUS_BAD_INPUT, "write index %" PRId64 " is outside",
                                   first);
            memcpy(call->out[0]->data.integer + (outer * to.length + row % to.length) * to.inner,
                   update->data.integer + (outer * from.length + k) * from.inner,
                   to.inner * sizeof(int64_t));
        }
    }
    return STATUS_OK;
}

/* --- DeformConv: two spatial axes
 * ------------------------------------------------------------------------------ */

struct deform {
    struct window window;
    size_t group, offset_group, channels, outputs;
};

/* shape[0..4]: X, W, offset, B, mask; the last two may be NULL. */
static enum status deform_read(struct diag *diag, const struct graph_node *node,
                               const struct shape *const shape[5], struct deform *d)
{
    const struct shape *x = shape[0], *w = shape[1], *offset = shape[2];
    if (x->rank != 4)
        return diag_set(diag, STATUS_UNSUPPORTED, "DeformConv of other than two spatial axes");
    enum status status = window_read(diag, node, x, w, &d->window);
    if (status != STATUS_OK)
        return status;
    int64_t group = graph_attribute_int(node, "group", 1);
    int64_t offsets = graph_attribute_int(node, "offset_group", 1);
    const struct window_axis *axis = d->window.axis;
    bool fits = group > 0 && offsets > 0 && offset->rank == 4 && w->dim[0] % group == 0 &&
                x->dim[1] % group == 0 && x->dim[1] / group == w->dim[1] &&
                x->dim[1] % offsets == 0 && axis[0].kernel == w->dim[2] &&
                axis[1].kernel == w->dim[3] && offset->dim[0] == x->dim[0] &&
                offset->dim[1] % 2 == 0 && offset->dim[1] / 2 % offsets == 0 &&
                offset->dim[1] / 2 / offsets == axis[0].kernel * axis[1].kernel &&
                offset->dim[2] == axis[0].out && offset->dim[3] == axis[1].out;
    if (fits && shape[3] != NULL)
        fits = shape[3]->rank == 1 && shape[3]->dim[0] == w->dim[0];
    if (fits && shape[4] != NULL)
        fits = shape[4]->rank == 4 && shape[4]->dim[0] == x->dim[0] &&
               shape[4]->dim[1] == offset->dim[1] / 2 && shape[4]->dim[2] == axis[0].out &&
               shape[4]->dim[3] == axis[1].out;
    if (!fits)
        return diag_set(diag, STATUS_BAD_INPUT, "weights, offsets and mask do not fit the operand");
    d->group = (size_t)group;
    d->offset_group = (size_t)offsets;
    d->channels = (size_t)x->dim[1];
    d->outputs = (size_t)w->dim[0];
    return STATUS_OK;
}

enum status infer_deform_conv(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1, 2, 3, 4}, 5);
    if (status != STATUS_OK)
        return status;
    const struct shape *shape[5] = {NULL};
    infer_result(call, 0, call->in[0]->type, NULL);
    for (size_t i = 0; i < 5; i++) {
        const struct value_info *in = infer_in(call, i);
        if (in != NULL && !in->shape_known)
            return STATUS_OK;
        shape[i] = in != NULL ? &in->shape : NULL;
    }
    struct deform d;
    status = deform_read(call->diag, call->node, shape, &d);
    if (status != STATUS_OK)
        return status;
    struct shape out = {
        4, {shape[0]->dim[0], shape[1]->dim[0], d.window.axis[0].out, d.window.axis[1].out}};
    infer_result(call, 0, call->in[0]->type, &out);
    return STATUS_OK;
}

/* Bilinear value of a plane at (y, x); what lies outside reads as zero. */
static double bilinear(const double *plane, double y, double x, int64_t height, int64_t width)
{
    if (!(y > -1.0 && y < (double)height && x > -1.0 && x < (double)width))
        return 0.0;
    int64_t top = (int64_t)floor(y), left = (int64_t)floor(x);
    double down = y - (double)top, across = x - (double)left, sum = 0.0;
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 2; j++) {
            int64_t row = top + i, column = left + j;
            double weight = (i != 0 ? down : 1.0 - down) * (j != 0 ? across : 1.0 - across);
            if (row >= 0 && row < height && column >= 0 && column < width)
                sum += weight * plane[row * width + column];
        }
    return sum;
}

/* Sum of one output element over the channels of its group and the kernel positions. */
static double deform_element(struct kernel_call *call, const struct deform *d, size_t n, size_t m,
                             int64_t oy, int64_t ox)
{
    const struct tensor *x = call->in[0], *w = call->in[1], *mask = kernel_in(call, 4);
    const struct window_axis *ay = &d->window.axis[0], *ax = &d->window.axis[1];
    size_t per_group = d->channels / d->group, kernel_size = (size_t)(ay->kernel * ax->kernel);
    size_t first = m / (d->outputs / d->group) * per_group;
    size_t plane = (size_t)(ay->in * ax->in), out_plane = (size_t)(ay->out * ax->out);
    size_t at = (size_t)(oy * ax->out + ox);
    double sum = 0.0;
    for (size_t c = first; c < first + per_group; c++) {
        size_t og = c / (d->channels / d->offset_group);
        for (size_t k = 0; k < kernel_size; k++) {
            int64_t ky = (int64_t)k / ax->kernel, kx = (int64_t)k % ax->kernel;
            size_t slot = (n * d->offset_group + og) * kernel_size + k;
            const double *shift = call->in[2]->data.real + 2 * slot * out_plane + at;
            double y = (double)(oy * ay->stride + ky * ay->dilation - ay->pad_begin) + shift[0];
            double z =
                (double)(ox * ax->stride + kx * ax->dilation - ax->pad_begin) + shift[out_plane];
            double value =
                bilinear(x->data.real + (n * d->channels + c) * plane, y, z, ay->in, ax->in);
            if (mask != NULL)
                value *= mask->data.real[slot * out_plane + at];
            sum += value * w->data.real[(m * per_group + c - first) * kernel_size + k];
        }
    }
    return sum;
}

enum status run_deform_conv(struct kernel_call *call)
{
    const struct shape *shape[5] = {NULL};
    const struct tensor *bias = kernel_in(call, 3);
    struct deform d;
    for (size_t i = 0; i < 5; i++)
        shape[i] = kernel_in(call, i) != NULL ? &call->in[i]->shape : NULL;
    enum status status = deform_read(call->diag, call->node, shape, &d);
    if (status != STATUS_OK)
        return status;
    size_t at = 0;
    for (size_t n = 0; n < (size_t)shape[0]->dim[0]; n++)
        for (size_t m = 0; m < d.outputs; m++)
            for (int64_t y = 0; y < d.window.axis[0].out; y++)
                for (int64_t x = 0; x < d.window.axis[1].out; x++)
                    tensor_set_real(call->out[0], at++,
                                    deform_element(call, &d, n, m, y, x) +
                                        (bias != NULL ? bias->data.real[m] : 0.0));
    return STATUS_OK;
}
