/*
 * Normalisation and losses: mean and variance are sums in index order in float64; each result
 * element is rounded once. With their shape rules. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

#include <inttypes.h>
#include <string.h>

/* Mean and inverse standard deviation of `count` elements `step` apart. */
static void moments(const double *x, size_t count, double epsilon, double *mean, double *inverse)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *inverse = 1.0 / sqrt(squares / (double)count + epsilon);
}

static double epsilon_of(const struct graph_node *node)
{
    return graph_attribute_float(node, "epsilon", (double)1e-5f);
}

/* --- BatchNormalization, InstanceNormalization, GroupNormalization
 * ------------------------------------- */

/* Operands 1 .. count - 1 hold one element a channel (axis 1). */
static enum status need_channels(struct infer_call *call, size_t count)
{
    enum status status = infer_need(call, count);
    if (status == STATUS_OK)
        status = infer_same_float(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    if (call->in[0]->shape.rank < 1)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand is a scalar");
    int64_t channels = call->in[0]->shape.rank > 1 ? call->in[0]->shape.dim[1] : 1;
    for (size_t i = 1; i < count; i++) {
        const struct shape *shape = &call->in[i]->shape;
        if (call->in[i]->shape_known && (shape->rank != 1 || shape->dim[0] != channels))
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu must have %" PRId64 " elements",
                              i, channels);
    }
    return STATUS_OK;
}

enum status infer_batch_normalization(struct infer_call *call)
{
    return need_channels(call, 5);
}

enum status infer_instance_normalization(struct infer_call *call)
{
    return need_channels(call, 3);
}

static size_t channels_of(const struct shape *shape)
{
    return shape->rank > 1 ? (size_t)shape->dim[1] : 1;
}

enum status run_batch_normalization(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    size_t channels = channels_of(&x->shape), inner = 1;
    for (unsigned i = 2; i < x->shape.rank; i++)
        inner *= (size_t)x->shape.dim[i];
    double epsilon = epsilon_of(call->node);
    for (size_t i = 0; i < x->count; i++) {
        size_t c = i / inner % channels;
        double deviation = sqrt(call->in[4]->data.real[c] + epsilon);
        double unit = (x->data.real[i] - call->in[3]->data.real[c]) / deviation;
        tensor_set_real(call->out[0], i,
                        unit * call->in[1]->data.real[c] + call->in[2]->data.real[c]);
    }
    return STATUS_OK;
}

/* Normalises runs of `run` elements; scale and bias are one a channel of `plane` elements. */
static void normalize_runs(struct kernel_call *call, size_t run, size_t plane, size_t channels)
{
    const struct tensor *x = call->in[0];
    for (size_t first = 0; run > 0 && first < x->count; first += run) {
        double mean, inverse;
        moments(x->data.real + first, run, epsilon_of(call->node), &mean, &inverse);
        for (size_t i = first; i < first + run; i++) {
            size_t c = i / plane % channels;
            double unit = (x->data.real[i] - mean) * inverse;
            tensor_set_real(call->out[0], i,
                            unit * call->in[1]->data.real[c] + call->in[2]->data.real[c]);
        }
    }
}

enum status run_instance_normalization(struct kernel_call *call)
{
    const struct shape *shape = &call->in[0]->shape;
    size_t channels = channels_of(shape), plane = 1;
    for (unsigned i = 2; i < shape->rank; i++)
        plane *= (size_t)shape->dim[i];
    normalize_runs(call, plane, plane, channels);
    return STATUS_OK;
}

enum status infer_group_normalization(struct infer_call *call)
{
    enum status status = need_channels(call, 3);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    int64_t groups = graph_attribute_int(call->node, "num_groups", 0);
    if (call->in[0]->shape.rank < 2 || groups < 1 || call->in[0]->shape.dim[1] % groups != 0)
        return infer_fail(call, STATUS_BAD_INPUT, "%" PRId64 " groups do not divide the channels",
                          groups);
    return STATUS_OK;
}

enum status run_group_normalization(struct kernel_call *call)
{
    const struct shape *shape = &call->in[0]->shape;
    size_t channels = channels_of(shape), plane = 1;
    size_t groups = (size_t)graph_attribute_int(call->node, "num_groups", 1);
    for (unsigned i = 2; i < shape->rank; i++)
        plane *= (size_t)shape->dim[i];
    normalize_runs(call, channels / groups * plane, plane, channels);
    return STATUS_OK;
}

