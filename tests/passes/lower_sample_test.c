/* label: fast libs: sertn_runtime */
/*
 * Operators that read at places computed in the circuit: samples between pixels, regions, maxima
 * put back; and determinants.
 */
#include "tests/passes/lower_kit.h"
#include "tests/passes/tamper_kit.h"

#include <math.h>

enum { SETS = 10, INPUTS_MAX = 5 };

/* A graph whose inputs are random: reals within a scale, or integers below a bound. */
struct model {
    struct kit kit;
    struct shape shape[INPUTS_MAX];
    double scale[INPUTS_MAX]; /* 0: an integer input */
    uint64_t below[INPUTS_MAX];
    size_t count;
    double grain; /* reals are multiples of it, when it is not 0 */
};

static void begin(struct model *m)
{
    *m = (struct model){0};
    kit_init(&m->kit);
}

static const char *const names[INPUTS_MAX] = {"a", "b", "c", "d", "e"};

static uint32_t input(struct model *m, struct shape shape, double scale)
{
    m->shape[m->count] = shape;
    m->scale[m->count] = scale;
    return kit_input(&m->kit, names[m->count++], ELEMENT_F32, shape);
}

static uint32_t integer_input(struct model *m, struct shape shape, uint64_t below)
{
    m->shape[m->count] = shape;
    m->below[m->count] = below;
    return kit_input(&m->kit, names[m->count++], ELEMENT_I64, shape);
}

static struct tensor *draw(struct model *m, size_t i)
{
    if (m->scale[i] == 0) {
        struct tensor *x = tensor_new(&m->kit.arena, ELEMENT_I64, &m->shape[i]);
        for (size_t e = 0; e < x->count; e++)
            x->data.integer[e] = (int64_t)test_random_below(m->below[i]);
        return x;
    }
    struct tensor *x = kit_random_tensor(&m->kit, m->shape[i], m->scale[i]);
    for (size_t e = 0; m->grain > 0 && e < x->count; e++)
        x->data.real[e] = rint(x->data.real[e] / m->grain) * m->grain;
    return x;
}

static void try_model(struct model *m, uint32_t output, void (*change)(struct tensor **in))
{
    struct tensor *in[INPUTS_MAX];
    kit_output(&m->kit, output);
    for (int i = 0; i < SETS + 4; i++) {
        for (size_t k = 0; k < m->count; k++)
            in[k] = draw(m, k);
        if (change != NULL)
            change(in);
        const struct tensor *const *given = (const struct tensor *const *)in;
        if (i < SETS)
            kit_set(&m->kit, given);
        if (i == SETS - 1)
            kit_run(&m->kit);
        if (i >= SETS)
            kit_compare(&m->kit, given, 8e-6, 1e-3);
        if (i == SETS) {
            kit_tamper_hints(&m->kit, given);
            kit_tamper_circuit(&m->kit, given, 20);
        }
    }
    kit_release(&m->kit);
}

/* ---- GridSample ---- */

static void grid_sample(const char *mode, const char *padding, bool align, struct shape x,
                        struct shape grid)
{
    struct model m;
    begin(&m);
    m.grain = 0x1p-7;
    uint32_t in[2] = {input(&m, x, 2), input(&m, grid, 1.9)};
    uint32_t y = kit_node(&m.kit, OP_GRID_SAMPLE, in, 2);
    kit_attribute_text(&m.kit, "mode", mode);
    kit_attribute_text(&m.kit, "padding_mode", padding);
    kit_attribute_int(&m.kit, "align_corners", align);
    try_model(&m, y, NULL);
}

TEST(images_sampled_by_a_grid)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const paddings[] = {"zeros", "border", "reflection"};
    for (unsigned i = 0; i < 18; i++)
        grid_sample(modes[i % 3], paddings[i / 3 % 3], i >= 9,
                    kit_shape(4, i == 1 ? 2 : 1, 2, 3, 4), kit_shape(4, i == 1 ? 2 : 1, 2, 2, 2));
    grid_sample("linear", "zeros", false, kit_shape(5, 1, 1, 2, 3, 2), kit_shape(5, 1, 1, 2, 2, 3));
    grid_sample("nearest", "reflection", true, kit_shape(3, 1, 2, 1), kit_shape(3, 1, 3, 1));
}

