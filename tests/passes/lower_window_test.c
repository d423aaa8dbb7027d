/* label: fast libs: sertn_runtime */
/*
 * Operators that look at their operand through windows: convolutions, pools. Every attribute, one
 * to three spatial axes; what the float model says, and no change of a witness goes unnoticed.
 */
#include "tests/passes/lower_kit.h"

#include <string.h>

enum { SETS = 12, AXES = 3 };

/* Attributes as lists; a zero first entry leaves a list out. */
struct window_case {
    int64_t kernel[AXES], strides[AXES], dilations[AXES], pads[2 * AXES], extra[AXES];
    int64_t group, ceil_mode, count_pads, p, storage_order;
    const char *auto_pad;
    bool has_pads;
};

static void add_list(struct kit *kit, const char *name, const int64_t *values, unsigned count)
{
    if (values[0] != 0)
        kit_attribute_ints(kit, name, values, count);
}

static void add_attributes(struct kit *kit, const struct window_case *c, unsigned rank)
{
    add_list(kit, "kernel_shape", c->kernel, rank);
    add_list(kit, "strides", c->strides, rank);
    add_list(kit, "dilations", c->dilations, rank);
    add_list(kit, "output_padding", c->extra, rank);
    if (c->has_pads)
        kit_attribute_ints(kit, "pads", c->pads, 2 * rank);
    if (c->auto_pad != NULL)
        kit_attribute_text(kit, "auto_pad", c->auto_pad);
    if (c->group > 1)
        kit_attribute_int(kit, "group", c->group);
    if (c->ceil_mode != 0)
        kit_attribute_int(kit, "ceil_mode", 1);
    if (c->count_pads != 0)
        kit_attribute_int(kit, "count_include_pad", 1);
    if (c->storage_order != 0)
        kit_attribute_int(kit, "storage_order", 1);
    if (c->p != 0)
        kit_attribute_int(kit, "p", c->p);
}

/* Calibrates, lowers, compares on fresh inputs, tampers. */
static void finish(struct kit *kit, struct shape shape, double scale)
{
    for (int i = 0; i < SETS; i++)
        kit_set(kit, (const struct tensor *[]){kit_random_tensor(kit, shape, scale)});
    kit_run(kit);
    for (int i = 0; i < 4; i++) {
        const struct tensor *inputs[] = {kit_random_tensor(kit, shape, scale)};
        kit_compare(kit, inputs, 4e-6, 1e-3);
        if (i == 0)
            kit_tamper_hints(kit, inputs);
    }
    kit_release(kit);
}

static void convolve(enum op_kind op, struct shape x, struct shape w, bool has_bias,
                     struct window_case c)
{
    struct kit kit;
    kit_init(&kit);
    int64_t filters = op == OP_CONV ? w.dim[0] : w.dim[1] * (c.group > 1 ? c.group : 1);
    uint32_t in[3] = {kit_input(&kit, "x", ELEMENT_F32, x), kit_random_parameter(&kit, "w", w, 1)};
    if (has_bias)
        in[2] = kit_random_parameter(&kit, "b", kit_shape(1, (int)filters), 1);
    uint32_t y = kit_node(&kit, op, in, has_bias ? 3 : 2);
    add_attributes(&kit, &c, x.rank - 2u);
    kit_output(&kit, y);
    finish(&kit, x, 2);
}

static void pool(enum op_kind op, struct shape x, struct window_case c)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t y = kit_unary(&kit, op, kit_input(&kit, "x", ELEMENT_F32, x));
    add_attributes(&kit, &c, x.rank - 2u);
    kit_output(&kit, y);
    finish(&kit, x, 2);
}

TEST(convolutions_of_every_form)
{
    convolve(OP_CONV, kit_shape(3, 1, 2, 7), kit_shape(3, 3, 2, 3), true, (struct window_case){0});
    convolve(OP_CONV, kit_shape(4, 2, 2, 4, 5), kit_shape(4, 4, 1, 2, 3), false,
             (struct window_case){.group = 2, .has_pads = true, .pads = {1, 0, 0, 2}});
    convolve(OP_CONV, kit_shape(4, 1, 1, 6, 6), kit_shape(4, 2, 1, 2, 2), true,
             (struct window_case){.strides = {2, 1}, .dilations = {2, 3}});
    convolve(OP_CONV, kit_shape(4, 1, 3, 5, 4), kit_shape(4, 2, 3, 3, 3), false,
             (struct window_case){.auto_pad = "SAME_UPPER", .strides = {2, 2}});
    convolve(OP_CONV, kit_shape(4, 1, 3, 5, 4), kit_shape(4, 3, 1, 2, 2), false,
             (struct window_case){.auto_pad = "SAME_LOWER", .group = 3});
    /* Nine axes: more than a relation has. */
    convolve(OP_CONV, kit_shape(5, 2, 4, 3, 3, 3), kit_shape(5, 4, 2, 2, 2, 2), true,
             (struct window_case){.group = 2});
}

TEST(transposed_convolutions_of_every_form)
{
    convolve(OP_CONV_TRANSPOSE, kit_shape(3, 1, 2, 4), kit_shape(3, 2, 3, 3), true,
             (struct window_case){0});
    convolve(OP_CONV_TRANSPOSE, kit_shape(4, 1, 4, 2, 3), kit_shape(4, 4, 1, 2, 3), false,
             (struct window_case){.group = 2, .strides = {2, 3}, .extra = {1, 2}});
    convolve(OP_CONV_TRANSPOSE, kit_shape(4, 1, 1, 3, 3), kit_shape(4, 1, 2, 3, 3), false,
             (struct window_case){
                 .strides = {2, 2}, .dilations = {1, 2}, .has_pads = true, .pads = {1, 2, 0, 1}});
    convolve(OP_CONV_TRANSPOSE, kit_shape(4, 1, 1, 3, 3), kit_shape(4, 1, 1, 3, 3), false,
             (struct window_case){.auto_pad = "SAME_UPPER", .strides = {2, 2}});
}