/* --- LayerNormalization, RMSNormalization
 * ----------------------------------------------------------------- */

/* Outputs 1 and 2 are one element for each run of the axes from `axis` on. */
enum status infer_layer_normalization(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_float(call);
    for (size_t i = 1; i < call->out_count; i++)
        infer_result(call, i, ELEMENT_F32, NULL);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    struct shape shape = call->in[0]->shape;
    unsigned axis;
    status = infer_axis(call, "axis", -1, &shape, &axis);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 1; i < call->in_count; i++) {
        struct shape joined;
        if (call->in[i] != NULL && call->in[i]->shape_known &&
            (!shape_broadcast(&joined, &shape, &call->in[i]->shape) ||
             !shape_equal(&joined, &shape)))
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu does not broadcast to the first",
                              i);
    }
    enum element_type stash;
    status = infer_type_attribute(call, "stash_type", ELEMENT_F32, &stash);
    if (status == STATUS_OK && !element_type_is_float(stash))
        status = infer_fail(call, STATUS_BAD_INPUT, "stash_type must be a float type");
    if (status != STATUS_OK)
        return status;
    for (unsigned i = axis; i < shape.rank; i++)
        shape.dim[i] = 1;
    for (size_t i = 1; i < call->out_count; i++)
        infer_result(call, i, stash, &shape);
    return STATUS_OK;
}

enum status run_layer_normalization(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *scale = call->in[1], *bias = kernel_in(call, 2);
    bool rms = call->node->op == OP_RMS_NORMALIZATION;
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", -1),
                                        x->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    size_t run = 1;
    for (unsigned i = axis; i < x->shape.rank; i++)
        run *= (size_t)x->shape.dim[i];
    struct walk walk;
    walk_begin(&walk, &x->shape);
    walk_broadcast(&walk, &scale->shape);
    walk_broadcast(&walk, bias != NULL ? &bias->shape : &scale->shape);
    double mean = 0.0, inverse = 0.0, epsilon = epsilon_of(call->node);
    for (size_t i = 0; i < x->count; i++, walk_next(&walk)) {
        if (i % run == 0) {
            moments(x->data.real + i, run, epsilon, &mean, &inverse);
            double squares = 0.0;
            for (size_t k = 0; rms && k < run; k++)
                squares += x->data.real[i + k] * x->data.real[i + k];
            if (rms) {
                mean = 0.0;
                inverse = 1.0 / sqrt(squares / (double)run + epsilon);
            }
            if (call->out_count > 1 && call->out[1] != NULL)
                tensor_set_real(call->out[1], i / run, mean);
            if (call->out_count > 2 && call->out[2] != NULL)
                tensor_set_real(call->out[2], i / run, inverse);
        }
        double y = (x->data.real[i] - mean) * inverse * scale->data.real[walk.offset[0]];
        if (bias != NULL)
            y += bias->data.real[walk.offset[1]];
        tensor_set_real(call->out[0], i, y);
    }
    return STATUS_OK;
}

/* --- LRN
 * ----------------------------------------------------------------------------------------------------
 */

