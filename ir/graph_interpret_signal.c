/*
 * Signals: Hann, Hamming and Blackman windows, MelWeightMatrix (opset 17), DFT-20, STFT-17, with
 * their shape rules. Transforms are sums of products with roots of unity that are correctly
 * rounded; index order, float64. See graph_interpret.h.
 */
#include "ir/graph_signal.h"

#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

#include <inttypes.h>
#include <string.h>

enum { TRANSFORM_LENGTH_MAX = 1 << 20 };

/* --- windows
 * ------------------------------------------------------------------------------------------ */

enum status infer_window_function(struct infer_call *call)
{
    enum element_type type;
    enum status status = infer_need(call, 1);
    if (status == STATUS_OK)
        status = infer_type_attribute(call, "output_datatype", ELEMENT_F32, &type);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, type, NULL);
    if (call->in[0]->data == NULL)
        return STATUS_OK;
    int64_t size;
    status = scalar_integer(call->diag, call->in[0]->data, "size", &size);
    if (status == STATUS_OK && (size < 0 || size > TRANSFORM_LENGTH_MAX))
        status = infer_fail(call, STATUS_BAD_INPUT, "a window of %" PRId64 " elements", size);
    struct shape shape = {1, {size}};
    if (status == STATUS_OK)
        infer_result(call, 0, type, &shape);
    return status;
}

static void set_number(struct tensor *out, size_t i, double value)
{
    if (element_type_is_float(out->type))
        tensor_set_real(out, i, value);
    else
        tensor_set_integer(out, i, integer_of_real(value));
}

enum status run_window_function(struct kernel_call *call)
{
    struct tensor *out = call->out[0];
    bool periodic = graph_attribute_int(call->node, "periodic", 1) != 0;
    long period = (long)out->count - (periodic ? 0 : 1);
    for (size_t i = 0; i < out->count; i++) {
        double cosine = 1.0, twice = 1.0, unused;
        if (period > 0) {
            rounded_root_of_unity(&cosine, &unused, (long)i, period);
            rounded_root_of_unity(&twice, &unused, 2 * (long)i, period);
        }
        double value = 0.5 - 0.5 * cosine;
        if (call->node->op == OP_HAMMING_WINDOW)
            value = 25.0 / 46.0 - 21.0 / 46.0 * cosine;
        else if (call->node->op == OP_BLACKMAN_WINDOW)
            value = 0.42 - 0.5 * cosine + 0.08 * twice;
        set_number(out, i, value);
    }
    return STATUS_OK;
}

/* --- MelWeightMatrix
 * ------------------------------------------------------------------------------------ */

enum status infer_mel_weight_matrix(struct infer_call *call)
{
    enum element_type type;
    int64_t size[2];
    enum status status = infer_need(call, 5);
    if (status == STATUS_OK)
        status = infer_type_attribute(call, "output_datatype", ELEMENT_F32, &type);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, type, NULL);
    for (size_t i = 0; i < 2; i++) {
        if (call->in[i]->data == NULL)
            return STATUS_OK;
        status = scalar_integer(call->diag, call->in[i]->data, "a size", &size[i]);
        if (status == STATUS_OK && (size[i] < 0 || size[i] > TRANSFORM_LENGTH_MAX))
            status = infer_fail(call, STATUS_BAD_INPUT, "a size of %" PRId64, size[i]);
        if (status != STATUS_OK)
            return status;
    }
    struct shape shape = {2, {size[1] / 2 + 1, size[0]}};
    infer_result(call, 0, type, &shape);
    return STATUS_OK;
}

static double mel_of(double hertz)
{
    return 2595.0 * (rounded_log(1.0 + hertz / 700.0) / 0x1.26bb1bbb55516p+1);
}

static double hertz_of(double mel)
{
    return 700.0 * (rounded_pow(10.0, mel / 2595.0) - 1.0);
}

