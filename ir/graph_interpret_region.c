/* Regions and boxes: RoiAlign-22, MaxRoiPool-22, NonMaxSuppression-11, with their shape rules. */
#include "ir/graph_kernel_shared.h"
#include "ir/graph_window.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- RoiAlign
 * -------------------------------------------------------------------------------------------- */

enum { REGION_SIDE_MAX = 1 << 15 };

enum status infer_roi_align(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1}, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known || !call->in[2]->shape_known)
        return STATUS_OK;
    const struct shape *x = &call->in[0]->shape, *rois = &call->in[1]->shape;
    int64_t height = graph_attribute_int(call->node, "output_height", 1);
    int64_t width = graph_attribute_int(call->node, "output_width", 1);
    int64_t ratio = graph_attribute_int(call->node, "sampling_ratio", 0);
    const struct shape *batch = &call->in[2]->shape;
    if (x->rank != 4 || rois->rank != 2 || rois->dim[1] != 4 || batch->rank != 1 ||
        batch->dim[0] != rois->dim[0] || !element_type_is_integer(call->in[2]->type) ||
        height < 1 || width < 1 || height > REGION_SIDE_MAX || width > REGION_SIDE_MAX ||
        ratio < 0 || ratio > REGION_SIDE_MAX || x->dim[2] < 1 || x->dim[3] < 1)
        return infer_fail(call, STATUS_BAD_INPUT, "operands and output size do not fit together");
    struct shape shape = {4, {rois->dim[0], x->dim[1], height, width}};
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

/* Bilinear corners of one sample point; weight 0 for all when it lies outside. */
struct corners {
    size_t at[4];
    double weight[4];
};

static struct corners corners_of(double y, double x, int64_t height, int64_t width)
{
    struct corners c = {0};
    if (!(y >= -1.0 && y <= (double)height && x >= -1.0 && x <= (double)width))
        return c;
    y = y > 0.0 ? y : 0.0;
    x = x > 0.0 ? x : 0.0;
    int64_t top = (int64_t)y, left = (int64_t)x;
    int64_t bottom = top + 1, right = left + 1;
    if (top >= height - 1) {
        top = bottom = height - 1;
        y = (double)top;
    }
    if (left >= width - 1) {
        left = right = width - 1;
        x = (double)left;
    }
    double down = y - (double)top, across = x - (double)left;
    c.at[0] = (size_t)(top * width + left);
    c.at[1] = (size_t)(top * width + right);
    c.at[2] = (size_t)(bottom * width + left);
    c.at[3] = (size_t)(bottom * width + right);
    c.weight[0] = (1.0 - down) * (1.0 - across);
    c.weight[1] = (1.0 - down) * across;
    c.weight[2] = down * (1.0 - across);
    c.weight[3] = down * across;
    return c;
}

struct region {
    double y, x, bin_height, bin_width; /* top left corner and size of a bin */
    int64_t rows, columns;              /* samples in a bin */
};

static enum status region_read(struct kernel_call *call, const double *roi, struct region *region)
{
    double scale = graph_attribute_float(call->node, "spatial_scale", 1.0);
    const char *mode =
        graph_attribute_text(call->node, "coordinate_transformation_mode", "half_pixel");
    bool half = strcmp(mode, "half_pixel") == 0;
    double offset = half ? 0.5 : 0.0;
    int64_t ratio = graph_attribute_int(call->node, "sampling_ratio", 0);
    int64_t height = call->out[0]->shape.dim[2], width = call->out[0]->shape.dim[3];
    region->x = roi[0] * scale - offset;
    region->y = roi[1] * scale - offset;
    double roi_width = roi[2] * scale - offset - region->x;
    double roi_height = roi[3] * scale - offset - region->y;
    if (!half) {
        roi_width = roi_width > 1.0 ? roi_width : 1.0;
        roi_height = roi_height > 1.0 ? roi_height : 1.0;
    }
    region->bin_height = roi_height / (double)height;
    region->bin_width = roi_width / (double)width;
    if (!(fabs(region->bin_height) < REGION_SIDE_MAX && fabs(region->bin_width) < REGION_SIDE_MAX))
        return kernel_fail(call, STATUS_BAD_INPUT, "a region is too large");
    region->rows = region->columns = ratio;
    if (ratio > 0)
        return STATUS_OK;
    enum element_type type = call->in[1]->type;
    region->rows = roi_align_samples(call->node, type, roi, 0);
    region->columns = roi_align_samples(call->node, type, roi, 1);
    for (unsigned axis = 0; axis < 2; axis++) {
        int64_t room = roi_align_room(call->node, axis);
        int64_t count = axis == 0 ? region->rows : region->columns;
        if (room > 0 && count > room)
            return kernel_fail(call, STATUS_BAD_INPUT,
                               "the bins of a region have %" PRId64 " samples along their %s, "
                               "and there is room for %" PRId64
                               "; compile with --max-dim and the name of its result for more",
                               count, axis == 0 ? "height" : "width", room);
    }
    return STATUS_OK;
}

