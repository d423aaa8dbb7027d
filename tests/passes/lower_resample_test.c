/* label: fast libs: sertn_runtime */
/*
 * Operators that are linear in their operand with coefficients that everybody knows: resampling,
 * transforms, grids; and those with one factor for each channel.
 */
#include "tests/passes/lower_kit.h"
#include "tests/passes/tamper_kit.h"

#include <string.h>

enum { SETS = 10, INPUTS_MAX = 5 };

/* A graph with inputs of given shapes. */
struct model {
    struct kit kit;
    struct shape shape[INPUTS_MAX];
    double scale[INPUTS_MAX];
    size_t positive; /* bit i: input i is made positive */
    size_t count;
};

static void begin(struct model *m)
{
    memset(m, 0, sizeof *m);
    kit_init(&m->kit);
}

static uint32_t input(struct model *m, struct shape shape, double scale, bool positive)
{
    static const char *const names[INPUTS_MAX] = {"a", "b", "c", "d", "e"};
    m->shape[m->count] = shape;
    m->scale[m->count] = scale;
    m->positive |= (size_t)positive << m->count;
    return kit_input(&m->kit, names[m->count++], ELEMENT_F32, shape);
}

static uint32_t reals(struct model *m, struct shape shape, const double *values)
{
    return kit_parameter(&m->kit, "given", shape, values);
}

static uint32_t integers(struct model *m, struct shape shape, const int64_t *values)
{
    return kit_constant_i64(&m->kit, shape, values);
}

/* Scales are known to everybody. */
static uint32_t known_reals(struct model *m, int count, const double *values)
{
    uint32_t v = reals(m, kit_shape(1, count), values);
    m->kit.graph->values[v].kind = VALUE_CONSTANT;
    return v;
}

static void draw(struct model *m, const struct tensor **in)
{
    for (size_t i = 0; i < m->count; i++) {
        struct tensor *x = kit_random_tensor(&m->kit, m->shape[i], m->scale[i]);
        for (size_t e = 0; (m->positive >> i & 1) != 0 && e < x->count; e++)
            x->data.real[e] = x->data.real[e] < 0 ? -x->data.real[e] : x->data.real[e];
        in[i] = x;
    }
}

static void finish(struct model *m, uint32_t output)
{
    const struct tensor *in[INPUTS_MAX];
    kit_output(&m->kit, output);
    for (int i = 0; i < SETS; i++) {
        draw(m, in);
        kit_set(&m->kit, in);
    }
    kit_run(&m->kit);
    for (int i = 0; i < 4; i++) {
        draw(m, in);
        kit_compare(&m->kit, in, 4e-6, 1e-3);
        if (i > 0)
            continue;
        kit_tamper_hints(&m->kit, in);
        kit_tamper_circuit(&m->kit, in, 25);
    }
    kit_release(&m->kit);
}

/* ---- Resize ---- */

struct resize_case {
    const char *mode, *coordinates, *nearest;
    double scale[2]; /* of the last two axes */
    bool antialias, exclude_outside;
};

static void resize(struct resize_case c)
{
    struct model m;
    begin(&m);
    const double scales[4] = {1, 1, c.scale[0], c.scale[1]},
                 region[8] = {0, 0, 0.4, -0.2, 1, 1, 1.3, 0.8};
    uint32_t in[3] = {input(&m, kit_shape(4, 1, 2, 4, 5), 2, false), known_reals(&m, 8, region),
                      known_reals(&m, 4, scales)};
    if (strcmp(c.coordinates, "tf_crop_and_resize") != 0)
        in[1] = GRAPH_NONE;
    uint32_t y = kit_node(&m.kit, OP_RESIZE, in, 3);
    kit_attribute_text(&m.kit, "mode", c.mode);
    kit_attribute_text(&m.kit, "coordinate_transformation_mode", c.coordinates);
    if (c.nearest != NULL)
        kit_attribute_text(&m.kit, "nearest_mode", c.nearest);
    kit_attribute_int(&m.kit, "antialias", c.antialias);
    kit_attribute_int(&m.kit, "exclude_outside", c.exclude_outside);
    kit_attribute_float(&m.kit, "extrapolation_value", 1.5);
    finish(&m, y);
}

TEST(resize_in_every_mode)
{
    static const char *const coordinates[] = {"half_pixel",         "half_pixel_symmetric",
                                              "pytorch_half_pixel", "align_corners",
                                              "asymmetric",         "tf_crop_and_resize"};
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                          "ceil", "simple"};
    for (unsigned i = 0; i < 6; i++) {
        double up = test_random_below(2) == 0 ? 1.7 : 0.6;
        resize((struct resize_case){.mode = modes[i % 3],
                                    .coordinates = coordinates[i],
                                    .nearest = nearest[i % 5],
                                    .scale = {up, 2.3 - up}});
        resize((struct resize_case){.mode = modes[(i + 1) % 3],
                                    .coordinates = coordinates[i],
                                    .nearest = nearest[(i + 1) % 5],
                                    .scale = {2.3 - up, up},
                                    .exclude_outside = i == 1});
    }
    resize((struct resize_case){
        .mode = "linear", .coordinates = "half_pixel", .scale = {0.5, 0.4}, .antialias = true});
    resize((struct resize_case){
        .mode = "cubic", .coordinates = "half_pixel", .scale = {0.5, 0.7}, .antialias = true});
}

/* ---- grids and blocks ---- */