/* A triangle over the bins low .. high with its top at `center`. */
static void add_triangle(struct tensor *out, int64_t column, int64_t low, int64_t center,
                         int64_t high)
{
    int64_t rows = out->shape.dim[0], columns = out->shape.dim[1];
    for (int64_t j = low > 0 ? low : 0; j <= high && j < rows; j++) {
        double value = 0.0;
        if (j == center && center == low)
            value = 1.0;
        else if (j <= center)
            value = (double)(j - low) / (double)(center - low);
        else if (j < high)
            value = (double)(high - j) / (double)(high - center);
        if (value != 0.0)
            set_number(out, (size_t)(j * columns + column), value);
    }
}

enum status run_mel_weight_matrix(struct kernel_call *call)
{
    struct tensor *out = call->out[0];
    for (size_t i = 0; i < 5; i++)
        if (call->in[i]->count != 1)
            return kernel_fail(call, STATUS_BAD_INPUT, "operand %zu is not a scalar", i);
    double bins = tensor_real(call->in[0], 0), length = tensor_real(call->in[1], 0);
    double rate = tensor_real(call->in[2], 0);
    double low = mel_of(tensor_real(call->in[3], 0)), high = mel_of(tensor_real(call->in[4], 0));
    double step = (high - low) / (bins + 2.0);
    int64_t edge[3];
    for (int64_t i = 0; i < out->shape.dim[1]; i++) {
        for (int64_t k = 0; k < 3; k++) {
            double bin = floor((length + 1.0) * hertz_of((double)(i + k) * step + low) / rate);
            if (!(fabs(bin) < 0x1p40))
                return kernel_fail(call, STATUS_BAD_INPUT, "the frequencies make no spectrum");
            edge[k] = (int64_t)bin;
        }
        add_triangle(out, i, edge[0], edge[1], edge[2]);
    }
    return STATUS_OK;
}

/* --- DFT
 * ----------------------------------------------------------------------------------------------------
 */

enum status dft_read(struct diag *diag, const struct graph_node *node, const struct shape *shape,
                     const struct tensor *length, const struct tensor *axis, struct dft *dft)
{
    int64_t given = -2, wanted = 0;
    *dft = (struct dft){.inverse = graph_attribute_int(node, "inverse", 0) != 0};
    enum status status = STATUS_OK;
    if (shape->rank < 2)
        return diag_set(diag, STATUS_BAD_INPUT, "the operand has no axis to transform");
    if (axis != NULL)
        status = scalar_integer(diag, axis, "axis", &given);
    if (status == STATUS_OK)
        status = normalize_axis(diag, given, shape->rank, &dft->axis);
    if (status == STATUS_OK && length != NULL)
        status = scalar_integer(diag, length, "dft_length", &wanted);
    if (status != STATUS_OK)
        return status;
    int64_t parts = shape->dim[shape->rank - 1];
    dft->parts = (size_t)parts;
    bool onesided = graph_attribute_int(node, "onesided", 0) != 0;
    dft->halved = onesided && dft->inverse;
    if (length == NULL)
        wanted = dft->halved ? 2 * (shape->dim[dft->axis] - 1) : shape->dim[dft->axis];
    if (dft->axis + 1 == shape->rank || (parts != 1 && parts != 2) || wanted < 1 ||
        wanted > TRANSFORM_LENGTH_MAX)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "the last axis must hold real and imaginary parts, and the length be at least 1");
    if (onesided && (parts == 2) != dft->inverse)
        return diag_set(diag, STATUS_UNSUPPORTED, "a one-sided transform of complex numbers");
    dft->length = (size_t)wanted;
    dft->bins = onesided && !dft->inverse ? dft->length / 2 + 1 : dft->length;
    return STATUS_OK;
}