/* ---- DeformConv ---- */

static void deform_conv(int64_t group, int64_t offset_group, bool has_mask)
{
    static const int64_t pads[4] = {1, 0, 0, 1}, strides[2] = {1, 2};
    struct model m;
    begin(&m);
    int slots = (int)offset_group * 4;
    uint32_t in[5] = {input(&m, kit_shape(4, 1, 4, 3, 4), 2),
                      kit_random_parameter(&m.kit, "w", kit_shape(4, 2, 4 / (int)group, 2, 2), 1)};
    in[2] = input(&m, kit_shape(4, 1, 2 * slots, 3, 2), 2.5);
    in[3] = kit_random_parameter(&m.kit, "bias", kit_shape(1, 2), 1);
    if (has_mask)
        in[4] = input(&m, kit_shape(4, 1, slots, 3, 2), 1);
    uint32_t y = kit_node(&m.kit, OP_DEFORM_CONV, in, has_mask ? 5 : 4);
    kit_attribute_int(&m.kit, "group", group);
    kit_attribute_int(&m.kit, "offset_group", offset_group);
    kit_attribute_ints(&m.kit, "pads", pads, 4);
    kit_attribute_ints(&m.kit, "strides", strides, 2);
    try_model(&m, y, NULL);
}

TEST(convolutions_over_shifted_windows)
{
    deform_conv(1, 1, false);
    deform_conv(2, 2, true);
    deform_conv(1, 2, true);
}

/* ---- regions ---- */

/* Corners in order: the second is below and right of the first. */
static void order_corners(struct tensor *regions, size_t width, size_t first)
{
    for (size_t r = 0; r < regions->count / width; r++) {
        double *corner = regions->data.real + r * width + first;
        for (unsigned i = 0; i < 2; i++) {
            double a = fabs(corner[i]), b = fabs(corner[i + 2]);
            corner[i] = fmin(a, b);
            corner[i + 2] = fmax(a, b) + 0.25;
        }
    }
}

static void order_align(struct tensor **in)
{
    order_corners(in[1], 4, 0);
}

static void order_pool(struct tensor **in)
{
    for (size_t r = 0; r < in[1]->count / 5; r++)
        in[1]->data.real[5 * r] = in[1]->data.real[5 * r] < 0 ? 0 : 1;
    order_corners(in[1], 5, 1);
}

/* Regions of a grain of pixels, and one that is turned over. */
static void order_adaptive(struct tensor **in)
{
    order_align(in);
    double *corner = in[1]->data.real;
    if (corner[0] < 1) {
        double low = corner[1];
        corner[1] = corner[3];
        corner[3] = low;
    }
}

/* ratio 0: no more than 3 by 6 samples of a bin, as many as the regions below need. */
static void roi_align(const char *mode, const char *coordinates, int64_t ratio)
{
    static const int64_t most[2] = {3, 6};
    struct model m;
    begin(&m);
    m.grain = ratio == 0 ? 0x1p-3 : 0;
    uint32_t in[3] = {input(&m, kit_shape(4, 2, 2, 4, 5), 2), input(&m, kit_shape(2, 2, 4), 10),
                      integer_input(&m, kit_shape(1, 2), 2)};
    uint32_t y = kit_node(&m.kit, OP_ROI_ALIGN, in, 3);
    kit_attribute_text(&m.kit, "mode", mode);
    kit_attribute_text(&m.kit, "coordinate_transformation_mode", coordinates);
    kit_attribute_int(&m.kit, "output_height", 2);
    kit_attribute_int(&m.kit, "output_width", 1);
    kit_attribute_int(&m.kit, "sampling_ratio", ratio);
    kit_attribute_float(&m.kit, "spatial_scale", 0.5);
    if (ratio == 0)
        kit_attribute_ints(&m.kit, "most_samples", most, 2);
    try_model(&m, y, ratio == 0 ? order_adaptive : order_align);
}