TEST(means_over_windows)
{
    pool(OP_AVERAGE_POOL, kit_shape(3, 1, 2, 6), (struct window_case){.kernel = {3}});
    pool(OP_AVERAGE_POOL, kit_shape(4, 1, 2, 5, 4),
         (struct window_case){
             .kernel = {3, 2}, .strides = {2, 1}, .has_pads = true, .pads = {1, 0, 1, 1}});
    pool(OP_AVERAGE_POOL, kit_shape(4, 1, 1, 5, 5),
         (struct window_case){.kernel = {2, 2},
                              .strides = {2, 2},
                              .dilations = {2, 1},
                              .ceil_mode = 1,
                              .count_pads = 1,
                              .has_pads = true,
                              .pads = {1, 1, 1, 0}});
    pool(OP_AVERAGE_POOL, kit_shape(4, 2, 1, 4, 3),
         (struct window_case){.kernel = {2, 2}, .auto_pad = "SAME_LOWER"});
    pool(OP_GLOBAL_AVERAGE_POOL, kit_shape(4, 2, 2, 3, 5), (struct window_case){0});
}

TEST(maxima_over_windows)
{
    pool(OP_MAX_POOL, kit_shape(3, 1, 2, 6), (struct window_case){.kernel = {3}});
    pool(OP_MAX_POOL, kit_shape(4, 1, 1, 5, 4),
         (struct window_case){
             .kernel = {3, 2}, .strides = {2, 1}, .has_pads = true, .pads = {1, 0, 1, 1}});
    pool(OP_MAX_POOL, kit_shape(4, 1, 1, 5, 5),
         (struct window_case){
             .kernel = {2, 2}, .strides = {2, 2}, .dilations = {2, 1}, .ceil_mode = 1});
    pool(OP_MAX_POOL, kit_shape(5, 1, 1, 3, 3, 3),
         (struct window_case){.kernel = {2, 1, 2}, .auto_pad = "SAME_UPPER"});
    pool(OP_GLOBAL_MAX_POOL, kit_shape(4, 1, 2, 3, 3), (struct window_case){0});
}

/* Windows of 5 and more share what they have in common, also in the padding, and with steps that
 * dilations do not divide. */
TEST(maxima_over_windows_that_overlap)
{
    pool(OP_MAX_POOL, kit_shape(3, 1, 2, 20),
         (struct window_case){.kernel = {7}, .has_pads = true, .pads = {3, 3}});
    pool(OP_MAX_POOL, kit_shape(3, 1, 1, 23),
         (struct window_case){
             .kernel = {6}, .strides = {2}, .dilations = {3}, .has_pads = true, .pads = {4, 5}});
    pool(OP_MAX_POOL, kit_shape(4, 1, 2, 9, 8),
         (struct window_case){.kernel = {5, 6},
                              .dilations = {2, 1},
                              .has_pads = true,
                              .pads = {2, 0, 3, 2},
                              .ceil_mode = 1});
    pool(OP_MAX_POOL, kit_shape(3, 1, 1, 40), (struct window_case){.kernel = {16}, .strides = {2}});
}

TEST(norms_over_windows)
{
    pool(OP_LP_POOL, kit_shape(3, 1, 2, 6), (struct window_case){.kernel = {3}});
    pool(OP_LP_POOL, kit_shape(4, 1, 1, 4, 4),
         (struct window_case){.kernel = {2, 2}, .p = 1, .has_pads = true, .pads = {1, 0, 0, 1}});
    pool(OP_LP_POOL, kit_shape(4, 1, 1, 3, 4),
         (struct window_case){.kernel = {2, 2}, .p = 3, .strides = {1, 2}});
    pool(OP_GLOBAL_LP_POOL, kit_shape(3, 1, 2, 4), (struct window_case){0});
}

/* Equal numbers are common, so that the first of them has to win. */
static void indices_are_those_of_the_first_maximum(bool by_column)
{
    struct kit kit;
    struct shape shape = kit_shape(4, 1, 2, 4, 3);
    const struct tensor *inputs[SETS][1];
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape), y[2];
    y[0] = graph_add_value(kit.graph, "y", VALUE_NODE, ELEMENT_F32);
    y[1] = graph_add_value(kit.graph, "indices", VALUE_NODE, ELEMENT_I64);
    graph_add_node(kit.graph, OP_MAX_POOL, "pool", &x, 1, y, 2);
    add_attributes(&kit,
                   &(struct window_case){.kernel = {3, 2},
                                         .strides = {1, 2},
                                         .storage_order = by_column,
                                         .has_pads = true,
                                         .pads = {1, 0, 1, 1}},
                   2);
    kit_output(&kit, y[0]);
    kit_output(&kit, y[1]);
    for (int i = 0; i < SETS; i++) {
        struct tensor *set = kit_random_tensor(&kit, shape, 1);
        for (size_t e = 0; e < set->count; e++)
            set->data.real[e] = (double)test_random_below(3);
        inputs[i][0] = set;
        kit_set(&kit, inputs[i]);
    }
    kit_run(&kit);
    for (int i = 0; i < SETS; i++)
        kit_compare(&kit, inputs[i], 1e-6, 1e-3);
    kit_tamper_hints(&kit, inputs[0]);
    kit_release(&kit);
}

TEST(indices_of_maxima)
{
    indices_are_those_of_the_first_maximum(false);
    indices_are_those_of_the_first_maximum(true);
}