enum status infer_dft(struct infer_call *call)
{
    enum status status = infer_same_float(call);
    if (status != STATUS_OK)
        return status;
    const struct value_info *length = infer_in(call, 1), *axis = infer_in(call, 2);
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || (length != NULL && length->data == NULL) ||
        (axis != NULL && axis->data == NULL))
        return STATUS_OK;
    struct dft dft;
    struct shape shape = call->in[0]->shape;
    status = dft_read(call->diag, call->node, &shape, length != NULL ? length->data : NULL,
                      axis != NULL ? axis->data : NULL, &dft);
    if (status != STATUS_OK)
        return status;
    shape.dim[dft.axis] = (int64_t)dft.bins;
    shape.dim[shape.rank - 1] = dft.halved ? 1 : 2;
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

double *roots_of_unity(struct arena *arena, size_t length, struct diag *diag)
{
    double *roots = kernel_alloc(arena, 2 * length, sizeof *roots, diag);
    for (size_t k = 0; roots != NULL && k < length; k++)
        rounded_root_of_unity(&roots[2 * k], &roots[2 * k + 1], (long)k, (long)length);
    return roots;
}

/* Sum over t of x[t] exp(-+2 pi i t bin / length); x: `count` points, real and imaginary parts. */
static void transform_bin(double sum[2], const double *x, size_t count, const double *roots,
                          size_t length, size_t bin, bool inverse)
{
    sum[0] = sum[1] = 0.0;
    for (size_t t = 0, k = 0; t < count; t++) {
        double c = roots[2 * k], s = inverse ? roots[2 * k + 1] : -roots[2 * k + 1];
        sum[0] += x[2 * t] * c - x[2 * t + 1] * s;
        sum[1] += x[2 * t] * s + x[2 * t + 1] * c;
        k += bin;
        k -= k >= length ? length : 0;
    }
}

enum status run_dft(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct dft dft;
    enum status status =
        dft_read(call->diag, call->node, &in->shape, kernel_in(call, 1), kernel_in(call, 2), &dft);
    if (status != STATUS_OK)
        return status;
    struct shape points = in->shape;
    points.rank--; /* without the axis of parts */
    struct axis_view view = axis_view_of(&points, dft.axis);
    size_t most = dft.halved ? dft.length / 2 + 1 : dft.length, parts = dft.halved ? 1 : 2;
    size_t count = view.length < most ? view.length : most;
    double *roots = roots_of_unity(call->arena, dft.length, call->diag);
    double *line = kernel_alloc(call->arena, 2 * dft.length, sizeof *line, call->diag);
    if (roots == NULL || line == NULL)
        return STATUS_NO_MEMORY;
    double scale = dft.inverse ? 1.0 / (double)dft.length : 1.0, sum[2];
    for (size_t outer = 0; outer < view.outer; outer++)
        for (size_t inner = 0; inner < view.inner; inner++) {
            for (size_t t = 0; t < count; t++) {
                size_t at = ((outer * view.length + t) * view.inner + inner) * dft.parts;
                line[2 * t] = in->data.real[at];
                line[2 * t + 1] = dft.parts == 2 ? in->data.real[at + 1] : 0.0;
            }
            for (size_t k = 1; dft.halved && 2 * k < dft.length;
                 k++) { /* a real signal's other half */
                line[2 * (dft.length - k)] = k < count ? line[2 * k] : 0.0;
                line[2 * (dft.length - k) + 1] = k < count ? -line[2 * k + 1] : 0.0;
            }
            for (size_t bin = 0; bin < dft.bins; bin++) {
                transform_bin(sum, line, dft.halved ? dft.length : count, roots, dft.length, bin,
                              dft.inverse);
                size_t at = ((outer * dft.bins + bin) * view.inner + inner) * parts;
                tensor_set_real(call->out[0], at, sum[0] * scale);
                if (!dft.halved)
                    tensor_set_real(call->out[0], at + 1, sum[1] * scale);
            }
        }
    return STATUS_OK;
}

/* --- STFT
 * -----------------------------------------------------------------------------------------------------
 */