TEST(regions_aligned)
{
    roi_align("avg", "half_pixel", 1);
    roi_align("avg", "output_half_pixel", 2);
    roi_align("max", "half_pixel", 2);
}

TEST(regions_aligned_with_as_many_samples_as_they_have_pixels)
{
    roi_align("avg", "half_pixel", 0);
    roi_align("avg", "output_half_pixel", 0);
    roi_align("max", "half_pixel", 0);
    roi_align("max", "output_half_pixel", 0);
}

static void max_roi_pool(double scale, double grain)
{
    static const int64_t pooled[2] = {2, 3};
    struct model m;
    begin(&m);
    m.grain = grain;
    uint32_t in[2] = {input(&m, kit_shape(4, 2, 2, 4, 5), 2), input(&m, kit_shape(2, 2, 5), 9)};
    uint32_t y = kit_node(&m.kit, OP_MAX_ROI_POOL, in, 2);
    kit_attribute_ints(&m.kit, "pooled_shape", pooled, 2);
    kit_attribute_float(&m.kit, "spatial_scale", scale);
    try_model(&m, y, order_pool);
}

/* 0.9 5 is a half in float32, and a little less without rounding. */
TEST(maxima_of_regions)
{
    max_roi_pool(0.5, 0x1p-5);
    max_roi_pool(element_round(ELEMENT_F32, 0.9), 0.25);
}

/* ---- MaxUnpool ---- */

static const int64_t two[2] = {2, 2};

static void unpool_attributes(struct kit *kit)
{
    kit_attribute_ints(kit, "kernel_shape", two, 2);
    kit_attribute_ints(kit, "strides", two, 2);
}

TEST(maxima_put_back_at_computed_places)
{
    static const int64_t larger[4] = {1, 1, 5, 6};
    struct model m;
    begin(&m);
    uint32_t in[3] = {input(&m, kit_shape(4, 1, 1, 2, 2), 2),
                      integer_input(&m, kit_shape(4, 1, 1, 2, 2), 16),
                      kit_constant_i64(&m.kit, kit_shape(1, 4), larger)};
    uint32_t y = kit_node(&m.kit, OP_MAX_UNPOOL, in, 3);
    unpool_attributes(&m.kit);
    try_model(&m, y, NULL);
}

TEST(maxima_put_back_where_a_pool_took_them)
{
    static const int64_t three[2] = {3, 3}, one[2] = {1, 1};
    for (int overlapping = 0; overlapping < 2; overlapping++) {
        struct model m;
        begin(&m);
        int side = overlapping ? 5 : 4;
        uint32_t x = input(&m, kit_shape(4, 1, 2, side, side), 2), pooled[2];
        for (int k = 0; k < 2; k++)
            pooled[k] = graph_add_value(m.kit.graph, names[k], VALUE_NODE, ELEMENT_UNDEFINED);
        graph_add_node(m.kit.graph, OP_MAX_POOL, "pool", &x, 1, pooled, 2);
        const int64_t *kernel = overlapping ? three : two, *strides = overlapping ? one : two;
        kit_attribute_ints(&m.kit, "kernel_shape", kernel, 2);
        kit_attribute_ints(&m.kit, "strides", strides, 2);
        uint32_t changed = kit_unary(&m.kit, OP_ABS, pooled[0]);
        uint32_t y = kit_binary(&m.kit, OP_MAX_UNPOOL, changed, pooled[1]);
        kit_attribute_ints(&m.kit, "kernel_shape", kernel, 2);
        kit_attribute_ints(&m.kit, "strides", strides, 2);
        try_model(&m, y, NULL);
    }
}

/* ---- Det ---- */

TEST(determinants)
{
    for (int n = 1; n < 6; n++) {
        struct model m;
        begin(&m);
        try_model(&m, kit_unary(&m.kit, OP_DET, input(&m, kit_shape(3, 2, n, n), 1.5)), NULL);
    }
}