static double pool_bin(const struct kernel_call *call, const struct region *region,
                       const double *plane, double bin_y, double bin_x)
{
    const struct shape *x = &call->in[0]->shape;
    bool is_max = strcmp(graph_attribute_text(call->node, "mode", "avg"), "max") == 0;
    double result = 0.0;
    bool any = false;
    for (int64_t i = 0; i < region->rows; i++)
        for (int64_t j = 0; j < region->columns; j++) {
            double down = ((double)i + 0.5) / (double)region->rows;
            double across = ((double)j + 0.5) / (double)region->columns;
            struct corners c =
                corners_of(region->y + (bin_y + down) * region->bin_height,
                           region->x + (bin_x + across) * region->bin_width, x->dim[2], x->dim[3]);
            for (unsigned k = 0; k < 4; k++) {
                double part = c.weight[k] * plane[c.at[k]];
                if (!is_max)
                    result += part;
                else if (!any || part > result)
                    result = part;
                any = true;
            }
        }
    double count = (double)(region->rows * region->columns);
    return is_max ? result : result / (count > 1.0 ? count : 1.0);
}

enum status run_roi_align(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *rois = call->in[1], *batch = call->in[2];
    struct tensor *out = call->out[0];
    int64_t channels = x->shape.dim[1], plane = x->shape.dim[2] * x->shape.dim[3];
    int64_t height = out->shape.dim[2], width = out->shape.dim[3];
    size_t at = 0;
    for (size_t r = 0; r < batch->count; r++) {
        struct region region = {0};
        enum status status = region_read(call, rois->data.real + 4 * r, &region);
        int64_t n = batch->data.integer[r];
        if (status == STATUS_OK && (n < 0 || n >= x->shape.dim[0]))
            status = kernel_fail(call, STATUS_BAD_INPUT, "batch index %" PRId64 " is outside", n);
        if (status != STATUS_OK)
            return status;
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < height; i++)
                for (int64_t j = 0; j < width; j++)
                    tensor_set_real(out, at++,
                                    pool_bin(call, &region,
                                             x->data.real + (n * channels + c) * plane, (double)i,
                                             (double)j));
    }
    return STATUS_OK;
}

/* --- MaxRoiPool
 * -------------------------------------------------------------------------------------------- */

enum status infer_max_roi_pool(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1}, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct graph_attribute *pooled = graph_attribute(call->node, "pooled_shape");
    const struct shape *x = &call->in[0]->shape, *rois = &call->in[1]->shape;
    if (pooled == NULL || pooled->kind != ATTRIBUTE_INTS || pooled->count != 2 || x->rank != 4 ||
        rois->rank != 2 || rois->dim[1] != 5 || pooled->integers[0] < 1 ||
        pooled->integers[1] < 1 || pooled->integers[0] > REGION_SIDE_MAX ||
        pooled->integers[1] > REGION_SIDE_MAX)
        return infer_fail(call, STATUS_BAD_INPUT, "operands and pooled_shape do not fit together");
    struct shape shape = {4, {rois->dim[0], x->dim[1], pooled->integers[0], pooled->integers[1]}};
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