enum status stft_read(struct diag *diag, const struct graph_node *node, const struct shape *signal,
                      const struct tensor *step, const struct shape *window,
                      const struct tensor *length, struct stft *stft)
{
    int64_t by, frame = -1;
    enum status status = scalar_integer(diag, step, "frame_step", &by);
    if (status == STATUS_OK && length != NULL)
        status = scalar_integer(diag, length, "frame_length", &frame);
    if (status != STATUS_OK)
        return status;
    if (length == NULL && window != NULL && window->rank == 1)
        frame = window->dim[0];
    bool window_fits = window == NULL || (window->rank == 1 && window->dim[0] == frame);
    if ((signal->rank != 2 && signal->rank != 3) || by < 1 || frame < 1 ||
        frame > TRANSFORM_LENGTH_MAX || frame > signal->dim[1] || !window_fits)
        return diag_set(diag, STATUS_BAD_INPUT, "frames, window and signal do not fit together");
    stft->parts = signal->rank == 3 ? (size_t)signal->dim[2] : 1;
    bool onesided = graph_attribute_int(node, "onesided", 1) != 0;
    if (stft->parts < 1 || stft->parts > 2 || (onesided && stft->parts == 2))
        return diag_set(diag, STATUS_UNSUPPORTED, "a one-sided transform of complex numbers");
    stft->step = (size_t)by;
    stft->length = (size_t)frame;
    stft->frames = ((size_t)signal->dim[1] - stft->length) / stft->step + 1;
    stft->bins = onesided ? stft->length / 2 + 1 : stft->length;
    return STATUS_OK;
}

enum status infer_stft(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_float(call);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){2}, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct value_info *window = infer_in(call, 2), *length = infer_in(call, 3);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL ||
        (window != NULL && !window->shape_known) || (length != NULL && length->data == NULL))
        return STATUS_OK;
    struct stft stft;
    status = stft_read(call->diag, call->node, &call->in[0]->shape, call->in[1]->data,
                       window != NULL ? &window->shape : NULL, length != NULL ? length->data : NULL,
                       &stft);
    if (status != STATUS_OK)
        return status;
    struct shape shape = {4,
                          {call->in[0]->shape.dim[0], (int64_t)stft.frames, (int64_t)stft.bins, 2}};
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status run_stft(struct kernel_call *call)
{
    const struct tensor *signal = call->in[0], *window = kernel_in(call, 2);
    struct stft stft;
    enum status status =
        stft_read(call->diag, call->node, &signal->shape, call->in[1],
                  window != NULL ? &window->shape : NULL, kernel_in(call, 3), &stft);
    if (status != STATUS_OK)
        return status;
    double *roots = roots_of_unity(call->arena, stft.length, call->diag);
    double *line = kernel_alloc(call->arena, 2 * stft.length, sizeof *line, call->diag), sum[2];
    if (roots == NULL || line == NULL)
        return STATUS_NO_MEMORY;
    size_t samples = (size_t)signal->shape.dim[1], at = 0;
    for (size_t batch = 0; batch < (size_t)signal->shape.dim[0]; batch++)
        for (size_t frame = 0; frame < stft.frames; frame++) {
            for (size_t t = 0; t < stft.length; t++) {
                size_t from = (batch * samples + frame * stft.step + t) * stft.parts;
                double weight = window != NULL ? window->data.real[t] : 1.0;
                line[2 * t] = signal->data.real[from] * weight;
                line[2 * t + 1] = stft.parts == 2 ? signal->data.real[from + 1] * weight : 0.0;
            }
            for (size_t bin = 0; bin < stft.bins; bin++, at += 2) {
                transform_bin(sum, line, stft.length, roots, stft.length, bin, false);
                tensor_set_real(call->out[0], at, sum[0]);
                tensor_set_real(call->out[0], at + 1, sum[1]);
            }
        }
    return STATUS_OK;
}