enum status infer_lrn(struct infer_call *call)
{
    enum status status = infer_same_float(call);
    if (status == STATUS_OK && call->in[0]->shape_known && call->in[0]->shape.rank < 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand must be [batch, channel, ...]");
    if (status == STATUS_OK && graph_attribute_int(call->node, "size", 0) < 1)
        return infer_fail(call, STATUS_BAD_INPUT, "size must be at least 1");
    return status;
}

enum status run_lrn(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct axis_view view = axis_view_of(&x->shape, 1);
    int64_t size = graph_attribute_int(call->node, "size", 1);
    double alpha = graph_attribute_float(call->node, "alpha", (double)1e-4f);
    double beta = graph_attribute_float(call->node, "beta", 0.75);
    double bias = graph_attribute_float(call->node, "bias", 1.0);
    for (size_t i = 0; i < x->count; i++) {
        int64_t c = (int64_t)(i / view.inner % view.length);
        int64_t first = c - (size - 1) / 2, last = c + size / 2;
        double squares = 0.0;
        for (int64_t k = first < 0 ? 0 : first; k <= last && k < (int64_t)view.length; k++) {
            double neighbour = x->data.real[(int64_t)i + (k - c) * (int64_t)view.inner];
            squares += neighbour * neighbour;
        }
        double base = bias + alpha / (double)size * squares;
        tensor_set_real(call->out[0], i, x->data.real[i] / rounded_pow(base, beta));
    }
    return STATUS_OK;
}

/* --- losses
 * ---------------------------------------------------------------------------------------------------
 */

/* (scores [N, C, d...], labels [N, d...], weights [C]?); the loss is a scalar unless "none". */
enum status infer_loss(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    infer_result(call, 1, call->in[0]->type, infer_shape_of(call->in[0]));
    if (!element_type_is_float(call->in[0]->type) || !element_type_is_integer(call->in[1]->type))
        return infer_fail(call, STATUS_BAD_INPUT, "scores must be floats and labels integers");
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    struct shape expected = call->in[0]->shape;
    if (expected.rank < 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the scores must be [batch, class, ...]");
    const struct value_info *weights = infer_in(call, 2);
    if (weights != NULL && weights->shape_known &&
        (weights->shape.rank != 1 || weights->shape.dim[0] != expected.dim[1]))
        return infer_fail(call, STATUS_BAD_INPUT, "one weight for every class is needed");
    expected = reduced_shape(&expected, 2, false);
    if (!shape_equal(&expected, &call->in[1]->shape))
        return infer_fail(call, STATUS_BAD_INPUT, "the labels do not fit the scores");
    const char *reduction = graph_attribute_text(call->node, "reduction", "mean");
    struct shape scalar = {0};
    infer_result(call, 0, call->in[0]->type, strcmp(reduction, "none") == 0 ? &expected : &scalar);
    return STATUS_OK;
}

/* log softmax along the class axis, in float64. */
static void log_softmax(double *out, const double *x, size_t classes, size_t step)
{
    double top = x[0], sum = 0.0;
    for (size_t c = 1; c < classes; c++)
        top = x[c * step] > top ? x[c * step] : top;
    for (size_t c = 0; c < classes; c++)
        sum += rounded_exp(x[c * step] - top);
    double log_sum = rounded_log(sum);
    for (size_t c = 0; c < classes; c++)
        out[c * step] = x[c * step] - top - log_sum;
}

/* Sums -log p[label] weight over the labels that are not ignored. logs: log probabilities. */
static enum status sum_losses(struct kernel_call *call, const double *logs)
{
    const struct tensor *labels = call->in[1], *weights = kernel_in(call, 2);
    const struct graph_attribute *ignored = graph_attribute(call->node, "ignore_index");
    const char *reduction = graph_attribute_text(call->node, "reduction", "mean");
    struct axis_view view = axis_view_of(&call->in[0]->shape, 1);
    double total = 0.0, weight_total = 0.0;
    for (size_t i = 0; i < labels->count; i++) {
        int64_t label = labels->data.integer[i];
        double weight = 0.0, loss = 0.0;
        if (ignored == NULL || label != ignored->integer) {
            if (label < 0 || (size_t)label >= view.length)
                return kernel_fail(call, STATUS_BAD_INPUT, "label %" PRId64 " is not a class",
                                   label);
            weight = weights != NULL ? weights->data.real[label] : 1.0;
            size_t outer = i / view.inner, inner = i % view.inner;
            loss = -logs[(outer * view.length + (size_t)label) * view.inner + inner] * weight;
        }
        total += loss;
        weight_total += weight;
        if (call->out[0] != NULL && strcmp(reduction, "none") == 0)
            tensor_set_real(call->out[0], i, loss);
    }
    if (call->out[0] == NULL || strcmp(reduction, "none") == 0)
        return STATUS_OK;
    tensor_set_real(call->out[0], 0, strcmp(reduction, "sum") == 0 ? total : total / weight_total);
    return STATUS_OK;
}

enum status run_negative_log_likelihood_loss(struct kernel_call *call)
{
    return sum_losses(call, call->in[0]->data.real);
}

enum status run_softmax_cross_entropy_loss(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct axis_view view = axis_view_of(&x->shape, 1);
    double *logs = kernel_alloc(call->arena, x->count, sizeof *logs, call->diag);
    if (logs == NULL)
        return STATUS_NO_MEMORY;
    for (size_t line = 0; view.length > 0 && line < view.outer * view.inner; line++) {
        size_t first = line / view.inner * view.length * view.inner + line % view.inner;
        log_softmax(logs + first, x->data.real + first, view.length, view.inner);
    }
    for (size_t i = 0; call->out_count > 1 && call->out[1] != NULL && i < x->count; i++)
        tensor_set_real(call->out[1], i, logs[i]);
    return sum_losses(call, logs);
}