/* First and last element of bin k of an axis, cut to the plane. */
static void bin_range(double start, double extent, int64_t bins, int64_t k, int64_t dim,
                      int64_t *first, int64_t *end)
{
    double size = extent / (double)bins;
    double low = floor((double)k * size) + start, high = ceil((double)(k + 1) * size) + start;
    *first = !(low > 0.0) ? 0 : low > (double)dim ? dim : (int64_t)low;
    *end = !(high > 0.0) ? 0 : high > (double)dim ? dim : (int64_t)high;
}

enum status run_max_roi_pool(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *rois = call->in[1];
    struct tensor *out = call->out[0];
    double scale = graph_attribute_float(call->node, "spatial_scale", 1.0);
    int64_t channels = x->shape.dim[1], h = x->shape.dim[2], w = x->shape.dim[3];
    size_t at = 0;
    for (int64_t r = 0; r < rois->shape.dim[0]; r++) {
        const double *roi = rois->data.real + 5 * r;
        double edge[4];
        for (unsigned i = 0; i < 4; i++)
            edge[i] = round(element_round(rois->type, roi[i + 1] * scale));
        if (!(roi[0] >= 0.0 && roi[0] < (double)x->shape.dim[0]))
            return kernel_fail(call, STATUS_BAD_INPUT, "batch index %g is outside", roi[0]);
        double width = fmax(edge[2] - edge[0] + 1.0, 1.0),
               height = fmax(edge[3] - edge[1] + 1.0, 1.0);
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < out->shape.dim[2]; i++)
                for (int64_t j = 0; j < out->shape.dim[3]; j++) {
                    int64_t top, bottom, left, right;
                    bin_range(edge[1], height, out->shape.dim[2], i, h, &top, &bottom);
                    bin_range(edge[0], width, out->shape.dim[3], j, w, &left, &right);
                    const double *plane = x->data.real + ((int64_t)roi[0] * channels + c) * h * w;
                    double best = top < bottom && left < right ? -INFINITY : 0.0;
                    for (int64_t y = top; y < bottom; y++)
                        for (int64_t k = left; k < right; k++)
                            best = plane[y * w + k] > best ? plane[y * w + k] : best;
                    tensor_set_real(out, at++, best);
                }
    }
    return STATUS_OK;
}

/* --- NonMaxSuppression
 * ------------------------------------------------------------------------------------- */

enum status infer_non_max_suppression(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1, 3, 4}, 4);
    if (status != STATUS_OK)
        return status;
    struct room room = room_of(call->node);
    struct shape shape = {2, {room.count, 3}}, scalar = {0};
    infer_result(call, 0, ELEMENT_I64, room.is_given ? &shape : NULL);
    infer_result(call, 1, ELEMENT_I64, &scalar);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct shape *boxes = &call->in[0]->shape, *scores = &call->in[1]->shape;
    if (boxes->rank != 3 || scores->rank != 3 || boxes->dim[2] != 4 ||
        boxes->dim[0] != scores->dim[0] || boxes->dim[1] != scores->dim[2])
        return infer_fail(call, STATUS_BAD_INPUT, "boxes and scores do not fit together");
    return STATUS_OK;
}

struct box {
    double low[2], high[2];
};

static struct box box_of(const double *four, bool center)
{
    struct box box;
    for (unsigned i = 0; i < 2; i++) {
        double a = center ? four[i] - four[i + 2] / 2.0 : four[i];
        double b = center ? four[i] + four[i + 2] / 2.0 : four[i + 2];
        box.low[i] = fmin(a, b);
        box.high[i] = fmax(a, b);
    }
    return box;
}

static double overlap_ratio(const struct box *a, const struct box *b)
{
    double common = 1.0, area_a = 1.0, area_b = 1.0;
    for (unsigned i = 0; i < 2; i++) {
        double side = fmin(a->high[i], b->high[i]) - fmax(a->low[i], b->low[i]);
        common *= side > 0.0 ? side : 0.0;
        area_a *= a->high[i] - a->low[i];
        area_b *= b->high[i] - b->low[i];
    }
    double joined = area_a + area_b - common;
    return area_a <= 0.0 || area_b <= 0.0 || joined <= 0.0 ? 0.0 : common / joined;
}