static void affine_grid(int rank, bool align)
{
    static const int64_t sizes[5] = {2, 1, 2, 3, 1};
    struct model m;
    begin(&m);
    uint32_t theta = input(&m, kit_shape(3, 2, rank, rank + 1), 1, false);
    uint32_t size = integers(&m, kit_shape(1, rank + 2), sizes);
    uint32_t y = kit_binary(&m.kit, OP_AFFINE_GRID, theta, size);
    kit_attribute_int(&m.kit, "align_corners", align);
    finish(&m, y);
}

TEST(affine_grids)
{
    affine_grid(2, false);
    affine_grid(2, true);
    affine_grid(3, false);
}

TEST(blocks_are_added_up_to_an_image)
{
    static const int64_t image[2] = {4, 5}, block[2] = {2, 3}, strides[2] = {2, 1},
                         dilations[2] = {1, 2}, pads[4] = {1, 0, 0, 1};
    struct model m;
    begin(&m);
    uint32_t in[3] = {input(&m, kit_shape(3, 1, 12, 4), 2, false),
                      integers(&m, kit_shape(1, 2), image), integers(&m, kit_shape(1, 2), block)};
    uint32_t y = kit_node(&m.kit, OP_COL2IM, in, 3);
    kit_attribute_ints(&m.kit, "strides", strides, 2);
    kit_attribute_ints(&m.kit, "dilations", dilations, 2);
    kit_attribute_ints(&m.kit, "pads", pads, 4);
    finish(&m, y);
}

/* ---- transforms ---- */

static void transform(struct shape shape, int64_t length, int64_t axis, bool inverse, bool onesided)
{
    struct model m;
    begin(&m);
    uint32_t in[3] = {input(&m, shape, 2, false),
                      length > 0 ? integers(&m, kit_shape(0), &length) : GRAPH_NONE,
                      integers(&m, kit_shape(0), &axis)};
    uint32_t y = kit_node(&m.kit, OP_DFT, in, 3);
    kit_attribute_int(&m.kit, "inverse", inverse);
    kit_attribute_int(&m.kit, "onesided", onesided);
    finish(&m, y);
}

TEST(discrete_fourier_transforms)
{
    transform(kit_shape(3, 1, 6, 1), 0, 1, false, false);
    transform(kit_shape(3, 2, 5, 2), 0, -2, false, false);
    transform(kit_shape(4, 1, 4, 3, 2), 6, 1, true, false);
    transform(kit_shape(3, 1, 6, 1), 5, 1, false, true);
    transform(kit_shape(3, 1, 4, 2), 6, 1, true, true);
}

static void short_time(int parts, bool onesided, int window, int64_t step)
{
    static const double weights[4] = {0.25, 1, 0.5, 0.75};
    struct model m;
    begin(&m);
    int64_t length = 4;
    uint32_t in[4] = {input(&m, kit_shape(3, 1, 11, parts), 2, false),
                      integers(&m, kit_shape(0), &step), GRAPH_NONE,
                      integers(&m, kit_shape(0), &length)};
    if (window == 1)
        in[2] = input(&m, kit_shape(1, 4), 1, false);
    else if (window > 1)
        in[2] = reals(&m, kit_shape(1, 4), weights);
    if (window == 3)
        m.kit.graph->values[in[2]].kind = VALUE_CONSTANT;
    uint32_t y = kit_node(&m.kit, OP_STFT, in, 4);
    kit_attribute_int(&m.kit, "onesided", onesided);
    finish(&m, y);
}

TEST(short_time_transforms)
{
    short_time(1, true, 0, 3);
    short_time(1, false, 1, 2);
    short_time(1, true, 2, 2);
    short_time(2, false, 3, 4);
}

/* ---- a factor for each channel ---- */

static void batch_normalization(bool stored, double epsilon)
{
    static const double scale[3] = {1, -0.5, 2}, bias[3] = {0.5, 0, -1}, mean[3] = {0.25, -1, 0},
                        variance[3] = {0.5, 2, 0.01};
    struct model m;
    begin(&m);
    struct shape line = kit_shape(1, 3);
    uint32_t in[5] = {input(&m, kit_shape(3, 2, 3, 4), 2, false)};
    in[1] = stored ? reals(&m, line, scale) : input(&m, line, 1, false);
    in[2] = stored ? reals(&m, line, bias) : input(&m, line, 1, false);
    in[3] = stored ? reals(&m, line, mean) : input(&m, line, 1, false);
    in[4] = stored ? reals(&m, line, variance) : input(&m, line, 1, true);
    uint32_t y = kit_node(&m.kit, OP_BATCH_NORMALIZATION, in, 5);
    kit_attribute_float(&m.kit, "epsilon", epsilon);
    finish(&m, y);
}

TEST(batch_normalization_with_stored_and_computed_statistics)
{
    batch_normalization(true, 1e-5);
    batch_normalization(false, 1e-2);
}

TEST(local_response_normalization)
{
    /* Beyond seven there are no more of four channels. */
    static const int64_t sizes[] = {1, 2, 3, 4, 6, 7, 12, INT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t size = sizes[i];
        struct model m;
        begin(&m);
        uint32_t y = kit_unary(&m.kit, OP_LRN, input(&m, kit_shape(3, 1, 4, 3), 2, false));
        kit_attribute_int(&m.kit, "size", size);
        kit_attribute_float(&m.kit, "alpha", 0.5);
        kit_attribute_float(&m.kit, "bias", size == 3 ? 0.25 : 1);
        finish(&m, y);
    }
}