/* Higher score first; equal scores in the order of the boxes. */
static int compare_scores(const void *a, const void *b, void *context)
{
    const double *score = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (score[i] != score[j])
        return score[i] > score[j] ? -1 : 1;
    return (i > j) - (i < j);
}

static double scalar_real(const struct kernel_call *call, size_t i, double fallback)
{
    const struct tensor *tensor = kernel_in(call, i);
    return tensor != NULL && tensor->count > 0 ? tensor_real(tensor, 0) : fallback;
}

/* Keeps the best boxes of one class in `kept`; returns how many. order: scratch [boxes]. */
static size_t suppress(const struct kernel_call *call, const double *boxes, double *scores,
                       size_t count, size_t most, size_t *order, size_t *kept)
{
    bool center = graph_attribute_int(call->node, "center_point_box", 0) != 0;
    double limit = scalar_real(call, 3, 0.0), least = scalar_real(call, 4, -INFINITY);
    size_t candidates = 0, found = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(scores[i]) && (scores[i] > least || kernel_in(call, 4) == NULL))
            order[candidates++] = i;
    qsort_r(order, candidates, sizeof *order, compare_scores, scores);
    for (size_t i = 0; i < candidates && found < most; i++) {
        struct box box = box_of(boxes + 4 * order[i], center);
        bool keep = true;
        for (size_t k = 0; keep && k < found; k++) {
            struct box other = box_of(boxes + 4 * kept[k], center);
            keep = overlap_ratio(&box, &other) <= limit;
        }
        if (keep)
            kept[found++] = order[i];
    }
    return found;
}

enum status run_non_max_suppression(struct kernel_call *call)
{
    const struct tensor *boxes = call->in[0], *scores = call->in[1], *limit = kernel_in(call, 2);
    int64_t most = 0;
    if (limit != NULL) {
        enum status status = scalar_integer(call->diag, limit, "max_output_boxes_per_class", &most);
        if (status != STATUS_OK)
            return status;
    }
    size_t count = (size_t)boxes->shape.dim[1], classes = (size_t)scores->shape.dim[1];
    size_t lines = (size_t)scores->shape.dim[0] * classes, found = 0;
    size_t keep = most < 0 ? 0 : (size_t)most < count ? (size_t)most : count;
    size_t *order = kernel_alloc(call->arena, count, sizeof *order, call->diag);
    size_t *kept = kernel_alloc(call->arena, count, sizeof *kept, call->diag);
    size_t total;
    if (__builtin_mul_overflow(lines, keep, &total))
        return kernel_fail(call, STATUS_LIMIT, "too many boxes");
    int64_t(*row)[3] = kernel_alloc(call->arena, total, sizeof *row, call->diag);
    if (order == NULL || kept == NULL || row == NULL)
        return STATUS_NO_MEMORY;
    for (size_t line = 0; line < lines; line++) {
        size_t batch = line / classes;
        size_t chosen = suppress(call, boxes->data.real + batch * count * 4,
                                 scores->data.real + line * count, count, keep, order, kept);
        for (size_t k = 0; k < chosen; k++, found++) {
            row[found][0] = (int64_t)batch;
            row[found][1] = (int64_t)(line % classes);
            row[found][2] = (int64_t)kept[k];
        }
    }
    size_t length;
    enum status status = room_length(call, found, &length);
    if (status != STATUS_OK)
        return status;
    struct shape shape = {2, {(int64_t)length, 3}};
    struct tensor *out = kernel_output(call, 0, &shape);
    if (out == NULL)
        return STATUS_NO_MEMORY;
    room_set_number(call, 1, found);
    if (found > 0)
        memcpy(out->data.integer, row, found * sizeof *row);
    return STATUS_OK;
}
